"""What a result shows of itself: one line where it is printed, a card in a notebook; both from the same figures.

A card is HTML that needs nothing else: no script, no style sheet, no picture from elsewhere. It has no colours of its own but
those that the notebook's text has, so that it is readable on a light and on a dark page. What people have named is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from veridical.data.errors import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROWS", "Card", "Shown", "Table", "brief", "html_table", "number", "reflow", "table_of"]

ROWS = 24  # of a table on a card; where there are more, the card says so, and where all are
LONG = 20  # letters from which lines may end within a word
WORDY = 40  # letters of a cell in words from which its column is never as narrow as a word
MANY = 8  # columns from which a table may have smaller letters
AS_NUMBERS: Mapping[str, Callable[[Any], str]] = MappingProxyType({})
DIGITS = 6  # of a number on a card, and all that stand before the point
STYLE = """\
.veridical-card{border:1px solid rgba(128,128,128,.5);border-radius:6px;padding:.7em 1em;margin:.3em 0;max-width:72em;\
color:inherit;overflow-x:auto;container-type:inline-size}
.veridical-card h4{margin:0 0 .5em;font-size:1.05em}
.veridical-card dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15em 1.2em;margin:0 0 .5em}
.veridical-card dl>dt{float:none;width:auto;opacity:.75}
.veridical-card dl>dd{margin:0;overflow-wrap:anywhere}
.veridical-card p{margin:.3em 0;overflow-wrap:anywhere}
.veridical-card table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}
.veridical-card caption{text-align:left;font-weight:600;padding:.2em 0;color:inherit;caption-side:top}
.veridical-card th,.veridical-card td{border-bottom:1px solid rgba(128,128,128,.35);padding:.2em .7em;text-align:right;\
white-space:nowrap;background:transparent;color:inherit}
.veridical-card th{white-space:normal;vertical-align:bottom}
.veridical-card th.name,.veridical-card td.name{text-align:left;white-space:normal}
.veridical-card td.long{min-width:12em}
"""
STEPS: tuple[int, ...] = (
    *range(16, 80, 4),
    1000,
)  # widths, em: a table that needs more than there is has a block for each row instead
BLOCKS = """table.w{0},table.w{0}>caption,table.w{0}>tbody>tr{{display:block}}
table.w{0}>thead{{display:none}}
table.w{0}>tbody{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15em),1fr));gap:.8em 2em}}
table.w{0}>tbody>tr{{background:transparent;border-top:2px solid rgba(128,128,128,.5)}}
table.w{0}>tbody>tr>td{{display:flex;justify-content:space-between;gap:1em;min-width:0;padding:.15em 0;text-align:right;\
white-space:normal;overflow-wrap:anywhere}}
table.w{0}>tbody>tr>td:empty{{display:none}}
table.w{0}>tbody>tr>td::before{{content:attr(data-heading);text-align:left;opacity:.75}}
"""
LETTER, PADDING, WORDS = 0.5, 1.4, 12.0  # em: of a letter, beside the letters of a cell, and of a column of sentences


@dataclass(frozen=True)
class Table:
    """A table as it is shown: cells are text. `names`: places of the columns that are words, and stand to the left."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: frozenset[int] = frozenset({0})


@dataclass(frozen=True)
class Card:
    """What there is to say of a result: figures with their labels, tables, and sentences below them; all of it text."""

    title: str
    figures: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def html(self) -> str:
        """Return the card as HTML.

        >>> Card("a <pair>", [("profit", "6,965.00")]).html().count("&lt;pair&gt;")
        1
        """
        inner = self.inner()
        return f'<div class="veridical-card"><style>{STYLE}{reflow(inner)}</style><h4>{text(self.title)}</h4>{inner}</div>'

    def inner(self) -> str:
        """Return what stands on the card below its title, as HTML without a style."""
        pairs = "".join(f"<dt>{text(label)}</dt><dd>{text(value)}</dd>" for label, value in self.figures)
        tables, notes = map(html_table, self.tables), (f"<p>{text(note)}</p>" for note in self.notes)
        return "".join([f"<dl>{pairs}</dl>" if pairs else "", *tables, *notes])


class Shown:
    """The base of results that show themselves: `_line` is what stands between the brackets of `repr`, `_card` the card."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__repr__ = cls.__repr__  # type: ignore[method-assign] # a class's own: a dataclass leaves it alone then

    def __repr__(self) -> str:
        return f"{type(self).__name__}({visible(self._line())})"

    def _line(self) -> str:
        raise NotImplementedError

    def _card(self) -> Card:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self._card().html()


def text(words: str) -> str:
    """Return words as HTML has them, on one line, with everything escaped that is not printable."""
    return escape(visible(" ".join(words.splitlines())))


def breakable(words: str) -> str:
    """Return words as HTML in which lines may end within one that is very long, and in no other; numbers stay in one piece.

    >>> breakable("coalition_ic_with_side_payments"), breakable("probability")
    ('coalition_<wbr>ic_<wbr>with_<wbr>side_<wbr>payments', 'probability')
    >>> breakable("quotes/2026/northern-castings.csv")
    'quotes/<wbr>2026/<wbr>northern-castings.cs<wbr>v'
    """

    def broken(word: str) -> str:
        if len(word) <= LONG or word.replace(",", "").replace(".", "").lstrip("-").isdecimal():
            return text(word)
        pieces = word.replace("_", "_ ").replace("/", "/ ").split(" ")
        parts = [piece[k : k + LONG] for piece in pieces for k in range(0, len(piece), LONG)]
        return "<wbr>".join(map(text, parts))

    return " ".join(map(broken, " ".join(words.splitlines()).split(" ")))


def html_table(table: Table) -> str:
    """Return a table as HTML: where it stands in less room than it needs, the style of `reflow` makes a block of each row."""
    wordy = {place for place in table.names if any(len(cells[place]) > WORDY for cells in table.rows)}
    classes = {place: ' class="name long"' if place in wordy else ' class="name"' for place in table.names}

    labels = [f' data-heading="{text(" ".join(heading.split()))}"' for heading in table.headings]

    def row(cells: Sequence[str], tag: str) -> str:
        kinds = (classes.get(place, "") + (labels[place] if tag == "td" else "") for place in range(len(cells)))
        return "".join(f"<{tag}{kind}>{breakable(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))

    head = f"<thead><tr>{row(table.headings, 'th')}</tr></thead>" if any(table.headings) else ""
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    caption = f"<caption>{text(table.caption)}</caption>" if table.caption else ""
    many = "many " if len(table.headings) > MANY else ""
    return f'<table class="{many}w{_step(table, wordy)}">{caption}{head}<tbody>{body}</tbody></table>'


def reflow(html: str) -> str:
    """Return the style by which tables in some HTML have a block for each row where they stand in less room than they need.

    What they stand in is to have `container-type:inline-size`.
    """
    steps = sorted({int(step) for step in re.findall(r'<table class="(?:many )?w(\d+)"', html)})
    return "".join(f"@container (max-width:{step}em){{\n{BLOCKS.format(step)}}}\n" for step in steps)


def _step(table: Table, wordy: set[int]) -> int:
    """Return the least of `STEPS` that a table has room in; `wordy`: its columns of sentences."""
    needed: float = 0.0
    for place, heading in enumerate(table.headings):
        cells = [row[place] for row in table.rows]
        pieces = [*heading.split(), *(" ".join(cells).split() if place in table.names else cells)]
        letters = max((min(len(piece), LONG) for piece in pieces), default=0)
        needed += PADDING + max(LETTER * letters, WORDS if place in wordy else 0.0)
    return next(step for step in STEPS if step >= min(needed, STEPS[-1]))


def number(value: Any) -> str:
    """Return a value as a card shows it: a number with six digits, and all that stand before the point.

    >>> number(1234567.891), number(0.000123456), number(-0.0), number(float("nan")), number("panel"), number(True)
    ('1,234,568', '0.000123456', '0', '-', 'panel', 'yes')
    """
    if value is None or value != value:
        return "-"
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return "yes" if value else "no"
    if not hasattr(value, "__float__") or isinstance(value, str):
        return str(value)
    value = float(value) + 0.0
    return f"{value:,.0f}" if 10**DIGITS <= abs(value) < 1e15 else f"{value:,.{DIGITS}g}"


def table_of(
    caption: str,
    frame: pd.DataFrame,
    most: int | None = ROWS,
    everything: str = "",
    said: Mapping[str, Callable[[Any], str]] = AS_NUMBERS,
) -> Table:
    """Return a table of a pandas DataFrame, its index in the first columns; the first `most` rows, which the caption says.

    `everything`: where all rows are, in words. `said`: by column, or by the first part of its name, how its numbers are said,
    where that is not as of `number`.
    """
    flat = frame.reset_index() if any(name is not None for name in frame.index.names) else frame
    headings = [" ".join(str(part) for part in (name if isinstance(name, tuple) else (name,)) if part != "") for name in flat]
    rows = flat if most is None else flat.iloc[:most]
    if len(rows) < len(flat):
        caption = f"{caption}: the first {len(rows):,} of {len(flat):,} rows" + (f"; {everything} has all" if everything else "")
    ways = [said.get(str(name[0] if isinstance(name, tuple) else name), number) for name in flat]
    columns = [[number(v) if v != v else way(v) for v in rows.iloc[:, place].tolist()] for place, way in enumerate(ways)]
    names = frozenset(place for place in range(flat.shape[1]) if flat.iloc[:, place].dtype.kind not in "iufb")
    return Table(caption, [heading.replace("_", " ") for heading in headings], list(zip(*columns, strict=True)), names)


def brief(values: Iterable[Any], most: int = 12) -> str:
    """Return a list in words: all of it where it is short, else how many there are and between what they lie.

    >>> brief([4.0, 9.0]), brief(range(1000))
    ('4, 9', '1,000 numbers, 0 to 999')
    """
    given = list(values)
    if len(given) <= most:
        return ", ".join(map(number, given))
    if all(hasattr(value, "__float__") for value in given):
        return f"{len(given):,} numbers, {number(min(given))} to {number(max(given))}"
    return f"{len(given):,} entries"
