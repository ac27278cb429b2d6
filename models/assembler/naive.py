"""The naive mechanism: everybody is paid his highest cost for one quantity. Definition 1 of the ICDS paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase
from veridical.data.assembler import ENUMERATED
from veridical.models.assembler import vocabulary
from veridical.models.assembler.numbers import carried, profile_names
from veridical.models.assembler.order_rules import order_rules, placed, setup_cost
from veridical.models.assembler.yields import arriving, assembled, outcome
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "menu"]

EVERY = "every profile"  # the one contract's place in the sets of the other mechanisms


@carries(carried())
@builder
def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model of one contract: everybody is paid his highest cost.

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (products for which every component is bought, by product where there are several) and `payment` (currency)
        by supplier; `order` of a supplier who is not the only source of his component, or whose orders have rules, units. Under
        random yields `quantity` is what is assembled, by scenario, and all suppliers have an `order`.

    Raises
    ------
    InputError
        For a form that the demand does not have, and for a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.naive.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    4013.33
    """
    case.refuse_large_menu()
    m = vocabulary.basis(case, "naive")
    m.PROFILES = pyo.Set(initialize=[EVERY])
    info_of(m).index_names["individual_rationality"] = ("supplier", "cost")

    m.payment = pyo.Var(m.SUPPLIERS)
    vocabulary.declare_sales(m, m.PROFILES, form, "quantity")

    ordered = _ordered(m)
    orders = [(i, EVERY) for i in m.SUPPLIERS]
    vocabulary.capacities(m, orders, lambda i, t: ordered[i])
    order_rules(m, orders, lambda i, t: ordered[i])

    spent = pyo.quicksum(m.payment[i] + setup_cost(m, i, EVERY) for i in m.SUPPLIERS)
    earned = vocabulary.expected_revenue(m, EVERY, m.quantity) - spent
    if case.profiles <= ENUMERATED:  # probabilities sum to 1: they are here to be differentiated by, as in the other mechanisms
        m.COST_PROFILES = pyo.Set(initialize=profile_names(case))
        vocabulary.prior(m, m.COST_PROFILES)
        earned = pyo.quicksum(m.probability.values()) * earned
    m.profit = pyo.Objective(expr=earned, sense=pyo.maximize)

    reserved = vocabulary.elsewhere(m)

    @m.Constraint(m.COSTS)
    def individual_rationality(m: Any, i: str, cost: float) -> Any:  # binds at the highest cost: P_i = c_i(h) q
        return m.payment[i] >= m.cost[i, cost] * ordered[i] + reserved[i, cost]

    info_of(m).contracts = menu
    return m


def _ordered(m: Any) -> dict[str, Any]:
    """Return the units ordered of each supplier: what the products need, or orders of their own.

    Those are of components that come from several suppliers, or by orders that have rules, or where yields are random.
    """
    case = info_of(m).case
    info_of(m).index_names.setdefault("enough", ("component",))
    sources = {component: [case.suppliers[i] for i in members] for component, members in case.sources.items()}
    own = {name: of for name, of in sources.items() if len(of) > 1 or of[0].rules or case.random_yields}
    one_each = [of[0].name for name, of in sources.items() if name not in own]
    ordered = {i: vocabulary.needed(m, i, EVERY, m.quantity) for i in one_each}
    if own:
        m.order = pyo.Var([supplier.name for members in own.values() for supplier in members], domain=pyo.NonNegativeReals)

        @m.Constraint(assembled(m, list(own)))
        def enough(m: Any, component: str, s: str = "") -> Any:
            of = [supplier.name for supplier in own[component]]
            arrived = pyo.quicksum(arriving(m, i, s) * m.order[i] for i in of)
            if case.products is not None:
                return vocabulary.needed(m, of[0], EVERY, m.quantity) <= arrived
            return m.units_per_product[of[0]] * m.quantity[outcome(EVERY, s)] <= arrived

        ordered |= {i: m.order[i] for i in m.order}
    return ordered


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds: the same contract whatever is reported."""
    shape = (len(m.SUPPLIERS), *(1,) * len(m.SUPPLIERS))
    case = vocabulary.case_of(m)
    plan = vocabulary.value(m.quantity, (-1,)).clip(min=0)
    quantity = case.components(plan if case.products is not None else 0.0 if case.random_yields else plan[0])
    if isinstance(order := m.component("order"), pyo.Var):
        units = (max(order[i].value, 0.0) if i in order else needed for i, needed in zip(m.SUPPLIERS, quantity, strict=True))
        quantity = placed(m, np.fromiter(units, dtype=float), [(i, EVERY) for i in m.SUPPLIERS])
    near = None if case.products is None else plan.reshape(-1, *(1,) * len(case.shape))
    quantity, payment = (vocabulary.without_noise(one) for one in (quantity, vocabulary.value(m.payment, shape)))
    return Menu(case, quantity.reshape(shape), payment, near)
