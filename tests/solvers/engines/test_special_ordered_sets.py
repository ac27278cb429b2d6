"""Special ordered sets are left to a solver that takes them; its word for them is checked."""

from typing import Any

import pyomo.environ as pyo
import pytest

import veridical as vd
from veridical.solvers.translate.components import sos_violation


def ordered(level: int) -> Any:
    """Return a model of x[k] in [0, 10], at most 25 in all, worth 3, 1 and 2 each, with an SOS of a level."""
    m = pyo.ConcreteModel("ordered")
    m.x = pyo.Var([1, 2, 3], bounds=(0, 10))
    m.cap = pyo.Constraint(expr=sum(m.x.values()) <= 25)
    m.special = pyo.SOSConstraint(var=m.x, sos=level)
    m.worth = pyo.Objective(expr=3 * m.x[1] + m.x[2] + 2 * m.x[3], sense=pyo.maximize)
    return m


# One of them alone: 3 * 10. Two beside each other: 3 * 10 + 10, for 1 and 3 are no neighbours.
@pytest.mark.parametrize(("level", "best", "x"), [(1, 30, [10, 0, 0]), (2, 40, [10, 10, 0])])
def test_they_are_solved_by_a_solver_that_takes_them(level: int, best: float, x: list[float]) -> None:
    model = ordered(level)
    solution = vd.solvers.solve(model, "scip")
    assert (solution.objective, solution.bound) == pytest.approx((best, best))
    assert [variable.value for variable in model.x.values()] == pytest.approx(x)
    assert dict(solution.duals) == {}


@pytest.mark.parametrize("solver", ["highs", "ipopt", "pounce"])
def test_they_are_refused_for_all_others(solver: str) -> None:
    with pytest.raises(vd.InputError, match=r"special: got <an active SOSConstraint.*scip"):
        vd.solvers.solve(ordered(1), solver)


@pytest.mark.parametrize(
    ("level", "x", "violation"),
    [
        (1, (0, 0, 0), 0),
        (1, (0, 4, 0), 0),
        (1, (4, 0, 1), 0.25),
        (1, (4e-9, 0, 4e-9), 1),  # whatever the units
        (2, (4, 3, 0), 0),
        (2, (0, 3, -4), 0),
        (2, (4, 0, 3), 0.75),
        (2, (4, 4, 4), 1),
    ],
)
def test_how_far_a_set_is_from_being_met(level: int, x: tuple[float, ...], violation: float) -> None:
    model = ordered(level)
    for variable, value in zip(model.x.values(), x, strict=True):
        variable.set_value(value, skip_validation=True)
    assert sos_violation(model.special) == pytest.approx(violation)
