"""What the world is: typed, validated, immutable cases; demand; priors.

Modules: `load` (files, kinds of cases, shipped examples); `assembler` and `continuous_case` (the assembler's case), `demand`,
`product`, `prior`, `private_cost` and `yields` (its parts), `assembling` (what is made of given components), `virtual_cost` (eq.
(13)); `allocation` (the supplier's case), `revenue`, `typed_demand`, `private_type` and `type_profiles` (its parts);
`joint_plan` (parties that share a plan); `truncated` (distributions of costs and types), `record` and `case_record` (what every
part, and every case, is: immutable, validated, changed and saved), `registry` (classes of your own that case files name),
`fields` (field types, with their messages), `csv_file`, `files` (what is read and written, and where), `sheets` (tables in CSV,
Excel and Parquet files), `importing` (cases from quotes and sales), `errors`.
"""

from typing import TYPE_CHECKING, Any

from veridical.data.allocation import AllocationCase, FixedPrice, RetailerGroup
from veridical.data.assembler import AssemblerCase, Supplier
from veridical.data.case_record import CaseRecord
from veridical.data.continuous_case import ContinuousCase, ContinuousSupplier
from veridical.data.demand.densities import Continuous, Exponential, Gamma, Lognormal, Normal, Uniform, Weibull
from veridical.data.demand.discrete import Discrete, Empirical, Sample
from veridical.data.demand.distribution import Demand, register_demand
from veridical.data.deprecated import moved
from veridical.data.errors import CertificateError, InputError, NotSolvedError, Problem, VeridicalError
from veridical.data.fields import Name, NonNegative, Numbers, Positive
from veridical.data.joint_plan import JointPlanCase
from veridical.data.lazy import found_when_used
from veridical.data.load import example, examples, load, register_kind
from veridical.data.prior import Prior
from veridical.data.private_cost import PrivateCost
from veridical.data.private_type import PrivateType
from veridical.data.product import Product
from veridical.data.record import Record
from veridical.data.revenue import LinearDemand, Newsvendor, PowerDemand, Revenue, register_revenue
from veridical.data.type_space import TypeSpace
from veridical.data.virtual_cost import Monotonicity, correlation, monotonicity, virtual_cost, weighted_virtual_cost
from veridical.data.yields import Yield

if TYPE_CHECKING:
    from veridical.data.importing.cases import import_case

__all__ = ["AllocationCase", "AssemblerCase", "ContinuousCase", "JointPlanCase", "example", "examples", "load", "register_kind"]
__all__ += ["ContinuousSupplier", "FixedPrice", "Prior", "PrivateCost", "PrivateType", "Product", "RetailerGroup", "Supplier"]
__all__ += ["Continuous", "Demand", "Discrete", "Empirical", "Exponential", "Gamma", "Lognormal", "Normal", "Sample"]
__all__ += ["LinearDemand", "Newsvendor", "PowerDemand", "Revenue", "Uniform", "Weibull", "register_demand", "register_revenue"]
__all__ += ["Monotonicity", "TypeSpace", "Yield", "correlation", "monotonicity", "virtual_cost", "weighted_virtual_cost"]
__all__ += ["CaseRecord", "Name", "NonNegative", "Numbers", "Positive", "Record"]  # what kinds of your own are made of
__all__ += ["CertificateError", "InputError", "NotSolvedError", "Problem", "VeridicalError"]
__all__ += ["import_case"]

_moved, _found = moved(__name__), found_when_used(__name__, {"importing.cases": ("import_case",)})


def __getattr__(name: str) -> Any:
    """Import what reads tables when it is first used."""
    return _found(name) if name == "import_case" else _moved(name)
