"""ADMM over contributions to links, and the proof of how good a plan is.

Parties contribute y_i = A_i x_i to links sum_i y_i = b. In every round each party steps around a plan z that meets the links, at
a price per link that is the same for all; then the plan moves to the nearest that meets them, and the price by what was missing
(two blocks, the parties and the links, over-relaxed: Eckstein and Bertsekas, Mathematical Programming 55, 1992). It converges for
any closed convex costs, whatever rho is.

What it stops on: at one price p for all the least of cost_i(x_i) + p'y_i, party by party, less p'b, is at most what any plan
costs that meets the links. Upper bound: what z itself costs; a party that cannot contribute as z says stays at its own last
answer, and the others make up for it. In rounds contributions leave a party and nothing else; at checks two costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic

import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array, Integers
from veridical.data.progress import step
from veridical.solvers.certificate import ACCEPTED, CANCELLED, ratio, relative
from veridical.solvers.consensus.carriers.workers import Workers
from veridical.solvers.consensus.exchange import Round
from veridical.solvers.consensus.messages import Answer, Log, Message, Question
from veridical.solvers.consensus.options import Options
from veridical.solvers.consensus.penalties import balanced, relative_norm
from veridical.solvers.solution import Termination

__all__ = ["Agreement", "Sharing"]

DECADES, DECADE = range(-8, 9, 2), 10.0  # of rho that are tried before the first round
BEYOND = 1.5  # where a party has no least cost at a price: how far past the nearest at which it has one the price moves
CLOSE = 1e-8  # of a link's terms: nothing is missing that counts
SAME = 1e-12  # of a link's terms: it holds


@dataclass(frozen=True)
class Agreement:
    """What parties agree on: contributions by party, what these cost together, the bound, and a price for each link.

    gap: relative. converged: whether it is as small as was asked for.
    """

    plan: dict[str, Array]
    cost: float
    bound: float
    gap: float
    price: Array
    rho: Array
    rounds: int
    converged: bool
    why: str = ""
    termination: Termination = Termination.CONVERGED


@dataclass
class Sharing:
    """One run. `shares`: the links that each party contributes to; `right`: b.

    Arrays of `places` have one entry for each party in each link; of links, one a link.
    """

    name: str
    shares: Mapping[str, Integers]
    right: Array
    workers: Workers
    options: Options
    log: Log
    callback: Callable[[Round], None] | None = None
    rounds: list[Round] = field(default_factory=list)

    def __post_init__(self) -> None:
        sizes = [len(links) for links in self.shares.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        self.places = {n: slice(a, b) for n, a, b in zip(self.shares, starts[:-1], starts[1:], strict=True)}
        self.link = np.concatenate([*self.shares.values(), np.zeros(0, dtype=np.int64)])
        self.count = np.bincount(self.link, minlength=len(self.right))
        self.price = np.zeros(len(self.right))
        self.z = (self.right / np.maximum(self.count, 1))[self.link]
        self.y = self.z.copy()
        self.rho = np.full(len(self.right), self.options.rho or 1.0)
        self.ratios: list[Array] = []  # of primal to dual residual of each link, as logarithms
        self.bound, self.proven_at = -math.inf, self.price
        self.best: tuple[float, float, Array] | None = None  # cheapest plan that meets the links: cost, without signs, the plan
        self.unproven: list[str] = []

    def go(self, deadline: float) -> Agreement:
        """Return what comes out when the gap is small enough, or where rounds or time are over."""
        if self.options.rho is None:
            self._scale()
        with step("consensus round") as said:
            while len(self.rounds) < self.options.rounds and monotonic() < deadline:
                number = len(self.rounds) + 1
                primal, dual = self._round(number)
                self.rounds.append(Round(number, primal, dual))
                agreement = self._check(number) if number % self.options.check == 0 else None
                if agreement is not None:
                    self.rounds[-1] = replace(self.rounds[-1], of_cost=agreement.gap)
                said.advance(self.rounds[-1].words)
                if self.callback is not None:
                    self.callback(self.rounds[-1])
                if agreement is not None and agreement.converged:
                    return agreement
        over = Termination.ITERATION_LIMIT if len(self.rounds) >= self.options.rounds else Termination.TIME_LIMIT
        return self._check(len(self.rounds), over)

    def _round(self, number: int) -> tuple[float, float]:
        """Ask everybody for a step, move plan and price; return the relative residuals."""
        before = self.z
        self.y = self._steps(number, self.z, self.price, self.rho)
        mixed = self.options.relaxation * self.y + (1 - self.options.relaxation) * before
        missing = (self._total(mixed) - self.right) / np.maximum(self.count, 1)
        self.z = mixed - missing[self.link]
        self.price = self.price + self.rho * missing
        away, moved = self.y - self.z, self.rho[self.link] * (self.z - before)
        of_links = (
            relative(self._largest(np.abs(away)), np.maximum(self._largest(np.abs(self.y)), self._largest(np.abs(self.z))), 1.0),
            relative(self._largest(np.abs(moved)), np.abs(self.price), 1.0),
        )
        primal, dual = (np.maximum(residual, 1e-12) for residual in of_links)
        self.ratios.append(np.log(primal / dual))
        self.rho = balanced(self.rho, self.ratios, number, self.options.balance)
        return relative_norm(away, self.y, self.z), relative_norm(moved, self.price[self.link])

    def _steps(self, number: int, plan: Array, price: Array, rho: Array, names: Collection[str] | None = None) -> Array:
        """Return the contributions that parties answer to a plan and a price; what those not asked said last."""
        names = [n for n in self.shares if len(self.shares[n])] if names is None else names
        questions = {n: Question("step", (plan[self.places[n]], price[self.shares[n]], rho[self.shares[n]])) for n in names}
        y = self.y.copy()
        for name, answer in self._ask(number, questions).items():
            assert answer.plan is not None
            y[self.places[name]] = answer.plan
        answers: Array = y
        return answers

    def _scale(self) -> None:
        """Find the rho of each link: where parties are half way from what they would do alone to the plan.

        It is of the size of price over quantity, so that money and units may be counted in anything.
        """
        free, one = np.zeros(len(self.right)), np.ones(len(self.right))
        ladder = [self._steps(0, self.z, free, DECADE**decade * one) for decade in DECADES]
        alone, near = ladder[0], ladder[-1]
        held = [self._largest(np.abs(y - near)) < self._largest(np.abs(y - alone)) for y in ladder]
        known = self._largest(np.abs(alone - near)) > SAME * self._largest(np.abs(near))
        place = np.array(DECADES)[np.argmax(held, axis=0)] - 1.0
        self.rho = DECADE ** np.where(known, place, np.median(place[known]) if known.any() else 0.0)

    def _largest(self, plan: Array) -> Array:
        """Return the largest number of any party in each link."""
        largest = np.zeros(len(self.right))
        np.maximum.at(largest, self.link, plan)
        return largest

    def _check(self, number: int, over: Termination = Termination.CONVERGED) -> Agreement:
        """Raise the bound, price the plan at hand, and return how good the best is."""
        self._prove(number)
        plan = self._met(number)
        if plan is not None and (self.best is None or plan[0] < self.best[0]):
            self.best = plan
        cost, size, chosen = self.best or (math.inf, 0.0, self.z)
        gap = self._gap(cost, size)
        met = CLOSE if over is Termination.CONVERGED else ACCEPTED  # answers themselves, which meet links as solvers meet rows
        if gap > self.options.gap and self._residual(self.y) <= met:
            questions = {name: Question("cost", (self.y[place],)) for name, place in self.places.items()}
            costs = [answer.value for answer in self._ask(number, questions).values()]
            if self._gap(sum(costs), sum(map(abs, costs))) < gap:
                cost, chosen, gap = sum(costs), self.y, self._gap(sum(costs), sum(map(abs, costs)))
        why = ""
        if gap > self.options.gap:
            nobody = "no plan was met that all can carry out, and of" if cost == math.inf else f"a plan of cost {cost:,.6g}, and"
            why = f"{nobody} links up to {self._residual(self.y):.2g} apart (relative); at least {self.bound:,.6g}"
            why += f"; nothing is proven by {', '.join(self.unproven)}" if self.unproven else ""
        plans = {name: chosen[place] for name, place in self.places.items()}
        proven = cost, self.bound, gap, self.proven_at, self.rho, len(self.rounds), gap <= self.options.gap
        return Agreement(plans, *proven, why, over)

    def _gap(self, cost: float, size: float) -> float:
        """Return the gap of a cost, relative; `size`: of the parties' costs without their signs."""
        if not (math.isfinite(cost) and math.isfinite(self.bound)):
            return math.inf
        return ratio(abs(cost - self.bound), max(abs(cost), CANCELLED * size))

    def _prove(self, number: int) -> None:
        """Raise the bound by the least that everybody says at one price.

        A party whose cost has no least value at the price answers a step around its last answer: its slope there is a price at
        which there is one, and the price moves just past it. The others' answers show whether it suits them too.
        """
        price = self.price
        for _ in range(2 + len(self.shares)):
            questions = {name: Question("best", (price[links],)) for name, links in self.shares.items()}
            values = {name: answer.value for name, answer in self._ask(number, questions).items()}
            self.unproven = [name for name, value in values.items() if value == -math.inf]
            if not self.unproven:
                value = sum(values.values()) - float(price @ self.right)
                if value > self.bound:
                    self.bound, self.proven_at = value, price
                return
            price = price.copy()
            for name in (name for name in self.unproven if len(self.shares[name])):
                links, place = self.shares[name], self.places[name]
                moved = self._steps(number, self.y, price, self.rho, [name])[place] - self.y[place]
                price[links] += BEYOND * self.rho[links] * moved

    def _met(self, number: int) -> tuple[float, float, Array] | None:
        """Return a plan that meets the links, near the one at hand, and what it costs; None where there is none to be had."""
        plan, held = self.z, np.zeros(len(self.link), dtype=bool)
        costs: dict[str, float] = {}
        for _ in range(1 + len(self.shares)):
            questions = {n: Question("cost", (plan[self.places[n]],)) for n in self.shares if n not in costs}
            costs |= {name: answer.value for name, answer in self._ask(number, questions).items()}
            unable = [name for name, cost in costs.items() if cost == math.inf]
            if not unable:
                return sum(costs.values()), sum(map(abs, costs.values())), plan
            if all(held[self.places[name]].all() for name in unable):
                return None
            for name in unable:
                held[self.places[name]] = True
            plan = np.where(held, self.y, plan)
            others = np.bincount(self.link, ~held, minlength=len(self.right))
            missing = self.right - self._total(plan)
            if (self._apart(plan)[others == 0] > SAME).any():
                return None
            new = plan + np.where(held, 0.0, (missing / np.maximum(others, 1.0))[self.link])
            costs = {name: cost for name, cost in costs.items() if (new == plan)[self.places[name]].all() and cost < math.inf}
            plan = new
        return None

    def _total(self, plan: Array) -> Array:
        """Return the sum of contributions to each link."""
        total: Array = np.bincount(self.link, plan, minlength=len(self.right)).astype(np.float64)
        return total

    def _apart(self, plan: Array) -> Array:
        """Return how far each link is from holding, relative to its terms."""
        size = np.maximum(self._total(np.abs(plan)), np.abs(self.right))
        return relative(np.abs(self._total(plan) - self.right), size)

    def _residual(self, plan: Array) -> float:
        return float(self._apart(plan).max(initial=0.0))

    def _ask(self, number: int, questions: Mapping[str, Question]) -> dict[str, Answer]:
        """Ask until all have answered, log what left them, and return it; raise NotSolvedError for who does not answer."""
        answers: dict[str, Answer] = {}
        for _ in range(self.options.patience):
            waiting = {name: question for name, question in questions.items() if name not in answers}
            if not waiting:
                break
            for name, (question, answer) in self.workers.ask(waiting).items():
                if question is not waiting[name]:
                    continue  # an answer to what was asked before
                self.log.messages.append(Message(number, name, question.method, answer, question.arguments))
                answers[name] = self._sound(name, question, answer)
        silent = [name for name in questions if name not in answers]
        if silent:
            method = next(iter(questions.values())).method
            raise NotSolvedError(f"{self.name}: no answer to {method} from {', '.join(silent)}", Termination.FAILED)
        return answers

    def _sound(self, name: str, question: Question, answer: Answer) -> Answer:
        """Return an answer; raise InputError for numbers that are none."""
        if math.isnan(answer.value) or (answer.plan is not None and not np.isfinite(answer.plan).all()):
            raise InputError.of(f"{name}, {question.method}", "<a number that is none>", "finite contributions and costs")
        return answer
