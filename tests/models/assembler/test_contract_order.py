"""The order of all mechanisms between naive and first best, and what beliefs hand over."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import KINDS, SHIPPED, SOLVED, Way, build, near, newsvendor_profit, profit, random_cases
from support.strategies import examples
from veridical.data import AssemblerCase, InputError


def chain(n: int) -> list[Way]:
    """Return the mechanisms in the order of their profits."""
    hybrids: list[Way] = [("hybrid", {"k": k}) for k in range(n + 1)]
    bayesian: list[Way] = [("bic", {"participation": each}) for each in ("ex_post", "interim")]
    return [("naive", {}), *hybrids, ("icds", {}), *bayesian, ("first_best", {})]


def ordered(case: AssemblerCase) -> None:
    """Hold the profits of all mechanisms of a case against one another."""
    n = len(case.names)
    found = [profit(case, way) for way in chain(n)]
    naive, *hybrids, icds, ex_post, interim, best = found
    rounding = SOLVED * max(1.0, best)
    for (lower, below), (upper, above) in itertools.pairwise(zip(chain(n), found, strict=True)):
        assert below <= above + rounding, (lower, upper)
    frw = profit(case, ("frw", {}))
    assert naive - rounding <= frw <= icds + rounding
    assert profit(case, ("icds_balanced", {})) <= icds + rounding
    assert abs(hybrids[0] - naive) <= rounding
    assert abs(hybrids[-1] - icds) <= rounding
    if case.independent:
        assert abs(ex_post - icds) <= rounding
        assert abs(interim - icds) <= rounding


@pytest.mark.parametrize("name", SHIPPED)
def test_profits_of_shipped_cases_are_ordered(name: str) -> None:
    ordered(vd.example(name))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(8)
def test_profits_with_independent_costs_are_ordered(kind: str, data: st.DataObject) -> None:
    ordered(data.draw(random_cases(kind, least=0)))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(8)
def test_profits_under_joint_priors_with_zeros_are_ordered(kind: str, data: st.DataObject) -> None:
    ordered(data.draw(random_cases(kind, joint=True, least=0)))


@given(data=st.data(), size=st.integers(2, 3))
@examples(20)
def test_correlation_of_two_suppliers_hands_over_the_first_best(size: int, data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(1, 9), min_size=size**2, max_size=size**2))
    table = np.reshape(weights, (size, size)) / sum(weights)
    beliefs = table / table.sum(axis=1, keepdims=True), table.T / table.T.sum(axis=1, keepdims=True)
    # Every type believes something of his own: beliefs have full rank (Cremer and McLean).
    assume(min(float(np.linalg.svd(each, compute_uv=False)[-1]) for each in beliefs) > 0.03)
    case = build([[4, 9, 11][:size], [3, 7, 8][:size]], joint=table, price=37.0)
    interim = vd.solve(case, "bic")
    assert interim.objective == near(
        sum(p * newsvendor_profit(c, 37) for p, c in zip(table.ravel(), case.total_cost.ravel(), strict=True))
    )
    assert interim.contracts is not None
    rents = [float((case.probability * interim.contracts.rent(i)).sum()) for i in range(2)]
    assert rents == pytest.approx([0, 0], abs=1e-5 * interim.objective)  # payments are as exact as a certificate of 1e-6


def test_beliefs_that_say_nothing_hand_over_nothing() -> None:
    # b's cost tells a nothing of his own, since two of a's types have the same beliefs; v by hand for two types of a.
    case = build([[4, 9]], [[0.6, 0.4]])
    for participation in ("interim", "ex_post"):
        found = profit(case, ("bic", {"participation": participation}))
        assert found == near(0.6 * newsvendor_profit(4) + 0.4 * newsvendor_profit(9 + 5 * 0.6 / 0.4))


def test_what_two_correlated_suppliers_earn_by_hand(correlated: AssemblerCase) -> None:
    # First best at 7, 11, 12, 16; interim beliefs (.9, .1) and (.1, .9) are generic, so she takes all of it.
    best = 0.45 * newsvendor_profit(7) + 0.05 * (newsvendor_profit(11) + newsvendor_profit(12)) + 0.45 * newsvendor_profit(16)
    assert profit(correlated, ("bic", {})) == near(best)
    assert profit(correlated, ("bic", {"participation": "ex_post"})) < best * (1 - 1e-3)


# --- beliefs ---


@pytest.mark.parametrize("apart", [1e-12, 1e-9, 1e-7])
@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_beliefs_that_hardly_differ_are_refused_where_bets_on_them_decide(apart: float, solver: str) -> None:
    # The optimum jumps from icds to first best at any difference; Ipopt once certified the first where the second is true.
    joint = [[0.25 + apart, 0.25 - apart], [0.25 - apart, 0.25 + apart]]
    case = build([[4, 9], [3, 7]], joint=joint)
    with pytest.raises(InputError, match="say almost nothing of the others"):
        vd.solve(case, "bic", solver)
    independent = vd.solve(build([[4, 9], [3, 7]], [[0.5, 0.5]] * 2), "icds", "closed_form").objective
    assert vd.solve(case, "bic", solver, participation="ex_post").objective == pytest.approx(independent, rel=1e-6)


@pytest.mark.parametrize(("apart", "solver"), [(1e-5, "highs"), (1e-3, "highs"), (1e-3, "ipopt")])
def test_beliefs_that_differ_enough_extract_everything(apart: float, solver: str) -> None:
    case = build([[4, 9], [3, 7]], joint=[[0.25 + apart, 0.25 - apart], [0.25 - apart, 0.25 + apart]])
    best = vd.solve(case, "first_best", "closed_form").objective
    assert vd.solve(case, "bic", solver).objective == pytest.approx(best, rel=1e-6)
