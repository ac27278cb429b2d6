"""Auctions at random, and what retailers expect of them."""

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from support.allocation_cases import case, group
from support.strategies import shares
from veridical.contracts.auction import Auction
from veridical.data import AllocationCase


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


@st.composite
def auction_cases(draw: st.DrawFn, forms: Any, most_retailers: int = 4, most_types: int = 5, least: int = 0) -> AllocationCase:
    """Return cases of 2 to 4 retailers in 1 or 2 groups, of 2 to 5 types, whose capacity is scarce or not."""
    total = draw(st.integers(2, most_retailers))
    first = draw(st.integers(1, total))
    groups = []
    for count in filter(None, (first, total - first)):
        m = draw(st.integers(2, most_types if total < 4 else 3))
        types = np.cumsum(draw(st.lists(st.integers(1, 6), min_size=m, max_size=m))) / 2
        groups.append(group(types.tolist(), draw(shares(m, least)), draw(st.sampled_from(forms)), count))
    return case(*groups, capacity=draw(st.floats(0.2, 12.0)))
