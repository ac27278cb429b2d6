"""The audit of an allotment: which retailer would misreport his type, as what, and gain how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veridical.contracts.allotment import Allotment, Reports, profile_names, wanted
from veridical.contracts.audit import Audit, audit
from veridical.contracts.coalitions import COALITIONS
from veridical.contracts.comparison import NOISE, Compared, allowed, gainful, worst_place
from veridical.contracts.properties import INCENTIVES, PARTICIPATION, PropertyResult, applies_to, worst_case
from veridical.contracts.retailer_coalitions import check_retailers_together
from veridical.data.arrays import Array

__all__ = ["AllocationAudit", "RetailerMisreport", "RetailerResult"]


@dataclass(frozen=True)
class RetailerResult(PropertyResult):
    """Whether an allotment has a property; `worst` in currency, for `capacity` and `monotone` in units.

    The worst case: a retailer of the group `retailers` whose type is `type` reports `report` while the others' types are
    `others`; None where there is no such part.
    """

    retailers: str | None = None
    type: float | None = None
    report: float | None = None
    others: str | None = None

    WORDS: ClassVar = {"retailers": "", "type": "type", "report": "report", "others": "others"}
    WITHOUT_WHO: ClassVar = "types"


@dataclass(frozen=True)
class RetailerMisreport:
    """A retailer of the group `retailers` whose type is `type` reports `report` while the others are `others`, and gains `gain`.

    `others` is empty where the gain is an expectation, or where there are no others.
    """

    retailers: str
    type: float
    report: float
    others: str
    gain: float


@dataclass(frozen=True)
class AllocationAudit(Audit):
    """What an allotment is worth and whether it can be trusted; money in currency.

    `properties`: dominant_strategy_ic and ex_post_ir of the payments profile by profile, bayesian_ic and interim_ir of the
    expected ones; `capacity`: nobody is promised what is not there, and no retailer more than he can take, or less than his
    least order; `monotone`: a higher type never gets less; `coalition_ic` without and with side payments, of the payments profile
    by profile, where all type profiles are visited. Probability plays no part: types and profiles that never occur are audited
    too. A gain is relative to what the retailer himself pays and earns, by the truth and by the report, in this profile or in
    expectation, and to what he earns elsewhere; his stake is the most that any report brings him, and at least what the units
    would earn that his type would like to have. `largest_payment`: the largest amount that there is, payment
    or revenue. `expected_profit`: of the supplier, from the payments alone.

    Examples
    --------
    >>> import veridical as vd
    >>> audit = vd.solve(vd.example("two-retailers")).audit
    >>> audit.truthful, bool(audit.properties["capacity"]), round(audit.min_profit, 6) + 0.0
    (True, True, 0.0)
    """

    incentive_concept: str = "bayesian_ic"
    participation: str = "interim_ir"

    FIRST: ClassVar = ("max_regret", "min_profit")

    @property
    def min_profit(self) -> float:
        """Smallest profit of a truthful retailer, beyond what he earns elsewhere; negative where somebody would lose."""
        return self.min_rent


@audit.register
def _(allotment: Allotment) -> AllocationAudit:
    """Return the audit of an allotment, from its units, its payments and the case alone."""
    compared: dict[str, list[Compared]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION, "monotone")}
    largest, units = 0.0, 0.0
    for reports, paid in zip(allotment.reports, allotment.prices, strict=True):
        for name, group_compared in _misreports(allotment, reports, paid).items():
            compared[name] += group_compared
        largest = max(largest, float(np.abs(paid).max()), float(np.abs(reports.revenue).max()))
        units = max(units, float(wanted(reports.group)[0].max()))
    results: dict[str, PropertyResult] = {
        name: worst_case(RetailerResult, name, each, truthful=name in PARTICIPATION) for name, each in compared.items()
    }
    excess, most = beyond(allotment, units)
    row = worst_place(excess, most)
    types = profile_names(allotment.case, allotment.profiles.counts[[*row]])[0]
    results["capacity"] = RetailerResult("capacity", bool((excess <= most).all()), float(excess[row]), others=types)
    results |= check_retailers_together(allotment)
    best = {name: gainful(compared[name]) for name in INCENTIVES}
    return AllocationAudit(results, best, allotment.supplier_profit, largest)


def beyond(allotment: Allotment, units: float) -> tuple[Array, Array]:
    """Return by how many units allotments are not what they may be, profile by profile, and how many are rounding.

    More than there is in all; more than a retailer can take; fewer than his least order, where it is not nothing.
    """
    excess = allotment.allotted - allotment.capacity
    most = allowed(np.maximum(np.abs(allotment.allotted), allotment.capacity), units)
    for g, group in enumerate(allotment.case.retailers):
        given = allotment.by_type[:, allotment.profiles.columns(g)]
        if group.capacity is not None:
            excess = np.maximum(excess, given.max(axis=1) - group.capacity)
        if group.minimum_order is not None:
            few = np.where(given > most[:, None], group.minimum_order - given, 0.0).max(axis=1)
            excess = np.where(few > most, np.maximum(excess, few), excess)
    return excess, most


applies_to(Allotment, *INCENTIVES, *PARTICIPATION, "monotone", "capacity", *COALITIONS)


def _misreports(allotment: Allotment, reports: Reports, paid: Array) -> dict[str, list[Compared]]:
    """Return a group's gain from every misreport, its losses by the truth, and by how much units fall as types rise.

    Keyed by the property that a positive gain would violate; the worst over the others' profiles where they are known.
    """
    group, name = reports.group, allotment.case.names[reports.g]
    theta, units = group.theta, wanted(group)[0]
    compared: dict[str, list[Compared]] = {key: [] for key in (*INCENTIVES, *PARTICIPATION, "monotone")}

    def note(key: str, k: int, s: int, gain: Array, most: Array, stake: float) -> None:
        (place,) = worst_place(gain, most)
        others = profile_names(allotment.case, reports.others[[place]])[0] if gain.size > 1 else ""
        misreport = RetailerMisreport(name, float(theta[k]), float(theta[s]), others, float(gain[place]))
        compared[key].append(Compared(misreport, float(most[place]), NOISE * stake))

    def note_both(pair: tuple[str, str], k: int, s: int, gain: Array, expected_gain: Array, amount: Array, stake: float) -> None:
        """Note a gain profile by profile, and in expectation; what is allowed is averaged as the gain is."""
        most = allowed(amount, stake)
        note(pair[0], k, s, gain, most, stake)
        note(pair[1], k, s, expected_gain, reports.beliefs[[k]] @ most, stake)

    expected = reports.revenue - reports.expected(paid) - group.reservations  # what type l gains by reporting k, [k, l]
    most_units = max(float(np.abs(reports.quantity).max()), float(units.max()))
    for k in range(len(theta)):
        profit, amount, stake = reports.own_amounts(paid, k)
        note_both(PARTICIPATION, k, k, -profit[:, k], -expected[[k], k], amount[:, k], stake)
        for s in range(len(theta)):
            if s != k:
                larger = np.maximum(amount[:, k], amount[:, s])
                note_both(INCENTIVES, k, s, profit[:, s] - profit[:, k], expected[[s], k] - expected[k, k], larger, stake)
        if k:
            lower, higher = reports.quantity[:, k - 1], reports.quantity[:, k]
            note("monotone", k, k - 1, lower - higher, allowed(np.maximum(np.abs(lower), np.abs(higher)), most_units), most_units)
    return compared
