"""Solving the models of joint plans: by HiGHS, where that is to choose, with ties broken, and with whole trucks.

Whole trucks are integers beside squares, which HiGHS does not take together. The models have tangents in place of squares, so
that what they cost at least is a bound. With the trucks fixed the squares themselves are a convex program; its optimum is a plan
with its true cost. New tangents there and at the integer optimum follow until the two meet (outer approximation: Duran and
Grossmann, Mathematical Programming 36, 1986).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyomo.environ as pyo

from veridical.data import CertificateError, NotSolvedError
from veridical.models.info import info_of
from veridical.models.joint_plan.information import PlanInfo, Square
from veridical.solvers.certificate import Certificate, ratio
from veridical.solvers.configuration import Configuration, configure
from veridical.solvers.packaging import NO_DUALS
from veridical.solvers.solution import Duals, Solution, SolutionStatus, Termination
from veridical.solvers.ties import evenest

__all__ = ["Solver", "solved"]

Solver = str | Path | Mapping[str, Any] | Configuration
TRUCKS: Mapping[str, Any] = {"solver": "highs", "tolerance": 5e-3}  # relative gap of cost to which whole trucks are solved
PRICED = 1e-9  # and where the plan is given
ROUNDS = 20  # of tangents; two or three are usual
SAME = 1e-13  # of the cost: a square that is no more above its tangents is met
BASIS = "the solver's own bound, with tangents below the squares"


def solved(model: Any, solver: Solver | None = None, even: Collection[Any] = (), given: bool = False) -> Solution:
    """Return the certified solution of a model of parties.

    Parameters
    ----------
    model
        As `models.joint_plan` builds it; it holds the solution.
    solver
        As `veridical.solvers.solve` takes it; None: HiGHS, and Ipopt where it does not come to a certificate.
    even
        Variables whose squares sum to the least of all optima; not with whole trucks, which are only solved to a gap.
    given
        Whether the plan is: whole trucks are solved to `PRICED` then, and where the solver that is named fails, HiGHS follows.

    Raises
    ------
    NotSolvedError, CertificateError
        As `veridical.solvers.solve`.
    """
    info: PlanInfo = info_of(model)  # type: ignore[assignment]
    if not info.squares:
        return _convex(model, solver, even, given)
    trucks = [v for v in model.component_data_objects(pyo.Var) if v.is_integer() and not v.fixed]
    if not trucks:
        with _exact(model, info.squares):
            return _convex(model, None, even)
    configuration = configure(TRUCKS if solver is None else solver)
    if given:
        configuration = configuration.changed(tolerance=min(configuration.tolerance, PRICED))
    return _whole(model, info.squares, trucks, configuration)


def _convex(model: Any, solver: Solver | None, even: Collection[Any] = (), given: bool = False) -> Solution:
    from veridical.solvers import solve  # that package imports the planners

    if even and model.component("dual") is None:
        model.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    try:
        solution = solve(model, "highs" if solver is None else solver)
    except (NotSolvedError, CertificateError) as error:
        final = getattr(error, "status", None) in (Termination.INFEASIBLE, Termination.UNBOUNDED)
        if final if solver is None else not given:  # a plan that is given costs what it costs, whoever works it out
            raise
        solution = solve(model, "ipopt" if solver is None else "highs")
    return evenest(model, solution, even) if even else solution


def _whole(model: Any, squares: Collection[Square], trucks: Collection[Any], configuration: Configuration) -> Solution:
    """Return the solution with whole trucks, to the tolerance: half of it for the trucks, half for the tangents."""
    from veridical.solvers import solve

    half = configuration.changed(tolerance=configuration.tolerance / 2)
    best, counts, cost, bound = [0], [0], math.inf, -math.inf
    for _ in range(ROUNDS):
        master = solve(model, half)
        bound, counts = max(bound, master.bound), [round(truck.value) for truck in trucks]
        touched = _touch(squares, master.objective)
        plan = _with(model, squares, trucks, counts)
        if plan.objective < cost:
            best, cost = counts, plan.objective
        gap, optimal = ratio(max(cost - bound, 0.0), abs(cost)), master.status is SolutionStatus.OPTIMAL
        if not optimal or gap <= configuration.tolerance or not (_touch(squares, plan.objective) or touched):
            break
    if counts != best:
        plan = _with(model, squares, trucks, best)
    basis = BASIS if optimal else f"the best point by the limit, and {BASIS}"
    proves = "global" if optimal else "feasible"
    certificate = Certificate(plan.certificate.primal_residual, None, None, gap, proves, basis)
    duals = Duals({}, NO_DUALS)
    found = replace(master, objective=cost, bound=min(bound, cost), certificate=certificate, duals=duals, derivatives=None)
    return found.checked(gap=configuration.tolerance) if optimal else found


def _with(model: Any, squares: Collection[Square], trucks: Collection[Any], counts: Collection[int]) -> Solution:
    """Return the solution with so many trucks, at its true cost."""
    for truck, count in zip(trucks, counts, strict=True):
        truck.fix(count)
    try:
        with _exact(model, squares):
            return _convex(model, None)
    finally:
        for truck in trucks:
            truck.unfix()


def _touch(squares: Collection[Square], cost: float) -> bool:
    """Add tangents where squares are above those that there are, by what counts in a cost; return whether there were any."""
    touched = False
    for square in squares:
        value = square.variable.value
        if square.short(value) * pyo.value(square.exact) > SAME * abs(cost):
            square.touch(value)
            touched = True
    return touched


@contextmanager
def _exact(model: Any, squares: Collection[Square]) -> Iterator[None]:
    """Have the squares themselves in the objective for a while; the charges are then what the squares are."""
    objective = next(model.component_data_objects(pyo.Objective, active=True))
    linear, tangents = objective.expr, {id(square.tangents): square.tangents for square in squares}
    objective.set_value(linear + pyo.quicksum(square.exact - square.charge for square in squares))
    for each in tangents.values():
        each.deactivate()
    try:
        yield
    finally:
        objective.set_value(linear)
        for each in tangents.values():
            each.activate()
        for square in squares:
            square.charge.set_value(pyo.value(square.exact), skip_validation=True)
