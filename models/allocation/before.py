"""What is looked at before a case is modelled: types that never occur, where a search begins, and whether the model would fit."""

from __future__ import annotations

import numpy as np

from veridical.data import AllocationCase, InputError, RetailerGroup
from veridical.data.allocation import ENUMERATED
from veridical.data.assembler import shortened
from veridical.data.limits import MEMORY, gigabytes

__all__ = ["fits", "occurring", "wanted"]

BYTES = 4_000  # resident memory a variable with its share of constraints and expressions, measured


def wanted(group: RetailerGroup, theta: float) -> float:
    """Return units that a retailer of a type would like to have, roughly: where a solver starts."""
    most = group.revenue.quantity(group.revenue.falls_to(0.3, theta), theta)
    return float(np.nan_to_num(most, nan=1.0, posinf=1.0)) or 1.0


def occurring(case: AllocationCase) -> AllocationCase:
    """Return the case without the types that never occur."""
    if all((group.probability > 0).all() for group in case.retailers):
        return case
    return case.without([group.probability > 0 for group in case.retailers])


def fits(case: AllocationCase, name: str) -> None:
    """Refuse a model that would not fit into memory or visit all profiles, before anything of it is built."""
    profiles, types = case.profile_count, sum(len(group.theta) for group in case.retailers)
    size = min(profiles, 10**18) * min(types, sum(case.members)) * BYTES
    if size > MEMORY or profiles > ENUMERATED:
        large = f"<{sum(case.members)} retailers with {shortened(profiles)} type profiles: {gigabytes(size)}>"
        allowed = f"models of `{name}` with up to {ENUMERATED:,} type profiles and {MEMORY / 1e9:.0f} GB"
        allowed = f"{allowed}; larger cases have the closed form (solver closed_form)"
        raise InputError.of("retailers", large, allowed, case.name)
