"""Shadow prices where a constraint is put in needlessly, and those that are not unique with the range that they have."""

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import EXPONENTIAL, case, group
from veridical.models.allocation.regularity import pooled

ROUTES: list[tuple[str | None, str]] = [(None, "highs"), (None, "ipopt"), (None, "closed_form"), ("allocation_kkt", "ipopt")]
# B's types 1 and 2 have virtual revenues of -0.5 q and -6 q at most: they get nothing, in whatever order those are.
NOTHING = case(group([6, 8], None, name="A"), group([1, 2, 10], [0.4, 0.3, 0.3], name="B"), capacity=1.0)
# Virtual marginal revenue 3 - 2q, -1 - 2q, 9 - 2q: types 4 and 5 are pooled, at 1.857 - 2q.
POOLED = case(group([4, 5, 9], [0.5, 0.2, 0.3], name="A"), capacity=0.5)


@pytest.mark.parametrize(("mechanism", "solver"), ROUTES)
def test_types_that_get_nothing_do_not_spoil_the_prices_of_others(mechanism: str | None, solver: str) -> None:
    """A alone is served against B's 1 and 2: with 6 a unit earns 6 - 2 - 2 K = 2 at the margin, with 8 it earns 8 - 2 K = 6."""
    solution = vd.solve(NOTHING, mechanism, solver)
    assert solution.contracts.shadow_price == pytest.approx([2, 2, 8, 6, 6, 8], abs=1e-6)
    assert solution.dual_ranges == {}
    assert solution.to_dict()["dual_ranges"] == {}


def test_only_types_that_may_be_pooled_are_kept_in_order() -> None:
    assert [pooled(part, NOTHING.capacity).tolist() for part in NOTHING.retailers] == [[False], [False, False]]
    assert pooled(POOLED.retailers[0], 0.5).tolist() == [True, False]
    assert not hasattr(vd.build(NOTHING, "allocation"), "monotonicity")
    assert [key[1:3] for key in vd.build(POOLED, "allocation").monotonicity] == [(4, 5)]
    # 5 - 2.5 x 4 = -5 pools with 4 - 2.33 to -1: nobody in the pool gets anything, but 4 alone would
    assert pooled(case(group([4, 5, 9], [0.3, 0.2, 0.5]), capacity=1.0).retailers[0], 1.0).tolist() == [True, False]


@pytest.mark.parametrize(("mechanism", "solver"), ROUTES)
def test_prices_that_several_multipliers_prove_have_a_range(mechanism: str | None, solver: str) -> None:
    """With the multiplier u of Q(4) <= Q(5) at Q = 1/2, lambda(4) = 2 - 2 u and lambda(5) = 5 u - 2, both >= 0: u is 0.4 to 1."""
    solution = vd.solve(POOLED, mechanism, solver)
    ranges = solution.dual_ranges["capacity"]
    assert ranges.index.tolist() == ["4", "5"]
    assert ranges.to_numpy() == pytest.approx(np.array([[0, 1.2], [0, 3]]), abs=1e-6)
    prices = solution.contracts.shadow_price
    assert prices[2] == pytest.approx(8, abs=1e-6)
    assert (prices[:2] >= ranges["low"] - 1e-6).all()
    assert (prices[:2] <= ranges["high"] + 1e-6).all()
    assert "The price of capacity (profile 4) is not unique: from 0 to 1.2." in solution.explain()
    (record, _) = solution.to_dict()["dual_ranges"]["capacity"]
    assert record == {"index": {"profile": "4"}, "low": pytest.approx(0), "high": pytest.approx(1.2)}


def test_the_ends_of_a_range_are_what_a_unit_less_and_one_more_earn() -> None:
    model, h = vd.build(POOLED, "allocation"), 1e-3
    best = vd.solvers.solve(model).objective
    ranges = vd.solve(POOLED).dual_ranges["capacity"]
    for profile in ("4", "5"):
        weight, body = pyo.value(model.probability[profile]), model.capacity[profile].body
        slopes = []
        for change in (h, -h):  # more capacity in this profile alone, then less
            model.capacity[profile].set_value((None, body, weight * (0.5 + change)))
            slopes.append((vd.solvers.solve(model).objective - best) / (change * weight))
        model.capacity[profile].set_value((None, body, weight * 0.5))
        assert slopes == pytest.approx([ranges["low"][profile], ranges["high"][profile]], abs=10 * h)  # revenue bends by 2 a unit


def test_where_everybody_is_kept_in_order_the_ranges_are_those_of_that_model() -> None:
    solution = vd.solve(NOTHING, solver="highs", monotonicity=True)
    ranges = solution.dual_ranges["capacity"]
    assert ranges.index.tolist() == ["A 6; B 1", "A 6; B 2", "A 8; B 1", "A 8; B 2"]
    assert ranges.to_numpy() == pytest.approx(np.array([[0, 2], [0, 2], [6, 8], [6, 8]]), abs=1e-6)


def sells_at_one(cost: float) -> Any:
    """Return retailers who sell at 10, and a supplier whose capacity costs as much as given."""
    return case(group([7.0, 8.4, 9.7], [0.43, 0.5, 0.07], EXPONENTIAL, 2), capacity_cost=cost)


def test_where_nothing_is_worth_buying_prices_begin_where_units_would_be_worth_it() -> None:
    own = sells_at_one(12.0)
    solution = vd.solve(own)
    ranges, likely = (
        solution.dual_ranges["capacity"],
        dict(zip(vd.build(own).PROFILES, solution.contracts.probability, strict=True)),
    )
    for profile, (low, high) in zip(ranges.index, ranges.to_numpy(), strict=True):
        assert low == pytest.approx(10, rel=1e-6)  # the first unit sells
        assert high == pytest.approx(10 + 2 / likely[profile], rel=1e-6)  # the mean is 12 at most, the others at 10


@pytest.mark.parametrize("mechanism", [None, "centralized"])
def test_capacity_that_costs_what_a_unit_sells_for_is_solved(mechanism: str | None) -> None:
    solution = vd.solve(sells_at_one(10.0), mechanism)
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(0, abs=1e-9)
    assert solution.dual_ranges == {}  # the mean is 10, and none is less


@pytest.mark.parametrize("cost", [2.0, 9.0, 9.9])
def test_newsvendors_whose_virtual_revenue_bends_back_far_out_have_a_proven_optimum(cost: float) -> None:
    solution = vd.solve(sells_at_one(cost), solver="ipopt")
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(vd.solve(sells_at_one(cost), solver="closed_form").objective, rel=1e-6)
