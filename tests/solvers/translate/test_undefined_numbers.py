"""Numbers that are none are refused by name; what is not smooth and does not vary is its value."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.core.expr import MaxExpression, MinExpression

from support.smooth_models import plain
from veridical import solvers
from veridical.data import InputError
from veridical.solvers.translate.standard_form import compile_model

Model = Any
Expression = Any


def numbered() -> Model:
    """Return a model with parameters 0, -4, 2.5 and none, a variable fixed at 0 and one at -4."""
    m = plain(0.5, 0.7, 0.0, -4.0)
    m.v[2].fix()
    m.v[3].fix()
    m.zero, m.negative, m.half = (pyo.Param(initialize=number, mutable=True) for number in (0, -4, 2.5))
    m.none = pyo.Param(mutable=True)
    return m


UNDEFINED: dict[str, Callable[[Model], Expression]] = {
    "x / 0": lambda m: m.v[0] / m.zero,
    "(x + 1) / 0": lambda m: (m.v[0] + 1) / m.zero,
    "x / fixed at 0": lambda m: m.v[0] / m.v[2],
    "number / fixed at 0": lambda m: m.v[0] + 1 / m.v[2],
    "1 / 0": lambda m: m.v[0] + 1 / m.zero,
    "a coefficient 1 / 0": lambda m: (1 / m.zero) * m.v[0],
    "log 0": lambda m: m.v[0] + pyo.log(m.zero),
    "log of fixed at 0": lambda m: m.v[0] - pyo.log(m.v[2]),
    "log of a negative": lambda m: m.v[0] * pyo.log(m.negative),
    "root of a negative": lambda m: m.v[0] + m.negative**0.5,
    "sqrt of fixed at a negative": lambda m: m.v[0] + pyo.sqrt(m.v[3]),
    "power of fixed at a negative": lambda m: m.v[0] + m.v[3] ** 0.5,
    "0 to a negative power": lambda m: m.v[0] + m.v[2] ** -1,
    "a negative to a variable power": lambda m: m.negative ** m.v[0],
    "no value": lambda m: m.v[0] + m.none,
    "no value as a coefficient": lambda m: m.none * m.v[0],
    "inside of a function": lambda m: pyo.exp(m.v[0] / m.zero + m.v[1]),
    "in a shared expression": lambda m: pyo.sin(m.v[0]) * (m.v[1] + m.v[0] / m.v[2]),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_a_number_that_is_none_is_refused_where_it_stands(name: str) -> None:
    m = numbered()
    m.objective = pyo.Objective(expr=m.v[0] + m.v[1])
    m.row = pyo.Constraint(expr=UNDEFINED[name](m) <= 3)
    with pytest.raises(InputError, match=r"^row: got <.*>; allowed: numbers: nothing divided by 0"):
        compile_model(m, nonlinear=True)
    m.del_component("row")
    m.objective.expr = UNDEFINED[name](m)
    with pytest.raises(InputError, match=r"^objective: got <.*>; allowed: numbers: nothing divided by 0"):
        compile_model(m, nonlinear=True)


@pytest.mark.parametrize(
    "number",
    [lambda m: 1 / m.zero, lambda m: pyo.log(m.zero), lambda m: m.negative**0.5, lambda m: m.none],
    ids=["1/0", "log 0", "root", "none"],
)
@pytest.mark.parametrize(
    "sides",
    [lambda x, p: x <= p, lambda x, p: x >= p, lambda x, p: x == p, lambda x, p: pyo.inequality(0, x, p)],
    ids=["<=", ">=", "==", "range"],
)
def test_right_hand_sides_and_bounds_that_are_no_numbers(sides: Callable[..., Any], number: Callable[[Model], Any]) -> None:
    m = numbered()
    m.objective = pyo.Objective(expr=m.v[0])
    m.row = pyo.Constraint(expr=sides(m.v[0], number(m)))
    for solver in ("highs", "ipopt"):
        with pytest.raises(InputError, match=r"^row: got <"):
            solvers.solve(m, solver)
    m.del_component("row")
    m.v[0].setub(number(m))
    with pytest.raises(InputError, match=r"^v\[0\]: got <"):
        solvers.solve(m, "highs")


FOLDED: dict[str, tuple[Callable[[Model], Expression], float]] = {
    "abs of a parameter": (lambda m: abs(m.negative), 4),
    "abs of a fixed variable": (lambda m: abs(m.v[3]), 4),
    "abs of an expression of fixed things": (lambda m: abs(m.v[3] * m.half - 1), 11),
    "ceil": (lambda m: pyo.ceil(m.half), 3),
    "ceil of a fixed variable": (lambda m: pyo.ceil(m.v[3] / 3), -1),
    "floor": (lambda m: pyo.floor(m.half + m.v[2]), 2),
    "if of a parameter": (lambda m: pyo.Expr_if(IF=m.half >= 2, THEN=7, ELSE=9), 7),
    "if of a fixed variable": (lambda m: pyo.Expr_if(IF=m.v[3] >= 2, THEN=7, ELSE=9), 9),
    "min": (lambda m: MinExpression((m.v[3], m.half)), -4),
    "max": (lambda m: MaxExpression((m.v[3], m.half)), 2.5),
}


@pytest.mark.parametrize("name", FOLDED)
def test_what_is_not_smooth_and_does_not_vary_is_its_value(name: str) -> None:
    written, value = FOLDED[name]
    m = numbered()
    m.objective = pyo.Objective(expr=written(m) * m.v[0] + m.v[1])
    m.row = pyo.Constraint(expr=m.v[0] + written(m) >= 1)
    form = compile_model(m)
    assert form.cost[form.column(m.v[0])] == pytest.approx(value, rel=1e-15)
    assert form.row_low[0] == pytest.approx(1 - value, rel=1e-15)


def test_the_branch_of_a_condition_that_does_not_vary_may_vary() -> None:
    m = numbered()
    m.objective = pyo.Objective(expr=pyo.Expr_if(IF=m.half >= 2, THEN=3 * m.v[0], ELSE=abs(m.v[1])) + m.v[1])
    form = compile_model(m)
    assert (form.cost[form.column(m.v[0])], form.cost[form.column(m.v[1])]) == (3, 1)
    m.half = 1.0
    with pytest.raises(InputError, match="objective: got <abs"):
        compile_model(m)
