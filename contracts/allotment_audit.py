"""The audit of an allotment: which retailer would misreport his type, as what, and gain how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.contracts.allotment import Allotment, Reports, profile_names
from veridical.contracts.audit import Audit, audit
from veridical.contracts.properties import TOLERANCE, Verdict
from veridical.data.allocation import RetailerGroup
from veridical.data.assembler import label

__all__ = ["AllocationAudit", "RetailerFinding", "RetailerMisreport"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RetailerFinding(Verdict):
    """What a property comes to for one allotment; `worst` in currency, for `capacity` and `monotone` in units.

    The worst case: a retailer of the group `retailers` whose type is `type` reports `report` while the others' types are
    `others`; None where there is no such part.
    """

    retailers: str | None = None
    type: float | None = None
    report: float | None = None
    others: str | None = None

    @property
    def where(self) -> str:
        """The worst case in words."""
        parts = [self.retailers] if self.retailers else []
        parts += [f"type {label(self.type)}"] if self.type is not None else []
        parts += [f"report {label(self.report)}"] if self.report is not None else []
        parts += [f"{'others' if self.retailers else 'types'} {self.others}"] if self.others else []
        return ", ".join(parts)


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

    `findings`: dominant_strategy_ic and ex_post_ir of the payments profile by profile, bayesian_ic and interim_ir of the
    expected ones; `capacity`: nobody is promised what is not there; `monotone`: a higher type never gets less. Probability plays
    no part: types and profiles that never occur are audited too. `largest_payment` is the largest amount there is, payment or
    revenue: what tolerances are relative to, or to a thousandth of what the highest type would like to have where that is more.
    `expected_profit`: of the supplier, from the payments alone.
    """

    truth: str = "bayesian_ic"
    participation: str = "interim_ir"

    @property
    def min_profit(self) -> float:
        """Smallest profit of a truthful retailer; negative where somebody would lose."""
        return 0.0 - float(self.findings[self.participation].worst)

    def record(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        return {
            "max_regret": self.max_regret,
            "min_profit": self.min_profit,
            "truthful": self.truthful,
            "individually_rational": self.individually_rational,
            "truth": self.truth,
            "participation": self.participation,
            "expected_profit": self.expected_profit,
            "largest_payment": self.largest_payment,
            "misreports": [asdict(lie) for lie in self.misreports],
            "properties": {name: asdict(finding) for name, finding in self.findings.items()},
        }


@audit.register
def _(allotment: Allotment) -> AllocationAudit:
    """Return the audit of an allotment, from its units, its payments and the case alone."""
    lies: dict[str, list[RetailerMisreport]] = {"dominant_strategy_ic": [], "bayesian_ic": []}
    losses: dict[str, list[RetailerMisreport]] = {"ex_post_ir": [], "interim_ir": []}
    falls: list[RetailerMisreport] = []
    largest = 0.0
    for each, paid in zip(allotment.reports, allotment.prices, strict=True):
        for name, found in _of(allotment, each, paid).items():
            {**lies, **losses, "monotone": falls}[name] += found
        largest = max(largest, float(np.abs(paid).max()), float(np.abs(each.revenue).max()))
    findings: dict[str, RetailerFinding] = {}
    wanted = [_wanted(group) for group in allotment.case.retailers]  # where next to nothing is given, 1e-9 of it is rounding
    units = max(allotment.capacity, 1e-3 * max(q for q, _ in wanted))
    money = max(largest, 1e-3 * max(worth for _, worth in wanted))

    def note(name: str, worst: float, scale: float, **where: Any) -> None:
        findings[name] = RetailerFinding(name, worst <= TOLERANCE * scale, worst, **where)

    for name, found in (*lies.items(), *losses.items(), ("monotone", falls)):
        best = max(found, key=lambda each: each.gain, default=None)
        scale = units if name == "monotone" else money
        if best is None:  # nobody has anything to misreport
            note(name, 0.0, scale)
        else:
            report = None if name in losses else best.report
            where = {"retailers": best.retailers, "type": best.type, "report": report, "others": best.others or None}
            note(name, best.gain, scale, **where)
    excess = (allotment.profiles.counts * allotment.by_type).sum(axis=1) - allotment.capacity
    row = int(excess.argmax())
    note(
        "capacity",
        float(excess[row]),
        units,
        others=profile_names(allotment.case, allotment.profiles.counts[[row]])[0],
    )
    # 1e-9 of the scale is rounding: nobody lies for it
    gainful = {
        name: tuple(sorted((lie for lie in found if lie.gain > 1e-9 * money), key=lambda lie: -lie.gain))
        for name, found in lies.items()
    }
    return AllocationAudit(findings, gainful, allotment.supplier_profit, largest)


def _wanted(group: RetailerGroup) -> tuple[float, float]:
    """Return units that the highest type of a group would like to have, roughly, and what he would earn with them."""
    revenue, theta = group.revenue, group.theta[-1]
    q = float(np.nan_to_num(revenue.quantity(0.5 * revenue.marginal(0.0, theta), theta), posinf=0.0))
    return q, float(revenue.value(q, theta))


def _of(allotment: Allotment, reports: Reports, paid: Array) -> Mapping[str, list[RetailerMisreport]]:
    """Return a group's gain from every misreport, its losses by the truth, and by how much units fall as types rise.

    Keyed by the property that a positive gain would violate; the most over the others' profiles where they are known.
    """
    group, name = reports.group, allotment.case.names[reports.g]
    theta = group.theta
    found: dict[str, list[RetailerMisreport]] = {
        key: [] for key in ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "monotone")
    }

    def note(key: str, k: int, s: int, gain: Array) -> None:
        place = int(gain.argmax())
        others = profile_names(allotment.case, reports.others[[place]])[0] if gain.size > 1 else ""
        found[key].append(RetailerMisreport(name, float(theta[k]), float(theta[s]), others, float(gain[place])))

    expected = reports.revenue - (reports.weight @ paid)[:, None]  # what type l earns by reporting k, [k, l]
    for k, own in enumerate(theta):
        ex_post = group.revenue.value(reports.quantity, own) - paid
        note("ex_post_ir", k, k, -ex_post[:, k])
        note("interim_ir", k, k, -expected[[k], k])
        for s in range(len(theta)):
            if s != k:
                note("dominant_strategy_ic", k, s, ex_post[:, s] - ex_post[:, k])
                note("bayesian_ic", k, s, expected[[s], k] - expected[k, k])
        if k:
            note("monotone", k, k - 1, reports.quantity[:, k - 1] - reports.quantity[:, k])
    return found
