"""A user's own model may call its components anything: nothing is read off a model by name."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd

NAMES = (
    *("levels", "named", "complementarity", "contract_menu", "case", "how", "start", "profiles", "written", "part", "shares"),
    *(
        "dual",
        "rc",
        "mechanism",
        "menu",
        "info",
        "parties",
        "expected_sales",
        "profit",
        "price",
        "cost",
        "probability",
        "capacity",
    ),
)
COMPONENTS: dict[str, Callable[[], Any]] = {
    "variable": lambda: pyo.Var(bounds=(0, 1), initialize=0.5),
    "indexed variable": lambda: pyo.Var([1, 2], bounds=(0, 1), initialize=0.5),
    "parameter": lambda: pyo.Param([1, 2], initialize=1),
    "mutable parameter": lambda: pyo.Param(initialize=3, mutable=True),
    "set": lambda: pyo.Set(initialize=[1, 2]),
    "block": lambda: pyo.Block(),
    "expression": lambda: pyo.Expression(expr=3.0),
}
SOLVERS = ("highs", "ipopt", "scip")


def base() -> Any:
    """Return max x subject to x <= 4, 0 <= x <= 10."""
    m = pyo.ConcreteModel("own")
    m.x = pyo.Var(bounds=(0, 10))
    m.limit = pyo.Constraint(expr=m.x <= 4)
    m.o = pyo.Objective(expr=m.x, sense=pyo.maximize)
    return m


@pytest.mark.parametrize("kind", COMPONENTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_component_of_any_name(name: str, kind: str) -> None:
    m = base()
    m.add_component(name, COMPONENTS[kind]())
    solution = vd.solvers.solve(m, "highs")
    assert solution.objective == pytest.approx(4)
    assert solution.certificate.holds
    assert (solution.contracts, solution.mechanism, solution.case) == (None, None, None)
    assert solution.duals["limit"].iloc[0] == pytest.approx(1)
    assert solution.sensitivity.empty


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_constraint_of_any_name(name: str, solver: str) -> None:
    m = base()
    m.add_component(name, pyo.Constraint([1, 2], rule=lambda m, i: m.x <= 4 - i))
    solution = vd.solvers.solve(m, solver)
    assert solution.objective == pytest.approx(2)
    if len(solution.duals):
        assert solution.duals[name].sum() == pytest.approx(1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_variable_of_any_name_on_a_block(name: str, solver: str) -> None:
    m = base()
    m.b = pyo.Block()
    m.b.add_component(name, pyo.Var(bounds=(0, 1)))
    m.b.k = pyo.Constraint(expr=m.x <= 2 + m.b.component(name))
    assert vd.solvers.solve(m, solver).objective == pytest.approx(3)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"profit", "price", "cost", "probability", "expected_sales"}))
def test_a_component_of_any_name_on_a_model_of_ours(name: str) -> None:
    m = vd.models.icds.build(vd.example("two-suppliers-correlated"))
    m.add_component(name, pyo.Var(bounds=(0, 1)))
    m.tie = pyo.Constraint(expr=m.component(name) <= m.units["panel=9, battery=7"])
    solution = vd.solvers.solve(m, "highs")
    assert solution.objective == pytest.approx(5655.2963, abs=1e-3)
    assert solution.mechanism == "icds"
    assert solution.audit is not None
    assert solution.audit.truthful
