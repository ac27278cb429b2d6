"""Powers of two by which variables, rows and the objective are scaled, so that units do not matter to an interior point.

What Ipopt calls small (tolerances, pushes away from bounds, damping) is an absolute figure. In units of the scales here a
variable, a coefficient and a gradient are about 1, whatever currency and measure a model is written in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, cg

from veridical.data.arrays import Array
from veridical.solvers.translate.nlp import SmoothNLP
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["ScaledNLP", "Scaling", "scaling"]

BOUND = 0.1  # weight of a bound beside a coefficient: bounds are often there to be finite, and say little of a variable's size
DAMPING = 1e-8  # against drift where optima are not bounded: payments that count in expectation alone
LONG = 1e6  # a step, in scaled units, at which damping gives way: along an unbounded ray steps then grow until one can tell


@dataclass(frozen=True)
class Scaling:
    """A unit of each variable, and what each row and the objective are multiplied by."""

    columns: Array
    rows: Array
    objective: float


def scaling(form: StandardForm, x: Array | None = None, at_optimum: bool = False) -> Scaling:
    """Return the scales of a form: from its linear part, or from its derivatives at a point.

    Units of variables are the least squares of Curtis and Reid (On the automatic scaling of matrices for Gaussian
    elimination, J. Inst. Maths Applics 10, 1972) over the coefficients, with right-hand sides and bounds as a column of fixed
    scale: the logarithms of all come as near to 0 as they can. A change of units changes the scales alike.
    Rows and the objective then have a largest entry of about 1; at an optimum, where gradients may vanish, or where the
    gradient is 0, second derivatives count as well.
    """
    jacobian, gradient = form.matrix, form.cost
    if x is not None:
        with np.errstate(all="ignore"):
            jacobian, gradient = form.jacobian(x), form.gradient(x)
    jacobian = sp.csr_array(jacobian)
    usable = np.isfinite(jacobian.data) & (jacobian.data != 0)
    row = np.repeat(np.arange(jacobian.shape[0]), np.diff(jacobian.indptr))[usable]
    column, size = jacobian.indices[usable], np.abs(jacobian.data[usable])
    columns = _columns(form, row, column, np.log2(size))

    largest = np.zeros(jacobian.shape[0])
    np.maximum.at(largest, row, size * columns[column])
    gradient = np.where(np.isfinite(gradient), np.abs(gradient), 0.0) * columns
    steepest = float(gradient.max(initial=0.0))
    if at_optimum or not steepest:
        steepest = max(steepest, _curvature(form, x, columns))
    return Scaling(columns, 1.0 / _power(largest), 1.0 / float(_power(np.array(steepest))))


def _columns(form: StandardForm, row: Any, column: Any, logarithm: Array) -> Array:
    """Return the units of the variables, powers of two."""
    m, n = len(form.row_low), len(form.low)
    weights, sides = np.zeros(m), np.zeros(m)
    for side in (form.row_low, np.where(form.row_high == form.row_low, np.inf, form.row_high)):
        given = np.isfinite(side) & (side != 0)
        weights += given
        sides[given] += np.log2(np.abs(side[given]))
    bounds, limits = np.zeros(n), np.zeros(n)
    for side in (form.low, np.where(form.high == form.low, np.inf, form.high)):
        given = np.isfinite(side) & (side != 0)
        bounds += BOUND * given
        limits[given] += BOUND * np.log2(np.abs(side[given]))
    ones = sp.csr_array((np.ones(len(row)), (row, column)), shape=(m, n))
    of_rows = np.maximum(np.bincount(row, minlength=m) + weights, 1e-300)
    of_columns = np.bincount(column, minlength=n) + bounds
    # Least squares of logarithm + r + c, sides + r and limits - c; the rows' r are eliminated.
    r_side = -np.bincount(row, logarithm, m) - sides
    c_side = limits - np.bincount(column, logarithm, n) - ones.T @ (r_side / of_rows)
    used = of_columns > 0
    units = np.where(used, of_columns, 1.0)

    def times(c: Array) -> Array:
        product: Array = units * c - ones.T @ ((ones @ c) / of_rows)
        return product

    operator, inverse = (LinearOperator((n, n), matvec=f, dtype=float) for f in (times, lambda c: c / units))
    solution, _ = cg(operator, np.where(used, c_side, 0.0), rtol=1e-3, maxiter=100, M=inverse)
    exponents: Array = np.clip(np.round(solution), -300, 300)
    return np.exp2(exponents)


def _curvature(form: StandardForm, x: Array | None, columns: Array) -> float:
    """Return the largest second derivative of the objective."""
    if x is None or form.nonlinear is None:
        return 0.0
    with np.errstate(all="ignore"):
        second = np.abs(form.nonlinear.second(x, np.zeros(len(form.row_low)), 1.0))
    second = second * columns[form.nonlinear.hessian_rows] * columns[form.nonlinear.hessian_columns]
    return float(np.where(np.isfinite(second), second, 0.0).max(initial=0.0))


def _power(sizes: Array) -> Array:
    """Return the nearest power of two of each size, 1 for 0."""
    powers: Array = np.exp2(np.clip(np.round(np.log2(np.where(sizes > 0, sizes, 1.0))), -900, 900))
    return powers


class ScaledNLP(SmoothNLP):
    """The scaled problem: variables are x / columns, rows and objective are multiplied.

    Where there are more equations than variables, which Ipopt refuses, variables that stand nowhere make up the number: the
    equations that the others imply are then as harmless as in any other problem.
    """

    def __init__(self, form: StandardForm, start: Array, scales: Scaling) -> None:
        super().__init__(form, start, None, DAMPING / scales.columns**2)
        self.scales = scales
        equations = int((form.row_low == form.row_high).sum())
        self._spare = max(equations - int((form.low < form.high).sum()), 0)
        self._jacobian_plain, self._hessian_plain = super().evaluate_jacobian(), super().evaluate_hessian_lag()
        jacobian, hessian = self._jacobian_plain, self._hessian_plain
        self._of_jacobian = scales.rows[jacobian.row] * scales.columns[jacobian.col]
        self._of_hessian = scales.columns[hessian.row] * scales.columns[hessian.col]
        # Ipopt takes no rows without any entry, as those over fixed variables: an entry of 0 is as good.
        none = np.zeros(1 if jacobian.nnz == 0 and len(form.row_low) else 0, dtype=int)
        spare = np.arange(len(form.low), self.n_primals())
        self._entries = np.append(jacobian.row, none), np.append(jacobian.col, none)
        self._corner = np.append(hessian.row, spare), np.append(hessian.col, spare)
        self._full_damping = self._damping.copy()
        self.set_obj_factor(1.0)

    def step(self, length: float) -> None:
        """Take note of the length of a step: damping gives way while steps are long."""
        self._damping = self._damping / 10 if length > LONG else self._full_damping.copy()

    def scaled(self, x: Array) -> Array:
        """Return a point in scaled units."""
        return np.append(x / self.scales.columns, np.zeros(self._spare))

    def unscaled(self, u: Array) -> Array:
        """Return a point of the scaled problem in the model's units."""
        x: Array = u[: len(self.scales.columns)] * self.scales.columns
        return x

    def scaled_multipliers(self, rows: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return multipliers of rows and bounds as those of the scaled problem."""
        factor, spare = self.scales.objective, np.zeros(self._spare)
        low, high = (np.append(factor * side * self.scales.columns, spare) for side in (low, high))
        return factor * rows / self.scales.rows, low, high

    def unscaled_multipliers(self, rows: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return multipliers of the scaled problem as those of the model."""
        factor, columns = self.scales.objective, self.scales.columns
        low, high = (np.asarray(side)[: len(columns)] / (factor * columns) for side in (low, high))
        return np.asarray(rows) * self.scales.rows / factor, low, high

    def n_primals(self) -> int:
        """Return the number of variables, spare ones included."""
        return len(self.form.low) + self._spare

    def primals_lb(self) -> Array:
        """Return the lower bounds of the variables."""
        return np.append(super().primals_lb() / self.scales.columns, np.full(self._spare, -np.inf))

    def primals_ub(self) -> Array:
        """Return the upper bounds of the variables."""
        return np.append(super().primals_ub() / self.scales.columns, np.full(self._spare, np.inf))

    def constraints_lb(self) -> Array:
        """Return the lower bounds of the constraints."""
        return super().constraints_lb() * self.scales.rows

    def constraints_ub(self) -> Array:
        """Return the upper bounds of the constraints."""
        return super().constraints_ub() * self.scales.rows

    def nnz_jacobian(self) -> int:
        """Return the number of entries of the Jacobian."""
        return len(self._entries[0])

    def nnz_hessian_lag(self) -> int:
        """Return the number of entries of the Hessian of the Lagrangian, both triangles."""
        return len(self._corner[0])

    def init_primals(self) -> Array:
        """Return the starting point."""
        return self.scaled(super().init_primals())

    def set_primals(self, primals: Array) -> None:
        """Move to a point."""
        super().set_primals(self.unscaled(primals))

    def set_duals(self, duals: Array) -> None:
        """Set the multipliers of the constraints."""
        super().set_duals(duals * self.scales.rows)

    def set_obj_factor(self, obj_factor: float) -> None:
        """Set the factor of the objective in the Lagrangian."""
        super().set_obj_factor(obj_factor * self.scales.objective)

    def evaluate_objective(self) -> float:
        """Return f at the point; without its constant, which would drown small differences."""
        return (super().evaluate_objective() - self.form.offset) * self.scales.objective

    def evaluate_grad_objective(self, out: Array | None = None) -> Array:
        """Return the gradient of f."""
        gradient = super().evaluate_grad_objective() * (self.scales.objective * self.scales.columns)
        return _into(out, np.append(gradient, np.zeros(self._spare)))

    def evaluate_constraints(self, out: Array | None = None) -> Array:
        """Return g."""
        return _into(out, super().evaluate_constraints() * self.scales.rows)

    def evaluate_jacobian(self, out: sp.coo_matrix | None = None) -> sp.coo_matrix:
        """Return the Jacobian of g."""
        entries = super().evaluate_jacobian(self._jacobian_plain).data * self._of_jacobian
        data = np.append(entries, np.zeros(self.nnz_jacobian() - len(entries)))
        if out is None:
            return sp.coo_matrix((data, self._entries), shape=(self.n_constraints(), self.n_primals()))
        out.data[:] = data
        return out

    def evaluate_hessian_lag(self, out: sp.coo_matrix | None = None) -> sp.coo_matrix:
        """Return the Hessian of the Lagrangian, both triangles."""
        entries = super().evaluate_hessian_lag(self._hessian_plain).data * self._of_hessian
        data = np.append(entries, np.full(self._spare, DAMPING))
        if out is None:
            return sp.coo_matrix((data, self._corner), shape=(self.n_primals(),) * 2)
        out.data[:] = data
        return out


def _into(out: Array | None, value: Array) -> Array:
    if out is None:
        return value
    out[:] = value
    return out
