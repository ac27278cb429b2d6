"""`veridical study`: many solves, one table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.studies.sweep import StudyFrame
from veridical.studies.sweep.folder import CSV
from veridical.studying import prepared, run
from veridical.terminal import AllowFiles, Plot, draw, tell

__all__ = ["study"]

REASONS = 5  # of points that failed, that are shown


def study(
    spec: Annotated[str, typer.Argument(metavar="SPEC.toml", help="A file that says what is solved, or a shipped study.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Finished rows are kept there, and the table.")],
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that solve points.")] = 1,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, in place of processes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study in DIR.")] = False,
    plot: Plot = None,
    allow_files: AllowFiles = False,
) -> None:
    """Solve mechanisms at many points, and write one table: a row a point and mechanism."""
    planned = prepared(spec, out, workers, scheduler, resume, allow_files)
    if plot is not None:
        planned.refuse_unplottable()
    with _terminable():
        try:
            frame = run(planned, out, workers, scheduler, resume)
        except (KeyboardInterrupt, Terminated) as end:
            tell(f"veridical: interrupted; what is finished is in {out}, and the same command with --resume goes on")
            sys.exit(128 + (signal.SIGINT if isinstance(end, KeyboardInterrupt) else signal.SIGTERM))
    draw(plot, frame.figure)
    tables.show(*finished(frame, out))
    raise typer.Exit(frame.exit_status)


class Terminated(BaseException):
    """The process was asked to end."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Have SIGTERM raise Terminated meanwhile, so that what waits is written."""

    def end(*_: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def finished(frame: StudyFrame, out: str) -> list[RenderableType]:
    """Return what a study came to: how many points, where the table is, and why points failed."""
    failed = frame.failed
    lines: list[RenderableType] = [Text(f"{frame.attrs['name']}: {len(frame):,} rows in {Path(out) / CSV}", style="bold")]
    lines.append(
        Text(f"{len(frame) - len(failed):,} solved, {len(failed):,} failed, in {frame['seconds'].sum():.2f} s of solving")
    )
    if failed.empty:
        return lines
    reasons = tables.table("why points failed", "status", "rows", "first row", "reason", left=("status", "reason"))
    told = failed.reset_index().groupby(["status", "reason"], sort=False)["row"].agg(["size", "first"])
    for (status, reason), (count, first) in list(zip(told.index, told.to_numpy().tolist(), strict=True))[:REASONS]:
        reasons.add_row(status, f"{count:,}", str(first), reason)
    more = len(told) - REASONS
    return [*lines, reasons, *([Text(f"and {more:,} other reasons, in the table", style="dim")] if more > 0 else [])]
