"""A case of any kind in a line and as a card: its fields in words, and a table for each list of parts that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from veridical.data.cards import Card, Table, brief, number
from veridical.data.record import Record

__all__ = ["card", "line", "said"]

FIGURES = 3  # numbers of a case that a line has
HEAD = ("kind", "name", "description")  # fields that stand in the title


def line(case: Any) -> str:
    """Return a case in a line: its name, how many parts of which sort it has, and its first numbers."""
    numbers = {name: sum(getattr(part, "count", 1) for part in parts) for name, parts in _lists(case).items()}
    counts = [f"{count:,} {word(name, count)}" for name, count in numbers.items()]
    given = [(name, getattr(case, name)) for name in type(case).model_fields]
    figures = [
        f"{name.replace('_', ' ')} {number(value)}"
        for name, value in given
        if isinstance(value, float) and _says(case, name, value)
    ]
    said_of_it = ", ".join([*counts, *figures[:FIGURES]])
    return f"{case.name!r}: {said_of_it}" if said_of_it else repr(case.name)


def card(case: Any) -> Card:
    """Return a case as a card: every field that says something, lists of parts as tables."""
    lists = _lists(case)
    given = {name: getattr(case, name) for name in type(case).model_fields if name not in (*HEAD, *lists)}
    figures = [(name.replace("_", " "), said(value)) for name, value in given.items() if _says(case, name, value)]
    tables = [_table(name, parts) for name, parts in lists.items()]
    notes = [case.description] if case.description else []
    return Card(title(case), figures, tables, notes)


def title(case: Any) -> str:
    """Return what stands above a case."""
    return f"{case.name or 'a case'} ({case.kind.replace('_', ' ')})"


def said(value: Any) -> str:
    """Return a field's value in words: a distribution with its numbers, a long list by its ends, a table of numbers by its shape.

    >>> said((0.5, 0.5)), said(((0.4, 0.1), (0.1, 0.4))), said({"low": 100.0})
    ('0.5, 0.5', '2 x 2 numbers', 'low 100')
    """
    if isinstance(value, Record):
        parts = [(name, part) for name, part in value._saved().items() if part is not None]
        return ", ".join(
            said(part) if isinstance(part, str) else f"{name.replace('_', ' ')} {said(part)}" for name, part in parts
        )
    if isinstance(value, Mapping):
        if len(value) > 12:
            return f"{len(value):,} entries"
        return ", ".join(f"{' '.join(key) if isinstance(key, tuple) else key} {said(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], list | tuple):
            return f"{' x '.join(map(str, np.shape(value)))} numbers"
        return brief(said(part) if isinstance(part, Record) else part for part in value)
    return number(value)


def word(name: str, count: int) -> str:
    """Return what parts are called: `1 supplier`, `2 suppliers`."""
    return (name.removesuffix("s") if count == 1 else name).replace("_", " ")


def _lists(case: Any) -> dict[str, Sequence[Any]]:
    """Return the fields that are lists of records."""
    fields = {name: getattr(case, name) for name in type(case).model_fields}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, tuple) and value and all(isinstance(part, Record) for part in value)
    }


def _says(record: Record, name: str, value: Any) -> bool:
    """Whether a field is worth a line: it is given, and not what it is where nobody says it."""
    return value is not None and not (name in record.quiet and value == type(record).model_fields[name].default)


def _table(caption: str, parts: Sequence[Record]) -> Table:
    """Return a list of records as a table: a row each, a column for every field that one of them says."""
    columns = [
        name
        for name in dict.fromkeys(field for part in parts for field in type(part).model_fields)
        if any(name in type(part).model_fields and _says(part, name, getattr(part, name)) for part in parts)
    ]
    rows = [[said(getattr(part, name)) if getattr(part, name, None) is not None else "-" for name in columns] for part in parts]
    return Table(caption.replace("_", " "), [name.replace("_", " ") for name in columns], rows, frozenset(range(len(columns))))
