"""The auction of a case: the optimal allocation in closed form, as sealed bids post and clear it. Section 6, Theorem 7."""

from __future__ import annotations

from functools import partial

import numpy as np

from veridical.contracts.auction import Auction
from veridical.data import InputError
from veridical.data.allocation import SAMPLES, AllocationCase
from veridical.data.truncated import POINTS
from veridical.solvers.closed_form.allocation import allocation, capacity_choice
from veridical.solvers.closed_form.water_filling import water_filling

__all__ = ["auction"]

ROUNDING = 1e-12  # of payments, which are differences


def auction(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Auction:
    """Return the auction that sells a capacity by the optimal mechanism. Section 6, Theorem 7.

    Parameters
    ----------
    case
        The supplier's case.
    capacity
        Units; the case's own unless given, and the one worth having where the case has a capacity cost.
    points
        Cells into which a continuous prior is cut (`AllocationCase.grid`).
    samples, seed
        Above 200,000 type profiles so many of them are drawn with the seed, and table bids are estimates.

    Returns
    -------
    Auction
        Posts the bids that belong to each type, and clears sealed bids.

    Raises
    ------
    InputError
        For a case of another kind, and for a capacity that is not finite and >= 0.

    Examples
    --------
    >>> from veridical.data import example
    >>> auction(example("two-retailers"), 2.0).capacity
    2.0
    """
    if not isinstance(case, AllocationCase):
        raise InputError.of("case", f"<{type(case).__name__}>", "an AllocationCase")
    if capacity is None and case.capacity is None:
        optimum = capacity_choice(case, points=points, samples=samples, seed=seed)
    else:
        optimum = allocation(case, capacity, points=points, samples=samples, seed=seed)
    for g, paid in enumerate(optimum.payments):
        if paid.min(initial=0.0) < -ROUNDING * max(float(np.abs(paid).max()), 1.0):
            allowed = "for an auction less: retailers of some type would be paid to take part, and no bid is below 0"
            raise InputError.of(f"retailers[{g}].reservation_profit", case.retailers[g].reservation_profit, allowed, case.name)
    return Auction(case, optimum, partial(water_filling, optimum.virtual, capacity=optimum.capacity))
