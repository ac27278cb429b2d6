"""The audit of a settlement: costs priced again, who would lose by the truth, and a search for misreports that pay.

A search finds what it finds: that no misreport paid is no proof. The proof that `excess` is, under transfers that make truth best
at the least cost: nobody can gain more than what the plan may cost above that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from veridical.contracts.audit import Audit, audit
from veridical.contracts.joint_plan import externality
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.misreports import Lie, lies
from veridical.contracts.joint_plan.planner import Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.joint_plan.transfers import MECHANISMS, ReportedProblem
from veridical.contracts.properties import TOLERANCE, Verdict
from veridical.data import InputError
from veridical.data.joint_plan import COST

__all__ = ["MISREPORTS", "JointPlanAudit", "PartyFinding", "PartyMisreport", "examine", "gain"]

MISREPORTS = 10  # tried where no number is asked for: an audit then takes a few times as long as the plan
LEAST = 1e-3  # of the parties' costs: what a tolerance is relative to where savings are less


@dataclass(frozen=True)
class PartyFinding(Verdict):
    """What a property comes to for one settlement; `worst` in currency. `party` reports `report`, or tells the truth."""

    party: str | None = None
    report: str | None = None

    @property
    def where(self) -> str:
        """The worst case in words."""
        return ", ".join(filter(None, (self.party, self.report))) or "all parties"


@dataclass(frozen=True)
class PartyMisreport:
    """Party `party` reports `report` instead of its own record, and gains `gain`; currency."""

    party: str
    report: str
    gain: float


@dataclass(frozen=True)
class JointPlanAudit(Audit):
    """What a settlement is worth and whether it can be trusted; money in currency.

    `findings`: dominant_strategy_ic (the largest gain of the misreports tried, the others' reports as they are), for `agv` in
    its place bayesian_ic (the largest expected gain by a report of the prior); ex_post_ir (the smallest net gain of a supplier),
    budget (holds where the operator pays nothing in), savings (the plan costs no more than the baseline). Tolerances are relative
    to `scale`, the savings; truth may be short of best by `excess` where that is more. `searched`: misreports that were tried.
    `plan_cost`: what all parties pay at the plan, priced again party by party. `expected_profit`: what is left to the receivers.
    """

    scale: float = 0.0
    excess: float | None = None
    searched: int = 0
    plan_cost: float = 0.0

    @property
    def objective(self) -> float:
        """What the objective of the solution must be."""
        return self.plan_cost

    @property
    def min_net_gain(self) -> float:
        """Smallest net gain of a truthful supplier; negative where somebody would lose."""
        return self.min_rent

    @property
    def relative_regret(self) -> float:
        """Largest gain from a misreport, relative to the savings."""
        return self.max_regret / self.scale

    def record(self) -> dict[str, Any]:
        """Return everything as plain values with the keys of the command line's JSON."""
        return {
            "max_regret": self.max_regret,
            "relative_regret": self.relative_regret,
            "min_net_gain": self.min_net_gain,
            "truthful": self.truthful,
            "individually_rational": self.individually_rational,
            "truth": self.truth,
            "participation": self.participation,
            "excess": self.excess,
            "searched": self.searched,
            "plan_cost": self.plan_cost,
            "largest_payment": self.largest_payment,
            "misreports": [asdict(lie) for lie in self.misreports],
            "properties": {name: asdict(finding) for name, finding in self.findings.items()},
        }


@audit.register
def examine(
    settlement: Settlement, planner: Planner | None = None, misreports: int = MISREPORTS, seed: int = 0
) -> JointPlanAudit:
    """Return the audit of a settlement whose case is taken for the truth: `misreports` of them are tried, drawn by the seed."""
    case = settlement.case
    if planner is None:
        raise InputError.of("planner", None, "who prices plans: solvers.planners.Central() for one", case.name)
    memory = planner if isinstance(planner, CachingPlanner) else CachingPlanner(planner)
    priced = sum(memory.planner.costs(case, settlement.units).values())  # afresh
    scale = max(settlement.savings, LEAST * sum(map(abs, settlement.baseline_costs.values())))
    slack = TOLERANCE * scale
    allowed = max(slack, settlement.excess or 0.0)  # of a plan that is not exactly the best
    if settlement.mechanism == "agv":  # its messages are the reports of the prior: all of them are tried
        truth, tried, allowed = "bayesian_ic", expected(settlement, memory), slack
    else:
        truth, tried = "dominant_strategy_ic", [(lie, gain(settlement, lie, memory)) for lie in lies(case, misreports, seed)]
    findings = {truth: _worst(truth, tried, allowed)}
    least = min(case.suppliers, key=lambda name: settlement.net_gains[name])
    for name, worst, who in (
        ("ex_post_ir", -settlement.net_gains[least], least),
        ("budget", -settlement.budget, None),
        ("savings", -settlement.savings, None),
    ):
        findings[name] = PartyFinding(name, worst <= (allowed if who else slack), worst + 0.0, who)
    gainful = tuple(
        PartyMisreport(lie.party, lie.report, won) for lie, won in sorted(tried, key=lambda pair: -pair[1]) if won > slack
    )
    return JointPlanAudit(
        findings=findings,
        lies={truth: gainful},
        expected_profit=settlement.residual,
        largest_payment=max(map(abs, settlement.transfers.values())),
        truth=truth,
        scale=scale,
        excess=settlement.excess,
        searched=len(tried),
        plan_cost=priced,
    )


def gain(settlement: Settlement, lie: Lie, planner: Planner) -> float:
    """Return what a misreport brings the party over the truth: its own cost at the plan that it causes, and its transfer."""
    case, start = settlement.case, settlement.start
    problem = ReportedProblem.of(case.reporting(lie.party, lie.record), planner, start, case, (lie.party,))
    outcome = MECHANISMS[settlement.mechanism][0](problem)
    cost = planner.costs(case, outcome.plan.units, [lie.party])[lie.party]
    transfer = outcome.transfers.get(lie.party, 0.0)
    return settlement.baseline_costs[lie.party] - cost + transfer - settlement.net_gains[lie.party]


def expected(settlement: Settlement, planner: Planner) -> list[tuple[Lie, float]]:
    """Return what every supplier expects to gain under `agv` by each report of the prior, his own record being the truth."""
    case = settlement.case
    gains = []
    for name in case.suppliers:
        record = case.party(name)
        truth = externality.interim(case, case, planner, settlement.start, name, record)
        for by in case.mechanism.cost_factors:
            report = record.scaled(COST, by)
            if report != record:
                won = externality.interim(case, case, planner, settlement.start, name, report) - truth
                gains.append((Lie(name, report, f"all costs x {by:g}"), won))
    return gains


def _worst(name: str, tried: list[tuple[Lie, float]], slack: float) -> PartyFinding:
    if not tried:
        return PartyFinding(name, True, 0.0)
    lie, most = max(tried, key=lambda pair: pair[1])
    return PartyFinding(name, most <= slack, most, lie.party, lie.report)
