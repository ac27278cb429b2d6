"""What the blocks of all roles are made of: the share of the plan, rows from coefficient lists, squares, lanes, costs.

Rows are `LinearExpression`s from lists of coefficients and variables, since operators would take most of the time of a build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from veridical.data.joint_plan import Flow, Shared

__all__ = ["costs", "declared", "grouped", "lanes", "nonnegative", "overtime", "row", "squares", "volumes"]

TANGENTS = 8  # of a square in a model with integers, up to its reach


def declared(block: Any, flows: Sequence[Flow]) -> list[Any]:
    """Declare `plan`, the party's share of the plan, units >= 0; return its variables in the order of the flows."""
    block.plan = pyo.Var(pyo.Set(initialize=flows, dimen=5), domain=pyo.NonNegativeReals, initialize=0.0)
    return list(block.plan.values())


def nonnegative(block: Any, name: str, keys: Iterable[Any]) -> Any:
    """Declare and return variables >= 0."""
    variables = pyo.Var(list(keys), domain=pyo.NonNegativeReals, initialize=0.0)
    block.add_component(name, variables)
    return variables


def row(coefficients: Iterable[float], variables: Iterable[Any]) -> LinearExpression:
    """Return the sum of coefficient times variable."""
    return LinearExpression(constant=0.0, linear_coefs=list(coefficients), linear_vars=list(variables))


def grouped(flows: Sequence[Flow], *levels: str) -> dict[Any, list[int]]:
    """Return the places of flows by some of their levels: (site, week) -> places; by one level its name alone."""
    found: dict[Any, list[int]] = {}
    for place, flow in enumerate(flows):
        key = tuple(getattr(flow, level) for level in levels)
        found.setdefault(key if len(key) > 1 else key[0], []).append(place)
    return found


def rows(block: Any, name: str, keys: Iterable[Any], rule: Callable[[Any], Any]) -> None:
    """Declare constraints of which `rule(key)` is the expression, or (expression, what it equals)."""
    made = {key: rule(key) for key in keys}
    block.add_component(name, pyo.Constraint(list(made), rule=lambda _, *key: made[key if len(key) > 1 else key[0]]))


def volumes(
    block: Any, name: str, flows: Sequence[Flow], plan: Sequence[Any], places: Mapping[Any, list[int]], total: Any, shared: Shared
) -> None:
    """Declare that `total`, m3, is what the flows at each of the `places` add up to."""

    def counted(key: Any) -> Any:
        at = places[key]
        return row([*(shared.products[flows[k].product] for k in at), -1.0], [*(plan[k] for k in at), total[key]]), 0.0

    rows(block, name, places, counted)


def overtime(block: Any, family: str, extra: Any, volume: Mapping[Any, Any], limit: Mapping[Any, float]) -> None:
    """Declare that each volume, an expression (coefficients, variables), keeps to its limit but for overtime `extra`."""

    def kept(key: Any) -> Any:
        coefficients, variables = volume[key]
        return row([*coefficients, -1.0], [*variables, extra[key]]) <= limit[key]

    rows(block, family, volume, kept)


def squares(
    block: Any,
    name: str,
    variables: Mapping[Any, Any],
    weights: Callable[[Any], float],
    reach: Callable[[Any], float],
    shared: Shared,
) -> Any:
    """Return the sum of weight / 2 times variable squared.

    In the truckload variant, which is linear but for integers, squares are the largest of their tangents: at 0 and at
    TANGENTS points up to twice `reach`, on either side; that is then the party's cost.
    """
    weighed = [(key, variable, weights(key)) for key, variable in variables.items() if weights(key)]
    if not shared.truckload:
        return pyo.quicksum(weight / 2 * variable**2 for _, variable, weight in weighed)
    charge = nonnegative(block, name, [key for key, _, _ in weighed])
    tangents = pyo.ConstraintList()
    block.add_component(f"{name}_tangents", tangents)
    for key, variable, weight in weighed:
        signs = (1.0,) if variable.lb == 0 else (1.0, -1.0)
        for at in np.linspace(0.0, 2 * reach(key), TANGENTS + 1)[1:].tolist():
            for sign in signs:
                tangents.add(row([sign * weight * at, -1.0], [variable, charge[key]]) <= weight * at**2 / 2)
    return row([1.0] * len(charge), charge.values())


def lanes(block: Any, record: Any, shared: Shared, flows: Sequence[Flow], plan: list[Any]) -> dict[str, Any]:
    """Declare the lanes of a supplier, by site and week, and return what they cost.

    lane_volume: U is what is shipped; lane_split: U = own + spot; lane_contract: own volume keeps to the contract. With
    truckloads, own_trucks and spot_trucks are whole trucks that hold the volumes, paid by the truck.
    """
    places = grouped(flows, "site", "week")
    volume, own, spot = (nonnegative(block, name, places) for name in ("lane", "own_lane", "spot_lane"))
    volumes(block, "lane_volume", flows, plan, places, volume, shared)
    rows(block, "lane_split", places, lambda key: (row([1.0, -1.0, -1.0], [volume[key], own[key], spot[key]]), 0.0))
    truck = shared.truck_volume
    if shared.truckload:
        whole = {}
        for name, held in (("own", own), ("spot", spot)):
            whole[name] = pyo.Var(list(places), domain=pyo.NonNegativeIntegers, initialize=0)
            block.add_component(f"{name}_trucks", whole[name])
            rows(block, f"{name}_truckload", places, partial(_loaded, held, whole[name], truck))
        rows(block, "lane_contract", places, lambda key: row([truck], [whole["own"][key]]) <= record.contract[key[0]])
        own, spot = whole["own"], whole["spot"]
    else:
        rows(block, "lane_contract", places, lambda key: row([1.0], [own[key]]) <= record.contract[key[0]])
    each = truck if shared.truckload else 1.0
    return {
        "contract": row([each * record.contract_cost[key[0]] for key in places], [own[key] for key in places]),
        "spot": row([each * record.spot_cost[key[0]] for key in places], [spot[key] for key in places]),
        "lane_congestion": squares(
            block,
            "lane_congestion_charge",
            volume,
            lambda key: record.lane_congestion[key[0]],
            lambda key: record.contract[key[0]] or 1.0,
            shared,
        ),
    }


def _loaded(held: Any, trucks: Any, truck: float, key: Any) -> Any:
    return row([1.0, -truck], [held[key], trucks[key]]) <= 0.0


def changes(
    block: Any, record: Any, shared: Shared, volume: Mapping[int, Any], before: float | None, reach: float
) -> dict[str, Any]:
    """Declare the weekly `change` of a volume, and return what smoothing costs; `before` is the volume of the week before."""
    if not record.smoothing:
        return {}
    weeks = [week for k, week in enumerate(shared.weeks) if k or before is not None]
    change = pyo.Var(weeks, initialize=0.0)
    block.change = change

    def moved(week: int) -> Any:
        terms, known = [(1.0, volume[week]), (-1.0, change[week])], before
        if week - 1 in volume:
            terms, known = [*terms, (-1.0, volume[week - 1])], 0.0
        return row(*zip(*terms, strict=True)), known

    rows(block, "weekly_change", weeks, moved)
    return {
        "smoothing": squares(block, "smoothing_charge", change, lambda _: record.smoothing, lambda _: reach / 2 or 1.0, shared)
    }


def costs(block: Any, parts: Mapping[str, Any]) -> None:
    """Declare `costs`, currency by what they are for, and `cost`, their sum."""
    block.costs = pyo.Expression(list(parts), rule=lambda _, name: parts[name])
    block.cost = pyo.Expression(expr=pyo.quicksum(block.costs.values()))
