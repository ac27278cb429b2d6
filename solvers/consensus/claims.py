"""What an agent says of its party's cost f, held against whatever else it says.

Nobody else knows f, but answers must agree: each gives a support, f(x) >= value + g'x for every x >= 0, and the cost of a plan
says what f is there. A support above that would prove what is not so, and a wrong plan would pass for the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.solvers.consensus.messages import AgentTraits, Answer, Question, error_for

__all__ = ["AGREES", "Claims", "declared", "support_of"]

# Relative to the terms of a support. Our agents solve their problems to 1e-7, and a user's may do ten times worse; what passes
# changes bounds by a millionth of the cost, which is little beside a gap of a thousandth of the savings.
AGREES = 1e-6
# What steps may fall by though they are of one convex cost: what agents solve their problems to, relative to the terms of
# their supports and to the weight of the step; and `noise`, by which an honest agent blurs plans by up to a half.
SOLVED, FALLING, BLURRED = 1e-5, 0.05, 0.5
LARGEST = 1e50  # of any number: above, products and squares of what agents send would overflow
NO_CLAIMS = ("world", "misreport", "execute", "served", "needed")  # answers that say nothing of the cost of all weeks
NEEDED = {"respond": "plan", "step": "plan", "marginal": "slope"}


@dataclass
class Claims:
    """One party's answers in a run: costs of plans, and supports; `excess`: how far a support was above a cost at most."""

    party: str
    traits: AgentTraits
    costs: list[tuple[Array, float]] = field(default_factory=list)
    supports: list[tuple[float, Array]] = field(default_factory=list)
    excess: float = -math.inf
    largest: dict[str, float] = field(default_factory=dict)  # of plans and slopes, where that is less than of any number

    def limit(self, plan: float, slope: float) -> None:
        """Have no plan with more units than `plan`, and no slope beyond `slope`, if that is any; currency per unit."""
        self.largest = {"plan": plan, **({"slope": slope} if slope > 0.0 else {})}

    def check(self, question: Question, answer: Answer) -> None:
        """Raise InputError for an answer that is none to its question, whatever was said before."""
        needed = "plan" if question.method == "best" and self.traits.interface == "dual" else NEEDED.get(question.method)
        if needed is not None and getattr(answer, needed) is None:
            raise error_for(self.party, question, f"no {needed}", f"an Answer with a {needed}")
        unproven = answer.value == -math.inf and question.method in ("respond", "step", "best")  # a support may prove nothing
        for what, numbers in (("value", answer.value), ("plan", answer.plan), ("slope", answer.slope)):
            if numbers is None or (what == "value" and unproven):
                continue
            largest = self.largest.get(what, LARGEST)
            if not (np.abs(numbers) <= largest).all():  # a NaN is not
                raise error_for(self.party, question, f"a {what} that is not finite or above {largest:g}", "finite numbers")
        if answer.plan is not None and answer.plan.min(initial=0.0) < -AGREES * max(answer.plan.max(initial=0.0), 1.0):
            raise error_for(self.party, question, f"a plan with {answer.plan.min():.6g} units", "plans x >= 0")

    def add(self, question: Question, answer: Answer, given: Array | None) -> None:
        """Take in an answer; raise InputError where it contradicts an earlier one. `given`: units of flows, NaN where free.

        A support holds where flows are as given.
        """
        if question.method in NO_CLAIMS:
            return
        if question.method == "fix":
            self.supports.clear()
        elif question.method == "cost":
            (plan,) = question.arguments
            for other, value in self.costs:
                if abs(value - answer.value) > AGREES * (abs(value) + abs(answer.value)) and np.array_equal(plan, other):
                    shows = f"{answer.value:.6g} for a plan that cost {value:.6g} before"
                    raise error_for(self.party, question, shows, "one cost for one plan")
            self.costs.append((plan, answer.value))
            for support in self.supports:
                self._compare(question, support, self.costs[-1], given)
        elif question.method != "step":
            self.supports.append(support_of(question, answer))
            for cost in self.costs:
                self._compare(question, self.supports[-1], cost, given)

    def unproven(self) -> float:
        """Return the part of the cost that was told last which no support proves."""
        plan, cost = self.costs[-1]
        return cost - max((value + float(slope @ plan) for value, slope in self.supports), default=-math.inf)

    def _compare(self, question: Question, support: tuple[float, Array], cost: tuple[Array, float], given: Array | None) -> None:
        (value, slope), (plan, price) = support, cost
        if given is not None and not np.array_equal(plan[~np.isnan(given)], given[~np.isnan(given)]):
            return
        least = value + float(slope @ plan)
        self.excess = max(self.excess, least - price)
        if least - price > AGREES * (abs(value) + float(np.abs(slope) @ plan) + abs(price)):
            shows = f"a proof that a plan costs {least:.6g} or more, and {price:.6g} as its cost"
            raise error_for(self.party, question, shows, "answers that agree with one another")


def support_of(question: Question, answer: Answer) -> tuple[float, Array]:
    """Return value and slope of the support that comes with an answer."""
    if question.method in ("respond", "step"):
        plan, price, rho = question.arguments
        assert answer.plan is not None
        return answer.value, rho * (plan - answer.plan) - price
    if question.method == "best":
        return answer.value, -question.arguments[0]
    assert answer.slope is not None
    return answer.value - float(answer.slope @ question.arguments[0]), answer.slope


def declared(
    name: str, traits: AgentTraits, typical: float, before: tuple[Question, Answer], now: tuple[Question, Answer]
) -> None:
    """Hold an agent to what it declares of its cost, by two answers of its own; `typical`: units that count.

    Raises InputError for a dual agent whose plan moves further with the price than its strong convexity allows, for a primal one
    whose marginal cost moves further with the plan than its smoothness does, and for a proximal one of which marginal costs fall
    where the plan grows: no convex cost does that, and rounds of what does need not come to an end.
    """
    if traits.interface == "proximal":
        _monotone(name, before, now)
        return
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


def _monotone(name: str, before: tuple[Question, Answer], now: tuple[Question, Answer]) -> None:
    """Hold steps of one agent against one another: (g - h)'(x - y) >= 0 for marginal costs g at x and h at y of a convex cost."""
    (x, g, weight), (y, h, other) = _step(*now), _step(*before)
    moved, bend = x - y, g - h
    product, sizes = float(bend @ moved), float(np.linalg.norm(bend)) * float(np.linalg.norm(moved))
    rounding = SOLVED * float(np.abs(g) @ x + np.abs(h) @ y) + FALLING * float(np.maximum(weight, other) @ moved**2)
    if product < -max(rounding, BLURRED * sizes):
        shows = f"marginal costs that fall by {-product / float(moved @ moved):.3g} for each unit more"
        raise error_for(name, now[0], shows, "steps of one convex cost, whose marginal costs do not fall")


def _step(question: Question, answer: Answer) -> tuple[Array, Array, Array]:
    """Return the plan of a step, the marginal cost there, and the weights around it."""
    assert answer.plan is not None
    return answer.plan, support_of(question, answer)[1], question.arguments[2]
