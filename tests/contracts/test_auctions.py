"""The auction: the paper's Table 5, cases, tables and records."""

import itertools
import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from support.allocation_cases import LINEAR, case, group
from support.auctions import others_profiles, profits
from veridical.contracts.auction import Auction
from veridical.contracts.bids import Bids
from veridical.data import InputError
from veridical.solvers.closed_form.auction import auction

# --- Table 5 ---


PRINTED: list[list[float]] = [
    [0, 0, 0, 0, 0],
    [1, 1, 0.82, 0.32, 0],
    [2, 1.82, 1.32, 0.82, 0.32],
    [2.63, 2.32, 1.82, 1.32, 0.82],
    [2.63, 2.63, 2.32, 1.82, 1.315],
]
RIGHT, WRONG = [0, 2.577, 4.929, 6.975, 8.629], [0, 0.70, 3.05, 7.08, 12.29]


def gain(units: Any, bids: Any, theta: float, own: int, other: int) -> float:
    """Return what a type gains by bidding as type number `other` in place of `own`, units (own, other's type), all as likely."""
    profits = [np.mean([q * (theta - q) for q in units[k]]) - bids[k] for k in (own, other)]
    return float(profits[1] - profits[0])


def test_table_5(paper_auction: Auction) -> None:
    units = paper_auction.table.to_numpy()
    for found, printed in zip(units.ravel(), np.ravel(PRINTED), strict=True):
        digits = 3 if printed == 1.315 else 2
        assert math.floor(found * 10**digits + 0.5 + 1e-9) == round(printed * 10**digits)  # halves up
    assert [list(paper_auction.table.index.get_level_values("type")), list(paper_auction.table.columns)] == [[4, 5, 6, 7, 8]] * 2
    assert paper_auction.table.index.get_level_values("bid").tolist() == pytest.approx(RIGHT, abs=5e-4)
    assert [paper_auction.bid(None, theta) for theta in range(4, 9)] == paper_auction.bids[0].tolist()
    # by hand: a 5 gets 1, 1, .815, .315, 0 against 4..8, and a 4 nothing, so that no rent is taken off
    assert paper_auction.bid(None, 5) == pytest.approx((4 + 4 + 0.815 * 4.185 + 0.315 * 4.685) / 5, rel=1e-12)


def test_clearing_brings_what_the_table_posts(paper_auction: Auction) -> None:
    for (i, own), (j, other) in itertools.product(enumerate(paper_auction.bids[0]), repeat=2):
        cleared = paper_auction.clear([own, other])
        assert cleared.units == pytest.approx([paper_auction.table.iloc[i, j], paper_auction.table.iloc[j, i]], rel=1e-12)
        assert cleared.payment.tolist() == [own, other]


def test_the_printed_bids_are_not_truthful_and_the_right_ones_are(paper_auction: Auction) -> None:
    units = paper_auction.table.to_numpy()
    assert gain(PRINTED, WRONG, 8, 4, 2) == pytest.approx(5.03, abs=5e-3)
    assert gain(units, WRONG, 8, 4, 2) == pytest.approx(5.01, abs=5e-3)
    for own, other in itertools.product(range(5), repeat=2):
        assert gain(units, paper_auction.bids[0], 4.0 + own, own, other) <= 1e-12
    assert np.mean(WRONG) == pytest.approx(paper_auction.bids[0].mean(), abs=3e-3)
    assert paper_auction.expected_payments == pytest.approx(2 * paper_auction.bids[0].mean(), rel=1e-12)


def test_a_posted_bid_counts_as_the_type_it_is_posted_for(paper_auction: Auction) -> None:
    (bids,) = paper_auction.posted(3)
    assert bids.tolist() == [0, 2.578, 4.929, 6.976, 8.629]  # 2.57731, 4.92862, 6.97524, 8.628705, rounded up
    assert [paper_auction.type_of(None, bid) for bid in bids] == [4, 5, 6, 7, 8]
    assert paper_auction.type_of(None, 2.577) == 4  # rounded to nearest, it would count as less
    for bad in (-1, 13, 2.0, True, "2"):
        with pytest.raises(InputError, match=r"by hand: decimals: got .*a whole number from 0 to 12"):
            paper_auction.posted(bad)  # type: ignore[arg-type]
    close = auction(case(group([4, 4.001, 4.002]), capacity=3))  # bids 3.999999, 4.000001 and 4.000002
    assert close.bids[0].tolist() == pytest.approx([1.999 * 2.001, 1.999 * 2.001 + 2e-6, 1.999 * 2.001 + 3e-6], rel=1e-12)
    with pytest.raises(InputError, match=r"decimals: got 2; allowed: more decimals: rounded up to these, the bid of some type"):
        close.posted(2)
    assert [close.type_of(None, bid) for bid in close.posted(6)[0]] == [4, 4.001, 4.002]
    assert close.posted()[0].tolist() == close.posted(6)[0].tolist() == [3.999999, 4.000001, 4.000002]
    with pytest.raises(InputError, match=r"decimals: got 5"):
        close.posted(5)
    assert paper_auction.posted()[0].tolist() == [0, 2.58, 4.93, 6.98, 8.63]
    whole = auction(case(group([4, 5], [0.9, 0.1]), capacity=0.5))  # bids 0.5 * 3.5, and 0.5 * 4.5 - 0.5: the same
    assert whole.posted(2)[0].tolist() == [1.75, 1.75]


# --- cases ---


def test_the_capacity_is_the_one_worth_having_or_the_one_given() -> None:
    own = case(group(range(4, 9), count=2), capacity_cost=1.85)
    assert auction(own).capacity == pytest.approx(2.63, abs=1e-12)
    assert auction(own, 1.0).capacity == 1
    assert auction(case(group([4, 5]), capacity=3), 2.0).capacity == 2
    with pytest.raises(InputError, match=r"by hand: capacity: got -1; allowed: a finite number >= 0"):
        auction(own, -1)
    with pytest.raises(InputError, match=r"case: got <dict>; allowed: an AllocationCase"):
        auction({"kind": "allocation"})  # type: ignore[arg-type]


def test_a_continuous_type_bids_as_the_grid_type_below_it() -> None:
    raw = {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": LINEAR}
    own = auction(case(raw, capacity=2.63), points=8)
    assert own.optimum.case.retailers[0].theta.tolist() == pytest.approx(np.arange(4, 8, 0.5).tolist())
    types = np.linspace(4, 8, 41).tolist()
    bids = [own.bid(None, theta) for theta in types]
    assert bids[4] == own.bid(None, 4.0)  # type 4.4
    assert own.bid(None, 4.5) > bids[4]
    assert own.bid(None, 8) == own.bid(None, 7.5)
    tried = sorted({*bids, *np.linspace(0, 12, 60).tolist()})
    found = profits(own, 0, tried, types)
    for t, bid in enumerate(bids):
        assert max(expected[t] for expected in found) <= found[tried.index(bid)][t] + 1e-9
    with pytest.raises(InputError, match=r"by hand: theta: got 8.01; allowed: a type from 4 to 8 of retailers 1"):
        own.bid(None, 8.01)
    assert auction(case(raw, capacity=2.63)).table.shape == (16, 16)
    for low, high in zip(own.posted(2)[0][:-1], own.posted(2)[0][1:], strict=True):
        assert high >= low


def test_two_groups_have_bids_of_their_own() -> None:
    # capacity for everybody: each type gets what its virtual type wants, (8 - 7) / 2 and 7 / 2, (6 - 2) / 2 (2) and 3
    own = auction(case(group([4, 7], name="shop", count=2), group([4, 6], name="depot"), capacity=50))
    assert own.names == ("shop 1", "shop 2", "depot")
    shop, depot = (0.5 * 3.5, 3.5 * 3.5 - 0.5 * 3), (1 * 3, 3 * 3 - 1 * 2)
    assert [own.bid("shop", 4), own.bid("shop", 7)] == pytest.approx(shop, rel=1e-12)
    assert [own.bid("depot", 4), own.bid("depot", 6)] == pytest.approx(depot, rel=1e-12)
    assert own.type_of("shop", 2.0) == 4
    assert own.type_of("depot", 2.0) is None
    cleared = own.clear({"depot": 7, "shop 1": 1.75})
    assert cleared.units.tolist() == pytest.approx([0.5, 0, 3], rel=1e-12)
    assert cleared.payment.tolist() == pytest.approx([1.75, 0, 7], rel=1e-12)
    for found in (None, "shop 1", "depots"):
        with pytest.raises(InputError, match=r"by hand: group: got .*; allowed: one of shop, depot"):
            own.bid(found, 4)
    for theta in (5, True, "4", math.nan):
        with pytest.raises(InputError, match=r"by hand: theta: got .*; allowed: one of the types 4, 7 of shop"):
            own.bid("shop", theta)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="by hand: bid: got nan; allowed: a finite number >= 0, currency"):
        own.type_of("shop", math.nan)


def test_the_table_of_several_groups_has_what_a_bid_brings() -> None:
    raw = [group([4, 6, 7], [0.5, 0.2, 0.3], name="shop", count=2), group([3, 6], [0.25, 0.75], name="depot")]
    own = auction(case(*raw, capacity=2.0))
    assert own.table.index.names == ["retailers", "type"]
    for i, name in ((0, "shop"), (2, "depot")):
        for theta in own.table.loc[name].index:
            brought = [
                (chance, float(own.clear([*rest[:i], own.bid(name, theta), *rest[i:]]).units[i]))
                for chance, rest in others_profiles(own, i)
            ]
            row = own.table.loc[(name, theta)]
            assert row["bid"] == own.bid(name, theta)
            assert row["expected_units"] == pytest.approx(sum(chance * units for chance, units in brought), rel=1e-9)
            assert row["least_units"] == pytest.approx(min(units for _, units in brought), abs=1e-12)
            assert row["most_units"] == pytest.approx(max(units for _, units in brought), abs=1e-12)
    assert own.table["least_units"].lt(own.table["most_units"]).any()


def test_the_table_leaves_out_what_never_occurs() -> None:
    own = auction(case(group([4, 8], [0.0, 1.0], name="shop"), group([6], name="depot"), capacity=1.0))
    # 8 - 2 q = 6 - 2 (1 - q) at q = 1, and the depot gets nothing: a shop of type 4, that would leave it all, never occurs
    depot = own.table.xs(("depot", 6))
    assert [depot["least_units"], depot["most_units"]] == pytest.approx([0, 0], abs=1e-12)
    assert own.clear({"depot": 0}).units.tolist() == pytest.approx([0, 1], abs=1e-12)


def test_the_frame_lists_the_allocation_of_every_profile() -> None:
    raw = [group([4, 6], [0.5, 0.5], name="shop", count=2), group([3, 6], [0.25, 0.75], name="depot")]
    own = auction(case(*raw, capacity=2.0))
    columns = ["type shop 1", "type shop 2", "type depot", "probability", "units shop 1", "units shop 2", "units depot"]
    assert own.to_frame().columns.tolist() == [*columns, "shadow_price"]
    chances = {(4, 4, 3): 1 / 16, (4, 4, 6): 3 / 16, (4, 6, 3): 1 / 8, (4, 6, 6): 3 / 8, (6, 6, 3): 1 / 16, (6, 6, 6): 3 / 16}
    found = {tuple(row[:3]): row[3:] for row in own.to_frame().to_numpy().tolist()}
    assert {types: row[0] for types, row in found.items()} == pytest.approx(chances)
    for (one, two, three), (_, *units, shadow) in found.items():
        cleared = own.clear([own.bid("shop", one), own.bid("shop", two), own.bid("depot", three)])
        assert cleared.units.tolist() == pytest.approx(units, abs=1e-12)
        assert cleared.shadow_price == pytest.approx(shadow, abs=1e-12)


def test_a_crowd_is_drawn() -> None:
    own = auction(case(group(range(4, 9), count=60), capacity=20), samples=40, seed=3)
    assert own.to_dict()["sampled"] is True
    bids = own.bids[0]
    assert (np.diff(bids) > 0).any()
    cleared = own.clear(np.repeat(bids, 12))
    assert cleared.units.sum() == pytest.approx(20, rel=1e-12)
    assert cleared.payment.tolist() == np.repeat(bids, 12).tolist()


# --- records ---


def test_records_are_plain_json(paper_auction: Auction) -> None:
    record = json.loads(json.dumps(paper_auction.to_dict(), allow_nan=False))
    keys = "case capacity supplier_profit expected_payments sampled retailers groups allocation"
    assert list(record) == keys.split()
    assert record["retailers"] == ["retailer 1", "retailer 2"]
    (posted,) = record["groups"]
    assert list(posted) == ["name", "count", "types", "probabilities", "bids", "expected_units", "least_units", "most_units"]
    assert posted["bids"] == paper_auction.bids[0].tolist()
    assert posted["expected_units"] == pytest.approx(np.mean(PRINTED, axis=1).tolist(), abs=5e-3)
    assert posted["least_units"] == pytest.approx([0, 0, 0.315, 0.815, 1.315], abs=1e-12)
    assert posted["most_units"] == pytest.approx([0, 1, 2, 2.63, 2.63], abs=1e-12)
    assert len(record["allocation"]) == 15
    last = record["allocation"][-1]
    assert list(last) == ["types", "probability", "quantity", "shadow_price"]
    assert (last["types"], last["quantity"]) == ([8, 8], pytest.approx([1.315, 1.315]))
    assert last["probability"] == pytest.approx(0.04)
    assert last["shadow_price"] == pytest.approx(8 - 2 * 1.315)


def test_what_is_cleared_is_plain_json(paper_auction: Auction) -> None:
    noon = datetime(2026, 3, 31, 12, tzinfo=UTC)
    bids = Bids(paper_auction.names, (9, None), (noon, None), noon)
    cleared = paper_auction.clear(bids)
    record = json.loads(json.dumps(cleared.to_dict(), allow_nan=False))
    assert list(record) == ["case", "capacity", "capacity_left", "shadow_price", "total_payment", "deadline", "retailers"]
    keys = ["retailer", "bid", "counts_as", "units", "payment", "status", "received"]
    paid = paper_auction.bid(None, 8)
    first = ["retailer 1", 9, 8, 2.63, paid, "above the highest table bid: counts as that", "2026-03-31T12:00:00+00:00"]
    assert [list(row) for row in record["retailers"]] == [keys, keys]
    assert list(record["retailers"][0].values()) == first
    assert list(record["retailers"][1].values()) == ["retailer 2", None, None, 0, 0, "no bid", None]
    assert record["total_payment"] == pytest.approx(paid)
    assert record["deadline"] == "2026-03-31T12:00:00+00:00"
    assert record["capacity_left"] == 0
    table = cleared.table
    assert table.index.tolist() == ["retailer 1", "retailer 2"]
    assert table.columns.tolist() == ["bid", "counts_as", "units", "payment", "status"]
    assert table["bid"].isna().tolist() == table["counts_as"].isna().tolist() == [False, True]
