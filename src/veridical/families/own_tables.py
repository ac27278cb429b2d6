"""Kinds of the user's own as tables for people."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import Audit, DirectMechanism
from veridical.data.measures import Measures
from veridical.data.type_space import word
from veridical.families.family import Memo
from veridical.solvers import Solution

__all__ = ["compared", "memo", "offered", "summary"]


def summary(solution: Solution) -> list[RenderableType]:
    """Return what a mechanism is worth, its outcomes, shadow prices and audit."""
    return memo(solution).parts


def memo(solution: Solution) -> Memo:
    """Return the same in parts."""
    decision: list[RenderableType] = [Text(f"objective {solution.measures.money(solution.objective)}, {solution.standing()}")]
    decision += [Text(f"warning: {warning}", style="yellow") for warning in solution.warnings]
    found = solution.contracts
    outcomes = _outcomes(found) if isinstance(found, DirectMechanism) else []
    prices = tables.shadow_prices(solution, list(solution.duals), tables.BY_RELAXING)
    binding: list[RenderableType] = [prices] if prices.row_count else []
    advice = "Ask everybody for a report, and do what the row of the table says that belongs to the reports."
    return Memo(advice, decision, outcomes, binding, [] if solution.audit is None else _truth(solution.audit))


def _outcomes(mechanism: DirectMechanism) -> list[RenderableType]:
    """Return what follows from the reports, of the most likely profiles where there are many."""
    frame, types = mechanism.frame, mechanism.types
    columns = ["\n".join(part.replace("_", " ") for part in column if part) for column in frame.columns.to_list()]
    headings = [f"{word(agent)}\nreports" for agent in types.agents]
    table = tables.table("a row for what is reported", *headings, *columns)
    numbers = frame.iloc[:, 1:].abs().max().max() if frame.shape[1] > 1 else 0.0
    money = Measures().fitted(money=float(numbers)).money
    for place in tables.most_likely(types.table.ravel()):
        figures = frame.iloc[place].tolist()
        table.add_row(*map(word, types.profiles[place]), f"{figures[0]:.4g}", *map(money, figures[1:]))
    many = len(frame) > tables.ROWS
    note = f"the {tables.ROWS} most likely of {len(frame):,} profiles; --menu FILE.csv writes all"
    return [table, *([Text(note, style="dim")] if many else [])]


def _truth(checked: Audit) -> list[RenderableType]:
    lies = [
        f"{one.agent} of type {word(one.type)} gains {checked.measures.money(one.gain)} by {word(one.report)}"
        for one in checked.misreports
    ]
    if checked.truthful is None:
        said = Text("no misreport could be tried: whether truth is best is not known")
    else:
        said = (
            Text(tables.no_gain(checked)) if checked.truthful else Text(f"misreports gain: {'; '.join(lies[:3])}", style="yellow")
        )
    return [said, tables.properties(checked)]


def offered(name: str, checked: Any) -> list[RenderableType]:
    """Return the audit of a table as it is shown."""
    return [Text(f"audit of {name}", style="bold"), *_truth(checked)]


def compared(case: str, frame: Any) -> list[RenderableType]:
    """Return mechanisms side by side."""
    money = tables.words_of(frame).money
    return tables.side_by_side(
        case,
        frame,
        [
            ("objective", lambda row: money(row["profit"])),
            ("of the\nbenchmark", lambda row: tables.share(row["share_of_benchmark"])),
            ("truthful", lambda row: row["truthful"]),
            ("largest\nregret", lambda row: money(row["max_regret"])),
            ("least\nrent", lambda row: money(row["min_rent"])),
            ("seconds", lambda row: f"{row['seconds']:.2f}"),
        ],
    )
