"""Strategies and settings of random tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

Function = Callable[..., Any]


def draw_the_same_everywhere() -> None:
    """Have every random test draw the same on any machine and in any order of tests, with one version of hypothesis.

    Its seed is its source, not the time. Hypothesis also draws constants that it finds in modules outside of site-packages, which
    are others where the package is installed than in a working copy, and others in each process of pytest-xdist: those of what
    ran there before. It has no setting for that.
    """
    settings.register_profile("everywhere", derandomize=True, deadline=None)
    settings.load_profile("everywhere")
    if hasattr(providers, "_get_local_constants"):  # since 6.131
        none = providers._local_constants  # there are none yet
        providers._get_local_constants = lambda: none


def examples(count: int) -> Callable[[Function], Function]:
    """Return hypothesis' settings, with a seed that is the name of the test: it draws the same wherever it stands."""
    suppressed = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    fixed = settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=suppressed)
    return lambda test: seed(test.__name__)(fixed(test))


def shares(count: int, least: int) -> st.SearchStrategy[list[float]]:
    """Return probabilities in proportion to whole numbers from `least` to 9, of which one at least is positive."""
    weights = st.lists(st.integers(least, 9), min_size=count, max_size=count).filter(any)
    return weights.map(lambda found: (np.array(found) / sum(found)).tolist())
