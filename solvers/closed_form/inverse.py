"""The quantity at which virtual marginal revenue has fallen to a shadow price: its inverse, from points and Newton's steps.

Virtual marginal revenue is known at any quantity, so points of the inverse are had by reading a table of it from the other side.
A price is between two of these; from there a few of Newton's steps do.
"""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.revenue import Revenue
from veridical.data.virtual_revenue import virtual_marginal_revenue
from veridical.solvers.closed_form.newton import Slopes, falling_root, interpolated

__all__ = ["LEVELS", "TINY", "TOP", "Inverse", "quantity_between", "virtual_curvature", "where_worth"]

TINY = 1e-280  # of the highest marginal revenue: where no unit is worth more, tails are not yet 0 in floating point
ROUNDING = 1e-15  # of a price: no unit is worth more exactly so much
TOP = 1.0 - np.geomspace(1e-15, 0.02, 16)  # close where the first units earn alike
TAIL = np.concatenate([np.geomspace(0.01, 1e-8, 24)[:-1], np.geomspace(1e-8, TINY, 60)])
LEVELS = np.concatenate([TOP, np.linspace(0.98, 0.02, 49)[1:], TAIL])  # falling, below 1


def virtual_curvature(revenue: Revenue, q: Array, theta: Array, following: Array, rate: Array) -> Array:
    """Return the derivative in q of `virtual_marginal_revenue`, currency per unit squared."""
    curvature = revenue.curvature(q, theta)
    return np.where(rate > 0, curvature - rate * (revenue.curvature(q, following) - curvature), curvature)


class Inverse:
    """The inverses of types' virtual marginal revenues, up to where these first fall to 0; arguments of shape (s,), as there.

    units, worth: points of each, shape (s, points), from 0 units on; the last one is repeated.
    """

    def __init__(self, revenue: Revenue, theta: Array, following: Array, rate: Array) -> None:
        self.revenue, self.types = revenue, (theta, following, rate)
        types = tuple(each[:, None] for each in self.types)
        first = np.maximum(revenue.marginal(0.0, theta), 0.0)
        self.floor = TINY * first  # as good as 0, with finite quantities
        levels = revenue.quantity(revenue.falls_to(LEVELS, types[0]), types[0])
        self.last = levels[:, -1]
        units = np.concatenate([np.zeros((len(theta), 1)), levels], axis=1)
        units = np.maximum.accumulate(np.where(np.isfinite(units), units, 0.0), axis=1)
        worth = np.minimum.accumulate(virtual_marginal_revenue(revenue, units, *types), axis=1)
        places = np.minimum(np.arange(units.shape[1]), (worth > 0).sum(axis=1, keepdims=True))
        self.units, self.worth = (np.take_along_axis(each, places, 1) for each in (units, worth))
        with np.errstate(all="ignore"):
            self.falls = 1 / virtual_curvature(revenue, self.units, *types)

    def __call__(self, price: Array) -> Array:
        """Return the quantities at prices >= 0 of shape (rows,), units, shape (rows, s); 0 where no unit is worth more."""
        place = np.stack([np.searchsorted(-worth, -price) for worth in self.worth], axis=1)  # of the first that is worth no more
        row, k = np.nonzero(place > 0)
        found, place, price = np.zeros((len(price), len(self.worth))), place[row, k], price[row]
        beyond = place == self.units.shape[1]
        after = np.minimum(place, self.units.shape[1] - 1)
        low, high = self.units[k, place - 1], self.units[k, after]
        above, below = self.worth[k, place - 1], self.worth[k, after]
        start = interpolated(price, above, below, low, high, self.falls[k, place - 1], self.falls[k, after])
        if beyond.any():
            high[beyond], below[beyond] = self._most(price[beyond], k[beyond]), 0.0
            start[beyond] = high[beyond]
        found[row, k] = high  # where that is infinite
        ends = np.flatnonzero(np.isfinite(high))
        theta, following, rate = (each[k[ends]] for each in self.types)
        finite = low[ends], high[ends], start[ends], below[ends] > 0
        found[row[ends], k[ends]] = _between(self.revenue, price[ends], theta, following, rate, *finite)
        return found

    def _most(self, price: Array, k: Integers) -> Array:
        """Return the units up to which revenue alone is worth a price, as beyond the last point."""
        most = self.last[k]
        some = price > self.floor[k]
        if some.any():
            most[some] = self.revenue.quantity(price[some], self.types[0][k[some]])
        return np.asarray(np.maximum(most, self.units[k, -1]))


def quantity_between(
    revenue: Revenue, price: Array, theta: Array, following: Array, rate: Array, low: Array, high: Array
) -> Array:
    """Return where the virtual marginal revenue of pools has fallen to a price, between two quantities; shapes broadcast."""
    arrays = np.broadcast_arrays(price, theta, following, rate, low, high)
    price, theta, following, rate, low, high = (array.ravel() for array in arrays)
    apart = np.flatnonzero((high > low) & np.isfinite(high))
    found = high.copy()
    if apart.size:
        price, theta, following, rate, low, high = (each[apart] for each in (price, theta, following, rate, low, high))
        tail = virtual_marginal_revenue(revenue, high, theta, following, rate) > 0
        found[apart] = _between(revenue, price, theta, following, rate, low, high, (low + high) / 2, tail)
    return found.reshape(arrays[0].shape)


def _between(
    revenue: Revenue,
    price: Array,
    theta: Array,
    following: Array,
    rate: Array,
    low: Array,
    high: Array,
    start: Array,
    tail: Booleans,
) -> Array:
    def worth(q: Array, place: Integers) -> tuple[Array, Array]:
        types = theta[place], following[place], rate[place]
        return virtual_marginal_revenue(revenue, q, *types), virtual_curvature(revenue, q, *types)

    return where_worth(worth, price, low, high, start, tail)


def where_worth(worth: Slopes, price: Array, low: Array, high: Array, start: Array, tail: Booleans) -> Array:
    """Return the quantities at which what a unit is worth falls through its price, shape (n,) all.

    tail: where it stays positive up to `high`: there Newton's steps are for logarithms, as the tails of demand ask for.
    """

    def excess(q: Array, place: Integers) -> tuple[Array, Array]:
        asked = price[place]
        with np.errstate(all="ignore"):
            value, slope = worth(q, place)
            value = np.where(np.abs(value - asked) <= ROUNDING * asked, asked, value)
            logarithm = tail[place] & (value > 0) & (asked > 0)
            value = np.where(logarithm, value * np.log(np.where(logarithm, value / asked, 1.0)), value - asked)
        return value, slope

    return falling_root(excess, low, high, start)[0]
