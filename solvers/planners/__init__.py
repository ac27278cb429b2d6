"""Who plans: central planners that are handed everybody's record, and what a mechanism makes of their plans."""

from veridical.contracts.joint_plan.planner import Plan
from veridical.solvers.planners.central import Central, cost_at, costs_at, jit, joint
from veridical.solvers.planners.solution import settle, solve

__all__ = ["Central", "Plan", "cost_at", "costs_at", "jit", "joint", "settle", "solve"]
