"""Linear expressions whose terms are made when they are asked for are Pyomo's own, to whoever asks."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.core.expr import LinearExpression, identify_variables

import veridical as vd
from veridical.models.decisions import Variables, linear_body, terms_of
from veridical.solvers.translate.standard_form import compile_model


@pytest.fixture
def m() -> Any:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=(0, 10))
    m.sum = pyo.Expression(expr=linear_body(Variables(list(m.x.values())), {0: 1.0, 2: -2.5}))
    return m


def costs(m: Any) -> dict[str, float]:
    form = compile_model(m)
    return {variable.name: float(cost) for variable, cost in zip(form.variables, form.cost, strict=True)}


def test_they_are_what_pyomo_makes(m: Any) -> None:
    body = m.sum.expr
    assert type(body) is LinearExpression
    assert body.nargs() == 2
    assert str(body) == "x[0] - 2.5*x[2]"
    assert [variable.name for variable in identify_variables(body)] == ["x[0]", "x[2]"]
    m.x[0], m.x[2] = 3.0, 2.0
    assert pyo.value(body) == -2.0
    assert terms_of(body) is not None
    m.value = pyo.Objective(expr=m.sum)
    assert costs(m) == costs(m.clone()) == {"x[0]": 1.0, "x[2]": -2.5}


@pytest.mark.parametrize("made", [False, True])
def test_a_sum_that_goes_on_leaves_them_as_they_are(m: Any, made: bool) -> None:
    body = m.sum.expr
    if made:
        assert len(body.args) == 2
    longer, twice = body + 4 * m.x[1], body + body
    longest = longer + 7.0
    assert str(body) == "x[0] - 2.5*x[2]"
    assert str(longest) == "x[0] - 2.5*x[2] + 4*x[1] + 7.0"
    assert str(twice) == "x[0] - 2.5*x[2] + x[0] - 2.5*x[2]"
    for expression, expected in (
        (m.sum, {"x[0]": 1.0, "x[2]": -2.5}),
        (longest, {"x[0]": 1.0, "x[2]": -2.5, "x[1]": 4.0}),
        (twice, {"x[0]": 2.0, "x[2]": -5.0}),
    ):
        m.del_component("value")
        m.value = pyo.Objective(expr=expression)
        assert costs(m) == expected


def test_a_mechanism_of_ones_own_is_taken_by_solvers_that_go_by_types_of_expressions() -> None:
    types = vd.TypeSpace({"seller": [1.0, 4.0], "buyer": [2.5, 6.5]})
    profits = {}
    for solver in ("highs", "scip"):
        m = pyo.ConcreteModel()
        m.trade = pyo.Var(types.profiles, bounds=(0, 1))
        m.payment = pyo.Var(types.agents, types.profiles)

        def utility(m: Any, agent: str, theta: float, reports: tuple[Any, ...]) -> Any:
            return (theta if agent == "buyer" else -theta) * m.trade[reports] + m.payment[agent, reports]

        vd.truthful(m, types, utility)
        paid = types.expectation(lambda t: sum(m.payment[agent, t] for agent in types.agents))  # noqa: B023
        m.profit = pyo.Objective(expr=-paid, sense=pyo.maximize)
        profits[solver] = vd.solvers.solve(m, solver).objective
    # A trade is worth 2.5 - (6.5 - 2.5) < 0 or 6.5, and costs 1 or 4 + (4 - 1) = 7: they trade at (1, 6.5).
    assert profits["highs"] == pytest.approx((6.5 - 1) / 4)
    assert profits["scip"] == pytest.approx(profits["highs"], rel=1e-6)


def test_who_changes_a_term_in_place_is_taken_at_his_word(m: Any) -> None:
    """As Pyomo does with the terms of its mutable sums: the coefficients that they were made of are not theirs any more."""
    m.sum.expr._args_[0] = 5.0 * m.x[1]
    assert str(m.sum.expr) == "5.0*x[1] - 2.5*x[2]"
    m.value = pyo.Objective(expr=m.sum)
    assert costs(m) == {"x[1]": 5.0, "x[2]": -2.5}
