"""The audit of an allotment: which retailer would misreport his type, as what, and gain how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veridical.contracts.allotment import Allotment, Reports, profile_names
from veridical.contracts.audit import Audit, audit
from veridical.contracts.properties import INCENTIVES, PARTICIPATION, TOLERANCE, PropertyResult, applies_to, gainful, worst_case
from veridical.data.allocation import RetailerGroup
from veridical.data.arrays import Array

__all__ = ["ROUNDING", "AllocationAudit", "RetailerMisreport", "RetailerResult"]

ROUNDING = 1e-9  # of the scale of money: nobody misreports for a gain that is rounding


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
    expected ones; `capacity`: nobody is promised what is not there; `monotone`: a higher type never gets less. Probability plays
    no part: types and profiles that never occur are audited too. `largest_payment` is the largest amount there is, payment or
    revenue: what tolerances are relative to, or to a thousandth of what the highest type would like to have where that is more.
    `expected_profit`: of the supplier, from the payments alone.
    """

    incentive_concept: str = "bayesian_ic"
    participation: str = "interim_ir"

    FIRST: ClassVar = ("max_regret", "min_profit")

    @property
    def min_profit(self) -> float:
        """Smallest profit of a truthful retailer; negative where somebody would lose."""
        return self.min_rent


@audit.register
def _(allotment: Allotment) -> AllocationAudit:
    """Return the audit of an allotment, from its units, its payments and the case alone."""
    misreports: dict[str, list[RetailerMisreport]] = {name: [] for name in (*INCENTIVES, *PARTICIPATION, "monotone")}
    largest = 0.0
    for reports, paid in zip(allotment.reports, allotment.prices, strict=True):
        for name, group_misreports in _misreports(allotment, reports, paid).items():
            misreports[name] += group_misreports
        largest = max(largest, float(np.abs(paid).max()), float(np.abs(reports.revenue).max()))
    wanted = [_wanted(group) for group in allotment.case.retailers]  # where next to nothing is given, 1e-9 of it is rounding
    units = max(allotment.capacity, 1e-3 * max(q for q, _ in wanted))
    money = max(largest, 1e-3 * max(worth for _, worth in wanted))
    allowed = dict.fromkeys(misreports, TOLERANCE * money) | {"monotone": TOLERANCE * units}
    results = {
        name: worst_case(RetailerResult, name, reported, allowed[name], truthful=name in PARTICIPATION)
        for name, reported in misreports.items()
    }
    excess = allotment.allotted - allotment.capacity
    row = int(excess.argmax())
    types = profile_names(allotment.case, allotment.profiles.counts[[row]])[0]
    results["capacity"] = RetailerResult("capacity", float(excess[row]) <= TOLERANCE * units, float(excess[row]), others=types)
    best = {name: gainful(misreports[name], above=ROUNDING * money) for name in INCENTIVES}
    return AllocationAudit(results, best, allotment.supplier_profit, largest)


applies_to(Allotment, *INCENTIVES, *PARTICIPATION, "monotone", "capacity")


def _wanted(group: RetailerGroup) -> tuple[float, float]:
    """Return units that the highest type of a group would like to have, roughly, and what he would earn with them."""
    revenue, theta = group.revenue, group.theta[-1]
    q = float(np.nan_to_num(revenue.quantity(0.5 * revenue.marginal(0.0, theta), theta), posinf=0.0))
    return q, float(revenue.value(q, theta))


def _misreports(allotment: Allotment, reports: Reports, paid: Array) -> dict[str, list[RetailerMisreport]]:
    """Return a group's gain from every misreport, its losses by the truth, and by how much units fall as types rise.

    Keyed by the property that a positive gain would violate; the most over the others' profiles where they are known.
    """
    group, name = reports.group, allotment.case.names[reports.g]
    theta = group.theta
    misreports: dict[str, list[RetailerMisreport]] = {key: [] for key in (*INCENTIVES, *PARTICIPATION, "monotone")}

    def note(key: str, k: int, s: int, gain: Array) -> None:
        place = int(gain.argmax())
        others = profile_names(allotment.case, reports.others[[place]])[0] if gain.size > 1 else ""
        misreports[key].append(RetailerMisreport(name, float(theta[k]), float(theta[s]), others, float(gain[place])))

    expected = reports.revenue - (reports.weight @ paid)[:, None]  # what type l earns by reporting k, [k, l]
    for k, own_type in enumerate(theta):
        ex_post = group.revenue.value(reports.quantity, own_type) - paid
        note("ex_post_ir", k, k, -ex_post[:, k])
        note("interim_ir", k, k, -expected[[k], k])
        for s in range(len(theta)):
            if s != k:
                note("dominant_strategy_ic", k, s, ex_post[:, s] - ex_post[:, k])
                note("bayesian_ic", k, s, expected[[s], k] - expected[k, k])
        if k:
            note("monotone", k, k - 1, reports.quantity[:, k - 1] - reports.quantity[:, k])
    return misreports
