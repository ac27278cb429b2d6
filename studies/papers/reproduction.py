"""What a paper prints beside what is true: published, as published (recomputed the way the authors evidently did), exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from veridical.data.cards import Card, Shown, table_of
from veridical.data.deprecated import Renamed
from veridical.data.lazy import pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Reproduction", "Row", "published"]

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """One quantity: exact, as published, and the sentence that says why they differ from what is printed.

    Readings that do not exist are NaN. What is printed, and where, is looked up in the paper's file unless it is given here.
    """

    quantity: str
    exact: float
    as_published: float = NAN
    note: str = ""
    printed: float = NAN
    place: str = ""


@dataclass(frozen=True)
class Reproduction(Shown):
    """A table of a paper recomputed.

    `table` has a row a quantity with the columns published, as_published, exact, where (in the paper) and note; `series` the
    numbers of the figure, a row a point, where there is one, and `draw` draws it. The table of claims has columns of its own.

    Examples
    --------
    >>> import veridical as vd
    >>> (table,) = vd.reproduce(["allocation-table-5"])
    >>> table.name, len(table.table) > 0
    ('allocation-table-5', True)
    """

    name: str
    title: str
    table: pd.DataFrame
    series: pd.DataFrame | None = None
    draw: Callable[[], Figure] | None = None

    @classmethod
    def of(cls, name: str, title: str, rows: Sequence[Row], **figure: Any) -> Reproduction:
        """Return the reproduction with the published numbers beside the rows; every printed number must have its row."""
        printed = published(name)
        missing = [quantity for quantity in printed.index if quantity not in {row.quantity for row in rows}]
        assert not missing, f"{name}: nothing is computed for {missing}"
        readings = []
        for row in rows:
            value, where = printed.loc[row.quantity] if row.quantity in printed.index else (row.printed, row.place)
            readings.append((row.quantity, value, row.as_published, row.exact, where, row.note))
        table = pd.DataFrame(readings, columns=["quantity", "published", "as_published", "exact", "where", "note"])
        return cls(name, title, table.set_index("quantity"), **figure)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        series = None if self.series is None else self.series.to_dict(orient="records")
        rows = self.table.reset_index().to_dict(orient="records")
        return {"name": self.name, "title": self.title, "rows": rows, "series": series}

    record = Renamed("to_dict")

    def _line(self) -> str:
        return f"{self.name!r}: {self.title}, {len(self.table)} rows"

    def _card(self) -> Card:
        return Card(f"{self.name}: {self.title}", tables=[table_of("", self.table, None)])


def published(name: str) -> pd.DataFrame:
    """Return what is printed for a reproduction: published and where, by quantity."""
    paths = (files("veridical.data") / "published").iterdir()
    table = pd.concat(pd.read_csv(str(path)) for path in paths if path.name.endswith(".csv"))
    return table[table["reproduction"] == name].set_index("quantity")[["published", "where"]]
