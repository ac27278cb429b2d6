"""Where agents run: in this process, in a process each, or on a Dask cluster. Each is handed its own part and nothing else.

All three answer the same call: `ask` sends everybody's question at once and waits until the deadline. Who has not answered by
then is not asked anew: the answer counts when it comes, as an answer to the question it was asked.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import Part
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.messages import Answer, NoAnswer, Question
from veridical.solvers.solution import Termination

__all__ = ["AgentSpec", "Dask", "InProcessWorkers", "Processes", "Workers"]

STARTING = 120.0  # seconds that an agent is given to start, whatever the timeout
GONE = (EOFError, OSError, ValueError, RuntimeError)  # from a pipe or an actor whose agent has died
Replies = dict[str, tuple[Question, Answer]]


@dataclass(frozen=True)
class AgentSpec:
    """What an agent is made from: a party's part and how it answers, or an agent of the user's own."""

    part: Part | None = None
    interface: str = "proximal"
    strong_convexity: float | None = None
    smoothness: float | None = None
    agent: Any = None

    def make(self) -> Any:
        """Return the agent."""
        if self.agent is not None:
            return self.agent
        assert self.part is not None
        return PartyAgent(self.part, self.interface, self.strong_convexity, self.smoothness)


@dataclass
class Workers:
    """The agents by name. `timeout`: seconds that a question waits. `restarts`: how often an agent that died is started anew."""

    specs: dict[str, AgentSpec]
    timeout: float = 300.0
    restarts: int = 0
    dead: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)  # who has answered once: its process runs, its model is compiled
    given: dict[str, Question] = field(default_factory=dict)  # the flows that each takes as given
    waiting: dict[str, Question] = field(default_factory=dict)  # what each has yet to answer

    def __post_init__(self) -> None:
        self.left = dict.fromkeys(self.specs, self.restarts)
        for name in self.specs:
            self.open(name)

    def open(self, name: str) -> None:
        """Start an agent."""
        raise NotImplementedError

    def send(self, name: str, question: Question, deadline: float) -> None:
        """Put a question to an agent that is not busy."""
        raise NotImplementedError

    def receive(self, name: str, deadline: float) -> Any:
        """Return an agent's answer; raise TimeoutError where there is none at the deadline, and one of `GONE` where it died."""
        raise NotImplementedError

    def replace(self, name: str, spec: AgentSpec) -> None:
        """Start an agent anew with another part: its party reports something else."""
        self.forget(name)
        self.specs[name] = spec
        self.dead.discard(name)
        self.given.pop(name, None)
        self.open(name)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Send to all who are not busy, and wait for all until the deadline; return who answered what."""
        replies: Replies = {}
        names = [name for name in questions if name not in self.dead]
        started = self.met.issuperset(names)  # who has yet to start is given time for that
        deadline = monotonic() + (self.timeout if started else max(self.timeout, STARTING))
        lost: list[str] = []
        for name in names:
            if name not in self.waiting:
                try:
                    self.send(name, questions[name], deadline)
                    self.waiting[name] = questions[name]
                except GONE:
                    lost.append(name)
        for name in [name for name in names if name in self.waiting]:
            try:
                answer = self.receive(name, deadline)
            except TimeoutError:
                continue
            except GONE:
                lost.append(name)
            else:
                self.met.add(name)
                _answered(replies, name, self.waiting.pop(name), answer)
        for name in lost:
            self.lose(name)
        return replies

    def lose(self, name: str) -> None:
        """Note that an agent died, and start it anew where that is allowed."""
        self.forget(name)
        if not self.left[name]:
            self.dead.add(name)
            return
        self.left[name] -= 1
        self.open(name)
        if name in self.given:
            self.ask({name: self.given[name]})

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
    """Agents in this process, one after the other."""

    def open(self, name: str) -> None:
        """Make the agent at once, so that what it refuses is refused before the first round."""
        self.agents = {**getattr(self, "agents", {}), name: self.specs[name].make()}

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Ask in turn; an agent that raises NoAnswer has not answered."""
        replies: Replies = {}
        for name, question in questions.items():
            with suppress(NoAnswer):
                replies[name] = (question, _method(self.agents[name], question.method)(*question.arguments))
        return replies


class Processes(Workers):
    """A process an agent, started by spawning: what its parent knows is not copied into it."""

    def __post_init__(self) -> None:
        self.processes: dict[str, Any] = {}
        self.pipes: dict[str, Connection] = {}
        super().__post_init__()

    def open(self, name: str) -> None:
        """Start the process; it compiles its model while others do."""
        context = multiprocessing.get_context("spawn")
        self.pipes[name], there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self.specs[name]), name=f"agent of {name}", daemon=True)
        process.start()
        there.close()
        self.processes[name] = process

    def send(self, name: str, question: Question, deadline: float) -> None:
        """Send the question through the pipe."""
        self.pipes[name].send(question)

    def receive(self, name: str, deadline: float) -> Any:
        """Wait at the pipe."""
        if not self.pipes[name].poll(max(deadline - monotonic(), 0.0)):
            raise TimeoutError
        return self.pipes[name].recv()

    def shut(self, name: str) -> None:
        """End the process."""
        self.pipes[name].close()
        self.processes[name].terminate()
        self.processes[name].join()


@dataclass
class Dask(Workers):
    """An actor an agent, on the workers of a Dask cluster in turn: a cluster with a worker a party keeps them apart.

    An actor's part travels through the scheduler when it starts. `client`: of `distributed`, the extra of that name.
    """

    client: Any = None
    actors: dict[str, Any] = field(default_factory=dict)  # futures of actors
    futures: dict[str, Any] = field(default_factory=dict)  # of answers

    def open(self, name: str) -> None:
        """Start the actor, without waiting until its model is compiled."""
        places = sorted(self.client.scheduler_info(n_workers=-1)["workers"])
        if not places:
            raise NotSolvedError("the Dask cluster has no workers", Termination.FAILED)
        place = places[list(self.specs).index(name) % len(places)]
        self.actors[name] = self.client.submit(_Actor, self.specs[name], actor=True, workers=[place], pure=False)

    def send(self, name: str, question: Question, deadline: float) -> None:
        """Call the actor, which may have yet to start."""
        self.futures[name] = self.actors[name].result(timeout=_left(deadline)).answer(question)

    def receive(self, name: str, deadline: float) -> Any:
        """Wait for the future."""
        return self.futures[name].result(timeout=_left(deadline))

    def shut(self, name: str) -> None:
        """Forget the actor: the cluster ends it."""
        self.actors.pop(name, None)
        self.futures.pop(name, None)


def _left(deadline: float) -> float:
    """Return the seconds until a deadline, for Dask at least a moment."""
    return max(deadline - monotonic(), 0.001)


class _Actor:
    """An agent on a Dask worker."""

    def __init__(self, spec: AgentSpec) -> None:
        self.agent = spec.make()

    def answer(self, question: Question) -> Any:
        return _answer(self.agent, question)


def _serve(pipe: Connection, spec: AgentSpec) -> None:
    """Answer until the other end is closed."""
    try:
        agent: Any = spec.make()
    except Exception as error:
        agent = type(error).__name__
    with suppress(EOFError):
        while True:
            pipe.send(_answer(agent, pipe.recv()))


def _method(agent: Any, name: str) -> Any:
    """Return an agent's method; who cannot tell marginal costs does not answer, but flows must be taken as given."""
    if not hasattr(agent, name) and name == "marginal":
        raise NoAnswer
    if not hasattr(agent, name):
        raise InputError.of("agents", f"<a {type(agent).__name__} without {name}>", "an agent that answers all it is asked")
    return getattr(agent, name)


def _answer(agent: Any, question: Question) -> Any:
    """Return the answer, or the type of the error alone: its message may hold what is private."""
    if isinstance(agent, str):  # it was not made
        return agent
    try:
        return _method(agent, question.method)(*question.arguments)
    except NoAnswer:
        return None
    except Exception as error:
        return type(error).__name__


def _answered(replies: Replies, name: str, question: Question, answer: Any) -> None:
    """Take an answer in; raise where the agent could not make one."""
    if isinstance(answer, str):
        if answer == InputError.__name__:
            raise InputError.of(f"{name}, {question.method}", f"<{answer}>", "a party whose own agent takes its record")
        raise NotSolvedError(f"{name}: its agent ended in {answer} when asked for {question.method}", Termination.FAILED)
    if answer is not None:
        replies[name] = (question, answer)
