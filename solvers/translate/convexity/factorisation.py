"""Whether quadratic forms are positive semidefinite, by factorisation of what is left of them block by block.

A matrix is scaled to a unit diagonal first, so that neither money nor units of any variable matter, and falls into connected
blocks: a negative eigenvalue is one of a block. Small blocks have their eigenvalues computed, all of one size at once; larger
ones are factorised, dense ones by Cholesky and sparse ones by SuperLU with pivots on the diagonal: the matrix is positive
definite if and only if these are positive, whatever their order.

x'Qx >= -ACCURACY sum_i q_ii x_i^2 is what is shown: as near to 0 as the rounding of the numbers in a model lets anyone tell.
"""

from __future__ import annotations

import numpy as np
import scipy
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.data.lazy import csgraph, sparse_linalg

__all__ = ["ACCURACY", "indefinite_block"]

ACCURACY = 1e-9  # of the diagonal, in units in which that is 1
SMALL = 16  # blocks up to this size are stacked
DENSE = 5_000  # the largest block that is factorised as a dense one: 200 MB, seconds
FILLED = 0.05  # the part of a block that is not zero, from which on a dense factorisation is faster


def indefinite_block(matrix: sp.csc_array) -> Integers | None:
    """Return the columns of a block of a symmetric matrix that is not positive semidefinite; None where all are.

    Parameters
    ----------
    matrix
        A symmetric matrix, both triangles, of finite numbers.

    Returns
    -------
    Integers | None
        Columns that prove it (one or two), or the block that contains a negative eigenvalue.

    Examples
    --------
    >>> indefinite_block(sp.csc_array([[1.0, 2.0, 0.0], [2.0, 3.0, 0.0], [0.0, 0.0, 1.0]])).tolist()
    [0, 1]
    """
    matrix = sp.csc_array(matrix)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    diagonal = matrix.diagonal()
    negative = np.flatnonzero(diagonal < 0)
    if len(negative):
        return negative[:1]
    entries = matrix.tocoo()
    apart = entries.row != entries.col
    row, column, value = entries.row[apart].astype(np.int64), entries.col[apart].astype(np.int64), entries.data[apart]
    with np.errstate(divide="ignore", over="ignore"):
        value = value / np.sqrt(diagonal[row]) / np.sqrt(diagonal[column])  # infinite beside a zero on the diagonal
    steep = np.flatnonzero(np.abs(value) > 1 + ACCURACY)  # a minor of two that is negative
    if len(steep):
        return np.unique([row[steep[0]], column[steep[0]]])
    scaled = sp.coo_array((value, (row, column)), shape=matrix.shape)
    _, label = csgraph.connected_components(scaled, directed=False)
    order = np.argsort(label, kind="stable")
    size = np.bincount(label, minlength=1)
    start = np.cumsum(size) - size
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    block, row, column = label[row], place[row] - start[label[row]], place[column] - start[label[column]]
    for k in range(3, SMALL + 1):  # of two, see above
        alike = np.flatnonzero(size == k)
        if len(alike):
            number = np.zeros(len(size), dtype=np.int64)
            number[alike] = np.arange(len(alike))
            inside = size[block] == k
            stack = np.zeros((len(alike), k, k)) + np.eye(k)
            stack[number[block[inside]], row[inside], column[inside]] = value[inside]
            bad = np.flatnonzero(np.linalg.eigvalsh(stack)[:, 0] < -ACCURACY)
            if len(bad):
                first = alike[bad[0]]
                return np.sort(order[start[first] : start[first] + k])
    if (size > SMALL).any():
        by_block = np.argsort(block, kind="stable")
        ends = np.searchsorted(block[by_block], np.arange(len(size) + 1))
        for large in np.flatnonzero(size > SMALL).tolist():
            inside = by_block[ends[large] : ends[large + 1]]
            if not _positive(int(size[large]), row[inside], column[inside], value[inside]):
                return np.sort(order[start[large] : start[large] + size[large]])
    return None


def _positive(size: int, row: Integers, column: Integers, value: Array) -> bool:
    """Whether a block with these entries beside a diagonal of ones, shifted by ACCURACY, has positive pivots alone."""
    if size <= DENSE and len(value) >= FILLED * size**2:
        full = np.zeros((size, size))
        full[row, column] = value
        np.fill_diagonal(full, 1 + ACCURACY)
        try:
            scipy.linalg.cholesky(full, lower=True, overwrite_a=True, check_finite=False)
        except scipy.linalg.LinAlgError:
            return False
        return True
    diagonal = np.arange(size)
    rows, columns = np.concatenate([row, diagonal]), np.concatenate([column, diagonal])
    data = np.concatenate([value, np.full(size, 1 + ACCURACY)])
    shifted = sp.csc_array((data, (rows.astype(np.int32), columns.astype(np.int32))), shape=(size, size))
    try:
        factors = sparse_linalg.splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError:  # "Factor is exactly singular": a pivot is 0
        return False
    return bool((factors.perm_r == factors.perm_c).all() and (factors.U.diagonal() > 0).all())
