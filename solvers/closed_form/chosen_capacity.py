"""The capacity at which the mean shadow price is what a unit costs: prices and capacity are found together. (12)-(13).

At every profile demand D(lambda) = K where lambda > 0, and E[lambda] = c: one system in K and all lambdas. A Newton step for it
is explicit: lambda moves by (K' - D) / D', with the K' that makes the mean of what results c. What a table of demand says of
lambda at K' keeps each within its cell. Nothing is searched for within another search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veridical.data.arrays import Array, Integers
from veridical.solvers.closed_form.market import Market
from veridical.solvers.closed_form.newton import falling_root
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue
from veridical.solvers.closed_form.water_filling import all_linear, linear_pieces, water_filling

__all__ = ["worth_having"]

STEPS = 30
BY_TABLE = 4  # steps with what a table says of demand, before the first with demand itself
SETTLED = 1e-9  # of the cost: when the mean change of prices is less, what is left is of the order of its square
HELD = 1e-11  # of the cost: by how much the mean price at the capacity may differ from it
ROUNDING = 1e-14  # of what the first unit earns: what prices are known to
BESIDE, JUMP = 1e-7, 1e-5  # of a capacity, by how much others are looked at; of the first unit's worth, what is a jump there


def worth_having(
    groups: Sequence[VirtualRevenue], counts: Integers, probability: Array, cost: float, most: float
) -> tuple[float, Array, Array]:
    """Return the least capacity at which the mean shadow price is `cost`, and what `water_filling` returns at it.

    groups, counts: as in `water_filling`. probability: of the profiles, shape (rows,). most: beyond it nobody wants
    a unit at that price. 0 where the first unit earns no more than it costs.
    """
    if all_linear(groups):
        capacity = _linear(groups, counts, probability, cost, most)
        return capacity, *water_filling(groups, counts, capacity)
    market = Market(groups, counts)
    if most == 0 or probability @ market.first <= cost:
        return 0.0, *market.filled(0.0)
    wanted = market.wanted(np.full(len(probability), cost))[0]
    bounded = any(group.most < np.inf for group in groups)
    if cost == 0 or (wanted >= most)[probability > 0].all():
        if bounded and cost > 0:  # everybody has all that he can take, at any price up to what the last unit earns
            return most, np.full(len(counts), cost), np.where(counts > 0, market.demand(np.full(len(counts), cost))[0], 0.0)
        return most, *market.filled(most)
    capacity, near = _together(market, probability, cost, min(float(probability @ wanted), most), most)
    shadow, quantity = market.filled(capacity, near)
    if abs(probability @ shadow - cost) > _slack(market, cost):
        capacity, shadow, quantity = _between(market, probability, cost, capacity, most)
        if bounded and abs(probability @ shadow - cost) > _slack(market, cost):
            return _where_flat(market, probability, cost, capacity, shadow, quantity)
    return capacity, shadow, quantity


def _linear(groups: Sequence[VirtualRevenue], counts: Integers, probability: Array, cost: float, most: float) -> float:
    """Mean prices are convex in K and have finitely many linear pieces, along which Newton's steps from 0 never go too far."""
    level, fall = linear_pieces(groups, counts)
    rows, capacity = np.arange(len(counts)), 0.0
    while capacity < most:
        prices = level - capacity * fall
        best = prices.argmax(axis=1)
        shadow = prices[rows, best]
        excess = float(probability @ np.maximum(shadow, 0.0)) - cost
        slope = float(probability @ np.where(shadow > 0, fall[rows, best], 0.0))
        if excess <= 0 or capacity + excess / slope <= capacity:
            break
        capacity = min(capacity + excess / slope, most)
    return capacity


def _together(market: Market, probability: Array, cost: float, capacity: float, most: float) -> tuple[float, Array]:
    """Return the capacity, and prices near those at it, by Newton's steps in both, from a capacity on.

    The first steps have what is wanted from the table. The last moves prices hardly at all, or no less than half as much as the
    last but one did, as may happen where a type begins to be served.
    """
    _, _, shadow, rise = market.cells(capacity)
    used = np.full(len(shadow), capacity)
    before = last = np.inf
    for step in range(STEPS):
        if step >= BY_TABLE:
            used, rise = _response(market, shadow)
        rise = np.where(np.isfinite(rise), rise, 0.0)
        if not (total := float(probability @ rise)) > 0:
            break
        capacity = float(np.clip((probability @ (shadow + rise * used) - cost) / total, 0.0, most))
        low, high, near, slope = market.cells(capacity)
        if step < BY_TABLE:
            shadow, rise, used = near, slope, np.full(len(near), capacity)
            continue
        change = rise * (used - capacity)
        to = np.where(np.abs(change) <= shadow / 2, np.clip(shadow + change, low, high), near)
        to = np.where(rise > 0, to, near)
        moved, shadow = float(probability @ np.abs(to - shadow)), to
        if moved <= SETTLED * cost or moved > before / 2:
            break
        before, last = last, moved
    return capacity, shadow


def _where_flat(
    market: Market, probability: Array, cost: float, capacity: float, shadow: Array, quantity: Array
) -> tuple[float, Array, Array]:
    """Return the same where the mean price jumps past its cost: retailers have all that they can take over a range of prices.

    There no price is the only one; all are taken the same share of the way through their ranges.
    """
    less, more = (market.filled(capacity * factor)[0] for factor in (1 - BESIDE, 1 + BESIDE))
    flat = less - more > JUMP * float(market.first.max())
    if not flat.any():
        return capacity, shadow, quantity
    asked = cost - float(probability[~flat] @ shadow[~flat])
    high, low = (float(probability[flat] @ ends[flat]) for ends in (less, more))
    share = np.clip((asked - low) / (high - low) if high > low else 0.0, 0.0, 1.0)
    shadow = np.where(flat, more + share * (less - more), shadow)
    units = market.demand(shadow)[0]
    quantity = np.where(flat[:, None] & (market.counts > 0), units, quantity)
    return float((market.counts * quantity).sum(axis=1)[flat].min()), shadow, quantity


def _slack(market: Market, cost: float) -> float:
    return HELD * cost + ROUNDING * float(market.first.max())


def _response(market: Market, shadow: Array) -> tuple[Array, Array]:
    """Return what is wanted at prices, and how fast these rise as there is less of it; 0 where they do not."""
    used, fall = market.wanted(shadow)
    return used, np.divide(1.0, fall, out=np.zeros(len(fall)), where=(fall > np.finfo(float).tiny) & (shadow > 0))


def _between(market: Market, probability: Array, cost: float, capacity: float, most: float) -> tuple[float, Array, Array]:
    """Return the same by steps in the capacity alone, prices found anew at each: by Newton's, then by halving."""
    shadow, quantity = market.filled(capacity)

    def excess(tried: Array, newton: bool) -> tuple[Array, Array]:
        at = market.filled(float(tried[0]))[0]
        slope = -probability @ _response(market, at)[1] if newton else 0.0
        return probability[None] @ at - cost, np.array([slope])

    for newton in (True, False):
        ends = np.zeros(1), np.array([most]), np.array([capacity])
        capacity = float(falling_root(lambda tried, _, newton=newton: excess(tried, newton), *ends)[0][0])  # type: ignore[misc]
        shadow, quantity = market.filled(capacity)
        if abs(probability @ shadow - cost) <= 100 * _slack(market, cost):
            break
    return capacity, shadow, quantity
