"""The audit of a settlement: costs priced again, who would lose by the truth, and a search for misreports that pay.

A search finds what it finds: that no misreport paid is no proof. The proof that `excess` is, under transfers that make truth best
at the least cost: nobody can gain more than what the plan may cost above that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from veridical.contracts.audit import Audit, audit
from veridical.contracts.comparison import TOLERANCE, Compared, gainful
from veridical.contracts.joint_plan import externality
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.misreports import Lie, lies
from veridical.contracts.joint_plan.planner import Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.joint_plan.transfers import MECHANISMS, ReportedProblem
from veridical.contracts.properties import INCENTIVES, PROPERTIES, PropertyResult, applies_to, worst_case
from veridical.data import InputError
from veridical.data.joint_plan import COST

__all__ = ["MISREPORTS", "JointPlanAudit", "PartyMisreport", "PartyResult", "examine", "gain"]

MISREPORTS = 10  # tried where no number is asked for: an audit then takes a few times as long as the plan
LEAST = 1e-3  # of the parties' costs: what a tolerance is relative to where savings are less


@dataclass(frozen=True)
class PartyResult(PropertyResult):
    """Whether a settlement has a property; `worst` in currency. `party` reports `report`, or tells the truth."""

    party: str | None = None
    report: str | None = None

    WORDS: ClassVar = {"party": "", "report": ""}
    NOBODY: ClassVar = "all parties"


@dataclass(frozen=True)
class PartyMisreport:
    """Party `party` reports `report` instead of its own record, and gains `gain`; currency."""

    party: str
    report: str
    gain: float


@dataclass(frozen=True)
class JointPlanAudit(Audit):
    """What a settlement is worth and whether it can be trusted; money in currency.

    `properties`: dominant_strategy_ic (the largest gain of the misreports tried, the others' reports as they are), for `agv` in
    its place bayesian_ic (the largest expected gain by a report of the prior); ex_post_ir (the smallest net gain of a supplier),
    budget (holds where the operator pays nothing in), savings (the plan costs no more than the baseline). What a party gains is
    relative to its own costs and transfer, or to `scale` where that is less: the savings, or a thousandth of all costs at the
    baseline; budget and savings to `scale`. Truth may be short of best by `excess` where that is more. `searched`: how many
    misreports were tried.
    `plan_cost`: what all parties pay at the plan, priced again party by party. `expected_profit`: what is left to the receivers.
    """

    scale: float = 0.0
    excess: float | None = None
    searched: int = 0
    plan_cost: float = 0.0

    FIRST: ClassVar = ("max_regret", "relative_regret", "min_net_gain")
    LAST: ClassVar = ("excess", "searched", "plan_cost", "largest_payment")

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
        """Largest gain from a misreport, relative to `scale`; 0 where nobody gains."""
        return self.max_regret / self.scale if self.max_regret else 0.0


@audit.register
def examine(
    settlement: Settlement, planner: Planner | None = None, misreports: int = MISREPORTS, seed: int = 0
) -> JointPlanAudit:
    """Return the audit of a settlement whose case is taken for the truth.

    Parameters
    ----------
    settlement : Settlement
        What is audited.
    planner : Planner
        Who plans what misreports lead to, and prices the plan again.
    misreports : int
        How many are tried, drawn by the seed; under `agv` all reports of the prior are tried instead.
    seed : int
        Draws the misreports.

    Raises
    ------
    InputError
        Where there is no planner; and what the planner raises.
    """
    planner = _planner(settlement, planner)
    costs = planner.planner.costs(settlement.case, settlement.units)  # priced afresh
    concept = "bayesian_ic" if settlement.mechanism == "agv" else "dominant_strategy_ic"
    tried = _tried(settlement, concept, planner, misreports, seed)
    return JointPlanAudit(
        properties={concept: _incentives(concept, tried)} | _without_planning(settlement),
        lies={concept: gainful(tried)},
        expected_profit=settlement.residual,
        largest_payment=max(map(abs, settlement.transfers.values())),
        incentive_concept=concept,
        scale=_scale(settlement),
        excess=settlement.excess,
        searched=len(tried),
        plan_cost=sum(costs.values()),
    )


def _check(settlement: Settlement, name: str, planner: Planner | None) -> PropertyResult:
    if name not in INCENTIVES:
        return _without_planning(settlement)[name]
    if name == "bayesian_ic" and settlement.mechanism != "agv":
        raise PROPERTIES[name].error_for(settlement, "Menu, Allotment, Equilibrium, or a Settlement of agv, which has a prior")
    return _incentives(name, _tried(settlement, name, _planner(settlement, planner), MISREPORTS, 0))


applies_to(Settlement, *INCENTIVES, "ex_post_ir", "budget", "savings", check=_check)


def _planner(settlement: Settlement, planner: Planner | None) -> CachingPlanner:
    if planner is None:
        allowed = "who plans what misreports lead to, for example solvers.planners.Central()"
        raise InputError.of("planner", None, allowed, settlement.case.name)
    return planner if isinstance(planner, CachingPlanner) else CachingPlanner(planner)


def _scale(settlement: Settlement) -> float:
    """Return the savings, or a thousandth of what all parties cost at the baseline where that is more; currency."""
    return max(settlement.savings, LEAST * sum(map(abs, settlement.baseline_costs.values())))


def _rounding(settlement: Settlement, party: str) -> float:
    """Return what is no gain of a party, currency: a millionth of its own amounts, or of the scale where that is less."""
    own = (settlement.baseline_costs[party], settlement.costs[party], settlement.transfers[party])
    return TOLERANCE * min(max(map(abs, own)), _scale(settlement))


def _compared(settlement: Settlement, party: str, report: str, gained: float) -> Compared:
    """Return a gain with what is allowed of it: more than rounding where the plan is not exactly the best."""
    rounding = _rounding(settlement, party)
    return Compared(PartyMisreport(party, report, gained), max(rounding, settlement.excess or 0.0), rounding)


def _tried(settlement: Settlement, concept: str, planner: Planner, misreports: int, seed: int) -> list[Compared]:
    """Return the misreports that are tried: for `bayesian_ic` all reports of the prior, else as many as asked for."""
    if concept == "bayesian_ic":
        gains = expected(settlement, planner)
    else:
        gains = [(lie, gain(settlement, lie, planner)) for lie in lies(settlement.case, misreports, seed)]
    return [_compared(settlement, lie.party, lie.report, gained) for lie, gained in gains]


def _incentives(concept: str, tried: list[Compared]) -> PropertyResult:
    return replace(worst_case(PartyResult, concept, tried), searched=bool(tried))


def _without_planning(settlement: Settlement) -> dict[str, PropertyResult]:
    """Return the results that the settlement's own figures tell."""
    losses = [_compared(settlement, name, "", -settlement.net_gains[name] + 0.0) for name in settlement.case.suppliers]
    slack = TOLERANCE * _scale(settlement)
    return {
        "ex_post_ir": worst_case(PartyResult, "ex_post_ir", losses),
        "budget": PartyResult("budget", -settlement.budget <= slack, -settlement.budget + 0.0),
        "savings": PartyResult("savings", -settlement.savings <= slack, -settlement.savings + 0.0),
    }


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
        for factor in case.mechanism.cost_factors:
            report = record.scaled(COST, factor)
            if report != record:
                gained = externality.interim(case, case, planner, settlement.start, name, report) - truth
                gains.append((Lie(name, report, f"all costs x {factor:g}"), gained))
    return gains
