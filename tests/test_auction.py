"""The auction against the paper's Table 5, hand computation, and best responses found by trying bids (Theorem 7)."""

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.contracts.auction import Auction
from veridical.contracts.bids import Bids, read_bids
from veridical.data import AllocationCase, InputError
from veridical.data.fields import check
from veridical.solvers.closed_form.auction import auction

LINEAR: dict[str, Any] = {"form": "linear_demand"}
POWER: dict[str, Any] = {"form": "power_demand", "scale": 1.3, "exponent": 1.7}
NEWS: dict[str, Any] = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "normal", "sd": 1.0}}
UNIFORM: dict[str, Any] = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "uniform"}}


def group(types: Any, probabilities: Any = None, revenue: Any = LINEAR, count: int = 1, **named: str) -> dict[str, Any]:
    f = [1 / len(types)] * len(types) if probabilities is None else list(probabilities)
    return {"count": count, "types": list(types), "probabilities": f, "revenue": revenue, **named}


def case(*groups: dict[str, Any], **fields: Any) -> AllocationCase:
    return check(AllocationCase, {"name": "by hand", "retailers": list(groups), **fields})


@pytest.fixture(scope="module")
def paper() -> Auction:
    """Return the auction of Table 5."""
    return auction(case(group(range(4, 9), count=2), capacity=2.63))


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


def test_table_5(paper: Auction) -> None:
    units = paper.table.to_numpy()
    for found, printed in zip(units.ravel(), np.ravel(PRINTED), strict=True):
        digits = 3 if printed == 1.315 else 2
        assert math.floor(found * 10**digits + 0.5 + 1e-9) == round(printed * 10**digits)  # halves up
    assert [list(paper.table.index.get_level_values("type")), list(paper.table.columns)] == [[4, 5, 6, 7, 8]] * 2
    assert paper.table.index.get_level_values("bid").tolist() == pytest.approx(RIGHT, abs=5e-4)
    assert [paper.bid(None, theta) for theta in range(4, 9)] == paper.bids[0].tolist()
    # by hand: a 5 gets 1, 1, .815, .315, 0 against 4..8, and a 4 nothing, so that no rent is taken off
    assert paper.bid(None, 5) == pytest.approx((4 + 4 + 0.815 * 4.185 + 0.315 * 4.685) / 5, rel=1e-12)


def test_clearing_brings_what_the_table_posts(paper: Auction) -> None:
    for (i, own), (j, other) in itertools.product(enumerate(paper.bids[0]), repeat=2):
        cleared = paper.clear([own, other])
        assert cleared.units == pytest.approx([paper.table.iloc[i, j], paper.table.iloc[j, i]], rel=1e-12)
        assert cleared.payment.tolist() == [own, other]


def test_the_printed_bids_are_not_truthful_and_the_right_ones_are(paper: Auction) -> None:
    units = paper.table.to_numpy()
    assert gain(PRINTED, WRONG, 8, 4, 2) == pytest.approx(5.03, abs=5e-3)
    assert gain(units, WRONG, 8, 4, 2) == pytest.approx(5.01, abs=5e-3)
    for own, other in itertools.product(range(5), repeat=2):
        assert gain(units, paper.bids[0], 4.0 + own, own, other) <= 1e-12
    assert np.mean(WRONG) == pytest.approx(paper.bids[0].mean(), abs=3e-3)
    assert paper.expected_payments == pytest.approx(2 * paper.bids[0].mean(), rel=1e-12)


def test_a_posted_bid_counts_as_the_type_it_is_posted_for(paper: Auction) -> None:
    (bids,) = paper.posted(3)
    assert bids.tolist() == [0, 2.578, 4.929, 6.976, 8.629]  # 2.57731, 4.92862, 6.97524, 8.628705, rounded up
    assert [paper.type_of(None, bid) for bid in bids] == [4, 5, 6, 7, 8]
    assert paper.type_of(None, 2.577) == 4  # rounded to nearest, it would count as less
    for bad in (-1, 13, 2.0, True, "2"):
        with pytest.raises(InputError, match=r"by hand: decimals: got .*a whole number from 0 to 12"):
            paper.posted(bad)  # type: ignore[arg-type]
    close = auction(case(group([4, 4.001, 4.002]), capacity=3))  # bids 3.999999, 4.000001 and 4.000002
    assert close.bids[0].tolist() == pytest.approx([1.999 * 2.001, 1.999 * 2.001 + 2e-6, 1.999 * 2.001 + 3e-6], rel=1e-12)
    with pytest.raises(InputError, match=r"decimals: got 2; allowed: more decimals: rounded up to these, the bid of some type"):
        close.posted(2)
    assert [close.type_of(None, bid) for bid in close.posted(6)[0]] == [4, 4.001, 4.002]
    assert close.posted()[0].tolist() == close.posted(6)[0].tolist() == [3.999999, 4.000001, 4.000002]
    with pytest.raises(InputError, match=r"decimals: got 5"):
        close.posted(5)
    assert paper.posted()[0].tolist() == [0, 2.58, 4.93, 6.98, 8.63]
    whole = auction(case(group([4, 5], [0.9, 0.1]), capacity=0.5))  # bids 0.5 * 3.5, and 0.5 * 4.5 - 0.5: the same
    assert whole.posted(2)[0].tolist() == [1.75, 1.75]


# --- Theorem 7: nobody has a better bid ---


def others_profiles(own: Auction, i: int) -> list[tuple[float, list[float]]]:
    """Return all ordered type profiles of everybody but retailer i: probability, and the bids of those types."""
    groups = [own.optimum.case.retailers[g] for j, g in enumerate(own.case.order) if j != i]
    names = [own.case.names[g] for j, g in enumerate(own.case.order) if j != i]
    found = []
    for places in itertools.product(*(range(len(each.theta)) for each in groups)):
        chance = math.prod(float(each.probability[k]) for each, k in zip(groups, places, strict=True))
        pairs = zip(names, groups, places, strict=True)
        found.append((chance, [own.bid(name, float(each.theta[k])) for name, each, k in pairs]))
    return found


def profits(own: Auction, i: int, bids: list[float], types: list[float]) -> list[list[float]]:
    """Return what retailer i expects, [bid][type], when the others bid P* of their types: a plain sum of what `clear` says."""
    revenue = own.case.retailers[own.case.order[i]].revenue
    others = others_profiles(own, i)
    found = []
    for bid in bids:
        expected = [0.0] * len(types)
        for chance, rest in others:
            cleared = own.clear([*rest[:i], bid, *rest[i:]])
            for t, theta in enumerate(types):
                expected[t] += chance * (float(revenue.value(cleared.units[i], theta)) - float(cleared.payment[i]))
        found.append(expected)
    return found


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


def test_theorem_7_in_table_5(paper: Auction) -> None:
    nobody_has_a_better_bid(paper, 0, 400)
    nobody_has_a_better_bid(paper, 1, 40)


def shares(count: int, least: int = 0) -> st.SearchStrategy[list[float]]:
    weights = st.lists(st.integers(least, 9), min_size=count, max_size=count).filter(any)
    return weights.map(lambda found: (np.array(found) / sum(found)).tolist())


@st.composite
def cases(draw: st.DrawFn, forms: Any, most_retailers: int = 4, most_types: int = 5, least: int = 0) -> AllocationCase:
    """Return cases of 2 to 4 retailers in 1 or 2 groups, of 2 to 5 types, whose capacity is scarce or not."""
    total = draw(st.integers(2, most_retailers))
    first = draw(st.integers(1, total))
    groups = []
    for count in filter(None, (first, total - first)):
        m = draw(st.integers(2, most_types if total < 4 else 3))
        types = np.cumsum(draw(st.lists(st.integers(1, 6), min_size=m, max_size=m))) / 2
        groups.append(group(types.tolist(), draw(shares(m, least)), draw(st.sampled_from(forms)), count))
    return case(*groups, capacity=draw(st.floats(0.2, 12.0)))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(cases([LINEAR]), st.data())
def test_theorem_7(own: AllocationCase, data: st.DataObject) -> None:
    nobody_has_a_better_bid(auction(own), data.draw(st.integers(0, len(own.order) - 1)), 25)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(cases([LINEAR, POWER, NEWS, UNIFORM], most_retailers=2, most_types=3), st.data())
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


@settings(max_examples=30, deadline=None, derandomize=True)
@given(cases([LINEAR]), st.sampled_from([None, 0.3, 1.5]))
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


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cases([LINEAR]), st.data())
def test_any_bids_keep_the_promises(own: AllocationCase, data: st.DataObject) -> None:
    keeps_its_promises(auction(own), data.draw(some_bids(own)))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(cases([POWER, NEWS, UNIFORM], most_retailers=3, most_types=3), st.data())
def test_any_bids_keep_the_promises_with_other_revenue(own: AllocationCase, data: st.DataObject) -> None:
    keeps_its_promises(auction(own), data.draw(some_bids(own)))


# --- which type a bid counts as ---


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cases([LINEAR, POWER]))
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


def test_between_table_bids_the_lower_one_counts_and_is_paid(paper: Auction) -> None:
    table = paper.clear([4.9, 100]).table
    assert table["counts_as"].tolist() == [5, 8]
    assert table["payment"].tolist() == [paper.bid(None, 5), paper.bid(None, 8)]
    assert table["units"].tolist() == pytest.approx([0, 2.63], abs=1e-12)
    assert table["bid"].tolist() == [4.9, 100]
    between, above = "between table bids: counts as the lower", "above the highest table bid: counts as that"
    assert table["status"].tolist() == [between, above]
    assert paper.clear([paper.bid(None, 6), 0]).status == ("table bid", "table bid")


def test_a_bid_is_its_table_bid_but_for_rounding(paper: Auction) -> None:
    bid = paper.bid(None, 7)
    assert paper.type_of(None, bid * (1 - 1e-15)) == 7
    assert paper.clear([bid * (1 - 1e-15), bid * (1 + 1e-15)]).status == ("table bid", "table bid")
    assert paper.type_of(None, bid * (1 - 1e-9)) == 6
    assert paper.clear([bid * (1 + 1e-9), 0]).status[0] == "between table bids: counts as the lower"


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


def test_without_a_bid_capacity_goes_to_the_others(paper: Auction) -> None:
    # alone, a 5 is worth 2 - 2 q and a 6 is worth 4 - 2 q: 1 and 2 units; a 7 wants 3 and an 8 wants 4 of the 2.63
    for theta, units in ((4, 0), (5, 1), (6, 2), (7, 2.63), (8, 2.63)):
        bid = paper.bid(None, theta)
        for cleared in (
            paper.clear([None, bid]),
            paper.clear({"retailer 2": bid}),
            paper.clear({"retailer 1": None} | {"retailer 2": bid}),
        ):
            assert cleared.units.tolist() == pytest.approx([0, units], abs=1e-12)
            assert cleared.payment.tolist() == [0, bid]
            assert cleared.status[0] == "no bid"
            assert cleared.capacity_left == pytest.approx(2.63 - units, abs=1e-12)
            assert cleared.shadow_price == pytest.approx({7: 0.74, 8: 2.74}.get(theta, 0), abs=1e-12)
    three = auction(case(group(range(4, 9), count=3), capacity=2.63))
    assert three.clear([three.bid(None, 6), None, three.bid(None, 8)]).units == pytest.approx([0.315, 0, 2.315], abs=1e-12)


@pytest.mark.parametrize("revenue", [LINEAR, NEWS], ids=["linear", "newsvendor"])
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


def test_records_are_plain_json(paper: Auction) -> None:
    record = json.loads(json.dumps(paper.to_dict(), allow_nan=False))
    keys = "case capacity supplier_profit expected_payments sampled retailers groups allocation"
    assert list(record) == keys.split()
    assert record["retailers"] == ["retailer 1", "retailer 2"]
    (posted,) = record["groups"]
    assert list(posted) == ["name", "count", "types", "probabilities", "bids", "expected_units", "least_units", "most_units"]
    assert posted["bids"] == paper.bids[0].tolist()
    assert posted["expected_units"] == pytest.approx(np.mean(PRINTED, axis=1).tolist(), abs=5e-3)
    assert posted["least_units"] == pytest.approx([0, 0, 0.315, 0.815, 1.315], abs=1e-12)
    assert posted["most_units"] == pytest.approx([0, 1, 2, 2.63, 2.63], abs=1e-12)
    assert len(record["allocation"]) == 15
    last = record["allocation"][-1]
    assert list(last) == ["types", "probability", "quantity", "shadow_price"]
    assert (last["types"], last["quantity"]) == ([8, 8], pytest.approx([1.315, 1.315]))
    assert last["probability"] == pytest.approx(0.04)
    assert last["shadow_price"] == pytest.approx(8 - 2 * 1.315)


def test_what_is_cleared_is_plain_json(paper: Auction) -> None:
    noon = datetime(2026, 3, 31, 12, tzinfo=UTC)
    bids = Bids(paper.names, (9, None), (noon, None), noon)
    cleared = paper.clear(bids)
    record = json.loads(json.dumps(cleared.to_dict(), allow_nan=False))
    assert list(record) == ["case", "capacity", "capacity_left", "shadow_price", "total_payment", "deadline", "retailers"]
    keys = ["retailer", "bid", "counts_as", "units", "payment", "status", "received"]
    paid = paper.bid(None, 8)
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


# --- bad bids ---


@pytest.mark.parametrize("bad", [-0.01, math.nan, math.inf, "3", True, [1]], ids=str)
def test_what_is_no_bid_is_refused(paper: Auction, bad: Any) -> None:
    message = r"^by hand: bid of retailer 2: got .*; allowed: a finite number >= 0, currency$"
    for bids in ([1, bad], {"retailer 2": bad}):
        with pytest.raises(InputError, match=message):
            paper.clear(bids)
    with pytest.raises(InputError, match=r"^bid of retailer 2: got "):
        Bids(paper.names, (1.0, bad))


@pytest.mark.parametrize("bids", [[1], [1, 2, 3], 5, "12", b"12", {1, 2}, None], ids=str)
def test_the_wrong_number_of_bids_is_refused(paper: Auction, bids: Any) -> None:
    message = r"by hand: bids: got .*; allowed: a mapping from retailers to bids, or 2 bids in the order retailer 1, retailer 2"
    with pytest.raises(InputError, match=message):
        paper.clear(bids)


def test_unknown_retailers_are_refused(paper: Auction) -> None:
    with pytest.raises(InputError, match=r"by hand: bids: got 'retailer 3'; allowed: only the retailers retailer 1, retailer 2"):
        paper.clear({"retailer 1": 3, "retailer 3": 3})
    with pytest.raises(
        InputError, match=r"by hand: bids: got \['b', 'a'\]; allowed: bids of the retailers retailer 1, retailer 2"
    ):
        paper.clear(Bids(("b", "a"), (1, 2)))
    with pytest.raises(InputError, match=r"received: got <1 entries>; allowed: 2, one a retailer: a, b"):
        Bids(("a", "b"), (1, 2), (None,))


def test_bids_without_a_file_keep_to_the_deadline(paper: Auction) -> None:
    noon, later = datetime(2026, 3, 31, 12), datetime(2026, 3, 31, 12, 0, 1)
    assert Bids(paper.names, (1, 2), (noon, later), noon).late == (False, True)
    assert Bids(paper.names, (1, None), (noon, later), noon).late == (False, False)
    assert Bids(paper.names, (1, 2), (noon, later)).late == (False, False)
    with pytest.raises(InputError, match=r"received, retailer 2: got <nothing>; allowed: a date and time .*there is a deadline"):
        Bids(paper.names, (1, 2), (noon, None), noon)
    with pytest.raises(InputError, match=r"received, retailer 2: got '2026-03-31T12:00:00\+00:00'; .*: the deadline has none"):
        Bids(paper.names, (1, 2), (noon, noon.replace(tzinfo=UTC)), noon)


# --- bids in a file ---

NAMES = ("north", "south 1", "south 2", "west")


def write(folder: Path, text: str) -> Path:
    path = folder / "bids.csv"
    path.write_bytes(text.encode())
    return path


def test_bids_are_read_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffbid,retailer\r\n2.5, west \r\n\r\n1e1,"south  2"\r\n,north\r\n')
    bids = read_bids(path, NAMES)
    assert bids.bids == (None, None, 10.0, 2.5)
    assert bids.names == NAMES
    assert bids.late == (False,) * 4
    assert read_bids(write(tmp_path, "retailer,bid\n"), NAMES).bids == (None,) * 4


def test_late_bids_are_refused_and_listed(tmp_path: Path) -> None:
    own = auction(case(group(range(4, 9), name="shop", count=2), capacity=2.63))
    text = "retailer,bid,received\nshop 1,9,2026-03-31T12:00:00.5\nshop 2,7,2026-03-31 12:00\n"
    cleared = own.clear(read_bids(write(tmp_path, text), own.names, "2026-03-31T12:00"))
    assert cleared.status == ("late: refused, counts as no bid", "between table bids: counts as the lower")
    assert cleared.table["bid"].tolist() == [9, 7]
    assert cleared.counts_as == (None, 7)
    assert cleared.units.tolist() == pytest.approx([0, 2.63], abs=1e-12)
    assert cleared.payment.tolist() == [0, own.bid(None, 7)]
    assert [row["received"] for row in cleared.to_dict()["retailers"]] == ["2026-03-31T12:00:00.500000", "2026-03-31T12:00:00"]
    assert own.clear(read_bids(write(tmp_path, text), own.names)).counts_as == (8, 7)  # no deadline, nobody late
    aware = "retailer,bid,received\nshop 1,9,2026-03-31T12:30+02:00\nshop 2,7,2026-03-31T10:30:01Z\n"
    deadline = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    assert read_bids(write(tmp_path, aware), own.names, deadline).late == (False, True)


NUMBER, COLUMNS = "a finite number >= 0, currency", "the columns retailer, bid, received"
TIME = "a date and time in the form of ISO 8601, as 2026-03-31T12:00 or 2026-03-31T12:00+02:00"
NONE = "times that all have a UTC offset, or none at all"
COLUMN_LIST = ["retailer", "bid", "received"]
HEAD = "retailer,bid\n"
TIMED = "retailer,bid,received\n"


@pytest.mark.parametrize(
    ("text", "field", "found", "allowed"),
    [
        (f"{HEAD}north,1\nwest,-1\n", "row 3, column bid", "-1.0", NUMBER),
        (f"{HEAD}\n\nnorth,nan\n", "row 4, column bid", "'nan'", NUMBER),
        (f"{HEAD}north,1e999\n", "row 2, column bid", "inf", NUMBER),
        (f"{HEAD}north,1_000\n", "row 2, column bid", "'1_000'", NUMBER),
        (f'{HEAD}north,"1,5"\n', "row 2, column bid", "'1,5'", NUMBER),
        (f"{HEAD}north,three\n", "row 2, column bid", "'three'", NUMBER),
        (f"{HEAD}north,1 000\n", "row 2, column bid", "'1 000'", NUMBER),
        ('bid,retailer\n1,"we\nst"\n2,South 1\n', "row 2, column retailer", "'we st'", f"one of {', '.join(NAMES)}"),
        (f'{HEAD}"north\n",2\nSouth 1,2\n', "row 4, column retailer", "'South 1'", f"one of {', '.join(NAMES)}"),
        (f"{HEAD},2\n", "row 2, column retailer", "''", f"one of {', '.join(NAMES)}"),
        (f"{HEAD}north,1\nwest,1\nnorth,\n", "row 4, column retailer", "'north'", "one row a retailer; his stands above already"),
        (f"{HEAD}north,1,2\n", "row 2", "['north', '1', '2']", "2 values, as in the header"),
        (f"{HEAD}north\n", "row 2", "['north']", "2 values, as in the header"),
        (f'{HEAD}west,1\nnorth,"1\nsouth 1,2\n', "row 3", "<no CSV>", "values between commas, quotes closed"),
        ("retailer,bids\n", "row 1, header", "'bids'", COLUMNS),
        ("retailer\n", "row 1, header", "['retailer']", "exactly one column 'bid'"),
        ("\nbid,bid,retailer\n", "row 2, header", "['bid', 'bid', 'retailer']", "exactly one column 'bid'"),
        ("retailer,bid,received,received\n", "row 1, header", str([*COLUMN_LIST, 'received']), "exactly one column 'received'"),
        ("north,1\nwest,2\n", "row 1, header", "'north'", COLUMNS),
        ("", "<file>", "<an empty file>", "a header (retailer, bid, received) and a row a retailer"),
        (f"{TIMED}north,1,yesterday\n", "row 2, column received", "'yesterday'", TIME),
        (f"{TIMED}north,1,2026-03-31\n", "row 2, column received", "'2026-03-31'", TIME),
        (
            f"{TIMED}north,1,2026-03-31T12:00Z\nwest,1,2026-03-31T12:00\n",
            "row 3, column received",
            "'2026-03-31T12:00'",
            f"{NONE}: row 2 has one",
        ),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_row_and_column(tmp_path: Path, text: str, field: str, found: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bids(write(tmp_path, text), NAMES)
    assert str(caught.value).startswith(f"bids.csv: {field}: got {found}; allowed: {allowed}")


@pytest.mark.parametrize(
    ("text", "deadline", "message"),
    [
        (f"{HEAD}north,1\n", "2026-03-31T12:00", "exactly one column 'received', as there is a deadline"),
        (f"{TIMED}north,1,\n", "2026-03-31T12:00", "row 2, column received: got <nothing>; allowed: " + TIME),
        (f"{TIMED}north,1,2026-03-31T12:00Z\n", "2026-03-31T12:00", f"{NONE}: the deadline has none"),
        (f"{TIMED}north,1,2026-03-31T12:00\n", "2026-03-31T12:00Z", f"{NONE}: the deadline has one"),
        (TIMED, "2026-03-31", f"deadline: got '2026-03-31'; allowed: {TIME}"),
        (TIMED, "noon", f"deadline: got 'noon'; allowed: {TIME}"),
        (TIMED, 12, f"deadline: got 12; allowed: {TIME}"),
    ],
)  # fmt: skip
def test_a_deadline_asks_for_times(tmp_path: Path, text: str, deadline: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bids(write(tmp_path, text), NAMES, deadline)
    assert message in str(caught.value)


def test_a_retailer_without_a_bid_needs_no_time(tmp_path: Path) -> None:
    assert read_bids(write(tmp_path, f"{TIMED}north,,\n"), NAMES, "2026-03-31T12:00").bids == (None,) * 4


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^none.csv: <file>: got .*; allowed: a readable CSV file \(No such file or directory\)"
    ):
        read_bids(tmp_path / "none.csv", NAMES)
    path = tmp_path / "latin.csv"
    path.write_bytes("retailer,bid\nsüd,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"^latin.csv: <file>: got .*; allowed: UTF-8 text in the CSV format"):
        read_bids(path, NAMES)
