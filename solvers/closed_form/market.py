"""What types want at shadow prices, from a table first and then from virtual revenue itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veridical.data.arrays import Array, Integers
from veridical.solvers.closed_form.filling import LARGE, filled
from veridical.solvers.closed_form.inverse import LEVELS, TINY, TOP
from veridical.solvers.closed_form.newton import interpolated
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue

__all__ = ["Market", "first_units"]

WIDE = 10.0  # ratio of neighbouring prices of the table from which logarithms are interpolated


def first_units(groups: Sequence[VirtualRevenue]) -> Array:
    """Return what the first unit earns with each type, currency, shape (M,); -inf with one that gets nothing."""
    return np.concatenate([group.marginal(0.0) for group in groups])


class Market:
    """What types want at shadow prices, read from a table first, so that every profile's price is known within a cell of it.

    groups, counts: as in `water_filling`. first: what the first unit earns in each profile, shape (rows,). prices: the table's,
    ascending from 0, the last one that at which nobody wants anything.
    """

    def __init__(self, groups: Sequence[VirtualRevenue], counts: Integers) -> None:
        self.groups, self.counts = groups, counts
        marginal = first_units(groups)
        self.first = np.maximum(np.where(counts > 0, marginal, -np.inf).max(axis=1), 0.0)
        most = max(float(self.first.max()), 0.0)
        begin = marginal[(marginal > TINY * most) & (marginal < most)]  # where further types begin to be served
        near = np.multiply.outer(begin, np.append(TOP, 1.0)).ravel()
        self.prices = np.unique(np.concatenate([[0.0], most * LEVELS, near, [most]]))
        units, self._slopes = self.demand(self.prices)
        self._units = np.minimum(units, LARGE)

    def demand(self, shadow: Array, _: object = None) -> tuple[Array, Array]:
        """Return the types' quantities at shadow prices and their derivatives, shape (rows, M) each."""
        units = [group.quantity(shadow) for group in self.groups]
        slopes = [group.slope(each) for group, each in zip(self.groups, units, strict=True)]
        return np.concatenate(units, axis=1), np.concatenate(slopes, axis=1)

    def wanted(self, shadow: Array) -> tuple[Array, Array]:
        """Return what is wanted in all, units, at each profile's price, and how fast that falls in the price, shape (rows,)."""
        units, slopes = self.demand(shadow)
        return (self.counts * np.minimum(units, LARGE)).sum(axis=1), -(self.counts * slopes).sum(axis=1)

    def cells(self, capacity: float) -> tuple[Array, Array, Array, Array]:
        """Return the table's prices below and above each profile's at a capacity, an estimate of it, and how fast it falls in K.

        All are 0 where some is left.
        """
        low = np.zeros(len(self.counts), dtype=np.int64)
        high = np.full(len(low), len(self.prices) - 1)
        high[self._wanted(self._units, low) <= capacity] = 0
        for _ in range(len(self.prices).bit_length()):
            middle = (low + high) // 2
            scarce = self._wanted(self._units, middle) > capacity
            low, high = np.where(scarce, middle, low), np.where(scarce, high, middle)
        more, less = self._wanted(self._units, low), self._wanted(self._units, high)
        below, above = self.prices[low], self.prices[high]
        with np.errstate(all="ignore"):
            at_low, at_high = (1 / self._wanted(self._slopes, end) for end in (low, high))
            wide = above > WIDE * below  # in tails demand falls with the logarithm of the price
            ends = [np.where(wide, np.log(price), price) for price in (np.maximum(below, self.prices[1]), above)]
            at_ends = [np.where(wide, at / price, at) for at, price in ((at_low, below), (at_high, above))]
            found = interpolated(np.full(len(low), capacity), more, less, *ends, *at_ends)
            found = np.where(high > 0, np.where(wide, np.exp(found), found), 0.0)
            rise = np.where(high > low, (above - below) / (more - less), 0.0)
        return below, above, found, rise

    def _wanted(self, table: Array, node: Integers) -> Array:
        return np.asarray((self.counts * table[node]).sum(axis=1))

    def filled(self, capacity: float, near: Array | None = None) -> tuple[Array, Array]:
        """Return shadow prices and quantities at a capacity, as `water_filling`; `near`: where to look for prices first."""
        if capacity == 0:
            return self.first, np.zeros(self.counts.shape)
        low, high, start, _ = self.cells(capacity)
        shadow, quantity = filled(
            self.demand, self.counts, capacity, low, high, start if near is None else near, float(self.prices[1])
        )
        return shadow, np.where(self.counts > 0, quantity, 0.0)
