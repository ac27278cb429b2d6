"""What all parties know: weeks, products, sites, who can deliver what where at which price, and the flows that follow."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field, PlainValidator, model_validator

from veridical.data.arrays import Array, Integers, fixed
from veridical.data.errors import InputError
from veridical.data.fields import Flag, Name, Positive, number, reads, whole
from veridical.data.joint_plan.values import Values
from veridical.data.lazy import pd
from veridical.data.limits import WEEKS as MOST
from veridical.data.record import Record, wrong

__all__ = ["LEVELS", "TRUCK", "WHOLE_TRUCKS", "Flow", "Route", "Shared", "Weeks"]

WEEKS = f"a whole number from 1 to {MOST:,}, or the numbers >= 1 of consecutive weeks"
ROUTES = "one or more routes: of each its supplier, receiver, site, product and price, currency per unit"
TRUCK, WHOLE_TRUCKS = "of a truck, m3, > 0", "whether flows go in whole trucks"
LEVELS = ("supplier", "receiver", "site", "product", "week")  # names of a flow's parts, as results are indexed


class Flow(NamedTuple):
    """One entry of the shared plan: units of `product` that `supplier` delivers to `receiver` at `site` in `week`.

    A site is where the two meet: a fulfilment centre, or a lane where carriers carry for shippers.

    Examples
    --------
    >>> Flow("Alder", "retailer", "Breda", "soap", 3).week
    3
    """

    supplier: str
    receiver: str
    site: str
    product: str
    week: int


class Route(NamedTuple):
    """A flow in every week; `price`, currency per unit, is what the receiver pays the supplier.

    Examples
    --------
    >>> Route("Alder", "retailer", "Breda", "soap", 3.978).price
    3.978
    """

    supplier: str
    receiver: str
    site: str
    product: str
    price: float


def _weeks(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        return tuple(range(1, whole(value, 1, MOST, allowed=WEEKS) + 1))
    weeks = tuple(whole(week, 1, allowed=WEEKS) for week in value)
    if not weeks or weeks != tuple(range(weeks[0], weeks[0] + len(weeks))):
        raise wrong(value, WEEKS)
    return weeks


def _routes(value: object) -> tuple[Route, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise wrong(value, ROUTES)
    return tuple(route if _is_route(route) else _route(route, f"[{k}]") for k, route in enumerate(value))


def _is_route(value: object) -> bool:
    return type(value) is Route and type(value.price) is float and 0.0 <= value.price < math.inf


def _route(value: object, place: str) -> Route:
    if not isinstance(value, list | tuple) or len(value) != 5 or not all(isinstance(name, str) for name in value[:4]):
        raise wrong(value, ROUTES, place)
    price = number(value[4], "a finite number >= 0", lambda x: x >= 0, field=f"{place}.price")
    supplier, receiver, site, product = value[:4]
    return Route(supplier, receiver, site, product, price)


WHOLE = {"type": "integer", "minimum": 1}
Weeks = Annotated[
    tuple[int, ...],
    reads(_weeks, exactly={"anyOf": [{**WHOLE, "maximum": MOST}, {"type": "array", "items": WHOLE}]}),
    Field(description=WEEKS),
]


class Shared(Record):
    """What is no secret. A plan is a vector over `flows`, units >= 0: route by route, weeks within each.

    weeks: numbers in order. products: m3 per unit, by product. routes: see `Route`. truck_volume: m3. truckload: whether lanes
    are run by whole trucks.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> list(case.shared.weeks), case.shared.series([10, 20]).tolist()
    ([1, 2], [10.0, 20.0])
    """

    weeks: Weeks
    products: Values = Field(description="m3 per unit, by product")
    sites: tuple[Name, ...] = Field(description="the sites' names")
    routes: Annotated[tuple[Route, ...], PlainValidator(_routes)] = Field(description="supplier, receiver, site, product, price")
    truck_volume: Positive = Field(default=80.0, description=TRUCK)
    truckload: Flag = Field(default=False, description=WHOLE_TRUCKS)

    @model_validator(mode="after")
    def _known(self) -> Shared:
        volumes = self.products.array
        if not (np.isfinite(volumes) & (volumes >= 0)).all():
            raise wrong(dict(self.products), "finite numbers >= 0, m3 per unit", "products")
        sites = set(self.sites)
        for k, route in enumerate(self.routes):
            if route.site not in sites:
                raise wrong(route.site, "one of the sites", f"routes[{k}].site")
            if route.product not in self.products:
                raise wrong(route.product, "one of the products", f"routes[{k}].product")
        return self

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The keys of the plan, in its order."""
        return tuple(Flow(*route[:4], week) for route in self.routes for week in self.weeks)

    @cached_property
    def index(self) -> pd.MultiIndex:
        """The flows as a pandas index with the levels `LEVELS`."""
        return pd.MultiIndex.from_tuples(self.flows, names=LEVELS)

    @cached_property
    def price(self) -> Array:
        """What the receiver pays the supplier, currency per unit, one a flow."""
        return fixed(np.repeat(np.array([route.price for route in self.routes], dtype=float), len(self.weeks)))

    @cached_property
    def volume(self) -> Array:
        """m3 per unit, one a flow."""
        return fixed(np.repeat(np.array([self.products[route.product] for route in self.routes]), len(self.weeks)))

    @cached_property
    def _shares(self) -> dict[str, Integers]:
        places: dict[str, list[int]] = {}
        for place, flow in enumerate(self.flows):
            for name in flow[:2]:
                places.setdefault(name, []).append(place)
        return {name: np.array(of_party) for name, of_party in places.items()}

    def share(self, name: str) -> Integers:
        """Return the places in the plan that are a party's: the flows that it delivers or receives."""
        return self._shares.get(name, np.zeros(0, dtype=np.int64))

    def of(self, name: str) -> Shared:
        """Return what a party is told: its own routes, and the sites and products on them. Its flows keep their order."""
        routes = tuple(route for route in self.routes if name in route[:2])
        sites, products = {route.site for route in routes}, {route.product for route in routes}
        return self.changed(
            routes=routes,
            sites=tuple(site for site in self.sites if site in sites),
            products=Values({product: volume for product, volume in self.products.items() if product in products}),
        )

    def digests(self, name: str) -> dict[str, str]:
        """Return a hash of each thing that a party is told, by which two who are to know the same find out whether they do.

        In the order in which they count: another route is another price too. Of weeks it is the last one, as those that are
        over are left out in a rolling run.
        """
        told = self.of(name)
        things = {
            "weeks": told.weeks[-1],
            "routes": [route[:4] for route in told.routes],
            "prices": [route.price for route in told.routes],
            "volumes": dict(told.products),
        }
        return {thing: sha256(json.dumps(value, sort_keys=True).encode()).hexdigest() for thing, value in things.items()}

    def vector(self, plan: Any) -> Array:
        """Return a plan as an array, one entry a flow, from an array, or from a Series or mapping with the flows as keys.

        Raises InputError where the entries are not those of the flows, and for units that are not finite.
        """
        if isinstance(plan, pd.Series | Mapping):
            units = dict(plan.items())
            if units.keys() != set(self.flows):
                raise InputError.of("plan", f"<{len(units)} entries>", f"one for each of the {len(self.flows)} flows")
            plan = [units[flow] for flow in self.flows]
        array = np.array(plan, dtype=float)
        if array.shape != (len(self.flows),) or not np.isfinite(array).all():
            shown = f"<an array of shape {array.shape}>"
            raise InputError.of("plan", shown, f"finite units, one for each of the {len(self.flows)} flows")
        return array

    def series(self, plan: Any, name: str = "units") -> pd.Series:
        """Return a plan, or any other figure of every flow, as a Series with the index `index`."""
        return pd.Series(np.asarray(plan, dtype=float), index=self.index, name=name)
