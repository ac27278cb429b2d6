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
from veridical.models.expected_sales import expected_sales
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
        `quantity` (products for which every component is bought) and `payment` (currency) by supplier.

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

    m.quantity = pyo.Var(m.PROFILES, domain=pyo.NonNegativeReals)
    m.payment = pyo.Var(m.SUPPLIERS)
    m.expected_sales = expected_sales(m.quantity, case.demand, form)

    earned = vocabulary.expected_revenue(m, EVERY, m.quantity) - pyo.quicksum(m.payment[i] for i in m.SUPPLIERS)
    if case.profiles <= ENUMERATED:  # probabilities sum to 1: they are here to be differentiated by, as in the other mechanisms
        m.COST_PROFILES = pyo.Set(initialize=profile_names(case))
        vocabulary.prior(m, m.COST_PROFILES)
        earned = pyo.quicksum(m.probability.values()) * earned
    m.profit = pyo.Objective(expr=earned, sense=pyo.maximize)

    each, reserved = m.units_per_product, vocabulary.elsewhere(m)

    @m.Constraint(m.COSTS)
    def individual_rationality(m: Any, i: str, cost: float) -> Any:  # binds at the highest cost: P_i = c_i(h) q
        return m.payment[i] >= m.cost[i, cost] * each[i] * m.quantity[EVERY] + reserved[i, cost]

    vocabulary.capacities(m, [(i, EVERY) for i in m.SUPPLIERS], lambda i, t: each[i] * m.quantity[t])

    info_of(m).contracts = menu
    return m


def menu(m: Any, duals: Any = None) -> Menu:
    """Return the contract menu that a solved model holds: the same contract whatever is reported."""
    n = len(m.SUPPLIERS)
    payment = vocabulary.value(m.payment, (n, *(1,) * n))
    case = vocabulary.case_of(m)
    return Menu(case, case.components(np.full((1,) * n, max(m.quantity[EVERY].value, 0.0))), payment)
