"""What `veridical round` shows: who has reported, and what reports brought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.rounds.book import Round
from veridical.rounds.terms.protocol import Outcome

__all__ = ["cleared", "reported"]

WORDS = {"open": "open for reports", "closed": "closed: `veridical round clear` is next", "cleared": "cleared"}


def reported(world: Round, state: str, rows: Sequence[tuple[str, int, str]]) -> list[RenderableType]:
    """Return who has reported how often, and when last."""
    table = tables.table(f"{world.title}, round {world.id}", world.terms.noun, "reports", "last", left=(world.terms.noun, "last"))
    for name, count, time in rows:
        table.add_row(name, f"{count:,}", to_the_second(time) if time else "-")
    there = sum(count > 0 for _, count, _ in rows)
    return [table, Text(f"{there} of {len(rows)} have reported; {WORDS[state]}; deadline {to_the_second(world.deadline)}")]


def to_the_second(time: str) -> str:
    """Return a time of an entry as it is shown: to the second, in UTC."""
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S UTC")


def cleared(world: Round, outcome: Outcome, new: bool) -> list[RenderableType]:
    """Return what reports brought."""
    noun, columns = world.terms.noun, world.terms.columns
    title = f"{world.title}, round {world.id}"
    table = tables.table(title, noun, *(name.replace("_", "\n") for name in columns), left=(noun, "status"), bold=True)
    for name in world.terms.participants:
        table.add_row(name, *(shown(outcome[name][key]) for key in columns))
    return [table, Text("cleared, once and for all" if new else "was cleared before: this is the outcome, as it was")]


def shown(value: Any) -> str:
    """Return an entry of an outcome."""
    return "-" if value is None else value if isinstance(value, str) else f"{value:,.12g}"
