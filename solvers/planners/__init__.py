"""Who plans: central planners that are handed everybody's record."""

from typing import Any

from veridical.contracts.joint_plan import transfers
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.planners.central import Central, cost_at, costs_at, jit, joint

__all__ = ["Central", "Plan", "cost_at", "costs_at", "jit", "joint", "settle"]


def settle(case: JointPlanCase, mechanism: str = "vcg", planner: Planner | None = None, **parameters: Any) -> Settlement:
    """Return what a mechanism makes of a case, by central plans where no planner is given; see `transfers.settle`."""
    return transfers.settle(case, mechanism, CachingPlanner(Central()) if planner is None else planner, **parameters)
