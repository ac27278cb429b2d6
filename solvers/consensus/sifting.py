"""Solving a large quadratic program over the columns that are likely to count, and showing that the others do not.

From one round to the next most flows, links and stocks that were at 0 stay there. Over the columns that were not, and those of
the least reduced costs, a program is solved in a part of the time: it is not that columns are fewer, but that of a network with
few links more than a tree factors fill in hardly at all (49,680 flows: 0.5 to 1 s, where all columns take PIQP 60 s). Then each
column that was left out is priced: one whose reduced cost is negative is let in, and the program is solved again. What comes
out is an optimum over all columns, with multipliers that prove it (Bixby, Gregory, Lustig, Marsten and Shanno, Operations
Research 40, 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from veridical.data import NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.solution import Termination

__all__ = ["Sifting"]

SHARES = (0.2, 0.5)  # of the columns at 0, by reduced cost: how many are let in, and how many where that leaves no solution
PASSES = 8  # programs that are solved at most; one to three are usual
TRACE = 1e-7  # of the largest entry: less is 0
NEGATIVE = 1e-8  # of the terms of a reduced cost: less is rounding

FEW = 1e-3  # of all columns: so few that are still missing may not matter

Solve = Callable[[Integers], tuple[Array, Array] | None]


@dataclass
class Sifting:
    """What is known of the columns of a program; `can` is whether a column may be left out, at 0.

    `matrix`: its rows. Values and slopes are those of the last solution, one a column, None before the first.
    """

    matrix: sp.csc_array
    can: Booleans
    values: Array | None = None
    slopes: Array | None = None

    def __post_init__(self) -> None:
        entries = sp.coo_array(self.matrix)
        counted = self.can[entries.col]
        self.columns = entries.col[counted]
        self.sides = 2 * entries.row[counted] + (entries.data[counted] > 0)  # of a row: what adds to it, and what takes from it

    def note(self, c: Array, quadratic: sp.csc_array, values: Array, duals: Array) -> None:
        """Take in a solution."""
        self.values, self.slopes = values, self._slopes(c, quadratic, values, duals)[0]

    def solve(
        self, c: Array, quadratic: sp.csc_array, solve: Solve, enough: Callable[[Array, Array], bool]
    ) -> tuple[Array, Array]:
        """Return an optimum and the row duals; `solve` is handed the columns that are left, and returns None without a solution.

        `enough`: whether values and duals are so already, asked where a few columns are missing.

        Raises NotSolvedError where nothing came out of it; over all columns something may.
        """
        for share in SHARES:
            kept = self._likely(share)
            for _ in range(PASSES):
                columns = np.flatnonzero(kept)
                result = solve(columns)
                if result is None:
                    break
                values = np.zeros(len(c))
                values[columns] = result[0]
                slopes, sizes = self._slopes(c, quadratic, values, result[1])
                missing = ~kept & (slopes < -NEGATIVE * sizes)
                few = missing.sum() <= FEW * len(missing)
                if not missing.any() or (few and enough(values, result[1])):
                    self.values, self.slopes = values, slopes
                    return values, result[1]
                kept |= missing
        raise NotSolvedError("no columns were enough", Termination.FAILED)

    def _likely(self, share: float) -> Booleans:
        """Return which columns are likely to count: those that did, the next on either side of a row, a share of the rest."""
        assert self.values is not None
        assert self.slopes is not None
        at_zero = self.can & (np.abs(self.values) <= TRACE * np.abs(self.values).max(initial=0.0))
        kept: Booleans = ~at_zero
        if at_zero.any():
            kept |= self.slopes <= np.quantile(self.slopes[at_zero], share)
        order = np.lexsort((self.slopes[self.columns], self.sides))  # a row without any column would have any dual
        first = np.diff(self.sides[order], prepend=-1) != 0
        kept[self.columns[order[first]]] = True
        return kept

    def _slopes(self, c: Array, quadratic: sp.csc_array, values: Array, duals: Array) -> tuple[Array, Array]:
        """Return the reduced cost of each column, and the size of its terms."""
        size = np.abs(c) + abs(self.matrix).T @ np.abs(duals)
        slopes: Array = c + quadratic @ values - self.matrix.T @ duals
        return slopes, size
