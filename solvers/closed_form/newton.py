"""Newton's method for many falling functions at once, kept within brackets that only shrink."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from veridical.data.arrays import Array, Integers

__all__ = ["Slopes", "falling_root", "interpolated"]

Slopes = Callable[[Array, Integers], tuple[Array, Array]]  # values and slopes at points, given the places of the functions
STEPS = 2000  # halving alone takes at most 1,100 from the largest number to the least
NEAR = 1e-10  # a step that is smaller, relative to the point, is the last: what is left is of the order of its square


def falling_root(function: Slopes, low: Array, high: Array, start: Array, size: float = 0.0) -> tuple[Array, Array, Array]:
    """Return where functions fall through 0, and the ends of their last brackets, shape (n,) each.

    Every function is >= 0 at `low` and <= 0 at `high`; where it is not, the nearer end is approached. `size`: how large a point
    counts at least, where steps are said to be small; 1 for logarithms. A step that leaves the bracket leads to its end if the
    function has yet to be looked at there. Otherwise it is replaced by halving, as is one of more than half of the last but one,
    so a jump is found too: its bracket ends up as narrow as numbers allow. Values may be infinite, slopes 0 or infinite.
    """
    x = np.clip(start, low, high)
    low, high = low.copy(), high.copy()
    last = before = high - low
    known = np.zeros((2, len(x)), dtype=np.bool_)  # whether the function was looked at where its bracket begins, and ends
    going = np.arange(len(x))
    for _ in range(STEPS):
        if not going.size:
            break
        here, left, right = x[going], low[going], high[going]
        value, slope = function(here, going)
        left, right = np.where(value >= 0, here, left), np.where(value <= 0, here, right)
        known[:, going] |= value >= 0, value <= 0
        with np.errstate(all="ignore"):
            to = here - value / slope
            good = (to >= left) & (to <= right) & (np.abs(to - here) <= before / 2)
        begins, ends = (to < left) & ~known[0, going], (to > right) & ~known[1, going]
        to = np.where(good, to, np.select([begins, ends], [left, right], left + (right - left) / 2))
        to = np.where(value == 0, here, to)
        low[going], high[going], x[going] = left, right, to
        step = np.abs(to - here)
        done = (value == 0) | (good & (step <= NEAR * np.maximum(np.abs(to), size)))
        done |= right - left <= 2 * np.spacing(np.maximum(np.abs(left), np.abs(right)))
        before, last, going = last[~done], step[~done], going[~done]
    return x, low, high


def interpolated(x: Array, left: Array, right: Array, low: Array, high: Array, at_left: Array, at_right: Array) -> Array:
    """Return y at x, given it and its derivatives at two points, by the cubic; linear where that leaves them.

    left, right: the points, in whatever order. low, high: y there. at_left, at_right: its derivatives there.
    """
    with np.errstate(all="ignore"):
        width = right - left
        t = np.where(width != 0, np.clip((x - left) / width, 0.0, 1.0), 0.0)
        linear = low + t * (high - low)
        bent = (at_left * width - (high - low)) * (1 - t) - (at_right * width - (high - low)) * t
        cubic = linear + t * (1 - t) * bent
        return np.where((cubic >= np.minimum(low, high)) & (cubic <= np.maximum(low, high)), cubic, linear)
