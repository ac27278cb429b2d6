"""Planners that remember: nothing is planned twice, what is held is priced, costs are bounded."""

from typing import Any

import pytest

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import example
from veridical.data.joint_plan import COST, JointPlanCase
from veridical.solvers.planners import Central, settle


class Counting(Central):
    """A planner that keeps count of what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[tuple[str, ...]] = []
        self.priced: list[str] = []

    def plan(self, case: JointPlanCase, baseline: Any, held: Any = (), activity_fee: float = 0.0) -> Plan:
        self.plans.append(tuple(held))
        return super().plan(case, baseline, held, activity_fee)

    def costs(self, case: JointPlanCase, plan: Any, names: Any = None) -> dict[str, float]:
        self.priced += case.names if names is None else names
        return super().costs(case, plan, names)


def test_nothing_is_planned_twice(two_vendors: JointPlanCase) -> None:
    counting = Counting()
    planner = CachingPlanner(counting)
    first = settle(two_vendors, "vcg", planner, pivot="clarke")
    assert sorted(counting.plans) == [(), ("A",), ("B",)]
    assert settle(two_vendors, "vcg", planner, pivot="clarke").transfers == first.transfers
    assert settle(two_vendors, "first_price", planner).units.tolist() == first.units.tolist()
    assert len(counting.plans) == 3
    lie = two_vendors.reporting("A", two_vendors.party("A").scaled(COST, 1.2))
    told = settle(lie, "vcg", planner, pivot="clarke")
    assert sorted(counting.plans[3:]) == [(), ("B",)]  # "without A" does not answer to A
    alone = settle(lie, "vcg", Central(), pivot="clarke")
    for name in two_vendors.names:
        assert told.transfers[name] == pytest.approx(alone.transfers[name], abs=1e-9)
        assert told.baseline_costs[name] == pytest.approx(alone.baseline_costs[name], abs=1e-9)


def test_the_planner_prices_what_is_held(three_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    start = planner.baseline(three_vendors)
    before = planner.costs(three_vendors, start)
    name = three_vendors.suppliers[1]
    found = planner.plan(three_vendors, start, non_participants=[name])
    assert found.costs[name] == pytest.approx(before[name], rel=1e-9)
    assert found.units[three_vendors.shared.share(name)] == pytest.approx(start[three_vendors.shared.share(name)])
    assert found.objective == pytest.approx(sum(found.costs.values()) - before[name])
    assert found.bound <= found.objective + 1e-9 * abs(found.objective)


def test_what_a_plan_costs_is_bounded() -> None:
    """HiGHS's active set called this vendor's cost at this plan unbounded; costs are never below 0 but for what is paid."""
    case, planner, name = example("pilot"), Central(), "Dogwood"
    start = planner.baseline(case)
    told = planner.plan(case.reporting(name, case.party(name).scaled(COST, 0.706)), start, activity_fee=0.1)
    by_highs, by_ipopt = (Central(solver).costs(case, told.units, [name])[name] for solver in ("highs", "ipopt"))
    assert by_highs == pytest.approx(by_ipopt, rel=1e-6)
