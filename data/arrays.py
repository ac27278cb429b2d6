"""Types of numpy arrays, by what they hold, and what is done to arrays everywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "ArrayLike", "Booleans", "Integers", "accumulated", "fixed", "inner", "normal_density"]

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]


def fixed(array: Array) -> Array:
    """Make an array read-only, and return it."""
    array.setflags(write=False)
    return array


def accumulated(operation: np.ufunc, values: Array, axis: int) -> Array:
    """Return `operation.accumulate(values, axis)`: much faster along short axes of large arrays, which numpy takes one by one."""
    result = np.array(values)
    along = np.moveaxis(result, axis, 0)
    for k in range(1, len(along)):
        operation(along[k - 1], along[k], out=along[k, ...])
    return result


def inner(left: Array, right: Array) -> float:
    """Return the inner product of two vectors; the threads of BLAS take longer than the sum, and go on spinning after it."""
    return float((left * right).sum())


def normal_density(z: ArrayLike) -> Array:
    """Return the standard normal density."""
    return np.asarray(np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi), dtype=float)
