"""A coordinator that is cut short and goes on: the same plan as without, and refused for anything else than the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.agents_at_home import SMALL, Firms, Parabola, usual_plan
from support.command_line import Run
from support.consensus import certified, savings
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Consensus, Round, network
from veridical.solvers.planners import Central

START = usual_plan(SMALL)
RUNS: tuple[tuple[tuple[str, ...], float], ...] = (((), 0.0), (("Birch",), 0.0), ((), 2.0), ((), 0.5))  # who is left out; the fee


class CutShortError(Exception):
    """The coordinator ends here."""


def parabolas() -> dict[str, Any]:
    """Return agents without any memory, so that what a run comes to depends on the coordinator's state alone."""
    return {name: Parabola(np.linspace(5, 40, len(SMALL.shared.share(name))) * k, 1.0 + k) for k, name in enumerate(SMALL.names)}


def cutting(rounds: int) -> Any:
    """Return a callback that ends the coordinator after so many rounds, counted over all plans."""
    left = iter(range(rounds))

    def callback(at: Round) -> None:
        if next(left, None) is None:
            raise CutShortError

    return callback


def planner(state: Path, agents: Any = None, callback: Any = None, **options: Any) -> Consensus:
    usual = {"gap": 1e-8, "state": str(state)}
    return Consensus({"solver": "consensus", "options": usual | options}, agents=agents, callback=callback)


def plans(coordinator: Consensus, case: JointPlanCase = SMALL) -> Iterator[Any]:
    for absent, fee in RUNS:
        yield coordinator.plan(case, START, absent, fee)


@pytest.mark.parametrize("after", [1, 4, 15, 40, 70])
def test_a_run_that_goes_on_is_the_run_that_was_not_cut_short_to_the_last_digit(tmp_path: Path, after: int) -> None:
    """Cut in the first plan, in one without a party, and in one with a fee; over-relaxation, acceleration and weights go on."""
    state = tmp_path / "run.state"
    with Consensus({"solver": "consensus", "options": {"gap": 1e-8}}, agents=parabolas()) as whole:
        expected = list(plans(whole))
    assert sum(len(plan.progress.rounds) for plan in expected) > 70
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(after)) as first:
        list(plans(first))
    asked = state.stat().st_size
    with planner(state, parabolas(), resume=True) as second:
        found = list(plans(second))
    assert asked > 1000
    assert not state.exists()  # there is nothing left to go on with
    for plan, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(plan.units, other.units)
        np.testing.assert_array_equal(plan.prices, other.prices)
        assert (plan.bound, plan.costs, plan.progress.rounds) == (other.bound, other.costs, other.progress.rounds)


def test_agents_are_not_asked_again_what_they_have_answered(tmp_path: Path) -> None:
    state, agents = tmp_path / "run.state", parabolas()
    with pytest.raises(CutShortError), planner(state, agents, cutting(10)) as first:
        list(plans(first))
    asked: list[str] = []

    class Counted(Parabola):
        def respond(self, *arguments: Any) -> Any:
            asked.append("respond")
            return super().respond(*arguments)

    counted = {name: Counted(agent.target, agent.curve) for name, agent in parabolas().items()}
    with planner(state, counted, cutting(12), resume=True) as second, pytest.raises(CutShortError):
        list(plans(second))
    assert len(asked) == 3 * 2  # in rounds 12 and 13, of three agents; eleven were kept


def test_plans_made_in_turn_go_on_in_the_orders_that_were_drawn_for_them(tmp_path: Path) -> None:
    """And records of our own come to the last digit too: what an agent answers does not depend on what it was asked before."""
    state, absences = tmp_path / "run.state", [(), *((name,) for name in SMALL.suppliers)]
    with planner(tmp_path / "whole.state", shuffle=True) as whole:
        expected = list(whole.plan_each(SMALL, START, absences))
    for after in (3, 20):
        with pytest.raises(CutShortError), planner(state, None, cutting(after), shuffle=True) as first:
            list(first.plan_each(SMALL, START, absences))
        with planner(state, None, shuffle=True, resume=True) as second:
            found = list(second.plan_each(SMALL, START, absences))
        for plan, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(plan.units, other.units)
            assert (plan.bound, plan.costs) == (other.bound, other.costs)


def test_records_of_our_own_go_on_to_a_certified_plan_in_process(tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    central = Central().plan(SMALL, START)
    with pytest.raises(CutShortError), planner(state, None, cutting(7), gap=1e-5) as first:
        first.plan(SMALL, START)
    with planner(state, None, gap=1e-5, resume=True) as second:
        found = second.plan(SMALL, START)
    assert len(found.progress.rounds) > 7
    certified(found, central.objective, savings(SMALL, START, central), 1e-5)


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_a_file_that_a_crash_cut_in_mid_record_goes_on_from_the_record_before(tmp_path: Path, cut: int) -> None:
    state = tmp_path / "run.state"
    with Consensus({"solver": "consensus", "options": {"gap": 1e-8}}, agents=parabolas()) as whole:
        expected = whole.plan(SMALL, START)
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(6)) as first:
        first.plan(SMALL, START)
    state.write_bytes(state.read_bytes()[:-cut])
    with planner(state, parabolas(), resume=True) as second:
        np.testing.assert_array_equal(second.plan(SMALL, START).units, expected.units)


@pytest.mark.parametrize(
    ("options", "case", "message"),
    [
        ({"gap": 1e-4}, SMALL, r"run\.state: options\.gap: got 0\.0001; allowed: 1e-08, the interrupted run's"),
        ({"rounds": 100}, SMALL, r"options\.rounds: got 100; allowed: 500, the interrupted run's"),
        ({}, SMALL.changed(name="spring"), r"case: got 'spring'; allowed: pilot"),
        (
            {},
            SMALL.reporting("Alder", SMALL.party("Alder").scaled("cost", 1.1)),
            r"record of Alder: got <another record of Alder>; allowed: the interrupted run's",
        ),
        ({}, SMALL.changed(truck_volume=81.0), r"routes, products, sites and weeks: got <another"),
    ],
)
def test_another_case_and_other_options_are_refused_by_name(
    tmp_path: Path, options: dict[str, Any], case: JointPlanCase, message: str
) -> None:
    state = tmp_path / "run.state"
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(3)) as first:
        first.plan(SMALL, START)
    before = state.read_bytes()
    with pytest.raises(InputError, match=message), planner(state, parabolas(), resume=True, **options) as second:
        second.plan(case, START)
    assert state.read_bytes() == before


def test_another_baseline_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(3)) as first:
        first.plan(SMALL, START)
    second = planner(state, parabolas(), resume=True)
    with pytest.raises(InputError, match=r"options\.state: got <other questions"), second:
        second.plan(SMALL, START + 1.0)


def test_how_questions_travel_may_differ(tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(3)) as first:
        first.plan(SMALL, START)
    with planner(state, parabolas(), resume=True, timeout=17.0, absence=3.0) as second:
        assert second.plan(SMALL, START).progress.converged


def test_a_state_is_not_overwritten_and_none_is_not_gone_on_with(tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    with pytest.raises(InputError, match=r"options\.resume: got True; allowed: a run that was interrupted"):
        planner(state, parabolas(), resume=True).plan(SMALL, START)
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(3)) as first:
        first.plan(SMALL, START)
    before = state.read_bytes()
    with pytest.raises(InputError, match=r"options\.state: got .*; allowed: no state of an interrupted run"):
        planner(state, parabolas()).plan(SMALL, START)
    assert state.read_bytes() == before
    state.write_text("something else, of some length")
    with pytest.raises(InputError, match=r"options\.state: got <a damaged file>; allowed: a state as it was written"):
        planner(state, parabolas(), resume=True).plan(SMALL, START)


def test_a_state_is_for_this_user_alone(tmp_path: Path) -> None:
    state = tmp_path / "run.state"
    with pytest.raises(CutShortError), planner(state, parabolas(), cutting(1)) as first:
        first.plan(SMALL, START)
    assert state.stat().st_mode & 0o777 == 0o600


FEWER = ("--set", "misreports=0")
COORDINATOR = """
import os, signal, sys
import numpy as np
from support.agents_at_home import Firms, SMALL, usual_plan
from pathlib import Path
folder, port, resume, kill = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "resume", int(sys.argv[4])
firms = Firms(folder, port=port)
def callback(at):
    if at.round == kill:
        os.kill(os.getpid(), signal.SIGKILL)
with firms.planner(callback, gap=1e-6, state=str(folder / "run.state"), resume=resume) as planner:
    plan = planner.plan(SMALL, usual_plan(SMALL))
np.save(folder / "units.npy", plan.units)
"""


def test_a_coordinator_that_is_killed_goes_on_with_the_agents_that_waited_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agents at home go on where they were, so that the plan is that of an uninterrupted run."""
    monkeypatch.setattr(network, "PAUSES", (0.02, 0.05))
    with Consensus({"solver": "consensus", "options": {"gap": 1e-6}}) as whole:
        expected = whole.plan(SMALL, START)
    firms = Firms(tmp_path)
    firms.start_all()
    root = Path(__file__).parents[2]

    def coordinator(how: str, kill: int) -> int:
        command = [sys.executable, "-c", COORDINATOR, str(tmp_path), str(firms.port), how, str(kill)]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(root)}, timeout=120, check=False).returncode

    assert coordinator("anew", 9) == -9
    assert all(home.answered < 0 for home in firms.homes.values())  # they wait
    assert coordinator("resume", 0) == 0
    for home in firms.homes.values():
        assert home.ended() == ""
    np.testing.assert_allclose(np.load(tmp_path / "units.npy"), expected.units, rtol=1e-9, atol=1e-9)


def test_the_command_line_goes_on_with_a_run_of_which_a_state_is_kept(run: Run, tmp_path: Path) -> None:
    SMALL.save(tmp_path / "case")
    lines = "solver = 'consensus'\n[options]\nstate = 'run.state'\n"
    Path("consensus.toml").write_text(f"{lines}rounds = 3\n", encoding="utf-8")
    status, _, err = run("solve", "case", "--solver", "consensus.toml", "--resume")
    assert status == 2
    assert "options.resume: got True; allowed: a run that was interrupted" in err
    status, _, err = run("solve", "case", "--resume")
    assert status == 2
    assert "--resume: got True; allowed: with --solver FILE.toml of a consensus" in err
    assert run("solve", "case", "--solver", "consensus.toml", *FEWER)[0] == 3  # out of rounds: the state is left
    assert Path("run.state").exists()
    status, _, err = run("solve", "case", "--solver", "consensus.toml")
    assert status == 2
    assert "to go on with it, resume (--resume)" in err
    Path("consensus.toml").write_text(f"{lines}rounds = 200\n", encoding="utf-8")
    status, _, err = run("solve", "case", "--solver", "consensus.toml", "--resume")
    assert status == 2
    assert "options.rounds: got 200; allowed: 3, the interrupted run's" in err
    Path("run.state").unlink()
    assert run("solve", "case", "--solver", "consensus.toml", *FEWER)[0] == 0
    assert not Path("run.state").exists()
