"""Scaling by powers of two, so that HiGHS's absolute tolerances mean the same in every currency and unit.

HiGHS drops coefficients below 1e-9, refuses those above 1e15, takes bounds of 1e20 for none, and tests rows, bounds and reduced
costs in absolute terms. Units of rows, columns and the objective are therefore chosen so that all logarithms of coefficients,
sides, bounds and costs are as near to 0 as can be by least squares (Curtis and Reid, 1972, J. Inst. Math. Appl. 10), which
also makes the choice independent of the user's units. Powers of two change no digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans, conjugate_gradients
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["SIZE", "Problem", "Scaling", "balance", "problem_of"]

SIZE = 2.0**10  # of a usual value, for a tolerance of 1e-9 to mean ten digits of it and more; costs and coefficients are near 1
STEPS = 30  # of conjugate gradients; logarithms need not be exact
# In large linear models the units of rows, and of columns, are so many powers of 2 apart: figures that are alike are scaled as a
# whole, and simplex takes a tenth fewer steps, at tolerances that mean up to 16 times as much. Of large quadratic ones a usual
# value is 1: the interior point starts nearer, and is exact to more digits than its tolerances ask (49,680 flows of a joint plan:
# 79 iterations in such coarse units, 54 in fine ones, and 43 where a usual value is 1).
COARSE, LARGE = 8, 50_000
NONE = 1e30  # a bound from here on stands for none, and is no measure of a variable


@dataclass(frozen=True)
class Problem:
    """min cost @ x + x'(hessian)x / 2 subject to low <= x <= high, row_low <= matrix @ x <= row_high; x integer where said."""

    cost: Array
    hessian: sp.csc_array | None
    matrix: sp.csr_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Booleans


@dataclass(frozen=True)
class Scaling:
    """Factors, all powers of two: of each row, of the objective, and the unit in which each column counts.

    `size`: what a usual value is in these units.
    """

    rows: Array
    columns: Array
    objective: float
    size: float = SIZE

    def apply(self, problem: Problem) -> Problem:
        """Return the problem in these units."""
        unit, hessian = self.columns, problem.hessian
        if hessian is not None:
            spread = np.repeat(unit, np.diff(hessian.indptr))
            entries = hessian.data * unit[hessian.indices] * spread * self.objective
            hessian = sp.csc_array((entries, hessian.indices, hessian.indptr), shape=hessian.shape)
        return replace(
            problem,
            cost=problem.cost * unit * self.objective,
            hessian=hessian,
            matrix=self.coefficients(problem.matrix, self.rows),
            row_low=problem.row_low * self.rows,
            row_high=problem.row_high * self.rows,
            low=problem.low / unit,
            high=problem.high / unit,
        )

    def coefficients(self, matrix: sp.csr_array, rows: Array) -> sp.csr_array:
        """Return rows in these units."""
        entries = matrix.data * self.columns[matrix.indices] * np.repeat(rows, np.diff(matrix.indptr))
        return sp.csr_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape)

    def further(self, matrix: sp.csr_array) -> Array:
        """Return the factors of further rows in the units that the columns have."""
        logs = _logs(matrix.data) + np.log2(self.columns)[matrix.indices]
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        mean = np.bincount(row, logs, matrix.shape[0]) / np.maximum(np.diff(matrix.indptr), 1)
        return _power(mean)


def problem_of(form: StandardForm) -> Problem:
    """Return the linear and quadratic part of a form."""
    return Problem(
        form.cost,
        form.hessian,
        form.matrix,
        form.row_low,
        form.row_high,
        form.low,
        form.high,
        np.asarray(form.integer, dtype=bool),
    )


def balance(problem: Problem) -> Scaling:
    """Return the scaling that brings the logarithms of all figures of a problem as near to 0 as can be.

    Integer columns keep their unit.
    """
    rows, columns, objective = _Fit(problem).solve()
    large, quadratic = len(rows) + len(columns) > LARGE, problem.hessian is not None
    step = COARSE if large and not quadratic else 1
    unit = np.where(problem.integer, 1.0, _stepped(columns, step))
    size = 1.0 if problem.integer.any() or (large and quadratic) else SIZE
    return Scaling(_stepped(rows, step) * size, unit / size, float(_power(objective)[0]) * size, size)


class _Fit:
    """Least squares of log a_ij - r_i - c_j over coefficients, and likewise over sides, bounds, costs and the Hessian."""

    def __init__(self, problem: Problem) -> None:
        matrix, hessian = problem.matrix, problem.hessian
        m, n = matrix.shape
        used = matrix.data != 0
        self.pattern = sp.csr_array((used.astype(float), matrix.indices, matrix.indptr), shape=(m, n))
        self.transposed = sp.csr_array(self.pattern.T)
        logs = sp.csr_array((_logs(matrix.data), matrix.indices, matrix.indptr), shape=(m, n))
        self.costs = problem.cost != 0
        self.free = ~problem.integer
        cost = np.where(self.costs, _logs(problem.cost), 0.0)
        sides, side = _measures(problem.row_low, problem.row_high)
        bounds, bound = _measures(problem.low, problem.high)
        ones = np.ones(max(m, n))
        self.row_count = self.pattern @ ones[:n] + sides
        self.column_count = self.transposed @ ones[:m] + bounds + self.costs
        # Right-hand sides: sums of logarithms; a bound is a value, whose logarithm counts against the column's.
        self.right = [logs @ ones[:n] + side, logs.T @ ones[:m] - bound + cost, np.array([cost.sum()])]
        self.objective_count = float(self.costs.sum())
        self.squares: sp.csr_array | None = None
        if hessian is not None and hessian.nnz:
            present = (hessian.data != 0).astype(float)
            self.squares = sp.csr_array(sp.csc_array((present, hessian.indices, hessian.indptr), shape=hessian.shape))
            of_squares = sp.csc_array((_logs(hessian.data), hessian.indices, hessian.indptr), shape=hessian.shape)
            self.square_count = self.squares @ ones[:n]
            self.right[1] = self.right[1] + 2 * (of_squares @ ones[:n])
            self.right[2] = self.right[2] + of_squares.sum()
            self.objective_count += float(self.square_count.sum())
        self.sizes = [m, m + n]

    def solve(self) -> list[Array]:
        """Return r, c and the objective's logarithm by conjugate gradients, preconditioned by the diagonal."""
        right = np.concatenate([self.right[0], np.where(self.free, self.right[1], 0.0), self.right[2]])
        diagonal = [self.row_count, self.column_count, np.array([self.objective_count])]
        if self.squares is not None:
            diagonal[1] = diagonal[1] + 2 * (self.square_count + self.squares.diagonal())
        inverse = 1.0 / np.maximum(np.concatenate(diagonal), 1.0)
        enough = 1e-4 * len(right)
        z = conjugate_gradients(self._normal, right, inverse, lambda _, norm: norm <= enough, STEPS)
        return np.split(z, self.sizes)

    def _normal(self, z: Array) -> Array:
        """Return the matrix of the normal equations times z."""
        r, c, o = np.split(z, self.sizes)
        of_rows = self.row_count * r + self.pattern @ c
        of_columns = self.column_count * c + self.transposed @ r + self.costs * o
        of_objective = self.objective_count * o + c[self.costs].sum()
        if self.squares is not None:
            of_columns = of_columns + 2 * (self.square_count * (c + o) + self.squares @ c)
            of_objective = of_objective + 2 * float(self.square_count @ c)
        return np.concatenate([of_rows, np.where(self.free, of_columns, 0.0), of_objective])


def _measures(low: Array, high: Array) -> tuple[Array, Array]:
    """Return how many distinct, finite limits other than 0 there are in each place, and the sum of their logarithms."""
    usable = [(low != 0) & (np.abs(low) < NONE), (high != 0) & (np.abs(high) < NONE) & (high != low)]
    logs = [np.where(use, _logs(np.where(use, limit, 1.0)), 0.0) for use, limit in zip(usable, (low, high), strict=True)]
    return usable[0].astype(float) + usable[1], logs[0] + logs[1]


def _power(logarithm: Array) -> Array:
    """Return the power of two that brings figures of a size, given by its logarithm, near to 1."""
    power: Array = np.ldexp(1.0, -np.rint(logarithm).astype(int))
    return power


def _stepped(logarithms: Array, step: int) -> Array:
    """Return powers as `_power` does, so many powers of two apart."""
    middle = np.rint(np.median(logarithms)) if len(logarithms) else 0.0
    return _power(middle + step * np.rint((logarithms - middle) / step))


def _logs(values: Array) -> Array:
    return np.log2(np.abs(np.where(values == 0, 1.0, values)))
