"""The program as it is started: its output on terminals that lack letters, limits, and Ctrl-C while it loads."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Run
from support.processes import process


def test_names_that_the_output_cannot_show_are_shown_as_numbers(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = process(tmp_path, "solve", "two-suppliers", "--set", "name=Zürich", env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"icds for Z\xfcrich" in ended.stdout


def test_ctrl_c_while_the_program_loads_ends_it_quietly() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "veridical", "solve", "two-suppliers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        while "numpy" not in running.stderr.readline():  # the first of what takes long
            pass
        running.send_signal(signal.SIGINT)
        out, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in out + errors


def test_a_case_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = vd.example("two-suppliers").save(tmp_path / "marked.toml")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert vd.load(path) == vd.example("two-suppliers")
    solver = tmp_path / "solver.toml"
    solver.write_bytes(b'\xef\xbb\xbfsolver = "highs"\n')
    assert vd.solvers.configure(solver).solver == "highs"


@pytest.mark.parametrize(
    ("case", "change", "message"),
    [
        ("five-retailers", "retailers.0.count=1000000000", "allowed: a whole number from 1 to 100,000"),
        ("continuous-pair", "points=1000000000", "allowed: a whole number from 1 to 1,000,000"),
        ("pilot", "weeks=1000000000", "allowed: a whole number from 1 to 10,000"),
        ("pilot", "misreports=1000000000", "allowed: a whole number from 0 to 10,000,000"),
        ("pilot", "mechanism.draws=1000000000", "allowed: a whole number from 1 to 10,000,000"),
    ],
)
def test_counts_are_limited_before_anything_is_made(run: Run, case: str, change: str, message: str) -> None:
    status, out, errors = run("solve", case, "--set", change)
    assert (status, out) == (2, "")
    assert message in errors


def test_memory_is_said_where_there_would_not_be_enough() -> None:
    case = vd.example("two-retailers").changed(**{"retailers.0.count": 100_000})
    with pytest.raises(vd.InputError, match="got <20000, which takes about 48 GB>; allowed: what takes less than 8 GB"):
        vd.solve(case, solver="closed_form")
    with pytest.raises(vd.InputError, match=r"which takes about .* GB>; allowed: what takes less than 8 GB"):
        vd.data.joint_plan.pilot(products=10_000, weeks=10_000)


@pytest.mark.parametrize(("field", "value"), [("demand.mean", 1e300), ("demand.sd", 1e-200), ("price", 1.7e308)])
def test_numbers_whose_squares_are_none_are_refused(field: str, value: float) -> None:
    case = vd.example("two-suppliers").changed(demand={"distribution": "gamma", "mean": 500.0, "sd": 100.0})
    with pytest.raises(vd.InputError, match=rf"{field}: got .*; allowed: .*, of a size from .* to 1e\+60"):
        case.changed(**{field: value})
