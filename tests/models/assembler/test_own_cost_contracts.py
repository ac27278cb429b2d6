"""Contracts that answer to one's own cost alone: by sets of suppliers and by hand."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import veridical as vd
from support.assembler_cases import build, near, newsvendor_profit, profit, subsets
from support.strategies import examples
from veridical.data import AssemblerCase


def by_sets(case: AssemblerCase) -> float:
    """The integral of the spec for two independent costs each: over x, the best set of suppliers whose dear type delivers x.

    Demand is uniform. The integrand is linear between the worths at which two sets, or a set and none, are even.
    """
    assert isinstance(case.demand, vd.data.Uniform)
    n, (low, high) = len(case.names), (case.demand.low, case.demand.high)
    likely = [supplier.probabilities or () for supplier in case.suppliers]
    lines = [(0.0, 0.0)]
    for dear in subsets(n):
        worth = math.prod(likely[i][0] for i in range(n) if i not in dear)
        cost = sum(case.suppliers[i].costs[1] if i in dear else likely[i][0] * case.suppliers[i].costs[0] for i in range(n))
        lines.append((worth, cost))

    def most(x: float) -> float:
        worth = case.price * min(1.0, (high - x) / (high - low))
        return max(worth * share - cost for share, cost in lines)

    even = [(c - d) / (a - b) for (a, c), (b, d) in itertools.combinations(lines, 2) if abs(a - b) > 1e-12]
    kinks = [high - (high - low) * worth / case.price for worth in even]
    ends = sorted({0.0, low, high, *(x for x in kinks if low < x < high)})
    return sum(quad(most, a, b, epsabs=1e-11)[0] for a, b in itertools.pairwise(ends))


@given(data=st.data(), n=st.integers(1, 4))
@examples(25)
def test_frw_is_the_integral_over_sets_of_suppliers(n: int, data: st.DataObject) -> None:
    draw = data.draw(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 9)), min_size=n, max_size=n))
    costs = [[low / 2, (low + step) / 2] for low, step, _ in draw]
    probabilities = [[p / 10, 1 - p / 10] for _, _, p in draw]
    price = sum(own[1] for own in costs) * data.draw(st.integers(8, 60)) / 16
    case = build(costs, probabilities, price=price)
    exact = by_sets(case)
    assert profit(case, ("frw", {}), "closed_form") == pytest.approx(exact, rel=1e-8, abs=1e-8)
    assert profit(case, ("frw", {})) == near(exact)


def test_equal_suppliers_tie_in_frw() -> None:
    case = build([[2, 5]] * 3, [[0.5, 0.5]] * 3, price=40.0)
    exact = by_sets(case)
    for solver in ("closed_form", "highs", "ipopt"):
        assert profit(case, ("frw", {}), solver) == near(exact)


def test_frw_by_hand() -> None:
    # One supplier: icds. A second one whose cost is known adds it to every unit that a delivers.
    case = build([[4, 9], [3]], [[0.6, 0.4], [1.0]])
    # worth R of a unit: low type alone R .6 - .6 4 - 3 (b is paid whether or not a delivers), both R - 9 - 3
    lines = [(0.0, 0.0), (0.6, 5.4), (1.0, 12.0)]
    found = quad(
        lambda x: max(30 * min(1.0, (900 - x) / 800) * b - c for b, c in lines), 0, 900, points=[100, 460, 660], epsabs=1e-10
    )
    # even: 9 and 0 at x = 660, 16.5 at x = 460
    assert profit(case, ("frw", {}), "closed_form") == pytest.approx(found[0], rel=1e-9)
    assert found[0] < 0.6 * newsvendor_profit(7) + 0.4 * newsvendor_profit(12 + 7.5)  # what icds earns
