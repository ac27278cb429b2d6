"""What must hold of allocations, and capacity by hand."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from veridical.contracts.audit import audit
from veridical.contracts.coalitions import COALITIONS
from veridical.data.allocation import AllocationCase
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Allocation

Array = NDArray[np.float64]


def keeps_every_promise(own: Allocation) -> None:
    """Check what must hold of any optimum."""
    capacity, used = own.capacity, own.quantity.sum(axis=1)
    scale = max(1.0, own.chain_profit)
    assert (own.shadow_price >= 0).all()
    assert (own.quantity >= 0).all()
    assert (used <= capacity * (1 + 1e-12)).all()
    assert used[own.shadow_price > 1e-12] == pytest.approx(capacity, rel=1e-10)
    for each in own.reports:
        assert (np.diff(each.quantity, axis=1) >= -1e-9).all()  # more, the higher the own type
    # Nobody promises that retailers do not gain together: they may, by asking for less of what is scarce.
    worst = {name: finding.worst for name, finding in audit(own).properties.items() if name not in COALITIONS}
    assert max(worst.values()) <= 1e-8 * scale
    assert own.by_own_type().groupby("retailers")["profit"].first().to_numpy() == pytest.approx(0, abs=1e-12 * scale)
    assert own.bound == pytest.approx(own.earned, rel=1e-9, abs=1e-9)
    assert own.residual <= 1e-8
    interim = sum(part.count * part.probability @ paid for part, paid in zip(own.case.retailers, own.payments, strict=True))
    assert interim == pytest.approx(own.earned, rel=1e-9, abs=1e-9)
    assert own.probability @ own.dominant_payments.sum(axis=1) == pytest.approx(own.earned, rel=1e-9, abs=1e-9)
    assert own.supplier_profit <= own.chain_profit + 1e-9 * scale


def holds(solution: Solution, name: str) -> bool:
    """Return whether what a solution hands out has a property."""
    assert solution.audit is not None
    return bool(solution.audit.properties[name].holds)


def truthful(own: AllocationCase, x: Array, ex_post: bool) -> tuple[Array, float]:
    """Return the slack of IC, IR and capacity, and expected payments, of a mechanism for two retailers."""
    (first, second), capacity = own.retailers, own.capacity or 0.0
    m, n = len(first.theta), len(second.theta)
    quantity, paid = x[: 2 * m * n].reshape(2, m, n), x[2 * m * n :].reshape(2, m, n)
    found, total = [(capacity - quantity.sum(axis=0)).ravel()], 0.0
    for i, part in enumerate(own.retailers):
        q, p = (quantity[0], paid[0]) if i == 0 else (quantity[1].T, paid[1].T)
        weight = np.eye(p.shape[1]) if ex_post else own.retailers[1 - i].probability[:, None]
        gain = np.stack([(part.revenue.value(q, theta) - p) @ weight for theta in part.theta], axis=1)  # [report, type, case]
        truth = np.stack([gain[k, k] for k in range(len(gain))])
        found += [truth.ravel(), (truth[None] - gain).ravel()]
        total += float(part.probability @ p @ own.retailers[1 - i].probability)
    return np.concatenate(found), total


def best_capacity(types: Any, f: Any, n: int, cost: float, rent: bool = True) -> dict[str, float]:
    """Return the best capacity for linear demand and what it earns, over ordered profiles, by bisection in bisection.

    Units earn a retailer of type theta q (theta - q); the supplier gets q (v - q), with v the type less the rent of the next.
    """
    theta, f = np.asarray(types, dtype=float), np.asarray(f, dtype=float)
    above = 1 - np.cumsum(f)
    v = theta - above / f * np.append(np.diff(theta), 0.0) if rent else theta
    assert (np.diff(v) > 0).all()  # nothing is to be ironed
    profiles = np.array(list(itertools.product(range(len(theta)), repeat=n)))
    weight, worth = f[profiles].prod(axis=1), v[profiles]

    def shadow_price(capacity: float) -> Array:
        low, high = np.zeros(len(profiles)), np.full(len(profiles), theta[-1])
        for _ in range(60):
            middle = (low + high) / 2
            scarce = np.maximum(worth - middle[:, None], 0.0).sum(axis=1) / 2 > capacity
            low, high = np.where(scarce, middle, low), np.where(scarce, high, middle)
        return high

    capacity = float(brentq(lambda k: float(weight @ shadow_price(k)) - cost, 0.0, n * theta[-1] / 2, xtol=1e-12))
    units = np.maximum(worth - shadow_price(capacity)[:, None], 0.0) / 2
    chain = float(weight @ (units * (theta[profiles] - units)).sum(axis=1)) - cost * capacity
    supplier = float(weight @ (units * (worth - units)).sum(axis=1)) - cost * capacity
    return {"capacity": capacity, "chain": chain, "supplier": supplier}


def published_figures(types: Any, f: Any, n: int, cost: float) -> dict[str, float]:
    """Return penalty, supplier's share and ratio of capacities, in percent, as the published tables have them."""
    own, best = best_capacity(types, f, n, cost), best_capacity(types, f, n, cost, rent=False)
    return {
        "penalty": 100 * (1 - own["chain"] / best["chain"]),
        "share": 100 * own["supplier"] / own["chain"],
        "ratio": 100 * own["capacity"] / best["capacity"],
    }
