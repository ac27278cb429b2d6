"""Those who deliver: the vendor, who makes what he ships, the seller, who places stock of his own, and the carrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Carrier, Flow, Seller, Shared, Values, Vendor
from veridical.models.joint_plan.vocabulary import changes, costs, declared, grouped, lanes, nonnegative, overtime, row, rows

__all__ = ["carrier", "carrier_after", "seller", "stock_after", "vendor", "vendor_after"]


def vendor(block: Any, record: Vendor, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a vendor's block.

    stock_balance: stock = stock before + produced + expedited - shipped. production_volume: Q. production_capacity: Q <= capacity
    + overtime. handling: volume shipped <= capacity + overtime. Lanes as in `lanes`; weekly_change: Q[t] - Q[t-1].
    """
    plan, weeks = declared(block, flows), shared.weeks
    goods = [(p, t) for p in shared.products for t in weeks]
    produced = nonnegative(block, "produced", goods)
    held = _held(block, record, shared, flows, plan, lambda key: ([produced[key]], 0.0))
    production, extra = nonnegative(block, "production", weeks), nonnegative(block, "production_overtime", weeks)
    volumes = list(shared.products.values())
    rows(
        block,
        "production_volume",
        weeks,
        lambda t: (row([*volumes, -1.0], [*(produced[p, t] for p in shared.products), production[t]]), 0.0),
    )
    overtime(block, "production_capacity", extra, {t: ([1.0], [production[t]]) for t in weeks}, record.production_capacity)
    reach = max(record.production_capacity.values())
    costs(
        block,
        {
            "sales": _sales(shared, plan),
            "production": row([record.production_cost[p] for p, _ in goods], produced.values()),
            "production_overtime": row([record.production_overtime] * len(weeks), extra.values()),
            **held,
            **lanes(block, record, shared, flows, plan),
            **changes(block, record, shared, production, record.previous_production, reach),
        },
    )


def vendor_after(block: Any, record: Vendor, week: int) -> Vendor:
    """Return the record with the stock that a solved block leaves after a week, and that week's production volume."""
    left: Vendor = stock_after(block, record, week)
    return left.replace(previous_production=max(pyo.value(block.production[week]), 0.0))


def seller(block: Any, record: Seller, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a seller's block: as a vendor's, with arrivals at his warehouse in place of production."""
    plan = declared(block, flows)
    held = _held(block, record, shared, flows, plan, lambda key: ([], record.arrivals[key]))
    costs(block, {"sales": _sales(shared, plan), **held, **lanes(block, record, shared, flows, plan)})


def stock_after(block: Any, record: Any, week: int) -> Any:
    """Return the record with the stock that a solved block leaves after a week."""
    return record.replace(stock=Values({p: max(pyo.value(block.stock[p, week]), 0.0) for p in record.stock}))


def carrier(block: Any, record: Carrier, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a carrier's block.

    Lanes as in `lanes`; fleet: days of the own trucks <= capacity + overtime. weekly_change: of the volume on all lanes.
    """
    plan, weeks = declared(block, flows), shared.weeks
    parts = lanes(block, record, shared, flows, plan)
    extra, carried = nonnegative(block, "fleet_overtime", weeks), nonnegative(block, "carried", weeks)
    own = {t: [key for key in block.own_lane if key[1] == t] for t in weeks}
    days = {t: ([record.truck_days[f] for f, _ in own[t]], [block.own_lane[key] for key in own[t]]) for t in weeks}
    overtime(block, "fleet", extra, days, record.fleet)
    rows(
        block,
        "carried_volume",
        weeks,
        lambda t: (row([*[1.0] * len(own[t]), -1.0], [*(block.lane[key] for key in own[t]), carried[t]]), 0.0),
    )
    reach = sum(record.contract.values())
    costs(
        block,
        {
            "sales": _sales(shared, plan),
            **parts,
            "fleet_overtime": row([record.fleet_overtime] * len(weeks), extra.values()),
            **changes(block, record, shared, carried, record.previous_volume, reach),
        },
    )


def carrier_after(block: Any, record: Carrier, week: int) -> Carrier:
    """Return the record with the volume that a solved block carries in a week: what smoothing starts from."""
    return record.replace(previous_volume=max(pyo.value(block.carried[week]), 0.0))


def _sales(shared: Shared, plan: list[Any]) -> Any:
    """Return what the receivers pay, as a negative cost."""
    return row((-shared.price).tolist(), plan)


def _held(
    block: Any,
    record: Any,
    shared: Shared,
    flows: Sequence[Flow],
    plan: list[Any],
    coming: Callable[[Any], tuple[list[Any], float]],
) -> dict[str, Any]:
    """Declare stock, expediting and handling of what is shipped, and return what they cost.

    `coming` says what comes into stock by product and week: variables, and units that are known.
    """
    weeks, first = shared.weeks, shared.weeks[0]
    goods = [(p, t) for p in shared.products for t in weeks]
    stock, expedited = nonnegative(block, "stock", goods), nonnegative(block, "expedited", goods)
    extra = nonnegative(block, "handling_overtime", weeks)
    shipped, leaving = grouped(flows, "product", "week"), grouped(flows, "week")

    def kept(key: Any) -> Any:
        p, t = key
        going, (more, known) = [plan[k] for k in shipped.get(key, ())], coming(key)
        terms, signs = [stock[key], *going, expedited[key], *more], [1.0] * (1 + len(going)) + [-1.0] * (1 + len(more))
        if t == first:
            known += record.stock[p]
        else:
            terms, signs = [*terms, stock[p, t - 1]], [*signs, -1.0]
        return row(signs, terms), known

    rows(block, "stock_balance", goods, kept)
    volume = {t: ([shared.products[flows[k].product] for k in at], [plan[k] for k in at]) for t, at in leaving.items()}
    overtime(block, "handling", extra, volume, record.handling_capacity)
    return {
        "holding": row([record.holding_cost[p] for p, _ in goods], stock.values()),
        "expediting": row([record.expediting_cost[p] for p, _ in goods], expedited.values()),
        "handling_overtime": row([record.handling_overtime] * len(weeks), extra.values()),
    }
