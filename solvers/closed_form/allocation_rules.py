"""Rules that ration orders: linear, generalised linear, proportional, uniform. Definitions 1 to 3 of the allocation paper.

`orders` in units have the shape (..., N), one place a retailer; `capacity` is a number, or one a row, shape (...). Orders that
fit are met in full. Raise InputError for orders or capacities that are no finite numbers >= 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise

from veridical.data import InputError

__all__ = ["generalized_linear", "linear", "proportional", "uniform"]

Array = NDArray[np.float64]


def linear(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return each order less a common deduction, shared among those who get anything; the others get 0. Definition 1.

    The deduction for the n largest orders is (their sum - K) / n; the right n is the one with the largest deduction, since every
    n's is at most the d with sum (q_i - d)^+ = K. The paper's definition says n, the number served; the display of its
    Theorem 5 divides by the number of all retailers, which holds only where all are served.
    """
    orders, capacity = _checked(orders, capacity)
    largest = np.sort(orders, axis=-1)[..., ::-1]
    served = np.arange(1, orders.shape[-1] + 1)
    deduction = ((np.cumsum(largest, axis=-1) - capacity[..., None]) / served).max(axis=-1, keepdims=True)
    allocated: Array = np.maximum(orders - np.maximum(deduction, 0.0), 0.0)
    return allocated


def generalized_linear(
    orders: ArrayLike, capacity: ArrayLike, Y: Callable[[Array], Array], Y_inverse: Callable[[Array], Array]
) -> Array:
    """Return Q with Y(Q_i) = Y(q_i) - d for those who get anything, d being common; the others get 0. Definition 2.

    `Y` is increasing on q >= 0, and `Y_inverse` its inverse on [Y(0), infinity); both take and return arrays.
    """
    orders, capacity = _checked(orders, capacity)
    rows = orders.reshape(-1, orders.shape[-1])
    limit = np.broadcast_to(capacity, orders.shape[:-1]).ravel()
    start, transformed = Y(np.zeros(1)), Y(rows)

    def left(deduction: Array, row: Any) -> Array:
        row = row.astype(int)
        kept = np.maximum(transformed[row] - deduction[..., None], start)
        return np.asarray(Y_inverse(kept).sum(axis=-1) - limit[row], dtype=float)

    tight = np.flatnonzero(rows.sum(axis=1) > limit)
    deduction = np.zeros(len(rows))
    if tight.size:
        ends = np.zeros(tight.size), (transformed[tight] - start).max(axis=1)
        deduction[tight] = elementwise.find_root(left, ends, args=(tight,)).x
    allocated = np.where(deduction[:, None] > 0, Y_inverse(np.maximum(transformed - deduction[:, None], start)), rows)
    return np.reshape(allocated, orders.shape)


def proportional(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return min(q_i, K q_i / sum q): the same share of every order. Definition 3."""
    orders, capacity = _checked(orders, capacity)
    total = orders.sum(axis=-1)
    share = np.divide(capacity, total, out=np.ones(np.broadcast_shapes(capacity.shape, total.shape)), where=total > capacity)
    allocated: Array = orders * share[..., None]
    return allocated


def uniform(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return min(q_i, level) with a common level at which capacity is used up. Cachon and Lariviere (1999b).

    With the j smallest orders met in full, the others share what is left; the right j is the one with the largest share.
    """
    orders, capacity = _checked(orders, capacity)
    n = orders.shape[-1]
    smallest = np.sort(orders, axis=-1)
    met = np.cumsum(smallest, axis=-1) - smallest
    level = ((capacity[..., None] - met) / np.arange(n, 0, -1)).max(axis=-1, keepdims=True)
    allocated: Array = np.minimum(orders, level)
    return allocated


def _checked(orders: ArrayLike, capacity: ArrayLike) -> tuple[Array, Array]:
    found = []
    for name, value in (("orders", orders), ("capacity", capacity)):
        array = np.asarray(value, dtype=float)
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise InputError.of(name, value, "finite numbers >= 0, units")
        found.append(array)
    if found[0].ndim == 0 or found[0].shape[-1] == 0:
        raise InputError.of("orders", orders, "at least one order: shape (..., N)")
    return found[0], found[1]
