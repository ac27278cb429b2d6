"""Generated joint plans against the algebra written a second time (`support.plan_oracle`): nothing of models or solvers in it."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from support import plan_oracle as oracle
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data import JointPlanCase
from veridical.data.joint_plan import COST, carriers, marketplace, pilot
from veridical.solvers.consensus import Consensus
from veridical.solvers.planners import Central, settle

SAME = 1e-6  # relative, as all that is promised of joint plans
CASES = [  # kind; suppliers, sites, regions, products, weeks, seed, makers; or shippers, carriers, lanes, weeks, seed
    ("pilot", (1, 1, 1, 1, 1, 5, 1)),
    ("pilot", (2, 2, 1, 3, 4, 1, 2)),
    ("pilot", (8, 1, 2, 3, 2, 2, 2)),
    ("pilot", (3, 3, 2, 2, 3, 3, 1)),
    ("marketplace", (2, 1, 1, 2, 5, 4, 2)),
    ("marketplace", (6, 2, 1, 2, 2, 5, 3)),
    ("carriers", (1, 2, 2, 3, 6)),
    ("carriers", (2, 3, 1, 2, 7)),
]


@cache
def made(kind: str, sizes: tuple[int, ...]) -> JointPlanCase:
    makers: dict[str, Callable[..., JointPlanCase]] = {"pilot": pilot, "marketplace": marketplace, "carriers": carriers}
    return makers[kind](*sizes)


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> JointPlanCase:
    return made(*request.param).changed(activity_fee=0.0)


@pytest.fixture(scope="module")
def shared() -> CachingPlanner:
    return CachingPlanner(Central())


def costs_at(case: JointPlanCase, plan: Any) -> dict[str, float]:
    return {name: oracle.cost(case, name, plan) for name in case.names}


def test_plans_costs_and_transfers(case: JointPlanCase, shared: CachingPlanner) -> None:
    found = settle(case, "vcg", shared, pivot="baseline")
    start = oracle.baseline(case)
    assert found.start == pytest.approx(start, rel=SAME, abs=SAME)
    before, (_, least) = costs_at(case, start), oracle.joint_cost(case, start)
    size = SAME * max(map(abs, before.values()))
    assert dict(found.baseline_costs) == pytest.approx(before, rel=1e-9, abs=1e-3 * size)
    assert found.plan_cost == pytest.approx(least, rel=1e-9)
    assert found.certified_plan is not None
    assert found.certified_plan.bound <= least + 1e-9 * abs(least)
    assert oracle.unevenness(case, found.units) < SAME  # of all plans at that cost it is this one
    after = costs_at(case, found.units)
    assert dict(found.costs) == pytest.approx(after, rel=SAME, abs=size)
    saved = {name: before[name] - after[name] for name in case.names}
    savings = sum(before.values()) - least
    for name in case.suppliers:
        assert found.transfers[name] == pytest.approx(savings - saved[name], abs=size)
        assert found.net_gains[name] == pytest.approx(savings, abs=size)
    clarke = settle(case, "vcg", shared, pivot="clarke")
    for name in case.suppliers:
        without = oracle.joint_cost(case, start, (name,))[1] + before[name]
        assert clarke.net_gains[name] == pytest.approx(without - least, abs=size)
        assert clarke.transfers[name] == pytest.approx(without - least - saved[name], abs=size)


def test_fees(case: JointPlanCase, shared: CachingPlanner) -> None:
    n = len(case.suppliers)
    alpha, lump = 0.3, 2.0 if n <= 3 else 0.0  # of more there are too many subsets for a test
    found = settle(case, "vcg", shared, pivot="clarke", activity_fee=alpha, participation_fee=lump)
    start = oracle.baseline(case)
    before = costs_at(case, start)
    size = SAME * max(map(abs, before.values()))

    def value(absent: tuple[str, ...]) -> float:
        held = sum(before[name] for name in absent)
        return oracle.joint_cost(case, start, absent, alpha)[1] + held + lump * (n - len(absent))

    least = value(found.non_participants)
    assert found.plan_cost + found.activity + lump * (n - len(found.non_participants)) == pytest.approx(least, rel=1e-9)
    moved = float(case.shared.volume @ np.abs(found.units - start))
    assert found.activity == pytest.approx(alpha * moved, abs=size)
    if lump:
        every = [tuple(n for n, out in zip(case.suppliers, mask, strict=True) if out) for mask in product((0, 1), repeat=n)]
        values = {absent: value(absent) for absent in every}
        assert least == pytest.approx(min(values.values()), rel=1e-9)
        for name in case.suppliers:
            without = min(worth for absent, worth in values.items() if name in absent)
            assert found.net_gains[name] == pytest.approx(without - least, abs=size)


@pytest.mark.parametrize(("kind", "sizes"), [CASES[1], CASES[4], CASES[6]], ids=str)
def test_expected_externalities(kind: str, sizes: tuple[int, ...], shared: CachingPlanner) -> None:
    """d'Aspremont and Gerard-Varet's transfers, from what parties save at plans that the oracle finds at least cost and even."""
    case, factors = made(kind, sizes), (0.8, 1.3)
    found = settle(case, "agv", shared, cost_factors=factors)
    start, names, n = found.start, case.names, len(case.names)

    def saved(scales: dict[str, float]) -> Any:
        reported = case
        for name, factor in scales.items():
            reported = reported.reporting(name, case.party(name).scaled(COST, factor))
        plan = shared.plan(reported, start).units
        assert oracle.unevenness(reported, plan) < SAME
        after = costs_at(reported, plan)
        assert sum(after.values()) == pytest.approx(oracle.joint_cost(reported, start)[1], rel=1e-9)
        before = costs_at(reported, start)
        return np.array([before[name] - after[name] for name in names])

    def mean(own: str | None) -> Any:
        drawn = [name for name in case.suppliers if name != own]
        return np.mean([saved(dict(zip(drawn, each, strict=True))) for each in product(factors, repeat=len(drawn))], axis=0)

    expected, surprise = mean(None), np.zeros(n)
    for name in case.suppliers:
        k, given = names.index(name), mean(name)
        surprise[k] = given.sum() - given[k] - (expected.sum() - expected[k])
    wanted = expected.sum() / n - expected + surprise - (surprise.sum() - surprise) / (n - 1)
    size = SAME * max(map(abs, found.baseline_costs.values()))
    assert [found.transfers[name] for name in names] == pytest.approx(wanted.tolist(), abs=size)
    assert sum(found.transfers.values()) == pytest.approx(0.0, abs=size)


@pytest.mark.parametrize(("kind", "sizes"), [CASES[1], CASES[5], CASES[7]], ids=str)
def test_bounds_of_a_consensus(kind: str, sizes: tuple[int, ...]) -> None:
    case = made(kind, sizes)
    start = oracle.baseline(case)
    before, (_, least) = costs_at(case, start), oracle.joint_cost(case, start)
    with Consensus() as planner:
        assert planner.baseline(case) == pytest.approx(start, rel=SAME, abs=SAME)
        plan = planner.plan(case, start)
        without = planner.plan(case, start, case.suppliers[:1])
    small = 1e-9 * sum(map(abs, before.values()))
    for found, best in ((plan, least), (without, oracle.joint_cost(case, start, case.suppliers[:1])[1])):
        assert found.bound <= best + small
        assert best - small <= found.objective
        assert sum(costs_at(case, found.units).values()) == pytest.approx(found.total, rel=SAME)
    assert plan.gap <= 1e-3 * (sum(before.values()) - plan.total) + small


@pytest.mark.parametrize("make", [pilot, marketplace, carriers])
def test_figures_do_not_depend_on_the_solver(make: Any) -> None:
    case = make(weeks=3, seed=2)
    highs = settle(case, "vcg", CachingPlanner(Central()), pivot="clarke")
    ipopt = settle(case, "vcg", CachingPlanner(Central("ipopt")), pivot="clarke")
    assert ipopt.start == pytest.approx(highs.start, rel=1e-9, abs=1e-9)
    assert ipopt.units == pytest.approx(highs.units, rel=SAME, abs=SAME)
    size = SAME * highs.savings
    for figure in ("costs", "transfers", "net_gains"):
        assert dict(getattr(ipopt, figure)) == pytest.approx(dict(getattr(highs, figure)), abs=size)


def test_of_plans_at_the_same_cost_it_is_the_same_one_in_any_order_and_currency() -> None:
    case = made("marketplace", (3, 2, 2, 3, 3, 1, 2))
    start = Central().baseline(case)
    found = Central().plan(case, start)
    parties = tuple(party.scaled(COST, 1000.0) for party in case.parties[::-1])
    routes = tuple(route._replace(price=1000.0 * route.price) for route in case.shared.routes[::-1])
    other = case.changed(parties=parties, routes=routes, tie_break=1000.0 * case.mechanism.tie_break)
    plan = Central().plan(other, other.shared.vector(case.shared.series(start)))
    assert other.shared.series(plan.units).reindex(case.shared.index).to_numpy() == pytest.approx(found.units, rel=SAME, abs=SAME)
    for name in case.names:
        assert plan.costs[name] == pytest.approx(1000.0 * found.costs[name], rel=1e-7)
