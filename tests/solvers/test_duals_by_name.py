"""Shadow prices by name where names are unusual, and where there are none."""

import pyomo.environ as pyo
import pytest

import veridical as vd


def test_constraints_of_an_index_of_mixed_arity_have_duals() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(["a", "b"], bounds=(0, None))
    m.most = pyo.Constraint(pyo.Any)
    m.most["a"] = m.x["a"] <= 3
    m.most["b", 1] = m.x["b"] <= 4
    m.worth = pyo.Objective(expr=2 * m.x["a"] + 5 * m.x["b"], sense=pyo.maximize)
    duals = vd.solvers.solve(m).duals["most"]
    assert dict(zip(duals.index, duals, strict=True)) == pytest.approx({"a": 2.0, ("b", 1): 5.0})


def test_suffixes_keep_nothing_of_another_solve() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 9))
    m.limit = pyo.Constraint(expr=m.x <= 3)
    m.worth = pyo.Objective(expr=2 * m.x, sense=pyo.maximize)
    m.dual, m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    vd.solvers.solve(m)
    assert m.dual[m.limit] == pytest.approx(2)
    m.limit.deactivate()
    vd.solvers.solve(m)
    assert m.limit not in m.dual
    assert m.rc[m.x] == pytest.approx(2)
    m.x.domain = pyo.Integers
    vd.solvers.solve(m)
    assert len(m.dual) == len(m.rc) == 0


def test_that_a_model_with_integers_has_no_duals_is_said_when_they_are_asked_for() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(domain=pyo.NonNegativeIntegers)
    m.limit = pyo.Constraint(expr=2 * m.x <= 7)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)
    duals = vd.solvers.solve(m).duals
    assert dict(duals) == {}
    with pytest.raises(KeyError, match="integers has no shadow prices"):
        duals["limit"]
