"""Which type a bid counts as, and what happens without bids."""

from typing import Any

import pytest
from hypothesis import given

from support.allocation_cases import LINEAR, NORMAL, POWER, case, group
from support.auctions import auction_cases
from support.strategies import examples
from veridical.contracts.auction import Auction
from veridical.data import AllocationCase
from veridical.solvers.closed_form.auction import auction


@examples(40)
@given(auction_cases([LINEAR, POWER]))
def test_the_inverse_finds_the_type_again(own: AllocationCase) -> None:
    held = auction(own)
    for name, part in zip(own.names, held.optimum.case.retailers, strict=True):
        bids = [held.bid(name, theta) for theta in part.theta.tolist()]
        assert bids == sorted(bids)
        for theta, bid in zip(part.theta.tolist(), bids, strict=True):
            counted = held.type_of(name, bid)
            assert counted is not None
            assert counted <= theta
            assert held.bid(name, counted) == bid
            assert counted == min(t for t, b in zip(part.theta.tolist(), bids, strict=True) if b == bid)
        assert held.type_of(name, 2 * bids[-1] + 1) == held.type_of(name, bids[-1])


def test_between_table_bids_the_lower_one_counts_and_is_paid(paper_auction: Auction) -> None:
    table = paper_auction.clear([4.9, 100]).table
    assert table["counts_as"].tolist() == [5, 8]
    assert table["payment"].tolist() == [paper_auction.bid(None, 5), paper_auction.bid(None, 8)]
    assert table["units"].tolist() == pytest.approx([0, 2.63], abs=1e-12)
    assert table["bid"].tolist() == [4.9, 100]
    between, above = "between table bids: counts as the lower", "above the highest table bid: counts as that"
    assert table["status"].tolist() == [between, above]
    assert paper_auction.clear([paper_auction.bid(None, 6), 0]).status == ("table bid", "table bid")


def test_a_bid_is_its_table_bid_but_for_rounding(paper_auction: Auction) -> None:
    bid = paper_auction.bid(None, 7)
    assert paper_auction.type_of(None, bid * (1 - 1e-15)) == 7
    assert paper_auction.clear([bid * (1 - 1e-15), bid * (1 + 1e-15)]).status == ("table bid", "table bid")
    assert paper_auction.type_of(None, bid * (1 - 1e-9)) == 6
    assert paper_auction.clear([bid * (1 + 1e-9), 0]).status[0] == "between table bids: counts as the lower"


def test_below_the_lowest_table_bid_nothing_is_got_or_paid() -> None:
    # virtual types 4 - 0.1 / 0.9 and 5 at capacity 1; low types share it, a low type gets nothing against a high one
    own = auction(case(group([4, 5], [0.9, 0.1], count=2), capacity=1))
    low = 35 / 9
    half, less = 0.5, (low - (low + 5 - 2) / 2) / 2
    bid = 0.9 * half * (4 - half) + 0.1 * less * (4 - less)
    assert own.bid(None, 4) == pytest.approx(bid, rel=1e-12)
    assert own.type_of(None, bid * 0.999) is None
    cleared = own.clear([bid * 0.999, bid])
    assert cleared.counts_as == (None, 4)
    assert cleared.units.tolist() == pytest.approx([0, 1], abs=1e-12)  # alone he would buy 35 / 18, and there is 1
    assert cleared.payment.tolist() == [0, own.bid(None, 4)]
    assert cleared.status == ("below the lowest table bid: gets nothing", "table bid")
    assert cleared.shadow_price == pytest.approx(low - 2, rel=1e-12)


def test_without_a_bid_capacity_goes_to_the_others(paper_auction: Auction) -> None:
    # alone, a 5 is worth 2 - 2 q and a 6 is worth 4 - 2 q: 1 and 2 units; a 7 wants 3 and an 8 wants 4 of the 2.63
    for theta, units in ((4, 0), (5, 1), (6, 2), (7, 2.63), (8, 2.63)):
        bid = paper_auction.bid(None, theta)
        for cleared in (
            paper_auction.clear([None, bid]),
            paper_auction.clear({"retailer 2": bid}),
            paper_auction.clear({"retailer 1": None} | {"retailer 2": bid}),
        ):
            assert cleared.units.tolist() == pytest.approx([0, units], abs=1e-12)
            assert cleared.payment.tolist() == [0, bid]
            assert cleared.status[0] == "no bid"
            assert cleared.capacity_left == pytest.approx(2.63 - units, abs=1e-12)
            assert cleared.shadow_price == pytest.approx({7: 0.74, 8: 2.74}.get(theta, 0), abs=1e-12)
    three = auction(case(group(range(4, 9), count=3), capacity=2.63))
    assert three.clear([three.bid(None, 6), None, three.bid(None, 8)]).units == pytest.approx([0.315, 0, 2.315], abs=1e-12)


@pytest.mark.parametrize("revenue", [LINEAR, NORMAL], ids=["linear", "newsvendor"])
def test_where_nobody_bids_all_capacity_stays(revenue: dict[str, Any]) -> None:
    cleared = auction(case(group([4, 5], revenue=revenue, count=2), group([3], revenue=revenue), capacity=2)).clear({})
    assert cleared.units.tolist() == cleared.payment.tolist() == [0, 0, 0]
    assert (cleared.capacity_left, cleared.shadow_price) == (2, 0)
    assert cleared.status == ("no bid",) * 3


def test_types_of_a_pool_bid_the_same_and_count_as_the_lowest() -> None:
    # virtual types 4 - .55 / .45 and 5 - .45 / .1 fall, so both are (4 - .45 * 6) / .55; nothing is scarce
    own = auction(case(group([4, 5, 6], [0.45, 0.1, 0.45], count=2), capacity=100))
    q = 1.3 / 0.55 / 2
    pool, high = q * (4 - q), 9 - 2 * q
    assert own.bids[0].tolist() == pytest.approx([pool, pool, high], rel=1e-12)
    assert own.bid(None, 4) == own.bid(None, 5)
    cleared = own.clear([own.bid(None, 5), own.bid(None, 4)])
    assert cleared.counts_as == (4, 4)
    assert cleared.units.tolist() == pytest.approx([q, q], rel=1e-12)
    assert own.table.loc[5].to_numpy().tolist() == own.table.loc[4].to_numpy().tolist()


def test_a_type_that_never_occurs_bids_as_the_one_below_it() -> None:
    own = auction(case(group([4, 5, 6], [0.5, 0, 0.5], count=2), capacity=2.63))
    assert own.bid(None, 5) == own.bid(None, 4)
    assert own.type_of(None, own.bid(None, 5)) == 4
    lowest = auction(case(group([4, 5, 6], [0, 0.5, 0.5], count=2), capacity=2.63))
    assert lowest.bid(None, 4) == 0  # nobody has it, and it gets nothing
    assert lowest.clear([0, lowest.bid(None, 6)]).units.tolist() == pytest.approx([0, 2.63], abs=1e-12)


def test_without_capacity_bids_are_nothing() -> None:
    own = auction(case(group([4, 5], count=2), capacity=1), 0.0)
    assert own.bids[0].tolist() == [0, 0]
    assert own.clear([3, 0]).units.tolist() == [0, 0]
    assert own.clear([3, 0]).payment.tolist() == [0, 0]
