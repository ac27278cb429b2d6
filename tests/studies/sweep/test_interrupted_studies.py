"""Studies that are interrupted, or changed; that fail here and there; several workers; a Dask cluster."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import veridical as vd
from support.command_line import Run, is_picture
from veridical.data import InputError
from veridical.studies.sweep import ProcessLane
from veridical.studies.sweep.folder import Folder
from veridical.studying import prepared

SPEC = """\
name = "prices"
case = "electronics"
mechanisms = ["icds_balanced", "hybrid"]
solver = "closed_form"
[vary]
price = { from = 100, to = 140, points = 30 }
[outputs]
columns = ["objective", "rents"]
"""
TIMES = ["seconds", "seconds_build", "seconds_translate", "seconds_solve", "seconds_certify"]
SLOW = """\
import time, veridical.studying as studying
solve = studying.solve
def slow(*given, **named):
    time.sleep(0.1)
    return solve(*given, **named)
studying.solve = slow
"""
MAIN = "import sys\nfrom veridical.__main__ import main\nsys.argv[0] = 'veridical'\nmain()"


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Compare tables, but for seconds: to the last digit."""
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns=TIMES)), pd.DataFrame(other.drop(columns=TIMES)), check_exact=True
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.mark.parametrize(("how", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_study_that_was_ended_goes_on_and_ends_in_the_same_rows(how: signal.Signals, status: int, spec: Path) -> None:
    out = spec.parent / "out"
    command = [sys.executable, "-c", SLOW + MAIN, "study", str(spec), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while len(list(out.glob("parts/part-*"))) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(how)
        assert process.wait(30) == status
        assert process.stderr is not None
        assert ("the same command with --resume goes on" in process.stderr.read()) == (how != signal.SIGKILL)
    kept = pd.read_parquet(out / "parts")
    assert 0 < len(kept) < 60
    assert not (out / "study.csv").exists()
    calls: list[Any] = []
    table = vd.study(spec, out, resume=True, callback=lambda *call: calls.append(call))
    assert calls[0] == (len(kept), 60, None)
    assert len(calls) == 1 + 60 - len(kept)
    same(table, vd.study(spec))
    assert table["seconds"][kept["row"]].tolist() == kept["seconds"].tolist()  # what was finished was not solved again
    written = pd.read_csv(out / "study.csv", index_col="row")
    assert written["objective"].tolist() == table["objective"].tolist()
    assert written["reason"].isna().all()


def test_another_study_is_refused_with_what_differs(spec: Path) -> None:
    out = spec.parent / "out"
    vd.study(spec, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"out: got .*; allowed: a folder without a study; to go on .*--resume"):
        vd.study(spec, out)
    spec.write_text(SPEC.replace("to = 140", "to = 141").replace('"hybrid"', '"naive"'), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        vd.study(spec, out, resume=True)
    assert "vary.price.to: got 141; allowed: 140, with which the study in the folder was begun" in str(refused.value)
    assert 'mechanisms: got ["icds_balanced", "naive"]; allowed: ["icds_balanced", "hybrid"]' in str(refused.value)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_case_that_was_changed_meanwhile_is_another_study(tmp_path: Path) -> None:
    case = vd.example("two-suppliers")
    spec: dict[str, Any] = {"case": case, "solver": "closed_form", "vary": {"price": {"values": [30, 31]}}}
    vd.study(spec, tmp_path / "out")
    with pytest.raises(
        InputError, match=r"case\.two-suppliers: got .* allowed: .*, with which the study in the folder was begun"
    ):
        vd.study({**spec, "case": case.changed(**{"demand.low": 90})}, tmp_path / "out", resume=True)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    spec = {"case": "two-suppliers", "solver": "closed_form"}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="a new or an empty folder"):
        vd.study(spec, tmp_path / "full", resume=True)
    with pytest.raises(InputError, match="resume: got True; allowed: a folder to go on in"):
        vd.study(spec, resume=True)
    vd.study(spec, tmp_path / "out", resume=True)  # one that is not there is begun
    (part,) = (tmp_path / "out" / "parts").iterdir()
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(
        InputError, match=r"part-0000000\.parquet: <file>: got <a damaged file>; allowed: a part as it was written"
    ):
        vd.study(spec, tmp_path / "out", resume=True)


@pytest.mark.parametrize("there", [True, False])
def test_a_study_that_is_refused_at_its_first_row_leaves_the_folder_as_it_was(there: bool, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()
        (out / ".study.json.77.part").write_bytes(b"{")  # of a process that was killed as it began
    spec: dict[str, Any] = {"case": "two-suppliers", "solver": "closed_form", "outputs": {"columns": ["rent"]}}
    with pytest.raises(InputError, match=r"outputs\.columns: got 'rent'"):
        vd.study(spec, out)
    assert out.exists() == there
    assert len(vd.study({**spec, "outputs": {"columns": ["rents"]}}, out)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C comes another way there")
def test_a_process_that_is_starting_does_not_see_an_interrupt(spec: Path) -> None:
    plan = prepared(spec, None, workers=1, scheduler=None, resume=False)
    with closing(ProcessLane(plan.bench)) as lane:
        lane.start()
        os.kill(lane._process.pid, signal.SIGINT)
        assert lane(plan.tasks[0]).row["exit_status"] == 0


def test_a_point_that_fails_is_a_row_with_its_reason(run: Run) -> None:
    text = SPEC.replace("points = 30", "points = 2") + '\n[vary."mechanism.hybrid.k"]\nvalues = [1, 7]\n'
    Path("s.toml").write_text(text, encoding="utf-8")
    status, out, err = run("study", "s.toml", "--out", "out", "--plot", "picture.png")
    assert status == 2
    assert "6 rows in out/study.csv" in out
    assert "4 solved, 2 failed" in out
    assert "2 of 6 points failed" in err or err == ""  # by logging, which pytest may keep
    table = pd.read_csv("out/study.csv")
    failed = table[table["exit_status"] != 0]
    assert failed["mechanism.hybrid.k"].tolist() == [7, 7]
    assert failed["status"].tolist() == ["bad_input", "bad_input"]
    assert failed["reason"].str.contains("k: got 7; allowed: a whole number from 0 to the number of suppliers, 6").all()
    assert failed["objective"].isna().all()
    assert table["objective"].notna().sum() == 4
    assert is_picture("picture.png")


def test_statuses_of_rows_are_those_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"case": "two-suppliers", "solver": [{"solver": "highs", "time_limit": 1e-9}, "closed_form"]}
    table = vd.study(spec)
    assert table["solver"].tolist() == ["highs (time_limit=1e-09)", "closed_form"]
    assert table[["status", "exit_status"]].to_numpy().tolist() == [["time_limit", 3], ["optimal", 0]]
    assert (len(table.failed), len(table.solved), table.exit_status) == (1, 1, 3)
    monkeypatch.setattr("veridical.studying.solve", lambda *_, **__: 1 / 0)
    from veridical.studies.sweep import rows

    rows._solver.cache_clear()
    try:
        broken = vd.study({**spec, "solver": "closed_form"})
    finally:
        rows._solver.cache_clear()
    assert broken[["status", "exit_status", "reason"]].to_numpy().tolist() == [
        ["failed", 1, "ZeroDivisionError: division by zero"]
    ]


def test_on_a_slow_disk_more_rows_come_together(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Folder.write

    def slowly(folder: Folder, rows: list[Any]) -> None:
        time.sleep(0.2)
        write(folder, rows)

    monkeypatch.setattr(sys.modules["veridical.studies.sweep.run"], "TOGETHER", 0.0)
    monkeypatch.setattr(Folder, "write", slowly)
    found = vd.study(spec, tmp_path / "out")
    parts = sorted((tmp_path / "out" / "parts").iterdir())
    assert len(parts) == 2  # the first row, and at the end the others: all points take less than 50 times as long as a part
    parts[1].unlink()  # what a process that was killed before the end has not written
    same(vd.study(spec, tmp_path / "out", resume=True), found)
    assert sum(len(pd.read_parquet(part)) for part in (tmp_path / "out" / "parts").iterdir()) == len(found)


@pytest.mark.timeout(120)
def test_several_processes_find_the_same_rows(spec: Path) -> None:
    same(vd.study(spec, workers=2), vd.study(spec))


@pytest.mark.timeout(120)
def test_a_process_that_dies_costs_the_point_that_it_was_at(spec: Path, tmp_path: Path) -> None:
    script = tmp_path / "deadly.py"
    script.write_text(
        "import os, sys\n"
        "import veridical.studying as s\n"
        "solve = s.solve\n"
        "def deadly(first, case, **given):\n"
        "    if case.price == 101:\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return solve(first, case, **given)\n"
        "s.solve = deadly\n"
        "if __name__ == '__main__':\n"
        "    spec = {'case': 'electronics', 'mechanisms': ['icds_balanced'], 'solver': 'closed_form',\n"
        "            'vary': {'price': {'from': 100, 'to': 107, 'points': 8}}}\n"
        "    table = s.study(spec, sys.argv[1], workers=2)\n"
        "    print(table.exit_status, *table.failed['price'], *table.failed['reason'])\n",
        encoding="utf-8",
    )
    ended = subprocess.run([sys.executable, str(script), str(tmp_path / "out")], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1 101 ChildProcessError: its process ended, by SIGKILL"
    unguarded = script.read_text(encoding="utf-8").replace("if __name__ == '__main__':", "if True:")
    script.write_text(unguarded, encoding="utf-8")
    ended = subprocess.run([sys.executable, str(script), str(tmp_path / "other")], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert 'a script whose own code stands under if __name__ == "__main__"' in ended.stderr


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("default")  # what the cluster's own threads leave open when it closes
def test_a_dask_cluster_finds_the_same_rows(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veridical.studying.CONNECTING", 1.0)
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        same(vd.study(spec, tmp_path / "out", scheduler=client), vd.study(spec))
    with pytest.raises(InputError, match=r"scheduler: got 'tcp://127.0.0.1:9'; allowed: the address of a Dask"):
        vd.study(spec, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="workers: got 2; allowed: none beside a scheduler"):
        vd.study(spec, scheduler="tcp://127.0.0.1:9", workers=2)


def test_cases_and_solvers_of_a_spec_file_lie_below_its_folder(tmp_path: Path) -> None:
    vd.example("two-suppliers").save(tmp_path / "mine.toml")
    below = tmp_path / "below"
    below.mkdir()
    (below / "s.toml").write_text('case = "../mine.toml"\nsolver = "closed_form"\n', encoding="utf-8")
    with pytest.raises(InputError, match="a file below the folder of the case"):
        vd.study(below / "s.toml")
    assert len(vd.study(below / "s.toml", allow_files=True)) == 1
    (tmp_path / "s.toml").write_text('case = "mine.toml"\nsolver = "closed_form"\n', encoding="utf-8")
    assert len(vd.study(tmp_path / "s.toml")) == 1  # from wherever it is called
    (tmp_path / "s.toml").write_text('case = "mine.toml"\nsolver = { solver = "highs", allow_files = true }\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"s\.toml: allow_files: got True; allowed: no such key in a file"):
        vd.study(tmp_path / "s.toml")


SAMPLE = '{ distribution = "sample", file = "%s" }'
VARIED = {  # what names a file of past observations
    "a field of demand": '"demand.file" = { values = ["one.csv", "other.csv"] }',
    "demand as a whole": f"demand = {{ values = [{SAMPLE % 'one.csv'}, {SAMPLE % 'other.csv'}] }}",
    "draws": 'price = { random = { distribution = "sample", file = "other.csv", draws = 2 } }',
}


@pytest.mark.parametrize("varied", VARIED)
def test_files_that_are_varied_lie_below_the_folder_and_are_part_of_the_study(
    varied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {"one.csv": (100, 200, 300), "other.csv": (400, 500, 900)}
    for name, values in numbers.items():
        (tmp_path / name).write_text("\n".join(map(str, values)), encoding="utf-8")
    vd.example("two-suppliers").changed(demand={"distribution": "sample", "file": str(tmp_path / "one.csv")}).save(
        tmp_path / "mine.toml"
    )
    spec = tmp_path / "s.toml"
    text = f'case = "mine.toml"\nsolver = "closed_form"\n[vary]\n{VARIED[varied]}\n'
    spec.write_text(text, encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    table = vd.study(spec, tmp_path / "out")
    if varied != "draws":
        case = vd.load(tmp_path / "mine.toml")
        demands = [{"distribution": "empirical", "values": list(values)} for values in numbers.values()]
        expected = [vd.solve(case.changed(demand=demand), "icds", "closed_form").objective for demand in demands]
        assert table["objective"].tolist() == pytest.approx(expected, rel=1e-12)
    assert len(vd.study(spec, tmp_path / "out", resume=True)) == 2
    (tmp_path / "other.csv").write_text("400\n500\n901\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"files\.other\.csv: got .*, with which the study in the folder was begun"):
        vd.study(spec, tmp_path / "out", resume=True)
    below = tmp_path / "below"
    below.mkdir()
    (below / "mine.toml").write_bytes((tmp_path / "mine.toml").read_bytes())
    (below / "one.csv").write_bytes((tmp_path / "one.csv").read_bytes())
    (below / "s.toml").write_text(text.replace("other.csv", "../other.csv"), encoding="utf-8")
    if varied == "draws":
        with pytest.raises(InputError, match="a file below the folder of the case"):
            vd.study(below / "s.toml")
    else:
        assert vd.study(below / "s.toml")["reason"][1].endswith("on the command line --allow-files")
    assert vd.study(below / "s.toml", allow_files=True).exit_status == 0


def test_a_solver_that_is_not_here_is_said_before_anything_is_solved(spec: Path) -> None:
    spec.write_text(SPEC.replace('"closed_form"', '"nosuch"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"^study\.toml: solver: got 'nosuch'; allowed: closed_form, highs, ipopt"):
        vd.study(spec, spec.parent / "out")
    assert not (spec.parent / "out").exists()
