"""The optimal capacity: capacity as one more variable of the supplier's program. (12)-(13), Theorem 3.

At the optimum the mean shadow price is what a unit of capacity costs: E[lambda] = c.
"""

from __future__ import annotations

import pyomo.environ as pyo

from veridical.data import AllocationCase, InputError
from veridical.models.allocation import vocabulary
from veridical.models.allocation.allocation import declare
from veridical.models.allocation.numbers import carried
from veridical.models.info import builder, carries

__all__ = ["build"]


@carries(carried(pools=True))
@builder
def build(
    case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS, monotonicity: bool | None = None
) -> pyo.ConcreteModel:
    """Return the model of the supplier's optimum with the optimal capacity.

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
        `quantity` (units) by profile, group and type; `K`, the capacity, which is a variable.

    Raises
    ------
    InputError
        For a case without a capacity cost, a form that the revenues do not have, a revenue that
        mechanisms cannot rest on, or a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.capacity_choice.build(vd.example("five-retailers"))
    >>> round(vd.solvers.solve(model).objective, 2)
    21.61
    """
    if case.capacity_cost is None:
        allowed = "a capacity cost: this case has a fixed capacity (allocation)"
        raise InputError.of("capacity_cost", "<nothing>", allowed, case.name)
    return declare(case, "capacity_choice", form, points, monotonicity)
