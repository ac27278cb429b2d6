"""Powers of two by which variables, rows and the objective are scaled, so that units do not matter to an interior point.

What Ipopt calls small (tolerances, pushes away from bounds, damping) is an absolute figure. In units of the scales here a
variable, a coefficient and a gradient are about 1, whatever currency and measure a model is written in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, conjugate_gradients, inner
from veridical.data.lazy import csgraph
from veridical.solvers.implied_bounds import FAR
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Scaling", "natural_units", "scaling"]

WEAK = 0.1  # weight of a bound beside a coefficient: bounds are often there to be finite, and say little of a variable's size
CANCELLED = 1e-13  # of the largest term of a row, or of all terms of a sum: what is less is rounding
STEPS, ENOUGH = 100, 1e-3  # of conjugate gradients, at most; of what there was at first: logarithms need not be exact
CLOSE = 2.0  # powers of 2 between a point and a Newton step: the point has the size that the functions speak of


@dataclass(frozen=True)
class Scaling:
    """A unit of each variable, and what each row and the objective are multiplied by."""

    columns: Array
    rows: Array
    objective: float


def scaling(form: StandardForm, x: Array, units: Array, at_optimum: bool = False) -> Scaling:
    """Return the scales of a form by its derivatives at a point.

    The variables' units are those that balance the coefficients, see `_balanced`; where coefficients say nothing of them they
    stay as given. Rows and the objective then have a largest entry of about 1; at an optimum, where gradients may vanish, or
    where the gradient is 0, second derivatives count as well.
    """
    with np.errstate(all="ignore"):
        jacobian, gradient = sp.csr_array(form.jacobian(x)), form.gradient(x)
        shift = jacobian @ x - form.rows(x)  # of a tangent's right-hand side: what its body is at 0
        rounding = CANCELLED * np.maximum(abs(jacobian) @ np.abs(x), np.abs(shift))
    shift = np.where(np.isfinite(shift) & (np.abs(shift) > rounding), shift, 0.0)
    sizes = _sizes(jacobian, units)
    sides = _logarithms(form.row_low + shift, form.row_high + shift, _most(form))
    columns = _balanced(sizes, sides, (np.ones(len(units)), np.log2(units)))
    largest = _largest(sizes, columns)
    steepest = float((np.where(np.isfinite(gradient), np.abs(gradient), 0.0) * columns).max(initial=0.0))
    if at_optimum or not steepest:
        steepest = max(steepest, float(_curvature(form, x, columns).max(initial=0.0)))
    return Scaling(columns, 1.0 / _power(largest), 1.0 / float(_power(np.array(steepest))))


def _sizes(jacobian: sp.csr_array, units: Array) -> sp.csr_array:
    """Return the sizes of a Jacobian's entries, without the rounding that terms leave that cancel: it says nothing."""
    sizes = np.where(np.isfinite(jacobian.data), np.abs(jacobian.data), 0.0)
    matrix = sp.csr_array((sizes, jacobian.indices, jacobian.indptr), shape=jacobian.shape)
    least = CANCELLED * np.repeat(_largest(matrix, units), np.diff(matrix.indptr))
    matrix.data = np.where(sizes * units[matrix.indices] > least, sizes, 0.0)
    return matrix


def _largest(sizes: sp.csr_array, units: Array) -> Array:
    """Return the largest entry of each row, where a column counts in its unit."""
    largest = np.zeros(sizes.shape[0])
    row = np.repeat(np.arange(len(largest)), np.diff(sizes.indptr))
    np.maximum.at(largest, row, sizes.data * units[sizes.indices])
    return largest


def natural_units(form: StandardForm) -> Array:
    """Return how large each variable is, as far as the data tell.

    Right-hand sides and bounds tell by the linear coefficients; beside nearer ones, those far out (`FAR`) do not. Where no
    right-hand side is connected with a variable, the size is that at which a Newton step for the objective is about as long as
    the variable is large: the scale of a demand distribution, of an exponential.
    """
    most = _most(form)
    rows, bounds = _logarithms(form.row_low, form.row_high, most), _logarithms(form.low, form.high, most)
    units = _balanced(form.matrix, rows, bounds)
    if form.nonlinear is None:
        return units
    m, n = form.matrix.shape
    linked = form.matrix.nonzero()
    links = sp.csr_array((np.ones(len(linked[0])), (linked[0], m + linked[1])), shape=(m + n, m + n))
    count, part = csgraph.connected_components(links, directed=False)
    anchored = np.zeros(count, dtype=bool)
    for sides in (form.row_low, form.row_high):
        anchored[part[np.flatnonzero(np.isfinite(sides) & (sides != 0))]] = True
    part = part[m:]
    diagonal = np.flatnonzero(form.nonlinear.hessian_rows == form.nonlinear.hessian_columns)
    columns = form.nonlinear.hessian_columns[diagonal]
    loose = ~anchored[part[columns]]
    diagonal, columns = diagonal[loose], columns[loose]
    if not len(columns):
        return units

    inward = np.where((form.high <= 0) & (form.low < 0), -1.0, 1.0)
    best, factor = np.full(count, np.inf), np.ones(count)
    for exponent in sorted(range(-20, 21), key=abs):
        x = inward * units * np.where(anchored[part], 1.0, 4.0**exponent)
        x = np.clip(x, form.low, form.high)
        with np.errstate(all="ignore"):
            second = form.nonlinear.second(x, np.zeros(m), 1.0)[diagonal]
            steps = np.abs(np.log2(np.abs(form.gradient(x)[columns] / (second * x[columns]))))
        usable = np.isfinite(steps) & (x[columns] == (inward * units)[columns] * 4.0**exponent)  # not those that a bound stops
        order = np.lexsort((steps[usable], part[columns[usable]]))
        parts, starts, sizes = np.unique(part[columns[usable]][order], return_index=True, return_counts=True)
        middle = steps[usable][order][starts + (sizes - 1) // 2]
        better = (middle < best[parts]) & (best[parts] > CLOSE)
        best[parts[better]], factor[parts[better]] = middle[better], 4.0**exponent
        if (best[part[columns]] <= CLOSE).all():
            break
    found: Array = units * factor[part]
    return found


def _balanced(jacobian: sp.csr_array, of_rows: tuple[Array, Array], of_columns: tuple[Array, Array]) -> Array:
    """Return units of the variables, powers of two, in which coefficients are about 1.

    The least squares of Curtis and Reid (On the automatic scaling of matrices for Gaussian elimination, J. Inst. Maths Applics
    10, 1972), with right-hand sides and sizes of variables (how many each has, and the sum of their logarithms) as a column
    of fixed scale: the logarithms of all come as near to 0 as they can. A change of units changes the result alike.
    """
    m, n = jacobian.shape
    usable = np.isfinite(jacobian.data) & (jacobian.data != 0)
    row = np.repeat(np.arange(m), np.diff(jacobian.indptr))[usable]
    column, logarithm = jacobian.indices[usable], np.log2(np.abs(jacobian.data[usable]))
    (sides, side), (bounds, bound) = of_rows, (WEAK * part for part in of_columns)
    ones = sp.csr_array((np.ones(len(row)), (row, column)), shape=(m, n))
    in_row = np.maximum(np.bincount(row, minlength=m) + sides, 1.0)
    in_column = np.bincount(column, minlength=n) + bounds
    # Least squares of logarithm + r + c, side + r and bound - c; the rows' r are eliminated.
    right = bound - np.bincount(column, logarithm, n) + ones.T @ ((np.bincount(row, logarithm, m) + side) / in_row)
    weights = np.where(in_column > 0, in_column, 1.0)

    def times(c: Array) -> Array:
        product: Array = in_column * c - ones.T @ ((ones @ c) / in_row)
        return product

    # Where logarithms cancel there is rounding left, which is in no image of the singular matrix: nothing is to be balanced.
    absolute: Array = np.abs(bound) + np.bincount(column, np.abs(logarithm), n)
    absolute += ones.T @ ((np.bincount(row, np.abs(logarithm), m) + np.abs(side)) / in_row)
    enough = max(ENOUGH * math.sqrt(inner(right, right)), CANCELLED * math.sqrt(inner(absolute, absolute)))
    solution = conjugate_gradients(times, right, 1 / weights, lambda rest, _: math.sqrt(inner(rest, rest)) <= enough, STEPS)
    exponents: Array = np.clip(np.round(solution), -300, 300)
    return np.exp2(exponents)


def _most(form: StandardForm) -> float:
    """Return from where on sides say nothing of sizes: those far out, where there are nearer ones."""
    sizes = np.abs(np.concatenate([form.row_low, form.row_high, form.low, form.high]))
    return FAR if ((sizes > 0) & (sizes < FAR)).any() else np.inf


def _logarithms(low: Array, high: Array, most: float) -> tuple[Array, Array]:
    """Return how many sides of each range have a size, below `most`, and the sum of their logarithms."""
    count, total = np.zeros(len(low)), np.zeros(len(low))
    for side in (low, np.where(high == low, np.inf, high)):
        given = (np.abs(side) < most) & (side != 0)
        count += given
        total[given] += np.log2(np.abs(side[given]))
    return count, total


def _curvature(form: StandardForm, x: Array, columns: Array) -> Array:
    """Return the sizes of the scaled second derivatives of the objective."""
    if form.nonlinear is None:
        return np.zeros(0)
    with np.errstate(all="ignore"):
        second = np.abs(form.nonlinear.second(x, np.zeros(len(form.row_low)), 1.0))
    second = second * columns[form.nonlinear.hessian_rows] * columns[form.nonlinear.hessian_columns]
    return np.where(np.isfinite(second), second, 0.0)


def _power(sizes: Array) -> Array:
    """Return the nearest power of two of each size, 1 for 0."""
    powers: Array = np.exp2(np.clip(np.round(np.log2(np.where(sizes > 0, sizes, 1.0))), -900, 900))
    return powers
