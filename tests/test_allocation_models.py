"""The Pyomo models of capacity allocation against each other, the closed form, finite differences and golden section."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

import veridical as vd
from veridical.contracts import Allotment
from veridical.data import AllocationCase, CertificateError, InputError, NotSolvedError
from veridical.data.fields import check
from veridical.models.allocation import OwnRevenue
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Allocation, allocation, capacity_choice

Array = NDArray[np.float64]
LINEAR: dict[str, Any] = {"form": "linear_demand"}
POWER: dict[str, Any] = {"form": "power_demand", "scale": 1.3, "exponent": 1.7}
ROOT: dict[str, Any] = {"form": "power_demand", "scale": 0.8, "exponent": 0.5}


def newsvendor(distribution: str, **parameters: float) -> dict[str, Any]:
    return {"form": "newsvendor", "price": 10.0, "demand": {"distribution": distribution, **parameters}}


NORMAL, UNIFORM, EXPONENTIAL = newsvendor("normal", sd=1.0), newsvendor("uniform"), newsvendor("exponential")
GAMMA = newsvendor("gamma", shape=0.7)
OWN = OwnRevenue(expression=lambda q, theta: 12 * theta * (1 - pyo.exp(-q / theta)))
FORMS: list[Any] = [LINEAR, POWER, ROOT, NORMAL, UNIFORM, EXPONENTIAL, GAMMA, OWN]
SAME = 1e-6  # relative, of profits
SQUARE_ROOT = 3e-4  # relative, of quantities: at an optimum they are as exact as the square root of the profit, to 1e-9
REGULAR, IRREGULAR = [0.3, 0.3, 0.25, 0.15], [0.5, 0.05, 0.3, 0.15]


def name(raw: Any) -> str:
    return "own" if isinstance(raw, OwnRevenue) else str(raw.get("demand", raw).get("distribution", raw["form"]))


def group(types: Any, probabilities: Any = None, revenue: Any = LINEAR, count: int = 1, **named: str) -> dict[str, Any]:
    f = [1 / len(types)] * len(types) if probabilities is None else list(probabilities)
    return {"count": count, "types": list(types), "probabilities": f, "revenue": revenue, **named}


def case(*groups: dict[str, Any], **fields: Any) -> AllocationCase:
    return check(AllocationCase, {"name": "by hand", "retailers": list(groups), **fields})


def allotted(solution: Solution) -> Allotment:
    assert isinstance(solution.contracts, Allotment)
    return solution.contracts


def solved(own: AllocationCase, mechanism: str, solver: str = "ipopt") -> tuple[Solution, Allotment]:
    """Solve as `vd.solve` does, but without the chain with full information, whose closed form takes longer than the model."""
    solution = vd.solvers.solve(vd.build(own, mechanism), solver).checked(vd.MECHANISMS[mechanism].promises())
    return solution, allotted(solution)


def closed(own: AllocationCase) -> Allocation:
    return (allocation if own.capacity is not None else capacity_choice)(own)


def quadratic(own: AllocationCase) -> bool:
    return "quadratic" in vd.models.allocation.forms(own)


def supply(own: AllocationCase) -> str:
    return "allocation" if own.capacity is not None else "capacity_choice"


def near(found: Allotment, wanted: Allotment, tolerance: float = SQUARE_ROOT) -> None:
    assert found.capacity == pytest.approx(wanted.capacity, rel=tolerance)
    assert found.by_type == pytest.approx(wanted.by_type, rel=tolerance, abs=tolerance * max(1.0, wanted.by_type.max()))


# --- every model, every revenue, every solver: one optimum ---

MIXED = group([3, 5], [0.6, 0.4], LINEAR)


@pytest.mark.parametrize("f", [REGULAR, IRREGULAR], ids=["regular", "irregular"])
@pytest.mark.parametrize("raw", FORMS, ids=name)
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


@pytest.mark.parametrize("raw", [LINEAR, POWER, UNIFORM], ids=name)
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
            assert solution.sensitivity["capacity_cost"] == pytest.approx(-found.capacity, rel=1e-9)


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


def test_table_5_by_the_models() -> None:
    own = vd.example("two-retailers")
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        _, found = solved(own, mechanism)
        assert found.payments[0] == pytest.approx([0, 2.577, 4.929, 6.975, 8.629], abs=6e-4)
        table = found.to_frame()["quantity"]
        assert table.loc[(8, 8)].to_numpy() == pytest.approx([1.315, 1.315], abs=1e-6)
        assert table.loc[(5, 6)].to_numpy() == pytest.approx([0.815, 1.815], abs=1e-5)  # by hand: 2 theta - 8 - lambda, over 2
        assert table.loc[(4, 8)].to_numpy() == pytest.approx([0, 2.63], abs=1e-5)


def shares(count: int) -> st.SearchStrategy[list[float]]:
    weights = st.lists(st.integers(1, 9), min_size=count, max_size=count)
    return weights.map(lambda found: (np.array(found) / sum(found)).tolist())


@st.composite
def groups(draw: st.DrawFn, forms: list[Any], retailers: int, most_types: int) -> dict[str, Any]:
    count = draw(st.integers(2, most_types))
    types = np.cumsum(draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))) / 2
    return group(
        types.tolist(), draw(shares(count)), draw(st.sampled_from(forms)), draw(st.integers(2 if retailers > 2 else 1, retailers))
    )


def cases(forms: list[Any]) -> st.SearchStrategy[AllocationCase]:
    """Return one group of two to four retailers with up to five types, or two unlike groups with up to two of three each."""
    alike = groups(forms, 4, 5).map(lambda one: [one])
    unlike = st.tuples(groups(forms, 2, 3), groups(forms, 2, 3)).map(list)
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


RANDOM: dict[str, Any] = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=15, **RANDOM)
@given(cases([LINEAR]))
def test_random_linear_demand_by_highs(own: AllocationCase) -> None:
    holds(own, "highs")


@settings(max_examples=12, **RANDOM)
@given(cases([LINEAR, POWER, ROOT]))
def test_random_inverse_demands_by_ipopt(own: AllocationCase) -> None:
    holds(own, "ipopt")


@settings(max_examples=8, **RANDOM)
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


# --- shadow prices ---


def test_the_dual_of_a_profile_is_what_one_more_unit_there_earns() -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], LINEAR, 2), group([3, 5], None, POWER), capacity=3.3)
    model = vd.build(own, "allocation")
    found = vd.solvers.solve(model, "ipopt")
    prices, h = found.duals["capacity"], 1e-3
    binding = 0
    for profile in model.PROFILES:
        weight, body = pyo.value(model.probability[profile]), model.capacity[profile].body
        earned = []
        for limit in (3.3 - h, 3.3 + h):
            model.capacity[profile].set_value((None, body, weight * limit))
            earned.append(vd.solvers.solve(model, "ipopt").objective)
        model.capacity[profile].set_value((None, body, weight * 3.3))
        slope = (earned[1] - earned[0]) / (2 * h * weight)  # per unit in that profile
        assert prices[profile] == pytest.approx(slope, abs=2e-4)  # of the difference of two profits, each to 1e-9
        binding += slope > 0.1
    assert binding > len(prices) / 2
    assert allotted(found).shadow_price == pytest.approx(prices[list(model.PROFILES)].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("raw", FORMS, ids=name)
def test_the_mean_shadow_price_is_the_slope_of_the_profit(raw: Any) -> None:
    # so that it binds: nobody wants more than 7 / 2 units, or (7 / 3.5)^(1 / 1.7) = 1.5, where prices fall with them
    capacity, h = 2.1 if raw == POWER else 3.1, 1e-2
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), capacity=capacity)
    earned = [solved(own.changed(capacity=capacity + step), "allocation")[0].objective for step in (-h, 0.0, h)]
    solution, found = solved(own, "allocation")
    slope = (earned[2] - earned[0]) / (2 * h)
    assert slope > 0.05
    assert found.expected_shadow_price == pytest.approx(
        slope, rel=1e-4
    )  # central differences of a function with third derivatives
    assert solution.sensitivity["capacity"] == pytest.approx(found.expected_shadow_price, rel=1e-12)
    if raw in (LINEAR, POWER, UNIFORM):
        left, right = vd.one_sided_derivatives(own, "capacity", "allocation", "ipopt", step=1e-3)
        assert right - 1e-5 <= found.expected_shadow_price <= left + 1e-5  # V is concave
    assert earned[0] + earned[2] <= 2 * earned[1] + 1e-8


def test_a_dearer_capacity_costs_its_units() -> None:
    own = vd.example("five-retailers")
    assert isinstance(own, AllocationCase)
    solution, found = solved(own, "capacity_choice", "highs")
    left, right = vd.one_sided_derivatives(own, "capacity_cost", "capacity_choice", "highs")
    assert solution.sensitivity["capacity_cost"] == -found.capacity
    assert left - 1e-6 <= -found.capacity <= right + 1e-6  # convex in the cost
    assert left == pytest.approx(right, rel=1e-2)


@pytest.mark.parametrize("raw", [LINEAR, POWER, EXPONENTIAL], ids=name)
def test_multipliers_of_the_system_are_the_duals(raw: Any) -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), group([3, 5], [0.7, 0.3], raw), capacity=4.0)
    duals = vd.solve(own, "allocation", "ipopt").duals["capacity"]
    model = vd.build(own, "allocation_kkt")
    solution = vd.solvers.solve(model, "ipopt")
    assert float(pyo.value(model.complementarity)) == pytest.approx(0, abs=1e-7)
    assert solution.certificate.complementarity is not None
    assert solution.certificate.complementarity < 1e-7
    for profile in model.PROFILES:
        assert model.shadow_price[profile].value == pytest.approx(duals[profile], abs=1e-4)  # weight 0.02 and more, at 1e-9
    # (6)-(8), looked at again by hand: lambda covers virtual marginal revenue, and is it where units are given
    for key in model.CELLS:
        gap = model.shadow_price[key[0]].value - pyo.value(model.virtual_marginal[key])
        assert gap >= -1e-6
        assert min(gap, model.quantity[key].value) <= 1e-4


def test_a_system_that_is_not_solved_is_refused() -> None:
    """What a solver would call optimal with products left over fails its certificate."""
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], LINEAR, 2), capacity=2.0)
    model = vd.build(own, "allocation_kkt")
    for profile in model.PROFILES:
        model.shadow_price[profile].fix(9.0)  # far above every margin: whatever is then optimal leaves products over
    with pytest.raises(CertificateError, match="the optimality conditions are violated"):
        vd.solvers.solve(model, "ipopt").checked()


# --- the capacity worth having ---


@pytest.mark.parametrize("raw", [LINEAR, POWER, UNIFORM], ids=name)
def test_golden_section_finds_the_same_capacity(raw: Any) -> None:
    """The paper's search (section 3.2: V is concave) on profits of the model at fixed capacities."""
    own = case(group([4, 5, 7], [0.45, 0.2, 0.35], raw, 2), capacity_cost=1.2)
    solution, found = solved(own, "capacity_choice")

    def lost(capacity: float) -> float:
        fixed = own.changed(capacity_cost=None, capacity=float(capacity))
        return 1.2 * float(capacity) - vd.solve(fixed, "allocation", "highs" if quadratic(own) else "ipopt").objective

    ends = (0.5 * found.capacity, 0.9 * found.capacity, 1.6 * found.capacity)
    golden: Any = minimize_scalar(lost, bracket=ends, method="golden", options={"xtol": 1e-5})
    # a maximum is found to the square root of the precision of profits, 1e-9: the search ends there, as the authors' did
    assert found.capacity == pytest.approx(golden.x, rel=2e-4)
    assert solution.objective == pytest.approx(-golden.fun, rel=1e-7)
    assert solution.objective >= -golden.fun - 1e-7
    for other in (0.9, 1.1):
        assert -lost(other * found.capacity) < solution.objective - 1e-3


@settings(max_examples=8, **RANDOM)
@given(
    st.tuples(groups([LINEAR], 3, 4), groups([LINEAR], 2, 3)), st.lists(st.floats(0.2, 14.0), min_size=3, max_size=3, unique=True)
)
def test_profit_is_concave_in_capacity(parts: Any, capacities: list[float]) -> None:
    low, middle, high = sorted(capacities)
    assume(high - low > 0.1)
    values, prices = [], []
    for capacity in (low, middle, high):
        solution, found = solved(case(*parts, capacity=capacity), "allocation", "highs")
        values.append(solution.objective)
        prices.append(found.expected_shadow_price)
    share = (middle - low) / (high - low)
    assert values[1] >= (1 - share) * values[0] + share * values[2] - 1e-8
    pairs = pairwise(zip(values, prices, strict=True))
    for ((value, price), (following, later)), width in zip(pairs, (middle - low, high - middle), strict=True):
        assert later * width - 1e-7 <= following - value <= price * width + 1e-7


# --- what models do with odd cases ---


def test_units_rise_with_the_own_type_and_fall_with_others() -> None:
    for raw in (LINEAR, NORMAL):
        _, found = solved(case(group([3, 4, 6], [0.5, 0.1, 0.4], raw, 3), capacity=4.0), "allocation")
        (truth,) = found.reports
        assert (np.diff(truth.quantity, axis=1) >= -1e-6).all()
        order = {tuple(row): k for k, row in enumerate(truth.others.tolist())}
        for row, k in order.items():
            for low, high in ((0, 1), (1, 2)):
                if row[low]:
                    raised = list(row)
                    raised[low], raised[high] = raised[low] - 1, raised[high] + 1
                    assert (truth.quantity[order[tuple(raised)]] <= truth.quantity[k] + 1e-5).all()


def test_pooled_types_get_the_same() -> None:
    # virtual values: 3 - 0.5 / 0.5 * 1 = 2, 4 - 0.4 / 0.1 * 2 = -4, 6: the first two are pooled at (0.5 * 2 - 0.1 * 4) / 0.6 = 1
    own = case(group([3, 4, 6], [0.5, 0.1, 0.4], LINEAR, 2), capacity=5.0)
    model = vd.build(own, "allocation")
    found = vd.solvers.solve(model, "highs")
    for others in (3, 4, 6):
        for theta in (3, 4):
            row = allotted(found).to_frame()["quantity"].loc[tuple(sorted((theta, others)))]
            assert row.to_numpy()[0 if theta <= others else 1] == pytest.approx(0.5, abs=1e-7)  # 1 / 2
    duals = found.duals["monotonicity"]
    assert duals.index.names == ["retailers", "type", "next_type", "others"]
    expected = -0.5 * np.array([0.5, 0.1, 0.4]) * (2 - 1)  # f_3 (virtual - pooled virtual) at each type of the other, <= 0 for >=
    pool = [float(duals["retailers 1", 3.0, 4.0, others]) for others in ("3", "4", "6")]
    assert np.abs(pool) == pytest.approx(2 * np.abs(expected), abs=1e-7)  # of either of the two retailers
    without = vd.solve(own, "allocation_direct", "highs")
    assert without.objective == pytest.approx(found.objective, rel=SAME)
    with pytest.raises(CertificateError, match="monotone fails"):
        vd.solve(own, "allocation", "highs", monotonicity=False)
    assert "monotonicity" in vd.solve(own.changed(capacity=1.0), "allocation", monotonicity=True).duals


def test_a_continuous_prior_is_cut_into_points() -> None:
    raw = {"count": 2, "prior": {"distribution": "uniform", "low": 4, "high": 8}, "revenue": LINEAR}
    own = check(AllocationCase, {"retailers": [raw], "capacity": 3.0})
    earned = [vd.solve(own, "allocation", "highs", points=points).objective for points in (2, 4, 8, 16)]
    assert (np.diff(earned) > 0).all()
    solution = vd.solve(own, "allocation", "highs")
    found = allotted(solution)
    assert solution.parameters == {"points": 16}
    assert solution.objective == earned[-1]
    assert found.case.retailers[0].types == tuple(np.linspace(4, 8, 17)[:-1])
    oracle = vd.solve(own, "allocation", "closed_form")
    assert solution.objective == pytest.approx(oracle.objective, rel=SAME)
    for mechanism in ("allocation_kkt", "allocation_direct"):
        assert vd.solve(own, mechanism, points=4).objective == pytest.approx(earned[1], rel=SAME)


def test_types_that_never_occur_change_nothing() -> None:
    own = case(group([2, 4, 5, 7, 9], [0, 0.5, 0, 0.5, 0], LINEAR, 2), capacity=1.5)
    few = case(group([4, 7], None, LINEAR, 2), capacity=1.5)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        solution, found = solved(own, mechanism)
        assert solution.objective == pytest.approx(closed(own).earned, rel=SAME)
        assert solution.objective == pytest.approx(vd.solve(few, mechanism, "ipopt").objective, rel=1e-9)
        assert found.case.retailers[0].types == (4.0, 7.0)


@pytest.mark.parametrize("raw", FORMS, ids=name)
def test_one_retailer(raw: Any) -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw), capacity=2.0)
    earned = closed(own).earned
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        assert solved(own, mechanism)[0].objective == pytest.approx(earned, rel=SAME)
    alone = case(group([4], None, LINEAR), capacity=5.0)
    _, found = solved(alone, "allocation", "highs")
    assert found.quantity.tolist() == [[pytest.approx(2.0)]]
    assert found.payments[0] == pytest.approx([4.0])  # all that he earns: there is nothing he could hide


@pytest.mark.parametrize("raw", FORMS[:-1], ids=name)
def test_capacity_without_end_and_next_to_none(raw: Any) -> None:
    plenty = case(group([4, 5, 7], [0.4, 0.35, 0.25], raw, 2), capacity=1e4)
    oracle = closed(plenty)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct"):
        solution, found = solved(plenty, mechanism)
        assert solution.objective == pytest.approx(oracle.earned, rel=SAME)
        assert found.shadow_price == pytest.approx(0, abs=1e-5)
    scarce = plenty.changed(capacity=0.02)
    earned = closed(scarce).earned
    for mechanism in ("allocation", "allocation_kkt"):
        assert solved(scarce, mechanism)[0].objective == pytest.approx(earned, rel=SAME)


def test_nothing_is_bought_where_no_unit_earns_its_cost() -> None:
    for raw in (LINEAR, POWER):
        own = case(group([1.5, 5.5], [0.3, 0.7], raw, 3), capacity_cost=6.0)
        for mechanism in ("capacity_choice", "allocation_kkt", "allocation_direct"):
            solution, found = solved(own, mechanism)
            assert solution.objective == pytest.approx(0, abs=1e-8)
            assert found.capacity == pytest.approx(0, abs=1e-6)
            assert found.expected_shadow_price <= 6.0 + 1e-6


# --- a user's own ---


def test_a_users_cap_on_one_retailer_is_kept_and_audited() -> None:
    own = vd.example("flat-panels")
    assert isinstance(own, AllocationCase)
    free = vd.solve(own, "allocation").objective
    model = vd.build(own, "allocation")
    model.cap = pyo.Constraint(
        model.PROFILES, rule=lambda m, t: sum(m.quantity[key] for key in m.CELLS if key[:2] == (t, "televisions")) <= 12.0
    )
    solution = vd.solvers.solve(model, "ipopt").checked()
    found = allotted(solution)
    assert found.quantity[:, 3].max() == pytest.approx(12.0, abs=1e-6)
    assert solution.objective < free
    assert (solution.duals["cap"] >= -1e-6).all()
    assert solution.duals["cap"].max() > 0.01
    checked = vd.audit(own, found)
    assert checked.truthful
    assert checked.expected_profit == pytest.approx(solution.objective, rel=SAME)
    model.cap.deactivate()
    assert vd.solvers.solve(model, "ipopt").objective == pytest.approx(free, rel=SAME)


def test_a_user_can_write_a_revenue_of_his_own() -> None:
    written = OwnRevenue(expression=lambda q, theta: q * (theta - q))
    for f in ([0.4, 0.35, 0.25], [0.6, 0.05, 0.35]):
        own, known = (case(group([4, 5, 7], f, raw, 2), capacity=2.2) for raw in (written, LINEAR))
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            assert vd.solve(own, mechanism, "ipopt").objective == pytest.approx(vd.solve(known, mechanism).objective, rel=SAME)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (lambda q, theta: theta * pyo.sqrt(q), "<R = 0, R_q = inf at q = 0, theta = 2>"),
        (lambda q, theta: q * (theta - q) + 5, "<R = 5, R_q = 2 at q = 0, theta = 2>"),
        (lambda q, theta: abs(q - theta), "<NameError"),
        (lambda q, theta: q if q > theta else theta, "<PyomoException"),
        (lambda q, theta: 1 / 0, "<ZeroDivisionError"),
        (lambda q: q, "<TypeError"),
        (lambda q, theta: pyo.Var(name="z"), "<"),
        (3, "3"),
    ],
    ids=["slope", "offset", "kink", "branch", "error", "arguments", "variable", "number"],
)
def test_an_own_revenue_that_cannot_be_used_says_why(expression: Any, found: str) -> None:
    with pytest.raises(InputError, match=f"^expression: got {found}".replace("(", r"\(")):
        OwnRevenue(expression=expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (lambda q, theta: theta * q**2, "<R_q rises in q at q = 0, theta = 2>; allowed: R concave in q"),
        (lambda q, theta: q * (5 - theta - q), "<R falls in theta at q = .*>; allowed: R non-decreasing in theta"),
        (lambda q, theta: q * (9 - q) + (theta - 9) * q * (6 - q) / 9, "<R_q falls in theta at q = .*>; allowed: R_q non-decr"),
    ],
    ids=["convex", "falling", "crossing"],
)
def test_an_own_revenue_that_no_mechanism_can_rest_on_is_refused(expression: Any, message: str) -> None:
    own = case(group([2, 3, 4.5], [0.3, 0.3, 0.4], OwnRevenue(expression=expression), 2), capacity=4.0)
    for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
        with pytest.raises(InputError, match=rf"^by hand: retailers\[0\].revenue: got {message}"):
            vd.build(own, mechanism)


# --- refusals ---


def test_models_that_are_too_large_are_refused_before_they_are_built() -> None:
    many = case(group(range(4, 10), None, LINEAR, 40), capacity=60.0)
    sampled = case(group([4, 5, 6], None, LINEAR, 640), capacity=600.0)  # small enough for memory, but not visited in full
    for own, count in ((many, "1,221,759"), (sampled, "205,761")):
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            with pytest.raises(InputError, match=rf"^by hand: retailers: got <\d+ retailers with {count} type profiles: about"):
                vd.build(own, mechanism)


def test_a_form_that_the_revenues_do_not_have_is_refused() -> None:
    linear, curved = case(group([4, 5]), capacity=1.0), case(group([4, 5], None, NORMAL), group([3, 4]), capacity=1.0)
    assert vd.models.allocation.forms(linear) == ("quadratic",)
    assert vd.models.allocation.forms(curved) == ("smooth",)
    for own, bad, allowed in (
        (linear, "smooth", "auto, quadratic"),
        (curved, "quadratic", "auto, smooth"),
        (curved, "tangent", ""),
    ):
        for mechanism in ("allocation", "allocation_kkt", "allocation_direct", "centralized"):
            with pytest.raises(InputError, match=f"form: got '{bad}'; allowed: for these revenues one of {allowed}"):
                vd.build(own, mechanism, form=bad)
            with pytest.raises(InputError, match=f"form: got '{bad}'"):
                vd.solve(own, mechanism, {"solver": "ipopt", "form": bad})
    assert vd.solve(linear, "allocation", {"solver": "highs", "form": "quadratic"}).objective == pytest.approx(
        closed(linear).earned
    )


def test_a_mechanism_that_does_not_fit_the_case_is_refused() -> None:
    fixed, chosen = case(group([4, 5]), capacity=1.0), case(group([4, 5]), capacity_cost=1.0)
    with pytest.raises(InputError, match="capacity: got <nothing>; allowed: a capacity in units"):
        vd.models.allocation.build(chosen)
    with pytest.raises(InputError, match="capacity_cost: got <nothing>; allowed: a capacity cost"):
        vd.models.allocation.capacity_choice.build(fixed)
    for own, wrong in ((chosen, "allocation"), (fixed, "capacity_choice"), (fixed, "icds")):
        with pytest.raises(InputError, match=f"mechanism: got '{wrong}'; allowed: for this case of kind allocation one of"):
            vd.solve(own, wrong)
    assert vd.solve(chosen).mechanism == "capacity_choice"
    assert vd.solve(fixed).mechanism == "allocation"
    with pytest.raises(InputError, match="solver: got 'closed_form'"):
        vd.solve(fixed, "allocation_direct", "closed_form")
    with pytest.raises(InputError, match="samples: got 5"):
        vd.solve(fixed, "allocation", "highs", samples=5)


def test_highs_says_that_newsvendors_are_no_quadratic_program() -> None:
    own = case(group([4, 5], None, NORMAL), capacity=1.0)
    with pytest.raises(InputError, match="an objective that is not quadratic"):
        vd.solve(own, "allocation", "highs")
    assert vd.solve(own, "allocation").solver.name == "ipopt"


def test_a_users_constraint_that_nothing_meets_is_infeasible() -> None:
    model = vd.build(case(group([4, 5], None, LINEAR, 2), capacity=1.0), "allocation")
    model.floor = pyo.Constraint(model.CELLS, rule=lambda m, *key: m.quantity[key] >= 2.0)
    for solver in ("highs", "ipopt"):
        with pytest.raises(NotSolvedError, match="capacity") as error:
            vd.solvers.solve(model, solver)
        assert error.value.status == "infeasible"


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


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
def test_capacity_that_always_earns_more_than_it_costs_has_no_optimum(solver: str) -> None:
    group = {
        "count": 2,
        "types": [2, 3],
        "probabilities": [0.5, 0.5],
        "revenue": OwnRevenue(expression=lambda q, theta: theta * q),
    }
    endless = check(AllocationCase, {"name": "endless", "retailers": [group], "capacity_cost": 1.5})
    with pytest.raises(NotSolvedError, match=r"(?i)unbounded|always earns more"):
        vd.solve(endless, solver=solver)
