"""The entries of a sparse matrix and their sizes: products without the objects that scipy makes for each."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from veridical.data.arrays import Array

__all__ = ["Entries"]


class Entries:
    """A matrix by its entries that are not 0: `rows`, `columns`, `values`, and their `sizes`."""

    def __init__(self, matrix: Any) -> None:
        entries = matrix.tocoo()
        used = entries.data != 0
        self.shape: tuple[int, int] = matrix.shape
        self.rows, self.columns, self.values = entries.row[used], entries.col[used], entries.data[used]

    def and_row(self, row: Array) -> Entries:
        """Return the entries of the matrix with one more row."""
        columns, more = np.flatnonzero(row), Entries.__new__(Entries)
        more.shape = self.shape[0] + 1, self.shape[1]
        more.rows = np.append(self.rows, np.full(len(columns), self.shape[0]))
        more.columns, more.values = np.append(self.columns, columns), np.append(self.values, row[columns])
        return more

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
    sums: Array = np.bincount(places, terms, count) + 0.0  # integers where there are no terms
    return sums
