"""What every kind of round answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol, Self

from veridical.data.case_record import plain, write_files
from veridical.data.load import build
from veridical.data.measures import Measures

__all__ = ["Outcome", "Terms", "frozen_case", "thawed_case"]

Outcome = dict[str, dict[str, Any]]  # each participant's part, by his name


class Terms(Protocol):
    """The frozen terms of a round. kind: of the case. noun: what a participant is called. columns: of an outcome."""

    kind: ClassVar[str]
    case_type: ClassVar[type[Any]]
    noun: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    @property
    def participants(self) -> tuple[str, ...]:
        """Their names, in order."""

    @property
    def measures(self) -> Measures:
        """How the case says money and quantities."""

    @classmethod
    def freeze(cls, case: Any, mechanism: str | None, solver: str | None, parameters: dict[str, Any], silent: str) -> Self:
        """Return the terms of a case; raises InputError."""

    @classmethod
    def thaw(cls, record: Mapping[str, Any]) -> Self:
        """Return the terms in a record."""

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as plain values, from which `thaw` makes them again."""

    def posted(self, name: str) -> dict[str, Any]:
        """Return what one participant is shown before he reports, as plain values: his own part, and nothing of the others'."""

    def checked(self, name: str, report: object) -> float:
        """Return a participant's report; raises InputError for what is none of his."""

    def clear(self, reports: Mapping[str, float]) -> Outcome:
        """Return what the reports bring, one part for each participant; no entry is no report."""


def frozen_case(case: Any) -> dict[str, Any]:
    """Return a case as plain values, with the files that it refers to; raises InputError for what no file can hold."""
    beside: dict[str, str] = {}
    return {"table": plain(case, "", beside), "files": beside}


def thawed_case(record: Mapping[str, Any]) -> Any:
    """Return the case in a record of `frozen_case`."""
    with TemporaryDirectory() as folder:
        write_files(Path(folder), record["files"])
        return build(record["table"], f"{record['table']['name']}.toml", Path(folder))
