"""Where agents run: in this process, in a process each, or on a Dask cluster. Each is handed its own part and nothing else.

All three answer the same call: `ask` sends everybody's question at once and waits until the deadline. Who has not answered by
then is not asked anew: the answer counts when it comes, as an answer to the question it was asked.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import Part
from veridical.solvers.consensus.agent import PartyAgent
from veridical.solvers.consensus.messages import Answer, NoAnswer, Question
from veridical.solvers.solution import Termination

__all__ = ["AgentSpec", "Dask", "InProcessWorkers", "Processes", "Workers"]

STARTING = 120.0  # seconds that an agent is given to start, whatever the timeout
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
    given: dict[str, Question] = field(default_factory=dict)  # which flows each was told to take as given

    def __post_init__(self) -> None:
        self.left = dict.fromkeys(self.specs, self.restarts)
        for name in self.specs:
            self.open(name)

    def open(self, name: str) -> None:
        """Start an agent."""
        raise NotImplementedError

    def replace(self, name: str, spec: AgentSpec) -> None:
        """Start an agent anew with another part: its party reports something else."""
        self.shut(name)
        self.specs[name] = spec
        self.met.discard(name)
        self.dead.discard(name)
        self.given.pop(name, None)
        self.open(name)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Return who answered what, of those asked."""
        raise NotImplementedError

    def deadline(self, names: Iterable[str]) -> float:
        """Return until when to wait for answers; who has yet to start is given time for that."""
        return monotonic() + (self.timeout if self.met.issuperset(names) else max(self.timeout, STARTING))

    def lose(self, name: str) -> None:
        """Note that an agent died, and start it anew where that is allowed."""
        self.shut(name)
        self.met.discard(name)
        if not self.left[name]:
            self.dead.add(name)
            return
        self.left[name] -= 1
        self.open(name)
        if name in self.given:
            self.ask({name: self.given[name]})

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
            try:
                replies[name] = (question, _method(self.agents[name], question.method)(*question.arguments))
            except NoAnswer:
                continue
        return replies


class Processes(Workers):
    """A process an agent, started by spawning: what its parent knows is not copied into it."""

    def open(self, name: str) -> None:
        """Start the process; it compiles its model while others do."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, self.specs[name]), name=f"agent of {name}", daemon=True)
        process.start()
        there.close()
        if not hasattr(self, "processes"):
            self.processes: dict[str, Any] = {}
            self.pipes: dict[str, Connection] = {}
            self.waiting: dict[str, Question] = {}
        self.processes[name], self.pipes[name] = process, here
        self.waiting.pop(name, None)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Send to all who are not busy, and wait for all."""
        replies: Replies = {}
        names = [name for name in questions if name not in self.dead]
        lost: list[str] = []
        for name in names:
            if name not in self.waiting:
                try:
                    self.pipes[name].send(questions[name])
                except OSError:
                    lost.append(name)
                    continue
                self.waiting[name] = questions[name]
        deadline = self.deadline(names)
        open_ = {self.pipes[name]: name for name in names if name not in lost}
        while open_ and (ready := wait(list(open_), max(deadline - monotonic(), 0.0))):
            for pipe in ready:
                name = open_.pop(pipe)  # type: ignore[call-overload]
                try:
                    answer = self.pipes[name].recv()
                except (EOFError, OSError):
                    lost.append(name)
                    continue
                self.met.add(name)
                _answered(replies, name, self.waiting.pop(name), answer)
        for name in lost:
            self.lose(name)
        return replies

    def shut(self, name: str) -> None:
        """End the process."""
        self.pipes[name].close()
        process = self.processes[name]
        process.terminate()
        process.join()


class Dask(Workers):
    """An actor an agent, on the workers of a Dask cluster in turn: a cluster with a worker a party keeps them apart.

    An actor's part travels through the scheduler when it starts. `client`: of `distributed`, the extra of that name.
    """

    def __init__(self, specs: dict[str, AgentSpec], client: Any, timeout: float = 300.0, restarts: int = 0) -> None:
        self.client = client
        self.coming: dict[str, Any] = {}
        self.actors: dict[str, Any] = {}
        self.waiting: dict[str, tuple[Question, Any]] = {}
        super().__init__(specs, timeout, restarts)

    def open(self, name: str) -> None:
        """Start the actor, without waiting until its model is compiled."""
        places = sorted(self.client.scheduler_info(n_workers=-1)["workers"])
        if not places:
            raise NotSolvedError("the Dask cluster has no workers", Termination.FAILED)
        place = places[list(self.specs).index(name) % len(places)]
        self.coming[name] = self.client.submit(_Actor, self.specs[name], actor=True, workers=[place], pure=False)

    def ask(self, questions: Mapping[str, Question]) -> Replies:
        """Send to all who are not busy, and wait for all."""
        replies: Replies = {}
        names = [name for name in questions if name not in self.dead]
        deadline = self.deadline(names)
        for name in names:
            if name in self.coming:
                self.actors[name] = self.coming.pop(name).result(timeout=max(deadline - monotonic(), 0.001))
            if name not in self.waiting:
                self.waiting[name] = questions[name], self.actors[name].answer(questions[name])
        for name in [name for name in questions if name in self.waiting]:
            question, future = self.waiting[name]
            try:
                answer = future.result(timeout=max(deadline - monotonic(), 0.001))
            except TimeoutError:
                continue
            except (OSError, ValueError, RuntimeError):  # its worker is gone
                self.lose(name)
                continue
            del self.waiting[name]
            self.met.add(name)
            _answered(replies, name, question, answer)
        return replies

    def shut(self, name: str) -> None:
        """Forget the actor: the cluster ends it."""
        for known in (self.coming, self.actors, self.waiting):
            known.pop(name, None)


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
        agent = error
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        pipe.send(type(agent).__name__ if isinstance(agent, Exception) else _answer(agent, question))


def _method(agent: Any, name: str) -> Any:
    """Return an agent's method; who cannot tell marginal costs does not answer, but flows must be taken as given."""
    if not hasattr(agent, name) and name == "marginal":
        raise NoAnswer
    if not hasattr(agent, name):
        raise InputError.of("agents", f"<a {type(agent).__name__} without {name}>", "an agent that answers all it is asked")
    return getattr(agent, name)


def _answer(agent: Any, question: Question) -> Any:
    """Return the answer, or the type of the error alone: its message may hold what is private."""
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
