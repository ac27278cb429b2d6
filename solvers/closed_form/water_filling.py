"""Water-filling: capacity is given out, profile by profile, where virtual marginal revenue is highest. (6)-(11)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np

from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.data.arrays import Array, Integers
from veridical.data.revenue import LinearDemand
from veridical.solvers.closed_form.market import Market, first_units
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue

__all__ = ["all_linear", "checked_capacity", "linear_pieces", "water_filling"]


def water_filling(groups: Sequence[VirtualRevenue], counts: Integers, capacity: float) -> tuple[Array, Array]:
    """Return shadow prices lambda, shape (rows,), currency per unit, and quantities by type, shape (rows, M), units.

    counts: how many retailers have which type, shape (rows, M), as in `TypeProfiles`. sum_k n_k Q_k <= K, with equality where
    lambda > 0; ironed virtual marginal revenue is lambda where Q_k > 0 and not above it where Q_k = 0. A type that nobody has
    in a profile has the quantity 0 there.

    Where all revenue is `linear_demand`, total demand at lambda is the largest of its linear pieces, one for each number of
    types served, so lambda is the largest of the pieces' own. Elsewhere see `Market`.
    """
    if not all_linear(groups):
        return Market(groups, counts).filled(capacity)
    shadow, quantity = _linear(groups, counts, capacity)
    return shadow, np.where(counts > 0, quantity, 0.0)


def all_linear(groups: Sequence[VirtualRevenue]) -> bool:
    """Return whether all revenue is `linear_demand`, of retailers who can take any units."""
    return all(type(group.revenue) is LinearDemand and group.most == np.inf for group in groups)


def linear_pieces(groups: Sequence[VirtualRevenue], counts: Integers) -> tuple[Array, Array]:
    """Return a and b of linear demand, shape (rows, types) each: shadow prices are the largest of 0 and a - b K over types."""
    marginal = first_units(groups)
    order = np.argsort(-marginal, kind="stable")
    order = order[np.isfinite(marginal[order])]
    served = np.cumsum(counts[:, order], axis=1)
    total = np.cumsum(counts[:, order] * marginal[order], axis=1)
    fewer = np.divide(1.0, served, out=np.zeros(total.shape), where=served > 0)
    return total * fewer, 2 * fewer


def _linear(groups: Sequence[VirtualRevenue], counts: Integers, capacity: float) -> tuple[Array, Array]:
    marginal = first_units(groups)
    level, fall = linear_pieces(groups, counts)
    shadow = (level - capacity * fall).max(axis=1, initial=0.0)  # 0 where capacity is left
    quantity = np.maximum(marginal - shadow[:, None], 0.0) / 2
    used = (counts * quantity).sum(axis=1)  # the capacity, but for what a difference of large numbers loses
    lost = (shadow > 0) & (used == 0)  # all of it: then the types served are as good as the best, which share the capacity
    there = np.where(counts[lost] > 0, marginal, -np.inf)
    quantity[lost] = there == there.max(axis=1, initial=-np.inf, keepdims=True)
    used = np.where(lost, (counts * quantity).sum(axis=1), used)
    return shadow, quantity * np.where(shadow > 0, capacity / np.where(used > 0, used, 1.0), 1.0)[:, None]


def checked_capacity(case: AllocationCase, capacity: object) -> float:
    """Return a capacity in units; raises InputError for what is no finite number >= 0."""
    if isinstance(capacity, bool) or not isinstance(capacity, Real) or not 0 <= float(capacity) < np.inf:
        raise InputError.of("capacity", capacity, "a finite number >= 0, units", case.name)
    return float(capacity)
