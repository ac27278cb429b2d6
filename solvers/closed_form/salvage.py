"""Units that a retailer would salvage: where it may pay to hand him far more than he sells, no closed form is known.

Virtual revenue falls below what units are salvaged for where higher types would sell more of them, and far out, where nobody
sells any, earns the salvage again. Whether that beats the units where it first falls to the shadow price is looked at, at all
that a retailer could be given, others of his type alike: beyond the dip virtual revenue is convex, so an end of it is best.
"""

from __future__ import annotations

import numpy as np

from veridical.contracts.allotment import Allotment
from veridical.data import InputError
from veridical.data.arrays import Array, Booleans
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue

__all__ = ["refuse_dumping"]

ROUNDING = 1e-9  # of what units earn
HALVINGS = 60
SHOWN = 1e-5  # by which a limit is less than it need be: it is shown with six digits
GRID = 257  # quantities at which it is looked whether virtual marginal revenue rises


def refuse_dumping(allotment: Allotment) -> None:
    """Raise InputError where some type, at some profile, could be worth more with all units that he can take, for salvage."""
    case, profiles, capacity = allotment.case, allotment.profiles, allotment.capacity
    price = allotment.shadow_price[:, None]
    for g, group in enumerate(case.retailers):
        if not group.revenue.floor or np.isnan(price).any():
            continue
        virtual, columns = VirtualRevenue.of(group), profiles.columns(g)
        units, counts = allotment.by_type[:, columns], profiles.counts[:, columns]
        most = np.minimum(group.most, capacity / np.maximum(counts, 1))  # equal types get equal units
        pooled = False
        if virtual.ironed(allotment.shadow_price):  # of a pool nothing is known where virtual revenue is not concave
            worth = virtual.worth_at(np.linspace(0.0, float(most.max()), GRID)[:, None])
            pooled = bool((np.diff(worth, axis=0) > ROUNDING * worth.max()).any())
        here = virtual.value(units) - price * units
        there = virtual.value(most) - price * most
        worse = (counts > 0) & (pooled | (there - here > ROUNDING * np.maximum(np.abs(there), np.abs(here))))
        if worse.any():
            row, k = np.argwhere(worse)[0]
            limit = "" if pooled else f" of at most {_harmless(virtual, units, most, price, worse):.6g}"
            allowed = (
                f"less, a smaller capacity than {capacity:.6g}, or a capacity of {case.names[g]}{limit}: handing one of type "
                f"{group.theta[k]:g} {most[row, k]:.6g} units to salvage may pay, and no optimum is proven then"
            )
            raise InputError.of(f"retailers[{g}].revenue.salvage", group.revenue.floor, allowed, case.name)


def _harmless(virtual: VirtualRevenue, units: Array, most: Array, price: Array, worse: Booleans) -> float:
    """Return the capacity of each retailer with which no units would pay to be salvaged: what is allotted stays as it is.

    Beyond the dip what units earn is convex: more of them pay from some number on, which is found by halving.
    """
    here, low, high = virtual.value(units) - price * units, units, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        pays = virtual.value(middle) - price * middle > here
        low, high = np.where(pays, low, middle), np.where(pays, middle, high)
    return float(low[worse].min()) * (1 - SHOWN)
