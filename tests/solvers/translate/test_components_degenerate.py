"""Models at the edge: without variables or an objective, with constants for rows, with sides that are infinite or cross."""

import math
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.translate.standard_form import compile_model

LINEAR = ("highs", "ipopt", "scip")


def test_an_empty_model_is_feasible() -> None:
    m = pyo.ConcreteModel("empty")
    assert not compile_model(m).has_objective
    assert vd.solvers.solve(m).objective == 0


def test_a_square_system_without_an_objective_is_solved() -> None:
    m = pyo.ConcreteModel("system")
    m.x, m.y = pyo.Var(initialize=3), pyo.Var(initialize=1)
    m.sum = pyo.Constraint(expr=m.x + m.y == 5)
    m.difference = pyo.Constraint(expr=m.x - m.y == 1)
    for solver in ("highs", "ipopt", "scip"):
        vd.solvers.solve(m, solver)
        assert (m.x.value, m.y.value) == pytest.approx((3, 2))
    form = compile_model(m)
    assert (form.has_objective, form.objective([1.0, 2.0])) == (False, 0)  # type: ignore[arg-type]
    m.cost = pyo.Objective(expr=m.x)
    assert compile_model(m).has_objective


def test_a_nonlinear_square_system_without_an_objective_is_solved() -> None:
    m = pyo.ConcreteModel("system")
    m.x, m.y = pyo.Var(initialize=3), pyo.Var(initialize=1)
    m.area = pyo.Constraint(expr=m.x * m.y == 2)
    m.difference = pyo.Constraint(expr=m.x - m.y == 1)
    vd.solvers.solve(m, "ipopt", check=False)
    assert (m.x.value, m.y.value) == pytest.approx((2, 1))


def test_several_objectives_are_refused_by_their_names() -> None:
    m = pyo.ConcreteModel("many")
    m.x = pyo.Var(bounds=(0, 1))
    m.aim = pyo.Objective([1, 2], rule=lambda m, k: k * m.x)
    with pytest.raises(vd.InputError, match=r"2 active objectives: aim\[1\], aim\[2\]"):
        vd.solvers.solve(m)
    m.aim[1].deactivate()
    assert vd.solvers.solve(m).objective == pytest.approx(0)


def parametric(row: Any, nonlinear: bool) -> Any:
    """Return a model of x in [0, 5], y fixed at 2, z without a value, and a row."""
    m = pyo.ConcreteModel("constants")
    m.three, m.two, m.zero = (pyo.Param(initialize=value, mutable=True) for value in (3, 2, 0))
    m.x, m.y, m.z = pyo.Var(bounds=(0, 5)), pyo.Var(), pyo.Var(bounds=(0, 1))
    m.y.fix(2)
    m.usual = pyo.Constraint(expr=m.x**2 <= 9) if nonlinear else pyo.Constraint(expr=m.x <= 3)
    m.row = pyo.Constraint(expr=row(m))
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)
    return m


@pytest.mark.parametrize(("solver", "nonlinear"), [("highs", False), ("ipopt", False), ("ipopt", True), ("scip", True)])
@pytest.mark.parametrize(
    "row",
    [
        lambda m: m.three <= m.two,
        lambda m: m.y >= 5,
        lambda m: m.y**2 >= 5,
        lambda m: m.zero * m.x >= 1,
        lambda m: m.zero * m.x**2 >= 1,
        lambda m: m.x - m.x >= 1,
        lambda m: 1e-12 * m.y >= 3e-12,  # in its own units
        lambda m: (m.three, m.x, m.two),
    ],
)
def test_a_constant_that_does_not_hold_is_named(row: Any, solver: str, nonlinear: bool) -> None:
    with pytest.raises(vd.NotSolvedError, match=r"constants: infeasible, .* row$") as ended:
        vd.solvers.solve(parametric(row, nonlinear), solver)
    assert ended.value.status == "infeasible"


@pytest.mark.parametrize(
    "row",
    [
        lambda m: m.two <= m.three,
        lambda m: m.y <= 5,
        lambda m: m.zero * m.x**2 <= 1,
        lambda m: 0.1 * m.y + 0.2 * m.y - 0.3 * m.y == 0,  # but for rounding
        lambda m: (0.1 * m.y + 0.2 * m.y - 0.3 * m.y) / 7 + m.zero * m.z == 0,
        lambda m: 1e-12 * m.y <= 3e-12,
        lambda m: (0.1 * m.three, m.z, 0.3),
        lambda m: (None, m.x, 5),
        lambda m: (-math.inf, m.x, 5),
        lambda m: m.x >= -math.inf,
        lambda m: m.x <= 1e30,
        lambda m: m.x <= m.x,
    ],
)
def test_a_constant_that_holds_and_a_side_that_is_infinite_say_nothing(row: Any) -> None:
    assert vd.solvers.solve(parametric(row, nonlinear=False)).objective == pytest.approx(3)


def test_bounds_that_cross_are_judged_in_their_own_units() -> None:
    m = pyo.ConcreteModel("crossed")
    m.x = pyo.Var(bounds=(0.1 + 0.2, 0.3))  # by rounding alone
    m.cost = pyo.Objective(expr=m.x)
    assert vd.solvers.solve(m).objective == pytest.approx(0.3)
    for low, high in ((3, 2), (2e-12, 1e-12), (1e-12, 0)):
        m.x.setlb(low)
        m.x.setub(high)
        for solver in LINEAR:
            with pytest.raises(vd.NotSolvedError, match="bounds of x"):
                vd.solvers.solve(m, solver)


@pytest.mark.parametrize("solver", ["highs", "scip"])
def test_a_bound_of_1e30_is_none(solver: str) -> None:
    m = pyo.ConcreteModel("wide")
    m.x = pyo.Var(bounds=(0, 1e30))
    m.row = pyo.Constraint(expr=m.x <= 7)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)
    assert vd.solvers.solve(m, solver).objective == pytest.approx(7)


def test_a_coefficient_of_a_nonlinear_term_that_is_no_number_is_named() -> None:
    m = pyo.ConcreteModel("exponential")
    m.bad = pyo.Param(initialize=math.nan, mutable=True, within=pyo.Any)
    m.x = pyo.Var(bounds=(1, 2))
    m.row = pyo.Constraint(expr=m.bad * pyo.exp(m.x) <= 3)
    m.cost = pyo.Objective(expr=m.x)
    with pytest.raises(vd.InputError, match="row: got <a coefficient that is NaN"):
        vd.solvers.solve(m, "ipopt")
