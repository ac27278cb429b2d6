"""What happens today: every receiver plans for itself alone, just in time, and the suppliers make do. The baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.models.info import builder, info_of
from veridical.models.joint_plan.party import frame

__all__ = ["build", "plan_of"]


@builder
def build(case: JointPlanCase) -> pyo.ConcreteModel:
    """Return the model of the receivers' own cost, with the tie-break that leaves exactly one plan (`Parameters.tie_break`).

    Whole trucks are the suppliers' matter: the baseline of a case with truckloads is that of the same case without.

    Parameters
    ----------
    case
        The parties and what they share; only the receivers are modelled.

    Returns
    -------
    pyo.ConcreteModel
        `parties`, a block for each receiver, with `plan` (units by flow) and `cost`.

    Examples
    --------
    >>> import veridical as vd
    >>> list(vd.models.joint_plan.jit.build(vd.example("carriers")).parties)
    ['Flint', 'Glover']
    """
    case = case.changed(truckload=False)
    m, info = frame("jit", case, case.receivers)
    m.tie_break = pyo.Param(initialize=case.mechanism.tie_break, within=pyo.NonNegativeReals, mutable=True)
    info.note("", m.tie_break)
    cost = pyo.quicksum(party.cost for party in m.parties.values())
    squares = pyo.quicksum(units**2 for party in m.parties.values() for units in party.plan.values())
    m.own_cost = pyo.Objective(expr=cost + m.tie_break / 2 * squares)
    info.close({})
    return m


def plan_of(m: Any) -> Array:
    """Return the plan of a solved model, units >= 0, one a flow."""
    info: Any = info_of(m)
    plan = np.zeros(len(info.shared.flows))
    for name, party in info.parties.items():
        plan[info.shared.share(name)] = [max(units.value, 0.0) for units in party.plan.values()]
    return plan
