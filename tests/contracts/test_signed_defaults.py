"""What a case of several suppliers has by default: fees with which the receivers, and every supplier, would sign."""

from collections.abc import Callable
from functools import partial

import pytest

import veridical as vd
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot
from veridical.solvers.planners import Central, settle

DRAWN = {
    "2 vendors": partial(pilot, vendors=2, weeks=5),
    "4 vendors": partial(pilot, weeks=5),
    "3 sellers": partial(marketplace, sellers=3, weeks=5),
    "3 carriers": carriers,
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_generated_cases_leave_the_receivers_a_gain(draw: Callable[..., JointPlanCase]) -> None:
    """Seeds that the fees were not chosen by."""
    case, planner = draw(seed=11), CachingPlanner(Central())
    found = settle(case, "vcg", planner)
    assert found.parameters["pivot"] == "clarke"
    assert found.residual > 0.02 * found.savings
    assert min(found.net_gains[name] for name in case.suppliers) >= -1e-6 * found.savings
    bare = settle(case, "vcg", planner, activity_fee=0.0)
    assert bare.residual < found.residual
    assert found.savings > 0.3 * bare.savings


@pytest.mark.parametrize("name", ["pilot", "marketplace", "carriers"])
def test_shipped_cases_leave_the_receivers_a_gain(name: str) -> None:
    found = settle(vd.example(name), "vcg", CachingPlanner(Central()))
    assert found.residual > 0.05 * found.savings


def test_one_supplier_has_no_fee() -> None:
    assert pilot(vendors=1, weeks=1).mechanism.activity_fee == 0
    assert pilot(vendors=2, weeks=1).mechanism.activity_fee > pilot(vendors=3, weeks=1).mechanism.activity_fee > 0
