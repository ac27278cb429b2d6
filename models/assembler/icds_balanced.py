"""ICDS with balanced ordering: one quantity q(t) for all components; (10), (13), (14) of the ICDS paper.

Rents are the least that keep suppliers truthful, (11), and stand in the objective as virtual cost v(t). Equal to `icds` where
v is monotone (18) or costs are independent; elsewhere the best that balanced ordering can do.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, weighted_virtual_cost
from veridical.models.assembler import vocabulary
from veridical.models.expected_sales import expected_sales

__all__ = ["build", "menu"]


def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model. `form` is how expected sales are written: auto, linear, quadratic or tangent."""
    m = vocabulary.frame(case, "icds_balanced", form, contracts=False)
    weighted = dict(zip(m.PROFILES, weighted_virtual_cost(case).ravel().tolist(), strict=True))
    m.weighted_virtual_cost = pyo.Param(m.PROFILES, initialize=weighted)  # beta(t) v(t), (13); finite where beta(t) = 0

    m.quantity = pyo.Var(m.PROFILES, domain=pyo.NonNegativeReals)
    m.expected_sales = expected_sales(m.quantity, case.demand, form)

    m.profit = pyo.Objective(  # (14)
        expr=pyo.quicksum(
            m.probability[t] * vocabulary.expected_revenue(m, t) - m.weighted_virtual_cost[t] * m.quantity[t] for t in m.PROFILES
        ),
        sense=pyo.maximize,
    )

    @m.Constraint(m.NEIGHBOURS)
    def monotonicity(m: Any, i: str, cost: float, next_cost: float, others: str) -> Any:  # (10)
        return m.quantity[m.profile[i, cost, others]] >= m.quantity[m.profile[i, next_cost, others]]

    m.contract_menu = menu
    return m


def menu(m: Any) -> Menu:
    """Return the contract menu that a solved model holds, with the payments of (11)."""
    return Menu.balanced(m.case, vocabulary.value(m.quantity, m.case.shape).clip(min=0))
