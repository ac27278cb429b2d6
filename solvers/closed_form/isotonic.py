"""Isotonic regression over the product order of cost profiles: the exact form of pooling.

Minimise sum_t w(t) (g(t) - v(t))^2 over g non-decreasing in every cost. Given as w and w v, so that w(t) = 0 is allowed: such a
profile goes to infinity where w v > 0, and follows its neighbours where both are 0.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans, Integers, accumulated
from veridical.data.lazy import csgraph
from veridical.data.pooling import chain, mean

__all__ = ["chain", "covers", "isotonic"]

LARGEST_FLOW = 2**29  # scipy's maximum flow counts in 32-bit integers
ROUNDING = 1e-13


def isotonic(weight: Array, weighted: Array) -> Array:
    """Return the regression over the product order of the arrays' axes (any shape).

    A set of profiles is split at its mean: the upper set with the largest surplus over the mean is found as a minimum
    cut, and both parts are treated alike, until no part splits. Exact but for rounding; parts are pooled profiles.
    """
    shape = weight.shape
    w, wv = weight.ravel(), weighted.ravel()
    below, above = covers(shape)
    order = sp.csr_array((np.ones(len(below), dtype=np.int8), (below, above)), shape=(w.size, w.size))
    fitted: Array = np.empty(w.size)
    waiting = [np.arange(w.size)]
    while waiting:
        part = waiting.pop()
        level = mean((float(w[part].sum()), float(wv[part].sum()), len(part)))
        upper = None
        if np.isfinite(level):
            owed = level * w[part]
            upper = _upper_set(wv[part] - owed, np.abs(wv[part]) + np.abs(owed), order[part][:, part])
        if upper is None:
            fitted[part] = level
        else:
            waiting += [part[upper], part[~upper]]
    fitted = np.reshape(fitted, shape)
    for axis in range(len(shape)):  # parts whose means tie to rounding
        fitted = accumulated(np.maximum, fitted, axis)
    return fitted


def covers(shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return the neighbouring pairs (lower, upper) of the product order, as flat places."""
    place = np.arange(int(np.prod(shape))).reshape(shape)
    below = [place.take(range(m - 1), axis=axis).ravel() for axis, m in enumerate(shape)]
    above = [place.take(range(1, m), axis=axis).ravel() for axis, m in enumerate(shape)]
    return np.concatenate(below), np.concatenate(above)


def _upper_set(surplus: Array, scale: Array, order: sp.csr_array) -> Booleans | None:
    """Return the upper set with the largest total surplus, or None where none has more than rounding.

    `scale` is the size of the numbers that each surplus is the difference of. Maximum closure: source -> profiles with a
    surplus, profiles -> the ones above them (unbounded), profiles with a deficit -> sink. Flows are found in integers at a
    coarse unit first, then what is left at ever finer ones, down to a trace of the smallest surplus or deficit.
    """
    n = len(surplus)
    surplus = np.where(np.abs(surplus) > ROUNDING * scale, surplus, 0.0)
    gain, loss = np.flatnonzero(surplus > 0), np.flatnonzero(surplus < 0)
    if len(gain) == 0 or len(loss) == 0:
        return None
    source, sink = n, n + 1
    edges = order.tocoo()
    tail = np.concatenate([np.full(len(gain), source), loss, edges.row])
    head = np.concatenate([gain, np.full(len(loss), sink), edges.col])
    capacity = np.concatenate([np.abs(surplus[gain]), np.abs(surplus[loss]), np.full(edges.nnz, np.inf)])
    pair = np.concatenate([tail, head]), np.concatenate([head, tail])
    residual = sp.csr_array((np.concatenate([capacity, np.zeros(len(tail))]), pair), shape=(n + 2, n + 2))
    finest = 1e-12 * float(capacity.min())
    unit = float(surplus[gain].sum()) / LARGEST_FLOW
    while unit > finest:
        whole = np.minimum(np.floor(residual.data / unit), LARGEST_FLOW).astype(np.int32)
        network = sp.csr_array((whole, residual.indices, residual.indptr), shape=residual.shape)
        flow = csgraph.maximum_flow(network, source, sink).flow
        residual = sp.csr_array(residual - flow.astype(float) * unit)
        left = float(residual[[source]].sum())
        unit = min(unit / 4, left / LARGEST_FLOW)
    reached = csgraph.breadth_first_order(sp.csr_array(residual > 1e3 * finest), source, return_predecessors=False)
    upper = np.zeros(n + 2, dtype=bool)
    upper[reached] = True
    upper = upper[:n]
    worth = float(surplus[upper].sum()) > ROUNDING * float(scale[upper].sum())
    return upper if upper.any() and not upper.all() and worth else None
