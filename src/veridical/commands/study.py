"""`veridical study`: many solves, one table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

import veridical as vd
from veridical.terminal import AllowFiles, Plot, draw, tell

__all__ = ["study"]


def study(
    spec: Annotated[str, typer.Argument(metavar="SPEC.toml", help="A file that says what is solved, or a shipped study.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Finished rows are kept there, and the table.")],
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that solve points.")] = 1,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, in place of processes.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the study in DIR.")] = False,
    plot: Plot = None,
    allow_files: AllowFiles = False,
) -> None:
    """Solve mechanisms at many points, and write one table: a row a point and mechanism.

    Example: veridical study price-and-correlation --out study
    """
    from veridical.commands.study_tables import finished
    from veridical.studying import prepared, run

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
    vd.tables.show(*finished(frame, out))
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
