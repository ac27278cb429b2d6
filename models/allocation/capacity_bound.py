"""More capacity than any mechanism has a use for: an end of what may be chosen, which proofs of optimality need.

Whatever the mechanism, no more is paid than units earn beyond what retailers have elsewhere: its profit is at most
E[sum_i R_i(Q_i, theta_i)] - sum_i E[r_i] - c K. With R^i(q), what the highest type earns, which is the most, and any price x

    sum_i R^i(Q_i) <= sum_i max_q (R^i(q) - x q) + x K,    as sum_i Q_i <= K.

Who buys no capacity pays everybody what the most demanding type earns elsewhere, and has -sum_i max r_i. So a capacity is beaten
by none at all, and is no optimum, where for some x < c

    (c - x) K > sum_i max_q (R^i(q) - x q) + sum_i (max r_i - E[r_i]).

The least K by several x is returned. It is far above what is worth having, but finite where more units always earn a little more.
"""

from __future__ import annotations

import math

import numpy as np

from veridical.data import AllocationCase

__all__ = ["capacity_bound"]

SHARES = np.linspace(0.0, 0.9, 10)  # of the way from what units earn at least to what they cost: prices that are tried


def capacity_bound(case: AllocationCase) -> float:
    """Return a capacity, units, beyond which none is an optimum of any mechanism with a `capacity_cost`; infinite if unknown.

    Of retailers with linear or power demand alone it is not asked for: there the programs are bounded as they stand.
    """
    cost = case.capacity_cost
    if not cost or all(group.revenue.separable for group in case.retailers):
        return math.inf
    floor = max((group.revenue.floor for group in case.retailers if group.capacity is None), default=0.0)
    elsewhere = 0.0
    for group in case.retailers:
        elsewhere += group.count * (float(group.reservations.max()) - float(group.probability @ group.reservations))
    bounds: list[float] = []
    for price in (floor + SHARES * (cost - floor)).tolist():
        earned = elsewhere
        for group in case.retailers:
            highest = float(group.theta[-1])
            units = min(float(group.revenue.quantity(price, highest)), group.most)
            worth = float(group.revenue.value(units, highest)) - price * units if math.isfinite(units) else math.inf
            earned += group.count * worth
        bounds.append(earned / (cost - price))
    return min(bounds)
