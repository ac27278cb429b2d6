"""The roles that are here: retailer and marketplace, vendor and seller, shipper and carrier. Units in every header.

Volumes are in m3; the plan, demand and stocks in units of the product (cases). Money is in currency.
"""

from __future__ import annotations

from typing import ClassVar

from veridical.data.joint_plan.party import CAPACITY, COST, NEED, STATE, Party, column, register, scalar
from veridical.data.joint_plan.values import Values

__all__ = ["Carrier", "Marketplace", "Retailer", "Seller", "Shipper", "Vendor"]

UNIT, M3, UNIT_WEEK, SQUARE = "currency per unit", "currency per m3", "currency per unit and week", "currency per m3 squared"


def _known(expected: Values, actual: Values, week: int) -> Values:
    return Values({key: actual.get(key, number) if key[-1] <= week else number for key, number in expected.items()})


@register
class Retailer(Party):
    """Receives at fulfilment centres and serves the demand of regions from them.

    demand: expected, and `actual` what it turns out to be (for rolling runs). outbound_cost: of the pairs that are listed, no
    others deliver. Inbound volume above capacity is overtime; congestion / 2 times its square is paid whatever it is.

    Examples
    --------
    >>> Retailer.side, Retailer.columns()["outbound_cost"].header
    ('receiver', 'cost (currency per m3)')
    """

    role: ClassVar[str] = "retailer"
    side: ClassVar[str] = "receiver"
    demand: Values = column("demand.csv", ("region", "product", "week"), "demand (units)", NEED)
    outbound_cost: Values = column("outbound.csv", ("site", "region"), f"cost ({M3})", COST, sparse=True)
    holding_cost: Values = column("inventory.csv", ("site", "product"), f"holding ({UNIT_WEEK})", COST)
    stock: Values = column("inventory.csv", ("site", "product"), "stock (units)", STATE)
    penalty: Values = column("assortment.csv", ("product",), f"lost sale ({UNIT})", COST)
    inbound_capacity: Values = column("inbound.csv", ("site", "week"), "capacity (m3)", CAPACITY)
    inbound_overtime: Values = column("centres.csv", ("site",), f"overtime ({M3})", COST)
    congestion: Values = column("centres.csv", ("site",), f"congestion ({SQUARE})", COST)
    actual: Values = column("demand.csv", ("region", "product", "week"), "actual (units)", NEED, optional=True)

    def revealed(self, week: int) -> Retailer:
        """Return the record with the actual demand of the weeks up to `week`."""
        return self.changed(demand=_known(self.demand, self.actual, week))


@register
class Marketplace(Retailer):
    """Fulfils for sellers: a retailer that pays a seller the sale price less referral when units are placed.

    The price of a route is that payment, and the penalty of a lost sale includes the sale price; what demand would have brought
    if all of it were served is the same for every plan, and left out of the cost.

    Examples
    --------
    >>> Marketplace.side, Marketplace.columns()["outbound_cost"].header
    ('receiver', 'cost (currency per m3)')
    """

    role: ClassVar[str] = "marketplace"


@register
class Vendor(Party):
    """Makes products and ships them on lanes to the sites.

    Above capacity there is overtime, above the contracted volume of a lane the spot market, and missing units can be
    expedited: any plan can be met. `previous_production` (m3) is what smoothing starts from, nothing where it is left out.

    Examples
    --------
    >>> Vendor.side, Vendor.columns()["production_cost"].header
    ('supplier', 'cost (currency per unit)')
    """

    role: ClassVar[str] = "vendor"
    side: ClassVar[str] = "supplier"
    production_overtime: float = scalar(M3, COST)
    handling_overtime: float = scalar(M3, COST)
    smoothing: float = scalar(SQUARE, COST)
    production_cost: Values = column("production.csv", ("product",), f"cost ({UNIT})", COST)
    holding_cost: Values = column("production.csv", ("product",), f"holding ({UNIT_WEEK})", COST)
    expediting_cost: Values = column("production.csv", ("product",), f"expediting ({UNIT})", COST)
    stock: Values = column("production.csv", ("product",), "stock (units)", STATE)
    production_capacity: Values = column("plant.csv", ("week",), "production (m3)", CAPACITY)
    handling_capacity: Values = column("plant.csv", ("week",), "handling (m3)", CAPACITY)
    contract: Values = column("lanes.csv", ("site",), "contract (m3 per week)", CAPACITY)
    contract_cost: Values = column("lanes.csv", ("site",), f"contract cost ({M3})", COST)
    spot_cost: Values = column("lanes.csv", ("site",), f"spot cost ({M3})", COST)
    lane_congestion: Values = column("lanes.csv", ("site",), f"congestion ({SQUARE})", COST)
    previous_production: float | None = scalar("m3", STATE, optional=True)


@register
class Seller(Party):
    """Places stock of his own in fulfilment centres: `arrivals` come to his warehouse, more can be bought in at a price.

    Examples
    --------
    >>> Seller.side, Seller.columns()["arrivals"].header
    ('supplier', 'arrivals (units)')
    """

    role: ClassVar[str] = "seller"
    side: ClassVar[str] = "supplier"
    handling_overtime: float = scalar(M3, COST)
    arrivals: Values = column("arrivals.csv", ("product", "week"), "arrivals (units)", CAPACITY)
    holding_cost: Values = column("warehouse.csv", ("product",), f"holding ({UNIT_WEEK})", COST)
    expediting_cost: Values = column("warehouse.csv", ("product",), f"buying in ({UNIT})", COST)
    stock: Values = column("warehouse.csv", ("product",), "stock (units)", STATE)
    handling_capacity: Values = column("handling.csv", ("week",), "handling (m3)", CAPACITY)
    contract: Values = column("lanes.csv", ("site",), "contract (m3 per week)", CAPACITY)
    contract_cost: Values = column("lanes.csv", ("site",), f"contract cost ({M3})", COST)
    spot_cost: Values = column("lanes.csv", ("site",), f"spot cost ({M3})", COST)
    lane_congestion: Values = column("lanes.csv", ("site",), f"congestion ({SQUARE})", COST)


@register
class Shipper(Party):
    """Has freight to be carried on lanes (the sites): what is ready waits, or goes by the market at its price.

    Loading above the dock's capacity is overtime; congestion / 2 times the square of the volume that a lane loads is paid
    whatever it is. Space that is booked and not used is paid for all the same: any plan can be met.

    Examples
    --------
    >>> Shipper.side, Shipper.columns()["ready"].header
    ('receiver', 'ready (units)')
    """

    role: ClassVar[str] = "shipper"
    side: ClassVar[str] = "receiver"
    dock_overtime: float = scalar(M3, COST)
    ready: Values = column("freight.csv", ("site", "product", "week"), "ready (units)", NEED)
    waiting_cost: Values = column("freight_cost.csv", ("site", "product"), f"waiting ({UNIT_WEEK})", COST)
    market_cost: Values = column("freight_cost.csv", ("site", "product"), f"market ({UNIT})", COST)
    stock: Values = column("freight_cost.csv", ("site", "product"), "waiting (units)", STATE)
    dock_capacity: Values = column("dock.csv", ("week",), "dock (m3)", CAPACITY)
    congestion: Values = column("loading.csv", ("site",), f"congestion ({SQUARE})", COST)
    actual: Values = column("freight.csv", ("site", "product", "week"), "actual (units)", NEED, optional=True)

    def revealed(self, week: int) -> Shipper:
        """Return the record with the actual freight of the weeks up to `week`."""
        return self.changed(ready=_known(self.ready, self.actual, week))


@register
class Carrier(Party):
    """Carries on lanes (the sites): own trucks up to `contract` and the fleet's days, subcontractors at `spot_cost` beyond.

    Smoothing is paid on changes of the total volume from week to week; `previous_volume` (m3) is what it starts from.

    Examples
    --------
    >>> Carrier.side, Carrier.columns()["fleet"].header
    ('supplier', 'fleet (truck-days)')
    """

    role: ClassVar[str] = "carrier"
    side: ClassVar[str] = "supplier"
    fleet_overtime: float = scalar("currency per truck-day", COST)
    smoothing: float = scalar(SQUARE, COST)
    fleet: Values = column("fleet.csv", ("week",), "fleet (truck-days)", CAPACITY)
    truck_days: Values = column("turnaround.csv", ("site",), "time (truck-days per m3)", COST)
    contract: Values = column("lanes.csv", ("site",), "contract (m3 per week)", CAPACITY)
    contract_cost: Values = column("lanes.csv", ("site",), f"contract cost ({M3})", COST)
    spot_cost: Values = column("lanes.csv", ("site",), f"spot cost ({M3})", COST)
    lane_congestion: Values = column("lanes.csv", ("site",), f"congestion ({SQUARE})", COST)
    previous_volume: float | None = scalar("m3", STATE, optional=True)
