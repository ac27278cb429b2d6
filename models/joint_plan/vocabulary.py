"""What the blocks of all roles are made of: the share of the plan, the party's numbers, stock, volumes, overtime, lanes, costs.

The numbers that a party reports are mutable Params on its block, `block.data.FIELD[key]`, under the names of the record's fields:
change them on a model that is built, and solve again. What the case says of all parties (weeks, products and their volumes,
routes, whole trucks) is the model's structure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data.joint_plan import Flow, Party, Shared
from veridical.models.info import info_of
from veridical.models.joint_plan.information import PlanInfo, Square

__all__ = ["LANES", "declared", "grouped", "nonnegative", "numbers", "paid"]
__all__ += ["balance", "changes", "costs", "lanes", "overtime", "squares", "volumes"]

Terms = Callable[..., Iterable[Any]]
TANGENTS = 8  # of a square in a model with integers, up to its reach
LANES = dict.fromkeys(("lane_volume", "lane_split", "lane_contract"), ("site", "week"))  # families of `lanes` and their index


def numbers(block: Any, record: Party, without: Collection[str] = ()) -> Any:
    """Declare a record's numbers as mutable Params on the sub-block `data`, which is returned.

    Every field declared with `column` or `scalar` is there under its own name and keys, but for optional ones that are left
    out, and those in `without`. They stand on a sub-block because constraints and variables have some of these names too.
    For a user's own role as well: a plain number of the record in its expressions stays what it was, and has no sensitivity.

    Parameters
    ----------
    block
        The party's block.
    record
        The party's record.
    without
        Names of fields to leave out.

    Returns
    -------
    The sub-block.

    Examples
    --------
    >>> import veridical as vd
    >>> data = numbers(pyo.ConcreteModel(), vd.example("pilot").party("Alder"))
    >>> data.smoothing.mutable
    True
    """
    block.data = pyo.Block()
    info = info_of(block.model())
    for name, column in record.columns().items():
        value = getattr(record, name)
        if name in without or value is None or (column.optional and column.keys and not value):
            continue
        index = [list(value)] if column.keys else []
        parameter = pyo.Param(*index, initialize=dict(value) if column.keys else value, within=pyo.NonNegativeReals, mutable=True)
        block.data.add_component(name, parameter)
        if isinstance(info, PlanInfo):
            info.note(record.name, parameter)
    return block.data


def paid(block: Any, shared: Shared, plan: Any) -> Any:
    """Return what receivers pay suppliers for the flows of a plan, currency.

    The price of a route is one mutable Param for both ends: `price` of a model of several parties, else of the block's `data`.

    Parameters
    ----------
    block
        The party's block, with its `data`.
    shared
        What the flows are, and the prices of routes.
    plan
        Units by flow: variables of the block.

    Returns
    -------
    A Pyomo expression.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.data.joint_plan.pilot(vendors=1, sites=1, products=1, weeks=1, makers=1)
    >>> block, part = pyo.ConcreteModel(), case.part("Alder")
    >>> data = numbers(block, part.record)
    >>> payment = paid(block, part.shared, declared(block, part.shared.flows))
    >>> len(data.price)
    1
    """
    info = info_of(block.model())
    price = info.price if isinstance(info, PlanInfo) else None
    if price is None:
        block.data.price = price = prices(shared)
    routes = grouped(shared.flows, "supplier", "receiver", "site", "product")
    return pyo.quicksum(price[route] * pyo.quicksum(plan[flow] for flow in flows) for route, flows in routes.items())


def prices(shared: Shared) -> pyo.Param:
    """Return the prices of routes, currency per unit, as a mutable Param by supplier, receiver, site and product."""
    price = {route[:4]: route.price for route in shared.routes}
    return pyo.Param(list(price), initialize=price, within=pyo.Reals, mutable=True)


def declared(block: Any, flows: Sequence[Flow]) -> Any:
    """Declare and return `plan`, the party's share of the plan, units >= 0, by flow."""
    block.plan = pyo.Var(pyo.Set(initialize=flows, dimen=5), domain=pyo.NonNegativeReals, initialize=0.0)
    return block.plan


def nonnegative(block: Any, name: str, keys: Iterable[Any]) -> Any:
    """Declare and return variables >= 0; `keys` may be the index set of others, which is then not made twice."""
    variables = pyo.Var(keys if hasattr(keys, "dimen") else list(keys), domain=pyo.NonNegativeReals, initialize=0.0)
    block.add_component(name, variables)
    return variables


def grouped(flows: Sequence[Flow], *parts: str) -> dict[Any, list[Flow]]:
    """Return flows by some of their parts: (site, week) -> flows; by one part its name alone."""
    key_of = attrgetter(*parts)
    groups: dict[Any, list[Flow]] = {}
    for flow in flows:
        groups.setdefault(key_of(flow), []).append(flow)
    return groups


def balance(block: Any, family: str, stock: Any, initial: Any, arriving: Terms, leaving: Terms, first: int) -> None:
    """Declare that stock + what leaves = what arrives + stock of the week before (`initial` before the `first`).

    The index of `stock` ends in the week; `arriving` and `leaving` return the terms of either, by the same index.
    """

    def kept(_: Any, *key: Any) -> Any:
        place, week = key[:-1], key[-1]
        before = initial[place if len(place) > 1 else place[0]] if week == first else stock[(*place, week - 1)]
        return pyo.quicksum([stock[key], *leaving(*key)]) == pyo.quicksum([*arriving(*key), before])

    block.add_component(family, pyo.Constraint(stock.index_set(), rule=kept))


def volumes(block: Any, family: str, name: str, groups: Mapping[Any, list[Flow]], plan: Any, shared: Shared) -> Any:
    """Declare and return the volume, m3, of each group of flows: sum over flows of volume per unit * units = volume."""
    total, volume = nonnegative(block, name, groups), dict(shared.products)

    def counted(_: Any, *key: Any) -> Any:
        return pyo.quicksum(volume[flow.product] * plan[flow] for flow in groups[key]) == total[key]

    block.add_component(family, pyo.Constraint(total.index_set(), rule=counted))
    return total


def overtime(block: Any, family: str, name: str, volume: Mapping[Any, Any], capacity: Any) -> Any:
    """Declare and return overtime: volume <= capacity + overtime. `volume`: a variable or an expression by key."""
    extra = nonnegative(block, name, volume.index_set() if isinstance(volume, pyo.Var) else volume)

    def limited(_: Any, *key: Any) -> Any:
        place = key if len(key) > 1 else key[0]
        return volume[place] <= capacity[place] + extra[place]

    block.add_component(family, pyo.Constraint(extra.index_set(), rule=limited))
    return extra


def squares(block: Any, name: str, variables: Any, weight: Any, reach: Callable[[Any], float], shared: Shared) -> Any:
    """Return the sum over keys of weight / 2 * variable squared; `weight`: one Param, or one by site, the first part of a key.

    In the truckload variant, which is linear but for integers, squares are the largest of their tangents: at 0 and at
    TANGENTS points up to twice `reach` (1 where that is 0), on either side. They are no larger than the square, so that what
    the model costs at least is a bound; planners add tangents where it matters, and pay the square itself. The first points are
    those of the record that the model was built from, whatever Params are changed to.
    """
    weights = {key: weight[key[0]] if weight.is_indexed() else weight for key in variables}
    if not shared.truckload:
        return pyo.quicksum(weights[key] / 2 * variable**2 for key, variable in variables.items())
    charge = nonnegative(block, name, variables.index_set())
    tangents = pyo.ConstraintList()
    block.add_component(f"{name}_tangents", tangents)
    info = info_of(block.model())
    for key, variable in variables.items():
        square = Square(variable, weights[key], charge[key], tangents)
        signs = (1.0,) if variable.lb == 0 else (1.0, -1.0)
        for point in np.linspace(0.0, 2 * (reach(key) or 1.0), TANGENTS + 1)[1:].tolist():
            for sign in signs:
                square.touch(sign * point)
        if isinstance(info, PlanInfo):
            info.squares.append(square)
    return pyo.quicksum(charge.values())


def lanes(block: Any, record: Any, data: Any, shared: Shared, plan: Any) -> dict[str, Any]:
    """Declare the lanes of a supplier, by site and week, and return what they cost.

    lane_volume: U = volume shipped. lane_split: U = own_lane + spot_lane. lane_contract: own_lane <= contract. With
    truckloads, own_trucks and spot_trucks are whole trucks that hold the volumes, paid by the truck: a contract for less than a
    truck, or for what is left after whole ones, has a truck of its own, which is not full.
    """
    places = grouped(shared.flows, "site", "week")
    volume = volumes(block, "lane_volume", "lane", places, plan, shared)
    contracted, spot = (nonnegative(block, name, volume.index_set()) for name in ("own_lane", "spot_lane"))

    @block.Constraint(volume.index_set())
    def lane_split(_: Any, f: str, t: int) -> Any:
        return volume[f, t] == contracted[f, t] + spot[f, t]

    @block.Constraint(volume.index_set())
    def lane_contract(_: Any, f: str, t: int) -> Any:
        return contracted[f, t] <= data.contract[f]

    paid_own, paid_spot, size = contracted, spot, 1.0  # of what is paid for, the m3 that one is
    if shared.truckload:
        loads, size = (("own", contracted), ("spot", spot)), shared.truck_volume
        paid_own, paid_spot = (whole_trucks(block, name, load, size) for name, load in loads)
    return {
        "contract": pyo.quicksum(data.contract_cost[f] * (size * paid_own[f, t]) for f, t in places),
        "spot": pyo.quicksum(data.spot_cost[f] * (size * paid_spot[f, t]) for f, t in places),
        "lane_congestion": squares(
            block, "lane_congestion_charge", volume, data.lane_congestion, lambda key: record.contract[key[0]], shared
        ),
    }


def whole_trucks(block: Any, name: str, volume: Any, size: float) -> Any:
    """Declare and return whole trucks that hold a volume: volume <= size * trucks."""
    trucks = pyo.Var(volume.index_set(), domain=pyo.NonNegativeIntegers, initialize=0)
    block.add_component(f"{name}_trucks", trucks)
    loads = pyo.Constraint(volume.index_set(), rule=lambda _, *key: volume[key] <= size * trucks[key])
    block.add_component(f"{name}_truckload", loads)
    return trucks


def changes(block: Any, data: Any, shared: Shared, volume: Any, before: Any, reach: float) -> dict[str, Any]:
    """Declare the weekly `change` of a volume, and return what smoothing costs.

    weekly_change: volume[t] = volume[t - 1] + change[t]; `before` is the volume of the week before the first, None where there is
    none: the first week then changes nothing.
    """
    first = shared.weeks[0]
    weeks = [week for week in shared.weeks if week != first or before is not None]
    change = block.change = pyo.Var(weeks, initialize=0.0)

    @block.Constraint(weeks)
    def weekly_change(_: Any, t: int) -> Any:
        return volume[t] == (before if t == first else volume[t - 1]) + change[t]

    return {"smoothing": squares(block, "smoothing_charge", change, data.smoothing, lambda _: reach / 2, shared)}


def costs(block: Any, parts: Mapping[str, Any]) -> None:
    """Declare `costs`, currency by what they are for, and `cost`, their sum."""
    block.costs = pyo.Expression(list(parts), rule=lambda _, name: parts[name])
    block.cost = pyo.Expression(expr=pyo.quicksum(block.costs.values()))
