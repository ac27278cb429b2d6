"""Theorem 7: nobody has a better bid, found by trying bids; and what any bids are promised."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.allocation_cases import LINEAR, NORMAL, POWER, UNIFORM
from support.auctions import auction_cases, profits
from support.strategies import examples
from veridical.contracts.auction import Auction
from veridical.data import AllocationCase
from veridical.solvers.closed_form.auction import auction


def nobody_has_a_better_bid(own: Auction, i: int, grid: int) -> None:
    name = own.case.names[own.case.order[i]]
    types = own.optimum.case.retailers[own.case.order[i]].theta.tolist()
    table = [own.bid(name, theta) for theta in types]
    near = [bid * factor for bid in table for factor in (1 - 1e-6, 1 + 1e-6)]
    tried = [*table, *near, *np.linspace(0.0, 1.2 * table[-1] + 0.1, grid).tolist()]
    found = profits(own, i, tried, types)
    scale = max(1.0, own.expected_payments)
    for t in range(len(types)):
        assert max(expected[t] for expected in found) <= found[t][t] + 1e-9 * scale
    assert found[0][0] == pytest.approx(0, abs=1e-9 * scale)  # the lowest type is left with nothing
    assert min(found[t][t] for t in range(len(types))) >= -1e-9 * scale


def test_theorem_7_in_table_5(paper_auction: Auction) -> None:
    nobody_has_a_better_bid(paper_auction, 0, 400)
    nobody_has_a_better_bid(paper_auction, 1, 40)


@examples(80)
@given(auction_cases([LINEAR]), st.data())
def test_theorem_7(own: AllocationCase, data: st.DataObject) -> None:
    nobody_has_a_better_bid(auction(own), data.draw(st.integers(0, len(own.order) - 1)), 25)


@examples(20)
@given(auction_cases([LINEAR, POWER, NORMAL, UNIFORM], most_retailers=2, most_types=3), st.data())
def test_theorem_7_with_other_revenue(own: AllocationCase, data: st.DataObject) -> None:
    nobody_has_a_better_bid(auction(own), data.draw(st.integers(0, len(own.order) - 1)), 12)


def expected_payments(own: Auction) -> float:
    """Return the expected sum of what `clear` makes everybody pay, over all ordered profiles."""
    groups = [own.optimum.case.retailers[g] for g in own.case.order]
    names = [own.case.names[g] for g in own.case.order]
    total = 0.0
    for places in itertools.product(*(range(len(each.theta)) for each in groups)):
        chance = math.prod(float(each.probability[k]) for each, k in zip(groups, places, strict=True))
        bids = [own.bid(name, float(each.theta[k])) for name, each, k in zip(names, groups, places, strict=True)]
        total += chance * float(own.clear(bids).payment.sum())
    return total


@examples(30)
@given(auction_cases([LINEAR]), st.sampled_from([None, 0.3, 1.5]))
def test_payments_are_the_suppliers_profit_and_what_capacity_costs(own: AllocationCase, cost: float | None) -> None:
    given_case = own if cost is None else own.changed(capacity=None, capacity_cost=cost)
    held = auction(given_case)
    earned = held.optimum.supplier_profit + (cost or 0.0) * held.capacity  # virtual revenue: no payment is in it
    assert expected_payments(held) == pytest.approx(earned, rel=1e-9, abs=1e-9)
    assert held.expected_payments == pytest.approx(earned, rel=1e-9, abs=1e-9)
    assert held.to_dict()["supplier_profit"] == pytest.approx(earned - (cost or 0.0) * held.capacity, rel=1e-12, abs=1e-12)


def keeps_its_promises(own: Auction, bids: list[float | None]) -> None:
    cleared = own.clear(bids)
    assert (cleared.units >= 0).all()
    assert cleared.units.sum() <= own.capacity * (1 + 1e-12)
    assert cleared.capacity_left == pytest.approx(own.capacity - cleared.units.sum(), abs=1e-9 * own.capacity)
    assert cleared.shadow_price * cleared.capacity_left <= 1e-9
    order = own.case.order
    for i, bid in enumerate(bids):
        if bid is None:
            assert (cleared.units[i], cleared.payment[i]) == (0, 0)
            continue
        assert cleared.payment[i] <= bid * (1 + 1e-11)
        alone = own.clear([bid if j == i else None for j in range(len(bids))])
        assert alone.payment[i] == cleared.payment[i]  # whatever the others bid
        assert alone.units[i] >= cleared.units[i] * (1 - 1e-9)
        for raised in (bid * 1.05, bid + 0.3, bid + 5):
            more = own.clear([raised if j == i else each for j, each in enumerate(bids)])
            assert more.units[i] >= cleared.units[i] * (1 - 1e-9)  # 1e-9: quantities are roots, where demand is not linear
            assert more.payment[i] >= cleared.payment[i]
            for j in range(len(bids)):
                assert j == i or more.units[j] <= cleared.units[j] * (1 + 1e-9)
        for j, other in enumerate(bids):
            if other == bid and order[j] == order[i]:
                assert cleared.units[j] == cleared.units[i]


def some_bids(own: AllocationCase) -> st.SearchStrategy[list[float | None]]:
    bid = st.none() | st.floats(0, 12) | st.sampled_from([0.0, 1.0, 3.0])
    return st.lists(bid, min_size=len(own.order), max_size=len(own.order))


@examples(40)
@given(auction_cases([LINEAR]), st.data())
def test_any_bids_keep_the_promises(own: AllocationCase, data: st.DataObject) -> None:
    keeps_its_promises(auction(own), data.draw(some_bids(own)))


@examples(20)
@given(auction_cases([POWER, NORMAL, UNIFORM], most_retailers=3, most_types=3), st.data())
def test_any_bids_keep_the_promises_with_other_revenue(own: AllocationCase, data: st.DataObject) -> None:
    keeps_its_promises(auction(own), data.draw(some_bids(own)))
