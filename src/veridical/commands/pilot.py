"""`veridical pilot`: a joint plan week by week."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from veridical import studies, tables
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.families.joint_plan import planner_of
from veridical.studies.pilot.run import PilotRun
from veridical.tables import money
from veridical.terminal import AllowFiles, Case, Changes, Json, Plot, Solver, draw, read, report, tell

__all__ = ["pilot"]


def pilot(
    case: Case,
    solver: Solver = None,
    changes: Changes = None,
    to_json: Json = None,
    plot: Plot = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Finished weeks are kept there, and not run again.")] = None,
    allow_files: AllowFiles = False,
) -> None:
    """Run a joint plan week by week: just in time against the joint plan, transfers settled weekly."""
    request = read(case, changes, allow_files)
    parameters = request.parameters(("pivot", "activity_fee", "participation_fee"))
    world, planner = request.case, partial(planner_of, solver)
    if not isinstance(world, JointPlanCase):
        raise InputError.of("CASE", f"<{type(world).__name__}>", "a case of kind joint_plan", world.name)
    rolled = studies.pilot.run(world, planner=planner, folder=out, callback=tell_week, **parameters)
    draw(plot, rolled.figure)
    report(to_json, rolled.to_dict, lambda: weekly(rolled))


def tell_week(week: int, seconds: float, saved: float) -> None:
    """Say on standard error that a week is finished; no time was needed where it was read from a folder."""
    tell(f"week {week}: {'read from the folder' if seconds == 0 else f'{seconds:.1f} s'}, {saved:,.2f} saved so far")


def weekly(rolled: PilotRun) -> list[RenderableType]:
    """Return a rolling run: week by week, and party by party in total."""
    total, mechanism = rolled.total, tables.named(rolled.mechanism, rolled.parameters)
    saved = f"{total['savings'] / total['baseline_cost']:.2%}" if total["baseline_cost"] else "-"
    lines = [
        Text(f"{mechanism} for {rolled.case.name}, {len(rolled.weeks)} weeks", style="bold"),
        Text(f"cost to serve {money(total['plan_cost'])} against {money(total['baseline_cost'])} just in time: {saved} saved"),
    ]
    headings = ("week", "just\nin time", "joint\nplan", "saved", "transfers", "budget", "left to\nreceivers")
    weeks = tables.table("week by week", *headings, "service\njit", "service\njoint")
    columns = ("baseline_cost", "plan_cost", "savings", "transfers", "budget", "residual")
    for week, row in rolled.weeks.iterrows():
        served = (tables.share(row[name], 1) for name in ("service_jit", "service_joint"))
        weeks.add_row(str(week), *(money(row[column]) for column in columns), *served)
    weeks.add_section()
    overall = (tables.share(total["service_level"][world], 1) for world in ("jit", "joint"))
    weeks.add_row("all", *(money(total[column]) for column in columns), *overall)
    columns_of = ("party", "role", "just\nin time", "joint\nplan", "transfer", "net gain")
    table = tables.table("party by party, all weeks", *columns_of, left=("party", "role"))
    figures = ("baseline_cost", "cost", "transfer", "net_gain")
    for name, row in rolled.totals.iterrows():
        table.add_row(str(name), row["role"], *(money(row[column]) for column in figures))
    return [*lines, weeks, table]
