"""Who is paid what for a joint plan: one function a mechanism, each over whatever planner there is.

Suppliers report, and what a supplier reports is his record. Receivers operate the mechanism, are taken at their word, and are
left the rest; or they report too, under `vcg` with `receivers = agents`, and the rest is an operator's (see `guarantees`).
"Without i" means that i stays at the baseline. Write c_j for reported costs, x0 for the baseline, x for the plan, kappa for the
fees that the mechanism counts as a cost of its own: activity_fee * sum volume |x - x0| + participation_fee * (suppliers who take
part). Truth is best at the least cost; at a plan that is not exactly that, nobody gains more by a misreport than the plan costs
above it, which the certificate bounds (`excess`): next to nothing for a QP, the gap of a MIP for whole trucks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

from veridical.contracts.joint_plan import externality
from veridical.contracts.joint_plan.attendance import Attendance, PartyLostError
from veridical.contracts.joint_plan.core import core
from veridical.contracts.joint_plan.planner import Plan, Planner
from veridical.contracts.joint_plan.problem import MechanismOutcome, ReportedProblem
from veridical.contracts.joint_plan.redistribution import rebates, refuse_redistribution
from veridical.contracts.joint_plan.settlement import COMPUTED, Settlement, agents
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase

__all__ = ["MECHANISMS", "MechanismOutcome", "ReportedProblem", "Rule", "baseline_of", "refuse_lump_sums", "settle", "subsets"]

SUBSETS = 6  # suppliers up to which all subsets may take part


def just_in_time(problem: ReportedProblem) -> MechanismOutcome:
    """Return the baseline, just in time: everybody delivers what the receivers order, and nobody is paid anything for it."""
    return MechanismOutcome(problem.plan(problem.case.suppliers), {}, {})


def vcg(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan at least reported cost and fees, and transfers with which truth is best whatever the others report.

    i is any supplier, and with `receivers = agents` any receiver too: then truth is best for each of them.

    transfer_i = h_i - [sum_{j != i} c_j(x) + kappa(x)]; h_i does not depend on i's report: with `pivot = baseline`
    sum_{j != i} c_j(x0), with `clarke` the least of sum_{j != i} c_j + kappa without i. The fees make it an affine maximiser.
    Where a lump sum is asked for, who takes part is decided with the plan: the best of all subsets of up to SUBSETS
    suppliers; of more, the best of everybody, nobody, all but one, and one alone. That range is fixed before the reports, so
    truth stays best; what it may cost is savings.

    Where a `redistribution` is asked for, everybody is given back what does not depend on his own report (`redistribution`).
    """
    refuse_lump_sums(problem.case)
    if problem.case.mechanism.redistribution == "none":
        return groves(problem)
    refuse_redistribution(problem.case)
    outcome, given = groves(problem), rebates(problem, groves)
    transfers = {name: transfer + given[name].amount for name, transfer in outcome.transfers.items()}
    return replace(outcome, transfers=transfers, rebates=given)


def groves(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan and the transfers of `vcg`, before any redistribution."""
    parameters, before, suppliers = problem.case.mechanism, problem.before, problem.suppliers
    alpha, lump = parameters.activity_fee, parameters.participation_fee

    def fees(plan: Plan) -> float:
        return plan.fee + lump * sum(name not in plan.non_participants for name in suppliers)

    def value(plan: Plan) -> float:
        return plan.total + fees(plan)

    sets = subsets(suppliers) if lump else [()]
    absences: list[tuple[str, ...]] = []
    if parameters.pivot == "clarke":
        always = [name for name in problem.paid if not any(name in absent for absent in sets)]
        absences = [(name, *absent) for name in always for absent in sets]
    plans, further = problem.plans({"plan without some" if lump else "plan": sets, "counterfactual plan": absences}, alpha)
    best = min(plans, key=value)
    transfers, taken = {}, {}
    for name in problem.paid:
        without, waived = sum(cost for other, cost in before.items() if other != name), 0.0
        if parameters.pivot == "clarke":
            others = [plan for absent, plan in zip(absences, further, strict=True) if absent[0] == name]
            others = others or [plan for plan in plans if name in plan.non_participants]
            least = min(others, key=value)  # i's own cost is in all of them the same: at the baseline
            without, waived = value(least) - least.costs[name], fees(least)
        transfers[name] = without - (value(best) - best.costs[name])
        taken[name] = fees(best) - waived
    bound = min(plan.bound + sum(before[name] for name in plan.non_participants) + fees(plan) - plan.fee for plan in plans)
    return MechanismOutcome(best, transfers, taken, max(value(best) - bound, 0.0))


def refuse_lump_sums(case: JointPlanCase) -> None:
    """Raise InputError for a participation fee under the baseline pivot with several suppliers.

    That pivot leaves each of them the whole saving less all fees: everybody would pay everybody's lump sum, also who does not
    take part, and n suppliers n times what the fee says. With one supplier both pivots are the same.
    """
    fixed = case.mechanism
    if fixed.participation_fee and fixed.pivot == "baseline" and len(case.suppliers) > 1:
        allowed = (
            "0 with pivot = baseline, under which each would pay the lump sums of all; pivot = clarke, where each pays his own"
        )
        raise InputError.of("participation_fee", fixed.participation_fee, allowed, case.name)


def refuse_at_home(committed: JointPlanCase, mechanism: str, parameters: Mapping[str, Any]) -> None:
    """Raise InputError for what is made from committed records, where one of these is at home."""
    redistribution = parameters.get("redistribution", committed.mechanism.redistribution)
    if committed.at_home and (mechanism == "agv" or (mechanism == "vcg" and redistribution != "none")):
        what, value = ("mechanism", mechanism) if mechanism == "agv" else ("redistribution", redistribution)
        others = "another mechanism" if mechanism == "agv" else "none"
        allowed = (
            f"{others}: this is made from what parties have committed to, and the record of {committed.at_home[0]} is at home"
        )
        raise InputError.of(what, value, allowed, committed.name)


def subsets(suppliers: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return who may stay at the baseline, the fewest first."""
    n = len(suppliers)
    sizes = range(n + 1) if n <= SUBSETS else (0, 1, n - 1, n)
    return [absent for size in sizes for absent in combinations(suppliers, size)]


def agv(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan at least reported cost, and transfers that sum to 0 with which truth is best in expectation.

    See `externality`, and `Parameters` for the prior. Nothing is paid where somebody was lost: what was expected, was of all.
    """
    if problem.planner.lost:
        return MechanismOutcome(problem.plan(), {}, {})
    transfers = externality.transfers(problem.case, problem.committed, problem.planner, problem.start)
    return MechanismOutcome(problem.plan(), transfers, {})


def split_savings(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan at least reported cost, and transfers that leave the suppliers their `share` of the reported savings.

    transfer_i = share * savings / n - (c_i(x0) - c_i(x)): to each of the n the same, to the receivers the rest. Truth is
    not best.
    """
    plan = problem.plan()
    savings = sum(problem.before.values()) - plan.total
    equal = problem.case.mechanism.share * savings / max(len(problem.suppliers), 1)
    return MechanismOutcome(plan, {name: equal - (problem.before[name] - plan.costs[name]) for name in problem.paid}, {})


def first_price(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan at least reported cost, and pay what each supplier says that it costs him: c_i(x) - c_i(x0).

    A truthful supplier gains nothing, receivers all savings; truth is not best.
    """
    plan = problem.plan()
    return MechanismOutcome(plan, {name: plan.costs[name] - problem.before[name] for name in problem.paid}, {})


class Rule(NamedTuple):
    """How a mechanism decides, its parameters, and the incentive concept by which truth is a supplier's best, if there is one."""

    decide: Callable[[ReportedProblem], MechanismOutcome]
    parameters: tuple[str, ...]
    truth: str | None = None


MECHANISMS: Mapping[str, Rule] = {
    "jit": Rule(just_in_time, (), "dominant_strategy_ic"),
    "vcg": Rule(vcg, ("pivot", "activity_fee", "participation_fee", "receivers", "redistribution"), "dominant_strategy_ic"),
    "core": Rule(core, ("core_point", "activity_fee")),
    "agv": Rule(agv, ("cost_factors", "draws", "seed"), "bayesian_ic"),
    "split_savings": Rule(split_savings, ("share",)),
    "first_price": Rule(first_price, ()),
}


def baseline_of(case: JointPlanCase, planner: Planner, baseline: Any = None) -> tuple[Array, str]:
    """Return the baseline, units by flow, and where it is from: as given, else that of the case, else as the planner makes it."""
    if baseline is not None:
        return case.shared.vector(baseline), "given"
    if case.baseline is not None:
        return case.shared.vector(case.baseline), "case"
    return planner.baseline(case), COMPUTED


def settle(
    case: JointPlanCase,
    mechanism: str,
    planner: Planner,
    *,
    baseline: Any = None,
    committed: JointPlanCase | None = None,
    **parameters: Any,
) -> Settlement:
    """Return what a mechanism makes of a case in which every record is as it was reported.

    Parameters
    ----------
    case
        The reports.
    mechanism
        One of `MECHANISMS`.
    planner
        Who makes plans and prices them.
    baseline
        The plan that was committed to; by default that of the case, or, where that has none, the planner makes it.
    committed
        The case whose records the prior of `agv` is made from, which must not depend on reports; by default the case itself.
    parameters
        The mechanism's, in place of the case's own.

    Returns
    -------
    The settlement; `certified_plan` is the plan with its proof and duals. Parties that the planner loses on the way are at the
    baseline in all plans that it was made from (`lost`); where their loss ended the planning, nobody is paid anything.

    Raises
    ------
    InputError
        For a mechanism or parameter that is not there, and lump sums under the baseline pivot (`refuse_lump_sums`); and what the
        planner raises.
    """
    if mechanism not in MECHANISMS:
        raise InputError.of("mechanism", mechanism, f"one of {', '.join(MECHANISMS)}", case.name)
    decide, names, _ = MECHANISMS[mechanism]
    refuse_at_home(committed or case, mechanism, parameters)
    for name, value in parameters.items():
        if name not in names:
            raise InputError.of(name, value, f"for {mechanism} {', '.join(names) or 'no parameters'}", case.name)
    case = case.changed(**parameters)
    parameters = {name: getattr(case.mechanism, name) for name in names}
    if parameters.get("redistribution") == "none":  # said where there is one
        del parameters["redistribution"]
    start, source = baseline_of(case, planner, baseline)
    if agents(parameters) and source == COMPUTED:
        allowed = "with a baseline that is committed to (baseline.csv): one that is computed follows from what receivers report"
        raise InputError.of("receivers", "agents", allowed, case.name)
    paid = case.names if agents(parameters) else case.suppliers
    lost: dict[str, float] = {}
    while True:
        problem = ReportedProblem.of(case, Attendance(planner, lost), start, committed or case, paid)
        try:
            outcome = decide(problem)
            break
        except PartyLostError as error:
            lost = lost | {name: problem.before[name] for name in error.plan.lost}
            if error.plan.stopped:
                outcome = MechanismOutcome(error.plan, {}, {})
                break
    plan = outcome.plan
    return Settlement(
        case=case,
        mechanism=mechanism,
        parameters=parameters,
        start=start,
        baseline_source=source,
        units=plan.units,
        baseline_costs=problem.before,
        costs=plan.costs,
        transfers={name: outcome.transfers.get(name, 0.0) for name in case.names},
        fees={name: outcome.fees.get(name, 0.0) for name in case.names},
        activity=plan.fee,
        non_participants=plan.non_participants,
        prices=plan.prices,
        excess=outcome.excess,
        certified_plan=plan,
        lost=tuple(lost),
        core=outcome.core,
        rebates=outcome.rebates,
    )
