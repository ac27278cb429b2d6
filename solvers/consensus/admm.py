"""Two-block ADMM between receivers and suppliers, and the proof of how good a plan is.

Every flow has two copies, the receiver's and the supplier's, and a price at each end. In order, receivers step around the
suppliers' plan, then suppliers around the receivers' (over-relaxed), and the price moves by rho times what is left between
them. With an activity fee the coordinator has a copy of its own, on which the fee is paid (`ActivityCopy`). Dual
agents answer to the price alone, before the others (alternating minimisation, which needs rho <= their strong convexity); for
primal agents the step is made here, from their marginal cost.

What it stops on: every answer carries a support f(x) >= a + g'x. One side is asked for its best plan at the price -g of the
other's, so that slopes cancel, and the sum is a lower bound of everybody's cost at any plan. One and the same plan, the
receivers', is priced by everybody. The cheapest plan seen is kept, the baseline among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from veridical.contracts.joint_plan.planner import activity_cost
from veridical.data import InputError
from veridical.data.arrays import Array, Booleans
from veridical.solvers.certificate import ratio
from veridical.solvers.consensus.activity import CAREFUL, WEIGHT, ActivityCopy
from veridical.solvers.consensus.anderson import Anderson
from veridical.solvers.consensus.claims import AGREES, declared, support_of
from veridical.solvers.consensus.ending import at_fault, out_of
from veridical.solvers.consensus.exchange import Exchange, Round
from veridical.solvers.consensus.messages import Answer, Question
from veridical.solvers.consensus.penalties import SETTLED, Residuals, balanced, eased, first_rho, relative_norm

__all__ = ["Admm", "LostError"]

ABOVE = 1e-2  # of the typical flow: where marginal costs are asked for, since multipliers at 0 are none
NOTHING = 1e-6  # savings below this part of the cost count as this
AGAIN = 2  # times that receivers are asked again in a round with a fee
TRACE = 1e-8  # of the largest flow: units that are less are none; a party with nothing else could not be priced
BEYOND = 1e6  # times the typical flow, and the highest price: a stranger's answer is no further off
STALE = 5  # rounds without an answer after which a bias is to be feared
SIDES = ("receiver", "supplier")


class LostError(Exception):
    """A party that is not coming back."""


class Admm:
    """One run. Arrays have one entry a flow: `copies` and `price` of both sides, `slope` of each side's last supports."""

    def __init__(
        self,
        exchange: Exchange,
        baseline: Array,
        non_participants: tuple[str, ...],
        fee: float,
        floor: float,
        before: dict[str, float],
        rounds: list[Round],
        warnings: list[str],
    ) -> None:
        self.exchange, self.options, self.case = exchange, exchange.options, exchange.case
        self.baseline, self.non_participants, self.floor = baseline, non_participants, floor
        self.rounds, self.warnings = rounds, warnings
        self.share, self.traits = exchange.share, exchange.traits
        self.activity_fee, self.weight = fee, fee * self.case.shared.volume  # currency per m3, and per unit of each flow
        self.activity = ActivityCopy(baseline, self.weight, self.options.relaxation) if fee else None
        self.names = tuple(name for name in self.case.names if name not in non_participants)
        self.side = {name: "receiver" if name in self.case.receivers else "supplier" for name in self.case.names}
        n = len(baseline)
        self.free = np.ones(n, dtype=bool)
        for name in non_participants:
            self.free[self.share(name)] = False
        self.sides = {side: [name for name in self.names if self.side[name] == side] for side in SIDES}
        self.active = {side: np.zeros(n, dtype=bool) for side in SIDES}
        for name in self.names:
            self.active[self.side[name]][self.share(name)] = True
        usual = baseline[baseline > 1e-6 * max(float(baseline.max(initial=0.0)), 1e-9)]
        self.typical = float(usual.mean()) if len(usual) else 1.0
        self.rho = first_rho(self.case.shared, baseline, self.typical, self.options.rho)
        self.relax = np.full(n, self.options.relaxation)
        self.cap = np.full(n, np.inf)
        for name in self.names:
            traits = self.traits[name]
            if traits.interface == "dual":
                known = self.cap[self.share(name)]  # finite where the other end is dual too
                halves = np.where(known < np.inf, 2.0, 1.0) * (1.0 + WEIGHT if fee else 1.0)
                self.cap[self.share(name)] = np.minimum(known, traits.strong_convexity or 0.0) / halves
                self.relax[self.share(name)] = 1.0
        self.rho = np.minimum(self.rho, self.cap)
        self.copies = {side: baseline.copy() for side in SIDES}
        self.price = {side: np.zeros(n) for side in SIDES}
        self.slope = {side: np.zeros(n) for side in SIDES}
        self.support: dict[str, float] = {}
        self.mixed = baseline.copy()  # what suppliers step around
        self.mixed_common = baseline.copy()  # and what the coordinator's own copy does
        self.residuals = Residuals(n)
        self.anderson: Anderson | None = None  # where all step, and nobody's step is made of anything else
        self.point: Array | None = None  # what the last round went on with
        self.around: dict[str, tuple[Array, Array]] = {}  # what primal agents' steps are made around, and with which weight
        self.last: dict[
            str, tuple[Question, Answer]
        ] = {}  # of primal and dual agents, and of strangers, to check what they declare
        self.stale = dict.fromkeys(self.names, 0)
        self.ratios: list[float] = []  # of primal to dual residual since rho was balanced, as logarithms
        self.plan, self.costs, self.paid = baseline, {name: before[name] for name in self.names}, 0.0
        self.first = self.upper = sum(self.costs.values())
        self.bound, self.gap = -np.inf, np.inf
        self.idle = False  # whether nothing is used of what is answered: then receivers, who know what it is for, prove nothing
        self.unproven: list[str] = []  # who said at the last check that there is no least cost at a price
        for name in self.names:
            if exchange.workers.is_stranger(name):
                self.exchange.claims[name].limit(BEYOND * self.typical, BEYOND * float(self.case.shared.price.max(initial=0.0)))
        self.top = next((side for side in SIDES if all(self.traits[name].priced for name in self.sides[side])), None)
        if self.top is None and self.options.largest is None:
            allowed = "units above which no flow is worth while: agents on either side do not answer for a price alone"
            raise InputError.of("options.largest", None, allowed, "consensus")

    def prices(self) -> Array:
        """Return each flow's price: the supplier's marginal cost; the receiver's marginal saving where the supplier is absent."""
        return np.where(self.active["supplier"], -self.price["supplier"], self.price["receiver"])

    def go(self, timely: Callable[[], bool]) -> Iterator[Round]:
        """Yield each round, as long as more are wanted; raise LostError, and NotSolvedError where rounds or time are over.

        `timely`: whether there is time left.
        """
        if not self.free.any():
            self.bound, self.gap = self.upper, 0.0
            return
        self._begin()
        most = len(self.rounds) + self.options.rounds
        while (in_time := timely()) and len(self.rounds) < most:
            number = len(self.rounds) + 1
            primal, dual = self._round(number)
            completed = Round(number, primal, dual)
            if number % self.options.check == 0:
                self._check(number)
                completed = Round(number, primal, dual, self.gap, ratio(self.upper - self.bound, abs(self.upper)))
            self.rounds.append(completed)
            yield completed
        over = "rounds" if in_time else "time"
        if over == "rounds" and (fault := at_fault(self)) is not None:
            self.exchange.workers.fault(*fault)
            raise LostError(fault[0])
        raise out_of(self, over)

    def _begin(self) -> None:
        """Fix the flows of the absent, and start prices at the suppliers' marginal cost a little above the baseline."""
        self.exchange.fix(self.names, np.where(self.free, np.nan, self.baseline))
        price = np.zeros(len(self.baseline))
        first = [name for name in self.sides["supplier"] if self.traits[name].interface != "dual"]
        above = self.baseline + ABOVE * self.typical
        asked = {name: Question("marginal", (above[self.share(name)],)) for name in first}
        for name, (_, answer) in self.exchange.wait(asked, 0).items():
            if answer.slope is not None:
                price[self.share(name)] = answer.slope
        self.price = {"receiver": price.copy(), "supplier": -price}

    def _round(self, number: int) -> tuple[float, float]:
        """Ask everybody once; return the relative residuals."""
        before, moved = self.copies["supplier"].copy(), np.ones(len(self.rho), dtype=bool)
        dual_agents = [name for name in self.names if self.traits[name].interface == "dual"]
        receivers, suppliers = ([name for name in self.sides[side] if name not in dual_agents] for side in SIDES)
        self._ask(number, dual_agents, before, moved)
        self._ask_receivers(number, receivers, moved)
        self.mixed = self.relax * self.copies["receiver"] + (1 - self.relax) * before
        if self.activity:
            self.mixed_common = self.activity.mixed(self.copies["receiver"])
        proximal = all(self.traits[name].interface == "proximal" for name in self.names)
        if proximal and (self.activity is None or number > SETTLED):
            self._accelerate()
        self._ask(number, suppliers, self.mixed.copy(), moved)
        moved &= self.free
        step = np.where(moved, self.rho * (self.mixed - self.copies["supplier"]), 0.0)
        self.price["supplier"] -= step
        self.price["receiver"] += step
        x, s, free = self.copies["receiver"], self.copies["supplier"], self.free
        apart, changed = x - s, self.rho * (s - before)
        self.residuals.add(apart, changed)
        if self.activity:
            change, step = self.activity.move(self.mixed_common, self.rho, moved)
            self.price["receiver"] += step
            counts = self.activity.weight(number) > 0.0
            apart = np.concatenate([apart, np.where(counts, x - self.activity.plan, 0.0)])
            changed = np.concatenate([changed, np.where(counts, self.rho * change, 0.0)])
            free = np.concatenate([free, free])
        primal = relative_norm(apart[free], x[self.free], s[self.free])
        dual = relative_norm(changed[free], self.prices()[self.free])
        if moved[self.free].all():
            self.ratios.append(np.log(max(primal, 1e-12) / max(dual, 1e-12)))
        every = self.options.balance
        rho = balanced(self.rho, self.ratios, number, every)
        if proximal and self.activity:  # without a fee large pilots take no fewer rounds: 40 for 35 at 10,080 flows
            rho = self.residuals.evened(rho, number, every, self.typical)
        rho = np.minimum(eased(rho, number, every), self.cap)
        if not moved[self.free].all() or (rho != self.rho).any():  # what the points were made with is no longer so
            self.anderson = self.point = None
        self.rho = rho
        return primal, dual

    def _accelerate(self) -> None:
        """Have suppliers, and the coordinator's own copy, step around a better point: what iterates is copy plus price / rho."""
        free, rho = self.free, self.rho[self.free]
        shifts, mixed = [-self.price["supplier"][free] / rho], [self.mixed[free]]
        if self.activity:
            shifts, mixed = [*shifts, self.activity.price[free] / (WEIGHT * rho)], [*mixed, self.mixed_common[free]]
        image = np.concatenate(mixed) + np.concatenate(shifts)
        if self.anderson is None:
            self.anderson = Anderson(np.concatenate([rho, WEIGHT * rho] if self.activity else [rho]))
        self.point = image if self.point is None else self.anderson.next(self.point, image)
        chosen = np.split(self.point - np.concatenate(shifts), len(mixed))
        self.mixed[free] = chosen[0]
        if self.activity:
            self.mixed_common[free] = chosen[1]

    def _ask_receivers(self, number: int, names: list[str], moved: Booleans) -> None:
        """Ask receivers for their step; with a fee again, at once, at the price of the fee that suits what they said."""
        self._ask(number, names, self._around(number), moved)
        if self.activity is None or number > CAREFUL:
            return
        asked = np.zeros(len(moved), dtype=bool)
        for name in names:
            asked[self.share(name)] = True
        for _ in range(AGAIN):
            self.price["receiver"] += self.activity.move(self.copies["receiver"], self.rho, asked & moved & self.free)[1]
            self._ask(number, [name for name in names if not self.stale[name]], self._around(number), moved)

    def _around(self, number: int) -> Array:
        """Return what receivers step around: suppliers' plans, and the baseline where a fee keeps flows there."""
        if self.activity is None:
            return self.copies["supplier"]
        weight = self.activity.weight(number)
        around: Array = (self.copies["supplier"] + weight * self.activity.plan) / (1.0 + weight)
        return around

    def _ask(self, number: int, names: Iterable[str], centre: Array, moved: Booleans) -> None:
        """Ask agents for their step; take in copies and supports; who does not answer keeps his last, and his price stands."""
        questions = {name: self._question(number, name, centre) for name in names}
        replies = self.exchange.ask(questions, number) if questions else {}
        for name in questions:
            if name in replies:
                self.stale[name] = 0
                if replies[name][0] is not questions[name]:  # a late one: this round does not lead from one point to the next
                    self.anderson = self.point = None
                self._take(name, *replies[name])
                continue
            self.stale[name] += 1
            moved[self.share(name)] = False
            if self.stale[name] == STALE + 1:
                self.warnings.append(f"{name} has not answered for {STALE} rounds: what it said last is too old to plan by")
            if self.stale[name] > self.options.patience or self.exchange.gave_up(name):
                raise LostError(name)

    def _question(self, number: int, name: str, centre: Array) -> Question:
        side, share, interface = self.side[name], self.share(name), self.traits[name].interface
        price = self.price[side][share]
        if interface == "dual":
            return Question("best", (price,))
        if interface == "primal":
            self.around[name] = centre[share], self._weight(name, number)
            return Question("marginal", (self.copies[side][share],))
        bare = self.options.values == "checks" and number % self.options.check != 0 and self.traits[name].steps
        bare = bare and not self.stale[name]  # who did not answer, maybe at a check, is to tell a support
        return Question("step" if bare else "respond", (centre[share], price, self._weight(name, number)))

    def _weight(self, name: str, number: int) -> Array:
        """Return the weight of a party's step: with a fee, receivers step around two copies."""
        also = self.activity.weight(number) if self.activity and self.side[name] == "receiver" else np.zeros(len(self.rho))
        return (self.rho * (1.0 + also))[self.share(name)]

    def _take(self, name: str, question: Question, answer: Answer) -> None:
        """Take in an answer to the question that it was given to."""
        side, share = self.side[name], self.share(name)
        traits = self.traits[name]
        value, slope = support_of(question, answer)
        if traits.interface == "primal":
            assert traits.smoothness is not None
            (at,), (centre, rho) = question.arguments, self.around[name]
            step = traits.smoothness * at - slope - self.price[side][share] + rho * centre
            copy = np.maximum(step / (traits.smoothness + rho), 0.0)
        else:
            assert answer.plan is not None
            copy = np.maximum(answer.plan, 0.0)
            if traits.interface == "proximal" and side == "supplier":  # a late answer counts against what it was an answer to
                self.mixed[share] = question.arguments[0]
        if traits.interface != "proximal" or self.exchange.workers.is_stranger(name):
            pair = (self.last[name], (question, answer)) if name in self.last else ()
            if pair and not self.exchange.holds(name, declared, name, traits, self.typical, *pair):
                raise LostError(name)
            self.last[name] = (question, answer)
        self.copies[side][share] = np.where(self.free[share], copy, self.baseline[share])
        if question.method != "step":
            self.slope[side][share], self.support[name] = slope, value

    def _check(self, number: int) -> None:
        """Price the plan at hand, and prove a bound; nothing changes where somebody does not answer."""
        if len(self.support) < len(self.names):
            return
        if not (self.idle and self.top == "receiver"):
            self._prove(number)
        plan = self.copies["receiver"]
        trace = TRACE * plan.max(initial=0.0)
        stays = ~self.free | ((np.abs(plan - self.baseline) <= trace) & bool(self.activity))
        plan = np.where(stays, self.baseline, np.where(plan <= trace, 0.0, plan))  # a barrier leaves traces of none
        priced_by = self.sides["supplier"] if self.idle else self.names
        questions = {name: Question("cost", (plan[self.share(name)],)) for name in priced_by}
        priced = {name: answer.value for name, (_, answer) in self.exchange.wait(questions, number).items()}
        if len(priced) == len(self.names):
            paid = activity_cost(self.case.shared, plan, self.baseline, self.activity_fee)
            total = sum(priced.values()) + paid
            if total < self.upper:
                self.upper, self.plan, self.costs, self.paid = total, plan, priced, paid
        savings = max(self.first - self.upper, self.floor, NOTHING * abs(self.first))
        if self.bound - self.upper > max(self.options.gap * savings, AGREES * abs(self.upper)):
            worst = max((self.exchange.claims[name] for name in self.names), key=lambda claims: claims.excess)
            shows = f"<proofs up to {worst.excess:.6g} above what it says that plans cost>"
            allowed = (
                f"answers that agree with one another: all plans would cost {self.bound:,.6g} or more, and one {self.upper:,.6g}"
            )
            self.exchange.workers.fault(worst.party, InputError.of(worst.party, shows, allowed))
            raise LostError(worst.party)
        self.gap = max(self.upper - self.bound, 0.0) / savings

    def _prove(self, number: int) -> None:
        """Raise the lower bound by the supports at hand; one side is asked at the price at which slopes cancel."""
        top = self.top
        other = "supplier" if top == "receiver" else "receiver"
        slopes = {side: np.where(self.active[side], self.slope[side], 0.0) for side in SIDES}
        fee = np.clip(-(slopes["receiver"] + slopes["supplier"]), -self.weight, self.weight) * self.free
        value = -float(fee @ self.baseline)
        if top is None:
            value += sum(self.support.values())
            total = slopes["receiver"] + slopes["supplier"] + fee
            low, high = np.where(self.free, 0.0, self.baseline), np.where(self.free, self.options.largest or 0.0, self.baseline)
            value += float(np.minimum(total * low, total * high).sum())
        else:
            price = slopes[other] + fee
            questions = {name: Question("best", (price[self.share(name)],)) for name in self.sides[top]}
            replies = self.exchange.wait(questions, number)
            if len(replies) < len(questions):
                return
            value += sum(answer.value for _, answer in replies.values())
            self.unproven = [name for name, (_, answer) in replies.items() if answer.value == -np.inf]
            value += sum(self.support[name] for name in self.sides[other])
            value += float(price[~self.active[top]] @ self.baseline[~self.active[top]])
        self.bound = max(self.bound, value)
