"""Continuous priors of retailers' types, and bad ones."""

from typing import Any

import numpy as np
import pytest

from support.allocation_cases import LINEAR, NORMAL, UNIFORM, case, form_name, group, prior_case
from support.allocation_judges import keeps_every_promise
from veridical.data import InputError
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized
from veridical.solvers.closed_form.continuous_types import at_types

EXPON = {"distribution": "expon", "loc": 4, "scale": 0.8}


def test_continuous_types_are_allocated_by_their_virtual_value() -> None:
    own = prior_case({"distribution": "uniform", "low": 4, "high": 8}, LINEAR, 2, capacity=2.0)
    theta = np.array([[8.0, 5.0], [7.0, 6.5], [4.0, 4.5], [8.0, 4.0]])  # virtual: 2 theta - 8
    shadow, quantity = at_types(own, theta, 2.0)
    assert shadow == pytest.approx([4, 3.5, 0, 4])
    assert quantity == pytest.approx(np.array([[2, 0], [1.25, 0.75], [0, 0.5], [2, 0]]), abs=1e-12)


@pytest.mark.parametrize("raw", [LINEAR, NORMAL], ids=form_name)
def test_a_finer_grid_earns_more_and_comes_close(raw: dict[str, Any]) -> None:
    own = prior_case({"distribution": "uniform", "low": 4, "high": 8}, raw, 2, capacity=3.0)
    earned = [allocation(own, points=points).earned for points in (3, 6, 12, 24)]
    assert (np.diff(earned) > 0).all()
    x = 4 + 4 * (np.polynomial.legendre.leggauss(40)[0] + 1) / 2
    w = np.polynomial.legendre.leggauss(40)[1] / 2
    pairs = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    quantity = at_types(own, pairs, 3.0)[1]
    revenue = own.retailers[0].revenue
    virtual = revenue.value(quantity, pairs) - revenue.by_type(quantity, pairs) * (8 - pairs)
    exact = float(np.multiply.outer(w, w).ravel() @ virtual.sum(axis=1))
    assert earned[-1] < exact
    assert exact - earned[-1] < 0.6 * (exact - earned[-2])  # the error halves with the step
    assert earned[-1] == pytest.approx(exact, rel=0.03)


def test_capacity_is_chosen_for_a_continuous_prior() -> None:
    own = prior_case(EXPON, UNIFORM, 2, capacity_cost=2.0)
    found = capacity_choice(own, points=12)
    assert not found.case.continuous
    assert found.expected_shadow_price == pytest.approx(2.0, rel=1e-9)
    assert found.capacity <= centralized(own, points=12).capacity
    keeps_every_promise(found)


def test_irregular_priors_are_refused_where_they_are_not_ironed() -> None:
    humps = {"distribution": "dweibull", "c": 2.5, "loc": 8, "scale": 1.5, "low": 4, "high": 12}
    own = prior_case(humps, LINEAR, 2, capacity=3.0)
    with pytest.raises(InputError, match=r"retailers\[0\]\.prior: got 'dweibull'; allowed: a regular prior .*case\.grid"):
        at_types(own, [[9.0, 10.0]], 3.0)
    ironed = allocation(own, points=24)
    assert ironed.ironed
    keeps_every_promise(ironed)


def test_bad_types_say_what_is_wrong() -> None:
    own = prior_case({"distribution": "uniform", "low": 4, "high": 8}, LINEAR, 2, capacity=3.0)
    with pytest.raises(InputError, match=r"types: got 9.0; allowed: types from 4.0 to 8.0 for retailers 1"):
        at_types(own, [[5.0, 9.0]], 3.0)
    with pytest.raises(InputError, match=r"types: got <shape \(2,\)>; allowed: shape \(rows, 2\)"):
        at_types(own, [5.0, 6.0], 3.0)
    with pytest.raises(InputError, match=r"capacity: got -1; allowed: a finite number >= 0"):
        at_types(own, [[5.0, 6.0]], -1)
    with pytest.raises(InputError, match=r"retailers\[0\]\.types: got \(4.0, 5.0\); allowed: a prior"):
        at_types(case(group([4, 5]), capacity=3), [[5.0]], 3.0)
