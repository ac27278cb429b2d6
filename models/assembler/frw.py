"""FRW: every supplier's contract depends on his own cost alone. Section 2.1 of the ICDS paper, after Fang, Ru and Wang (2014).

Simple to offer, however many suppliers there are; quantities are not balanced, since none of them knows what the others report.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase
from veridical.models.assembler import vocabulary
from veridical.models.assembler.numbers import carried
from veridical.models.assembler.order_rules import order_rules, placed, setup_cost
from veridical.models.assembler.worst_prior import expected
from veridical.models.assembler.yields import arriving, assembled, outcome
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "menu"]


@carries(carried())
@builder
def build(case: AssemblerCase, form: str = "auto", feasibility: bool = True) -> pyo.ConcreteModel:
    """Return the model in which a contract depends on its supplier's own cost alone.

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.
    feasibility
        Whether (5) stands in the model under its name. It follows from incentive compatibility, so with it in, duals split
        between the two families in more than one way.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) and `payment` (currency) by supplier and his cost; `units` assembled by profile.

    Raises
    ------
    InputError
        For a form that the demand does not have, and for a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.frw.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    4750.84
    """
    m = vocabulary.frame(case, "frw", form, contracts=False)
    vocabulary.own_costs(m)
    m.quantity = pyo.Var(m.COSTS, domain=pyo.NonNegativeReals)
    m.payment = pyo.Var(m.COSTS)
    vocabulary.declare_sales(m, m.PROFILES, form)
    q, P = m.quantity, m.payment

    vocabulary.capacities(m, m.COSTS, lambda i, cost: q[i, cost])
    order_rules(m, m.COSTS, lambda i, cost: q[i, cost])
    if case.ambiguity is None:
        earned = pyo.quicksum(m.probability[t] * vocabulary.expected_revenue(m, t) for t in m.PROFILES)
        earned -= pyo.quicksum(m.marginal[key].expr * (P[key] + setup_cost(m, *key)) for key in m.COSTS)
    else:  # every profile's profit by itself
        own: dict[str, list[Any]] = {t: [] for t in m.PROFILES}
        for i, cost, others in m.OWN_COST:
            own[m.profile[i, cost, others]].append((i, cost))
        spent = {t: pyo.quicksum(P[key] + setup_cost(m, *key) for key in keys) for t, keys in own.items()}
        earned = expected(m, lambda t: vocabulary.expected_revenue(m, t) - spent[t])
    m.profit = pyo.Objective(expr=earned, sense=pyo.maximize)  # (2)

    if case.several_sources or case.products is not None:
        cost_of = {(i, m.profile[i, cost, others]): cost for i, cost, others in m.OWN_COST}
        vocabulary.assembly_of_sources(m, lambda i, t: q[i, cost_of[i, t]])
    else:
        info_of(m).index_names["assembly"] = ("supplier", "cost", "others", *info_of(m).index_names["assembly"][2:])

        @m.Constraint(assembled(m, m.OWN_COST))
        def assembly(m: Any, i: str, cost: float, others: str, s: str = "") -> Any:
            made = m.units[outcome(m.profile[i, cost, others], s)]
            return m.units_per_product[i] * made <= arriving(m, i, s) * q[i, cost]

    reserved = vocabulary.elsewhere(m)

    @m.Constraint(m.REPORTS)
    def incentive_compatibility(m: Any, i: str, cost: float, report: float) -> Any:
        return P[i, cost] - m.cost[i, cost] * q[i, cost] >= P[i, report] - m.cost[i, cost] * q[i, report]

    @m.Constraint(m.COSTS)
    def individual_rationality(m: Any, i: str, cost: float) -> Any:
        return P[i, cost] >= m.cost[i, cost] * q[i, cost] + reserved[i, cost]

    if feasibility:
        neighbours = [(supplier.name, *pair) for supplier in case.suppliers for pair in pairwise(supplier.costs)]

        @m.Constraint(neighbours)
        def feasibility(m: Any, i: str, cost: float, next_cost: float) -> Any:
            return q[i, cost] >= q[i, next_cost]

    info = info_of(m)
    info.index_names |= {**dict.fromkeys(("capacity", "whole_lots", "no_order", "minimum_order"), ("supplier", "cost"))}
    info.index_names |= {"feasibility": ("supplier", "cost", "next_cost")}
    info.contracts = menu
    return m


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds: the same contract for a cost, whatever the others report."""
    case = vocabulary.case_of(m)

    def spread(numbers: Any) -> Any:
        values = np.split(numbers, np.cumsum(case.shape)[:-1])
        return np.stack([np.broadcast_to(row.reshape(case.costs(i).shape), case.shape) for i, row in enumerate(values)])

    quantity = placed(m, vocabulary.value(m.quantity, (-1,)).clip(min=0), m.quantity)
    payment = vocabulary.without_noise(vocabulary.value(m.payment, (-1,))) + 0.0
    return Menu(case, spread(vocabulary.without_noise(quantity)), spread(payment), vocabulary.planned(m))
