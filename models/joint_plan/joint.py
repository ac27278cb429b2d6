"""The joint plan: the parties' blocks side by side, agreed on one plan, at least cost of all together.

Each party has its own copy of its share, and `agreement` says flow by flow that supplier and receiver mean the same. Its dual
is the price of the flow: what one more unit, in that week, to that site, costs the supplier (net of what the receiver pays
him) and saves the receiver. The other duals are what the parties' own capacities are worth.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from veridical.data import InputError
from veridical.data.joint_plan import LEVELS as FLOW
from veridical.data.joint_plan import JointPlanCase
from veridical.models.info import ModelInfo, constraint_key, describe
from veridical.models.joint_plan.party import LEVELS, declare
from veridical.models.joint_plan.vocabulary import nonnegative, row, rows

__all__ = ["build", "plan_of"]

Array = NDArray[np.float64]


def build(case: JointPlanCase, baseline: Any = None, held: Collection[str] = (), activity_fee: float = 0.0) -> pyo.ConcreteModel:
    """Return the model, of the cost of all parties that are not held.

    `held` parties stay at `baseline`: their flows are fixed, and their cost there is not in the objective. `activity_fee`,
    currency per m3, is paid by the plan for every m3 by which it differs from the baseline.
    Raises InputError for parties that are not there, and where a baseline is needed and missing.
    """
    shared = case.shared
    for name in held:
        case.party(name)
    if (held or activity_fee) and baseline is None:
        raise InputError.of("baseline", None, "a plan: parties are held at it, or activity is counted from it", case.name)
    m = pyo.ConcreteModel(name="joint")
    m.case = case
    m.start = None if baseline is None else shared.vector(baseline)
    m.parties = pyo.Block([name for name in case.names if name not in held])
    for name in m.parties:
        declare(m.parties[name], case.part(name))
    flows = shared.flows
    shares = {name: dict(zip(shared.share(name).tolist(), m.parties[name].plan.values(), strict=True)) for name in m.parties}
    m.shares = shares
    both = [k for k, flow in enumerate(flows) if flow.supplier in shares and flow.receiver in shares]
    for own in shares.values():
        for k, variable in own.items():
            if flows[k].supplier in held or flows[k].receiver in held:
                variable.fix(float(m.start[k]))
    ends = {flows[k]: (shares[flows[k].supplier][k], shares[flows[k].receiver][k]) for k in both}
    rows(m, "agreement", ends, lambda flow: (row([1.0, -1.0], ends[flow]), 0.0))
    names = {family: ("party", *levels) for family, levels in LEVELS.items()} | {"agreement": FLOW, "activity": FLOW}
    describe(m, ModelInfo(case=case, index_names=names, name_of=constraint_key))
    cost: Any = pyo.quicksum(m.parties[name].cost for name in m.parties)
    if activity_fee:
        more, less = (nonnegative(m, name, ends) for name in ("more", "less"))
        start = dict(zip(ends, m.start[both].tolist(), strict=True))
        rows(m, "activity", ends, lambda flow: (row([1.0, -1.0, 1.0], [ends[flow][1], more[flow], less[flow]]), start[flow]))
        fees = (activity_fee * shared.volume[both]).tolist()
        m.fee = pyo.Expression(expr=row([*fees, *fees], [*more.values(), *less.values()]))
        cost = cost + m.fee
    m.total_cost = pyo.Objective(expr=cost)
    return m


def plan_of(m: Any) -> Array:
    """Return the plan of a solved model, units >= 0, one a flow: the mean of what the two ends say; held flows as they were."""
    total, count = np.zeros(len(m.case.shared.flows)), np.zeros(len(m.case.shared.flows))
    for own in m.shares.values():
        places = list(own)
        total[places] += [variable.value for variable in own.values()]
        count[places] += 1
    alone = count == 0
    plan = np.where(alone, 0.0 if m.start is None else m.start, total / np.where(alone, 1.0, count))
    return np.maximum(plan, 0.0)
