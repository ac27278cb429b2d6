"""The coordinator's side of the talk: who is asked what, what came back, and the log of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus.messages import Answer, Log, Message, Question
from veridical.solvers.consensus.options import Options
from veridical.solvers.consensus.workers import Replies, Workers
from veridical.solvers.solution import Termination

__all__ = ["Exchange", "Kind", "Round", "declared"]

Array = NDArray[np.float64]


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
class Kind:
    """What a party's agent is: its interface, what it declares of its cost, whether it answers for a price alone."""

    interface: str
    strong_convexity: float | None = None
    smoothness: float | None = None
    priced: bool = True


@dataclass
class Exchange:
    """One case's parties as they answer; `kinds` by name. `tell` is called after every round."""

    case: JointPlanCase
    workers: Workers
    kinds: dict[str, Kind]
    options: Options
    log: Log = field(default_factory=Log)
    tell: Callable[[Round], None] | None = None

    def ask(self, questions: dict[str, Question], number: int = 0) -> Replies:
        """Ask, and log what comes back."""
        found = self.workers.ask(questions)
        for name, (question, answer) in found.items():
            self.log.messages.append(Message(number, name, question.method, answer))
        return found

    def every(self, method: str, names: Iterable[str], *arguments: Array) -> dict[str, Answer]:
        """Ask all of `names` with their share of each argument until each has answered; raise NotSolvedError if one does not."""
        left = {name: Question(method, tuple(each[self.share(name)] for each in arguments)) for name in names}
        found: dict[str, Answer] = {}
        for _ in range(self.options.patience):
            for name, (question, answer) in self.ask(left).items():
                if question.method == method:
                    found[name] = answer
                    del left[name]
            if not left:
                return found
        raise NotSolvedError(f"{self.case.name}: no answer from {', '.join(left)} to {method}", Termination.FAILED)

    def share(self, name: str) -> NDArray[np.int64]:
        """Return the places of a party's flows."""
        return self.case.shared.share(name)


def declared(name: str, kind: Kind, typical: float, before: tuple[Question, Answer], now: tuple[Question, Answer]) -> None:
    """Hold an agent to what it declares of its cost, by two answers of its own; `typical`: units that count.

    Raises InputError for a dual agent whose plan moves further with the price than its strong convexity allows, and for a
    primal one whose marginal cost moves further with the plan than its smoothness does.
    """
    change = now[0].arguments[0] - before[0].arguments[0]
    if kind.interface == "dual":
        away = now[1].plan - before[1].plan  # type: ignore[operator]
        square, product = float(away @ away), max(-float(change @ away), 0.0)
        if square > 1e-6 * typical**2 and product < 0.99 * (kind.strong_convexity or 0.0) * square:
            shows = f"at most {product / square:.3g}, as its own answers show"
            allowed = f"{shows}; dual agents whose costs are linear do not agree: let it be proximal"
            raise InputError.of(f"strong_convexity, {name}", kind.strong_convexity, allowed, "consensus")
        return
    bend = now[1].slope - before[1].slope  # type: ignore[operator]
    square, product = float(bend @ bend), float(bend @ change)
    if float(change @ change) > 1e-6 * typical**2 and square > 1.01 * (kind.smoothness or 0.0) * product + 1e-9:
        shows = f"at least {square / max(product, 1e-300):.3g}, as its own answers show"
        allowed = f"{shows}; primal agents whose costs are kinked stall: let it be proximal"
        raise InputError.of(f"smoothness, {name}", kind.smoothness, allowed, "consensus")
