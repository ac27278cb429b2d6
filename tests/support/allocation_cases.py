"""Cases of capacity allocation: forms of revenue, groups of retailers, by hand and at random."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from support.strategies import shares
from veridical.data.allocation import AllocationCase
from veridical.data.fields import check


def newsvendor(distribution: str, **parameters: float) -> dict[str, Any]:
    """Return the revenue of a retailer who sells at 10 what demand of a distribution lets him."""
    return {"form": "newsvendor", "price": 10.0, "demand": {"distribution": distribution, **parameters}}


LINEAR: dict[str, Any] = {"form": "linear_demand"}
POWER: dict[str, Any] = {"form": "power_demand", "scale": 1.3, "exponent": 1.7}
ROOT: dict[str, Any] = {"form": "power_demand", "scale": 0.8, "exponent": 0.5}
NORMAL, UNIFORM, EXPONENTIAL = newsvendor("normal", sd=1.0), newsvendor("uniform"), newsvendor("exponential")
GAMMA = newsvendor("gamma", shape=0.7)
FORMS = [LINEAR, POWER, ROOT, NORMAL, UNIFORM, EXPONENTIAL, GAMMA]
CONCENTRATED = [0.05, 0.25, 0.4, 0.25, 0.05]  # Table 1's prior over its five types


def form_name(raw: Any) -> str:
    """Return what a form of revenue is called in the name of a test."""
    return str(raw.get("demand", raw).get("distribution", raw["form"])) if isinstance(raw, dict) else "own"


def group(types: Any, probabilities: Any = None, revenue: Any = LINEAR, count: int = 1, **named: str) -> dict[str, Any]:
    """Return a group of retailers, whose types are equally likely unless their probabilities are given."""
    f = [1 / len(types)] * len(types) if probabilities is None else list(probabilities)
    return {"count": count, "types": list(types), "probabilities": f, "revenue": revenue, **named}


def case(*groups: dict[str, Any], **fields: Any) -> AllocationCase:
    """Return a case of some groups of retailers."""
    return unnamed_case(*groups, name="by hand", **fields)


def unnamed_case(*groups: dict[str, Any], **fields: Any) -> AllocationCase:
    """Return a case without a name, unless it is among the fields."""
    return check(AllocationCase, {"retailers": list(groups), **fields})


def raw_group(**changes: Any) -> dict[str, Any]:
    """Return a group of two retailers with three types in which some fields are changed, or left out where they are None."""
    raw = {"count": 2, "types": [4, 5, 6], "probabilities": [0.2, 0.3, 0.5], "revenue": LINEAR, **changes}
    return {key: value for key, value in raw.items() if value is not None}


def raw_case(*groups: dict[str, Any], **changes: Any) -> AllocationCase:
    """Return a case of such groups, of one where none is given, with a capacity of 3."""
    return check(AllocationCase, {"capacity": 3.0, "retailers": list(groups) or [raw_group()], **changes})


def prior_case(raw: dict[str, Any], revenue: dict[str, Any], count: int, **fields: Any) -> AllocationCase:
    """Return a case of retailers whose types have a continuous prior."""
    return case({"count": count, "prior": raw, "revenue": revenue}, **fields)


@st.composite
def random_groups(draw: st.DrawFn, forms: Any, retailers: int, most_types: int = 4, least: int = 0) -> dict[str, Any]:
    """Return groups of up to that many retailers and types; `least=1` leaves out types that never occur."""
    count = draw(st.integers(1, most_types))
    types = np.cumsum(draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))) / 2
    return group(types.tolist(), draw(shares(count, least)), draw(st.sampled_from(forms)), draw(st.integers(1, retailers)))


def allocation_cases(forms: Any, most: int = 2, retailers: int = 3, **options: Any) -> st.SearchStrategy[AllocationCase]:
    """Return cases of up to that many groups, whose capacity is scarce or not."""
    parts = st.lists(random_groups(forms, retailers, **options), min_size=1, max_size=most)
    return st.builds(lambda found, capacity: case(*found, capacity=capacity), parts, st.floats(0.2, 15.0))
