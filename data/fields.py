"""Field types of case files, each with the sentence that says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from numbers import Real
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from veridical.data.errors import InputError
from veridical.data.record import Record, check, missing, wrong

__all__ = [
    "Flag",
    "Name",
    "NonNegative",
    "Numbers",
    "Positive",
    "Record",
    "Text",
    "check",
    "fixed",
    "missing",
    "number",
    "numbers",
    "whole",
    "whole_number",
    "wrong",
]

SUM_TOLERANCE = 1e-9  # probabilities sum to 1 within this


def number(value: object, allowed: str, holds: Callable[[float], bool] = lambda x: True) -> float:
    """Return a finite number for which `holds`; booleans and text are no numbers."""
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number beyond the range of floats
            found = float(value)
            if math.isfinite(found) and holds(found):
                return found
    raise wrong(value, allowed)


def numbers(value: object, allowed: str, holds: Callable[[float], bool] = lambda x: True) -> tuple[float, ...]:
    """Return one or more finite numbers, each of which `holds`."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise wrong(value, allowed)
    try:
        return tuple(number(item, allowed, holds) for item in value)
    except PydanticCustomError:
        raise wrong(value, allowed) from None


def whole(value: object, least: int = 0, most: float = math.inf, allowed: str | None = None) -> int:
    """Return a whole number from `least` to `most`; booleans are no numbers."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    raise wrong(value, allowed or f"a whole number >= {least}")


def whole_number(
    value: object,
    field: str,
    least: int = 0,
    file: str | None = None,
    purpose: str = "",
    most: float = math.inf,
    allowed: str | None = None,
) -> int:
    """Return a whole number from `least` to `most`, given as `field`: what functions check their arguments with.

    `purpose` says what the number is for, or `allowed` all of what is allowed. Raises InputError.
    """
    try:
        return whole(value, least, most)
    except PydanticCustomError:
        allowed = allowed or f"a whole number >= {least}" + (f": {purpose}" if purpose else "")
        raise InputError.of(field, value, allowed, file or None) from None


def fixed(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the array, which nobody can write to any more."""
    array.setflags(write=False)
    return array


def _positive(value: object) -> float:
    return number(value, "a finite number > 0", lambda x: x > 0)


def _non_negative(value: object) -> float:
    return number(value, "a finite number >= 0", lambda x: x >= 0)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise wrong(value, "text")


def _name(value: object) -> str:
    if isinstance(value, str) and value and " ".join(value.split()) == value and value.isprintable():
        return value
    raise wrong(value, "non-empty text on one line, without spaces at its ends or two in a row")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise wrong(value, "true or false")


Positive = Annotated[float, BeforeValidator(_positive)]
NonNegative = Annotated[float, BeforeValidator(_non_negative)]
Numbers = tuple[float, ...]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Flag = Annotated[bool, BeforeValidator(_flag)]
