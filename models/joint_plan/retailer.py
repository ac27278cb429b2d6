"""The retailer, who serves the demand of regions from his sites, and the marketplace, which does so for sellers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Flow, Retailer, Shared, Values
from veridical.models.joint_plan import vocabulary

__all__ = ["FAMILIES", "IDENTITIES", "after", "declare", "served"]

FAMILIES = {
    "stock_balance": ("site", "product", "week"),
    "demand": ("region", "product", "week"),
    "inbound_volume": ("site", "week"),
    "inbound_capacity": ("site", "week"),
}
IDENTITIES = ("stock_balance", "inbound_volume")


def declare(block: Any, record: Retailer, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a retailer's block.

    stock_balance: stock = stock before + received - served. demand: served + lost = demand. inbound_volume: N = volume received.
    inbound_capacity: N <= capacity + overtime. Costs: purchase, outbound, holding, lost sales, overtime, congestion / 2 * N^2.
    """
    data = vocabulary.numbers(block, record, without=["actual"])  # what demand turns out to be is known when a week has come
    weeks, products = shared.weeks, list(shared.products)
    links = [(f, r) for f, r in record.outbound_cost if f in set(shared.sites)]
    needs = [(r, p, t) for r, p, t in record.demand if p in shared.products]
    regions = {f: [r for site, r in links if site == f] for f in shared.sites}
    sites = {r: [f for f, region in links if region == r] for r in {r for r, _, _ in needs}}
    received, arrivals = vocabulary.grouped(flows, "site", "product", "week"), vocabulary.grouped(flows, "site", "week")

    plan = vocabulary.declared(block, flows)
    served = vocabulary.nonnegative(block, "served", [(f, r, p, t) for f, r in links for p in products for t in weeks])
    stock = vocabulary.nonnegative(block, "stock", [(f, p, t) for f in shared.sites for p in products for t in weeks])
    lost = vocabulary.nonnegative(block, "lost", needs)

    def arriving(*key: Any) -> Iterable[Any]:
        return (plan[flow] for flow in received.get(key, ()))

    def leaving(f: str, p: str, t: int) -> Iterable[Any]:
        return (served[f, r, p, t] for r in regions[f])

    vocabulary.balance(block, "stock_balance", stock, data.stock, arriving, leaving, weeks[0])

    @block.Constraint(lost.index_set())
    def demand(_: Any, r: str, p: str, t: int) -> Any:
        return lost[r, p, t] + pyo.quicksum(served[f, r, p, t] for f in sites[r]) == data.demand[r, p, t]

    inbound = vocabulary.volumes(block, "inbound_volume", "inbound", arrivals, plan, shared)
    overtime = vocabulary.overtime(block, "inbound_capacity", "inbound_overtime", inbound, data.inbound_capacity)
    volume = dict(shared.products)
    sent = {(f, r): pyo.quicksum(volume[p] * served[f, r, p, t] for p in products for t in weeks) for f, r in links}
    costs = {
        "purchase": vocabulary.paid(block, shared, plan),
        "outbound": pyo.quicksum(data.outbound_cost[link] * sent[link] for link in links),
        "holding": pyo.quicksum(
            data.holding_cost[f, p] * pyo.quicksum(stock[f, p, t] for t in weeks) for f in shared.sites for p in products
        ),
        "lost_sales": pyo.quicksum(data.penalty[p] * lost[r, p, t] for r, p, t in needs),
        "overtime": pyo.quicksum(data.inbound_overtime[f] * overtime[f, t] for f, t in arrivals),
        "congestion": vocabulary.squares(
            block, "congestion_charge", inbound, data.congestion, lambda key: record.inbound_capacity[key], shared
        ),
    }
    vocabulary.costs(block, costs)


def after(block: Any, record: Retailer, week: int) -> Retailer:
    """Return the record with the stock that a solved block leaves after a week."""
    return record.replace(stock=Values({(f, p): max(pyo.value(block.stock[f, p, week]), 0.0) for f, p in record.stock}))


def served(block: Any, record: Retailer, week: int) -> tuple[float, float]:
    """Return the units of demand that a solved block serves in a week, and the demand."""
    needs = [key for key in block.lost if key[2] == week]
    needed = sum(record.demand[key] for key in needs)
    return needed - sum(max(pyo.value(block.lost[key]), 0.0) for key in needs), needed
