"""Small models of Pyomo, and changes to them."""

import math
from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo


def shifted(constraint: Any, change: float) -> None:
    """Put the same body between bounds that are both moved by `change`."""
    low, body, high = constraint.lb, constraint.body, constraint.ub
    if low is not None and low == high:
        constraint.set_value(body == low + change)
    else:
        moved = [None if bound is None else bound + change for bound in (low, high)]
        constraint.set_value((moved[0], body, moved[1]))


def model(objective: Callable[[Any], Any], *rows: Callable[[Any], Any], sense: int = pyo.minimize) -> Any:
    """Return a model with two variables between 0 and 10, a parameter that is nan, and one that is infinite."""
    m = pyo.ConcreteModel(name="small")
    m.x, m.y = pyo.Var(bounds=(0, 10)), pyo.Var(bounds=(0, 10))
    m.nan = pyo.Param(initialize=math.nan, mutable=True, within=pyo.Any)
    m.infinite = pyo.Param(initialize=math.inf, mutable=True, within=pyo.Any)
    for k, row in enumerate(rows):
        m.add_component(f"row{k}", pyo.Constraint(expr=row(m)))
    m.objective = pyo.Objective(expr=objective(m), sense=sense)
    return m


def knapsack() -> Any:
    """Return a knapsack of four things: values 10, 13, 7, 8; weights 5, 6, 3, 4; room for 10."""
    m = pyo.ConcreteModel(name="knapsack")
    m.take = pyo.Var(range(4), domain=pyo.Binary)
    m.room = pyo.Constraint(expr=5 * m.take[0] + 6 * m.take[1] + 3 * m.take[2] + 4 * m.take[3] <= 10)
    value = 10 * m.take[0] + 13 * m.take[1] + 7 * m.take[2] + 8 * m.take[3]
    m.value = pyo.Objective(expr=value, sense=pyo.maximize)
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m
