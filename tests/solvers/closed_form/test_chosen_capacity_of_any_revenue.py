"""The capacity worth having where revenues are not separable: against the model, a plain search, and what must not matter."""

import time
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import veridical as vd
from support.allocation_cases import (
    EXPONENTIAL,
    FORMS,
    GAMMA,
    NORMAL,
    POWER,
    UNIFORM,
    case,
    form_name,
    group,
    newsvendor,
    random_groups,
)
from support.strategies import examples
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized
from veridical.solvers.closed_form.inverse import Inverse
from veridical.solvers.closed_form.newton import falling_root

OWN = vd.models.allocation.OwnRevenue(expression=lambda q, theta: 12 * theta * (1 - pyo.exp(-q / theta)))
STEEP = newsvendor("normal", sd=0.1)
COSTS = st.sampled_from([1e-3, 0.1, 1.1, 3.0, 9.0])


def chosen(*groups: dict[str, Any], cost: float = 1.1) -> Any:
    return capacity_choice(case(*groups, capacity_cost=cost))


@pytest.mark.parametrize("raw", [NORMAL, UNIFORM, EXPONENTIAL, GAMMA, POWER, OWN], ids=form_name)
def test_the_model_agrees(raw: Any) -> None:
    own = case(group([4, 6, 8], None, raw, count=2), capacity_cost=1.1)
    found, model = vd.solve(own, solver="closed_form"), vd.solve(own, solver="ipopt")
    assert found.objective == pytest.approx(model.objective, rel=1e-9)
    assert found.bound == pytest.approx(found.objective, rel=1e-12)


@examples(30)
@given(st.lists(random_groups([*FORMS, STEEP], 2), min_size=1, max_size=2), COSTS, st.booleans())
def test_no_other_capacity_earns_more(groups: list[dict[str, Any]], cost: float, rent: bool) -> None:
    own = case(*groups, capacity_cost=cost)
    found: Any = (capacity_choice if rent else centralized)(own)
    at: Any = allocation if rent else centralized
    assert found.bound == pytest.approx(found.earned, rel=1e-9, abs=1e-12)
    if found.capacity == 0:
        assert at(own, 1e-3).supplier_profit <= 1e-12
        return
    assert found.expected_shadow_price == pytest.approx(cost, rel=1e-9)
    searched: Any = minimize_scalar(
        lambda k: -at(own, float(k)).supplier_profit, bounds=(0, 2 * found.capacity), method="bounded", options={"maxiter": 12}
    )
    assert found.supplier_profit >= -searched.fun - 1e-12 * found.earned


@examples(20)
@given(random_groups([NORMAL, UNIFORM, EXPONENTIAL, GAMMA], 3), COSTS, st.sampled_from([1e-3, 7.0, 1e4]))
def test_units_of_money_and_goods_do_not_matter(part: dict[str, Any], cost: float, scale: float) -> None:
    found, revenue = chosen(part, cost=cost), part["revenue"]
    dearer = part | {"revenue": revenue | {"price": revenue["price"] * scale}}
    money = chosen(dearer, cost=cost * scale)
    assert money.capacity == pytest.approx(found.capacity, rel=1e-9)
    assert money.supplier_profit == pytest.approx(scale * found.supplier_profit, rel=1e-9, abs=1e-12 * scale)
    demand = revenue["demand"]
    wider = {"demand": demand | {"sd": demand["sd"] * scale}} if "sd" in demand else {}
    goods = chosen(part | {"types": [scale * theta for theta in part["types"]], "revenue": revenue | wider}, cost=cost)
    assert goods.capacity == pytest.approx(scale * found.capacity, rel=1e-9)
    assert goods.supplier_profit == pytest.approx(scale * found.supplier_profit, rel=1e-9, abs=1e-12 * scale)


@pytest.mark.parametrize("raw", [NORMAL, EXPONENTIAL, GAMMA, POWER], ids=form_name)
def test_groups_may_be_split_and_change_places(raw: dict[str, Any]) -> None:
    parts = [group([4, 5, 7], [0.5, 0.1, 0.4], raw, count=3), group([3, 6], None, UNIFORM, count=2)]
    found = chosen(*parts)
    turned = chosen(*reversed(parts))
    split = chosen(parts[0] | {"count": 1}, parts[1], parts[0] | {"count": 2})
    never = chosen(parts[0] | {"types": [4, 5, 6, 7], "probabilities": [0.5, 0.1, 0.0, 0.4]}, parts[1])
    for other in (turned, split, never):
        assert other.capacity == pytest.approx(found.capacity, rel=1e-10)
        assert other.supplier_profit == pytest.approx(found.supplier_profit, rel=1e-12)


def test_one_certain_type_gets_what_is_worth_its_cost() -> None:
    for raw in (NORMAL, UNIFORM, EXPONENTIAL, GAMMA):
        found = chosen(group([5], None, raw, count=3), cost=2.5)
        assert found.capacity == pytest.approx(3 * float(found.case.retailers[0].revenue.quantity(2.5, 5.0)), rel=1e-12)


def test_prices_that_fall_from_all_to_nothing_within_a_few_units_are_found() -> None:
    own = case(group([3000.0, 6000.0, 17000.0], None, STEEP, count=2), capacity_cost=5.0)
    found = capacity_choice(own)
    assert found.expected_shadow_price == pytest.approx(5.0, rel=1e-9)
    assert found.bound == pytest.approx(found.earned, rel=1e-12)
    assert (found.allotted <= found.capacity * (1 + 1e-12)).all()


def test_units_that_are_worth_alike_share_what_there_is() -> None:
    for capacity in (1e-6, 1e-3, 0.1):  # the first units of a narrow demand are sold for certain: virtual revenue is flat
        found = allocation(case(group([4, 5, 7], [0.7, 0.2, 0.1], STEEP, 2), group([4, 6], None, LINEARLY, 1), capacity=capacity))
        assert found.allotted == pytest.approx(np.full(len(found.allotted), capacity), rel=1e-12)
        assert found.bound == pytest.approx(found.earned, rel=1e-12)


LINEARLY: dict[str, Any] = {"form": "linear_demand"}


def test_inverses_are_what_they_say() -> None:
    revenue = case(group([4], None, GAMMA), capacity=1.0).retailers[0].revenue
    theta, following, rate = np.array([4.0, 5.0]), np.array([5.0, 7.0]), np.array([0.5, 0.1])
    inverse = Inverse(revenue, theta, following, rate)
    price = np.array([1e-30, 1e-3, 0.2, 5.0, 9.99, 11.0])
    units = inverse(price)
    worth = revenue.marginal(units, theta) * (1 + rate) - rate * revenue.marginal(units, following)
    assert worth[1:5] == pytest.approx(np.tile(price[1:5, None], 2), rel=1e-12)
    assert (np.diff(units, axis=0) < 0).all()
    assert units[-1].tolist() == [0, 0]


def test_roots_and_jumps_are_bracketed() -> None:
    def function(x: Any, place: Any) -> Any:
        values = np.stack([2.0 - x, np.exp(-x) - 1e-8, np.where(x < 0.3, 1.0, -1.0), 1.0 - x**5])
        slopes = np.stack([-np.ones(len(x)), -np.exp(-x), np.zeros(len(x)), -5 * x**4])
        return values[place, np.arange(len(x))], slopes[place, np.arange(len(x))]

    root, low, high = falling_root(function, np.zeros(4), np.full(4, 50.0), np.full(4, 10.0))
    assert root == pytest.approx([2.0, 8 * np.log(10), 0.3, 1.0], rel=1e-12)
    assert low[2] <= 0.3 <= high[2]
    assert high[2] - low[2] <= 1e-15


def test_a_root_at_the_end_of_its_bracket_is_found_at_once() -> None:
    looked = []

    def function(x: Any, place: Any) -> Any:
        looked.append(len(x))
        return np.stack([-1.0 - x, 9.0 - x])[place, np.arange(len(x))], np.full(len(x), -1.0)

    root, _, _ = falling_root(function, np.zeros(2), np.ones(2), np.full(2, 0.5))
    assert root.tolist() == [0.0, 1.0]
    assert len(looked) <= 2


def test_a_capacity_of_pooled_newsvendors_is_chosen_without_a_search() -> None:
    """Types that a pool's price leaves without a unit took 1,074 halvings each time: 25 s for this case."""
    gammas = group([0.5, 1.5, 2.0, 2.1, 2.6], [3 / 17, 3 / 17, 5 / 17, 4 / 17, 2 / 17], newsvendor("gamma", shape=20.0), 3)
    normals = group([0.1, 0.6, 1.6, 3.6, 4.6], [0.1, 0.1, 0.1, 0.4, 0.3], newsvendor("normal", sd=5.0), 3)
    started = time.process_time()
    found = chosen(gammas, normals, cost=3.0)
    assert time.process_time() - started <= 3  # 0.2 s
    assert found.bound == pytest.approx(found.earned, rel=1e-8)
