"""What all parties know: weeks, products, sites, who can deliver what where at which price, and the flows that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.data.errors import InputError
from veridical.data.fields import fixed
from veridical.data.joint_plan.values import Values

__all__ = ["LEVELS", "Flow", "Route", "Shared"]

Array = NDArray[np.float64]
LEVELS = ("supplier", "receiver", "site", "product", "week")  # names of a flow's parts, as results are indexed


class Flow(NamedTuple):
    """One entry of the shared plan: units of `product` that `supplier` delivers to `receiver` at `site` in `week`.

    A site is where the two meet: a fulfilment centre, or a lane where carriers carry for shippers.
    """

    supplier: str
    receiver: str
    site: str
    product: str
    week: int


class Route(NamedTuple):
    """A flow in every week; `price`, currency per unit, is what the receiver pays the supplier."""

    supplier: str
    receiver: str
    site: str
    product: str
    price: float


@dataclass(frozen=True)
class Shared:
    """What is no secret. A plan is a vector over `flows`, units >= 0: route by route, weeks within each.

    weeks: numbers in order. products: m3 per unit, by product. routes: see `Route`. truck_volume: m3. truckload: whether lanes
    are run by whole trucks.
    """

    weeks: tuple[int, ...]
    products: Values
    sites: tuple[str, ...]
    routes: tuple[Route, ...]
    truck_volume: float = 80.0
    truckload: bool = False

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}  # what is computed stays at home

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
    def _shares(self) -> dict[str, NDArray[np.int64]]:
        found: dict[str, list[int]] = {}
        for place, flow in enumerate(self.flows):
            for name in flow[:2]:
                found.setdefault(name, []).append(place)
        return {name: np.array(places) for name, places in found.items()}

    def share(self, name: str) -> NDArray[np.int64]:
        """Return the places in the plan that are a party's: the flows that it delivers or receives."""
        return self._shares.get(name, np.zeros(0, dtype=np.int64))

    def of(self, name: str) -> Shared:
        """Return what a party is told: its own routes, and the sites and products on them; its plan is its share, in order."""
        routes = tuple(route for route in self.routes if name in route[:2])
        sites, products = {route.site for route in routes}, {route.product for route in routes}
        return replace(
            self,
            routes=routes,
            sites=tuple(site for site in self.sites if site in sites),
            products=Values({product: volume for product, volume in self.products.items() if product in products}),
        )

    def vector(self, plan: Any) -> Array:
        """Return a plan as an array, one entry a flow, from an array, or from a Series or mapping with the flows as keys.

        Raises InputError for other entries than the flows', and for units that are no finite numbers.
        """
        if isinstance(plan, pd.Series | Mapping):
            found = dict(plan.items())
            if found.keys() != set(self.flows):
                raise InputError.of("plan", f"<{len(found)} entries>", f"one for each of the {len(self.flows)} flows")
            plan = [found[flow] for flow in self.flows]
        array = np.array(plan, dtype=float)
        if array.shape != (len(self.flows),) or not np.isfinite(array).all():
            shown = f"<an array of shape {array.shape}>"
            raise InputError.of("plan", shown, f"finite units, one for each of the {len(self.flows)} flows")
        return array

    def series(self, plan: Any, name: str = "units") -> pd.Series:
        """Return a plan, or any other figure of every flow, as a Series with the index `index`."""
        return pd.Series(np.asarray(plan, dtype=float), index=self.index, name=name)
