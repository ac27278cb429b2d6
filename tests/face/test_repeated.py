"""`Repeated` solves as `vd.solve` does, whatever was solved before, and says the same of what cannot be solved."""

import itertools
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import EXACT, build
from veridical.data import AssemblerCase
from veridical.solvers import Solution

MECHANISMS = ("naive", "frw", "hybrid", "icds_balanced", "icds", "bic", "first_best")
PRIOR = [[[0.2, 0.05], [0.1, 0.15]], [[0.05, 0.1], [0.15, 0.2]]]
POINTS = {"distribution": "empirical", "values": [120, 250, 400, 650, 900], "weights": [0.3, 0.2, 0.2, 0.2, 0.1]}
CASE = build([[2, 4], [1, 3], [5, 6]], joint=PRIOR, price=24, demand=POINTS)
UNIFORM = build([[4, 9], [3, 7]], [[0.4, 0.6], [0.5, 0.5]])


def agree(again: Solution, whole: Solution) -> None:
    """Check what a user relies on: all of it is the same, but for prices that are not unique."""
    assert (again.status, again.mechanism, again.case) == (whole.status, whole.mechanism, whole.case)
    assert again.objective == pytest.approx(whole.objective, rel=EXACT)
    assert again.bound == pytest.approx(whole.bound, rel=1e-8)
    assert again.certificate.holds
    assert again.certificate.proves == whole.certificate.proves
    assert again.contracts.case == whole.contracts.case
    assert again.audit is not None
    assert whole.audit is not None
    promised = whole.audit.incentive_concept, whole.audit.participation  # others may depend on which optimum it is
    assert [again.audit.properties[name].holds for name in promised] == [whole.audit.properties[name].holds for name in promised]
    assert again.audit.expected_profit == pytest.approx(again.objective, rel=1e-6)
    assert set(again.duals) == set(whole.duals)
    for family, prices in whole.duals.items():
        if "tangent" not in family:
            assert again.duals[family].index.equals(prices.index), family
            assert again.duals[family].index.names == prices.index.names
    assert list(again.sensitivity.index) == list(whole.sensitivity.index)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_other_numbers_bring_what_a_whole_solve_brings(mechanism: str) -> None:
    rng, repeated = np.random.default_rng(7), vd.Repeated()
    for _ in range(6):
        costs = [np.sort(rng.uniform(1, 7, 2)).tolist() for _ in range(3)]
        changes: dict[str, Any] = {f"suppliers.{i}.costs": own for i, own in zip("abc", costs, strict=True) if rng.random() < 0.6}
        changes |= {"price": float(rng.uniform(15, 40)), "prior": {"joint": rng.dirichlet(np.ones(8)).reshape(2, 2, 2).tolist()}}
        agree(repeated.solve(CASE, mechanism, **changes), vd.solve(CASE, mechanism, **changes))


@pytest.mark.parametrize("mechanism", ["icds", "hybrid", "frw"])
def test_tangents_of_one_case_are_not_the_nexts(mechanism: str) -> None:
    repeated = vd.Repeated()
    for price, dear in ((30.0, 9.0), (24.0, 9.0), (33.0, 9.5), (30.0, 9.0)):
        changes: dict[str, Any] = {"price": price, "suppliers.a.costs": [4.0, dear]}
        again, whole = repeated.solve(UNIFORM, mechanism, **changes), vd.solve(UNIFORM, mechanism, **changes)
        agree(again, whole)
        np.testing.assert_allclose(again.contracts.quantity, whole.contracts.quantity, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(again.sensitivity, whole.sensitivity, rtol=1e-4, atol=1e-3)
        assert again.solver.options["tangent_rounds"] >= 1


def test_a_result_depends_on_the_first_case_and_its_own_alone() -> None:
    prices = (20.0, 26.0, 22.0, 31.0, 18.0)
    found: dict[float, list[Solution]] = {price: [] for price in prices}
    for order in (prices, prices[::-1], (26.0, 18.0)):
        repeated = vd.Repeated()
        repeated.solve(CASE, price=24.0)
        for price in order:
            found[price].append(repeated.solve(CASE, price=price))
    for solutions in found.values():
        for one, other in itertools.pairwise(solutions):
            assert one.objective == other.objective
            np.testing.assert_array_equal(one.contracts.payment, other.contracts.payment)
            for family in one.duals:
                assert one.duals[family].equals(other.duals[family])


def test_a_solution_stays_as_it_was_when_its_model_is_used_again() -> None:
    repeated = vd.Repeated()
    first = repeated.solve(CASE, price=20.0)
    dearer: dict[str, Any] = {"price": 35.0, "suppliers.a.costs": [2.5, 5.0]}
    repeated.solve(CASE, **dearer)
    agree(first, vd.solve(CASE, price=20.0))
    assert first.sensitivity["price"] == pytest.approx(vd.solve(CASE, price=20.0).sensitivity["price"], rel=1e-6)
    assert "cost a=4" in first.sensitivity.index
    assert repeated.solve(CASE, price=20.0).objective == pytest.approx(first.objective, rel=EXACT)


def test_what_is_kept_is_used_and_what_differs_in_structure_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    frame = vd.models.assembler.vocabulary.frame

    def counted(case: AssemblerCase, name: str, *arguments: Any, **further: Any) -> Any:
        built.append(name)
        return frame(case, name, *arguments, **further)

    monkeypatch.setattr("veridical.models.assembler.vocabulary.frame", counted)
    repeated = vd.Repeated()
    repeated.solve(CASE)
    assert built == ["icds"]
    same = (
        {"price": 25.0},
        {"suppliers.b.costs": [1.5, 3.5]},
        {"prior": {"joint": [[[0.125] * 2] * 2] * 2}},
        {"name": "another"},
    )
    for changes in same:
        agree(repeated.solve(CASE, **changes), vd.solve(CASE, **changes))
    assert built == ["icds"] * (1 + len(same))  # once by Repeated, and by each whole solve
    others: tuple[dict[str, Any], ...] = (
        {"feasibility": False},
        {"demand": {**POINTS, "weights": [0.2] * 5}},
        {"mechanism": "frw"},
        {"suppliers.c.costs": [5.0], "prior": {"joint": [[[0.25], [0.25]], [[0.25], [0.25]]]}},
        {"solver": {"solver": "highs", "tolerance": 1e-7}},
    )
    for number, changes in enumerate(others, 1):
        repeated.solve(CASE, **changes)
        assert len(built) == 1 + len(same) + number, changes
    repeated.solve(CASE, price=26.0)  # the first model is still there
    assert len(built) == 1 + len(same) + len(others)


def test_a_probability_of_0_is_solved_whole() -> None:
    repeated, never = vd.Repeated(), [[[0.3, 0.0], [0.1, 0.15]], [[0.05, 0.1], [0.15, 0.15]]]
    for joint in (PRIOR, never, PRIOR):
        agree(repeated.solve(CASE, prior={"joint": joint}), vd.solve(CASE, prior={"joint": joint}))


def test_bets_without_a_bound_and_with_one() -> None:
    case, repeated = vd.example("two-suppliers-correlated"), vd.Repeated()
    for parameters in ({}, {"max_payment": 5000.0}, {"price": 33.0}, {"participation": "ex_post"}):
        agree(repeated.solve(case, "bic", **parameters), vd.solve(case, "bic", **parameters))


@pytest.mark.parametrize(
    ("name", "mechanism", "solver"), [("two-retailers", None, None), ("two-suppliers", "icds", "closed_form")]
)
def test_what_has_no_model_to_keep_is_solved_whole(name: str, mechanism: str | None, solver: str | None) -> None:
    case, repeated = vd.example(name), vd.Repeated()
    for _ in range(2):
        assert repeated.solve(case, mechanism, solver).objective == vd.solve(case, mechanism, solver).objective


def test_errors_are_those_of_a_whole_solve() -> None:
    repeated = vd.Repeated()
    repeated.solve(CASE)
    refused: tuple[dict[str, Any], ...] = (
        {"price": -1},
        {"k": 2},
        {"suppliers.a.costs": [4, 2]},
        {"mechanism": "vcg"},
        {"solver": {"solver": "highs", "options": {"no_such": 1}}},
        {"solver": {"solver": "highs", "time_limit": 1e-9}},
    )
    for changes in refused:
        messages = []
        for solve in (repeated.solve, vd.solve):
            with pytest.raises(vd.VeridicalError) as caught:
                solve(CASE, **changes)
            messages.append((type(caught.value), str(caught.value)))
        assert messages[0] == messages[1]
    agree(repeated.solve(CASE, price=25.0), vd.solve(CASE, price=25.0))


def test_solutions_from_a_first_case_do_not_depend_on_what_was_solved_before() -> None:
    case = vd.example("electronics")
    prices = (112.0, 118.0, 125.0, 119.5)
    ordered, backwards = vd.Repeated(), vd.Repeated()
    backwards.solve(case, "icds", "highs", price=130.0)
    in_order = {price: ordered.solve_from(case, case, "icds", "highs", price=price) for price in prices}
    other = {price: backwards.solve_from(case, case, "icds", "highs", price=price) for price in reversed(prices)}
    for price in prices:
        alone = vd.Repeated().solve_from(case, case, "icds", "highs", price=price)
        assert in_order[price].objective > 0
        for solution in (other[price], alone):
            assert solution.objective == in_order[price].objective  # to the last bit
            assert solution.contracts.payment.tolist() == in_order[price].contracts.payment.tolist()
            assert solution.duals["individual_rationality"].equals(in_order[price].duals["individual_rationality"])
        assert alone.objective == pytest.approx(vd.solve(case, "icds", "highs", price=price).objective, rel=1e-9)


def test_cases_of_another_structure_than_the_first_are_solved_whole() -> None:
    longer = build([[2, 4, 5], [1, 3]], [[0.5, 0.25, 0.25], [0.5, 0.5]])
    repeated = vd.Repeated()
    for _ in range(2):
        found = repeated.solve_from(UNIFORM, longer, "icds", "highs")
        assert found.objective == vd.solve(longer, "icds", "highs").objective
        found = repeated.solve_from(CASE, longer, "icds", "highs")
        assert found.objective == vd.solve(longer, "icds", "highs").objective
