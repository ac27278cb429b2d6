"""The command line as its user meets it: tables, JSON, files, changes, exit status."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veridical import MECHANISMS, compare, example, load, one_sided_derivatives, solve
from veridical.data import InputError
from veridical.families import fitting
from veridical.solvers.engines import highs

Run = Callable[..., tuple[int, str, str]]

CASE = """\
kind = "assembler"
name = "a pair"
price = 30.0
[demand]
distribution = "uniform"
low = 200
high = 800
[[suppliers]]
name = "panel"
costs = [3.0, 9.0]
probabilities = [0.6, 0.4]
[[suppliers]]
name = "battery"
costs = [1.0, 4.0]
probabilities = [0.6, 0.4]
"""

# By hand, report - truth. Panel with cost 3: (600 - 3 * 60) - (500 - 3 * 100) = 220 while the battery's supplier reports 1, and
# (560 - 3 * 40) - (400 - 3 * 80) = 280 while he reports 4; with cost 9 he loses by reporting 3.
# Battery with cost 1: (320 - 80) - (150 - 100) = 190 while the panel's supplier reports 3; with cost 4, 300 - 4 * 60 - 0 = 60
# while he reports 9. Rents: at (3, 4) and (9, 4) the battery's supplier has 320 - 4 * 80 = 160 - 4 * 40 = 0, nobody less.
# Demand is never below 200, so all is sold: .36 (3000 - 650) + .24 (2400 - 720) + .24 (1800 - 900) + .16 (1200 - 720) = 1542.
MANIPULABLE = """\
panel,battery,quantity panel,quantity battery,payment panel,payment battery
3,1,100,100,500,150
3,4,80,80,400,320
9,1,60,60,600,300
9,4,40,40,560,160
"""


@pytest.fixture
def run(run: Run) -> Run:
    """Return the command line, run in a folder with `case.toml`."""
    Path("case.toml").write_text(CASE, encoding="utf-8")
    return run


def no_constant(name: str) -> None:
    """Refuse NaN and infinities, which Python's parser would take and JSON does not know."""
    raise AssertionError(f"{name} is not JSON")


def record(result: tuple[int, str, str]) -> dict[str, Any]:
    """Return what a command that succeeded printed, all of it JSON."""
    status, out, err = result
    assert (status, err) == (0, "")
    parsed = json.loads(out, parse_constant=no_constant)
    assert isinstance(parsed, dict)
    return parsed


def lasting(found: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the times, which differ from run to run."""
    return {**found, "solver": {key: value for key, value in found["solver"].items() if key != "seconds"}}


def is_number(value: object) -> bool:
    """Return whether a value of JSON is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_a_process_of_its_own_prints_json_alone(tmp_path: Path) -> None:
    code = "import sys; from veridical.cli import main; sys.argv[0] = 'veridical'; main()"
    command = [sys.executable, "-c", code, "solve", "two-suppliers", "--json", "-"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["case"] == "two-suppliers"  # libraries beneath Python write to standard output too
    assert ended.stderr == ""


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_json_alone_has_the_keys_that_scripts_rely_on(run: Run, solver: str) -> None:
    found = record(run("solve", "case.toml", "--solver", solver, "--json", "-"))
    assert (found["case"], found["mechanism"], found["status"]) == ("a pair", "icds", "optimal")
    assert is_number(found["objective"])
    assert is_number(found["bound"])
    used = found["solver"]
    assert used["name"] == solver
    assert isinstance(used["version"], str)
    assert isinstance(used["options"], dict)
    assert used["form"] == ("tangent" if solver == "highs" else None)
    assert all(is_number(used["seconds"][step]) for step in ("build", "solve", "total"))
    assert used["seconds"]["total"] >= used["seconds"]["build"] + used["seconds"]["solve"]
    assert all(is_number(found["certificate"][figure]) for figure in ("primal_residual", "dual_residual", "gap"))
    assert is_number(found["audit"]["max_regret"])
    assert is_number(found["audit"]["min_rent"])
    assert found["audit"]["balanced"] is True
    assert all(is_number(value) for value in found["sensitivity"].values())
    assert [row["costs"] for row in found["menu"]] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [row["probability"] for row in found["menu"]] == pytest.approx([0.36, 0.24, 0.24, 0.16], abs=1e-15)
    for row in found["menu"]:
        assert all(len(row[key]) == 2 and all(map(is_number, row[key])) for key in ("quantity", "payment", "rent"))
        costs = [(3.0, 9.0)[row["costs"][0]], (1.0, 4.0)[row["costs"][1]]]
        owed = [pay - cost * units for pay, cost, units in zip(row["payment"], costs, row["quantity"], strict=True)]
        assert row["rent"] == pytest.approx(owed, abs=1e-9)


def test_json_names_what_every_dual_prices(run: Run) -> None:
    duals = record(run("solve", "case.toml", "--json", "-"))["duals"]
    levels = {
        "incentive_compatibility": {"supplier", "cost", "report", "others"},
        "individual_rationality": {"supplier", "cost", "others"},
        "feasibility": {"supplier", "cost", "next_cost", "others"},
        "assembly": {"supplier", "profile"},
    }
    for family, names in levels.items():
        assert duals[family]
        for entry in duals[family]:
            assert set(entry) == {"index", "value"}
            assert set(entry["index"]) == names
            assert is_number(entry["value"])
    kept = {(entry["index"]["supplier"], entry["index"]["cost"]) for entry in duals["individual_rationality"]}
    assert kept == {("panel", 3.0), ("panel", 9.0), ("battery", 1.0), ("battery", 4.0)}


def test_the_objective_is_what_the_menu_of_the_paper_earns(run: Run) -> None:
    # Section 3.1: v = c + (p_l / p_h) Delta for a high cost, q = 200 + 600 (30 - v) / 30; v = 4, 11.5, 19, 26.5.
    # S(q) - v q with S(q) = 30 (q - (q - 200)^2 / 1200), weighted by the prior.
    expected = 0.0
    for weight, cost in ((0.36, 4.0), (0.24, 1.5 * 3 + 3 + 4), (0.24, 1.5 * 6 + 9 + 1), (0.16, 1.5 * 9 + 9 + 4)):
        units = 200 + 600 * (30 - cost) / 30
        expected += weight * (30 * (units - (units - 200) ** 2 / 1200) - cost * units)
    found = record(run("solve", "case.toml", "--json", "-"))
    assert found["objective"] == pytest.approx(expected, rel=1e-8)
    assert found["bound"] == pytest.approx(expected, rel=1e-8)


def test_json_into_a_file_leaves_the_tables_on_standard_output(run: Run) -> None:
    status, out, err = run("solve", "case.toml", "--json", "found.json")
    assert (status, err) == (0, "")
    assert "contract menu" in out
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert lasting(written) == lasting(record(run("solve", "case.toml", "--json", "-")))


def test_tables_hold_profit_menu_shadow_prices_audit_and_certificate(run: Run) -> None:
    status, out, err = run("solve", "two-suppliers-correlated")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "icds for two-suppliers-correlated"
    assert lines[1].startswith("expected profit 5,655.30, optimal (bound 5,655.30)")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    # Costs, probability; at (4, 3) she pays cost for cost: F(q) = (30 - 7) / 30.
    assert ["4", "3", "0.45", "713.33", "713.33", "2,853.33", "0.00", "2,140.00", "0.00"] in cells
    assert {cell[0] for cell in cells} >= {"incentive_compatibility", "individual_rationality", "assembly"}
    assert any(line.startswith("audit: no misreport gains") for line in lines)
    assert any(line.startswith("certificate: primal residual") and "gap" in line for line in lines)
    assert any(line.startswith("solved by highs") for line in lines)


def test_a_large_menu_is_cut_for_people_and_whole_in_the_file(run: Run) -> None:
    status, out, _ = run("solve", "electronics", "--solver", "closed_form", "--menu", "menu.csv")
    assert status == 0
    assert "the 16 most likely of 72 profiles" in out  # 3 * 2 * 2 * 3 * 2 * 1
    assert len(Path("menu.csv").read_text(encoding="utf-8").splitlines()) == 1 + 72


@pytest.mark.parametrize("mechanism", ["naive", "icds_balanced", "icds"])
def test_a_written_menu_is_truthful_and_earns_what_was_said(run: Run, mechanism: str) -> None:
    solved = record(run("solve", "case.toml", "--mechanism", mechanism, "--menu", "menu.csv", "--json", "-"))
    audited = record(run("audit", "case.toml", "menu.csv", "--json", "-"))
    assert (audited["case"], audited["menu"]) == ("a pair", "menu.csv")
    assert audited["audit"] == solved["audit"]
    assert audited["audit"]["truthful"] is True
    assert audited["audit"]["individually_rational"] is True
    assert audited["audit"]["expected_profit"] == pytest.approx(solved["objective"], rel=1e-9)
    status, out, err = run("audit", "case.toml", "menu.csv")
    assert (status, err) == (0, "")
    assert "the menu is truthful" in out


def test_a_manipulable_menu_names_who_would_lie_and_what_he_gains(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    audited = record(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]
    assert audited["misreports"] == [
        {"supplier": "panel", "cost": 3.0, "report": 9.0, "others": "battery=4", "gain": 280.0},
        {"supplier": "battery", "cost": 1.0, "report": 4.0, "others": "panel=3", "gain": 190.0},
    ]
    assert (audited["max_regret"], audited["min_rent"]) == (280.0, 0.0)
    assert (audited["truthful"], audited["individually_rational"], audited["balanced"]) == (False, True, True)
    assert audited["expected_profit"] == pytest.approx(1542, abs=1e-9)

    status, out, err = run("audit", "case.toml", "menu.csv")
    assert (status, err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert rows[:2] == [["panel", "3", "9", "battery=4", "280.00"], ["battery", "1", "4", "panel=3", "190.00"]]
    # Properties: truth fails by as much, and in expectation by .6 220 + .4 280; cells of long rows may be wrapped.
    verdicts = [cell for row in rows[2:] for cell in row if cell in ("holds", "fails")]
    assert verdicts == ["fails", "fails", "holds", "holds", "holds", "holds"]
    assert "244.00" in out
    assert audited["properties"]["bayesian_ic"]["worst"] == pytest.approx(244)
    assert "expected profit 1,542.00 if everybody tells the truth" in out
    assert "the menu is truthful" not in out


def test_a_menu_under_which_a_truthful_supplier_loses_says_so(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE.replace("9,4,40,40,560,160", "9,4,40,40,350,160"), encoding="utf-8")
    audited = record(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]
    assert audited["min_rent"] == 350 - 9 * 40
    assert audited["individually_rational"] is False
    assert "smallest rent -10.00: a truthful supplier would lose" in run("audit", "case.toml", "menu.csv")[1]


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        ("price=31", "price = 30.0", "price = 31"),
        ("suppliers.panel.costs=[4,9]", "costs = [3.0, 9.0]", "costs = [4, 9]"),
        ("suppliers.1.costs=[2,4]", "costs = [1.0, 4.0]", "costs = [2, 4]"),
        ("demand.low=150", "low = 200", "low = 150"),
        ("name=another pair", 'name = "a pair"', 'name = "another pair"'),
    ],
)
def test_set_is_the_same_as_editing_the_case(run: Run, change: str, old: str, new: str) -> None:
    assert CASE.count(old) == 1
    Path("edited.toml").write_text(CASE.replace(old, new), encoding="utf-8")
    changed = lasting(record(run("solve", "case.toml", "--set", change, "--json", "-")))
    assert changed == lasting(record(run("solve", "edited.toml", "--json", "-")))
    assert changed != lasting(record(run("solve", "case.toml", "--json", "-")))


def test_set_may_be_given_again_and_reaches_every_command(run: Run) -> None:
    changes = ["--set", "demand={distribution='exponential', mean=400}", "--set", "prior.correlation=[[1, 0.5], [0.5, 1]]"]
    compared = record(run("compare", "case.toml", *changes, "--mechanism", "icds", "--json", "-"))["mechanisms"][0]["profit"]
    solved = record(run("solve", "case.toml", *changes, "--menu", "menu.csv", "--json", "-"))["objective"]
    audited = record(run("audit", "case.toml", "menu.csv", *changes, "--json", "-"))["audit"]["expected_profit"]
    assert compared == solved
    assert audited == pytest.approx(solved, rel=1e-9)
    assert solved != record(run("solve", "case.toml", *changes[:2], "--json", "-"))["objective"]


def test_set_takes_feasibility_out_of_the_model(run: Run) -> None:
    full = record(run("solve", "case.toml", "--json", "-"))
    bare = record(run("solve", "case.toml", "--set", "feasibility=false", "--json", "-"))
    assert "feasibility" in full["duals"]
    assert set(bare["duals"]) == set(full["duals"]) - {"feasibility"}
    assert bare["objective"] == pytest.approx(full["objective"], rel=1e-7)  # (5) follows from incentive compatibility


def test_the_solver_file_reaches_the_solver(run: Run) -> None:
    Path("solver.toml").write_text('solver = "highs"\nform = "quadratic"\n[options]\nrandom_seed = 7\n', encoding="utf-8")
    used = record(run("solve", "case.toml", "--solver", "solver.toml", "--json", "-"))["solver"]
    assert (used["name"], used["form"], used["options"]["random_seed"]) == ("highs", "quadratic", 7)


def test_a_time_limit_ends_with_status_3_and_says_so(run: Run) -> None:
    suppliers = [
        f'[[suppliers]]\nname = "s{k}"\ncosts = [1.0, {2 + k / 7}]\nprobabilities = [0.{3 + k}, 0.{7 - k}]\n' for k in range(7)
    ]
    text = CASE[: CASE.index("[[suppliers]]")] + "".join(suppliers)
    Path("large.toml").write_text(text, encoding="utf-8")
    Path("solver.toml").write_text('solver = "highs"\ntime_limit = 1e-6\n', encoding="utf-8")
    status, out, err = run("solve", "large.toml", "--solver", "solver.toml")
    assert (status, out) == (3, "")
    (line,) = err.splitlines()
    assert line.startswith("veridical: icds")
    assert "time limit" in line.lower()


@pytest.mark.parametrize("wrong", ["point", "multipliers", "point beyond the constraints"])
def test_a_wrong_answer_of_the_solver_ends_with_status_4(run: Run, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    right = highs.LiveModel.run

    def perturbed(engine: Any, name: str, deadline: float) -> tuple[Any, Any]:
        x, multipliers = right(engine, name, deadline)
        assert multipliers is not None
        if wrong == "point":
            return x * 0.99, multipliers  # every constraint is homogeneous: still feasible, and no longer optimal
        if wrong == "multipliers":
            return x, multipliers * 0.99
        return x - 1.0, multipliers

    monkeypatch.setattr(highs.LiveModel, "run", perturbed)
    status, out, err = run("solve", "case.toml", "--json", "-")
    assert (status, out) == (4, "")
    assert err.startswith("veridical: the result of highs")
    assert "fails its certificate" in err
    assert "Traceback" not in err


def test_an_untruthful_menu_ends_with_status_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first best is optimal for its model, so its certificate holds; it fails once it promises the truth.
    promising = dataclasses.replace(MECHANISMS["first_best"], promises=MECHANISMS["icds"].promises)
    monkeypatch.setitem(MECHANISMS, "first_best", promising)
    status, out, err = run("solve", "case.toml", "--mechanism", "first_best")
    assert (status, out) == (4, "")
    assert "dominant_strategy_ic fails" in err


def test_plot_writes_a_picture(run: Run) -> None:
    status, _, err = run("solve", "case.toml", "--plot", "menu.png")
    assert (status, err) == (0, "")
    assert Path("menu.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_compare_has_a_row_a_mechanism_in_the_order_of_the_theory(run: Run) -> None:
    found = record(run("compare", "two-suppliers-correlated", "--json", "-"))
    assert found["case"] == "two-suppliers-correlated"
    rows = {row["mechanism"]: row for row in found["mechanisms"]}
    order = ["naive", "icds_balanced", "icds", "first_best"]
    assert set(rows) >= set(order)
    profits = [rows[name]["profit"] for name in order]
    assert profits == sorted(profits)
    # Naive by hand: F(q) = (30 - 16) / 30, q = 473.33, profit 14 q - 30 (q - 100)^2 / 1600. The two others: the paper's page.
    assert profits[:3] == pytest.approx([4013.3333, 4896.97, 5655.30], abs=6e-3)
    for row in rows.values():
        assert row["share_of_first_best"] == pytest.approx(row["profit"] / profits[-1])
        assert row["max_regret"] == pytest.approx(2900 if row["mechanism"] == "first_best" else 0, abs=1e-2)
        assert row["min_rent"] == pytest.approx(0, abs=1e-2)
        assert row["seconds"] > 0
    assert [rows[name]["balanced"] for name in order] == [True, True, False, True]
    assert rows["first_best"]["expected_rents"] == pytest.approx(0, abs=1e-2)


def test_compare_shows_the_rows_asked_for(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers-correlated", "--mechanism", "icds", "--mechanism", "naive")
    assert (status, err) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [row[:2] for row in rows] == [["icds", "5,655.30"], ["naive", "4,013.33"]]


def test_compare_writes_json_beside_the_table(run: Run) -> None:
    status, out, _ = run("compare", "case.toml", "--mechanism", "naive", "--solver", "closed_form", "--json", "found.json")
    assert status == 0
    assert "mechanisms for a pair" in out
    (row,) = json.loads(Path("found.json").read_text(encoding="utf-8"))["mechanisms"]
    # By hand: costs 9 + 4, F(q) = 17 / 30, q = 540, 17 * 540 - 30 * 340^2 / 1200.
    assert row["profit"] == pytest.approx(17 * 540 - 30 * 340**2 / 1200)


def test_solvers_are_listed_with_versions(run: Run) -> None:
    status, out, err = run("solvers")
    assert (status, err) == (0, "")
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert set(rows) >= {"highs", "closed_form"}
    assert highs.version() in rows["highs"]
    assert "LP" in rows["highs"]


def test_paths_count_from_the_folder_one_is_in_and_samples_from_the_case(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uniform = 'distribution = "uniform"\nlow = 200\nhigh = 800'
    text = CASE.replace(uniform, 'distribution = "sample"\nfile = "past/demand.csv"')
    assert text != CASE
    Path("past").mkdir()
    Path("past/demand.csv").write_text("units\n300\n500\n", encoding="utf-8")
    Path("case.toml").write_text(text, encoding="utf-8")
    here = lasting(record(run("solve", "case.toml", "--json", "-")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = record(run("solve", "../case.toml", "--json", "-", "--menu", "menu.csv"))
    assert lasting(there) == here
    assert (tmp_path / "elsewhere" / "menu.csv").exists()
    assert lasting(record(run("solve", str(tmp_path / "case.toml"), "--json", "-"))) == here


def test_a_shipped_case_is_found_by_name_unless_a_file_stands_in_its_place(run: Run) -> None:
    assert record(run("solve", "two-suppliers", "--json", "-"))["case"] == "two-suppliers"
    Path("two-suppliers").write_text(CASE, encoding="utf-8")
    assert record(run("solve", "two-suppliers", "--json", "-"))["case"] == "a pair"


def test_the_name_of_the_file_is_the_name_of_a_case_without_one(run: Run) -> None:
    Path("case.toml").write_text(CASE.replace('name = "a pair"\n', ""), encoding="utf-8")
    assert record(run("solve", "case.toml", "--json", "-"))["case"] == "case"


def test_the_same_command_twice_gives_the_same_digits(run: Run) -> None:
    first, second = (lasting(record(run("solve", "electronics", "--json", "-"))) for _ in range(2))
    assert first == second


def test_names_are_printed_as_they_are(run: Run) -> None:
    text = CASE.replace('"panel"', '"panel [oem] [/red]"')
    Path("case.toml").write_text(text, encoding="utf-8")
    status, out, _ = run("solve", "case.toml")
    assert status == 0
    assert "[oem]" in out


def test_json_of_a_comparison_where_nothing_is_earned(run: Run) -> None:
    status, out, _ = run("compare", "two-suppliers", "--set", "price=1", "--json", "-")
    assert status == 0
    assert [row["share_of_first_best"] for row in json.loads(out)["mechanisms"]] == [None] * len(
        fitting(example("two-suppliers"))
    )
    assert "nan" not in run("compare", "two-suppliers", "--set", "price=1")[1]


def cells(out: str) -> list[list[str]]:
    """Return the cells of the tables that a command printed, row by row."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def is_picture(path: str) -> bool:
    return Path(path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("change", "naive"),
    # By hand: q = 200 + 600 (r - 13) / r, profit (r - 13) q - r (q - 200)^2 / 1200.
    [([], 6290.0), (["--set", "price=26"], (13 * 500 - 26 * 300**2 / 1200))],
)
def test_compare_with_a_parameter_gives_it_to_the_mechanisms_that_have_it(run: Run, change: list[str], naive: float) -> None:
    rows = record(run("compare", "case.toml", *change, "--set", "k=0", "--json", "-"))["mechanisms"]
    found = {row["mechanism"]: row for row in rows}
    assert found["hybrid"]["parameters"] == "k=0"
    assert found["hybrid"]["profit"] == pytest.approx(naive, rel=1e-8)
    assert found["naive"]["profit"] == pytest.approx(naive, rel=1e-8)
    assert {row["parameters"] for name, row in found.items() if name != "hybrid"} == {""}
    status, out, err = run("compare", "case.toml", *change, "--set", "k=0")
    assert (status, err) == (0, "")
    assert ["hybrid (k=0)", f"{naive:,.2f}"] in [row[:2] for row in cells(out)]


def test_compare_says_in_json_what_is_truthful_only_in_expectation(run: Run) -> None:
    changes = ["--set", "k=1", "--set", "participation=ex_post"]
    rows = {
        row["mechanism"]: row for row in record(run("compare", "two-suppliers-correlated", *changes, "--json", "-"))["mechanisms"]
    }
    assert (rows["hybrid"]["parameters"], rows["bic"]["parameters"]) == ("k=1", "participation=ex_post")
    assert {name: row["truthful"] for name, row in rows.items()} == {
        **dict.fromkeys(("naive", "frw", "hybrid", "icds_balanced", "icds"), "always"),
        "bic": "in expectation",
        "first_best": "no",
    }


@pytest.mark.parametrize("key", ["k", "participation"])
def test_compare_refuses_a_parameter_that_nobody_has(run: Run, key: str) -> None:
    status, out, err = run("compare", "case.toml", "--mechanism", "naive", "--mechanism", "icds", "--set", f"{key}=0")
    assert (status, out) == (2, "")
    assert err.startswith(f"veridical: --set {key}: got 0; allowed: one of kind, ")
    assert err.rstrip().endswith("prior, feasibility")


def test_json_of_an_audit_has_every_property_with_its_worst_case(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    found = record(run("audit", "case.toml", "menu.csv", "--json", "-"))["audit"]["properties"]
    names = {"dominant_strategy_ic", "bayesian_ic", "ex_post_ir", "interim_ir", "balanced", "budget"}
    assert set(found) == names
    for name, finding in found.items():
        assert set(finding) == {"name", "holds", "worst", "supplier", "cost", "report", "others"}
        assert finding["name"] == name
        assert is_number(finding["worst"])
    assert {name for name, finding in found.items() if not finding["holds"]} == {"dominant_strategy_ic", "bayesian_ic"}
    lie = {"name": "dominant_strategy_ic", "holds": False, "worst": 280.0, "supplier": "panel", "cost": 3.0, "report": 9.0}
    assert found["dominant_strategy_ic"] == {**lie, "others": "battery=4"}
    assert [found["bayesian_ic"][key] for key in ("supplier", "cost", "report")] == ["panel", 3.0, 9.0]


# --- continuous costs ---


def panel_alone(run: Run) -> None:
    """Write a case of one supplier, cost uniform on [3, 13]."""
    suppliers = '[[suppliers]]\nname = "panel"\ncost = { distribution = "uniform", low = 3.0, high = 13.0 }\n'
    Path("case.toml").write_text(CASE[: CASE.index("[[suppliers]]")] + suppliers, encoding="utf-8")


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_continuous_costs_have_the_keys_that_scripts_rely_on(run: Run, solver: str) -> None:
    found = record(run("solve", "continuous-pair", "--solver", solver, "--json", "-"))
    assert (found["case"], found["mechanism"], found["status"]) == ("continuous-pair", "continuous", "optimal")
    assert all(is_number(found[key]) for key in ("objective", "bound"))
    assert found["bound"] >= found["objective"] * (1 - 1e-8)
    assert set(found["solver"]) == {"name", "version", "options", "form", "seconds"}
    assert found["solver"]["name"] == solver
    assert all(is_number(found["certificate"][figure]) for figure in ("primal_residual", "dual_residual", "gap"))
    assert found["audit"]["balanced"] is True
    assert found["audit"]["truthful"] is True
    assert is_number(found["audit"]["max_regret"])
    assert is_number(found["audit"]["min_rent"])
    assert is_number(found["sensitivity"]["price"])
    assert len(found["menu"]) == 16 * 16
    assert sum(row["probability"] for row in found["menu"]) == pytest.approx(1)
    for row in found["menu"]:
        assert all(len(row[key]) == 2 and all(map(is_number, row[key])) for key in ("quantity", "payment", "rent"))
    if solver == "highs":
        assert found["parameters"] == {"points": 16}
        assert found["duals"]
        assert "integration" not in found
    else:
        assert found["duals"] == {}
        assert set(found["integration"]) == {"method", "points", "error", "payments_error"}
        assert found["integration"]["method"] == "quadrature"
        assert 0 <= found["integration"]["error"] <= 1e-7 * found["objective"]


def test_a_continuous_case_by_hand(run: Run) -> None:
    # J = 2 x - 3, evenly on [3, 23], below the price: mean of (30 - v) 200 + 300 (30 - v)^2 / 30 over v, 30 - v from 27 to 7.
    exact = 200 * 17 + 10 * (27**3 - 7**3) / 60
    panel_alone(run)
    direct = record(run("solve", "case.toml", "--solver", "closed_form", "--json", "-"))
    assert direct["objective"] == pytest.approx(exact, rel=1e-8)
    for points in (1, 8):
        solved = record(run("solve", "case.toml", "--set", f"points={points}", "--json", "-"))
        assert solved["parameters"] == {"points": points}
        assert [row["costs"] for row in solved["menu"]] == [[k] for k in range(points)]
        assert [row["probability"] for row in solved["menu"]] == pytest.approx([1 / points] * points)
        # Cells are paid as their upper ends c_k = 3 + 10 k / points: v = c_k + (k - 1) 10 / points.
        each = [30 - (3 + 10 * k / points + (k - 1) * 10 / points) for k in range(1, points + 1)]
        expected = sum(200 * less + 10 * less**2 for less in each) / points
        assert solved["objective"] == pytest.approx(expected, rel=1e-8)
        assert solved["objective"] < exact


def test_points_reach_the_closed_form_too(run: Run) -> None:
    found = record(run("solve", "continuous-pair", "--solver", "closed_form", "--set", "points=8", "--json", "-"))
    assert found["parameters"] == {"points": 8}
    assert len(found["menu"]) == 64
    usual = record(run("solve", "continuous-pair", "--solver", "closed_form", "--json", "-"))
    assert found["objective"] == usual["objective"]  # they are where the rule is shown, no more


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
@pytest.mark.parametrize("points", ["0", "-3", "1.5", "true", "many"])
def test_points_are_a_whole_number_above_0(run: Run, points: str, solver: str) -> None:
    status, out, err = run("solve", "continuous-pair", "--solver", solver, "--set", f"points={points}")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert "points: got" in line
    assert "a whole number" in line


def test_tables_of_continuous_costs(run: Run) -> None:
    status, out, err = run("solve", "continuous-pair", "--solver", "closed_form")
    assert (status, err) == (0, "")
    assert "the 16 most likely of 256 profiles" in out
    assert "profit by quadrature over" in out
    assert "nan" not in out
    status, out, _ = run("solve", "continuous-pair", "--set", "points=8")
    assert status == 0
    assert out.startswith("continuous (points=8) for continuous-pair")


def test_a_continuous_menu_is_audited_on_its_grid_alone(run: Run) -> None:
    Path("menu.csv").write_text(MANIPULABLE, encoding="utf-8")
    status, out, err = run("audit", "continuous-pair", "menu.csv")
    assert (status, out) == (2, "")
    assert err.startswith(
        "veridical: continuous-pair: case: got <continuous costs>; allowed: a case whose suppliers have `costs`"
    )


def test_mechanisms_for_costs_that_can_be_listed_refuse_continuous_ones(run: Run) -> None:
    status, out, err = run("solve", "continuous-pair", "--mechanism", "icds")
    assert (status, out) == (2, "")
    assert "mechanism: got 'icds'" in err
    assert "continuous" in err


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_the_price_of_a_continuous_case_has_the_derivative_that_is_said(solver: str) -> None:
    case = example("continuous-pair")
    said = float(solve(case, solver=solver).sensitivity["price"])
    left, right = one_sided_derivatives(case, "price", solver=solver)
    assert left <= said <= right  # profit is convex in the price
    # Expected sales rise by 280 in all as the price goes from 15 to 30, and by less than 100 for every unit of price: a step of
    # 1e-4 of it moves the slope by less than 0.3.
    assert right - left <= 0.3
    with pytest.raises(InputError, match=r"parameter: got 'cost panel=3'; allowed: one of price|parameter: .*allowed: price"):
        one_sided_derivatives(case, "cost panel=3", solver=solver)


def test_one_sided_derivatives_of_one_continuous_cost_by_hand(run: Run) -> None:
    panel_alone(run)
    # Z = mean of (r - v) 200 + 300 (r - v)^2 / r, v evenly on [3, 23]: dZ/dr = 200 + mean of 300 (1 - v^2 / r^2).
    slope = 200 + 300 * (1 - (23**3 - 3**3) / (3 * 20 * 900))
    case = load("case.toml")
    assert solve(case, solver="closed_form").sensitivity["price"] == pytest.approx(slope, rel=1e-8)
    assert one_sided_derivatives(case, "price", solver="closed_form") == pytest.approx((slope, slope), rel=1e-3)


def test_json_of_a_comparison_of_continuous_costs(run: Run) -> None:
    for solver in ("highs", "closed_form"):
        (row,) = record(run("compare", "continuous-pair", "--solver", solver, "--json", "-"))["mechanisms"]
        assert row["mechanism"] == "continuous"
        assert row["share_of_first_best"] is None
        assert (row["truthful"], row["balanced"]) == ("always", True)
    frame = compare(example("continuous-pair"), solver="closed_form")
    assert row["profit"] == frame["profit"].iloc[0]


# --- reproductions ---


def test_reproduce_shows_published_as_published_and_exact(run: Run) -> None:
    status, out, err = run("reproduce", "assembler-3.1")
    assert (status, err) == (0, "")
    rows = cells(out)
    assert [row[0].removesuffix("[1]").strip() for row in rows] == [
        "icds over frw, mean gain %",
        "icds over frw, standard deviation of the gain",
    ]
    assert [row[1] for row in rows] == ["10.38", "13.78"]
    assert rows[0][3].startswith("7.96")
    assert rows[1][3].startswith("8.64") or rows[1][3].startswith("8.65")
    assert "[1] the printed figure cannot come from an optimal FRW menu" in " ".join(out.split())


def test_reproduce_gives_names_in_their_order_and_json_alone(run: Run) -> None:
    names = ["assembler-figure-1", "assembler-3.1"]
    found = record(run("reproduce", *names, "--json", "-"))["reproductions"]
    assert [each["name"] for each in found] == names
    figure, section = found
    assert section["series"] is None
    assert [row["published"] for row in section["rows"]] == [10.38, 13.78]
    assert [row["published"] for row in figure["rows"]] == [None] * 4  # the paper prints no number beside its figure
    assert {key for row in section["rows"] for key in row} == {"quantity", "published", "as_published", "exact", "where", "note"}
    assert len(figure["series"]) == 5 + 6 + 5 + 4
    assert {key for point in figure["series"] for key in point} == {"x", "series", "exact", "as published", "panel"}
    assert all(is_number(point[key]) for point in figure["series"] for key in ("x", "exact"))
    assert all(point["as published"] is None for point in figure["series"])  # no reading of the text gives what is printed


def test_reproduce_writes_json_beside_the_tables_and_pictures_where_there_are_some(run: Run) -> None:
    names = ["assembler-3.1", "assembler-figure-1"]
    status, out, err = run("reproduce", *names, "--json", "found.json", "--plot", "deep/figures")
    assert (status, err) == (0, "")
    assert all(name in out for name in names)
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert written == record(run("reproduce", *names, "--json", "-"))
    assert [path.name for path in Path("deep/figures").iterdir()] == ["assembler-figure-1.png"]
    assert is_picture("deep/figures/assembler-figure-1.png")


def test_reproduce_refuses_names_that_it_does_not_know_at_once(run: Run) -> None:
    status, out, err = run("reproduce", "assembler-3.1", "assembler-3.3")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("veridical: NAME: got 'assembler-3.3'; allowed: one of assembler-3.1, ")
    assert "assembler-models" in line


@pytest.mark.parametrize("folder", ["case.toml", "case.toml/figures"])
def test_reproduce_refuses_a_folder_that_cannot_be_made(run: Run, folder: str) -> None:
    status, _, err = run("reproduce", "assembler-figure-1", "--plot", folder)
    assert status == 2
    assert err.startswith(f"veridical: --plot: got {folder!r}; allowed: ")
    assert "Traceback" not in err


# --- the choice of k ---


def test_choose_k_shows_the_hybrid_by_k(run: Run) -> None:
    status, out, err = run("choose-k", "case.toml")
    assert (status, err) == (0, "")
    profits = [solve(load("case.toml"), "hybrid", "closed_form", k=k).objective for k in range(3)]
    naive, one, icds = profits
    assert naive == pytest.approx(6290)  # by hand, see above
    assert cells(out) == [
        ["0", "-", "1", f"{naive:,.2f}", "", f"{1 - naive / icds:.2%}"],
        ["1", "panel", "2", f"{one:,.2f}", f"{one - naive:,.2f}", f"{1 - one / icds:.2%}"],
        ["2", "battery", "4", f"{icds:,.2f}", f"{icds - one:,.2f}", "0.00%"],
    ]
    enough = next(k for k, profit in enumerate(profits) if profit >= 0.95 * icds)
    assert f"k = {enough} is the smallest that loses at most 5.00% of what k = n earns" in out


def test_choose_k_by_hand(run: Run) -> None:
    # One reports, of cost 3 or 9 with 4 for the other: v = 7 or 9 + 4 + 6 * 1.5 = 22; .6 and .4 of (30 - v) 200 + 10 (30 - v)^2.
    one = 0.6 * (23 * 200 + 10 * 23**2) + 0.4 * (8 * 200 + 10 * 8**2)
    found = record(run("choose-k", "case.toml", "--loss", "0.01", "--json", "-"))
    assert (found["case"], found["loss"]) == ("a pair", 0.01)
    assert [row["k"] for row in found["hybrids"]] == [0, 1, 2]
    assert [row["supplier"] for row in found["hybrids"]] == ["", "panel", "battery"]
    assert [row["contracts"] for row in found["hybrids"]] == [1, 2, 4]
    assert [row["profit"] for row in found["hybrids"][:2]] == pytest.approx([6290, one])
    assert found["hybrids"][0]["added"] is None
    assert found["hybrids"][1]["added"] == pytest.approx(one - 6290)
    icds = found["hybrids"][2]["profit"]
    assert [row["loss"] for row in found["hybrids"]] == pytest.approx([1 - 6290 / icds, 1 - one / icds, 0])
    ks = [record(run("choose-k", "case.toml", "--loss", loss, "--json", "-"))["k"] for loss in ("0", "0.09", "1")]
    assert ks == [2, next(k for k, row in enumerate(found["hybrids"]) if row["loss"] <= 0.09), 0]


def test_choose_k_takes_changes_and_a_solver(run: Run) -> None:
    status, out, err = run("choose-k", "two-suppliers-correlated")
    assert (status, out) == (2, "")
    assert "highs" in err
    found = record(run("choose-k", "two-suppliers-correlated", "--solver", "highs", "--json", "-"))
    assert found["k"] == 2
    assert found["hybrids"][2]["profit"] == pytest.approx(5655.30, abs=6e-3)  # the case's page
    moved = record(run("choose-k", "case.toml", "--set", "price=26", "--json", "-"))
    assert moved["hybrids"][0]["profit"] == pytest.approx(13 * 500 - 26 * 300**2 / 1200)


def test_choose_k_writes_json_and_a_picture(run: Run) -> None:
    status, out, err = run("choose-k", "electronics", "--json", "found.json", "--plot", "choice.png")
    assert (status, err) == (0, "")
    assert is_picture("choice.png")
    assert len(cells(out)) == 7
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert written == record(run("choose-k", "electronics", "--json", "-"))
    assert "nan" not in out


@pytest.mark.parametrize("loss", ["-0.1", "1.1", "nan", "inf", "x"])
def test_choose_k_refuses_a_loss_that_is_no_share(run: Run, loss: str) -> None:
    status, out, err = run("choose-k", "case.toml", f"--loss={loss}")
    assert (status, out) == (2, "")
    assert "loss" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["continuous-pair"], "case.grid(points)"),
        (["case.toml", "--solver", "nobody"], "nobody"),
        (["case.toml", "--set", "k=1"], "--set k: got 1"),
        (["case.toml", "--plot", "missing/choice.png"], "--plot: got 'missing/choice.png'"),
        (["case.toml", "--json", "missing/choice.json"], "--json: got 'missing/choice.json'"),
        (["missing.toml"], "missing.toml"),
    ],
)
def test_choose_k_says_what_is_wrong(run: Run, arguments: list[str], words: str) -> None:
    status, out, err = run("choose-k", *arguments)
    assert (status, out) == (2, "")
    assert words in err
