"""The numbers of a supplier's case that a model which is built once can be given from another case: capacity, or what it costs.

They stand in mutable Params. What retailers earn, and how likely their types are, is what models are built from: see `carried`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from veridical.data import AllocationCase
from veridical.models.allocation import vocabulary
from veridical.models.allocation.own_revenue import OwnRevenue
from veridical.models.allocation.regularity import pooled
from veridical.models.allocation.terms import steady
from veridical.models.info import Carried

__all__ = ["carried"]


def carried(pools: bool = False) -> Carried:
    """Return how models of a mechanism are given other numbers; `pools`: whether it decides which types may be pooled."""

    def structure(
        case: AllocationCase, points: int = vocabulary.POINTS, monotonicity: bool | None = None, **parameters: Any
    ) -> Hashable | None:
        if any(isinstance(group.revenue, OwnRevenue) for group in case.retailers):
            return None  # looked at up to the capacity, before anything is built
        decided: tuple[bytes, ...] = ()
        if pools and monotonicity is None:
            finite = vocabulary.occurring(case.grid(points) if case.continuous else case)
            decided = tuple(pooled(group, case.capacity).tobytes() for group in finite.retailers)
        fixed = case.capacity if steady(case) else case.capacity is None
        return case.retailers, case.prior, case.fixed_price, fixed, decided

    return Carried(structure, renumber)


def renumber(m: Any, case: AllocationCase) -> None:
    """Give a model that was built for a case of the same structure the numbers of this one."""
    info = vocabulary.details(m)
    if case.capacity is None:
        m.capacity_cost.set_value(case.capacity_cost)
    elif m.K.mutable:
        m.K.set_value(case.capacity)
    same = info.case.retailers == case.retailers  # else there are points in the place of a continuous prior
    info.case = case if same else case.changed(retailers=info.case.retailers)
    if info.refresh is not None:
        info.refresh(m)
