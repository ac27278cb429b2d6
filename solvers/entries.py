"""The entries of a sparse matrix and their sizes: products without the objects that scipy makes for each."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from veridical.data.arrays import Array, Integers

__all__ = ["Entries"]


class Entries:
    """A matrix by its entries that are not 0: `rows`, `columns`, `values`, and their `sizes`."""

    def __init__(self, rows: Integers, columns: Integers, values: Array, shape: tuple[int, int]) -> None:
        used = values != 0
        self.rows, self.columns, self.values, self.shape = rows[used], columns[used], values[used], shape

    @classmethod
    def of(cls, matrix: Any) -> Entries:
        """Return the entries of a sparse matrix of scipy's."""
        if matrix.format in ("csr", "csc"):  # what scipy's `tocoo` does, at a third of the time
            lines = np.arange(len(matrix.indptr) - 1, dtype=matrix.indices.dtype)
            pair = np.repeat(lines, np.diff(matrix.indptr)), matrix.indices
            rows, columns = pair if matrix.format == "csr" else pair[::-1]
            return cls(rows, columns, matrix.data, matrix.shape)
        entries = matrix.tocoo()
        return cls(entries.row, entries.col, entries.data, matrix.shape)

    def finite(self) -> Entries:
        """Return the entries that are finite numbers."""
        usable = np.isfinite(self.values)
        return Entries(self.rows[usable], self.columns[usable], self.values[usable], self.shape)

    def comparable(self, share: float) -> Entries:
        """Return the entries of at least a share of the largest of their row."""
        least = share * self.largest_by_row(np.ones(self.shape[1]))
        kept = self.sizes >= least[self.rows]
        return Entries(self.rows[kept], self.columns[kept], self.values[kept], self.shape)

    def and_row(self, row: Array) -> Entries:
        """Return the entries of the matrix with one more row."""
        columns = np.flatnonzero(row)
        rows = np.append(self.rows, np.full(len(columns), self.shape[0]))
        values = np.append(self.values, row[columns])
        return Entries(rows, np.append(self.columns, columns), values, (self.shape[0] + 1, self.shape[1]))

    @property
    def transposed(self) -> Entries:
        """The entries of the matrix with rows and columns exchanged."""
        return Entries(self.columns, self.rows, self.values, (self.shape[1], self.shape[0]))

    @cached_property
    def sizes(self) -> Array:
        """The absolute values."""
        sizes: Array = np.abs(self.values)
        return sizes

    def times(self, x: Array) -> Array:
        """Return matrix @ x."""
        return _sums(self.rows, self.values * x[self.columns], self.shape[0])

    def transposed_times(self, y: Array) -> Array:
        """Return matrix.T @ y."""
        return _sums(self.columns, self.values * y[self.rows], self.shape[1])

    def sizes_times(self, x: Array) -> Array:
        """Return |matrix| @ x."""
        return _sums(self.rows, self.sizes * x[self.columns], self.shape[0])

    def transposed_sizes_times(self, y: Array) -> Array:
        """Return |matrix|.T @ y."""
        return _sums(self.columns, self.sizes * y[self.rows], self.shape[1])

    def largest_by_row(self, x: Array) -> Array:
        """Return for each row the largest of |entry| * x >= 0; 0 where it has none."""
        largest = np.zeros(self.shape[0])
        np.maximum.at(largest, self.rows, self.sizes * x[self.columns])
        return largest

    def widened(self, x: Array, y: Array) -> Array:
        """Return for each column what it would have to be to count in the largest of its rows, y / |entry|; at least x."""
        wider = x.copy()
        np.maximum.at(wider, self.columns, y[self.rows] / self.sizes)
        return wider


def _sums(places: Array, terms: Array, count: int) -> Array:
    return np.bincount(places, terms, count).astype(np.float64)  # integers where there are no terms
