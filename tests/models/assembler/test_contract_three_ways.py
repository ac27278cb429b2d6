"""Hybrids, own-cost and Bayesian contracts, each by several solvers and by closed form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import KINDS, SHIPPED, SOLVED, Way, near, profit, random_cases
from support.strategies import examples
from veridical.data import AssemblerCase, InputError


def three_ways(case: AssemblerCase, way: Way) -> None:
    """Hold the closed form, HiGHS and Ipopt against one another."""
    closed = vd.solve(case, way[0], "closed_form", **way[1])
    rounding = SOLVED * max(1.0, abs(closed.objective))
    for solver in ("highs", "ipopt"):
        assert abs(profit(case, way, solver) - closed.objective) <= rounding, solver
    assert closed.bound >= closed.objective - 1e-9 * max(1.0, abs(closed.objective))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_hybrid_with_independent_costs_is_the_same_three_ways(kind: str, data: st.DataObject) -> None:
    case = data.draw(random_cases(kind, least=0))
    three_ways(case, ("hybrid", {"k": data.draw(st.integers(0, len(case.names)))}))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_balanced_hybrid_is_the_same_three_ways(kind: str, data: st.DataObject) -> None:
    case = data.draw(random_cases(kind, joint=True, least=0))
    three_ways(case, ("hybrid", {"k": data.draw(st.integers(0, len(case.names))), "balanced": True}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("joint", [False, True], ids=["independent", "joint"])
@given(data=st.data())
@examples(10)
def test_frw_is_the_same_three_ways(kind: str, joint: bool, data: st.DataObject) -> None:
    three_ways(data.draw(random_cases(kind, joint=joint, least=0)), ("frw", {}))


@given(data=st.data())
@examples(25)
def test_hybrid_by_closed_form_refuses_where_unbalanced_menus_can_earn_more(data: st.DataObject) -> None:
    case = data.draw(random_cases("uniform", joint=True, least=0))
    k = data.draw(st.integers(0, len(case.names)))
    small = case.with_private(case.widest(k))
    if vd.monotonicity(small).balanced_is_optimal:
        assert profit(case, ("hybrid", {"k": k}), "closed_form") == near(profit(case, ("hybrid", {"k": k})))
    else:
        with pytest.raises(InputError, match=r"for `hybrid` .* condition \(18\).*balanced=true"):
            profit(case, ("hybrid", {"k": k}), "closed_form")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    "way",
    [("hybrid", {}), ("hybrid", {"balanced": True}), ("bic", {}), ("bic", {"participation": "ex_post"})],
    ids=["hybrid", "balanced", "interim", "ex_post"],
)
def test_ipopt_and_highs_agree_on_shipped_cases(name: str, way: Way) -> None:
    case = vd.example(name)
    solutions = [vd.solve(case, way[0], solver, **way[1]) for solver in ("highs", "ipopt")]
    assert solutions[1].objective == near(solutions[0].objective)
    assert all(solution.certificate.holds for solution in solutions)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("participation", ["interim", "ex_post"])
@given(data=st.data())
@examples(8)
def test_bic_is_the_same_by_highs_and_ipopt(kind: str, participation: str, data: st.DataObject) -> None:
    case = data.draw(random_cases(kind, joint=True, least=0, suppliers=2))
    way: Way = ("bic", {"participation": participation})
    assert profit(case, way, "ipopt") == near(profit(case, way))


def test_highs_ends_where_its_active_set_has_cycled(correlated: AssemblerCase) -> None:
    # Payments of an interim menu have no bounds. In the units of the case HiGHS's active set did not end here without a limit of
    # iterations; in units of its own it does, and finds, as its interior point does, that everything is extracted.
    asked = {"solver": "highs", "form": "quadratic"}
    best = vd.solve(correlated, "first_best").objective
    assert vd.solve(correlated, "bic", {**asked, "options": {"solver": "qpasm"}}).objective == pytest.approx(best, rel=1e-6)
    assert vd.solve(correlated, "bic", asked).objective == pytest.approx(best, rel=1e-6)
