"""The carrier, who carries on lanes: with trucks of his own, and with subcontractors beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Carrier, Flow, Shared
from veridical.models.joint_plan import vocabulary

__all__ = ["FAMILIES", "IDENTITIES", "after", "declare"]

FAMILIES = {**vocabulary.LANES, "fleet": ("week",), "carried_volume": ("week",), "weekly_change": ("week",)}
IDENTITIES = ("lane_volume", "lane_split", "carried_volume", "weekly_change")


def declare(block: Any, record: Carrier, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a carrier's block.

    Lanes as in `lanes`. fleet: days of the own trucks <= capacity + overtime. carried_volume: V = volume on all lanes.
    weekly_change: V[t] - V[t-1].
    """
    data = vocabulary.numbers(block, record)
    plan, weeks = vocabulary.declared(block, flows), shared.weeks
    lanes = vocabulary.lanes(block, record, data, shared, plan)
    sites = {t: [f for f, week in block.lane if week == t] for t in weeks}
    days = {t: pyo.quicksum(data.truck_days[f] * block.own_lane[f, t] for f in sites[t]) for t in weeks}
    overtime = vocabulary.overtime(block, "fleet", "fleet_overtime", days, data.fleet)
    carried = vocabulary.nonnegative(block, "carried", weeks)

    @block.Constraint(weeks)
    def carried_volume(_: Any, t: int) -> Any:
        return pyo.quicksum(block.lane[f, t] for f in sites[t]) == carried[t]

    before = None if record.previous_volume is None else data.previous_volume
    costs = {
        "sales": -vocabulary.paid(block, shared, plan),
        **lanes,
        "fleet_overtime": data.fleet_overtime * pyo.quicksum(overtime.values()),
        **vocabulary.changes(block, data, shared, carried, before, sum(record.contract.values())),
    }
    vocabulary.costs(block, costs)


def after(block: Any, record: Carrier, week: int) -> Carrier:
    """Return the record with the volume that a solved block carries in a week: what smoothing starts from."""
    return record.replace(previous_volume=max(pyo.value(block.carried[week]), 0.0))
