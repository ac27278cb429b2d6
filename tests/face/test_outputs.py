"""What commands write: looked at before anything is solved, whole or not at all, and never in place of something else."""

import json
from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Run
from support.processes import KILLED, SMALL_DISK, contents, process
from veridical import solving
from veridical.data import files
from veridical.data.joint_plan import pilot

PAIR = "two-suppliers"
SOLVE = ("solve", PAIR, "--json", "solution.json", "--menu", "menu.csv", "--plot", "menu.png")
WRITING = {  # commands that write, and what they have written when they end
    "solve": (SOLVE, {"solution.json", "menu.csv", "menu.png"}),
    "compare": (("compare", PAIR, "--json", "compared.json"), {"compared.json"}),
    "choose-k": (("choose-k", PAIR, "--json", "choice.json", "--plot", "choice.pdf"), {"choice.json", "choice.pdf"}),
    "auction": (("auction", "two-retailers", "--json", "auction.json"), {"auction.json"}),
    "pilot": (("pilot", "small", "--out", "run", "--json", "run.json"), {"run/week-1.json", "run/week-2.json", "run.json"}),
    "generate": (("generate", "pilot", "--weeks", "1", "--out", "plan"), {"plan/case.toml", "plan/flows.csv", "plan/demand.csv"}),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small joint plan, where commands write."""
    pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, name="small").save(tmp_path / "small")
    return tmp_path


def whole(name: str, content: bytes) -> bool:
    """Return whether a file ends where files of its kind do."""
    if name.endswith(".json"):
        return isinstance(json.loads(content), dict)
    return content.endswith(b"IEND\xaeB`\x82" if name.endswith(".png") else b"\n")


@pytest.mark.parametrize(("command", "moment"), [("solve", "fsync"), *((command, "replace") for command in WRITING)])
def test_a_process_that_is_killed_while_it_writes_leaves_old_files_and_new_ones_whole(
    command: str, moment: str, folder: Path
) -> None:
    arguments, names = WRITING[command]
    before = contents(folder)
    assert process(folder, *arguments, before=KILLED.format(moment)).returncode == -9
    assert contents(folder) == before  # nothing was written yet
    assert process(folder, *arguments).returncode == 0  # what the killed one left is in nobody's way
    written = contents(folder)
    assert names <= written.keys()
    assert all(whole(name, written[name]) for name in names)
    if command not in ("pilot", "generate"):  # which write nothing that they have written already
        assert process(folder, *arguments, before=KILLED.format(moment)).returncode == -9
        assert contents(folder) == written


@pytest.mark.parametrize("command", WRITING)
def test_a_full_disk_is_one_message_and_status_2(command: str, folder: Path) -> None:
    arguments, _ = WRITING[command]
    before = contents(folder)
    ended = process(folder, *arguments, before=SMALL_DISK.format(100))
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith("allowed: a file that can be written (File too large)")
    assert "Traceback" not in ended.stderr
    assert contents(folder) == before
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize(
    ("option", "target", "allowed"),
    [
        ("--json", "/dev/full", "a file that can be written (no regular file)"),
        ("--json", "nowhere/solution.json", "a file that can be written (No such file or directory)"),
        ("--json", "folder", "a file that can be written (Is a directory)"),
        ("--json", "file/solution.json", "a file that can be written (Not a directory)"),
        ("--menu", "menu.xlsx", "its name ends in .csv"),
        ("--menu", "nowhere/menu.csv", "a file that can be written (No such file or directory)"),
        ("--plot", "menu", "its name ends in .png"),
        ("--plot", "menu.pgf", "its name ends in .png"),  # would run TeX
        ("--plot", "folder.png", "a file that can be written (Is a directory)"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_the_solve(
    run: Run, option: str, target: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solving, "answer", lambda *_: pytest.fail("solved"))
    Path("folder").mkdir()
    Path("folder.png").mkdir()
    Path("file").touch()
    status, out, err = run("solve", PAIR, option, target)
    assert (status, out) == (2, "")
    assert err.startswith(f"veridical: {option}: got {target!r}; allowed: ")
    assert allowed in err
    assert len(err.splitlines()) == 1


def test_files_outside_are_read_where_the_command_says_so(run: Run) -> None:
    Path("case").mkdir()
    Path("sales.csv").write_text("units\n300\n500\n", encoding="utf-8")
    case = vd.example("electronics").changed(**{"demand.file": "sales.csv"})
    path = case.save("case/case.toml")
    Path("case/sales.csv").unlink()
    path.write_text(path.read_text(encoding="utf-8").replace("sales.csv", "../sales.csv"), encoding="utf-8")
    for command in ("solve", "compare", "choose-k"):
        status, _, err = run(command, "case", "--solver", "closed_form") if command == "solve" else run(command, "case")
        assert status == 2
        assert "demand.file: got '../sales.csv'; allowed: a file below the folder of the case; others with" in err
        assert "--allow-files" in err
    assert run("solve", "case", "--solver", "closed_form", "--allow-files")[0] == 0


def test_generate_refuses_a_folder_with_anything_else(run: Run) -> None:
    command = ("generate", "pilot", "--weeks", "1", "--out", "plan")
    assert run(*command)[0] == 0
    before = contents(Path())
    assert run(*command)[0] == 0  # the same case
    assert contents(Path()) == before
    status, _, err = run(*command, "--seed", "1")  # another one of the same name
    assert status == 2
    assert (
        err == "veridical: <file>: got 'plan/case.toml'; allowed: to write a case anew, an empty folder, or the same case in it\n"
    )
    assert contents(Path()) == before
    Path("plan/case.toml").unlink()
    assert run(*command, "--seed", "1")[0] == 0  # of which no case was finished
    assert vd.load("plan").description.endswith("with seed 1; not data of any company.")
    Path("plan/notes.txt").touch()
    assert "got 'plan/notes.txt'" in run(*command, "--seed", "1")[2]


def test_two_runs_do_not_share_a_folder(folder: Path) -> None:
    (folder / "run").mkdir()
    command = ("pilot", "small", "--out", "run")
    with files.locked(folder / "run"):
        ended = process(folder, *command)
    assert ended.returncode == 2
    assert "folder: got 'run'; allowed: a folder in which no other run is at work" in ended.stderr
    assert process(folder, *command).returncode == 0
