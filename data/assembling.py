"""How many of each product an assembler makes of given components: as many as bring her the most on average.

She plans before demand is known: components are put aside for products, and sales are expected from that. What y_p products
bring, S_p(y_p), is concave, so with quantities Q and a bill of materials A the plan is a small concave program in each profile:

    max sum_p S_p(y_p)  subject to  A y <= Q, y >= 0.

Each S_p is bounded from above by the least of its tangents, which makes a linear program, and tangents are added at its solution
until what the plan brings and the bound agree. Method: Kelley (1960), The cutting-plane method for solving convex programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp

from veridical.data.arrays import Array
from veridical.data.errors import NotSolvedError
from veridical.data.product import Sale

__all__ = ["assembled"]

GAP = 1e-11  # between plan and bound, relative to what all products could bring
ROUNDS = 60  # of tangents, far above those that are needed
BESIDE = 1e-9  # relative: where the tangents about a kink of a curve stand
FIRST = np.linspace(0.05, 0.95, 7)  # levels of demand's distribution where tangents stand first
COLUMNS = 20_000  # of a linear program: profiles are taken as many at a time


def assembled(sales: Sequence[Sale], bill: Array, quantity: Array, near: Array | None = None) -> Array:
    """Return the best plan, units of each product.

    Parameters
    ----------
    sales
        The products.
    bill
        Units of each component in each product, shape (components, products); each product has at least one.
    quantity
        Units of each component that there are, shape (components, profiles), >= 0.
    near
        A plan that may be the best, shape (products, profiles): looked at first, and proven or bettered.

    Returns
    -------
    ndarray
        Shape (products, profiles).

    Raises
    ------
    NotSolvedError
        Where plan and bound do not meet.

    Examples
    --------
    >>> from veridical.data import Product
    >>> demand = {"distribution": "uniform", "low": 0, "high": 100}
    >>> phone = Product(name="phone", price=10.0, demand=demand, units={"panel": 1})
    >>> watch = Product(name="watch", price=5.0, demand=demand, units={"panel": 1})
    >>> assembled([phone, watch], np.array([[1.0, 1.0]]), np.array([[30.0, 80.0]])).round(6).tolist()
    [[30.0, 60.0], [0.0, 20.0]]
    """
    quantity = np.maximum(np.asarray(quantity, dtype=float), 0.0)
    profiles, first, back = np.unique(quantity, axis=1, return_index=True, return_inverse=True)
    start = None if near is None else np.maximum(near[:, first], 0.0)
    plan = np.zeros((len(sales), len(first)))
    some = profiles.max(axis=0, initial=0.0) > 0
    step = max(1, COLUMNS // (len(sales) * (len(FIRST) + 4)))
    places = np.flatnonzero(some)
    for begin in range(0, len(places), step):
        at = places[begin : begin + step]
        plan[:, at] = _best(sales, bill, profiles[:, at], None if start is None else start[:, at])
    return np.asarray(plan[:, back.ravel()])


def _best(sales: Sequence[Sale], bill: Array, quantity: Array, near: Array | None) -> Array:
    """Return the best plan for profiles that are all looked at together."""
    each, given = np.broadcast_arrays(bill[:, :, None], quantity[:, None, :])
    most = np.divide(given, each, out=np.full(given.shape, np.inf), where=each > 0).min(axis=0)
    if near is None:
        points = np.stack([np.append(0.0, sale.demand.inverse_cdf(FIRST)) for sale in sales])
        points = np.broadcast_to(points[:, None, :], (*most.shape, points.shape[1]))
    else:
        points = _about(near)
    points = np.concatenate([np.zeros((*most.shape, 1)), np.minimum(points, most[..., None]), most[..., None]], axis=2)
    base = np.array([float(sale.revenue(0.0)) for sale in sales])
    scale: float = sum(float((sale.revenue(most[p]) - base[p]).max()) for p, sale in enumerate(sales))
    best: Array = np.zeros_like(most)
    value, open_ = np.full(most.shape[1], -np.inf), np.arange(most.shape[1])
    if scale <= 0:
        return best
    for _ in range(ROUNDS):
        points = np.sort(points, axis=2)
        plan, worth, bound = _by_tangents(sales, bill, quantity[:, open_], most[:, open_], points, scale)
        brought = sum((sale.revenue(plan[p]) for p, sale in enumerate(sales)), np.zeros(len(open_)))
        better = brought > value[open_]
        best[:, open_[better]], value[open_[better]] = plan[:, better], brought[better]
        left = bound - value[open_] > GAP * scale
        if not left.any():
            return best
        aims = np.stack([np.minimum(sale.best_units(worth[p]), most[p, open_]) for p, sale in enumerate(sales)])
        apart = np.abs(aims - plan) / 10
        around = np.stack([plan, aims, np.maximum(aims - apart, 0.0), np.minimum(aims + apart, most[:, open_])], axis=2)
        points = np.concatenate([points, around, _about(aims)], axis=2)[:, left]
        open_ = open_[left]
    raise NotSolvedError("the best plan of products could not be proven: tangents and expected sales do not meet", "failed")


def _about(units: Array) -> Array:
    """Return units and what is just below and above them: where tangents stand, shape (..., 3)."""
    return np.asarray(units[..., None] * np.array([1 - BESIDE, 1.0, 1 + BESIDE]))


def _by_tangents(
    sales: Sequence[Sale], bill: Array, quantity: Array, most: Array, points: Array, scale: float
) -> tuple[Array, Array, Array]:
    """Return the plan by tangents at points (products, profiles, tangents), what a product more is worth there, and the bound.

    Products between the points where two tangents meet are a variable each: those of the steepest are worth most.
    """
    count, profiles, tangents = points.shape
    slopes = np.stack([sale.worth(points[p]) for p, sale in enumerate(sales)])
    at_zero = np.stack([sale.revenue(points[p]) for p, sale in enumerate(sales)]) - slopes * points
    falls, rises = -np.diff(slopes, axis=2), np.diff(at_zero, axis=2)
    steep = falls > 1e-14 * np.abs(slopes[..., :-1])
    meet = np.where(steep, rises / np.where(steep, falls, 1.0), points[..., 1:])
    meet = np.minimum(np.clip(meet, points[..., :-1], points[..., 1:]), most[..., None])
    ends = np.concatenate([np.zeros((count, profiles, 1)), meet, most[..., None]], axis=2)
    widths = np.maximum(np.diff(ends, axis=2), 0.0)
    size = np.maximum(quantity.max(axis=0), np.finfo(float).tiny)  # units of each profile are measured by
    top = max(sale.first_sale for sale in sales)
    each = bill / bill.max(axis=1, keepdims=True)
    rows: Any = sp.kron(sp.eye_array(profiles), np.repeat(each, tangents, axis=1), format="csr")
    # columns: by profile, then product, then tangent
    cost = -(slopes / top).transpose(1, 0, 2).ravel()
    upper = (widths / size[:, None]).transpose(1, 0, 2).ravel()
    right = ((quantity / bill.max(axis=1, keepdims=True)) / size).T.ravel()
    options: Any = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    bounds: Any = np.column_stack([np.zeros_like(upper), upper])
    found: Any = scipy.optimize.linprog(cost, A_ub=rows, b_ub=right, bounds=bounds, method="highs-ds", options=options)
    if found.status != 0:
        raise NotSolvedError(f"the best plan of products could not be found: {found.message}", "failed")
    parts = found.x.reshape(profiles, count, tangents).transpose(1, 0, 2) * size[:, None]
    plan = np.clip(parts.sum(axis=2), 0.0, most)
    used = bill @ plan
    share = np.divide(quantity, used, out=np.ones_like(used), where=used > quantity).min(axis=0)
    prices = -np.asarray(found.ineqlin.marginals).reshape(profiles, len(bill)).T * top  # of what a row's largest product needs
    base = np.array([float(sale.revenue(0.0)) for sale in sales])
    bound = base.sum() + (slopes * parts).sum(axis=(0, 2))
    return plan * share, each.T @ np.maximum(prices, 0.0), bound
