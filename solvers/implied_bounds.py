"""Finite bounds on variables that follow from the rows of a linear system: by the least and the largest activity of each row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from veridical.data.arrays import Array, Booleans
from veridical.solvers.entries import Entries
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["FAR", "implied_bounds", "without_far_sides"]

PASSES = 30  # a bound that follows from a chain of more rows than this is not looked for; worst priors have chains of 8
SLACK = 1e-9  # relative: what rounding may have taken from an implied bound

FAR = 1e20  # a side from there on is often no bound, but a way to write that there is none


def without_far_sides(form: StandardForm) -> StandardForm:
    """Return the form without the sides far out that nearer ones keep x from: they would say that x is as large.

    The points that are feasible are the same. Far sides that nothing else implies stay.
    """
    sides = form.row_low, form.row_high, form.low, form.high
    far = [np.isfinite(side) & (np.abs(side) >= FAR) for side in sides]
    if not any(which.any() for which in far):
        return form
    linear, entries = form.linear_rows(), Entries.of(form.matrix)
    near = [np.where(which, np.copysign(np.inf, side), side) for which, side in zip(far, sides, strict=True)]
    row_low, row_high = np.where(linear, near[0], -np.inf), np.where(linear, near[1], np.inf)
    low, high = implied_bounds(entries, row_low, row_high, near[2], near[3])
    ends = entries.values * low[entries.columns], entries.values * high[entries.columns]
    least, most = (np.bincount(entries.rows, end(*ends), len(linear)) for end in (np.minimum, np.maximum))
    idle = linear & (least >= form.row_low), linear & (most <= form.row_high), low >= form.low, high <= form.high
    kept = [np.where(which, open_side, side) for which, open_side, side in zip(idle, near, sides, strict=True)]
    return replace(form, row_low=kept[0], row_high=kept[1], low=kept[2], high=kept[3])


def implied_bounds(
    entries: Entries,
    row_low: Array,
    row_high: Array,
    low: Array,
    high: Array,
    wanted_low: Booleans | None = None,
    wanted_high: Booleans | None = None,
) -> tuple[Array, Array]:
    """Return bounds on every x with row_low <= matrix @ x <= row_high, low <= x <= high.

    Bounds that are finite stay as they are; infinite ones become finite where they follow from the others, until those that are
    wanted have (all of them by default). Shapes: those of `low` and `high`.
    """
    rows, columns, low, high = entries.rows, entries.columns, low.copy(), high.copy()
    endless_low, endless_high = np.isinf(low), np.isinf(high)
    wanted_low = endless_low if wanted_low is None else wanted_low
    wanted_high = endless_high if wanted_high is None else wanted_high
    for _ in range(PASSES):
        before = endless_low, endless_high
        # Every row twice: values @ x <= row_high, and -values @ x <= -row_low.
        for factors, limit in ((entries.values, row_high), (-entries.values, -row_low)):
            rising = factors > 0
            least = factors * np.where(rising, low[columns], high[columns])
            endless = np.isinf(least)
            bounded = np.where(endless, 0.0, least)
            count = np.bincount(rows, endless, len(limit))
            total, size = np.bincount(rows, bounded, len(limit)), np.bincount(rows, np.abs(bounded), len(limit)) + np.abs(limit)
            open_side = np.where(rising, endless_high[columns], endless_low[columns])
            alone = open_side & np.isfinite(limit)[rows] & (count[rows] == endless)  # every other term is bounded
            if not alone.any():
                continue
            place, at, upwards = rows[alone], columns[alone], rising[alone]
            bound = (limit[place] - (total[place] - bounded[alone]) + SLACK * size[place]) / factors[alone]
            tighter_low, tighter_high = np.full(len(low), -np.inf), np.full(len(high), np.inf)
            np.minimum.at(tighter_high, at[upwards], bound[upwards])
            np.maximum.at(tighter_low, at[~upwards], bound[~upwards])
            high, low = np.where(endless_high, tighter_high, high), np.where(endless_low, tighter_low, low)
            endless_low, endless_high = np.isinf(low), np.isinf(high)
        settled = np.array_equal(before[0], endless_low) and np.array_equal(before[1], endless_high)
        if settled or not ((wanted_low & endless_low).any() or (wanted_high & endless_high).any()):
            break
    return low, high
