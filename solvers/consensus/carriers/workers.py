"""The call that all carriers answer: who is asked what, who has yet to answer, and who is lost.

`ask` sends everybody's question at once, each by a thread that waits for the answer, and waits for these until the deadline. Who
has not answered by then is not asked anew: the answer counts when it comes, as an answer to the question it was asked. What is
sent and what comes back is bytes (`codec`), also in this process; a party's questions have numbers, counted from 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from time import monotonic

from veridical.data import InputError, NotSolvedError
from veridical.solvers.consensus.carriers.spec import AgentSpec
from veridical.solvers.consensus.codec import decode, longest, written
from veridical.solvers.consensus.messages import Answer, Question

__all__ = ["Call", "Line", "Replies", "Workers"]

STARTING = 120.0  # seconds that an agent is given to start, whatever the timeout
Replies = dict[str, tuple[Question, Answer]]
# Of an agent: takes a question as bytes and how long the answer may be, waits for that, and raises where there will be none.
Call = Callable[[bytes, int], bytes]
Task = tuple[Call, bytes, int, Future[bytes]]


class Line:
    """A thread that asks one agent at a time and waits for the answer; it ends with the line, once that agent is done."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.thread = Thread(target=_serve_line, args=(self.tasks,), daemon=True)
        self.thread.start()

    def ask(self, call: Call, question: Question, number: int = 1) -> Pending:
        """Ask, without waiting."""
        pending = Pending(question, number, Future(), self)
        sent = written("question", number=number, method=question.method, arguments=question.arguments)
        self.tasks.put((call, sent, longest(question), pending.answer))
        return pending

    def __del__(self) -> None:
        self.tasks.put(None)


@dataclass(frozen=True)
class Pending:
    """A question that an agent is busy with, its answer when it comes, an exception where there will be none, and who waits."""

    question: Question
    number: int
    answer: Future[bytes]
    line: Line


def _serve_line(tasks: SimpleQueue[Task | None]) -> None:
    with suppress(SystemExit):  # what ends a busy agent (`InProcessWorkers.shut`) may come when it has just answered
        while (task := tasks.get()) is not None:
            call, sent, most, answer = task
            try:
                answer.set_result(call(sent, most))
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
    reasons: dict[str, str] = field(default_factory=dict)  # why, of those who are dead, where that is known
    met: set[str] = field(default_factory=set)  # who has answered once: its process runs, its model is compiled
    given: dict[str, Question] = field(default_factory=dict)  # the flows that each takes as given
    told: dict[str, tuple[Question, ...]] = field(default_factory=dict)  # by which record at home each answers
    turned: set[str] = field(default_factory=set)  # who answers by another record since he was told what is given
    waiting: dict[str, Pending] = field(default_factory=dict)  # what each has yet to answer
    idle: list[Line] = field(default_factory=list)
    numbers: dict[str, Iterator[int]] = field(default_factory=dict)  # of each one's next questions

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
        self.reasons.pop(name, None)
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
                self.waiting[name] = line.ask(self.call(name), questions[name], self.number(name))
        wait([self.waiting[name].answer for name in names], deadline - monotonic())
        replies: Replies = {}
        for name in [name for name in names if self.waiting[name].answer.done()]:
            pending = self.waiting.pop(name)
            self.idle.append(pending.line)
            ended = pending.answer.exception()
            if ended is not None:
                self.lose(name, ended)
                continue
            self.met.add(name)
            try:
                answer = decode(name, pending.number, pending.question, pending.answer.result())
            except (InputError, NotSolvedError) as error:
                self.fault(name, error)
                continue
            if answer is not None:
                replies[name] = (pending.question, answer)
        return replies

    def number(self, name: str) -> int:
        """Return the number of a party's next question: of its own, so that it tells nothing of what others are asked."""
        return next(self.numbers.setdefault(name, itertools.count(1)))

    def is_stranger(self, name: str) -> bool:
        """Return whether an agent is another firm's, whose faults are its own and end no run."""
        return False

    def fault(self, name: str, error: InputError | NotSolvedError) -> None:
        """See to an answer that cannot be used: it is an error of the run, where the agents are code of whoever runs it."""
        raise error

    def fate(self, name: str) -> str:
        """Return in words what became of an agent that is dead."""
        return self.reasons.get(name, "whose agent has ended")

    def lose(self, name: str, error: BaseException) -> None:
        """Note that an agent died, and start it anew where that is allowed."""
        self.forget(name)
        if not self.left[name]:
            self.dead.add(name)
            return
        self.left[name] -= 1
        self.open(name)
        for question in self.to_be_told_again(name):
            self.ask({name: question})

    def to_be_told_again(self, name: str) -> list[Question]:
        """Return the questions by which an agent that is new, or comes back, learns what it is to go by."""
        return [*self.told.get(name, ()), *([self.given[name]] if name in self.given else [])]

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
