"""Expressions that are deep, and parts that many places share: translated and differentiated once."""

import math
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.smooth_models import agree, derivatives, judged, plain, smooth
from support.strategies import examples
from veridical import solvers
from veridical.solvers.translate.standard_form import compile_model

Model = Any
Expression = Any


def stock(periods: int) -> Model:
    """Return stock carried over periods as a chain of named expressions: 5, and every period one made and two sold."""
    m = pyo.ConcreteModel(name="stock")
    m.q = pyo.Var(range(periods), bounds=(0, 3))
    m.stock = pyo.Expression(range(periods), rule=lambda m, t: (m.stock[t - 1] if t else 5) + m.q[t] - 2)
    m.cost = pyo.Objective(expr=pyo.quicksum(m.q.values()))
    return m


def test_stock_over_100_000_periods_is_one_row() -> None:
    m = stock(100_000)
    m.least = pyo.Constraint(expr=m.stock[99_999] >= 0)
    m.most = pyo.Constraint(expr=m.stock[99_999] <= 10)
    form = compile_model(m)
    assert form.matrix.shape == (2, 100_000)
    assert form.matrix.nnz == 200_000
    assert set(form.matrix.data.tolist()) == {1.0}
    assert (form.row_low[0], form.row_high[1]) == (199_995.0, 200_005.0)


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_stock_that_is_never_negative_is_solved(solver: str) -> None:
    m = stock(400)
    m.least = pyo.Constraint(range(400), rule=lambda m, t: m.stock[t] >= 0)
    assert solvers.solve(m, solver).objective == pytest.approx(2 * 400 - 5, rel=1e-6)


def test_sums_by_horner_and_alternating_ones() -> None:
    m = pyo.ConcreteModel(name="sums")
    n = 5_000
    m.x = pyo.Var(range(n))
    horner, alternating = 0, 0
    for i in range(n):
        horner, alternating = 0.99 * horner + m.x[i], i * m.x[i] - alternating
    m.row = pyo.Constraint(expr=alternating <= 1)
    m.objective = pyo.Objective(expr=horner)
    form = compile_model(m)
    place = [form.column(m.x[i]) for i in range(n)]
    ages = np.arange(n)[::-1]
    agree(form.cost[place], 0.99**ages, 1e-12)
    agree(form.matrix.toarray()[0, place], np.arange(n) * (-1.0) ** ages, 0)


def test_a_chain_of_discount_factors() -> None:
    m = plain(0.5)
    factor = 1
    for _ in range(5_000):
        factor = factor / (1 + m.price / 1_000)
    m.objective = pyo.Objective(expr=factor * m.v[0])
    assert compile_model(m).cost[0] == pytest.approx(1.0017**-5_000, rel=1e-10)


def test_a_product_of_1_000_variables() -> None:
    x = np.linspace(0.99, 1.01, 1_000)
    m = plain(*x.tolist())
    m.objective = pyo.Objective(expr=math.prod(m.v.values()))
    value, gradient, hessian = derivatives(m)
    expected = float(np.prod(x))
    agree(value, expected, 1e-12)
    agree(gradient, expected / x, 1e-12)
    agree(hessian, expected / np.outer(x, x) * (1 - np.eye(len(x))), 1e-12)


def recursion(depth: int, named: bool) -> tuple[Model, list[Expression]]:
    """Return states, each of which stands twice in the next: s + 0.05 (sin s + u), from 1."""
    m = plain(*np.linspace(-0.5, 0.5, depth).tolist())
    m.state = pyo.Expression(range(depth + 1))
    states: list[Expression] = [1.0]
    for k in range(depth):
        following = states[-1] + 0.05 * (pyo.sin(states[-1]) + m.v[k])
        m.state[k] = following
        states.append(m.state[k] if named else following)
    return m, states


def test_operations_grow_with_the_number_of_states_that_stand_twice_in_the_next() -> None:
    counts = []
    for depth in (40, 80, 120):
        m, states = recursion(depth, named=True)
        m.objective = pyo.Objective(expr=states[-1] ** 2)
        terms = compile_model(m, nonlinear=True).nonlinear
        assert terms is not None
        counts.append(len(list(terms.operations())))
    assert counts[1] - counts[0] == counts[2] - counts[1] <= 3 * 40  # sin, and the sum where it is long


@pytest.mark.parametrize("named", [True, False])
def test_derivatives_of_a_deep_recursion(named: bool) -> None:
    # s' = s + 0.05 (sin s + u): first and second derivatives by every u, carried along by hand.
    depth = 60
    m, states = recursion(depth, named)
    m.objective = pyo.Objective(expr=states[-1] ** 2)
    s, first, second = 1.0, np.zeros(depth), np.zeros((depth, depth))
    for k, u in enumerate(np.linspace(-0.5, 0.5, depth)):
        second = second * (1 + 0.05 * math.cos(s)) - 0.05 * math.sin(s) * np.outer(first, first)
        first = first * (1 + 0.05 * math.cos(s))
        first[k] += 0.05
        s += 0.05 * (math.sin(s) + u)
    value, gradient, hessian = derivatives(m)
    agree(value, s**2, 1e-13)
    agree(gradient, 2 * s * first, 1e-13)
    agree(hessian, 2 * s * second + 2 * np.outer(first, first), 1e-13)


def test_rows_that_share_states() -> None:
    # A row for every state: the Jacobian and the Hessian of the Lagrangian, carried along by hand.
    depth = 30
    m, states = recursion(depth, True)
    m.row = pyo.Constraint(range(depth), rule=lambda m, k: states[k + 1] + m.v[0] ** 2 <= 1)
    m.objective = pyo.Objective(expr=0)
    nlp = smooth(m)
    weights = np.cos(np.arange(depth))
    nlp.set_duals(weights)
    place = [int(name[2:-1]) for name in nlp.primals_names()]
    u = np.linspace(-0.5, 0.5, depth)
    s, first, second = 1.0, np.zeros(depth), np.zeros((depth, depth))
    jacobian, hessian = np.zeros((depth, depth)), np.zeros((depth, depth))
    for k in range(depth):
        second = second * (1 + 0.05 * math.cos(s)) - 0.05 * math.sin(s) * np.outer(first, first)
        first = first * (1 + 0.05 * math.cos(s))
        first[k] += 0.05
        s += 0.05 * (math.sin(s) + u[k])
        jacobian[k] = first
        jacobian[k, 0] += 2 * u[0]
        hessian += weights[k] * second
        hessian[0, 0] += 2 * weights[k]
    agree(nlp.evaluate_jacobian().toarray(), jacobian[:, place], 1e-13)
    agree(nlp.evaluate_hessian_lag().toarray(), hessian[np.ix_(place, place)], 1e-13)


def test_an_expression_in_two_places_is_translated_once() -> None:
    m = plain(0.8, 0.6)
    m.area = pyo.Expression(expr=pyo.exp(m.v[0] * m.v[1]))
    m.row = pyo.Constraint(expr=pyo.sin(m.area) <= 1)
    m.objective = pyo.Objective(expr=pyo.log(m.area) + m.area**2)
    terms = compile_model(m, nonlinear=True).nonlinear
    assert terms is not None
    arguments = {name: [form.coefficients for form in forms] for (name, *_), _, forms in terms.operations()}
    product, area = -1, -2
    assert arguments.keys() == {"*", "exp", "sin", "log", "pow"}
    assert arguments["exp"] == [((product, 1.0),)]
    assert arguments["sin"] == arguments["log"] == arguments["pow"] == [((area, 1.0),)]


def test_what_is_weighted_with_0_is_never_evaluated() -> None:
    # The root of exp(v) - 5 and its slope are no numbers at v = 0.8; exp(v) stands in what counts as well.
    m = plain(0.8)
    m.weight = pyo.Param(initialize=0.0, mutable=True)
    m.growth = pyo.Expression(expr=pyo.exp(m.v[0]))
    m.objective = pyo.Objective(expr=m.growth + m.weight * pyo.sqrt(m.growth - 5) + m.growth)
    value, gradient, hessian = derivatives(m)
    agree(np.array([value, gradient[0], hessian[0, 0]]), np.full(3, 2 * math.exp(0.8)), 1e-13)


def test_zero_weights_leave_a_linear_program() -> None:
    m = pyo.ConcreteModel(name="dispatch")
    weights = {"coal": 0.0, "gas": 0.0}
    m.x = pyo.Var(weights, bounds=(0, 50))
    m.demand = pyo.Constraint(expr=m.x["coal"] + m.x["gas"] == 60)
    m.cost = pyo.Objective(expr=sum(weights[i] * m.x[i] ** 2 + cost * m.x[i] for i, cost in (("coal", 20), ("gas", 30))))
    assert solvers.solve(m, "highs").objective == pytest.approx(50 * 20 + 10 * 30)
    assert compile_model(m).hessian is None
    m.weight = pyo.Param(initialize=0.0, mutable=True)
    m.cost.expr = sum(m.weight * pyo.log(m.x[i]) + m.weight * m.x[i] ** 4 + 20 * m.x[i] for i in weights)
    assert solvers.solve(m, "highs").objective == pytest.approx(60 * 20)


# Programs in which every step uses earlier ones, as often as it likes.
STEPS = st.lists(
    st.tuples(st.sampled_from(["+", "*", "/", "sin", "exp", "square", "scaled"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=2,
    max_size=9,
)


def stepped(m: Model, steps: Any, named: bool) -> list[Expression]:
    """Return the values of all steps as expressions of moderate size that share their parts."""
    values: list[Expression] = [m.v[0], m.v[1], m.v[2], 0.5 * m.v[0] - m.v[2] + 1]
    m.step = pyo.Expression(range(len(steps)))
    for k, (kind, i, j) in enumerate(steps):
        left, right = values[-1 - i % len(values)], values[-1 - j % len(values)]
        value = {
            "+": lambda left, right: left - right,
            "*": lambda left, right: pyo.sin(left) * right,
            "/": lambda left, right: left / (3 + pyo.cos(right)),
            "sin": lambda left, right: pyo.sin(left + right),
            "exp": lambda left, right: pyo.exp(pyo.sin(left)),
            "square": lambda left, right: pyo.atan(left) ** 2,
            "scaled": lambda left, right: 0.5 * (left + right) - 0.25 * left,
        }[kind](left, right)
        m.step[k] = value
        values.append(m.step[k] if named else value)
    return values


@given(STEPS, st.booleans())
@examples(60)
def test_random_programs_against_differences(steps: Any, named: bool) -> None:
    m = plain(0.7, -0.4, 0.3)
    values = stepped(m, steps, named)
    m.row = pyo.Constraint(expr=values[-2] ** 2 + values[-1] <= 1)
    m.objective = pyo.Objective(expr=values[-1] * values[-2] + values[-1])
    value, gradient, hessian = derivatives(m)
    expected = judged(m, m.objective.expr)
    agree(value, expected[0], 1e-12)
    agree(gradient, expected[1], 1e-6)
    agree(hessian, expected[2], 1e-6)
    m.objective.expr, first = m.row.body, smooth(m)  # the row has the derivatives that it has as an objective
    row = first.evaluate_jacobian().toarray()[0]
    place = [int(name[2:-1]) for name in first.primals_names()]
    agree(row, derivatives(m)[1][place], 1e-12)
