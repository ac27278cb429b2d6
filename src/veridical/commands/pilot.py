"""`veridical pilot`: a joint plan week by week."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from veridical import studies, tables
from veridical.contracts.comparison import TOLERANCE
from veridical.contracts.joint_plan.transfers import MECHANISMS
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.families.joint_plan import planner_of
from veridical.families.joint_plan_tables import significant
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
    """Run a joint plan week by week: just in time against the joint plan, transfers settled weekly or at the end."""
    request = read(case, changes, allow_files)
    parameters = request.parameters((*MECHANISMS["vcg"][1], "settlement", "misreports", "seed"))
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
    return [*lines, weeks, table, *said(rolled)]


def said(rolled: PilotRun) -> list[RenderableType]:
    """Return what holds of a run and what does not, in sentences."""
    share = "what his taking part has saved" if rolled.parameters["pivot"] == "clarke" else "all that was saved"
    count = len(rolled.executed) * len(rolled.case.suppliers)
    sums = "net gains and budget add up to the savings, each week and in total"
    lines = [f"holds: {sums}; a supplier's total is {share}, less fees"]
    if rolled.losses.empty:
        lines.append(f"settlement {rolled.settlement}: no week is a loss for a supplier")
    else:
        (week, party), loss = rolled.losses.index[0], -rolled.losses.iloc[0]
        worst = f"the largest {money(loss)} ({party}, week {week})"
        lines.append(f"settlement {rolled.settlement}: a loss for a supplier in {len(rolled.losses)} of {count} weeks, {worst}")
    if rolled.settlement == "pledge":
        advanced = -min(min(paid.account) for paid in rolled.payments.values())
        forgiven = sum(paid.forgiven for paid in rolled.payments.values())
        lines.append(f"the operator advances a supplier at most {money(max(advanced, 0.0))}, and forgives {money(forgiven)}")
    lines.append(f"each week's plan costs at most {significant(rolled.total['excess'])} above the least, as proven")
    truth = "does not hold as such: that truth is best for the run as a whole, though it is for each week's plan; "
    best = max(rolled.tried, key=lambda lie: lie.gain, default=None)
    if best is None:
        return [Text(line) for line in (*lines, f"{truth}no misreports were tried (--set misreports=25)")]
    saved = rolled.total["savings"]
    paying = sum(lie.gain > TOLERANCE * abs(saved) for lie in rolled.tried)
    most = f", up to {money(best.gain)}, {best.gain / saved:.2%} of what is saved ({best.party}, {best.report})" if paying else ""
    return [Text(line) for line in (*lines, f"{truth}of {len(rolled.tried)} misreports that were tried {paying} pay{most}")]
