"""The chain with full information: rents are left out. A benchmark that nobody can run, at any or the best capacity. Theorem 4.

As the supplier knows the types, she asks every retailer for all that his units earn beyond what he earns elsewhere.
"""

from __future__ import annotations

from functools import partial

import pyomo.environ as pyo

from veridical.contracts.allotment import full_revenue
from veridical.data import AllocationCase
from veridical.models.allocation import least_orders, rents, terms, vocabulary
from veridical.models.allocation.numbers import carried
from veridical.models.info import builder, carries, info_of

__all__ = ["build"]


@carries(carried())
@builder
def build(case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS) -> pyo.ConcreteModel:
    """Return the model of the chain with full information, at the case's capacity or the best one.

    Parameters
    ----------
    case
        The supplier's case.
    form
        How revenue is written: auto, quadratic (linear demand alone) or smooth.
    points
        Types that stand for a continuous prior.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) by profile, group and type; `K`, the capacity, which is a variable where it has a cost.

    Raises
    ------
    InputError
        For a form that the revenues do not have, a revenue that mechanisms cannot rest on, or a model that would not fit into
        memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.centralized.build(vd.example("two-retailers"))
    >>> round(vd.solvers.solve(model).objective, 2)
    12.82
    """
    m = vocabulary.frame(case, "centralized", form, points)
    vocabulary.supply(m)
    vocabulary.bound_capacity(m)
    least_orders.declare(m)
    m.revenue = pyo.Expression(m.CELLS, initialize=rents.revenue(m))
    earned = vocabulary.expected(m, lambda *key: m.revenue[key]) - terms.owed(m, lowest=False)
    m.profit = pyo.Objective(expr=earned - vocabulary.cost(m), sense=pyo.maximize)
    info_of(m).contracts = partial(vocabulary.allotment, price=full_revenue)
    return m
