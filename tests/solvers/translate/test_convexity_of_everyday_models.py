"""Everyday models: those that are convex are shown to be, those that are not never; and which mechanisms' models are."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.environ import acosh, atan, cosh, exp, log, log10, sinh, sqrt, tanh

import veridical as vd
from support.allocation_cases import EXPONENTIAL, GAMMA, LINEAR, NORMAL, POWER, ROOT, UNIFORM, case, group
from support.assembler_cases import build
from veridical.solvers.translate.convexity import shown
from veridical.solvers.translate.standard_form import compile_model

Expression = Callable[[Any, Any, Any], Any]
Box = tuple[float | None, float | None]
FREE, POSITIVE = (None, None), (0.0, None)

CONVEX: dict[str, tuple[Expression, Box]] = {
    "economic order quantity": (lambda x, y, z: 50_000 / x + x, POSITIVE),
    "square root of sales": (lambda x, y, z: x - 4 * sqrt(x), POSITIVE),
    "logarithmic utility": (lambda x, y, z: x - log(x), FREE),
    "logarithm of a total": (lambda x, y, z: -log(x + y) - log(x - y + 2), FREE),
    "entropy": (lambda x, y, z: x * log(x) + y * log(y) + 3 * z * log(2 * z), POSITIVE),
    "entropy to maximise, turned": (lambda x, y, z: -(-x * log(x)), POSITIVE),
    "relative entropy": (lambda x, y, z: x * log(x / y), POSITIVE),
    "square over a line": (lambda x, y, z: (x - z) ** 2 / y, POSITIVE),
    "distance": (lambda x, y, z: sqrt((x - 1) ** 2 + (y - 2) ** 2), FREE),
    "distance kept from 0": (lambda x, y, z: sqrt(1 + x**2 + 2 * y**2), FREE),
    "norm of order 3": (lambda x, y, z: (x**3 + y**3) ** (1 / 3), POSITIVE),
    "squares that cancel": (lambda x, y, z: (x - y) ** 2 + 2 * x * y - x**2, FREE),
    "products and squares": (lambda x, y, z: x * x + x * y + y * y, FREE),
    "sum of exponentials in a logarithm": (lambda x, y, z: log(exp(x) + 2 * exp(y - z) + 1), FREE),
    "Cobb and Douglas": (lambda x, y, z: -(x**0.3) * y**0.5, POSITIVE),
    "geometric mean": (lambda x, y, z: -sqrt(x * y), POSITIVE),
    "constant elasticity of substitution": (lambda x, y, z: -((0.3 * x**0.5 + 0.7 * y**0.5) ** 2), POSITIVE),
    "reciprocal of a product": (lambda x, y, z: 1 / (x * y), POSITIVE),
    "exponentials of lines": (lambda x, y, z: exp(2 * x - y) + exp(-x), FREE),
    "exponential of squares": (lambda x, y, z: exp(x**2 + y**2), FREE),
    "quartic": (lambda x, y, z: x**4 - 3 * x**2 + x, (1, 3)),
    "decay": (lambda x, y, z: -x * exp(-x), (0, 1.9)),
    "product that rises": (lambda x, y, z: x * exp(x), POSITIVE),
    "saturation": (lambda x, y, z: -5 * x / (2 * x + 3), POSITIVE),
    "queue": (lambda x, y, z: x / (1 - x), (0, 0.99)),
    "shared queue": (lambda x, y, z: 1 / (10 - x - y), (0, 4)),
    "economies of scale, to maximise": (lambda x, y, z: x - x**0.6, POSITIVE),
    "power of a line": (lambda x, y, z: (x + y - 1) ** 2.7, POSITIVE),
    "cube from the lower bound on": (lambda x, y, z: (x + 1) ** 3, (-1, 5)),
    "exponential and a square less": (lambda x, y, z: exp(x) - 0.4 * x**2, (0, 3)),
    "exponentials and a product": (lambda x, y, z: exp(x) + exp(y) - 0.5 * x * y, (0, 2)),
    "growth under a price": (lambda x, y, z: x * (sqrt(x) - 3), POSITIVE),
    "cosine hyperbolic": (lambda x, y, z: cosh(x - y), FREE),
    "others": (lambda x, y, z: -atan(x) - tanh(y) + sinh(z) - log10(1 + x + y) - acosh(z + 2), POSITIVE),
}
NOT_CONVEX: dict[str, tuple[Expression, Box]] = {
    "two minima": (lambda x, y, z: x**4 - 3 * x**2 + x, (-2, 2)),
    "product": (lambda x, y, z: x * y - 2 * x - 2 * y, (0, 4)),
    "parabola upside down": (lambda x, y, z: x * (10 - x), (0, 10)),
    "quantity discount": (lambda x, y, z: 5 * x - x**2 / 20, (0, 100)),
    "square of a saturation": (lambda x, y, z: (tanh(x) - 0.5) ** 2, (0, 1e6)),
    "wave": (lambda x, y, z: -pyo.sin(x) - 0.1 * x, (0, 12)),
    "pole within": (lambda x, y, z: x**-2, (-1, 1)),
    "pole at an end of pieces": (lambda x, y, z: cosh(1 / x), (-1, 1)),
    "hole in the domain": (lambda x, y, z: (x**2 - 1) ** 1.5, FREE),
    "hole that cancels": (lambda x, y, z: x + (y / y) ** 0.5, (-1, 1)),
    "logarithm of a square": (lambda x, y, z: -log(x**2), FREE),
    "decay past its turn": (lambda x, y, z: -x * exp(-x), (0, 5)),
    "ratio": (lambda x, y, z: x / y, (1, 2)),
    "increasing returns": (lambda x, y, z: -(x**0.6) * y**0.6, POSITIVE),
    "exponentials and too much of a product": (lambda x, y, z: exp(x) + exp(y) - 1.5 * x * y, (0, 2)),
}


def model(expression: Expression, box: Box, sense: int = 1) -> Any:
    """Return a model that minimises an expression, or maximises what is its negative."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=box)
    m.goal = pyo.Objective(expr=sense * expression(*m.x.values()), sense=sense)
    return m


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("name", CONVEX)
def test_convex_models_are_shown(name: str, sense: int) -> None:
    assert shown(compile_model(model(*CONVEX[name], sense), nonlinear=True))


@pytest.mark.parametrize("name", NOT_CONVEX)
def test_what_is_not_convex_never_is(name: str) -> None:
    assert shown(compile_model(model(*NOT_CONVEX[name]), nonlinear=True)) is None


def test_rows_bend_the_way_their_bounds_want() -> None:
    m = model(lambda x, y, z: x + y + z, POSITIVE)
    x, y, _ = m.x.values()
    for row, convex in [
        (x**2 + y**2 <= 4, True),
        (x**2 + y**2 >= 4, False),
        (sqrt(x) >= y, True),
        (log(x) + log(y) >= 1, True),
        ((1, exp(x), 2), False),
        (exp(x) == y, False),
        (x * y >= 1, False),
        (sqrt(x * y) >= 1, True),
        ((x - y) ** 2 + 2 * x * y - x**2 - y**2 == 0, True),
    ]:
        m.del_component("row")
        m.row = pyo.Constraint(expr=row)
        assert (shown(compile_model(m, nonlinear=True)) is not None) == convex, str(row)


def test_a_row_of_one_variable_counts_as_its_bound() -> None:
    m = model(lambda x, y, z: x**3, FREE)
    assert shown(compile_model(m, nonlinear=True)) is None
    m.row = pyo.Constraint(expr=-2 * m.x[0] <= 0)
    assert shown(compile_model(m, nonlinear=True))


def test_a_function_of_the_users_own_is_not_shown() -> None:
    m = model(lambda x, y, z: x, POSITIVE)
    m.square = pyo.ExternalFunction(function=lambda u: u * u, gradient=lambda u, f: [2 * u[0]], hessian=lambda u, f: [2.0])
    m.goal.expr = m.square(m.x[0])
    assert shown(compile_model(m, nonlinear=True)) is None


def test_expressions_that_stand_in_others_many_times_are_looked_at_once() -> None:
    m = pyo.ConcreteModel()
    m.u = pyo.Var(range(8), bounds=(0, 1))
    state = m.u[0]
    for k in range(1, 8):
        state = state + exp(state) + m.u[k]
    m.goal = pyo.Objective(expr=state)
    assert shown(compile_model(m, nonlinear=True))


DEMANDS: dict[str, dict[str, float]] = {
    "uniform": {"low": 100, "high": 900},
    "normal": {"mean": 500, "sd": 250},
    "lognormal": {"mean": 500, "sd": 200},
    "gamma": {"mean": 500, "sd": 200},
    "weibull": {"shape": 2.0, "scale": 550},
    "exponential": {"mean": 500},
}


@pytest.mark.parametrize("demand", DEMANDS)
@pytest.mark.parametrize("mechanism", ["naive", "frw", "hybrid", "icds_balanced", "icds", "bic", "first_best"])
def test_every_mechanism_of_the_assembler_is_a_convex_program(mechanism: str, demand: str) -> None:
    world = build([[4, 9], [3, 7]], [[0.6, 0.4], [0.5, 0.5]], demand={"distribution": demand, **DEMANDS[demand]})
    for form in ("smooth", "quadratic") if demand == "uniform" else ("smooth",):
        assert shown(compile_model(vd.build(world, mechanism, form=form), nonlinear=True))


# Virtual revenue of newsvendors is a difference of two concave functions, concave up to the units' upper bounds only.
@pytest.mark.parametrize(
    ("mechanism", "convex"),
    [
        ("centralized", [LINEAR, POWER, ROOT, NORMAL, UNIFORM, EXPONENTIAL, GAMMA]),
        ("allocation", [LINEAR, POWER, ROOT, NORMAL, UNIFORM, EXPONENTIAL]),
        ("allocation_direct", [LINEAR, POWER, ROOT]),
        ("allocation_kkt", [LINEAR, ROOT]),
    ],
)
def test_which_models_of_capacity_allocation_are_convex_programs(mechanism: str, convex: list[Any]) -> None:
    for revenue in [LINEAR, POWER, ROOT, NORMAL, UNIFORM, EXPONENTIAL, GAMMA]:
        world = case(group([4, 5, 6], revenue=revenue, count=2), capacity=3.0)
        words = shown(compile_model(vd.build(world, mechanism), nonlinear=True))
        assert (words is not None) == (revenue in convex), revenue


@pytest.mark.parametrize("odd", [None, "shift", "scale", "factor"])
def test_among_terms_of_one_shape_the_one_that_bends_down_is_found(odd: str | None) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(5), bounds=(1, 2))
    figures = [{"factor": 1.0 + k, "scale": 2.0 + k, "shift": 0.25 + k} for k in range(5)]
    if odd is not None:
        figures[3][odd] *= -1 if odd != "scale" else -0.25
    m.cost = pyo.Objective(expr=sum(f["factor"] * sqrt(f["scale"] * m.x[k] ** 2 + f["shift"]) for k, f in enumerate(figures)))
    assert (shown(compile_model(m, nonlinear=True)) is None) == (odd is not None)
