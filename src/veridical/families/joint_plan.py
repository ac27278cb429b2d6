"""Parties that share a plan: settlements, by a central planner or by consensus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from veridical import models, solvers
from veridical.contracts import Audit, JointPlanAudit, Settlement
from veridical.contracts.joint_plan import transfers
from veridical.contracts.joint_plan.audit import MISREPORTS, examine
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, Planner
from veridical.contracts.joint_plan.settlement import agents
from veridical.data import InputError
from veridical.data.joint_plan import NEED, JointPlanCase, Shared
from veridical.data.lazy import lazy
from veridical.families.family import Family, Mechanism, Number, Parameter, Promises, Route, Task
from veridical.solvers import Configuration, Solution, SolutionStatus
from veridical.solvers.certificate import ACCEPTED, Certificate
from veridical.solvers.planners import Central

if TYPE_CHECKING:
    from veridical.families import joint_plan_tables as tables
    from veridical.solvers.consensus import Consensus
    from veridical.studies.figures import settlement as figures
else:
    tables, figures = lazy("veridical.families.joint_plan_tables"), lazy("veridical.studies.figures.settlement")

__all__ = ["FAMILY", "planner_of", "solve"]


def solve(
    case: JointPlanCase,
    mechanism: str = "vcg",
    configuration: str | Path | Mapping[str, Any] | Configuration | None = None,
    *,
    planner: Planner | None = None,
    misreports: int = MISREPORTS,
    seed: int = 0,
    **parameters: Any,
) -> Solution:
    """Return the solution of a case under a mechanism: contracts are the settlement, the objective is the cost of the plan.

    `configuration`: of the solver of the central models; another `planner` takes its place. `misreports`, `seed`: of the audit.
    `parameters`: the mechanism's, in place of the case's. The bound is that of what the plan minimises, less the fees that
    are in it, so that objective - bound is how far the plan may be from the best. Where a party was lost, the status is
    `incomplete`, and there is no bound: its costs are not known. The time of the counterfactual plans counts as solving; that of
    the audit does not count.
    Raises InputError for input that cannot be used, and what the planner raises.
    """
    planner = CachingPlanner(Central(configuration) if planner is None else planner)
    began = perf_counter()
    settlement = transfers.settle(case, mechanism, planner, **parameters)
    passed = perf_counter() - began
    plan = settlement.certified_plan
    assert plan is not None
    seconds = plan.solution.solver.seconds
    counted = passed - seconds.build - seconds.translate - seconds.certify
    lost = settlement.lost
    return Solution(
        objective=settlement.plan_cost,
        bound=nan if lost else settlement.plan_cost - (plan.objective - plan.bound),
        certificate=without(lost, plan) if lost else plan.solution.certificate,
        status=SolutionStatus.INCOMPLETE if lost else SolutionStatus.OPTIMAL,
        solver=replace(plan.solution.solver, seconds=replace(seconds, solve=counted)),
        duals=plan.duals,
        optimal=plan.solution.optimal,
        case=case.name,
        mechanism=mechanism,
        parameters=settlement.parameters,
        contracts=settlement,
        audit=examine(settlement, planner=planner, misreports=misreports, seed=seed),
        warnings=tuple(unsupplied(case)),
    )


def unsupplied(case: JointPlanCase) -> Iterator[str]:
    """Yield in sentences which receivers need products that no route brings them, of which a plan knows nothing."""
    for name in case.receivers:
        record = case.party(name)
        brought = {route.product for route in case.shared.routes if route.receiver == name}
        for field, column in record.columns().items():
            if column.kind != NEED or "product" not in column.keys or column.optional:
                continue
            place = column.keys.index("product")
            needed = dict.fromkeys(key[place] for key, units in getattr(record, field).items() if units > 0)
            if left := [product for product in needed if product not in brought]:
                file = f"{column.file} has {column.header.partition(' (')[0]} of {name} for {', '.join(left)}"
                yield f"{file}, which no route in flows.csv brings there: it is left out of plan and costs"


def without(lost: tuple[str, ...], plan: Plan) -> Certificate:
    """Return what is proven of a plan on the way to which parties were lost: that it is the best with these at the baseline."""
    names = ", ".join(lost)
    if plan.stopped:
        return Certificate(0.0, None, None, nan, "feasible", f"{names} lost before a plan was proven")
    certificate: Certificate = plan.solution.certificate
    return replace(certificate, basis=f"{certificate.basis}, among plans with {names}, lost, at the baseline")


def centrally(task: Task) -> Solution:
    """Solve by the models of all parties."""
    return solved_by_planner(task, Central(task.configuration))


def by_consensus(task: Task) -> Solution:
    """Solve without anybody's model; the callback is called after every round."""
    assert task.configuration is not None
    with solvers.consensus.Consensus(task.configuration, callback=task.callback) as planner:
        return solved_by_planner(task, planner)


def solved_by_planner(task: Task, planner: Planner) -> Solution:
    """Return the solution by a planner, which proves the gap that was asked for and returns no other plan.

    Where a party was lost before it did, nobody is paid anything, and there is nothing that the mechanism promises.
    """
    solution = solve(task.case, task.mechanism.name, planner=planner, **task.parameters)
    if solution.contracts.unpaid:
        return solution
    task = replace(task, parameters=dict(solution.parameters))  # those of the case too: promises depend on them
    return task.finish(solution, max(solution.certificate.gap, ACCEPTED))


def planner_of(solver: Any, callback: Callable[[Any], None] | None = None) -> Central | Consensus:
    """Return who plans: by the joint model, with the solver that is named, or by consensus."""
    configuration = None if solver is None else solvers.configure(solver)
    if configuration is not None and configuration.solver == CONSENSUS.solver:
        return solvers.consensus.Consensus(configuration, callback=callback)
    return Central(configuration)


CONSENSUS = Route("consensus", by_consensus, None, "consensus")


def promised(*names: str) -> Promises:
    """Return promises: these, and the receivers' truth too where they are agents of the mechanism."""
    return lambda **parameters: (*names, *(["receiver_ic"] if agents(parameters) else []))


def mechanism(name: str, summary: str, build: Callable[..., Any], *promises: str) -> Mechanism:
    """Return a mechanism; its parameters stand in for the case's own, which check them, and say how to audit."""

    def alone(case: JointPlanCase, form: str = "auto", **parameters: Any) -> Any:
        """Return the model of a case."""
        if form != "auto" or parameters:
            value = form if form != "auto" else ", ".join(parameters)
            allowed = "a case alone; models.joint_plan.joint.build takes fees and who does not take part"
            raise InputError.of("build", value, allowed, case.name)
        return build(case)

    whole = Parameter((int,), 0)
    declared = {parameter: Parameter() for parameter in transfers.MECHANISMS[name].parameters if parameter != "seed"}
    declared |= {"misreports": whole, "seed": whole}
    routes = (Route("planner", centrally, alone), CONSENSUS)
    return Mechanism(
        name,
        JointPlanCase,
        summary,
        routes,
        promised(*promises),
        solver=lambda case: None,
        declared=declared,
        sources=(*SOURCES.get(name, ()), "flopro"),
    )


SOURCES = {
    "vcg": ("vickrey1961", "clarke1971", "groves1973"),
    "core": ("day2007", "day2012", "clarke1971"),
    "agv": ("daspremont1979",),
}
LEAST_COST = "least cost of all, and transfers with which truth is best"
JOINT = models.joint_plan.joint.build
MECHANISMS = (
    mechanism("jit", "receivers plan for themselves alone: the baseline", models.joint_plan.jit.build),
    mechanism("vcg", LEAST_COST, JOINT, "dominant_strategy_ic", "ex_post_ir", "savings"),
    mechanism(
        "core",
        "no coalition does better by itself: near VCG, not truthful",
        JOINT,
        "ex_post_ir",
        "savings",
        "core",
    ),
    mechanism("agv", "transfers that sum to 0, and truth best in expectation", JOINT, "bayesian_ic", "budget", "savings"),
    mechanism("split_savings", "reported savings are shared: invites misreports", JOINT, "ex_post_ir", "budget", "savings"),
    mechanism("first_price", "reported costs are paid: invites misreports", JOINT, "ex_post_ir", "budget", "savings"),
)


def columns(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison."""
    settlement, checked = solution.contracts, solution.audit
    assert isinstance(checked, JointPlanAudit)
    return {
        "savings": settlement.savings,
        "savings_share": settlement.savings / settlement.baseline_cost,
        "budget": settlement.budget,
        "residual": settlement.residual,
        "max_regret": checked.max_regret,
        "min_net_gain": checked.min_net_gain,
    }


def audit(case: JointPlanCase, offer: Settlement) -> Audit:
    """Return the audit of a settlement, whose costs are priced again by central models."""
    if not isinstance(offer, Settlement):
        raise InputError.of("menu", f"<{type(offer).__name__}>", "a Settlement: of a joint plan there is no menu", case.name)
    return examine(offer, Central())


def numbers(case: JointPlanCase) -> Mapping[str, Number]:
    """Refuse: what a plan costs has no derivative in a number of the case that is looked for here."""
    raise InputError.of("case", "<JointPlanCase>", "a case of an assembler or of a supplier", case.name)


FAMILY = Family(
    kind="joint_plan",
    case=JointPlanCase,
    mechanisms=MECHANISMS,
    defaults=("vcg",),
    fields=(*JointPlanCase.model_fields, *Shared.model_fields),
    summary=lambda solution: tables.summary(solution),
    memo=lambda solution: tables.memo(solution),
    compared=lambda case, frame: tables.compared(case, frame),
    columns=columns,
    drawn={
        "savings": "saved",
        "budget": "left to the operator",
        "residual": "left to the receivers",
        "max_regret": "largest gain by a misreport",
    },
    audit=audit,
    picture=lambda solution: figures.draw(solution.contracts),
    write=lambda settlement, path: settlement.book(plan_first=True).write(path),  # people want the flows
    numbers=numbers,
)
