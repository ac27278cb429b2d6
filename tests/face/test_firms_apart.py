"""From `split` to the result: agents of separate firms over TLS; the same plan and transfers as with all records in one hand."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.command_line import Run, is_picture
from support.consensus import consensus
from support.homes import Answering
from support.ports import free_port
from veridical.data import InputError
from veridical.data.errors import shown
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.families.joint_plan import solve
from veridical.firms.splitting import split
from veridical.solvers.consensus import network
from veridical.solvers.consensus.home import HomeAgent
from veridical.studies.pilot import run as roll

SAME = 1e-9
TERMS: list[dict[str, Any]] = [{"pivot": "clarke", "activity_fee": 0.5}, {"pivot": "baseline", "activity_fee": 0.0}]


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=3)


@pytest.fixture
def firms(case: JointPlanCase, tmp_path: Path) -> Path:
    return split(case, tmp_path / "firms", port=free_port())


@pytest.fixture
def settings(firms: Path) -> str:
    return str(firms / "coordinator" / "consensus.toml")


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_a_plan_of_separate_firms_is_that_of_all_records(
    case: JointPlanCase, firms: Path, settings: str, terms: dict[str, Any]
) -> None:
    with consensus() as planner:
        known = solve(case, planner=planner, misreports=0, **terms).contracts
    with Answering(firms, case.names) as answering:
        solution = vd.solve(vd.load(firms / "coordinator"), solver=settings, misreports=0, **terms)
    told = solution.contracts
    np.testing.assert_allclose(told.units, known.units, rtol=SAME, atol=SAME)
    for figure in ("transfers", "costs", "baseline_costs", "fees"):
        assert getattr(told, figure) == pytest.approx(getattr(known, figure), rel=SAME, abs=SAME)
    assert str(solution.status) == "optimal"
    assert all(isinstance(count, int) and count > 0 for count in answering.ended.values())


def test_weeks_of_separate_firms_are_those_of_all_records(case: JointPlanCase, firms: Path, settings: str) -> None:
    known = roll(case, planner=consensus)
    with Answering(firms, case.names):
        told = roll(vd.load(firms / "coordinator"), planner=lambda: vd.solvers.consensus.Consensus(settings))
    for column in ("baseline_cost", "cost", "transfer", "fee", "net_gain"):
        np.testing.assert_allclose(told.table[column], known.table[column], rtol=SAME, atol=SAME * known.total["baseline_cost"])


def test_the_commands_of_a_coordinator(case: JointPlanCase, firms: Path, settings: str, run: Run) -> None:
    with Answering(firms, case.names, misreports=True):
        status, out, err = run(
            *("solve", str(firms / "coordinator"), "--solver", settings, "--set", "misreports=2"),
            *("--json", "plan.json", "--plot", "plan.png", "--menu", "plan.csv"),
        )
    assert status == 0, err
    assert "records kept at home: retailer, Alder, Birch; costs are what their agents say" in " ".join(out.split())
    assert "none of 2 misreports gains" in " ".join(out.split())
    record = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    assert (record["at_home"], record["status"]) == (list(case.names), "optimal")
    assert record["audit"]["properties"]["dominant_strategy_ic"]["holds"] is True
    assert record["audit"]["properties"]["group_ic"] | {"worst": None} == record["audit"]["properties"]["group_ic"]
    assert record["audit"]["properties"]["group_ic"]["holds"] is None
    assert is_picture("plan.png")
    assert Path("plan.csv").read_text(encoding="utf-8").count("\n") == 1 + len(case.shared.flows)


def test_the_pilot_of_a_coordinator_resumes(case: JointPlanCase, firms: Path, settings: str, run: Run) -> None:
    command = ("pilot", str(firms / "coordinator"), "--solver", settings, "--out", "weeks", "--json", "pilot.json")
    with Answering(firms, case.names, service=True):
        status, out, err = run(*command, "--plot", "pilot.png")
    assert status == 0, err
    first = json.loads(Path("pilot.json").read_text(encoding="utf-8"))
    assert first["total"]["service_level"]["joint"] > 0.5
    assert is_picture("pilot.png")
    (Path("weeks") / "week-2.json").unlink()
    with Answering(firms, case.names, service=True):  # other agents, who go on from what is in their folders
        status, again, err = run(*command)
    assert status == 0, err
    assert "week 1: read from the folder" in err
    assert again == out


def test_nothing_of_a_record_is_in_what_is_logged_but_answers(case: JointPlanCase, firms: Path, settings: str) -> None:
    with Answering(firms, case.names):
        vd.solve(vd.load(firms / "coordinator"), solver=settings, misreports=0)
    for name in case.names:
        lines = [json.loads(line) for line in (firms / name / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {line["party"] for line in lines} == {name}
        assert {line["method"] for line in lines} <= {"respond", "best", "cost", "marginal", "fix", "step"}
        keys = {"time", "party", "number", "method", "arguments", "answered", "value", "plan", "slope"}
        assert set().union(*lines) == keys


# --- the agent's command ---


def test_an_agent_says_who_it_is_and_whom_it_answers(case: JointPlanCase, firms: Path, settings: str, run: Run) -> None:
    others = [name for name in case.names if name != "Alder"]
    solved: list[Any] = []
    coordinator = Thread(
        target=lambda: solved.append(vd.solve(vd.load(firms / "coordinator"), solver=settings, misreports=0)), daemon=True
    )
    with Answering(firms, others) as answering:
        coordinator.start()
        status, out, err = run("agent", str(firms / "Alder"), "--coordinator", answering.url, "--log", "alder.jsonl")
    coordinator.join(60)
    assert (status, out) == (0, "")
    assert len(solved) == 1
    lines = err.splitlines()
    assert lines[0] == f"Alder, vendor: {len(case.part('Alder').shared.flows)} flows with retailer"
    assert lines[1] == f"connects to {answering.url}, known by {firms / 'Alder' / 'certificate.pem'}"
    answers = len(Path("alder.jsonl").read_text(encoding="utf-8").splitlines())
    assert lines[-1] == f"Alder: {answers:,} answers"
    assert (firms / "Alder" / "token").read_text(encoding="utf-8").strip() not in err


def test_an_agent_of_no_folder_is_refused(case: JointPlanCase, firms: Path, run: Run) -> None:
    def refused(folder: Path | str, *options: str) -> str:
        status, out, err = run("agent", str(folder), "--coordinator", "https://localhost:9", *options)
        assert (status, out) == (2, "")
        return err

    assert refused("nowhere") == (
        "veridical: DIR: got 'nowhere'; allowed: the folder of a party, as `veridical split` writes it\n"
    )
    assert "parties: got <no record>; allowed: the record of one party" in refused(firms / "coordinator")
    case.save("whole")
    assert "parties: got <records of retailer, Alder, Birch>; allowed: the record of one party" in refused("whole")
    token = firms / "Alder" / "token"
    for text in ("", "two words", "x"):
        token.write_text(text, encoding="utf-8")
        assert "token: got <something else>; allowed: the one line that `veridical split` wrote" in refused(firms / "Alder")
    token.unlink()
    assert "a readable token (No such file or directory)" in refused(firms / "Alder")
    assert "noise: got 0.7; allowed: a number from 0 to 0.5" in refused(firms / "Birch", "--noise", "0.7")
    assert "noise: got 0.1; allowed: 0 for a receiver" in refused(firms / "retailer", "--noise", "0.1")
    assert "ca: got 'other.pem'" in refused(firms / "Birch", "--ca", "other.pem")


def test_an_agent_that_stays_waits_for_the_next_run(firms: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []

    def served(agent: HomeAgent, *, party: str, **options: Any) -> int:
        runs.append(party)
        if len(runs) == 3:
            raise InputError.of("coordinator", options["coordinator"], "a coordinator that takes this agent")
        return 7

    monkeypatch.setattr(network, "serve_party", served)
    assert run("agent", str(firms / "Alder"), "--coordinator", "https://localhost:9")[0] == 0
    assert runs == ["Alder"]
    status, _, err = run("agent", str(firms / "Alder"), "--coordinator", "https://localhost:9", "--stay")
    assert (status, runs) == (2, ["Alder"] * 3)
    assert err.splitlines()[-2] == "Alder: 7 answers"


def test_two_agents_of_one_folder_are_one_too_many(firms: Path, run: Run) -> None:
    with vd.data.files.locked(firms / "Alder"):
        status, _, err = run("agent", str(firms / "Alder"), "--coordinator", "https://localhost:9")
    assert status == 2
    assert f"DIR: got {shown(str(firms / 'Alder'))}; allowed: a folder in which no other run is at work" in err


def test_a_coordinator_without_its_firms_says_who_is_missing(case: JointPlanCase, firms: Path, run: Run) -> None:
    path = firms / "coordinator" / "consensus.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}absence = 0.2\n", encoding="utf-8")
    status, out, err = run("solve", str(firms / "coordinator"), "--solver", str(path))
    assert (status, out) == (3, "")
    assert "not connected yet: retailer, Alder, Birch" in err
