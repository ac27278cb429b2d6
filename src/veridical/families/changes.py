"""Fields of a case changed by the names that `--set` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veridical.data import InputError
from veridical.data.fields import Record, check

__all__ = ["changed", "put"]


def changed(case: Any, fields: Mapping[str, Any]) -> Any:
    """Return the case with other fields, validated: `price`, `demand.low`, `suppliers.panel.costs`."""
    raw: dict[str, Any] = {}
    for name, value in fields.items():
        top = name.split(".")[0]
        if top != name and top not in raw:
            raw[top] = _plain(getattr(case, top))
        put(raw, name, value)
    if not raw:
        return case
    if hasattr(case, "changed"):
        for top in raw.keys() - fields.keys():
            if isinstance(record := getattr(case, top), Record):
                raw[top] = check(type(record), raw[top], case.name or None)
        return case.changed(**raw)
    kept = {name: getattr(case, name) for name in type(case).model_fields if getattr(case, name) is not None}
    return check(type(case), kept | raw, case.name or None)


def _plain(value: Any) -> Any:
    """Return a record, or several, as the tables of a case file."""
    if isinstance(value, Record):
        return value.model_dump(exclude_none=True)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set a field of a raw case: `price`, `demand.low`, `suppliers.panel.costs` (a supplier by name or number)."""
    here: Any = raw
    *path, last = key.split(".")
    for step in path:
        if isinstance(here, list):
            names = [one.get("name") for one in here if isinstance(one, dict)]
            if step not in names and not (step.isdecimal() and int(step) < len(here)):
                raise InputError.of(f"--set {key}", step, f"one of {', '.join(map(str, names))}")
            here = here[names.index(step) if step in names else int(step)]
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        if not isinstance(here, dict | list):
            raise InputError.of(f"--set {key}", value, "a field of the case, with dots between tables")
    if not isinstance(here, dict):
        raise InputError.of(f"--set {key}", value, "a field of a table, such as suppliers.NAME.costs")
    here[last] = value
