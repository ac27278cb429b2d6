"""`veridical choose-fees`: which pivot and fee to fix before anybody reports."""

from __future__ import annotations

from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import AllowFiles, Case, Changes, Json, Plot, Solver, draw, read, report, table_to_be_written

__all__ = ["choose_fees"]


def choose_fees(
    case: Case,
    draws: Annotated[int, typer.Option(metavar="N", help="How many worlds are drawn.")] = 10,
    seed: Annotated[int, typer.Option(metavar="N", help="Every draw follows from it.")] = 0,
    spread: Annotated[float, typer.Option(metavar="SHARE", help="By how much costs, capacities and needs vary, 0 to 1.")] = 0.05,
    loss: Annotated[float, typer.Option(metavar="SHARE", help="Share of the savings that may be lost, 0 to 1.")] = 0.2,
    risk: Annotated[float, typer.Option(metavar="SHARE", help="Share of draws in which receivers may lose, 0 to 1.")] = 0.05,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            "--csv",
            metavar="FILE",
            help="Write it: FILE.csv, FILE.xlsx or FILE.parquet.",
            callback=table_to_be_written,
        ),
    ] = None,
    plot: Plot = None,
    allow_files: AllowFiles = False,
) -> None:
    """Choose pivot and fees of a joint plan before anybody reports: deficit, gains and what is lost, by a simulated prior.

    Example: veridical choose-fees carriers --draws 5
    """
    from veridical.commands.choose_fees_tables import choice

    request = read(case, changes, allow_files)
    world = request.case
    if not isinstance(world, vd.data.JointPlanCase):
        raise vd.InputError.of("CASE", f"<{type(world).__name__}>", "a case of kind joint_plan", world.name)
    fixed = request.parameters(vd.data.joint_plan.Parameters.model_fields)
    world = world.changed(**fixed)
    chosen = vd.choose_fees(world, draws, seed, spread, loss, risk, solver=solver)
    if table is not None:
        chosen.save(table)
    draw(plot, chosen.figure)
    report(to_json, chosen.to_dict, lambda: choice(chosen), world)
