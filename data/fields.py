"""Field types of case files, each with the sentence that says what is allowed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from numbers import Real
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from veridical.data.arrays import fixed
from veridical.data.errors import InputError
from veridical.data.limits import LARGEST, RETAILERS, SMALLEST
from veridical.data.record import Record, check, missing, wrong

__all__ = ["Flag", "Name", "NonNegative", "NonNegativeInt", "Numbers", "Positive", "Retailers", "Text"]
__all__ += ["finite", "is_name", "label", "listed", "number", "numbers", "one_of", "profits", "several"]
__all__ += ["sum_to_one", "whole", "whole_number"]
__all__ += ["Record", "check", "fixed", "missing", "wrong"]

SUM_TOLERANCE = 1e-9  # probabilities sum to 1 within this


def number(
    value: object, allowed: str, holds: Callable[[float], bool] = lambda x: True, least: float = 0.0, field: str = ""
) -> float:
    """Return a finite number for which `holds`; booleans and text are no numbers.

    Its size is from `least` to 1e60. `field` is its place below the validated field.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number beyond the range of floats
            figure = float(value)
            if math.isfinite(figure) and holds(figure):
                if least <= abs(figure) <= LARGEST:
                    return figure
                allowed = f"{allowed}, of a size from {least:g} to {LARGEST:g}"
    raise wrong(value, allowed, field)


def numbers(value: object, allowed: str, holds: Callable[[float], bool] = lambda x: True) -> tuple[float, ...]:
    """Return one or more finite numbers, each of which `holds`, of sizes as `number` has them."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise wrong(value, allowed)
    try:
        return tuple(number(item, allowed, holds) for item in value)
    except PydanticCustomError as error:
        raise wrong(value, (error.context or {}).get("allowed", allowed)) from None


def profits(each: str) -> Callable[[object], float | tuple[float, ...]]:
    """Return what reads profits >= 0: one number, or one for `each` of something."""
    allowed = f"a finite number >= 0, currency, or one such number a {each}"

    def read(value: object) -> float | tuple[float, ...]:
        if isinstance(value, list | tuple):
            return numbers(value, allowed, lambda x: x >= 0)
        return number(value, allowed, lambda x: x >= 0)

    return read


def whole(value: object, least: int = 0, most: float = math.inf, allowed: str | None = None) -> int:
    """Return a whole number from `least` to `most`; booleans are no numbers."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    raise wrong(value, allowed or _range(least, most))


def _range(least: int, most: float) -> str:
    return f"a whole number >= {least}" if most == math.inf else f"a whole number from {least} to {most:,}"


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
        allowed = allowed or _range(least, most) + (f": {purpose}" if purpose else "")
        raise InputError.of(field, value, allowed, file or None) from None


def finite(allowed: str, holds: Callable[[float], bool], least: float = 0.0) -> BeforeValidator:
    """Return the validator of a field that is one finite number, of a size as `number` has it."""
    return BeforeValidator(lambda value: number(value, allowed, holds, least))


def several(what: str, holds: Callable[[float], bool], ascending: bool = False) -> BeforeValidator:
    """Return the validator of a field with one or more finite numbers, each above the one before it where they ascend."""
    allowed = f"one or more finite {what}" + (", strictly ascending" if ascending else "")

    def validated(value: object) -> Numbers:
        values = numbers(value, allowed, holds)
        if ascending and any(high <= low for low, high in itertools.pairwise(values)):
            raise wrong(value, allowed)
        return values

    return BeforeValidator(validated)


def sum_to_one(noun: str) -> BeforeValidator:
    """Return the validator of a field with probabilities that sum to 1; `noun` is what each of them belongs to."""

    def validated(value: object) -> Numbers:
        values = numbers(value, f"finite probabilities >= 0, one a {noun}", lambda x: x >= 0)
        if abs(math.fsum(values) - 1) > SUM_TOLERANCE:
            raise wrong(f"<{value!r} with the sum {math.fsum(values)!r}>", f"probabilities that sum to 1 within {SUM_TOLERANCE}")
        return values

    return BeforeValidator(validated)


def one_of(*names: str) -> BeforeValidator:
    """Return the validator of a field that is one of some names."""
    return _instance(str, f"one of {', '.join(names)}", lambda value: value in names)


def listed(allowed: str, least: int = 1) -> BeforeValidator:
    """Return the validator of a field that is a list with at least so many entries, whatever they are."""
    return _instance((list, tuple), allowed, lambda value: len(value) >= least)


def _instance(cls: type | tuple[type, ...], allowed: str, holds: Callable[[Any], bool] = lambda value: True) -> BeforeValidator:
    def validated(value: object) -> object:
        if isinstance(value, cls) and holds(value):
            return value
        raise wrong(value, allowed)

    return BeforeValidator(validated)


def label(value: float) -> str:
    """Return a number as names carry it: as short as it can be without losing a digit."""
    return repr(float(value)).removesuffix(".0")


def is_name(value: str) -> bool:
    """Return whether text is a name: printable, on one line, without spaces at its ends or two in a row."""
    return value != "" and " ".join(value.split()) == value and value.isprintable()


Positive = Annotated[float, finite("a finite number > 0", lambda x: x > 0, SMALLEST)]
Retailers = Annotated[int, BeforeValidator(lambda value: whole(value, 1, RETAILERS))]
NonNegativeInt = Annotated[int, BeforeValidator(lambda value: whole(value))]
NonNegative = Annotated[float, finite("a finite number >= 0", lambda x: x >= 0)]
Numbers = tuple[float, ...]
Text = Annotated[str, _instance(str, "text")]
Name = Annotated[str, _instance(str, "non-empty text on one line, without spaces at its ends or two in a row", is_name)]
Flag = Annotated[bool, _instance(bool, "true or false")]
