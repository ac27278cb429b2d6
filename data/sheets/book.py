"""What can be written as tables: the tables of one result, and what every column of them is counted in.

The ending of the file's name decides. A CSV or Parquet file has the first table alone, under the same names of columns as the
workbook, which has all of them, each on a sheet, and says in words what the columns are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from veridical.data import csv_file, files
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures
from veridical.data.sheets.endings import CSV, XLSX, ending

__all__ = ["Book", "Column", "Sheet", "Tabular"]

PLAIN = "plain"


class Column(NamedTuple):
    """What a column says, in words, and what it is counted in: money, units, per_unit, share, or plain numbers and text."""

    meaning: str
    counted: str = PLAIN

    def unit(self, measures: Measures) -> str:
        """Return what it is counted in, as the case calls that; empty for plain numbers and text."""
        words = {"money": measures.of_money, "units": measures.of_units, "per_unit": measures.per_unit, "share": "share of 1"}
        return words.get(self.counted, "")


ROW = Column("what the row is of")


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table, and what its columns are: `columns` by their first word, `index` of all levels of the index or of each."""

    name: str
    frame: pd.DataFrame
    columns: Mapping[str, Column]
    index: Column | Sequence[Column] = ROW

    @property
    def flat(self) -> pd.DataFrame:
        """The table with names of one level, as `quantity panel`, and the levels of its index."""
        names = [" ".join(filter(None, name)) if isinstance(name, tuple) else name for name in self.frame.columns]
        return self.frame.set_axis(names, axis=1)

    def described(self) -> list[tuple[str, Column]]:
        """Return every column of the file, those of the index first, with what it is; one that is not described is plain."""
        count = self.frame.index.nlevels
        each = [self.index] * count if isinstance(self.index, Column) else self.index
        names = map(str, self.flat.iloc[:0].reset_index(allow_duplicates=True).columns[:count])
        levels = list(zip(names, each, strict=True))
        firsts = [(name[0] if isinstance(name, tuple) else name, flat) for name, flat in zip(self.frame, self.flat, strict=True)]
        return [*levels, *((str(flat), self.columns.get(str(first), Column(""))) for first, flat in firsts)]


@dataclass(frozen=True, eq=False)
class Book:
    """Tables of one result: the `first` and, in a workbook, `further` ones, which are made when they are asked for.

    `title` says what they are of, and `measures` how money and quantities are called. `sentences`: what a reader has to know
    before the tables; a workbook that has some opens at them.
    """

    title: str
    first: Sheet
    measures: Measures = UNSAID
    further: Callable[[], tuple[Sheet, ...]] = tuple
    sentences: tuple[str, ...] = ()

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """All tables."""
        return self.first, *self.further()

    def write(self, path: str | Path, among: tuple[str, ...] | None = None) -> None:
        """Write a file, whole or not at all, as its ending says; `among`: the endings that are allowed, all where it is left out.

        Raises InputError for another ending, for what a workbook cannot hold, and where the file cannot be written.
        """
        found = ending(path) if among is None else ending(path, among=among)
        if found == CSV:
            csv_file.write(self.first.flat, path)
        elif found == XLSX:
            files.write({Path(path): self.workbook(path)})
        else:
            from veridical.data.sheets.parquet import parquet

            files.write({Path(path): parquet(self)})

    def workbook(self, path: str | Path) -> bytes:
        """Return all tables as a workbook that is to be written to a file; raises InputError as `write` does."""
        from veridical.data.sheets.workbook import workbook

        try:
            return workbook(self, Path(path).name)
        except OSError as error:  # openpyxl takes temporary files
            raise files.unwritable(path, "<file>", error) from None


class Tabular:
    """A result that can be written to a file of tables."""

    def book(self) -> Book:
        """Return its tables."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Write its tables to a file, whole or not at all: `.csv`, `.xlsx` or `.parquet`, as the name ends.

        CSV and Parquet have the first table, every digit kept. A workbook has all of them, numbers as numbers with the 16 digits
        that workbooks are written with, and a sheet that says what the columns are, and in what currency and unit.
        Raises InputError for another ending, without the package for workbooks, and where the file cannot be written.
        """
        self.book().write(path)

    def to_csv(self, path: str | Path) -> None:
        """Write the first of its tables to a CSV file, with a flat header (`quantity panel`, ...), every digit kept.

        Raises InputError for a name that does not end in `.csv`, and where the file cannot be written.
        """
        self.book().write(path, (CSV,))
