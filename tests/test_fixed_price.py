"""The game that the mechanism replaces: by enumeration of all orderings of types, by hand, and by what theory says of rules."""

import itertools
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from veridical.data import InputError, allocation
from veridical.data.allocation import AllocationCase, FixedPrice
from veridical.data.errors import NotSolvedError
from veridical.data.fields import check
from veridical.solvers.closed_form import allocation as optimum
from veridical.solvers.closed_form import fixed_price as game
from veridical.solvers.closed_form import rationing as rules
from veridical.solvers.closed_form.fixed_price import (
    Equilibrium,
    MultipleEquilibria,
    Ordering,
    fixed_price,
    ordering,
    service_capacity,
)

Array = NDArray[np.float64]
Groups = Sequence[dict[str, Any]]
LINEAR: dict[str, Any] = {"form": "linear_demand"}
POWER: dict[str, Any] = {"form": "power_demand", "scale": 1.3, "exponent": 1.7}
NORMAL: dict[str, Any] = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "normal", "sd": 1.0}}
EXPONENTIAL: dict[str, Any] = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "exponential"}}
FORMS = (LINEAR, POWER, NORMAL, EXPONENTIAL)
CONCENTRATED = [0.05, 0.25, 0.4, 0.25, 0.05]
RULES: list[dict[str, Any]] = [
    {"rule": "linear"},
    {"rule": "proportional"},
    {"rule": "uniform"},
    {"rule": "generalized_linear", "exponent": 2.0},
    {"rule": "generalized_linear", "exponent": 0.6},
]
STEPS = 4000  # of the grid of orders by which brute force looks for a better one


def group(types: Any, probabilities: Any = None, count: int = 1, revenue: Any = LINEAR) -> dict[str, Any]:
    f = [1 / len(types)] * len(types) if probabilities is None else list(probabilities)
    return {"count": count, "types": list(types), "probabilities": f, "revenue": revenue}


def case(*groups: dict[str, Any], price: float, rule: Any = "linear", **fields: Any) -> AllocationCase:
    terms = rule if isinstance(rule, dict) else {"rule": rule}
    return check(AllocationCase, {"retailers": list(groups), "fixed_price": {"wholesale_price": price, **terms}, **fields})


def rationed(terms: FixedPrice, orders: ArrayLike, capacity: float) -> Array:
    """Return what all retailers get, shape (..., N), by the rules on their own."""
    if terms.exponent is None:
        rule: Callable[[ArrayLike, ArrayLike], Array] = getattr(rules, terms.rule)
        return rule(orders, capacity)
    power = terms.exponent
    return rules.generalized_linear(orders, capacity, lambda q: q**power, lambda y: y ** (1 / power))


def profiles_of(own: AllocationCase, groups: Sequence[int]) -> list[tuple[tuple[int, ...], float]]:
    """Return every ordering of the types of retailers of those groups, one by one, with its probability."""
    sizes = [range(len(own.retailers[g].theta)) for g in groups]
    return [
        (types, math.prod(float(own.retailers[g].probability[k]) for g, k in zip(groups, types, strict=True)))
        for types in itertools.product(*sizes)
    ]


def profits(own: AllocationCase, orders: Sequence[Array], capacity: float, g: int, k: int, placed: Array) -> Array:
    """Return what type k of group g earns by each of the orders `placed` where all others order `orders`."""
    assert own.fixed_price is not None
    retailer, rest = own.retailers[g], list(own.order)
    rest.remove(g)
    earned = np.zeros(len(placed))
    for types, probability in profiles_of(own, rest):
        theirs = [np.full(len(placed), orders[h][t]) for h, t in zip(rest, types, strict=True)]
        got = rationed(own.fixed_price, np.column_stack([placed, *theirs]), capacity)[:, 0]
        earned += probability * (retailer.revenue.value(got, retailer.theta[k]) - own.fixed_price.wholesale_price * got)
    return earned


def gain(own: AllocationCase, orders: Sequence[Array], capacity: float, steps: int = STEPS) -> float:
    """Return the most that any type gains by an order of a fine grid of [0, K]."""
    grid, found = np.linspace(0.0, capacity, steps + 1), 0.0
    for g, retailer in enumerate(own.retailers):
        for k in range(len(retailer.theta)):
            earned = profits(own, orders, capacity, g, k, np.append(grid, orders[g][k]))
            found = max(found, float(earned.max() - earned[-1]))
    return found


def steepest(own: AllocationCase) -> float:
    """Return the most by which profit changes with a unit: linear, proportional and uniform pass on no more than is ordered."""
    assert own.fixed_price is not None
    first = max(float(each.revenue.marginal(0.0, each.theta[-1])) for each in own.retailers)
    last = min(float(each.revenue.marginal(own.capacity or 0.0, each.theta[0])) for each in own.retailers)
    return max(first - own.fixed_price.wholesale_price, own.fixed_price.wholesale_price - last)


def solved(own: AllocationCase, **arguments: Any) -> Equilibrium:
    """Return an equilibrium, whether it is the only one or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MultipleEquilibria)
        return fixed_price(own, **arguments)


@st.composite
def games(draw: st.DrawFn, kinds: Sequence[Any] = ("linear", "proportional", "uniform"), most: int = 2) -> AllocationCase:
    """Return games of one or two groups of up to `most` retailers; capacity from scarce to ample."""
    groups = []
    for members in draw(st.sampled_from([[most], [most, most], [1, most]])):
        types = np.cumsum(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))) + 1.0
        weights = draw(st.lists(st.integers(1, 9), min_size=len(types), max_size=len(types)))
        share = (np.array(weights) / sum(weights)).tolist()
        groups.append(group(types.tolist(), share, draw(st.sampled_from(range(members, 0, -1))), draw(st.sampled_from(FORMS))))
    price, rule = draw(st.integers(1, 8)) / 2, draw(st.sampled_from(list(kinds)))
    own = case(*groups, price=price, rule=rule, capacity=1.0)
    wanted = sum(
        n * float(each.revenue.quantity(price, each.theta[-1])) for n, each in zip(own.members, own.retailers, strict=True)
    )
    return own.changed(capacity=max(wanted, 0.5) * draw(st.sampled_from([0.6, 0.9, 1.1, 0.3, 0.1])))


# --- what orders bring, and what a better one would ---


@settings(max_examples=100, deadline=None, derandomize=True)
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
    unlike = [group([3, 5, 8], [0.2, 0.5, 0.3], 2), group([4, 7], [0.6, 0.4], 1, POWER)]
    own = case(*unlike, price=1.5, rule=terms, capacity_cost=0.4)
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


@settings(max_examples=30, deadline=None, derandomize=True)
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
    own = case(group([4, 6], [0.4, 0.6], 2), price=1.0, rule=terms, capacity=3.5)
    found = solved(own, starts=0)
    assert gain(own, found.orders, 3.5) <= found.regret + 1e-12
    assert found.regret < 1e-8 * 6.25
    assert found.orders[0][0] > 1.55  # 1.5, were it the truth


# --- by hand ---


@pytest.mark.parametrize("terms", RULES, ids=lambda terms: "-".join(map(str, terms.values())))
@pytest.mark.parametrize("revenue", FORMS, ids=["linear", "power", "normal", "exponential"])
def test_one_retailer_orders_what_he_wants(revenue: dict[str, Any], terms: dict[str, Any]) -> None:
    own = case(group([2, 4, 8], revenue=revenue), price=1.5, rule=terms, capacity=3.0)
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
    own = case(group([8]), group([3]), price=1.0, rule=terms, capacity=4.0)
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
    own = case(group([3, 6], [0.25, 0.75], 2), price=1.0, capacity=3.0)
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
    own = case(group([8, 15], [0.55, 0.45], 2), group([6], None, 2), price=3.5, capacity=9.5)
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
    own = case(group([8, 15], [0.5, 0.5], 2), group([6], None, 2), price=3.5, capacity=10.5)
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


# --- what theory says ---


@settings(max_examples=40, deadline=None, derandomize=True)
@given(games(["uniform"], most=3))
def test_uniform_allocation_is_truthful(own: AllocationCase) -> None:
    truthful = ordering(own)
    assert truthful.regret <= 1e-13 * (1 + truthful.chain_profit)
    found = fixed_price(own, starts=1)  # no warning: whoever orders more gets no more, and the others' units are the same
    for wanted, placed in zip(truthful.truthful_orders, found.orders, strict=True):
        assert placed == pytest.approx(np.minimum(wanted, own.capacity or 0.0), rel=1e-12)
    assert found.by_type == pytest.approx(truthful.by_type, rel=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(games(["linear", "proportional"]))
def test_orders_are_not_below_the_truth_and_inflate_where_a_unit_may_be_missing(own: AllocationCase) -> None:
    """Units up to the truth are worth having, so that no type orders less, and more where rationing might leave him short."""
    capacity = own.capacity or 0.0
    truthful, found = ordering(own), solved(own, starts=0)
    for g, each in enumerate(own.retailers):
        least = np.minimum(truthful.truthful_orders[g], capacity)
        assert (found.orders[g] >= least - 1e-5 * capacity).all()
        short = truthful.expected_units[g] < least - 1e-3 * capacity
        raised = found.orders[g] > least + 1e-6 * capacity
        assert raised[short & (least < 0.99 * capacity) & (found.expected_units[g] > 1e-3 * capacity)].all(), each
    most = max(float(each[-1]) for each in truthful.truthful_orders)
    if truthful.quantity.sum(axis=1).max() < 0.999 * capacity:  # all are served: nobody has a reason
        assert truthful.regret < 1e-12
    elif most < 0.99 * capacity and len(own.order) > 1 and any(short.any() for short in missing(truthful)):
        assert truthful.regret > 1e-6
        assert truthful.regret == pytest.approx(gain(own, truthful.orders, capacity), rel=1e-2)


def missing(own: Ordering) -> list[NDArray[np.bool_]]:
    """Return which types are left short of a thousandth of what they want, but not of everything."""
    pairs = zip(own.expected_units, own.truthful_orders, strict=True)
    return [(units < 0.999 * np.minimum(wanted, own.capacity)) & (units > 1e-3 * wanted) for units, wanted in pairs]


def test_the_exponent_1_is_linear_rationing() -> None:
    groups = [group([3, 5, 8], [0.2, 0.5, 0.3], 2), group([4, 7], [0.6, 0.4])]
    one = {"rule": "generalized_linear", "exponent": 1.0}
    straight = case(*groups, price=1.5, capacity=3.0)
    curved = case(*groups, price=1.5, capacity=3.0, rule=one)
    for orders in ([[0.5, 1.0, 3.0], [0.0, 2.0]], [[0.0, 0.0, 3.0], [3.0, 3.0]], [[0.0] * 3, [0.0] * 2]):
        same, other = ordering(straight, orders), ordering(curved, orders)
        assert other.by_type == pytest.approx(same.by_type, rel=1e-12, abs=1e-12)
        assert other.regret == pytest.approx(same.regret, rel=1e-9, abs=1e-12)
    pair = [group([4, 6], [0.4, 0.6], 2)]
    found = solved(case(*pair, price=1.0, capacity=3.5, rule=one), starts=0)
    assert found.orders[0] == pytest.approx(solved(case(*pair, price=1.0, capacity=3.5), starts=0).orders[0], abs=1e-4)
    assert found.rule == "generalized_linear"


@pytest.mark.parametrize("exponent", [0.5, 1.7, 2.0])
def test_corollary_3_makes_of_truthful_orders_what_the_chain_wants(exponent: float) -> None:
    """Y = a (b + 1) q^b is theta - R_q: equal deductions from Y leave equal marginal revenues to all who get anything."""
    demand = {"form": "power_demand", "scale": 0.8, "exponent": exponent}
    own = case(group(range(4, 9), CONCENTRATED, 4, demand), price=1.0, capacity=1.0)
    wanted = np.asarray(own.retailers[0].revenue.quantity(1.0, own.retailers[0].theta))
    chain = optimum.centralized(own, 1.2 * wanted[-1])
    scarce = chain.shadow_price > 1.0  # where the chain's price is above w, truthful orders do not fit
    assert scarce.sum() > 60
    for terms, agrees in (({"rule": "generalized_linear", "exponent": exponent}, True), ({"rule": "linear"}, False)):
        found = ordering(own.changed(fixed_price={"wholesale_price": 1.0, **terms}), [wanted], chain.capacity)
        apart = np.abs(found.by_type - chain.by_type)[scarce].max() / wanted[-1]
        assert apart < 1e-9 if agrees else apart > 0.01


# --- capacity ---


@settings(max_examples=60, deadline=None, derandomize=True)
@given(games(), st.sampled_from([0.05, 0.1, 0.25, 0.3, 0.5, 0.9, 1.0, 1.3]))
def test_service_capacity_by_enumeration(own: AllocationCase, ratio: float) -> None:
    assert own.fixed_price is not None
    price = own.fixed_price.wholesale_price
    own = own.changed(capacity=None, capacity_cost=ratio * price)
    found = service_capacity(own)
    wanted = [np.asarray(each.revenue.quantity(price, each.theta)) for each in own.retailers]
    sums = [(sum(wanted[g][k] for g, k in zip(own.order, t, strict=True)), f) for t, f in profiles_of(own, own.order)]
    if ratio >= 1:
        assert found == 0
        return
    assert sum(f for total, f in sums if total <= found + 1e-9) >= 1 - ratio - 1e-9
    lower = max((total for total, _ in sums if total < found - 1e-9), default=None)
    assert any(abs(total - found) < 1e-9 for total, _ in sums)
    if lower is not None:  # one less is not enough
        assert sum(f for total, f in sums if total <= lower + 1e-9) < 1 - ratio + 1e-9
    assert ordering(own).capacity == found


def test_capacity_is_the_one_given_or_the_case_s_or_the_one_for_the_service() -> None:
    own = case(group([3, 6], count=2), price=2.0, capacity_cost=0.5)
    assert service_capacity(own) == 2.5  # sums of orders 1, 2.5, 4 with 1/4, 1/2, 1/4: three quarters are asked for
    assert fixed_price(own).capacity == 2.5
    assert fixed_price(own, 5.0).orders[0] == pytest.approx([0.5, 2.0])  # enough: no reason to order more
    assert fixed_price(own, 5.0).supplier_profit == pytest.approx(2.0 * 2.5 - 0.5 * 5.0)
    assert ordering(own, capacity=1.5).orders[0].tolist() == [0.5, 1.5]  # the truth, up to K
    fixed = case(group([3, 6], count=2), price=2.0, capacity=5.0)
    assert fixed_price(fixed).capacity == 5.0
    assert fixed_price(fixed).supplier_profit == pytest.approx(2.0 * 2.5)


@pytest.mark.parametrize("terms", RULES, ids=lambda terms: "-".join(map(str, terms.values())))
def test_where_nothing_is_worth_its_price_nothing_is_ordered(terms: dict[str, Any]) -> None:
    dear = case(group([3, 6], count=2), price=9.0, rule=terms, capacity_cost=1.0)
    none = case(group([3, 6], count=2), price=2.0, rule=terms, capacity_cost=2.0)  # c >= w: nothing is built
    for own in (dear, none):
        found = fixed_price(own)
        assert found.capacity == 0
        assert found.orders[0].tolist() == [0, 0]
        assert (found.regret, found.supplier_profit, found.chain_profit) == (0, 0, 0)
        assert math.isnan(found.supplier_share)


# --- continuous priors, drawn profiles ---


def test_a_continuous_prior_is_cut_into_cells() -> None:
    prior = {"distribution": "uniform", "low": 4, "high": 8}
    retailers = [{"count": 2, "prior": prior, "revenue": LINEAR}, group([5.0])]
    own = case(*retailers, price=2.0, capacity_cost=0.4)
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
    scarce, own = (case(group(range(8, 18, 2), CONCENTRATED, 4), price=2.0, capacity=capacity) for capacity in (16.0, 28.0))
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
    own = case(group(range(4, 9), CONCENTRATED, 60), price=2.0, capacity=90.0)
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
        case(group([3, 6]), price=1.0, rule=terms, capacity=3.0)
    problem = next(each for each in caught.value.problems if each.field == f"fixed_price.{field}")
    assert problem.value == value
    assert allowed in problem.allowed


CALLS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"starts": -1}, "starts", "-1", "a whole number >= 0: random orders from which to start"),
    ({"starts": 1.5}, "starts", "1.5", "a whole number >= 0"),
    ({"starts": True}, "starts", "True", "a whole number >= 0"),
    ({"capacity": -1.0}, "capacity", "-1.0", ">= 0"),
    ({"capacity": math.nan}, "capacity", "nan", ">= 0"),
    ({"capacity": math.inf}, "capacity", "inf", ">= 0"),
    ({"samples": 0}, "samples", "0", "a whole number >= 1"),
    ({"points": 0}, "points", "0", "a whole number >= 1: cells of each continuous prior"),
    ({"points": 2.0}, "points", "2.0", "a whole number >= 1"),
]


@pytest.mark.parametrize(("arguments", "field", "value", "allowed"), CALLS)
def test_arguments_that_are_refused(arguments: dict[str, Any], field: str, value: str, allowed: str) -> None:
    prior = {"distribution": "uniform", "low": 4, "high": 8}
    own = case({"count": 2, "prior": prior, "revenue": LINEAR}, price=2.0, capacity=3.0, name="stores")
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
    own = case(group([3, 6]), group([4, 5, 6]), price=1.0, capacity=3.0)
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
        service_capacity(case(group([3, 6]), price=1.0, capacity=2.0))
