"""A model as arrays: what Pyomo evaluates, Pyomo's own compiler, and what is no program of numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

import veridical as vd
from support.small_models import model
from support.strategies import examples
from veridical.solvers.translate.standard_form import compile_model

Array = NDArray[np.float64]

NUMBERS = st.integers(-20, 20).map(lambda n: n / 4)
LEAVES = st.one_of(
    st.tuples(st.just("variable"), st.integers(0, 3)),
    st.tuples(st.just("number"), NUMBERS),
    st.tuples(st.just("parameter"), st.integers(0, 1)),
    st.tuples(st.just("fixed")),
)


def branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return trees whose branches are `inner`: all of them linear in the variables that are not fixed."""
    return st.one_of(
        st.tuples(st.just("sum"), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.just("minus"), inner, inner),
        st.tuples(st.just("negated"), inner),
        st.tuples(st.just("times"), NUMBERS, inner),
        st.tuples(st.just("times parameter"), st.integers(0, 1), inner),
        st.tuples(st.just("times fixed"), inner),
        st.tuples(st.just("divided"), inner, NUMBERS.filter(bool)),
        st.tuples(st.just("named"), inner),
    )


TREES = st.recursive(LEAVES, branches, max_leaves=8)
KINDS = ("<=", ">=", "==", "ranged", "number <=", "parameter <=", "parameter ==", "tuple ==")


def grow(m: Any, tree: Any) -> Any:
    """Return the Pyomo expression that a tree stands for."""
    kind, *parts = tree
    grown = [grow(m, part) if isinstance(part, tuple) else part for part in parts]
    if kind == "sum":
        return sum(grow(m, part) for part in parts[0])
    if kind == "named":
        return m.named.add(len(m.named), grown[0])
    rules: dict[str, Callable[..., Any]] = {
        "variable": lambda k: m.x[k],
        "number": lambda number: number,
        "parameter": lambda k: m.p[k],
        "fixed": lambda: m.fixed,
        "minus": lambda left, right: left - right,
        "negated": lambda inner: -inner,
        "times": lambda number, inner: number * inner,
        "times parameter": lambda k, inner: inner * m.p[k],
        "times fixed": lambda inner: m.fixed * inner,
        "divided": lambda inner, number: inner / number,
    }
    return rules[kind](*grown)


def relation(m: Any, kind: str, left: Any, right: Any, number: float) -> Any:
    """Return a constraint's expression of a kind; there is a variable in every body."""
    body = math.pi * m.x[0] + left
    relations: dict[str, Callable[[], Any]] = {
        "<=": lambda: body <= right,
        ">=": lambda: body >= m.x[1] + right,
        "==": lambda: body == right,
        "ranged": lambda: (number - 5, body, number),
        "number <=": lambda: number <= body,
        "parameter <=": lambda: m.p[0] <= body,
        "parameter ==": lambda: m.p[1] == body,
        "tuple ==": lambda: (number, body),
    }
    return relations[kind]()


def sketch() -> Any:
    """Return variables, a fixed one among them, and mutable parameters."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(4), bounds={0: (0, None), 1: (-3, 8), 2: (None, None), 3: (None, 2)}.get)
    m.fixed = pyo.Var(initialize=1.5)
    m.fixed.fix()
    m.p = pyo.Param(range(2), initialize={0: 2.25, 1: -0.5}, mutable=True)
    m.named = pyo.Expression(pyo.Any)
    return m


@given(
    rows=st.lists(st.tuples(st.sampled_from(KINDS), TREES, TREES, NUMBERS), min_size=1, max_size=4),
    objective=TREES,
    sense=st.sampled_from([pyo.minimize, pyo.maximize]),
    point=st.lists(NUMBERS, min_size=4, max_size=4),
    moved=NUMBERS,
)
@examples(200)
def test_arrays_evaluate_to_what_pyomo_evaluates(
    rows: list[Any], objective: Any, sense: int, point: list[float], moved: float
) -> None:
    m = sketch()
    m.rows = pyo.ConstraintList()
    for kind, left, right, number in rows:
        m.rows.add(relation(m, kind, grow(m, left), grow(m, right), number))
    m.objective = pyo.Objective(expr=m.x[2] + grow(m, objective), sense=sense)
    m.p[0] = moved  # parameters are read when the model is compiled, not when it is written
    form = compile_model(m)
    for k in range(4):
        m.x[k].set_value(point[k], skip_validation=True)
    x = np.array([variable.value for variable in form.variables])
    assert not any(variable is m.fixed for variable in form.variables)
    assert form.objective(x) == pytest.approx(pyo.value(m.objective), abs=1e-9)
    assert form.sense == sense
    assert form.gradient(x) @ x + form.offset == pytest.approx(sense * pyo.value(m.objective), abs=1e-9)
    assert form.constraints == list(m.rows.values())
    for body, low, high, row in zip(form.matrix @ x, form.row_low, form.row_high, form.constraints, strict=True):
        value = pyo.value(row.body)
        assert (body - low) == pytest.approx(math.inf if row.lb is None else value - row.lb, abs=1e-9)
        assert (high - body) == pytest.approx(math.inf if row.ub is None else row.ub - value, abs=1e-9)
    for variable, low, high in zip(form.variables, form.low, form.high, strict=True):
        assert (low, high) == (
            -math.inf if variable.lb is None else variable.lb,
            math.inf if variable.ub is None else variable.ub,
        )
        assert form.variables[form.column(variable)] is variable


@given(
    rows=st.lists(st.tuples(st.sampled_from(KINDS), TREES, TREES, NUMBERS), min_size=1, max_size=4),
    objective=TREES,
    sense=st.sampled_from([pyo.minimize, pyo.maximize]),
)
@examples(100)
def test_arrays_are_those_of_pyomos_own_compiler(rows: list[Any], objective: Any, sense: int) -> None:
    m = sketch()
    m.rows = pyo.ConstraintList()
    for kind, left, right, number in rows:
        m.rows.add(relation(m, kind, grow(m, left), grow(m, right), number))
    m.objective = pyo.Objective(expr=m.x[2] + grow(m, objective), sense=sense)
    form = compile_model(m)
    info = LinearStandardFormCompiler().write(m, mixed_form=True, set_sense=pyo.minimize)
    column = {id(variable): k for k, variable in enumerate(info.columns)}

    def arranged(values: Array) -> Array:
        """Return a row of ours in the order of theirs, which leaves out columns of zeros."""
        found = np.zeros(len(info.columns))
        for value, variable in zip(values, form.variables, strict=True):
            if id(variable) in column:
                found[column[id(variable)]] = value
            else:
                assert value == pytest.approx(0, abs=1e-12)
        return found

    assert arranged(form.cost) == pytest.approx(info.c.toarray()[0], abs=1e-9)
    assert form.offset == pytest.approx(info.c_offset[0], abs=1e-9)
    ours = {id(row): place for place, row in enumerate(form.constraints)}
    for theirs, right, (row, side) in zip(info.A.toarray(), info.rhs, info.rows, strict=True):
        place = ours[id(row)]
        assert arranged(form.matrix[[place]].toarray()[0]) == pytest.approx(theirs, abs=1e-9)
        for bound, sides in ((form.row_low[place], (0, -1)), (form.row_high[place], (0, 1))):
            if side in sides:
                assert bound == pytest.approx(right, abs=1e-9)


@given(
    squares=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), NUMBERS), min_size=1, max_size=6),
    linear=TREES,
    scale=st.tuples(NUMBERS, NUMBERS.filter(bool)),
    sense=st.sampled_from([pyo.minimize, pyo.maximize]),
    point=st.lists(NUMBERS, min_size=4, max_size=4),
)
@examples(100)
def test_quadratic_objectives_evaluate_to_what_pyomo_evaluates(
    squares: list[Any], linear: Any, scale: tuple[float, float], sense: int, point: list[float]
) -> None:
    m = sketch()
    tilted = grow(m, ("named", linear))
    quadratic = sum(c * (m.x[i] * m.x[j] if i != j else m.x[i] ** 2) for i, j, c in squares)
    m.objective = pyo.Objective(expr=scale[0] * (m.x[2] + tilted) ** 2 / scale[1] + quadratic + tilted + m.fixed**2, sense=sense)
    form = compile_model(m)

    def objective(values: Array) -> float:
        for variable, value in zip(form.variables, values, strict=True):
            variable.set_value(value, skip_validation=True)
        return float(pyo.value(m.objective))

    x = np.array([point[int(variable.index())] for variable in form.variables])
    scale_of = 1 + max(abs(objective(s * x)) for s in (0, 1, -1, 2))
    assert form.objective(x) == pytest.approx(objective(x), abs=1e-9 * scale_of)
    # A central difference of a quadratic function is exact, whatever the step.
    slopes = [(objective(x + step) - objective(x - step)) / 2 for step in np.eye(len(x))]
    assert sense * form.gradient(x) == pytest.approx(slopes, abs=1e-7 * scale_of)


@pytest.mark.parametrize(
    ("objective", "row", "where", "what"),
    [
        (lambda m: m.x, lambda m: m.nan * m.x >= 1, "row0", "NaN"),
        (lambda m: m.x, lambda m: m.infinite * m.x >= 1, "row0", "infinite"),
        (lambda m: m.x, lambda m: m.x >= m.nan, "row0", "NaN"),
        (lambda m: m.x, lambda m: m.x + m.nan >= 1, "row0", "NaN"),
        (lambda m: m.nan * m.x, lambda m: m.x >= 1, "objective, x", "NaN"),
        (lambda m: m.x + m.infinite * m.y, lambda m: m.x >= 1, "objective, y", "infinite"),
        (lambda m: m.x + m.nan, lambda m: m.x >= 1, "objective", "NaN"),
        (lambda m: m.nan * m.x**2, lambda m: m.x >= 1, "objective", "NaN"),
        (lambda m: m.x, lambda m: m.x**2 >= 1, "row0", "linear constraints"),
        (lambda m: m.x, lambda m: m.x * m.y >= 1, "row0", "linear constraints"),
        (lambda m: m.x, lambda m: pyo.exp(m.x) >= 2, "row0", "linear constraints"),
        (lambda m: pyo.exp(m.x), lambda m: m.x >= 1, "objective", "quadratic"),
        (lambda m: m.x**3, lambda m: m.x >= 1, "objective", "quadratic"),
    ],
)
def test_what_is_not_a_program_of_numbers_is_refused(
    objective: Callable[[Any], Any], row: Callable[[Any], Any], where: str, what: str
) -> None:
    with pytest.raises(vd.InputError) as refusal:
        vd.solvers.solve(model(objective, row), "highs")
    message = str(refusal.value)
    assert where in message
    assert what in message


def test_variables_with_nan_bounds_are_refused() -> None:
    m = model(lambda m: m.x)
    m.y.setub(m.nan)
    m.more = pyo.Constraint(expr=m.x + m.y >= 1)
    with pytest.raises(ValueError, match="y"):  # Pyomo's own, before ours
        vd.solvers.solve(m)


def test_a_model_has_at_most_one_objective() -> None:
    m = model(lambda m: m.x)
    m.second = pyo.Objective(expr=m.y)
    with pytest.raises(vd.InputError, match="2 active objectives: objective, second"):
        vd.solvers.solve(m)
    m.second.deactivate()
    assert vd.solvers.solve(m).objective == pytest.approx(0)


def test_fixed_variables_and_inactive_rows_count_as_they_stand() -> None:
    m = model(lambda m: m.x + m.y, lambda m: m.x + m.y >= 7, lambda m: m.x >= 9)
    m.row1.deactivate()
    m.y.fix(4)
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(7)
    assert (m.x.value, m.y.value) == pytest.approx((3, 4))
    assert list(solution.duals) == ["row0"]
    m.y.unfix()
    m.row1.activate()
    assert vd.solvers.solve(m).objective == pytest.approx(9)
