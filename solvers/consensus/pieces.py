"""Solving a large quadratic program that falls into pieces but for a few rows, piece by piece.

A retailer's products have nothing in common but the volume that arrives at a site in a week; whoever pays for that volume by a
price a row can plan product by product. Each piece keeps a solver of its own, with its factors' structure, and what couples
them is left to prices: where the columns in the linking rows have curvature, as proximal terms give them, what the pieces use of
the rows moves smoothly with the prices, and a small master program finds the prices at which that is what the rest (overtime,
congestion) takes. It models the pieces' response by its diagonal, takes limits and kinks as they are, and is accelerated; from
one round of a consensus to the next prices hardly move, and two or three passes are enough. 49,680 flows: 0.3 s a pass, where
the whole program takes PIQP 60 s and sifting 4.

Source: decomposition by prices (Dantzig and Wolfe, Operations Research 8, 1960), with a model of second order as in the
augmented methods of Ruszczynski (Mathematical Programming 45, 1989).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import piqp
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from veridical.data import NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.certificate import relative
from veridical.solvers.consensus.anderson import Anderson
from veridical.solvers.solution import Termination
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Pieces", "new_solver", "row_duals", "solved"]

SHARE = 0.1  # of all columns: what a piece may have at most
FEWEST = 500  # columns that are solved together at least: pieces that are smaller are put together
LINKS = 0.05  # of all rows: how many may link pieces
PASSES = 30  # at the most
MASTERED = 4  # columns a linking row, at the most, that stay with the master
IDLE = 0.1  # of the response that a row would have if all its columns moved: what is counted on at least
ITERATIONS = 60  # of PIQP; twenty are usual, and what has not converged by then is as good as it gets
ZERO = 1e-4  # of the largest value: less does not move with a price
MASTER = 1e-8  # relative tolerance of the master program
SHRUNK = 1e-6  # the most by which multipliers are made smaller, so that no column's reduced cost is below 0
PRICED = 3  # times that pieces are solved for a bound, at the most
MARGIN = 4  # times what reduced costs are below 0: by how much less columns are to cost when they are solved again
ROUNDING = 1e-12  # of the terms of a reduced cost: less below 0 is rounding


def new_solver(tolerance: float) -> piqp.SparseSolver:
    """Return a solver of PIQP's, to a relative tolerance."""
    solver = piqp.SparseSolver()
    settings = solver.settings
    settings.eps_abs = settings.eps_duality_gap_abs = 1e-9
    settings.eps_rel = settings.eps_duality_gap_rel = tolerance
    settings.max_iter = ITERATIONS
    return solver


def row_duals(solver: piqp.SparseSolver, equal: Booleans) -> Array:
    """Return the row duals of a result: d(objective)/d(right-hand side), one a row; `equal`: which rows are equations."""
    duals, result = np.zeros(len(equal)), solver.result
    duals[equal], duals[~equal] = -result.y, result.z_l - result.z_u
    return duals


def solved(solver: piqp.SparseSolver) -> bool:
    """Solve; return False where there is no least value, and raise NotSolvedError where there is no solution at all."""
    status = solver.solve()
    if status == piqp.PIQP_PRIMAL_INFEASIBLE:
        raise NotSolvedError("a party's own problem has no solution", Termination.INFEASIBLE)
    return bool(status != piqp.PIQP_DUAL_INFEASIBLE)


Pair = tuple[Array, Array]  # values and row duals
Gap = Callable[[Array, Array], float]


@dataclass
class Program:
    """Some columns and rows of a program, with a solver that is kept; `places` of their squares in the whole's."""

    columns: Integers
    rows: Integers
    equal: Booleans
    matrix: sp.csr_array
    quadratic: sp.csc_matrix
    places: Integers
    bounds: tuple[Array, Array]
    tolerance: float
    solver: piqp.SparseSolver | None = None

    def solve(self, c: Array, squares: Array, low: Array, high: Array) -> Pair | None:
        """Return values and row duals, of costs, squares and sides of the whole program."""
        equal, cost = self.equal, c[self.columns]
        below, above = low[self.rows], high[self.rows]
        self.quadratic.data = squares[self.places]
        if self.solver is None:
            self.solver = new_solver(self.tolerance)
            fixed, ranged = sp.csc_matrix(self.matrix[equal]), sp.csc_matrix(self.matrix[~equal])
            self.solver.setup(self.quadratic, cost, fixed, below[equal], ranged, below[~equal], above[~equal], *self.bounds)
        else:
            self.solver.update(P=self.quadratic, c=cost, b=below[equal], h_l=below[~equal], h_u=above[~equal])
        if not solved(self.solver):
            return None
        return np.array(self.solver.result.x), row_duals(self.solver, equal)


@dataclass
class Pieces:
    """A program in pieces. `links`: the rows that link them; `prices` of these, from one solution to the next."""

    part: StandardForm
    programs: list[Program]
    links: Integers
    rest: Integers  # columns of no piece, which pay for the linking rows
    rest_rows: Integers  # that only they are in
    prices: Array = field(init=False)
    paid: Pair | None = None  # the rest's columns at these prices, and the duals of its own rows

    def __post_init__(self) -> None:
        self.prices = np.zeros(len(self.links))
        self.rows = np.concatenate([self.links, self.rest_rows])
        matrix = sp.csc_array(self.part.matrix)
        self.own = sp.csr_array(sp.csr_array(matrix[:, self.rest])[self.rows])
        pieces = np.ones(matrix.shape[1])
        pieces[self.rest] = 0.0
        self.outside = sp.csr_array(sp.csr_array(matrix)[self.links] * pieces)  # what the pieces have in the linking rows
        self.outside.eliminate_zeros()
        self.squared = self.outside.power(2)

    @classmethod
    def of(cls, part: StandardForm, quadratic: sp.csc_array, tolerance: float) -> Pieces | None:
        """Return a program in its pieces; None where it has none, or where what they use of a row jumps with its price."""
        matrix = sp.csr_array(part.matrix)
        found = _linking(matrix, quadratic)
        if found is None:
            return None
        links, label, row_label = found
        linked = np.zeros(matrix.shape[1], dtype=bool)
        linked[matrix[links].indices] = True
        size = np.bincount(label)
        # The smallest that are linked pay for the rows, with limits and kinks that are to be taken as they are.
        touched = np.bincount(label, linked) > 0
        columns_of = np.bincount(size, size * touched)  # by size of piece
        paying = touched & (np.cumsum(columns_of) <= MASTERED * len(links))[size]
        rest = paying[label]
        if (linked & ~rest & (quadratic.diagonal() <= 0.0)).any():
            return None
        bundle = ((np.cumsum(size) - size) // FEWEST + 1) * ~paying  # 0: the master's own
        of_column = bundle[label]
        of_row = np.where(row_label >= 0, bundle[row_label], -1)
        numbered = sp.csc_array((np.arange(1, quadratic.nnz + 1), quadratic.indices, quadratic.indptr), shape=quadratic.shape)
        equal, programs = part.row_low == part.row_high, []
        for k in np.unique(of_column[~rest]):
            columns, rows = np.flatnonzero(of_column == k), np.flatnonzero(of_row == k)
            squares = sp.csc_matrix(numbered[columns][:, columns])
            places, squares.data = squares.data - 1, squares.data.astype(float)
            bounds = part.low[columns], part.high[columns]
            inner = sp.csr_array(matrix[rows][:, columns])
            programs.append(Program(columns, rows, equal[rows], inner, squares, places, bounds, tolerance))
        return cls(part, programs, links, np.flatnonzero(rest), np.flatnonzero(of_row == 0))

    def solve(self, c: Array, quadratic: sp.csc_array, low: Array, high: Array, gap: Gap, most: float) -> Pair | None:
        """Return an optimum and its row duals, None where there is no least value; `low` and `high`: sides of all rows.

        `gap`: of values and duals, relative; `most`: what it may be.

        Raises NotSolvedError where nothing came out of it.
        """
        anderson = Anderson(np.ones(len(self.links)))
        curvature = quadratic.diagonal()
        response = sp.csr_array(self.squared * np.divide(1.0, curvature, out=np.zeros(len(c)), where=curvature > 0.0))
        idle = IDLE * np.asarray(response.sum(axis=1)).ravel()
        values, duals = np.zeros(len(c)), np.zeros(len(low))
        for _ in range(PASSES):
            if not self._pass(c, quadratic, low, high, values, duals):
                return None
            if not len(self.rows):
                return values, duals
            used = self.outside @ values
            moving = np.maximum(response @ (values > ZERO * values.max(initial=0.0)), idle)
            values[self.rest], prices, duals[self.rest_rows] = self._master(c, quadratic, low, high, used, np.sqrt(moving))
            worth = abs(float(c @ values + values @ (quadratic @ values) / 2))
            if (prices - self.prices) ** 2 @ moving <= most * worth:
                paying = values[self.rest]
                values[self.rest] = self._master(c, quadratic, low, high, used)[0]
                duals[self.links] = prices
                proven = self._shrunk(c, quadratic, values, duals)
                if gap(values, proven) <= most:
                    self.prices, self.paid = prices, (paying, duals[self.rest_rows])
                    return values, proven
            self.prices = anderson.next(self.prices, prices)
        raise NotSolvedError("the prices between pieces were not found", Termination.ITERATION_LIMIT)

    def at_prices(self, c: Array, quadratic: sp.csc_array, low: Array, high: Array) -> Pair | None:
        """Return an optimum, and its row duals, where the linking rows are left to the prices of the last solution.

        What is least then is a bound of what is least with the rows, and a close one where the costs are those of the last
        solution, near the point that it came to. None without a solution before, and where nothing is least.

        Of a column without curvature and upper bound a reduced cost below 0 proves nothing. Where solvers leave such, pieces are
        solved again with costs that are lower by a few times as much: what is proven of lower costs is so of the true ones.
        """
        if self.paid is None:
            return None
        values, duals, less = np.zeros(len(c)), np.zeros(len(low)), np.zeros(len(c))
        endless = np.isposinf(self.part.high) & (quadratic.diagonal() <= 0.0)
        for _ in range(PRICED):
            if not self._pass(c - less, quadratic, low, high, values, duals):
                return None
            duals[self.links] = self.prices
            values[self.rest], duals[self.rest_rows] = self.paid
            proven = self._shrunk(c, quadratic, values, duals)
            reduced = c + quadratic @ values - self.part.matrix.T @ proven
            terms = np.where(endless, np.abs(c) + abs(self.part.matrix).T @ np.abs(proven), 0.0)
            worst = float((-relative(reduced, terms))[endless].max(initial=0.0))
            if worst <= ROUNDING:
                break
            less += MARGIN * worst * terms
        return values, proven

    def _pass(self, c: Array, quadratic: sp.csc_array, low: Array, high: Array, values: Array, duals: Array) -> bool:
        """Solve every piece at the prices, into `values` and `duals`; return False where there is no least value."""
        priced = c - self.outside.T @ self.prices
        for program in self.programs:
            result = program.solve(priced, quadratic.data, low, high)
            if result is None:
                return False
            values[program.columns], duals[program.rows] = result
        return True

    def _master(
        self, c: Array, quadratic: sp.csc_array, low: Array, high: Array, used: Array, root: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Return the rest's columns, prices of the linking rows, and the duals of its own rows.

        `used` of the linking rows by the pieces, which with `root` respond to a price by its square.
        """
        number = 0 if root is None else len(self.links)
        respond = sp.csr_array((len(self.rows), 0)) if root is None else sp.diags_array(root, shape=(len(self.rows), number))
        squares = sp.block_diag([quadratic[self.rest][:, self.rest], sp.eye_array(number)], format="csc")
        cost = np.concatenate([c[self.rest], self.prices * root if root is not None else []])
        shift = np.append(used, np.zeros(len(self.rest_rows)))
        below, above, equal = low[self.rows] - shift, high[self.rows] - shift, low[self.rows] == high[self.rows]
        matrix = sp.csr_array(sp.hstack([self.own, respond]))
        free = np.full(number, np.inf)
        bounds = np.append(self.part.low[self.rest], -free), np.append(self.part.high[self.rest], free)
        solver = new_solver(MASTER)
        fixed, ranged = sp.csc_matrix(matrix[equal]), sp.csc_matrix(matrix[~equal])
        solver.setup(sp.csc_matrix(squares), cost, fixed, below[equal], ranged, below[~equal], above[~equal], *bounds)
        if not solved(solver):
            raise NotSolvedError("no prices between pieces", Termination.FAILED)
        duals = row_duals(solver, equal)
        return np.array(solver.result.x[: len(self.rest)]), duals[: len(self.links)], duals[len(self.links) :]

    def _shrunk(self, c: Array, quadratic: sp.csc_array, values: Array, duals: Array) -> Array:
        """Return the duals a little smaller, where reduced costs of columns without curvature are below 0 by rounding.

        Where a cost is positive, so is the reduced cost at no duals at all; without this there would be no bound.
        """
        slopes = c + quadratic @ values
        reduced = slopes - self.part.matrix.T @ duals
        below = (reduced < 0.0) & (slopes > 0.0) & (quadratic.diagonal() <= 0.0)
        part = float((reduced[below] / (reduced[below] - slopes[below])).max(initial=0.0))
        return duals * (1.0 - 2.0 * part) if part <= SHRUNK else duals


def _linking(matrix: sp.csr_array, quadratic: sp.csc_array) -> tuple[Integers, Integers, Integers] | None:
    """Return rows without which a program falls into pieces, as few as there are, and whose piece each column and row is in.

    The rows with the most columns are tried, down to ever fewer. -1: a linking row.
    """
    rows, columns = matrix.shape
    counts = np.diff(matrix.indptr)
    sizes = np.unique(counts)[::-1]
    few = np.cumsum(np.bincount(counts)[sizes]) <= LINKS * rows
    for least in [np.inf, *sizes[few]]:
        links = counts >= least
        kept = sp.csr_array(matrix[~links])
        parts: list[list[Any]] = [[abs(quadratic), abs(kept).T], [abs(kept), None]]
        graph = sp.csr_array(sp.block_array(parts))
        label = connected_components(graph, directed=False)[1]
        if np.bincount(label[:columns]).max() <= SHARE * columns:
            of_row = np.full(rows, -1)
            of_row[~links] = label[columns:]
            return np.flatnonzero(links), label[:columns].astype(np.int64), of_row
    return None
