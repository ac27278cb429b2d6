"""Whether a stationary point is a local optimum: directions in which nothing binds and the Lagrangian bends the wrong way."""

from __future__ import annotations

import numpy as np
import scipy

from veridical.data.arrays import Array
from veridical.solvers.polish import State
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["escape"]

LARGEST = 400  # free variables up to which eigenvalues take no time to speak of
BENT = 1e-7  # of the largest entry of the Hessian: less is rounding


@np.errstate(all="ignore")  # what is no number has no direction
def escape(form: StandardForm, x: Array, row_dual: Array) -> Array | None:
    """Return a direction along which a stationary point is a maximum; None where there is none, or where it is not looked for.

    Second-order necessary conditions: the Hessian of the Lagrangian has no negative eigenvalue on the directions that leave
    binding constraints and bounds as they are. Looked at for models of at most `LARGEST` free variables.
    """
    if form.convexity is not None or form.nonlinear is None or not len(x) or not np.isfinite(x).all():
        return None
    state = State(form, x, row_dual)
    free = np.flatnonzero(~state.fixed & (state.room > 0))
    if not 0 < len(free) <= LARGEST:
        return None
    hessian = form.lagrangian_hessian(x, state.row_dual).toarray()[np.ix_(free, free)]
    binding = state.jacobian[np.flatnonzero(state.rows)][:, free].toarray()
    binding = binding[np.abs(binding).max(axis=1, initial=0.0) > 0]
    sizes = np.abs(hessian).max(initial=0.0)
    if not np.isfinite(hessian).all() or sizes == 0:
        return None
    basis = scipy.linalg.null_space(binding / np.abs(binding).max(axis=1, keepdims=True)) if len(binding) else np.eye(len(free))
    if basis.shape[1] == 0:
        return None
    values, vectors = np.linalg.eigh(basis.T @ hessian @ basis)
    if values[0] >= -BENT * sizes:
        return None
    direction = np.zeros(len(x))
    direction[free] = basis @ vectors[:, 0]
    return direction
