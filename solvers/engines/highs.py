"""HiGHS: LP, convex QP and MIP, handed over as arrays; tangents of expected sales are added to the live solver.

A new solver object for every solve: one that had seen a quadratic objective kept its Hessian for the next, linear one.
HiGHS has two QP solvers. The active set is exact where it ends, and on models of some size cycles or takes hours; the interior
point (HiPO, in the package highspy-extras) took 0.6 s where the active set took 28 s (2,160 flows of a joint plan) and 69 s at
49,680 flows. Of the 36 problems of the pilot's parties, with 170 to 224 variables, the active set solved none in HiGHS's units,
and took 5 s to say so; with 25 variables it came to an end for two parties of three, and HiPO took 0.6 of its time. So HiPO
comes first, and where it does not come to a certificate, the active set follows: at once for small QPs, at last for others. For
demand with a density the tangent form is the default even where a QP would be exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Booleans
from veridical.models.info import info_of
from veridical.solvers.configuration import Configuration
from veridical.solvers.engines.live import LiveModel, fixed_by_rows
from veridical.solvers.engines.options import SMALL, set_options
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.packaging import Point, certified, package_solution
from veridical.solvers.polish import polished_state
from veridical.solvers.presolve import Presolved
from veridical.solvers.presolve.substitution import by_substitution
from veridical.solvers.solution import Seconds, Solution, SolutionStatus, Termination
from veridical.solvers.tangents import converge, curves_of, on_the_curve
from veridical.solvers.translate.convexity import indefinite
from veridical.solvers.translate.standard_form import StandardForm, compile_model

if TYPE_CHECKING:
    from veridical.solvers.kept import Kept

__all__ = ["ABILITIES", "FORMS", "LiveModel", "available", "solve", "version", "ways_of"]

ABILITIES = ("LP", "QP", "MIP", "duals")
FORMS = ("linear", "tangent", "quadratic")  # best first
# A certificate as good as this needs nothing further: of a kept model's vertex no polish, which takes longer than the rest, and
# of an optimum by substitution no solver.
FINE = 1e-9
LARGE = 20_000  # beyond which a run of HiPO that does not converge takes too long
ACTIVE_SET: Mapping[str, Any] = {"solver": "qpasm"}
# Errors of a plan are of the order of the square root of the gap: the tightest tolerance comes first.
STALLED: Mapping[str, Any] = {"solver": "hipo", "ipm_iteration_limit": 300}  # thirty are usual
TIGHTEST: Mapping[str, Any] = {**STALLED, "ipm_optimality_tolerance": 1e-12}
TIGHT: Mapping[str, Any] = {**STALLED, "ipm_optimality_tolerance": 1e-10}
INTERIOR_POINT: Mapping[str, Any] = {  # where the feasible set has hardly an interior, no more can be had
    **STALLED,
    "ipm_optimality_tolerance": 1e-8,
    "primal_feasibility_tolerance": 1e-7,
    "dual_feasibility_tolerance": 1e-7,
}
# HiPO prefers normal equations by its count of operations. On joint plans with an activity fee (most of `more` and `less` are at
# 0 together) they are too ill-conditioned to go on, at any tolerance; with augmented systems plans came out, most of them exact.
AUGMENTED: Mapping[str, Any] = {"hipo_system": "augmented"}
EXACT_WAYS: tuple[Mapping[str, Any], ...] = (TIGHTEST, {**TIGHTEST, **AUGMENTED}, {**TIGHT, **AUGMENTED}, TIGHT, INTERIOR_POINT)
LARGE_WAYS: tuple[Mapping[str, Any], ...] = (TIGHT, INTERIOR_POINT, {**INTERIOR_POINT, **AUGMENTED})

# Without the rows that follow little is left to presolve: for auctions the simplex took 0.55 to 0.75 of its time.
FEW_ROWS: Mapping[str, Any] = {"presolve": "off", "simplex_dual_edge_weight_strategy": 1}
# Rows from which on that is worth it where it takes a presolve: smaller models are solved as they stand.
PRESOLVED = 4_000
# Further ways where an end is not believed.
LINEAR: tuple[Mapping[str, Any], ...] = ({}, {"presolve": "off"}, {"solver": "ipm"})
# Ends of the model and not of the way: there is a reason for the first two in the model itself.
FINAL = (Termination.INFEASIBLE, Termination.UNBOUNDED, Termination.TIME_LIMIT)


def available() -> bool:
    """Whether HiGHS is installed: it comes with the package."""
    return True


@cache
def version() -> str:
    """Return the version of the embedded HiGHS."""
    return str(Highs().version())


def solve(model: Any, configuration: Configuration, kept: Kept | None = None) -> Solution:
    """Solve a Pyomo model, load the values into it and return the solution with its certificate.

    A model that is `kept` is not translated anew, and a linear program starts from the basis of the first solve.

    Raises InputError for a model or an option that HiGHS does not take, NotSolvedError where there is no optimum to return.
    """
    began = perf_counter()
    form = compile_model(model) if kept is None else kept.form()
    _refuse_mixed_integer_squares(form, model.name)
    _refuse_nonconvex(form, model.name)
    translated = perf_counter()
    deadline = math.inf if configuration.time_limit is None else began + configuration.time_limit
    presolved = _presolved(model, form)
    left = form if presolved is None else presolved.form
    ways, termination = ways_of(left, configuration), Termination.CONVERGED
    final = FINAL if form.hessian is not None else (*FINAL, Termination.ITERATION_LIMIT)  # an interior point hands over
    follow, few = _likely_to_follow(model, form), ways[0] if info_of(model).presolved else FEW_ROWS
    point, options = (None, {}) if kept is not None else _substituted(model, form, configuration, follow, deadline)
    for way in ways if point is None else ():
        start = None if kept is None or way is not ways[0] else kept.start
        chosen, left_out = (way, None) if follow is None or way is not ways[0] else (few, follow)
        live = LiveModel(form, configuration, chosen, left_out, start, presolved)

        def run(live: LiveModel = live) -> tuple[Array, Array | None]:
            end = live.run(model.name, deadline)
            if kept is not None and kept.start is None:
                kept.start = live.start()
            return end

        exact = live.exact if start is None else live.as_it_is
        try:
            x, row_dual, rounds = converge(model, form, configuration.tolerance, run, live.add, exact)
        except NotSolvedError as error:
            if way is not ways[-1] and error.status not in final:
                continue
            if point is None:
                raise
            break
        before = None if kept is None else kept.point
        point, termination = certified(model, form, x, row_dual, live.bound, before), live.termination
        if start is not None and not point.certificate.within_all(FINE):
            point = certified(model, form, *on_the_curve(model, form, *live.exact(x, row_dual)), live.bound, point.x)
        if kept is not None:
            kept.point = point.x
        options = {**live.effective, "tangent_rounds": rounds} if rounds else live.effective
        if ways is LINEAR or termination is not Termination.CONVERGED or point.certificate.within(configuration.tolerance):
            break
    assert point is not None
    if point.row_dual is not None:  # a later way that came to nothing may have added tangents
        added = np.zeros(len(form.constraints) - len(point.row_dual))
        point = replace(point, row_dual=np.concatenate([point.row_dual, added]))
    seconds = Seconds(0.0, translated - began, perf_counter() - translated)
    solution = package_solution(model, form, point, ("highs", version()), options, seconds, None if kept is None else kept.names)
    if termination is Termination.CONVERGED:
        return solution
    certificate = replace(solution.certificate, proves="feasible", basis="the best point by the limit, and the solver's bound")
    return replace(solution, status=SolutionStatus.FEASIBLE, termination=termination, certificate=certificate)


def ways_of(form: StandardForm, configuration: Configuration) -> tuple[Mapping[str, Any], ...]:
    """Return the options of HiGHS's solvers to try, in this order; none where HiGHS or the user chooses."""
    if "solver" in configuration.options or form.integer.any():
        return ({},)
    if form.hessian is None or fixed_by_rows(form) is not None:
        return LINEAR
    if Highs().setOptionValue("solver", "hipo") != highspy.HighsStatus.kOk:  # highspy-extras of the same version is missing
        return (ACTIVE_SET,)
    if len(form.variables) <= SMALL:
        return EXACT_WAYS[0], ACTIVE_SET, *EXACT_WAYS[1:]
    return *(LARGE_WAYS if len(form.variables) > LARGE else EXACT_WAYS), ACTIVE_SET


def _presolved(model: Any, form: StandardForm) -> Presolved | None:
    """Return what is left of a large quadratic program, of which HiGHS presolves none; None where it is handed over whole."""
    if form.hessian is None or form.integer.any() or len(form.variables) <= LARGE or info_of(model).expected_sales:
        return None
    return None if fixed_by_rows(form) is not None else Presolved.of(form)


def _likely_to_follow(model: Any, form: StandardForm) -> Booleans | None:
    """Return which rows of a linear program are likely to follow from the others; None where nobody knows."""
    info = info_of(model)
    likely = info.likely_to_follow
    if likely is None or form.hessian is not None or form.integer.any():
        return None
    if info.presolved and len(form.constraints) < PRESOLVED:
        return None
    following = set(likely(model))
    found = map(following.__contains__, form.constraints)
    return np.fromiter(found, dtype=bool, count=len(form.constraints)) if following else None


def _substituted(
    model: Any, form: StandardForm, configuration: Configuration, follow: Booleans | None, deadline: float
) -> tuple[Point | None, dict[str, Any]]:
    """Return the optimum, and the options in effect, of a linear program that a presolve takes apart, without HiGHS.

    None where something is left for HiGHS, where the user has chosen how it works, and where the optimum is not exact.
    """
    if follow is None or not info_of(model).presolved or configuration.options or curves_of(model, form):
        return None, {}
    end = by_substitution(form, follow)
    if end is None or deadline <= perf_counter():
        return None, {}
    options = set_options(Highs(), form, configuration, {})
    state = polished_state(form, *end)
    if state is None:
        return None, {}
    point = certified(model, form, state.x, state.row_dual, like=state.point)
    exact = point.certificate.proves == "global" and point.certificate.within_all(FINE)
    return (point, options | {"substituted_rows": int((~follow).sum())}) if exact else (None, {})


def _refuse_mixed_integer_squares(form: StandardForm, name: str) -> None:
    """Raise InputError for integers beside a quadratic objective."""
    if form.hessian is not None and form.integer.any() and fixed_by_rows(form) is None:
        variable = form.variables[int(np.argmax(form.integer))].name
        allowed = "continuous variables beside a quadratic objective, or a linear objective (HiGHS solves no mixed-integer QP)"
        raise InputError.of(variable, "<an integer variable beside a quadratic objective>", allowed, name)


def _refuse_nonconvex(form: StandardForm, name: str) -> None:
    """Raise InputError for a quadratic objective that is not convex: HiGHS calls wrong points of those optimal."""
    columns = None if form.convexity is not None else indefinite(form)
    if columns is not None:
        names = ", ".join(form.variables[column].name for column in columns[:3]) + (", ..." if len(columns) > 3 else "")
        allowed = "a convex quadratic objective to minimise, a concave one to maximise"
        raise InputError.of("objective", f"<of the wrong curvature in {names}>", allowed, name)
