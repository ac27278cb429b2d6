"""One live HiGHS object: a form handed over in units that suit HiGHS, options, runs, and integers that are whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Booleans
from veridical.solvers.certificate import TRACE
from veridical.solvers.configuration import Configuration
from veridical.solvers.engines.conflict import conflict, endless, name_of
from veridical.solvers.engines.options import TINY, TRACES, set_options
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.engines.scaling import Scaling, balance, problem_of
from veridical.solvers.engines.squares import with_squares
from veridical.solvers.polish import polished
from veridical.solvers.presolve import Presolved
from veridical.solvers.solution import Termination
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["LiveModel", "Start", "fixed_by_rows"]

HUGE = 1e15  # a coefficient that HiGHS refuses
ENDLESS = 1e20  # what it takes for infinite

# How a warm start sometimes ends on large models with many tangents (seen at 12 suppliers); a cold one then finds the optimum.
LOST = (highspy.HighsModelStatus.kUnknown, highspy.HighsModelStatus.kSolveError)
TERMINATIONS = {
    highspy.HighsModelStatus.kInfeasible: Termination.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Termination.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Termination.TIME_LIMIT,
    highspy.HighsModelStatus.kInterrupt: Termination.TIME_LIMIT,  # nothing else interrupts it and lives on
    highspy.HighsModelStatus.kIterationLimit: Termination.ITERATION_LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: Termination.ITERATION_LIMIT,
}
LIMITS = (Termination.TIME_LIMIT, Termination.ITERATION_LIMIT)
REASONS = {Termination.INFEASIBLE: conflict, Termination.UNBOUNDED: endless}
FAR = 1e8  # in units in which 1,000 is usual
ROUNDING = 2.0  # seconds that the rest may take once the integers are fixed, where the limit is over


@dataclass(frozen=True, eq=False)
class Start:
    """Where a linear program starts from: the units of rows and columns, the rows that HiGHS was given, and a basis."""

    scaling: Scaling
    given: NDArray[np.intp]
    basis: highspy.HighsBasis


class LiveModel:
    """A form in a live HiGHS object.

    Rows that are likely to follow from the others (`follow`, of a linear program) are left out until they are violated: of the
    misreports of an auction with 2 bidders and 20 values those of neighbouring types take a sixteenth of the time of all.
    `start`: of a linear program with the same rows and columns. `presolved`: of a convex quadratic program what HiGHS is handed
    in its place; points and duals are those of the form all the same, and no rows can be added. After `run`, `bound` is the bound
    that HiGHS has for a model with integers (of the minimised objective), and `termination` says whether a limit ended it.
    """

    bound: float | None

    def __init__(
        self,
        form: StandardForm,
        configuration: Configuration,
        way: Mapping[str, Any] | None = None,
        follow: Booleans | None = None,
        start: Start | None = None,
        presolved: Presolved | None = None,
    ) -> None:
        self.highs, self.form, self.configuration, self.presolved = Highs(), form, configuration, presolved
        self.bound = None
        self.started = start is not None
        self.termination = Termination.CONVERGED
        self.integer = bool(form.integer.any())
        self.effective = set_options(self.highs, form, configuration, way or {})
        self.left = left = form if presolved is None else presolved.form
        problem, fixed = problem_of(left), fixed_by_rows(left)
        if fixed is not None:
            problem = replace(problem, cost=left.gradient(fixed), hessian=None)
        problem = with_squares(problem)
        self.scaling = balance(problem) if start is None else start.scaling
        scaled = self.scaling.apply(problem)
        self.beyond = ""  # a row or variable that HiGHS takes for another one
        self._check(scaled.matrix, list(range(len(left.constraints))))
        for limits in (scaled.low, scaled.high):
            far = np.isfinite(limits) & (np.abs(limits) >= ENDLESS)
            if far.any():
                self.beyond = name_of(left.variables, int(np.argmax(far)))
        self.of_squares = np.arange(len(left.constraints), problem.matrix.shape[0])  # rows that are not the form's
        every = np.arange(problem.matrix.shape[0])
        self.scaled, self.left_out = scaled, every[:0] if follow is None else np.flatnonzero(follow)
        self.given = np.setdiff1d(every, self.left_out, assume_unique=True) if start is None else start.given  # as HiGHS counts
        self.left_out = np.setdiff1d(self.left_out, self.given, assume_unique=True)
        matrix, row_low, row_high = scaled.matrix, scaled.row_low, scaled.row_high
        if len(self.given) < len(every):
            matrix, row_low, row_high = matrix[self.given], row_low[self.given], row_high[self.given]
        offset = form.offset * self.scaling.objective if self.integer else 0.0  # counts in the gap of a MIP, and in its bound
        sides = scaled.low, scaled.high, row_low, row_high
        self._taken(self.highs.take(scaled.cost, *sides, matrix, offset, scaled.integer))
        if start is not None:
            self.highs.setBasis(start.basis)
        if scaled.hessian is not None:
            lower = sp.csc_array(sp.tril(scaled.hessian))
            hessian = highspy.HighsHessian()
            hessian.dim_, hessian.format_ = len(scaled.cost), highspy.HessianFormat.kTriangular
            hessian.start_, hessian.index_, hessian.value_ = lower.indptr, lower.indices, lower.data
            self._taken(self.highs.passHessian(hessian))

    def _check(self, scaled: sp.csr_array, rows: list[int]) -> None:
        """Refuse coefficients that HiGHS refuses, and note those that it drops, in the units that it is given."""
        size = np.abs(scaled.data)
        for bad in (np.flatnonzero(size >= HUGE), np.flatnonzero((size < TINY) & (size > 0))):
            if bad.size:
                row = int(np.searchsorted(scaled.indptr, bad[0], side="right")) - 1
                self.beyond = name_of(self.left.constraints, rows[row]) if row < len(rows) else "objective"
                if size[bad[0]] >= HUGE:
                    raise self._refused()

    def _refused(self) -> InputError:
        found = "<figures too far from each other>"
        allowed = f"coefficients and bounds that units bring between {TINY:g} and {HUGE:g} (HiGHS takes no others)"
        return InputError.of(self.beyond, found, allowed)

    def _taken(self, status: highspy.HighsStatus) -> None:
        if status == highspy.HighsStatus.kError:
            raise NotSolvedError("HiGHS does not take this model, and does not say why", Termination.FAILED)

    def run(self, name: str, deadline: float, nearly: bool = False) -> tuple[Array, Array | None]:
        """Solve; return HiGHS's point and row duals of the minimisation. Raises NotSolvedError where it has none.

        `nearly`: the last point of an interior point that comes no further will do. It is near an optimum, or tells nothing.
        """
        if not self.form.variables:  # all is fixed: HiGHS calls that no model
            return np.zeros(0), np.zeros(len(self.form.constraints))
        if deadline <= perf_counter():
            raise NotSolvedError(f"{name}: the time limit was over before HiGHS could start", Termination.TIME_LIMIT)
        return (self._integers(name, deadline), None) if self.integer else self._optimum(name, deadline, nearly)

    def start(self) -> Start | None:
        """Return where the next solve with other numbers may start after the last run; None where there is no basis."""
        if self.form.hessian is not None or self.integer or not self.form.variables:
            return None
        basis = self.highs.getBasis()
        return Start(self.scaling, self.given, basis) if basis.valid else None

    def exact(self, x: Array, row_dual: Array | None) -> tuple[Array, Array | None]:
        """Return an end of `run` as exact as can be."""
        if row_dual is None:
            return x, None
        return polished(self.form, x, row_dual, self.sizes)

    @property
    def sizes(self) -> Array:
        """How large each variable is by the data."""
        sizes = self._sizes_left
        return sizes if self.presolved is None else self.presolved.of_whole(sizes)

    @property
    def _sizes_left(self) -> Array:
        return self.scaling.size * self.scaling.columns[: len(self.left.cost)]

    def as_it_is(self, x: Array, row_dual: Array | None) -> tuple[Array, Array | None]:
        """Return an end of `run`."""
        return x, row_dual

    def add(self, rows: sp.csr_array, high: Array) -> None:
        """Add rows `rows @ x <= high` to the live model."""
        factors = self.scaling.further(rows)
        scaled = self.scaling.coefficients(rows, factors)
        self._check(scaled, list(range(len(self.form.constraints) - len(high), len(self.form.constraints))))
        before = len(self.form.constraints) - len(high)
        if not self._gave(before + np.arange(len(high)), scaled, np.full(len(high), -highspy.kHighsInf), high * factors):
            refused = "HiGHS refused further tangents: the point that they are made at is no number"
            raise NotSolvedError(refused, Termination.FAILED)
        self.scaling = replace(self.scaling, rows=np.append(self.scaling.rows, factors))

    def _gave(self, rows: NDArray[np.intp], scaled: sp.csr_array, low: Array, high: Array) -> bool:
        """Give HiGHS further rows, which have these numbers, and return whether it took them."""
        entries = scaled.nnz, scaled.indptr[:-1].astype(np.int32), scaled.indices.astype(np.int32), scaled.data
        self.given = np.append(self.given, rows)
        return bool(self.highs.addRows(len(rows), low, high, *entries) == highspy.HighsStatus.kOk)

    def _optimum(self, name: str, deadline: float, nearly: bool = False) -> tuple[Array, Array]:
        """Return point and row duals in the units of the form."""
        status = self._run(name, deadline)
        while len(missing := self._missing(status)):
            rows = self.scaled.matrix[missing], self.scaled.row_low[missing], self.scaled.row_high[missing]
            if not self._gave(missing, *rows):
                raise NotSolvedError("HiGHS does not take rows that were left out, and does not say why", Termination.FAILED)
            status = self._run(name, deadline)
        solution = self.highs.getSolution()
        no_further = nearly and status == highspy.HighsModelStatus.kUnknown and solution.value_valid and solution.dual_valid
        if status != highspy.HighsModelStatus.kOptimal and not no_further:
            raise self._end(name, status, deadline)
        far = self.form.hessian is not None and np.abs(solution.col_value).max() > FAR
        if far and (why := endless(self.form, deadline)):  # a regularised QP is never unbounded
            raise NotSolvedError(f"{name}: HiGHS ended far out; {why}", Termination.UNBOUNDED)
        duals = np.zeros(len(self.scaling.rows))
        duals[self.given] = solution.row_dual
        duals *= self.scaling.rows / self.scaling.objective
        point, duals = self._point(solution), np.delete(duals, self.of_squares)
        return (point, duals) if self.presolved is None else self.presolved.restored(point, duals)

    def _missing(self, status: highspy.HighsModelStatus) -> NDArray[np.intp]:
        """Return the rows left out without which this end is none of the whole form: those violated at an optimum, else all."""
        left_out = self.left_out
        if not len(left_out) or status == highspy.HighsModelStatus.kInfeasible:
            return left_out[:0]
        if status == highspy.HighsModelStatus.kOptimal:
            values = self.scaled.matrix[left_out] @ np.array(self.highs.getSolution().col_value)
            beyond = np.maximum(self.scaled.row_low[left_out] - values, values - self.scaled.row_high[left_out])
            left_out = left_out[beyond > self.highs.getOptionValue("primal_feasibility_tolerance")[1]]
        self.left_out = np.setdiff1d(self.left_out, left_out, assume_unique=True)
        return left_out

    def _point(self, solution: highspy.HighsSolution) -> Array:
        n = len(self.left.cost)
        x = np.array(solution.col_value)[:n] * self.scaling.columns[:n]
        if self.started:  # without a presolve degenerate vertices are full of traces
            x[np.abs(x) <= TRACE * self._sizes_left] = 0.0
        return np.clip(x, self.left.low, self.left.high)

    def _run(self, name: str, deadline: float) -> highspy.HighsModelStatus:
        """Run to an end that can be believed, and return it."""
        status = self._once(name, deadline)
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            self.highs.setOptionValue("presolve", "off")
            status = self._once(name, deadline)
        if status in LOST and self.effective.get("solver") != "hipo":  # an interior point starts cold anyway
            self.highs.clearSolver()  # forget the basis that led nowhere
            status = self._once(name, deadline)
        return status

    def _once(self, name: str, deadline: float) -> highspy.HighsModelStatus:
        self.highs.limit(deadline)
        if not self.highs.ends_by(deadline):
            raise NotSolvedError(f"{name}: HiGHS did not end at the time limit and was left behind", Termination.TIME_LIMIT)
        return self.highs.getModelStatus()

    def _end(self, name: str, status: highspy.HighsModelStatus, deadline: float) -> Exception:
        """Return the error for an end without an optimum: why there is none, in names, where that can be shown."""
        termination = TERMINATIONS.get(status, Termination.FAILED)
        ended = f"{name}: HiGHS ended with '{self.highs.modelStatusToString(status)}' after {self.highs.getRunTime():.3g} s"
        why = ""
        if termination in REASONS:
            if self.beyond:
                return self._refused()
            why = REASONS[termination](self.form, deadline)
            if not why and not self.integer:  # tolerances have led it there
                termination, why = Termination.FAILED, "no reason for that is in the model: the end is not believed"
        elif self.integer and self._has_point():
            figures = self.highs.getInfo().objective_function_value, self.highs.getInfo().mip_dual_bound
            value, bound = (self.form.sense * figure / self.scaling.objective for figure in figures)
            why = f"known by then: a solution worth {value:,.6g}, and that none is better than {bound:,.6g}"
        return NotSolvedError(f"{ended}; {why}" if why else ended, termination)

    def _has_point(self) -> bool:
        return self.highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible

    def _integers(self, name: str, deadline: float) -> Array:
        """Return the optimum (where it is accepted, the best point at a limit) with integers that are whole."""
        best, worth = None, math.inf
        for trace in TRACES:
            if trace != TRACES[0]:
                self.highs.setOptionValue("mip_feasibility_tolerance", trace)
                self.effective["mip_feasibility_tolerance"] = trace
            status = self._run(name, deadline)
            self.termination = Termination.CONVERGED
            if status != highspy.HighsModelStatus.kOptimal:
                self.termination = TERMINATIONS.get(status, Termination.FAILED)
                accepted = self.configuration.accept == "feasible" and self.termination in LIMITS
                if not (accepted and (best is not None or self._has_point())):
                    raise self._end(name, status, deadline)
            self.bound = bound = self.highs.getInfo().mip_dual_bound / self.scaling.objective
            rough = self._point(self.highs.getSolution())
            whole = self._whole(name, rough, deadline)
            if whole is not None and self.form.minimised(whole) < worth:
                best, worth = whole, self.form.minimised(whole)
            size = abs(self.form.offset) + float(np.abs(self.form.cost) @ np.abs(rough))
            if best is not None and worth - self.form.minimised(rough) <= self.configuration.tolerance * size:
                return best
            if self.termination in LIMITS:
                break
        if best is not None and self.configuration.accept == "feasible":
            self.termination = self.termination if self.termination in LIMITS else Termination.FAILED
            return best
        known = "no solution" if best is None else f"the best solution is worth {self.form.objective(best):,.6g}"
        ended = f"{name}: HiGHS's integers are whole to {TRACES[-1]:g} only; with whole ones {known}, and the bound"
        allowed = "smaller bounds on what an integer switches on may help"
        raise NotSolvedError(f"{ended} is {self.form.sense * bound:,.6g}; {allowed}", Termination.FAILED)

    def _whole(self, name: str, x: Array, deadline: float) -> Array | None:
        """Return the best point with the integers of x rounded; None where there is none."""
        form, integer = self.form, self.form.integer
        rounded = np.where(integer, np.round(x), x)
        low, high = np.where(integer, rounded, form.low), np.where(integer, rounded, form.high)
        fixed = replace(form, low=low, high=high, integer=np.zeros_like(integer))
        try:
            live = LiveModel(fixed, Configuration(solver="highs", threads=self.configuration.threads))
            return live.exact(*live._optimum(name, max(deadline, perf_counter() + ROUNDING)))[0]
        except NotSolvedError:
            return None


def fixed_by_rows(form: StandardForm) -> Array | None:
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
