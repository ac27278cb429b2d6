"""Shadow prices at which what is wanted is what there is: Newton's steps for all profiles at once."""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array, Integers
from veridical.solvers.closed_form.newton import Slopes, falling_root

__all__ = ["LARGE", "filled"]

LARGE = 1e280  # units that stand for infinitely many, where they are added up
ROUNDING = 1e-14  # relative: of a price that is the exponential of its logarithm
CLOSE = 1e-6  # of the capacity: less is left before the last step; more is left only where demand jumps


def filled(
    demand: Slopes, counts: Integers, capacity: float, low: Array, high: Array, start: Array, floor: float
) -> tuple[Array, Array]:
    """Return shadow prices, shape (rows,), and quantities, shape (rows, M), given ends between which prices are, and a start.

    demand: quantities and slopes at prices, shape (n, M) each, given these and the rows of the profiles. Capacity is left where
    `high` is 0. floor: a price below it is as good as 0.
    """
    shadow = np.zeros(len(counts))

    def bought(price: Array, row: Integers) -> Array:
        return np.minimum(demand(price, row)[0], 2 * capacity)  # nobody gets so much; demand may be infinite at 0

    def excess(logarithm: Array, place: Integers) -> tuple[Array, Array]:
        """A price may be next to nothing, as a newsvendor's is who has all but the most that demand can be."""
        price[place] = np.exp(logarithm)
        units[place], slopes[place] = demand(price[place], tight[place])
        many = counts[tight[place]]
        left[place] = capacity - (many * np.minimum(units[place], LARGE)).sum(axis=1)
        steep[place] = (many * slopes[place]).sum(axis=1)
        return -left[place], price[place] * steep[place]

    tight = np.flatnonzero(high > 0)
    quantity = np.zeros(counts.shape)
    ample = np.flatnonzero(high == 0)
    quantity[ample] = bought(shadow[ample], ample)
    if not tight.size:
        return shadow, quantity
    ends = np.log(np.maximum(low[tight], floor)), np.log(np.maximum(high[tight], floor))
    price, left, steep = np.empty((3, len(tight)))
    units, slopes = np.empty((2, len(tight), counts.shape[1]))
    root, _, _ = falling_root(excess, *ends, np.log(np.maximum(start[tight], floor)), 1.0)
    with np.errstate(all="ignore"):
        moved = units + left[:, None] * (slopes / steep[:, None])  # the last step: uses capacity up
        ends_well = (np.abs(left) <= CLOSE * capacity) & (np.isfinite(moved) & (moved >= 0)).all(axis=1)
    units = np.where(ends_well[:, None], moved, units)
    jumps = np.flatnonzero(~ends_well & (np.abs(left) > ROUNDING * capacity))
    if jumps.size:  # at a price at which demand jumps, capacity is shared between what is wanted above and below it
        root[jumps], below, above = falling_root(
            lambda logarithm, place: (excess(logarithm, jumps[place])[0], np.zeros(len(place))),
            ends[0][jumps],
            ends[1][jumps],
            root[jumps],
        )
        row = tight[jumps]
        at = np.where(below <= np.log(floor), 0.0, np.exp(below) * (1 - ROUNDING))
        more, less = bought(at, row), bought(np.exp(above) * (1 + ROUNDING), row)
        most, least = ((counts[row] * part).sum(axis=1) for part in (more, less))
        share = np.divide(capacity - least, most - least, out=np.ones(len(row)), where=most > least)
        units[jumps] = less + np.clip(share, 0.0, 1.0)[:, None] * (more - less)
    shadow[tight], quantity[tight] = np.exp(root), units
    return shadow, quantity
