"""A rolling run of separate firms over TLS, of whom a vendor is killed for good, or his agent fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.command_line import Run, is_picture
from support.homes import Answering
from support.ports import free_port
from veridical.data.joint_plan import pilot
from veridical.firms.splitting import split
from veridical.solvers.consensus import Answer
from veridical.solvers.consensus.home import HomeAgent
from veridical.studies.pilot import run as roll

CASE = pilot(vendors=2, sites=2, regions=1, products=1, weeks=2, seed=3)
GONE = "Birch"


@pytest.fixture
def firms(tmp_path: Path) -> Path:
    """Return the folders of the firms; who is not connected is waited for for three seconds."""
    folder = split(CASE, tmp_path / "firms", port=free_port())
    settings = folder / "coordinator" / "consensus.toml"
    settings.write_text(f"{settings.read_text(encoding='utf-8')}absence = 3.0\n", encoding="utf-8")
    return folder


def test_a_vendor_that_is_killed_for_good_is_named_and_held_at_the_baseline(firms: Path) -> None:
    answering = Answering(firms, [name for name in CASE.names if name != GONE])
    command = [sys.executable, "-m", "veridical", "agent", str(firms / GONE), "--coordinator", answering.url]
    vendor = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert vendor.stderr is not None
    try:
        while "trying again" not in (line := vendor.stderr.readline()):  # it is up, and looks for the coordinator
            assert line, "the agent has ended"
        settings = str(firms / "coordinator" / "consensus.toml")
        with answering, pytest.warns(UserWarning, match=rf"week 2: lost {GONE}, held .*has not been connected for 3 s"):
            found = roll(
                vd.load(firms / "coordinator"),
                planner=lambda: vd.solvers.consensus.Consensus(settings),
                callback=lambda week, seconds, saved: vendor.kill(),
            )
    finally:
        vendor.kill()
        vendor.wait()
        vendor.stderr.close()
    assert found.lost == {GONE: 2}
    assert found.table["cost"].isna().to_dict() == {(week, name): (week, name) == (2, GONE) for week, name in found.table.index}


def test_the_command_says_who_was_lost_and_ends_with_status_3_unless_that_is_accepted(
    firms: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = HomeAgent.execute

    def failing(agent: HomeAgent, plan: Any) -> Answer:
        if agent.whole.record.name == GONE and agent._week == 2:
            raise RuntimeError("the planning system is down")
        return executed(agent, plan)

    monkeypatch.setattr(HomeAgent, "execute", failing)
    settings = firms / "coordinator" / "consensus.toml"
    command = ("pilot", str(firms / "coordinator"), "--solver", str(settings), "--out", "weeks")
    with Answering(firms, CASE.names):
        status, out, err = run(*command, "--json", "pilot.json", "--plot", "pilot.png", "--report", "pilot.html")
    assert status == 3
    assert f"week 2: lost {GONE}, held at the just-in-time baseline" in " ".join(err.split())
    assert "incomplete, a party was lost, and the plan is without it" in " ".join(err.split())
    assert f"{GONE} from week 2 on" in " ".join(out.split())
    record = json.loads(Path("pilot.json").read_text(encoding="utf-8"))
    assert (record["status"], record["lost"]) == ("incomplete", {GONE: 2})
    assert is_picture("pilot.png")
    assert f"{GONE} from week 2 on" in Path("pilot.html").read_text(encoding="utf-8")
    settings.write_text(f'accept = "incomplete"\n{settings.read_text(encoding="utf-8")}', encoding="utf-8")
    (Path("weeks") / "week-2.json").unlink()
    Path("weeks").rename("before")
    with Answering(firms, CASE.names):
        assert run("pilot", str(firms / "coordinator"), "--solver", str(settings))[0] == 0
