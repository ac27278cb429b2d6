"""What is to be decided, declared in Pyomo: case -> model, one file a mechanism.

Rooms: `assembler` (contract menus), `expected_sales` (E[min(D, y)] in the forms that solvers understand), `allocation` (scarce
capacity), `joint_plan` (parties that share a plan).
"""

from veridical.models import allocation, joint_plan
from veridical.models.allocation import allocation_direct, allocation_kkt, capacity_choice, centralized
from veridical.models.assembler import bic, continuous, first_best, frw, hybrid, icds, icds_balanced, naive
from veridical.models.expected_sales import ExpectedSales

__all__ = [
    "ExpectedSales",
    "allocation",
    "allocation_direct",
    "allocation_kkt",
    "bic",
    "capacity_choice",
    "centralized",
    "continuous",
    "first_best",
    "frw",
    "hybrid",
    "icds",
    "icds_balanced",
    "joint_plan",
    "naive",
]
