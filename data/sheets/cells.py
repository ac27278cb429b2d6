"""The cells of a file of tables: values as the file has them, each row with the number by which its program calls it."""

from __future__ import annotations

import csv
import datetime
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from veridical.data import files
from veridical.data.errors import InputError
from veridical.data.fields import label
from veridical.data.sheets.endings import XLSX
from veridical.data.sheets.numerals import CURRENCIES

__all__ = [
    "SEPARATORS",
    "Amount",
    "Covered",
    "Rows",
    "Uncomputed",
    "blank",
    "csv_rows",
    "decoded",
    "parquet_rows",
    "shown_as",
    "text_rows",
    "workbook_rows",
]

Rows = list[tuple[int, list[Any]]]  # number and cells of every row that is not blank
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ENCODINGS = "utf-8, cp1252, latin-1, utf-16 and others that Python knows"


class Amount(float):
    """A number that its cell shows with a currency."""

    currency = ""

    @classmethod
    def of(cls, value: float, form: str) -> float:
        """Return a number as the format of its cell shows it: an amount where that has a currency.

        >>> Amount.of(7.6, '0.00 "€"').currency, type(Amount.of(7.6, "[$-409]0.00")) is float
        ('EUR', True)
        """
        words = re.findall(r"\[\$([^\]-]+)", form) or re.findall(r'"\s*([^"]*?)\s*"', form)
        words += re.findall("[€£$¥₹₩]", re.sub(r"\[[^\]]*\]", "", form))
        words = [word.strip() for word in words if word.strip() in CURRENCIES]
        if not words:
            return value
        found = cls(value)
        found.currency = CURRENCIES[words[0]]
        return found


@dataclass(frozen=True)
class Covered:
    """A cell that is merged into the one on its left, whose value it has."""

    value: Any


@dataclass(frozen=True)
class Uncomputed:
    """A formula whose value was not saved: the program that wrote it did not compute it."""

    formula: str

    def __str__(self) -> str:
        return f"<the formula {self.formula}, whose value was not saved: open the workbook and save it>"


def blank(cell: Any) -> bool:
    """Return whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and math.isnan(cell))


def text_rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the first table of a workbook or a Parquet file as text, numbers with every digit, as wide as the first.

    Raises InputError for a file that is none.
    """
    found = workbook_rows(path)[1] if Path(path).suffix.lower() == XLSX else parquet_rows(path)
    width = 0
    for number, cells in found:
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        width = width or len(texts)
        yield number, [*texts, *[""] * (width - len(texts))]


def _text(cell: Any) -> str:
    if blank(cell) or isinstance(cell, Covered):
        return ""
    return label(cell) if isinstance(cell, float) else str(cell)


def workbook_rows(path: str | Path, sheet: str | None = None, usual: str | None = None, said: str = "sheet") -> tuple[str, Rows]:
    """Return the name of a sheet of a workbook, and its rows; what is merged has its value in every cell.

    `sheet`: its name; where it is left out and `usual` is given the only sheet that is not empty, or the one of that name; else
    the first. `said`: how a caller names a sheet. Raises InputError for a workbook that cannot be read, and where it is not plain
    which sheet is meant.
    """
    content, file = files.content(path, "workbook"), Path(path).name
    formulas = _loaded(content, str(path), values=False)
    page = formulas[_chosen(formulas, file, sheet, usual, said)]
    values: Any = None

    def value(cell: Any) -> Any:
        nonlocal values
        if cell.data_type != "f":
            return shown(cell, cell.value)
        values = values or _loaded(content, str(path), values=True)[page.title]
        computed = values[cell.coordinate].value
        return Uncomputed(str(getattr(cell.value, "text", cell.value))) if computed is None else shown(cell, computed)

    def shown(cell: Any, value: Any) -> Any:
        return Amount.of(float(value), cell.number_format) if type(value) in (int, float) else value

    merged = {}
    for area in page.merged_cells.ranges:
        first = value(page.cell(area.min_row, area.min_col))
        for row in range(area.min_row, min(area.max_row, page.max_row) + 1):
            for column in range(area.min_col, min(area.max_col, page.max_column) + 1):
                merged[row, column] = first if column == area.min_col else Covered(first)
    found: Rows = []
    for row in page.iter_rows():
        cells = [merged[cell.row, cell.column] if (cell.row, cell.column) in merged else value(cell) for cell in row]
        if not all(blank(cell) or isinstance(cell, Covered) for cell in cells):
            found.append((row[0].row, cells))
    return page.title, found


def _loaded(content: bytes, path: str, values: bool) -> Any:
    """Return a workbook as openpyxl reads it, with formulas or with their values; raises InputError for what is none."""
    from openpyxl import load_workbook

    name = Path(path).name
    try:
        with zipfile.ZipFile(BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > files.LARGEST:
                raise ValueError(f"unpacked larger than {files.LARGEST // 2**20} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that are not looked at, as pictures
            return load_workbook(BytesIO(content), data_only=values)
    except Exception as error:  # whatever a damaged workbook makes of its parts
        allowed = f"a workbook that can be read, without a password ({type(error).__name__}: {error})"
        raise InputError.of("<file>", path, allowed, name) from None


def _chosen(book: Any, file: str, sheet: str | None, usual: str | None, said: str) -> str:
    """Return the name of the sheet that is meant; raises InputError."""
    pages = {page.title: page for page in book.worksheets}
    if sheet is not None:
        for title in pages:
            if title.casefold() == sheet.casefold():
                return str(title)
        raise InputError.of(said, sheet, f"one of the sheets {', '.join(pages)}", file)
    filled = [
        title
        for title, page in pages.items()
        if page.sheet_state == "visible" and any(not blank(cell.value) for row in page.iter_rows() for cell in row)
    ]
    if not filled:
        raise InputError.of("<file>", "<an empty workbook>", "a sheet with a header and rows below it", file)
    if usual is None or len(filled) == 1:
        return str(filled[0])
    named = [title for title in filled if title.casefold() == usual.casefold()]
    if not named:
        raise InputError.of(said, "<no name>", f"which of the sheets: {', '.join(filled)}", file)
    return str(named[0])


def parquet_rows(path: str | Path) -> Rows:
    """Return the names of the columns of a Parquet file, as row 0, and its rows; raises InputError for what is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = Path(path).name
    try:
        table = pq.read_table(BytesIO(files.content(path, "Parquet file")))
        columns = [[_simple(value) for value in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError.of("<file>", str(path), f"a Parquet file that can be read ({error})", name) from None
    rows = zip(*columns, strict=True) if columns else ()
    kept = [(number, list(row)) for number, row in enumerate(rows, 1) if not all(map(blank, row))]
    return [(0, [str(name) for name in table.column_names]), *kept]


def _simple(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def decoded(path: str | Path, encoding: str | None = None) -> str:
    """Return the text of a CSV file: UTF-8, UTF-16 where its first bytes say so, or in the encoding that is named.

    Raises InputError for text that is none of these, and an encoding that Python does not know.
    """
    content, name = files.content(path, "CSV file"), Path(path).name
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode(encoding or ("utf-16" if marked else "utf-8-sig")).removeprefix("\ufeff")
    except LookupError:
        raise InputError.of("encoding", encoding, ENCODINGS, name) from None
    except UnicodeDecodeError as error:
        allowed = f"text in UTF-8 ({error}); or say its encoding, as --encoding cp1252 (Windows) or latin-1"
        raise InputError.of("<file>" if encoding is None else "encoding", encoding or str(path), allowed, name) from None


def csv_rows(text: str, separator: str, file: str) -> Rows:
    """Return the rows of CSV text whose values stand between separators, each with the line on which it begins.

    Raises InputError for a quote that is not closed.
    """
    found: Rows = []
    line = 1
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(not blank(cell) for cell in row):
                found.append((line, list(row)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError.of(f"row {line}", "<no CSV>", f"values between separators, quotes closed ({error})", file) from None
    return found


def shown_as(cell: Any) -> Any:
    """Return a cell as an error message shows it."""
    if isinstance(cell, Covered):
        return shown_as(cell.value)
    if isinstance(cell, Uncomputed):
        return str(cell)
    return f"<the date {cell}>" if isinstance(cell, datetime.date | datetime.time) else cell
