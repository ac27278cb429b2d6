"""What is logged: under the logger `veridical`, silent unless somebody listens; on the command line what is asked for."""

import logging
import subprocess
import sys
from typing import Any

import pytest

import veridical as vd
from support.command_line import Run


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """Return what is logged at a level, and under which name."""
    return [f"{record.name}: {record.getMessage()}" for record in caplog.records if record.levelno == level]


def test_a_solve_is_one_line_at_info_and_its_steps_are_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "veridical"):
        vd.solve(vd.example("two-suppliers"), "icds", "highs")
    assert told(caplog, logging.INFO) == ["veridical.solving: icds for two-suppliers: optimal, objective 6965"]
    debug = told(caplog, logging.DEBUG)
    for words in (
        "begins: build icds",
        "begins: compile icds",
        "begins: solve icds by highs",
        "ends: solve icds by highs, after",
    ):
        assert any(words in line for line in debug), words
    assert any(line.startswith("veridical.solving: by highs") and "Certificate(primal residual " in line for line in debug)
    assert told(caplog, logging.WARNING) == []


def test_rounds_of_a_consensus_are_logged_with_their_gap(caplog: pytest.LogCaptureFixture) -> None:
    plan = vd.data.joint_plan.pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)
    with caplog.at_level(logging.DEBUG, "veridical"):
        vd.solve(plan, solver="consensus", misreports=0)
    rounds = [line for line in told(caplog, logging.DEBUG) if "consensus round " in line]
    assert len(rounds) >= 2
    assert "gap" in rounds[-1]


def test_a_library_prints_nothing_and_needs_no_handler() -> None:
    code = "import veridical as vd, logging\nvd.solve(vd.example('two-suppliers'))\n"
    code += "assert [type(one).__name__ for one in logging.getLogger('veridical').handlers] == ['NullHandler']\n"
    code += "logging.getLogger('veridical').warning('nobody listens')\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_command_line_says_what_is_asked_for(run: Run) -> None:
    quiet = run("solve", "two-suppliers", "--json", "-")
    assert quiet[2] == ""
    status, out, err = run("--log", "info", "solve", "two-suppliers", "--json", "-")
    assert status == 0
    assert out.startswith("{")
    assert err == "veridical: info: icds for two-suppliers: optimal, objective 6965\n"
    err = run("--log", "debug", "solve", "two-suppliers")[2]
    assert "veridical: debug: begins: compile icds\n" in err
    assert run("solve", "two-suppliers")[2] == ""  # nothing of it stays
    status, out, err = run("--log", "loud", "solve", "two-suppliers")
    assert (status, out) == (2, "")
    assert err == "veridical: --log: got 'loud'; allowed: one of warning, info, debug\n"


def test_warnings_of_a_study_reach_the_command_line(run: Run, tmp_path: Any) -> None:
    spec = 'case = "two-suppliers"\nmechanisms = ["icds"]\nsolver = "closed_form"\n[vary]\nprice = { values = [30, 2] }\n'
    (tmp_path / "spec.toml").write_text(spec + '"demand.low" = { values = [200, 900] }\n', encoding="utf-8")
    _, _, err = run("study", "spec.toml", "--out", "out")
    assert "veridical: warning: 2 of 4 points failed: the columns status and reason say why\n" in err


def test_a_logger_costs_nothing_where_nobody_listens() -> None:
    from veridical.data.progress import counted, step

    items = [1, 2, 3]
    assert counted("item", items) is items
    with step("nothing") as said:
        said.advance("a note")
