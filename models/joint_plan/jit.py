"""What happens today: every receiver plans for itself alone, just in time, and the suppliers make do. The baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from veridical.data.joint_plan import JointPlanCase
from veridical.models.info import ModelInfo, constraint_key, describe
from veridical.models.joint_plan.party import LEVELS, declare

__all__ = ["build", "plan_of"]


def build(case: JointPlanCase) -> pyo.ConcreteModel:
    """Return the model of the receivers' own cost, with the tie-break that leaves exactly one plan (`Parameters.tie_break`).

    Whole trucks are the suppliers' matter: the baseline of a case with truckloads is that of the same case without.
    """
    case = case.changed(truckload=False)
    m = pyo.ConcreteModel(name="jit")
    m.case = case
    names = {family: ("party", *levels) for family, levels in LEVELS.items()}
    describe(m, ModelInfo(case=case, index_names=names, name_of=constraint_key))
    m.parties = pyo.Block(list(case.receivers))
    for name in m.parties:
        declare(m.parties[name], case.part(name))
    weight = case.mechanism.tie_break / 2
    m.tie_break = pyo.Expression(
        expr=pyo.quicksum(weight * variable**2 for name in m.parties for variable in m.parties[name].plan.values())
    )
    m.own_cost = pyo.Objective(expr=pyo.quicksum(m.parties[name].cost for name in m.parties) + m.tie_break)
    return m


def plan_of(m: Any) -> NDArray[np.float64]:
    """Return the plan of a solved model, units >= 0, one a flow."""
    plan = np.zeros(len(m.case.shared.flows))
    for name in m.parties:
        plan[m.case.shared.share(name)] = [max(variable.value, 0.0) for variable in m.parties[name].plan.values()]
    return plan
