"""The operations of a graph as arrays, evaluated and differentiated level by level."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.lazy import csgraph
from veridical.solvers.translate.functions import UNARY, external
from veridical.solvers.translate.graph import Graph

__all__ = ["Levels", "ones"]


def csr(data: Array, indices: Any, starts: Any, columns: int) -> sp.csr_array:
    """Return a sparse matrix from its arrays."""
    return sp.csr_array((data, indices, starts), shape=(len(starts) - 1, columns))


def ones(matrix: sp.csr_array) -> sp.csr_array:
    """Return a matrix with a 1 at every entry: what can cancel out in a product does not."""
    return csr(np.ones(matrix.nnz), matrix.indices, matrix.indptr, matrix.shape[1])


def _used(starts: Integers, columns: Integers, roots: Integers) -> Booleans:
    """Return which operations the roots are made of: a weight of 0, or a sum that cancels, leaves others behind.

    `starts`: of each operation's entries in `columns`, in which operations are numbered -1, -2, ..., as in `roots`.
    """
    size = len(starts) - 1
    edges = np.concatenate([columns, roots])
    inner = edges < 0
    owner = np.append(np.repeat(np.arange(size), np.diff(starts)), np.full(len(roots), size))[inner]
    graph = sp.csr_array((np.ones(len(owner)), (owner, ~edges[inner])), shape=(size + 1, size + 1))
    used = np.zeros(size + 1, dtype=bool)
    used[csgraph.breadth_first_order(graph, size, return_predecessors=False)] = True
    return used[:-1]


@dataclass(frozen=True)
class _Group:
    """Operations of one level and kind; argument k of them stands at `first + k`, `first + k + arity`, ..."""

    kind: tuple[Any, ...]
    operations: slice
    first: int
    arity: int
    exponents: Any  # of powers: a number, or one an operation

    @property
    def arguments(self) -> list[slice]:
        """Where the arguments stand."""
        stop = self.first + self.arity * (self.operations.stop - self.operations.start)
        return [slice(self.first + k, stop, self.arity) for k in range(self.arity)]

    @property
    def curved(self) -> list[tuple[int, int]]:
        """The pairs of arguments with a second derivative."""
        if self.kind[0] in ("+", "*"):
            return [(0, 1)] if self.kind[0] == "*" else []
        return [(low, high) for high in range(self.arity) for low in range(high + 1)]

    def degree(self, inputs: list[Array]) -> Any:
        """Return the degrees as polynomials for those of the arguments; infinite where they are none."""
        name, k = self.kind[0], self.exponents
        if name == "pow":
            return np.where((k > 0) & (k == np.round(k)), k * inputs[0], np.inf)
        return sum(inputs) if name in ("+", "*") else np.inf

    def evaluate(self, inputs: list[Array], functions: dict[int, Any]) -> tuple[Any, Any, Any]:
        """Return values, first derivatives, and second ones for the curved pairs."""
        name, u = self.kind[0], inputs[0]
        if name == "+":
            return u, [1.0], []
        if name == "*":
            return u * inputs[1], [inputs[1], u], [1.0]
        if name == "pow":
            k = self.exponents
            return np.power(u, k), [k * np.power(u, k - 1)], [k * (k - 1) * np.power(u, k - 2)]
        if name == "external":
            return external(functions[self.kind[1]], inputs)
        value, first, second = UNARY[name](u)
        return value, [first], [second]


class Levels:
    """All operations sorted by level; after the variables' columns, operation k has column `columns + k`."""

    def __init__(self, graph: Graph, columns: int, roots: Integers) -> None:
        """Lay out the operations of some columns, the `roots`, and those that they are made of."""
        self.columns, self._functions = columns, graph.functions
        starts, first, indices = (np.array(part, dtype=np.int64) for part in (graph.starts, graph.first, graph.columns))
        self.used = _used(starts[first], indices, roots)
        level, kind = np.array(graph.levels, dtype=np.int64), np.array(graph.kind_of, dtype=np.int64)
        order = np.lexsort((kind, level))
        order = order[self.used[order]]
        self.size, counts = len(order), np.diff(first)[order]
        self._rank = np.zeros(len(graph), dtype=np.int64)
        self._rank[order] = np.arange(self.size)
        self._first = np.cumsum([0, *counts])  # argument of each operation
        moved = np.arange(self._first[-1]) + np.repeat(first[order] - self._first[:-1], counts)
        entries = np.array(graph.coefficients, dtype=float), self.places(indices), starts
        self._inputs = csr(*entries, columns + self.size)[moved]
        self._constants: Array = np.array(graph.constants, dtype=float)[moved]
        self._levels = self._grouped(graph.kinds, level[order], kind[order], np.array(graph.exponents)[order])
        self._entries = self._inputs.indptr[self._first]  # of each operation in `_inputs`
        self.point: Array | None = None  # where all was evaluated last
        self.values: Array = np.zeros(columns + self.size)  # of variables and operations
        self._partial: Array = np.ones(len(moved))
        self._scaled: Array = np.ones(self._inputs.nnz)
        self._slopes: sp.csr_array | None = None
        self._capacity = max(columns, 1)
        self._plan_curvature()

    def places(self, columns: Integers) -> Integers:
        """Return columns of the matrices for those of linear forms, in which operations are numbered -1, -2, ..."""
        operation = columns < 0
        columns[operation] = self.columns + self._rank[~columns[operation]]
        return columns

    def degrees(self) -> Array:
        """Return the degrees of all variables and operations as polynomials of the variables; infinite where they are none."""
        degrees: Array = np.ones(self.columns + self.size)
        for matrix, (start, _), groups in self._levels:
            inputs, offset = np.zeros(matrix.shape[0]), self._first[start]
            np.maximum.at(inputs, np.repeat(np.arange(len(inputs)), np.diff(matrix.indptr)), degrees[matrix.indices])
            for group in groups:
                at = [inputs[part.start - offset : part.stop - offset : part.step] for part in group.arguments]
                degrees[self.columns + group.operations.start : self.columns + group.operations.stop] = group.degree(at)
        return degrees

    def move(self, x: Array) -> None:
        """Evaluate all operations, with their derivatives by their own arguments, at x."""
        self.point, self.values[: self.columns] = x, x
        self._slopes = None
        seconds: list[Array] = [np.zeros(0)]
        with np.errstate(all="ignore"):  # NaN where a function is not defined: the solver steps back from there
            for matrix, (start, stop), groups in self._levels:
                inputs = matrix @ self.values + self._constants[self._first[start] : self._first[stop]]
                offset = self._first[start]
                for group in groups:
                    at = [inputs[part.start - offset : part.stop - offset : part.step] for part in group.arguments]
                    value, first, second = group.evaluate(at, self._functions)
                    self.values[self.columns + group.operations.start : self.columns + group.operations.stop] = value
                    for part, slope in zip(group.arguments, first, strict=True):
                        self._partial[part] = slope
                    seconds += [np.broadcast_to(curve, len(at[0])) for curve in second]
            self._second = np.concatenate(seconds)
            self._scaled = self._inputs.data * np.repeat(self._partial, np.diff(self._inputs.indptr))

    def slopes(self) -> sp.csr_array:
        """Return the derivatives of variables and operations by the variables."""
        if self._slopes is None:
            self._slopes = self._chained(self._scaled)
        return self._slopes

    def hessian(self, weights: Array) -> sp.csr_array:
        """Return the second derivatives of weights @ (variables and operations)."""
        multiplier, entries = weights[self.columns :].copy(), self._entries
        with np.errstate(all="ignore"):
            for _, (start, stop), _ in reversed(self._levels[1:]):
                low, high = entries[start], entries[stop]
                above = np.repeat(multiplier[start:stop], np.diff(entries[start : stop + 1])) * self._scaled[low:high]
                columns = self._inputs.indices[low:high] - self.columns
                inner = columns >= 0
                np.add.at(multiplier, columns[inner], above[inner])
            data = (multiplier[self._curved_owner] * self._second)[self._curved_order]
        if len(self._levels) > 1:
            return self._twice(data, self._bent @ self.slopes())
        return self._twice(data, csr(self._bent.data, self._bent.indices, self._bent.indptr, self.columns))

    def structure(self) -> tuple[sp.csr_array, sp.csr_array]:
        """Return matrices with the entries that `slopes` and `hessian` can have, all positive."""
        slopes = ones(self._chained(np.ones(self._inputs.nnz)))
        self._capacity = slopes.nnz
        return slopes, self._twice(np.ones(len(self._curved_order)), ones(self._bent) @ slopes)

    def _grouped(
        self, kinds: list[tuple[Any, ...]], level: Integers, kind: Integers, exponents: Array
    ) -> list[tuple[sp.csr_array, tuple[int, int], list[_Group]]]:
        """Return for every level the rows of its arguments, its operations from start to stop, and their groups."""
        changes = np.flatnonzero((np.diff(level) != 0) | (np.diff(kind) != 0)) + 1
        groups: dict[int, list[_Group]] = {}
        for start, stop in pairwise([0, *changes.tolist(), self.size] if self.size else []):
            powers = exponents[start:stop]
            exponent = powers[0] if (powers == powers[0]).all() else powers
            first, arity = int(self._first[start]), int(self._first[start + 1] - self._first[start])
            group = _Group(kinds[kind[start]], slice(start, stop), first, arity, exponent)
            groups.setdefault(int(level[start]), []).append(group)
        levels = []
        for members in groups.values():
            start, stop = members[0].operations.start, members[-1].operations.stop
            levels.append((self._inputs[self._first[start] : self._first[stop]], (start, stop), members))
        return levels

    def _plan_curvature(self) -> None:
        """Lay out W: the second derivatives of every operation by pairs of its arguments, both triangles."""
        rows, columns, owners = [np.zeros(0, dtype=int)], [np.zeros(0, dtype=int)], [np.zeros(0, dtype=int)]
        for _, _, groups in self._levels:
            for group in groups:
                places = [np.arange(part.start, part.stop, part.step) for part in group.arguments]
                for low, high in group.curved:
                    rows.append(places[high])
                    columns.append(places[low])
                    owners.append(np.arange(group.operations.start, group.operations.stop))
        row, column, self._curved_owner = map(np.concatenate, (rows, columns, owners))
        off = np.flatnonzero(row != column)
        entry = np.concatenate([np.arange(len(row)), off])
        row, column = np.concatenate([row, column[off]]), np.concatenate([column, row[off]])
        order = np.lexsort((column, row))
        curved, row = np.unique(row, return_inverse=True)
        self._curved_order = entry[order]
        self._curved_columns = np.searchsorted(curved, column)[order]
        self._curved_starts = np.cumsum([0, *np.bincount(row, minlength=len(curved))])
        self._bent = self._inputs[curved]  # the arguments with curvature

    def _chained(self, scaled: Array) -> sp.csr_array:
        """Return the derivatives by the variables, level by level, from those of every operation by its arguments' entries."""
        n, entries, indices = self.columns, self._entries, self._inputs.indices
        starts = np.zeros(n + self.size + 1, dtype=np.int64)
        starts[: n + 1] = np.arange(n + 1)
        data, columns, end = np.ones(self._capacity), np.zeros(self._capacity, dtype=np.int64), n
        columns[:n] = np.arange(n)
        for number, (_, (start, stop), _) in enumerate(self._levels):
            low, high = entries[start], entries[stop]
            block = csr(scaled[low:high], indices[low:high], entries[start : stop + 1] - low, n + start)
            if number:
                block = block @ csr(data[:end], columns[:end], starts[: n + start + 1], n)
            if end + block.nnz > len(data):
                more = end + block.nnz
                data, columns = np.resize(data, 2 * more), np.resize(columns, 2 * more)
            data[end : end + block.nnz], columns[end : end + block.nnz] = block.data, block.indices
            starts[n + start + 1 : n + stop + 1] = end + block.indptr[1:]
            end += block.nnz
        return csr(data[:end], columns[:end], starts, n)

    def _twice(self, data: Array, bent: sp.csr_array) -> sp.csr_array:
        """Return G'W G from the entries of W and the derivatives G of the arguments with curvature."""
        own = csr(data, self._curved_columns, self._curved_starts, bent.shape[0])
        return sp.csr_array(bent.T.tocsr() @ (own @ bent))
