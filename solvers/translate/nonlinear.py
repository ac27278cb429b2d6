"""The nonlinear terms of a model with exact, sparse first and second derivatives.

With z the values of all operations in the graph, z = f(A x + B z + c), and B leads from lower levels to higher ones only.
Forward, level by level: z and S = dz/dx. The Jacobian of the terms is then a product with S; the Hessian of the Lagrangian is
G'W G with G = A + B S, the derivatives of the operations' arguments, and W the operations' own second derivatives, weighted
by the multipliers that a sweep from the highest level down carries to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.functions import UNARY
from veridical.solvers.translate.graph import Form, Graph
from veridical.solvers.translate.levels import Levels, ones

__all__ = ["UNARY", "NonlinearTerms"]


class NonlinearTerms:
    """All nonlinear terms of a model: row -1 is the objective, row r >= 0 a constraint."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.parts: list[tuple[int, float, int]] = []  # every term: row, factor, column of an operation

    def add(self, row: int, terms: dict[int, float]) -> None:
        """Add operations, with their factors, to a row."""
        self.parts += [(row, factor, column) for column, factor in terms.items()]

    def factors(self) -> list[float]:
        """Return the factors of all terms."""
        return [factor for _, factor, _ in self.parts]

    def close(self, rows: int, columns: int, factors: Array | None = None) -> None:
        """Turn what was collected into arrays, and find out which entries the derivatives have; `factors` in place of the own."""
        self.count, self.columns = rows, columns
        if factors is not None:
            self._set_factors(factors)
        rows_of, factors, roots = np.array(self.parts, dtype=float).reshape(-1, 3).T
        self._levels = Levels(self.graph, columns, roots.astype(np.int64))
        place = rows_of.astype(np.int64) + 1, self._levels.places(roots.astype(np.int64))
        self._places = place
        self._roots = self._weighted(factors)
        degrees = self._levels.degrees()[place[1]]
        self._degrees = [float(degrees[side].max(initial=0.0)) for side in (rows_of >= 0, rows_of < 0)]
        slopes, hessian = self._levels.structure()
        self._first, self._second = _Places(ones(self._roots) @ slopes, lower=False), _Places(hessian, lower=True)
        self.jacobian_rows, self.jacobian_columns = self._first.rows - 1, self._first.columns
        self.hessian_rows, self.hessian_columns = self._second.rows, self._second.columns

    def with_factors(self, factors: Array) -> NonlinearTerms:
        """Return the same terms with other factors, 0 only where they were 0."""
        terms = copy(self)
        terms._set_factors(factors)
        terms._roots = terms._weighted(factors)
        return terms

    def _set_factors(self, factors: Array) -> None:
        self.parts = [(row, factor, of) for (row, _, of), factor in zip(self.parts, factors.tolist(), strict=True)]

    def _weighted(self, factors: Array) -> sp.csr_array:
        """Return the terms as sums of operations: a row for the objective and for each constraint."""
        shape = self.count + 1, self.columns + self._levels.size
        return sp.csr_array(sp.coo_array((factors, self._places), shape=shape))

    def operations(self) -> Iterator[tuple[tuple[Any, ...], float, list[Form]]]:
        """Yield the kind, the exponent and the arguments of every operation in the terms."""
        return map(self.graph.operation, np.flatnonzero(self._levels.used).tolist())

    @property
    def in_rows(self) -> bool:
        """Whether a constraint has a nonlinear term."""
        return bool((self.jacobian_rows >= 0).any())

    def degree(self, objective: bool) -> float:
        """Return the highest polynomial degree among the terms of the objective (or of the constraints)."""
        return self._degrees[objective]

    def values(self, x: Array) -> tuple[float, Array]:
        """Return the nonlinear part of the objective, and of every row."""
        self._move(x)
        total: Array = self._roots @ self._levels.values
        return float(total[0]), total[1:]

    def first(self, x: Array) -> Array:
        """Return the entries of the Jacobian (row -1: gradient of the objective) at `jacobian_rows`, `jacobian_columns`."""
        self._move(x)
        return self._first.entries(self._roots @ self._levels.slopes())

    def second(self, x: Array, weights: Array, objective: float) -> Array:
        """Return the entries of the Hessian of objective * f + weights @ rows, lower triangle, at `hessian_rows`, `..columns`."""
        self._move(x)
        return self._second.entries(self._levels.hessian(self._roots.T @ np.concatenate([[objective], weights])))

    def _move(self, x: Array) -> None:
        if self._levels.point is None or not np.array_equal(x, self._levels.point):
            self._levels.move(np.array(x, dtype=float))


class _Places:
    """The entries that a sparse result can have, in order of rows and columns: products of sparse matrices leave zeros out."""

    def __init__(self, pattern: sp.csr_array, lower: bool) -> None:
        self._pattern, self._width = pattern, max(pattern.shape[1], 1)
        keys, kept = self._keys(pattern), np.arange(pattern.nnz)
        if lower:
            kept = np.flatnonzero(keys // self._width >= keys % self._width)
        self._order = kept[np.argsort(keys[kept])]
        self._sorted = keys[self._order]
        self.rows, self.columns = self._sorted // self._width, self._sorted % self._width

    def entries(self, result: sp.csr_array) -> Array:
        """Return the result's entries at these places."""
        pattern = self._pattern
        pairs = (result.indices, pattern.indices), (result.indptr, pattern.indptr)
        if all(np.array_equal(here, there) for here, there in pairs):
            return np.asarray(result.data[self._order], dtype=float)
        keys = self._keys(result)
        entries: Array = np.zeros(len(self._sorted))
        if len(entries):
            place = np.minimum(np.searchsorted(self._sorted, keys), len(entries) - 1)
            here = self._sorted[place] == keys
            entries[place[here]] = result.data[here]
        return entries

    def _keys(self, matrix: sp.csr_array) -> Integers:
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
        return np.asarray(rows * self._width + matrix.indices, dtype=np.int64)
