"""What is shown on a terminal, as HTML: sentences as paragraphs, tables as tables; the words are the same."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.console import Either
from veridical.data import cards

__all__ = ["html", "html_of"]

ROOM = 118  # letters side by side that a sheet of paper has room for, where a table has many columns
BESIDE = 26  # of them, for the names of rows


def html_of(parts: Iterable[RenderableType]) -> str:
    """Return parts as HTML, one after the other."""
    return "\n".join(map(html, parts))


def html(part: RenderableType) -> str:
    """Return a part as HTML: a sentence, a table, or a group of them.

    >>> html(Text("panel <b>"))
    '<p>panel &lt;b&gt;</p>'
    """
    if isinstance(part, Group):
        return html_of(part.renderables)
    if isinstance(part, Either):
        return html(part.table if width(plain(part.table)) <= ROOM else part.narrower)
    if isinstance(part, Table):
        table = plain(part)
        return "".join(map(cards.html_table, [table] if width(table) <= ROOM else turned(table)))
    text = part.plain if isinstance(part, Text) else str(part)
    kind = ' class="warning"' if isinstance(part, Text) and part.style == "yellow" else ""
    return f"<p{kind}>{cards.text(text)}</p>"


def plain(table: Table) -> cards.Table:
    """Return a table for a terminal as text."""
    headings = [" ".join(str(column.header).replace("-\n", "").split()) for column in table.columns]
    rows = list(zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True))
    names = frozenset(place for place, column in enumerate(table.columns) if column.justify != "right")
    return cards.Table(str(table.title or ""), headings, rows, names)


def width(table: cards.Table) -> int:
    """Return how many letters the columns of a table take side by side; lines end between words, or in very long ones."""

    def least(place: int) -> int:
        column = [table.headings[place], *(row[place] for row in table.rows)]
        pieces = (piece for cell in column for word in cell.split() for piece in (word, *word.split("_")))
        return max((min(len(piece), cards.LONG) if not piece[-1:].isdecimal() else len(piece) for piece in pieces), default=0)

    return sum(least(place) + 2 for place in range(len(table.headings)))


def turned(table: cards.Table) -> list[cards.Table]:
    """Return a table that is too wide with its columns as rows, several tables where it has many rows."""
    cells = (cell for row in table.rows for place, cell in enumerate(row) if place not in table.names)
    longest = max(map(len, cells), default=1)
    many = max(1, (ROOM - BESIDE) // (max(longest, len("row 00")) + 2))
    found = []
    for start in range(0, len(table.rows), many):
        rows = table.rows[start : start + many]
        headings = ["", *(f"row {start + k + 1}" for k in range(len(rows)))]
        lines = [[heading, *(row[place] for row in rows)] for place, heading in enumerate(table.headings)]
        found.append(cards.Table(table.caption, headings, lines))
    return found
