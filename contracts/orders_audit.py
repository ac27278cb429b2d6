"""The audit of the fixed-price game: who would not order the truth, and gain what; and whether the orders are an equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from veridical.contracts.allotment_audit import AllocationAudit, RetailerMisreport, RetailerResult
from veridical.contracts.audit import audit
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful
from veridical.contracts.orders import Equilibrium, Ordering
from veridical.contracts.properties import applies_to, worst_case
from veridical.data import AllocationCase
from veridical.data.arrays import Array

__all__ = ["GameAudit"]


@dataclass(frozen=True)
class GameAudit(AllocationAudit):
    """What an equilibrium of orders is worth; money in currency, expectations over the others' types.

    `properties`: bayesian_ic, of truthful orders if the others order the truth; equilibrium, of the orders that are placed;
    interim_ir; capacity. A report is an order, in units. A gain is relative to what the retailer himself earns and pays, and his
    stake is the most that he could keep of any number of units.

    Examples
    --------
    >>> import veridical as vd
    >>> audit = vd.solve(vd.example("five-retailers"), "fixed_price").audit
    >>> str(audit.properties["equilibrium"].verdict), audit.truthful      # who orders the truth gains by ordering more
    ('holds', False)
    """

    def held_to(self, promises: tuple[str, ...]) -> GameAudit:
        """Return this audit: truth and participation are always in expectation."""
        return self


@audit.register
def _(equilibrium: Equilibrium) -> GameAudit:
    """Return the audit of an equilibrium: of its orders, and of the truthful ones that they stand in place of."""
    better = _better_orders(equilibrium.truth)
    losses = [
        Compared(RetailerMisreport(name, theta, theta, "", -profit), allowed(amount, stake))
        for (name, theta, profit), amount, stake in _amounts(equilibrium)
    ]
    losses.sort(
        key=lambda loss: (loss.misreport.retailers, loss.misreport.type), reverse=True
    )  # of equal ones the highest type's
    used, capacity = float(equilibrium.allotted.max()), equilibrium.capacity
    results = {
        "bayesian_ic": worst_case(RetailerResult, "bayesian_ic", better),
        "equilibrium": worst_case(RetailerResult, "equilibrium", _better_orders(equilibrium)),
        "interim_ir": worst_case(RetailerResult, "interim_ir", losses, truthful=True),
        "capacity": RetailerResult("capacity", used - capacity <= allowed(capacity, capacity), used - capacity),
    }
    return GameAudit(results, {"bayesian_ic": gainful(better)}, equilibrium.supplier_profit, equilibrium.scale)


applies_to(Equilibrium, "bayesian_ic", "interim_ir", "capacity", "equilibrium")


def _by_type(case: AllocationCase, values: Sequence[Array]) -> list[tuple[str, float, float]]:
    groups = zip(case.names, case.retailers, values, strict=True)
    return [(name, *pair) for name, group, by_type in groups for pair in zip(group.theta.tolist(), by_type.tolist(), strict=True)]


def _amounts(orders: Ordering) -> list[tuple[tuple[str, float, float], float, float]]:
    """Return each type's profit, the larger of what it earns and pays, and the most that it could keep of any number of units."""
    case, price = orders.case, orders.wholesale_price
    groups = zip(case.retailers, orders.truthful_orders, strict=True)
    kept = [group.revenue.value(units, group.theta) - price * units for group, units in groups]
    entries = zip(*(_by_type(case, values) for values in (orders.retailer_profits, orders.payments, kept)), strict=True)
    return [(profit, max(abs(profit[2] + paid), abs(paid)), most) for profit, (*_, paid), (*_, most) in entries]


def _better_orders(orders: Ordering) -> list[Compared]:
    """Return each type's best other order and what it gains."""
    entries = zip(_by_type(orders.case, orders.best_orders), _by_type(orders.case, orders.gains), _amounts(orders), strict=True)
    return [
        Compared(
            RetailerMisreport(name, theta, order, "", gain),
            allowed(max(amount, abs(profit + gain)), stake),
            NOISE * stake,
        )
        for (name, theta, order), (*_, gain), ((*_, profit), amount, stake) in entries
    ]
