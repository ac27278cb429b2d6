"""The supplier's mechanisms, one module each: `build(case)` returns the Pyomo model; here it is that of `allocation`.

`vocabulary` holds the sets and the constraints that they share, `revenue` and `own_revenue` what retailers earn.
"""

from veridical.models.allocation import allocation_direct, allocation_kkt, capacity_choice, centralized
from veridical.models.allocation.allocation import build
from veridical.models.allocation.own_revenue import OwnRevenue
from veridical.models.allocation.vocabulary import POINTS, forms

__all__ = ["POINTS", "OwnRevenue", "allocation_direct", "allocation_kkt", "build", "capacity_choice", "centralized", "forms"]
