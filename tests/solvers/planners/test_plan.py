"""One plan for all planners: what it says, that a fee is counted once, and the old names that still work."""

from typing import Any

import numpy as np
import pytest

from veridical.contracts.joint_plan.planner import Plan, activity_cost
from veridical.data.joint_plan import LEVELS, JointPlanCase, pilot
from veridical.solvers.consensus import Consensus
from veridical.solvers.planners import Central, joint, settle
from veridical.studies.pilot import run


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=3)


def test_central_and_consensus_return_the_same_kind_of_plan(case: JointPlanCase) -> None:
    central = Central()
    start = central.baseline(case)
    with Consensus() as consensus:
        plans = [planner.plan(case, start, [case.suppliers[0]], 0.1) for planner in (central, consensus)]
    for plan in plans:
        assert isinstance(plan, Plan)
        assert plan.non_participants == (case.suppliers[0],)
        assert set(plan.costs) == set(case.names)
        assert plan.fee == activity_cost(case.shared, plan.units, start, 0.1)
        absent = plan.costs[case.suppliers[0]]
        assert plan.objective == pytest.approx(plan.total - absent + plan.fee, rel=1e-12)
        assert plan.gap == max(plan.objective - plan.bound, 0.0)
        assert plan.solution.certificate.primal_residual <= 1e-6
        frame = plan.to_frame()
        assert tuple(frame.index.names) == LEVELS
        assert frame["units"].tolist() == plan.units.tolist()
        assert (frame["supplier_marginal"] == -frame["receiver_marginal"])[frame["supplier_marginal"].notna()].all()
    assert plans[0].identities == {
        *("agreement", "activity", "stock_balance", "inbound_volume", "production_volume"),
        *("weekly_change", "lane_volume", "lane_split"),
    }


def test_a_plan_that_was_not_optimised_has_no_gap(case: JointPlanCase) -> None:
    priced = Plan(case.shared, np.zeros(len(case.shared.flows)), {"retailer": 1.0})
    assert np.isnan(priced.gap)
    assert priced.to_frame()["supplier_marginal"].isna().all()


def test_a_settlement_holds_the_plan_behind_it(case: JointPlanCase) -> None:
    settlement = settle(case, "vcg", pivot="clarke", participation_fee=1e6)
    assert settlement.non_participants == case.suppliers
    assert settlement.certified_plan is not None
    assert settlement.certified_plan.units is settlement.units
    with pytest.warns(DeprecationWarning, match="non_participants"):
        assert settlement.held == case.suppliers


def test_callbacks_by_their_old_name(case: JointPlanCase) -> None:
    calls: list[Any] = []
    with pytest.warns(DeprecationWarning, match="callback"):
        planner = Consensus(tell=calls.append)
    with planner:
        planner.plan(case, planner.baseline(case))
    assert [call.round for call in calls] == list(range(1, len(calls) + 1))
    weeks: list[int] = []
    with pytest.warns(DeprecationWarning, match="callback"):
        run(case, tell=lambda week, *_: weeks.append(week))
    assert weeks == [1, 2]


def test_the_cost_of_a_plan_of_whole_trucks_has_no_prices(case: JointPlanCase) -> None:
    plan = joint(case.changed(truckload=True, truck_volume=10.0))
    assert plan.prices.empty
    assert plan.gap >= 0
    assert plan.to_frame()["receiver_marginal"].isna().all()
