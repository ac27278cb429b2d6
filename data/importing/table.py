"""A table as people have it: rows under a header, wherever that stands, with titles above it and empty rows between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from veridical.data.errors import InputError, Problem, shown
from veridical.data.lazy import pd
from veridical.data.sheets.cells import (
    SEPARATORS,
    Covered,
    Rows,
    blank,
    csv_rows,
    decoded,
    parquet_rows,
    shown_as,
    workbook_rows,
)
from veridical.data.sheets.endings import CSV, XLSX, ending
from veridical.data.sheets.numerals import numeral

__all__ = ["HOW", "Problems", "Reading", "Table", "Wanted", "key_of", "text_of", "unit_of"]

HEADERS = 20  # rows among which a header is looked for, where none has the columns
MOST = 20  # problems of one table that are listed
TOTALS = (
    *("total", "totals", "subtotal", "sub total", "grand total", "overall", "sum", "average", "mean"),
    *("summe", "zwischensumme", "gesamt", "gesamtsumme", "durchschnitt", "mittelwert"),  # as German programs write them
)
HOW = "columns of other names: --rename 'HEADER=KEY', to leave one out: --ignore 'HEADER' (in Python `rename` and `ignore`)"
UNIT = re.compile(r"(.*?)\s*[(\[](.*)[)\]]")


@dataclass(frozen=True)
class Reading:
    """How tables are read, where that is not plain: what the caller says of them.

    `sheets`: of workbooks, by table (`quotes`, `suppliers`, `demand`, `retailers`). `rename`: columns, from the header to the key
    that it stands for. `ignore`: headers of columns that are left out. `decimal`: the sign of decimals in text, `.` or `,`.
    `encoding`: of CSV files that are not UTF-8.
    """

    sheets: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    decimal: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The columns of a table: one of each group of `needed` must be there, and `known` ones may be.

    `others`: whether further columns are left out without a word. `how`: how a caller says which columns are meant.
    """

    needed: tuple[tuple[str, ...], ...]
    known: tuple[str, ...] = ()
    others: bool = False
    how: str = HOW

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them."""
        return (*(key for group in self.needed for key in group), *self.known)

    def met(self, keys: Iterable[str]) -> bool:
        """Return whether a row with these keys is the header."""
        there = set(keys)
        return all(there.intersection(group) for group in self.needed)

    @property
    def words(self) -> str:
        """What the header must have, in words."""
        return " and ".join(" or ".join(group) for group in self.needed)


class Problems:
    """What is wrong with one table, collected until all of it has been looked at."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, place: str, value: object, allowed: str) -> None:
        """Take down one thing that is wrong."""
        self.found.append(Problem(place, shown(value), allowed))

    def check(self) -> None:
        """Raise InputError where anything was wrong."""
        if len(self.found) > MOST:
            more = Problem("rows", f"<{len(self.found) - MOST} further problems>", "none")
            self.found = [*self.found[:MOST], more]
        if self.found:
            raise InputError(*self.found, file=self.file)


@dataclass(frozen=True)
class Table:
    """Rows by place (`row 7`), each with its cells by key; `headers`: each key as the file writes it.

    `usual`: the decimal sign of text where its numbers do not say it, empty where nothing does. `notes`: what is to be said of
    how it was read. `met`: all headers, in small letters. `problems`: what is wrong with rows, to which whoever reads them adds
    what is wrong with their cells.
    """

    file: str
    problems: Problems
    headers: Mapping[str, str]
    rows: Sequence[tuple[str, Mapping[str, Any]]]
    usual: str = ""
    notes: tuple[str, ...] = ()
    met: frozenset[str] = frozenset()

    def place(self, place: str, key: str) -> str:
        """Return where a cell stands, in words."""
        return f"{place}, column {self.headers.get(key, key)}"

    @classmethod
    def of_file(cls, path: str | Path, name: str, wanted: Wanted, reading: Reading) -> Table:
        """Return a table of a file, `.csv`, `.xlsx` or `.parquet`; `name` is what it has. Raises InputError."""
        kind, file = ending(path, name), Path(path).name
        if kind == XLSX:
            title, rows = workbook_rows(path, reading.sheets.get(name), name, f"--sheet {name}")
            return cls._of_rows(f"{file}, sheet {title}", rows, wanted, reading)
        if kind == CSV:
            separator, rows = _separated(decoded(path, reading.encoding), file, wanted, reading)
            several = any(len(cells) > 1 for _, cells in rows)
            said = (f"{SEPARATORS[separator]}-separated",) if several else ()
            return cls._of_rows(file, rows, wanted, reading, "." if separator == "," and several else "", said, strict=True)
        return cls._of_rows(file, parquet_rows(path), wanted, reading)

    @classmethod
    def of_frame(cls, frame: Any, name: str, wanted: Wanted, rename: Mapping[str, str] | None = None) -> Table:
        """Return the table in a frame, whose index is part of it where it has names; raises InputError."""
        if not isinstance(frame, pd.DataFrame):
            raise InputError.of(name, f"<{type(frame).__name__}>", "a DataFrame")
        frame = frame.reset_index() if any(level is not None for level in frame.index.names) else frame
        cells = frame.astype(object).where(frame.notna(), None)
        rows = [[str(column) for column in frame.columns], *cells.to_numpy(dtype=object).tolist()]
        return cls._of_rows(name, list(enumerate(rows)), wanted, Reading(rename=rename or {}))

    @classmethod
    def _of_rows(
        cls,
        file: str,
        rows: Rows,
        wanted: Wanted,
        reading: Reading,
        usual: str = "",
        notes: tuple[str, ...] = (),
        strict: bool = False,
    ) -> Table:
        """Return the table in rows of cells; `strict`: whether each must be as wide as the header."""
        problems = Problems(file)
        start = _header(rows, wanted, reading)
        if start is None:
            line, titles = _likely_header(rows)
            at = f"row {line}, header" if line > 1 else "header"
            allowed = f"a header with {wanted.words}; {wanted.how}"
            raise InputError.of(at, f"<{', '.join(titles) or 'an empty table'}>", allowed, file)
        number, head = rows[start]
        below = rows[start + 1 :]
        columns = _columns(head, below, number, wanted, reading, problems)
        problems.check()
        found, empty = [], 0
        for line, cells in below:
            beyond = any(not blank(cell) and not isinstance(cell, Covered) for cell in cells[len(head) :])
            if strict and (beyond or len(cells) < len(head)):
                problems.add(f"row {line}", cells, f"{len(head)} values, as in the header; a value with the separator in quotes")
                continue
            if beyond and not wanted.others:
                problems.add(f"row {line}", "<values under no header>", f"values in the {len(head)} columns of the header")
            total = next((cell for cell in cells if isinstance(cell, str) and _is_total(cell)), None)
            if total is not None:
                problems.add(f"row {line}", total, "no rows of totals or averages")
                continue
            row = {key: _simple(cells[place]) if place < len(cells) else None for key, place in columns.items()}
            if not all(blank(cell) or isinstance(cell, Covered) for cell in row.values()):
                found.append((f"row {line}", row))
            else:
                empty += 1
        if not found:
            problems.check()
            raise InputError.of("rows", "<none>", f"one or more rows below the header in row {number}", file)
        said = (*notes, f"header in row {number}") if start else notes
        said = (*said, f"{empty} row{'s' if empty > 1 else ''} with nothing in {', '.join(columns)}") if empty else said
        headers = {key: _words(head[place]) for key, place in columns.items()}
        return cls(file, problems, headers, found, usual, said, frozenset(_words(cell).casefold() for cell in head))


def key_of(header: Any) -> str:
    """Return the key that a header stands for: in small letters, without the unit in brackets behind it.

    >>> key_of("Minimum order (pieces)")
    'minimum_order'
    """
    words = _words(header)
    match = UNIT.fullmatch(words)
    return re.sub(r"[\s-]+", "_", (match[1] if match and match[1] else words).casefold())


def unit_of(header: str) -> str:
    """Return what stands in brackets behind a header.

    >>> unit_of("Price (EUR)"), unit_of("Price")
    ('EUR', '')
    """
    match = UNIT.fullmatch(header)
    return match[2].strip() if match and match[1] else ""


def _words(header: Any) -> str:
    return "" if blank(header) or isinstance(header, Covered) else " ".join(str(header).split())


def _keys(head: Sequence[Any], reading: Reading) -> list[str]:
    """Return the key of every cell of a header: empty for those that are left out, or are empty themselves."""
    words = [_words(cell).casefold() for cell in head]
    exactly = {_words(header).casefold(): key for header, key in reading.rename.items()}
    nearly = {key_of(header): key for header, key in reading.rename.items() if _words(header).casefold() not in words}
    ignored = {_words(header).casefold() for header in reading.ignore}
    taken = {key for word, key in exactly.items() if word in words}

    def key(word: str) -> str:
        found = exactly.get(word) or nearly.get(key_of(word))
        if found:
            return found
        return word if key_of(word) in taken else key_of(word)  # one that was named in full is not meant by less

    return ["" if word in ignored else key(word) for word in words]


def _header(rows: Rows, wanted: Wanted, reading: Reading) -> int | None:
    """Return the place of the first row that has all columns that are needed."""
    return next((place for place, (_, cells) in enumerate(rows) if wanted.met(_keys(cells, reading))), None)


def _likely_header(rows: Rows) -> tuple[int, list[str]]:
    """Return the number and the titles of the row that looks most like a header: of the first rows the one with most text."""

    def titles(cells: Sequence[Any]) -> list[str]:
        return [_words(cell) for cell in cells if not blank(cell) and not isinstance(cell, Covered)]

    def text(cells: Sequence[Any]) -> int:
        return sum(isinstance(cell, str) and numeral(cell) is None for cell in cells if not blank(cell))

    line, cells = max(rows[:HEADERS], key=lambda row: text(row[1]), default=(0, []))
    return line, titles(cells)


def _columns(
    head: Sequence[Any], below: Rows, number: int, wanted: Wanted, reading: Reading, problems: Problems
) -> dict[str, int]:
    """Return the place of each column by its key; take down headers that are unknown or there twice, and values under none."""
    keys = _keys(head, reading)
    ignored = {_words(header).casefold() for header in reading.ignore}
    found: dict[str, int] = {}
    at = f"row {number}, header" if number else "header"
    unknown: list[str] = []
    for place, key in enumerate(keys):
        empty = all(place >= len(cells) or blank(cells[place]) or isinstance(cells[place], Covered) for _, cells in below)
        if key in wanted.keys:
            if key in found:
                problems.add(at, _words(head[place]), f"one column {key}")
            found.setdefault(key, place)
        elif not (empty or wanted.others or _words(head[place]).casefold() in ignored):
            named = _words(head[place]) or f"<no name, column {place + 1}>"
            unknown.append(named)
    if unknown:
        value = unknown[0] if len(unknown) == 1 else f"<{', '.join(unknown)}>"
        problems.add(at, value, f"the columns {', '.join(wanted.keys)}; {wanted.how}")
    return found


def _separated(text: str, file: str, wanted: Wanted, reading: Reading) -> tuple[str, Rows]:
    """Return the separator by which a text has the wanted columns, even rows and most columns; and its rows."""
    best: tuple[tuple[bool, bool, int], str, Rows] | None = None
    failure: InputError | None = None
    for separator in SEPARATORS:
        try:
            rows = csv_rows(text, separator, file)
        except InputError as error:
            failure = failure or error
            continue
        start = _header(rows, wanted, reading)
        width = len(rows[start or 0][1]) if rows else 0
        even = start is not None and all(len(cells) == width for _, cells in rows[start + 1 :])
        rank = (start is not None, even, width)
        if best is None or rank > best[0]:
            best = rank, separator, rows
    if best is None or (not best[0][0] and failure is not None):
        raise failure or InputError.of("<file>", "<an empty file>", f"a header with {wanted.words}", file)
    return best[1], best[2]


def _simple(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def _is_total(cell: str) -> bool:
    return cell.strip(" \t:.*").casefold() in TOTALS


def text_of(table: Table, place: str, key: str, cell: Any, problems: Problems) -> str | None:
    """Return what stands in a cell of text, None where nothing does; take down what is no text."""
    if blank(cell):
        return None
    if isinstance(cell, float) and cell.is_integer():  # a name that a spreadsheet took for a number
        return str(int(cell))
    if isinstance(cell, str | int) and not isinstance(cell, bool):
        return " ".join(str(cell).split())
    problems.add(table.place(place, key), shown_as(cell), "text in a cell of its own")
    return None
