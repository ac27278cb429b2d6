"""What theory says of orders under rules of rationing, and capacity for a service."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from support.allocation_cases import CONCENTRATED, group
from support.ordering_games import RULES, gain, games, ordering_game, profiles_of, solved
from support.strategies import examples
from veridical.data.allocation import AllocationCase
from veridical.solvers.closed_form import allocation as optimum
from veridical.solvers.closed_form.fixed_price import Ordering, fixed_price, ordering, service_capacity

# --- what theory says ---


@examples(40)
@given(games(["uniform"], most=3))
def test_uniform_allocation_is_truthful(own: AllocationCase) -> None:
    truthful = ordering(own)
    assert truthful.regret <= 1e-13 * (1 + truthful.chain_profit)
    found = fixed_price(own, starts=1)  # no warning: whoever orders more gets no more, and the others' units are the same
    for wanted, placed in zip(truthful.truthful_orders, found.orders, strict=True):
        assert placed == pytest.approx(np.minimum(wanted, own.capacity or 0.0), rel=1e-12)
    assert found.by_type == pytest.approx(truthful.by_type, rel=1e-12)


@examples(60)
@given(games(["linear", "proportional"]))
def test_orders_are_not_below_the_truth_and_inflate_where_a_unit_is_missing(own: AllocationCase) -> None:
    """Units up to the truth are worth having, so that no type orders less, and more where he is served in part.

    Where he is served in full or not at all, a little more ordered brings nothing: linear rationing may leave a small order
    nothing, whatever it is raised to.
    """
    capacity = own.capacity or 0.0
    truthful, found = ordering(own), solved(own, starts=0)
    for placed, wanted, missing in zip(found.orders, truthful.truthful_orders, missed_in_part(found), strict=True):
        least = np.minimum(wanted, capacity)
        assert (placed >= least - 1e-5 * capacity).all()
        assert (placed > least + 1e-6 * capacity)[(missing > 1e-3 * capacity) & (least < 0.99 * capacity)].all()
    most = max(float(each[-1]) for each in truthful.truthful_orders)
    if truthful.quantity.sum(axis=1).max() < 0.999 * capacity:  # all are served: nobody has a reason
        assert truthful.regret < 1e-12
    elif most < 0.99 * capacity and any((missing > 1e-3 * capacity).any() for missing in missed_in_part(truthful)):
        assert truthful.regret > 1e-6
        assert truthful.regret == pytest.approx(gain(own, truthful.orders, capacity), rel=1e-2)


def missed_in_part(own: Ordering) -> list[NDArray[np.float64]]:
    """Return the units that each type expects to miss of what he wants, over profiles in which he gets some but not all."""
    wanted = np.minimum(np.concatenate(own.truthful_orders), own.capacity)
    short = wanted - own.by_type
    partly = (own.by_type > 1e-3 * own.capacity) & (short > 1e-3 * own.capacity) & (own.profiles.counts > 0)
    members = np.repeat(own.case.members, [len(each) for each in own.truthful_orders])
    often = np.concatenate([each.probability for each in own.case.retailers]) * members
    missing = own.probability @ (own.profiles.counts * partly * short) / often
    return np.split(missing, np.cumsum([len(each) for each in own.truthful_orders])[:-1])


def test_the_exponent_1_is_linear_rationing() -> None:
    groups = [group([3, 5, 8], [0.2, 0.5, 0.3], count=2), group([4, 7], [0.6, 0.4])]
    one = {"rule": "generalized_linear", "exponent": 1.0}
    straight = ordering_game(*groups, price=1.5, capacity=3.0)
    curved = ordering_game(*groups, price=1.5, capacity=3.0, rule=one)
    for orders in ([[0.5, 1.0, 3.0], [0.0, 2.0]], [[0.0, 0.0, 3.0], [3.0, 3.0]], [[0.0] * 3, [0.0] * 2]):
        same, other = ordering(straight, orders), ordering(curved, orders)
        assert other.by_type == pytest.approx(same.by_type, rel=1e-12, abs=1e-12)
        assert other.regret == pytest.approx(same.regret, rel=1e-9, abs=1e-12)
    pair = [group([4, 6], [0.4, 0.6], count=2)]
    found = solved(ordering_game(*pair, price=1.0, capacity=3.5, rule=one), starts=0)
    assert found.orders[0] == pytest.approx(solved(ordering_game(*pair, price=1.0, capacity=3.5), starts=0).orders[0], abs=1e-4)
    assert found.rule == "generalized_linear"


@pytest.mark.parametrize("exponent", [0.5, 1.7, 2.0])
def test_corollary_3_makes_of_truthful_orders_what_the_chain_wants(exponent: float) -> None:
    """Y = a (b + 1) q^b is theta - R_q: equal deductions from Y leave equal marginal revenues to all who get anything."""
    demand = {"form": "power_demand", "scale": 0.8, "exponent": exponent}
    own = ordering_game(group(range(4, 9), CONCENTRATED, demand, 4), price=1.0, capacity=1.0)
    wanted = np.asarray(own.retailers[0].revenue.quantity(1.0, own.retailers[0].theta))
    chain = optimum.centralized(own, 1.2 * wanted[-1])
    scarce = chain.shadow_price > 1.0  # where the chain's price is above w, truthful orders do not fit
    assert scarce.sum() > 60
    for terms, agrees in (({"rule": "generalized_linear", "exponent": exponent}, True), ({"rule": "linear"}, False)):
        found = ordering(own.changed(fixed_price={"wholesale_price": 1.0, **terms}), [wanted], chain.capacity)
        apart = np.abs(found.by_type - chain.by_type)[scarce].max() / wanted[-1]
        assert apart < 1e-9 if agrees else apart > 0.01


# --- capacity ---


@examples(60)
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
    own = ordering_game(group([3, 6], count=2), price=2.0, capacity_cost=0.5)
    assert service_capacity(own) == 2.5  # sums of orders 1, 2.5, 4 with 1/4, 1/2, 1/4: three quarters are asked for
    assert fixed_price(own).capacity == 2.5
    assert fixed_price(own, 5.0).orders[0] == pytest.approx([0.5, 2.0])  # enough: no reason to order more
    assert fixed_price(own, 5.0).supplier_profit == pytest.approx(2.0 * 2.5 - 0.5 * 5.0)
    assert ordering(own, capacity=1.5).orders[0].tolist() == [0.5, 1.5]  # the truth, up to K
    fixed = ordering_game(group([3, 6], count=2), price=2.0, capacity=5.0)
    assert fixed_price(fixed).capacity == 5.0
    assert fixed_price(fixed).supplier_profit == pytest.approx(2.0 * 2.5)


@pytest.mark.parametrize("terms", RULES, ids=lambda terms: "-".join(map(str, terms.values())))
def test_where_nothing_is_worth_its_price_nothing_is_ordered(terms: dict[str, Any]) -> None:
    dear = ordering_game(group([3, 6], count=2), price=9.0, rule=terms, capacity_cost=1.0)
    none = ordering_game(group([3, 6], count=2), price=2.0, rule=terms, capacity_cost=2.0)  # c >= w: nothing is built
    for own in (dear, none):
        found = fixed_price(own)
        assert found.capacity == 0
        assert found.orders[0].tolist() == [0, 0]
        assert (found.regret, found.supplier_profit, found.chain_profit) == (0, 0, 0)
        assert math.isnan(found.supplier_share)
