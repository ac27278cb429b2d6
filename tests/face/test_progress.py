"""Progress: who is told what, and what a terminal shows of it; without one, nothing."""

import json
import os
import pty
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.processes import MAIN
from veridical import display
from veridical.data.joint_plan import pilot
from veridical.data.progress import counted, reporting, step

AT_ONCE = "from veridical import display; display.DELAY = 0.0\n"


class Told:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None]] = []
        self.parts: dict[str, int] = {}
        self.open: list[str] = []

    def begin(self, label: str, total: int | None) -> str:
        self.steps.append((label, total))
        self.open.append(label)
        return label

    def advance(self, key: str, part: int, note: str) -> None:
        self.parts[key] = part

    def end(self, key: str) -> None:
        self.open.remove(key)


@pytest.fixture(scope="module")
def plan() -> Any:
    return pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)


def told(action: Callable[[], object]) -> Told:
    """Return what a reporter was told while something was done."""
    reporter = Told()
    with vd.progress(reporter):
        action()
    assert reporter.open == []
    return reporter


def test_steps_of_a_joint_plan_are_told(plan: Any) -> None:
    reporter = told(lambda: vd.solve(plan, "vcg", pivot="clarke", misreports=6))
    assert {("vcg for " + plan.name, None), ("solve joint", None), ("compile joint", None)} <= set(reporter.steps)
    assert ("counterfactual plan", 2) in reporter.steps
    assert ("audit of suppliers: misreport", 6) in reporter.steps
    assert (reporter.parts["counterfactual plan"], reporter.parts["audit of suppliers: misreport"]) == (2, 6)


def test_rounds_of_a_consensus_are_told(plan: Any) -> None:
    rounds: list[Any] = []
    reporter = told(lambda: vd.solve(plan, "vcg", "consensus", rounds.append, misreports=0, pivot="baseline"))
    assert reporter.parts["consensus round"] == rounds[-1].round


def test_weeks_of_a_pilot_are_told(plan: Any) -> None:
    reporter = told(lambda: vd.studies.pilot.run(plan, misreports=2))
    assert reporter.steps.count(("week", 2)) == 3  # the truth, and two misreports
    assert ("misreport", 2) in reporter.steps
    assert reporter.parts["week"] == 2


def test_a_model_that_is_built_and_solved_is_told() -> None:
    labels = [label for label, _ in told(lambda: vd.solve(vd.example("two-suppliers"), "icds")).steps]
    assert labels == ["icds for two-suppliers", "build icds", "solve icds by highs", "compile icds"]


def test_steps_that_fail_are_ended() -> None:
    def fail() -> None:
        for _ in counted("part", [1, 2]):
            with step("inner"):
                raise ValueError

    reporter = Told()
    with reporting(reporter), pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert reporter.open == []


def test_nobody_is_told_without_asking() -> None:
    items = [1, 2]
    assert counted("item", items) is items  # nothing stands between
    reporter = Told()
    with reporting(reporter):
        pass
    with step("after") as after:
        after.advance()
    assert reporter.steps == []


def test_another_thread_is_not_told() -> None:
    reporter = Told()
    with reporting(reporter):
        thread = threading.Thread(target=lambda: list(counted("item", [1])))
        thread.start()
        thread.join()
    assert reporter.steps == []


def on_terminal(folder: Path, *arguments: str, term: str = "xterm-256color") -> tuple[int, str, str]:
    """Return how a command ended whose standard error is a terminal of 80 columns: status, standard output, what it showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")} | {"TERM": term}
    command = [sys.executable, "-c", AT_ONCE + MAIN, *arguments]
    shown = []

    def read() -> None:
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # as Linux says that the other side is closed
                return
            if not piece:
                return
            shown.append(piece)

    reader = threading.Thread(target=read)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True) as running:
        os.close(theirs)
        reader.start()
        out, _ = running.communicate(timeout=120)
    reader.join()
    os.close(ours)
    return running.returncode, out, b"".join(shown).decode()


def test_a_terminal_shows_steps_and_gets_its_lines_back(plan: Any, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan")
    status, out, shown = on_terminal(tmp_path, "solve", "plan", "--set", "misreports=8", "--json", "-")
    assert status == 0
    assert len(json.loads(out)["parties"]) == len(plan.parties)  # JSON alone
    assert f"vcg for {plan.name}, 0:0" in shown
    assert " of 8, 0:0" in shown
    lines = [line for line in shown.replace("\r", "\n").split("\n") if line]
    assert max(len(line.split("\x1b[2K")[-1]) for line in lines) <= 80
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))  # the last line is wiped, and the cursor is there again
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")


def test_messages_stand_above_what_is_drawn(plan: Any, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan")
    status, out, shown = on_terminal(tmp_path, "pilot", "plan", "--json", "-")
    assert status == 0
    assert json.loads(out)["weeks"]
    assert [f"week {week}:" in shown for week in plan.shared.weeks] == [True, True]


def test_a_terminal_that_cannot_draw_shows_nothing(plan: Any, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan")
    assert on_terminal(tmp_path, "solve", "plan", "--set", "misreports=2", term="dumb")[::2] == (0, "")


def test_without_a_terminal_nothing_is_shown(plan: Any, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan")
    command = [sys.executable, "-c", AT_ONCE + MAIN, "solve", "plan", "--set", "misreports=8"]
    environment = {**os.environ, "FORCE_COLOR": "1"}
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_lines_say_how_far_and_how_long() -> None:
    assert (
        display.Row("misreport", 25, 0.0, part=3).text(1, 12.0) == "  misreport 3 of 25, 0:12, about 2:18 left"
    )  # 6 s each, 23 left
    assert display.Row("consensus round", None, 0.0, 7, "gap 1e-3").text(0, 3700.0) == "consensus round 7, gap 1e-3, 1:01:40"
    assert display.Row("solve \x1b[2J", None, 0.0).text(0, 1.0) == r"solve \x1b[2J, 0:01"  # names do not drive the terminal
