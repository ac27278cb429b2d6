"""Field types of case files, each with the sentence that says what is allowed, and with its JSON schema.

Schemas are for editors, and say as much as they can of what validators refuse: in draft 4, the newest that taplo knows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from veridical.data.arrays import fixed
from veridical.data.errors import InputError
from veridical.data.limits import LARGEST, RETAILERS, SMALLEST
from veridical.data.record import Record, check, missing, wrong

__all__ = ["Flag", "Name", "NonNegative", "NonNegativeInt", "Numbers", "Positive", "Retailers", "Text"]
__all__ += ["NOT_NEGATIVE", "POSITIVE", "Reads", "finite", "is_name", "label", "listed", "number", "numbers", "one_of"]
__all__ += ["one_of_keys", "profits", "reads", "several"]
__all__ += ["sum_to_one", "whole", "whole_number"]
__all__ += ["Record", "check", "fixed", "missing", "wrong"]

SUM_TOLERANCE = 1e-9  # probabilities sum to 1 within this
Schema = Mapping[str, Any]
NUMBER: Schema = {"type": "number"}
NOT_NEGATIVE: Schema = {"type": "number", "minimum": 0}
POSITIVE: Schema = {"type": "number", "minimum": 0, "exclusiveMinimum": True}


@dataclass(frozen=True, eq=False)
class Reads(BeforeValidator):
    """The validator of a field, with what it adds to the JSON schema of the field's type; or the whole schema, `exactly`."""

    schema: Schema | None = None
    exactly: Schema | Callable[[], Schema] | None = None

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of the field."""
        if self.exactly is not None:
            return dict(self.exactly() if callable(self.exactly) else self.exactly)
        return {**handler(core_schema), **(self.schema or {})}


def reads(function: Callable[[Any], Any], exactly: Schema | Callable[[], Schema] | None = None, **schema: Any) -> Reads:
    """Return the validator of a field by a function, with what that says in JSON schema."""
    return Reads(function, schema=schema, exactly=exactly)


def one_of_keys(*names: str) -> dict[str, Any]:
    """Return in JSON schema that a table has exactly one of some keys."""
    return {"oneOf": [{"required": [name]} for name in names]}


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


def profits(each: str) -> Reads:
    """Return the validator of a field with profits >= 0: one number, or one for `each` of something."""
    allowed = f"a finite number >= 0, currency, or one such number a {each}"

    def read(value: object) -> float | tuple[float, ...]:
        if isinstance(value, list | tuple):
            return numbers(value, allowed, lambda x: x >= 0)
        return number(value, allowed, lambda x: x >= 0)

    return reads(read, exactly={"anyOf": [NOT_NEGATIVE, {"type": "array", "items": NOT_NEGATIVE, "minItems": 1}]})


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


def finite(allowed: str, holds: Callable[[float], bool], least: float = 0.0, **schema: Any) -> Reads:
    """Return the validator of a field that is one finite number, of a size as `number` has it."""
    return reads(lambda value: number(value, allowed, holds, least), **schema)


def several(what: str, holds: Callable[[float], bool], ascending: bool = False, items: Schema = POSITIVE) -> Reads:
    """Return the validator of a field with one or more finite numbers, each above the one before it where they ascend."""
    allowed = f"one or more finite {what}" + (", strictly ascending" if ascending else "")

    def validated(value: object) -> Numbers:
        values = numbers(value, allowed, holds)
        if ascending and any(high <= low for low, high in itertools.pairwise(values)):
            raise wrong(value, allowed)
        return values

    return reads(validated, items=items, minItems=1)


def sum_to_one(noun: str) -> Reads:
    """Return the validator of a field with probabilities that sum to 1; `noun` is what each of them belongs to."""

    def validated(value: object) -> Numbers:
        values = numbers(value, f"finite probabilities >= 0, one a {noun}", lambda x: x >= 0)
        if abs(math.fsum(values) - 1) > SUM_TOLERANCE:
            raise wrong(f"<{value!r} with the sum {math.fsum(values)!r}>", f"probabilities that sum to 1 within {SUM_TOLERANCE}")
        return values

    return reads(validated, items=NOT_NEGATIVE, minItems=1)


def one_of(*names: str) -> Reads:
    """Return the validator of a field that is one of some names."""
    return _instance(str, f"one of {', '.join(names)}", lambda value: value in names, enum=list(names))


def listed(allowed: str, least: int = 1) -> Reads:
    """Return the validator of a field that is a list with at least so many entries, whatever they are."""
    return _instance((list, tuple), allowed, lambda value: len(value) >= least, minItems=least)


def _instance(
    cls: type | tuple[type, ...], allowed: str, holds: Callable[[Any], bool] = lambda value: True, **schema: Any
) -> Reads:
    def validated(value: object) -> object:
        if isinstance(value, cls) and holds(value):
            return value
        raise wrong(value, allowed)

    return reads(validated, **schema)


def label(value: float) -> str:
    """Return a number as names carry it: as short as it can be without losing a digit."""
    return repr(float(value)).removesuffix(".0")


def is_name(value: str) -> bool:
    """Return whether text is a name: printable, on one line, without spaces at its ends or two in a row."""
    return value != "" and " ".join(value.split()) == value and value.isprintable()


Positive = Annotated[float, finite("a finite number > 0", lambda x: x > 0, SMALLEST, **POSITIVE)]
Retailers = Annotated[int, reads(lambda value: whole(value, 1, RETAILERS), minimum=1, maximum=RETAILERS)]
NonNegativeInt = Annotated[int, reads(lambda value: whole(value), minimum=0)]
NonNegative = Annotated[float, finite("a finite number >= 0", lambda x: x >= 0, **NOT_NEGATIVE)]
Numbers = tuple[float, ...]
Text = Annotated[str, _instance(str, "text")]
Name = Annotated[
    str, _instance(str, "non-empty text on one line, without spaces at its ends or two in a row", is_name, minLength=1)
]
Flag = Annotated[bool, _instance(bool, "true or false")]
