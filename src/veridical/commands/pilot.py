"""`veridical pilot`: a joint plan week by week."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import (
    AllowFiles,
    Case,
    Changes,
    Json,
    Plot,
    Report,
    Solver,
    draw,
    given_command,
    read,
    refuse_unasked,
    report,
    tell,
)

__all__ = ["pilot"]


def pilot(
    case: Case,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    plot: Plot = None,
    report_to: Report = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Finished weeks are kept there, and not run again.")] = None,
    allow_files: AllowFiles = False,
) -> None:
    """Run a joint plan week by week: just in time against the joint plan, transfers settled weekly or at the end.

    Example: veridical pilot pilot --set settlement=end --out weeks
    """
    from veridical.commands.pilot_tables import weekly
    from veridical.contracts.joint_plan.transfers import MECHANISMS
    from veridical.families.joint_plan import planner_of

    request = read(case, changes, allow_files)
    parameters = request.parameters((*MECHANISMS["vcg"][1], "settlement", "misreports", "seed"))
    world, planner = request.case, partial(planner_of, solver)
    if not isinstance(world, vd.data.JointPlanCase):
        raise vd.InputError.of("CASE", f"<{type(world).__name__}>", "a case of kind joint_plan", world.name)
    rolled = vd.studies.pilot.run(world, planner=planner, folder=out, callback=tell_week, **parameters)
    draw(plot, rolled.figure)
    if report_to is not None:
        how = given_command("pilot", world, case, solver=solver, set=changes)
        vd.reporting.write(report_to, vd.reporting.run(rolled, weekly(rolled), how))
    report(to_json, rolled.to_dict, lambda: weekly(rolled), world)
    if rolled.lost:
        refuse_unasked(world.name, vd.solvers.SolutionStatus.INCOMPLETE, None if solver is None else vd.solvers.configure(solver))


def tell_week(week: int, seconds: float, saved: float) -> None:
    """Say on standard error that a week is finished; no time was needed where it was read from a folder."""
    tell(f"week {week}: {'read from the folder' if seconds == 0 else f'{seconds:.1f} s'}, {saved:,.2f} saved so far")
