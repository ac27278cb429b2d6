"""The audit of a contract menu: which supplier would misreport his cost, as what, and gain how much.

An expectation is over the others' costs given one's own, so types that never occur have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from veridical.contracts.audit import Audit, audit
from veridical.contracts.coalitions import COALITIONS, check_coalitions
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful, worst, worst_place
from veridical.contracts.menu import Menu
from veridical.contracts.properties import INCENTIVES, PARTICIPATION, PropertyResult, applies_to, worst_case
from veridical.data.arrays import Array

__all__ = ["Misreport", "SupplierResult", "check_properties"]


@dataclass(frozen=True)
class SupplierResult(PropertyResult):
    """Whether a menu has a property; `worst` in currency, for `balanced` in units.

    The worst case: `supplier` with `cost` reports `report` while the others report `others`; for `balanced`
    and `budget` the profile `others`; None where there is no such part.
    """

    supplier: str | None = None
    cost: float | None = None
    report: float | None = None
    others: str | None = None

    WORDS: ClassVar = {"supplier": "supplier", "cost": "cost", "report": "report", "others": "others"}


@dataclass(frozen=True)
class Misreport:
    """Supplier `supplier`, whose cost is `cost`, reports `report` while the others report `others`, and gains `gain`.

    `others` is empty where the gain is an expectation, or where there are no others.
    """

    supplier: str
    cost: float
    report: float
    others: str
    gain: float


def check_properties(menu: Menu) -> tuple[dict[str, PropertyResult], dict[str, tuple[Misreport, ...]]]:
    """Return every result; and for each incentive concept the best misreport of each supplier, the largest gain first.

    What a supplier gains is relative to his own payments and costs, by the truth and by the report, in this profile or in
    expectation, and his stake is the most that any report brings or costs him. `balanced` is relative to the quantities bought
    at this profile, `budget` to what is paid and to what is sold there.
    """
    case = menu.case
    extremes: dict[str, list[Compared]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION)}
    tokens = [case.tokens(i) for i in range(len(case.shape))]
    for i in range(len(case.shape)):
        for name, compared in _misreports(menu, i, tokens[:i] + tokens[i + 1 :]).items():
            extreme = worst(compared)
            if extreme is not None:
                extremes[name].append(extreme)
    results: dict[str, PropertyResult] = {
        name: worst_case(SupplierResult, name, compared, truthful=name in PARTICIPATION) for name, compared in extremes.items()
    }
    sales = case.revenue(menu.assembled)
    deficit, turnover = menu.payment.sum(axis=0) - sales, np.maximum(np.abs(menu.payment).sum(axis=0), np.abs(sales))
    for name, excess, amount in (("balanced", menu.spread, menu.most), ("budget", deficit, turnover)):
        most = allowed(amount, amount.max())
        place = worst_place(excess, most)
        results[name] = SupplierResult(name, bool((excess <= most).all()), float(excess[place]), others=case.in_words(place))

    def outcome(i: int, k: int) -> tuple[Array, Array]:
        return _profit(menu.payment[i], menu.quantity[i], case.suppliers[i].costs[k])

    results |= check_coalitions(case.names, [supplier.costs for supplier in case.suppliers], outcome)
    return results, {name: gainful(extremes[name]) for name in INCENTIVES}


@audit.register
def _(menu: Menu) -> Audit:
    results, misreports = check_properties(menu)
    return Audit(results, misreports, menu.expected_profit, float(np.abs(menu.payment).max()))


applies_to(Menu, *INCENTIVES, *PARTICIPATION, "balanced", "budget", *COALITIONS)


def _profit(payment: Array, quantity: Array, cost: float) -> tuple[Array, Array]:
    """Return what a supplier with a cost keeps, and the larger of what he is paid and what his units cost him; currency."""
    return payment - cost * quantity, np.maximum(np.abs(payment), cost * np.abs(quantity))


def _misreports(menu: Menu, i: int, rest: list[tuple[str, ...]]) -> dict[str, list[Compared]]:
    """Return supplier i's gain from every misreport, and his loss by the truth: the worst over the others' reports, and expected.

    Keyed by the property that a gain would violate; a loss stands as a misreport of the truth. What is allowed is averaged as
    the gain is, so that nobody can gain in expectation who gains nowhere.
    """
    case = menu.case
    supplier = case.suppliers[i]
    quantity, payment, weight = (np.moveaxis(array, i, 0) for array in (menu.quantity[i], menu.payment[i], case.probability))
    compared: dict[str, list[Compared]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION)}
    likely = weight.reshape(len(weight), -1).sum(axis=1)

    def note(always: str, expected: str, k: int, s: int, gain: Array, most: Array) -> None:
        def entry(others: str, gained: Any, may: Any) -> Compared:
            misreport = Misreport(supplier.name, supplier.costs[k], supplier.costs[s], others, float(gained) + 0.0)
            return Compared(misreport, float(may), NOISE * stake)

        place = worst_place(gain, most)
        others = ", ".join(tokens[p] for tokens, p in zip(rest, place, strict=True))
        compared[always].append(entry(others, gain[place], most[place]))
        if likely[k] > 0:
            belief = weight[k] / likely[k]
            compared[expected].append(entry("", (belief * gain).sum(), (belief * most).sum()))

    for k, (cost, elsewhere) in enumerate(zip(supplier.costs, supplier.reservations, strict=True)):
        profit, amount = _profit(payment, quantity, cost)
        stake = max(float(amount.max()), elsewhere)
        note("ex_post_ir", "interim_ir", k, k, elsewhere - profit[k], allowed(np.maximum(amount[k], elsewhere), stake))
        for s in range(len(supplier.costs)):
            if s != k:
                most = allowed(np.maximum(amount[k], amount[s]), stake)
                note("dominant_strategy_ic", "bayesian_ic", k, s, profit[s] - profit[k], most)
    return compared
