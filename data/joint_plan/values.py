"""A column of a table: a number for every key, immutable, comparable, and small when it is sent to another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_plain_validator_function

from veridical.data.arrays import Array, fixed
from veridical.data.fields import number
from veridical.data.record import wrong

__all__ = ["Values"]


class Values(Mapping[Any, float]):
    """A number for every key; keys are names (`"soap"`), or tuples of them where a table has several (`("Lyon", 3)`).

    Examples
    --------
    >>> stock = Values({"soap": 40.0, "tissues": 25.0})
    >>> stock["soap"], stock.array.tolist()
    (40.0, [40.0, 25.0])
    """

    def __init__(self, data: Mapping[Any, float] | None = None) -> None:
        self._data = {key: float(value) for key, value in (data or {}).items()}

    def __getitem__(self, key: Any) -> float:
        return self._data[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return no_info_plain_validator_function(cls._of)

    @classmethod
    def _of(cls, value: object) -> Values:
        if isinstance(value, Values):
            return value
        allowed = "a table with a finite number for every key"
        if not isinstance(value, Mapping):
            raise wrong(value, allowed)
        return cls({key: number(item, allowed) for key, item in value.items()})

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, Values) else super().__eq__(other)

    def __hash__(self) -> int:
        return hash(frozenset(self._data.items()))

    def __repr__(self) -> str:
        return f"Values({self._data!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"_data": self._data}

    @cached_property
    def array(self) -> Array:
        """The numbers, in the order of the keys."""
        return fixed(np.array(list(self._data.values()), dtype=float))
