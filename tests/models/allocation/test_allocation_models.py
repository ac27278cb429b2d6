"""Every model of capacity allocation, every revenue, every solver: one optimum, and one record."""

import json
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import veridical as vd
from support.allocation_cases import EXPONENTIAL, GAMMA, LINEAR, NORMAL, POWER, ROOT, UNIFORM, case, form_name, group
from support.allocation_models import ALL_FORMS, OWN, SAME, SQUARE_ROOT, allotted, closed, large_groups, near, quadratic, solved
from support.strategies import examples
from veridical.data import AllocationCase

REGULAR, IRREGULAR = [0.3, 0.3, 0.25, 0.15], [0.5, 0.05, 0.3, 0.15]


def supply(own: AllocationCase) -> str:
    return "allocation" if own.capacity is not None else "capacity_choice"


# --- every model, every revenue, every solver: one optimum ---


MIXED = group([3, 5], [0.6, 0.4], LINEAR)


@pytest.mark.parametrize("f", [REGULAR, IRREGULAR], ids=["regular", "irregular"])
@pytest.mark.parametrize("raw", ALL_FORMS, ids=form_name)
def test_all_models_have_the_closed_forms_optimum(raw: Any, f: list[float]) -> None:
    own = case(group([4, 5, 6, 8], f, raw, 2), MIXED, capacity=4.0 if raw in (LINEAR, POWER, ROOT) else 9.0)
    oracle = closed(own)
    assert oracle.ironed is (f is IRREGULAR)
    assert oracle.interim_optimal is (f is REGULAR or oracle.case.retailers[0].revenue.separable)
    solvers = ["highs", "ipopt"] if quadratic(own) else ["ipopt"]
    for solver in solvers:
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
            solution, found = solved(own, mechanism, solver)
            if mechanism == "allocation_direct" and not oracle.interim_optimal:
                assert solution.objective >= oracle.earned * (1 - SAME)  # truth in expectation alone may earn a little more
                assert solution.objective == pytest.approx(oracle.earned, rel=1e-2)
                continue
            assert solution.objective == pytest.approx(oracle.earned, rel=SAME)
            near(found, oracle)
            assert found.expected_shadow_price == pytest.approx(oracle.expected_shadow_price, rel=SAME)
            if mechanism != "allocation_direct":
                assert found.supplier_profit == pytest.approx(oracle.earned, rel=SAME)
                assert ("monotonicity" in solution.duals) is (f is IRREGULAR)


@pytest.mark.parametrize("raw", [LINEAR, POWER, UNIFORM], ids=form_name)
def test_the_capacity_worth_having_is_the_same_by_all_models(raw: Any) -> None:
    own = case(group([4, 5, 7], [0.5, 0.1, 0.4], raw, 2), capacity_cost=1.1)
    oracle = closed(own)
    for mechanism in ("capacity_choice", "allocation_kkt", "allocation_direct"):
        for solver in ["highs", "ipopt"] if quadratic(own) else ["ipopt"]:
            solution, found = solved(own, mechanism, solver)
            if mechanism == "allocation_direct" and not oracle.interim_optimal:
                assert solution.objective >= oracle.supplier_profit * (1 - SAME)
                continue
            assert solution.objective == pytest.approx(oracle.supplier_profit, rel=SAME)
            assert found.expected_shadow_price == pytest.approx(1.1, rel=SAME)  # E[lambda] = c
            assert found.capacity == pytest.approx(oracle.capacity, rel=SQUARE_ROOT)
            # In the system of conditions the multipliers of HiGHS count as well, and are exact to its tolerance of 1e-9 alone.
            assert solution.sensitivity["capacity_cost"] == pytest.approx(-found.capacity, rel=1e-8)


@pytest.mark.parametrize(
    ("example", "mechanism"),
    [("two-retailers", "allocation"), ("five-retailers", "capacity_choice"), ("flat-panels", "allocation")],
)
def test_shipped_cases_are_solved_by_every_model(example: str, mechanism: str) -> None:
    own = vd.example(example)
    assert isinstance(own, AllocationCase)
    oracle = closed(own)
    for each in (mechanism, "allocation_kkt", "allocation_direct"):
        solution, found = solved(own, each)
        assert solution.objective == pytest.approx(oracle.supplier_profit, rel=SAME)
        near(found, oracle)
    whole = vd.solve(own, "centralized")
    assert whole.benchmark is not None
    assert whole.objective == pytest.approx(whole.benchmark["profit"], rel=SAME)
    assert whole.objective > oracle.chain_profit > oracle.supplier_profit


def test_a_type_far_above_the_capacity_is_worth_the_same_wherever_it_lies() -> None:
    own = vd.example("flat-panels").changed(**{"retailers.monitors.count": 1})
    low, high = (vd.solve(own.changed(**{"retailers.monitors.types": [10, 14, most]}), solver="ipopt") for most in (2e3, 2e31))
    assert high.objective == pytest.approx(low.objective, rel=SAME)


def test_table_5_by_the_models() -> None:
    own = vd.example("two-retailers")
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        _, found = solved(own, mechanism)
        assert found.payments[0] == pytest.approx([0, 2.577, 4.929, 6.975, 8.629], abs=6e-4)
        table = found.to_frame()["quantity"]
        assert table.loc[(8, 8)].to_numpy() == pytest.approx([1.315, 1.315], abs=1e-6)
        assert table.loc[(5, 6)].to_numpy() == pytest.approx([0.815, 1.815], abs=1e-5)  # by hand: 2 theta - 8 - lambda, over 2
        assert table.loc[(4, 8)].to_numpy() == pytest.approx([0, 2.63], abs=1e-5)


def cases(forms: list[Any]) -> st.SearchStrategy[AllocationCase]:
    """Return one group of two to four retailers with up to five types, or two unlike groups with up to two of three each."""
    alike = large_groups(forms, 4, 5).map(lambda one: [one])
    unlike = st.tuples(large_groups(forms, 2, 3), large_groups(forms, 2, 3)).map(list)
    limits = st.one_of(
        st.floats(0.3, 12.0).map(lambda k: {"capacity": k}), st.floats(0.1, 5.0).map(lambda c: {"capacity_cost": c})
    )
    return st.builds(lambda found, limit: case(*found, **limit), st.one_of(alike, unlike), limits)


def holds(own: AllocationCase, solver: str) -> None:
    """Check by models alone what must hold, and that they agree with the closed form."""
    oracle = closed(own)
    scale = max(1.0, abs(oracle.supplier_profit))
    _, found = solved(own, supply(own), solver)
    kkt, system = solved(own, "allocation_kkt")
    direct, _ = solved(own, "allocation_direct", solver)
    assert found.supplier_profit == pytest.approx(oracle.supplier_profit, rel=SAME, abs=SAME)
    assert kkt.objective == pytest.approx(oracle.supplier_profit, rel=SAME, abs=SAME)
    if oracle.interim_optimal:
        assert direct.objective == pytest.approx(oracle.supplier_profit, rel=SAME, abs=SAME)
    else:
        assert direct.objective >= oracle.supplier_profit - SAME * scale
    for each in (found, system):
        used = (each.profiles.counts * each.by_type).sum(axis=1)
        assert (used <= each.capacity + 1e-6).all()
        assert (each.shadow_price >= -1e-6).all()
        assert each.probability @ (each.shadow_price * (each.capacity - used)) == pytest.approx(0, abs=SAME * scale)
        assert [float(paid[0]) for paid in each.payments] == pytest.approx(
            [report.revenue[0, 0] for report in each.reports],
            abs=1e-6,  # the lowest type is left with nothing
        )
        if own.capacity_cost and each.capacity > 1e-3:
            assert each.expected_shadow_price == pytest.approx(own.capacity_cost, rel=SAME)
    findings = vd.audit(found.case, found).properties
    assert all(findings[key].holds for key in ("dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "monotone"))
    first_best, best = solved(own, "centralized", solver)
    assert first_best.objective >= found.chain_profit - SAME * scale
    if own.capacity_cost is not None:
        assert found.capacity <= best.capacity * (1 + SQUARE_ROOT) + SQUARE_ROOT  # Theorem 4


@examples(15)
@given(cases([LINEAR]))
def test_random_linear_demand_by_highs(own: AllocationCase) -> None:
    holds(own, "highs")


@examples(12)
@given(cases([LINEAR, POWER, ROOT]))
@example(case(group([2, 5], [0.6, 0.4]), group([2, 5], [1 / 3, 2 / 3]), capacity_cost=0.3))  # its units were rounding over 0
def test_random_inverse_demands_by_ipopt(own: AllocationCase) -> None:
    holds(own, "ipopt")


@examples(8)
@given(cases([NORMAL, UNIFORM, EXPONENTIAL, GAMMA, OWN]).filter(lambda own: own.capacity is not None))
def test_random_newsvendors_and_own_revenues(own: AllocationCase) -> None:
    # below a twentieth of the lowest type every unit sells, all types are alike, and `allocation_direct` has no one optimum
    assume(all(own.capacity is not None and own.capacity > 0.05 * part.theta[0] for part in own.retailers))
    holds(own, "ipopt")


def test_a_newsvendor_is_not_left_where_nobody_sells_anything() -> None:
    """Far out virtual marginal revenue is 0 again: an NLP solver took it for the optimum, at 2 % less."""
    first = group([0.5, 2, 5], [1 / 4, 1 / 4, 1 / 2], UNIFORM)
    for second in (group([1.5, 2.5], None, GAMMA), group([3, 30], None, NORMAL), group([1, 2], None, EXPONENTIAL)):
        for capacity in (10.0, 200.0):
            own = case(first, second, capacity=capacity)
            earned = closed(own).earned
            for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
                assert solved(own, mechanism)[0].objective == pytest.approx(earned, rel=SAME)


@pytest.mark.parametrize("capacity", [20.0, 60.0])
def test_a_rare_type_is_pooled_with_a_lower_one_that_wants_much(capacity: float) -> None:
    """His own virtual revenue is concave up to 6 units, fewer than what the type below him gets."""
    own = case(group([3, 4, 6], [0.95, 0.005, 0.045], EXPONENTIAL, 2), capacity=capacity)
    _, found = solved(own, "allocation")
    oracle = closed(own)
    assert found.supplier_profit == pytest.approx(oracle.earned, rel=SAME)
    (truth,) = found.reports
    assert truth.quantity[:, 1].min() > 6.2


def test_types_that_get_nothing_are_left_no_traces_to_lie_for() -> None:
    """Virtual values: 2 - 0.8 / 0.2 * 0.5 = 0, 2.5 - 0.45 / 0.35 * 2 < 0. An interior point left the first one 2e-5 units."""
    own = case(group([2, 2.5, 4.5], [0.2, 0.35, 0.45], LINEAR, 2), capacity=1.0)
    for mechanism in ("allocation", "allocation_kkt"):
        solution, found = solved(own, mechanism)
        assert solution.objective == pytest.approx(closed(own).earned, rel=SAME)
        assert vd.audit(own, found).max_regret < 1e-7


# --- the record ---


@pytest.mark.parametrize(
    ("example", "solver"), [("two-retailers", "highs"), ("five-retailers", "closed_form"), ("flat-panels", "ipopt")]
)
def test_the_record_has_the_keys_that_do_not_change(example: str, solver: str) -> None:
    own = vd.example(example)
    assert isinstance(own, AllocationCase)
    solution = vd.solve(own, solver=solver)
    found = allotted(solution)
    record = json.loads(json.dumps(solution.to_dict(), allow_nan=False))
    assert record["capacity"] == found.capacity
    assert record["objective"] == pytest.approx(record["supplier_share"] * record["chain_profit"], rel=SAME)
    assert record["centralized"].keys() == {"capacity", "profit"}
    assert record["centralized"]["profit"] >= record["chain_profit"]
    assert len(record["payments"]) == sum(len(part.theta) for part in own.retailers)
    assert record["audit"]["max_regret"] <= 1e-6 * record["objective"]
    assert record["audit"]["min_profit"] == pytest.approx(0, abs=1e-6 * record["objective"])
    rows = record["allocation"]
    assert len(rows) == own.profile_count
    assert sum(row["probability"] for row in rows) == pytest.approx(1, abs=1e-12)
    assert sum(row["probability"] * row["shadow_price"] for row in rows) == pytest.approx(record["expected_shadow_price"])
    for row in rows:
        assert {"types", "probability", "quantity", "shadow_price"} <= row.keys()
        assert len(row["types"]) == len(row["quantity"]) == sum(own.members)
        assert sum(row["quantity"]) <= record["capacity"] * (1 + SAME)
        start = 0
        for count in own.members:
            assert row["types"][start : start + count] == sorted(row["types"][start : start + count])
            start += count
    if solver != "closed_form":
        assert record["duals"]["capacity"][0].keys() == {"index", "value"}
        assert record["duals"]["capacity"][0]["index"].keys() == {"profile"}
    assert record["sensitivity"].keys() == ({"capacity"} if own.capacity else {"capacity_cost"})
