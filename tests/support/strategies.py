"""Strategies and settings of random tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st

Function = Callable[..., Any]


def examples(count: int) -> Callable[[Function], Function]:
    """Return hypothesis' settings, with a seed that is the name of the test: it draws the same wherever it stands."""
    suppressed = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    fixed = settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=suppressed)
    return lambda test: seed(test.__name__)(fixed(test))


def shares(count: int, least: int) -> st.SearchStrategy[list[float]]:
    """Return probabilities in proportion to whole numbers from `least` to 9, of which one at least is positive."""
    weights = st.lists(st.integers(least, 9), min_size=count, max_size=count).filter(any)
    return weights.map(lambda found: (np.array(found) / sum(found)).tolist())
