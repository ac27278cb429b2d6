"""The coordinator's side of the talk: who is asked what, what came back, whether it can be, and the log of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veridical.data import InputError
from veridical.data.arrays import Array, Integers
from veridical.data.joint_plan import JointPlanCase, Shared
from veridical.solvers.consensus.carriers.spec import AgentSpec
from veridical.solvers.consensus.carriers.workers import Replies, Workers
from veridical.solvers.consensus.claims import Claims
from veridical.solvers.consensus.journal import Journal
from veridical.solvers.consensus.messages import AgentTraits, Answer, Log, Message, Question, SilentError
from veridical.solvers.consensus.options import Options

__all__ = ["Exchange", "PublicCase", "Round", "SilentError"]

NO_RECORD = (-1, -1)  # a world and a week that nobody means: who is meant to answer by any is told so


@dataclass(frozen=True)
class Round:
    """A round as it is told: relative residuals; gap between best plan and bound, relative to the savings and to the cost.

    Both gaps are NaN in rounds without a check.

    Examples
    --------
    >>> Round(5, primal=0.01, dual=0.02).words
    'residuals 1.0e-02 primal, 2.0e-02 dual'
    """

    round: int
    primal: float
    dual: float
    gap: float = math.nan
    of_cost: float = math.nan

    def __str__(self) -> str:
        return f"round {self.round}: {self.words}"

    @property
    def words(self) -> str:
        """What came out, in words."""
        gap = "" if math.isnan(self.gap) else f", gap {self.gap:.2e} of the savings"
        return f"residuals {self.primal:.1e} primal, {self.dual:.1e} dual{gap}"


@dataclass(frozen=True)
class PublicCase:
    """All that the coordinator knows of a case: its flows, and who delivers and who receives them."""

    name: str
    shared: Shared
    names: tuple[str, ...]
    suppliers: tuple[str, ...]
    receivers: tuple[str, ...]

    @classmethod
    def of(cls, case: JointPlanCase) -> PublicCase:
        """Return what is public of a case."""
        return cls(case.name, case.shared, case.names, case.suppliers, case.receivers)


@dataclass
class Exchange:
    """One case's parties as they answer; `traits` by name. `callback` is called after every round.

    `journal`: where what came back is kept, so that a run that was cut short can be gone on with.
    """

    case: PublicCase
    workers: Workers
    traits: dict[str, AgentTraits]
    options: Options
    log: Log = field(default_factory=Log)
    callback: Callable[[Round], None] | None = None
    journal: Journal | None = None
    late: Replies = field(default_factory=dict)  # answers that came when something else was asked
    own: dict[str, list[Question]] = field(default_factory=dict)  # what each was asked here, and has yet to answer
    silent: Counter[str] = field(default_factory=Counter)  # how often in a row nothing at all came from each

    def __post_init__(self) -> None:
        self.claims = {name: Claims(name, self.traits.get(name, AgentTraits())) for name in self.case.names}

    def ask(self, questions: dict[str, Question], number: int = 0) -> Replies:
        """Ask, check and log what comes back, and return the answers to questions of this kind, be they of an earlier round."""
        came = [name for name, new in questions.items() if name in self.late and _like(self.late[name][0], new)]
        replies = {name: self.late.pop(name) for name in came}
        asked = {name: new for name, new in questions.items() if name not in replies}
        for name, new in asked.items():
            self.own.setdefault(name, []).append(new)
            self.silent[name] += 1
        for name, reply in (self.workers.ask(asked) if self.journal is None else self.journal.ask(self.workers, asked)).items():
            self.silent[name] = 0
            self.log.messages.append(Message(number, name, reply[0].method, reply[1], reply[0].arguments))
            if not any(reply[0] is question for question in self.own.pop(name)):
                continue  # it was another plan's question, with other flows given, and came after all patience for it
            if self.holds(name, self.claims[name].check, *reply):
                (replies if _like(reply[0], questions[name]) else self.late)[name] = reply
        for name, reply in tuple(replies.items()):  # what stays late may be of an earlier run, with other flows given
            given = self.workers.given[name].arguments[0] if name in self.workers.given else None
            if not self.holds(name, self.claims[name].add, *reply, given):
                del replies[name]
        return replies

    def settle(self, left_alone: Collection[str]) -> None:
        """Wait for answers that are under way, before another plan is asked for: they count when this one is gone on with."""
        while busy := {name: asked[-1] for name, asked in self.own.items() if name not in left_alone and not self.gave_up(name)}:
            self.late |= self.ask(busy)

    def holds(self, name: str, check: Callable[..., None], *claim: Any) -> bool:
        """Return whether what an agent says passes a check; where it does not, who runs the agents says what becomes of it."""
        try:
            check(*claim)
        except InputError as error:
            self.workers.fault(name, error)
            return False
        return True

    def wait(self, questions: dict[str, Question], number: int) -> Replies:
        """Ask, and wait for those who are slow as long as they are not given up; answers to other questions are left out."""
        replies: Replies = {}
        missing = questions
        while missing:
            replies |= {name: reply for name, reply in self.ask(missing, number).items() if _same(reply[0], questions[name])}
            missing = {name: new for name, new in missing.items() if name not in replies and not self.gave_up(name)}
        return replies

    def gave_up(self, name: str) -> bool:
        """Return whether nothing is to be expected of a party any more: it has ended, or was silent for too long."""
        return name in self.workers.dead or self.silent[name] > self.options.patience

    def every(self, method: str, names: Iterable[str], *arguments: Array) -> dict[str, Answer]:
        """Ask all of `names` with their share of each argument until each has answered; raise SilentError if one does not."""
        return self._answers({name: self._shared(method, name, arguments) for name in names})

    def offered(self, method: str, names: Iterable[str], *arguments: Array) -> dict[str, Answer]:
        """Ask as `every` does, once; who does not answer keeps it to himself."""
        replies = self.ask({name: self._shared(method, name, arguments) for name in names})
        return {name: answer for name, (_, answer) in replies.items()}

    def stand(self, specs: Mapping[str, AgentSpec]) -> None:
        """Have parties at home answer by the records that are meant from now on; raise SilentError if one does not say so.

        Who answers by its own as before all weeks, and was told nothing else, is not told.
        """
        workers = self.workers
        before = {name: workers.told.get(name, AgentSpec().told) for name in specs}
        for k in range(len(AgentSpec().told)):
            try:
                self._answers({name: spec.told[k] for name, spec in specs.items() if not _same(before[name][k], spec.told[k])})
            except SilentError as error:
                for name, spec in specs.items():  # all others go by what they were told until now, be it by half
                    half = spec.told if name not in error.names else before[name]
                    workers.told[name] = (*spec.told[:k], half[k], *before[name][k + 1 :])
                    workers.turned.add(name)
                    workers.specs[name] = spec.standing(NO_RECORD)
                raise
        for name, spec in specs.items():
            if not all(map(_same, before[name], spec.told)):
                workers.turned.add(name)
            workers.told[name] = spec.told
            workers.specs[name] = spec
            self.late.pop(name, None)  # of another record

    def _shared(self, method: str, name: str, arguments: tuple[Array, ...]) -> Question:
        return Question(method, tuple(values[self.share(name)] for values in arguments))

    def _answers(self, questions: dict[str, Question]) -> dict[str, Answer]:
        """Return what each answers; raise SilentError where one does not."""
        replies = self.wait(questions, 0)
        if len(replies) < len(questions):
            silent = tuple(name for name in questions if name not in replies)
            left = ", ".join(f"{name}, {self.workers.fate(name)}" if name in self.workers.dead else name for name in silent)
            raise SilentError(f"{self.case.name}: no answer to {questions[silent[0]].method} from {left}", silent)
        return {name: answer for name, (_, answer) in replies.items()}

    def fix(self, names: Iterable[str], given: Array) -> None:
        """Have parties take flows as given: units, NaN where a flow is free. Who goes by these already is not told."""
        workers = self.workers
        told = {name: Question("fix", (given[self.share(name)],)) for name in names}
        free = {name: Question("fix", (np.full(len(self.share(name)), np.nan),)) for name in told}
        new = {name: question for name, question in told.items() if not _same(workers.given.get(name, free[name]), question)}
        new |= {name: told[name] for name in told if name in workers.turned & workers.given.keys()}
        workers.turned -= told.keys()
        workers.given |= new
        self.every("fix", list(new), given)

    def share(self, name: str) -> Integers:
        """Return the places of a party's flows."""
        return self.case.shared.share(name)


def _like(question: Question, other: Question) -> bool:
    """Return whether two questions ask for the same kind of answer: a step with its support is a step too."""
    return question.method == other.method or {question.method, other.method} == {"respond", "step"}


def _same(question: Question, other: Question) -> bool:
    return all(
        np.array_equal(one, another, equal_nan=True) for one, another in zip(question.arguments, other.arguments, strict=True)
    )
