"""The nonlinear terms of a model with exact first and second derivatives, evaluated in batches.

Terms of one shape are one batch: a `Jet` carries value, gradient and Hessian with respect to their slots as arrays with one
entry a term, and the slots' coefficients carry them on to the variables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.jets import UNARY, Jet, chain, merge, outer, product
from veridical.solvers.translate.terms import Form, Shape, Tree, canonical

__all__ = ["UNARY", "Batch", "NonlinearTerms"]


class Batch:
    """Terms of one shape: term t stands in row `rows[t]` with `factors[t]`; slot k of it is `slots[k] @ x + constants[k]`."""

    def __init__(self, shape: Shape, functions: dict[int, Any]) -> None:
        self.shape, self.functions = shape, functions
        self.pending: list[tuple[int, float, list[Form], list[float]]] = []
        self.keys: list[tuple[int, int]] = []  # pairs of slots with a second derivative
        self.pairs: list[tuple[Integers, Integers, Integers, Array]] = []  # and what each contributes, see _pairs

    def close(self, columns: int) -> None:
        """Turn the collected terms into arrays."""
        rows, factors, slots, numbers = zip(*self.pending, strict=True)
        self.rows: Integers = np.array(rows, dtype=np.int64)
        self.factors: Array = np.array(factors)
        self.numbers: Array = np.array(numbers, dtype=float).T.copy()
        self.slots: list[sp.csr_array] = []
        self.constants: list[Array] = []
        for forms in zip(*slots, strict=True):
            flat = [pair for form in forms for pair in form.coefficients]
            indices, data = np.array([c for c, _ in flat], dtype=np.int64), np.array([v for _, v in flat], dtype=float)
            starts = np.cumsum([0, *(len(form.coefficients) for form in forms)])
            self.slots.append(sp.csr_array((data, indices, starts), shape=(len(forms), columns)))
            self.constants.append(np.array([form.constant for form in forms]))
        self.pending = []

    def jet(self, x: Array, order: int) -> Jet:
        """Return value and derivatives up to `order` at x, one entry a term."""
        inputs = [matrix @ x + constant for matrix, constant in zip(self.slots, self.constants, strict=True)]
        with np.errstate(all="ignore"):  # NaN where a function is not defined: the solver steps back from there
            return self._evaluate(self.shape, inputs, order)

    def degree(self, shape: Shape) -> float:
        """Return the polynomial degree of a (part of the) shape; infinite where it is none."""
        operation, *arguments = shape
        if operation == "slot":
            return 1
        if operation == "number":
            return 0
        if operation == "+":
            return max(map(self.degree, arguments))
        if operation == "*":
            return sum(map(self.degree, arguments))
        if operation == "pow" and arguments[0] == int(arguments[0]) and arguments[0] > 0:
            return float(arguments[0] * self.degree(arguments[1]))
        return math.inf

    def _evaluate(self, shape: Shape, inputs: list[Array], order: int) -> Jet:
        operation, *arguments = shape
        if operation == "slot":
            return Jet(inputs[arguments[0]], {arguments[0]: np.ones_like(inputs[arguments[0]])})
        if operation == "number":
            return Jet(self.numbers[arguments[0]])
        if operation == "pow":
            exponent, inner = arguments[0], self._evaluate(arguments[1], inputs, order)
            u = inner.value
            first = exponent * np.power(u, exponent - 1)
            second = exponent * (exponent - 1) * (np.power(u, exponent - 2) if exponent != 2 else 1.0)
            return chain(inner, np.power(u, exponent), first, second, order)
        if operation == "external":
            return self._external(arguments[0], [self._evaluate(part, inputs, order) for part in arguments[1:]], order)
        parts = [self._evaluate(part, inputs, order) for part in arguments]
        if operation == "+":
            total = Jet(sum(part.value for part in parts))
            for part in parts:
                merge(total.gradient, part.gradient, 1.0)
                merge(total.hessian, part.hessian, 1.0)
            return total
        if operation == "*":
            return product(parts[0], parts[1], order)
        return chain(parts[0], *UNARY[operation](parts[0].value), order)

    def _external(self, function: int, parts: list[Jet], order: int) -> Jet:
        """Return the jet of an external function: in one call where it has `batch`, else term by term."""
        external = self.functions[function]
        values = np.broadcast_arrays(*(part.value for part in parts))
        n = len(parts)
        if hasattr(external, "batch"):
            value, gradient, hessian = external.batch(*values)
        else:
            value, gradient, hessian = _one_by_one(external, values, n, order)
        jet = Jet(value)
        for k in range(n if order >= 1 else 0):
            merge(jet.gradient, parts[k].gradient, gradient[k])
            if order >= 2:
                merge(jet.hessian, parts[k].hessian, gradient[k])
                for low in range(k + 1):
                    weight = hessian[low + k * (k + 1) // 2]
                    outer(jet.hessian, parts[low].gradient, parts[k].gradient, weight / 2 if low == k else weight)
        return jet


def _one_by_one(external: Any, values: Sequence[Array], n: int, order: int) -> tuple[Array, Array, Array]:
    """Return value, gradient and Hessian (column-wise upper triangle) of an external function, called once a term."""
    hidden = [external._fcn_id] if hasattr(external, "_fcn_id") else []
    results = [external.evaluate_fgh([*point, *hidden], fgh=order) for point in zip(*(v.tolist() for v in values), strict=True)]
    size = n * (n + 1) // 2
    value = np.array([f for f, _, _ in results], dtype=float)
    gradient = np.array([g[:n] if g is not None else [0.0] * n for _, g, _ in results], dtype=float).T
    hessian = np.array([h[:size] if h is not None else [0.0] * size for _, _, h in results], dtype=float).T
    return value, gradient, hessian


class NonlinearTerms:
    """All nonlinear terms of a model: row -1 is the objective, row r >= 0 a constraint."""

    def __init__(self, functions: dict[int, Any]) -> None:
        self.functions = functions  # external ones, by id
        self.batches: dict[Shape, Batch] = {}
        self.parts: list[tuple[int, float, Tree]] = []  # every term: row, factor, tree

    def add(self, row: int, parts: Iterable[tuple[float, Tree]]) -> None:
        """Add nonlinear terms to a row."""
        for factor, tree in parts:
            self.parts.append((row, factor, tree))
            slots: dict[Form, int] = {}
            numbers: list[float] = []
            shape = canonical(tree, slots, numbers)
            if shape not in self.batches:
                self.batches[shape] = Batch(shape, self.functions)
            self.batches[shape].pending.append((row, factor, list(slots), numbers))

    def close(self, rows: int, columns: int) -> None:
        """Turn what was collected into arrays, and find out which entries the derivatives have."""
        self.count, self.columns = rows, columns
        first: list[tuple[Integers, Integers]] = []
        second: list[tuple[Integers, Integers]] = []
        for batch in self.batches.values():
            batch.close(columns)
            first += [_entries(batch, k) for k in range(len(batch.slots))]
            pairs = batch.jet(np.full(columns, 0.5), 2).hessian
            batch.keys = list(pairs)
            batch.pairs = [_pairs(batch.slots[i], batch.slots[j], i == j) for i, j in pairs]
            second += [(pair[0], pair[1]) for pair in batch.pairs]
        self.jacobian_rows, self.jacobian_columns, self._first = _unique(first, columns)
        self.hessian_rows, self.hessian_columns, self._second = _unique(second, columns)

    @property
    def in_rows(self) -> bool:
        """Whether a constraint has a nonlinear term."""
        return bool((self.jacobian_rows >= 0).any())

    def degree(self, objective: bool) -> float:
        """Return the highest polynomial degree among the terms of the objective (or of the constraints)."""
        degrees = [b.degree(s) for s, b in self.batches.items() if ((b.rows < 0) if objective else (b.rows >= 0)).any()]
        return max(degrees, default=0.0)

    def values(self, x: Array) -> tuple[float, Array]:
        """Return the nonlinear part of the objective, and of every row."""
        total: Array = np.zeros(self.count + 1)
        for batch in self.batches.values():
            total += np.bincount(batch.rows + 1, batch.factors * batch.jet(x, 0).value, self.count + 1)
        return float(total[0]), total[1:]

    def first(self, x: Array) -> Array:
        """Return the entries of the Jacobian (row -1: gradient of the objective) at `jacobian_rows`, `jacobian_columns`."""
        parts = []
        for batch in self.batches.values():
            gradient = batch.jet(x, 1).gradient
            for k, slot in enumerate(batch.slots):
                weight = batch.factors * gradient.get(k, 0.0)
                parts.append(np.repeat(weight, np.diff(slot.indptr)) * slot.data)
        return _sums(self._first, parts, len(self.jacobian_rows))

    def second(self, x: Array, weights: Array, objective: float) -> Array:
        """Return the entries of the Hessian of objective * f + weights @ rows, lower triangle, at `hessian_rows`, `..columns`."""
        parts = []
        for batch in self.batches.values():
            multiplier = np.concatenate([[objective], weights])[batch.rows + 1] * batch.factors
            hessian = batch.jet(x, 2).hessian
            for key, (_, _, term, factor) in zip(batch.keys, batch.pairs, strict=True):
                parts.append((multiplier * hessian[key])[term] * factor)
        return _sums(self._second, parts, len(self.hessian_rows))


def _sums(place: Integers, parts: list[Array], size: int) -> Array:
    """Return the sums of the entries of all parts by place."""
    return np.bincount(place, np.concatenate([np.zeros(0), *parts]), size).astype(float)


def _entries(batch: Batch, k: int) -> tuple[Integers, Integers]:
    """Return rows and columns of the Jacobian entries that slot k contributes, in the order of its coefficients."""
    slot = batch.slots[k]
    return np.repeat(batch.rows, np.diff(slot.indptr)), slot.indices.astype(np.int64)


def _pairs(left: sp.csr_array, right: sp.csr_array, same: bool) -> tuple[Integers, Integers, Integers, Array]:
    """Return rows, columns, terms and factors of the Hessian entries that a pair of slots contributes (lower triangle)."""
    counts = np.diff(right.indptr)
    term = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))  # of every coefficient on the left
    repeat = counts[term]
    a = np.repeat(np.arange(left.nnz), repeat)
    offset = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    b = np.repeat(right.indptr[term], repeat) + offset
    i, j = left.indices[a].astype(np.int64), right.indices[b].astype(np.int64)
    factor = left.data[a] * right.data[b]
    if same:
        keep = i >= j
    else:
        keep = np.ones(len(i), dtype=bool)
        factor = np.where(i == j, 2 * factor, factor)
    return np.maximum(i, j)[keep], np.minimum(i, j)[keep], term[a][keep], factor[keep]


def _unique(parts: list[tuple[Integers, Integers]], columns: int) -> tuple[Integers, Integers, Integers]:
    """Return the distinct (row, column) of all parts, and for each entry of the parts the place among them."""
    none = np.zeros(0, dtype=np.int64)  # where there are no parts
    rows = np.concatenate([none, *(row for row, _ in parts)])
    cols = np.concatenate([none, *(col for _, col in parts)])
    keys, place = np.unique(rows * columns + cols, return_inverse=True)
    return keys // columns, keys % columns, place
