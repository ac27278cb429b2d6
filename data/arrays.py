"""Types of numpy arrays, by what they hold, and what is done to arrays everywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Array",
    "ArrayLike",
    "Booleans",
    "Integers",
    "accumulated",
    "conjugate_gradients",
    "fixed",
    "inner",
    "normal_density",
    "plus",
]

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]

ROUNDING = 1e-15  # of a term: a few units in its last place


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


def plus(before: float, more: float) -> float:
    """Return the sum of two figures, 0 where they cancel to rounding: what that leaves would count as a size of its own."""
    total = before + more
    return 0.0 if abs(total) <= ROUNDING * abs(before) else total


def inner(left: Array, right: Array) -> float:
    """Return the inner product of two vectors; the threads of BLAS take longer than the sum, and go on spinning after it."""
    return float((left * right).sum())


def conjugate_gradients(
    times: Callable[[Array], Array], right: Array, inverse: Array, enough: Callable[[Array, float], bool], steps: int
) -> Array:
    """Return z with times(z) = right, nearly: by conjugate gradients, preconditioned by the inverse of a diagonal.

    They end after some steps, where `enough` says so of the residual and of its square in the norm of the preconditioner, or
    where what is left is rounding that `times`, singular, takes to nothing. SciPy's own use BLAS, see `inner`.
    """
    z, residual = np.zeros(len(right)), right
    step = inverse * residual
    direction, norm = step, inner(residual, step)
    for _ in range(steps):
        if enough(residual, norm):
            break
        image = times(direction)
        curvature = inner(direction, image)
        if curvature <= 0:
            break
        length = norm / curvature
        z, residual = z + length * direction, residual - length * image
        step = inverse * residual
        before, norm = norm, inner(residual, step)
        direction = step + norm / before * direction
    return z


def normal_density(z: ArrayLike) -> Array:
    """Return the standard normal density."""
    return np.asarray(np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi), dtype=float)
