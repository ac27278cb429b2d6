"""Ipopt's results do not depend on the units of money, quantities and costs that a model is written in."""

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.assembler_cases import build
from veridical import solvers
from veridical.data import NotSolvedError
from veridical.data.arrays import conjugate_gradients

Model = Any
FACTORS = (1e-6, 1e-3, 1e3, 1e6, 1e9)


def profit(money: float, units: float, form: str = "auto") -> float:
    """Return the profit of a case whose money and units are counted in other measures, in the original ones."""
    costs = [[4 * money, 9 * money], [3 * money, 7 * money]]
    demand = {"distribution": "uniform", "low": 100 * units, "high": 900 * units}
    case = build(costs, [[0.5, 0.5], [0.4, 0.6]], demand=demand, price=30 * money)
    return vd.solve(case, "icds", {"solver": "ipopt", "form": form}).objective / money / units


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("form", ["quadratic", "smooth"])
def test_money_and_units_change_no_digit(factor: float, form: str) -> None:
    exact = profit(1.0, 1.0, form)
    assert profit(factor, 1.0, form) == pytest.approx(exact, rel=1e-8)
    assert profit(1.0, factor, form) == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("factor", [1e-10, *FACTORS])
def test_costs_of_any_size_give_the_same_plan(factor: float) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=(0, 10))
    m.need = pyo.Constraint(expr=m.x[0] + 2 * m.x[1] + m.x[2] >= 7)
    m.part = pyo.Constraint(expr=m.x[0] + m.x[2] >= 2)
    m.cost = pyo.Objective(expr=factor * (3 * m.x[0] + 4 * m.x[1] + 5 * m.x[2]))
    assert solvers.solve(m, "ipopt").objective == pytest.approx(16 * factor, rel=1e-8)
    assert m.x[1].value == pytest.approx(2.5, rel=1e-7)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1.0, 1e6, 1e9])
def test_a_lot_size_is_found_in_any_unit(factor: float) -> None:
    m = pyo.ConcreteModel()
    m.lot = pyo.Var(domain=pyo.NonNegativeReals)
    m.cost = pyo.Objective(expr=50_000 * factor**2 / m.lot + m.lot)
    solution = solvers.solve(m, "ipopt")
    assert solution.objective == pytest.approx(2 * 50_000**0.5 * factor, rel=1e-8)
    assert m.lot.value == pytest.approx(50_000**0.5 * factor, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e9])
def test_payments_that_count_in_expectation_alone_do_not_drift(factor: float) -> None:
    m = pyo.ConcreteModel()
    m.pay = pyo.Var(range(4))
    m.expected = pyo.Constraint(expr=sum(0.25 * m.pay[k] for k in range(4)) >= 5 * factor)
    m.cost = pyo.Objective(expr=sum(0.25 * m.pay[k] for k in range(4)))
    assert solvers.solve(m, "ipopt").objective == pytest.approx(5 * factor, rel=1e-8)
    assert max(abs(payment.value) for payment in m.pay.values()) <= 100 * factor


@pytest.mark.parametrize("rows", [lambda m: m.x <= 7, lambda m: m.x + m.y <= 7, lambda m: (m.x + m.y) ** 2 <= 49])
@pytest.mark.parametrize("far", [1e20, 1e25, 1e30])
def test_bounds_far_out_say_nothing_of_sizes(far: float, rows: Any) -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, far)), pyo.Var(bounds=(0, far))
    m.far, m.near = pyo.Constraint(expr=m.x - m.y <= far), pyo.Constraint(rule=rows)
    m.gain = pyo.Objective(expr=m.x + m.y / 2, sense=pyo.maximize)
    m.few = pyo.Constraint(expr=m.y <= 3)
    solution = solvers.solve(m, "ipopt")
    assert solution.status == solvers.SolutionStatus.OPTIMAL
    assert solution.objective == pytest.approx(8.5 if rows(m).args[0] is m.x else 7.0, rel=1e-8)


@pytest.mark.parametrize("by_row", [True, False])
def test_a_bound_far_out_that_nothing_implies_holds(by_row: bool) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, None if by_row else 1e21))
    m.row = pyo.Constraint(expr=m.x <= (1e21 if by_row else 1e22))
    m.gain = pyo.Objective(expr=m.x, sense=pyo.maximize)
    assert solvers.solve(m, "ipopt").objective == pytest.approx(1e21, rel=1e-8)


def test_a_model_is_not_called_unbounded_where_a_bound_far_out_ends_it() -> None:
    m = pyo.ConcreteModel("far")
    m.x, m.y = pyo.Var(bounds=(0, 1e21)), pyo.Var(bounds=(0, 5))
    m.row = pyo.Constraint(expr=m.y <= 4)
    m.gain = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)
    with pytest.raises(NotSolvedError, match=r"bounds of 1e\+20 and more were taken for none: x") as end:
        solvers.solve(m, "ipopt")
    assert end.value.status == solvers.Termination.FAILED


@pytest.mark.parametrize("right", [[1e-15, 1e-15], [1.0 + 1e-15, -1.0]])
def test_rounding_that_a_singular_matrix_takes_to_nothing_ends_conjugate_gradients(right: list[float]) -> None:
    """The first right side is rounding alone, as where the logarithms of coefficients cancel: they divided by 0 there."""
    found = conjugate_gradients(lambda z: np.full(2, z[0] - z[1]) * [1, -1], np.array(right), np.ones(2), lambda *_: False, 100)
    assert found[0] - found[1] == pytest.approx((right[0] - right[1]) / 2, abs=1e-12)
    assert np.abs(found).max() <= 1.0
