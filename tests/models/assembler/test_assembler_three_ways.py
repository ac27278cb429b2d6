"""The assembler's mechanisms on random cases, three ways: the Pyomo model, the closed form, and a judge that knows neither."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import linprog, minimize_scalar

import veridical as vd
from support.assembler_cases import EXACT, FINE, KINDS, SOLVED, build, near, random_cases
from support.strategies import examples
from veridical.data import AssemblerCase, weighted_virtual_cost
from veridical.solvers.closed_form.assembler import pooled_virtual_cost
from veridical.solvers.closed_form.isotonic import isotonic

Array = NDArray[np.float64]


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
            # Profit is flat at its top: being off by d loses p r f(q) d^2 / 2, and a gap of 1e-9 leaves that much open.
            mean = case.demand.expectation
            step = 1e-3 * mean
            around = [case.demand.expected_sales(np.maximum(wanted + side, 0.0)) for side in (-step, 0.0, step)]
            density = np.maximum(2 * around[1] - around[0] - around[2], 1e-30) / step**2
            with np.errstate(divide="ignore", invalid="ignore"):
                open_by = np.sqrt(2e-9 * abs(closed.objective) / (case.probability * case.price * density))
            off = np.abs(assembled - wanted)[single]
            assert (off <= np.maximum(5e-5 * mean, open_by[single]) + 1e-5 * wanted[single]).all()


# --- random cases ---


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(40)
def test_independent_costs_give_one_answer_three_ways(kind: str, data: st.DataObject) -> None:
    agree(data.draw(random_cases(kind)))


@given(data=st.data())
@examples(6)
def test_four_independent_suppliers_give_one_answer_three_ways(data: st.DataObject) -> None:
    agree(data.draw(random_cases(data.draw(st.sampled_from(KINDS)), suppliers=4).filter(lambda case: len(case.shape) == 4)))


@given(data=st.data())
@examples(40)
def test_independent_costs_of_probability_zero_give_one_answer_three_ways(data: st.DataObject) -> None:
    agree(data.draw(random_cases("uniform", suppliers=2, least=0)))


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced"])
def test_costs_that_never_occur_beside_costs_that_always_do(mechanism: str) -> None:
    # Only (1, 2) occurs: the dearer cost of a has no weight but costs rent, the cheaper cost of b has neither.
    case = build([[1, 2], [1, 2, 3]], [[1, 0], [0, 1, 0]], price=4.0)
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
def test_pooling_each_supplier_alone_is_pooling_the_lattice(data: st.DataObject) -> None:
    case = data.draw(random_cases("uniform", suppliers=3))
    on_lattice = isotonic(case.probability, weighted_virtual_cost(case))
    assert pooled_virtual_cost(case) == pytest.approx(on_lattice, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(40)
def test_joint_priors_with_zeros_keep_every_promise(kind: str, data: st.DataObject) -> None:
    case = data.draw(random_cases(kind, joint=True, least=0))
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


# --- naive and first best against a newsvendor that is solved by search ---


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@examples(10)
def test_naive_and_first_best_are_newsvendors(kind: str, data: st.DataObject) -> None:
    case = data.draw(random_cases(kind, joint=True, least=0, suppliers=2))
    highest = sum(supplier.costs[-1] for supplier in case.suppliers)
    total = [sum(own) for own in itertools.product(*(supplier.costs for supplier in case.suppliers))]
    wanted = {
        "naive": newsvendor(case, highest),
        "first_best": sum(p * newsvendor(case, c) for p, c in zip(case.probability.ravel(), total, strict=True)),
    }
    for name, value in wanted.items():
        for solver in ("highs", "closed_form"):
            assert vd.solve(case, name, solver).objective == near(value)


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


# --- judges that know neither the models nor the closed forms ---


@given(table=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), price=st.integers(8, 60))
@examples(25)
def test_icds_is_the_best_of_all_quantities_at_demand_points(table: list[int], price: int) -> None:
    points, masses = [120.0, 310.0, 560.0], [0.25, 0.45, 0.3]
    demand = {"distribution": "empirical", "values": points, "weights": masses}
    joint = np.reshape(table, (2, 2)) / sum(table)
    case = build([[4, 9], [3, 7]], joint=joint, price=price, demand=demand)
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
def test_icds_is_the_program_of_the_spec(data: st.DataObject) -> None:
    case = data.draw(random_cases("empirical", joint=True, least=0))
    assert isinstance(case.demand, vd.data.Empirical)
    points = np.array(case.demand.values)
    masses = np.array(case.demand.weights)
    method = data.draw(st.sampled_from(["highs-ds", "highs-ipm"]))
    assert vd.solve(case, "icds").objective == near(written_from_the_spec(case, points, masses, method))
