"""Models whose parties are blocks with a cost each, and what Clarke pays in them, enumerated apart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, permutations
from typing import Any

import pyomo.environ as pyo


def parties(costs: Mapping[Any, Callable[[Any], Any]], sense: int = pyo.minimize, nobody: float = 0.0) -> Any:
    """Return a model with a block `party` each, made and given its cost by a function, and the sum of the costs as objective."""
    m = pyo.ConcreteModel(name="parties")

    def declared(block: Any, *name: Any) -> None:
        block.cost = pyo.Expression(expr=costs[name if len(name) > 1 else name[0]](block))

    m.party = pyo.Block(list(costs), rule=declared)
    total = sum(block.cost for block in m.party.values()) + nobody
    m.total = pyo.Objective(expr=total if sense == pyo.minimize else -total, sense=sense)
    return m


def auction(values: Mapping[Any, float], sense: int = pyo.minimize) -> Any:
    """Return a model in which one item goes to one of the bidders, or to nobody."""

    def bidder(value: float) -> Callable[[Any], Any]:
        def cost(block: Any) -> Any:
            block.gets = pyo.Var(domain=pyo.Binary)
            return -value * block.gets

        return cost

    m = parties({name: bidder(value) for name, value in values.items()}, sense)
    m.one_item = pyo.Constraint(expr=sum(block.gets for block in m.party.values()) <= 1)
    return m


def suppliers(costs: Mapping[Any, float], capacities: Mapping[Any, float], demand: float) -> Any:
    """Return a model in which a demand is met by suppliers with a capacity, at a cost per unit that is a mutable Param."""

    def supplier(name: Any) -> Callable[[Any], Any]:
        def cost(block: Any) -> Any:
            block.unit_cost = pyo.Param(initialize=costs[name], mutable=True)
            block.capacity = pyo.Param(initialize=capacities[name], mutable=True)
            block.units = pyo.Var(bounds=(0, None))
            block.limit = pyo.Constraint(expr=block.units <= block.capacity)
            return block.unit_cost * block.units

        return cost

    m = parties({name: supplier(name) for name in costs})
    m.demand = pyo.Constraint(expr=sum(block.units for block in m.party.values()) >= demand)
    return m


def network(edges: Mapping[tuple[str, str], float], start: str, end: str) -> Any:
    """Return a model of the shortest path in which every edge belongs to a party, who incurs its cost."""

    def owner(cost: float) -> Callable[[Any], Any]:
        def declared(block: Any) -> Any:
            block.flow = pyo.Var(bounds=(0, 1))
            return cost * block.flow

        return declared

    m = parties({edge: owner(cost) for edge, cost in edges.items()})
    nodes = sorted({node for edge in edges for node in edge})

    @m.Constraint(nodes)
    def conservation(m: Any, node: str) -> Any:
        out = sum(m.party[edge].flow for edge in edges if edge[0] == node)
        into = sum(m.party[edge].flow for edge in edges if edge[1] == node)
        return out - into == (node == start) - (node == end)

    return m


def paths(edges: Iterable[tuple[str, str]], start: str, end: str) -> list[tuple[tuple[str, str], ...]]:
    """Return all simple paths."""
    nodes = {node for edge in edges for node in edge} - {start, end}
    orders = (order for size in range(len(nodes) + 1) for order in permutations(sorted(nodes), size))
    found = []
    for order in orders:
        stops = (start, *order, end)
        path = tuple(pairwise(stops))
        if set(path) <= set(edges):
            found.append(path)
    return found


def assignment(costs: Sequence[Sequence[float]], jobs: int) -> Any:
    """Return a model in which every job is done by one of the workers, who does one at most, at `costs[worker][job]`."""

    def worker(row: Sequence[float]) -> Callable[[Any], Any]:
        def cost(block: Any) -> Any:
            block.does = pyo.Var(range(jobs), bounds=(0, 1))
            block.one = pyo.Constraint(expr=sum(block.does.values()) <= 1)
            return sum(row[job] * block.does[job] for job in range(jobs))

        return cost

    m = parties({worker_: worker(row) for worker_, row in enumerate(costs)})
    m.job = pyo.Constraint(range(jobs), rule=lambda m, job: sum(block.does[job] for block in m.party.values()) == 1)
    return m


def clarke(outcomes: Iterable[Mapping[Any, float]], names: Iterable[Any]) -> tuple[dict[Any, float], dict[Any, float]]:
    """Return Clarke's transfers and net gains, from all outcomes there are: what each costs every party that has a part in it.

    An outcome costs a party that is not named in it nothing, and is there without that party too. Nobody's cost is under None.
    """
    outcomes = list(outcomes)
    best = min(outcomes, key=lambda outcome: sum(outcome.values()))
    transfers, gains = {}, {}
    for name in names:
        without = min(sum(outcome.values()) for outcome in outcomes if name not in outcome)
        others = sum(cost for other, cost in best.items() if other != name)
        transfers[name], gains[name] = without - others, without - sum(best.values())
    return transfers, gains
