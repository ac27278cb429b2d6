"""`Repeated` solves as `vd.solve` does, whatever was solved before, and says the same of what cannot be solved."""

import itertools
import pickle
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import EXACT, build
from veridical.data import AssemblerCase
from veridical.solvers import Solution
from veridical.solvers.kept import KeptModels
from veridical.studies.papers.assembler_study import two_suppliers

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


def test_instances_of_a_published_study_take_one_run_each_and_come_to_the_closed_form() -> None:
    repeated = vd.Repeated()
    instances = [instance for _, instance in itertools.islice(two_suppliers(), 3, None, 97)]
    rounds = []
    for case in instances:
        again = repeated.solve(case, "icds", "highs")
        assert again.objective == pytest.approx(vd.solve(case, "icds", "closed_form").objective, rel=1e-9)
        assert again.certificate.within_all(1e-8)
        assert again.audit is not None
        assert again.audit.truthful
        assert again.audit.individually_rational
        rounds.append(again.solver.options["tangent_rounds"])
    assert sorted(rounds)[len(rounds) // 2] == 1
    assert repeated.solve(instances[0], "icds", "highs").duals["individual_rationality"].max() > 0


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "first_best", "hybrid"])
def test_units_that_were_wrongly_taken_for_likely_cost_time_alone(mechanism: str, monkeypatch: pytest.MonkeyPatch) -> None:
    likely = vd.models.assembler.vocabulary.newsvendor(lambda case: 1.4 * case.total_cost - 3)
    monkeypatch.setattr("veridical.models.assembler.vocabulary.newsvendor", lambda cost: likely)
    repeated = vd.Repeated()
    for price in (30.0, 26.0, 41.0):
        again, whole = repeated.solve(UNIFORM, mechanism, price=price), vd.solve(UNIFORM, mechanism, price=price)
        assert again.objective == pytest.approx(whole.objective, rel=1e-9)
        np.testing.assert_allclose(again.contracts.quantity, whole.contracts.quantity, rtol=1e-5, atol=1e-3)


def test_ranges_of_prices_are_those_of_the_case_whatever_is_solved_before_they_are_asked_for() -> None:
    repeated = vd.Repeated()
    found = [repeated.solve(UNIFORM, "icds_balanced", price=price) for price in (30.0, 24.0, 36.0)]
    for solution, price in zip(found, (30.0, 24.0, 36.0), strict=True):
        whole = vd.solve(UNIFORM, "icds_balanced", price=price)
        np.testing.assert_allclose(solution.dual_range("monotonicity"), whole.dual_range("monotonicity"), rtol=1e-4, atol=1e-3)
    sent = pickle.loads(pickle.dumps(repeated.solve(UNIFORM, "icds_balanced", price=33.0)))
    assert sent.dual_range("monotonicity").shape == (4, 2)


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


CAPACITIES = {"allocation": "two-retailers", "allocation_direct": "two-retailers", "centralized": "two-retailers"}


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
@pytest.mark.parametrize("mechanism", CAPACITIES)
def test_a_supplier_of_another_capacity_shares_the_model(mechanism: str, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    frame = vd.models.allocation.vocabulary.frame

    def counted(case: Any, name: str, *arguments: Any) -> Any:
        built.append(name)
        return frame(case, name, *arguments)

    case, repeated = vd.example(CAPACITIES[mechanism]), vd.Repeated()
    whole = [vd.solve(case, mechanism, solver, capacity=capacity) for capacity in (2.0, 2.9, 3.6)]
    monkeypatch.setattr("veridical.models.allocation.vocabulary.frame", counted)
    for one in whole:
        again = repeated.solve_from(case, case, mechanism, solver, capacity=one.contracts.case.capacity)
        assert again.objective == pytest.approx(one.objective, rel=1e-9)
        assert again.contracts.case == one.contracts.case
        assert again.certificate.holds
        assert again.audit is not None
        assert again.audit.expected_profit == pytest.approx(again.objective, rel=1e-6)
        np.testing.assert_allclose(again.contracts.by_type, one.contracts.by_type, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(again.sensitivity, one.sensitivity, rtol=1e-6, atol=1e-6)
    assert built == [mechanism]


def test_what_another_cost_of_capacity_decides_is_decided_anew() -> None:
    case, repeated = vd.example("five-retailers"), vd.Repeated()
    assert case.capacity_cost is not None
    for factor in (1.0, 0.8, 1.3):
        changes: dict[str, Any] = {"capacity_cost": factor * case.capacity_cost}
        again, whole = repeated.solve(case, **changes), vd.solve(case, **changes)
        assert again.objective == pytest.approx(whole.objective, rel=1e-9)
        assert again.contracts.capacity == pytest.approx(whole.contracts.capacity, rel=1e-6)
    fewer: dict[str, Any] = {"retailers.0.count": 2}
    assert repeated.solve(case, **fewer).objective == vd.solve(case, **fewer).objective


@pytest.mark.parametrize("mechanism", ["icds", "hybrid", "naive"])
def test_ipopt_starts_from_the_optimum_of_the_first_case(mechanism: str) -> None:
    case, repeated, backwards = vd.example("two-suppliers-correlated"), vd.Repeated(), vd.Repeated()
    prices = (29.0, 31.5, 34.0)
    found = {price: repeated.solve_from(case, case, mechanism, "ipopt", price=price) for price in prices}
    for price in reversed(prices):
        whole, other = (
            vd.solve(case, mechanism, "ipopt", price=price),
            backwards.solve_from(case, case, mechanism, "ipopt", price=price),
        )
        agree(found[price], whole)
        assert found[price].solver.options["warm_start_init_point"] == "yes"
        assert "warm_start_init_point" not in whole.solver.options
        assert other.objective == found[price].objective  # to the last bit
        assert other.contracts.payment.tolist() == found[price].contracts.payment.tolist()


def test_a_first_case_without_an_optimum_leaves_nothing_to_others() -> None:
    case = vd.example("two-suppliers")
    calls = []

    def solve(model: Any, configuration: Any, kept: Any) -> Solution:
        calls.append(model)
        raise vd.NotSolvedError("nothing", "failed")

    kept = KeptModels({"highs": (solve, False)})
    build, configuration = vd.models.icds.build, vd.solvers.configure("highs")
    for first in (None, case):
        for price in (30.0, 31.0):
            with suppress(vd.NotSolvedError):
                assert kept.solve(build, case.changed(price=price), "tangent", configuration, {}, first) is None
    assert len(calls) == 3  # each model anew; and of a first case once and for all
    assert len(set(map(id, calls))) == 3


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


@pytest.mark.parametrize(
    "terms", [{"suppliers.battery.units_per_product": 2.0}, {"assembly_cost": 1.5}, {"suppliers.panel.capacity": 450.0}, {}]
)
@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_another_price_of_a_case_with_terms_is_not_read_into_other_columns(terms: dict[str, float], solver: str) -> None:
    """A matrix that a solver sorted in place was the next case's too: 33.87 was called the optimum where 1,102.74 is."""
    case, repeated = vd.example("two-suppliers-correlated").changed(**terms), vd.Repeated()
    for price in (case.price, 0.62 * case.price, 1.1 * case.price):
        other = case.changed(price=price)
        expected = vd.solve(other, "icds_balanced", "closed_form").objective
        assert repeated.solve(other, "icds_balanced", solver).objective == pytest.approx(expected, rel=1e-7)
