"""Tables on a terminal: at its width, with no digit cut off, and with nothing in a name that would drive it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from veridical.data.errors import visible

__all__ = ["Either", "Visible", "fitted", "show"]

WIDE = 120  # cells, where the output is no terminal and the environment does not say how wide it is


def show(*parts: RenderableType) -> None:
    """Print to standard output, at the width of the terminal; no digit is ever cut off, or parted from the others."""
    # names are the user's: nothing in them is markup
    told = Console().is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    console = Console(width=None if told else WIDE, markup=False, emoji=False, highlight=False)
    console.print(Visible(Group(*(fitted(_on_one_line(part), console) for part in parts))))


@dataclass(frozen=True)
class Either:
    """A table, and what is shown in its place where it is too wide."""

    table: Table
    narrower: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the one of them that fits."""
        yield fitted(self, console)


def fitted(part: RenderableType, console: Console) -> RenderableType:
    """Return a table that is no wider than the console: with less space, in parts one below the other that repeat the names of
    its rows, or as a list of its rows; other parts as they are."""
    if isinstance(part, Group):
        return Group(*(fitted(each, console) for each in part.renderables))
    if isinstance(part, Either):
        return part.table if _fits(part.table, console) else fitted(part.narrower, console)
    if not isinstance(part, Table) or _fits(part, console):
        return part
    if parts := _folded(part, console):
        return Group(*parts)
    columns = [[str(column.header), *map(str, column.cells)] for column in part.columns]
    headings = [" ".join(column[0].replace("-\n", "").split()) for column in columns]
    rows = zip(*(column[1:] for column in columns), strict=True)
    lines = [
        Padding(
            Text(f"{heading + ': ' if heading else ''}{visible(cell)}", overflow="fold"),
            (0, 0, 0, 2 * bool(number)),
            expand=False,
        )
        for row in rows
        for number, (heading, cell) in enumerate(zip(headings, row, strict=True))
    ]
    return Group(Text(str(part.title or ""), style=part.title_style or ""), *lines)


def _fits(part: Table, console: Console) -> bool:
    """Return whether a table is no wider than the console when no word is parted; its columns have their widths then."""
    texts = [[str(column.header), *map(str, column.cells)] for column in part.columns]
    least = [
        max((cell_len(word) for text in cells for word in (text.splitlines() if column.no_wrap else text.split())), default=0)
        for column, cells in zip(part.columns, texts, strict=True)
    ]
    most = [max((cell_len(line) for text in column for line in text.splitlines()), default=0) for column in texts]
    for space in (1, 0):
        room = console.width - (1 + 2 * space) * len(texts) - 1 - sum(least)
        if room < 0:
            continue
        part.padding = (0, space)
        wishes = sorted(zip(part.columns, least, most, strict=True), key=lambda each: each[2] - each[1])
        for place, (column, low, high) in enumerate(wishes):  # an equal share for all that wish for more
            column.width = min(low + room // (len(wishes) - place), high)
            room -= column.width - low
        return True
    return False


def _folded(part: Table, console: Console) -> list[Table]:
    """Return a table in as few parts as fit, each with the names of rows and some of the other columns; none where that fails.

    Names are the columns at the beginning that are text, and as many more as tell rows apart. Parts have about as many columns.
    """
    cells = [list(map(str, column.cells)) for column in part.columns]
    words = next((place for place, column in enumerate(part.columns) if column.justify == "right"), 0)
    apart = (k for k in range(max(words, 1), len(cells)) if len(set(zip(*cells[:k], strict=True))) == part.row_count)
    names = next(apart, len(cells))
    others = range(names, len(cells))
    for count in range(2, len(others) + 1):
        bounds = [names + round(k * len(others) / count) for k in range(count + 1)]
        parts = [_part(part, [*range(names), *range(*ends)]) for ends in pairwise(bounds)]
        if all(_fits(table, console) for table in parts):
            parts[0].title = part.title
            return parts
    return []


def _part(whole: Table, places: list[int]) -> Table:
    """Return a table of some columns of another."""
    part = Table(title_justify=whole.title_justify, title_style=whole.title_style)
    for column in (whole.columns[place] for place in places):
        part.add_column(column.header, justify=column.justify, no_wrap=column.no_wrap)
    cells = [list(whole.columns[place].cells) for place in places]
    for place, row in enumerate(whole.rows):
        part.add_row(*(column[place] for column in cells), style=row.style, end_section=row.end_section)
    return part


@dataclass(frozen=True)
class Visible:
    """What is shown, with everything escaped that would drive the terminal: names in files are anybody's."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what rich prints."""
        for segment in console.render(self.shown, options):
            lines = "\n".join(map(visible, segment.text.split("\n")))
            yield Segment(lines, segment.style, segment.control)


def _on_one_line(part: RenderableType) -> RenderableType:
    """Return a line, or a table with its title, in which a name that holds a line break does not break it; of groups, each."""
    if isinstance(part, Group):
        return Group(*map(_on_one_line, part.renderables))
    if isinstance(part, Either):
        _on_one_line(part.table)
        return Either(part.table, _on_one_line(part.narrower))
    if isinstance(part, Text) and "\n" in part.plain:
        return Text(visible(part.plain), style=part.style)
    if isinstance(part, Table) and isinstance(part.title, str):
        part.title = visible(part.title)
    return part
