"""Agents in processes of their own: late answers, and errors that tell no secrets."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veridical.data import NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Options, Question
from veridical.solvers.consensus.exchange import Exchange, PublicCase
from veridical.solvers.consensus.workers import AgentSpec, Processes
from veridical.solvers.planners import Central

Array = NDArray[np.float64]

AGENTS = """
import time

from veridical.solvers.consensus import PartyAgent


class Slow(PartyAgent):
    def cost(self, plan):
        time.sleep(0.5)
        return super().cost(plan)


class Secretive(PartyAgent):
    def cost(self, plan):
        raise ValueError("production_capacity is 1234.5")
"""


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module that other processes find too: of an agent that thinks for a while, and one whose error tells secrets."""
    (tmp_path / "agents_of_ours.py").write_text(AGENTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("agents_of_ours")


def test_a_late_answer_counts_when_it_comes_as_what_it_is(network: JointPlanCase, baseline: Array, agents: Any) -> None:
    name = network.suppliers[0]
    share = network.shared.share(name)
    first, second = Question("cost", (baseline[share],)), Question("cost", (2 * baseline[share],))
    price = np.zeros(len(share))
    workers = Processes({name: AgentSpec(agent=agents.Slow(network.part(name)))}, timeout=0.01)
    exchange = Exchange(PublicCase.of(network), workers, {}, Options())
    try:
        assert exchange.ask({name: Question("best", (price,))})  # it starts, which takes what it takes
        assert exchange.ask({name: first}) == {}
        workers.timeout = 60
        assert exchange.ask({name: Question("best", (price,))}) == {}  # what came was no answer to this
        question, answer = exchange.ask({name: second})[name]
        np.testing.assert_array_equal(question.arguments[0], baseline[share])
        assert answer.value == pytest.approx(Central().costs(network, baseline, [name])[name], rel=1e-6)
    finally:
        workers.close()


def test_an_error_inside_an_agent_tells_its_type_alone(network: JointPlanCase, baseline: Array, agents: Any) -> None:
    name = network.suppliers[0]
    workers = Processes({name: AgentSpec(agent=agents.Secretive(network.part(name)))}, timeout=60)
    try:
        with pytest.raises(NotSolvedError, match=r"^Alder: its agent ended in ValueError when asked for cost$"):
            workers.ask({name: Question("cost", (baseline[network.shared.share(name)],))})
    finally:
        workers.close()
