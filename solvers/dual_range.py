"""All optimal duals of a convex program: between what ends each of them lies, and which are shown to be unique.

At an optimum x the multipliers y of the rows and z of the bounds that prove it are a polyhedron: z = gradient - jacobian'y, with
y and z at least 0 where the lower side binds, at most 0 where the upper one does, and 0 where none does. It is the same at every
optimum. The optimum as a function of the right-hand sides is convex, and the polyhedron holds its subgradients (Rockafellar,
Convex Analysis, 1970, Theorems 29.1 and 23.4), so that the ends of y are its one-sided derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import highspy
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.certificate import ACCEPTED, relative
from veridical.solvers.engines.quiet import Highs, linear_program
from veridical.solvers.engines.scaling import Problem, balance
from veridical.solvers.entries import Entries
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["OptimalDuals"]

# A side binds that is met to the first, relative, and does not where there is more room than the second. In between either may
# be: an end is told where both ways lead to the same.
BINDS, APART = 1e-11, ACCEPTED
CLOSE = 1e-7  # relative: ends that differ by less are one price
ROUNDING = 1e-12  # of a gradient, relative to its terms
LARGEST = 400  # rows of a block up to which a factorisation takes no time to speak of
DEPENDENT = 1e-9  # relative: singular values from there on down are 0
OPTIONS: Mapping[str, Any] = {
    "small_matrix_value": 1e-12,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}


@dataclass(frozen=True, eq=False)
class OptimalDuals:
    """The optimum of a convex program as arrays, with multipliers that prove it; nothing of the model itself.

    jacobian, gradient, cost: of the rows and the minimised objective, at x, and the objective's linear part. rows: the rows'
    values. row_dual: d(minimised objective)/d(right-hand side). families: rows by family, and what makes a Series of one value a
    row. asked: the ranges that have been worked out, by family.
    """

    sense: int
    jacobian: sp.csr_array
    gradient: Array
    cost: Array
    rows: Array
    row_low: Array
    row_high: Array
    x: Array
    low: Array
    high: Array
    row_dual: Array
    families: Mapping[str, tuple[Integers, Callable[[Array], pd.Series]]]
    asked: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        form: StandardForm,
        x: Array,
        row_dual: Array,
        families: Mapping[str, tuple[Integers, Callable[[Array], pd.Series]]],
        curves: tuple[Booleans, sp.csr_array, Array] | None = None,
    ) -> OptimalDuals:
        """Return the optimal duals of a form; `curves` are rows that others stand for at x, see `tangents.at_the_curve`."""
        jacobian, rows, low, high = sp.csr_array(form.jacobian(x)), form.rows(x), form.row_low, form.row_high
        if curves is not None:
            replaced, others, of_others = curves
            families = {name: family for name, family in families.items() if not replaced[family[0]].any()}
            low, high = np.where(replaced, -np.inf, low), np.where(replaced, np.inf, high)
            at = others @ x
            jacobian, rows = sp.csr_array(sp.vstack([jacobian, others])), np.append(rows, at)
            low, high = np.append(low, np.full(len(at), -np.inf)), np.append(high, at)
            row_dual = np.append(np.where(replaced, 0.0, row_dual), of_others)
        sides = low, high, x, form.low, form.high
        return cls(form.sense, jacobian, form.gradient(x), form.cost, rows, *sides, row_dual, families)

    def frame(self, family: str) -> pd.DataFrame:
        """Return the least and the largest dual of each constraint of a family, as `Solution.dual_range` does."""
        if family not in self.asked:
            rows, series = self.families[family]
            low, high = self.ends(rows).T
            self.asked[family] = pd.DataFrame({"low": series(low), "high": series(high)})
        return self.asked[family].copy()

    def unique_in(self, family: str) -> Booleans:
        """Return which prices of a family are shown to be unique, by their ranges where these were asked for."""
        ranges = self.asked.get(family)
        if ranges is None:
            return self.unique[self.families[family][0]]
        unique: Booleans = (ranges["low"] == ranges["high"]).to_numpy()
        return unique

    def several(self) -> dict[str, pd.DataFrame]:
        """Return the ranges that were asked for of those prices that are not shown to be unique."""
        frames = {family: ranges[~self.unique_in(family)] for family, ranges in self.asked.items()}
        return {family: ranges for family, ranges in frames.items() if len(ranges)}

    def ends(self, rows: Integers) -> Array:
        """Return the least and the largest price of rows, shape (rows, 2): infinite without an end, NaN where it is not found."""
        price, size = self.row_dual[rows], np.maximum(np.abs(self.row_dual), self._usual)[rows]
        ends = np.stack([price, price], axis=1)
        several = np.flatnonzero(~self.unique[rows])
        if len(several):
            found = _Multipliers(self, APART).ends(rows[several])
            if self._in_doubt:
                surely = _Multipliers(self, BINDS).ends(rows[several])
                found = np.where(_alike(found, surely, size[several, None]), found, np.nan)
            found = np.where(np.abs(found) <= CLOSE / 100 * size[several, None], 0.0, found)  # what rounding leaves of 0
            least, largest = np.minimum(found[:, 0], price[several]), np.maximum(found[:, 1], price[several])
            one = _alike(least, largest, size[several])
            ends[several] = np.where(one[:, None], ends[several], np.stack([least, largest], axis=1))
        ends = ends if self.sense > 0 else -ends[:, ::-1]
        return ends + 0.0  # no -0

    @cached_property
    def unique(self) -> Booleans:
        """Which rows' multipliers are shown to be unique, whatever the signs: by the ranks of small blocks of equations.

        Every variable between its bounds is an equation of the multipliers of the rows that bind. One with a single unknown
        settles it; what is left falls into blocks. False says that it was not shown: not that there are several.
        """
        row_low, row_high, z_low, z_high = self._signs(APART)
        unique: Booleans = row_low == row_high
        inner = z_low == z_high
        entries = self._entries
        used = inner[entries.columns] & ~unique[entries.rows]
        place = entries.rows[used], entries.columns[used]
        values = entries.values[used] * self._usual[place[0]]
        matrix = sp.coo_array((values, place), shape=self.jacobian.shape)
        while matrix.nnz:
            rows, columns = matrix.coords
            alone = rows[np.bincount(columns, minlength=matrix.shape[1])[columns] == 1]
            if not len(alone):
                break
            unique[alone] = True
            left = ~unique[rows]
            matrix = sp.coo_array((matrix.data[left], (rows[left], columns[left])), shape=matrix.shape)
        for rows, block in _blocks(sp.csr_array(matrix)):
            unique[rows] = _determined(block)
        return unique

    @cached_property
    def _entries(self) -> Entries:
        return Entries.of(self.jacobian)

    @cached_property
    def _terms(self) -> Array:
        """How large the terms are that a reduced cost is the sum of."""
        gradient = np.maximum(np.abs(self.cost), np.abs(self.gradient))
        terms: Array = gradient + self._entries.transposed_sizes_times(np.abs(self.row_dual))
        return terms

    @cached_property
    def _usual(self) -> Array:
        """What a multiplier has to be to count in some column; 1 for rows that stand in none with any terms."""
        share = np.where(self._terms > 0, 1 / np.where(self._terms > 0, self._terms, 1.0), 0.0)
        worth = self._entries.largest_by_row(share)
        return np.where(worth > 0, 1 / np.where(worth > 0, worth, 1.0), 1.0)

    @cached_property
    def _rooms(self) -> tuple[Array, Array, Array, Array]:
        """How much room rows leave below and above, and variables, relative to the size of what stands there."""
        sizes = np.maximum(self._entries.sizes_times(np.abs(self.x)), np.abs(self.rows))
        for side in (self.row_low, self.row_high):
            sizes = np.where(np.isfinite(side), np.maximum(sizes, np.abs(side)), sizes)
        reach = self._entries.widened(np.abs(self.x), sizes)
        rows = [_room(self.rows, side, sizes) for side in (self.row_low, self.row_high)]
        variables = [_room(self.x, side, reach) for side in (self.low, self.high)]
        return rows[0], rows[1], variables[0], variables[1]

    @cached_property
    def _in_doubt(self) -> bool:
        """Whether it makes a difference how exactly a side has to be met to bind."""
        pairs = zip(self._signs(BINDS), self._signs(APART), strict=True)
        return any(not np.array_equal(surely, perhaps) for surely, perhaps in pairs)

    def _signs(self, binds: float) -> tuple[Array, Array, Array, Array]:
        """Return between what ends signs keep the multipliers of rows and bounds, where sides bind that are met to `binds`."""
        below, above, left, right = self._rooms
        reduced = self.gradient - self._entries.transposed_times(self.row_dual)
        worth, reduced_worth = self.row_dual / self._usual, relative(reduced, self._terms, without=0.0)
        pairs = (above, -worth, -np.inf), (below, worth, np.inf), (right, -reduced_worth, -np.inf), (left, reduced_worth, np.inf)
        signs = [np.where((room <= binds) | (price > room), end, 0.0) for room, price, end in pairs]
        return signs[0], signs[1], signs[2], signs[3]


class _Multipliers:
    """The polyhedron in a live HiGHS object: one variable a row that binds, one row a column that says something of them.

    It is shifted by what the given multipliers miss it by, so that they are in it.
    """

    def __init__(self, duals: OptimalDuals, binds: float) -> None:
        row_low, row_high, z_low, z_high = duals._signs(binds)
        binding = np.flatnonzero(row_low < row_high)
        self.place = np.full(len(row_low), -1)
        self.place[binding] = np.arange(len(binding))
        given = np.clip(duals.row_dual, row_low, row_high)
        reduced = duals.gradient - duals._entries.transposed_times(given)
        missed = reduced - np.clip(reduced, z_low, z_high)
        target = duals.gradient - np.where(np.abs(missed) <= ROUNDING * duals._terms, 0.0, missed)
        target = np.where(np.abs(target) <= ROUNDING * duals._terms, 0.0, target)
        matrix = sp.csr_array(duals.jacobian[binding].T)
        matrix.eliminate_zeros()
        kept = np.flatnonzero((np.diff(matrix.indptr) > 0) & ~(np.isinf(z_low) & np.isinf(z_high)))
        sides = (target - z_high)[kept], (target - z_low)[kept]
        columns = row_low[binding], row_high[binding]
        whole = np.zeros(len(binding), dtype=bool)
        problem = Problem(np.zeros(len(binding)), None, sp.csr_array(matrix[kept]), *sides, *columns, whole)
        scaling = balance(problem)
        self.units, scaled = scaling.columns, scaling.apply(problem)
        self.highs = Highs()
        for name, value in OPTIONS.items():
            self.highs.setOptionValue(name, value)
        lp = linear_program(scaled.cost, scaled.low, scaled.high, scaled.row_low, scaled.row_high, scaled.matrix)
        self.highs.passModel(lp)
        self.highs.setOptionValue("presolve", "off")  # it takes nearly dependent rows for contradictions
        self.feasible = not len(binding) or self._run() == highspy.HighsModelStatus.kOptimal

    def ends(self, rows: Integers) -> Array:
        """Return the least and the largest multiplier of rows, shape (rows, 2)."""
        return np.array([[self._end(row, sign) for sign in (1.0, -1.0)] for row in rows.tolist()])

    def _end(self, row: int, sign: float) -> float:
        column = int(self.place[row])
        if column < 0:
            return 0.0
        if not self.feasible:
            return math.nan
        self.highs.changeColCost(column, sign)
        status = self._run()
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnbounded):
            self.highs.clearSolver()  # forget the basis that led nowhere
            status = self._run()
        self.highs.changeColCost(column, 0.0)
        if status == highspy.HighsModelStatus.kUnbounded:
            return -sign * math.inf
        optimal = status == highspy.HighsModelStatus.kOptimal
        return float(self.highs.getSolution().col_value[column] * self.units[column]) if optimal else math.nan

    def _run(self) -> highspy.HighsModelStatus:
        self.highs.ends_by(math.inf)
        return self.highs.getModelStatus()


def _room(values: Array, side: Array, sizes: Array) -> Array:
    """Return the distances from sides relative to sizes; infinite where the side is open."""
    finite = np.isfinite(side)
    distance = np.abs(values - np.where(finite, side, 0.0))
    return np.where(finite, relative(distance, np.maximum(sizes, np.where(finite, np.abs(side), 0.0))), np.inf)


def _alike(one: Array, other: Array, size: Array) -> Booleans:
    """Whether figures are the same but for rounding; nothing is like NaN."""
    with np.errstate(invalid="ignore"):  # infinities of one sign are the same
        close: Booleans = (one == other) | (np.abs(one - other) <= CLOSE * size)
    return close


def _blocks(matrix: sp.csr_array) -> Iterator[tuple[Integers, Array]]:
    """Yield the blocks of a matrix that share no row and no column: their rows, and their entries; not those that are large."""
    m, n = matrix.shape
    links = sp.block_array([[None, matrix], [matrix.T, None]]) if matrix.nnz else sp.coo_array((m + n, m + n))
    count, part = connected_components(sp.csr_array(links), directed=False)
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
