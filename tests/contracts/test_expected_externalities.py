"""Transfers by expected externalities: they balance, and nobody expects to gain by a lie."""

import itertools

import numpy as np
import pytest

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data.joint_plan import COST, JointPlanCase
from veridical.solvers.planners import Central, settle


def test_agv_balances_and_nobody_expects_to_gain_by_a_lie(two_vendors: JointPlanCase) -> None:
    """Every true and reported cost of both, by the settlements themselves: nothing that the transfers are made of is used."""
    factors = (1.0, 1.1, 1.6)
    planner = CachingPlanner(Central())
    types = {name: [two_vendors.party(name).scaled(COST, factor) for factor in factors] for name in "AB"}

    def with_types(a: int, b: int) -> JointPlanCase:
        return two_vendors.reporting("A", types["A"][a]).reporting("B", types["B"][b])

    pairs = list(itertools.product(range(3), repeat=2))
    told = {pair: settle(with_types(*pair), "agv", planner, committed=two_vendors, cost_factors=factors) for pair in pairs}
    assert len({tuple(np.round(each.units, 3)) for each in told.values()}) > 1  # reports matter
    for each in told.values():
        assert abs(sum(each.transfers.values())) <= 1e-9
    gains: dict[tuple[str, int, int], float] = {}
    for name, (own, report) in itertools.product("AB", pairs):
        expected = []
        for other in range(3):
            at = told[(report, other) if name == "A" else (other, report)]
            truth = with_types(*((own, other) if name == "A" else (other, own)))
            before, after = (planner.costs(truth, plan, [name])[name] for plan in (at.start, at.units))
            expected.append(before - after + at.transfers[name])
        gains[name, own, report] = float(np.mean(expected))
    for (name, own, report), value in gains.items():
        assert value <= gains[name, own, own] + 1e-6, (name, own, report)
    shares = [np.mean([each.net_gains[party] for each in told.values()]) for party in two_vendors.names]
    assert shares == pytest.approx([np.mean([each.savings for each in told.values()]) / 3] * 3)


def test_agv_draws_where_profiles_are_many(two_vendors: JointPlanCase) -> None:
    factors = tuple(1.0 + k / 20 for k in range(11))  # 121 profiles
    planner = CachingPlanner(Central())
    found, again, other = (settle(two_vendors, "agv", planner, cost_factors=factors, draws=4, seed=seed) for seed in (0, 0, 5))
    assert found.transfers == again.transfers
    assert found.transfers != other.transfers
    assert abs(sum(found.transfers.values())) <= 1e-9
