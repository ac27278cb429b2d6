"""Agents in processes of their own."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from veridical.data import InputError
from veridical.solvers.consensus.carriers.spec import handed_over, made
from veridical.solvers.consensus.carriers.workers import Call, Workers

__all__ = ["UNGUARDED", "Processes", "without_interrupts"]

ENDING = 2.0  # seconds that a process is given to end
UNGUARDED = 78  # exit status of a process that reads a script which starts agents when it is read


class Processes(Workers):
    """A process an agent, started by spawning: what its parent knows is not copied into it."""

    def __post_init__(self) -> None:
        self.processes: dict[str, Any] = {}
        self.pipes: dict[str, Connection] = {}
        super().__post_init__()

    def open(self, name: str) -> None:
        """Start the process; it compiles its model while others do."""
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            sys.exit(UNGUARDED)  # this is such a process, and reads the script that started it
        context = multiprocessing.get_context("spawn")
        self.pipes[name], there = context.Pipe()
        sent = handed_over(name, self.specs[name], pickle.dumps)
        process = context.Process(target=_serve, args=(there, sent), name=f"agent of {name}", daemon=True)
        with without_interrupts():
            process.start()
        there.close()
        self.processes[name] = process

    def call(self, name: str) -> Call:
        """Use the pipe."""
        return partial(_through_pipe, self.pipes[name])

    def lose(self, name: str, error: BaseException) -> None:
        """Say what a script has to do for processes, where that is why the agent ended before its first answer."""
        self.processes[name].join(ENDING)
        if name not in self.met and self.processes[name].exitcode == UNGUARDED:
            allowed = 'inline, or a script whose own code stands under if __name__ == "__main__": a new process reads it again'
            raise InputError.of("options.workers", "processes", allowed, "consensus")
        super().lose(name, error)

    def shut(self, name: str) -> None:
        """End the process, by force where it does not end; the pipe is closed when nobody waits for it any more."""
        if (process := self.processes.pop(name, None)) is not None:
            process.terminate()
            process.join(ENDING)
            process.kill()
            process.join()
        self.pipes.pop(name, None)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Have processes that are started meanwhile never see Ctrl-C, nor while they load what they need: the parent ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows they ignore it once they run
        yield
        return
    resource_tracker.ensure_running()  # which lets through, when it starts, what is blocked here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _through_pipe(pipe: Connection, sent: bytes, most: int) -> bytes:
    pipe.send_bytes(sent)
    try:
        return pipe.recv_bytes(most)
    except OSError:
        if pipe.readable:
            raise
        return b""  # it was longer, and nothing of it is read


def _serve(pipe: Connection, spec: bytes) -> None:
    """Answer until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator, who ends its agents
    answer = made(spec, pickle.loads)
    with suppress(EOFError, OSError):
        while True:
            question = pipe.recv_bytes()
            pipe.send_bytes(answer(question))
