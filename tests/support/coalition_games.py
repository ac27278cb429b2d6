"""Games of coalitions: planners who know what every coalition saves, and judges of gains that enumerate all coalitions."""

from collections.abc import Callable, Collection, Iterator
from itertools import chain, combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

from veridical.contracts.joint_plan.planner import Plan
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.planners.core_gains import core_gains

Value = Callable[[frozenset[str]], float]
Array = NDArray[np.float64]
ACTIVE = 1e-7  # of the largest gain: a limit that is reached


class Stated:
    """A planner of whom only is known what coalitions of suppliers save: `value` of who takes part; all proven to a `gap`."""

    core_gains = staticmethod(core_gains)

    def __init__(self, value: Value, gap: float = 0.0) -> None:
        self.value, self.gap, self.asked = value, gap, 0

    def baseline(self, case: JointPlanCase) -> Array:
        """Return a plan of nothing."""
        return np.zeros(len(case.shared.flows))

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what the baseline costs: nothing."""
        return dict.fromkeys(case.names if names is None else names, 0.0)

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return a plan whose savings are all the receiver's."""
        self.asked += 1
        saved = self.value(frozenset(case.suppliers) - frozenset(non_participants))
        costs = {**dict.fromkeys(case.names, 0.0), case.receivers[0]: -saved}
        return Plan(case.shared, baseline, costs, bound=-saved - self.gap, non_participants=tuple(non_participants))


def subsets(names: Collection[str]) -> Iterator[frozenset[str]]:
    """Yield all subsets of some names."""
    for some in chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)):
        yield frozenset(some)


def monotone(names: Collection[str], seed: int) -> Value:
    """Return a random game in which more suppliers never save less, and nobody saves nothing."""
    rng = np.random.default_rng(seed)
    values: dict[frozenset[str], float] = {frozenset(): 0.0}
    for some in subsets(names):
        if some:
            before = max(values[some - {name}] for name in some)
            values[some] = before + float(rng.choice([0.0, rng.uniform(0.0, 10.0)]))
    return values.__getitem__


def worst_coalition(value: Value, names: Collection[str], gains: dict[str, float]) -> float:
    """Return the most that any coalition could gain by leaving, by looking at all of them."""
    everybody = frozenset(names)
    return max(value(some) + sum(gains[name] for name in everybody - some) - value(everybody) for some in subsets(names))


def distance_from_nearest(value: Value, names: tuple[str, ...], gains: dict[str, float], total: bool = False) -> float:
    """Return how far gains in the core are from meeting the optimality conditions of the nearest to Clarke's, all limits listed.

    Clarke's gains less the nearest must be a combination, with weights >= 0, of the limits that are reached; where `total` is
    fixed, of that too, with a weight of either sign. The program is convex: that is enough.
    """
    everybody = frozenset(names)
    clarke = np.array([value(everybody) - value(everybody - {name}) for name in names])
    unit = max(clarke.max(), 1.0)
    found = np.array([gains[name] for name in names])
    rows = [-np.eye(len(names))[k] for k in range(len(names)) if found[k] <= ACTIVE * unit]
    for some in subsets(names):
        out = np.array([float(name not in some) for name in names])
        if out @ found >= value(everybody) - value(some) - ACTIVE * unit:
            rows.append(out)
    if total:
        rows += [np.ones(len(names)), -np.ones(len(names))]
    if not rows:
        return float(np.abs(clarke - found).max() / unit)
    return float(nnls(np.array(rows).T, clarke - found)[1] / unit)


def largest_total(value: Value, names: tuple[str, ...]) -> float:
    """Return the largest sum of gains in the core, by a linear program with all limits."""
    everybody = frozenset(names)
    limits: list[Any] = [(some, value(everybody) - value(some)) for some in subsets(names) if some != everybody]
    rows = [[float(name not in some) for name in names] for some, _ in limits]
    result: Any = linprog(-np.ones(len(names)), A_ub=rows, b_ub=[limit for _, limit in limits], bounds=(0, None))
    return -float(result.fun)
