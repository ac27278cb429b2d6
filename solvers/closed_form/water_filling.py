"""Water-filling: capacity is given out, profile by profile, where virtual marginal revenue is highest. (6)-(11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.data import InputError
from veridical.data.allocation import AllocationCase, RetailerGroup
from veridical.data.arrays import Array, Integers
from veridical.data.revenue import LinearDemand
from veridical.data.virtual_revenue import virtual_marginal_revenue_at_rate
from veridical.solvers.closed_form.virtual_revenue import TINY, VirtualRevenue, quantity_with_rent

__all__ = ["at_types", "checked_capacity", "shadow_prices", "water_filling"]

WIDER = 1e-9  # relative: a bracket whose ends are exact can miss its root by rounding
TYPES = 257  # quantiles of a continuous prior between which its virtual revenue is looked at
PRICES = 33  # shadow prices at which it is


def water_filling(groups: Sequence[VirtualRevenue], counts: Integers, capacity: float) -> tuple[Array, Array]:
    """Return shadow prices lambda, shape (rows,), currency per unit, and quantities by type, shape (rows, M), units.

    counts: how many retailers have which type, shape (rows, M), as in `TypeProfiles`. sum_k n_k Q_k <= K, with equality where
    lambda > 0; ironed virtual marginal revenue is lambda where Q_k > 0 and not above it where Q_k = 0. A type that nobody has
    in a profile has the quantity 0 there.

    Where all revenue is `linear_demand`, total demand at lambda is the largest of its linear pieces, one for each number of
    types served, so lambda is the largest of the pieces' own. Elsewhere lambda is bracketed by the least and the highest
    virtual marginal revenue at K / N, and found by Chandrupatla's method for all profiles at once, to rounding.
    """
    if all(type(group.revenue) is LinearDemand for group in groups):
        shadow, quantity = _linear(groups, counts, capacity)
        return shadow, np.where(counts > 0, quantity, 0.0)

    def demand(shadow: Array, row: Integers) -> Array:
        return np.concatenate([group.quantity(shadow) for group in groups], axis=1)

    def marginal(q: float) -> Array:
        return np.where(counts > 0, np.concatenate([group.marginal(q) for group in groups]), np.nan)

    shadow, quantity = _shadow_price(demand, marginal, counts, capacity)
    return shadow, np.where(counts > 0, quantity, 0.0)


def shadow_prices(groups: Sequence[VirtualRevenue], counts: Integers) -> Callable[[float], Array]:
    """Return what gives the shadow prices of `water_filling` at a capacity, where many capacities are to be tried."""
    if all(type(group.revenue) is LinearDemand for group in groups):
        return _pieces(_first_units(groups), counts)
    return lambda capacity: water_filling(groups, counts, capacity)[0]


def _first_units(groups: Sequence[VirtualRevenue]) -> Array:
    return np.concatenate([group.marginal(0.0) for group in groups])


def _pieces(marginal: Array, counts: Integers) -> Callable[[float], Array]:
    """Return the shadow prices of linear demand as a function of capacity, given what the types' first units earn."""
    order = np.argsort(-marginal, kind="stable")
    order = order[np.isfinite(marginal[order])]
    served = np.cumsum(counts[:, order], axis=1)
    total = np.cumsum(counts[:, order] * marginal[order], axis=1)
    fewer = np.divide(1.0, served, out=np.zeros(total.shape), where=served > 0)
    level = total * fewer
    return lambda capacity: (level - 2 * capacity * fewer).max(axis=1, initial=0.0)  # 0 where capacity is left


def _linear(groups: Sequence[VirtualRevenue], counts: Integers, capacity: float) -> tuple[Array, Array]:
    marginal = _first_units(groups)
    shadow = _pieces(marginal, counts)(capacity)
    quantity = np.maximum(marginal - shadow[:, None], 0.0) / 2
    used = (counts * quantity).sum(axis=1)  # the capacity, but for what a difference of large numbers loses
    lost = (shadow > 0) & (used == 0)  # all of it: then the types served are as good as the best, which share the capacity
    there = np.where(counts[lost] > 0, marginal, -np.inf)
    quantity[lost] = there == there.max(axis=1, initial=-np.inf, keepdims=True)
    used = np.where(lost, (counts * quantity).sum(axis=1), used)
    return shadow, quantity * np.where(shadow > 0, capacity / np.where(used > 0, used, 1.0), 1.0)[:, None]


def _shadow_price(
    demand: Callable[[Array, Integers], Array], marginal: Callable[[float], Array], counts: Integers, capacity: float
) -> tuple[Array, Array]:
    """Return shadow prices and quantities, given both sides of the market, NaN where nobody has a type."""
    rows = np.arange(len(counts))
    first = np.maximum(np.nanmax(marginal(0.0), axis=1), 0.0)
    if capacity == 0:
        return first, np.zeros(counts.shape)

    def bought(shadow: Array, row: Integers) -> Array:
        return np.minimum(demand(shadow, row), 2 * capacity)  # nobody gets so much; demand may be infinite at 0

    def excess(shadow: Array, row: Any) -> Array:
        row = row.astype(int)
        return np.asarray((counts[row] * bought(shadow, row)).sum(axis=1) - capacity)

    shadow = np.zeros(len(counts))
    quantity = bought(shadow, rows)
    tight = np.flatnonzero((counts * quantity).sum(axis=1) > capacity)
    if tight.size:
        from scipy.optimize import elementwise  # a tenth of a second, and most cases have no need of it

        at_share = marginal(capacity / counts.sum(axis=1).max())
        low = np.maximum(np.nanmin(at_share, axis=1), 0.0)[tight] * (1 - WIDER)
        high = np.maximum(np.maximum(np.nanmax(at_share, axis=1), TINY * first)[tight], low) * (1 + WIDER)
        floor = TINY * first[tight]  # what is below it is as good as 0
        low = np.maximum(low, floor)

        def of_logarithm(logarithm: Array, row: Any) -> Array:
            """A price may be next to nothing, as a newsvendor's is who has all but the most that demand can be."""
            return excess(np.exp(logarithm), row)

        result: Any = elementwise.find_root(of_logarithm, (np.log(low), np.log(high)), args=(tight,))
        reached = excess(low, tight) <= 0  # by rounding, where demand jumps, or at the floor
        end = np.where(reached, low, high)
        shadow[tight] = np.where(result.success, np.exp(result.x), end)
        below, above = (np.where(result.success, np.exp(side), end) for side in result.bracket)
        below = np.where(reached & (low == floor), 0.0, below)
        more, less = bought(below, tight), bought(above, tight)
        most, least = ((counts[tight] * units).sum(axis=1) for units in (more, less))
        share = np.divide(capacity - least, most - least, out=np.ones(len(tight)), where=most > least)
        quantity[tight] = less + np.clip(share, 0.0, 1.0)[:, None] * (more - less)  # uses capacity up
    return shadow, quantity


def at_types(case: AllocationCase, types: ArrayLike, capacity: float) -> tuple[Array, Array]:
    """Return shadow prices, shape (rows,), and quantities, shape (rows, N), at any types of continuous priors. Theorem 2.

    types: one a retailer, in the case's `order`, shape (rows, N), within the priors' ends. Exact to rounding for regular priors.
    Raises InputError where a group has finite types, for types beyond a prior's ends, for a capacity that is not finite and
    >= 0, and where a prior is not regular, that is virtual marginal revenue falls as the type rises: `case.grid` is ironed.
    """
    _refuse_irregular(case)
    theta = np.asarray(types, dtype=float)
    order = np.array(case.order)
    if theta.ndim != 2 or theta.shape[1] != len(order):
        raise InputError.of("types", f"<shape {theta.shape}>", f"shape (rows, {len(order)}): one type a retailer", case.name)
    capacity = checked_capacity(case, capacity)
    rates = np.empty(theta.shape)
    for g, group in enumerate(case.retailers):
        assert group.prior is not None
        group_types = theta[:, order == g]
        low, high = group.prior.low, group.prior.high
        outside = group_types[~((group_types >= low) & (group_types <= high))]
        if outside.size:
            allowed = f"types from {low!r} to {high!r} for {case.names[g]}"
            raise InputError.of("types", float(outside[0]), allowed, case.name)
        rates[:, order == g] = group.prior.inverse_hazard(group_types)

    def demand(shadow: Array, row: Integers) -> Array:
        quantity = np.empty((len(row), len(order)))
        for g, group in enumerate(case.retailers):
            quantity[:, order == g] = _continuous(group, shadow[:, None], theta[row][:, order == g], rates[row][:, order == g])
        return quantity

    def marginal(q: float) -> Array:
        earned = np.empty(theta.shape)
        for g, group in enumerate(case.retailers):
            earned[:, order == g] = virtual_marginal_revenue_at_rate(group.revenue, q, theta[:, order == g], rates[:, order == g])
        return earned

    return _shadow_price(demand, marginal, np.ones(theta.shape, dtype=np.int64), capacity)


def checked_capacity(case: AllocationCase, capacity: object) -> float:
    """Return a capacity in units; raises InputError for what is no finite number >= 0."""
    if isinstance(capacity, bool) or not isinstance(capacity, Real) or not 0 <= float(capacity) < np.inf:
        raise InputError.of("capacity", capacity, "a finite number >= 0, units", case.name)
    return float(capacity)


def _continuous(group: RetailerGroup, shadow: Array, theta: Array, rate: Array) -> Array:
    """Return the quantities at which virtual marginal revenue has fallen to the shadow price, of the shape of theta."""
    revenue = group.revenue
    if revenue.separable:
        return revenue.quantity(shadow, theta - rate)
    with_rent = quantity_with_rent(virtual_marginal_revenue_at_rate, revenue, shadow, theta, rate)
    return np.where(rate > 0, with_rent, revenue.quantity(shadow, theta))


def _refuse_irregular(case: AllocationCase) -> None:
    """Refuse finite types, and priors with which a quantity falls, at any shadow price, as the type rises."""
    for g, group in enumerate(case.retailers):
        if group.prior is None:
            raise InputError.of(f"retailers[{g}].types", group.types, "a prior: finite types have `allocation`", case.name)
        theta = group.prior.inverse_survival(1.0 - np.arange(TYPES) / TYPES)
        rate = group.prior.inverse_hazard(theta)
        highest = max(float(virtual_marginal_revenue_at_rate(group.revenue, 0.0, theta, rate).max()), 0.0)
        quantity = _continuous(group, highest * np.linspace(0.0, 1.0, PRICES)[:, None], theta, rate)
        if (quantity[:, 1:] < quantity[:, :-1] * (1 - WIDER)).any():
            allowed = "a regular prior here, whose virtual marginal revenue never falls as the type rises; "
            allowed += "case.grid(points) is ironed"
            raise InputError.of(f"retailers[{g}].prior", group.prior.distribution, allowed, case.name)
