"""Joint plans as Pyomo models: a party is a block, and the joint plan is blocks that agree.

Rooms: `party` (roles, and one party's own model), `receivers` and `suppliers` (what each role declares), `vocabulary` (what
blocks are made of), `joint` (all together, some held at the baseline, whole trucks), `jit` (the baseline).
"""

from veridical.models.joint_plan import jit, joint
from veridical.models.joint_plan.party import DECLARATIONS, Declaration, carried, declare, party_model, register, served

__all__ = ["DECLARATIONS", "Declaration", "carried", "declare", "jit", "joint", "party_model", "register", "served"]
