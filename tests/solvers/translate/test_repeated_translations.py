"""A translation that is repeated with other values of the Params gives what a new translation gives, to the last digit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.strategies import examples
from veridical.data import InputError, NotSolvedError
from veridical.solvers.translate.standard_form import Repeatable, StandardForm, compile_model
from veridical.solvers.translate.traced import NotTracedError


def agree(again: StandardForm, anew: StandardForm) -> None:
    """Check that two forms have the same numbers, and these in the same places."""
    for name in ("cost", "row_low", "row_high", "low", "high", "integer"):
        np.testing.assert_array_equal(getattr(again, name), getattr(anew, name), err_msg=name)
    assert (again.sense, again.offset) == (anew.sense, anew.offset)
    assert (again.hessian is None, again.nonlinear is None) == (anew.hessian is None, anew.nonlinear is None)
    for one, other in ((again.matrix, anew.matrix), (again.hessian, anew.hessian)):
        if one is not None and other is not None:
            for part in ("data", "indices", "indptr"):
                np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    if again.nonlinear is not None and anew.nonlinear is not None:
        x = np.linspace(0.5, 1.5, len(again.cost))
        assert again.nonlinear.values(x)[0] == anew.nonlinear.values(x)[0]
        np.testing.assert_array_equal(again.nonlinear.first(x), anew.nonlinear.first(x))


def program(values: dict[str, float]) -> Any:
    """Return a model in which Params stand in coefficients, both sides, an offset, quotients, sums, and weights of squares."""
    m = pyo.ConcreteModel()
    m.p = pyo.Param(["a", "b", "c"], initialize=values, mutable=True)
    m.scale = pyo.Expression(expr=m.p["a"] + m.p["b"] + 2)
    m.x = pyo.Var([1, 2, 3], bounds=(0, 10))
    x, p = m.x, m.p
    m.first = pyo.Constraint(expr=p["a"] * x[1] - (x[2] + p["b"] * x[3]) / p["c"] <= 4 * p["a"] * p["b"] - 1)
    m.second = pyo.Constraint(expr=(-9 * p["c"], m.scale.expr * (x[1] + x[2]) - p["c"] * (x[1] - 3), 50 * p["c"]))
    m.third = pyo.Constraint(expr=x[2] + p["a"] * x[3] >= x[1] - p["b"])
    squares = p["a"] * x[1] ** 2 + p["b"] * p["c"] * (x[2] - x[3]) ** 2 + x[3] ** 2
    powers = p["b"] ** 3 * x[2] + p["a"] ** 0.5 * p["c"] ** -2 * x[3]
    m.worth = pyo.Objective(expr=squares - p["c"] * m.scale.expr * x[1] + powers + p["a"] / p["c"])
    return m


POSITIVE = st.fixed_dictionaries(dict.fromkeys("abc", st.floats(0.01, 100)))


@examples(60)
@given(built=POSITIVE, now=POSITIVE, nonlinear=st.booleans())
def test_it_is_the_new_translation(built: dict[str, float], now: dict[str, float], nonlinear: bool) -> None:
    repeatable = Repeatable(model := program(built), nonlinear)
    for values in (now, built):
        for key, value in values.items():
            model.p[key] = value
        again = repeatable.form()
        assert again is not None
        agree(again, compile_model(program(values), nonlinear))


def with_params(declare: Callable[[Any], Any], p: float = 2.0, q: float = 3.0) -> Any:
    m = pyo.ConcreteModel()
    m.p, m.q = pyo.Param(initialize=p, mutable=True), pyo.Param(initialize=q, mutable=True)
    m.x = pyo.Var(bounds=(0.5, 4))
    m.y = pyo.Var(bounds=(0.5, 4))
    m.worth = pyo.Objective(expr=m.y)
    declare(m)
    return m


UNTRACEABLE: dict[str, Callable[[Any], Any]] = {
    "under a root": lambda m: m.add_component("row", pyo.Constraint(expr=pyo.sqrt(m.p) * m.x <= 3)),
    "as an exponent": lambda m: m.add_component("row", pyo.Constraint(expr=m.x**m.p <= 3)),
    "inside of an operation": lambda m: m.add_component("row", pyo.Constraint(expr=pyo.exp(m.p * m.x) <= 300)),
    "in a bound": lambda m: m.y.setub(2 * m.p),
    "in a choice": lambda m: m.add_component("row", pyo.Constraint(expr=pyo.Expr_if(m.p >= 1, m.x, 2 * m.x) <= 3)),
}


@pytest.mark.parametrize("place", UNTRACEABLE)
def test_what_cannot_be_noted_is_refused(place: str) -> None:
    model = with_params(UNTRACEABLE[place])
    compile_model(model, nonlinear=True)  # it is a model like any other
    with pytest.raises(NotTracedError):
        Repeatable(model, nonlinear=True)


def test_a_param_to_the_power_of_another_is_worked_out_anew_and_what_is_no_number_refused() -> None:
    model = with_params(lambda m: m.add_component("row", pyo.Constraint(expr=m.p**m.q * m.x <= 30)))
    repeatable = Repeatable(model)
    for p, q in ((1.7, 2.9), (0.3, -1.1), (-2.0, 3.0)):
        model.p, model.q = p, q
        again = repeatable.form()
        assert again is not None
        agree(again, compile_model(model))
    for p, q in ((-2.0, 0.5), (0.0, -1.0), (1e200, 2.0)):
        model.p, model.q = p, q
        with pytest.raises(InputError, match="row"):
            repeatable.form()


def test_terms_that_cancel_now_and_did_not_before_make_another_structure() -> None:
    model = with_params(lambda m: m.add_component("row", pyo.Constraint(expr=m.p * m.x - m.q * m.x + m.y >= 1)))
    repeatable = Repeatable(model)
    model.p = 2.5
    again = repeatable.form()
    assert again is not None
    agree(again, compile_model(model))
    model.p = 3.0
    assert repeatable.form() is None
    model.p = 2.0
    assert repeatable.form() is not None


def test_a_square_whose_weight_becomes_0_makes_another_structure() -> None:
    model = with_params(lambda m: m.worth.set_value(m.p * m.x**2 + m.y))
    repeatable = Repeatable(model)
    model.p = 0.0
    assert repeatable.form() is None
    assert compile_model(model).hessian is None


def test_sides_that_cross_at_the_new_values_are_refused_as_by_a_new_translation() -> None:
    model = with_params(lambda m: m.add_component("row", pyo.Constraint(expr=(m.p, m.x + m.y, m.q))))
    repeatable = Repeatable(model)
    model.p = 3.5
    for translate in (repeatable.form, lambda: compile_model(model)):
        with pytest.raises(NotSolvedError, match="nothing lies within the bounds of row"):
            translate()


def test_rows_that_were_appended_are_gone_from_the_next_form() -> None:
    model = with_params(lambda m: m.add_component("row", pyo.Constraint(expr=m.p * m.x + m.y >= 1)))
    repeatable = Repeatable(model)
    first = repeatable.form()
    assert first is not None
    first.append([model.row], first.matrix, np.array([7.0]))
    assert first.matrix.shape == (2, 2)
    again = repeatable.form()
    assert again is not None
    agree(again, compile_model(model))
    assert len(again.constraints) == 1
