"""Lump sums, records at home, and a vendor who is lost: he pays nothing, and the others as if he were not there."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from support.homes import agents_of, without_records
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.families.joint_plan import solve
from veridical.solvers.consensus import Answer, Consensus, NoAnswer
from veridical.solvers.consensus.home import HomeAgent
from veridical.solvers.planners import joint

GONE = "Birch"
GAP = 1e-4  # of the savings


class Mortal(HomeAgent):
    """An agent that answers nothing more once it has made so many steps."""

    steps = 0

    def respond(self, *question: Any) -> Answer:
        self.steps -= 1
        return super().respond(*question) if self.steps >= 0 else self._silent()

    def cost(self, plan: Any) -> Answer:
        return super().cost(plan) if self.steps >= 0 else self._silent()

    def _silent(self) -> Answer:
        raise NoAnswer


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, sites=1, regions=1, products=1, weeks=2, seed=1)


def settled(case: JointPlanCase, steps: int, lump: float, shuffle: bool) -> Settlement:
    """Return what comes of a case whose records are at home, and in which an agent ends after so many steps."""
    mortal = Mortal(case.part(GONE))
    mortal.steps = steps
    solver = {"solver": "consensus", "options": {"patience": 1, "gap": GAP, "shuffle": shuffle}}
    with Consensus(solver, agents=agents_of(case) | {GONE: mortal}) as planner:
        terms: dict[str, Any] = {"pivot": "clarke", "participation_fee": lump, "activity_fee": 0.0}
        found: Settlement = solve(without_records(case), planner=planner, misreports=0, **terms).contracts
    return found


def least(case: JointPlanCase, found: Settlement, lump: float, without: set[str]) -> float:
    """Return what all but the lost one pay at the least, lump sums with it, where some take no part, and others may."""
    others = [name for name in case.suppliers if name not in without]
    costs = []
    for count in range(len(others) + 1):
        for there in combinations(others, count):
            absent = [name for name in case.suppliers if name not in there]
            planned = joint(case, baseline=found.start, non_participants=absent).objective
            costs.append(planned + sum(found.baseline_costs[name] for name in absent if name != GONE) + lump * count)
    return min(costs)


@pytest.fixture(scope="module")
def saved(case: JointPlanCase) -> float:
    """What all save together, nobody lost and nothing paid for taking part."""
    return settled(case, 10**6, 0.0, False).savings


@pytest.mark.parametrize("shuffle", [False, True], ids=["one by one", "in turn"])
@pytest.mark.parametrize("steps", [4, 60], ids=["in the first plan", "later"])
def test_those_who_are_left_gain_what_clarke_payments_with_lump_sums_leave_them(
    case: JointPlanCase, saved: float, steps: int, shuffle: bool
) -> None:
    lump = 0.05 * saved
    found = settled(case, steps, lump, shuffle)
    assert found.lost == found.non_participants == (GONE,)
    assert (found.transfers[GONE], found.net_gains[GONE], found.fees[GONE]) == (0.0, 0.0, 0.0)
    others = [name for name in case.suppliers if name != GONE]
    total = least(case, found, lump, {GONE})
    assert found.plan_cost - found.baseline_costs[GONE] + 2 * lump == pytest.approx(total, abs=2 * GAP * saved)  # both take part
    for name in others:
        assert found.net_gains[name] == pytest.approx(least(case, found, lump, {GONE, name}) - total, abs=4 * GAP * saved)
    assert all(found.fees[name] >= lump * (1 - 1e-9) for name in others)  # and for whoever would take no part without him


@pytest.mark.parametrize("shuffle", [False, True], ids=["one by one", "in turn"])
def test_a_lump_sum_above_what_is_saved_leaves_everybody_at_the_baseline(
    case: JointPlanCase, saved: float, shuffle: bool
) -> None:
    found = settled(case, 4, 2.0 * saved, shuffle)
    assert set(found.non_participants) == set(case.suppliers)
    assert GONE in found.lost
    assert set(found.transfers.values()) == {0.0}
    assert found.savings == pytest.approx(0.0, abs=1e-9 * found.baseline_cost)
