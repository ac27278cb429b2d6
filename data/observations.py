"""One column of numbers in a CSV file that a table of a case names: past demand, past reports of a supplier.

The file is looked for beside the case file, or below its folder, and read once, when the case is loaded. A case made in Python
may name a file of any place, but while files are looked for `below` a folder; what the table keeps is then its name alone, under
which it is saved beside the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from dataclasses import field as made
from pathlib import Path
from typing import Any

from pydantic_core import PydanticCustomError

from veridical.data import csv_file, files
from veridical.data.errors import InputError
from veridical.data.fields import Numbers, number
from veridical.data.record import wrong

__all__ = ["below", "column", "read"]


@dataclass(frozen=True)
class _Below:
    """Where files are looked for that no case file names, and what was read."""

    folder: Path | None = None
    found: dict[str, Numbers] = made(default_factory=dict)


_BELOW: ContextVar[_Below | None] = ContextVar("below", default=None)


@contextmanager
def below(folder: Path | None) -> Iterator[dict[str, Numbers]]:
    """Look for files that no case file names below a folder meanwhile; give the numbers of those that are read, by name.

    None: wherever the program is.
    """
    place = _Below(folder)
    token = _BELOW.set(place)
    try:
        yield place.found
    finally:
        _BELOW.reset(token)


def read(raw: Any, context: Any, field: str, values: str, keys: str) -> Any:
    """Return a table with the numbers of the file that its `field` names as `values`.

    `context` is that of validation, None for a table made in Python. Raises an error for `values` beside the file in a case file,
    where only `keys` may stand, and InputError for a file that cannot be read.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get(field), str):
        return raw
    if raw.get(values, ()) != () and context is None:
        return raw  # a copy, or a case that was written out by `model_dump`
    if values in raw:
        raise wrong(raw[values], f"only the keys {keys}: the values are read from the file", values)
    name = raw[field]
    if context is not None:
        return {**raw, values: column(files.inside(Path(context["folder"]), name), name, field)}
    given, place = Path(name), _BELOW.get() or _Below()  # of the caller's own, and not of a case file
    kept = given.name if given.anchor or ".." in given.parts else name
    found = column(nullcontext(given) if place.folder is None else files.inside(place.folder, name), name, field)
    place.found[name] = found
    return {**raw, field: kept, values: found}


def column(place: AbstractContextManager[Path], name: str, field: str) -> Numbers:
    """Return the one column of numbers in a CSV file, with or without a header line."""
    try:
        with place as path:
            return _numbers(csv_file.rows(path), name, field)
    except InputError as error:  # it is the case that names the file
        raise InputError(*(replace(problem, field=field) for problem in error.problems)) from None


def _numbers(rows: Iterable[tuple[int, list[str]]], name: str, field: str) -> Numbers:
    values: list[float] = []
    for place, (line, row) in enumerate(rows):
        try:
            values.append(number(float(row[0]) if len(row) == 1 else None, "", lambda x: x >= 0))
        except (ValueError, PydanticCustomError):
            if place or len(row) != 1 or not row[0].strip()[:1].isalpha() or row[0].strip().lower() in {"nan", "inf"}:
                wrong_row = f"<{','.join(row)!r} in row {line} of {name}>"
                raise InputError.of(field, wrong_row, "one finite number >= 0 a row") from None
    if not values:
        raise InputError.of(field, f"<no row in {name}>", "one or more rows with a finite number >= 0")
    return tuple(values)
