"""The problem that Ipopt sees: a standard form in the units of its scales."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.nlp import SmoothNLP
from veridical.solvers.translate.standard_form import StandardForm
from veridical.solvers.units import Scaling

__all__ = ["ScaledNLP"]

DAMPING = 1e-8  # against drift where optima are not bounded: payments that count in expectation alone
LONG = 1e6  # a step, in scaled units, at which damping gives way: along an unbounded ray steps then grow until one can tell


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
        spare = np.arange(len(form.low), self.n_primals(), dtype=np.int64)
        self._entries: tuple[Integers, Integers] = np.append(jacobian.row, none), np.append(jacobian.col, none)
        self._corner: tuple[Integers, Integers] = np.append(hessian.row, spare), np.append(hessian.col, spare)
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
