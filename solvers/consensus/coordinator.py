"""The coordinator: knows flows, who shares what and the baseline, and of the parties what they answer. Two-block ADMM.

Every flow has two copies, the receiver's and the supplier's, and a price at each end. In order, receivers step around the
suppliers' plan, then suppliers around the receivers' (over-relaxed), and the price moves by rho times what is left between
them. With an activity fee a third copy stands between the two, the coordinator's own, on which the fee is paid: then everybody
steps around it at the same time. Dual agents answer to the price alone, before the others (alternating minimisation, which
needs rho <= their strong convexity); for primal agents the step is made here, from their marginal cost.

What it stops on: every answer carries a support f(x) >= a + g'x. One side is asked for its best plan at the price -g of the
other's, so that slopes cancel, and the sum is a lower bound of everybody's cost at any plan. One and the same plan, the
receivers', is priced by everybody. The cheapest plan seen is kept, the baseline among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus.messages import Answer, Log, Message, Question
from veridical.solvers.consensus.options import Options
from veridical.solvers.consensus.workers import Replies, Workers
from veridical.solvers.solution import Termination

__all__ = ["Coordinator", "Outcome", "Round"]

Array = NDArray[np.float64]
TYPICAL = 0.3  # rho times the typical flow, currency per unit
ABOVE = 1e-2  # of the typical flow: where marginal costs are asked for, since multipliers at 0 are none
NOTHING = 1e-6  # savings below this part of the cost count as this
STALE = 5  # rounds without an answer after which a bias is to be feared
BAND, MOST, LAST = 4.0, 3.0, 200  # residuals further apart balance rho, at most by this factor, up to this round


@dataclass(frozen=True)
class Round:
    """A round as it is told: relative residuals; gap between best plan and bound, relative to the savings (NaN: not checked)."""

    round: int
    primal: float
    dual: float
    gap: float


@dataclass(frozen=True)
class Outcome:
    """The best plan, what it costs each party, the fee it pays, the bound, prices, and how it came about."""

    plan: Array
    costs: dict[str, float]
    fee: float
    bound: float
    prices: Array
    gap: float
    converged: bool
    lost: tuple[str, ...]
    warnings: tuple[str, ...]
    rounds: tuple[Round, ...]
    rho: float
    savings: float


class _Lost(Exception):  # noqa: N818
    """A party that is not coming back."""


@dataclass
class Coordinator:
    """One case's coordinator. `kinds`: each party's interface, strong convexity, smoothness, and whether it answers to prices."""

    case: JointPlanCase
    workers: Workers
    kinds: dict[str, tuple[str, float | None, float | None, bool]]
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

    def run(self, baseline: Array, held: tuple[str, ...], fee: float, floor: float, deadline: float) -> Outcome:
        """Plan without the held parties; `floor`: savings, currency, that the gap is at least measured by.

        A supplier who is lost is held too, and the rest planned again. A receiver who is lost ends the run with the best plan.
        """
        before = {name: answer.value for name, answer in self.every("cost", self.case.names, baseline).items()}
        warnings: list[str] = []
        rounds: list[Round] = []
        lost: tuple[str, ...] = ()
        while True:
            admm = _Admm(self, baseline, held + lost, fee, floor, before, rounds, warnings)
            try:
                converged = admm.go(deadline)
            except _Lost as gone:
                name = str(gone)
                lost = (*lost, name)
                if name in self.case.suppliers and self.options.when_lost == "hold":
                    warnings.append(f"{name} is lost and reverts to the baseline; the rest was planned again")
                    continue
                warnings.append(f"{name} is lost; this is the best plan until then")
                converged = False
            break
        back = sum(before[name] for name in lost if name in admm.held)  # they pay what they pay at the baseline
        return Outcome(
            plan=admm.plan,
            costs={**before, **admm.costs},
            fee=admm.fee_of(admm.plan),
            bound=admm.bound + back,
            prices=admm.prices(),
            gap=admm.gap,
            converged=converged,
            lost=lost,
            warnings=tuple(warnings),
            rounds=tuple(rounds),
            rho=float(np.median(admm.rho)),
            savings=admm.first - admm.upper,
        )


class _Admm:
    """One run. Arrays have one entry a flow: `copies` and `price` of both sides, `slope` of each side's last supports."""

    def __init__(
        self,
        owner: Coordinator,
        baseline: Array,
        held: tuple[str, ...],
        fee: float,
        floor: float,
        before: dict[str, float],
        rounds: list[Round],
        warnings: list[str],
    ) -> None:
        self.owner, self.options, self.case = owner, owner.options, owner.case
        self.baseline, self.held, self.floor = baseline, held, floor
        self.rounds, self.warnings = rounds, warnings
        self.weight = fee * self.case.shared.volume
        self.together = bool(fee)
        self.names = tuple(name for name in self.case.names if name not in held)
        self.side = {name: "receiver" if name in self.case.receivers else "supplier" for name in self.case.names}
        n = len(baseline)
        self.free = np.ones(n, dtype=bool)
        for name in held:
            self.free[self.share(name)] = False
        self.asked = {side: np.zeros(n, dtype=bool) for side in ("receiver", "supplier")}
        for name in self.names:
            self.asked[self.side[name]][self.share(name)] = True
        usual = baseline[baseline > 1e-6 * max(float(baseline.max(initial=0.0)), 1e-9)]
        self.typical = float(usual.mean()) if len(usual) else 1.0
        self.rho = np.full(n, self.options.rho or TYPICAL / self.typical)
        self.relax = np.full(n, self.options.relaxation)
        self.cap = np.full(n, np.inf)
        for name in self.names:
            kind, convexity, _, _ = self.kind(name)
            if kind == "dual":
                both = self.cap[self.share(name)] < np.inf
                self.cap[self.share(name)] = np.minimum(self.cap[self.share(name)], convexity or 0.0) / np.where(both, 2, 1)
                self.relax[self.share(name)] = 1.0
        self.rho = np.minimum(self.rho, self.cap)
        self.copies = {side: baseline.copy() for side in ("receiver", "supplier")}
        self.common = baseline.copy()
        self.price = {side: np.zeros(n) for side in ("receiver", "supplier")}
        self.slope = {side: np.zeros(n) for side in ("receiver", "supplier")}
        self.support: dict[str, float] = {}
        self.last: dict[str, tuple[Question, Answer]] = {}  # of primal and dual agents, to check what they declare
        self.stale = dict.fromkeys(self.names, 0)
        self.ratios: list[float] = []  # of primal to dual residual since rho was balanced, as logarithms
        self.plan, self.costs = baseline, {name: before[name] for name in self.names}
        self.first = self.upper = sum(self.costs.values())
        self.bound, self.gap = -np.inf, np.inf
        self.top = next((side for side in ("receiver", "supplier") if self._answers_prices(side)), None)
        if self.top is None and self.options.largest is None:
            allowed = "units above which no flow is worth while: agents on either side do not answer for a price alone"
            raise InputError.of("options.largest", None, allowed, "consensus")

    def share(self, name: str) -> NDArray[np.int64]:
        return self.owner.share(name)

    def kind(self, name: str) -> tuple[str, float | None, float | None, bool]:
        return self.owner.kinds[name]

    def _answers_prices(self, side: str) -> bool:
        return all(self.kind(name)[3] for name in self.names if self.side[name] == side)

    def fee_of(self, plan: Array) -> float:
        """Return what the activity of a plan costs."""
        return float(self.weight @ np.abs(plan - self.baseline))

    def prices(self) -> Array:
        """Return the price of each flow: the supplier's marginal cost, or the receiver's marginal saving where he is held."""
        return np.where(self.asked["supplier"], -self.price["supplier"], self.price["receiver"])

    def go(self, deadline: float) -> bool:
        """Go on until the gap is small enough; raise _Lost, and NotSolvedError where rounds or time are over."""
        if not self.free.any():
            self.bound, self.gap = self.upper, 0.0
            return True
        self._begin()
        while len(self.rounds) < self.options.rounds and monotonic() < deadline:
            number = len(self.rounds) + 1
            primal, dual = self._round(number)
            gap = np.nan
            if number % self.options.check == 0:
                self._check(number)
                gap = self.gap
            self.rounds.append(Round(number, primal, dual, gap))
            if self.owner.tell is not None:
                self.owner.tell(self.rounds[-1])
            if gap <= self.options.gap:
                return True
        over = "rounds" if monotonic() < deadline else "time"
        primals = [name for name in self.names if self.kind(name)[0] == "primal"]
        why = f"; primal agents ({', '.join(primals)}) stall where costs are kinked" if primals else ""
        error = NotSolvedError(
            f"{self.case.name}: consensus ran out of {over} after {len(self.rounds)} rounds, with a plan of cost {self.upper:,.6g}, "
            f"at least {self.bound:,.6g}: {self.gap:.2g} of the savings apart{why}",
            Termination.ITERATION_LIMIT if over == "rounds" else Termination.TIME_LIMIT,
        )
        raise error

    def _begin(self) -> None:
        """Tell who is held, and start prices at the suppliers' marginal cost a little above the baseline."""
        given = np.where(self.free, np.nan, self.baseline)
        for name in self.names:
            own = given[self.share(name)]
            known = self.owner.workers.given.get(name)
            if (~np.isnan(own)).any() or known is not None:
                question = Question("fix", (own if (~np.isnan(own)).any() else None,))
                self.owner.workers.given[name] = question
                self.owner.every("fix", [name], given)
        price = np.zeros(len(self.baseline))
        first = [name for name in self.names if self.side[name] == "supplier" and self.kind(name)[0] != "dual"]
        above = self.baseline + ABOVE * self.typical
        for name, (_, answer) in self.owner.ask({n: Question("marginal", (above[self.share(n)],)) for n in first}).items():
            if answer.slope is not None:
                price[self.share(name)] = answer.slope
        self.price = {"receiver": price.copy(), "supplier": -price}

    def _round(self, number: int) -> tuple[float, float]:
        """Ask everybody once; return the relative residuals."""
        before = {side: copy.copy() for side, copy in self.copies.items()}
        common = self.common
        moved = np.ones(len(common), dtype=bool)
        duals = [name for name in self.names if self.kind(name)[0] == "dual"]
        others = [name for name in self.names if name not in duals]
        if self.together:
            self._ask(number, self.names, {side: common for side in self.copies}, moved)
        else:
            receivers = [name for name in others if self.side[name] == "receiver"]
            suppliers = [name for name in others if self.side[name] == "supplier"]
            self._ask(number, duals, self.copies, moved)
            self._ask(number, receivers, {"receiver": self.copies["supplier"]}, moved)
            mixed = self.relax * self.copies["receiver"] + (1 - self.relax) * before["supplier"]
            self._ask(number, suppliers, {"supplier": mixed}, moved)
        moved &= self.free
        if self.together:
            primal, dual = self._between(moved)
        else:
            step = np.where(moved, self.rho * (mixed - self.copies["supplier"]), 0.0)
            self.price = {"receiver": self.price["receiver"] + step, "supplier": self.price["supplier"] - step}
            x, s = self.copies["receiver"][self.free], self.copies["supplier"][self.free]
            primal = _relative(x - s, x, s)
            change = self.rho * (self.copies["supplier"] - before["supplier"])
            dual = _relative(change[self.free], self.prices()[self.free])
        if moved[self.free].all():
            self.ratios.append(np.log(max(primal, 1e-12) / max(dual, 1e-12)))
        self._balance(number)
        return primal, dual

    def _balance(self, number: int) -> None:
        """Move rho to where the residuals were about equal on average; single rounds swing too much to go by."""
        if not self.options.balance or number % self.options.balance or number > LAST or not self.ratios:
            return
        factor = float(np.exp(np.mean(self.ratios[-self.options.balance :])))
        self.ratios.clear()
        if not 1 / BAND <= factor <= BAND:
            self.rho = np.minimum(self.rho * np.clip(np.sqrt(factor), 1 / MOST, MOST), self.cap)

    def _between(self, moved: Array) -> tuple[float, float]:
        """Move the coordinator's own copy, on which the fee is paid, and the prices at both ends."""
        ends = [side for side in self.copies if self.asked[side][self.free].any()]
        mixed = {e: self.relax * self.copies[e] + (1 - self.relax) * self.common for e in ends}
        centre = sum(mixed[e] + self.price[e] / self.rho for e in ends) / len(ends)
        away, reach = centre - self.baseline, self.weight / (len(ends) * self.rho)
        fresh = np.maximum(self.baseline + np.sign(away) * np.maximum(np.abs(away) - reach, 0.0), 0.0)
        fresh = np.where(moved, fresh, self.common)
        for e in ends:
            self.price[e] = self.price[e] + np.where(moved, self.rho * (mixed[e] - fresh), 0.0)
        free, change = self.free, fresh - self.common
        self.common = fresh
        apart = np.concatenate([(self.copies[e] - fresh)[free] for e in ends])
        primal = _relative(apart, np.concatenate([fresh[free]] * len(ends)))
        return primal, _relative((self.rho * change)[free], self.prices()[free])

    def _ask(self, number: int, names: Iterable[str], centres: dict[str, Array], moved: NDArray[np.bool_]) -> None:
        """Ask agents for their step; take in copies and supports; who does not answer keeps his last, and his price stands."""
        questions = {name: self._question(name, centres) for name in names}
        found = self.owner.ask(questions, number) if questions else {}
        for name in questions:
            if name in found and found[name][0].method == questions[name].method:
                self.stale[name] = 0
                self._take(name, *found[name])
                continue
            self.stale[name] += 1
            moved[self.share(name)] = False
            if self.stale[name] == STALE + 1:
                self.warnings.append(f"{name} has not answered for {STALE} rounds: what it said last is too old to plan by")
            if self.stale[name] > self.options.patience or name in self.owner.workers.dead:
                raise _Lost(name)

    def _question(self, name: str, centres: dict[str, Array]) -> Question:
        side, share, kind = self.side[name], self.share(name), self.kind(name)[0]
        price = self.price[side][share]
        if kind == "dual":
            return Question("best", (price,))
        if kind == "primal":
            self.centre = {**getattr(self, "centre", {}), name: centres[side][share]}
            return Question("marginal", (np.maximum(self.copies[side][share], 1e-3 * self.typical),))
        return Question("respond", (centres[side][share], price, self.rho[share]))

    def _take(self, name: str, question: Question, answer: Answer) -> None:
        """Take in an answer to the question that it was given to."""
        side, share = self.side[name], self.share(name)
        kind, convexity, smoothness, _ = self.kind(name)
        if kind == "primal":
            assert answer.slope is not None and smoothness is not None
            (at,), rho = question.arguments, self.rho[share]
            slope, value = answer.slope, answer.value - float(answer.slope @ at)
            step = smoothness * at - slope - self.price[side][share] + rho * self.centre[name]
            copy = np.maximum(step / (smoothness + rho), 0.0)
        else:
            assert answer.plan is not None
            copy, value = np.maximum(answer.plan, 0.0), answer.value
            if kind == "dual":
                slope = -question.arguments[0]
            else:
                plan, price, rho = question.arguments
                slope = rho * (plan - answer.plan) - price
        if kind != "proximal":
            self._declared(name, kind, convexity, smoothness, question, answer)
        copy = np.where(self.free[share], copy, self.baseline[share])
        self.copies[side][share], self.slope[side][share], self.support[name] = copy, slope, value

    def _declared(
        self, name: str, kind: str, convexity: float | None, smoothness: float | None, question: Question, answer: Answer
    ) -> None:
        """Hold an agent to what it declares of its cost, by its own answers."""
        if name in self.last:
            asked, told = self.last[name]
            change = question.arguments[0] - asked.arguments[0]
            if kind == "dual":
                away = answer.plan - told.plan  # type: ignore[operator]
                square, product = float(away @ away), -float(change @ away)
                if square > 1e-6 * self.typical**2 and product < 0.99 * (convexity or 0.0) * square:
                    allowed = (
                        f"at most {max(product, 0.0) / square:.3g}, as its own answers show; "
                        "dual agents whose costs are linear do not agree: let it be proximal"
                    )
                    raise InputError.of(f"strong_convexity, {name}", convexity, allowed, "consensus")
            else:
                bend = answer.slope - told.slope  # type: ignore[operator]
                square, product = float(bend @ bend), float(bend @ change)
                if np.sqrt(float(change @ change)) > 1e-3 * self.typical and square > 1.01 * (smoothness or 0.0) * product + 1e-9:
                    allowed = (
                        f"at least {square / max(product, 1e-300):.3g}, as its own answers show; "
                        "primal agents whose costs are kinked stall: let it be proximal"
                    )
                    raise InputError.of(f"smoothness, {name}", smoothness, allowed, "consensus")
        self.last[name] = (question, answer)

    def _check(self, number: int) -> None:
        """Price the plan at hand, and prove a bound; nothing changes where somebody does not answer."""
        if len(self.support) < len(self.names):
            return
        self._prove(number)
        plan = np.where(self.free, self.common if self.together else self.copies["receiver"], self.baseline)
        found = self.owner.ask({name: Question("cost", (plan[self.share(name)],)) for name in self.names}, number)
        priced = {name: answer.value for name, (question, answer) in found.items() if question.method == "cost"}
        if len(priced) == len(self.names):
            total = sum(priced.values()) + self.fee_of(plan)
            if total < self.upper:
                self.upper, self.plan, self.costs = total, plan, priced
        savings = max(self.first - self.upper, self.floor, NOTHING * max(1.0, abs(self.first)))
        self.gap = max(self.upper - self.bound, 0.0) / savings

    def _prove(self, number: int) -> None:
        """Raise the lower bound by the supports at hand; one side is asked at the price at which slopes cancel."""
        top = self.top
        other = "supplier" if top == "receiver" else "receiver"
        own = {side: np.where(self.asked[side], self.slope[side], 0.0) for side in self.slope}
        fee = np.clip(-(own["receiver"] + own["supplier"]), -self.weight, self.weight) * self.free
        value = -float(fee @ self.baseline)
        if top is None:
            value += sum(self.support.values())
            total = own["receiver"] + own["supplier"] + fee
            low, high = np.where(self.free, 0.0, self.baseline), np.where(self.free, self.options.largest or 0.0, self.baseline)
            value += float(np.minimum(total * low, total * high).sum())
        else:
            price = own[other] + fee
            names = [name for name in self.names if self.side[name] == top]
            found = self.owner.ask({name: Question("best", (price[self.share(name)],)) for name in names}, number)
            if any(name not in found or found[name][0].method != "best" for name in names):
                return
            value += sum(answer.value for _, answer in found.values())
            value += sum(self.support[name] for name in self.names if self.side[name] == other)
            value += float(price[~self.asked[top]] @ self.baseline[~self.asked[top]])
        self.bound = max(self.bound, value)


def _relative(what: Array, *against: Array) -> float:
    """Return a norm relative to the largest of others."""
    return float(np.linalg.norm(what)) / max(*(float(np.linalg.norm(each)) for each in against), 1e-9)
