"""Virtual revenue: what a type's units earn once the rent is taken off that they leave to higher types; ironed for finite types.

With S_k = P(type >= theta_k), a pool of the types a..b earns what its lowest type would, had it the probability of all: its
virtual marginal revenue is `virtual_marginal_revenue` of theta_a, theta_{b+1} and S_{b+1} / (S_a - S_{b+1}). Ironed virtual
marginal revenue is the isotonic regression of that over types at every q, so the quantities at a shadow price lambda are
    q_k(lambda) = max over a <= k of min over b >= k of q_ab(lambda),
where q_ab(lambda) is the quantity at which the pool's virtual marginal revenue has fallen to lambda.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.data.allocation import RetailerGroup
from veridical.data.arrays import Array, Integers
from veridical.data.revenue import Revenue
from veridical.data.virtual_cost import ROUNDING
from veridical.data.virtual_revenue import virtual_marginal_revenue
from veridical.solvers.closed_form.isotonic import chain

__all__ = ["TINY", "VirtualRevenue", "quantity_with_rent"]

TINY = 1e-280  # of the highest marginal revenue: where no unit is worth more, tails are not yet 0 in floating point
AT_ONCE = 2_000_000  # quantities of pools that are computed at a time


@dataclass(frozen=True)
class VirtualRevenue:
    """Virtual revenue of a group's m types, of which s have a positive probability and others follow the one below them.

    theta: the s types. survival: S, shape (s + 1,), ends with 0. place: for each of the m types the number of the one that it
    follows, -1 where no type below it ever occurs: such a type gets nothing. With full information survival is None, no rent is
    paid, nothing is pooled, and every type has a place of its own.
    """

    revenue: Revenue
    theta: Array
    place: Integers
    survival: Array | None

    @classmethod
    def of(cls, group: RetailerGroup, rent: bool = True) -> VirtualRevenue:
        """Return the virtual revenue of a group with finite types; with `rent` False its revenue itself."""
        occurs = group.probability > 0
        if not rent:
            return cls(group.revenue, group.theta, np.arange(len(group.theta)), None)
        return cls(group.revenue, group.theta[occurs], np.cumsum(occurs) - 1, np.append(group.survival[:-1][occurs], 0.0))

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

    def marginal(self, q: float) -> Array:
        """Return ironed virtual marginal revenue at q, shape (m,), -inf for a type that gets nothing. (6), ironed."""
        return self._spread(self._pooled(virtual_marginal_revenue(self.revenue, q, self.theta, self._next, self._rate)), -np.inf)

    def quantity(self, shadow_price: ArrayLike) -> Array:
        """Return the types' quantities at shadow prices >= 0 of shape (rows,), units, shape (rows, m), never falling in type."""
        return self._spread(self._of_those_that_occur(np.asarray(shadow_price, dtype=float)), 0.0)

    def _of_those_that_occur(self, shadow_price: Array) -> Array:
        shadow = shadow_price[:, None]
        if self.revenue.separable:
            return self.revenue.quantity(shadow, self._pooled(self._separable))
        quantity = _quantity(self.revenue, shadow, self.theta, self._next, self._rate)
        if self.survival is None:
            return quantity
        falls = np.flatnonzero((quantity[:, 1:] < quantity[:, :-1]).any(axis=1))
        pairs = len(self.theta) * (len(self.theta) + 1) // 2
        for rows in np.array_split(falls, 1 + len(falls) * pairs // AT_ONCE):
            quantity[rows] = self._best_pools(self.survival, shadow[rows])
        return quantity

    def ironed(self, shadow_price: Array) -> bool:
        """Return whether types are pooled at any of those shadow prices, shape (rows,)."""
        shadow = shadow_price[:, None]
        if self.revenue.separable:
            apart = self.revenue.quantity(shadow, self._separable)
        else:
            apart = _quantity(self.revenue, shadow, self.theta, self._next, self._rate)
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

    def _best_pools(self, survival: Array, shadow: Array) -> Array:
        """Return the quantities at shadow prices of shape (rows, 1) by the formula at the top, shape (rows, s)."""
        s = len(self.theta)
        first, last = np.triu_indices(s)
        after = survival[last + 1]
        rate = after / (survival[first] - after)
        pools = np.full((len(shadow), s, s), np.inf)
        pools[:, first, last] = _quantity(self.revenue, shadow, self.theta[first], self._next[last], rate)
        least = np.minimum.accumulate(pools[:, :, ::-1], axis=2)[:, :, ::-1]  # [a, k]: over b >= k
        best: Array = np.where(np.triu(np.ones((s, s), dtype=bool)), least, -np.inf).max(axis=1)  # over a <= k
        return best

    def _spread(self, values: Array, nothing: float) -> Array:
        """Return what the m types have, given what those that occur have."""
        return np.where(self.place >= 0, values[..., np.maximum(self.place, 0)], nothing)


def _falling_root(function: Callable[..., Array], high: Array, arguments: tuple[Array, ...]) -> Array:
    """Return where function(q, *arguments) falls through 0 between q = 0 and `high`, or the end that it does not reach."""
    shape = np.broadcast_shapes(high.shape, *(argument.shape for argument in arguments))
    high = np.broadcast_to(high, shape).ravel()
    flat = tuple(np.broadcast_to(argument, shape).ravel() for argument in arguments)
    inside = (function(np.zeros(high.shape), *flat) > 0) & (high > 0)
    root = np.where(inside, high, 0.0)
    inside[inside] = function(high[inside], *(argument[inside] for argument in flat)) < 0
    if inside.any():
        from scipy.optimize import elementwise  # a tenth of a second, and most cases have no need of it

        ends = np.zeros(int(inside.sum())), high[inside]
        result: Any = elementwise.find_root(function, ends, args=tuple(argument[inside] for argument in flat))
        root[inside] = result.x
    return root.reshape(shape)


def quantity_with_rent(virtual: Callable[..., Array], revenue: Revenue, shadow: Array, theta: Array, *rest: Array) -> Array:
    """Return the quantities at which `virtual` marginal revenue, a function of theta and the `rest`, is the shadow price."""
    positive = np.maximum(shadow, TINY * np.maximum(revenue.marginal(0.0, theta), 0.0))  # as good as 0, with finite quantities
    high = revenue.quantity(positive, theta)
    return _falling_root(lambda q, price, *types: virtual(revenue, q, *types) - price, high, (shadow, theta, *rest))


def _quantity(revenue: Revenue, shadow: Array, theta: Array, following: Array, rate: Array) -> Array:
    """Return the quantities at which virtual marginal revenue has fallen to the shadow price, 0 where it begins below."""
    most = revenue.quantity(shadow, theta)
    some = np.flatnonzero(rate > 0)
    if some.size:
        arguments = theta[some], following[some], rate[some]
        most[:, some] = quantity_with_rent(virtual_marginal_revenue, revenue, shadow, *arguments)
    return most
