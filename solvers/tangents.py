"""Refining the tangents of expected sales until the linear relaxation and the true objective meet.

The relaxation bounds the objective from one side, its point put on the curve from the other; new tangents close the gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.models.expected_sales import ExpectedSales, written
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Curve", "at_the_curve", "converge", "curves_of", "on_the_curve"]

ROUNDS = 100  # of tangents; five are usual
IDLE = 5  # rounds that do not halve the gap: the solver's own tolerance is reached
FINE = 1e-4  # of the tolerance: the gap at which refinement rests
BESIDE = 1e-8  # relative: how far from some units the curve's slopes on both sides are taken
KINK = 1e-6  # between these slopes, from 0 to 1: a density leaves less


def converge(
    model: Any,
    form: StandardForm,
    tolerance: float,
    run: Callable[[], tuple[Array, Array | None]],
    extend: Callable[[sp.csr_array, Array], None],
    exact: Callable[[Array, Array | None], tuple[Array, Array | None]],
) -> tuple[Array, Array | None, int]:
    """Solve by `run` until the relative gap is below the tolerance; return point, row duals, and the number of rounds.

    `run` solves what stands; `extend` adds rows (matrix, upper bounds) to it, which are in the model and the form by then;
    `exact` makes the last end as exact as can be. Without tangents in the model it is one run, and no round is counted.
    """
    curves = curves_of(model, form)
    if not curves:
        return *exact(*run()), 0
    rounds, idle, gap, bound = 0, 0, math.inf, math.nan
    x = np.zeros(0)
    while True:
        try:
            relaxed, row_dual = run()
        except NotSolvedError as error:
            if rounds == 0:
                raise
            known = f"known by then: a solution worth {form.objective(x):,.6g}, and that none is worth more than {bound:,.6g}"
            raise NotSolvedError(f"{error}; {known if form.sense < 0 else known.replace('more', 'less')}", error.status) from None
        rounds += 1
        bound = form.objective(relaxed)
        x = _settled(curves, relaxed, row_dual)
        scale = abs(form.objective(x)) or float(np.abs(form.cost) @ np.abs(x)) or 1.0
        lost = sum(float(curve.worth @ curve.excess(relaxed)) for curve in curves)
        before, gap = gap, max(lost / scale, *(float(curve.short(x).max(initial=0.0)) for curve in curves))
        idle = idle + 1 if gap > before / 2 else 0
        # Quantities are as exact as the square root of the gap: once it is small enough, go on while rounds still pay.
        if gap <= FINE * tolerance or (gap <= tolerance and gap > before / 10) or idle == IDLE or rounds == ROUNDS:
            break
        limit = FINE * tolerance
        before = len(form.constraints)
        for curve in curves:
            constraints, rows, high = curve.refine(relaxed, x, row_dual, limit * scale, limit)
            if constraints:
                form.append(constraints, rows, high)
                extend(rows, high)
        if len(form.constraints) == before:
            break  # no tangent cuts deeper: the gap is rounding, and the certificate judges it
    x, row_dual = exact(relaxed, row_dual)
    return _settled(curves, x, row_dual), row_dual, rounds


def on_the_curve(model: Any, form: StandardForm, x: Array, row_dual: Array | None) -> tuple[Array, Array | None]:
    """Return a point with its sales on the curve, and its multipliers as they are."""
    return _settled(curves_of(model, form), x, row_dual), row_dual


def _settled(curves: Sequence[Curve], x: Array, row_dual: Array | None) -> Array:
    for curve in curves:
        curve.weigh(row_dual)
        x = curve.settled(x)
    return x


def curves_of(model: Any, form: StandardForm) -> list[Curve]:
    """Return the curves of expected sales that stand in a model by their tangents."""
    return [Curve(sales_of, form) for sales_of in written(model) if sales_of.form == "tangent"]


def at_the_curve(curves: Sequence[Curve], x: Array, row_dual: Array) -> tuple[Booleans, sp.csr_array, Array] | None:
    """Return what stands for tangents at a point on the curve: one a profile, and at a kink of the curve two.

    Tangents that were put in on the way meet in kinks that the curve does not have. Their mean slope, weighed by multipliers, is
    the curve's at the optimum, more exactly than units are known. Returns which rows these replace, the rows `rows @ x <= what
    they are at x`, and their multipliers, which sum to those of the tangents; None where there are none.
    """
    replaced, rows, multipliers = np.zeros(len(row_dual), dtype=bool), [], []
    for curve in curves:
        demand = curve.sales_of.demand
        replaced[curve.tangents] = True
        units, at, weights = x[curve.units], np.array(curve.at), np.maximum(-row_dual[curve.tangents], 0.0)
        left, right = (1.0 - demand.cdf(units * factor) for factor in (1 - BESIDE, 1 + BESIDE))
        kink = left - right > KINK
        total, weighted = np.bincount(at, weights, len(units)), np.bincount(at, weights * curve.slopes, len(units))
        share = (weighted - total * right) / np.where(kink, left - right, 1.0)
        on_left = np.where(kink, np.clip(share, 0.0, total), 0.0)
        right = np.where(~kink & (total > 0), weighted / np.where(total > 0, total, 1.0), right)
        for slope, weight, kept in ((right, total - on_left, np.arange(len(units))), (left, on_left, np.flatnonzero(kink))):
            rows.append(curve.lines(kept, slope[kept], len(x)))
            multipliers.append(-weight[kept])
    return (replaced, sp.csr_array(sp.vstack(rows)), np.concatenate(multipliers)) if rows else None


@dataclass(frozen=True)
class _Places:
    """Where a block of expected sales stands in arrays of one structure: columns, and rows.

    sales, units: of each profile. tangents: rows, in the order in which these were added. rows: others that sales stand in.
    """

    sales: Integers
    units: Integers
    tangents: Integers
    rows: Integers

    @classmethod
    def of(cls, sales_of: ExpectedSales, form: StandardForm) -> _Places:
        """Return the places, which are looked for once."""
        columns_then, count, places = sales_of.places or (None, 0, None)
        if columns_then is form.columns and count == len(form.constraints):
            assert isinstance(places, cls)
            return places
        curve, units, tangent = sales_of.block.written.curve, sales_of.units, sales_of.block.written.tangent
        sales = np.array([form.column(curve[t]) for t in sales_of.profiles], dtype=int)
        is_tangent = np.array([con.parent_component() is tangent for con in form.constraints], dtype=bool)
        of_sales = np.zeros(len(form.cost), dtype=bool)
        of_sales[sales] = True
        row = np.repeat(np.arange(len(is_tangent)), np.diff(form.matrix.indptr))
        used = of_sales[form.matrix.indices] & (form.matrix.data != 0) & ~is_tangent[row]
        columns = np.array([form.column(units[t]) for t in sales_of.profiles], dtype=int)
        found = cls(sales, columns, np.flatnonzero(is_tangent), np.unique(row[used]))
        sales_of.places = form.columns, len(form.constraints), found
        return found


class Curve:
    """The tangents of one block of expected sales, seen from the arrays: one entry a profile, and one a tangent."""

    def __init__(self, sales_of: ExpectedSales, form: StandardForm) -> None:
        places = _Places.of(sales_of, form)
        self.sales_of, self.form = sales_of, form
        self.sales, self.units, self.tangents, self.rows = places.sales, places.units, places.tangents, places.rows
        self.at, self.slopes = list(sales_of.at), list(sales_of.slopes)  # of each tangent; a solver may forget them
        self.worth = -form.cost[self.sales]  # what one more unit of sales adds to the objective
        self._refuse_harmful_objective()
        if self.rows.size:
            self.part = sp.csr_array(form.matrix[self.rows][:, self.sales])  # of sales in rows that are no tangents
            self._refuse_harmful_rows()

    def _refuse_harmful_objective(self) -> None:
        """Raise InputError where fewer sales would help the objective: tangents bound them from above only."""
        curved = self.form.hessian is not None and np.diff(self.form.hessian.indptr)[self.sales].any()
        if (self.worth < 0).any() or curved:
            allowed = "an objective that gains by sales: tangents bound them from above only"
            raise InputError.of("form", "<tangent, where sales lower the objective>", allowed)

    def _refuse_harmful_rows(self) -> None:
        """Raise InputError where fewer sales would help to meet a row."""
        low, high = np.isfinite(self.form.row_low[self.rows]), np.isfinite(self.form.row_high[self.rows])
        row = np.repeat(np.arange(len(self.rows)), np.diff(self.part.indptr))
        wrong = row[((self.part.data > 0) & high[row]) | ((self.part.data < 0) & low[row])]
        if wrong.size:
            name = self.form.constraints[self.rows[wrong[0]]].name
            allowed = "constraints that more sales help to keep: tangents bound them from above only; ipopt takes others"
            raise InputError.of(name, "<expected sales with a limit on how many there may be>", allowed)

    def weigh(self, row_dual: Array | None) -> None:
        """Set what one more unit of sales is worth, in the objective and at the duals of the rows that sales stand in."""
        self.worth = -self.form.cost[self.sales]
        if row_dual is not None and self.rows.size:
            self.worth = np.maximum(self.worth + self.part.T @ row_dual[self.rows], 0.0)

    def excess(self, x: Array) -> Array:
        """Return by how much sales are above the curve."""
        excess: Array = np.maximum(x[self.sales] - self._curve(x), 0.0)
        return excess

    def settled(self, x: Array) -> Array:
        """Return x with sales on the curve: brought down to it and, where rows have them, up to it."""
        settled, curve = x.copy(), self._curve(x)
        settled[self.sales] = curve if self.rows.size else np.minimum(x[self.sales], curve)
        return settled

    def short(self, x: Array) -> Array:
        """Return how far x is from meeting each row that sales stand in, relative to the row's terms."""
        if not self.rows.size:
            return np.zeros(0)
        matrix, low, high = self.form.matrix[self.rows], self.form.row_low[self.rows], self.form.row_high[self.rows]
        value, size = matrix @ x, abs(matrix) @ np.abs(x)
        short: Array = np.maximum(np.maximum(low - value, value - high), 0.0) / np.where(size > 0, size, 1.0)
        return short

    def refine(
        self, x: Array, settled: Array, row_dual: Array | None, tolerance: float, limit: float
    ) -> tuple[list[Any], sp.csr_array, Array]:
        """Add tangents to the model, and return them and the rows `rows @ x <= high` that they are.

        They are added where the relaxation is above the curve: at its point, and about where its duals put the optimum.

        Above means by more than `tolerance` of the objective, or in a row that `settled` misses by a relative `limit`.
        The duals of the tangents at a profile weigh their slopes, and the curve has that mean slope at one point. As
        soon as the other constraints have their optimal multipliers, that point is the optimum itself; but the program
        is flat along its tangent there, so two more beside it pin it down. Profiles that are pooled have multipliers of
        their own in many ways and one common sum: those with the same units are also taken together.
        """
        excess = self.excess(x)
        missed = abs(self.part).T @ (self.short(settled) > limit) if self.rows.size else np.zeros(len(excess))
        above = (self.worth * excess > tolerance / (2 * len(excess))) | ((missed > 0) & (excess > limit * x[self.sales]))
        poor = np.flatnonzero(above)
        units, worth = x[self.units], self.worth
        if row_dual is None:
            return self._added(poor, np.maximum(units[poor], 0.0))
        weights = np.maximum(-row_dual[self.tangents], 0.0)
        slope = np.bincount(self.at, weights * self.slopes, len(units))
        _, group = np.unique(np.round(units, 6), return_inverse=True)
        pooled = np.bincount(group, slope) / np.maximum(np.bincount(group, worth), np.finfo(float).tiny)
        aims = np.concatenate([(slope / np.where(worth > 0, worth, 1.0))[poor], pooled[group][poor]])
        aims = self.sales_of.demand.inverse_cdf(1.0 - np.clip(aims, 1e-12, 1.0))
        at = np.concatenate([poor, poor])
        beside = np.maximum(np.abs(aims - units[at]) / 100, 1e-6 * aims)
        points = np.concatenate([units[poor], aims, aims - beside, aims + beside])
        pairs = np.unique(np.column_stack([np.concatenate([poor, at, at, at]), points]), axis=0)
        return self._added(pairs[:, 0].astype(int), np.maximum(pairs[:, 1], 0.0))

    def _added(self, at: Integers, points: Array) -> tuple[list[Any], sp.csr_array, Array]:
        """Add tangents at some profiles and points, and return them as constraints and as rows."""
        before, sales_of = len(self.at), self.sales_of
        constraints = sales_of.refine(at, points)
        self.at, self.slopes = list(sales_of.at), list(sales_of.slopes)
        slopes, high = np.array(self.slopes[before:]), np.array(sales_of.intercepts[before:])
        self.tangents = np.append(self.tangents, len(self.form.constraints) + np.arange(len(slopes)))
        return constraints, self.lines(at, slopes, len(self.form.cost)), high

    def lines(self, at: Integers, slopes: Array, columns: int) -> sp.csr_array:
        """Return the rows sales - slope * units of some profiles."""
        entries = np.column_stack([np.ones(len(slopes)), -slopes]).ravel()
        places = np.column_stack([self.sales[at], self.units[at]]).ravel().astype(np.int32)
        return sp.csr_array((entries, places, 2 * np.arange(len(slopes) + 1)), shape=(len(slopes), columns))

    def _curve(self, x: Array) -> Array:
        return self.sales_of.demand.expected_sales(np.maximum(x[self.units], 0.0))
