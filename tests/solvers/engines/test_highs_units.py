"""HiGHS in any units: the same answer for every currency, unit and size of coefficients, and no feasible model is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.configuration import configure
from veridical.solvers.engines.highs import LiveModel
from veridical.solvers.engines.scaling import balance, problem_of
from veridical.solvers.translate.standard_form import compile_model

Model = Any


def program(sense: int, objective: Callable[[Model], Any], *rows: Callable[[Model], Any], high: float | None = 10) -> Model:
    m = pyo.ConcreteModel("units")
    m.x, m.y = pyo.Var(bounds=(0, high)), pyo.Var(bounds=(0, high))
    m.rows = pyo.Constraint(range(len(rows)), rule=lambda m, k: rows[k](m))
    m.value = pyo.Objective(expr=objective(m), sense=sense)
    return m


@pytest.mark.parametrize(
    ("model", "objective", "x"),
    [
        (program(pyo.maximize, lambda m: m.x, lambda m: 1e-10 * m.x <= 1, high=1e12), 1e10, 1e10),
        (program(pyo.minimize, lambda m: m.x, lambda m: 1e-10 * m.x >= 1, high=1e12), 1e10, 1e10),
        (program(pyo.maximize, lambda m: m.x, lambda m: 1e-9 * m.x <= 1, high=None), 1e9, 1e9),
        (program(pyo.maximize, lambda m: m.x + m.y, lambda m: 1e-9 * m.x + m.y <= 0.5, high=1), 1.5 - 1e-9, 1),
        (program(pyo.maximize, lambda m: m.x, lambda m: 1e16 * m.x <= 3e16), 3, 3),
        (program(pyo.maximize, lambda m: 1e16 * m.x, lambda m: m.x <= 3), 3e16, 3),
        (program(pyo.maximize, lambda m: 1e-12 * m.x, lambda m: m.x <= 3), 3e-12, 3),
        (program(pyo.maximize, lambda m: m.x, lambda m: m.x <= 1e21, high=None), 1e21, 1e21),
        (program(pyo.maximize, lambda m: 1e9 * m.x + 1e-6 * m.y, lambda m: m.x + m.y <= 12), 1e10 + 2e-6, 10),
    ],
)
def test_coefficients_of_any_size_are_understood(model: Model, objective: float, x: float) -> None:
    solution = vd.solvers.solve(model)
    assert solution.objective == pytest.approx(objective, rel=1e-12)
    assert model.x.value == pytest.approx(x, rel=1e-9)


@pytest.mark.parametrize("penalty", [1e3, 1e6, 1e9, 1e12])
def test_a_small_cost_beside_large_ones_counts(penalty: float) -> None:
    m = pyo.ConcreteModel("penalties")
    m.a, m.b = pyo.Var(range(5), bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    m.cost = pyo.Objective(expr=sum(penalty * m.a[k] for k in range(5)) - 0.1 * m.b)
    assert vd.solvers.solve(m).objective == pytest.approx(-0.1, rel=1e-9)


def blend(money: float, unit: float, square: bool) -> Model:
    """Two raw materials for a demand; in other units of money and quantity. Optimum 11 (see below), or 7.75 with squares."""
    m = pyo.ConcreteModel("blend")
    m.x, m.y = pyo.Var(bounds=(0, 8 * unit)), pyo.Var(bounds=(0, None))
    m.demand = pyo.Constraint(expr=m.x + m.y >= 4 * unit)
    m.quality = pyo.Constraint(expr=m.x - m.y <= 2 * unit)
    u = money / unit
    cost = 2 * u * m.x + 5 * u * m.y  # all x that quality allows: x = 3, y = 1
    if square:  # x + y = 4: (4 - y)^2 / 2 + y^2 / 2 + 1 least at y = 2
        cost = u / (2 * unit) * (m.x**2 + m.y**2) + money
    m.cost = pyo.Objective(expr=cost)
    return m


@pytest.mark.parametrize("money", [1e-12, 1e-6, 1.0, 1e9])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize(
    ("square", "value", "x", "dual"),
    [(False, 11, 3, {"demand": 3.5, "quality": -1.5}), (True, 5, 2, {"demand": 2, "quality": 0})],
)
def test_point_and_duals_do_not_depend_on_the_units(
    money: float, unit: float, square: bool, value: float, x: float, dual: dict[str, float]
) -> None:
    form = compile_model(blend(money, unit, square))
    live = LiveModel(form, configure("highs"))
    point, duals = live.exact(*live.run("blend", np.inf))
    assert form.objective(point) / money == pytest.approx(value, rel=1e-9)
    assert point / unit == pytest.approx([x, 4 - x], rel=1e-6)
    assert duals is not None
    assert duals * unit / money == pytest.approx(list(dual.values()), rel=1e-6, abs=1e-6)


def test_scaling_is_by_powers_of_two_and_does_not_depend_on_the_units() -> None:
    scaled = []
    for money, unit in ((1.0, 1.0), (2.0**-30, 2.0**20), (2.0**40, 2.0**-10)):
        problem = problem_of(compile_model(blend(money, unit, square=False)))
        scaling = balance(problem)
        for factors in (scaling.rows, scaling.columns, np.array([scaling.objective])):
            assert (np.frexp(factors)[0] == 0.5).all()
        scaled.append(scaling.apply(problem))
    for other in scaled[1:]:
        np.testing.assert_array_equal(other.matrix.toarray(), scaled[0].matrix.toarray())
        np.testing.assert_array_equal(other.cost, scaled[0].cost)
        np.testing.assert_array_equal(other.row_low, scaled[0].row_low)


@pytest.mark.parametrize("form", ["tangent", "quadratic"])
@pytest.mark.parametrize(("money", "unit"), [(1e-12, 1), (1e6, 1), (1, 1e6), (1, 1e-6), (1e-6, 1e-6)])
def test_a_mechanism_is_worth_the_same_in_every_currency_and_unit(form: str, money: float, unit: float) -> None:
    suppliers = [{"name": "panel", "costs": [4 * money, 9 * money]}, {"name": "battery", "costs": [3 * money, 7 * money]}]
    demand = {"distribution": "uniform", "low": 100 * unit, "high": 900 * unit}
    prior = {"joint": [[0.45, 0.05], [0.05, 0.45]]}
    case = vd.data.AssemblerCase.model_validate(
        {"kind": "assembler", "name": "units", "price": 30 * money, "demand": demand, "suppliers": suppliers, "prior": prior}
    )
    solution = vd.solve(case, "icds", {"solver": "highs", "form": form})
    exact = vd.solve(vd.example("two-suppliers-correlated"), "icds", {"solver": "ipopt", "form": "quadratic"}).objective
    assert solution.objective / (money * unit) == pytest.approx(exact, rel=2e-8)
    assert solution.bound / (money * unit) == pytest.approx(exact, rel=2e-8)


def test_a_profile_that_hardly_ever_comes_does_not_spoil_a_quadratic_program() -> None:
    case = vd.example("five-retailers")
    case = case.changed(retailers=[case.retailers[0].changed(count=7)])  # a profile of probability 8e-10
    exact = vd.solve(case, solver="closed_form").objective
    assert vd.solve(case, solver="highs").objective == pytest.approx(exact, rel=1e-8)


def test_figures_that_no_units_bring_together_are_refused_by_name() -> None:
    m = pyo.ConcreteModel("apart")
    m.x, m.y = pyo.Var(domain=pyo.NonNegativeIntegers), pyo.Var(domain=pyo.NonNegativeIntegers)
    m.far = pyo.Constraint(expr=m.x + 1e40 * m.y <= 7)
    m.near = pyo.Constraint(expr=m.x + m.y >= 1)
    m.value = pyo.Objective(expr=m.x, sense=pyo.maximize)
    with pytest.raises(vd.InputError, match="far: got <figures too far from each other>"):
        vd.solvers.solve(m)
