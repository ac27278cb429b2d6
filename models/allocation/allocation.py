"""The supplier's optimum at a fixed capacity: virtual revenue is maximised profile by profile. (4)-(5), (9), Theorem 2.

The dual of `capacity` at a profile is its shadow price lambda(theta). `monotonicity` is there only for types that may be pooled,
as virtual revenue is not monotone in them; the model then pools them, whatever the others are. For types that depend on one
another, for minimum orders, and where higher types earn more elsewhere it is there for all types: the optimum is then the best of
the mechanisms in which the truth is best, and nobody loses, whatever the others report.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.data import AllocationCase, InputError
from veridical.models.allocation import least_orders, rents, vocabulary
from veridical.models.allocation.numbers import carried
from veridical.models.info import builder, carries

__all__ = ["build", "declare"]


@carries(carried(pools=True))
@builder
def build(
    case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS, monotonicity: bool | None = None
) -> pyo.ConcreteModel:
    """Return the model of the optimum at a fixed capacity.

    Newsvendors' units have upper bounds, beyond which their virtual revenue is not concave: to force larger allocations, raise
    the upper bounds.

    Parameters
    ----------
    case
        The supplier's case.
    form
        How revenue is written: auto, quadratic (linear demand alone) or smooth.
    points
        Types that stand for a continuous prior.
    monotonicity
        Whether a constraint keeps units from falling as a retailer's type rises; by default of the types that may be pooled,
        as virtual revenue falls from one to the next and they may get something.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) by profile, group and type; `K`, the capacity; `capacity`, whose duals are shadow prices.

    Raises
    ------
    InputError
        For a case without a fixed capacity, a form that the revenues do not have, a revenue that
        mechanisms cannot rest on, or a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.allocation.build(vd.example("two-retailers"))
    >>> round(vd.solvers.solve(model).objective, 2)
    9.24
    """
    if case.capacity is None:
        allowed = "a capacity in units: this case has a capacity_cost (capacity_choice)"
        raise InputError.of("capacity", "<nothing>", allowed, case.name)
    return declare(case, "allocation", form, points, monotonicity)


def declare(case: AllocationCase, name: str, form: str, points: int, monotonicity: bool | None) -> Any:
    """Return the model with a capacity that is fixed or chosen, as the case has it."""
    m = vocabulary.frame(case, name, form, points)
    earned = rents.earned(m)
    vocabulary.supply(m)
    vocabulary.bound_capacity(m)
    vocabulary.monotonicity(m, monotonicity)
    least_orders.declare(m)
    m.profit = pyo.Objective(expr=earned - vocabulary.cost(m), sense=pyo.maximize)  # (4), (12)
    return m
