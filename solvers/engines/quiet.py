"""HiGHS without a word on standard output, where JSON and tables go; it keeps time limits and ends on Ctrl-C."""

from __future__ import annotations

import atexit
import math
import os
from collections.abc import Callable
from contextvars import ContextVar
from queue import SimpleQueue
from threading import Event, Thread
from time import perf_counter
from typing import Any, ClassVar

import highspy
import numpy as np

__all__ = ["ALONGSIDE", "Highs"]

GRACE = 1.5  # seconds in which HiGHS has to end once it is told to; a factorisation that takes longer is left behind
LAST = 10.0  # seconds for which the end of the process waits for what was left behind: HiGHS must not outlive its library
LEFT_BEHIND: list[Event] = []
# Of a thread whose runs of HiGHS are beside those of others: each has one worker, and ends where this is set.
ALONGSIDE: ContextVar[Event | None] = ContextVar("veridical_alongside", default=None)
SOON = 0.05  # seconds between looks at that


class _Runner:
    """A thread in which HiGHS runs, one run after another.

    HiGHS keeps its workers by thread: to start a thread and these for each run took longer than a small linear program.
    """

    idle: ClassVar[list[_Runner]] = []

    def __init__(self) -> None:
        self._runs = SimpleQueue[tuple[Callable[[], None], Event] | None]()
        self.threads: Any = None  # with how many workers it has run
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    @classmethod
    def free(cls) -> _Runner:
        """Return one that does nothing, and is nobody else's until it is put back."""
        try:
            return cls.idle.pop()
        except IndexError:
            return cls()

    def start(self, run: Callable[[], None]) -> Event:
        """Start a run, and return what says that it has ended."""
        ended = Event()  # Python 3.11 takes a thread for ended whose `join` Ctrl-C interrupts
        self._runs.put((run, ended))
        return ended

    def _serve(self) -> None:
        while (one := self._runs.get()) is not None:
            run, ended = one
            try:
                run()
            finally:
                ended.set()
            del run, one  # a solver's memory is not to wait for the next run

    def end(self) -> None:
        """End the thread, if nothing runs."""
        self._runs.put(None)
        self._thread.join(LAST)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Runner.idle.clear)  # a child has no threads but its own


class Highs(highspy.Highs):
    """HiGHS with its output off from the start: since 1.16 it prints a banner as soon as its callbacks are enabled."""

    def enableCallbacks(self) -> None:
        """Enable callbacks, as the constructor of the base class asks."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()

    def ends_by(self, deadline: float) -> bool:
        """Run until the end or the deadline (of `perf_counter`), and return whether it ended: else this object is lost.

        HiGHS runs in another thread, so that Ctrl-C arrives here, and because its interior points do not look at the clock.
        It is told to stop by a callback that starts only then: one that runs all along takes 40 % of the time of the simplex.
        """
        stop = ALONGSIDE.get()
        if stop is not None:
            self.setOptionValue("threads", 1)
        runner, threads = _Runner.free(), self.getOptionValue("threads")[1]

        def run() -> None:
            if runner.threads not in (None, threads):  # another number of workers than the last run's needs new ones
                self.resetGlobalScheduler(True)
            runner.threads = threads
            self.run()

        ended = runner.start(run)
        try:
            while not ended.is_set() and perf_counter() < deadline + GRACE / 2 and not (stop is not None and stop.is_set()):
                ended.wait(min(1.0 if stop is None else SOON, max(deadline + GRACE / 2 - perf_counter(), 0.0)))
        finally:
            if not ended.is_set():
                self.HandleUserInterrupt = True
                self.cancelSolve()
                ended.wait(GRACE)
            if ended.is_set():
                runner.idle.append(runner)
            else:
                LEFT_BEHIND.append(ended)
        return ended.is_set()

    def take(
        self, cost: Any, low: Any, high: Any, row_low: Any, row_high: Any, matrix: Any, offset: float = 0.0, integer: Any = None
    ) -> highspy.HighsStatus:
        """Take min cost @ x + offset subject to low <= x <= high, row_low <= matrix @ x <= row_high; `matrix` by rows.

        As arrays: through HighsLp each number would become an object of Python's, which takes longer than all else.
        """
        rows, columns = matrix.shape
        kinds = np.zeros(columns, dtype=np.int32) if integer is None else integer.astype(np.int32)
        if {*map(len, (cost, low, high, kinds))} != {columns} or {len(row_low), len(row_high)} != {rows}:
            raise ValueError("arrays of other sizes than the matrix: HiGHS would read beyond their ends")
        shape = columns, rows, matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), offset
        entries = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data
        status: highspy.HighsStatus = self.passModel(*shape, cost, low, high, row_low, row_high, *entries, kinds)
        return status

    def limit(self, deadline: float) -> None:
        """Give HiGHS the time that is left until the deadline."""
        if deadline < math.inf:
            self.setOptionValue("time_limit", self.getRunTime() + max(deadline - perf_counter(), 0.0))


@atexit.register
def _wait() -> None:
    until = perf_counter() + LAST
    for ended in LEFT_BEHIND:
        ended.wait(max(until - perf_counter(), 0.0))
    while _Runner.idle:
        _Runner.idle.pop().end()
