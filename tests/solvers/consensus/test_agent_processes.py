"""Agents in processes of their own: late answers, and errors that tell no secrets."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Options, Question
from veridical.solvers.consensus.carriers import AgentSpec, Processes
from veridical.solvers.consensus.exchange import Exchange, PublicCase
from veridical.solvers.planners import Central

Array = NDArray[np.float64]

AGENTS = """
import gc
import os
import pathlib
import signal
import time
from multiprocessing.connection import Connection

from veridical.solvers.consensus import Answer, PartyAgent


class Slow(PartyAgent):
    def cost(self, plan):
        time.sleep(0.5)
        return super().cost(plan)


class Secretive(PartyAgent):
    def cost(self, plan):
        raise ValueError("production_capacity is 1234.5")


class Bomb:
    # runs where it is unpickled
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(__file__).with_name("bomb"),)


class Answers(PartyAgent):
    def cost(self, plan):
        return Bomb()


class Hides(PartyAgent):
    def cost(self, plan):
        return Answer(1.0, Bomb())


class Writes(PartyAgent):
    # writes into the pipe itself
    def cost(self, plan):
        for pipe in [thing for thing in gc.get_objects() if isinstance(thing, Connection)]:
            self.write(pipe)
        time.sleep(1000)


class Pickles(Writes):
    def write(self, pipe):
        pipe.send(Bomb())


class Floods(Writes):
    def write(self, pipe):
        pipe.send_bytes(bytes(10**7))


class Stops(Writes):
    def write(self, pipe):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(pipe.fileno(), bytes(2))


class Dies(PartyAgent):
    def cost(self, plan):
        os._exit(78)


class Exits(PartyAgent):
    def cost(self, plan):
        raise SystemExit("production_capacity is 1234.5")


class Unreadable(PartyAgent):
    def __setstate__(self, state):
        raise KeyboardInterrupt("production_capacity is 1234.5")


class Unwritable(PartyAgent):
    def __getstate__(self):
        raise ValueError("production_capacity is 1234.5")
"""


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module that other processes find too: of an agent that thinks for a while, and one whose error tells secrets."""
    (tmp_path / "agents_of_ours.py").write_text(AGENTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "agents_of_ours", raising=False)  # of another test
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


def ask(case: JointPlanCase, agent: Any, timeout: float = 60) -> tuple[Processes, Any]:
    """Return the workers with one agent in a process, and what it answers when it is asked for a cost."""
    name = case.suppliers[0]
    share = case.shared.share(name)
    workers = Processes({name: AgentSpec(agent=agent(case.part(name)))}, timeout=60)
    try:
        workers.ask({name: Question("best", (np.zeros(len(share)),))})  # it starts, which takes what it takes
        workers.timeout = timeout
        return workers, workers.ask({name: Question("cost", (np.ones(len(share)),))})
    finally:
        workers.close()


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        ("Secretive", "Alder: its agent ended in ValueError when asked for cost"),
        ("Exits", "Alder: its agent ended in SystemExit when asked for cost"),
        ("Unreadable", "Alder: its agent ended in KeyboardInterrupt when asked for best"),
    ],
)
def test_an_error_inside_an_agent_tells_its_type_alone(network: JointPlanCase, agents: Any, agent: str, message: str) -> None:
    with pytest.raises(NotSolvedError, match=f"^{message}$"):
        ask(network, getattr(agents, agent))


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        ("Answers", "Alder, cost: got <a Bomb>; allowed: an Answer"),
        ("Hides", "Alder, cost: got <plan: Bomb>; allowed: an Answer"),
        ("Pickles", "Alder, cost: got <bytes that are no answer>"),
        ("Floods", "Alder, cost: got <bytes that are no answer>"),
        ("Unwritable", r"agents\.Alder: got <an agent>; allowed: an agent that can be pickled \(ValueError\)"),
    ],
)
def test_nothing_of_an_agent_runs_in_the_coordinator(
    network: JointPlanCase, agents: Any, tmp_path: Path, agent: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as raised:
        ask(network, getattr(agents, agent))
    assert "1234.5" not in str(raised.value)
    assert not (tmp_path / "bomb").exists()
    pickle.loads(pickle.dumps(agents.Bomb()))  # it would have been there
    assert (tmp_path / "bomb").exists()


def test_an_agent_that_dies_or_stops_in_mid_answer_is_lost_or_late(network: JointPlanCase, agents: Any) -> None:
    workers, answer = ask(network, agents.Dies)
    assert (answer, workers.dead) == ({}, {"Alder"})
    workers, answer = ask(network, agents.Stops, timeout=0.5)
    assert (answer, workers.dead) == ({}, set())
    assert workers.processes == {}  # it was ended, whatever it makes of signals


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from veridical.data.joint_plan import pilot\n"
        "from veridical.solvers.consensus import Consensus\n"
        "case = pilot(vendors=2, sites=1, regions=1, products=2, weeks=2)\n"
        'planner = Consensus({"solver": "consensus", "options": {"workers": "processes"}})\n'
        "planner.plan(case, np.zeros(len(case.shared.flows)))\n",
        encoding="utf-8",
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 1
    assert "InputError: consensus: options.workers: got 'processes'; allowed: inline, or a script" in ended.stderr
