"""Virtual revenue: what a type's units earn once the rent is taken off that they leave to higher types; ironed for finite types.

With S_k = P(type >= theta_k), a pool of the types a..b earns what its lowest type would, had it the probability of all: its
virtual marginal revenue is `virtual_marginal_revenue` of theta_a, theta_{b+1} and S_{b+1} / (S_a - S_{b+1}). Ironed virtual
marginal revenue is the isotonic regression of that over types at every q, so the quantities at a shadow price lambda are
    q_k(lambda) = max over a <= k of min over b >= k of q_ab(lambda),
where q_ab(lambda) is the quantity at which the pool's virtual marginal revenue has fallen to lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from veridical.data.allocation import RetailerGroup
from veridical.data.arrays import Array, Booleans, Integers, accumulated
from veridical.data.revenue import Revenue
from veridical.data.virtual_cost import ROUNDING
from veridical.data.virtual_revenue import virtual_marginal_revenue
from veridical.solvers.closed_form.inverse import Inverse, quantity_between, virtual_curvature
from veridical.solvers.closed_form.isotonic import chain

__all__ = ["VirtualRevenue"]

FLAT = 1e-280  # currency per unit squared: virtual marginal revenue that falls less is flat
AT_ONCE = 2_000_000  # quantities of pools that are computed at a time


@dataclass(frozen=True)
class VirtualRevenue:
    """Virtual revenue of a group's m types, of which s have a positive probability and others follow the one below them.

    theta: the s types. survival: S, shape (s + 1,), ends with 0. place: for each of the m types the number of the one that it
    follows, -1 where no type below it ever occurs: such a type gets nothing. With full information survival is None, no rent is
    paid, nothing is pooled, and every type has a place of its own. most: units that a retailer can take. As virtual revenue is
    concave, ironed or not, up to where units are wanted, who wants more gets just so many.
    """

    revenue: Revenue
    theta: Array
    place: Integers
    survival: Array | None
    most: float = np.inf

    @classmethod
    def of(cls, group: RetailerGroup, rent: bool = True) -> VirtualRevenue:
        """Return the virtual revenue of a group with finite types; with `rent` False its revenue itself."""
        occurs = group.probability > 0
        if not rent:
            return cls(group.revenue, group.theta, np.arange(len(group.theta)), None, group.most)
        survival = np.append(group.survival[:-1][occurs], 0.0)
        return cls(group.revenue, group.theta[occurs], np.cumsum(occurs) - 1, survival, group.most)

    @property
    def _rate(self) -> Array:
        """(1 - F_k) / f_k, shape (s,)."""
        return np.zeros(len(self.theta)) if self.survival is None else self.survival[1:] / -np.diff(self.survival)

    @property
    def _next(self) -> Array:
        """theta_{k+1}, shape (s,); the last is its own, at the rate 0."""
        return np.append(self.theta[1:], self.theta[-1:])

    def value(self, q: Array) -> Array:
        """R(q, theta_k) - (1 - F_k) / f_k (R(q, theta_{k+1}) - R(q, theta_k)), currency; q of shape (..., m)."""
        k = np.maximum(self.place, 0)
        earned = self.revenue.value(q, self.theta[k])
        rent = self._rate[k] * (self.revenue.value(q, self._next[k]) - earned)
        return np.where(self.place >= 0, earned - rent, 0.0)

    def worth_at(self, q: ArrayLike) -> Array:
        """Return virtual marginal revenue, before any are ironed, at q of shape (..., m) or a number; 0 for who gets nothing."""
        k = np.maximum(self.place, 0)
        worth = virtual_marginal_revenue(self.revenue, q, self.theta[k], self._next[k], self._rate[k])
        return np.where(self.place >= 0, worth, 0.0)

    def marginal(self, q: float) -> Array:
        """Return ironed virtual marginal revenue at q, shape (m,), -inf for a type that gets nothing. (6), ironed."""
        return self._spread(self._pooled(virtual_marginal_revenue(self.revenue, q, self.theta, self._next, self._rate)), -np.inf)

    def quantity(self, shadow_price: ArrayLike) -> Array:
        """Return the types' quantities at shadow prices >= 0 of shape (rows,), units, shape (rows, m), never falling in type."""
        wanted = self._of_those_that_occur(np.asarray(shadow_price, dtype=float))
        return self._spread(np.minimum(wanted, self.most), 0.0)

    def slope(self, quantity: Array) -> Array:
        """Return the derivatives of `quantity` in the shadow price, given what it returned, <= 0, shape (rows, m).

        Types of equal quantities are a pool, whose lowest type decides, and the one after its highest. 0 where nothing is given.
        """
        units = quantity[:, np.flatnonzero(np.diff(self.place, prepend=-1))]
        served = (units > 0) & np.isfinite(units) & (units < self.most)
        with np.errstate(all="ignore"):
            steep = self._curvature(units, served)
            return self._spread(np.where(served & (steep < 0), 1 / np.minimum(steep, -FLAT), 0.0), 0.0)

    def _curvature(self, quantity: Array, served: Booleans) -> Array:
        """Return the derivatives of ironed virtual marginal revenue where types are served."""
        units = np.where(served, quantity, 1.0)
        if self.revenue.separable:
            return self.revenue.curvature(units, self.theta)
        if self.survival is None:
            return virtual_curvature(self.revenue, units, self.theta, self._next, self._rate)
        theta, following, rate = self.theta, self._next, self._rate
        apart = np.diff(quantity, axis=1) != 0
        if not (apart | ~served[:, 1:]).all():
            end, places = np.ones((len(units), 1), dtype=bool), np.arange(units.shape[1])
            begins = np.where(np.concatenate([end, apart], axis=1), places, 0)
            ends = np.where(np.concatenate([apart, end], axis=1), places, units.shape[1] - 1)
            first = accumulated(np.maximum, begins, 1).astype(np.int64)
            last = accumulated(np.minimum, ends[:, ::-1], 1)[:, ::-1].astype(np.int64)
            theta, following, rate = theta[first], following[last], self._pool_rate(first, last)
        return virtual_curvature(self.revenue, units, theta, following, rate)

    def _pool_rate(self, first: Integers, last: Integers) -> Array:
        """Return the probability of all types above `last` relative to that of the types from `first` to `last`."""
        if self.survival is None:
            return np.zeros(first.shape)
        after = self.survival[last + 1]
        return np.asarray(after / (self.survival[first] - after))

    def _of_those_that_occur(self, shadow_price: Array) -> Array:
        shadow = shadow_price[:, None]
        if self.revenue.separable:
            return self.revenue.quantity(shadow, self._pooled(self._separable))
        quantity = self._apart(shadow)
        if self.survival is None:
            return quantity
        falls = np.flatnonzero((quantity[:, 1:] < quantity[:, :-1]).any(axis=1))
        pairs = len(self.theta) * (len(self.theta) + 1) // 2
        for rows in np.array_split(falls, 1 + len(falls) * pairs // AT_ONCE):
            quantity[rows] = self._best_pools(shadow[rows], quantity[rows])
        return quantity

    def _apart(self, shadow: Array) -> Array:
        """Return the types' own quantities at shadow prices of shape (rows, 1), shape (rows, s), before any are pooled."""
        if self.revenue.separable:
            return self.revenue.quantity(shadow, self._separable)
        quantity = np.empty((len(shadow), len(self.theta)))
        quantity[:, ~self._tabled] = self.revenue.quantity(shadow, self.theta[~self._tabled])
        if self._tabled.any():
            quantity[:, self._tabled] = self._inverse(shadow[:, 0])
        return quantity

    @cached_property
    def _tabled(self) -> Booleans:
        """Which types' quantities the revenue has no formula for: of those that leave rents to others, if not of all."""
        return (self._rate > 0) | (not self.revenue.explicit)

    @cached_property
    def _inverse(self) -> Inverse:
        return Inverse(self.revenue, self.theta[self._tabled], self._next[self._tabled], self._rate[self._tabled])

    def ironed(self, shadow_price: Array) -> bool:
        """Return whether types are pooled at any of those shadow prices, shape (rows,)."""
        apart = np.minimum(self._apart(shadow_price[:, None]), self.most)
        return bool((apart[:, 1:] < apart[:, :-1] * (1 - ROUNDING)).any())

    def residual(self, shadow_price: Array) -> float:
        """Return the worst violation of the conditions of an optimum by `quantity`, relative to the highest marginal revenue.

        At each shadow price let r_k = f_k (virtual marginal revenue - lambda). The multipliers of Q_k <= Q_{k+1} are then what r
        sums to above k, with the other sign: they are >= 0, and 0 where Q rises; so is that of Q_1 >= 0. Without rents
        nothing is asked of Q_{k+1}, and each r_k is its own multiplier.
        """
        if not len(self.theta):
            return 0.0
        quantity = np.concatenate([np.zeros((len(shadow_price), 1)), self._of_those_that_occur(shadow_price)], axis=1)
        units = np.where(np.isfinite(quantity), quantity, 0.0)
        left = virtual_marginal_revenue(self.revenue, units[:, 1:], self.theta, self._next, self._rate) - shadow_price[:, None]
        left = np.where(np.isfinite(quantity[:, 1:]), left, 0.0)  # nothing is left to gain at infinity
        if self.survival is None:
            above, rises = left, units[:, 1:] > 0
        else:
            left = left * -np.diff(self.survival)
            above = np.cumsum(left[:, ::-1], axis=1)[:, ::-1]
            rises = np.diff(units, axis=1) > 1e-9 * np.maximum(units.max(), 1e-300)
        scale = max(float(self.revenue.marginal(0.0, self.theta).max()), np.finfo(float).tiny)
        return float(np.where(rises, np.abs(above), np.maximum(above, 0.0)).max()) / scale

    @property
    def _separable(self) -> Array:
        """theta_k - (1 - F_k) / f_k (theta_{k+1} - theta_k), the type that earns R what k earns in virtual revenue."""
        return self.theta - self._rate * (self._next - self.theta)

    def _pooled(self, values: Array) -> Array:
        if self.survival is None:
            return values
        probability = -np.diff(self.survival)
        return chain(probability, probability * values)

    def _best_pools(self, shadow: Array, apart: Array) -> Array:
        """Return the quantities at shadow prices of shape (rows, 1) by the formula at the top, shape (rows, s).

        apart: those of the types alone. A pool's is between the least and the largest of its types'.
        """
        s = len(self.theta)
        first, last = np.triu_indices(s)
        ends = [np.full((len(shadow), s, s), np.nan) for _ in range(2)]
        for a in range(s):
            for end, operation in zip(ends, (np.minimum, np.maximum), strict=True):
                end[:, a, a:] = accumulated(operation, apart[:, a:], 1)
        pools = np.full((len(shadow), s, s), np.inf)
        of = self.theta[first], self._next[last], self._pool_rate(first, last)
        pools[:, first, last] = quantity_between(self.revenue, shadow, *of, *(end[:, first, last] for end in ends))
        least = accumulated(np.minimum, pools[:, :, ::-1], 2)[:, :, ::-1]  # [a, k]: over b >= k
        best: Array = np.where(np.triu(np.ones((s, s), dtype=bool)), least, -np.inf).max(axis=1)  # over a <= k
        return best

    def _spread(self, values: Array, nothing: float) -> Array:
        """Return what the m types have, given what those that occur have."""
        return np.where(self.place >= 0, values[..., np.maximum(self.place, 0)], nothing)
