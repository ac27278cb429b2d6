"""Records as plain values that MessagePack can have, and back: what a party's own process is handed is data, and no code.

A column is its keys and its numbers, these as little-endian float64. Whoever reads it validates it as a case file is validated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veridical.data.joint_plan.values import Values
from veridical.data.record import Record

__all__ = ["packed", "unpacked"]

NUMBER = np.dtype("<f8")


def packed(value: Any) -> Any:
    """Return a record, and whatever stands in its fields, as plain values.

    Examples
    --------
    >>> packed(Values({"soap": 0.5})), unpacked(packed(Values({"soap": 0.5})))
    ({'keys': ['soap'], 'numbers': b'\\x00\\x00\\x00\\x00\\x00\\x00\\xe0?'}, Values({'soap': 0.5}))
    """
    if isinstance(value, Record):
        return {name: packed(field) for name, field in value._table().items()}
    if isinstance(value, Values):
        return {"keys": [packed(key) for key in value], "numbers": value.array.astype(NUMBER).tobytes()}
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def unpacked(value: Any) -> Any:
    """Return what `packed` was given as the tables from which its records are read; raise ValueError for numbers without keys."""
    if isinstance(value, dict):
        if value.keys() == {"keys", "numbers"}:
            return Values(dict(zip(unpacked(value["keys"]), np.frombuffer(value["numbers"], NUMBER).tolist(), strict=True)))
        return {name: unpacked(field) for name, field in value.items()}
    return tuple(map(unpacked, value)) if isinstance(value, list | tuple) else value
