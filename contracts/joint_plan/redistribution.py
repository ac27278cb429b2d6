"""What an operator collects is given back so that truth stays best: Cavallo's redistribution.

With R(theta) for what Clarke's payments and fees leave to the operator under reports theta, and n parties that are paid, party i
is given

    max(0, min of R(theta_i, theta_-i) over theta_i) / n,

the minimum over a set of reports that is fixed beforehand: here his committed record with all costs times each of
`cost_factors`. No report of his enters it, so that truth is best as before, whatever he reports. Where everybody reports what is
of his set the minima are no more than R, so that nothing is given back beyond what was collected; out of the sets that is not
promised, and `budget` says what comes of it. Over all reports there is no minimum to share: whoever reports costs low enough
contributes without limit, and R falls.

Nothing is given back where nothing can be collected. Of convex plans without fees that is always so: gains at prices of the flows
are in the core of all parties together, Clarke's gains are at least those, and their sum is more than is saved. With a fee R is
at most what the fee brings.

Cavallo 2006, Optimal decision-making with minimal waste: strategyproof redistribution of VCG payments, AAMAS 2006. The rebates of
Guo and Conitzer 2009, Worst-case optimal redistribution of VCG payments in multi-unit auctions, Games and Economic Behavior 67,
are for identical units of which each party wants one: their coefficients belong to ranked bids, and plans have none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from veridical.contracts.joint_plan.problem import MechanismOutcome, ReportedProblem
from veridical.data import InputError
from veridical.data.joint_plan import COST, JointPlanCase
from veridical.data.progress import counted

__all__ = ["Rebate", "rebates", "refuse_redistribution"]


@dataclass(frozen=True)
class Rebate:
    """What a party is given back, and why no more; currency.

    amount: what it is given. least: what the operator collects at least, whatever of its set the party reports; report: by which.
    """

    amount: float
    least: float
    report: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def refuse_redistribution(case: JointPlanCase) -> None:
    """Raise InputError where there is nobody's money to give back, or never any."""
    fixed = case.mechanism
    allowed = ""
    if fixed.receivers != "agents":
        allowed = (
            "none where receivers are claimants: what is left is theirs; with receivers = agents it is an operator's, who can "
            "give it back"
        )
    elif fixed.pivot != "clarke":
        allowed = "none under another pivot than clarke, of whose payments it is"
    elif not (fixed.activity_fee or fixed.participation_fee or case.shared.truckload):
        allowed = (
            "none without a fee: Clarke's gains of all parties come to at least what is saved, so that the operator collects "
            "nothing, whatever is reported; with activity_fee or participation_fee there can be something"
        )
    if allowed:
        raise InputError.of("redistribution", fixed.redistribution, allowed, case.name)


def rebates(problem: ReportedProblem, payments: Callable[[ReportedProblem], MechanismOutcome]) -> dict[str, Rebate]:
    """Return what each party that is to be paid is given back, of what `payments` leave to the operator."""
    everybody = tuple(name for name in problem.case.names if name not in problem.planner.lost)
    given = {}
    for name in counted("redistribution: party", problem.paid):
        collected = []
        for factor in problem.case.mechanism.cost_factors:
            told = problem.case.reporting(name, problem.committed.party(name).scaled(COST, factor))
            other = ReportedProblem.of(told, problem.planner, problem.start, problem.committed, everybody)
            collected.append((-sum(payments(other).transfers.values()), f"all costs x {factor:g}"))
        least, report = min(collected)
        given[name] = Rebate(max(least, 0.0) / len(everybody), least, report)
    return given
