"""The audit of a settlement: costs priced again, who would lose by the truth, and a search for misreports that pay.

A search finds what it finds: that no misreport paid is no proof. The proof that `excess` is, under transfers that make truth best
at the least cost: nobody can gain more than what the plan may cost above that. Which guarantee holds for whom `guarantees` says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from veridical.contracts.audit import Audit, audit
from veridical.contracts.comparison import TOLERANCE, gainful
from veridical.contracts.joint_plan import externality
from veridical.contracts.joint_plan.attendance import Attendance, PartyLostError
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.core import CoalitionGame
from veridical.contracts.joint_plan.guarantees import guarantees
from veridical.contracts.joint_plan.misreports import Lie
from veridical.contracts.joint_plan.planner import Planner, fixed_parties
from veridical.contracts.joint_plan.problem import ReportedProblem
from veridical.contracts.joint_plan.search import SEARCHES, PartyMisreport, Search, Tried, compared, gain, scale
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.joint_plan.transfers import MECHANISMS
from veridical.contracts.properties import INCENTIVES, PROPERTIES, PropertyResult, applies_to, worst_case
from veridical.data import InputError
from veridical.data.joint_plan import COST
from veridical.data.progress import counted

__all__ = ["MISREPORTS", "JointPlanAudit", "PartyMisreport", "PartyResult", "examine", "gain"]

NO_PLAN = "for which no plan was found"
MISREPORTS = 10  # tried where no number is asked for: an audit then takes a few times as long as the plan


@dataclass(frozen=True)
class PartyResult(PropertyResult):
    """Whether a settlement has a property; `worst` in currency. `party` reports `report`, or tells the truth."""

    party: str | None = None
    report: str | None = None

    WORDS: ClassVar = {"party": "", "report": ""}
    NOBODY: ClassVar = "all parties"


@dataclass(frozen=True)
class JointPlanAudit(Audit):
    """What a settlement is worth and whether it can be trusted; money in currency.

    `properties`: dominant_strategy_ic (the largest gain of a supplier by the misreports tried, the others' reports as they are;
    under a consensus all that is tried is other cost models, so that what holds is an ex-post equilibrium: `guarantees`),
    for `agv` in its place bayesian_ic (the largest expected gain by a report of the prior); receiver_ic (the largest gain of a
    receiver, or, where the rest is left to them, of all receivers by a report of one); group_ic (of suppliers who misreport
    together); false_name_ic (of a supplier under two names); ex_post_ir (the smallest net gain of a supplier), budget (holds
    where the operator pays nothing in), savings (the plan costs no more than the baseline); of core-selecting payments core (the
    most that a coalition gains by a plan of its own). What a party gains is relative to its own costs and transfer, or to `scale`
    where that is less: the savings, or a thousandth of all costs at the baseline;
    budget and savings to `scale`. Truth may be short of best by `excess` where that is more.

    `searched`: how many misreports of suppliers alone were tried; `tried`: how many of which kind, by property; `not_searched`:
    whose could not be tried, by property. `guarantees`: what holds for whom, in words, whatever was searched.
    `plan_cost`: what all parties pay at the plan, priced again party by party. `expected_profit`: what is left to the receivers.

    Examples
    --------
    >>> import veridical as vd
    >>> audit = vd.solve(vd.example("carriers"), misreports=1).audit
    >>> audit.searched, audit.truthful, audit.guarantees["suppliers"]
    (1, True, 'truth is best for each of them, whatever the others report')
    """

    scale: float = 0.0
    excess: float | None = None
    searched: int = 0
    plan_cost: float = 0.0
    tried: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    not_searched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guarantees: Mapping[str, str] = field(default_factory=dict)

    FIRST: ClassVar = ("max_regret", "relative_regret", "min_net_gain")
    LAST: ClassVar = ("excess", "searched", "tried", "not_searched", "guarantees", "plan_cost", "largest_payment")

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
        How many of suppliers alone are drawn by the seed; of receivers, and of suppliers together or under two names, half as
        many as of one supplier. Under `agv` all reports of the prior are tried instead, and nothing else.
    seed : int
        Draws the misreports.

    Raises
    ------
    InputError
        Where there is no planner; and what the planner raises.
    """
    planner = _planner(settlement, planner)
    there = Attendance(planner.planner, {name: settlement.baseline_costs[name] for name in settlement.lost})
    costs = there.costs(settlement.case, settlement.units) if not settlement.unpaid else settlement.costs  # priced afresh
    concept = MECHANISMS[settlement.mechanism].truth or "dominant_strategy_ic"
    searched = _searched(settlement, concept, planner, 0 if settlement.unpaid else misreports, seed)
    properties = {name: _incentives(settlement, name, tried) for name, tried in searched.items()}
    out = {name: tried.left_out for name, tried in searched.items() if tried.left_out}
    if concept == "bayesian_ic":
        out |= dict.fromkeys(SEARCHES, settlement.case.names)
    return JointPlanAudit(
        properties=properties | _without_planning(settlement) | _of_coalitions(settlement, planner),
        lies={name: gainful(tried.compared) for name, tried in searched.items()},
        expected_profit=settlement.residual,
        largest_payment=max(map(abs, settlement.transfers.values())),
        incentive_concept=concept,
        scale=scale(settlement),
        excess=settlement.excess,
        searched=len(searched[concept].compared),
        plan_cost=sum(costs.values()),
        tried={name: dict(tried.kinds) | ({NO_PLAN: tried.failed} if tried.failed else {}) for name, tried in searched.items()},
        not_searched=out,
        guarantees=guarantees(settlement),
    )


def _check(settlement: Settlement, name: str, planner: Planner | None) -> PropertyResult:
    if name == "core":
        return _core(settlement, _planner(settlement, planner))
    if name not in (*INCENTIVES, *SEARCHES):
        return _without_planning(settlement)[name]
    if name == "bayesian_ic" and settlement.mechanism != "agv":
        raise PROPERTIES[name].error_for(
            settlement, "Menu, Allotment, DirectMechanism, Equilibrium, or a Settlement of agv, which has a prior"
        )
    planner = _planner(settlement, planner)
    if name in SEARCHES:
        return _incentives(settlement, name, SEARCHES[name](Search(settlement, planner, MISREPORTS, 0)))
    return _incentives(settlement, name, _alone(settlement, name, planner, MISREPORTS, 0))


applies_to(Settlement, *INCENTIVES, *SEARCHES, "ex_post_ir", "budget", "savings", "core", check=_check)


def _planner(settlement: Settlement, planner: Planner | None) -> CachingPlanner:
    if planner is None:
        allowed = "who plans what misreports lead to, for example solvers.planners.Central()"
        raise InputError.of("planner", None, allowed, settlement.case.name)
    return planner if isinstance(planner, CachingPlanner) else CachingPlanner(planner)


def _searched(settlement: Settlement, concept: str, planner: Planner, misreports: int, seed: int) -> dict[str, Tried]:
    """Return what was tried of each property; under a prior of nothing but reports of that: all else would take too long."""
    alone = {concept: _alone(settlement, concept, planner, misreports, seed)}
    if concept == "bayesian_ic":
        return alone
    search = Search(settlement, planner, misreports, seed)
    return alone | {name: find(search) for name, find in SEARCHES.items()}


def _alone(settlement: Settlement, concept: str, planner: Planner, misreports: int, seed: int) -> Tried:
    """Return the misreports of suppliers alone: for `bayesian_ic` all reports of the prior, else as many as asked for."""
    if concept != "bayesian_ic":
        return Search(settlement, planner, misreports, seed).alone()
    if settlement.unpaid or settlement.lost or set(fixed_parties(planner)) & set(settlement.case.suppliers):
        return Tried(left_out=settlement.case.suppliers)
    try:
        gains = expected(settlement, Attendance(planner))
    except PartyLostError:  # what is expected is of all
        return Tried(left_out=settlement.case.suppliers)
    tried = [compared(settlement, (lie.party,), lie.report, gained) for lie, gained in gains]
    return Tried(tried, Counter({"costs of the prior": len(tried)} if tried else {}))


def _incentives(settlement: Settlement, name: str, tried: Tried) -> PropertyResult:
    """Return the result of a search; where nothing could be tried, there is none.

    Nothing holds of a party whose record is at home, and whose agent let nothing be tried: the search was in part.
    """
    result = worst_case(PartyResult, name, tried.compared)
    if not tried.compared:
        return replace(result, holds=None, worst=math.nan, searched=False)
    return replace(result, holds=None) if result.holds and set(tried.left_out) & set(settlement.case.at_home) else result


def _without_planning(settlement: Settlement) -> dict[str, PropertyResult]:
    """Return the results that the settlement's own figures tell."""
    losses = [compared(settlement, (name,), "", -settlement.net_gains[name] + 0.0) for name in settlement.case.suppliers]
    slack = TOLERANCE * scale(settlement)
    return {
        "ex_post_ir": worst_case(PartyResult, "ex_post_ir", losses),
        "budget": PartyResult("budget", -settlement.budget <= slack, -settlement.budget + 0.0),
        "savings": PartyResult("savings", -settlement.savings <= slack, -settlement.savings + 0.0),
    }


def _of_coalitions(settlement: Settlement, planner: Planner) -> dict[str, PropertyResult]:
    """Return whether a settlement that was to be in the core is: looked at for no other, as it takes many plans."""
    return {"core": _core(settlement, planner)} if settlement.mechanism == "core" and not settlement.unpaid else {}


def _core(settlement: Settlement, planner: Planner) -> PropertyResult:
    """Return the coalition that gains most by leaving; `holds` is None where none was found, but too many were left."""
    case = settlement.case
    there = Attendance(planner, {name: settlement.baseline_costs[name] for name in settlement.lost})
    problem = ReportedProblem.of(case, there, settlement.start, case, case.suppliers)
    try:
        game = CoalitionGame(problem, settlement.parameters.get("activity_fee", 0.0))
        found = game.blocking(settlement.net_gains, settlement.savings - settlement.activity)
    except PartyLostError:
        return PartyResult("core", None, math.nan, searched=False)
    who = " and ".join(name for name in (*case.receivers, *case.suppliers) if name not in (*found.absent, *settlement.lost))
    allowed = max(TOLERANCE * scale(settlement), game.gap)
    holds = None if found.gain <= allowed < found.bound else found.gain <= allowed
    return PartyResult("core", holds, found.bound if holds else found.gain, who, "a plan of their own")


def expected(settlement: Settlement, planner: Planner) -> list[tuple[Lie, float]]:
    """Return what every supplier expects to gain under `agv` by each report of the prior, his own record being the truth."""
    case = settlement.case
    gains = []
    for name in counted("audit by the prior: supplier", case.suppliers):
        record = case.party(name)
        truth = externality.interim(case, case, planner, settlement.start, name, record)
        for factor in case.mechanism.cost_factors:
            report = record.scaled(COST, factor)
            if report != record:
                gained = externality.interim(case, case, planner, settlement.start, name, report) - truth
                gains.append((Lie(name, report, f"all costs x {factor:g}"), gained))
    return gains
