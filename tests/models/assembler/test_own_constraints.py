"""Constraints, terms and decisions that users add to the models of the assembler."""

import pyomo.environ as pyo
import pytest

import veridical as vd
from support.assembler_cases import FINE, build, near, newsvendor_profit
from veridical.data import AssemblerCase


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
    exact = 0.45 * newsvendor_profit(7) + 0.45 * newsvendor_profit(16 + 0.8 / 0.45)
    assert vd.solvers.solve(model, "highs").objective == pytest.approx(exact - 100, rel=1e-8)


def test_users_may_add_an_integer_decision() -> None:
    # A licence for 300 pays for the right to assemble at all; without it nothing is earned. Demand has a density.
    case = build([[4, 9], [3, 7]], [[0.5, 0.5], [0.5, 0.5]])
    model = vd.build(case, "icds")
    model.licence = pyo.Var(domain=pyo.Binary)
    model.licensed = pyo.Constraint(model.PROFILES, rule=lambda m, t: m.units[t] <= 900 * m.licence)
    profit = sum(newsvendor_profit(v) for v in (7, 15, 17, 25)) / 4
    assert vd.solvers.solve(model, "highs").objective == near(profit)
    assert model.licence.value == pytest.approx(1)
