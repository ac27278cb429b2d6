"""The naive mechanism: everybody is paid his highest cost for one quantity. Definition 1 of the ICDS paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase
from veridical.models.assembler import vocabulary
from veridical.models.expected_sales import expected_sales

__all__ = ["build", "menu"]

EVERY = "every profile"  # the one contract's place in the sets of the other mechanisms


def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model. `form` is how expected sales are written: auto, linear, quadratic or tangent."""
    case.refuse_large_menu()
    m = pyo.ConcreteModel(name="naive")
    m.case = case
    m.levels = {"individual_rationality": ("supplier", "cost")}
    m.SUPPLIERS = pyo.Set(initialize=case.names)
    m.PROFILES = pyo.Set(initialize=[EVERY])
    m.COSTS = pyo.Set(initialize=[(supplier.name, cost) for supplier in case.suppliers for cost in supplier.costs])

    m.quantity = pyo.Var(m.PROFILES, domain=pyo.NonNegativeReals)
    m.payment = pyo.Var(m.SUPPLIERS)
    m.expected_sales = expected_sales(m.quantity, case.demand, form)

    m.profit = pyo.Objective(
        expr=vocabulary.expected_revenue(m, EVERY) - pyo.quicksum(m.payment[i] for i in m.SUPPLIERS), sense=pyo.maximize
    )

    @m.Constraint(m.COSTS)
    def individual_rationality(m: Any, i: str, cost: float) -> Any:  # binds at the highest cost: P_i = c_i(h) q
        return m.payment[i] >= cost * m.quantity[EVERY]

    m.contract_menu = menu
    return m


def menu(m: Any) -> Menu:
    """Return the contract menu that a solved model holds: the same contract whatever is reported."""
    n = len(m.SUPPLIERS)
    payment = vocabulary.value(m.payment, (n, *(1,) * n))
    return Menu(m.case, np.full((1,) * (n + 1), max(m.quantity[EVERY].value, 0.0)), payment)
