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

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import LEVELS, JointPlanCase
from veridical.models.info import builder, info_of
from veridical.models.joint_plan.party import frame
from veridical.models.joint_plan.vocabulary import nonnegative

__all__ = ["build", "plan_of"]


@builder
def build(
    case: JointPlanCase, baseline: Any = None, non_participants: Collection[str] = (), activity_fee: float = 0.0
) -> pyo.ConcreteModel:
    """Return the model of the joint plan: the least cost of all parties that take part.

    Parameters
    ----------
    case
        The parties and what they share.
    baseline
        A plan: units, one a flow. Needed where parties do not take part, and where activity is paid for.
    non_participants
        Names of parties that stay at `baseline`: their flows are fixed, and their cost there is not in the objective.
    activity_fee
        Currency per m3: what the plan pays for every m3 by which it differs from the baseline.

    Returns
    -------
    pyo.ConcreteModel
        `parties`, a block each, with `plan` (units by flow) and `cost`; `agreement`, whose duals are the prices of flows.

    Raises
    ------
    InputError
        For parties that are not in the case, and where a baseline is needed and missing.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.joint_plan.joint.build(vd.data.joint_plan.pilot(vendors=2, weeks=2, makers=1))
    >>> list(model.parties)
    ['retailer', 'Alder', 'Birch']
    """
    shared = case.shared
    for name in non_participants:
        case.party(name)
    if (non_participants or activity_fee) and baseline is None:
        allowed = "a plan: parties that do not take part stay at it, and activity is counted from it"
        raise InputError.of("baseline", None, allowed, case.name)
    m, info = frame("joint", case, [name for name in case.names if name not in non_participants])
    info.start = start = None if baseline is None else shared.vector(baseline)
    plans = {name: party.plan for name, party in m.parties.items()}
    both = [flow for flow in shared.flows if flow.supplier in plans and flow.receiver in plans]

    @m.Constraint(both)
    def agreement(_: Any, *flow: Any) -> Any:
        return plans[flow[0]][flow] == plans[flow[1]][flow]

    index_names = {"agreement": LEVELS}
    cost = pyo.quicksum(party.cost for party in m.parties.values())
    if start is not None:
        before: dict[Any, float] = dict(zip(shared.flows, start.tolist(), strict=True))
        for flow in before.keys() - set(both):
            for name in flow[:2]:
                if name in plans:
                    plans[name][flow].fix(before[flow])
    if activity_fee:
        more, less = (nonnegative(m, name, m.agreement.index_set()) for name in ("more", "less"))

        @m.Constraint(m.agreement.index_set())
        def activity(_: Any, *flow: Any) -> Any:
            return plans[flow[1]][flow] == before[flow] + more[flow] - less[flow]

        m.activity_fee = pyo.Param(initialize=activity_fee, within=pyo.NonNegativeReals, mutable=True)
        info.note("", m.activity_fee)
        volume = dict(zip(shared.flows, shared.volume.tolist(), strict=True))
        m.fee = pyo.Expression(expr=m.activity_fee * pyo.quicksum(volume[flow] * (more[flow] + less[flow]) for flow in both))
        index_names["activity"], cost = LEVELS, cost + m.fee
    m.total_cost = pyo.Objective(expr=cost)
    info.close(index_names)
    return m


def plan_of(m: Any) -> Array:
    """Return the plan of a solved model, units >= 0, one a flow: the mean of what the two ends say.

    Flows of parties that do not take part are as they were.
    """
    info: Any = info_of(m)
    total, count = np.zeros(len(info.shared.flows)), np.zeros(len(info.shared.flows))
    for name, party in info.parties.items():
        share = info.shared.share(name)
        total[share] += [units.value for units in party.plan.values()]
        count[share] += 1
    nobody = count == 0
    plan = np.where(nobody, 0.0 if info.start is None else info.start, total / np.where(nobody, 1.0, count))
    return np.maximum(plan, 0.0)
