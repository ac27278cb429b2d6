"""What virtual marginal revenue looks like over quantities: which types have to be pooled, and how far it falls."""

from __future__ import annotations

import numpy as np

from veridical.data import RetailerGroup
from veridical.data.arrays import Array, Booleans
from veridical.data.pooling import chain
from veridical.data.virtual_cost import ROUNDING
from veridical.data.virtual_revenue import virtual_marginal_revenue

__all__ = ["concave_up_to", "grid", "marginal", "pooled"]

GRID = 257  # levels of a type's marginal revenue, at the quantities of which virtual marginal revenue is looked at
TAIL = 97  # further levels, from the least of those on down to 1e-9: virtual revenue may cease to be concave far out


def pooled(group: RetailerGroup, capacity: float | None) -> Booleans:
    """Return for each type but the highest whether it may be pooled with the next, at units up to the capacity.

    So it is where virtual marginal revenue falls between types, of which a lower one would be given something: pools are those
    of its isotonic regression. Types that get nothing are in nobody's way. Looked at on a grid of quantities where it is not
    enough to look at one.
    """
    virtual = marginal(group, np.minimum(grid(group), min(group.most, np.inf if capacity is None else capacity)))
    least = ROUNDING * float(group.revenue.marginal(0.0, group.theta[-1]))
    together: Booleans = np.zeros(len(group.theta) - 1, dtype=bool)
    falls = np.diff(virtual, axis=0) < -least
    for column in np.flatnonzero((falls & (virtual[:-1] > least)).any(axis=0)):
        values = chain(group.probability, group.probability * virtual[:, column])
        same = values[1:] == values[:-1]
        pool = np.append(0, np.cumsum(~same))
        served = np.bincount(pool, virtual[:, column] > least) > 0
        uneven = np.bincount(pool[1:], falls[:, column] & same, pool[-1] + 1) > 0
        together |= same & (served & uneven)[pool[1:]]
    return together


def concave_up_to(group: RetailerGroup, rate: Array | None = None) -> Array:
    """Return for each type the units up to which virtual revenue is concave, infinite where it is throughout.

    `rate`: (1 - F) / f of each type, where it is not the group's own, as it is given others of correlated types.

    A newsvendor's virtual marginal revenue falls below 0, and rises to 0 again where nobody sells as much: a solver that
    gets there takes it for an optimum. It still falls at the grid's point before the least one. Units that are worth having
    to a lower type are always within: he may be pooled with it.
    """
    if group.revenue.separable:
        return np.full(len(group.theta), np.inf)
    q = grid(group)
    virtual = marginal(group, q, rate) - group.revenue.floor
    worth = np.append(q, q[-1])[1 + np.where(virtual > 0, np.arange(len(q)), -1).max(axis=1)]  # the point behind the last
    most: Array = np.maximum(q[np.maximum(virtual.argmin(axis=1) - 1, 0)], np.maximum.accumulate(worth))
    return np.where(virtual.min(axis=1) < 0, most, np.inf)


def grid(group: RetailerGroup) -> Array:
    """Return quantities from 0 up to where the highest type earns nothing any more, close where marginal revenue falls fast."""
    revenue, theta = group.revenue, group.theta[:, None]
    if revenue.separable:
        return np.zeros(1)
    levels = np.append(np.linspace(1.0, 0.0, GRID)[:-1], np.geomspace(1 / (GRID - 1), 1e-9, TAIL))
    quantities: Array = np.unique(revenue.quantity(revenue.falls_to(levels, theta), theta))
    return np.append(0.0, quantities[np.isfinite(quantities) & (quantities > 0)])


def marginal(group: RetailerGroup, q: Array, rate: Array | None = None) -> Array:
    """Return virtual marginal revenue, (6), shape (m, quantities); `rate` as in `concave_up_to`."""
    theta, rate = group.theta[:, None], (group.survival[1:] / group.probability if rate is None else rate)[:, None]
    return virtual_marginal_revenue(group.revenue, q, theta, np.append(theta[1:], theta[-1:], axis=0), rate)
