"""The assembler's mechanisms, three ways each: the Pyomo model, the closed form, and a judge that knows neither."""

import itertools
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import linprog, minimize, minimize_scalar

import veridical as vd
from veridical.contracts import Menu
from veridical.data import AssemblerCase, virtual_cost, weighted_virtual_cost
from veridical.solvers.closed_form.assembler import pooled_virtual_cost
from veridical.solvers.closed_form.isotonic import isotonic

Array = NDArray[np.float64]
Assembler = Callable[..., AssemblerCase]
Cases = Callable[..., st.SearchStrategy[AssemblerCase]]

EXACT = 1e-9  # rounding of sums and of a simplex basis
SOLVED = 1e-6  # what a certificate promises
FINE = {"solver": "highs", "tolerance": 1e-9}  # quantities and duals are as exact as the root of the profit's gap
MECHANISMS = ("naive", "icds_balanced", "icds", "first_best")
KINDS = ("uniform", "exponential", "empirical")


def examples(count: int) -> Any:
    """Return hypothesis' settings: the same cases in every run."""
    return settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def near(value: float, tolerance: float = SOLVED) -> Any:
    """Return what equals a profit within a tolerance, relative, to 1 where the profit is smaller."""
    return pytest.approx(value, rel=tolerance, abs=tolerance)


# --- the correlated pair: what the spec states, by hand and by a judge ---


def by_hand(unit_cost: float) -> float:
    """max_q 30 E[min(D, q)] - unit_cost q with D uniform on [100, 900]: (30 - c) 100 + 800 (30 - c)^2 / 60."""
    return (30 - unit_cost) * 100 + 800 * (30 - unit_cost) ** 2 / 60


def test_full_model_beats_balanced_ordering_in_the_correlated_pair(correlated: AssemblerCase) -> None:
    # Nothing is assembled at (l, h) and (h, l), but each supplier still delivers there what he delivers at (h, h), and
    # earns 5 and 4 a unit on it: at (h, h) a unit costs 16 + (.05 (4 + 5) + .05 (3 + 4)) / .45. At (l, l) it costs 7.
    exact = 0.45 * by_hand(7) + 0.45 * by_hand(16 + 0.8 / 0.45)
    assert exact == pytest.approx(5655.30, abs=0.005)
    solution = vd.solve(correlated, "icds", "highs")
    assert solution.objective == pytest.approx(exact, rel=1e-8)
    assert solution.bound >= exact * (1 - 1e-12)  # a bound of a maximisation is not below the optimum
    contracts, audit = solution.contracts, solution.audit
    assert contracts is not None
    assert audit is not None
    assembled = contracts.quantity.min(axis=0)
    assert assembled == pytest.approx(np.array([[100 + 800 * 23 / 30, 0], [0, 100 + 800 * (14 - 0.8 / 0.45) / 30]]), abs=0.01)
    assert not audit.balanced
    assert audit.max_regret <= EXACT * audit.largest_payment


def test_balanced_ordering_pools_three_profiles_of_the_correlated_pair(correlated: AssemblerCase) -> None:
    # beta v at (l, h), (h, l), (h, h): .05 11 + 4 .45, .05 12 + 5 .45, .45 16 + 5 .05 + 4 .05; v = 47, 57, 17 is pooled.
    pooled = (2.35 + 2.85 + 7.65) / 0.55
    exact = 0.45 * by_hand(7) + 0.55 * by_hand(pooled)
    assert exact == pytest.approx(4896.97, abs=0.005)
    for solver in ("highs", "closed_form"):
        solution = vd.solve(correlated, "icds_balanced", solver)
        assert solution.objective == pytest.approx(exact, rel=1e-8)
        assert solution.audit is not None
        assert solution.audit.balanced


def test_a_nonlinear_judge_agrees_on_the_correlated_pair(correlated: AssemblerCase) -> None:
    beta = correlated.probability.ravel()
    cost, step = np.array([[4.0, 4, 9, 9], [3, 7, 3, 7]]), (5.0, 4.0)
    low, high = ([0, 1], [0, 2]), ([2, 3], [1, 3])  # places of each supplier's low cost, and of his high cost beside it

    def loss(z: Any) -> float:
        units, quantity = z[:4], z[4:].reshape(2, 4)
        revenue = 30 * (units - np.maximum(units - 100, 0) ** 2 / 1600)
        rents = sum(step[i] * beta[low[i]] @ quantity[i, high[i]] for i in range(2))
        return -float(beta @ (revenue - (cost * quantity).sum(axis=0)) - rents) / 1000

    rows = [np.eye(12)[4 + 4 * i + t] - np.eye(12)[t] for i in range(2) for t in range(4)]
    rows += [
        np.eye(12)[4 + 4 * i + a] - np.eye(12)[4 + 4 * i + b] for i in range(2) for a, b in zip(low[i], high[i], strict=True)
    ]
    ordered: Any = {"type": "ineq", "fun": lambda z: np.array(rows) @ z}
    options: Any = {"ftol": 1e-14, "maxiter": 1000}
    found = minimize(loss, np.full(12, 300.0), bounds=[(0, 900)] * 12, constraints=[ordered], options=options)
    assert found.success
    assert -1000 * found.fun == pytest.approx(vd.solve(correlated, "icds").objective, rel=1e-6)


def test_closed_form_of_icds_refuses_where_virtual_cost_is_not_monotone(correlated: AssemblerCase) -> None:
    with pytest.raises(vd.InputError, match=r"condition \(18\)") as refusal:
        vd.solve(correlated, "icds", "closed_form")
    assert "icds_balanced" in str(refusal.value)
    assert "highs" in str(refusal.value)


def test_closed_form_of_icds_takes_correlated_costs_with_monotone_virtual_cost(assembler: Assembler) -> None:
    # v: 7, 11 + 4 .3/.2 = 17, 12 + 5 .3/.2 = 19.5, 16 + (5 .2 + 4 .2)/.3 = 22: monotone.
    case = assembler([[4, 9], [3, 7]], joint=[[0.3, 0.2], [0.2, 0.3]])
    assert virtual_cost(case) == pytest.approx(np.array([[7, 17], [19.5, 22]]))
    exact = 0.3 * by_hand(7) + 0.2 * by_hand(17) + 0.2 * by_hand(19.5) + 0.3 * by_hand(22)
    assert vd.solve(case, "icds", "closed_form").objective == pytest.approx(exact, rel=EXACT)
    assert vd.solve(case, "icds", "highs").objective == near(exact, 1e-8)


def test_shipped_pair_is_the_sum_over_its_profiles() -> None:
    # v_panel = 3, 9 + 6 .6/.4 = 18; v_battery = 1, 4 + 3 .6/.4 = 8.5; F(q) = (30 - v)/30 on [200, 800]
    chances = {4.0: 0.36, 11.5: 0.24, 19.0: 0.24, 26.5: 0.16}
    exact = sum(p * ((30 - v) * 200 + 600 * (30 - v) ** 2 / 60) for v, p in chances.items())
    for solver in ("highs", "closed_form"):
        assert vd.solve(vd.example("two-suppliers"), solver=solver).objective == pytest.approx(exact, rel=1e-8)


# --- virtual cost and rents from their definitions ---


def test_virtual_cost_and_rents_follow_the_spec_term_by_term(assembler: Assembler) -> None:
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.ones(12)).reshape(3, 2, 2)
    case = assembler([[2, 3, 7], [1, 4], [5, 6]], joint=table, price=60.0)
    quantity = np.sort(rng.uniform(0, 500, 12))[::-1].reshape(3, 2, 2)
    menu = Menu.balanced(case, quantity)
    costs = [supplier.costs for supplier in case.suppliers]
    for t in np.ndindex(3, 2, 2):
        expected = sum(costs[i][t[i]] for i in range(3))
        for i in range(3):
            others = [(*t[:i], s, *t[i + 1 :]) for s in range(len(costs[i]))]
            if t[i] > 0:
                expected += (costs[i][t[i]] - costs[i][t[i] - 1]) * sum(table[others[s]] for s in range(t[i])) / table[t]
            rent = sum((costs[i][s + 1] - costs[i][s]) * quantity[others[s + 1]] for s in range(t[i], len(costs[i]) - 1))
            assert menu.rent(i)[t] == pytest.approx(rent, rel=1e-12, abs=1e-9)
        assert virtual_cost(case)[t] == pytest.approx(expected, rel=1e-12)
    # What balanced quantities earn is the same from contracts (2) and from virtual cost (14).
    surplus = (table * 60 * case.demand.expected_sales(quantity) - weighted_virtual_cost(case) * quantity).sum()
    assert menu.expected_profit == pytest.approx(surplus, rel=1e-12)


# --- random cases ---


def agree(case: AssemblerCase) -> None:
    """Hold the full model, the balanced model and the closed form of an independent case against one another."""
    closed = vd.solve(case, "icds", "closed_form")
    assert closed.contracts is not None
    wanted = closed.contracts.quantity[0]
    for mechanism in ("icds", "icds_balanced"):
        solution = vd.solve(case, mechanism, FINE)
        assert solution.objective == near(closed.objective)
        assert solution.contracts is not None
        if not isinstance(case.demand, vd.data.Discrete):  # there several quantities can be best
            # ... as they are below the support of demand where virtual cost is the price
            single = (case.probability > 0) & (np.abs(pooled_virtual_cost(case) - case.price) > 1e-9 * case.price)
            assembled = solution.contracts.quantity.min(axis=0)
            # Profit is flat at its top: a gap of 1e-9 leaves quantities open by its root, 3e-5 of demand's size.
            assert assembled[single] == pytest.approx(wanted[single], rel=1e-5, abs=5e-5 * case.demand.expectation)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(40)
def test_independent_costs_give_one_answer_three_ways(cases: Cases, kind: str, data: st.DataObject) -> None:
    agree(data.draw(cases(kind)))


@given(data=st.data())
@examples(6)
def test_four_independent_suppliers_give_one_answer_three_ways(cases: Cases, data: st.DataObject) -> None:
    agree(data.draw(cases(data.draw(st.sampled_from(KINDS)), suppliers=4).filter(lambda case: len(case.shape) == 4)))


@given(data=st.data())
@examples(40)
def test_independent_costs_of_probability_zero_give_one_answer_three_ways(cases: Cases, data: st.DataObject) -> None:
    agree(data.draw(cases("uniform", suppliers=2, least=0)))


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced"])
def test_costs_that_never_occur_beside_costs_that_always_do(assembler: Assembler, mechanism: str) -> None:
    # Only (1, 2) occurs: the dearer cost of a has no weight but costs rent, the cheaper cost of b has neither.
    case = assembler([[1, 2], [1, 2, 3]], [[1, 0], [0, 1, 0]], price=4.0)
    exact = (4 - 3) * 100 + 800 * (4 - 3) ** 2 / 8
    for solver in ("highs", "closed_form"):
        assert vd.solve(case, mechanism, solver).objective == pytest.approx(exact, rel=1e-8)


def test_independent_irregular_priors_give_one_answer_three_ways(irregular: AssemblerCase) -> None:
    assert irregular.independent
    assert not vd.monotonicity(irregular).holds
    agree(irregular)
    # v_a = 2, then 15 and 7 + 4 .65/.35 pooled to (.05 15 + .35 7 + 4 .65)/.4; v_b = 1, then (.1 19 + .4 6.5)/.5
    a, b = np.array([2, 14.5, 14.5]), np.array([1, 9, 9])
    assert pooled_virtual_cost(irregular) == pytest.approx(a[:, None] + b, rel=1e-12)


@given(data=st.data())
@examples(30)
def test_pooling_each_supplier_alone_is_pooling_the_lattice(cases: Cases, data: st.DataObject) -> None:
    case = data.draw(cases("uniform", suppliers=3))
    on_lattice = isotonic(case.probability, weighted_virtual_cost(case))
    assert pooled_virtual_cost(case) == pytest.approx(on_lattice, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(40)
def test_joint_priors_with_zeros_keep_every_promise(cases: Cases, kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind, joint=True, least=0))
    names = ("naive", "icds_balanced", "icds", "first_best")
    solutions = {name: vd.solve(case, name, "highs") for name in names}
    for lower, upper in itertools.pairwise(names):
        below, above = solutions[lower].objective, solutions[upper].objective
        assert below <= above + SOLVED * max(1.0, abs(above))
    for name in ("naive", "icds_balanced", "first_best"):
        assert solutions[name].objective == near(vd.solve(case, name, "closed_form").objective)
    if vd.monotonicity(case).balanced_is_optimal:
        assert solutions["icds"].objective == near(solutions["icds_balanced"].objective)
    else:
        with pytest.raises(vd.InputError, match=r"\(18\)"):
            vd.solve(case, "icds", "closed_form")
    for name, solution in solutions.items():
        assert solution.audit is not None
        largest = max(solution.audit.largest_payment, 1e-3)
        assert solution.audit.min_rent >= -SOLVED * largest
        if name != "first_best":
            assert solution.audit.max_regret <= SOLVED * largest


def test_first_best_is_not_truthful_and_says_so(correlated: AssemblerCase) -> None:
    audit = vd.solve(correlated, "first_best").audit
    assert audit is not None
    assert not audit.truthful
    # Cost 4, others 3: reports 9 and earns 5 a unit on F(q) = 18/30; the battery alike 4 a unit on F(q) = 19/30.
    assert [lie.gain for lie in audit.misreports] == pytest.approx(
        [5 * (100 + 800 * 18 / 30), 4 * (100 + 800 * 19 / 30)], rel=1e-6
    )


# --- naive and first best against a newsvendor that is solved by search ---


def newsvendor(case: AssemblerCase, unit_cost: float) -> float:
    """max_q r E[min(D, q)] - unit_cost q, from the integral of the survival function or over all demand points."""
    demand = case.demand
    if isinstance(demand, vd.data.Empirical):
        weights = demand.weights or [1 / len(demand.values)] * len(demand.values)
        pairs = list(zip(demand.values, weights, strict=True))
        return max(case.price * sum(p * min(d, q) for d, p in pairs) - unit_cost * q for q in (0.0, *demand.values))
    if isinstance(demand, vd.data.Uniform):
        low, top = demand.low, demand.high

        def survival(z: float) -> float:
            return min(1.0, (top - z) / (top - low))
    else:
        assert isinstance(demand, vd.data.Exponential)
        low, top, mean = 0.0, 40 * demand.mean, demand.mean

        def survival(z: float) -> float:
            return float(np.exp(-z / mean))

    def loss(q: float) -> float:
        sales = quad(survival, 0, q, points=[low] if 0 < low < q else None, epsabs=1e-10, limit=200)[0]
        return unit_cost * q - case.price * sales

    return max(0.0, -float(minimize_scalar(loss, bounds=(0, top), options={"xatol": 1e-9}).fun))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_naive_and_first_best_are_newsvendors(cases: Cases, kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind, joint=True, least=0, suppliers=2))
    highest = sum(supplier.costs[-1] for supplier in case.suppliers)
    total = [sum(own) for own in itertools.product(*(supplier.costs for supplier in case.suppliers))]
    wanted = {
        "naive": newsvendor(case, highest),
        "first_best": sum(p * newsvendor(case, c) for p, c in zip(case.probability.ravel(), total, strict=True)),
    }
    for name, value in wanted.items():
        for solver in ("highs", "closed_form"):
            assert vd.solve(case, name, solver).objective == near(value)


# --- edges ---


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("solver", ["highs", "closed_form"])
@pytest.mark.parametrize("price", [7.0, 6.5])
def test_price_at_or_below_every_cost_buys_nothing(assembler: Assembler, mechanism: str, solver: str, price: float) -> None:
    case = assembler([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]], price=price)
    solution = vd.solve(case, mechanism, solver)
    assert solution.objective == pytest.approx(0.0, abs=1e-9)
    assert solution.contracts is not None
    if price < 7 or solver == "closed_form":  # at 7 = 4 + 3 any quantity up to 100 earns 0; the closed form takes none
        assert np.array_equal(solution.contracts.quantity, np.zeros((2, 2, 2)))
        assert np.array_equal(solution.contracts.payment, np.zeros((2, 2, 2)))


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_profiles_whose_virtual_cost_exceeds_the_price_get_nothing_not_the_lower_end(assembler: Assembler, solver: str) -> None:
    # v = 7, 11 + 4, 12 + 5, 16 + 9 with even odds; the price stands between 17 and 25, demand starts at 100.
    case = assembler([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]], price=20.0)
    solution = vd.solve(case, "icds", solver)
    assert solution.contracts is not None
    quantity = solution.contracts.quantity
    assert np.array_equal(quantity[:, 1, 1], [0, 0])
    for place, v in (((0, 0), 7), ((0, 1), 15), ((1, 0), 17)):
        assert quantity[(slice(None), *place)] == pytest.approx(100 + 800 * (20 - v) / 20, rel=1e-5)
    exact = sum((20 - v) * 100 + 800 * (20 - v) ** 2 / 40 for v in (7, 15, 17)) / 4
    assert solution.objective == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_suppliers_with_one_cost_keep_no_rent(assembler: Assembler, mechanism: str, solver: str) -> None:
    solution = vd.solve(assembler([[4], [3]]), mechanism, solver)
    assert solution.objective == pytest.approx(by_hand(7), rel=1e-8)
    assert solution.audit is not None
    assert solution.audit.max_regret == 0
    assert solution.menu is not None
    assert solution.menu["rent"].abs().to_numpy().max() < 1e-6


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_one_supplier_with_one_known_beside_him(assembler: Assembler, solver: str) -> None:
    # v = 4 + 3, and 9 + 5 .25/.75 + 3
    exact = 0.25 * by_hand(7) + 0.75 * by_hand(12 + 5 / 3)
    for costs, probabilities in (([[4, 9], [3]], [[0.25, 0.75], [1.0]]), ([[7, 12]], [[0.25, 0.75]])):
        assert vd.solve(assembler(costs, probabilities), "icds", solver).objective == pytest.approx(exact, rel=1e-8)


def test_hundredfold_price_and_small_demand_keep_their_profit(assembler: Assembler) -> None:
    even = [[0.5, 0.5], [0.5, 0.5]]
    small = {"distribution": "uniform", "low": 0.1, "high": 0.9}
    usual = vd.solve(assembler([[4, 9], [3, 7]], even), "icds").objective
    costly = assembler([[4e4, 9e4], [3e4, 7e4]], even, price=30e4)
    assert vd.solve(costly, "icds").objective == pytest.approx(1e4 * usual, rel=1e-7)
    assert vd.solve(assembler([[4, 9], [3, 7]], even, demand=small), "icds").objective == pytest.approx(usual / 1e3, rel=1e-6)


# --- judges that know neither the models nor the closed forms ---


def enumerated(case: AssemblerCase, points: list[float], masses: list[float]) -> float:
    """Best profit of two suppliers with two costs each over all quantities at demand points, at the least rents.

    Constraints compare quantities pairwise, so an optimum stands at demand points: rents are linear between them.
    """
    grid = np.array(list(itertools.product([0.0, *points], repeat=4)))
    beta = case.probability.ravel()
    (c0, c1), (d0, d1) = (supplier.costs for supplier in case.suppliers)
    # profiles 0 ll, 1 lh, 2 hl, 3 hh; a low type is paid for what he would deliver, and earn, as a high one
    first = grid[(grid[:, 0] >= grid[:, 2]) & (grid[:, 1] >= grid[:, 3])]
    second = grid[(grid[:, 0] >= grid[:, 1]) & (grid[:, 2] >= grid[:, 3])]
    paid_first = first @ (beta * [c0, c0, c1, c1]) + (c1 - c0) * (beta[0] * first[:, 2] + beta[1] * first[:, 3])
    paid_second = second @ (beta * [d0, d1, d0, d1]) + (d1 - d0) * (beta[0] * second[:, 1] + beta[2] * second[:, 3])
    units = np.minimum(first[:, None, :], second[None, :, :])
    sales = sum(p * np.minimum(units, d) for d, p in zip(points, masses, strict=True))
    return float((case.price * sales @ beta - paid_first[:, None] - paid_second[None, :]).max())


@given(table=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), price=st.integers(8, 60))
@examples(25)
def test_icds_is_the_best_of_all_quantities_at_demand_points(assembler: Assembler, table: list[int], price: int) -> None:
    points, masses = [120.0, 310.0, 560.0], [0.25, 0.45, 0.3]
    demand = {"distribution": "empirical", "values": points, "weights": masses}
    joint = np.reshape(table, (2, 2)) / sum(table)
    case = assembler([[4, 9], [3, 7]], joint=joint, price=price, demand=demand)
    assert vd.solve(case, "icds").objective == near(enumerated(case, points, masses), EXACT)


def written_from_the_spec(case: AssemblerCase, points: Array, masses: Array, method: Any) -> float:
    """Optimal value of (2)-(5) with discrete demand, as one dense program: y, s_k, q_i, P_i for every profile."""
    profiles = list(np.ndindex(*case.shape))
    n, count, k = len(case.shape), len(profiles), len(points)
    at = {t: place for place, t in enumerate(profiles)}
    columns = count * (1 + k + 2 * n)
    y, s, q, pay = 0, count, count * (1 + k), count * (1 + k + n)
    cost = np.zeros(columns)
    rows: list[Array] = []

    def row(**unused: Any) -> Array:
        rows.append(np.zeros(columns))
        return rows[-1]

    for t, place in at.items():
        for j in range(k):
            cost[s + place * k + j] = -case.probability[t] * case.price * masses[j]
            row()[[s + place * k + j, y + place]] = [1, -1]
        for i in range(n):
            own, c = i * count + place, case.suppliers[i].costs
            cost[pay + own] = case.probability[t]
            row()[[y + place, q + own]] = [1, -1]
            row()[[pay + own, q + own]] = [-1, c[t[i]]]
            for report in range(case.shape[i]):
                if report != t[i]:
                    lie = i * count + at[(*t[:i], report, *t[i + 1 :])]
                    row()[[pay + own, q + own, pay + lie, q + lie]] = [-1, c[t[i]], 1, -c[t[i]]]
    bounds: Any = [(0, None)] * count + [(0, d) for _ in profiles for d in points] + [(0, None)] * (n * count)
    bounds += [(None, None)] * (n * count)
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.zeros(len(rows)), bounds=bounds, method=method)
    assert found.status == 0
    return -float(found.fun)


@given(data=st.data())
@examples(25)
def test_icds_is_the_program_of_the_spec(cases: Cases, data: st.DataObject) -> None:
    case = data.draw(cases("empirical", joint=True, least=0))
    assert isinstance(case.demand, vd.data.Empirical)
    points = np.array(case.demand.values)
    masses = np.array(case.demand.weights)
    method = data.draw(st.sampled_from(["highs-ds", "highs-ipm"]))
    assert vd.solve(case, "icds").objective == near(written_from_the_spec(case, points, masses, method))


# --- size ---


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "first_best"])
def test_models_too_large_for_memory_are_refused_before_they_are_built(assembler: Assembler, mechanism: str) -> None:
    case = assembler([[1, 2]] * 25, [[0.5, 0.5]] * 25, price=90.0)
    calls: list[Callable[[], Any]] = [lambda: vd.build(case, mechanism), lambda: vd.solve(case, mechanism, "highs")]
    for call in calls:
        tracemalloc.start()
        with pytest.raises(vd.InputError, match="33,554,432 cost profiles") as refusal:
            call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert "closed_form" in str(refusal.value)
        assert "GB" in str(refusal.value)
        assert peak < 20e6  # one number a profile would take 268 MB


def test_a_small_model_whose_menu_is_too_large_for_memory_is_refused(assembler: Assembler) -> None:
    case = assembler([[1, 2]] * 40, [[0.5, 0.5]] * 40, price=90.0)
    with pytest.raises(vd.InputError, match="1,099,511,627,776 cost profiles"):
        vd.solve(case, "naive", "highs")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_closed_forms_too_large_for_memory_are_refused(assembler: Assembler, mechanism: str) -> None:
    case = assembler([[1, 2]] * 40, [[0.5, 0.5]] * 40, price=90.0)
    with pytest.raises(vd.InputError, match="1,099,511,627,776 cost profiles"):
        vd.solve(case, mechanism, "closed_form")


def test_closed_form_takes_more_suppliers_than_a_model_could(assembler: Assembler) -> None:
    # Equal suppliers with even odds: v = 16 + 2 k with k high costs, each of them 1 + (2 - 1) 1 dearer; D uniform on [0, 1000].
    case = assembler([[1, 2]] * 16, [[0.5, 0.5]] * 16, price=60.0, demand={"distribution": "uniform", "low": 0, "high": 1000})
    chances = [float(np.prod([(16 - j) / (j + 1) for j in range(k)])) / 2**16 for k in range(17)]
    exact = sum(p * 1000 * (60 - 16 - 2 * k) ** 2 / 120 for k, p in enumerate(chances))
    assert vd.solve(case, "icds", "closed_form").objective == pytest.approx(exact, rel=EXACT)


# --- a user's own constraint ---


def with_budget(case: AssemblerCase, budget: float) -> vd.solvers.Solution:
    """Return the full model's solution where expected payments stay below a budget."""
    model = vd.build(case, "icds")
    spent = pyo.quicksum(model.probability[t] * model.payment[i, t] for i in model.SUPPLIERS for t in model.PROFILES)
    model.budget = pyo.Constraint(expr=spent <= budget)
    return vd.solvers.solve(model, FINE)


def spent(solution: vd.solvers.Solution) -> float:
    """Return the expected payments of a menu."""
    menu = solution.menu
    assert menu is not None
    return float(menu[("probability", "")].to_numpy() @ menu["payment"].to_numpy().sum(axis=1))


@pytest.mark.parametrize("case", ["correlated", "discrete"])
def test_a_budget_of_the_users_own_has_a_price(case: str, request: pytest.FixtureRequest) -> None:
    problem = request.getfixturevalue(case)
    free = vd.solve(problem, "icds")
    budget = 0.6 * spent(free)
    solution = with_budget(problem, budget)
    assert spent(solution) == pytest.approx(budget, rel=1e-6)
    assert solution.objective < free.objective - 1
    dual = float(solution.duals["budget"].iloc[0])
    up, down = with_budget(problem, budget + 1), with_budget(problem, budget - 1)
    assert dual > 0.01
    assert dual == pytest.approx((up.objective - down.objective) / 2, rel=1e-4)
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.audit.individually_rational
    assert solution.audit.expected_profit == near(solution.objective)


def test_a_budget_that_does_not_bind_costs_nothing(correlated: AssemblerCase) -> None:
    free = vd.solve(correlated, "icds")
    solution = with_budget(correlated, 1.5 * spent(free))
    assert solution.objective == pytest.approx(free.objective, rel=1e-8)
    assert float(solution.duals["budget"].iloc[0]) == pytest.approx(0, abs=1e-9)


def test_users_may_add_a_term_to_the_objective(correlated: AssemblerCase) -> None:
    model = vd.build(correlated, "icds")
    model.profit.set_value(model.profit.expr - 100)
    exact = 0.45 * by_hand(7) + 0.45 * by_hand(16 + 0.8 / 0.45)
    assert vd.solvers.solve(model, "highs").objective == pytest.approx(exact - 100, rel=1e-8)


def test_users_may_add_an_integer_decision(assembler: Assembler) -> None:
    # A licence for 300 pays for the right to assemble at all; without it nothing is earned. Demand has a density.
    case = assembler([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]])
    model = vd.build(case, "icds")
    model.licence = pyo.Var(domain=pyo.Binary)
    model.licensed = pyo.Constraint(model.PROFILES, rule=lambda m, t: m.units[t] <= 900 * m.licence)
    profit = sum(by_hand(v) for v in (7, 15, 17, 25)) / 4
    assert vd.solvers.solve(model, "highs").objective == near(profit)
    assert model.licence.value == pytest.approx(1)


# --- forms of expected sales ---


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_forms_of_discrete_demand_agree(discrete: AssemblerCase, mechanism: str) -> None:
    values = {form: vd.solve(discrete, mechanism, {"solver": "highs", "form": form}) for form in ("linear", "tangent", "auto")}
    assert {form: solution.solver.form for form, solution in values.items()} == {
        "linear": "linear",
        "tangent": "tangent",
        "auto": "linear",
    }
    for solution in values.values():
        assert solution.objective == near(values["linear"].objective)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_forms_of_uniform_demand_agree(correlated: AssemblerCase, mechanism: str) -> None:
    values = {form: vd.solve(correlated, mechanism, {"solver": "highs", "form": form}) for form in ("quadratic", "tangent")}
    assert [solution.solver.form for solution in values.values()] == ["quadratic", "tangent"]
    assert values["quadratic"].objective == near(values["tangent"].objective)


@pytest.mark.parametrize(
    ("demand", "form", "allowed"),
    [
        ({"distribution": "uniform", "low": 1, "high": 9}, "linear", ("quadratic", "tangent")),
        ({"distribution": "exponential", "mean": 9}, "quadratic", ("tangent",)),
        ({"distribution": "exponential", "mean": 9}, "linear", ("tangent",)),
        ({"distribution": "empirical", "values": [1, 9]}, "quadratic", ("linear", "tangent")),
        ({"distribution": "empirical", "values": [1, 9]}, "cubic", ("linear",)),
    ],
)
def test_a_form_that_the_distribution_lacks_is_an_input_error(
    assembler: Assembler, demand: dict[str, Any], form: str, allowed: tuple[str, ...]
) -> None:
    case = assembler([[2, 3]], [[0.5, 0.5]], demand=demand)
    for call in (
        lambda: vd.build(case, "icds", form=form),
        lambda: vd.solve(case, "icds", {"solver": "highs", "form": form}),
        lambda: vd.solvers.solve(vd.build(case, "icds"), {"solver": "highs", "form": form}),
    ):
        with pytest.raises(vd.InputError, match=f"form: got '{form}'") as refusal:
            call()
        assert all(word in str(refusal.value).partition("allowed: ")[2] for word in allowed)


def test_a_model_may_be_solved_in_one_form_and_then_in_another(correlated: AssemblerCase) -> None:
    model = vd.build(correlated, "icds", form="quadratic")
    values = [
        vd.solvers.solve(model, {"solver": "highs", "form": form}) for form in ("tangent", "quadratic", "tangent", "tangent")
    ]
    assert [solution.solver.form for solution in values] == ["tangent", "quadratic", "tangent", "tangent"]
    for solution in values:
        assert solution.objective == near(0.45 * by_hand(7) + 0.45 * by_hand(16 + 0.8 / 0.45))


def test_feasibility_follows_from_incentive_compatibility(discrete: AssemblerCase) -> None:
    without = vd.solve(discrete, "icds", feasibility=False)
    assert "feasibility" not in without.duals
    assert without.objective == near(vd.solve(discrete, "icds").objective, EXACT)
