"""What one retailer's orders get against profiles of the others, whose types order alike: the rules of `allocation_rules`.

A rule takes own orders, shape (n,); what each type orders, shape (M,); how many of the others have which type, shape (rows, M);
and the capacity, units. It returns what the own orders get, units, shape (rows, n).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from veridical.data import FixedPrice

__all__ = ["Rule", "rule_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Rule = Callable[[Array, Array, Whole, float], Array]
NO_SIGN_CHANGE = -1  # scipy's


def rule_of(terms: FixedPrice) -> Rule:
    """Return the rule of a case's fixed_price."""
    if terms.exponent is not None:
        return partial(_generalized_linear, exponent=terms.exponent)
    return {"linear": _linear, "proportional": _proportional, "uniform": _uniform}[terms.rule]


def _linear(own: Array, orders: Array, others: Whole, capacity: float) -> Array:
    """Definition 1. The common deduction is the largest of (sum - K) / n over the own order and the n - 1 largest of the others.

    Where that is less than the deduction of all, since the own order gets nothing, it is not less than the own order.
    """
    number, total = _cumulated(-orders, others)
    deduction = np.tile(np.maximum(own - capacity, 0.0), (len(others), 1))
    for n, placed in zip(number.T[:, :, None], -total.T[:, :, None], strict=True):
        np.maximum(deduction, (placed + own - capacity) / (n + 1), out=deduction)
    allocated: Array = np.maximum(own - deduction, 0.0)
    return allocated


def _generalized_linear(own: Array, orders: Array, others: Whole, capacity: float, exponent: float) -> Array:
    """Definition 2 with Y(q) = q^exponent, in units of K, so that no power runs out of range; by roots, so 30 times as slow."""
    unit = capacity or 1.0
    powers, mine = (orders / unit) ** exponent, (own / unit) ** exponent

    def kept(power: Array, deduction: Array) -> Array:
        left: Array = np.maximum(power - deduction, 0.0) ** (1 / exponent)
        return left

    def excess(deduction: Array, row: Array, column: Array) -> Array:
        theirs = others[row.astype(int)] * kept(powers, deduction[..., None])
        over: Array = theirs.sum(axis=-1) + kept(mine[column.astype(int)], deduction) - 1
        return over

    allocated = np.tile(own, (len(others), 1))
    row, column = np.nonzero((others @ orders)[:, None] + own > capacity)
    if row.size:
        highest = np.maximum(np.where(others[row] > 0, powers, 0.0).max(axis=1, initial=0.0), mine[column])
        found = elementwise.find_root(excess, (np.zeros(row.size), highest), args=(row, column))
        deduction = np.where(found.status == NO_SIGN_CHANGE, 0.0, found.x)  # where orders exceed K by no more than rounding
        allocated[row, column] = unit * kept(mine[column], deduction)
    return allocated


def _proportional(own: Array, orders: Array, others: Whole, capacity: float) -> Array:
    """Definition 3: q, or K q / sum q where that is less."""
    total = (others @ orders)[:, None] + own
    allocated: Array = own * np.divide(capacity, total, out=np.ones(total.shape), where=total > capacity)
    return allocated


def _uniform(own: Array, orders: Array, others: Whole, capacity: float) -> Array:
    """The least of q and what is there for a retailer who orders without end: the largest share once small orders are met."""
    number, total = _cumulated(orders, others)
    members = others.sum(axis=1, keepdims=True) + 1
    level = np.maximum(((capacity - total) / (members - number)).max(axis=1, keepdims=True), capacity / members)
    allocated: Array = np.minimum(own, level)
    return allocated


def _cumulated(orders: Array, others: Whole) -> tuple[Array, Array]:
    """Return how many others order so little, or less, and how much in all, order by order, shape (rows, M) each."""
    ascending = np.argsort(orders)
    counts = others[:, ascending]
    return np.cumsum(counts, axis=1), np.cumsum(counts * orders[ascending], axis=1)
