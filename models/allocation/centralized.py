"""The chain with full information: rents are left out. A benchmark that nobody can run, at any or the best capacity. Theorem 4.

As the supplier knows the types, she asks every retailer for all that his units earn.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment, full_revenue
from veridical.data import AllocationCase
from veridical.models.allocation import vocabulary
from veridical.models.info import info_of

__all__ = ["build"]


def build(case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS) -> pyo.ConcreteModel:
    """Return the model; arguments as in `allocation`."""
    m = vocabulary.frame(case, "centralized", form, points)
    vocabulary.supply(m)
    revenues = vocabulary.details(m).revenues

    @m.Expression(m.CELLS)
    def revenue(m: Any, t: str, g: str, theta: float) -> Any:
        return revenues[g].value(m.quantity[t, g, theta], theta)

    m.profit = pyo.Objective(expr=vocabulary.expected(m, lambda *key: m.revenue[key]) - vocabulary.cost(m), sense=pyo.maximize)
    info_of(m).contracts = allotted
    return m


def allotted(m: Any, duals: Any) -> Allotment:
    """Return what a solved model gives to whom."""
    return vocabulary.allotment(m, duals, full_revenue)
