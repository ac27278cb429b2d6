"""Those who receive: the retailer (and the marketplace), who serves demand, and the shipper, whose freight is carried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Flow, Retailer, Shared, Shipper, Values
from veridical.models.joint_plan.vocabulary import costs, declared, grouped, nonnegative, overtime, row, rows, squares, volumes

__all__ = ["retailer", "retailer_after", "retailer_served", "shipper", "shipper_after", "shipper_served"]


def retailer(block: Any, record: Retailer, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a retailer's block.

    stock_balance: stock = stock before + received - served. demand: served + lost = demand. inbound_volume: N = volume received.
    inbound_capacity: N <= capacity + overtime.
    """
    plan = declared(block, flows)
    weeks, first = shared.weeks, shared.weeks[0]
    received = grouped(flows, "site", "product", "week")
    arrivals = grouped(flows, "site", "week")
    stocked = [(f, p, t) for f in shared.sites for p in shared.products for t in weeks]
    links = [(f, r) for f, r in record.outbound_cost if f in set(shared.sites)]
    routes = [(f, r, p, t) for f, r in links for p in shared.products for t in weeks]
    needs = [(r, p, t) for r, p, t in record.demand if p in shared.products]
    served, stock = nonnegative(block, "served", routes), nonnegative(block, "stock", stocked)
    lost, inbound = nonnegative(block, "lost", needs), nonnegative(block, "inbound", arrivals)
    extra = nonnegative(block, "inbound_overtime", arrivals)
    regions: dict[str, list[str]] = {}
    sites: dict[str, list[str]] = {}
    for f, r in links:
        regions.setdefault(f, []).append(r)
        sites.setdefault(r, []).append(f)

    def kept(key: Any) -> Any:
        f, p, t = key
        leaving = [served[f, r, p, t] for r in regions.get(f, ())]
        coming = [plan[k] for k in received.get(key, ())]
        terms, before = [stock[key], *leaving, *coming], record.stock[f, p]
        signs = [1.0] * (1 + len(leaving)) + [-1.0] * len(coming)
        if t != first:
            terms, signs, before = [*terms, stock[f, p, t - 1]], [*signs, -1.0], 0.0
        return row(signs, terms), before

    def met(key: Any) -> Any:
        r, p, t = key
        terms = [lost[key], *(served[f, r, p, t] for f in sites.get(r, ()))]
        return row([1.0] * len(terms), terms), record.demand[key]

    rows(block, "stock_balance", stocked, kept)
    rows(block, "demand", needs, met)
    volumes(block, "inbound_volume", flows, plan, arrivals, inbound, shared)
    overtime(block, "inbound_capacity", extra, {key: ([1.0], [inbound[key]]) for key in arrivals}, record.inbound_capacity)
    volume = shared.products
    costs(
        block,
        {
            "purchase": row(shared.price.tolist(), plan),
            "outbound": row([record.outbound_cost[f, r] * volume[p] for f, r, p, _ in routes], served.values()),
            "holding": row([record.holding_cost[f, p] for f, p, _ in stocked], stock.values()),
            "lost_sales": row([record.penalty[p] for _, p, _ in needs], lost.values()),
            "overtime": row([record.inbound_overtime[f] for f, _ in arrivals], extra.values()),
            "congestion": squares(
                block,
                "congestion_charge",
                inbound,
                lambda key: record.congestion[key[0]],
                lambda key: record.inbound_capacity[key] or 1.0,
                shared,
            ),
        },
    )


def retailer_after(block: Any, record: Retailer, week: int) -> Retailer:
    """Return the record with the stock that a solved block leaves after a week."""
    return record.replace(stock=Values({(f, p): max(pyo.value(block.stock[f, p, week]), 0.0) for f, p in record.stock}))


def retailer_served(block: Any, record: Retailer, week: int) -> tuple[float, float]:
    """Return the units of demand that a solved block serves in a week, and the demand."""
    needs = [key for key in block.lost if key[2] == week]
    needed = sum(record.demand[key] for key in needs)
    return needed - sum(max(pyo.value(block.lost[key]), 0.0) for key in needs), needed


def shipper(block: Any, record: Shipper, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a shipper's block.

    waiting_balance: waiting = waiting before + ready - carried - by the market. booked: carried <= booked with the carriers.
    loading_volume: volume booked on a lane. dock_capacity: volume booked on all lanes <= capacity + overtime.
    What still waits at the end goes by the market.
    """
    plan = declared(block, flows)
    weeks, first = shared.weeks, shared.weeks[0]
    booked, loads = grouped(flows, "site", "product", "week"), grouped(flows, "site", "week")
    keys = [(f, p, t) for f in shared.sites for p in shared.products for t in weeks]
    waiting, carried, market = (nonnegative(block, name, keys) for name in ("waiting", "carried", "market"))
    loading, extra = nonnegative(block, "loading", loads), nonnegative(block, "dock_overtime", weeks)

    def left(key: Any) -> Any:
        f, p, t = key
        terms, signs, known = [waiting[key], carried[key], market[key]], [1.0, 1.0, 1.0], record.ready[key]
        if t == first:
            known += record.stock[f, p]
        else:
            terms, signs = [*terms, waiting[f, p, t - 1]], [*signs, -1.0]
        return row(signs, terms), known

    def within(key: Any) -> Any:
        space = [plan[k] for k in booked.get(key, ())]
        return row([1.0, *[-1.0] * len(space)], [carried[key], *space]) <= 0.0

    rows(block, "waiting_balance", keys, left)
    rows(block, "booked", keys, within)
    volumes(block, "loading_volume", flows, plan, loads, loading, shared)
    every = {t: [loading[key] for key in loads if key[1] == t] for t in weeks}
    overtime(
        block, "dock_capacity", extra, {t: ([1.0] * len(every[t]), every[t]) for t in weeks if every[t]}, record.dock_capacity
    )
    costs(
        block,
        {
            "freight": row(shared.price.tolist(), plan),
            "waiting": row(
                [(record.market_cost if t == weeks[-1] else record.waiting_cost)[f, p] for f, p, t in keys], waiting.values()
            ),
            "market": row([record.market_cost[f, p] for f, p, _ in keys], market.values()),
            "overtime": row([record.dock_overtime] * len(weeks), extra.values()),
            "congestion": squares(
                block,
                "congestion_charge",
                loading,
                lambda key: record.congestion[key[0]],
                lambda key: record.dock_capacity[key[1]] / len(shared.sites) or 1.0,
                shared,
            ),
        },
    )


def shipper_after(block: Any, record: Shipper, week: int) -> Shipper:
    """Return the record with the freight that a solved block leaves waiting after a week."""
    return record.replace(stock=Values({(f, p): max(pyo.value(block.waiting[f, p, week]), 0.0) for f, p in record.stock}))


def shipper_served(block: Any, record: Shipper, week: int) -> tuple[float, float]:
    """Return the units that the carriers carry in a week, and those with what goes by the market, at the end all that waits."""
    last = max(key[2] for key in block.waiting)
    market = [block.market, block.waiting] if week == last else [block.market]
    carried, bought = (
        sum(max(pyo.value(each), 0.0) for variables in some for key, each in variables.items() if key[2] == week)
        for some in ([block.carried], market)
    )
    return carried, carried + bought
