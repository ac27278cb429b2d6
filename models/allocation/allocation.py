"""The supplier's optimum at a fixed capacity: virtual revenue is maximised profile by profile. (4)-(5), (9), Theorem 2.

The dual of `capacity` at a profile is its shadow price lambda(theta). `monotonicity` binds only where virtual revenue is not
monotone in the type; the model then pools types, whatever the others are.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.data import AllocationCase, InputError
from veridical.models.allocation import vocabulary

__all__ = ["build", "declare"]


def build(
    case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS, monotonicity: bool | None = None
) -> pyo.ConcreteModel:
    """Return the model.

    `form` is how revenue is written: auto, quadratic (linear demand alone) or smooth. `points` types stand for a continuous
    prior. `monotonicity` asks for units that never fall in the own type: by default where virtual revenue is not monotone.
    Newsvendors' units have upper bounds, beyond which their virtual revenue is not concave: who guarantees them more lifts those.
    Raises InputError for a case without a fixed capacity.
    """
    if case.capacity is None:
        raise InputError.of(
            "capacity", "<nothing>", "a capacity in units: this case has a capacity_cost (capacity_choice)", case.name
        )
    return declare(case, "allocation", form, points, monotonicity)


def declare(case: AllocationCase, name: str, form: str, points: int, monotonicity: bool | None) -> Any:
    """Return the model with a capacity that is fixed or chosen, as the case has it."""
    m = vocabulary.frame(case, name, form, points)
    vocabulary.virtual_revenue(m)
    vocabulary.supply(m)
    vocabulary.monotonicity(m, monotonicity)
    m.profit = pyo.Objective(  # (4), (12)
        expr=vocabulary.expected(m, lambda *key: m.virtual_revenue[key]) - vocabulary.cost(m), sense=pyo.maximize
    )
    return m
