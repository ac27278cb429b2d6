"""ICDS with balanced ordering: one quantity q(t) for all components; (10), (13), (14) of the ICDS paper.

Rents are the least that keep suppliers truthful, (11), and stand in the objective as virtual cost v(t). Equal to `icds` where
v is monotone (18) or costs are independent; elsewhere the best that balanced ordering can do.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase, virtual_cost
from veridical.data.virtual_cost import refuse_tied_products
from veridical.models.assembler import vocabulary
from veridical.models.assembler.numbers import carried
from veridical.models.assembler.order_rules import bound_orders, order_rules, placed, refuse_rules, setup_cost
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "menu", "refuse"]


def untied(case: AssemblerCase, **parameters: Any) -> tuple[()]:
    """Refuse several products that truth ties together, also for a model that is given other numbers."""
    refuse_tied_products(case, "`icds_balanced`")
    return ()


def refuse(case: AssemblerCase) -> None:
    """Raise InputError for a case with something that balanced orders, or their virtual costs, do not take."""
    case.reserved("`icds_balanced`")
    case.refuse_several_sources("`icds_balanced`")
    case.refuse_random_yields("`icds_balanced`, whose orders are in fixed proportions,")
    case.refuse_ambiguity("`icds_balanced`, whose virtual costs are those of one prior,")
    if case.products is not None:
        refuse_rules(case, "`icds_balanced` of several products")
        untied(case)


@carries(carried(untied))
@builder
def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model of (14): one quantity for all components, rents in the objective as virtual cost.

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (products for which every component is bought) by profile, by product and profile where there are several;
        payments follow from it by (11).

    Raises
    ------
    InputError
        For a form that the demand does not have, for a model that would not fit into memory, for reservation profits that
        depend on costs, and for random yields, where orders in fixed proportions are not what suits them. Of several products
        also for rules of orders, and for costs that are correlated so that virtual cost of one of them is not monotone.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.icds_balanced.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    4896.97
    """
    refuse(case)
    m = vocabulary.frame(case, "icds_balanced", form, contracts=False)
    weighted = weighted_virtual_cost(m)
    m.weighted_virtual_cost = pyo.Expression(m.SUPPLIERS, m.PROFILES, rule=lambda m, i, t: weighted[i, t])
    several = case.products is not None

    vocabulary.declare_sales(m, m.PROFILES, form, "quantity")

    first = [(supplier.name, supplier.costs[0]) for supplier in case.suppliers]
    reserved = pyo.quicksum(vocabulary.elsewhere(m)[key] for key in first)

    def bought(i: str, t: str) -> Any:
        return vocabulary.needed(m, i, t, m.quantity)

    orders = [(i, t) for i in m.SUPPLIERS for t in m.PROFILES]
    vocabulary.capacities(m, orders, bought)
    order_rules(m, orders, bought)
    bound_orders(m, balanced=True)

    def earned(t: str) -> Any:
        spent = reserved + pyo.quicksum(setup_cost(m, i, t) for i in m.SUPPLIERS)
        cost = pyo.quicksum(weighted[i, t] * bought(i, t) for i in m.SUPPLIERS)
        return m.probability[t] * (vocabulary.expected_revenue(m, t, m.quantity) - spent) - cost

    m.profit = pyo.Objective(expr=pyo.quicksum(earned(t) for t in m.PROFILES), sense=pyo.maximize)  # (14)

    @m.Constraint(m.NEIGHBOURS)
    def monotonicity(m: Any, i: str, cost: float, next_cost: float, others: str) -> Any:  # (10)
        cheaper, dearer = m.profile[i, cost, others], m.profile[i, next_cost, others]
        return bought(i, cheaper) >= bought(i, dearer) if several else m.quantity[cheaper] >= m.quantity[dearer]

    info_of(m).contracts = menu
    vocabulary.aim(m, virtual_cost)
    return m


def weighted_virtual_cost(m: Any) -> dict[tuple[str, str], Any]:
    """Return beta(t) v_i(t) of a unit of each supplier's component, (13), by supplier and profile; finite where beta(t) = 0.

    beta(t) c_i(t), and the step up to his cost, times how likely it and cheaper ones are below that step.
    """
    terms = {}
    for i, cost, others in m.OWN_COST:
        t = m.profile[i, cost, others]
        terms[i, t] = m.probability[t] * m.cost[i, cost]
    cheapest = {(i, cost): [less for j, less in m.COSTS if j == i and less <= cost] for i, cost in m.COSTS}
    step: dict[Any, Any] = {}  # shared by profiles: worked out once
    for i, cost, next_cost, others in m.NEIGHBOURS:
        if (i, cost) not in step:
            step[i, cost] = m.cost[i, next_cost] - m.cost[i, cost]
        cheaper = pyo.quicksum(m.probability[m.profile[i, less, others]] for less in cheapest[i, cost])
        terms[i, m.profile[i, next_cost, others]] += step[i, cost] * cheaper
    return terms


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds, with the payments of (11)."""
    case = vocabulary.case_of(m)
    units = vocabulary.value(m.quantity, (-1,)).clip(min=0)
    if case.products is not None:
        return Menu.balanced(case, units.reshape(-1, *case.shape))
    orders = [(i, t) for i in m.SUPPLIERS for t in m.PROFILES]
    return Menu.balanced(case, case.enough_for(placed(m, case.components(units.reshape(case.shape)), orders)).min(axis=0))
