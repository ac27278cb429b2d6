"""All optimal duals of a convex program: between what ends each of them lies, and which are shown to be unique.

At an optimum x the multipliers y of the rows and z of the bounds that prove it are a polyhedron: z = gradient - jacobian'y, with
y and z at least 0 where the lower side binds, at most 0 where the upper one does, and 0 where none does. It is the same at every
optimum. The optimum as a function of the right-hand sides is convex, and the polyhedron holds its subgradients (Rockafellar,
Convex Analysis, 1970, Theorems 29.1 and 23.4), so that the ends of y are its one-sided derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.lazy import csgraph, pd
from veridical.solvers.certificate import ACCEPTED, ROUNDING, relative
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.engines.scaling import Problem, Scaling, balance
from veridical.solvers.entries import Entries
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["OptimalDuals"]

BINDS = 1e-9  # relative: the room that rounding leaves at a side on which a vertex is
EXACT, APART = 1e-11, 1e-4  # a solver's own point tells which sides bind if all are met to the first, or missed by the second
LAX = 1e300  # every side that there is
INSIDE = ACCEPTED  # of the range of a variable that is between its bounds for certain
CLOSE = 1e-7  # relative: ends that differ by less are one price, where all is linear
CLEAN = 1e-10  # relative to the terms that it is one of: what an optimum leaves of 0
VANISHED = 1e-13  # of the terms of a sum: what is less is rounding
NEARLY = 1e-5  # relative: by how much a gradient may differ from what the multipliers add up to
PROVEN = 1e-9  # relative gap of an optimum at which derivatives are exact enough
NOT_CONVEX = "the model is not shown to be convex, and its multipliers are those of one stationary point"
NOT_PROVEN = "the optimum is not exact enough: solve again with a smaller tolerance"
LARGEST = 400  # rows of a block up to which a factorisation takes no time to speak of
DEPENDENT = 1e-9  # relative: singular values from there on down are 0
OPTIONS: Mapping[str, Any] = {
    "small_matrix_value": 1e-12,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "presolve": "off",  # it takes rows that nearly depend on each other for contradictions
}


@dataclass(frozen=True, eq=False)
class OptimalDuals:
    """The optimum of a convex program as arrays, with multipliers that prove it; nothing of the model itself.

    jacobian, gradient: of the rows and of the minimised objective, at x; linear_rows, linear: whether these rows, and all, are
    the same everywhere, and so exact. gradient_size: of the terms that the gradient sums. rows: the rows' values. row_dual:
    d(minimised objective)/d(right-hand side). accuracy: relative, to which prices are known. families: rows by family, and what
    makes a Series of one value a row. asked: the ranges that were worked out, by family.
    """

    sense: int
    linear: bool
    linear_rows: bool
    jacobian: sp.csr_array
    gradient: Array
    gradient_size: Array
    rows: Array
    row_low: Array
    row_high: Array
    x: Array
    low: Array
    high: Array
    row_dual: Array
    accuracy: float
    families: Mapping[str, tuple[Integers, Callable[[Array], pd.Series]]]
    asked: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        form: StandardForm,
        x: Array,
        row_dual: Array,
        gap: float,
        families: Mapping[str, tuple[Integers, Callable[[Array], pd.Series]]],
        curves: tuple[Booleans, sp.csr_array, Array] | None = None,
    ) -> OptimalDuals | str:
        """Return the optimal duals of a form at an optimum to a relative gap; in words, why they are not known.

        `curves` are rows that others stand for at x, see `tangents.at_the_curve`.
        """
        if form.convexity is None:
            return NOT_CONVEX
        linear = form.hessian is None and form.nonlinear is None and curves is None
        if not gap <= (ACCEPTED if linear else PROVEN):
            return NOT_PROVEN
        jacobian, rows, low, high = sp.csr_array(form.jacobian(x)), form.rows(x), form.row_low, form.row_high
        gradient = form.gradient(x)
        size = np.maximum(np.abs(form.cost), np.abs(gradient))
        if form.hessian is not None or form.nonlinear is not None:
            size = size + Entries.of(form.objective_hessian(x)).finite().sizes_times(np.abs(x))
        if curves is not None:
            replaced, others, of_others = curves
            families = {name: family for name, family in families.items() if not replaced[family[0]].any()}
            low, high = np.where(replaced, -np.inf, low), np.where(replaced, np.inf, high)
            at = others @ x
            jacobian, rows = sp.csr_array(sp.vstack([jacobian, others])), np.append(rows, at)
            low, high = np.append(low, np.full(len(at), -np.inf)), np.append(high, at)
            row_dual = np.append(np.where(replaced, 0.0, row_dual), of_others)
        accuracy = CLOSE if linear else 10 * math.sqrt(max(gap, ROUNDING))  # a gradient is as exact as the root of the gap
        linear_rows = curves is None and bool(form.linear_rows().all())
        point = jacobian, gradient, size, rows, low, high, x, form.low, form.high, row_dual
        return cls(form.sense, linear, linear_rows, *point, accuracy, families)

    def frame(self, family: str) -> pd.DataFrame:
        """Return the least and the largest dual of each constraint of a family, as `Solution.dual_range` does."""
        if family not in self.asked:
            rows, series = self.families[family]
            low, high = self.ends(rows).T
            self.asked[family] = pd.DataFrame({"low": series(low), "high": series(high)})
        return self.asked[family].copy()

    def unique_in(self, family: str) -> Booleans:
        """Return which prices of a family are shown to be unique: by their ranges where these were asked for, else by ranks."""
        ranges = self.asked.get(family)
        if ranges is None:
            return self._at_point.unique[self.families[family][0]]
        unique: Booleans = (ranges["low"] == ranges["high"]).to_numpy()
        return unique

    def several(self) -> dict[str, pd.DataFrame]:
        """Return the ranges that were asked for of those prices that are not unique."""
        frames = {family: ranges[~self.unique_in(family)] for family, ranges in self.asked.items()}
        return {family: ranges for family, ranges in frames.items() if len(ranges)}

    def ends(self, rows: Integers) -> Array:
        """Return the least and the largest price of rows, shape (rows, 2): infinite without an end, NaN where it is not found."""
        if self._at_vertex is None:
            return np.full((len(rows), 2), np.nan)
        ends = self._at_vertex.ends(rows)
        size = np.maximum(np.where(np.isfinite(ends), np.abs(ends), 0.0).max(axis=1), self._usual(self._at_vertex.given)[rows])
        ends = np.where(np.abs(ends) <= self.accuracy * size[:, None], 0.0, ends)
        one = _alike(ends[:, 0], ends[:, 1], self.accuracy * size)
        told = one & _alike(self.row_dual[rows], ends[:, 0], ACCEPTED * size)  # the price that the solution has is this one
        ends[one, 1] = ends[one, 0]
        ends[told] = self.row_dual[rows][told, None]
        ends = ends if self.sense > 0 else -ends[:, ::-1]
        return ends + 0.0  # no -0

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to another process: no live solver."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    def _usual(self, row_dual: Array) -> Array:
        """Return what each multiplier has to be to count in some column; 1 for rows that count in none."""
        entries = Entries.of(self.jacobian)
        terms = np.maximum(self.gradient_size, entries.transposed_sizes_times(np.abs(row_dual)))
        worth = entries.largest_by_row(relative(np.ones(len(terms)), terms, without=0.0))
        return relative(np.ones(len(worth)), worth, without=1.0)

    @cached_property
    def _at_point(self) -> _Face:
        """The multipliers that fit the solver's point; all that signs allow where it does not tell clearly what binds."""
        rooms = self._rooms(self.rows, self.x)
        surely, perhaps = _signs(rooms, EXACT), _signs(rooms, APART)
        clear = all(np.array_equal(one, other) for one, other in zip(surely, perhaps, strict=True))
        return _Face(self.jacobian, self.gradient, self.row_dual, perhaps if clear else _signs(rooms, LAX))

    @cached_property
    def _at_vertex(self) -> _Face | None:
        """The multipliers that fit a vertex of the linear program with objective and rows as they are by first derivatives.

        It has the same multipliers, and its simplex vertices are as exact as rounding allows. Where errors of the point would
        make it one without an end, or rows are derivatives themselves, its objective is what the multipliers add up to. None
        where no vertex is found, or one that is better than what is said to be the optimum.
        """
        small = np.abs(self.gradient) <= CLEAN * self.gradient_size
        gradient = np.where(small, 0.0, self.gradient)
        vertex = _LinearProgram(self._problem(gradient)).solved() if self.linear_rows else None
        if vertex is None and not self.linear:
            gradient = self._consistent_gradient()
            vertex = _LinearProgram(self._problem(gradient)).solved()
        if vertex is None or gradient @ (self.x - vertex[0]) > ACCEPTED * (self.gradient_size @ np.abs(self.x)):
            return None
        x, row_dual = vertex
        row_dual = np.where(np.abs(row_dual) <= CLEAN * self._usual(row_dual), 0.0, row_dual)
        return _Face(self.jacobian, gradient, row_dual, _signs(self._rooms(self.jacobian @ x - self._shift, x), BINDS))

    def _problem(self, gradient: Array) -> Problem:
        sides = self.row_low + self._shift, self.row_high + self._shift, self.low, self.high
        return Problem(gradient, None, self.jacobian, *sides, np.zeros(len(gradient), dtype=bool))

    @cached_property
    def _scaling(self) -> Scaling:
        return balance(self._problem(self.gradient))

    @cached_property
    def _shift(self) -> Array:
        """What the rows' derivatives at the optimum make of it, beyond the rows' values."""
        shift: Array = np.zeros(len(self.rows)) if self.linear_rows else self.jacobian @ self.x - self.rows
        return shift

    def _consistent_gradient(self) -> Array:
        """Return the gradient that the solution's multipliers and those of bounds add up to, where that is nearly the same."""
        below, above, left, right = self._rooms(self.rows, self.x)
        dual = np.where((below > INSIDE) & (above > INSIDE), 0.0, self.row_dual)
        reduced = self.gradient - self.jacobian.T @ dual
        least, most = np.where(right > INSIDE, 0.0, -np.inf), np.where(left > INSIDE, 0.0, np.inf)
        missed = reduced - np.clip(reduced, least, most)
        return self.gradient - np.where(np.abs(missed) <= NEARLY * self.gradient_size, missed, 0.0)

    def _rooms(self, rows: Array, x: Array) -> tuple[Array, Array, Array, Array]:
        """Return how much room rows leave below and above, and variables, relative to the size of what stands there.

        Where nothing but traces stand, that is the size of what is usual there.
        """
        entries = Entries.of(self.jacobian)
        sizes = np.maximum(entries.sizes_times(np.abs(x)), np.abs(rows))
        reach = np.maximum(entries.widened(np.abs(x), sizes), self._scaling.size * self._scaling.columns)
        sizes = np.maximum(sizes, self._scaling.size / self._scaling.rows)
        of_rows = (_room(rows, side, sizes) for side in (self.row_low, self.row_high))
        below, above, left, right = *of_rows, *(_room(x, side, reach) for side in (self.low, self.high))
        return below, above, left, right


class _Face:
    """The multipliers y of rows and z of bounds, each between its ends, with z = gradient - jacobian'y.

    Parameters
    ----------
    jacobian, gradient
        The equations.
    given
        Multipliers of rows that are among them, but for rounding.
    signs
        Least and most of y, and of z: 0 or infinite.
    """

    def __init__(self, jacobian: sp.csr_array, gradient: Array, given: Array, signs: tuple[Array, Array, Array, Array]) -> None:
        self.jacobian, self.gradient, self.given, self.signs = jacobian, gradient, given, signs

    @cached_property
    def unique(self) -> Booleans:
        """Which rows' multipliers are shown to be unique, whatever the signs: by the ranks of small blocks of equations.

        Every variable between its bounds is an equation of the multipliers of the rows that bind. One with a single unknown
        settles it; what is left falls into blocks. False says that it was not shown: not that there are several.
        """
        row_low, row_high, z_low, z_high = self.signs
        unique: Booleans = row_low == row_high
        entries = Entries.of(self.jacobian)
        used = (z_low == z_high)[entries.columns] & ~unique[entries.rows]
        rows, columns, values = entries.rows[used], entries.columns[used], entries.values[used]
        while len(rows):
            alone = rows[np.bincount(columns)[columns] == 1]
            if not len(alone):
                break
            unique[alone] = True
            left = ~unique[rows]
            rows, columns, values = rows[left], columns[left], values[left]
        for of_rows, block in _blocks(sp.csr_array((values, (rows, columns)), shape=self.jacobian.shape)):
            unique[of_rows] = _determined(block)
        return unique

    def ends(self, rows: Integers) -> Array:
        """Return the least and the largest multiplier of rows, shape (rows, 2)."""
        ends = np.stack([self.given[rows]] * 2, axis=1)
        several = np.flatnonzero(~self.unique[rows])
        if len(several):
            place, live = self._live
            ends[several] = [[live.least(place[row], sign) for sign in (1.0, -1.0)] for row in rows[several].tolist()]
        return ends

    @cached_property
    def _live(self) -> tuple[Integers, _LinearProgram]:
        """Each row's variable in a linear program of the multipliers of rows that bind, and that program.

        By what the given ones miss the equations, these are moved: else rounding would leave no multipliers at all.
        """
        row_low, row_high, z_low, z_high = self.signs
        binding = np.flatnonzero(row_low < row_high)
        place = np.full(len(row_low), -1)
        place[binding] = np.arange(len(binding))
        matrix = sp.csr_array(self.jacobian[binding].T)
        kept = np.flatnonzero((np.diff(matrix.indptr) > 0) & ~(np.isinf(z_low) & np.isinf(z_high)))
        reduced = self.gradient - self.jacobian.T @ np.clip(self.given, row_low, row_high)
        target = self.gradient - (reduced - np.clip(reduced, z_low, z_high))
        terms = np.abs(self.gradient) + Entries.of(self.jacobian).transposed_sizes_times(np.abs(self.given))
        target = np.where(np.abs(target) <= VANISHED * terms, 0.0, target)  # which units of the program would be chosen by
        sides = (target - z_high)[kept], (target - z_low)[kept], row_low[binding], row_high[binding]
        whole = np.zeros(len(binding), dtype=bool)
        return place, _LinearProgram(Problem(np.zeros(len(binding)), None, sp.csr_array(matrix[kept]), *sides, whole))


class _LinearProgram:
    """A linear program in a live HiGHS object, in units that suit it."""

    def __init__(self, problem: Problem) -> None:
        self.scaling = balance(problem)
        scaled = self.scaling.apply(problem)
        self.highs = Highs()
        for name, value in OPTIONS.items():
            self.highs.setOptionValue(name, value)
        sides = scaled.low, scaled.high, scaled.row_low, scaled.row_high
        self.highs.take(scaled.cost, *sides, scaled.matrix)

    def solved(self) -> tuple[Array, Array] | None:
        """Return a vertex that is optimal and the multipliers of the rows; None where none is found."""
        if self._run() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self.highs.getSolution()
        row_dual = np.array(solution.row_dual) * self.scaling.rows / self.scaling.objective
        return np.array(solution.col_value) * self.scaling.columns, row_dual

    def least(self, column: int, sign: float) -> float:
        """Return a variable where it is least, or largest where the sign is -1: infinite without an end, NaN if not found."""
        self.highs.changeColCost(column, sign)
        status = self._run()
        self.highs.changeColCost(column, 0.0)
        if status == highspy.HighsModelStatus.kUnbounded:
            return -sign * math.inf
        optimal = status == highspy.HighsModelStatus.kOptimal
        return float(self.highs.getSolution().col_value[column] * self.scaling.columns[column]) if optimal else math.nan

    def _run(self) -> highspy.HighsModelStatus:
        self.highs.ends_by(math.inf)
        status = self.highs.getModelStatus()
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnbounded):
            self.highs.clearSolver()  # forget the basis that led nowhere
            self.highs.ends_by(math.inf)
            status = self.highs.getModelStatus()
        return status


def _signs(rooms: tuple[Array, Array, Array, Array], binds: float) -> tuple[Array, Array, Array, Array]:
    """Return least and most of the multipliers of rows and of bounds, 0 or infinite, where sides bind that have no more room."""
    below, above, left, right = (np.where(room <= binds, np.inf, 0.0) for room in rooms)
    return -above, below, -right, left


def _room(values: Array, side: Array, sizes: Array) -> Array:
    """Return the distances from sides relative to sizes; infinite where the side is open."""
    finite = np.isfinite(side)
    distance = np.abs(values - np.where(finite, side, 0.0))
    return np.where(finite, relative(distance, np.maximum(sizes, np.where(finite, np.abs(side), 0.0))), np.inf)


def _alike(one: Array, other: Array, least: Array) -> Booleans:
    """Whether figures differ by no more than what counts; nothing is like NaN."""
    with np.errstate(invalid="ignore"):  # infinities of one sign are the same
        close: Booleans = (one == other) | (np.abs(one - other) <= least)
    return close


def _blocks(matrix: sp.csr_array) -> Iterator[tuple[Integers, Array]]:
    """Yield the blocks of a matrix that share no row and no column: their rows, and their entries; not those that are large."""
    m, n = matrix.shape
    at = matrix.tocoo()
    links = sp.csr_array((np.ones(at.nnz), (at.row, m + at.col)), shape=(m + n, m + n))
    count, part = csgraph.connected_components(links, directed=False)
    rows, columns = (np.argsort(side, kind="stable") for side in (part[:m], part[m:]))
    ends_of_rows, ends_of_columns = (np.cumsum(np.bincount(side, minlength=count)) for side in (part[:m], part[m:]))
    by_row = np.split(rows, ends_of_rows[:-1])
    by_column = np.split(columns, ends_of_columns[:-1])
    for of_rows, of_columns in zip(by_row, by_column, strict=True):
        if 0 < len(of_rows) <= LARGEST and 0 < len(of_columns) <= 4 * LARGEST:
            yield of_rows, matrix[of_rows][:, of_columns].toarray()


def _determined(block: Array) -> Booleans:
    """Return which unknowns y of block'y = 0 are 0 in every solution."""
    scaled = block / np.abs(block).max(axis=0)
    scaled = scaled / np.abs(scaled).max(axis=1, keepdims=True)
    left, values, _ = np.linalg.svd(scaled)
    rank = int((values > DEPENDENT * values[0]).sum())
    free: Booleans = np.abs(left[:, rank:]).max(axis=1, initial=0.0) <= CLOSE
    return free
