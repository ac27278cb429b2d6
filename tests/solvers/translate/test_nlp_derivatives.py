"""Exact derivatives of nonlinear expressions, against formulas by hand and differences."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from support.smooth_models import agree, cubes, derivatives, judged, plain, smooth

Model = Any
Expression = Any


def compare(m: Model, expression: Expression) -> None:
    """Hold an expression's value and derivatives, as an objective, against Pyomo's evaluation."""
    m.objective = pyo.Objective(expr=expression)
    value, gradient, hessian = derivatives(m)
    expected = judged(m, expression)
    agree(value, expected[0], 1e-12)
    agree(gradient, expected[1], 1e-7)  # differences of values at 1e-6 are good to about 1e-9
    agree(hessian, expected[2], 1e-7)


# Of every function of one argument: Pyomo's, its value and two derivatives by hand, and a point.
UNARY: dict[str, tuple[Callable[..., Any], Callable[[float], tuple[float, float, float]], float]] = {
    "exp": (pyo.exp, lambda u: (math.exp(u), math.exp(u), math.exp(u)), 0.3),
    "log": (pyo.log, lambda u: (math.log(u), 1 / u, -1 / u**2), 0.3),
    "log10": (
        pyo.log10,
        lambda u: (math.log(u) / math.log(10), 1 / (u * math.log(10)), -1 / (u**2 * math.log(10))),
        0.3,
    ),
    "sqrt": (pyo.sqrt, lambda u: (u**0.5, 0.5 * u**-0.5, -0.25 * u**-1.5), 0.3),
    "sin": (pyo.sin, lambda u: (math.sin(u), math.cos(u), -math.sin(u)), 0.3),
    "cos": (pyo.cos, lambda u: (math.cos(u), -math.sin(u), -math.cos(u)), 0.3),
    "tan": (pyo.tan, lambda u: (math.tan(u), math.cos(u) ** -2, 2 * math.sin(u) * math.cos(u) ** -3), 0.3),
    "asin": (pyo.asin, lambda u: (math.asin(u), 1 / math.sqrt(1 - u**2), u / math.sqrt(1 - u**2) ** 3), 0.3),
    "acos": (pyo.acos, lambda u: (math.acos(u), -1 / math.sqrt(1 - u**2), -u / math.sqrt(1 - u**2) ** 3), 0.3),
    "atan": (pyo.atan, lambda u: (math.atan(u), 1 / (1 + u**2), -2 * u / (1 + u**2) ** 2), 0.3),
    "sinh": (pyo.sinh, lambda u: (math.sinh(u), math.cosh(u), math.sinh(u)), 0.3),
    "cosh": (pyo.cosh, lambda u: (math.cosh(u), math.sinh(u), math.cosh(u)), 0.3),
    "tanh": (pyo.tanh, lambda u: (math.tanh(u), math.cosh(u) ** -2, -2 * math.sinh(u) * math.cosh(u) ** -3), 0.3),
    "asinh": (pyo.asinh, lambda u: (math.asinh(u), 1 / math.sqrt(1 + u**2), -u / math.sqrt(1 + u**2) ** 3), 0.3),
    "acosh": (pyo.acosh, lambda u: (math.acosh(u), 1 / math.sqrt(u**2 - 1), -u / math.sqrt(u**2 - 1) ** 3), 1.7),
    "atanh": (pyo.atanh, lambda u: (math.atanh(u), 1 / (1 - u**2), 2 * u / (1 - u**2) ** 2), 0.3),
}


def test_every_function_of_one_argument_is_tested() -> None:
    from veridical.solvers.translate import nonlinear as curvature

    assert set(UNARY) == set(curvature.UNARY)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_a_linear_form(name: str) -> None:
    function, by_hand, point = UNARY[name]
    m = plain(point + 0.4, 0.8)
    m.objective = pyo.Objective(expr=3 * function(1.5 * m.v[0] - 2 * m.v[1] + (1 - point / 2)) + m.v[1])  # of the point itself
    value, first, second = by_hand(point)
    slope = np.array([1.5, -2])
    found = derivatives(m)
    agree(found[0], 3 * value + 0.8, 1e-14)
    agree(found[1], 3 * first * slope + [0, 1], 1e-13)
    agree(found[2], 3 * second * np.outer(slope, slope), 1e-13)


@pytest.mark.parametrize("name", UNARY)
def test_functions_inside_of_functions(name: str) -> None:
    # g(u) = sin(f(u)): g' = cos(f) f', g'' = cos(f) f'' - sin(f) f'^2.
    function, by_hand, point = UNARY[name]
    m = plain(point)
    m.objective = pyo.Objective(expr=pyo.sin(function(m.v[0])))
    f, first, second = by_hand(point)
    value, gradient, hessian = derivatives(m)
    agree(value, math.sin(f), 1e-14)
    agree(gradient, [math.cos(f) * first], 1e-13)
    agree(hessian, [[math.cos(f) * second - math.sin(f) * first**2]], 1e-13)


@pytest.mark.parametrize(
    ("base", "exponent"),
    [(b, k) for b in (0.7, -1.3) for k in (0, 1, 2, 3, 5, -1, -2)] + [(0.7, k) for k in (0.5, 1.5, 2.5, -0.5, -1.5)],
)
def test_powers(base: float, exponent: float) -> None:
    m = plain(base)
    m.objective = pyo.Objective(expr=2 * m.v[0] ** exponent + m.v[0])
    k = exponent
    second = k * (k - 1) * base ** (k - 2) if k not in (0, 1) else 0.0
    value, gradient, hessian = derivatives(m)
    agree(value, 2 * base**k + base, 1e-14)
    agree(gradient, [2 * k * base ** (k - 1) + 1], 1e-14)
    agree(hessian, [[2 * second]], 1e-14)


@pytest.mark.parametrize("exponent", [2, 3, 4])
def test_powers_at_zero(exponent: int) -> None:
    m = plain(0.0)
    m.objective = pyo.Objective(expr=m.v[0] ** exponent)
    value, gradient, hessian = derivatives(m)
    assert (value, gradient.tolist(), hessian.tolist()) == (0.0, [0.0], [[2.0 if exponent == 2 else 0.0]])


def test_variable_exponents() -> None:
    # x^y: y x^(y-1), x^y log x; y (y - 1) x^(y-2), x^(y-1) (1 + y log x), x^y log^2 x.
    x, y = 1.4, 0.6
    m = plain(x, y)
    m.objective = pyo.Objective(expr=m.v[0] ** m.v[1])
    value, gradient, hessian = derivatives(m)
    cross = x ** (y - 1) * (1 + y * math.log(x))
    agree(value, x**y, 1e-14)
    agree(gradient, [y * x ** (y - 1), x**y * math.log(x)], 1e-14)
    agree(hessian, [[y * (y - 1) * x ** (y - 2), cross], [cross, x**y * math.log(x) ** 2]], 1e-14)


def test_a_number_to_a_variable_power() -> None:
    m = plain(0.6)
    m.objective = pyo.Objective(expr=2 ** (3 * m.v[0]))
    value, gradient, hessian = derivatives(m)
    rate = 3 * math.log(2)
    agree(value, 2**1.8, 1e-14)
    agree(gradient, [rate * 2**1.8], 1e-14)
    agree(hessian, [[rate**2 * 2**1.8]], 1e-14)


def test_a_product_of_linear_forms_that_share_variables() -> None:
    # (x + 2y)(3x - y) = 3x^2 + 5xy - 2y^2
    m = plain(0.9, -0.4)
    m.objective = pyo.Objective(expr=(m.v[0] + 2 * m.v[1]) * (3 * m.v[0] - m.v[1]))
    value, gradient, hessian = derivatives(m)
    agree(value, 3 * 0.81 + 5 * -0.36 - 2 * 0.16, 1e-14)
    agree(gradient, [6 * 0.9 + 5 * -0.4, 5 * 0.9 - 4 * -0.4], 1e-14)
    agree(hessian, [[6, 5], [5, -4]], 1e-14)


def test_a_quotient() -> None:
    # x / y: 1/y, -x/y^2; 0, -1/y^2, 2x/y^3
    x, y = 0.9, -0.4
    m = plain(x, y)
    m.objective = pyo.Objective(expr=m.v[0] / m.v[1])
    value, gradient, hessian = derivatives(m)
    agree(value, x / y, 1e-14)
    agree(gradient, [1 / y, -x / y**2], 1e-14)
    agree(hessian, [[0, -1 / y**2], [-1 / y**2, 2 * x / y**3]], 1e-14)


def test_many_variables_in_one_function() -> None:
    # log sum exp is not needed: the square of a sum of a thousand has the Hessian 2 k l throughout.
    m = plain(*np.linspace(-1, 1, 1000).tolist())
    m.objective = pyo.Objective(expr=(pyo.quicksum(k * m.v[k] for k in range(1000)) + 1) ** 2)
    k = np.arange(1000)
    total = float(k @ np.linspace(-1, 1, 1000)) + 1
    value, gradient, hessian = derivatives(m)
    agree(value, total**2, 1e-12)
    agree(gradient, 2 * total * k, 1e-12)
    agree(hessian, 2 * np.outer(k, k), 1e-12)


def test_many_terms_of_one_shape() -> None:
    # Each has its own variables, coefficients and row; what they share is the shape.
    m = plain(*np.linspace(0.5, 1.5, 50).tolist())
    m.objective = pyo.Objective(expr=0)
    m.row = pyo.Constraint(range(49), rule=lambda m, k: (k + 1) * pyo.exp(-(k + 2) * m.v[k] + m.v[k + 1]) <= 1)
    nlp = smooth(m)
    x = np.linspace(0.5, 1.5, 50)
    term = np.array([(k + 1) * math.exp(-(k + 2) * x[k] + x[k + 1]) for k in range(49)])
    duals = np.cos(np.arange(49))
    nlp.set_duals(duals)
    jacobian, hessian = np.zeros((49, 50)), np.zeros((50, 50))
    for k in range(49):
        slope = np.zeros(50)
        slope[k], slope[k + 1] = -(k + 2), 1
        jacobian[k] = term[k] * slope
        hessian += duals[k] * term[k] * np.outer(slope, slope)
    agree(nlp.evaluate_constraints(), term, 1e-14)
    agree(nlp.evaluate_jacobian().toarray(), jacobian, 1e-14)
    agree(nlp.evaluate_hessian_lag().toarray(), hessian, 1e-14)


def test_named_expressions_fixed_variables_and_parameters() -> None:
    # With w fixed at 2 and the price at 1.7: 1.7 x^2 w + exp(w y / 1.7) + (x + w)^w
    x, y, w, r = 0.8, -0.3, 2.0, 1.7
    m = plain(x, y, w)
    m.v[2].fix()
    m.area = pyo.Expression(expr=m.v[0] ** 2 * m.v[2])
    m.objective = pyo.Objective(expr=m.price * m.area + pyo.exp(m.v[2] * m.v[1] / m.price) + (m.v[0] + m.v[2]) ** m.v[2])
    value, gradient, hessian = derivatives(m)
    e = math.exp(w * y / r)
    agree(value, r * x**2 * w + e + (x + w) ** 2, 1e-14)
    agree(gradient, [2 * r * x * w + 2 * (x + w), w / r * e, 0], 1e-14)
    agree(hessian, np.diag([2 * r * w + 2, (w / r) ** 2 * e, 0]), 1e-14)
    m.price = 3.0  # the next translation sees the new value
    m.v[2].fix(1.0)
    assert derivatives(m)[0] == pytest.approx(3 * x**2 + math.exp(y / 3) + x + 1, rel=1e-14)


def test_functions_of_what_is_fixed_are_numbers() -> None:
    m = plain(0.5, 0.7)
    m.v[1].fix()
    m.cube = cubes("scalar")[0]
    m.objective = pyo.Objective(expr=m.v[0] * pyo.exp(m.v[1]) + m.cube(m.v[1]) + m.v[1] ** m.v[1] + pyo.log(m.v[1] * m.price))
    value, gradient, hessian = derivatives(m)
    agree(value, 0.5 * math.exp(0.7) + 0.7**3 + 0.7**0.7 + math.log(0.7 * 1.7), 1e-14)
    agree(gradient, [math.exp(0.7), 0], 1e-14)
    agree(hessian, np.zeros((2, 2)), 1e-14)


EXPRESSIONS: dict[str, Callable[[Model], Expression]] = {
    "repeated": lambda m: m.v[0] * m.v[1] * m.v[0] * m.v[1] * m.v[0],
    "nested products": lambda m: ((m.v[0] * m.v[1] + 1) * (m.v[1] - m.v[2]) + m.v[0]) * (m.v[2] * m.v[2] - m.v[0] / m.v[1]),
    "quotients of quotients": lambda m: (m.v[0] / m.v[1]) / (m.v[2] / (m.v[0] + 3)) / (1 + m.v[1] ** 2),
    "differences of the same": lambda m: pyo.exp(m.v[0] - m.v[0]) * m.v[1] ** 2 - (m.v[1] * m.v[1] - m.v[0]),
    "negations": lambda m: -(-(m.v[0] ** 2) - -pyo.sin(-m.v[1])) * -m.v[2],
    "sums in functions": lambda m: pyo.log(m.v[0] ** 2 + m.v[1] ** 2 + pyo.exp(m.v[2]) + 1) ** 3,
    "powers of powers": lambda m: ((m.v[0] ** 2 + 1) ** 1.5 + m.v[1] ** 2) ** (-(m.v[2] ** 2)),
    "polynomial": lambda m: 3 * m.v[0] ** 3 * m.v[1] - 2 * m.v[1] ** 2 * m.v[2] ** 2 + m.v[0] * m.v[1] * m.v[2] - 7 * m.v[2] + 4,
    "the same twice": lambda m: pyo.sin(m.v[0] + m.v[1]) * pyo.sin(m.v[1] + m.v[0]) + m.v[2],
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_against_differences(name: str) -> None:
    m = plain(0.8, 0.6, -0.7)
    compare(m, EXPRESSIONS[name](m))
