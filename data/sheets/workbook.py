"""A workbook (.xlsx) of tables, as a person opens it: headers in sight, numbers that are numbers, and what they are counted in.

Made with openpyxl, an extra of its own, which is loaded when a workbook is written. Text is text, also where it begins like a
formula; what is no finite number is an empty cell, as in CSV.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer.excel import ExcelWriter

from veridical.data.errors import InputError, visible
from veridical.data.measures import CENTS, Measures, amount_digits, decimals
from veridical.data.unique_names import each_once

if TYPE_CHECKING:
    from veridical.data.sheets.book import Book, Column, Sheet

__all__ = ["sheet_names", "workbook"]

ROWS, COLUMNS = 2**20, 2**14  # of a sheet, the header among them
LONGEST = 31  # letters of a sheet's name
NARROWEST, WIDEST = 9, 42  # of columns, in letters
WIDEST_TEXT = 84  # of columns of words, as long names, of which the end is not to be cut
SEEN = 6  # decimals of a price that are shown alike down a column; more of them as they are
SUFFIX = 24  # letters of a unit that stands behind every number; a longer one is said on the last sheet alone
ABOUT = "about"
ABOUT_WIDTHS = (18, 34, 64, 20)  # of its columns, in letters
LINE, SLACK = 15.0, 2  # points of a line of text; letters by which one may be wider than its program reckons
HEADER = {
    "font": Font(bold=True),
    "fill": PatternFill("solid", fgColor="E8EDF3"),
    "border": Border(bottom=Side("thin", color="44546A")),
}


def workbook(book: Book, file: str) -> bytes:
    """Return a workbook with a sheet for every table, and one that says what the columns are; `file` is its name, for errors.

    Raises InputError for a table that is larger than a sheet can be.
    """
    made = Workbook()
    made.remove(made.active)
    made.properties.creator = "veridical"
    made.properties.title = visible(book.title)
    sheets = book.sheets
    names = sheet_names([*(sheet.name for sheet in sheets), ABOUT])
    for name, sheet in zip(names, sheets, strict=False):
        _fill(made.create_sheet(name), sheet, book.measures, file)
    _describe(made.create_sheet(names[-1]), book, dict(zip(names, sheets, strict=False)))
    if book.sentences:
        made.active = len(names) - 1
        for page in made.worksheets[:-1]:
            page.sheet_view.tabSelected = False
    return _saved(made)


def _saved(made: Workbook) -> bytes:
    """Return a workbook as bytes; the archive is closed here, also where openpyxl's own temporary file cannot be written."""
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(made, archive).save()
    return stream.getvalue()


def sheet_names(names: Sequence[str]) -> list[str]:
    """Return names that sheets may have: at most 31 letters, without what a formula would misread, each once.

    >>> sheet_names(["menu", "a/b", "Menu"])
    ['menu', 'a-b', 'Menu 2']
    """
    plain = ("".join("-" if sign in "[]:*?/\\" else sign for sign in visible(name)).strip("'")[:LONGEST] for name in names)
    return each_once((name or "table" for name in plain), LONGEST, " ")


def _fill(page: Any, sheet: Sheet, measures: Measures, file: str) -> None:
    """Write a table into a sheet, and make it readable."""
    frame, described = sheet.flat, sheet.described()
    rows = len(frame) + 1
    if rows > ROWS or len(described) > COLUMNS:
        size = f"<{len(frame):,} rows and {len(described):,} columns>"
        allowed = f"in a workbook at most {ROWS - 1:,} rows and {COLUMNS:,} columns; .csv and .parquet take more"
        raise InputError.of("<file>", size, allowed, file)
    columns: list[Any] = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    columns += [frame.iloc[:, place] for place in range(frame.shape[1])]
    for place, ((name, column), values) in enumerate(zip(described, columns, strict=True), 1):
        head = _put(page.cell(1, place), name)
        head.font, head.fill, head.border = HEADER["font"], HEADER["fill"], HEADER["border"]
        cells = [_plain(value) for value in values]
        code = _format(column, measures, cells)
        numeric = any(isinstance(cell, float | int) for cell in cells)
        head.alignment = Alignment(horizontal="right" if numeric else "left", vertical="bottom", wrap_text=True)
        for row, value in enumerate(cells, 2):
            cell = _put(page.cell(row, place), value)
            if isinstance(value, float | int):
                cell.number_format = code
        suffix = len(code.split('"')[1]) if '"' in code else 0
        widths = (len(f"{value:,.2f}") + suffix if isinstance(value, float) else len(str(value)) for value in cells[:1000])
        longest = max((max(map(len, name.split()), default=0), *widths), default=0)
        page.column_dimensions[get_column_letter(place)].width = min(
            max(longest + 2, NARROWEST), WIDEST if numeric else WIDEST_TEXT
        )
    page.freeze_panes = page.cell(2, min(frame.index.nlevels, 3) + 1)
    page.auto_filter.ref = page.dimensions
    page.print_title_rows = "1:1"
    _printed(page)


def _describe(page: Any, book: Book, sheets: Mapping[str, Sheet]) -> None:
    """Write the sheet that says what the columns of the others are, on one page across."""
    _put(page.cell(1, 1), book.title).font = Font(bold=True)
    said = book.measures.sentence or "the case names no currency and no unit of quantities"
    for row, words in enumerate((said, *book.sentences), 2):
        cell = _put(page.cell(row, 1), words)
        page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(ABOUT_WIDTHS))
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        page.row_dimensions[row].height = _height((words, sum(ABOUT_WIDTHS)))
    top = 4 + len(book.sentences)
    for place, heading in enumerate(("sheet", "column", "what it is", "counted in"), 1):
        head = _put(page.cell(top, place), heading)
        head.font, head.fill, head.border = HEADER["font"], HEADER["fill"], HEADER["border"]
    row = top + 1
    for name, sheet in sheets.items():
        for column, what in sheet.described():
            texts = (name, column, what.meaning, what.unit(book.measures))
            for place, words in enumerate(texts, 1):
                _put(page.cell(row, place), words).alignment = Alignment(vertical="top", wrap_text=True)
            page.row_dimensions[row].height = _height(*zip(texts, ABOUT_WIDTHS, strict=True))
            row += 1
    for place, width in enumerate(ABOUT_WIDTHS, 1):
        page.column_dimensions[get_column_letter(place)].width = width
    page.freeze_panes = f"A{top + 1}"
    _printed(page)


def _printed(page: Any) -> None:
    """Let a sheet be printed as wide as a page, and as long as it is."""
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _height(*texts: tuple[str, int]) -> float:
    """Return the height of a row, points, in which each text, wrapped at so many letters, is seen whole."""
    return LINE * max(len(wrap(words, width - SLACK)) or 1 for words, width in texts)


def _put(cell: Any, value: Any) -> Cell:
    """Write a value into a cell; text is no formula, whatever it begins with."""
    found: Cell = cell
    if isinstance(value, str):
        found.value = visible(value)
        found.data_type = "s"
    else:
        found.value = value
    return found


def _plain(value: Any) -> Any:
    """Return a value as a cell has it: a number, text, true or false, or nothing."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def _format(column: Column, measures: Measures, cells: Sequence[Any]) -> str:
    """Return how the numbers of a column are shown; what would be shown as 0 and is not is shown in full."""
    numbers = [abs(cell) for cell in cells if isinstance(cell, float | int) and cell]
    if column.counted == "share":
        return "0.00%" if all(number >= 1e-4 for number in numbers) else "General"
    if column.counted == "per_unit":
        digits = amount_digits(numbers)
        return "General" if digits > SEEN else f"#,##0{'.' + '0' * digits if digits else ''}"
    if column.counted not in ("money", "units"):
        return "General"
    step = measures.round_money if column.counted == "money" else measures.round_units
    digits = CENTS if step is None else decimals(step)
    word = measures.currency if column.counted == "money" else measures.unit
    suffix = f' "{word}"' if word and len(word) <= SUFFIX and '"' not in word else ""
    if any(number < 0.5 * 10.0**-digits for number in numbers):
        return f"General{suffix}"
    return f"#,##0{'.' + '0' * digits if digits else ''}{suffix}"
