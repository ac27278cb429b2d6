"""The supplier's optimum as a system: the conditions (6)-(8), (10)-(11) with complementarity; units and lambda are unknown.

    0 <= Q_k     is complementary to  lambda + pooling - virtual marginal revenue >= 0, at every profile and type in it,
    0 <= lambda  is complementary to  K - sum of Q >= 0,
    0 <= mu_k    is complementary to  what a retailer can take - Q_k >= 0, where that is bounded; mu_k adds to lambda above,
    0 <= pool    is complementary to  Q_{k+1} - Q_k >= 0 (none where `monotonicity` is off).

The complementarity is an exact penalty: the objective is profit less the sum of all products, the pools' cancel. No allotment
earns more than the optimum and no product is negative, so the objective is at most the optimal profit, and equal to it where
every product is 0: the solutions are those of the system, without the constraints that products vanish, which have no interior.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment
from veridical.data import AllocationCase
from veridical.models.allocation import rents, terms, vocabulary
from veridical.models.allocation.allocation import declare
from veridical.models.info import builder, info_of

__all__ = ["build", "refuse"]


def refuse(case: AllocationCase) -> None:
    """Raise InputError for a case with something for which these conditions are not those of the optimum."""
    for error_of in (case.refuse_correlation, case.refuse_minimum_orders, case.refuse_countervailing):
        error_of("`allocation_kkt`")


@builder
def build(
    case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS, monotonicity: bool | None = None
) -> pyo.ConcreteModel:
    """Return the model of the optimality conditions, for a fixed or a chosen capacity.

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
        `quantity` (units), `shadow_price` lambda (currency per unit), `pool`, the multipliers of monotonicity, and
        `complementarity`, the sum of all products in expectation.

    Raises
    ------
    InputError
        For a form that the revenues do not have, a revenue that mechanisms cannot rest on, or a model that would not fit into
        memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.allocation_kkt.build(vd.example("two-retailers"))
    >>> round(vd.solvers.solve(model, "ipopt").objective, 2)
    9.24
    """
    refuse(case)
    m = vocabulary.frame(case, "allocation_kkt", form, points)
    rents.virtual_revenue(m)
    rents.virtual_marginal(m)
    vocabulary.supply(m)
    m.shadow_price = pyo.Var(m.PROFILES, domain=pyo.NonNegativeReals, initialize=case.capacity_cost or 0.0)
    pools: dict[Any, list[Any]] = {key: [] for key in m.CELLS}
    if pairs := vocabulary.monotonicity(m, monotonicity):
        m.pool = pyo.Var(m.monotonicity.index_set(), domain=pyo.NonNegativeReals, initialize=0.0)
        for key, (low, high) in pairs.items():
            pools[low].append(m.pool[key])
            pools[high].append(-m.pool[key])

    bounded = [] if m.component("deliverable") is None else list(m.retailer_capacity)
    m.retailer_price = pyo.Var(bounded, domain=pyo.NonNegativeReals, initialize=0.0)  # of his own capacity, one a cell
    prices = dict(m.retailer_price.items())

    @m.Constraint(m.CELLS)
    def shadow_price_covers(m: Any, t: str, g: str, theta: float) -> Any:  # (6), (10)-(11)
        weight = m.probability[t].expr * m.count[t, g, theta]
        own = prices.get((t, g, theta), 0.0)
        margin = weight * (m.shadow_price[t] + own - m.virtual_marginal[t, g, theta])
        return margin + pyo.quicksum(pools[t, g, theta]) >= 0

    mean = pyo.quicksum(m.probability[t].expr * m.shadow_price[t] for t in m.PROFILES)
    if case.capacity_cost is None:
        worth = m.K * mean
    else:  # K is complementary to c - E[lambda] >= 0: (13)
        worth = m.capacity_cost * m.K
        m.mean_shadow_price = pyo.Constraint(expr=mean <= m.capacity_cost)
    full = pyo.quicksum(m.probability[k[0]].expr * m.count[k] * m.deliverable[k[1]] * m.retailer_price[k] for k in bounded)
    used = vocabulary.expected(m, lambda *key: m.quantity[key] * m.virtual_marginal[key])
    m.complementarity = pyo.Expression(expr=worth + full - used)
    revenue = vocabulary.expected(m, lambda *key: m.virtual_revenue[key]) - terms.owed(m, lowest=True)
    m.profit = pyo.Objective(expr=revenue - vocabulary.cost(m) - m.complementarity, sense=pyo.maximize)
    info = info_of(m)
    info.contracts, info.zero_at_optimum = allotted, m.complementarity
    info.program = partial(_program, form, points, monotonicity)
    return m


def _program(form: str, points: int, monotonicity: bool | None, m: Any) -> Any:
    """Return the program whose conditions a model is; None where one of them, or the objective, is no longer active."""
    if not m.profit.active or any(not row.active for row in m.component_data_objects(pyo.Constraint)):
        return None
    case = vocabulary.case_of(m)
    return declare(case, "allocation" if case.capacity_cost is None else "capacity_choice", form, points, monotonicity)


def allotted(m: Any, duals: Any) -> Allotment:
    """Return what a solved model gives to whom, with its own shadow prices."""
    prices = np.array([m.shadow_price[t].value for t in m.PROFILES])
    return replace(vocabulary.allotment(m, duals), shadow_price=prices)
