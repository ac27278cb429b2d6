"""The shipper, whose freight waits on lanes to be carried, or goes by the market."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Flow, Shared, Shipper, Values
from veridical.models.joint_plan import vocabulary

__all__ = ["FAMILIES", "IDENTITIES", "after", "declare", "served"]

FAMILIES = {
    "waiting_balance": ("site", "product", "week"),
    "booked": ("site", "product", "week"),
    "loading_volume": ("site", "week"),
    "dock_capacity": ("week",),
}
IDENTITIES = ("waiting_balance", "booked", "loading_volume")


def declare(block: Any, record: Shipper, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a shipper's block.

    waiting_balance: waiting = waiting before + ready - carried - by the market. booked: carried <= booked with the carriers.
    loading_volume: N = volume booked on a lane. dock_capacity: volume booked on all lanes <= capacity + overtime.
    What still waits at the end goes by the market. Costs: freight, waiting, market, overtime, congestion / 2 * N^2.
    """
    data = vocabulary.numbers(block, record, without=["actual"])  # what is ready in the end is known when a week has come
    weeks = shared.weeks
    keys = [(f, p, t) for f in shared.sites for p in shared.products for t in weeks]
    space, loads = vocabulary.grouped(flows, "site", "product", "week"), vocabulary.grouped(flows, "site", "week")

    plan = vocabulary.declared(block, flows)
    waiting = vocabulary.nonnegative(block, "waiting", keys)
    carried, market = (vocabulary.nonnegative(block, name, waiting.index_set()) for name in ("carried", "market"))

    def arriving(*key: Any) -> Iterable[Any]:
        return (data.ready[key],)

    def leaving(*key: Any) -> Iterable[Any]:
        return carried[key], market[key]

    vocabulary.balance(block, "waiting_balance", waiting, data.stock, arriving, leaving, weeks[0])

    @block.Constraint(waiting.index_set())
    def booked(_: Any, f: str, p: str, t: int) -> Any:
        return carried[f, p, t] <= pyo.quicksum(plan[flow] for flow in space.get((f, p, t), ()))

    loading = vocabulary.volumes(block, "loading_volume", "loading", loads, plan, shared)
    docked = {t: pyo.quicksum(loading[f, t] for f, week in loads if week == t) for t in weeks}
    overtime = vocabulary.overtime(block, "dock_capacity", "dock_overtime", docked, data.dock_capacity)

    def dock_share(key: Any) -> float:
        return record.dock_capacity[key[1]] / len(shared.sites)

    left = {t: data.market_cost if t == weeks[-1] else data.waiting_cost for t in weeks}
    costs = {
        "freight": vocabulary.paid(block, shared, plan),
        "waiting": pyo.quicksum(left[t][f, p] * waiting[f, p, t] for f, p, t in keys),
        "market": pyo.quicksum(data.market_cost[f, p] * market[f, p, t] for f, p, t in keys),
        "overtime": data.dock_overtime * pyo.quicksum(overtime.values()),
        "congestion": vocabulary.squares(block, "congestion_charge", loading, data.congestion, dock_share, shared),
    }
    vocabulary.costs(block, costs)


def after(block: Any, record: Shipper, week: int) -> Shipper:
    """Return the record with the freight that a solved block leaves waiting after a week."""
    return record.replace(stock=Values({(f, p): max(pyo.value(block.waiting[f, p, week]), 0.0) for f, p in record.stock}))


def served(block: Any, record: Shipper, week: int) -> tuple[float, float]:
    """Return the units that the carriers carry in a week, and those with what goes by the market, at the end all that waits."""
    last = max(key[2] for key in block.waiting)
    market = [block.market, block.waiting] if week == last else [block.market]
    carried, bought = (
        sum(max(pyo.value(units), 0.0) for variables in kinds for key, units in variables.items() if key[2] == week)
        for kinds in ([block.carried], market)
    )
    return carried, carried + bought
