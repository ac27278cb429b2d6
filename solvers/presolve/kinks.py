"""Costs of how far a quantity is from a target, without rows of their own: a segment up to the target, and one beyond it.

A row x + short - over = k with costs p of `short` and q of `over` says that a unit of x below k costs p, and one above q.
As segments of x, which are convex and so are filled in their order, that adds a column and no row, and where k is 0 it is part of
the cost of x. With the rows of an activity fee HiPO came to no end (12,960 flows), or to one after several ways.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["Kinks"]

TRACE = 1e-9  # of the largest target: a segment that is no wider is rounding, as in a certificate


class Rows(NamedTuple):
    """Rows quantity + short - over = target, times `entry`; what a unit `below` the target costs, and one `above`."""

    row: Integers
    quantity: Integers
    short: Integers
    over: Integers
    entry: Array
    target: Array
    below: Array
    above: Array


@dataclass(frozen=True, eq=False)
class Kinks:
    """A form without rows that say how far a column is from a target, short or over, where two columns have no other row.

    `form`: what is left, over the rows `kept`; `place`: of each column of the whole, its column there, and of what is short and
    over that of the quantity. `split`: of which of the `rows` the quantity has a second column, which are the last of the form.
    """

    whole: StandardForm
    form: StandardForm
    place: Integers
    kept: Integers
    rows: Rows
    split: Integers

    @classmethod
    def of(cls, whole: StandardForm) -> Kinks | None:
        """Return what is left of a form without integers and nonlinear terms; None where it has no such rows."""
        rows = _rows(whole)
        if not len(rows.row):
            return None
        low, high, cost, quantity = whole.low, whole.high.copy(), whole.cost.copy(), rows.quantity
        trace = TRACE * np.abs(rows.target).max()
        never_below = rows.target <= low[quantity] + trace
        never_above = ~never_below & (rows.target >= high[quantity] - trace)
        split = np.flatnonzero(~never_below & ~never_above)
        second, width = quantity[split], high[quantity[split]] - rows.target[split]
        cost[quantity] += np.where(never_below, rows.above, -rows.below)
        high[second] = rows.target[split]
        paid = np.where(never_below, -rows.above, rows.below) @ rows.target
        out = np.zeros(len(cost), dtype=bool)
        out[rows.short] = out[rows.over] = True
        place = np.cumsum(~out) - 1
        place[rows.short] = place[rows.over] = place[quantity]
        columns = np.append(np.flatnonzero(~out), second)
        kept = np.setdiff1d(np.arange(len(whole.row_low)), rows.row, assume_unique=True)
        first = len(columns) - len(split)
        cost, low, high = cost[columns], low[columns], high[columns]
        cost[first:] += (rows.below + rows.above)[split]
        low[first:], high[first:] = 0.0, width
        hessian = None if whole.hessian is None else sp.csc_array(whole.hessian[:, columns][columns])
        arrays: dict[str, Any] = {
            "cost": cost,
            "offset": whole.offset + float(paid),
            "hessian": hessian,
            "low": low,
            "high": high,
        }
        arrays |= {"matrix": sp.csr_array(sp.csc_array(whole.matrix[kept])[:, columns])}
        arrays |= {"row_low": whole.row_low[kept], "row_high": whole.row_high[kept], "integer": whole.integer[columns]}
        variables = [whole.variables[column] for column in columns.tolist()]
        constraints = [whole.constraints[row] for row in kept.tolist()]
        form = replace(whole, variables=variables, constraints=constraints, _column={}, _convexity=whole.convexity, **arrays)
        return cls(whole, form, place, kept, rows, split)

    def restored(self, x: Array, row_dual: Array) -> tuple[Array, Array]:
        """Return a point and row duals of the whole from those of what is left.

        A unit more of the target costs `below` where the quantity is below it, `above` less where it is above, and at the target
        what is between them and leaves no gain; of several such prices, where the quantity is at a bound as well, the middle one.
        """
        whole, rows, (quantity, target) = self.whole, self.rows, self.rows[1::4]
        point, dual = x[self.place], np.zeros(len(whole.row_low))
        point[quantity[self.split]] += x[len(x) - len(self.split) :]
        point[quantity] = np.clip(point[quantity], whole.low[quantity], whole.high[quantity])
        dual[self.kept] = row_dual
        off = point[quantity] - target
        point[rows.short], point[rows.over] = np.maximum(-off, 0.0), np.maximum(off, 0.0)
        worth = (whole.gradient(point) - whole.matrix.T @ dual)[quantity]
        price = np.clip(worth, -rows.above, rows.below)
        low, high = whole.low[quantity], whole.high[quantity]
        price = np.where(target <= low, (price - rows.above) / 2, np.where(target >= high, (price + rows.below) / 2, price))
        price = np.where(target < low, -rows.above, np.where(target > high, rows.below, price))
        dual[rows.row] = price / rows.entry
        return point, dual


def _rows(form: StandardForm) -> Rows:
    """Return the rows of a form that are costs of a distance from a target."""
    starts, once = form.matrix.indptr, np.bincount(form.matrix.indices, minlength=len(form.cost)) == 1
    if form.hessian is not None:
        straight = np.bincount(form.hessian.indices[form.hessian.data != 0], minlength=len(form.cost)) == 0
    else:
        straight = np.ones(len(form.cost), dtype=bool)
    row = np.flatnonzero((np.diff(starts) == 3) & (form.row_low == form.row_high))
    places = starts[row][:, None] + np.arange(3)
    columns, entries = form.matrix.indices[places], form.matrix.data[places]
    slack = once & straight & (form.low == 0) & np.isposinf(form.high)
    of_slack = slack[columns]
    even = np.abs(entries).min(axis=1, initial=np.inf) == np.abs(entries).max(axis=1, initial=0.0)
    usable = (of_slack.sum(axis=1) == 2) & even & straight[columns].all(axis=1)
    row, columns, entries, of_slack = row[usable], columns[usable], entries[usable], of_slack[usable]
    # The quantity first, then short, which has its sign, then over.
    which, each = np.argmin(of_slack, axis=1), np.arange(len(row))
    entry = entries[each, which]
    order = np.argsort(np.where(of_slack, 1 + (entries != entry[:, None]), 0), axis=1, kind="stable")
    columns, entries = np.take_along_axis(columns, order, 1), np.take_along_axis(entries, order, 1)
    quantity, short, over = columns.T
    below, above = form.cost[short], form.cost[over]
    usable = (
        (entries[:, 1] == entry) & (entries[:, 2] == -entry) & (below + above >= 0)
    )  # else there is no least cost, or no kink
    usable &= np.bincount(quantity, minlength=len(form.cost))[quantity] == 1
    found = Rows(row, quantity, short, over, entry, form.row_low[row] / entry, below, above)
    return Rows(*(part[usable] for part in found))
