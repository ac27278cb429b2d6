"""Problems that end without an optimum, and how."""

from typing import Any

import numpy as np
import pyomo.environ as pyo

from support.solver_problems import Problem, blank, knapsack, needs

Model = Any


def valued(m: Model, value: float = 0.25) -> Model:
    """Return the model with a value in every variable."""
    for variable in m.component_data_objects(pyo.Var):
        variable.value = value
    return m


def starving() -> Model:
    # north wants 7 of the 6 that there are; the rows of the south and the balance have no part in it.
    m = blank("starving", north=(0, None), south=(0, None))
    m.cost = pyo.Objective(expr=m.north + m.south)
    m.supply = pyo.Constraint(expr=m.north + m.south <= 6)
    m.demand = pyo.Constraint(["north", "south"])
    m.demand["north"] = m.north >= 7
    m.demand["south"] = m.south <= 4
    m.balance = pyo.Constraint(expr=m.north - m.south <= 20)
    return valued(m, 2.5)


def apart() -> Model:
    # The line x + y = 3 passes the disc of radius 1 at a distance of 3 / sqrt 2 - 1.
    m = blank("apart", x=(None, None), y=(None, None))
    m.cost = pyo.Objective(expr=m.x + m.y)
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 1)
    m.line = pyo.Constraint(expr=m.x + m.y >= 3)
    return valued(m)


def crossed() -> Model:
    # A lower bound above the upper one.
    m = valued(blank("crossed", x=(0, 4), y=(0, None)))
    m.cost = pyo.Objective(expr=m.x + m.y)
    m.row = pyo.Constraint(expr=m.x + m.y >= 1)
    m.x.setlb(5)
    return m


def odd() -> Model:
    # An even number that should be 3; the relaxation is feasible.
    m = knapsack()
    m.parity = pyo.Constraint(expr=2 * m.take["a"] + 2 * m.take["b"] == 3)
    return valued(m, 1.0)


def escape() -> Model:
    # y may grow for ever, and the cost falls by 2 each time.
    m = blank("escape", x=(0, 4), y=(0, None))
    m.cost = pyo.Objective(expr=-3 * m.x - 2 * m.y)
    m.row = pyo.Constraint(expr=m.x - m.y <= 3)
    return valued(m)


def packing() -> Model:
    # Sixty things in twenty-five bags at once: hours of branching.
    generator = np.random.default_rng(1)
    weight = generator.integers(10, 1000, (25, 60))
    value = weight.mean(axis=0) + generator.integers(0, 100, 60)
    m = blank("packing")
    m.take = pyo.Var(range(60), domain=pyo.Binary)
    m.worth = pyo.Objective(expr=pyo.quicksum(float(value[i]) * m.take[i] for i in range(60)), sense=pyo.maximize)
    m.room = pyo.Constraint(
        range(25), rule=lambda m, r: pyo.quicksum(int(weight[r, i]) * m.take[i] for i in range(60)) <= int(weight[r].sum()) // 2
    )
    return valued(m, 0.0)


def valley() -> Model:
    # Rosenbrock's valley, three thousand long: as many iterations.
    m = blank("valley")
    m.x = pyo.Var(range(3000))
    m.height = pyo.Objective(expr=sum(100 * (m.x[i + 1] - m.x[i] ** 2) ** 2 + (1 - m.x[i]) ** 2 for i in range(2999)))
    return valued(m, -1.2)


ENDED = (
    Problem("infeasible LP", starving, needs("LP"), ends="infeasible"),
    Problem("infeasible NLP", apart, needs("NLP"), ends="infeasible"),
    Problem("infeasible bounds", crossed, needs("LP"), ends="infeasible"),
    Problem("infeasible MIP", odd, needs("MIP"), ends="infeasible"),
    Problem("unbounded LP", escape, needs("LP", "rays"), ends="unbounded"),
    Problem("long MIP", packing, needs("MIP"), ends="time_limit", limit=0.5),
    Problem("long NLP", valley, needs("NLP"), ends="time_limit", limit=0.5),
)
