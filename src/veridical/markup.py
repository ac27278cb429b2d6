"""What is shown on a terminal, as HTML: sentences as paragraphs, tables as tables; the words are the same."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.console import Either
from veridical.data import cards

__all__ = ["html", "html_of"]

WIDE = 10  # columns of a table that a page has room for; of one that is wider, what stands in its place
WIDEST = 14  # columns of a table that stays one, in small letters; those of wider ones are its rows
SIDE_BY_SIDE = 8  # rows of such a table that stand side by side then


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
        return html(part.table if len(part.table.columns) <= WIDE else part.narrower)
    if isinstance(part, Table):
        table = plain(part)
        return "".join(map(cards.html_table, [table] if len(table.headings) <= WIDEST else turned(table)))
    text = part.plain if isinstance(part, Text) else str(part)
    kind = ' class="warning"' if isinstance(part, Text) and part.style == "yellow" else ""
    return f"<p{kind}>{cards.text(text)}</p>"


def plain(table: Table) -> cards.Table:
    """Return a table for a terminal as text."""
    headings = [" ".join(str(column.header).replace("-\n", "").split()) for column in table.columns]
    rows = list(zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True))
    names = frozenset(place for place, column in enumerate(table.columns) if column.justify != "right")
    return cards.Table(str(table.title or ""), headings, rows, names)


def turned(table: cards.Table) -> list[cards.Table]:
    """Return a table with its columns as rows, several tables where it has many rows."""
    found = []
    for start in range(0, len(table.rows), SIDE_BY_SIDE):
        rows = table.rows[start : start + SIDE_BY_SIDE]
        headings = ["", *(f"row {start + k + 1}" for k in range(len(rows)))]
        lines = [[heading, *(row[place] for row in rows)] for place, heading in enumerate(table.headings)]
        found.append(cards.Table(table.caption, headings, lines))
    return found
