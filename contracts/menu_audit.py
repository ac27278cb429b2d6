"""The audit of a contract menu: which supplier would misreport his cost, as what, and gain how much.

An expectation is over the others' costs given one's own, so types that never occur have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veridical.contracts.audit import Audit, audit
from veridical.contracts.menu import Menu
from veridical.contracts.properties import INCENTIVES, PARTICIPATION, TOLERANCE, PropertyResult, applies_to, gainful, worst_case
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
    """Return every result; and for each incentive concept the best misreport of each supplier, the largest gain first."""
    case = menu.case
    best: dict[str, list[Misreport]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION)}
    for i in range(len(case.shape)):
        for name, misreports in _misreports(menu, i).items():
            if misreports:
                best[name].append(max(misreports, key=lambda misreport: misreport.gain))
    largest = max(1.0, float(np.abs(menu.payment).max()))
    results: dict[str, PropertyResult] = {
        name: worst_case(SupplierResult, name, misreports, TOLERANCE * largest, truthful=name in PARTICIPATION)
        for name, misreports in best.items()
    }
    assembled = np.maximum(menu.quantity.min(axis=0), 0.0)
    deficit = menu.payment.sum(axis=0) - case.price * case.demand.expected_sales(assembled)
    for name, excess, scale in (("balanced", menu.spread, max(1.0, float(menu.quantity.max()))), ("budget", deficit, largest)):
        worst, place = float(excess.max()), np.unravel_index(int(excess.argmax()), case.shape)
        results[name] = SupplierResult(name, worst <= TOLERANCE * scale, worst, others=case.in_words(place))
    return results, {name: gainful(best[name]) for name in INCENTIVES}


@audit.register
def _(menu: Menu) -> Audit:
    results, misreports = check_properties(menu)
    return Audit(results, misreports, menu.expected_profit, float(np.abs(menu.payment).max()))


applies_to(Menu, *INCENTIVES, *PARTICIPATION, "balanced", "budget")


def _misreports(menu: Menu, i: int) -> dict[str, list[Misreport]]:
    """Return supplier i's gain from every misreport, and his loss by the truth: the most over the others' reports, and expected.

    Keyed by the property that a gain would violate; a loss stands as a misreport of the truth.
    """
    case = menu.case
    supplier = case.suppliers[i]
    quantity, payment, weight = (np.moveaxis(array, i, 0) for array in (menu.quantity[i], menu.payment[i], case.probability))
    rest = [case.tokens(j) for j in range(len(case.shape)) if j != i]
    misreports: dict[str, list[Misreport]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION)}

    def note(always: str, expected: str, k: int, s: int, gain: Array) -> None:
        place = np.unravel_index(int(gain.argmax()), gain.shape)
        others = ", ".join(tokens[p] for tokens, p in zip(rest, place, strict=True))
        pair = supplier.costs[k], supplier.costs[s]
        misreports[always].append(Misreport(supplier.name, *pair, others, float(gain[place])))
        if likely[k] > 0:
            misreports[expected].append(Misreport(supplier.name, *pair, "", float((weight[k] * gain).sum() / likely[k])))

    likely = weight.reshape(len(weight), -1).sum(axis=1)
    for k, cost in enumerate(supplier.costs):
        truth = payment[k] - cost * quantity[k]
        note("ex_post_ir", "interim_ir", k, k, -truth)
        for s in range(len(supplier.costs)):
            if s != k:
                note("dominant_strategy_ic", "bayesian_ic", k, s, payment[s] - cost * quantity[s] - truth)
    return misreports
