"""Reading CSV files that people write: every error names file, row and column, the value and what is allowed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from veridical.data.errors import InputError

__all__ = ["number", "read"]


def read(path: str | Path, wanted: Sequence[str], known: Iterable[str], rows: str) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file as (`row 2`, column -> text), rows counted as an editor shows them.

    Each of the `wanted` columns must be there once; others must be among the `known` ones. `rows` says what rows there are to be.
    Raises InputError for a file that is no such table.
    """
    file = Path(path).name
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            header, *found = [(f"row {number}", row) for number, row in enumerate(csv.reader(stream), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError.of("<file>", str(path), f"a readable CSV file ({error})", file) from None
    except ValueError:
        raise InputError.of("<file>", "<an empty file>", f"a header and {rows}", file) from None
    names = [" ".join(name.split()) for name in header[1]]
    for name in wanted:
        if names.count(name) != 1:
            raise InputError.of("header", names, f"exactly one column {name!r}", file)
    allowed = list(dict.fromkeys([*wanted, *known]))
    for name in names:
        if name not in allowed:
            raise InputError.of("header", name, f"the columns {', '.join(allowed)}", file)
    for place, row in found:
        if len(row) != len(names):
            raise InputError.of(place, row, f"{len(names)} values, as in the header", file)
    return [(place, dict(zip(names, row, strict=True))) for place, row in found]


def number(text: str, place: str, column: str, file: str, least: float = -np.inf) -> float:
    """Return a finite number that is not below `least`; raises InputError for other text."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    allowed = "a finite number" if least == -np.inf else f"a finite number >= {least:g}"
    if not np.isfinite(value) or value < least:
        raise InputError.of(f"{place}, column {column}", text, allowed, file)
    return value
