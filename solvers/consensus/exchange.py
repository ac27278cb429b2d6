"""The coordinator's side of the talk: who is asked what, what came back, and the log of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Integers
from veridical.data.joint_plan import JointPlanCase, Shared
from veridical.solvers.consensus.messages import Answer, Log, Message, Question
from veridical.solvers.consensus.options import Options
from veridical.solvers.consensus.workers import Replies, Workers
from veridical.solvers.solution import Termination

__all__ = ["AgentTraits", "Exchange", "PublicCase", "Round", "declared"]


@dataclass(frozen=True)
class Round:
    """A round as it is told: relative residuals; gap between best plan and bound, relative to the savings and to the cost.

    Both gaps are NaN in rounds without a check.
    """

    round: int
    primal: float
    dual: float
    gap: float = math.nan
    of_cost: float = math.nan

    def __str__(self) -> str:
        gap = "" if math.isnan(self.gap) else f", gap {self.gap:.2e} of the savings"
        return f"round {self.round}: residuals {self.primal:.1e} primal, {self.dual:.1e} dual{gap}"


@dataclass(frozen=True)
class AgentTraits:
    """What a party's agent is: its interface, what it declares of its cost, whether it answers for a price alone."""

    interface: str
    strong_convexity: float | None = None
    smoothness: float | None = None
    priced: bool = True


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
    """One case's parties as they answer; `traits` by name. `callback` is called after every round."""

    case: PublicCase
    workers: Workers
    traits: dict[str, AgentTraits]
    options: Options
    log: Log = field(default_factory=Log)
    callback: Callable[[Round], None] | None = None
    late: Replies = field(default_factory=dict)  # answers that came when something else was asked

    def ask(self, questions: dict[str, Question], number: int = 0) -> Replies:
        """Ask, log what comes back, and return the answers to questions of this kind, be they of an earlier round."""
        came = [name for name, new in questions.items() if name in self.late and self.late[name][0].method == new.method]
        replies = {name: self.late.pop(name) for name in came}
        for name, reply in self.workers.ask({name: new for name, new in questions.items() if name not in replies}).items():
            self.log.messages.append(Message(number, name, reply[0].method, reply[1]))
            (replies if reply[0].method == questions[name].method else self.late)[name] = reply
        return replies

    def wait(self, questions: dict[str, Question], number: int, times: int) -> Replies:
        """Ask, and wait a few times longer for those who are slow; answers to other questions than these are left out."""
        replies: Replies = {}
        for _ in range(times):
            replies |= self.ask({name: question for name, question in questions.items() if name not in replies}, number)
            replies = {name: reply for name, reply in replies.items() if _same(reply[0], questions[name])}
            if len(replies) == len(questions):
                break
        return replies

    def every(self, method: str, names: Iterable[str], *arguments: Array) -> dict[str, Answer]:
        """Ask all of `names` with their share of each argument until each has answered; raise NotSolvedError if one does not."""
        left = {name: Question(method, tuple(values[self.share(name)] for values in arguments)) for name in names}
        replies: dict[str, Answer] = {}
        for _ in range(self.options.patience):
            replies |= {name: answer for name, (_, answer) in self.ask(left).items()}
            left = {name: question for name, question in left.items() if name not in replies}
            if not left:
                return replies
        raise NotSolvedError(f"{self.case.name}: no answer from {', '.join(left)} to {method}", Termination.FAILED)

    def fix(self, names: Iterable[str], given: Array) -> None:
        """Have parties take flows as given: units, NaN where a flow is free. Who was told nothing, and is free, is not told."""
        fixed = self.workers.given
        new = [name for name in names if name in fixed or not np.isnan(given[self.share(name)]).all()]
        fixed |= {name: Question("fix", (given[self.share(name)],)) for name in new}
        self.every("fix", new, given)

    def share(self, name: str) -> Integers:
        """Return the places of a party's flows."""
        return self.case.shared.share(name)


def _same(question: Question, other: Question) -> bool:
    return all(np.array_equal(one, another) for one, another in zip(question.arguments, other.arguments, strict=True))


def declared(
    name: str, traits: AgentTraits, typical: float, before: tuple[Question, Answer], now: tuple[Question, Answer]
) -> None:
    """Hold an agent to what it declares of its cost, by two answers of its own; `typical`: units that count.

    Raises InputError for a dual agent whose plan moves further with the price than its strong convexity allows, and for a
    primal one whose marginal cost moves further with the plan than its smoothness does.
    """
    change = now[0].arguments[0] - before[0].arguments[0]
    if traits.interface == "dual":
        away = now[1].plan - before[1].plan  # type: ignore[operator]
        square, product = float(away @ away), max(-float(change @ away), 0.0)
        if square > 1e-6 * typical**2 and product < 0.99 * (traits.strong_convexity or 0.0) * square:
            shows = f"at most {product / square:.3g}, as its own answers show"
            allowed = f"{shows}; dual agents whose costs are linear do not agree: let it be proximal"
            raise InputError.of(f"strong_convexity, {name}", traits.strong_convexity, allowed, "consensus")
        return
    bend = now[1].slope - before[1].slope  # type: ignore[operator]
    square, product = float(bend @ bend), float(bend @ change)
    if float(change @ change) > 1e-6 * typical**2 and square > 1.01 * (traits.smoothness or 0.0) * product + 1e-9:
        shows = f"at least {square / max(product, 1e-300):.3g}, as its own answers show"
        allowed = f"{shows}; primal agents whose costs are kinked stall: let it be proximal"
        raise InputError.of(f"smoothness, {name}", traits.smoothness, allowed, "consensus")
