"""Optimisation models in Pyomo: each mechanism is one module, whose `build` turns a case into a model.

Packages and modules: `assembler` (contract menus), `expected_sales` (E[min(D, y)] in the forms that solvers take), `allocation`
(scarce capacity), `joint_plan` (parties that share a plan), `info` (the record that a model of ours carries).
"""

from veridical.models import allocation, joint_plan
from veridical.models.allocation import allocation_direct, allocation_kkt, capacity_choice, centralized
from veridical.models.assembler import bic, continuous, first_best, frw, hybrid, icds, icds_balanced, naive
from veridical.models.expected_sales import ExpectedSales

__all__ = ["ExpectedSales", "joint_plan"]
__all__ += ["bic", "continuous", "first_best", "frw", "hybrid", "icds", "icds_balanced", "naive"]
__all__ += ["allocation", "allocation_direct", "allocation_kkt", "capacity_choice", "centralized"]
