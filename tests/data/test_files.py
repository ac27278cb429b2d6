"""Files: which are read, where a case finds those that it names, and that they are written whole or not at all."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from types import ModuleType

import pytest

import veridical as vd
from support.bad_input import good
from veridical.data import InputError, Sample, files
from veridical.data.joint_plan import pilot
from veridical.solvers import configure

SECRET = "hunter2"
READERS: dict[str, Callable[[Path], object]] = {
    "case": vd.load,
    "solver file": configure,
    "menu": lambda path: vd.audit(vd.example("two-suppliers"), path),
    "allocation": lambda path: vd.audit(vd.example("two-retailers"), path),
    "bids": lambda path: vd.contracts.read_bids(path, ["north"]),
}

MAKERS: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_nothing_but_regular_files_is_read(kind: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "given.toml"
    make(path)
    with pytest.raises(InputError, match=r"a readable .* file \((no regular file|Is a directory|No such file or directory)\)"):
        READERS[kind](path)


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_too_large_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    with path.open("wb") as stream:
        stream.truncate(files.LARGEST + 1)  # no byte of it is on the disk
    with pytest.raises(InputError, match="larger than 256 MB"):
        READERS[kind](path)


def case_with_sample(folder: Path, name: str) -> Path:
    """Return the file of a case in a folder whose demand is a sample in a file."""
    folder.mkdir(exist_ok=True)
    demand = 'distribution = "uniform"\nlow = 200\nhigh = 800'
    path = folder / "case.toml"
    path.write_text(good(demand, f'distribution = "sample"\nfile = {name!r}'), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["../outside.csv", "{}/outside.csv", "link.csv", "linked/outside.csv", "deep/../../outside.csv"])
def test_a_case_reads_no_file_outside_its_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text(f"units\n{SECRET}\n", encoding="utf-8")
    path = case_with_sample(tmp_path / "case", name.format(tmp_path))
    (tmp_path / "case" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "case" / "linked").symlink_to(tmp_path)
    (tmp_path / "case" / "deep").mkdir()
    with pytest.raises(InputError, match=r"demand\.file: got '.*; allowed: a file below the folder of the case") as refusal:
        vd.load(path)
    assert SECRET not in str(refusal.value)
    with pytest.raises(InputError, match="one finite number >= 0 a row") as refusal:  # it is read where that is allowed
        vd.load(path, allow_files=True)
    assert SECRET not in str(refusal.value)
    (tmp_path / "outside.csv").write_text("units\n300\n", encoding="utf-8")
    demand = vd.load(path, allow_files=True).demand
    assert isinstance(demand, Sample)
    assert demand.values == (300.0,)
    with pytest.raises(InputError, match="a file below the folder of the case"):  # what was allowed once is not allowed again
        vd.load(path)


def test_a_case_made_in_python_names_files_of_its_maker(tmp_path: Path) -> None:
    (tmp_path / "observed.csv").write_text("300\n500\n", encoding="utf-8")
    demand = {"distribution": "sample", "file": str(tmp_path / "observed.csv")}
    case = vd.example("two-suppliers").changed(demand=demand)
    assert isinstance(case.demand, Sample)
    assert (case.demand.file, case.demand.values) == ("observed.csv", (300.0, 500.0))
    assert vd.load(case.save(tmp_path / "saved" / "case.toml")) == case
    assert (tmp_path / "saved" / "observed.csv").is_file()


def test_a_link_inside_the_folder_is_a_file_of_the_case(tmp_path: Path) -> None:
    path = case_with_sample(tmp_path / "case", "now.csv")
    (tmp_path / "case" / "2025.csv").write_text("300\n", encoding="utf-8")
    (tmp_path / "case" / "now.csv").symlink_to("2025.csv")
    (tmp_path / "other").symlink_to(tmp_path / "case")
    assert vd.load(tmp_path / "other" / "case.toml") == vd.load(path)


@pytest.mark.parametrize("name", ["case.toml", "products.csv", "demand.csv"])
def test_no_table_of_a_joint_plan_leads_outside(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    pilot(weeks=1).save(folder)
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert vd.load(folder, allow_files=True) == pilot(weeks=1)
    (tmp_path / name).write_text(f"{SECRET} = \n", encoding="utf-8")
    for allowed in (False, True):
        with pytest.raises(InputError) as refusal:
            vd.load(folder, allow_files=allowed)
        assert name in str(refusal.value)
        assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("kind", ["menu", "allocation", "bids"])
@pytest.mark.parametrize("text", [f"{SECRET}:x:0:0:root\n", f"{SECRET},{SECRET}\n{SECRET}\n", f"{SECRET}\n", f'"{SECRET}'])
def test_nothing_is_shown_of_a_file_that_is_no_such_table(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^passwords: .*(got <a header without|quotes closed)") as refusal:
        READERS[kind](tmp_path / "passwords")
    assert SECRET not in str(refusal.value)


def test_a_name_in_a_table_does_not_drive_the_terminal(tmp_path: Path) -> None:
    pilot(weeks=1).save(tmp_path)
    (tmp_path / "sites.csv").write_text("site\n\x1b[2J\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^sites\.csv: row 2, column site: got '\\x1b\[2J'; allowed: a name: printable"):
        vd.load(tmp_path)


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\u202e", "\ud800", "<\x07>"])
def test_no_message_holds_what_is_not_printable(text: str) -> None:
    errors = [
        InputError.of(text, text, text, text),
        InputError(vd.data.Problem(text, text, text), vd.data.Problem(text, text, text)),
        vd.NotSolvedError(text, "infeasible"),
        vd.CertificateError(text),
    ]
    for error, lines in zip(errors, (1, 2, 1, 1), strict=True):
        assert len(str(error).splitlines()) == lines
        assert all(line.isprintable() for line in str(error).splitlines())


def test_text_is_written_through_a_link_and_with_the_rights_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old", encoding="utf-8")
    (tmp_path / "old.txt").chmod(0o640)
    (tmp_path / "link.txt").symlink_to("old.txt")
    files.write({tmp_path / "link.txt": "new"})
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "old.txt").read_text(encoding="utf-8") == "new"
    assert (tmp_path / "old.txt").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "old.txt"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_several_files_are_all_as_they_were_where_one_cannot_be_written(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, full)
    with pytest.raises(InputError, match=r"a file that can be written \(No space left on device\)"):
        files.write({tmp_path / "a.txt": "new", tmp_path / "b.txt": "new"})
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"a.txt": "old"}


def test_devices_and_folders_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "full.json").symlink_to("/dev/full")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(InputError, match="a file that can be written"):
            files.write({path: "text"})
    assert Path("/dev/full").is_char_device()


def test_a_folder_is_one_runs_alone_until_its_process_ends(tmp_path: Path) -> None:
    code = f"import sys, pathlib\nfrom veridical.data import files\nwith files.locked(pathlib.Path({str(tmp_path)!r})):\n"
    code += "    print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(InputError, match="a folder in which no other run is at work"), files.locked(tmp_path):
            pass
        other.kill()
    with files.locked(tmp_path):
        assert list(tmp_path.iterdir()) == []
    nowhere = files.locked(tmp_path / "nowhere", "out")
    with pytest.raises(InputError, match=r"out: got .*; allowed: a folder that can be read and written \(No"), nowhere:
        pass


def test_on_windows_a_folder_is_one_runs_alone_by_a_file_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = ModuleType("msvcrt")  # a stand-in for the module and the flag that are there on Windows alone
    system.__dict__.update(LK_NBLCK=1, locking=lambda handle, mode, size: flock(handle, LOCK_EX | LOCK_NB))
    monkeypatch.setitem(sys.modules, "msvcrt", system)
    monkeypatch.setattr(os, "O_TEMPORARY", 0, raising=False)
    spec = importlib.util.spec_from_file_location("files_on_windows", files.__file__)
    assert spec is not None
    assert spec.loader is not None
    there = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        spec.loader.exec_module(there)
    with there.locked(tmp_path):
        with pytest.raises(InputError, match="a folder in which no other run is at work"), there.locked(tmp_path):
            pass
        (file,) = tmp_path.iterdir()
        assert file.name.endswith(files.PART)  # which is in nobody's way
    with there.locked(tmp_path):
        pass
