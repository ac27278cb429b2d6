"""Reading CSV files that people write: every error names file, row and column, the value and what is allowed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from veridical.data.errors import InputError
from veridical.data.limits import LARGEST

__all__ = ["number", "read", "rows"]


def rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file that are not blank, each with the line on which it begins, as an editor counts them.

    Raises InputError for a file that cannot be read, is not UTF-8, or has a quote that is not closed.
    """
    file, line = Path(path).name, 1
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for row in reader:
                if any(map(str.strip, row)):
                    yield line, row
                line = reader.line_num + 1
    except csv.Error as error:
        raise InputError.of(f"row {line}", "<no CSV>", f"values between commas, quotes closed ({error})", file) from None
    except UnicodeDecodeError as error:
        raise InputError.of("<file>", str(path), f"UTF-8 text in the CSV format ({error})", file) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError.of("<file>", str(path), f"a readable CSV file ({reason})", file) from None


def read(path: str | Path, wanted: Sequence[str], known: Iterable[str], expected: str) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file as (`row 2`, column -> text), rows counted as an editor shows them.

    Each of the `wanted` columns must be there once; others must be among the `known` ones. `expected` says what rows there are
    to be.
    Raises InputError for a file that is no such table.
    """
    file = Path(path).name
    lines = list(rows(path))
    if not lines:
        raise InputError.of("<file>", "<an empty file>", f"a header and {expected}", file)
    names = [" ".join(name.split()) for name in lines[0][1]]
    for name in wanted:
        if names.count(name) != 1:
            raise InputError.of("header", names, f"exactly one column {name!r}", file)
    allowed = list(dict.fromkeys([*wanted, *known]))
    for name in names:
        if name not in allowed:
            raise InputError.of("header", name, f"the columns {', '.join(allowed)}", file)
    for line, row in lines[1:]:
        if len(row) != len(names):
            raise InputError.of(f"row {line}", row, f"{len(names)} values, as in the header", file)
    return [(f"row {line}", dict(zip(names, row, strict=True))) for line, row in lines[1:]]


def number(text: str, place: str, column: str, file: str, least: float = -np.inf) -> float:
    """Return a finite number that is not below `least`; raises InputError for other text."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    allowed = "a finite number" if least == -np.inf else f"a finite number >= {least:g}"
    if not least <= value <= LARGEST or value < -LARGEST:
        allowed += f", of a size up to {LARGEST:g}" if LARGEST < abs(value) < np.inf else ""
        raise InputError.of(f"{place}, column {column}", text, allowed, file)
    return value
