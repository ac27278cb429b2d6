"""The built-in mechanisms, written once more by declarations on a model of one's own, earn the same."""

from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import LINEAR, POWER, case, group
from support.assembler_cases import build, near
from support.own_mechanisms import solved
from veridical.data import AllocationCase, AssemblerCase
from veridical.data.type_space import TypeSpace
from veridical.models.expected_sales import expected_sales


def assembler(case: AssemblerCase, incentive: str = "dominant", participation: str = "ex_post", k: int | None = None) -> Any:
    """Return the assembler's problem; quantities depend on the reports of the `k` suppliers with the widest range of costs."""
    types = TypeSpace({one.name: one.costs for one in case.suppliers}, case.probability)
    heard = range(len(types.agents)) if k is None else case.widest(k)
    m = pyo.ConcreteModel()
    m.HEARD = pyo.Set(initialize=[", ".join(map(str, t)) for t in product(*(types.labels(types.agents[i]) for i in heard))])
    name = {t: ", ".join(str(t[i]) for i in heard) for t in types.profiles}
    m.quantity = pyo.Var(types.agents, m.HEARD, domain=pyo.NonNegativeReals)
    m.payment = pyo.Var(types.agents, types.profiles)
    m.units = pyo.Var(m.HEARD, bounds=(0, float(case.demand.inverse_cdf(1 - 1e-12))))
    m.assembled = pyo.Constraint(types.agents, m.HEARD, rule=lambda m, i, t: m.units[t] <= m.quantity[i, t])
    m.sold = expected_sales(m.units, case.demand, "auto")
    vd.truthful(m, types, lambda m, i, cost, t: m.payment[i, t] - cost * m.quantity[i, name[t]], incentive, participation)
    price = case.price
    profit = types.expectation(lambda t: price * m.sold.sales[name[t]] - sum(m.payment[i, t] for i in types.agents))
    m.profit = pyo.Objective(expr=profit, sense=pyo.maximize)
    return m


def random_assembler(seed: int) -> AssemblerCase:
    """Return a case of two or three suppliers, whose costs are correlated or not, and whose demand is uniform or a list."""
    random = np.random.default_rng(seed)
    shape = random.integers(2, 4, size=2 + seed % 2)
    costs = [np.cumsum(random.integers(2, 30, size=count) / 4).tolist() for count in shape]
    joint = random.integers(1, 10, size=shape) if seed % 3 else np.ones(shape)
    uniform = {"distribution": "uniform", "low": int(random.integers(0, 300)), "high": int(random.integers(400, 900))}
    points = {"distribution": "empirical", "values": [100, 300, 350, 700], "weights": [0.2, 0.1, 0.4, 0.3]}
    price = float(sum(own[-1] for own in costs) * random.uniform(0.7, 3))
    return build(costs, joint=joint / joint.sum(), price=price, demand=(uniform, points)[seed // 2 % 2])


ASSEMBLERS = [vd.example(name) for name in ("two-suppliers", "two-suppliers-correlated", "unbalanced-smallest", "electronics")]
ASSEMBLERS += [random_assembler(seed) for seed in range(6)]
NAMES = [f"{one.name} {k}" for k, one in enumerate(ASSEMBLERS)]


@pytest.mark.parametrize("case", ASSEMBLERS, ids=NAMES)
def test_icds(case: AssemblerCase) -> None:
    solution = solved(assembler(case))
    assert solution.objective == near(vd.solve(case, mechanism="icds").objective)
    assert solution.audit.truthful


@pytest.mark.parametrize("case", ASSEMBLERS, ids=NAMES)
@pytest.mark.parametrize("k", [0, 1])
def test_hybrid(case: AssemblerCase, k: int) -> None:
    solution = solved(assembler(case, k=k))
    assert solution.objective == near(vd.solve(case, mechanism="hybrid", k=k).objective)
    assert solution.audit.truthful


@pytest.mark.parametrize("case", ASSEMBLERS, ids=NAMES)
@pytest.mark.parametrize("participation", ["interim", "ex_post"])
def test_bic(case: AssemblerCase, participation: str) -> None:
    solution = solved(assembler(case, "bayesian", participation))
    assert solution.objective == near(vd.solve(case, mechanism="bic", participation=participation).objective)
    assert solution.audit.truthful


def retailers(case: AllocationCase) -> Any:
    """Return the supplier's problem: units by retailer and profile, payments that answer to the own report alone.

    What a retailer is paid back beyond what the lowest type makes of his units is `fee`, so that truth is linear in it.
    """
    names = [f"{group.name or g}/{n}" for g, group in enumerate(case.retailers) for n in range(group.count)]
    groups = [group for group in case.retailers for _ in range(group.count)]
    given = {name: group.types or () for name, group in zip(names, groups, strict=True)}
    types = TypeSpace(given, {name: group.probability.tolist() for name, group in zip(names, groups, strict=True)})
    group_of = dict(zip(names, groups, strict=True))
    lowest = {name: types.values(name)[0] for name in names}
    m = pyo.ConcreteModel()
    m.units = pyo.Var(types.agents, types.profiles, domain=pyo.NonNegativeReals, initialize=0.1)
    m.fee = pyo.Var([(i, own) for i in names for own in types.labels(i)])
    m.capacity = pyo.Var(bounds=(0, case.capacity))
    m.stock = pyo.Constraint(types.profiles, rule=lambda m, *t: sum(m.units[i, t] for i in names) <= m.capacity)

    def utility(m: Any, i: Any, theta: float, t: Any) -> Any:  # both forms are theta q less what no type changes
        return (theta - lowest[i]) * m.units[i, t] - m.fee[i, t[types.axis(i)]]

    vd.truthful(m, types, utility, "bayesian", "interim")

    def paid(t: Any) -> Any:
        return sum(m.fee[i, t[types.axis(i)]] + worth(group_of[i].revenue, m.units[i, t], lowest[i]) for i in names)

    cost = (case.capacity_cost or 0.0) * m.capacity  # of a capacity that is chosen
    m.profit = pyo.Objective(expr=types.expectation(paid) - cost, sense=pyo.maximize)
    return m


def worth(revenue: Any, q: Any, theta: float) -> Any:
    """Return a retailer's revenue, from the definitions of linear and of power demand."""
    if revenue.form == "linear_demand":
        return theta * q - q**2
    return theta * q - revenue.scale * q ** (revenue.exponent + 1)


def random_retailers(seed: int, revenue: Any) -> AllocationCase:
    """Return two or three retailers with irregular priors, and little or much to give them."""
    random = np.random.default_rng(seed)
    groups = []
    for g in range(1 + seed % 2):
        probabilities = random.integers(1, 9, size=3)
        own = (np.cumsum(random.integers(1, 6, size=3)) / 2).tolist()
        groups.append(group(own, (probabilities / probabilities.sum()).tolist(), revenue, 2 - g, name=f"group {g}"))
    return case(*groups, capacity=float(random.uniform(0.5, 4)))


ALLOCATIONS = [vd.example("two-retailers"), *(random_retailers(seed, LINEAR) for seed in range(4))]
ALLOCATIONS += [random_retailers(seed, POWER) for seed in (4, 5)]
ALLOCATIONS.append(case(group([4, 5, 8], [0.5, 0.2, 0.3], count=2), capacity_cost=1.2))


@pytest.mark.parametrize("case", ALLOCATIONS, ids=[f"case {k}" for k in range(len(ALLOCATIONS))])
def test_allocation_direct(case: AllocationCase) -> None:
    linear = case.retailers[0].revenue.form == "linear_demand"
    solution = solved(retailers(case), "highs" if linear else "ipopt")
    assert solution.objective == near(vd.solve(case, mechanism="allocation_direct").objective)
    assert solution.audit.truthful
