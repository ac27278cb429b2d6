"""Progress on a terminal, with rich: what is being done, how far it is, and for how long; on standard error alone.

What is done within two seconds is not shown. A line stands for every step that is under way, below the step that it is part of;
they go when the work is done, and standard output never sees them. rich is imported when there is something to draw.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import RLock, Timer
from time import monotonic
from typing import TYPE_CHECKING

from veridical.data.errors import visible
from veridical.data.progress import Reporter, reporting

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

__all__ = ["progress", "tell"]

DELAY = 2.0  # seconds before anything is shown
OFTEN = 8  # times a second that it is drawn anew


@dataclass
class Row:
    """A step that is under way."""

    label: str
    total: int | None
    began: float
    part: int = 0
    note: str = ""

    def text(self, depth: int, passed: float) -> str:
        """Return the step in words: `  misreport 3 of 25, 0:12, about 1:28 left`."""
        words = visible(self.label)
        if self.part:
            words += f" {self.part:,}" if self.total is None else f" {self.part:,} of {self.total:,}"
        words += f", {visible(self.note)}" if self.note else ""
        words += f", {clock(passed)}"
        if self.total is not None and 1 < self.part <= self.total:
            words += f", about {clock(passed / (self.part - 1) * (self.total - self.part + 1))} left"
        return "  " * depth + words


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Display:
    """A reporter that draws the steps of this process; those of processes that are forked from it are not shown."""

    def __init__(self, delay: float) -> None:
        self._delay, self._process = delay, os.getpid()
        self._rows: dict[int, Row] = {}
        self._keys = count()
        self._lock = RLock()  # of the thread that works and the one that draws
        self._timer: Timer | None = None
        self._live: Live | None = None

    def begin(self, label: str, total: int | None) -> int:
        """Take note of a step; draw from when it has lasted for a while."""
        with self._lock:
            key = next(self._keys)
            self._rows[key] = Row(label, total, monotonic())
            if self._timer is None and os.getpid() == self._process:
                self._timer = Timer(self._delay, self._draw)
                self._timer.daemon = True
                self._timer.start()
            return key

    def advance(self, key: int, part: int, note: str) -> None:
        """Take note of how far a step is."""
        with self._lock:
            row = self._rows.get(key)
            if row is not None:
                row.part, row.note = part, note

    def end(self, key: int) -> None:
        """Forget a step and those within it; where none is left, take everything off the terminal."""
        with self._lock:
            self._rows = {other: row for other, row in self._rows.items() if other < key}
            over = not self._rows
        if over:
            self.close()

    def close(self) -> None:
        """Take everything off the terminal."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._rows = {}  # also those of steps that an error left behind
            if self._timer is not None:
                self._timer.cancel()
            live, self._timer, self._live = self._live, None, None
        if live is not None:
            live.stop()  # waits for the thread that draws, which may wait for the lock

    def tell(self, text: str) -> None:
        """Print a line above what is drawn."""
        with self._lock:
            console = None if self._live is None else self._live.console
        if console is None:
            print(text, file=sys.stderr, flush=True)
        else:
            console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def _draw(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._lock:
            if not self._rows or self._live is not None:
                return
            console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
            self._live = Live(
                console=console,
                get_renderable=self._rendered,
                refresh_per_second=OFTEN,
                transient=True,
                redirect_stdout=False,  # standard output is for what was asked for
                redirect_stderr=False,
            )
            self._live.start()

    def _rendered(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        with self._lock:
            rows, now = list(self._rows.values()), monotonic()
        lines = [Text(row.text(depth, now - row.began), no_wrap=True, overflow="ellipsis") for depth, row in enumerate(rows)]
        return Group(*lines)


_SHOWN: list[Display] = []  # the display that is in use, if any, is the last


@contextmanager
def progress(reporter: Reporter | None = None) -> Iterator[None]:
    """Show how far long work is, while the context lasts: what is done, k of n, for how long, and about how long still.

    On standard error where that is a terminal, from two seconds on; elsewhere nothing is. The command line does so by itself.

    Parameters
    ----------
    reporter : veridical.data.progress.Reporter, optional
        What is told instead, as a notebook's own bar: an object with the methods `begin`, `advance` and `end`.

    Returns
    -------
    A context manager.

    Examples
    --------
    >>> import veridical as vd
    >>> with vd.progress():
    ...     solution = vd.solve(vd.example("two-suppliers"))
    """
    if reporter is not None:
        with reporting(reporter):
            yield
        return
    if not _terminal():
        yield
        return
    display = Display(DELAY)
    _SHOWN.append(display)
    try:
        with reporting(display):
            yield
    finally:
        _SHOWN.remove(display)
        display.close()


def tell(text: str) -> None:
    """Print a line on standard error, above what is drawn there."""
    if _SHOWN:
        _SHOWN[-1].tell(text)
    else:
        print(text, file=sys.stderr, flush=True)


def _terminal() -> bool:
    """Whether standard error is a terminal on which lines can be drawn again."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
