"""Ironing of virtual revenue against programs that know no virtual values."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from support.allocation_cases import EXPONENTIAL, FORMS, LINEAR, POWER, case, form_name, group, random_groups
from support.allocation_judges import truthful
from support.strategies import examples
from veridical.data.allocation import AllocationCase, RetailerGroup
from veridical.data.fields import check
from veridical.solvers.closed_form.allocation import Allocation, allocation
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue

Array = NDArray[np.float64]


def best_of_grid(earned: Array, weight: Array) -> tuple[float, list[int]]:
    """Return the most that non-decreasing places of a grid earn, shape (m, grid), by dynamic programming, and the places."""
    best = weight[0] * earned[0]
    choices = []
    for k in range(1, len(earned)):
        place = np.maximum.accumulate(np.where(best >= np.maximum.accumulate(best), np.arange(len(best)), 0))
        choices.append(place)
        best = best[place] + weight[k] * earned[k]
    places = [int(best.argmax())]
    for place in reversed(choices):
        places.insert(0, int(place[places[0]]))
    return float(best.max()), places


@examples(40)
@given(random_groups(FORMS, 1, most_types=5, least=1), st.floats(0.02, 0.9))
def test_ironing_is_exact_at_every_shadow_price(raw: dict[str, Any], level: float) -> None:
    own = check(RetailerGroup, raw)
    virtual = VirtualRevenue.of(own)
    price = level * float(own.revenue.marginal(0.0, own.theta[-1]))
    quantity = virtual.quantity([price])[0]
    f, theta = own.probability, own.theta
    above = np.append(np.cumsum(f[::-1])[::-1][1:], 0.0)

    def profit(q: Array) -> Array:  # (m, ...)
        each = [
            own.revenue.value(x, theta[k])
            - (above[k] / f[k] * (own.revenue.value(x, theta[k + 1]) - own.revenue.value(x, theta[k])) if above[k] > 0 else 0)
            - price * x
            for k, x in enumerate(q)
        ]
        return np.array(each)

    end = float(own.revenue.quantity(price, theta[-1])) * 1.01 + 1e-3
    grid = np.linspace(0.0, end, 4001)
    most, places = best_of_grid(profit(np.broadcast_to(grid, (len(f), 4001))), f)
    earned = float(f @ profit(quantity[:, None])[:, 0])
    assert earned >= most - 1e-11 * max(1.0, abs(most))  # nothing on the grid is better ...
    nearest = np.round(quantity / grid[1]).astype(int).clip(0, 4000)
    on_grid = float(f @ np.array([profit(np.broadcast_to(grid[place], (len(f), 1)))[k, 0] for k, place in enumerate(nearest)]))
    assert on_grid <= most + 1e-11 * max(1.0, abs(most))  # ... and the grid's best is next to it
    assert (np.diff(quantity) >= 0).all()
    if raw["revenue"] is LINEAR:  # others may be so flat at the top that the grid's best lies further away
        assert grid[places] == pytest.approx(quantity, abs=1.01 * grid[1])


PERVERSE = group([3, 7, 11], [0.8, 0.05, 0.15], EXPONENTIAL)


def test_pools_of_newsvendors_depend_on_the_shadow_price() -> None:
    virtual = VirtualRevenue.of(check(RetailerGroup, PERVERSE))
    quantity = virtual.quantity(np.array([0.5, 5.0]))
    assert [len(np.unique(row)) for row in quantity] == [2, 3]


def separable_program(own: AllocationCase) -> float:
    """Return the most that two retailers with revenue q (theta - v(q)) can pay: interim IC and IR, no virtual values.

    In T_k = P_k + E[Q v(Q)] utility is theta E[Q] - T, so all constraints are linear and the objective is concave.
    """
    (first, second), capacity = own.retailers, own.capacity or 0.0
    m, n = len(first.theta), len(second.theta)
    f = [first.probability, second.probability]

    def parts(x: Array) -> list[tuple[Array, Array]]:  # quantities [own, other], T
        return [(x[: m * n].reshape(m, n), x[2 * m * n :][:m]), (x[m * n : 2 * m * n].reshape(m, n).T, x[2 * m * n + m :])]

    def slack(x: Array) -> Array:
        found = [(capacity - parts(x)[0][0] - parts(x)[1][0].T).ravel()]
        for i, (q, paid) in enumerate(parts(x)):
            gain = np.outer(q @ f[1 - i], own.retailers[i].theta) - paid[:, None]  # [report, type]
            found += [np.diag(gain), (np.diag(gain) - gain).ravel()]
        return np.concatenate(found)

    def loss(x: Array) -> float:
        total = 0.0
        for i, (q, paid) in enumerate(parts(x)):
            lost = -own.retailers[i].revenue.value(q, 0.0)  # q v(q)
            total += float(f[i] @ (paid - lost @ f[1 - i]))
        return -total

    size = 2 * m * n + m + n
    matrix = np.stack([slack(unit) for unit in np.eye(size)], axis=1) - slack(np.zeros(size))[:, None]
    constraint: Any = {"type": "ineq", "fun": lambda x: matrix @ x + slack(np.zeros(size)), "jac": lambda x: matrix}
    start = np.concatenate([np.full(2 * m * n, capacity / 3), np.zeros(m + n)])
    bounds = [(0, None)] * (2 * m * n) + [(None, None)] * (m + n)
    search: Any = {"bounds": bounds, "method": "SLSQP", "options": {"maxiter": 500, "ftol": 1e-12}}
    result: Any = minimize(loss, start, constraints=[constraint], **search)
    assert result.success
    assert slack(result.x).min() > -1e-9
    return -float(result.fun)


IRREGULAR = [
    (LINEAR, [3, 4, 6], [0.5, 0.05, 0.45], [2, 5, 5.5], [0.2, 0.1, 0.7], 2.0),
    (LINEAR, [3, 4, 5, 8], [0.4, 0.1, 0.05, 0.45], [3, 4, 6], [0.6, 0.05, 0.35], 1.2),
    (LINEAR, [1, 2, 9], [0.1, 0.2, 0.7], [6, 7, 8], [0.6, 0.01, 0.39], 8.0),
    (POWER, [3, 4, 6], [0.5, 0.05, 0.45], [4, 5, 5.5], [0.6, 0.1, 0.3], 1.0),
    (POWER, [2, 4, 5], [0.7, 0.05, 0.25], [2, 5], [0.6, 0.4], 0.6),
]


@pytest.mark.parametrize("row", IRREGULAR, ids=lambda row: f"{form_name(row[0])}, K={row[-1]}")
def test_ironed_inverse_demand_is_what_the_direct_program_earns(row: Any) -> None:
    raw, types, f, others, g, capacity = row
    own = allocation(case(group(types, f, raw), group(others, g, raw), capacity=capacity))
    assert own.ironed
    assert own.interim_optimal
    assert own.earned == pytest.approx(separable_program(own.case), rel=1e-6)  # of SLSQP


def direct(own: Allocation, ex_post: bool) -> float:
    """Return the best mechanism that is found from the closed form's, truthful ex post or in expectation."""
    m, n = (len(part.theta) for part in own.case.retailers)
    cells = m * n
    quantity = own.quantity.T.reshape(2, m, n)
    paid = own.dominant_payments.T.reshape(2, m, n)
    start = np.concatenate([quantity.ravel(), paid.ravel()])
    assert truthful(own.case, start, ex_post)[0].min() > -1e-9
    constraint: Any = {"type": "ineq", "fun": lambda x: truthful(own.case, x, ex_post)[0]}
    bounds = [(0, None)] * (2 * cells) + [(None, None)] * (2 * cells)
    search: Any = {"bounds": bounds, "method": "SLSQP", "options": {"maxiter": 300, "ftol": 1e-12}}

    def loss(x: Array) -> float:
        return -truthful(own.case, x, ex_post)[1]

    result: Any = minimize(loss, start, constraints=[constraint], **search)
    assert truthful(own.case, result.x, ex_post)[0].min() > -1e-9
    return -float(result.fun)


def test_pooled_newsvendors_are_optimal_ex_post_and_not_in_expectation() -> None:
    own = allocation(case(PERVERSE, group([1, 9], None, EXPONENTIAL), capacity=13.0))
    assert own.ironed
    assert not own.interim_optimal
    assert direct(own, ex_post=True) == pytest.approx(own.earned, rel=1e-8)
    assert direct(own, ex_post=False) > own.earned * (1 + 2e-4)
