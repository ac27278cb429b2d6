"""The least payments on a grid of money with which truth is best for a supplier, for orders that are given; in whole numbers.

With orders a[k] and payments p[k] at the k-th cost nobody gains by a misreport if p[k] - p[l] >= slope[k] (a[k] - a[l]) /
divisor, and nobody loses if p[k] >= (slope[k] a[k] + reserved[k]) / divisor. Payments are whole numbers, so right-hand sides
may be rounded up. Where orders fall in the cost it is enough to look at neighbours (sums of what is rounded up are no less than
what is rounded up of sums): the difference of two neighbouring payments is at least what the difference of orders costs the
cheaper, rounded up, and at most what it costs the dearer, rounded down. If there are such whole numbers for all neighbours, the
least payments are longest paths along the line of costs, from the dearest to the cheapest and back; they are the least for
every cost at the same time, and so the best under every prior.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veridical.data.arrays import Integers
from veridical.data.order_grid import OrderGrid

__all__ = ["cost_payments", "largest_gain", "least_payments", "smallest_rent", "width"]

SAFE = 2**62  # what 64 bits hold, with room for a sum


def width(grid: OrderGrid, most: int) -> Any:
    """Return the type of arrays of whole numbers for orders up to `most` steps: 64 bits, or Python's own where these overflow."""
    size = max(grid.slope) * (most + 1) + max(grid.reserved) + grid.divisor
    return np.int64 if 4 * size * len(grid.slope) < SAFE else object


def cost_payments(grid: OrderGrid, orders: Integers) -> Any:
    """Return the least payments that cover costs and what is earned elsewhere; shapes (costs, columns), in steps of money."""
    slope, reserved, orders = _numbers(grid, orders)
    return _up(slope * orders + reserved, grid.divisor)


def least_payments(grid: OrderGrid, orders: Integers) -> Any | None:
    """Return the least payments with which truth is best and nobody loses, None where there are none.

    `orders`: of shape (costs, columns), in steps; a column for every report of the others.
    """
    slope, _, steps = _numbers(grid, orders)
    fewer = steps[:-1] - steps[1:]
    least, most = _up(slope[:-1] * fewer, grid.divisor), slope[1:] * fewer // grid.divisor
    if (fewer < 0).any() or (least > most).any():
        return None
    paid = cost_payments(grid, orders)
    for k in reversed(range(len(fewer))):
        paid[k] = np.maximum(paid[k], paid[k + 1] + least[k])
    for k in range(len(fewer)):
        paid[k + 1] = np.maximum(paid[k + 1], paid[k] - most[k])
    return paid


def largest_gain(grid: OrderGrid, orders: Integers, paid: Any) -> int:
    """Return the most that any misreport gains, in `divisor`ths of a step of money; 0 where none gains."""
    slope, _, steps = _numbers(grid, orders)
    kept = [paid * grid.divisor - one * steps for one in slope[:, 0]]
    return max(int((some - some[k]).max()) for k, some in enumerate(kept))


def smallest_rent(grid: OrderGrid, orders: Integers, paid: Any) -> int:
    """Return the least that anybody truthful keeps beyond what he earns elsewhere, in `divisor`ths of a step of money."""
    slope, reserved, steps = _numbers(grid, orders)
    return int((paid * grid.divisor - slope * steps - reserved).min())


def _up(numbers: Any, divisor: int) -> Any:
    return -(-numbers // divisor)


def _numbers(grid: OrderGrid, orders: Integers) -> tuple[Any, Any, Any]:
    """Return slope and reserved, of shape (costs, 1), and orders, in numbers that are wide enough."""
    kind = width(grid, int(orders.max(initial=0)))
    slope, reserved = (np.array(some, dtype=kind).reshape(-1, 1) for some in (grid.slope, grid.reserved))
    return slope, reserved, orders.astype(kind)
