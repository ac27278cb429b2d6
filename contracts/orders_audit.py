"""The audit of the fixed-price game: who would not order the truth, and gain what; and whether the orders are an equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.contracts.allotment_audit import ROUNDING, AllocationAudit, RetailerMisreport, RetailerResult
from veridical.contracts.audit import audit
from veridical.contracts.orders import Equilibrium, Ordering
from veridical.contracts.properties import TOLERANCE, applies_to, gainful, worst_case
from veridical.data import AllocationCase
from veridical.data.arrays import Array

__all__ = ["GameAudit"]


@dataclass(frozen=True)
class GameAudit(AllocationAudit):
    """What an equilibrium of orders is worth; money in currency, expectations over the others' types.

    `properties`: bayesian_ic, of truthful orders if the others order the truth; equilibrium, of the orders that are placed;
    interim_ir; capacity. A report is an order, in units.
    """

    def held_to(self, promises: tuple[str, ...]) -> GameAudit:
        """Return this audit: truth and participation are always in expectation."""
        return self


@audit.register
def _(equilibrium: Equilibrium) -> GameAudit:
    """Return the audit of an equilibrium: of its orders, and of the truthful ones that they stand in place of."""
    case, scale = equilibrium.case, max(equilibrium.scale, float(np.finfo(float).tiny))
    allowed = TOLERANCE * scale
    better = _better_orders(equilibrium.truth)
    profits = _by_type(case, equilibrium.retailer_profits)
    losses = [RetailerMisreport(name, theta, theta, "", -profit) for name, theta, profit in profits]
    losses.sort(key=lambda loss: (loss.retailers, loss.type), reverse=True)  # of equal losses the highest type's is named
    used, capacity = float(equilibrium.allotted.max()), equilibrium.capacity
    results = {
        "bayesian_ic": worst_case(RetailerResult, "bayesian_ic", better, allowed),
        "equilibrium": worst_case(RetailerResult, "equilibrium", _better_orders(equilibrium), allowed),
        "interim_ir": worst_case(RetailerResult, "interim_ir", losses, allowed, truthful=True),
        "capacity": RetailerResult("capacity", used <= capacity * (1 + TOLERANCE), used - capacity),
    }
    best = gainful(better, above=ROUNDING * scale)
    return GameAudit(results, {"bayesian_ic": best}, equilibrium.supplier_profit, scale)


applies_to(Equilibrium, "bayesian_ic", "interim_ir", "capacity", "equilibrium")


def _by_type(case: AllocationCase, values: Sequence[Array]) -> list[tuple[str, float, float]]:
    groups = zip(case.names, case.retailers, values, strict=True)
    return [(name, *pair) for name, group, by_type in groups for pair in zip(group.theta.tolist(), by_type.tolist(), strict=True)]


def _better_orders(orders: Ordering) -> list[RetailerMisreport]:
    """Return each type's best other order and what it gains."""
    pairs = zip(_by_type(orders.case, orders.best_orders), _by_type(orders.case, orders.gains), strict=True)
    return [RetailerMisreport(name, theta, order, "", gain) for (name, theta, order), (_, _, gain) in pairs]
