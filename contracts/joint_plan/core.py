"""The core: payments that leave no receivers and suppliers a plan of their own by which they would all be better off.

Whoever is left out of a coalition stays at the baseline, as everywhere here. Write w(S) for what the receivers save together with
the suppliers S, S all suppliers of whom there are n, u_i for what supplier i gains, and v_i = w(all) - w(all but i) for what he
gains under Clarke's pivot. What is left to the receivers is w(all) - sum of all u_i, so that no coalition does better by itself
where

    u >= 0  and  sum of u_i over the suppliers out of S <= w(all) - w(S)  for every S.

S of nobody says that the receivers lose nothing; S of all but i that u_i <= v_i: no core-selecting payment is above Clarke's.
Such payments are not truthful (where Clarke's are not in the core none are that are in it); but no misreport of one supplier
gains more than v_i - u_i, since whatever he reports he gains at most v_i (Day and Milgrom 2008, theorem 3).

w grows with S, as more may be changed. So where w(S) with the gains of everybody else is no more than w(all), however those of S
are divided, no part of S needs to be looked at: `CoalitionGame.blocking` finds the worst coalition by branching on who is absent,
which proves it for all 2^n without planning for each. Limits enter the program one by one, as they are found violated (Day and
Raghavan 2007).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy

from veridical.contracts.joint_plan.planner import Plan, core_gains
from veridical.contracts.joint_plan.problem import MechanismOutcome, ReportedProblem
from veridical.data.progress import step

__all__ = ["COALITIONS", "Blocking", "CoalitionGame", "Core", "core"]

COALITIONS = 1024  # plans of coalitions, beyond which what is left is said to be bounded only
ROUNDING = 1e-9  # of the savings: what is no violation
REACHED = 1e-6  # of the largest gain: a limit that gains are up to, and a gain that is none

Absent = tuple[str, ...]  # the suppliers out of a coalition, in the order of the case


@dataclass(frozen=True)
class Core:
    """What is proven of core-selecting gains; currency.

    clarke: by supplier, what he gains under Clarke's pivot, and so the most that any core-selecting rule pays him. values: by who
    is at the baseline, what the others save, of every coalition that was looked at; most: what they save at most, where the plan
    is proven to a gap only. coalitions: how many there are, 2^n. blocking: no coalition, whether it was looked at or not, can be
    better off by more than this by a plan of its own; what solvers leave, or gaps. lie_bounds: by supplier, what he can gain
    by a misreport at most. gap: by how much a value may be off. cuts: by who is at the baseline, how much that coalition's limit
    takes off the gain of each of them: what is short of Clarke's gains, where these are the nearest (none where `core_point` is
    another). They are the shadow prices of the limits, and one division of several where limits depend on one another.
    """

    clarke: Mapping[str, float]
    values: Mapping[Absent, float]
    most: Mapping[Absent, float]
    coalitions: int
    blocking: float
    lie_bounds: Mapping[str, float]
    gap: float = 0.0
    cuts: Mapping[Absent, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        values = self.values.items()
        looked = [{"at_baseline": list(absent), "value": value, "at_most": self.most[absent]} for absent, value in values]
        suppliers = [{"name": name, "clarke": gain, "lie_bound": self.lie_bounds[name]} for name, gain in self.clarke.items()]
        return {
            "suppliers": suppliers,
            "coalitions": self.coalitions,
            "blocking": self.blocking,
            "gap": self.gap,
            "looked_at": looked,
            "cuts": [{"at_baseline": list(absent), "cut": cut} for absent, cut in self.cuts.items()],
        }


@dataclass(frozen=True)
class Blocking:
    """The coalition that is nearest to leaving: who is out of it, what it would gain, and what any would gain at most.

    `complete`: whether that bound is of coalitions looked at alone; else more of them might be looked at.
    """

    absent: Absent
    gain: float
    bound: float
    complete: bool = True


@dataclass
class CoalitionGame:
    """What coalitions of a problem save: plans are made when they are asked for, and kept."""

    problem: ReportedProblem
    activity_fee: float = 0.0
    plans: dict[Absent, Plan] = field(default_factory=dict)

    def ask(self, *words: tuple[str, Sequence[Absent]]) -> None:
        """Make plans of coalitions at once, by words for them."""
        asked = {label: [absent for absent in some if absent not in self.plans] for label, some in words}
        for absences, plans in zip(asked.values(), self.problem.plans(asked, self.activity_fee), strict=True):
            self.plans |= zip(absences, plans, strict=True)

    def plan(self, absent: Absent) -> Plan:
        """Return the plan of a coalition."""
        if absent not in self.plans:
            self.plans[absent] = self.problem.plan(absent, self.activity_fee)
        return self.plans[absent]

    @property
    def nobody(self) -> Absent:
        """Who is absent from the coalition of the receivers alone."""
        return self.problem.suppliers

    def value(self, absent: Absent) -> float:
        """Return what a coalition saves, less what it pays for activity: by the best plan that is known of it or a part of it."""
        if absent == ():
            return max(self._saved(some) for some in self.plans)
        return self._saved(absent)

    def most(self, absent: Absent) -> float:
        """Return what a coalition saves at most."""
        if absent == self.nobody:
            return 0.0
        plan, before = self.plan(absent), self.problem.before
        bound = sum(before.values()) - plan.bound - sum(before[name] for name in plan.non_participants)
        return max(bound, self._saved(absent))

    def _saved(self, absent: Absent) -> float:
        plan = self.plan(absent)
        return 0.0 if absent == self.nobody else sum(self.problem.before.values()) - plan.total - plan.fee

    @property
    def gap(self) -> float:
        """By how much the value of a coalition that was looked at may be off, currency."""
        return max((self.most(absent) - self.value(absent) for absent in self.plans), default=0.0)

    def best(self) -> Plan:
        """Return the plan by which most is saved, of those that are known."""
        return self.plans[max(self.plans, key=self._saved)]

    def clarke(self) -> dict[str, float]:
        """Return what each supplier adds to the savings."""
        together = self.value(())
        return {name: max(together - self.value((name,)), 0.0) for name in self.problem.suppliers}

    def limit(self, absent: Absent) -> float:
        """Return what suppliers may gain together, so that the others would not rather go without them."""
        return max(self.value(()) - self.value(absent), 0.0)

    def blocking(self, gains: Mapping[str, float], together: float | None = None) -> Blocking:
        """Return the coalition that gains most by leaving, by branching on who is absent; others are proven to gain no more.

        A branch has some suppliers absent and decides about the later ones, the largest gains first: none of its coalitions
        saves more than the one in which those all take part, nor goes without more than everybody's gains but of those who do.
        `together`: what everybody saves, where it is not by the best plan that is known.
        """
        self.plan(())
        order = sorted(self.problem.suppliers, key=lambda name: -gains[name])
        together, slack = self.value(()) if together is None else together, ROUNDING * abs(self.most(()))
        worst: tuple[Absent, float] = ((), -math.inf)
        bound, complete = -math.inf, True

        def branches(absent: frozenset[str], place: int) -> Iterator[tuple[Absent, float, float]]:
            nonlocal bound, complete
            key = tuple(name for name in self.problem.suppliers if name in absent)
            without = sum(gains[name] for name in absent)
            if key not in self.plans and key != self.nobody and len(self.plans) >= COALITIONS:
                above = self.most(tuple(sorted(absent - {order[place - 1]}, key=self.problem.suppliers.index)))
                bound = max(bound, above + without + sum(gains[name] for name in order[place:]) - together)
                complete = False
                return
            yield key, self.value(key) + without - together, self.most(key) + without - together
            further = self.most(key) + without + sum(gains[name] for name in order[place:]) - together
            if place < len(order) and further <= slack:  # all that is left of the branch
                bound = max(bound, further)
                return
            for k in range(place, len(order)):
                yield from branches(absent | {order[k]}, k + 1)

        with step("coalition") as looked:
            for key, gain, at_most in branches(frozenset(), 0):
                looked.advance()
                bound = max(bound, at_most)
                if gain > worst[1]:
                    worst = key, gain
        return Blocking(worst[0], worst[1], bound, complete)


def core(problem: ReportedProblem) -> MechanismOutcome:
    """Return the plan at least reported cost, and transfers with which everybody's gains are in the core, nearest to Clarke's.

    transfer_i = u_i - (c_i(x0) - c_i(x)). `core_point = nearest`: of all gains in the core those with the least sum of squares
    of u_i - v_i. `bidder_optimal`: first the largest sum of gains, then the nearest to Clarke's of these. `activity_fee`: as
    under `vcg` the plan pays it, and so does that of a coalition: the receivers are then left at least what it comes to.
    """
    game = CoalitionGame(problem, problem.case.mechanism.activity_fee)
    suppliers = problem.suppliers
    game.ask(("plan", [()]), ("counterfactual plan", [(name,) for name in suppliers]))
    limited: list[Absent] = [(name,) for name in suppliers]
    if game.nobody not in limited:
        limited.append(game.nobody)
    game.plan(game.nobody)
    while True:
        clarke = game.clarke()
        limits = {absent: game.limit(absent) for absent in limited if absent}
        gains = core_gains(problem.planner, clarke, limits, problem.case.mechanism.core_point) if suppliers else {}
        worst = game.blocking(gains)
        if worst.absent in limits or worst.gain <= ROUNDING * abs(game.value(())) or not worst.absent:
            break
        limited.append(worst.absent)
    best, before = game.best(), problem.before
    excess = max(game.most(()) - game.value(()), 0.0)
    transfers = {name: gains[name] - (before[name] - best.costs[name]) for name in problem.paid}
    proof = Core(
        clarke=clarke,
        values={absent: game.value(absent) for absent in game.plans},
        most={absent: game.most(absent) for absent in game.plans},
        coalitions=2 ** len(suppliers),
        blocking=max(worst.bound, 0.0),
        lie_bounds={name: max(game.most(()) - game.value((name,)) - gains[name], 0.0) for name in suppliers},
        gap=game.gap,
        cuts=_cuts(gains, clarke, limits) if problem.case.mechanism.core_point == "nearest" else {},
    )
    return MechanismOutcome(best, transfers, {}, excess, core=proof)


def _cuts(gains: Mapping[str, float], clarke: Mapping[str, float], limits: Mapping[Absent, float]) -> dict[Absent, float]:
    """Return the multipliers of the limits: v_i - u_i is the sum of those that i is among, at most that where u_i is 0."""
    least = REACHED * max(clarke.values(), default=0.0)
    names = list(clarke)
    tight = [absent for absent, limit in limits.items() if len(absent) > 1 and sum(gains[i] for i in absent) >= limit - least]
    if not tight or least <= 0:
        return {}
    among = np.array([[name in absent for absent in tight] for name in names], dtype=float)
    nothing = -np.eye(len(names))[:, [gains[name] <= least for name in names]]
    short = np.array([clarke[name] - gains[name] for name in names])
    found = scipy.optimize.nnls(np.hstack([among, nothing]), short)[0].tolist()
    return {absent: cut for absent, cut in zip(tight, found, strict=False) if cut > least}
