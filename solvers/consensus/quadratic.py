"""A convex quadratic program that is solved again and again with other linear terms, proximal weights and fixed values.

By PIQP, a proximal interior point method for sparse QPs, embedded as a wheel, and where the problem is large by HiGHS's HiPO,
whose factors stay sparser; each is the other's second way. Seconds for a retailer's step with 2,160; 12,960; 49,680 flows, on
a busy machine: PIQP 0.06; 5; above 70, HiPO 0.28; 4; 7 to 20, Clarabel 0.15; 9; OSQP 0.1-0.4 at a thousandth of the accuracy.
From one step to the next PIQP over the likely columns (`sifting`) takes 0.24 with 10,080 flows, 3 to 5 with 49,680.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import piqp
import scipy.sparse as sp

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.certificate import ACCEPTED, certify, signed
from veridical.solvers.configuration import configure
from veridical.solvers.consensus.pieces import Gap, Pieces, new_solver, row_duals, solved
from veridical.solvers.consensus.sifting import Sifting
from veridical.solvers.engines.highs import INTERIOR_POINT, TIGHT, LiveModel
from veridical.solvers.polish import polished
from veridical.solvers.solution import Termination
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["LARGE", "Quadratic", "Ways"]

Ways = tuple[float | str | Mapping[str, Any], ...]
OptimumAndDuals = tuple[Array, Array] | None  # x and row duals; None where there is no least value
LARGE = 50_000  # columns from which HiPO is faster where all are needed
SIFTED_FROM = 20_000  # columns from which those that are likely to count are faster
# PIQP to a relative tolerance, a wider one where that is out of reach; HiPO likewise. Large problems without proximal terms are
# all but linear, and HiPO ends without a result there (18 s for nothing at 49,680 flows, where PIQP took 66 s).
SMALL_WAYS = (1e-10, 1e-8, TIGHT, INTERIOR_POINT)
LARGE_WAYS = (TIGHT, INTERIOR_POINT, 1e-8)
PRICED_WAYS = (1e-8, TIGHT)
GIVEN_WAYS = (1e-8, *LARGE_WAYS[:2])  # with flows as given products have nothing in common, and PIQP takes 0.5 s
SIFTED = "sifted"  # the first way of a step on the way where it is large, once there is a solution to start from
SIFTED_TO = 1e-8
UNKNOWN: Any = "unknown"
PIECES = "pieces"  # the first way of all, where a large program falls into pieces
PIECE = 1e-8  # relative tolerance of a piece
UNBOUNDED = -np.inf
SLIGHT = 1e-9  # of the objective: what rows miss may be worth, at the prices of the rows, where it is much of their traces
STEP, LARGE_STEP = 1e-7, 1e-6  # of the objective: what the value of a step is proven to, also where the problem is large


class Quadratic:
    """min (cost + linear)'x + x'(hessian + diag(weight))x / 2 over rows and bounds of a form.

    Columns that are not `free` are given with each solve. `any_given`: whether some that are given may leave no solution, which
    is then said as soon as PIQP finds it.
    """

    def __init__(self, form: StandardForm, free: Booleans, any_given: bool = False) -> None:
        self.form, self.free, self.any_given = form, free, any_given
        self.hessian = _Diagonal(form.hessian, np.arange(len(form.cost)))
        self.quadratic = _Diagonal(form.hessian, np.flatnonzero(free))
        if form.convexity is None:  # asked once: what is replaced below keeps the answer
            raise InputError.of("cost", "<a cost that is not convex>", "costs that are linear or convex quadratic functions")
        self.equal = form.row_low == form.row_high
        self.matrix = sp.csc_array(form.matrix)
        rows = sp.csr_array(self.matrix[:, free])
        kept: dict[str, Any] = {"low": form.low[free], "high": form.high[free], "integer": form.integer[free], "matrix": rows}
        self.part = replace(form, **kept, variables=[None] * rows.shape[1], constraints=[None] * rows.shape[0])
        self.rows = sp.csc_matrix(rows[self.equal]), sp.csc_matrix(rows[~self.equal])
        self.pieces: Pieces | None = UNKNOWN  # looked for when it is first asked for
        columns = sp.csc_array(rows)
        # What is short in a row, or beyond a limit, takes no time, and there is a solution with it.
        self.sifting = Sifting(columns, (self.part.low == 0.0) & (np.diff(columns.indptr) == 2))

    def solve(
        self,
        linear: Array,
        weight: Array,
        given: Array,
        exact: bool = False,
        rough: bool = False,
        ways: Ways | None = None,
    ) -> tuple[Array, Array, float]:
        """Return the optimum x, the row duals, and its value as far as it is proven; `given` holds the columns that are not free.

        An x of which the value is known to a gap is itself known to the square root of that; `exact` polishes it to rounding.
        `rough`: x is a step on the way, of which nothing is asked but that its value is near what the duals prove: rows of
        nothing but traces, which a solver leaves as they are and a certificate measures by themselves, are not mended.
        `ways`: the tolerances of PIQP, or options of HiGHS, to try; by default by size.
        A value of -inf and an x without meaning where there is no least value. Raises NotSolvedError where there is no solution.
        """
        free, form = self.free, self.form
        x = np.where(free, 0.0, given)
        shift = self.matrix @ x
        hessian, quadratic = self.hessian.with_more(weight), sp.csc_matrix(self.quadratic.with_more(weight[free]))
        cost = form.cost + linear
        step = replace(form, cost=cost, hessian=hessian)
        c = (cost + hessian @ x)[free]
        low, high = form.row_low - shift, form.row_high - shift
        large = LARGE_WAYS if weight.any() else PRICED_WAYS if free.all() else GIVEN_WAYS
        sifted = rough and self.sifting.values is not None
        pieces = len(c) >= SIFTED_FROM and self.pieces is not None and not exact
        for way in ways or (*[PIECES] * pieces, *[SIFTED] * sifted, *(SMALL_WAYS if len(c) < LARGE else large)):
            step_of: Any = (
                getattr(self, f"_{way}") if isinstance(way, str) else self._piqp if isinstance(way, float) else self._hipo
            )
            try:
                result = step_of(way, quadratic, c, low, high)
            except NotSolvedError as error:
                if self.any_given and error.status == Termination.INFEASIBLE:
                    raise
                continue
            if result is None:
                return x, np.zeros(len(low)), UNBOUNDED
            values, duals = result
            if rough and way != SIFTED and len(c) >= SIFTED_FROM:
                self.sifting.note(c, sp.csc_array(quadratic), values, duals)
            x[free] = np.clip(values, form.low[free], form.high[free])
            fixed = replace(step, low=np.where(free, step.low, x), high=np.where(free, step.high, x))
            plain, few = (x.copy(), duals), len(c) < SIFTED_FROM
            if not exact:
                certificate, bound = certify(fixed, x, duals)
                if rough and certificate.gap <= (STEP if few else LARGE_STEP):
                    return x, duals, bound
                # A basis of so many columns, for traces that are worth nothing:
                if not few and _slight(fixed, x, duals, certificate.gap, bound):
                    return x, duals, bound
            if exact or not certificate.within(1e-7):
                x, duals = polished(fixed, x, duals)
                certificate, bound = certify(fixed, x, duals)
            if certificate.within(1e-7) and certificate.primal_residual <= ACCEPTED:
                return x, duals, bound
            certificate, bound = certify(fixed, *plain)
            if _slight(fixed, *plain, certificate.gap, bound):
                return *plain, bound
        raise NotSolvedError("a party's own problem was not solved to its certificate", Termination.FAILED)

    def bound(self, linear: Array, given: Array) -> float | None:
        """Return what the optimum without weights is at least, by the prices between pieces of the last solution.

        Hardly less than the optimum where `linear` is near what the weights made of it then. Nothing rests on the point that the
        pieces come to, which may miss rows: multipliers prove what they prove. None where there is no such proof.
        """
        if self.pieces is None or self.pieces is UNKNOWN:
            return None
        x = np.where(self.free, 0.0, given)
        shift, cost = self.matrix @ x, self.form.cost + linear
        c, squares = (cost + self.hessian.array @ x)[self.free], sp.csc_array(self.quadratic.array)
        found = self.pieces.at_prices(c, squares, self.form.row_low - shift, self.form.row_high - shift)
        if found is None:
            return None
        x[self.free] = np.maximum(found[0], self.part.low)
        duals, links, open_side = signed(self.form, found[1]), self.pieces.links, np.zeros(len(shift))
        prices, duals[links], open_side[links] = duals[links], 0.0, np.inf
        sides = np.where(prices > 0.0, self.form.row_low[links], self.form.row_high[links])
        paid = float(prices[prices != 0.0] @ sides[prices != 0.0])
        low, high = (np.where(self.free, bound, x) for bound in (self.form.low, self.form.high))
        cost = cost - sp.csr_array(self.matrix)[links].T @ prices
        left, right = self.form.row_low - open_side, self.form.row_high + open_side
        priced = replace(self.form, cost=cost, low=low, high=high, row_low=left, row_high=right)
        proven = certify(priced, x, duals, feasible=False)[1]
        return proven + paid if math.isfinite(proven) else None

    def _sifted(self, way: str, quadratic: sp.csc_matrix, c: Array, low: Array, high: Array) -> OptimumAndDuals:
        """Solve over the columns that are likely to count, by PIQP, until no other does."""
        equal, (fixed, ranged), part = self.equal, self.rows, self.part

        def solve(columns: Integers) -> OptimumAndDuals:
            solver = new_solver(SIFTED_TO)
            rows = fixed[:, columns], low[equal], ranged[:, columns], low[~equal], high[~equal]
            solver.setup(quadratic[columns][:, columns], c[columns], *rows, part.low[columns], part.high[columns])
            if solver.solve() in (piqp.PIQP_DUAL_INFEASIBLE, piqp.PIQP_PRIMAL_INFEASIBLE):
                return None
            return np.array(solver.result.x), row_duals(solver, equal)

        gap = self._gap(quadratic, c, low, high)
        return self.sifting.solve(c, sp.csc_array(quadratic), solve, lambda *found: gap(*found) <= LARGE_STEP / 10)

    def _gap(self, quadratic: sp.csc_matrix, c: Array, low: Array, high: Array) -> Gap:
        """Return what tells the gap of values and duals."""
        whole = replace(self.part, cost=c, hessian=sp.csc_array(quadratic), row_low=low, row_high=high)
        return lambda values, duals: certify(whole, np.maximum(values, self.part.low), duals)[0].gap

    def _pieces(self, way: str, quadratic: sp.csc_matrix, c: Array, low: Array, high: Array) -> OptimumAndDuals:
        """Solve piece by piece, where the program falls into pieces."""
        squares = sp.csc_array(quadratic)
        if self.pieces is UNKNOWN:
            self.pieces = Pieces.of(self.part, squares, PIECE)
        if self.pieces is None:
            raise NotSolvedError("the program is of one piece", Termination.FAILED)
        return self.pieces.solve(c, squares, low, high, self._gap(quadratic, c, low, high), LARGE_STEP)

    def _piqp(self, tolerance: float, quadratic: sp.csc_matrix, c: Array, low: Array, high: Array) -> OptimumAndDuals:
        equal, (fixed, ranged), part = self.equal, self.rows, self.part
        solver = new_solver(tolerance)  # one that is updated keeps traces of what it solved before, in the last digits
        solver.setup(quadratic, c, fixed, low[equal], ranged, low[~equal], high[~equal], part.low, part.high)
        return (solver.result.x, row_duals(solver, equal)) if solved(solver) else None

    def _hipo(self, way: Mapping[str, Any], quadratic: sp.csc_matrix, c: Array, low: Array, high: Array) -> OptimumAndDuals:
        part = replace(self.part, cost=c, hessian=sp.csc_array(quadratic), row_low=low, row_high=high)
        live = LiveModel(part, configure("highs"), way)
        try:
            values, duals = live.exact(*live.run("a party's own problem", math.inf))
        except NotSolvedError as error:
            if error.status != Termination.UNBOUNDED:
                raise
            return None
        assert duals is not None
        return values, duals


def _slight(form: StandardForm, x: Array, duals: Array, gap: float, bound: float) -> bool:
    """Return whether a point is an optimum but for rows of traces, which miss much of themselves: what is worth nothing."""
    rows = form.rows(x)
    missed = np.maximum(np.maximum(form.row_low - rows, rows - form.row_high), 0.0)
    return gap <= 1e-7 and float(np.abs(duals) @ missed) <= SLIGHT * abs(bound)


class _Diagonal:
    """Rows and columns of a Hessian, in an array that has all of its diagonal, so that weights can be added there."""

    def __init__(self, hessian: sp.csc_array | None, kept: Integers) -> None:
        n = len(kept)
        part = sp.coo_array((n, n)) if hessian is None else sp.coo_array(hessian[kept][:, kept])
        own: Integers = np.arange(n)
        place: tuple[Integers, Integers] = np.append(part.row, own), np.append(part.col, own)
        self.array = sp.csc_array((np.append(part.data, np.zeros(n)), place), shape=(n, n))
        self.places = np.flatnonzero(self.array.indices == np.repeat(own, np.diff(self.array.indptr)))

    def with_more(self, weight: Array) -> sp.csc_array:
        """Return the array with weights added on its diagonal."""
        entries = self.array.data.copy()
        entries[self.places] += weight
        return sp.csc_array((entries, self.array.indices, self.array.indptr), shape=self.array.shape)
