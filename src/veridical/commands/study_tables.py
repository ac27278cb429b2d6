"""What `veridical study` shows: how many points were solved, and why others failed."""

from __future__ import annotations

from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.studies.sweep import StudyFrame
from veridical.studies.sweep.folder import CSV

__all__ = ["finished"]

REASONS = 5  # of points that failed, that are shown


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
