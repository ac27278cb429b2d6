"""Rules that ration orders: linear, generalised linear, proportional, uniform. Definitions 1 to 3 of the allocation paper.

`linear`, `generalized_linear`, `proportional` and `uniform` say what every retailer gets. There `orders` in units have the shape
(..., N), one place a retailer; `capacity` is a number, or one a row, shape (...). Orders that fit are met in full. They raise
InputError for orders or capacities that are no finite numbers >= 0.

`rule_of` gives what the fixed-price game needs: what one retailer's orders, shape (n,), get against profiles of the others. Equal
types order alike: a rule takes what each type orders, shape (M,), how many of the others have which type, shape (rows, M), and
the capacity, units; it returns units of the shape (rows, n).

Both rest on the same functions, which set the orders of one retailer against those of the others, cumulated in the order in which
the rule serves or cuts them. Where the orders of everybody are rationed at once, that one retailer is the one who orders most.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veridical.data import FixedPrice, InputError
from veridical.data.arrays import Array, Integers

__all__ = ["Rule", "generalized_linear", "linear", "proportional", "rule_of", "uniform"]

Rule = Callable[[Array, Array, Integers, float], Array]
NO_SIGN_CHANGE = -1  # scipy's


def linear(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return each order less a common deduction, shared among those who get anything; the others get 0. Definition 1.

    The paper's definition divides by n, the number served; the display of its Theorem 5 divides by the number of all retailers,
    which holds only where all are served.

    Examples
    --------
    >>> linear([1.0, 4.0, 7.0], 9.0).tolist()
    [0.0, 3.0, 6.0]
    """
    units, limit = _checked(orders, capacity)
    falling = -np.sort(-units, axis=-1)
    number, total = np.arange(1, units.shape[-1]), np.cumsum(falling[..., 1:], axis=-1)
    deduction = _deduction(falling[..., 0], number, np.moveaxis(total, -1, 0), limit)
    return np.maximum(units - np.maximum(deduction, 0.0)[..., None], 0.0)


def generalized_linear(
    orders: ArrayLike, capacity: ArrayLike, Y: Callable[[Array], Array], Y_inverse: Callable[[Array], Array]
) -> Array:
    """Return Q with Y(Q_i) = Y(q_i) - d for those who get anything, d being common; the others get 0. Definition 2.

    `Y` is increasing on q >= 0, and `Y_inverse` its inverse on [Y(0), infinity); both take and return arrays.
    """
    units, limit = _checked(orders, capacity)
    rows = units.reshape(-1, units.shape[-1])
    limits = np.broadcast_to(limit, units.shape[:-1]).ravel()
    start, transformed = Y(np.zeros(1)), Y(rows)

    def kept(level: Array, deduction: Array) -> Array:
        return Y_inverse(np.maximum(level - deduction, start))

    def excess(deduction: Array, row: Any) -> Array:
        row = row.astype(int)
        return np.asarray(kept(transformed[row], deduction[..., None]).sum(axis=-1) - limits[row], dtype=float)

    tight = np.flatnonzero(rows.sum(axis=1) > limits)
    deduction = np.zeros(len(rows))
    deduction[tight] = _root(excess, (transformed[tight] - start).max(axis=1), tight)
    allocated = np.where(deduction[:, None] > 0, kept(transformed, deduction[:, None]), rows)
    return np.reshape(allocated, units.shape)


def proportional(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return min(q_i, K q_i / sum q): the same share of every order. Definition 3.

    Examples
    --------
    >>> proportional([1.0, 4.0, 7.0], 6.0).tolist()
    [0.5, 2.0, 3.5]
    """
    units, limit = _checked(orders, capacity)
    return units * _share(units.sum(axis=-1), limit)[..., None]


def uniform(orders: ArrayLike, capacity: ArrayLike) -> Array:
    """Return min(q_i, level) with a common level at which capacity is used up. Cachon and Lariviere (1999b).

    Examples
    --------
    >>> uniform([1.0, 4.0, 7.0], 9.0).tolist()
    [1.0, 4.0, 4.0]
    """
    units, limit = _checked(orders, capacity)
    members = units.shape[-1]
    rising = np.sort(units, axis=-1)[..., :-1]
    level = _level(np.arange(1, members), np.cumsum(rising, axis=-1), np.array(members), limit)
    return np.minimum(units, level[..., None])


def rule_of(terms: FixedPrice) -> Rule:
    """Return the rule of a case's fixed_price, as the game asks it."""
    if terms.exponent is not None:
        return partial(_one_generalized_linear, exponent=terms.exponent)
    return {"linear": _one_linear, "proportional": _one_proportional, "uniform": _one_uniform}[terms.rule]


def _one_linear(order: Array, orders: Array, others: Integers, capacity: float) -> Array:
    number, total = _cumulated(-orders, others)
    deduction = _deduction(order, number.T[:, :, None], -total.T[:, :, None], capacity)
    return np.maximum(order - np.maximum(deduction, 0.0), 0.0)


def _one_generalized_linear(order: Array, orders: Array, others: Integers, capacity: float, exponent: float) -> Array:
    """Definition 2 with Y(q) = q^exponent, in units of K, so that no power runs out of range; by roots, so 30 times as slow."""
    unit = capacity or 1.0
    powers, order_powers = (orders / unit) ** exponent, (order / unit) ** exponent

    def kept(power: Array, deduction: Array) -> Array:
        return np.power(np.maximum(power - deduction, 0.0), 1 / exponent)

    def excess(deduction: Array, row: Array, column: Array) -> Array:
        by_others = others[row.astype(int)] * kept(powers, deduction[..., None])
        return np.asarray(by_others.sum(axis=-1) + kept(order_powers[column.astype(int)], deduction) - 1)

    allocated = np.tile(order, (len(others), 1))
    row, column = np.nonzero((others @ orders)[:, None] + order > capacity)
    highest = np.maximum(np.where(others[row] > 0, powers, 0.0).max(axis=1, initial=0.0), order_powers[column])
    allocated[row, column] = unit * kept(order_powers[column], _root(excess, highest, row, column))
    return allocated


def _one_proportional(order: Array, orders: Array, others: Integers, capacity: float) -> Array:
    return order * _share((others @ orders)[:, None] + order, np.asarray(capacity))


def _one_uniform(order: Array, orders: Array, others: Integers, capacity: float) -> Array:
    number, total = _cumulated(orders, others)
    level = _level(number, total, others.sum(axis=1) + 1, np.asarray(capacity))
    return np.minimum(order, level[:, None])


def _deduction(order: Array, number: Integers, total: Array, capacity: Array | float) -> Array:
    """Return the common deduction of linear rationing; Definition 1.

    For the n largest orders it would be (their sum - K) / n, and the right n is the one with the largest, since every n's is at
    most the d with sum (q_i - d)^+ = K. Of the others' largest orders there are `number` that sum to `total`, step by step along
    the first axis; with them stands the own order. Where these all come to less than the deduction of all, since the own order
    gets nothing, they do not come to less than the own order.
    """
    deduction: Array = np.asarray(order - capacity + np.zeros(number.shape[1:]))
    for n, placed in zip(number, total, strict=True):
        np.maximum(deduction, (placed + order - capacity) / (n + 1), out=deduction)
    return deduction


def _level(number: Integers, total: Array, members: Integers, capacity: Array) -> Array:
    """Return what a retailer who orders without end gets under the uniform rule: the largest share once small orders are met.

    Of the smallest orders there are `number` that sum to `total`, step by step along the last axis, of `members` in all.
    """
    shares = (capacity[..., None] - total) / (members[..., None] - number)
    return np.asarray(np.maximum(shares.max(axis=-1, initial=-np.inf), capacity / members))


def _share(total: Array, capacity: Array) -> Array:
    """Return the share of all orders that can be met: Definition 3."""
    shape = np.broadcast_shapes(capacity.shape, total.shape)
    return np.divide(capacity, total, out=np.ones(shape), where=total > capacity)


def _root(excess: Callable[..., Array], highest: Array, *places: Integers) -> Array:
    """Return the deductions, from 0 up to `highest`, at which orders exceed K by nothing; 0 where they do by rounding alone."""
    if not highest.size:
        return highest
    from scipy.optimize import elementwise  # a tenth of a second, and most cases have no need of it

    result = elementwise.find_root(excess, (np.zeros(highest.shape), highest), args=places)
    return np.where(result.status == NO_SIGN_CHANGE, 0.0, result.x)


def _cumulated(orders: Array, others: Integers) -> tuple[Integers, Array]:
    """Return how many others order so little, or less, and how much in all, order by order, shape (rows, M) each."""
    ascending = np.argsort(orders)
    counts = others[:, ascending]
    return np.cumsum(counts, axis=1), np.cumsum(counts * orders[ascending], axis=1)


def _checked(orders: ArrayLike, capacity: ArrayLike) -> tuple[Array, Array]:
    arrays = []
    for name, value in (("orders", orders), ("capacity", capacity)):
        array = np.asarray(value, dtype=float)
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise InputError.of(name, value, "finite numbers >= 0, units")
        arrays.append(array)
    if arrays[0].ndim == 0 or arrays[0].shape[-1] == 0:
        raise InputError.of("orders", orders, "at least one order: shape (..., N)")
    return arrays[0], arrays[1]
