"""Constraints without variables or without sides say nothing: every solver takes them, and they are worth 0."""

import math
from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.repn.beta.matrix import compile_block_linear_constraints

import veridical as vd


def model() -> Any:
    """Return a model of x >= 2 with constraints that say nothing."""
    m = pyo.ConcreteModel("idle")
    m.one, m.two, m.zero = (pyo.Param(initialize=value, mutable=True) for value in (1, 2, 0))
    m.x, m.y, m.z = pyo.Var(bounds=(0, 9)), pyo.Var(bounds=(1, 3)), pyo.Var(bounds=(0, 3))
    m.z.fix(1)
    m.least = pyo.Constraint(expr=m.x >= 2)
    m.constant = pyo.Constraint(expr=m.one <= m.two)
    m.fixed = pyo.Constraint(expr=m.z**2 <= 4)
    m.free = pyo.Constraint(expr=pyo.inequality(-math.inf, m.x, math.inf))
    m.only = pyo.Constraint(expr=m.zero * m.y <= 1)
    m.cost = pyo.Objective(expr=3 * m.x)
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


@pytest.mark.parametrize("solver", ["highs", "ipopt", "scip", "pounce"])
def test_they_are_worth_nothing(solver: str) -> None:
    m = model()
    solution = vd.solvers.solve(m, solver)
    assert solution.objective == pytest.approx(6, rel=1e-6)
    assert 1 <= m.y.value <= 3
    assert all(constraint.active for constraint in (m.constant, m.fixed, m.free, m.only))
    if solution.duals:
        prices = {constraint.name: price for constraint, price in m.dual.items()}
        assert prices == pytest.approx({"least": 3, "constant": 0, "fixed": 0, "free": 0, "only": 0}, abs=1e-6)


def test_one_that_does_not_hold_is_still_named() -> None:
    for solver in ("highs", "ipopt", "scip", "pounce"):
        m = model()
        m.one.value = 3
        with pytest.raises(vd.NotSolvedError, match="bounds of constant"):
            vd.solvers.solve(m, solver)


def test_constraints_that_are_kept_as_a_matrix_are_translated() -> None:
    m = pyo.ConcreteModel("matrix")
    m.x = pyo.Var([1, 2], bounds=(0, 9))
    m.rows = pyo.ConstraintList()
    m.rows.add(m.x[1] + 2 * m.x[2] >= 4)
    m.rows.add((1, m.x[1], 3))
    m.rows.add(m.x[1] - m.x[2] == 1)
    m.cost = pyo.Objective(expr=2 * m.x[1] + m.x[2])
    compile_block_linear_constraints(m, "compiled")
    assert vd.solvers.solve(m).objective == pytest.approx(5)  # x2 = x1 - 1, 3 x1 >= 6: x = (2, 1)
