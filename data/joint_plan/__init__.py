"""Joint plans: parties with private records, what they share, and the flows that the plan is made of.

Rooms: `case` (the case, what one party's process is given, the mechanism's parameters), `shared` (weeks, products, sites,
routes, flows), `party` (what a role is made of, and how one of your own is registered), `roles` (those that are here),
`values` (a column of numbers), `head` and `files` (the folder), `generate`
(synthetic cases of any size).
"""

from veridical.data.joint_plan.case import JointPlanCase, Parameters, Part
from veridical.data.joint_plan.files import build, write
from veridical.data.joint_plan.generate import carriers, marketplace, pilot
from veridical.data.joint_plan.party import CAPACITY, COST, NEED, ROLES, STATE, Column, Party, column, register, scalar
from veridical.data.joint_plan.roles import Carrier, Marketplace, Retailer, Seller, Shipper, Vendor
from veridical.data.joint_plan.shared import LEVELS, Flow, Route, Shared
from veridical.data.joint_plan.values import Values
from veridical.data.moved import moved

__all__ = [
    "CAPACITY",
    "COST",
    "LEVELS",
    "NEED",
    "ROLES",
    "STATE",
    "Carrier",
    "Column",
    "Flow",
    "JointPlanCase",
    "Marketplace",
    "Parameters",
    "Part",
    "Party",
    "Retailer",
    "Route",
    "Seller",
    "Shared",
    "Shipper",
    "Values",
    "Vendor",
    "build",
    "carriers",
    "column",
    "marketplace",
    "pilot",
    "register",
    "scalar",
    "write",
]

__getattr__ = moved(__name__)
