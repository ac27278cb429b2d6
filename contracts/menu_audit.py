"""The audit of a contract menu: which supplier would misreport his cost, as what, and gain how much.

An expectation is over the others' costs given one's own, so types that never occur have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from veridical.contracts.audit import Audit, Found, audit
from veridical.contracts.coalitions import COALITIONS, check_coalitions
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful, worst_place
from veridical.contracts.menu import Menu
from veridical.contracts.properties import INCENTIVES, PARTICIPATION, PropertyResult, applies_to, worst_case
from veridical.data.arrays import Array, Integers

__all__ = ["Misreport", "SupplierResult", "check_properties"]

BLOCK = 2**15  # gains compared at once: what the second-level cache holds


@dataclass(frozen=True)
class SupplierResult(PropertyResult):
    """Whether a menu has a property; `worst` in currency, for `balanced` and `capacity` in units.

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

    Examples
    --------
    >>> import veridical as vd
    >>> worst = vd.solve(vd.example("two-suppliers-correlated"), "first_best").audit.misreports[0]
    >>> worst.cost, worst.report, round(worst.gain)
    (4.0, 9.0, 2900)
    """

    supplier: str
    cost: float
    report: float
    others: str
    gain: float


def check_properties(menu: Menu) -> tuple[Found, dict[str, tuple[Misreport, ...]]]:
    """Return every result; and for each incentive concept the best misreport of each supplier, the largest gain first.

    What a supplier gains is relative to his own payments and costs, by the truth and by the report, in this profile or in
    expectation, and his stake is the most that any report brings or costs him. `balanced` is relative to the quantities bought
    at this profile, `budget` to what is paid and to what is sold there, `capacity` to what is ordered there.
    """
    case = menu.case
    extremes: dict[str, list[Compared]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION)}
    tokens = [case.tokens(i) for i in range(len(case.shape))]
    for i in range(len(case.shape)):
        for name, extreme in _misreports(menu, i, tokens[:i] + tokens[i + 1 :]).items():
            extremes[name].append(extreme)
    results: dict[str, PropertyResult] = {
        name: worst_case(SupplierResult, name, compared, truthful=name in PARTICIPATION) for name, compared in extremes.items()
    }
    sales = menu.revenue
    deficit, turnover = menu.payment.sum(axis=0) - sales, np.maximum(np.abs(menu.payment).sum(axis=0), np.abs(sales))
    for name, excess, amount in (("balanced", menu.spread, menu.most), ("budget", deficit, turnover)):
        most = allowed(amount, amount.max())
        place = worst_place(excess, most)
        results[name] = SupplierResult(name, bool((excess <= most).all()), float(excess[place]), others=case.in_words(place))

    results["capacity"] = worst_case(SupplierResult, "capacity", _undeliverable(menu), truthful=True)

    def outcome(i: int, k: int) -> tuple[Array, Array]:
        return _profit(menu.payment[i], menu.quantity[i], case.suppliers[i].costs[k])

    together = partial(check_coalitions, case.names, [supplier.costs for supplier in case.suppliers], outcome)
    return Found(results, COALITIONS, together), {name: gainful(extremes[name]) for name in INCENTIVES}


@audit.register
def _(menu: Menu) -> Audit:
    results, misreports = check_properties(menu)
    under = "" if menu.case.ambiguity is None else menu.case.ambiguity.words
    return Audit(results, misreports, menu.expected_profit, float(np.abs(menu.payment).max()), under=under)


applies_to(Menu, *INCENTIVES, *PARTICIPATION, "balanced", "budget", "capacity", *COALITIONS)


def _profit(payment: Array, quantity: Array, cost: float | Array) -> tuple[Array, Array]:
    """Return what a supplier with a cost keeps, and the larger of what he is paid and what his units cost him; currency."""
    return payment - cost * quantity, np.maximum(np.abs(payment), cost * np.abs(quantity))


def _undeliverable(menu: Menu) -> list[Compared]:
    """Return by how many units orders of each supplier are none that he takes, at worst: what his terms of delivery leave out.

    More than his capacity; fewer than his minimum order, where anything is ordered; no whole lots.
    """
    case, found = menu.case, []
    for i, supplier in enumerate(case.suppliers):
        orders = menu.quantity[i]
        most = allowed(np.abs(orders), np.abs(orders).max())
        beyond = [] if supplier.capacity is None else [orders - supplier.capacity]
        if (least := supplier.minimum_order) is not None:
            beyond.append(np.where(orders > most, least - orders, -least))
        if (lot := supplier.lot_size) is not None:
            beyond.append(np.abs(orders - lot * np.round(orders / lot)))
        for excess in beyond:
            place = worst_place(excess, most)
            own, others = supplier.costs[place[i]], [case.tokens(j)[k] for j, k in enumerate(place) if j != i]
            misreport = Misreport(supplier.name, own, own, ", ".join(others), float(excess[place]))
            found.append(Compared(misreport, float(most[place])))
    return found


def _misreports(menu: Menu, i: int, rest: list[tuple[str, ...]]) -> dict[str, Compared]:
    """Return supplier i's worst gain from a misreport, and his worst loss by the truth: over the others' reports, and expected.

    Keyed by the property that a gain would violate; a loss stands as a misreport of the truth. What is allowed is averaged as
    the gain is, so that nobody can gain in expectation who gains nowhere.
    """
    case, supplier, shape = menu.case, menu.case.suppliers[i], [len(tokens) for tokens in rest]
    own_first = (i, *range(i), *range(i + 1, len(case.shape)))
    arrays = (array.transpose(own_first) for array in (menu.quantity[i], menu.payment[i], case.probability))
    quantity, payment, weight = (array.reshape(len(array), -1) for array in arrays)  # own reports, reports of the others
    costs, reserved = np.array(supplier.costs), np.array(supplier.reservations)
    likely = weight.sum(axis=1, keepdims=True)
    belief = np.divide(weight, likely, out=np.zeros(weight.shape), where=likely > 0)
    found: dict[str, Compared] = {}

    def note(name: str, pairs: tuple[Integers, Integers], gain: Array, most: Array, stake: Array, column_of: bool) -> None:
        """Take down the worst of what rows of own costs and reports gain; columns are the others' reports, or one for all."""
        if not gain.size:
            return
        row, column = worst_place(gain, most)
        place = np.unravel_index(column, shape) if column_of and shape else ()
        others = ", ".join(tokens[int(p)] for tokens, p in zip(rest, place, strict=False))
        own, told = (supplier.costs[int(some[row])] for some in pairs)
        misreport = Misreport(supplier.name, own, told, others, float(gain[row, column]) + 0.0)
        compared = Compared(misreport, float(most[row, column]), NOISE * float(stake[row]))
        if name not in found or compared.severity > found[name].severity:
            found[name] = compared

    step = max(1, BLOCK // payment.size)
    for first in range(0, len(costs), step):
        truths = np.arange(first, min(first + step, len(costs)))
        profit, amount = _profit(payment, quantity, costs[truths, None, None])  # truths, own reports, reports of the others
        at = np.arange(len(truths)), truths
        elsewhere = reserved[truths, None]
        own, own_amount, stake = profit[at], amount[at], np.maximum(amount.max(axis=(1, 2)), reserved[truths])
        lies = truths[:, None] != np.arange(len(costs))
        k, told = np.nonzero(lies)
        gain = (profit - own[:, None])[lies]
        may = allowed(np.maximum(amount, own_amount[:, None])[lies], stake[k, None])
        short = elsewhere - own  # of what he earns elsewhere
        losses = (np.arange(len(truths)), truths, short, allowed(np.maximum(own_amount, elsewhere), stake[:, None]))
        for (always, expected), (at_own, reports, gains, most) in ((INCENTIVES, (k, told, gain, may)), (PARTICIPATION, losses)):
            note(always, (truths[at_own], reports), gains, most, stake[at_own], True)
            met = likely[truths[at_own], 0] > 0
            own_costs, weights = truths[at_own[met]], belief[truths[at_own[met]]]
            mean, allowance = ((weights * some[met]).sum(axis=1, keepdims=True) for some in (gains, most))
            note(expected, (own_costs, reports[met]), mean, allowance, stake[at_own[met]], False)
    return found
