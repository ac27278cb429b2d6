"""Joint plans as Pyomo models: a party is a block, and the joint plan is blocks that agree.

Modules: `party` (which role declares what, and one party's own model), `retailer`, `shipper`, `vendor` and `carrier` (what each
role declares), `vocabulary` (what their blocks are made of), `information` (what a model says of itself), `joint` (all parties
together, or some at the baseline, whole trucks), `jit` (the baseline, just in time), `core` (core-selecting gains, by what
coalitions save).
"""

from veridical.models.joint_plan import core, jit, joint
from veridical.models.joint_plan.party import DECLARATIONS, Declaration, carried, declare, party_model, register, served
from veridical.models.joint_plan.vocabulary import numbers, paid

__all__ = ["DECLARATIONS", "Declaration", "core", "jit", "joint", "numbers", "paid"]
__all__ += ["carried", "declare", "party_model", "register", "served"]
