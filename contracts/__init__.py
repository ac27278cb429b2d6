"""What is promised and whether it holds: menus, allotments, settlements, bids, transfers; properties and audits.

Modules: `menu` (an assembler's contract menu), `supplier_contract` (what one supplier is sent of it), `allotment` (units and
payments of retailers), `orders` (what orders at a wholesale price bring), `bids` and `auction` (sealed bids and how they are
cleared), `joint_plan` (settlements, and the transfers that lead to them), `vcg` (transfers of any model of parties), `properties`
(the table of what can be asked of any of these), `audit`, `menu_audit`, `allotment_audit`, `orders_audit` and `joint_plan.audit`
(who would misreport). Nothing here needs a solver or Pyomo.
"""

from veridical.contracts.allotment import Allotment
from veridical.contracts.allotment_audit import AllocationAudit
from veridical.contracts.audit import Audit, audit
from veridical.contracts.bids import Bids, read_bids
from veridical.contracts.direct_mechanism import DirectMechanism
from veridical.contracts.direct_mechanism_audit import MechanismAudit, examine
from veridical.contracts.joint_plan.audit import JointPlanAudit
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.menu import Menu
from veridical.contracts.menu_audit import Misreport
from veridical.contracts.orders_audit import GameAudit
from veridical.contracts.properties import IMPLIES, PROPERTIES, Property, PropertyResult
from veridical.contracts.supplier_contract import SupplierContract, supplier_contracts, write_contracts
from veridical.contracts.vcg import VCGAudit, VCGOutcome
from veridical.data.deprecated import moved

__all__ = ["Allotment", "Bids", "DirectMechanism", "Menu", "Settlement", "read_bids"]
__all__ += ["SupplierContract", "supplier_contracts", "write_contracts"]
__all__ += ["VCGAudit", "VCGOutcome"]
__all__ += ["IMPLIES", "PROPERTIES", "Property", "PropertyResult"]
__all__ += ["AllocationAudit", "Audit", "GameAudit", "JointPlanAudit", "MechanismAudit", "Misreport", "audit", "examine"]

__getattr__ = moved(__name__)
