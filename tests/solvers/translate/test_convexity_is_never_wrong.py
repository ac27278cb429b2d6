"""Wherever a random program is called convex, the middle of no segment lies above the chord."""

import math
from typing import Any

import numpy as np
import pyomo.environ as pyo
from hypothesis import given
from hypothesis import strategies as st

from support.strategies import examples
from veridical.solvers.translate.convexity import shown
from veridical.solvers.translate.standard_form import StandardForm, compile_model

Model = Any
Expression = Any

FUNCTIONS = ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan")
HYPERBOLIC = ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
EXPONENTS = [-2, -1, -0.5, 0.5, 1 / 3, 1.5, 2, 3, 4]
LEAVES = st.one_of(
    st.tuples(st.just("linear"), st.integers(0, 2), st.sampled_from([-1.0, 0.5, 1.0, 2.0]), st.sampled_from([-1.0, 0.0, 1.0])),
    st.tuples(st.just("plane"), st.sampled_from([-1.0, 1.0]), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just("variable"), st.integers(0, 2)),
)


def grown(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return expressions one level higher, most of them not defined or not convex everywhere."""
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "*", "/"]), below, below),
        st.tuples(st.just("**"), below, st.sampled_from(EXPONENTS)),
        st.tuples(st.just("times"), below, st.sampled_from([-3.0, -1.0, 0.3, 2.0])),
        st.tuples(st.sampled_from(FUNCTIONS + HYPERBOLIC), below),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=5)
# The interval of the variables; their own values do not matter.
BOXES = st.sampled_from([(0.0, 3.0), (0.0, None), (1.0, 2.0), (-1.0, 1.0), (-2.0, 5.0), (None, None), (None, -0.5), (0.0, 1.0)])


def planted(m: Model, tree: Any) -> Expression:
    """Return a tree as an expression of a model's variables."""
    kind, *arguments = tree
    if kind == "variable":
        return m.x[arguments[0]]
    if kind == "linear":
        return arguments[1] * m.x[arguments[0]] + arguments[2]
    if kind == "plane":
        return m.x[0] + arguments[0] * m.x[1] + arguments[1]
    if kind in FUNCTIONS + HYPERBOLIC:
        return getattr(pyo, kind)(planted(m, arguments[0]))
    left = planted(m, arguments[0])
    right = arguments[1] if kind in ("**", "times") else planted(m, arguments[1])
    return {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "**": lambda: left**right,
        "times": lambda: right * left,
    }[kind]()


def chords_hold(form: StandardForm, low: float, high: float, seed: int) -> bool:
    """Whether the minimised objective at the middle is below the mean of the ends, on random segments inside its domain.

    The ends lie in the domain, so the middle must too: a convex function's is convex.
    """
    generator = np.random.default_rng(seed)
    n = len(form.variables)
    ends = generator.uniform(low, high, (40, 2, n))
    ends[:20, 1] = np.where(generator.random((20, n)) < 0.6, ends[:20, 0], ends[:20, 1])  # along some axes alone
    ends[:10] = np.where(
        generator.random((10, 2, n)) < 0.3, generator.choice([low, high, 0.0], (10, 2, n)).clip(low, high), ends[:10]
    )
    for left, right in ends:
        a, b, middle = (form.minimised(point) for point in (left, right, (left + right) / 2))
        if not (math.isfinite(a) and math.isfinite(b)) or max(abs(a), abs(b)) > 1e12:
            continue
        if not middle <= (a + b) / 2 + 1e-9 * (abs(a) + abs(b) + abs(middle)) + 1e-12:
            return False
    return True


@given(trees=st.lists(TREES, min_size=1, max_size=3), box=BOXES, sense=st.sampled_from([1, -1]), seed=st.integers(0, 10**6))
@examples(500)
def test_no_chord_lies_below_what_is_called_convex(trees: list[Any], box: Any, sense: int, seed: int) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=box)
    try:
        expression = sum(planted(m, tree) for tree in trees) + m.x[0]
    except (ValueError, ZeroDivisionError, OverflowError):  # a constant that is none
        return
    m.goal = pyo.Objective(expr=expression, sense=pyo.minimize if sense > 0 else pyo.maximize)
    form = compile_model(m, nonlinear=True)
    if shown(form) is not None:
        low, high = (-6.0 if box[0] is None else box[0]), (6.0 if box[1] is None else box[1])
        assert chords_hold(form, low, high, seed)


@given(
    polynomial=st.lists(st.integers(-4, 4), min_size=3, max_size=6),
    other=st.sampled_from(["exp", "root", "log", "none", "product"]),
    ends=st.tuples(st.integers(-3, 3), st.integers(1, 4)),
    seed=st.integers(0, 10**6),
)
@examples(150)
def test_sums_in_one_variable(polynomial: list[int], other: str, ends: tuple[int, int], seed: int) -> None:
    m = pyo.ConcreteModel()
    low, high = ends[0], ends[0] + ends[1]
    m.x = pyo.Var(bounds=(low, high))
    extra = {
        "exp": lambda: pyo.exp(m.x),
        "root": lambda: -pyo.sqrt(m.x - low),
        "log": lambda: -pyo.log(m.x - low + 1),
        "product": lambda: m.x * pyo.exp(-m.x),
        "none": lambda: m.x,
    }[other]()
    m.goal = pyo.Objective(expr=sum(c * m.x**k for k, c in enumerate(polynomial)) + extra)
    form = compile_model(m, nonlinear=True)
    x = np.linspace(low, high, 2_001)[1:-1]
    powers = [c * k * (k - 1) * x ** (k - 2.0) for k, c in enumerate(polynomial) if k > 1]
    curves = {
        "exp": np.exp(x),
        "root": 0.25 * (x - low) ** -1.5,
        "log": (x - low + 1) ** -2.0,
        "product": (x - 2) * np.exp(-x),
        "none": 0 * x,
    }
    second = np.sum(powers, axis=0) + curves[other]
    least = float(np.min(second))
    if least < -1e-6:
        assert shown(form) is None
    elif least > 0.1 and form.nonlinear is not None:
        assert shown(form) is not None
