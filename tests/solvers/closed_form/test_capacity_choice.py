"""The capacity worth having, scarce and ample capacity, many retailers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from support.allocation_cases import (
    CONCENTRATED,
    EXPONENTIAL,
    FORMS,
    LINEAR,
    NORMAL,
    POWER,
    UNIFORM,
    allocation_cases,
    case,
    form_name,
    group,
)
from support.allocation_judges import keeps_every_promise
from support.strategies import examples
from veridical import example
from veridical.data import InputError
from veridical.data.allocation import AllocationCase
from veridical.data.type_profiles import sampled
from veridical.solvers.closed_form.allocation import allocation, capacity_choice, centralized, decentralization_penalty
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue
from veridical.solvers.closed_form.water_filling import water_filling


@pytest.mark.parametrize("raw", [LINEAR, POWER, UNIFORM, EXPONENTIAL], ids=form_name)
def test_the_chosen_capacity_is_where_profit_is_highest(raw: dict[str, Any]) -> None:
    own = case(group([4, 5, 7], [0.5, 0.1, 0.4], raw, count=2), capacity_cost=1.1)
    found, first_best = capacity_choice(own), centralized(own)
    assert found.expected_shadow_price == pytest.approx(1.1, rel=1e-10)
    assert first_best.expected_shadow_price == pytest.approx(1.1, rel=1e-10)
    assert found.capacity <= first_best.capacity  # Theorem 4
    ends = (0.5 * found.capacity, 1.3 * found.capacity)
    golden: Any = minimize_scalar(  # the paper's search
        lambda k: -allocation(own, float(k)).supplier_profit, bracket=ends, method="golden", options={"xtol": 1e-4}
    )
    assert found.capacity == pytest.approx(golden.x, rel=1e-3)  # of the search, ten times its last bracket
    assert found.supplier_profit >= -golden.fun - 1e-12
    assert found.supplier_profit == pytest.approx(found.earned - 1.1 * found.capacity)
    assert found.chain_profit <= first_best.chain_profit


@examples(40)
@given(allocation_cases([LINEAR, POWER]), st.floats(0.05, 6.0))
def test_less_capacity_is_worth_having_with_private_types(fixed: AllocationCase, cost: float) -> None:
    own = fixed.changed(capacity=None, capacity_cost=cost)
    found, first_best = capacity_choice(own), centralized(own)
    assert found.capacity <= first_best.capacity * (1 + 1e-9)
    assert found.chain_profit <= first_best.chain_profit + 1e-9
    if found.capacity > 0:
        assert found.expected_shadow_price == pytest.approx(cost, rel=1e-9)
        assert 0 <= decentralization_penalty(found, first_best) <= 1
        assert 0 <= found.supplier_share <= 1 + 1e-9


def test_free_capacity_is_bought_until_nobody_wants_more() -> None:
    own = case(group(range(4, 9), CONCENTRATED, count=3), capacity_cost=0)
    assert capacity_choice(own).capacity == 12.0  # three of the highest type, 8 / 2 each
    assert centralized(own).capacity == 12.0
    assert capacity_choice(own).expected_shadow_price == 0
    zero = case(group([4, 8, 9], [0.5, 0.5, 0.0], UNIFORM, 2), capacity_cost=0)
    assert capacity_choice(zero).capacity == pytest.approx(16)
    cheap = case(group(range(4, 9), CONCENTRATED, count=3), capacity_cost=1e-9)
    assert capacity_choice(cheap).capacity == pytest.approx(12.0, rel=1e-4)


def test_capacity_that_costs_more_than_it_earns_is_not_bought() -> None:
    for raw in (LINEAR, POWER):
        found = capacity_choice(case(group([1, 2], None, raw, 2), capacity_cost=2.5))
        assert (found.capacity, found.supplier_profit, found.chain_profit) == (0, 0, 0)
        assert (found.quantity == 0).all()
        assert np.isnan(found.supplier_share)
        assert np.isnan(decentralization_penalty(found, centralized(found.case)))
        keeps_every_promise(found)


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_no_capacity_has_the_price_of_the_first_unit(raw: dict[str, Any]) -> None:
    own = allocation(case(group([4, 6], [0.7, 0.3], raw, 2), capacity=1.0), 0.0)
    revenue = own.case.retailers[0].revenue
    low = float(revenue.marginal(0.0, 4.0) - 3 / 7 * (revenue.marginal(0.0, 6.0) - revenue.marginal(0.0, 4.0)))
    high = float(revenue.marginal(0.0, 6.0))
    assert own.shadow_price == pytest.approx([low, max(low, high), max(low, high)])
    assert (own.quantity == 0).all()


def test_one_retailer_gets_what_he_is_worth() -> None:
    for raw in FORMS:
        own = allocation(case(group([4, 6], [0.7, 0.3], raw), capacity=1.2))
        assert own.quantity[1, 0] == pytest.approx(1.2, rel=1e-12)
        keeps_every_promise(own)
    assert allocation(case(group([4], None, LINEAR), capacity=5.0)).quantity.tolist() == [[2.0]]
    plenty = allocation(case(group([4], None, NORMAL), capacity=1e3))  # tails end where floating point does
    assert plenty.quantity.tolist() == [[1e3]]
    assert plenty.shadow_price[0] < 1e-278


def test_full_information_equalises_marginal_revenue() -> None:
    for raw in FORMS:
        own = centralized(case(group([4, 5, 7], [0.5, 0.1, 0.4], raw, count=2), capacity=2.0))
        marginal = own.case.retailers[0].revenue.marginal(own.by_type, own.case.retailers[0].theta)
        price = np.broadcast_to(own.shadow_price[:, None], marginal.shape)
        assert marginal[own.by_type > 0] == pytest.approx(price[own.by_type > 0], rel=1e-9)
        assert (marginal <= price + 1e-9)[own.profiles.counts > 0].all()
        assert own.earned == pytest.approx(own.chain_profit)
        assert own.quantity.sum(axis=1) == pytest.approx(np.full(6, 2.0))


def test_two_ways_of_filling_agree() -> None:
    power = {"form": "power_demand", "scale": 1.0, "exponent": 1.0}
    for capacity in (0.4, 2.0, 5.0, 50.0):
        first = allocation(case(group([3, 4, 6], [0.5, 0.05, 0.45], LINEAR, 3), capacity=capacity))
        second = allocation(case(group([3, 4, 6], [0.5, 0.05, 0.45], power, 3), capacity=capacity))
        assert second.quantity == pytest.approx(first.quantity, rel=1e-10, abs=1e-12)
        assert second.shadow_price == pytest.approx(first.shadow_price, rel=1e-10, abs=1e-12)


def test_many_identical_retailers() -> None:
    own = allocation(case(group(range(4, 9), count=30), capacity=60.0))
    assert own.quantity.shape == (46_376, 30)
    keeps_every_promise(own)


def test_sampled_profiles_are_near_all_of_them_and_truthful() -> None:
    own = case(group([4, 5, 7], [0.5, 0.1, 0.4], count=40), capacity=60.0)
    exact = allocation(own)
    virtual = [VirtualRevenue.of(own.retailers[0])]
    few = sampled(own.members, [own.retailers[0].probability], 4000, 1)
    shadow, _ = water_filling(virtual, few.counts, 60.0)
    assert shadow.mean() == pytest.approx(exact.expected_shadow_price, abs=4 * shadow.std() / np.sqrt(4000))
    large = allocation(case(group(range(4, 10), count=60), capacity=90.0), samples=2000, seed=2)
    assert large.sampled
    assert 0 < large.error < 0.01 * large.earned
    other = allocation(large.case, samples=2000, seed=3)
    assert other.earned == pytest.approx(large.earned, abs=4 * np.hypot(large.error, other.error))
    assert large.audit.max_regret < 1e-9
    assert large.audit.properties["dominant_strategy_ic"].worst < 1e-9
    assert exact.error == 0


def test_a_shadow_price_that_is_next_to_nothing_takes_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    own = example("flat-panels").changed(capacity=200.0)
    virtual = [VirtualRevenue.of(retailers) for retailers in own.retailers]
    counts = allocation(own).profiles.counts
    steps, quantity = [], VirtualRevenue.quantity

    def counted(group: VirtualRevenue, shadow: Any) -> Any:
        steps.append(len(shadow))
        return quantity(group, shadow)

    monkeypatch.setattr(VirtualRevenue, "quantity", counted)
    shadow, units = water_filling(virtual, counts, 200.0)
    used = (counts * units).sum(axis=1)
    assert used[shadow > 0] == pytest.approx(200.0, rel=1e-12)
    assert (shadow > 0).any()
    assert len(steps) < 300  # for two groups; thousands where every step halves the price


def test_bad_capacities_say_what_is_wrong() -> None:
    fixed, chosen = case(group([4, 5]), capacity=1.0), case(group([4, 5]), capacity_cost=1.0)
    with pytest.raises(InputError, match=r"capacity: got <nothing>; allowed: a capacity in units"):
        allocation(chosen)
    with pytest.raises(InputError, match=r"capacity_cost: got <nothing>; allowed: a capacity cost"):
        capacity_choice(fixed)
    bad: Any
    for bad in (-1.0, np.nan, np.inf, "3", True):
        for function in (allocation, centralized):
            with pytest.raises(InputError, match=r"capacity: got .*; allowed: a finite number >= 0"):
                function(fixed, bad)
