"""`veridical choose-k`: how many suppliers should report."""

from __future__ import annotations

from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import AllowFiles, Case, Changes, Json, Plot, Solver, draw, read, report

__all__ = ["choose_k"]


def choose_k(
    case: Case,
    loss: Annotated[float, typer.Option(metavar="SHARE", help="Share of the ICDS profit that may be lost, 0 to 1.")] = 0.05,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    plot: Plot = None,
    allow_files: AllowFiles = False,
) -> None:
    """Choose how many suppliers should report: the hybrid for every k, its profit against the size of its menu.

    Example: veridical choose-k electronics --loss 0.02
    """
    from veridical.commands.choose_k_tables import choice

    request = read(case, changes, allow_files)
    mechanism = vd.families.fitting(request.case).get("hybrid")
    parameters = request.parameters(mechanism.parameters if mechanism else ())
    for name in parameters.keys() - {"balanced"}:
        raise vd.InputError.of(f"--set {name}", parameters[name], "fields of the case, and balanced")
    if mechanism is not None:
        mechanism.check(parameters)
    chosen = vd.choose_k(request.case, loss, solver, **parameters)
    draw(plot, chosen.figure)
    report(to_json, chosen.to_dict, lambda: choice(chosen), request.case)
