"""What the models declare of their external functions, as ranges of their derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from veridical.data.arrays import Array
from veridical.solvers.translate.convexity.intervals import Interval

__all__ = ["external"]


def external(function: Any, arguments: list[Interval]) -> tuple[Interval, Interval, Interval] | None:
    """Return ranges of value, first and second derivative by the first argument; None where nothing is declared.

    A `Curvature` (veridical.models.curvature) holds where the first argument is not negative; elsewhere nothing is known.
    """
    declared = getattr(function, "curvature", None)
    if declared is None:
        return None
    low, high = arguments[0].low, arguments[0].high
    known = low >= 0
    unknown = Interval(np.where(known, 0.0, -np.inf), np.where(known, 0.0, np.inf))  # added: everything
    others = [argument.low for argument in arguments[1:]]
    low, high = np.where(known, low, 0.0), np.where(known, np.maximum(high, 0.0), 0.0)
    ends = function.batch(low, *others)[0], function.batch(high, *others)[0]
    value = Interval.of(*(ends if declared.monotone > 0 else ends[::-1])) if declared.monotone else _signed(0, low)
    first = _signed(declared.monotone, low)
    second = _signed(declared.sign, low) if declared.second is None else Interval.of(*declared.second(low, high, *others))
    return value + unknown, first + unknown, second + unknown


def _signed(sign: int, like: Array) -> Interval:
    """Return all numbers of a sign, of either where that is 0."""
    return Interval(np.full(like.shape, 0.0 if sign > 0 else -np.inf), np.full(like.shape, 0.0 if sign < 0 else np.inf))
