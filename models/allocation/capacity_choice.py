"""The capacity worth having: capacity as one more variable of the supplier's program. (12)-(13), Theorem 3.

At the optimum the mean shadow price is what a unit of capacity costs: E[lambda] = c.
"""

from __future__ import annotations

import pyomo.environ as pyo

from veridical.data import AllocationCase, InputError
from veridical.models.allocation import vocabulary
from veridical.models.allocation.allocation import declare

__all__ = ["build"]


def build(
    case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS, monotonicity: bool | None = None
) -> pyo.ConcreteModel:
    """Return the model; arguments as in `allocation`. Raises InputError for a case without a capacity cost."""
    if case.capacity_cost is None:
        raise InputError.of(
            "capacity_cost", "<nothing>", "a capacity cost: this case has a fixed capacity (allocation)", case.name
        )
    return declare(case, "capacity_choice", form, points, monotonicity)
