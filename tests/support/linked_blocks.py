"""Models of blocks that are tied together by linear equalities, made from a seed."""

from typing import Any

import numpy as np
import pyomo.environ as pyo


def linked(seed: int, curved: bool, money: float = 1.0, bounded: bool = True) -> pyo.ConcreteModel:
    """Return 2 to 5 parties with 2 to 4 variables each, convex costs, own limits, and links with a feasible point.

    `curved`: positive definite quadratic costs, so that plan and prices are unique where no limit of a link's variables binds
    together; else linear ones. `money`: what all costs are multiplied by. `bounded`: whether variables have upper bounds.
    """
    rng = np.random.default_rng(seed)
    m = pyo.ConcreteModel(name=f"linked {seed}")
    m.party = pyo.Block([f"party {k}" for k in range(int(rng.integers(2, 6)))])
    places: list[Any] = []
    inside: dict[int, float] = {}
    for block in m.party.values():
        n = int(rng.integers(2, 5))
        point = rng.uniform(1.0, 9.0, n)  # a plan that all can carry out
        block.x = pyo.Var(range(n), bounds=(0, 10 if bounded else None))
        factor = rng.normal(size=(n, n)) if curved else np.zeros((n, n))
        hessian = factor @ factor.T + (0.1 * np.eye(n) if curved else 0.0)
        linear = rng.uniform(0.5, 5.0, n) if not curved else rng.normal(scale=5.0, size=n)
        row = rng.uniform(0.2, 2.0, n)
        block.limit = pyo.Constraint(
            expr=sum(a * x for a, x in zip(row, block.x.values(), strict=True)) <= float(row @ point) + 2
        )
        x = list(block.x.values())
        square = sum(hessian[i, j] / 2 * x[i] * x[j] for i in range(n) for j in range(n)) if curved else 0.0
        block.cost = pyo.Expression(expr=money * (square + sum(c * y for c, y in zip(linear, x, strict=True))))
        places += x
        inside |= {id(y): value for y, value in zip(x, point.tolist(), strict=True)}
    m.link = pyo.ConstraintList()
    for _ in range(int(rng.integers(1, 4))):
        chosen = [places[k] for k in rng.choice(len(places), int(rng.integers(2, 5)), replace=False)]
        weights = rng.choice([-1.0, 1.0, 2.0], len(chosen)).tolist()
        right = sum(w * inside[id(x)] for w, x in zip(weights, chosen, strict=True))
        m.link.add(sum(w * x for w, x in zip(weights, chosen, strict=True)) == right)
    m.total = pyo.Objective(expr=sum(block.cost for block in m.party.values()))
    return m
