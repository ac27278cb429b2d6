"""Where agents run: in this process, in a process each, or on a Dask cluster. Each is handed its own part and nothing else.

All three answer the same call: `ask` sends everybody's question at once, each by a thread that waits for the answer, and waits
for these until the deadline. Who has not answered by then is not asked anew: the answer counts when it comes, as an answer to
the question it was asked. What comes back is bytes (`codec`), also in this process.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import Part
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.codec import answer_of, decode, failure, longest
from veridical.solvers.consensus.messages import Answer, Question
from veridical.solvers.solution import Termination

__all__ = ["AgentSpec", "Dask", "InProcessWorkers", "Processes", "Workers"]

STARTING = 120.0  # seconds that an agent is given to start, whatever the timeout
BEAT = 1.0  # seconds after which it is looked whether a Dask worker is still there
ENDING = 2.0  # seconds that a process is given to end
UNGUARDED = 78  # exit status of a process that reads a script which starts agents when it is read
Replies = dict[str, tuple[Question, Answer]]
Call = Callable[[Question], bytes]  # of an agent: waits for the answer as bytes, and raises where there will be none


@dataclass(frozen=True)
class AgentSpec:
    """What an agent is made from: a party's part and how it answers, or an agent of the user's own.

    Of one whose record is at home `world` (a number and a week) and `lie` say by which of its records it is to answer.
    """

    part: Part | None = None
    interface: str = "proximal"
    strong_convexity: float | None = None
    smoothness: float | None = None
    agent: Any = None
    noise: float = 0.0
    world: tuple[int, int] = (0, 0)
    lie: int = 0

    @property
    def told(self) -> tuple[Question, ...]:
        """The questions by which an agent at home is told which of its records is meant."""
        world, lie = (tuple(np.array([float(number)]) for number in numbers) for numbers in (self.world, (self.lie,)))
        return Question("world", world), Question("misreport", lie)

    def make(self) -> Any:
        """Return the agent."""
        if self.agent is not None:
            return self.agent
        assert self.part is not None
        return PartyAgent(self.part, self.interface, self.strong_convexity, self.smoothness, self.noise)


class Line:
    """A thread that asks one agent at a time and waits for the answer; it ends with the line, once that agent is done."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[tuple[Call, Question, Future[bytes]] | None] = SimpleQueue()
        self.thread = Thread(target=_serve_line, args=(self.tasks,), daemon=True)
        self.thread.start()

    def ask(self, call: Call, question: Question) -> Pending:
        """Ask, without waiting."""
        pending = Pending(question, Future(), self)
        self.tasks.put((call, pending.question, pending.answer))
        return pending

    def __del__(self) -> None:
        self.tasks.put(None)


@dataclass(frozen=True)
class Pending:
    """A question that an agent is busy with, its answer when it comes, an exception where there will be none, and who waits."""

    question: Question
    answer: Future[bytes]
    line: Line


def _serve_line(tasks: SimpleQueue[tuple[Call, Question, Future[bytes]] | None]) -> None:
    with suppress(SystemExit):  # what ends a busy agent (`InProcessWorkers.shut`) may come when it has just answered
        while (task := tasks.get()) is not None:
            call, question, answer = task
            try:
                answer.set_result(call(question))
            except BaseException as error:
                answer.set_exception(error)
            del task, call, answer  # an idle thread holds no agent and no pipe


@dataclass
class Workers:
    """The agents by name. `timeout`: seconds that a question waits. `restarts`: how often an agent that died is started anew."""

    specs: dict[str, AgentSpec]
    timeout: float = 300.0
    restarts: int = 0
    dead: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)  # who has answered once: its process runs, its model is compiled
    given: dict[str, Question] = field(default_factory=dict)  # the flows that each takes as given
    told: dict[str, tuple[Question, ...]] = field(default_factory=dict)  # by which record at home each answers
    waiting: dict[str, Pending] = field(default_factory=dict)  # what each has yet to answer
    idle: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = dict.fromkeys(self.specs, self.restarts)
        for name in self.specs:
            self.open(name)

    def open(self, name: str) -> None:
        """Start an agent."""
        raise NotImplementedError

    def call(self, name: str) -> Call:
        """Return what asks an agent as it is now: one that is started anew is asked by another."""
        raise NotImplementedError

    def replace(self, name: str, spec: AgentSpec) -> None:
        """Start an agent anew with another part: its party reports something else."""
        self.forget(name)
        self.specs[name] = spec
        self.dead.discard(name)
        self.given.pop(name, None)
        self.told.pop(name, None)
        self.open(name)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Send to all who are not busy, and wait for all until the deadline; return who answered what."""
        names = [name for name in questions if name not in self.dead]
        started = self.met.issuperset(names)  # who has yet to start is given time for that
        deadline = monotonic() + (self.timeout if started else max(self.timeout, STARTING))
        for name in names:
            if name not in self.waiting:
                line = self.idle.pop() if self.idle else Line()
                self.waiting[name] = line.ask(self.call(name), questions[name])
        wait([self.waiting[name].answer for name in names], deadline - monotonic())
        replies: Replies = {}
        for name in [name for name in names if self.waiting[name].answer.done()]:
            pending = self.waiting.pop(name)
            self.idle.append(pending.line)
            if pending.answer.exception() is not None:
                self.lose(name)
                continue
            self.met.add(name)
            answer = decode(name, pending.question, pending.answer.result())
            if answer is not None:
                replies[name] = (pending.question, answer)
        return replies

    def lose(self, name: str) -> None:
        """Note that an agent died, and start it anew where that is allowed."""
        self.forget(name)
        if not self.left[name]:
            self.dead.add(name)
            return
        self.left[name] -= 1
        self.open(name)
        for question in (*self.told.get(name, ()), *([self.given[name]] if name in self.given else [])):
            self.ask({name: question})

    def forget(self, name: str) -> None:
        """End an agent, and forget what it was asked."""
        self.shut(name)
        self.met.discard(name)
        self.waiting.pop(name, None)

    def shut(self, name: str) -> None:
        """End an agent."""

    def close(self) -> None:
        """End all agents."""
        for name in self.specs:
            self.shut(name)


class InProcessWorkers(Workers):
    """Agents in this process, one after the other, in a thread, so that their time is limited as elsewhere.

    An agent of the user's own is code that runs here: it can do what this program can. What ends it is an exception in its
    thread, which code that is not Python's, or that catches everything, does not notice.
    """

    def open(self, name: str) -> None:
        """Make the agent at once, so that what it refuses is refused before the first round."""
        self.agents = {**getattr(self, "agents", {}), name: self.specs[name].make()}
        self.met.add(name)

    def call(self, name: str) -> Call:
        """Call the agent."""
        return partial(answer_of, self.agents[name])

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Ask in turn; each has its own deadline."""
        replies: Replies = {}
        for name, question in questions.items():
            replies |= super().ask({name: question})
        return replies

    def shut(self, name: str) -> None:
        """Raise SystemExit in the thread in which an agent still runs."""
        if name in self.waiting and (thread := self.waiting[name].line.thread).ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


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
        sent = _packed(name, self.specs[name], pickle.dumps)
        process = context.Process(target=_serve, args=(there, sent), name=f"agent of {name}", daemon=True)
        process.start()
        there.close()
        self.processes[name] = process

    def call(self, name: str) -> Call:
        """Use the pipe."""
        return partial(_through_pipe, self.pipes[name])

    def lose(self, name: str) -> None:
        """Say what a script has to do for processes, where that is why the agent ended before its first answer."""
        self.processes[name].join(ENDING)
        if name not in self.met and self.processes[name].exitcode == UNGUARDED:
            allowed = 'inline, or a script whose own code stands under if __name__ == "__main__": a new process reads it again'
            raise InputError.of("options.workers", "processes", allowed, "consensus")
        super().lose(name)

    def shut(self, name: str) -> None:
        """End the process, by force where it does not end; the pipe is closed when nobody waits for it any more."""
        if (process := self.processes.pop(name, None)) is not None:
            process.terminate()
            process.join(ENDING)
            process.kill()
            process.join()
        self.pipes.pop(name, None)


@dataclass
class Dask(Workers):
    """An actor an agent, on the workers of a Dask cluster in turn: a cluster with a worker a party keeps them apart.

    An actor's part travels through the scheduler when it starts, and who has a worker of a cluster has the cluster: Dask itself
    unpickles what its workers send. `client`: of `distributed`, the extra of that name.
    """

    client: Any = None
    actors: dict[str, tuple[str, Callable[[], Any]]] = field(default_factory=dict)  # worker's address; waits for the actor

    def open(self, name: str) -> None:
        """Start the actor, without waiting until its model is compiled."""
        from distributed.protocol.pickle import dumps  # an extra

        try:
            places = sorted(_places(self.client))
        except Exception as error:
            raise NotSolvedError(f"the Dask cluster does not answer ({type(error).__name__})", Termination.FAILED) from None
        if not places:
            raise NotSolvedError("the Dask cluster has no workers", Termination.FAILED)
        place = places[list(self.specs).index(name) % len(places)]
        sent = _packed(name, self.specs[name], dumps)
        future = self.client.submit(_Actor, sent, actor=True, workers=[place], pure=False)
        self.actors[name] = (place, cache(partial(_from_worker, self.client, place, future)))

    def call(self, name: str) -> Call:
        """Call the actor, which may have yet to start."""
        return partial(_through_actor, self.client, *self.actors[name])

    def shut(self, name: str) -> None:
        """Forget the actor: the cluster ends it."""
        self.actors.pop(name, None)


def _through_pipe(pipe: Connection, question: Question) -> bytes:
    pipe.send(question)
    try:
        return pipe.recv_bytes(longest(question))
    except OSError:
        if pipe.readable:
            raise
        return b""  # it was longer, and nothing of it is read


def _through_actor(client: Any, place: str, actor: Callable[[], Any], question: Question) -> bytes:
    sent: bytes = _from_worker(client, place, actor().answer(question))
    return sent


def _from_worker(client: Any, place: str, future: Any) -> Any:
    """Wait for a future as long as its worker belongs to the cluster; raise ConnectionError where it does not."""
    while True:
        with suppress(TimeoutError):
            return future.result(timeout=BEAT)
        if client.status != "running" or place not in _places(client):
            raise ConnectionError(place)


def _places(client: Any) -> Collection[str]:
    """Return the addresses of a cluster's workers."""
    places: Collection[str] = client.scheduler_info(n_workers=-1)["workers"]
    return places


class _Actor:
    """An agent on a Dask worker, made from its spec as bytes, so that an error in reading it stays here too."""

    def __init__(self, spec: bytes) -> None:
        from distributed.protocol.pickle import loads  # an extra

        self.call = _made(spec, loads)

    def answer(self, question: Question) -> bytes:
        return self.call(question)


def _packed(name: str, spec: AgentSpec, dumps: Callable[[Any], bytes]) -> bytes:
    """Return a spec as bytes that are read where the agent is to be, and errors with them; raise InputError where it has none."""
    try:
        return dumps(spec)
    except (Exception, SystemExit) as error:
        allowed = f"an agent that can be pickled ({type(error).__name__}), or workers = inline"
        raise InputError.of(f"agents.{name}", "<an agent>", allowed, "consensus") from None


def _serve(pipe: Connection, spec: bytes) -> None:
    """Answer until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator, who ends its agents
    call = _made(spec, pickle.loads)
    with suppress(EOFError, OSError):
        while True:
            question = pipe.recv()
            pipe.send_bytes(call(question))


def _made(spec: bytes, loads: Callable[[bytes], Any]) -> Call:
    """Return what asks an agent that is made here; one that cannot be made answers everything by the type of the error."""
    try:
        return partial(answer_of, loads(spec).make())
    except BaseException as error:
        sent = failure(error)
        return lambda question: sent
