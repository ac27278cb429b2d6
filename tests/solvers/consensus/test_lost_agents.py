"""Agents whose answers are late or lost, or whose process is killed; agents on a cluster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from support.consensus import certified, consensus, savings
from veridical.contracts.joint_plan.planner import Plan
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus, NoAnswer, PartyAgent, Question, Round
from veridical.solvers.consensus.carriers import AgentSpec, InProcessWorkers
from veridical.solvers.consensus.parties import Parties
from veridical.solvers.planners import Central

Array = NDArray[np.float64]


@dataclass
class Unreliable:
    """An agent that answers some questions for steps only: `answers` says which, in order."""

    agent: PartyAgent
    answers: Iterator[bool]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.agent, name)

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        if not next(self.answers):
            raise NoAnswer
        return self.agent.respond(plan, price, rho)


def at_random(seed: int, lost: float) -> Iterator[bool]:
    rng = np.random.default_rng(seed)
    while True:
        yield bool(rng.random() >= lost)


def test_lost_and_slow_answers_leave_no_bias(
    network: JointPlanCase, baseline: Array, central_plan: Plan, agreed_plan: Plan
) -> None:
    saved = savings(network, baseline, central_plan)
    lossy = {name: Unreliable(PartyAgent(network.part(name)), at_random(k, 0.3)) for k, name in enumerate(network.names)}
    slow = {
        network.suppliers[0]: Unreliable(PartyAgent(network.part(network.suppliers[0])), itertools.cycle([False] * 4 + [True]))
    }
    for agents in (lossy, slow):
        found = Consensus(agents=agents).plan(network, baseline)
        certified(found, central_plan.objective, saved)
        assert found.progress.lost == ()
        assert found.progress.warnings == ()
        assert len(found.progress.rounds) >= len(agreed_plan.progress.rounds)


class Delayed(InProcessWorkers):
    """Agents of whom one answers four rounds late, to the question of then."""

    name: str
    held: tuple[int, Any] = (0, None)

    def ask(self, questions: Mapping[str, Question]) -> Any:
        mine = {name: question for name, question in questions.items() if name == self.name and question.method == "respond"}
        found = super().ask({name: question for name, question in questions.items() if name not in mine})
        if mine:
            count, reply = self.held
            reply = reply or super().ask(mine)[self.name]
            found |= {self.name: reply} if count == 4 else {}
            self.held = (0, None) if count == 4 else (count + 1, reply)
        return found


@pytest.mark.parametrize("name", ["Alder", "retailer"])
def test_answers_that_come_rounds_late_leave_no_bias(
    name: str, network: JointPlanCase, baseline: Array, central_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(parties: Parties, case: JointPlanCase, starts: dict[str, AgentSpec]) -> Delayed:
        workers = Delayed(starts)
        workers.name = name
        return workers

    monkeypatch.setattr(Parties, "open", late)
    found = consensus().plan(network, baseline)
    certified(found, central_plan.objective, savings(network, baseline, central_plan))


def test_too_slow_is_warned_of_and_lost_for_good_reverts_to_the_baseline(network: JointPlanCase, baseline: Array) -> None:
    gone = network.suppliers[1]
    silent = itertools.chain([True] * 8, itertools.repeat(False))
    found = Consensus(agents={gone: Unreliable(PartyAgent(network.part(gone)), silent)}).plan(network, baseline)
    expected = Central().plan(network, baseline, non_participants=[gone])
    before = Central().costs(network, baseline)
    share = network.shared.share(gone)
    np.testing.assert_array_equal(found.units[share], baseline[share])
    certified(found, expected.objective + before[gone], sum(before.values()) - expected.objective - before[gone])
    assert found.progress.lost == (gone,)
    assert [text.split(":")[0] for text in found.progress.warnings] == [
        f"{gone} has not answered for 5 rounds",
        f"{gone} is lost and reverts to the baseline; the rest was planned again",
    ]


def test_a_lost_receiver_or_stop_end_with_the_last_certified_plan(
    network: JointPlanCase, baseline: Array, central_plan: Plan
) -> None:
    for gone, options in (("retailer", {}), (network.suppliers[0], {"when_lost": "stop"})):
        agents = {gone: Unreliable(PartyAgent(network.part(gone)), itertools.chain([True] * 11, itertools.repeat(False)))}
        found = Consensus({"solver": "consensus", "options": options}, agents=agents).plan(network, baseline)
        assert not found.progress.converged
        assert found.progress.lost == (gone,)
        assert found.bound <= central_plan.objective <= found.objective < sum(Central().costs(network, baseline).values())
        assert Central().costs(network, found.units) == pytest.approx(dict(found.costs), rel=1e-6)


class Killer:
    """Kills the process of a party's agent in round 7."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.planner: Consensus

    def __call__(self, at: Round) -> None:
        if at.round == 7:
            workers: Any = self.planner.workers
            workers.processes[self.name].kill()
            workers.processes[self.name].join()


def test_in_processes_an_agent_that_is_killed_comes_back_or_is_held() -> None:
    case = pilot(vendors=2, sites=2, regions=2, products=2, weeks=4)
    start = Central().baseline(case)
    before, gone = Central().costs(case, start), case.suppliers[1]
    killer = Killer(gone)
    options = {"workers": "processes", "restarts": 1, "timeout": 60}
    with Consensus({"solver": "consensus", "options": options}, callback=killer) as planner:
        killer.planner = planner
        back = planner.plan(case, start)  # started anew once
        held = planner.plan(case, start)  # and not a second time
    optimum = Central().plan(case, start).objective
    certified(back, optimum, sum(before.values()) - optimum)
    assert back.progress.lost == ()
    assert len(back.progress.rounds) > 7
    optimum = Central().plan(case, start, non_participants=[gone]).objective + before[gone]
    assert held.progress.lost == (gone,)
    np.testing.assert_array_equal(held.units[case.shared.share(gone)], start[case.shared.share(gone)])
    certified(held, optimum, sum(before.values()) - optimum)


@pytest.mark.filterwarnings("default")  # what the cluster's own threads leave open when it closes
def test_on_a_dask_cluster(network: JointPlanCase, baseline: Array, agreed_plan: Plan) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        Consensus({"solver": "consensus", "options": {"workers": "dask"}}, client=client) as planner,
    ):
        found = planner.plan(network, baseline)
    np.testing.assert_allclose(found.units, agreed_plan.units, atol=1e-6)
    assert found.bound == pytest.approx(agreed_plan.bound, rel=1e-9)
