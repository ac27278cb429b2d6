"""Contracts of two suppliers as the paper states them: the correlated pair, virtual cost and rents, and edges by hand."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import veridical as vd
from support.assembler_cases import BASIC, EXACT, build, near, newsvendor_profit
from veridical.contracts import Menu
from veridical.data import AssemblerCase, virtual_cost, weighted_virtual_cost

# --- the correlated pair: what the spec states, by hand and by a judge ---


def test_full_model_beats_balanced_ordering_in_the_correlated_pair(correlated: AssemblerCase) -> None:
    # Nothing is assembled at (l, h) and (h, l), but each supplier still delivers there what he delivers at (h, h), and
    # earns 5 and 4 a unit on it: at (h, h) a unit costs 16 + (.05 (4 + 5) + .05 (3 + 4)) / .45. At (l, l) it costs 7.
    exact = 0.45 * newsvendor_profit(7) + 0.45 * newsvendor_profit(16 + 0.8 / 0.45)
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
    exact = 0.45 * newsvendor_profit(7) + 0.55 * newsvendor_profit(pooled)
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


def test_closed_form_of_icds_takes_correlated_costs_with_monotone_virtual_cost() -> None:
    # v: 7, 11 + 4 .3/.2 = 17, 12 + 5 .3/.2 = 19.5, 16 + (5 .2 + 4 .2)/.3 = 22: monotone.
    case = build([[4, 9], [3, 7]], joint=[[0.3, 0.2], [0.2, 0.3]])
    assert virtual_cost(case) == pytest.approx(np.array([[7, 17], [19.5, 22]]))
    exact = 0.3 * newsvendor_profit(7) + 0.2 * newsvendor_profit(17) + 0.2 * newsvendor_profit(19.5) + 0.3 * newsvendor_profit(22)
    assert vd.solve(case, "icds", "closed_form").objective == pytest.approx(exact, rel=EXACT)
    assert vd.solve(case, "icds", "highs").objective == near(exact, 1e-8)


def test_shipped_pair_is_the_sum_over_its_profiles() -> None:
    # v_panel = 3, 9 + 6 .6/.4 = 18; v_battery = 1, 4 + 3 .6/.4 = 8.5; F(q) = (30 - v)/30 on [200, 800]
    chances = {4.0: 0.36, 11.5: 0.24, 19.0: 0.24, 26.5: 0.16}
    exact = sum(p * ((30 - v) * 200 + 600 * (30 - v) ** 2 / 60) for v, p in chances.items())
    for solver in ("highs", "closed_form"):
        assert vd.solve(vd.example("two-suppliers"), solver=solver).objective == pytest.approx(exact, rel=1e-8)


# --- virtual cost and rents from their definitions ---


def test_virtual_cost_and_rents_follow_the_spec_term_by_term() -> None:
    rng = np.random.default_rng(3)
    table = rng.dirichlet(np.ones(12)).reshape(3, 2, 2)
    case = build([[2, 3, 7], [1, 4], [5, 6]], joint=table, price=60.0)
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


# --- edges ---


@pytest.mark.parametrize("mechanism", BASIC)
@pytest.mark.parametrize("solver", ["highs", "closed_form"])
@pytest.mark.parametrize("price", [7.0, 6.5])
def test_price_at_or_below_every_cost_buys_nothing(mechanism: str, solver: str, price: float) -> None:
    case = build([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]], price=price)
    solution = vd.solve(case, mechanism, solver)
    assert solution.objective == pytest.approx(0.0, abs=1e-9)
    assert solution.contracts is not None
    if price < 7 or solver == "closed_form":  # at 7 = 4 + 3 any quantity up to 100 earns 0; the closed form takes none
        assert np.array_equal(solution.contracts.quantity, np.zeros((2, 2, 2)))
        assert np.array_equal(solution.contracts.payment, np.zeros((2, 2, 2)))


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_profiles_whose_virtual_cost_exceeds_the_price_get_nothing_not_the_lower_end(solver: str) -> None:
    # v = 7, 11 + 4, 12 + 5, 16 + 9 with even odds; the price stands between 17 and 25, demand starts at 100.
    case = build([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]], price=20.0)
    solution = vd.solve(case, "icds", solver)
    assert solution.contracts is not None
    quantity = solution.contracts.quantity
    assert np.array_equal(quantity[:, 1, 1], [0, 0])
    for place, v in (((0, 0), 7), ((0, 1), 15), ((1, 0), 17)):
        assert quantity[(slice(None), *place)] == pytest.approx(100 + 800 * (20 - v) / 20, rel=1e-5)
    exact = sum((20 - v) * 100 + 800 * (20 - v) ** 2 / 40 for v in (7, 15, 17)) / 4
    assert solution.objective == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("mechanism", BASIC)
@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_suppliers_with_one_cost_keep_no_rent(mechanism: str, solver: str) -> None:
    solution = vd.solve(build([[4], [3]]), mechanism, solver)
    assert solution.objective == pytest.approx(newsvendor_profit(7), rel=1e-8)
    assert solution.audit is not None
    assert solution.audit.max_regret == 0
    assert solution.menu is not None
    assert solution.menu["rent"].abs().to_numpy().max() < 1e-6


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_one_supplier_with_one_known_beside_him(solver: str) -> None:
    # v = 4 + 3, and 9 + 5 .25/.75 + 3
    exact = 0.25 * newsvendor_profit(7) + 0.75 * newsvendor_profit(12 + 5 / 3)
    for costs, probabilities in (([[4, 9], [3]], [[0.25, 0.75], [1.0]]), ([[7, 12]], [[0.25, 0.75]])):
        assert vd.solve(build(costs, probabilities), "icds", solver).objective == pytest.approx(exact, rel=1e-8)


def test_hundredfold_price_and_small_demand_keep_their_profit() -> None:
    even = [[0.5, 0.5], [0.5, 0.5]]
    small = {"distribution": "uniform", "low": 0.1, "high": 0.9}
    usual = vd.solve(build([[4, 9], [3, 7]], even), "icds").objective
    costly = build([[4e4, 9e4], [3e4, 7e4]], even, price=30e4)
    assert vd.solve(costly, "icds").objective == pytest.approx(1e4 * usual, rel=1e-7)
    assert vd.solve(build([[4, 9], [3, 7]], even, demand=small), "icds").objective == pytest.approx(usual / 1e3, rel=1e-6)
