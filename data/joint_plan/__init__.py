"""Joint plans: parties with private records, what they share, and the flows that the plan is made of.

Modules: `case` (the case, what one party's process is given, the mechanism's parameters), `shared` (weeks, products, sites,
routes, flows), `party` (what a role is made of, and how one of your own is registered), `roles` (those that are here),
`at_home` (a party whose record is not here), `apart` (a case as its coordinator and each of its parties have it),
`values` (a column of numbers), `head`, `files` and `tables` (reading and writing the folder), `generate` (synthetic cases of any
size).
"""

from veridical.data.deprecated import moved
from veridical.data.joint_plan.apart import coordinated, part_at_home, told_to
from veridical.data.joint_plan.at_home import AtHome
from veridical.data.joint_plan.case import JointPlanCase, Parameters, Part
from veridical.data.joint_plan.files import build
from veridical.data.joint_plan.generate import carriers, marketplace, pilot
from veridical.data.joint_plan.party import CAPACITY, COST, NEED, ROLES, STATE, Column, Party, column, register, scalar
from veridical.data.joint_plan.roles import Carrier, Marketplace, Retailer, Seller, Shipper, Vendor
from veridical.data.joint_plan.shared import LEVELS, Flow, Route, Shared
from veridical.data.joint_plan.tables import write
from veridical.data.joint_plan.values import Values

__all__ = ["JointPlanCase", "Parameters", "Part", "build", "carriers", "marketplace", "pilot", "write"]
__all__ += ["coordinated", "part_at_home", "told_to"]
__all__ += ["CAPACITY", "COST", "NEED", "ROLES", "STATE", "AtHome", "Column", "Party", "column", "register", "scalar"]
__all__ += ["Carrier", "Marketplace", "Retailer", "Seller", "Shipper", "Vendor"]
__all__ += ["LEVELS", "Flow", "Route", "Shared", "Values"]

__getattr__ = moved(__name__)
