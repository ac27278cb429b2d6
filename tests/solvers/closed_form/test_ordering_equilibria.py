"""The game that the mechanism replaces: by enumeration of all orderings of types, and by hand."""

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from support.allocation_cases import POWER, group
from support.ordering_games import REVENUES, RULES, STEPS, gain, games, ordering_game, profiles_of, profits, rationed, solved
from support.strategies import examples
from veridical.data.allocation import AllocationCase
from veridical.data.errors import NotSolvedError
from veridical.solvers.closed_form.fixed_price import MultipleEquilibria, fixed_price, ordering


def steepest(own: AllocationCase) -> float:
    """Return the most by which profit changes with a unit: linear, proportional and uniform pass on no more than is ordered."""
    assert own.fixed_price is not None
    first = max(float(each.revenue.marginal(0.0, each.theta[-1])) for each in own.retailers)
    last = min(float(each.revenue.marginal(own.capacity or 0.0, each.theta[0])) for each in own.retailers)
    return max(first - own.fixed_price.wholesale_price, own.fixed_price.wholesale_price - last)


# --- what orders bring, and what a better one would ---


@examples(100)
@given(games(), st.data())
def test_regret_of_any_orders_is_that_of_brute_force(own: AllocationCase, data: st.DataObject) -> None:
    capacity = own.capacity or 0.0
    share = st.integers(0, 20).map(lambda x: x / 20 * capacity)
    orders = [np.array(data.draw(st.lists(share, min_size=len(each.theta), max_size=len(each.theta)))) for each in own.retailers]
    found, brute = ordering(own, orders), gain(own, orders, capacity)
    assert found.regret >= brute - 1e-12 * (1 + brute)
    assert found.regret <= brute + steepest(own) * capacity / STEPS / 2  # no order is further from one of the grid
    for g, each in enumerate(own.retailers):
        by_hand = [profits(own, orders, capacity, g, k, orders[g][[k]])[0] for k in range(len(each.theta))]
        assert found.retailer_profits[g] == pytest.approx(by_hand, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("terms", RULES, ids=lambda terms: "-".join(map(str, terms.values())))
def test_profits_by_enumeration_of_all_retailers(terms: dict[str, Any]) -> None:
    unlike = [group([3, 5, 8], [0.2, 0.5, 0.3], count=2), group([4, 7], [0.6, 0.4], POWER)]
    own = ordering_game(*unlike, price=1.5, rule=terms, capacity_cost=0.4)
    orders, capacity = [np.array([0.7, 2.0, 3.6]), np.array([1.1, 2.5])], 4.0
    found = ordering(own, orders, capacity)
    assert own.fixed_price is not None
    sold, revenue, units = 0.0, 0.0, [np.zeros(3), np.zeros(2)]
    for types, probability in profiles_of(own, own.order):
        got = rationed(own.fixed_price, [orders[g][k] for g, k in zip(own.order, types, strict=True)], capacity)
        sold += probability * got.sum()
        for g, k, q in zip(own.order, types, got, strict=True):
            each = own.retailers[g]
            units[g][k] += probability / each.probability[k] / each.count * q
            revenue += probability * float(each.revenue.value(q, each.theta[k]))
    assert found.supplier_profit == pytest.approx(1.5 * sold - 0.4 * capacity, rel=1e-12)
    assert found.chain_profit == pytest.approx(revenue - 0.4 * capacity, rel=1e-12)
    assert found.supplier_share == pytest.approx((1.5 * sold - 1.6) / (revenue - 1.6), rel=1e-12)
    for expected, shown, paid in zip(units, found.expected_units, found.payments, strict=True):
        assert shown == pytest.approx(expected, rel=1e-12)
        assert paid == pytest.approx(1.5 * expected, rel=1e-12)
    left = sum(n * f.probability @ each for n, f, each in zip(own.members, own.retailers, found.retailer_profits, strict=True))
    assert left == pytest.approx(found.chain_profit - found.supplier_profit, rel=1e-12)
    assert found.error == 0
    for row, types in zip(found.quantity, found.profiles.types(), strict=True):
        placed = [orders[g][k] for g, k in zip(own.order, types, strict=True)]
        assert row == pytest.approx(rationed(own.fixed_price, placed, capacity), abs=1e-12)


@examples(30)
@given(games())
def test_no_order_is_better_than_that_of_an_equilibrium(own: AllocationCase) -> None:
    capacity = own.capacity or 0.0
    for found in solved(own, starts=1).found:
        most = max(float(np.max(each, initial=0.0)) for each in found.retailer_profits)
        assert gain(own, found.orders, capacity) <= found.regret + 1e-12 * (1 + most)
        wanted = [np.asarray(each.revenue.quantity(found.wholesale_price, each.theta)) for each in own.retailers]
        best = max(
            float((each.revenue.value(q, each.theta) - found.wholesale_price * q).max())
            for each, q in zip(own.retailers, wanted, strict=True)
        )
        assert found.regret <= 1e-8 * best  # of the most that a type can earn
        assert all(((each >= 0) & (each <= capacity)).all() for each in found.orders)
        assert (found.quantity.sum(axis=1) <= capacity * (1 + 1e-12)).all()


@pytest.mark.parametrize("terms", RULES[3:], ids=["square", "root"])
def test_no_order_is_better_under_generalised_linear_rationing_either(terms: dict[str, Any]) -> None:
    own = ordering_game(group([4, 6], [0.4, 0.6], count=2), price=1.0, rule=terms, capacity=3.5)
    found = solved(own, starts=0)
    assert gain(own, found.orders, 3.5) <= found.regret + 1e-12
    assert found.regret < 1e-8 * 6.25
    assert found.orders[0][0] > 1.55  # 1.5, were it the truth


# --- by hand ---


@pytest.mark.parametrize("terms", RULES, ids=lambda terms: "-".join(map(str, terms.values())))
@pytest.mark.parametrize("revenue", REVENUES, ids=["linear", "power", "normal", "exponential"])
def test_one_retailer_orders_what_he_wants(revenue: dict[str, Any], terms: dict[str, Any]) -> None:
    own = ordering_game(group([2, 4, 8], revenue=revenue), price=1.5, rule=terms, capacity=3.0)
    found = fixed_price(own, starts=1)
    by_hand: dict[str, Callable[[float], float]] = {
        "linear_demand": lambda t: (t - 1.5) / 2,
        "power_demand": lambda t: ((t - 1.5) / (1.3 * 2.7)) ** (1 / 1.7),
        "normal": lambda t: stats.norm.ppf(1 - 0.15, t, 1.0),  # critical fractile
        "exponential": lambda t: stats.expon.ppf(1 - 0.15, scale=t),
    }
    wanted = by_hand[revenue.get("demand", {}).get("distribution", revenue["form"])]
    truth = np.array([wanted(t) for t in (2, 4, 8)])
    assert found.truthful_orders[0] == pytest.approx(truth, rel=1e-9)
    assert found.orders[0] == pytest.approx(np.minimum(truth, 3.0), rel=1e-9)
    assert found.expected_units[0] == pytest.approx(np.minimum(truth, 3.0), rel=1e-9)
    assert len(found.found) == 1


@pytest.mark.parametrize(
    ("terms", "order"), list(zip(RULES, [2, 4 / 3, 1, math.sqrt(8), (4**0.6 - 3**0.6 + 1) ** (1 / 0.6)], strict=True))
)
def test_two_retailers_who_know_each_other(terms: dict[str, Any], order: float) -> None:
    """The small one wants 1 and can have it; the large one wants 3.5 and gets the 3 that are left of 4, so he orders 4."""
    own = ordering_game(group([8]), group([3]), price=1.0, rule=terms, capacity=4.0)
    found = solved(own, starts=0)
    assert found.orders[1] == pytest.approx([order], rel=1e-5)
    assert found.quantity == pytest.approx(np.array([[3.0, 1.0]]), abs=1e-5)
    assert found.retailer_profits[0] == pytest.approx([3 * (8 - 3 - 1)], abs=1e-4)
    if terms["rule"] != "uniform":  # which gives the large one 3 for anything above
        assert found.orders[0] == pytest.approx([4.0], rel=1e-9)
    assert found.supplier_profit == pytest.approx(4.0, abs=1e-5)


def test_two_equilibria_by_hand() -> None:
    """Types 3 and 6 want 1 and 2.5 of K = 3; a 6 orders all of it, and x is what a 3 orders.

    Against a 6 a 3 gets x / 2. If two of them fit, he gets x against the other: f (2 - 2 x) + (1 - f) (2 - x) / 2 = 0, so that
    x = 10 / 7 with f = 1 / 4. If not, half of his last unit, as everywhere: f (2 - 3) / 2 + (1 - f) (2 - x) / 2 = 0, x = 5 / 3.
    """
    own = ordering_game(group([3, 6], [0.25, 0.75], count=2), price=1.0, capacity=3.0)
    with pytest.warns(
        MultipleEquilibria, match=r"^2 equilibria were found, with the supplier's profits 2\.99107, 3; the first is"
    ):
        found = fixed_price(own)
    assert [each.orders[0].tolist() for each in found.found] == [
        pytest.approx([10 / 7, 3], rel=1e-5),
        pytest.approx([5 / 3, 3], rel=1e-5),
    ]
    assert found.orders[0] == pytest.approx([10 / 7, 3], rel=1e-5)
    for each, sold in zip(found.found, ((2 * 10 / 7) / 16 + 3 * 15 / 16, 3.0), strict=True):
        assert each.supplier_profit == pytest.approx(sold, rel=1e-6)
        assert gain(own, each.orders, 3.0, steps=30_000) < 1e-8


def test_random_starts_find_what_others_do_not() -> None:
    own = ordering_game(group([8, 15], [0.55, 0.45], count=2), group([6], None, count=2), price=3.5, capacity=9.5)
    with pytest.warns(MultipleEquilibria, match="^2 equilibria were found"):
        few = fixed_price(own, starts=0)
    with pytest.warns(MultipleEquilibria, match="^3 equilibria were found"):
        more = fixed_price(own)
    assert (len(few.found), len(more.found)) == (2, 3)
    for reported in (few.orders, few.found[0].orders, more.found[0].orders):  # always the one that the truth leads to
        assert [each.tolist() for each in reported] == [each.tolist() for each in more.orders]
    for one, other in itertools.combinations(more.found, 2):
        assert np.abs(one.quantity - other.quantity).max() > 1e-3 * 9.5
    for each in more.found:
        assert gain(own, each.orders, 9.5) <= each.regret + 1e-12
    assert [each.supplier_profit for each in solved(own).found] == [each.supplier_profit for each in more.found]  # seeded


def test_no_equilibrium_is_an_error() -> None:
    """Two who are 8 or 15, and two who are known to be 6. What a 6 orders best jumps over what the other 6 orders."""
    own = ordering_game(group([8, 15], [0.5, 0.5], count=2), group([6], None, count=2), price=3.5, capacity=10.5)
    with pytest.raises(NotSolvedError, match="no start led to an equilibrium: of the orders that were reached") as caught:
        fixed_price(own, starts=1)
    assert caught.value.status == "no equilibrium"
    assert caught.value.exit_status == 3
    found = re.search(
        r"the best leave a type (\S+) to gain by another order, and 3\.31e-07 is allowed; there may be", str(caught.value)
    )
    assert found  # 1e-8 of the (15 - 3.5)^2 / 4 that a 15 earns with all that he wants
    assert 1e-3 < float(found[1]) < 1e-2  # the best that rounds of best responses come by, not the last or the first
    grid = np.linspace(0.0, 10.5, 8001)
    for theirs, placed, best in (([2.57705, 7.07541], 1.95, 2.056), ([2.58566, 7.09713], 1.975, 1.675)):
        orders = [np.array(theirs), np.array([placed])]
        for k in (0, 1):  # the others are at rest
            earned = profits(own, orders, 10.5, 0, k, np.append(grid, theirs[k]))
            assert earned.max() - earned[-1] < 1e-6
        earned = profits(own, orders, 10.5, 1, 0, np.append(grid, placed))
        assert grid[earned[:-1].argmax()] == pytest.approx(best, abs=2e-3)
        assert earned.max() - earned[-1] > 7e-3
