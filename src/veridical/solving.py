"""From a case to a certified answer: build, solve, audit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from pyomo.common.gc_manager import PauseGC

from veridical import contracts, solvers
from veridical.contracts import Allotment, Audit, Menu
from veridical.contracts.joint_plan.audit import examine as joint_plan_audit
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase, InputError
from veridical.data.assembler import label
from veridical.data.continuous_case import refuse_continuous
from veridical.data.fields import check
from veridical.data.joint_plan import JointPlanCase
from veridical.data.load import Case
from veridical.mechanisms import Mechanism, find, parameters_of
from veridical.solvers import Configuration, Solution, closed_form
from veridical.solvers import planners as joint_plan
from veridical.solvers.certificate import ACCEPTED
from veridical.solvers.closed_form import allocation
from veridical.solvers.consensus import Consensus

__all__ = ["audit", "build", "one_sided", "planner_of", "solve"]


def build(case: Case, mechanism: str | None = None, form: str = "auto", **parameters: Any) -> Any:
    """Return the Pyomo model of a mechanism for a case: edit it, write it, solve it.

    `form` is how expected sales are written; `parameters` are the mechanism's own (`feasibility=False`, ...).
    """
    chosen = find(case, mechanism)
    if chosen.build is None:
        raise InputError.of(
            "mechanism", chosen.name, "one that is a program: this one is a game (vd.solve finds its equilibrium)"
        )
    if isinstance(case, JointPlanCase):
        if form != "auto" or parameters:
            found = form if form != "auto" else ", ".join(parameters)
            raise InputError.of(
                "build", found, "a case alone; models.joint_plan.joint.build takes fees and who does not take part", case.name
            )
        return chosen.build(case)
    return chosen.build(case, form=form, **known(chosen.build, "a model", chosen.check(case, parameters)))


def known(way: Callable[..., Any], solver: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters, of which each must be one of the way by which a mechanism is computed."""
    names = parameters_of(way)
    for name, value in parameters.items():
        if name not in names:
            raise InputError.of(name, value, f"with {solver} {', '.join(names) or 'no parameters'}")
    return parameters


def solve(
    case: Case,
    mechanism: str | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration | None = None,
    tell: Callable[[Any], None] | None = None,
    **parameters: Any,
) -> Solution:
    """Solve a case under a mechanism (the kind's own where none is named) and return a certified solution.

    `solver` is `closed_form`, a solver's name, a table, or the path of a TOML file; where none is named HiGHS, or Ipopt where
    revenues of retailers are no quadratic functions. For joint plans it may be `consensus`; `tell` is then called after every
    round, with what there is to say of it.
    Raises InputError for input that cannot be used, NotSolvedError where there is no optimum, CertificateError where a
    result fails its certificate or what its mechanism promises (no misreport gains, nobody truthful loses).
    """
    chosen = find(case, mechanism)
    parameters = chosen.check(case, parameters)
    if isinstance(case, JointPlanCase):
        return settled(case, chosen, solver, tell, parameters)
    configuration = solvers.configure(chosen.solver(case) if solver is None else solver)
    if configuration.solver == "closed_form":
        if chosen.closed_form is None:
            raise InputError.of("solver", "closed_form", f"a solver for models: {chosen.name} has no closed form")
        parameters = known(chosen.closed_form, "solver closed_form", parameters)
        if isinstance(case, AllocationCase):
            parameters = pointed(case, chosen.closed_form, parameters)
        by_formula = closed_form.SOLVE[type(case)]
        solution = by_formula(case, chosen.name, chosen.closed_form, configuration, version("veridical"), **parameters)
    elif chosen.build is None:
        raise InputError.of("solver", configuration.solver, f"closed_form: {chosen.name} is no program but a game", case.name)
    else:
        parameters = pointed(case, chosen.build, parameters)
        with PauseGC():  # the model is one large web of objects: collecting in between only costs time
            began = perf_counter()
            form = configuration.form
            if not isinstance(case, AllocationCase):  # whose revenues are written in one form each
                form = solvers.preferred_form(case.demand.forms, configuration)
            model = build(case, chosen.name, form, **parameters)
            built = perf_counter() - began
            solution = solvers.solve(model, configuration)
        record = replace(solution.solver, seconds=replace(solution.solver.seconds, build=built))
        solution = replace(solution, solver=record)
    promises = chosen.promises(**parameters)
    audited = None if solution.audit is None else solution.audit.held_to(promises)
    benchmark = against(solution.contracts, parameters) if isinstance(solution.contracts, Allotment) else None
    found = replace(solution, audit=audited, parameters=parameters, benchmark=benchmark)
    return found.checked(promises, configuration.tolerance)


def settled(
    case: JointPlanCase,
    chosen: Mechanism,
    solver: Any,
    tell: Callable[[Any], None] | None,
    parameters: Mapping[str, Any],
) -> Solution:
    """Return the solution of a joint plan, by the models of all parties or by consensus."""
    planner = planner_of(solver, tell)
    with planner if isinstance(planner, Consensus) else nullcontext():
        found = joint_plan.solve(case, chosen.name, planner=planner, **parameters)
    promises = chosen.promises()
    assert found.audit is not None
    # of whole trucks and of consensus the gap that was asked for is proved by the planner, which returns no other plan
    return replace(found, audit=found.audit.held_to(promises)).checked(promises, max(found.certificate.gap, ACCEPTED))


def planner_of(solver: Any, tell: Callable[[Any], None] | None = None) -> joint_plan.Central | Consensus:
    """Return who plans: by the joint model, with the solver that is named, or by consensus."""
    if solver is None or solvers.configure(solver).solver != "consensus":
        return joint_plan.Central(solver)
    return Consensus(solver, callback=tell)


def pointed(case: Any, way: Callable[..., Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the number of points that stand for a continuous range, which decides the result."""
    points = inspect.signature(way).parameters.get("points")
    ranges = isinstance(case, ContinuousCase) or (isinstance(case, AllocationCase) and case.continuous)
    return {"points": points.default, **parameters} if points is not None and ranges else parameters


def against(allotment: Allotment, parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return capacity and profit of the chain with full information, on the same types and, where drawn, the same profiles."""
    drawn = {name: value for name, value in parameters.items() if name in ("samples", "seed")}
    best = allocation.centralized(allotment.case, **drawn)
    return {"capacity": best.capacity, "profit": best.chain_profit}


def one_sided(
    case: Case,
    parameter: str,
    mechanism: str | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration | None = None,
    step: float = 1e-4,
    **parameters: Any,
) -> tuple[float, float]:
    """Return the left and the right derivative of the optimal profit in a number of the case.

    Of an assembler's `price` or `cost NAME=COST`, of a supplier's `capacity` or `capacity_cost`. `solution.sensitivity` gives one
    number; where the profit has a kink (pooled profiles, demand points) it lies between these two. By solving again at
    -step and +step, relative to the parameter; exact where profit is piecewise linear.
    Raises InputError for another name.
    """
    if isinstance(case, JointPlanCase):
        raise InputError.of("case", "<JointPlanCase>", "a case of an assembler or of a supplier", case.name)
    raw = case.model_dump()
    places: dict[str, tuple[Any, Any]] = {  # of each name: the table or list that its value stands in, and where in it
        name: (raw, name) for name in ("price", "capacity", "capacity_cost") if raw.get(name)
    }
    if isinstance(case, AssemblerCase):
        for supplier, own in zip(case.suppliers, raw["suppliers"], strict=True):
            own["costs"] = list(own["costs"])
            places |= {f"cost {supplier.name}={label(cost)}": (own["costs"], k) for k, cost in enumerate(supplier.costs)}
    if parameter not in places:
        raise InputError.of("parameter", parameter, f"one of {', '.join(places)}")
    table, key = places[parameter]
    value = table[key]

    def moved(change: float) -> float:
        table[key] = value + change
        if isinstance(case, AllocationCase):  # whose revenues may be the user's own, and no raw values
            world: Case = case.changed(**{parameter: table[key]})
        else:
            world = check(type(case), {name: each for name, each in raw.items() if each is not None})
        return solve(world, mechanism, solver, **parameters).objective

    change = step * value
    here = moved(0.0)
    return (here - moved(-change)) / change, (moved(change) - here) / change


def audit(case: Case, menu: Menu | Allotment | Settlement | pd.DataFrame | str | Path) -> Audit:
    """Audit what has been offered, by anybody: a Menu or an Allotment, a menu laid out as `solution.menu`, or a CSV file.

    Says who would misreport, as what, and for how much; who would lose by the truth; and what the principal earns.
    """
    find(case, None)  # a case of a kind that has mechanisms
    if isinstance(case, AllocationCase):
        if isinstance(menu, pd.DataFrame):
            raise InputError.of("menu", "<a DataFrame>", "an Allotment, or a CSV file as Allotment.to_csv writes it", case.name)
        return contracts.audit(menu if isinstance(menu, Allotment) else Allotment.read_csv(case, str(menu)))
    if isinstance(case, JointPlanCase):
        if not isinstance(menu, Settlement):
            raise InputError.of("menu", f"<{type(menu).__name__}>", "a Settlement: of a joint plan there is no menu", case.name)
        return joint_plan_audit(menu, joint_plan.Central())
    refuse_continuous(case)
    assert isinstance(case, AssemblerCase)
    if isinstance(menu, pd.DataFrame):
        return contracts.audit(Menu.from_frame(case, menu))
    return contracts.audit(menu if isinstance(menu, Menu) else Menu.read_csv(case, str(menu)))
