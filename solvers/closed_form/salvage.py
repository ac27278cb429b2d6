"""Units that a retailer would salvage: where it may pay to hand one of them far more than he sells, no closed form is known.

Virtual revenue falls below what units are salvaged for where higher types would sell more of them, and far out, where nobody sells
any, earns the salvage again. Whether that beats the units where it first falls to the shadow price is looked at, at all that one
retailer could be given: beyond the dip virtual revenue is convex, so nothing in between is better than both ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veridical.data import AllocationCase, InputError
from veridical.data.arrays import Array
from veridical.data.type_profiles import TypeProfiles
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue

__all__ = ["refuse_dumping"]

ROUNDING = 1e-9  # of what the units earn


def refuse_dumping(
    case: AllocationCase,
    virtual: Sequence[VirtualRevenue],
    profiles: TypeProfiles,
    shadow_price: Array,
    by_type: Array,
    capacity: float,
) -> None:
    """Raise InputError where some type, at some profile, could be worth more with all units that he can take, for salvage.

    virtual: group by group. shadow_price: of each profile. by_type: units, shape (rows, M). Arguments as in `Rationing`.
    """
    for g, (group, each) in enumerate(zip(case.retailers, virtual, strict=True)):
        most = min(group.most, capacity)
        if not group.revenue.floor or not np.isfinite(most) or each.survival is None:
            continue
        columns = profiles.columns(g)
        units, price = by_type[:, columns], shadow_price[:, None]
        here = each.value(units) - price * units
        there = each.value(np.full(units.shape, most)) - price * most
        worse = (profiles.counts[:, columns] > 0) & (there - here > ROUNDING * np.maximum(np.abs(there), np.abs(here)))
        if worse.any():
            k = int(np.argwhere(worse)[0, 1])
            allowed = (
                f"less, a smaller capacity than {capacity:.6g}, or a capacity of {case.names[g]}: handing a retailer of type "
                f"{group.theta[k]:g} {most:.6g} units to salvage may pay, and no optimum is proven then"
            )
            raise InputError.of(f"retailers[{g}].revenue.salvage", group.revenue.floor, allowed, case.name)
