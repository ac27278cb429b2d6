"""Joint plans: who plans, what is transferred, and whether it pays to misreport.

Rooms: `planner` (the seam; planning centrally).
"""

from veridical.solvers.joint_plan.planner import Central, Planned, Planner

__all__ = ["Central", "Planned", "Planner"]
