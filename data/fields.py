"""Field types of case files, each with the sentence that says what is allowed.

A validator here raises with that sentence, and `check` turns whatever pydantic collected into one `InputError`, so that a
message always names the field, the value found and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from numbers import Real
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.errors import InputError, Problem, shown

__all__ = ["Name", "NonNegative", "Numbers", "Positive", "Record", "Text", "check", "fixed", "number", "numbers", "wrong"]

SUM_TOLERANCE = 1e-9  # probabilities sum to 1 within this


def wrong(value: object, allowed: str, field: str = "") -> PydanticCustomError:
    """Return the error for a value that is not allowed; `field` is where below the validated field it stands."""
    return PydanticCustomError("not_allowed", "{allowed}", {"value": shown(value), "allowed": allowed, "field": field})


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


Positive = Annotated[float, BeforeValidator(_positive)]
NonNegative = Annotated[float, BeforeValidator(_non_negative)]
Numbers = tuple[float, ...]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]


class Record(BaseModel):
    """A table of a case file: immutable, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal; what was computed from them and kept does not count."""
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in type(self).model_fields)

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, raw: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        if not isinstance(raw, Mapping):
            raise wrong(raw, f"a table with the keys {', '.join(cls.model_fields)}")
        for key in raw:
            if key not in cls.model_fields:
                raise wrong(raw[key], f"only the keys {', '.join(cls.model_fields)}", field=str(key))
        for key, field in cls.model_fields.items():
            if field.is_required() and key not in raw:
                raise wrong("<nothing>", f"this key is required: {field.description or 'see the case format'}", field=key)
        return raw


RecordT = TypeVar("RecordT", bound=Record)


def check(cls: type[RecordT], raw: object, file: str | None = None, context: dict[str, Any] | None = None) -> RecordT:
    """Return `raw` as a validated `cls`, or raise `InputError` with every problem found."""
    try:
        return cls.model_validate(raw, context=context)
    except ValidationError as error:
        found = tuple(_problem(dict(item), raw) for item in error.errors())
    raise InputError(*found, file=file)


def _problem(item: Mapping[str, Any], raw: object) -> Problem:
    context = item.get("ctx", {})
    field, here = "", raw
    for step in (*item["loc"], *filter(None, [context.get("field")])):
        if isinstance(step, int):
            field += f"[{step}]"
            here = here[step] if isinstance(here, Sequence) and step < len(here) else None
        elif isinstance(here, Mapping) and step not in here and step in here.values():
            continue  # the tag of a union, not a key of the file
        else:
            field += f".{step}" if field else str(step)
            here = here.get(step) if isinstance(here, Mapping) else None
    return Problem(field or "<file>", context.get("value") or shown(item["input"]), context.get("allowed") or item["msg"])
