"""What commands write: looked at before anything is solved, whole or not at all, and never in place of something else."""

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import veridical as vd
from support.command_line import MANIPULABLE, Run
from support.command_line import PAIR as CASE
from support.processes import KILLED, Process, contents
from veridical import solving
from veridical.data import files
from veridical.data.joint_plan import pilot

PAIR = "two-suppliers"
SOLVE = ("solve", PAIR, "--json", "solution.json", "--menu", "menu.csv", "--plot", "menu.png")
FIGURES = ("reproduce", "allocation-table-5", "allocation-capacity", "--plot", "figures", "--json", "tables.json")
IMPORT = ("--price", "40", "--set", "demand.distribution=uniform", "--set", "demand.low=1", "--set", "demand.high=9")
WRITING = {  # commands that write, and what they have written when they end
    "solve": (SOLVE, {"solution.json", "menu.csv", "menu.png"}),
    "solve, a workbook": (("solve", PAIR, "--menu", "menu.xlsx"), {"menu.xlsx"}),
    "import-case": (("import-case", "quotes.csv", *IMPORT, "--out", "new.toml"), {"new.toml"}),
    "compare": (("compare", PAIR, "--json", "compared.json"), {"compared.json"}),
    "audit": (("audit", "case.toml", "offered.csv", "--json", "audit.json"), {"audit.json"}),
    "choose-k": (("choose-k", PAIR, "--json", "choice.json", "--plot", "choice.pdf"), {"choice.json", "choice.pdf"}),
    "reproduce": (FIGURES, {"figures/allocation-table-5.png", "figures/allocation-capacity.png", "tables.json"}),
    "auction": (("auction", "two-retailers", "--json", "auction.json"), {"auction.json"}),
    "pilot": (("pilot", "small", "--out", "run", "--json", "run.json"), {"run/week-1.json", "run/week-2.json", "run.json"}),
    "generate": (("generate", "pilot", "--weeks", "1", "--out", "plan"), {"plan/case.toml", "plan/flows.csv", "plan/demand.csv"}),
}
OWN = ("run/", "plan/")  # folders whose files are never replaced by others


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small joint plan, and a case with a menu for it, where commands write."""
    pilot(vendors=2, sites=1, regions=1, products=1, weeks=2, name="small").save(tmp_path / "small")
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    (tmp_path / "quotes.csv").write_text("supplier,quote\nArvo,7.6\nArvo,8.1\n", encoding="utf-8")
    (tmp_path / "offered.csv").write_text(MANIPULABLE, encoding="utf-8")
    return tmp_path


def whole(name: str, content: bytes) -> bool:
    """Return whether a file ends where files of its kind do."""
    if name.endswith(".json"):
        return isinstance(json.loads(content), dict)
    if name.endswith(".xlsx"):
        return ZipFile(BytesIO(content)).testzip() is None
    return content.endswith(b"IEND\xaeB`\x82" if name.endswith(".png") else b"\n")


@contextmanager
def watched(folder: Path) -> Iterator[list[dict[str, bytes]]]:
    """Give what is in a folder before each step of whatever is written meanwhile: what a process that is killed there leaves."""
    moments: list[dict[str, bytes]] = []

    def step(frame: Any, event: str, _: Any) -> None:
        if event == "c_call" and frame.f_code.co_filename == files.__file__:
            moments.append(contents(folder))

    sys.setprofile(step)
    try:
        yield moments
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("command", WRITING)
def test_at_no_step_of_what_is_written_a_file_is_neither_old_nor_new(command: str, folder: Path, run: Run) -> None:
    arguments, names = WRITING[command]
    (folder / "figures").mkdir()
    for name in names:
        if not name.startswith(OWN):
            (folder / name).write_bytes(b"old\n")
    if command == "import-case":
        (folder / "new.toml").unlink()  # a case that stands there, and is another, is not written over
    old = contents(folder)
    with watched(folder) as moments:
        assert run(*arguments)[0] == 0
    new = contents(folder)
    assert names <= new.keys()
    assert all(whole(name, new[name]) for name in names)
    assert len(moments) > 10 * len(names)
    for moment in moments:
        assert all(content in (old.get(name), new.get(name)) for name, content in moment.items())
        assert old.keys() <= moment.keys()
    assert old in moments


@pytest.mark.parametrize(
    ("command", "moment"), [("solve", "fsync"), ("solve", "replace"), ("pilot", "replace"), ("generate", "replace")]
)
def test_what_a_process_leaves_that_was_killed_is_in_nobodys_way(
    command: str, moment: str, folder: Path, run: Run, forked: Process
) -> None:
    arguments, names = WRITING[command]
    before = contents(folder)
    assert forked(folder, *arguments, before=KILLED.format(moment)).returncode == -9
    assert contents(folder) == before  # nothing was written yet
    assert list(folder.rglob("*.part"))
    assert run(*arguments)[0] == 0
    written = contents(folder)
    assert names <= written.keys()
    assert all(whole(name, written[name]) for name in names)


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the rest of what is written is lost, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("command", WRITING)
def test_a_full_disk_is_one_message_and_status_2(command: str, folder: Path, run: Run) -> None:
    arguments, _ = WRITING[command]
    before = contents(folder)
    with small_disk(100):
        status, _, err = run(*arguments)
    assert status == 2
    assert err.splitlines()[-1].endswith("allowed: a file that can be written (File too large)")
    assert "Traceback" not in err
    assert contents(folder) == before
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize(
    ("option", "target", "allowed"),
    [
        ("--json", "/dev/full", "a file that can be written (no regular file)"),
        ("--json", "nowhere/solution.json", "a file that can be written (No such file or directory)"),
        ("--json", "folder", "a file that can be written (Is a directory)"),
        ("--json", "file/solution.json", "a file that can be written (Not a directory)"),
        ("--menu", "menu.xls", "a file whose name ends in .csv, .xlsx, .parquet"),
        ("--menu", "menu", "a file whose name ends in .csv, .xlsx, .parquet"),
        ("--menu", "nowhere/menu.xlsx", "a file that can be written (No such file or directory)"),
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


def test_two_runs_do_not_share_a_folder(folder: Path, run: Run) -> None:
    (folder / "run").mkdir()
    command = ("pilot", "small", "--out", "run")
    with files.locked(folder / "run"):
        status, _, err = run(*command)
    assert status == 2
    assert "folder: got 'run'; allowed: a folder in which no other run is at work" in err
    assert run(*command)[0] == 0
