"""The auction of a case: the optimal allocation in closed form, as sealed bids post and clear it. Section 6, Theorem 7."""

from __future__ import annotations

from functools import partial

from veridical.contracts.auction import Auction
from veridical.data import InputError
from veridical.data.allocation import SAMPLES, AllocationCase
from veridical.data.truncated import POINTS
from veridical.solvers.closed_form.allocation import allocation, capacity_choice
from veridical.solvers.closed_form.water_filling import water_filling

__all__ = ["auction"]


def auction(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Auction:
    """Return the auction of a capacity in units: the one given, else the case's own, else the one worth having. Theorem 7.

    A continuous prior is cut into `points` cells (`AllocationCase.grid`). Above 200,000 type profiles `samples` of them are
    drawn with the given seed, and table bids are estimates.
    Raises InputError for a case of another kind, and for a capacity that is not finite and >= 0.
    """
    if not isinstance(case, AllocationCase):
        raise InputError.of("case", f"<{type(case).__name__}>", "an AllocationCase")
    options: dict[str, int] = {"points": points, "samples": samples, "seed": seed}
    if capacity is None and case.capacity is None:
        optimum = capacity_choice(case, **options)
    else:
        optimum = allocation(case, capacity, **options)
    return Auction(case, optimum, partial(water_filling, optimum.virtual, capacity=optimum.capacity))
