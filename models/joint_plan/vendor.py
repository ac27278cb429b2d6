"""Those who deliver from stock: the vendor, who makes what he ships, and the seller, to whose warehouse it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyomo.environ as pyo

from veridical.data.joint_plan import Flow, Seller, Shared, Values, Vendor
from veridical.models.joint_plan import vocabulary

__all__ = ["FAMILIES", "IDENTITIES", "SELLER", "after", "declare", "declare_seller", "stock_after"]

SELLER = {"stock_balance": ("product", "week"), "handling": ("week",), **vocabulary.LANES}
FAMILIES = {"production_volume": ("week",), "production_capacity": ("week",), "weekly_change": ("week",), **SELLER}
IDENTITIES = ("stock_balance", "production_volume", "weekly_change", "lane_volume", "lane_split")


def declare(block: Any, record: Vendor, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a vendor's block.

    stock_balance: stock = stock before + produced + expedited - shipped. production_volume: Q. production_capacity: Q <= capacity
    + overtime. handling: volume shipped <= capacity + overtime. Lanes as in `lanes`; weekly_change: Q[t] - Q[t-1].
    """
    data = vocabulary.numbers(block, record)
    plan, weeks, volume = vocabulary.declared(block, flows), shared.weeks, dict(shared.products)
    produced = vocabulary.nonnegative(block, "produced", [(p, t) for p in volume for t in weeks])
    from_stock = delivered(block, data, shared, plan, lambda p, t: produced[p, t])
    production = vocabulary.nonnegative(block, "production", weeks)

    @block.Constraint(weeks)
    def production_volume(_: Any, t: int) -> Any:
        return pyo.quicksum(volume[p] * produced[p, t] for p in volume) == production[t]

    overtime = vocabulary.overtime(block, "production_capacity", "production_overtime", production, data.production_capacity)
    before = None if record.previous_production is None else data.previous_production
    costs = {
        "sales": -vocabulary.paid(block, shared, plan),
        "production": by_product(data.production_cost, produced, weeks),
        "production_overtime": data.production_overtime * pyo.quicksum(overtime.values()),
        **from_stock,
        **vocabulary.lanes(block, record, data, shared, plan),
        **vocabulary.changes(block, data, shared, production, before, max(record.production_capacity.values())),
    }
    vocabulary.costs(block, costs)


def after(block: Any, record: Vendor, week: int) -> Vendor:
    """Return the record with the stock that a solved block leaves after a week, and that week's production volume."""
    left: Vendor = stock_after(block, record, week)
    return left.replace(previous_production=max(pyo.value(block.production[week]), 0.0))


def declare_seller(block: Any, record: Seller, shared: Shared, flows: Sequence[Flow]) -> None:
    """Declare a seller's block: as a vendor's, with arrivals at his warehouse in place of production."""
    data = vocabulary.numbers(block, record)
    plan = vocabulary.declared(block, flows)
    from_stock = delivered(block, data, shared, plan, lambda p, t: data.arrivals[p, t])
    lanes = vocabulary.lanes(block, record, data, shared, plan)
    vocabulary.costs(block, {"sales": -vocabulary.paid(block, shared, plan), **from_stock, **lanes})


def stock_after(block: Any, record: Any, week: int) -> Any:
    """Return the record with the stock that a solved block leaves after a week."""
    return record.replace(stock=Values({p: max(pyo.value(block.stock[p, week]), 0.0) for p in record.stock}))


def delivered(block: Any, data: Any, shared: Shared, plan: Any, coming: Callable[[str, int], Any]) -> dict[str, Any]:
    """Declare stock, expediting and handling of what is shipped, and return what they cost.

    `coming`: what is made, or arrives, by product and week.
    """
    weeks, volume = shared.weeks, dict(shared.products)
    shipped, weekly = vocabulary.grouped(shared.flows, "product", "week"), vocabulary.grouped(shared.flows, "week")
    stock = vocabulary.nonnegative(block, "stock", [(p, t) for p in volume for t in weeks])
    expedited = vocabulary.nonnegative(block, "expedited", stock.index_set())

    def arriving(*key: Any) -> Iterable[Any]:
        return expedited[key], coming(*key)

    def leaving(*key: Any) -> Iterable[Any]:
        return (plan[flow] for flow in shipped.get(key, ()))

    vocabulary.balance(block, "stock_balance", stock, data.stock, arriving, leaving, weeks[0])
    handled = {t: pyo.quicksum(volume[flow.product] * plan[flow] for flow in weekly[t]) for t in weeks}
    overtime = vocabulary.overtime(block, "handling", "handling_overtime", handled, data.handling_capacity)
    return {
        "holding": by_product(data.holding_cost, stock, weeks),
        "expediting": by_product(data.expediting_cost, expedited, weeks),
        "handling_overtime": data.handling_overtime * pyo.quicksum(overtime.values()),
    }


def by_product(cost: Any, units: Any, weeks: Sequence[int]) -> Any:
    """Return the sum over products and weeks of cost * units, where a product costs the same in every week."""
    return pyo.quicksum(cost[p] * pyo.quicksum(units[p, t] for t in weeks) for p in dict.fromkeys(p for p, _ in units))
