"""Joint plans: who plans, what is transferred, and whether it pays to misreport.

Rooms: `central` (the baseline, the plan at least cost of all, what each party pays at a plan, by models with everybody in
them), `planner` (the seam to all that follows), `remembered` (nothing is planned twice), `transfers` (the mechanisms) and
`externality` (transfers of the one that is truthful in expectation), `misreports` and `audit` (who would lie), `solution`.
"""

from veridical.solvers.joint_plan.audit import JointPlanAudit, PartyFinding, PartyMisreport, examine
from veridical.solvers.joint_plan.central import cost_at, costs_at, jit, joint
from veridical.solvers.joint_plan.planner import Central, Planned, Planner
from veridical.solvers.joint_plan.remembered import Remembered
from veridical.solvers.joint_plan.solution import solve
from veridical.solvers.joint_plan.transfers import MECHANISMS, settle

__all__ = [
    "MECHANISMS",
    "Central",
    "JointPlanAudit",
    "PartyFinding",
    "PartyMisreport",
    "Planned",
    "Planner",
    "Remembered",
    "cost_at",
    "costs_at",
    "examine",
    "jit",
    "joint",
    "settle",
    "solve",
]
