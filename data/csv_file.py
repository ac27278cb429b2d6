"""Reading CSV files that people write: every error names file, row and column, the value and what is allowed; and writing them.

What is read as a table may be a sheet of a workbook or a Parquet file too.

Text that a spreadsheet would take for a formula is written with an apostrophe before it, which `rows` takes off again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from veridical.data import files
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.limits import LARGEST
from veridical.data.sheets.endings import PARQUET, XLSX, ending

__all__ = ["lines", "number", "read", "rows", "text", "without", "write"]

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
HEADER = 3  # lines of a header at most: two levels of columns, and what the index is named
NOTHING: Mapping[str, str] = MappingProxyType({})
FORMULA = re.compile("'*[=+@\t\r-]")  # how text begins that is no plain text in a spreadsheet, or would not come back as it was


def rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file that are not blank, each with the line on which it begins, as an editor counts them.

    Raises InputError for a file that cannot be read, is not UTF-8, or has a quote that is not closed.
    """
    file, line = Path(path).name, 1
    try:
        reader = csv.reader(StringIO(files.read(path, "CSV file", "CSV"), newline=""), strict=True)
        for row in reader:
            if any(map(str.strip, row)):
                yield line, [cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell for cell in row]
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError.of(f"row {line}", "<no CSV>", f"values between commas, quotes closed ({error})", file) from None


def lines(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table as `rows` does; of a workbook (`.xlsx`) those of its first sheet, or those of a `.parquet` file.

    Raises InputError for a file that is none of these.
    """
    if Path(path).suffix.lower() not in (XLSX, PARQUET):
        return rows(path)
    ending(path)
    from veridical.data.sheets.cells import text_rows

    return text_rows(path)


def read(
    path: str | Path, wanted: Sequence[str], known: Iterable[str], expected: str, index: Mapping[str, str] = NOTHING
) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file as (`row 2`, column -> text), rows counted as an editor shows them.

    Each of the `wanted` columns must be there once; others must be among the `known` ones. `expected` says what rows there are
    to be. `index`: what a table's index is named, and the wanted column that it is; then a file may have the header of several
    lines which pandas writes of a table with columns like `("quantity", "panel")`.
    Raises InputError for a file that is no such table.
    """
    file = Path(path).name
    found = list(lines(path))
    if not found:
        raise InputError.of("<file>", "<an empty file>", f"a header and {expected}", file)
    depth, names = _header([row for _, row in found[:HEADER]], index)
    for name in wanted:
        if names.count(name) != 1:
            _refuse_other_separators(found[0][1], wanted, file)
            raise InputError.of("header", without(names, wanted), f"exactly one column {name!r}", file)
    allowed = list(dict.fromkeys([*wanted, *known]))
    for name in names:
        if name not in allowed:
            raise InputError.of("header", name, f"the columns {', '.join(allowed)}", file)
    for line, row in found[depth:]:
        if len(row) != len(names):
            raise InputError.of(f"row {line}", row, f"{len(names)} values, as in the header", file)
    return [(f"row {line}", dict(zip(names, row, strict=True))) for line, row in found[depth:]]


def _header(first: Sequence[list[str]], index: Mapping[str, str]) -> tuple[int, list[str]]:
    """Return how many of the first rows are the header, and the names of columns in it."""
    rows, n = [[" ".join(cell.split()) for cell in row] for row in first], len(index)
    for depth, row in enumerate(rows):
        if n and depth and set(row[:n]) == set(index) and not any(row[n:]):  # the index's names, below those of the columns
            above = zip(*(levels[n:] for levels in rows[:depth]), strict=False)
            return depth + 1, [*(index[name] for name in row[:n]), *(" ".join(filter(None, levels)) for levels in above)]
        if any(row[:n]):
            break
    return 1, rows[0]


def _refuse_other_separators(header: Sequence[str], wanted: Iterable[str], file: str) -> None:
    """Raise InputError for a header with the wanted columns between other signs than commas, as some spreadsheets write."""
    for sign, words in SEPARATORS.items():
        if len(header) == 1 and all(name in map(str.strip, header[0].split(sign)) for name in wanted):
            allowed = f"values between commas and numbers with a decimal point; these are between {words}"
            raise InputError.of("header", f"<a header between {words}>", allowed, file)


def without(header: Sequence[str], wanted: Iterable[str]) -> str:
    """Return what is wrong with a header in which wanted columns are missing or doubled, without what it says instead.

    A file without the columns may be another one than was meant, and nothing of it is to be shown.
    """
    missing = ", ".join(name for name in wanted if name not in header)
    doubled = ", ".join(name for name in wanted if header.count(name) > 1)
    words = (f"without {missing}" if missing else "", f"with {doubled} more than once" if doubled else "")
    return f"<a header {', '.join(filter(None, words))}>"


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


def text(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table as CSV text, every digit kept, whole numbers without a decimal point."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(_cell, header))
    writer.writerows(map(_cell, row) for row in rows)
    return stream.getvalue()


def write(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table with its index to a file, which is written whole or not at all; raises InputError."""
    table = frame.reset_index(allow_duplicates=True)
    table = table.set_axis([_cell(name) for name in table.columns], axis=1)
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            table.isetitem(place, [_cell(value) for value in table.iloc[:, place]])
    files.write({Path(path): table.to_csv(index=False, lineterminator="\n")})


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    return repr(value).removesuffix(".0") if isinstance(value, float) else value
