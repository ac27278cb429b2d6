"""HiGHS: LP, convex QP and MIP, handed over as arrays; tangents of expected sales are added to the live solver.

A new solver object for every solve: one that had seen a quadratic objective kept its Hessian for the next, linear one.
HiGHS has two QP solvers. The active set is exact where it ends, and on models of some size cycles or takes hours; the interior
point (HiPO, in the package highspy-extras) took 0.6 s where the active set took 28 s (2,160 flows of a joint plan) and 69 s at
49,680 flows. Small QPs go to the active set first, large ones to HiPO, and where one does not come to a certificate, the other
follows. For demand with a density the tangent form is the default even where a QP would be exact.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.configuration import Configuration
from veridical.solvers.engines.conflict import conflict
from veridical.solvers.engines.quiet import Highs, linear_program
from veridical.solvers.packaging import certified, package_solution
from veridical.solvers.polish import polished
from veridical.solvers.solution import Seconds, Solution, Termination
from veridical.solvers.tangents import converge
from veridical.solvers.translate.convexity import indefinite
from veridical.solvers.translate.standard_form import StandardForm, compile_model

__all__ = ["ABILITIES", "FORMS", "LiveModel", "available", "solve", "version"]

ABILITIES = ("LP", "QP", "MIP", "duals")
FORMS = ("linear", "tangent", "quadratic")  # best first
DEFAULTS: Mapping[str, Any] = {
    "output_flag": False,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "qp_regularization_value": 1e-12,  # the default, 1e-7, leaves gradients wrong by 1e-7 times the quantity
}

SMALL = 300  # variables up to which a QP goes to the active set first
LARGE = 20_000  # beyond which a run of HiPO that does not converge takes too long
ACTIVE_SET: Mapping[str, Any] = {"solver": "qpasm"}
# Errors of a plan are of the order of the square root of the gap: the tightest tolerance comes first.
TIGHTEST: Mapping[str, Any] = {"solver": "hipo", "ipm_optimality_tolerance": 1e-12}
TIGHT: Mapping[str, Any] = {"solver": "hipo", "ipm_optimality_tolerance": 1e-10}
INTERIOR_POINT: Mapping[str, Any] = {  # where the feasible set has hardly an interior, no more can be had
    "solver": "hipo",
    "ipm_optimality_tolerance": 1e-8,
    "primal_feasibility_tolerance": 1e-7,
    "dual_feasibility_tolerance": 1e-7,
}

# How a warm start sometimes ends on large models with many tangents (seen at 12 suppliers); a cold one then finds the optimum.
LOST = (highspy.HighsModelStatus.kUnknown, highspy.HighsModelStatus.kSolveError)
TERMINATIONS = {
    highspy.HighsModelStatus.kInfeasible: Termination.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Termination.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Termination.TIME_LIMIT,
    highspy.HighsModelStatus.kIterationLimit: Termination.ITERATION_LIMIT,
}

# These ends of the active set are final. It has also ended with 'unbounded' where the cost is bounded (a vendor's at a given
# plan, seen once in two thousand runs), so the other solvers are tried after that.
FINAL = (Termination.INFEASIBLE, Termination.TIME_LIMIT)


def available() -> bool:
    """Whether HiGHS is installed: it comes with the package."""
    return True


def version() -> str:
    """Return the version of the embedded HiGHS."""
    return str(Highs().version())


def solve(model: Any, configuration: Configuration) -> Solution:
    """Solve a Pyomo model, load the values into it and return the solution with its certificate.

    Raises InputError for a model or an option that HiGHS does not take, NotSolvedError where there is no optimum to return.
    """
    began = perf_counter()
    form = compile_model(model)
    _refuse_nonconvex(form, model.name)
    translated = perf_counter()
    deadline = math.inf if configuration.time_limit is None else translated + configuration.time_limit
    ways, point, unbounded, options = _ways(form, configuration), None, None, {}
    for way in ways:
        live = LiveModel(form, configuration, way)
        try:
            run = partial(live.run, model.name, deadline)
            x, row_dual, rounds = converge(model, form, configuration.tolerance, run, live.add)
        except NotSolvedError as error:
            final = error.status in FINAL and (way is ACTIVE_SET or error.status == Termination.TIME_LIMIT)
            if way is ACTIVE_SET and error.status == Termination.UNBOUNDED:
                unbounded = error
            if way is not ways[-1] and not final:
                continue
            if point is None:
                raise (unbounded or error) from None
            break
        point = certified(model, form, x, row_dual, live.bound)
        options = {**live.effective, "tangent_rounds": rounds} if rounds else live.effective
        if point.certificate.within(configuration.tolerance):
            break
    assert point is not None
    if point.row_dual is not None:  # a later way that came to nothing may have added tangents
        added = np.zeros(len(form.constraints) - len(point.row_dual))
        point = replace(point, row_dual=np.concatenate([point.row_dual, added]))
    seconds = Seconds(0.0, translated - began, perf_counter() - translated)
    return package_solution(model, form, point, ("highs", version()), options, seconds)


def _ways(form: StandardForm, configuration: Configuration) -> tuple[Mapping[str, Any], ...]:
    """Return the options of HiGHS's QP solvers to try, in this order; none where HiGHS or the user chooses."""
    if form.hessian is None or _fixed_by_rows(form) is not None or "solver" in configuration.options:
        return ({},)
    if Highs().setOptionValue("solver", "hipo") != highspy.HighsStatus.kOk:  # highspy-extras of the same version is missing
        return (ACTIVE_SET,)
    if len(form.variables) <= SMALL:
        return ACTIVE_SET, TIGHTEST, TIGHT, INTERIOR_POINT
    if len(form.variables) > LARGE:
        return TIGHT, INTERIOR_POINT, ACTIVE_SET
    return TIGHTEST, TIGHT, INTERIOR_POINT, ACTIVE_SET


class LiveModel:
    """One live HiGHS object."""

    def __init__(self, form: StandardForm, configuration: Configuration, way: Mapping[str, Any] | None = None) -> None:
        self.highs, self.form = Highs(), form
        self.bound: float | None = None
        self.integer = bool(form.integer.any())
        self.effective = self._set_options(configuration, way or {})
        # Reduced costs are tested in absolute terms, and probabilities make them small: bring the usual cost to 1.
        usual = np.median(np.abs(form.cost[form.cost != 0])) if form.cost.any() else 1.0
        self.scale = 2.0 ** -round(math.log2(usual))
        fixed = _fixed_by_rows(form)
        cost = (form.cost if fixed is None else form.gradient(fixed)) * self.scale
        lp = linear_program(cost, form.low, form.high, form.row_low, form.row_high, form.matrix)
        lp.offset_ = form.offset * self.scale  # counts in the gap of a MIP, and in its bound
        if self.integer:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(whole)] for whole in form.integer]
        self.highs.passModel(lp)
        if form.hessian is not None and fixed is None:
            lower = sp.csc_array(sp.tril(form.hessian * self.scale))
            hessian = highspy.HighsHessian()
            hessian.dim_, hessian.format_ = lp.num_col_, highspy.HessianFormat.kTriangular
            hessian.start_, hessian.index_, hessian.value_ = lower.indptr, lower.indices, lower.data
            self.highs.passHessian(hessian)

    def _set_options(self, configuration: Configuration, way: Mapping[str, Any]) -> dict[str, Any]:
        """Set the options and return those in effect, read back from the solver."""
        wanted = {**DEFAULTS, **way}
        if self.form.hessian is not None:  # its QP solver can cycle where the optimum is not bounded, and has no limit of its own
            per = 50 if len(self.form.variables) <= SMALL else 2  # the last of four ways must not take longer than the others
            wanted["qp_iteration_limit"] = 1_000 + per * (len(self.form.variables) + len(self.form.constraints))
        if self.integer:
            wanted["mip_rel_gap"] = configuration.tolerance
        if configuration.threads is not None:
            wanted["threads"] = configuration.threads
            self.highs.resetGlobalScheduler(True)  # another number of threads than the last run's needs a new one
        known = [name for name in dir(highspy.HighsOptions()) if not name.startswith("_")]
        for name, value in configuration.options.items():
            if name not in known:
                near = ", ".join(difflib.get_close_matches(name, known, 3, 0.4)) or "see the list of HiGHS options"
                raise configuration.error_for(f"options.{name}", value, f"an option of HiGHS; near it: {near}")
            wanted[name] = value
        for name, value in wanted.items():
            if self.highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                kind = type(self.highs.getOptionValue(name)[1]).__name__
                raise configuration.error_for(f"options.{name}", value, f"a value that HiGHS takes for this option ({kind})")
        return {name: self.highs.getOptionValue(name)[1] for name in wanted}

    def run(self, name: str, deadline: float) -> tuple[Array, Array | None]:
        """Solve what stands, and return point and row duals of the minimisation; raise NotSolvedError if there are none."""
        if deadline < math.inf:
            remaining = deadline - perf_counter()
            if remaining <= 0:
                raise NotSolvedError(f"{name}: the time limit was over before HiGHS could start", Termination.TIME_LIMIT)
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + remaining)
        if not self.form.variables:  # all is fixed: HiGHS calls that no model
            return np.zeros(0), np.zeros(len(self.form.constraints))
        status = self._status()
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            self.highs.setOptionValue("presolve", "off")
            status = self._status()
        if status in LOST:
            self.highs.clearSolver()  # forget the basis that led nowhere
            status = self._status()
        if status != highspy.HighsModelStatus.kOptimal:
            termination = TERMINATIONS.get(status, Termination.FAILED)
            word = self.highs.modelStatusToString(status)
            why = conflict(self.form) if termination is Termination.INFEASIBLE else ""
            ended = f"{name}: HiGHS ended with '{word}' after {self.highs.getRunTime():.3g} s"
            info = self.highs.getInfo()
            if self.integer and info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
                figures = info.objective_function_value, info.mip_dual_bound
                value, bound = (self.form.sense * figure / self.scale for figure in figures)
                why = f"known by then: a solution worth {value:,.6g}, and that none is better than {bound:,.6g}"
            raise NotSolvedError(f"{ended}; {why}" if why else ended, termination)
        solution = self.highs.getSolution()
        x = np.array(solution.col_value)
        if self.integer:
            self.bound = self.highs.getInfo().mip_dual_bound / self.scale
            return x, None
        row_dual = np.array(solution.row_dual) / self.scale
        return polished(self.form, x, row_dual)

    def _status(self) -> highspy.HighsModelStatus:
        self.highs.run()
        return self.highs.getModelStatus()

    def add(self, rows: sp.csr_array, high: Array) -> None:
        """Add rows `rows @ x <= high` to the live model."""
        count = rows.shape[0]
        low = np.full(count, -highspy.kHighsInf)
        status = self.highs.addRows(count, low, high, rows.nnz, rows.indptr[:-1], rows.indices, rows.data)
        if status != highspy.HighsStatus.kOk:
            refused = "HiGHS refused further tangents: the point that they are made at is no number"
            raise NotSolvedError(refused, Termination.FAILED)


def _fixed_by_rows(form: StandardForm) -> Array | None:
    """Return a point with the only values that the variables of the quadratic terms can have; None where one has others.

    Equality constraints of one variable fix them, as where a given plan is priced. With the gradient there as its cost, the
    linear program has the QP's optimum and multipliers, and simplex finds them.
    """
    if form.hessian is None:
        return None
    alone = np.flatnonzero((np.diff(form.matrix.indptr) == 1) & (form.row_low == form.row_high))
    places = form.matrix.indptr[alone]
    point = np.full(len(form.variables), np.nan)
    coefficients = form.matrix.data[places]
    usable = coefficients != 0
    point[form.matrix.indices[places[usable]]] = form.row_low[alone[usable]] / coefficients[usable]
    used = np.flatnonzero(np.diff(form.hessian.indptr))
    return None if np.isnan(point[used]).any() else np.nan_to_num(point)


def _refuse_nonconvex(form: StandardForm, name: str) -> None:
    """Raise InputError for a quadratic objective that is not convex: HiGHS calls wrong points of those optimal."""
    columns = indefinite(form)
    if columns is not None:
        names = ", ".join(form.variables[column].name for column in columns[:3]) + (", ..." if len(columns) > 3 else "")
        allowed = "a convex quadratic objective to minimise, a concave one to maximise"
        raise InputError.of("objective", f"<of the wrong curvature in {names}>", allowed, name)
