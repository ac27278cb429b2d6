"""What retailers' contracts say beside type, as numbers of a model: what they earn elsewhere, and what they can take.

They stand in mutable Params: `reservation_profit`, by group or `group=type`, and `deliverable`, by group (see `steady`).
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.data import AllocationCase
from veridical.data.arrays import Array
from veridical.data.assembler import label
from veridical.models.info import info_of

__all__ = ["changed", "declare", "owed", "reserved", "steady"]


def declare(m: Any) -> None:
    """Declare the Params that the model's case has, with names that results carry their derivatives by."""
    info = info_of(m)
    case: AllocationCase = info.case
    some = [g for g, group in enumerate(case.retailers) if group.reservations.any()]
    if profits := {token: float(r) for g in some for token, r in zip(*_elsewhere(case, g), strict=True)}:
        m.reservation_profit = pyo.Param(list(profits), initialize=profits, mutable=True)
        info.parameters |= {f"reservation_profit {token}": m.reservation_profit[token] for token in profits}
    groups = zip(case.names, case.retailers, strict=True)
    if limits := {name: group.capacity for name, group in groups if group.capacity is not None}:
        m.deliverable = pyo.Param(list(limits), initialize=limits, mutable=not steady(case))
        info.parameters |= {} if steady(case) else {f"capacity {name}": m.deliverable[name] for name in limits}


def steady(case: AllocationCase) -> bool:
    """Whether a model's capacities are to stay as they were when it was built, as more than rows follows from them.

    Bounds and tangents of minimum orders do, and whether units of correlated types could be handed out to be salvaged.
    """
    return case.has_minimum_orders or (not case.independent and any(group.revenue.floor > 0 for group in case.retailers))


def reserved(m: Any, g: str, theta: float) -> Any:
    """Return what a type earns elsewhere, currency: 0 where the case says nothing."""
    known = m.component("reservation_profit")
    token = g if known is None or g in known else f"{g}={label(theta)}"
    return known[token] if known is not None and token in known else 0.0


def owed(m: Any, lowest: bool) -> Any:
    """Return what all retailers together are left in expectation beyond rents: what the lowest types earn elsewhere, or each."""
    if m.component("reservation_profit") is None:
        return 0.0
    case: AllocationCase = info_of(m).case
    of = {name: float(group.theta[0]) for name, group in zip(case.names, case.retailers, strict=True)}
    members = dict(zip(case.names, case.members, strict=True))
    return pyo.quicksum(
        members[g] * m.type_probability[g, theta] * reserved(m, g, of[g] if lowest else theta) for g, theta in m.TYPES
    )


def changed(m: Any, case: AllocationCase) -> dict[str, Any]:
    """Return the fields of retailers whose numbers in the model are no longer the case's."""
    changes: dict[str, Any] = {}
    limits, profits = m.component("deliverable"), m.component("reservation_profit")
    for g, (name, group) in enumerate(zip(case.names, case.retailers, strict=True)):
        if isinstance(limits, pyo.Param) and name in limits and pyo.value(limits[name]) != group.capacity:
            changes[f"retailers.{g}.capacity"] = pyo.value(limits[name])
        tokens, given = _elsewhere(case, g)
        if isinstance(profits, pyo.Param) and tokens[0] in profits:
            now = tuple(profits[token].value for token in tokens)
            if now != tuple(given.tolist()):
                varies = isinstance(group.reservation_profit, tuple)
                changes[f"retailers.{g}.reservation_profit"] = now if varies else now[0]
    return changes


def _elsewhere(case: AllocationCase, g: int) -> tuple[tuple[str, ...], Array]:
    """Return what a group's reservation profits are called, and what they are: one, or one a type."""
    tokens = case.reservation_tokens(g)
    return tokens, case.retailers[g].reservations[: len(tokens)]
