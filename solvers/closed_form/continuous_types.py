"""Water-filling at any types of continuous priors, which no table can hold. Theorem 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.data import InputError
from veridical.data.allocation import AllocationCase, RetailerGroup
from veridical.data.arrays import Array, Integers
from veridical.data.revenue import Revenue
from veridical.data.virtual_revenue import virtual_marginal_revenue_at_rate
from veridical.solvers.closed_form.inverse import TINY
from veridical.solvers.closed_form.water_filling import checked_capacity

__all__ = ["at_types"]

WIDER = 1e-9  # relative: a bracket whose ends are exact can miss its root by rounding
TYPES = 257  # quantiles of a continuous prior between which its virtual revenue is looked at
PRICES = 33  # shadow prices at which it is


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


def _quantity_with_rent(virtual: Callable[..., Array], revenue: Revenue, shadow: Array, theta: Array, *rest: Array) -> Array:
    """Return the quantities at which `virtual` marginal revenue, a function of theta and the `rest`, is the shadow price."""
    positive = np.maximum(shadow, TINY * np.maximum(revenue.marginal(0.0, theta), 0.0))  # as good as 0, with finite quantities
    high = revenue.quantity(positive, theta)
    return _falling_root(lambda q, price, *types: virtual(revenue, q, *types) - price, high, (shadow, theta, *rest))


def _continuous(group: RetailerGroup, shadow: Array, theta: Array, rate: Array) -> Array:
    """Return the quantities at which virtual marginal revenue has fallen to the shadow price, of the shape of theta."""
    revenue = group.revenue
    if revenue.separable:
        return revenue.quantity(shadow, theta - rate)
    with_rent = _quantity_with_rent(virtual_marginal_revenue_at_rate, revenue, shadow, theta, rate)
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
