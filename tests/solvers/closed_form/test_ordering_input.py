"""Orders with continuous priors and drawn profiles, and bad input."""

import math
from typing import Any

import numpy as np
import pytest

from support.allocation_cases import CONCENTRATED, LINEAR, group
from support.ordering_games import ordering_game, solved
from veridical.data import InputError, allocation
from veridical.data.allocation import AllocationCase
from veridical.data.fields import check
from veridical.solvers.closed_form import fixed_price as game
from veridical.solvers.closed_form.fixed_price import fixed_price, ordering, service_capacity

# --- continuous priors, drawn profiles ---


def test_a_continuous_prior_is_cut_into_cells() -> None:
    prior = {"distribution": "uniform", "low": 4, "high": 8}
    retailers = [{"count": 2, "prior": prior, "revenue": LINEAR}, group([5.0])]
    own = ordering_game(*retailers, price=2.0, capacity_cost=0.4)
    found = solved(own, points=4, starts=0)
    assert found.case.retailers[0].types == (4, 5, 6, 7)
    assert found.truthful_orders[0] == pytest.approx([1.0, 1.5, 2.0, 2.5])
    same = solved(own.grid(4), starts=0)
    assert found.orders[0].tolist() == same.orders[0].tolist()
    assert found.capacity == same.capacity == service_capacity(own, points=4) == service_capacity(own.grid(4))
    assert ordering(own, points=8).truthful_orders[0] == pytest.approx(np.arange(4, 8, 0.5) / 2 - 1)
    assert len(ordering(own).truthful_orders[0]) == 16
    fine = [solved(own, capacity=5.0, points=points, starts=0).chain_profit for points in (4, 8, 16)]
    assert np.diff(fine, n=2)[0] < 0 < np.diff(fine)[-1]  # a cell's type is its lower end: from below, ever more slowly


def test_drawn_profiles_are_seeded_and_come_with_their_error(monkeypatch: pytest.MonkeyPatch) -> None:
    scarce, own = (
        ordering_game(group(range(8, 18, 2), CONCENTRATED, count=4), price=2.0, capacity=capacity) for capacity in (16.0, 28.0)
    )
    exact, truth = solved(scarce, starts=0), ordering(own)
    assert exact.error == truth.error == 0
    for module in (allocation, game):
        monkeypatch.setattr(module, "ENUMERATED", 10)
    drawn = solved(scarce, starts=0, samples=1000, seed=3)
    assert drawn.profiles.sampled
    assert drawn.orders[0] == pytest.approx(exact.orders[0], rel=0.02)
    several = [ordering(own, samples=200, seed=seed) for seed in range(20)]
    spread = np.std([each.supplier_profit for each in several], ddof=1)
    assert np.mean([each.error for each in several]) == pytest.approx(spread, rel=0.4)  # 20 draws: within 16 %, by one sigma
    for each in several:
        assert abs(each.supplier_profit - truth.supplier_profit) < 4 * each.error
        paid = 4 * float(own.retailers[0].probability @ each.payments[0])
        assert paid == pytest.approx(truth.supplier_profit, abs=6 * each.error)  # by the others' profiles, drawn apart
    again = [ordering(own, samples=100, seed=seed).chain_profit for seed in (5, 5, 6)]
    assert again[0] == again[1] != again[2]
    assert ordering(own, samples=1).error == 0  # one row says nothing of it


def test_beyond_200_000_profiles_some_are_drawn() -> None:
    own = ordering_game(group(range(4, 9), CONCENTRATED, count=60), price=2.0, capacity=90.0)
    assert own.profile_count > 200_000
    found = solved(own, samples=50, starts=0)
    assert found.profiles.sampled
    assert found.by_type.shape == (50, 5)
    assert found.regret < 1e-8 * 9
    assert (found.orders[0] > found.truthful_orders[0] + 1).all()


# --- bad input: field, value and what is allowed ---


TERMS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"rule": "generalized_linear"},
        "exponent",
        "<nothing>",
        "missing required key: a finite number > 0, for the rule generalized_linear",
    ),
    ({"rule": "generalized_linear", "exponent": 0}, "exponent", "0", "a finite number > 0"),
    ({"rule": "generalized_linear", "exponent": -1}, "exponent", "-1", "a finite number > 0"),
    ({"rule": "generalized_linear", "exponent": math.inf}, "exponent", "inf", "a finite number > 0"),
    ({"rule": "generalized_linear", "exponent": "2"}, "exponent", "'2'", "a finite number > 0"),
    ({"rule": "linear", "exponent": 1}, "exponent", "1.0", "no exponent with the rule linear: generalized_linear alone"),
    ({"rule": "uniform", "exponent": 2}, "exponent", "2.0", "no exponent with the rule uniform: generalized_linear alone"),
    ({"rule": "generalised linear", "exponent": 2}, "rule", "'generalised linear'", "one of linear, proportional, uniform, gen"),
]


@pytest.mark.parametrize(("terms", "field", "value", "allowed"), TERMS)
def test_an_exponent_belongs_to_generalised_linear_rationing(terms: dict[str, Any], field: str, value: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        ordering_game(group([3, 6]), price=1.0, rule=terms, capacity=3.0)
    problem = next(each for each in caught.value.problems if each.field == f"fixed_price.{field}")
    assert problem.value == value
    assert allowed in problem.allowed


CALLS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"starts": -1}, "starts", "-1", "a whole number from 0 to 10,000,000: random orders from which to start"),
    ({"starts": 1.5}, "starts", "1.5", "a whole number from 0 to 10,000,000"),
    ({"starts": True}, "starts", "True", "a whole number from 0 to 10,000,000"),
    ({"capacity": -1.0}, "capacity", "-1.0", ">= 0"),
    ({"capacity": math.nan}, "capacity", "nan", ">= 0"),
    ({"capacity": math.inf}, "capacity", "inf", ">= 0"),
    ({"samples": 0}, "samples", "0", "a whole number from 1 to 10,000,000"),
    ({"points": 0}, "points", "0", "a whole number from 1 to 1,000,000: cells of each continuous prior"),
    ({"points": 2.0}, "points", "2.0", "a whole number from 1 to 1,000,000"),
]


@pytest.mark.parametrize(("arguments", "field", "value", "allowed"), CALLS)
def test_arguments_that_are_refused(arguments: dict[str, Any], field: str, value: str, allowed: str) -> None:
    prior = {"distribution": "uniform", "low": 4, "high": 8}
    own = ordering_game({"count": 2, "prior": prior, "revenue": LINEAR}, price=2.0, capacity=3.0, name="stores")
    with pytest.raises(InputError) as caught:
        fixed_price(own, **arguments)
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == (field, value)
    assert allowed in problem.allowed
    assert caught.value.file == "stores"


@pytest.mark.parametrize(
    "orders",
    [
        [[1.0, 2.0]],
        [[1.0, 2.0], [1.0]],
        [[1.0, 2.0], [1.0, 2.0, 3.0], [0.0]],
        [[1.0, 2.0], [1.0, 2.0, 3.5]],
        [[1.0, -0.1], [1.0, 2.0, 3.0]],
        [[1.0, math.nan], [1.0, 2.0, 3.0]],
        [["few", "many"], [1.0, 2.0, 3.0]],
        [1.0, 2.0],
        3.0,
    ],
)
def test_orders_that_are_refused(orders: Any) -> None:
    own = ordering_game(group([3, 6]), group([4, 5, 6]), price=1.0, capacity=3.0)
    with pytest.raises(
        InputError, match=r"orders: got .*; allowed: for each of the 2 groups one order a type, finite, from 0 to 3"
    ):
        ordering(own, orders)


def test_without_a_fixed_price_there_is_no_game() -> None:
    own = check(AllocationCase, {"retailers": [group([3, 6])], "capacity": 2.0})
    with pytest.raises(InputError, match=r"fixed_price: got <nothing>; allowed: a table with wholesale_price"):
        fixed_price(own)
    with pytest.raises(InputError, match=r"fixed_price: got <nothing>"):
        ordering(own)
    with pytest.raises(InputError, match=r"fixed_price: got <nothing>"):
        service_capacity(own.changed(capacity=None, capacity_cost=1.0))
    with pytest.raises(InputError, match=r"capacity_cost: got <nothing>; allowed: a capacity cost"):
        service_capacity(ordering_game(group([3, 6]), price=1.0, capacity=2.0))
