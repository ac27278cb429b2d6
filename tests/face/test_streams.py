"""Standard output holds what was asked for alone, and an output that is lost is an error and no traceback."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.command_line import Run
from support.processes import Process
from veridical.data.joint_plan import pilot

PAIR = "two-suppliers"
TALKATIVE = {  # solver files whose solvers print, and what they print
    "highs": ('solver = "highs"\n[options]\noutput_flag = true\nlog_to_console = true\n', "Running HiGHS"),
    "ipopt": ('solver = "ipopt"\n[options]\nprint_level = 5\nsb = "no"\n', "This is Ipopt"),
    "scip": ('solver = "scip"\n[options]\n"display/verblevel" = 5\n', ""),
    "pounce": ('solver = "pounce"\n[options]\nprint_level = 5\n', ""),
}


@pytest.mark.parametrize("name", TALKATIVE)
def test_json_is_alone_on_standard_output_whatever_a_solver_prints(name: str, tmp_path: Path, forked: Process) -> None:
    text, said = TALKATIVE[name]
    (tmp_path / "solver.toml").write_text(text, encoding="utf-8")
    ended = forked(tmp_path, "solve", PAIR, "--solver", "solver.toml", "--json", "-")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["solver"]["name"] == name
    assert said in ended.stderr


def test_what_ipopt_says_of_an_option_that_it_lacks_is_not_on_standard_output(tmp_path: Path, forked: Process) -> None:
    (tmp_path / "solver.toml").write_text('solver = "ipopt"\n[options]\nnonsense = 5\n', encoding="utf-8")
    ended = forked(tmp_path, "solve", PAIR, "--solver", "solver.toml", "--json", "-")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "veridical: solver.toml: options.nonsense: got 5; allowed: an option of Ipopt" in ended.stderr


@pytest.mark.parametrize(
    ("output", "arguments"),
    [
        *(("full", arguments) for arguments in (["solve", PAIR], ["solve", PAIR, "--json", "-"], ["solvers"], ["--help"])),
        *((output, ["solve", PAIR, "--json", "-"]) for output in ("a pipe that nobody reads", "closed")),
    ],
)
def test_an_output_that_is_lost_is_one_message_and_status_2(
    output: str, arguments: list[str], tmp_path: Path, forked: Process
) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        with open("/dev/full", "w", encoding="utf-8") as full:
            if output == "closed":
                ended = forked(tmp_path, *arguments, before="import os, sys; os.close(1); sys.stdout = None\n", stdout=None)
            else:
                ended = forked(tmp_path, *arguments, stdout=full if output == "full" else write)
    finally:
        os.close(write)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("veridical: standard output: got <an output that ended>; allowed: an output that takes all of it")


def test_nobody_has_to_read_standard_error(tmp_path: Path, forked: Process) -> None:
    pilot(vendors=2, sites=1, regions=1, products=1, weeks=1).save(tmp_path / "plan")
    with open("/dev/full", "w", encoding="utf-8") as full:
        ways: list[dict[str, Any]] = [
            {"stderr": full},
            {"stderr": None, "before": "import os, sys; os.close(2); sys.stderr = None\n"},
        ]
        for options in ways:
            ended = forked(tmp_path, "pilot", "plan", "--json", "-", **options)  # which tells its progress
            assert ended.returncode == 0
            assert json.loads(ended.stdout)["weeks"]
            assert forked(tmp_path, "solve", "nowhere.toml", **options).returncode == 2


def test_names_do_not_drive_the_terminal(run: Run) -> None:
    evil, shown = "evil\x1b[31m\nveridical: fake", r"evil\x1b[31m\nveridical: fake"
    Path("case.toml").write_text(f'kind = "assembler"\nname = {json.dumps(evil)}\nprice = 30.0\n{CASE}', encoding="utf-8")
    menu = "\x1b[2J\n.csv"
    for command, *rest in (["solve", "--menu", menu], ["compare"], ["choose-k"], ["audit", menu]):
        status, out, err = run(command, "case.toml", *rest)
        assert (status, err) == (0, "")
        assert shown in out
        assert "\x1b" not in out
        assert not any(line.startswith("veridical:") for line in out.splitlines())
    assert r"audit of \x1b[2J\n.csv for evil" in out
    for setting in ("price=-1", "k=\x1b\n", "\x1b\n=3"):
        status, _, err = run("solve", "case.toml", "--set", setting)
        assert (status, len(err.splitlines()), "\x1b" in err) == (2, 1, False)


CASE = """\
demand = { distribution = "uniform", low = 100, high = 900 }
suppliers = [
    { name = "panel", costs = [4.0, 9.0], probabilities = [0.5, 0.5] },
    { name = "battery", costs = [3.0, 7.0], probabilities = [0.5, 0.5] },
]
"""
