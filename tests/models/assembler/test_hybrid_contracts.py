"""Hybrid contracts: who reports, what the others get, many suppliers, and cases with fewer private costs."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import EXACT, build, near, newsvendor_profit, profit, random_cases, subsets
from support.strategies import examples
from veridical.data import AssemblerCase, InputError, weighted_virtual_cost


def test_hybrid_averages_raw_virtual_cost(correlated: AssemblerCase) -> None:
    # v = 7, 47, 57, 17. Raw, given a's cost: (.45 7 + .05 47) / .5 = 11 and (.05 57 + .45 17) / .5 = 21, which is what a alone
    # being private makes of it: 4 + 7 and 9 + 5 .5/.5 + 7. Pooled first, three profiles are at 23.36: 8.64 and 23.36.
    raw = np.array([11.0, 21.0])
    pooled = (2.35 + 2.85 + 7.65) / 0.55
    averaged = np.array([(0.45 * 7 + 0.05 * pooled) / 0.5, pooled])
    exact = 0.5 * newsvendor_profit(11) + 0.5 * newsvendor_profit(21)
    q = 100 + 800 * (30 - averaged) / 30  # what one would buy at the other costs, at what it really costs
    earned = 0.5 * float((30 * (q - (q - 100) ** 2 / 1600) - raw * q).sum())
    assert earned < 0.99 * exact
    for solver, balanced in itertools.product(("highs", "ipopt", "closed_form"), (False, True)):
        solution = vd.solve(correlated, "hybrid", solver, k=1, balanced=balanced)
        assert solution.objective == pytest.approx(exact, rel=1e-7)
        assert solution.contracts is not None
        wanted = np.broadcast_to((100 + 800 * (30 - raw) / 30)[:, None], (2, 2))
        for i in range(2):
            np.testing.assert_allclose(solution.contracts.quantity[i], wanted, atol=0.02)  # of 600: flat at the top


def test_where_unbalanced_hybrids_earn_more_the_closed_form_says_so() -> None:
    # The correlated pair beside a third supplier with a narrow range: hybrid(2) is the pair, at a price that is 2 dearer.
    joint = np.multiply.outer([[0.45, 0.05], [0.05, 0.45]], [0.5, 0.5])
    case = build([[4, 9], [3, 7], [1, 2]], joint=joint, price=32.0)
    exact = sum(0.45 * (100 * (32 - v) + 800 * (32 - v) ** 2 / 64) for v in (7 + 2, 16 + 0.8 / 0.45 + 2))
    assert profit(case, ("hybrid", {"k": 2})) == near(exact)
    balanced = profit(case, ("hybrid", {"k": 2, "balanced": True}))
    assert balanced == near(profit(case, ("hybrid", {"k": 2, "balanced": True}), "closed_form"))
    assert balanced < 0.9 * exact
    with pytest.raises(InputError, match="balanced=true"):
        profit(case, ("hybrid", {"k": 2}), "closed_form")


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_hybrid_asks_the_widest_first_and_pays_the_others_their_highest_cost(solver: str) -> None:
    # Ranges 2, 5, 1, 5: b before d, then a, then c.
    costs = [[1, 3], [2, 7], [4, 5], [1, 6]]
    case = build(costs, [[0.5, 0.5]] * 4, price=60.0)
    order = [1, 3, 0, 2]
    for k in range(5):
        kept = sorted(order[:k])
        assert case.widest(k) == tuple(kept)
        solution = vd.solve(case, "hybrid", solver, k=k)
        contracts = solution.contracts
        assert contracts is not None
        quantity = contracts.quantity[0]
        exact, highest = 0.0, sum(costs[i][1] for i in range(4) if i not in kept)
        for t in np.ndindex(2, 2, 2, 2):  # v of a kept supplier: low, or high + (high - low) .5/.5
            v = highest + sum(costs[i][0] if t[i] == 0 else 2 * costs[i][1] - costs[i][0] for i in kept)
            exact += newsvendor_profit(v, 60) / 16
            assert quantity[t] == pytest.approx(100 + 800 * (60 - v) / 60, rel=2e-4)
        assert solution.objective == near(exact)
        for i in set(range(4)) - set(kept):
            np.testing.assert_allclose(contracts.payment[i], costs[i][1] * contracts.quantity[i], rtol=1e-5)


def test_half_of_the_suppliers_report_where_k_is_not_given() -> None:
    for n, k in ((1, 1), (2, 1), (3, 2), (4, 2)):
        case = build([[1, 2 + i] for i in range(n)], [[0.5, 0.5]] * n, price=40.0)
        solution = vd.solve(case, "hybrid", "closed_form")
        assert dict(solution.parameters) == {"k": k}
        assert solution.objective == near(profit(case, ("hybrid", {"k": k})))


def many(n: int) -> AssemblerCase:
    """Return a case with n suppliers, among whom number 7, 7 + 41, ... have wide ranges; ties among the others."""
    costs, probabilities = [], []
    for i in range(n):
        width = 6 + i % 5 if i % 41 == 7 else 0.5
        costs.append([1 + i % 3, 1 + i % 3 + width])
        probabilities.append([0.3 + 0.4 * (i % 2), 0.7 - 0.4 * (i % 2)])
    return build(costs, probabilities, price=1.15 * sum(own[1] for own in costs))


def test_hybrid_of_five_hundred_suppliers() -> None:
    case = many(500)
    wide = list(range(7, 500, 41))
    assert len(wide) == 13  # one too many: of the ones with range 6, the last in order stays out
    kept = sorted(sorted(wide, key=lambda i: (-(6 + i % 5), i))[:12])
    tracemalloc.start()
    solution = vd.solve(case, "hybrid", "closed_form", k=12)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    virtual = np.array(0.0)
    chance = np.array(1.0)
    for i in kept:
        (low, high), (p, rest) = case.suppliers[i].costs, case.suppliers[i].probabilities or ()
        virtual = np.add.outer(virtual, [low, high + (high - low) * p / rest])
        chance = np.multiply.outer(chance, [p, rest])
    others = sum(supplier.costs[1] for i, supplier in enumerate(case.suppliers) if i not in kept)
    margin = np.maximum(case.price - others - virtual, 0.0)
    exact = float((chance * (100 * margin + 800 * margin**2 / (2 * case.price))).sum())
    assert solution.objective == pytest.approx(exact, rel=1e-12)
    contracts, menu = solution.contracts, solution.menu
    assert contracts is not None
    assert menu is not None
    assert contracts.case.names == (*(case.names[i] for i in kept), "the 488 others")
    assert len(menu) == 2**12
    assert contracts.case.suppliers[-1].costs == pytest.approx((others,))
    assert solution.audit is not None
    assert solution.audit.truthful
    buys = 100 + 800 * margin / case.price
    np.testing.assert_allclose(contracts.quantity[0][..., 0], np.where(margin > 0, buys, 0), rtol=1e-9)


def test_of_suppliers_whose_range_is_the_same_the_first_report() -> None:
    case = build([[1, 2]] * 100, [[0.5, 0.5]] * 100, price=250.0)
    solution = vd.solve(case, "hybrid", "closed_form", k=3)
    assert solution.contracts is not None
    assert solution.contracts.case.names == (*case.names[:3], "the 97 others")
    exact = sum(math.comb(3, j) / 8 * newsvendor_profit(194 + 3 + 2 * j, 250) for j in range(4))
    assert solution.objective == pytest.approx(exact, rel=1e-12)


def test_hybrid_of_many_suppliers_takes_the_marginal_of_a_copula() -> None:
    # Suppliers 3 and 20 have the widest ranges; scores correlated by -.4, even odds: P(l, l) = 1/4 + asin(-.4) / (2 pi).
    n, rho = 40, -0.4
    costs = [[1.0, 6.0] if i in (3, 20) else [1.0, 1.5] for i in range(n)]
    matrix = np.full((n, n), 0.1) + 0.9 * np.eye(n)
    matrix[3, 20] = matrix[20, 3] = rho
    raw = build(costs, [[0.5, 0.5]] * n, price=110.0).model_dump() | {"prior": {"correlation": matrix.tolist()}}
    case = AssemblerCase.model_validate(raw)
    same = 0.25 + math.asin(rho) / (2 * math.pi)
    table = np.array([[same, 0.5 - same], [0.5 - same, same]])
    np.testing.assert_allclose(case.with_private((3, 20)).probability[..., 0], table, atol=1e-9)
    other = 38 * 1.5
    exact = same * newsvendor_profit(2 + other, 110)
    exact += 2 * (0.5 - same) * newsvendor_profit(7 + 5 * same / (0.5 - same) + other, 110)
    exact += same * newsvendor_profit(12 + 2 * 5 * (0.5 - same) / same + other, 110)
    assert profit(case, ("hybrid", {"k": 2}), "closed_form") == pytest.approx(exact, rel=1e-8)


def test_the_marginal_of_a_copula_is_that_of_its_table() -> None:
    # Few enough to make the whole table, whose marginal the kept suppliers then have: three orthants have closed forms.
    matrix = np.array([[1, 0.3, -0.2, 0.1], [0.3, 1, 0.25, 0], [-0.2, 0.25, 1, 0.4], [0.1, 0, 0.4, 1]])
    base = build([[1, 6], [1, 5], [1, 4], [1, 2]], [[0.5, 0.5]] * 4, price=40.0)
    case = AssemblerCase.model_validate(base.model_dump() | {"prior": {"correlation": matrix.tolist()}})
    table = case.with_private((0, 1, 2)).probability[..., 0]
    arcs = math.asin(0.3) + math.asin(-0.2) + math.asin(0.25)
    assert table[0, 0, 0] == pytest.approx(1 / 8 + arcs / (4 * math.pi), abs=5e-6)  # integrated to about 1e-6
    assert table.sum(axis=2)[0, 0] == pytest.approx(1 / 4 + math.asin(0.3) / (2 * math.pi), abs=5e-6)


@pytest.mark.parametrize("joint", [False, True], ids=["independent", "joint"])
@given(data=st.data())
@examples(15)
def test_a_case_with_fewer_private_costs_is_an_average_of_the_whole(joint: bool, data: st.DataObject) -> None:
    case = data.draw(random_cases("uniform", joint=joint, least=0))
    n = len(case.names)
    for kept in subsets(n):
        small = case.with_private(kept)
        if len(kept) == n:
            assert small is case
            continue
        dropped = tuple(i for i in range(n) if i not in kept)
        assert small.names == (
            *(case.names[i] for i in kept),
            case.names[dropped[0]] if len(dropped) == 1 else f"the {len(dropped)} others",
        )
        assert small.suppliers[-1].costs == pytest.approx((sum(case.suppliers[i].costs[-1] for i in dropped),))
        assert [each.costs for each in small.suppliers[:-1]] == [case.suppliers[i].costs for i in kept]
        assert (small.price, small.demand, small.name) == (case.price, case.demand, case.name)
        np.testing.assert_allclose(small.probability[..., 0], case.probability.sum(axis=dropped), rtol=0, atol=1e-15)
        # beta v of the smaller case is the sum of beta v: a conditional expectation, weights of 0 included
        average = weighted_virtual_cost(case).sum(axis=dropped)
        np.testing.assert_allclose(weighted_virtual_cost(small)[..., 0], average, rtol=1e-12, atol=1e-13 * case.price)


def test_nobody_private_is_naive() -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]])
    small = case.with_private(())
    assert small.names == ("the 2 others",)
    assert small.suppliers[0].costs == (16.0,)
    assert profit(small, ("icds", {}), "closed_form") == pytest.approx(newsvendor_profit(16), rel=EXACT)


# --- who is private ---


def test_private_suppliers_keep_their_own_place_in_the_prior_however_they_are_named() -> None:
    case = build([[1, 2], [3, 4], [5, 6]], joint=np.arange(1, 9).reshape(2, 2, 2) / 36)
    small = case.with_private((1, 0))
    assert small.names == ("a", "b", "c")
    np.testing.assert_allclose(small.probability[..., 0], [[3 / 36, 7 / 36], [11 / 36, 15 / 36]], rtol=1e-14)
    assert case.with_private((0, 1, 1)) == small
    for kept in ((3,), (-1,)):
        with pytest.raises(InputError, match="numbers of suppliers, from 0 to 2"):
            case.with_private(kept)


def test_the_others_get_a_name_that_nobody_has() -> None:
    raw = build([[1, 9], [3, 4], [5, 6]], [[0.5, 0.5]] * 3).model_dump(exclude_none=True)
    raw["suppliers"][0]["name"] = "the 2 others"
    small = AssemblerCase.model_validate(raw).with_private((0,))
    assert len(set(small.names)) == 2
    assert [supplier.costs for supplier in small.suppliers] == [(1.0, 9.0), (10.0,)]
