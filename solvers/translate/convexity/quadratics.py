"""The quadratic parts of several rows, collected over all of their terms: one matrix, a block of which belongs to each row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Integers
from veridical.solvers.translate.convexity.factorisation import indefinite_block
from veridical.solvers.translate.convexity.tape import Tape
from veridical.solvers.translate.graph import Form

__all__ = ["Quadratics"]

NOISE = 16 * np.finfo(float).eps  # what is left of terms that cancel is that, relative to the sum of their sizes

Linear = dict[int, float]
Quadratic = tuple[float, Linear, list[tuple[float, Linear, Linear]]]  # constant, linear part, products of linear parts


class Quadratics:
    """Sums of products of linear forms, by row; columns of the matrix are pairs of a row and a variable."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.weights: list[float] = []
        self.left: list[tuple[int, Linear]] = []
        self.right: list[tuple[int, Linear]] = []

    @property
    def count(self) -> int:
        """How many products there are."""
        return len(self.weights)

    def add(self, row: int, factor: float, tape: Tape, slots: list[Form], numbers: list[float]) -> None:
        """Add factor times a polynomial of degree 2 at most to a row."""
        for weight, left, right in _expanded(tape, slots, numbers)[2]:
            self._add(row, factor * weight, left, right)

    def add_square(self, row: int, weight: float, along: tuple[tuple[int, float], ...]) -> None:
        """Add weight * (sum coefficient * column)^2 to a row."""
        if weight:
            self._add(row, weight, dict(along), dict(along))

    def _add(self, row: int, weight: float, left: Linear, right: Linear) -> None:
        self.weights.append(weight)
        self.left.append((row, left))
        self.right.append((row, right))

    def diagonal(self) -> Callable[[int, tuple[tuple[int, float], ...]], float]:
        """Return a function of row and direction: the second derivative along a variable, infinite where it has cross terms.

        What other terms must make up for is known beforehand only where a variable stands alone, with its square.
        """
        matrix, keys = self._matrix()
        alone = np.diff(matrix.indptr) - (matrix.diagonal() != 0) == 0
        values = dict(zip(keys.tolist(), np.where(alone, matrix.diagonal(), -np.inf).tolist(), strict=True))

        def of(row: int, along: tuple[tuple[int, float], ...]) -> float:
            if len(along) > 1:
                return 0.0
            return float(values.get(row * self.columns + along[0][0], 0.0))

        return of

    def indefinite(self) -> bool:
        """Whether a row's matrix is not positive semidefinite."""
        return indefinite_block(self._matrix()[0]) is not None

    def _matrix(self) -> tuple[sp.csc_array, Integers]:
        """Return the Hessians of all rows as one, and the key (row * columns + column) of each of its columns."""
        sides = []
        for parts in (self.left, self.right):
            keys = np.array([row * self.columns + column for row, linear in parts for column in linear], dtype=np.int64)
            values = np.array([value for _, linear in parts for value in linear.values()], dtype=float)
            owner = np.repeat(np.arange(len(parts)), [len(linear) for _, linear in parts])
            sides.append((keys, values, owner))
        keys = np.unique(np.concatenate([keys for keys, _, _ in sides]))
        shape = (self.count, len(keys))
        weights = sp.diags_array(np.array(self.weights, dtype=float), shape=(self.count, self.count))
        left, right = (sp.csr_array((v, (owner, np.searchsorted(keys, k))), shape=shape) for k, v, owner in sides)
        half = sp.csc_array(left.T @ weights @ right)
        sizes = sp.csc_array(abs(left).T @ abs(weights) @ abs(right))
        full, sizes = sp.csc_array(half + half.T), sp.csc_array(sizes + sizes.T)
        return sp.csc_array(full.multiply(abs(full) > NOISE * sizes)), keys


def _expanded(tape: Tape, slots: list[Form], numbers: list[float]) -> Quadratic:
    """Return a tape of degree 2 at most as a sum of products of linear forms."""
    parts: list[Quadratic] = []
    for operation, *arguments in tape:
        if operation == "slot":
            form = slots[arguments[0]]
            parts.append((form.constant, dict(form.coefficients), []))
        elif operation == "number":
            parts.append((numbers[arguments[0]], {}, []))
        elif operation == "+":
            total = parts[arguments[0]]
            for place in arguments[1:]:
                total = _sum(total, parts[place])
            parts.append(total)
        else:  # "*", or the power 1 or 2 of something linear, or any of a number
            exponent, factors = (int(arguments[0]), arguments[1:]) if operation == "pow" else (1, arguments)
            product = parts[factors[0]]
            for place in (factors * exponent)[1:]:
                product = _product(product, parts[place])
            parts.append(product)
    return parts[-1]


def _sum(left: Quadratic, right: Quadratic) -> Quadratic:
    linear = dict(left[1])
    for column, value in right[1].items():
        linear[column] = linear.get(column, 0.0) + value
    return left[0] + right[0], linear, left[2] + right[2]


def _times(quadratic: Quadratic, factor: float) -> Quadratic:
    constant, linear, products = quadratic
    return factor * constant, {c: factor * v for c, v in linear.items()}, [(factor * w, a, b) for w, a, b in products]


def _product(left: Quadratic, right: Quadratic) -> Quadratic:
    if not left[0] and not right[0] and not left[2] and not right[2]:
        return 0.0, {}, [(1.0, left[1], right[1])] if left[1] and right[1] else []
    constant, linear, products = _sum(_times(left, right[0]), _times(right, left[0]))
    products = products + ([(1.0, left[1], right[1])] if left[1] and right[1] else [])
    return constant - left[0] * right[0], linear, products
