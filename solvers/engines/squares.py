"""Dense quadratic terms as a few squares: x'Qx = d'(x*x) + |Fx|^2, each entry of Fx a variable of its own.

A squared total of n orders has n^2 coefficients and is one square; HiGHS needs a factorisation of the n^2 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import scipy
import scipy.sparse as sp

from veridical.data.arrays import Array
from veridical.data.lazy import csgraph, sparse_linalg
from veridical.solvers.engines.scaling import Problem

__all__ = ["with_squares"]

DENSE = 20  # entries a column from which a quadratic form is worth a look
SHARE = 5  # and its rank must be below this part of its columns
EXACT = 1e-14  # of the largest entry: what is left is rounding


def with_squares(problem: Problem) -> Problem:
    """Return an equivalent problem whose dense parts of low rank are squares; columns and rows for them come last."""
    hessian = problem.hessian
    if hessian is None or hessian.nnz <= DENSE * hessian.shape[0]:
        return problem
    count, part = csgraph.connected_components(hessian, directed=False)
    rest, factors = [], []
    n = hessian.shape[0]
    for columns in np.split(np.argsort(part, kind="stable"), np.cumsum(np.bincount(part, minlength=count))[:-1]):
        block = hessian[columns][:, columns]
        factored = _factored(block.toarray()) if block.nnz > DENSE * len(columns) else None
        if factored is None:
            entries = sp.coo_array(block)
            rest.append(sp.coo_array((entries.data, (columns[entries.row], columns[entries.col])), shape=(n, n)))
            continue
        shift, factor = factored
        rest.append(sp.coo_array((np.full(len(columns), shift), (columns, columns)), shape=(n, n)))
        place = np.repeat(np.arange(len(factor)), len(columns)), np.tile(columns, len(factor))
        factors.append(sp.coo_array((factor.ravel(), place), shape=(len(factor), n)))
    if not factors:
        return problem
    squares = sp.vstack(factors)
    k = squares.shape[0]
    kept = sp.csc_array(sum(rest[1:], rest[0]))
    kept.eliminate_zeros()
    zeros, free = np.zeros(k), np.full(k, np.inf)
    above = sp.hstack([problem.matrix, sp.csr_array((problem.matrix.shape[0], k))])
    return replace(
        problem,
        cost=np.append(problem.cost, zeros),
        hessian=sp.csc_array(sp.block_diag([kept, sp.eye_array(k)])),
        matrix=sp.csr_array(sp.vstack([above, sp.hstack([squares, -sp.eye_array(k)])])),
        row_low=np.append(problem.row_low, zeros),
        row_high=np.append(problem.row_high, zeros),
        low=np.append(problem.low, -free),
        high=np.append(problem.high, free),
        integer=np.append(problem.integer, np.zeros(k, dtype=bool)),
    )


def _factored(block: Array) -> tuple[float, Array] | None:
    """Return s and F with block = s I + F'F and few rows in F; None where there are none."""
    size = EXACT * len(block) * float(np.abs(block).max())
    for shift in _shifts(block):
        lower = block - shift * np.eye(len(block))
        factor, pivots, rank, _ = scipy.linalg.lapack.dpstrf(lower, tol=size, lower=1)
        if 0 < rank <= len(block) // SHARE:
            columns = np.empty((len(block), rank))
            columns[pivots - 1] = np.tril(factor)[:, :rank]
            if np.abs(columns @ columns.T - lower).max() <= size:
                return shift, columns.T
    return None


def _shifts(block: Array) -> Iterator[float]:
    """Yield what may stand on the diagonal beside a few squares: 0, and the least eigenvalue."""
    yield 0.0
    with suppress(sparse_linalg.ArpackNoConvergence):  # then there are many different eigenvalues, and not a few squares
        few = {"ncv": min(40, len(block) - 1), "maxiter": 5, "return_eigenvectors": False}
        least = float(sparse_linalg.eigsh(block, k=1, which="SA", **few)[0])
        if least > 0:
            yield least
