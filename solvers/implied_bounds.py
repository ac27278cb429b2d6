"""Finite bounds on variables that follow from the rows of a linear system: by the least and the largest activity of each row."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array

__all__ = ["implied_bounds"]

PASSES = 6  # a bound that follows from a chain of more rows than this is not looked for
SLACK = 1e-9  # relative: what rounding may have taken from an implied bound


def implied_bounds(matrix: sp.csr_array, row_low: Array, row_high: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Return bounds on every x with row_low <= matrix @ x <= row_high, low <= x <= high.

    Bounds that are finite stay as they are; infinite ones become finite where they follow from the others. Shapes: those of
    `low` and `high`.
    """
    coo = matrix.tocoo()
    used = coo.data != 0
    rows, columns, entries = coo.row[used], coo.col[used], coo.data[used]
    low, high = low.copy(), high.copy()
    for _ in range(PASSES):
        open_low, open_high = np.isinf(low), np.isinf(high)
        if not (open_low[columns] | open_high[columns]).any():
            break
        # Every row twice: entries @ x <= row_high, and -entries @ x <= -row_low.
        for sign, limit in ((1.0, row_high), (-1.0, -row_low)):
            factors = sign * entries
            least = factors * np.where(factors > 0, low[columns], high[columns])
            endless = np.isinf(least)
            count = np.bincount(rows, endless, len(limit))
            total = np.bincount(rows, np.where(endless, 0.0, least), len(limit))
            size = np.bincount(rows, np.where(endless, 0.0, np.abs(least)), len(limit)) + np.abs(limit)
            alone = np.isfinite(limit)[rows] & (count[rows] == endless)  # every other term is bounded
            room = (limit[rows] - np.where(endless, total[rows], total[rows] - least) + SLACK * size[rows])[alone]
            bound, at, rising = room / factors[alone], columns[alone], factors[alone] > 0
            tighter_high, tighter_low = np.full(len(high), np.inf), np.full(len(low), -np.inf)
            np.minimum.at(tighter_high, at[rising], bound[rising])
            np.maximum.at(tighter_low, at[~rising], bound[~rising])
            high, low = np.where(open_high, tighter_high, high), np.where(open_low, tighter_low, low)
            open_low, open_high = np.isinf(low), np.isinf(high)
    return low, high
