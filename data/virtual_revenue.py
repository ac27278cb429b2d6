"""Virtual marginal revenue: what one more unit earns once the rent is taken off that it leaves to higher types. Eq. (6)."""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array, ArrayLike
from veridical.data.revenue import Revenue

__all__ = ["virtual_marginal_revenue", "virtual_marginal_revenue_at_rate"]


def virtual_marginal_revenue(revenue: Revenue, q: ArrayLike, theta: Array, following: Array, rate: Array) -> Array:
    """Return R_q(q, theta) - rate (R_q(q, following) - R_q(q, theta)), currency per unit; of finite types.

    Parameters
    ----------
    revenue : Revenue
        Whose marginal revenue R_q it is.
    q : array_like
        Units.
    theta, following : ndarray
        A type, and the next higher one; the highest is followed by itself.
    rate : ndarray
        (1 - F) / f of the type: the probability of all higher types relative to its own. Of types a..b in a pool `theta` is a,
        `following` b + 1, and the rate the probability of all types above b relative to that of the pool: the terms in between
        cancel.
    """
    return revenue.marginal(q, theta) - rate * revenue.marginal_gain(q, theta, following)


def virtual_marginal_revenue_at_rate(revenue: Revenue, q: ArrayLike, theta: Array, rate: Array) -> Array:
    """Return R_q - R_q_theta H, currency per unit, of continuous types; -inf where the inverse hazard rate H is infinite.

    Parameters
    ----------
    revenue : Revenue
        Whose marginal revenue R_q it is.
    q : array_like
        Units.
    theta, rate : ndarray
        Types, and their inverse hazard rates H.
    """
    with np.errstate(invalid="ignore"):
        virtual = revenue.marginal(q, theta) - revenue.marginal_by_type(q, theta) * rate
    return np.where(np.isfinite(rate), virtual, -np.inf)
