"""Linear and quadratic programs as arrays, made degenerate on purpose, their Pyomo models, and scipy's word on them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from scipy.optimize import linprog

from veridical.solvers.translate.standard_form import StandardForm

Array = NDArray[np.float64]
Signs = tuple[Array, Array, Array, Array]
NONE = np.zeros(0)


@dataclass(frozen=True)
class Rows:
    """Minimise cost @ x subject to row_low <= matrix @ x <= row_high and low <= x <= high."""

    cost: Array
    matrix: Array
    row_low: Array
    row_high: Array
    low: Array = field(default_factory=lambda: NONE)
    high: Array = field(default_factory=lambda: NONE)

    def within(self, low: Array, high: Array) -> "Rows":
        """Return the program with bounds."""
        return replace(self, low=low, high=high)

    def moved(self, row: int, change: float) -> "Rows":
        """Return the program with both sides of a row moved."""
        step = np.zeros(len(self.row_low))
        step[row] = change
        return replace(self, row_low=self.row_low + step, row_high=self.row_high + step)


def program(rows: Rows, sense: int, hessian: Array | None = None) -> Any:
    """Return the Pyomo model, to maximise the opposite where the sense is -1."""
    m, n = pyo.ConcreteModel(), len(rows.cost)
    ends = [[None if np.isinf(end) else float(end) for end in side] for side in (rows.low, rows.high)]
    m.x = pyo.Var(range(n), bounds=lambda m, j: (ends[0][j], ends[1][j]))

    def row(m: Any, i: int) -> Any:
        body = pyo.quicksum(float(rows.matrix[i, j]) * m.x[j] for j in range(n))
        low, high = float(rows.row_low[i]), float(rows.row_high[i])
        return body == low if low == high else (None if np.isinf(low) else low, body, None if np.isinf(high) else high)

    m.row = pyo.Constraint(range(len(rows.matrix)), rule=row)
    total = pyo.quicksum(float(rows.cost[j]) * m.x[j] for j in range(n))
    if hessian is not None:
        total += pyo.quicksum(float(hessian[j, k]) / 2 * m.x[j] * m.x[k] for j in range(n) for k in range(n))
    m.objective = pyo.Objective(expr=sense * total, sense=pyo.minimize if sense > 0 else pyo.maximize)
    return m


def least(rows: Rows) -> float:
    """Return the least cost by scipy; infinite where nothing is feasible, NaN where it has no end."""
    equal = rows.row_low == rows.row_high
    above, below = ~equal & np.isfinite(rows.row_high), ~equal & np.isfinite(rows.row_low)
    matrix = np.vstack([rows.matrix[above], -rows.matrix[below]])
    bounds: Any = np.stack([rows.low, rows.high], axis=1)
    result: Any = linprog(
        rows.cost,
        matrix if len(matrix) else None,
        np.concatenate([rows.row_high[above], -rows.row_low[below]]) if len(matrix) else None,
        rows.matrix[equal] if equal.any() else None,
        rows.row_low[equal] if equal.any() else None,
        bounds=bounds,
        method="highs",
        options={"presolve": False, "primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return float(result.fun) if result.status == 0 else np.inf if result.status == 2 else np.nan


def by_scipy(form: StandardForm, method: Literal["highs-ds", "highs-ipm"] = "highs-ds") -> Any:
    """Return scipy's result for a translated linear program, with all its rows: of the minimisation, without the offset."""
    upper, lower = np.isfinite(form.row_high), np.isfinite(form.row_low)
    rows = np.vstack([form.matrix.toarray()[upper], -form.matrix.toarray()[lower]])
    sides = np.concatenate([form.row_high[upper], -form.row_low[lower]])
    bounds: Any = np.column_stack([form.low, form.high])
    return linprog(form.cost, rows, sides, bounds=bounds, method=method)


def repeated(rng: np.random.Generator, matrix: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Return rows with one of them again, at another scale, and the sum of two; each with a side, if far out."""
    k, i, j = rng.integers(0, len(matrix), 3)
    factor = float(rng.integers(1, 4))
    low = np.concatenate([low, [factor * low[k], low[i] + low[j]]])
    high = np.concatenate([high, [factor * high[k], high[i] + high[j]]])
    open_ended = np.isinf(low) & np.isinf(high)
    return np.vstack([matrix, factor * matrix[k], matrix[i] + matrix[j]]), low, np.where(open_ended, 1e3, high)


def degenerate_program(rng: np.random.Generator) -> Rows:
    """Return a linear program in small whole numbers that has an optimum, many rows through one point, and rows twice."""
    while True:
        n, m = rng.integers(2, 6), rng.integers(2, 7)
        matrix = rng.integers(-2, 4, (m, n)) * (rng.random((m, n)) < 0.7)
        x = rng.integers(0, 3, n).astype(float)
        rows, kind, room = matrix @ x, rng.integers(0, 4, m), rng.integers(0, 2, m)  # at least, at most, equal, between
        low = np.where(kind == 1, -np.inf, np.where(kind == 2, rows, rows - room))
        high = np.select([kind == 0, kind == 1, kind == 2], [np.inf, rows + room, rows], rows + 2)
        found = Rows(rng.integers(-3, 4, n).astype(float), *repeated(rng, matrix.astype(float), low, high))
        found = found.within(np.zeros(n), np.where(rng.random(n) < 0.5, x + rng.integers(0, 3, n), np.inf))
        if np.isfinite(least(found)):
            return found


def quadratic_program(rng: np.random.Generator) -> tuple[Rows, Array, Signs, Array]:
    """Return a convex quadratic program with its Hessian, made from an optimum with multipliers.

    Then the ends that signs set to multipliers there (least and most, of rows and of bounds), and the gradient.
    """
    n, m = rng.integers(2, 6), rng.integers(2, 6)
    x = rng.integers(-2, 4, n).astype(float)
    low = np.where(rng.random(n) < 0.3, -np.inf, x - rng.integers(0, 3, n))
    high = np.where(rng.random(n) < 0.5, np.inf, x + rng.integers(0, 3, n))
    matrix = (rng.integers(-2, 4, (m, n)) * (rng.random((m, n)) < 0.7)).astype(float)
    rows, kind, room = matrix @ x, rng.integers(0, 3, m), rng.integers(0, 2, m) * rng.integers(1, 4, m)
    row_low = np.select([kind == 0, kind == 2], [rows - room, rows], -np.inf)
    row_high = np.select([kind == 1, kind == 2], [rows + room, rows], np.inf)
    matrix, row_low, row_high = repeated(rng, matrix, row_low, row_high)
    body = matrix @ x
    of_rows = np.where(body == row_high, -np.inf, 0.0), np.where(body == row_low, np.inf, 0.0)
    of_bounds = np.where(x == high, -np.inf, 0.0), np.where(x == low, np.inf, 0.0)
    y, z = (np.clip(rng.integers(-2, 3, len(ends[0])), *ends) for ends in (of_rows, of_bounds))
    gradient = matrix.T @ y + z
    root = rng.integers(-1, 3, (n, n)).astype(float)
    hessian = root.T @ root + np.eye(int(n))
    found = Rows(gradient - hessian @ x, matrix, row_low, row_high, low, high)
    return found, hessian, (*of_rows, *of_bounds), gradient


def ends_of_multipliers(matrix: Array, gradient: Array, signs: Signs) -> Array:
    """Return the least and the largest y of each row with matrix.T @ y + z = gradient, by two programs of scipy's a row."""
    m, n = matrix.shape
    equations = np.hstack([matrix.T, np.eye(n)])
    bounds: Any = np.stack([np.concatenate(signs[::2]), np.concatenate(signs[1::2])], axis=1)
    ends = np.zeros((m, 2))
    for i in range(m):
        for side, sign in enumerate((1.0, -1.0)):
            cost = np.zeros(m + n)
            cost[i] = sign
            result: Any = linprog(cost, A_eq=equations, b_eq=gradient, bounds=bounds, method="highs", options={"presolve": False})
            assert result.status in (0, 3), result.message
            ends[i, side] = sign * result.fun if result.status == 0 else -sign * np.inf
    return ends
