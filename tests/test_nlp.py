"""Exact derivatives of nonlinear models, against formulas by hand and differences; Ipopt with them, warm and from Pyomo."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyomo.contrib.pynumero.interfaces.cyipopt_interface import CyIpoptNLP
from pyomo.core.expr import MaxExpression, MinExpression
from pyomo.core.expr.calculus.derivatives import Modes, differentiate

import veridical as vd
from veridical import solvers
from veridical.data import AssemblerCase, InputError, NotSolvedError
from veridical.solvers.translate.nlp import SmoothNLP
from veridical.solvers.translate.standard_form import compile_model

Model = Any
Expression = Any
Array = NDArray[np.float64]
Assembler = Callable[..., AssemblerCase]


def plain(*start: float) -> Model:
    """Return a model with variables v[0], v[1], ... at a point."""
    m = pyo.ConcreteModel(name="plain")
    m.v = pyo.Var(range(len(start)), initialize=dict(enumerate(start)))
    m.price = pyo.Param(initialize=1.7, mutable=True)
    return m


def smooth(m: Model) -> SmoothNLP:
    """Return the NLP of a model at the values of its variables."""
    form = compile_model(m, nonlinear=True)
    return SmoothNLP(form, np.array([variable.value for variable in form.variables], dtype=float))


def derivatives(m: Model) -> tuple[float, Array, Array]:
    """Return value, gradient and Hessian of a model's objective in the order of m.v; zero for what is not in it."""
    nlp = smooth(m)
    nlp.set_duals(np.zeros(nlp.n_constraints()))
    place = [int(name[2:-1]) for name in nlp.primals_names()]
    gradient, hessian = np.zeros(len(m.v)), np.zeros((len(m.v),) * 2)
    gradient[place] = nlp.evaluate_grad_objective()
    hessian[np.ix_(place, place)] = nlp.evaluate_hessian_lag().toarray()
    return nlp.evaluate_objective(), gradient, hessian


def judged(m: Model, expression: Expression) -> tuple[float, Array, Array]:
    """Return value, gradient and Hessian by Pyomo's own evaluation: differences of values, and of Pyomo's gradient."""
    free = [variable for variable in m.v.values() if not variable.fixed]
    gradient, hessian = np.zeros(len(m.v)), np.zeros((len(m.v),) * 2)
    step = 1e-6

    def slope() -> Array:
        return np.array(differentiate(expression, wrt_list=free, mode=Modes.reverse_numeric), dtype=float)

    rows = [variable.index() for variable in free]
    for variable in free:
        at, found, slopes = variable.value, [], []
        for change in (step, -step):
            variable.value = at + change
            found.append(float(pyo.value(expression)))
            slopes.append(slope())
        variable.value = at
        gradient[variable.index()] = (found[0] - found[1]) / (2 * step)
        hessian[rows, variable.index()] = (slopes[0] - slopes[1]) / (2 * step)
    return float(pyo.value(expression)), gradient, hessian


def agree(found: Any, expected: Any, tolerance: float) -> None:
    """Hold arrays against each other, relative to the largest entry or 1."""
    size = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * size)


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


# External functions: f(u) = u^3, f(u, v) = u^2 v^3, f(u, v, w) = u v^2 w^3 with the column-wise upper triangle
# (uu; uv, vv; uw, vw, ww), in which no two entries are alike.
def cube(u: Any) -> tuple[Any, list[Any], list[Any]]:
    return u**3, [3 * u**2], [6 * u]


def pair(u: Any, v: Any) -> tuple[Any, list[Any], list[Any]]:
    return u**2 * v**3, [2 * u * v**3, 3 * u**2 * v**2], [2 * v**3, 6 * u * v**2, 6 * u**2 * v]


def triple(u: Any, v: Any, w: Any) -> tuple[Any, list[Any], list[Any]]:
    return (
        u * v**2 * w**3,
        [v**2 * w**3, 2 * u * v * w**3, 3 * u * v**2 * w**2],
        [0 * u, 2 * v * w**3, 2 * u * w**3, 3 * v**2 * w**2, 6 * u * v * w**2, 6 * u * v**2 * w],
    )


def external(function: Callable[..., tuple[Any, list[Any], list[Any]]], how: str) -> Any:
    """Return a Pyomo function, called point by point or in batches."""
    found = pyo.ExternalFunction(
        function=lambda *args: function(*args)[0],
        gradient=lambda args, fixed: function(*args)[1],
        hessian=lambda args, fixed: function(*args)[2],
    )
    if how == "batch":
        found.batch = function
    return found


def cubes(how: str) -> list[Any]:
    """Return the three external functions."""
    return [external(function, how) for function in (cube, pair, triple)]


def with_functions(how: str) -> Model:
    """Return a model at a point, with the three functions on it."""
    m = plain(0.8, 0.6, -0.7)
    m.f1, m.f2, m.f3 = cubes(how)
    return m


ARGUMENTS: dict[str, tuple[Callable[[Model], Expression], Callable[[Model], Expression]]] = {
    "variable": (lambda m: m.f1(m.v[0]), lambda m: m.v[0] ** 3),
    "linear form": (lambda m: m.f1(2 * m.v[0] - m.v[1] + 1), lambda m: (2 * m.v[0] - m.v[1] + 1) ** 3),
    "nonlinear": (lambda m: m.f1(m.v[0] * m.v[1]), lambda m: (m.v[0] * m.v[1]) ** 3),
    "two": (lambda m: m.f2(m.v[1], m.v[0]), lambda m: m.v[1] ** 2 * m.v[0] ** 3),
    "two the same": (lambda m: m.f2(m.v[1], m.v[1]), lambda m: m.v[1] ** 5),
    "two overlap": (
        lambda m: m.f2(m.v[0] + m.v[1], 3 * m.v[1] - m.v[2]),
        lambda m: (m.v[0] + m.v[1]) ** 2 * (3 * m.v[1] - m.v[2]) ** 3,
    ),
    "constant first": (lambda m: m.f2(1.3, m.v[0]), lambda m: 1.3**2 * m.v[0] ** 3),
    "parameter last": (lambda m: m.f2(m.v[0], m.price), lambda m: m.v[0] ** 2 * m.price**3),
    "three": (lambda m: m.f3(m.v[2], m.v[0], m.v[1]), lambda m: m.v[2] * m.v[0] ** 2 * m.v[1] ** 3),
    "three, one constant": (lambda m: m.f3(m.v[2], 0.9, m.v[1]), lambda m: m.v[2] * 0.9**2 * m.v[1] ** 3),
    "three of all kinds": (
        lambda m: m.f3(m.v[2] * m.v[0], m.v[0] - 2 * m.v[1], m.price) * m.v[1],
        lambda m: m.v[2] * m.v[0] * (m.v[0] - 2 * m.v[1]) ** 2 * m.price**3 * m.v[1],
    ),
    "three, all nonlinear": (
        lambda m: m.f3(pyo.sin(m.v[0]), m.v[0] * m.v[1], pyo.exp(m.v[2] - m.v[1])),
        lambda m: pyo.sin(m.v[0]) * (m.v[0] * m.v[1]) ** 2 * pyo.exp(m.v[2] - m.v[1]) ** 3,
    ),
    "inside": (lambda m: m.f1(m.f2(m.v[0], m.v[1]) + m.v[2]), lambda m: (m.v[0] ** 2 * m.v[1] ** 3 + m.v[2]) ** 3),
}


@pytest.mark.parametrize("how", ["scalar", "batch"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_external_functions_have_the_derivatives_of_their_formulas(name: str, how: str) -> None:
    called, written = ARGUMENTS[name]
    m = with_functions(how)
    m.objective = pyo.Objective(expr=called(m) - 2 * m.v[0])
    found = derivatives(m)
    expected = judged(m, written(m) - 2 * m.v[0])
    agree(found[0], expected[0], 1e-13)
    agree(found[1], expected[1], 1e-7)
    agree(found[2], expected[2], 1e-7)


def test_batches_and_single_calls_agree_to_the_last_digit() -> None:
    found = []
    for how in ("scalar", "batch"):
        m = with_functions(how)
        m.objective = pyo.Objective(expr=m.f2(m.v[0], m.v[1]))
        m.row = pyo.Constraint(range(30), rule=lambda m, k: m.f3(m.v[0] + k, 2 * m.v[1], k * m.v[2] + 1) + m.f1(m.v[k % 3]) <= k)
        nlp = smooth(m)
        nlp.set_duals(np.linspace(-2, 1, 30))
        values = (nlp.evaluate_constraints(), nlp.evaluate_jacobian().data, nlp.evaluate_hessian_lag().data)
        found.append(np.concatenate(values))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-14, atol=0)


def test_batches_are_called_once_for_all_terms() -> None:
    m = with_functions("batch")
    sizes: list[int] = []

    def counted(u: Any) -> tuple[Any, list[Any], list[Any]]:
        sizes.append(len(u))
        return cube(u)

    m.f1.batch = counted
    m.objective = pyo.Objective(expr=sum(m.f1(m.v[k] + m.price) for k in range(3)))
    m.row = pyo.Constraint(range(3), rule=lambda m, k: m.f1(m.v[k]) <= 1)
    nlp = smooth(m)
    sizes.clear()
    nlp.evaluate_hessian_lag()
    assert sizes == [6]


LEAVES = st.one_of(
    st.integers(0, 3).map(lambda k: ("variable", k)),
    st.integers(0, 3).map(lambda k: ("linear", k)),
    st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0]).map(lambda c: ("number", c)),
    st.sampled_from([("parameter",), ("fixed",)]),
)
BOUNDED = ("sin", "cos", "atan")  # of anything: between -2 and 2. Pyomo differentiates these; the others are tested above


def grown(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return expressions one level higher; all of them smooth and of moderate size for variables in [-1, 1]."""
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "**", "external"]), below, below),
        st.tuples(st.just("power"), st.sampled_from([-2, -1.5, -1, 0, 0.5, 1, 2, 3]), below),
        st.tuples(st.sampled_from([*BOUNDED, "exp", "log", "sqrt", "asin", "square", "named", "-"]), below),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=9)


def planted(m: Model, tree: Any) -> Expression:
    """Return a tree as an expression on a model; arguments are bounded first wherever a function asks for it."""
    kind, *arguments = tree
    if kind == "variable":
        return m.v[arguments[0]]
    if kind == "linear":
        k = arguments[0]
        return 0.5 * m.v[k] - 0.7 * m.v[(k + 1) % 4] + 0.2
    if kind == "number":
        return arguments[0]
    if kind == "parameter":
        return m.price
    if kind == "fixed":
        return m.v[4]
    if kind == "power":
        return (2 + pyo.sin(planted(m, arguments[1]))) ** arguments[0]
    parts = [planted(m, argument) for argument in arguments]
    if kind in BOUNDED:
        return getattr(pyo, kind)(parts[0])
    if len(parts) == 1:
        inner = parts[0]
        if kind == "named":
            m.named.add(len(m.named), inner)
            return m.named[len(m.named) - 1]
        return {
            "exp": lambda: pyo.exp(pyo.sin(inner)),
            "log": lambda: pyo.log(2 + pyo.sin(inner)),
            "sqrt": lambda: pyo.sqrt(1.5 + pyo.cos(inner)),
            "asin": lambda: pyo.asin(0.6 * pyo.cos(inner)),
            "square": lambda: pyo.atan(inner) ** 2,
            "-": lambda: -inner,
        }[kind]()
    left, right = parts
    return {
        "+": lambda: left + right,
        "-": lambda: left - 2 * right,
        "*": lambda: left * (pyo.sin(right) if large(right) else right),
        "/": lambda: left / (2 + pyo.sin(right)),
        "**": lambda: (1.5 + pyo.sin(left)) ** pyo.cos(right),
        "external": lambda: m.f2(pyo.atan(left), pyo.sin(right) if large(right) else right),
    }[kind]()


def large(expression: Expression) -> bool:
    """Whether an expression is more than a sum of variables and numbers, and may be large."""
    return hasattr(expression, "is_expression_type") and expression.is_expression_type() and expression.polynomial_degree() != 1


@given(
    trees=st.lists(TREES, min_size=4, max_size=4),
    sense=st.sampled_from([pyo.minimize, pyo.maximize]),
    how=st.sampled_from(["scalar", "batch"]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_random_expressions_against_differences(trees: list[Any], sense: int, how: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    m = plain(*generator.uniform(-1, 1, 5))
    m.v[4].fix()
    m.f2 = external(pair, how)
    m.named = pyo.Expression(pyo.Any)
    bodies = [planted(m, tree) + 0.1 * m.v[k] for k, tree in enumerate(trees)]
    m.objective = pyo.Objective(expr=bodies[0], sense=sense)
    m.row = pyo.Constraint([1, 2, 3])
    m.row[1] = bodies[1] <= 5
    m.row[2] = (-5, bodies[2], 5)
    m.row[3] = bodies[3] == m.v[0]
    weights, duals = float(generator.uniform(0, 2)), generator.uniform(-2, 2, 3)

    nlp = smooth(m)
    nlp.set_obj_factor(weights)
    nlp.set_duals(duals)
    expected = [judged(m, body) for body in (bodies[0], bodies[1], bodies[2], bodies[3] - m.v[0])]
    place = [int(name[2:-1]) for name in nlp.primals_names()]
    constants = [upper - constraint.ub for upper, constraint in zip(nlp.constraints_ub(), m.row.values(), strict=True)]

    agree(nlp.evaluate_objective(), int(sense) * expected[0][0], 1e-12)
    agree(nlp.evaluate_grad_objective(), int(sense) * expected[0][1][place], 1e-6)
    agree(nlp.evaluate_constraints(), [row[0] + moved for row, moved in zip(expected[1:], constants, strict=True)], 1e-12)
    agree(nlp.evaluate_jacobian().toarray(), np.array([row[1][place] for row in expected[1:]]), 1e-6)
    lagrangian = weights * int(sense) * expected[0][2] + sum(dual * row[2] for dual, row in zip(duals, expected[1:], strict=True))
    # Differences are good to about 1e-9 of the largest of the derivatives that went into them, some of which cancel.
    size = max(1.0, *(float(np.abs(row[2]).max()) for row in expected))
    np.testing.assert_allclose(nlp.evaluate_hessian_lag().toarray(), lagrangian[np.ix_(place, place)], rtol=0, atol=1e-6 * size)


def curved() -> Model:
    """Return a model with linear, nonlinear and mixed rows: at most, at least, between and equal."""
    m = plain(0.8, 0.6, 0.7)
    m.objective = pyo.Objective(expr=m.v[0] * m.v[1] ** 2 + m.v[2], sense=pyo.maximize)
    m.most = pyo.Constraint(expr=pyo.exp(m.v[0]) + m.v[1] + 2 <= 5)
    m.least = pyo.Constraint(expr=m.v[0] * m.v[2] - 1 >= -3)
    m.range = pyo.Constraint(expr=(1, m.v[0] ** 2 + m.v[1] ** 2 + 3, 9))
    m.equal = pyo.Constraint(expr=m.v[0] * m.v[1] == m.v[2] + 4)
    m.linear = pyo.Constraint(expr=m.v[0] + m.v[2] <= 6)
    return m


def test_rows_keep_their_kind_and_their_constants_go_to_the_bounds() -> None:
    nlp = smooth(curved())
    x, y, z = 0.8, 0.6, 0.7
    assert nlp.constraint_names() == ["most", "least", "range", "equal", "linear"]
    assert nlp.constraints_ub().tolist() == [3, math.inf, 6, 4, 6]
    assert nlp.constraints_lb().tolist() == [-math.inf, -2, -2, 4, -math.inf]
    agree(nlp.evaluate_constraints(), [math.exp(x) + y, x * z, x**2 + y**2, x * y - z, x + z], 1e-14)
    jacobian = [[math.exp(x), 1, 0], [z, 0, x], [2 * x, 2 * y, 0], [y, x, -1], [1, 0, 1]]
    agree(nlp.evaluate_jacobian().toarray(), jacobian, 1e-14)
    agree(nlp.evaluate_grad_objective(), [-(y**2), -2 * x * y, -1], 1e-14)  # minimised
    nlp.set_obj_factor(0.5)
    nlp.set_duals(np.array([1, 2, 3, 4, 5]))
    hessian = [[math.exp(x) + 6, -y + 4, 2], [-y + 4, -x + 6, 0], [2, 0, 0]]
    agree(nlp.evaluate_hessian_lag().toarray(), hessian, 1e-14)


def test_structure_is_the_same_everywhere_and_out_is_filled() -> None:
    nlp = smooth(curved())
    jacobian, hessian = nlp.evaluate_jacobian(), nlp.evaluate_hessian_lag()
    gradient, rows = np.full(3, np.nan), np.full(5, np.nan)
    for point in (np.zeros(3), np.array([1.0, -2.0, 0.0]), np.array([0.3, 0.4, 0.5])):
        nlp.set_primals(point)
        nlp.set_duals(point[[0, 1, 2, 0, 1]] - 1)
        fresh = nlp.evaluate_jacobian(), nlp.evaluate_hessian_lag()
        for old, new in zip((jacobian, hessian), fresh, strict=True):
            assert (old.row.tolist(), old.col.tolist()) == (new.row.tolist(), new.col.tolist())
        assert nlp.evaluate_jacobian(out=jacobian) is jacobian
        assert nlp.evaluate_hessian_lag(out=hessian) is hessian
        assert nlp.evaluate_grad_objective(out=gradient) is gradient
        assert nlp.evaluate_constraints(out=rows) is rows
        np.testing.assert_array_equal(jacobian.toarray(), fresh[0].toarray())
        np.testing.assert_array_equal(hessian.toarray(), fresh[1].toarray())
        np.testing.assert_array_equal(gradient, nlp.evaluate_grad_objective())
        np.testing.assert_array_equal(rows, nlp.evaluate_constraints())
    assert (nlp.nnz_jacobian(), nlp.nnz_hessian_lag()) == (jacobian.nnz, hessian.nnz)
    assert nlp.nnz_hessian_lag() == len({*zip(hessian.row.tolist(), hessian.col.tolist(), strict=True)})
    np.testing.assert_array_equal(hessian.toarray(), hessian.toarray().T)


def test_moving_the_point_does_not_move_the_start() -> None:
    nlp = smooth(curved())
    nlp.set_primals(np.zeros(3))
    assert nlp.init_primals().tolist() == [0.8, 0.6, 0.7]
    assert nlp.get_primals().tolist() == [0, 0, 0]


def test_outside_of_a_domain_values_are_nan_and_no_warning() -> None:
    m = plain(-0.5, 0.5)
    m.objective = pyo.Objective(expr=pyo.log(m.v[0]) + m.v[1] ** 0.5)
    nlp = smooth(m)
    assert math.isnan(nlp.evaluate_objective())


@pytest.mark.parametrize(
    "rough",
    [
        lambda m: abs(m.v[0]),
        lambda m: pyo.ceil(m.v[0]),
        lambda m: pyo.floor(m.v[0] * m.v[1]),
        lambda m: pyo.Expr_if(IF=m.v[0] >= 1, THEN=m.v[0], ELSE=m.v[1]),
        lambda m: MinExpression((m.v[0], m.v[1])),
        lambda m: MaxExpression((m.v[0], m.v[1] ** 2)),
    ],
    ids=["abs", "ceil", "floor", "if", "min", "max"],
)
def test_what_is_not_smooth_is_refused_where_it_stands(rough: Callable[[Model], Expression]) -> None:
    m = plain(0.5, 0.7)
    m.objective = pyo.Objective(expr=m.v[0] + m.v[1])
    m.rough = pyo.Constraint(expr=m.v[1] ** 2 + 2 * rough(m) <= 3)
    with pytest.raises(InputError, match=r"rough: got <.*>; allowed: smooth algebraic expressions"):
        solvers.solve(m, "ipopt")
    assert [variable.value for variable in m.v.values()] == [0.5, 0.7]
    m.del_component("rough")
    m.objective.expr = rough(m) + m.v[1]
    with pytest.raises(InputError, match=r"objective: got <.*>; allowed: smooth algebraic expressions"):
        solvers.solve(m, "ipopt")


def test_integer_variables_are_refused_by_name() -> None:
    m = plain(0.5)
    m.count = pyo.Var(domain=pyo.NonNegativeIntegers)
    m.objective = pyo.Objective(expr=(m.v[0] - m.count) ** 2)
    with pytest.raises(InputError, match="count: got <an integer variable>; allowed: continuous variables"):
        solvers.solve(m, "ipopt")


MULTIPLIERS = ("dual", "ipopt_zL_in", "ipopt_zU_in", "ipopt_zL_out", "ipopt_zU_out")
PUSHES = ("bound_push", "bound_frac", "slack_bound_push", "slack_bound_frac", "mult_bound_push")
WARM = {"warm_start_init_point": "yes", "mu_init": 1e-9} | {f"warm_start_{name}": 1e-9 for name in PUSHES}


def remember(m: Model) -> None:
    """Put the suffixes on a model that carry multipliers from one solve to the next."""
    for name in MULTIPLIERS:
        if m.component(name) is None:
            m.add_component(name, pyo.Suffix(direction=pyo.Suffix.IMPORT_EXPORT))


def hand_over(m: Model) -> None:
    """Let the multipliers of the last solve start the next."""
    m.ipopt_zL_in.update(m.ipopt_zL_out)
    m.ipopt_zU_in.update(m.ipopt_zU_out)


def test_multipliers_start_a_second_solve_near_its_end(assembler: Assembler) -> None:
    # From scratch this takes 29 iterations, from the optimal point alone 25, with multipliers 4.
    demand = {"distribution": "gamma", "mean": 500, "sd": 200}
    case = assembler([[4, 9, 11], [3, 7]], [[0.3, 0.3, 0.4], [0.6, 0.4]], demand=demand)
    m = vd.build(case, "icds", form="smooth")
    remember(m)
    first = solvers.solve(m, {"solver": "ipopt", "form": "smooth"})
    point = {variable.name: variable.value for variable in m.component_data_objects(pyo.Var)}
    with pytest.raises(NotSolvedError, match="Maximum number of iterations"):
        solvers.solve(m, {"solver": "ipopt", "form": "smooth", "options": {"max_iter": 12}})
    assert {variable.name: variable.value for variable in m.component_data_objects(pyo.Var)} == point
    hand_over(m)
    second = solvers.solve(m, {"solver": "ipopt", "form": "smooth", "options": WARM | {"max_iter": 12}})
    assert second.objective == pytest.approx(first.objective, rel=1e-9)


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_multipliers_arrive_with_the_signs_that_ipopt_takes(sense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    m = hanging(sense)
    del m.dual
    remember(m)
    solvers.solve(m, "ipopt")
    hand_over(m)
    residuals: list[float] = []

    def solve(self: Any, x: Array, lagrange: Array, zl: Array, zu: Array) -> Any:
        # Ipopt: gradient of f + g' lagrange - zl + zu = 0 with zl, zu >= 0 at the optimum, where this solve starts.
        nlp = self._nlp
        nlp.set_primals(x)
        residual = nlp.evaluate_grad_objective() + nlp.evaluate_jacobian().T @ lagrange - zl + zu
        residuals.append(float(np.abs(residual).max()))
        assert min(zl.min(), zu.min()) >= 0
        assert max(zl.max(), zu.max()) > 0.1
        assert np.abs(lagrange).min() > 0.01
        return original(self, x, lagrange=lagrange, zl=zl, zu=zu)

    original = CyIpoptNLP.solve
    monkeypatch.setattr(CyIpoptNLP, "solve", solve)
    solvers.solve(m, {"solver": "ipopt", "options": WARM})
    assert len(residuals) == 1
    assert residuals[0] < 1e-7


def hanging(sense: int, **bounds: float) -> Model:
    """Return a program whose rows of all kinds bind; the right-hand sides and bounds are those given, or its own."""
    side = {"most": 4.0, "least": 0.5, "low": 2.0, "high": 9.0, "equal": 3.0, "floor": 0.4, "top": 5.0} | bounds
    m = pyo.ConcreteModel(name="hanging")
    m.v = pyo.Var(range(8), bounds=(0.1, 20), initialize=1.0)
    a, b, c, d, e, f, g, h = m.v.values()
    f.setlb(side["floor"])
    g.setub(side["top"])
    pull = a * b - pyo.exp(-c) * 5 - 2 * pyo.log(d) + 3 * e**0.5 + 2 * h - f**2 + pyo.log(g + 1)
    m.goal = pyo.Objective(expr=int(sense) * -pull, sense=sense)
    m.most = pyo.Constraint(expr=a**2 + b**2 <= side["most"])
    m.high = pyo.Constraint(expr=(1, c**2, side["high"]))
    m.low = pyo.Constraint(expr=(side["low"], d**2 + d, 30))
    m.equal = pyo.Constraint(expr=pyo.exp(e / 2) == side["equal"])
    m.least = pyo.Constraint(expr=1 / h >= side["least"])
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
def test_multipliers_are_derivatives_of_the_optimum(sense: int) -> None:
    m = hanging(sense)
    solution = solvers.solve(m, "ipopt")
    found = {
        "most": m.dual[m.most],
        "least": m.dual[m.least],
        "low": m.dual[m.low],
        "high": m.dual[m.high],
        "equal": m.dual[m.equal],
        "floor": m.rc[m.v[5]],
        "top": m.rc[m.v[6]],
    }
    own = {"most": 4.0, "least": 0.5, "low": 2.0, "high": 9.0, "equal": 3.0, "floor": 0.4, "top": 5.0}
    for side, value in own.items():
        up, down = (solvers.solve(hanging(sense, **{side: value + step}), "ipopt").objective for step in (1e-4, -1e-4))
        slope = (up - down) / 2e-4
        assert abs(slope) > 0.01
        assert found[side] == pytest.approx(slope, rel=1e-5), side
    # For one of them by hand: a = b = sqrt(most / 2), so a b = most / 2, to be minimised with the other sign.
    assert found["most"] == pytest.approx(-sense / 2, rel=1e-6)
    assert solution.duals["most"].tolist() == [found["most"]]


def test_pyomo_finds_the_solver_by_name() -> None:
    m = hanging(pyo.maximize)
    solver = pyo.SolverFactory("veridical_ipopt")
    assert solver.available()
    assert len(solver.version()) == 3
    results = solver.solve(m)
    pyo.assert_optimal_termination(results)
    expected = solvers.solve(hanging(pyo.maximize), "ipopt")
    assert pyo.value(m.goal) == pytest.approx(expected.objective, rel=1e-9)
    assert results.problem.upper_bound == pytest.approx(expected.objective, rel=1e-9)
    assert m.dual[m.most] == pytest.approx(0.5, rel=1e-6)


def test_pyomo_is_told_how_it_ended_and_the_model_is_left_alone() -> None:
    m = hanging(pyo.minimize)
    m.wall = pyo.Constraint(expr=m.v[0] ** 2 >= 9)  # the disc allows 4
    results = pyo.SolverFactory("veridical_ipopt").solve(m)
    assert results.solver.termination_condition == pyo.TerminationCondition.infeasible
    assert results.solver.status == pyo.SolverStatus.warning
    assert "wall" in results.solver.message or "most" in results.solver.message
    assert {variable.value for variable in m.v.values()} == {1.0}
    assert len(m.dual) == 0
    assert not pyo.check_optimal_termination(results)


@pytest.mark.parametrize("how", ["at construction", "as attribute", "at the call"])
def test_options_reach_it_from_pyomo(how: str) -> None:
    options = {"max_iter": 2}
    solver = pyo.SolverFactory("veridical_ipopt", **({"options": options} if how == "at construction" else {}))
    if how == "as attribute":
        solver.options["max_iter"] = 2
    results = solver.solve(hanging(pyo.minimize), **({"options": options} if how == "at the call" else {}))
    assert results.solver.termination_condition == pyo.TerminationCondition.maxIterations


def test_an_unknown_option_from_pyomo_is_an_error() -> None:
    with pytest.raises(InputError, match=r"options\.max_iterations: got 2; allowed: an option of Ipopt"):
        pyo.SolverFactory("veridical_ipopt").solve(hanging(pyo.minimize), options={"max_iterations": 2})
