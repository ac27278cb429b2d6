"""Agents who always answer late: as long as patience lasts each answer counts, for the plan that it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from veridical.contracts.joint_plan.planner import Plan
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Consensus, Question
from veridical.solvers.consensus.carriers import AgentSpec, InProcessWorkers
from veridical.solvers.consensus.parties import Parties

CASE = pilot(vendors=2, sites=1, regions=2, products=2, weeks=2, seed=3)
NEVER = 10**6
MOST = 100  # times that anybody is waited for: a run that gives nobody up fails, and does not go on for ever


class Late(InProcessWorkers):
    """Agents of whom the first supplier's takes so long that an answer comes the `turns`-th time that it is waited for.

    hangs: after how many answers it takes for ever.
    """

    turns = 1
    hangs = NEVER
    under_way: Question | None = None
    waited = 0

    def ask(self, questions: Mapping[str, Question]) -> Any:
        name = CASE.suppliers[0]
        replies = super().ask({other: question for other, question in questions.items() if other != name})
        if name in questions and name not in self.dead:
            self.under_way, self.waited = self.under_way or questions[name], self.waited + 1
            assert self.waited <= MOST
            if self.waited == self.turns and self.hangs:
                replies |= super().ask({name: self.under_way})
                self.under_way, self.waited, self.hangs = None, 0, self.hangs - 1
        return replies


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> type[Late]:
    """The carrier of all agents of a test; how late one is stands in its class."""

    class Used(Late):
        pass

    def opened(parties: Parties, case: JointPlanCase, starts: dict[str, AgentSpec]) -> Late:
        return Used(starts)

    monkeypatch.setattr(Parties, "open", opened)
    return Used


def plans(patience: int, shuffle: bool) -> list[Plan]:
    with Consensus({"solver": "consensus", "options": {"patience": patience, "shuffle": shuffle}}) as planner:
        start = planner.baseline(CASE)
        return list(planner.plan_each(CASE, start, [(), *((name,) for name in CASE.suppliers)]))


@pytest.mark.parametrize(("turns", "patience"), [(3, 3), (4, 10)])
def test_who_is_always_late_counts_in_every_plan_alike_whether_they_are_made_in_turn_or_one_by_one(
    workers: type[Late], turns: int, patience: int
) -> None:
    workers.turns = turns
    in_turn, alone = (plans(patience, shuffle) for shuffle in (True, False))
    for one, other in zip(in_turn, alone, strict=True):
        assert one.progress is not None
        assert other.progress is not None
        assert (one.lost, one.progress.converged, len(one.progress.rounds)) == ((), True, len(other.progress.rounds))
        np.testing.assert_array_equal(one.units, other.units)


@pytest.mark.parametrize(("answers", "waits"), [(6, 5), (7, 5), (8, 4), (9, 4)])  # the first two: what proofs need
def test_who_hangs_is_lost_when_patience_is_over_whatever_he_was_asked(workers: type[Late], answers: int, waits: int) -> None:
    workers.hangs, late = answers, CASE.suppliers[0]
    with Consensus({"solver": "consensus", "options": {"patience": 3}}) as planner:
        plan = planner.plan(CASE, planner.baseline(CASE))
        assert isinstance(planner.workers, Late)
        assert (plan.lost, planner.workers.waited) == ((late,), waits)
