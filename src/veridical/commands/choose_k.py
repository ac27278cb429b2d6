"""`veridical choose-k`: how many suppliers should report."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from rich.console import RenderableType
from rich.text import Text

from veridical import studies, tables
from veridical.data import InputError
from veridical.families import fitting
from veridical.studies import Choice
from veridical.tables import money
from veridical.terminal import AllowFiles, Case, Changes, Json, Plot, Solver, draw, read, report

__all__ = ["choose_k"]


def choose_k(
    case: Case,
    loss: Annotated[float, typer.Option(metavar="SHARE", help="Share of the ICDS profit that may be lost, 0 to 1.")] = 0.05,
    solver: Solver = "closed_form",
    changes: Changes = None,
    to_json: Json = None,
    plot: Plot = None,
    allow_files: AllowFiles = False,
) -> None:
    """Choose how many suppliers should report: the hybrid for every k, its profit against the size of its menu."""
    request = read(case, changes, allow_files)
    mechanism = fitting(request.case).get("hybrid")
    parameters = request.parameters(mechanism.parameters if mechanism else ())
    for name in parameters.keys() - {"balanced"}:
        raise InputError.of(f"--set {name}", parameters[name], "fields of the case, and balanced")
    if mechanism is not None:
        mechanism.check(parameters)
    chosen = studies.choose_k(request.case, loss, solver or "closed_form", **parameters)
    draw(plot, chosen.figure)
    report(to_json, chosen.to_dict, lambda: choice(chosen))


def choice(chosen: Choice) -> list[RenderableType]:
    """Return the hybrid by k."""
    title = f"hybrid menus for {chosen.case}: k suppliers report, the others are paid their highest cost"
    who = "who comes to report"
    table = tables.table(title, "k", who, "contracts", "expected\nprofit", "added", "lost of\nk = n", left=(who,), bold=True)
    for k, row in chosen.table.iterrows():
        lost = tables.share(row["loss"])
        added = "" if np.isnan(row["added"]) else money(row["added"])
        table.add_row(str(k), row["supplier"] or "-", f"{row['contracts']:,}", money(row["profit"]), added, lost)
    if chosen.k is None:
        note = f"no k up to {chosen.table.index[-1]} is known to lose at most {chosen.accepted:.2%} of what k = n earns"
    else:
        note = f"k = {chosen.k} is the smallest that loses at most {chosen.accepted:.2%} of what k = n earns"
    return [table, Text(note)]
