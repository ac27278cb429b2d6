"""Domains are intervals of real or whole numbers, or refused; a variable is fixed at a value that it may have."""

from typing import Any

import pyomo.environ as pyo
import pytest
from pyomo.core.base.range import NumericRange

import veridical as vd

SEMICONTINUOUS = (NumericRange(0, 0, 0), NumericRange(5, 10, 0))


def largest(domain: Any, below: float) -> Any:
    """Return a model that maximises x in a domain, x <= below."""
    m = pyo.ConcreteModel("domain")
    m.x = pyo.Var(domain=domain)
    m.cap = pyo.Constraint(expr=m.x <= below)
    m.worth = pyo.Objective(expr=m.x, sense=pyo.maximize)
    return m


@pytest.mark.parametrize(
    ("domain", "below", "best"),
    [
        (pyo.Reals, 2.5, 2.5),
        (pyo.NonNegativeReals, 2.5, 2.5),
        (pyo.PercentFraction, 2.5, 1),
        (pyo.Integers, 2.5, 2),
        (pyo.Binary, 2.5, 1),
        (pyo.RangeSet(0, 4), 2.5, 2),
        (pyo.RangeSet(0, 1.5, 0), 2.5, 1.5),
        (pyo.RangeSet(4, 0, -1), 2.5, 2),
        (pyo.NonNegativeReals | pyo.Binary, 2.5, 2.5),
        ([0, 1, 2, 3], 2.5, 2),
        ([2], 2.5, 2),
    ],
)
def test_intervals_are_honoured(domain: Any, below: float, best: float) -> None:
    assert vd.solvers.solve(largest(domain, below)).objective == pytest.approx(best)


@pytest.mark.parametrize(
    ("domain", "named"),
    [
        (pyo.RangeSet(0, 10, 5), "0:10:5"),
        (pyo.RangeSet(0.5, 3.5, 1), "0.5:3.5"),
        ([1, 3, 7], "[1] and [3] and [7]"),
        ([0.5, 1.5], "[0.5] and [1.5]"),
        (pyo.RangeSet(ranges=SEMICONTINUOUS), "[0] and [5..10]"),
        (pyo.Any, "[*]"),
        ([1, "a"], "{a}"),
        ([], "empty"),
    ],
)
@pytest.mark.parametrize("solver", ["highs", "ipopt", "scip"])
def test_other_domains_are_refused_with_what_is_allowed(domain: Any, named: str, solver: str) -> None:
    with pytest.raises(vd.InputError) as refusal:
        vd.solvers.solve(largest(domain, 6), solver)
    message = str(refusal.value)
    assert message.startswith("domain: x: got <the domain ")
    assert named in message
    assert "binary variables" in message


def fixed(value: float, bounds: tuple[float | None, float | None] = (None, None), domain: Any = pyo.Reals) -> Any:
    """Return a model that minimises y >= x, x fixed at a value."""
    m = pyo.ConcreteModel("fixed")
    m.x = pyo.Var(bounds=bounds, domain=domain)
    m.x.fix(value, skip_validation=True)
    m.y = pyo.Var(bounds=(-50, 50))
    m.row = pyo.Constraint(expr=m.y >= m.x)
    m.cost = pyo.Objective(expr=m.y)
    return m


@pytest.mark.parametrize("solver", ["highs", "ipopt", "scip"])
@pytest.mark.parametrize(
    ("model", "what"),
    [
        (fixed(9, (0, 5)), "fixed at 9>; allowed: between 0 and 5"),
        (fixed(-9, (0, None)), "fixed at -9>; allowed: between 0 and inf"),
        (fixed(0.5, domain=pyo.Binary), r"fixed at 0\.5>; allowed: a value of its domain, \[0:1\]"),
        (fixed(3e-7, domain=pyo.Binary), "fixed at 3e-07>"),
        (fixed(2, domain=[1, 3, 7]), "fixed at 2"),
    ],
)
def test_a_variable_that_is_fixed_where_it_must_not_be_is_refused(model: Any, what: str, solver: str) -> None:
    with pytest.raises(vd.InputError, match=f"fixed: x: got <{what}"):
        vd.solvers.solve(model, solver)


@pytest.mark.parametrize(
    "model",
    [
        fixed(3, (0, 5)),
        fixed(-1e-9, (0, None)),
        fixed(1, domain=pyo.Binary),
        fixed(7, domain=[1, 3, 7]),
        fixed(2, domain=pyo.Any),
    ],
)
def test_a_variable_may_be_fixed_at_any_value_of_its_own_and_where_a_solver_left_it(model: Any) -> None:
    assert vd.solvers.solve(model).objective == pytest.approx(model.x.value, abs=1e-8)


def test_variables_that_stand_nowhere_are_no_part_of_the_model() -> None:
    m = pyo.ConcreteModel("unused")
    m.x = pyo.Var(bounds=(1, 5))
    m.crossed, m.listed, m.out = pyo.Var(bounds=(3, 2)), pyo.Var(domain=[1, 3, 7]), pyo.Var(bounds=(0, 1))
    m.out.fix(9, skip_validation=True)
    m.cost = pyo.Objective(expr=m.x)
    assert vd.solvers.solve(m).objective == pytest.approx(1)  # as Pyomo's own writers see it
    m.row = pyo.Constraint(expr=m.x + m.crossed >= 0)
    with pytest.raises(vd.NotSolvedError, match="bounds of crossed"):
        vd.solvers.solve(m)
