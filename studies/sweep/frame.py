"""The table of a study: a DataFrame that also draws itself, and writes itself for a paper."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from veridical.data import files
from veridical.data.cards import Card, number, table_of
from veridical.data.errors import InputError
from veridical.studies.shown_frame import ShownFrame
from veridical.studies.sweep import latex
from veridical.studies.sweep.columns import worded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["StudyFrame"]

NOTHING: Mapping[str, str] = MappingProxyType({})
FEW = 6  # values of a column that a card names


class StudyFrame(ShownFrame):
    """A row a point and mechanism. Everything that a DataFrame does, it does; `attrs` knows what was varied and asked for.

    `solved` are the rows that have a result, `failed` the others, with their reason.

    Examples
    --------
    >>> import veridical as vd
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds", "naive"], "solver": "closed_form",
    ...         "vary": {"price": {"values": [30, 31]}}}
    >>> table = vd.study(spec)
    >>> len(table.solved), len(table.failed), table.exit_status
    (4, 0, 0)
    >>> table.pivot(index="price", columns="mechanism", values="objective").round(2)
    mechanism     icds    naive
    price
    30         6965.00  6290.00
    31         7388.71  6735.48
    """

    WHOLE = ("case", "mechanism", "solver", "objective", "status", "exit_status", "seconds")

    @property
    def _constructor(self) -> type[StudyFrame]:
        return StudyFrame

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        name: str,
        varied: Sequence[str],
        outputs: Sequence[str],
        called: Mapping[str, str] = NOTHING,
        design: str = "cross",
    ) -> StudyFrame:
        """Return the table of a study, by row; `called`: what columns are called in pictures, with their unit."""
        frame = cls(table.set_index("row"))
        attributes: dict[Hashable | None, Any] = {
            "name": name,
            "varied": list(varied),
            "outputs": list(outputs),
            "called": dict(called),
        }
        frame.attrs = {**attributes, "design": design}
        return frame

    @property
    def solved(self) -> StudyFrame:
        """The rows that ended as they should."""
        return self._where(self["exit_status"] == 0)

    @property
    def failed(self) -> StudyFrame:
        """The rows that did not, with the columns that say why."""
        return self._where(self["exit_status"] != 0)

    def _where(self, chosen: pd.Series) -> StudyFrame:
        part = StudyFrame(self[chosen])
        part.attrs = dict(self.attrs)  # a new frame knows nothing of what was varied, and would be drawn as means over all points
        return part

    @property
    def exit_status(self) -> int:
        """What the command line ends with: 0 where every point was solved, else the largest of the rows."""
        return int(self["exit_status"].max())

    def figure(self, column: str | None = None) -> Figure:
        """Return the picture of a column, by default the first that was asked for, or the objective.

        Lines over one number that is varied; a panel for each value of a second one that has few, a heatmap where it has many. Of
        fields that are varied together (the design `zip`) the first number is along the axis, and the others stand above it.
        Raises InputError for a column without numbers, and where more is varied than a picture shows.
        """
        from veridical.studies.figures import study

        return study.draw(self, column)

    def to_latex(  # type: ignore[override]
        self,
        buf: str | Path | None = None,
        *,
        columns: Sequence[str] | None = None,
        across: str | None = None,
        digits: int = 6,
        **head: str | None,
    ) -> str | None:
        r"""Return the table as LaTeX with the rules of booktabs, or write it to a file.

        Parameters
        ----------
        buf
            The file, where there is one.
        columns
            By default what tells the rows apart, the objective, and the columns that were asked for.
        across
            One of them, as `mechanism`: each of its values has a column, with what the last of `columns` is (by default the
            objective), and there is a row for each point of the others.
        digits
            Significant digits of the largest number of a column; the others have as many decimals as that one.
        head
            `caption` and `label`, with which the table is a float.

        Raises
        ------
        InputError
            For columns that are not there, or do not tell the rows of `across` apart, and a file that cannot be written.
        """
        chosen = list(columns) if columns is not None else self._telling()
        if columns is None and across is not None:
            chosen = [name for name in chosen if name not in self.attrs.get("outputs", ()) and name != "objective"] + [
                "objective"
            ]
        for name in chosen:
            if name not in self.columns:
                raise InputError.of("columns", name, f"one of {', '.join(map(str, self.columns))}")
        for name in head:
            if name not in ("caption", "label"):
                raise TypeError(f"to_latex() got an unexpected keyword argument {name!r}")
        shown = self[chosen] if across is None else self._across(across, chosen)
        text = latex.table(shown, digits, head.get("caption"), head.get("label"))
        if buf is None:
            return text
        files.write({Path(buf): text})
        return None

    def _across(self, across: str, chosen: Sequence[str]) -> pd.DataFrame:
        """Return the last of the chosen columns by the values of one of them, side by side; a row for each point of the rest."""
        rows, cells = [name for name in chosen[:-1] if name != across], chosen[-1]
        if across not in chosen[:-1] or not rows:
            raise InputError.of("across", across, f"one of several columns before the last: {', '.join(map(str, chosen))}")
        if (twice := self.duplicated([*rows, across])).any():
            row = self[twice].iloc[0]
            first = ", ".join(f"{name} {number(row[name])}" for name in [*rows, across])
            raise InputError.of(
                "across", f"<several rows of {first}>", "columns that tell all rows apart, or a part of the table"
            )
        wide = pd.DataFrame(self).pivot(index=rows, columns=across, values=cells)
        wide = wide[list(self[across].unique())]
        if across not in ("case", "mechanism", "solver"):  # a number alone does not say what it is
            wide.columns = [f"{worded(across)} {number(value)}" for value in wide.columns]
        return wide.reset_index().rename_axis(columns=None)

    def _line(self) -> str:
        failed = len(self.failed)
        varied = [name for name in self.attrs.get("varied", []) if name in self.columns]
        parts = [f"{len(self):,} rows", f"{len(self) - failed:,} solved", *([f"{failed:,} failed"] if failed else [])]
        parts += [f"varied: {', '.join(varied)}"] if varied else []
        return f"{self.attrs.get('name', 'study')!r}: {', '.join(parts)}"

    def _card(self) -> Card:
        failed = self.failed
        figures = [("rows", f"{len(self):,}, of which {len(self) - len(failed):,} solved and {len(failed):,} failed")]
        figures += [(name.replace("_", " "), self._between(name)) for name in self._telling() if name in self.columns]
        figures += [("seconds of solving", f"{self['seconds'].sum():.2f}")]
        notes = [f"failed: {reason}" for reason in failed["reason"].unique()[:3]] if len(failed) else []
        everything = "the table itself (`print`, `to_csv`)"
        table = table_of("rows", self[self._telling()], everything=everything)
        return Card(f"study {self.attrs.get('name', '')}", figures, [table], notes)

    def _between(self, name: str) -> str:
        """Return the values of a column in words: all where they are few, else the least and the largest."""
        values = self[name].dropna()
        found = list(values.unique())
        if len(found) <= FEW or values.dtype.kind not in "iuf":
            return f"{', '.join(map(number, found[:FEW]))}{'' if len(found) <= FEW else f' and {len(found) - FEW:,} others'}"
        return f"{number(values.min())} to {number(values.max())}"

    def _telling(self) -> list[str]:
        """Return the columns of a table for people."""
        heads = [name for name in ("case", "solver") if self[name].nunique(dropna=False) > 1]
        asked = [*self.attrs.get("varied", []), "objective", *self.attrs.get("outputs", [])]
        status = [] if (self["exit_status"] == 0).all() else ["status"]
        return list(dict.fromkeys(name for name in [*heads, "mechanism", *asked, *status] if name in self.columns))
