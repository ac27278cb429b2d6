"""Joint plans: who plans, what is transferred, and whether it pays to misreport.

Rooms: `central` (the baseline, the plan at least cost of all, what each party pays at a plan, by models with everybody in
them), `planner` (the seam to all that follows).
"""

from veridical.solvers.joint_plan.central import cost_at, costs_at, jit, joint
from veridical.solvers.joint_plan.planner import Central, Planned, Planner

__all__ = ["Central", "Planned", "Planner", "cost_at", "costs_at", "jit", "joint"]
