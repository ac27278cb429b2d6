"""Where the points of a study are solved, one after the other in each lane: this process, another one, a worker of a cluster.

A lane is called with a task and returns what comes of it. A lane whose process ends over a task says so, and starts a new one
for the next. `Blocks` hands out the tasks: a lane keeps to consecutive ones, which share case and mechanism.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Protocol

from veridical.data.errors import InputError, NotSolvedError
from veridical.solvers.consensus.carriers.processes import UNGUARDED, without_interrupts
from veridical.solvers.solution import Termination
from veridical.studies.sweep.rows import Bench, Outcome, Task, failed

__all__ = ["Blocks", "DaskLane", "Here", "Lane", "ProcessLane", "dask_lanes", "end_if_unguarded"]

BLOCKS = 8  # that a lane gets, if all take equally long: at its end it waits for less than one
LONGEST = 64  # tasks of a block
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # processes share the cores: none needs several
ENDING = 5.0  # seconds that a process is given to end
_TURN = Lock()


class Lane(Protocol):
    """What solves one task at a time."""

    def __call__(self, task: Task) -> Outcome:
        """Solve a task."""

    def close(self) -> None:
        """End what runs, at once."""


class Blocks:
    """Tasks in blocks of consecutive ones that share a group, handed out in order; safe to use from several threads."""

    def __init__(self, tasks: Sequence[Task], lanes: int) -> None:
        size = min(max(len(tasks) // (BLOCKS * lanes), 1), LONGEST)
        self._blocks: deque[deque[Task]] = deque()
        for task in tasks:
            last = self._blocks[-1] if self._blocks else None
            if last is None or len(last) >= size or last[-1].group != task.group:
                self._blocks.append(deque())
            self._blocks[-1].append(task)
        self._lock = Lock()
        self.stopped = False

    def of_a_lane(self) -> Iterator[Task]:
        """Yield the tasks of one lane, block after block, until there are none, or until it is `stopped`."""
        while True:
            with self._lock:
                if not self._blocks:
                    return
                block = self._blocks.popleft()
            for task in block:
                if self.stopped:
                    return
                yield task


class Here:
    """This process.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> lane = Here(plan.bench)
    >>> round(lane(plan.tasks[0]).row["objective"], 2)
    6965.0
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __call__(self, task: Task) -> Outcome:
        """Solve a task."""
        return self.bench.solve(task)

    def close(self) -> None:
        """Do nothing: what runs here ends with whoever calls."""


class ProcessLane:
    """A process, started by spawning when it is first needed, and anew where it has ended.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> lane = ProcessLane(plan.bench)                                 # its process starts with the first task, `lane(task)`
    >>> lane.close()
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        try:
            self._sent = pickle.dumps(bench)
        except Exception as error:
            allowed = f"1, in this process: a case or a mechanism of the study cannot be sent to another ({error})"
            raise InputError.of("workers", "<processes>", allowed) from None
        self._process: Any = None
        self._pipe: Connection | None = None
        self._has_answered = False

    def start(self) -> None:
        """Start the process, which loads what it needs while others do."""
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, self._sent), name="study", daemon=True)
        with _one_thread(), without_interrupts():
            self._process.start()
        there.close()

    def __call__(self, task: Task) -> Outcome:
        """Solve a task; where the process ends over it, its row says so. Raises InputError for a script without a main guard."""
        if self._pipe is None:
            self.start()
        assert self._pipe is not None
        try:
            self._pipe.send(task)
            outcome: Outcome = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(ENDING)
            code = self._process.exitcode
            if code == UNGUARDED and not self._has_answered:
                allowed = '1, or a script whose own code stands under if __name__ == "__main__": a new process reads it again'
                raise InputError.of("workers", "<processes>", allowed) from None
            self.end()
            return _lost(self.bench, task, _ending(code))
        self._has_answered = True
        return outcome

    def end(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None

    def close(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._process.kill()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit status {code}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have processes that are started meanwhile compute with one thread each, unless the user says how many."""
    missing = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def _serve(pipe: Connection, bench: bytes) -> None:
    """Solve tasks until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    solve = pickle.loads(bench).solve
    with suppress(EOFError, OSError):
        while True:
            pipe.send(solve(pipe.recv()))


def end_if_unguarded() -> None:
    """End this process where it is a lane's that reads the script which started it: there is no main guard in that."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(UNGUARDED)


class DaskLane:
    """A worker of a Dask cluster; another one takes over where it is lost."""

    def __init__(self, client: Any, worker: str, bench: Bench, sent: Any) -> None:
        self.client, self.worker, self.bench, self.sent = client, worker, bench, sent

    def __call__(self, task: Task) -> Outcome:
        """Solve a task; where the cluster loses it time and again, its row says so."""
        there: Any = {"workers": [self.worker], "allow_other_workers": True, "pure": False}
        try:
            outcome: Outcome = self.client.submit(_on_worker, self.sent, task, **there).result()
        except Exception as error:
            if type(error).__name__ != "KilledWorker":
                words = f"the Dask cluster does not answer ({type(error).__name__}); what is finished is kept"
                raise NotSolvedError(words, Termination.FAILED) from None
            return _lost(self.bench, task, "that of a Dask worker, time and again")
        return outcome

    def close(self) -> None:
        """Do nothing: the client, when it is closed, forgets what it has asked for."""


def dask_lanes(client: Any, bench: Bench) -> list[Lane]:
    """Return a lane for each worker of a cluster; raises InputError where there are none, or the study cannot be sent to them.

    Examples
    --------
    >>> from veridical.studying import prepared
    >>> spec = {"case": "two-suppliers", "mechanisms": ["icds"], "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    >>> plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    >>> class Cluster:                                                 # stands for a `distributed.Client`
    ...     def scheduler_info(self, n_workers):
    ...         return {"workers": {"tcp://one": {}, "tcp://two": {}}}
    ...     def scatter(self, bench, **options):
    ...         return bench
    >>> len(dask_lanes(Cluster(), plan.bench))
    2
    """
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    if not workers:
        raise InputError.of("scheduler", str(client.scheduler.address), "a Dask cluster that has workers")
    try:
        sent = client.scatter(bench, broadcast=True, hash=False)
    except Exception as error:
        raise InputError.of("scheduler", str(client.scheduler.address), f"cases that can be sent to it ({error})") from None
    return [DaskLane(client, worker, bench, sent) for worker in workers]


def _lost(bench: Bench, task: Task, how: str) -> Outcome:
    """Return the row of a task over which a process ended."""
    return Outcome(task.head(bench.groups[task.group]) | failed(ChildProcessError(f"its process ended, {how}")))


def _on_worker(bench: Bench, task: Task) -> Outcome:
    """Solve a task where no other is being solved: workers that are threads of one process share the solvers' state."""
    with _TURN:
        return bench.solve(task)
