"""Random mechanisms with finitely many outcomes and money, their linear program from the definitions, and their audit by loops.

Nothing of the package is used but the declaration under test, `declared`.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from scipy.optimize import linprog

import veridical as vd

Array = NDArray[np.float64]
Profile = tuple[int, ...]
CONCEPTS = [("dominant", False), ("bayesian", False), ("ex_post", True), ("bayesian", True), ("none", False), ("ex_post", False)]
PARTICIPATION = ["ex_post", "interim", "ex_ante", "none"]
BUDGETS = [None, "ex_post", "ex_ante"]


@dataclass
class Problem:
    """Agents' types are places; `worth[i][k, o]` is what outcome o is worth to type k of agent i, and more by others' types.

    A share `care` of what an outcome is worth to the others' types is added where values are interdependent.
    """

    prior: Array
    worth: list[Array]
    care: float
    incentive: str
    participation: str
    interdependent: bool
    outside: float | Callable[[float], float]
    budget: str | None
    most: float | None  # of a payment, either way
    wanted: Array  # by profile and outcome
    frugality: float  # what a unit paid costs the designer

    @property
    def agents(self) -> range:
        """Places of agents."""
        return range(len(self.worth))

    @property
    def profiles(self) -> list[Profile]:
        """All profiles of types."""
        return list(itertools.product(*map(range, self.prior.shape)))

    def value(self, i: int, true: Profile) -> Array:
        """Return what outcomes are worth to an agent at a true profile."""
        own: Array = self.worth[i][true[i]]
        if not self.interdependent:
            return own
        others = [self.worth[j][true[j]] for j in self.agents if j != i]
        return np.asarray(own + self.care * np.sum(others, axis=0)) if others else own

    def elsewhere(self, i: int, true: Profile) -> float:
        """Return an agent's outside option at a true profile: a share of the best outcome, where it depends on the type."""
        return self.outside if isinstance(self.outside, float) else self.outside(float(self.value(i, true).max()))

    def lies(self, i: int) -> Iterator[tuple[int, int]]:
        """Return types and reports of an agent."""
        return itertools.permutations(range(self.prior.shape[i]), 2)

    def believed(self, i: int, k: int) -> list[tuple[float, Profile]]:
        """Return the true profiles that a type reckons with, and how likely each is; none for a type that never occurs."""
        own = [(float(self.prior[t]), t) for t in self.profiles if t[i] == k and self.prior[t] > 0]
        total = sum(p for p, _ in own)
        return [(p / total, t) for p, t in own]


def problem(seed: int) -> Problem:
    """Return a problem whose concepts go round with the seed."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(2, 4, size=int(random.integers(1, 4))))
    incentive, interdependent = CONCEPTS[seed % len(CONCEPTS)]
    participation, budget = PARTICIPATION[seed // 2 % 4], BUDGETS[seed // 3 % 3]
    if random.random() < 0.4:
        marginals = [random.dirichlet(np.ones(count)) for count in shape]
        prior = np.array([np.prod([own[k] for own, k in zip(marginals, t, strict=True)]) for t in np.ndindex(shape)])
    else:
        prior = random.random(shape).ravel() * (random.random(int(np.prod(shape))) < 0.85)  # some never occur
        prior[0] += 0.1
    prior = (prior / prior.sum()).reshape(shape)
    outcomes = int(random.integers(2, 4))
    share = float(random.uniform(0.0, 0.7))
    outside = float(random.uniform(-0.3, 0.4)) if random.random() < 0.6 else lambda best: share * best
    return Problem(
        prior=prior,
        worth=[random.normal(size=(count, outcomes)) for count in shape],
        care=float(random.uniform(0.1, 0.6)),
        incentive=incentive,
        participation=participation,
        interdependent=interdependent,
        outside=outside,
        budget=budget,
        most=float(random.uniform(0.5, 3)) if random.random() < 0.7 else None,
        wanted=random.normal(size=(*shape, outcomes)),
        frugality=float(random.choice([0.0, 0.5, 1.0])),
    )


def brute_force(one: Problem) -> tuple[str, float]:
    """Return how the linear program ends, and its optimum. Columns: outcomes by profile, then payments by agent and profile."""
    profiles, outcomes = one.profiles, one.wanted.shape[-1]
    first = {t: n * outcomes for n, t in enumerate(profiles)}
    paid = {(i, t): (len(profiles) * outcomes) + i * len(profiles) + n for i in one.agents for n, t in enumerate(profiles)}
    width = len(profiles) * (outcomes + len(one.agents))

    def gets(i: int, true: Profile, reported: Profile, weight: float = 1.0) -> Array:
        row = np.zeros(width)
        row[first[reported] : first[reported] + outcomes] = weight * one.value(i, true)
        row[paid[i, reported]] = weight
        return row

    rows: list[Array] = []
    right: list[float] = []
    for i in one.agents:
        if one.incentive in ("dominant", "ex_post"):
            for true in profiles:
                for k, s in one.lies(i):
                    if k == true[i]:
                        rows.append(gets(i, true, changed(true, i, s)) - gets(i, true, true))
                        right.append(0.0)
        if one.incentive == "bayesian":
            for k, s in one.lies(i):
                gain = [gets(i, t, changed(t, i, s), p) - gets(i, t, t, p) for p, t in one.believed(i, k)]
                rows.append(np.sum(gain, axis=0) if gain else np.zeros(width))
                right.append(0.0)
        if one.participation == "ex_post":
            for t in profiles:
                rows.append(-gets(i, t, t))
                right.append(-one.elsewhere(i, t))
        if one.participation == "interim":
            for k in range(one.prior.shape[i]):
                if believed := one.believed(i, k):
                    rows.append(-np.sum([gets(i, t, t, p) for p, t in believed], axis=0))
                    right.append(-sum(p * one.elsewhere(i, t) for p, t in believed))
        if one.participation == "ex_ante":
            rows.append(-np.sum([gets(i, t, t, float(one.prior[t])) for t in profiles], axis=0))
            right.append(-sum(float(one.prior[t]) * one.elsewhere(i, t) for t in profiles))
    if one.budget:
        each = []
        for t in profiles:
            row = np.zeros(width)
            row[[paid[i, t] for i in one.agents]] = 1.0
            each.append(row)
        chances = [float(one.prior[t]) for t in profiles]
        rows += each if one.budget == "ex_post" else [np.einsum("p,pc->c", chances, each)]
        right += [0.0] * (len(each) if one.budget == "ex_post" else 1)
    cost = np.zeros(width)
    whole = np.zeros((len(profiles), width))
    for n, t in enumerate(profiles):
        cost[first[t] : first[t] + outcomes] = -one.prior[t] * one.wanted[t]
        whole[n, first[t] : first[t] + outcomes] = 1.0
        for i in one.agents:
            cost[paid[i, t]] = one.frugality * one.prior[t]
    most = np.inf if one.most is None else one.most
    bounds = [(0.0, 1.0)] * (len(profiles) * outcomes) + [(-most, most)] * (len(profiles) * len(one.agents))
    matrix, limits = (np.array(rows), right) if rows else (None, None)
    result: Any = linprog(cost, matrix, limits, whole, np.ones(len(profiles)), bounds, method="highs")
    return {0: "optimal", 2: "infeasible", 3: "unbounded", 4: "infeasible or unbounded"}[result.status], -float(result.fun or 0)


def changed(t: Profile, i: int, report: int) -> Profile:
    """Return a profile with another report of one agent."""
    return (*t[:i], report, *t[i + 1 :])


def declared(one: Problem) -> tuple[Any, Any]:
    """Return the types, and the model of a problem with truth, participation and budget as declarations."""
    names = ["ann", "bob", "eve"][: len(one.worth)]
    given = {name: {k: tuple(row) for k, row in enumerate(own.tolist())} for name, own in zip(names, one.worth, strict=True)}
    types = vd.TypeSpace(given, one.prior)
    outcomes = range(one.wanted.shape[-1])
    m = pyo.ConcreteModel()
    m.chance = pyo.Var(outcomes, types.profiles, bounds=(0, 1))
    m.payment = pyo.Var(types.agents, types.profiles, bounds=(None if one.most is None else -one.most, one.most))
    m.one_outcome = pyo.Constraint(types.profiles, rule=lambda m, *t: sum(m.chance[o, t] for o in outcomes) == 1)

    def value(agent: str, theta: Any) -> list[float]:
        if not one.interdependent:
            return list(theta)
        place = names.index(agent)
        return [own[place] + one.care * (sum(own) - own[place]) for own in zip(*theta, strict=True)]

    def utility(m: Any, agent: str, theta: Any, reports: Any) -> Any:
        return sum(v * m.chance[o, reports] for o, v in enumerate(value(agent, theta))) + m.payment[agent, reports]

    outside: Any = one.outside
    if callable(outside):
        share = outside

        def outside(agent: str, theta: Any) -> float:
            return float(share(max(value(agent, theta))))

    vd.truthful(m, types, utility, one.incentive, one.participation, outside, interdependent=one.interdependent)
    if one.budget:
        vd.budget(m, types, m.payment, one.budget)
    designer = types.expectation(
        lambda t: (
            sum(float(one.wanted[t][o]) * m.chance[o, t] for o in outcomes) - one.frugality * sum(m.payment[i, t] for i in names)
        )
    )
    m.welfare = pyo.Objective(expr=designer, sense=pyo.maximize)
    return types, m


def audited(one: Problem, m: Any) -> dict[str, float]:
    """Return the largest gain, loss or deficit that would break each property, at a model's solution."""
    names = ["ann", "bob", "eve"][: len(one.worth)]
    outcomes, profiles = range(one.wanted.shape[-1]), one.profiles
    chance = {t: np.array([m.chance[o, t].value or 0.0 for o in outcomes]) for t in profiles}
    paid = {(i, t): m.payment[names[i], t].value or 0.0 for i in one.agents for t in profiles}

    def gets(i: int, true: Profile, reported: Profile) -> float:
        return float(one.value(i, true) @ chance[reported]) + paid[i, reported]

    everywhere, expected, lost, lost_in_mean, before = [], [], [], [], []
    for i in one.agents:
        for t in profiles:
            lost.append(one.elsewhere(i, t) - gets(i, t, t))
            everywhere += [gets(i, t, changed(t, i, s)) - gets(i, t, t) for k, s in one.lies(i) if k == t[i]]
        for k, s in one.lies(i):
            if believed := one.believed(i, k):
                expected.append(sum(p * (gets(i, t, changed(t, i, s)) - gets(i, t, t)) for p, t in believed))
        for k in range(one.prior.shape[i]):
            if believed := one.believed(i, k):
                lost_in_mean.append(sum(p * (one.elsewhere(i, t) - gets(i, t, t)) for p, t in believed))
        before.append(sum(float(one.prior[t]) * (one.elsewhere(i, t) - gets(i, t, t)) for t in profiles))
    found = {
        "ex_post_ic": max(everywhere),
        "bayesian_ic": max(expected),
        "ex_post_ir": max(lost),
        "interim_ir": max(lost_in_mean),
        "ex_ante_ir": max(before),
    }
    if not one.interdependent:
        found["dominant_strategy_ic"] = found["ex_post_ic"]
    if one.budget:
        deficit = {t: sum(paid[i, t] for i in one.agents) for t in profiles}
        found["budget"] = max(deficit.values())
        found["expected_budget"] = sum(float(one.prior[t]) * amount for t, amount in deficit.items())
    return found
