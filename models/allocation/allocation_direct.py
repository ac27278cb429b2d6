"""The supplier's problem without virtual values: units and payments, interim truth and participation as constraints. (1)-(2).

Nothing of the theory is used, so it is the judge of the other models where priors are irregular. Payments P(theta_k) answer to
the own report alone. They are written as E[R(Q_k, theta_1)], what the lowest type would earn, plus a fee: the constraints are
then linear for linear and power demand, and the model is a convex program; for newsvendors it is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.contracts.allotment import Allotment, Reports
from veridical.data import AllocationCase
from veridical.models.allocation import vocabulary
from veridical.models.allocation.numbers import carried
from veridical.models.info import builder, carries, info_of

__all__ = ["build"]


@carries(carried())
@builder
def build(case: AllocationCase, form: str = "auto", points: int = vocabulary.POINTS) -> pyo.ConcreteModel:
    """Return the model without virtual values, for a fixed or a chosen capacity.

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
        `quantity` (units) by profile, group and type; `payment` (currency) by group and type. Newsvendors' units end where less
        than 1e-12 of the first unit's revenue is left.

    Raises
    ------
    InputError
        For a form that the revenues do not have, a revenue that mechanisms cannot rest on, or a model that would not fit into
        memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.allocation_direct.build(vd.example("two-retailers"))
    >>> round(vd.solvers.solve(model).objective, 2)
    9.24
    """
    m = vocabulary.frame(case, "allocation_direct", form, points)
    vocabulary.supply(m)
    groups, revenues = dict(vocabulary.groups_of(m)), vocabulary.details(m).revenues
    lowest = {name: float(group.theta[0]) for name, group in groups.items()}
    vocabulary.satiate(m)
    beliefs: dict[Any, list[Any]] = {key: [] for key in m.TYPES}
    for t, g, theta in m.CELLS:
        weight = m.probability[t].expr * m.count[t, g, theta] / (groups[g].count * m.type_probability[g, theta])
        beliefs[g, theta].append((m.quantity[t, g, theta], weight))

    def expected(reported: Any, worth: Any) -> Any:
        return pyo.quicksum(weight * worth(q) for q, weight in beliefs[reported])

    def more(g: str, report: float, theta: float) -> Any:
        """What a type earns with a report's units beyond what the lowest type does."""
        return expected((g, report), lambda q: revenues[g].gain(q, lowest[g], theta))

    m.fee = pyo.Var(m.TYPES, initialize=0.0)

    @m.Expression(m.TYPES)
    def payment(m: Any, g: str, theta: float) -> Any:
        return m.fee[g, theta] + expected((g, theta), lambda q: revenues[g].value(q, lowest[g]))

    @m.Constraint([(g, theta, report) for g, theta in m.TYPES for report in groups[g].theta.tolist() if report != theta])
    def incentive_compatibility(m: Any, g: str, theta: float, report: float) -> Any:  # (1)
        truth = more(g, theta, theta) - m.fee[g, theta]
        return truth >= more(g, report, theta) - m.fee[g, report]

    @m.Constraint(m.TYPES)
    def individual_rationality(m: Any, g: str, theta: float) -> Any:  # (2)
        return more(g, theta, theta) >= m.fee[g, theta]

    paid = pyo.quicksum(groups[g].count * m.type_probability[g, theta] * m.payment[g, theta] for g, theta in m.TYPES)
    m.profit = pyo.Objective(expr=paid - vocabulary.cost(m), sense=pyo.maximize)
    info_of(m).contracts = allotted
    return m


def allotted(m: Any, duals: Any) -> Allotment:
    """Return what a solved model gives to whom, at its own payments, the same whatever the others are."""
    paid = [np.array([pyo.value(m.payment[name, t]) for t in group.theta.tolist()]) for name, group in vocabulary.groups_of(m)]

    def price(reports: Reports) -> Any:
        return np.broadcast_to(paid[reports.g], reports.quantity.shape)

    return vocabulary.allotment(m, duals, price)
