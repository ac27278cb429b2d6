"""Whether the functions of a demand of one's own fit together: each algorithm rests on others of them.

Expected sales are concave with the slope 1 - F. So between any two quantities they rise by no more than the width times 1 - F at
the lower one, and by no less than the width times 1 - F at the upper one: bounds without any quadrature, tight on a fine grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from veridical.data.arrays import Array
from veridical.data.record import wrong

if TYPE_CHECKING:
    from veridical.data.demand.distribution import Demand

__all__ = ["agreeing"]

OURS = __name__.partition(".")[0]
LEVELS = np.arange(1, 1000) / 1000  # of the distribution function, at whose quantities everything is compared
SLACK = 1e-6  # of a probability; of quantities relative to the largest of them
BESIDE = 1e-9  # relative: from a quantity to where a distribution function that jumps there has jumped


def agreeing(demand: Demand) -> Demand:
    """Return a demand as it is; refuse one of a class that is not of this package whose functions do not fit together."""
    said = None if type(demand).__module__.partition(".")[0] == OURS else _disagreement(demand)
    if said is not None:
        raise wrong(*said)
    return demand


def _disagreement(demand: Demand) -> tuple[str, str] | None:
    """Return what the functions of a demand say, and what they should; None where they fit together."""
    name = type(demand).__name__
    try:
        q = _numbers(demand.inverse_cdf(LEVELS))
        before, after = (_numbers(demand.cdf(q * (1 + sign * BESIDE))) for sign in (-1, 1))
        before = np.where(q > 0, before, 0.0)  # demand is never below 0
        grid = np.concatenate([[0.0], q])
        share, sales = _numbers(demand.cdf(grid)), _numbers(demand.expected_sales(grid))
        mean, most = float(demand.expectation), float(demand.inverse_cdf(np.ones(1))[0])
        end = float(demand.expected_sales(np.array([most]))[0]) if np.isfinite(most) else float(sales[-1])
    except Exception as error:  # whatever somebody else's class may raise
        reason = f"<{name}: {type(error).__name__}: {error}>"
        return reason, "cdf, inverse_cdf and expected_sales that take arrays and return an array of the same shape"
    if not (np.isfinite(grid).all() and (grid >= 0).all() and (np.diff(grid) >= 0).all()):
        return f"<{name}.inverse_cdf that is not finite, falls, or is below 0>", "quantities >= 0 that do not fall as u rises"
    for wrong_at, values in ((after < LEVELS - SLACK, after), (before > LEVELS + SLACK, before)):
        if wrong_at.any():
            k = int(np.argmax(wrong_at))
            found = f"<{name}.cdf({q[k]:.6g}) = {values[k]:.6g}, where {name}.inverse_cdf({LEVELS[k]:g}) = {q[k]:.6g}>"
            return found, "inverse_cdf(u): the least q with cdf(q) >= u"
    slack, width, rise = SLACK * grid[-1], np.diff(grid), np.diff(sales)
    least, largest = width * (1 - share[1:]), width * (1 - share[:-1])
    off = np.maximum(rise - largest, least - rise)
    k = int(np.argmax(off))
    if off[k] > slack or not np.isfinite(off).all() or abs(sales[0]) > slack:
        slope = rise[k] / width[k] if width[k] > 0 else np.inf
        found = f"<{name}.expected_sales({grid[k]:.6g}) = {sales[k]:.6g}, with the slope {slope:.4g}>"
        return found, f"E[min(D, q)]: 0 at 0, with the slope 1 - cdf(q) = {1 - share[k]:.4g}"
    if not (mean >= end - slack and (mean <= end + slack or not np.isfinite(most))):
        where = most if np.isfinite(most) else grid[-1]
        return f"<{name}.expectation: {mean:.6g}>", f"E[D], what expected_sales rises to: {end:.6g} at {where:.6g}"
    return None


def _numbers(values: object) -> Array:
    """Return numbers one for each that was given."""
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or len(found) not in (len(LEVELS), len(LEVELS) + 1):
        raise ValueError(f"an array of the shape {found.shape}")
    return found
