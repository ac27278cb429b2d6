"""A standard form with nonlinear terms, behind PyNumero's `NLP` interface: exact sparse derivatives.

Anything that takes a PyNumero NLP can use it (`CyIpoptNLP`, other algorithms); the objective is minimised.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from pyomo.contrib.pynumero.interfaces.nlp import NLP

from veridical.data.arrays import Array
from veridical.solvers.translate.graph import Graph
from veridical.solvers.translate.nonlinear import NonlinearTerms
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["SmoothNLP"]


class SmoothNLP(NLP):  # type: ignore[misc]
    """min f(x) subject to constraints_lb <= g(x) <= constraints_ub, primals_lb <= x <= primals_ub.

    Multipliers are those of the Lagrangian obj_factor * f + duals'g. `damping` (one figure, or one a variable) is added to the
    diagonal of its Hessian for every variable that has no bounds and no curvature: steps are then bounded also along directions
    in which nothing changes, and the points that a method can converge to are the same, since the Hessian is all that is changed.
    """

    def __init__(self, form: StandardForm, start: Array, duals: Array | None = None, damping: float | Array = 0.0) -> None:
        super().__init__()
        self.form = form
        n, m = len(form.variables), len(form.constraints)
        terms = form.nonlinear
        if terms is None:  # a linear program: the same structure, without a nonlinear entry
            terms = NonlinearTerms(Graph())
            terms.close(m, n)
        self._terms = terms
        self._start, self._x = start, start.copy()
        self._start_duals = np.zeros(m) if duals is None else duals
        self._duals, self._factor = self._start_duals.copy(), 1.0

        of_rows = terms.jacobian_rows >= 0
        self._of_rows = np.flatnonzero(of_rows)
        linear = form.matrix.tocoo()
        rows = np.concatenate([linear.row, terms.jacobian_rows[of_rows]]).astype(np.int64)
        columns = np.concatenate([linear.col, terms.jacobian_columns[of_rows]]).astype(np.int64)
        keys, place = np.unique(rows * max(n, 1) + columns, return_inverse=True)
        self._jacobian = keys // max(n, 1), keys % max(n, 1)
        self._linear = np.bincount(place[: linear.nnz], linear.data, len(keys)).astype(float)
        self._nonlinear = place[linear.nnz :]

        off = terms.hessian_rows != terms.hessian_columns
        low, high = terms.hessian_rows, terms.hessian_columns
        free = np.flatnonzero(~np.isfinite(form.low) & ~np.isfinite(form.high)) if np.any(damping) else np.zeros(0, dtype=int)
        free = np.setdiff1d(free, np.concatenate([low, high]))
        self._hessian = np.concatenate([low, high[off], free]), np.concatenate([high, low[off], free])
        self._off = np.flatnonzero(off)
        self._damping = np.broadcast_to(damping, n)[free]

    def n_primals(self) -> int:
        """Return the number of variables."""
        return len(self.form.variables)

    def primals_names(self) -> list[str]:
        """Return the names of the variables."""
        return [variable.name for variable in self.form.variables]

    def n_constraints(self) -> int:
        """Return the number of constraints."""
        return len(self.form.constraints)

    def constraint_names(self) -> list[str]:
        """Return the names of the constraints."""
        return [constraint.name for constraint in self.form.constraints]

    def nnz_jacobian(self) -> int:
        """Return the number of entries of the Jacobian."""
        return len(self._jacobian[0])

    def nnz_hessian_lag(self) -> int:
        """Return the number of entries of the Hessian of the Lagrangian, both triangles."""
        return len(self._hessian[0])

    def primals_lb(self) -> Array:
        """Return the lower bounds of the variables."""
        return self.form.low

    def primals_ub(self) -> Array:
        """Return the upper bounds of the variables."""
        return self.form.high

    def constraints_lb(self) -> Array:
        """Return the lower bounds of the constraints."""
        return self.form.row_low

    def constraints_ub(self) -> Array:
        """Return the upper bounds of the constraints."""
        return self.form.row_high

    def init_primals(self) -> Array:
        """Return the starting point."""
        return self._start.copy()

    def init_duals(self) -> Array:
        """Return the starting multipliers of the constraints."""
        return self._start_duals.copy()

    def create_new_vector(self, vector_type: str) -> Array:
        """Return a vector of zeros of the size of `primals`, `constraints` or `duals`."""
        return np.zeros(self.n_primals() if vector_type == "primals" else self.n_constraints())

    def set_primals(self, primals: Array) -> None:
        """Move to a point."""
        self._x = np.array(primals)

    def get_primals(self) -> Array:
        """Return the point."""
        return self._x.copy()

    def set_duals(self, duals: Array) -> None:
        """Set the multipliers of the constraints."""
        self._duals = np.array(duals)

    def get_duals(self) -> Array:
        """Return the multipliers of the constraints."""
        return self._duals.copy()

    def set_obj_factor(self, obj_factor: float) -> None:
        """Set the factor of the objective in the Lagrangian."""
        self._factor = obj_factor

    def get_obj_factor(self) -> float:
        """Return the factor of the objective in the Lagrangian."""
        return self._factor

    def get_obj_scaling(self) -> None:
        """Return None: scaling is left to the solver."""

    get_primals_scaling = get_constraints_scaling = get_obj_scaling

    def evaluate_objective(self) -> float:
        """Return f at the point."""
        return self.form.minimised(self._x)

    def evaluate_grad_objective(self, out: Array | None = None) -> Array:
        """Return the gradient of f."""
        return _into(out, self.form.gradient(self._x))

    def evaluate_constraints(self, out: Array | None = None) -> Array:
        """Return g."""
        return _into(out, self.form.rows(self._x))

    def evaluate_jacobian(self, out: sp.coo_matrix | None = None) -> sp.coo_matrix:
        """Return the Jacobian of g."""
        data = self._linear.copy()
        if len(self._of_rows):
            data[self._nonlinear] += self._terms.first(self._x)[self._of_rows]  # each place once
        return _matrix(out, data, self._jacobian, (self.n_constraints(), self.n_primals()))

    def evaluate_hessian_lag(self, out: sp.coo_matrix | None = None) -> sp.coo_matrix:
        """Return the Hessian of the Lagrangian, both triangles."""
        lower = self._terms.second(self._x, self._duals, self._factor)
        data = np.concatenate([lower, lower[self._off], self._damping])
        return _matrix(out, data, self._hessian, (self.n_primals(), self.n_primals()))

    def report_solver_status(self, status_code: int, status_message: str) -> None:
        """Take note of nothing: the status is with the solver's result."""


def _into(out: Array | None, value: Array) -> Array:
    out = np.empty_like(value) if out is None else out
    out[:] = value
    return out


def _matrix(out: Any, data: Array, place: tuple[Any, Any], shape: tuple[int, int]) -> sp.coo_matrix:
    matrix: sp.coo_matrix = sp.coo_matrix((data, place), shape=shape) if out is None else out
    matrix.data[:] = data
    return matrix
