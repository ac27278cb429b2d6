"""The audit of the fixed-price game: who would not order the truth, and gain what; and whether the orders are an equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veridical.contracts.allotment_audit import AllocationAudit, RetailerFinding, RetailerMisreport
from veridical.contracts.audit import audit
from veridical.contracts.orders import Equilibrium, Ordering
from veridical.contracts.properties import TOLERANCE
from veridical.data import AllocationCase

__all__ = ["GameAudit"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GameAudit(AllocationAudit):
    """What an equilibrium of orders is worth; money in currency, expectations over the others' types.

    `findings`: bayesian_ic, of truthful orders if the others order the truth; equilibrium, of the orders that are placed;
    interim_ir; capacity. A report is an order, in units.
    """

    def held_to(self, promises: tuple[str, ...]) -> GameAudit:
        """Return this audit: truth and participation are always in expectation."""
        return self


@audit.register
def _(found: Equilibrium) -> GameAudit:
    """Return the audit of an equilibrium: of its orders, and of the truthful ones that they stand in place of."""
    case, scale = found.case, max(found.scale, float(np.finfo(float).tiny))
    lies = _better(found.truth)
    losses = [(-float(profit), name, float(theta)) for name, theta, profit in _by_type(case, found.retailer_profits)]
    worst = max(losses)
    used = float((found.profiles.counts * found.by_type).sum(axis=1).max())
    findings = {
        "bayesian_ic": _finding("bayesian_ic", lies, scale),
        "equilibrium": _finding("equilibrium", _better(found), scale),
        "interim_ir": RetailerFinding("interim_ir", worst[0] <= TOLERANCE * scale, worst[0], worst[1], worst[2]),
        "capacity": RetailerFinding("capacity", used <= found.capacity * (1 + TOLERANCE), used - found.capacity),
    }
    gainful = tuple(lie for lie in lies if lie.gain > 1e-9 * scale)  # less is rounding: nobody lies for it
    return GameAudit(findings, {"bayesian_ic": gainful}, found.supplier_profit, scale)


def _by_type(case: AllocationCase, each: Sequence[Array]) -> list[tuple[str, float, float]]:
    groups = zip(case.names, case.retailers, each, strict=True)
    return [
        (name, theta, value)
        for name, group, own in groups
        for theta, value in zip(group.theta.tolist(), own.tolist(), strict=True)
    ]


def _better(orders: Ordering) -> list[RetailerMisreport]:
    """Return each type's best other order and what it gains, most gain first."""
    pairs = zip(_by_type(orders.case, orders.best_orders), _by_type(orders.case, orders.gains), strict=True)
    found = [RetailerMisreport(name, theta, order, "", gain) for (name, theta, order), (_, _, gain) in pairs]
    return sorted(found, key=lambda lie: -lie.gain)


def _finding(name: str, lies: list[RetailerMisreport], scale: float) -> RetailerFinding:
    best = lies[0]
    return RetailerFinding(name, best.gain <= TOLERANCE * scale, best.gain, best.retailers, best.type, best.report)
