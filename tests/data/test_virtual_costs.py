"""Virtual cost against its definition, where it is monotone, and correlation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import veridical as vd
from support.assembler_cases import build, near, profit, random_cases
from support.strategies import examples
from veridical.data import AssemblerCase, InputError, virtual_cost, weighted_virtual_cost
from veridical.data.arrays import accumulated


@given(weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
@examples(60)
def test_virtual_cost_of_two_costs_each_rises_where_correlation_is_not_positive(weights: list[int]) -> None:
    ll, lh, hl, hh = weights
    assume(ll * hh <= lh * hl)
    case = build([[4, 9], [3, 7]], joint=np.reshape(weights, (2, 2)) / sum(weights))
    found = vd.monotonicity(case)
    assert found.holds
    assert found.balanced_is_optimal
    assert (found.fall, found.supplier, found.cost, found.next_cost, found.others) == (0, None, None, None, None)
    assert profit(case, ("icds", {})) == near(profit(case, ("icds_balanced", {}), "closed_form"))


def test_the_witness_against_monotone_virtual_cost_by_hand(correlated: AssemblerCase) -> None:
    # v = 7, 47, 57, 17: it falls by 30 where a rises beside b=7, by 40 where b rises beside a=9.
    np.testing.assert_allclose(virtual_cost(correlated), [[7, 47], [57, 17]], rtol=1e-12)
    found = vd.monotonicity(correlated)
    assert (found.holds, found.independent, found.balanced_is_optimal) == (False, False, False)
    assert (found.supplier, found.cost, found.next_cost, found.others) == ("b", 3.0, 7.0, "a=9")
    assert found.fall == pytest.approx(40, rel=1e-12)
    assert "falls by 40 when the cost of b rises from 3 to 7 while the others have a=9" in str(found)


def test_independent_costs_need_no_monotone_virtual_cost(irregular: AssemblerCase) -> None:
    # a: 2, 15, 14.43; b: 1, 19, 6.5: the largest fall is b's, 12.5, beside any of a's costs.
    found = vd.monotonicity(irregular)
    assert (found.holds, found.independent, found.balanced_is_optimal) == (False, True, True)
    assert (found.supplier, found.cost, found.next_cost) == ("b", 4.0, 5.0)
    assert found.fall == pytest.approx(12.5, rel=1e-12)


def test_profiles_that_never_occur_and_virtual_cost() -> None:
    pair: list[list[float]] = [[4, 9], [3, 7]]
    # (l, h) never occurs, but (l, l) would earn on it: infinite there, 16 + 4 .2 / .3 where a is dear as well.
    found = vd.monotonicity(build(pair, joint=[[0.5, 0.0], [0.2, 0.3]]))
    assert (found.holds, found.supplier, found.cost, found.next_cost, found.others) == (False, "a", 4.0, 9.0, "b=7")
    assert found.fall == math.inf
    # Neither (l, l) nor anything below it occurs: any value does. (h, h) may be as dear as it likes.
    assert vd.monotonicity(build(pair, joint=[[0.0, 0.5], [0.5, 0.0]])).holds
    # (l, h) never occurs and costs rents: infinite. (m, h), above it, costs none, and (h, h) is finite again.
    found = vd.monotonicity(build([[4, 6, 9], [3, 7]], joint=[[0.5, 0.0], [0.0, 0.0], [0.0, 0.5]]))
    assert (found.holds, found.fall) == (False, math.inf)
    assert vd.monotonicity(build([[4, 9], [3]], joint=[[0.0], [1.0]])).holds


def falls(case: AssemblerCase) -> float:
    """Return the largest fall of virtual cost between any two profiles, one above the other, from the definition."""
    beta, worst = case.probability, 0.0
    value: dict[tuple[int, ...], float] = {}
    for t in np.ndindex(*case.shape):
        rent = 0.0
        for i, supplier in enumerate(case.suppliers):
            cheaper = sum(float(beta[(*t[:i], s, *t[i + 1 :])]) for s in range(t[i]))
            rent += (supplier.costs[t[i]] - supplier.costs[t[i] - 1]) * cheaper if t[i] else 0.0
        if beta[t] > 0 or rent > 0:
            full = sum(supplier.costs[k] for supplier, k in zip(case.suppliers, t, strict=True))
            value[t] = full + rent / float(beta[t]) if beta[t] > 0 else math.inf
    for t, u in itertools.product(value, value):
        if t != u and all(a <= b for a, b in zip(t, u, strict=True)) and value[t] > value[u]:
            worst = max(worst, value[t] - value[u])
    return worst


@given(data=st.data())
@examples(50)
def test_virtual_cost_is_monotone_where_no_profile_above_another_is_cheaper(data: st.DataObject) -> None:
    case = data.draw(random_cases("uniform", joint=True, least=0))
    worst, found = falls(case), vd.monotonicity(case)
    assert found.holds == (worst <= 1e-12 * case.price)
    if not found.holds:
        assert 0 < found.fall <= worst * (1 + 1e-12)  # of one step; along several it can add up
        assert found.supplier in case.names


@given(data=st.data())
@examples(40)
def test_correlation_is_that_of_drawn_costs(data: st.DataObject) -> None:
    case = data.draw(random_cases("uniform", joint=True, least=0, suppliers=2).filter(lambda case: len(case.names) == 2))
    a, b = (np.array(supplier.costs) for supplier in case.suppliers)
    beta = case.probability
    found = vd.correlation(case)
    if min((beta.sum(axis=1) > 0).sum(), (beta.sum(axis=0) > 0).sum()) < 2:
        assert math.isnan(found)
        return
    covariance = np.cov(np.repeat(a, len(b)), np.tile(b, len(a)), aweights=beta.ravel(), ddof=0)
    assert found == pytest.approx(covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1]), abs=1e-12)


def test_correlation_of_two_costs_each_depends_on_the_prior_alone() -> None:
    # (.4 .3 - .1 .2) / sqrt(.5 .5 .6 .4)
    exact = 0.1 / math.sqrt(0.06)
    for costs in ([[4.0, 9.0], [3.0, 7.0]], [[1.0, 20.0], [3.0, 3.5]]):
        assert vd.correlation(build(costs, joint=[[0.4, 0.1], [0.2, 0.3]])) == pytest.approx(exact, rel=1e-12)
    assert math.isnan(vd.correlation(build([[4, 9], [3]], joint=[[0.4], [0.6]])))


@pytest.mark.parametrize("n", [1, 3])
def test_correlation_is_between_two(n: int) -> None:
    with pytest.raises(InputError, match=f"suppliers: got <{n} suppliers>; allowed: two suppliers"):
        vd.correlation(build([[1, 2]] * n, [[0.5, 0.5]] * n))


Array = NDArray[np.float64]


def test_virtual_cost_of_two_suppliers_is_the_paper_s() -> None:
    beta = np.array([[0.4, 0.15], [0.2, 0.25]])
    case = build([[4, 9], [3, 7]], joint=beta)
    paper = [  # (15): Delta_1 = 5, Delta_2 = 4
        [4 + 3, 4 + 7 + 0.4 / 0.15 * 4],
        [9 + 3 + 0.4 / 0.2 * 5, 9 + 7 + 0.15 / 0.25 * 5 + 0.2 / 0.25 * 4],
    ]
    assert virtual_cost(case) == pytest.approx(np.array(paper), rel=1e-14)
    assert weighted_virtual_cost(case) == pytest.approx(beta * paper, rel=1e-14)


def by_definition(case: AssemblerCase) -> Array:
    """Return beta(t) v(t) by the sums of its definition, one profile and one cheaper cost at a time."""
    beta, found = case.probability, np.zeros(case.shape)
    for t in np.ndindex(*case.shape):
        for i, supplier in enumerate(case.suppliers):
            found[t] += beta[t] * supplier.costs[t[i]]
            for s in range(t[i]):
                found[t] += (supplier.costs[t[i]] - supplier.costs[t[i] - 1]) * beta[(*t[:i], s, *t[i + 1 :])]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_virtual_cost_of_any_number_of_costs_is_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = (3, 1, 2, 4)
    joint = random.random(shape)
    case = build([np.cumsum(random.uniform(0.5, 3, m)).tolist() for m in shape], joint=joint / joint.sum())
    assert weighted_virtual_cost(case) == pytest.approx(by_definition(case), rel=1e-13)
    assert virtual_cost(case) == pytest.approx(by_definition(case) / case.probability, rel=1e-13)


def test_virtual_costs_sum_to_expected_cost_and_rents() -> None:
    # sum_t beta(t) v(t): one unit everywhere is bought from everybody at his highest cost.
    case = build([[1, 2, 4], [10, 20]], [[0.2, 0.5, 0.3], [0.6, 0.4]])
    assert weighted_virtual_cost(case).sum() == pytest.approx(4 + 20, rel=1e-14)


def test_profiles_that_never_occur_have_a_finite_weighted_virtual_cost() -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.5, 0.0], [0.0, 0.5]])
    # At (l, h): beta c = 0, and one more unit there leaves Delta_2 = 4 to the type (l, l) of weight .5; at (h, h) nobody below.
    assert weighted_virtual_cost(case).tolist() == [[0.5 * 7, 4 * 0.5], [5 * 0.5, 0.5 * 16]]
    assert virtual_cost(case).tolist() == [[7, np.inf], [np.inf, 16]]
    alone = weighted_virtual_cost(build([[4, 9], [3, 7]], joint=[[0.0, 0.0], [0.0, 1.0]]))
    assert alone.tolist() == [[0, 0], [0, 16]]


@pytest.mark.parametrize("shape", [(1,), (4,), (2, 3), (3, 1, 2)])
def test_running_sums_and_maxima_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(7).normal(size=shape)
    for axis in range(len(shape)):
        for operation in (np.add, np.maximum):
            assert accumulated(operation, values, axis) == pytest.approx(operation.accumulate(values, axis), abs=0)
