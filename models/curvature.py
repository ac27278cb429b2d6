"""What is known of the curvature of an external function, for whoever must show that a program is convex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Curvature"]


@dataclass(frozen=True)
class Curvature:
    """Of a function of its first argument u >= 0, the others being numbers; kept as `curvature` of a `pyo.ExternalFunction`.

    `sign` is that of the second derivative, 1 where the function is convex, -1 where it is concave and 0 where it is neither;
    `monotone` that of the first. `second(low, high, *others)` returns the ends of the range of the second derivative for u
    between `low` and `high`, for arrays: differences of two functions can then be judged too.
    """

    sign: int = 0
    monotone: int = 0
    second: Callable[..., tuple[Any, Any]] | None = None
