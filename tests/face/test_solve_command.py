"""`veridical solve` as its user meets it: tables, JSON, files, changes, exit status."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.command_line import PAIR, Run, is_number, no_constant, parsed
from veridical import MECHANISMS
from veridical.solvers.engines import highs

pytestmark = pytest.mark.usefixtures("case_file")


def lasting(found: dict[str, Any]) -> dict[str, Any]:
    """Return a record without the times, which differ from run to run."""
    return {**found, "solver": {key: value for key, value in found["solver"].items() if key != "seconds"}}


def test_a_process_of_its_own_prints_json_alone(tmp_path: Path) -> None:
    code = "import sys; from veridical.cli import main; sys.argv[0] = 'veridical'; main()"
    command = [sys.executable, "-c", code, "solve", "two-suppliers", "--json", "-"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["case"] == "two-suppliers"  # libraries beneath Python write to standard output too
    assert ended.stderr == ""


@pytest.mark.parametrize("solver", ["highs", "closed_form"])
def test_json_alone_has_the_keys_that_scripts_rely_on(run: Run, solver: str) -> None:
    found = parsed(run("solve", "case.toml", "--solver", solver, "--json", "-"))
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
    duals = parsed(run("solve", "case.toml", "--json", "-"))["duals"]
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
    found = parsed(run("solve", "case.toml", "--json", "-"))
    assert found["objective"] == pytest.approx(expected, rel=1e-8)
    assert found["bound"] == pytest.approx(expected, rel=1e-8)


def test_json_into_a_file_leaves_the_tables_on_standard_output(run: Run) -> None:
    status, out, err = run("solve", "case.toml", "--json", "found.json")
    assert (status, err) == (0, "")
    assert "contract menu" in out
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert lasting(written) == lasting(parsed(run("solve", "case.toml", "--json", "-")))


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


def test_a_menu_that_orders_nothing_says_so(run: Run) -> None:
    said = "nothing is ordered, whatever the suppliers report"
    assert said not in run("solve", "two-suppliers")[1]
    status, out, err = run("solve", "two-suppliers", "--set", "price=3.5")  # the parts cost 4 at the least
    assert (status, err) == (0, "")
    assert said in out


def test_a_large_menu_is_cut_for_people_and_whole_in_the_file(run: Run) -> None:
    status, out, _ = run("solve", "electronics", "--solver", "closed_form", "--menu", "menu.csv")
    assert status == 0
    assert "the 16 most likely of 72 profiles" in out  # 3 * 2 * 2 * 3 * 2 * 1
    assert len(Path("menu.csv").read_text(encoding="utf-8").splitlines()) == 1 + 72


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
    assert PAIR.count(old) == 1
    Path("edited.toml").write_text(PAIR.replace(old, new), encoding="utf-8")
    changed = lasting(parsed(run("solve", "case.toml", "--set", change, "--json", "-")))
    assert changed == lasting(parsed(run("solve", "edited.toml", "--json", "-")))
    assert changed != lasting(parsed(run("solve", "case.toml", "--json", "-")))


def test_set_may_be_given_again_and_reaches_every_command(run: Run) -> None:
    changes = ["--set", "demand={distribution='exponential', mean=400}", "--set", "prior.correlation=[[1, 0.5], [0.5, 1]]"]
    compared = parsed(run("compare", "case.toml", *changes, "--mechanism", "icds", "--json", "-"))["mechanisms"][0]["profit"]
    solved = parsed(run("solve", "case.toml", *changes, "--menu", "menu.csv", "--json", "-"))["objective"]
    audited = parsed(run("audit", "case.toml", "menu.csv", *changes, "--json", "-"))["audit"]["expected_profit"]
    assert compared == solved
    assert audited == pytest.approx(solved, rel=1e-9)
    assert solved != parsed(run("solve", "case.toml", *changes[:2], "--json", "-"))["objective"]


def test_set_takes_feasibility_out_of_the_model(run: Run) -> None:
    full = parsed(run("solve", "case.toml", "--json", "-"))
    bare = parsed(run("solve", "case.toml", "--set", "feasibility=false", "--json", "-"))
    assert "feasibility" in full["duals"]
    assert set(bare["duals"]) == set(full["duals"]) - {"feasibility"}
    assert bare["objective"] == pytest.approx(full["objective"], rel=1e-7)  # (5) follows from incentive compatibility


def test_the_solver_file_reaches_the_solver(run: Run) -> None:
    Path("solver.toml").write_text('solver = "highs"\nform = "quadratic"\n[options]\nrandom_seed = 7\n', encoding="utf-8")
    used = parsed(run("solve", "case.toml", "--solver", "solver.toml", "--json", "-"))["solver"]
    assert (used["name"], used["form"], used["options"]["random_seed"]) == ("highs", "quadratic", 7)


def test_a_time_limit_ends_with_status_3_and_says_so(run: Run) -> None:
    suppliers = [
        f'[[suppliers]]\nname = "s{k}"\ncosts = [1.0, {2 + k / 7}]\nprobabilities = [0.{3 + k}, 0.{7 - k}]\n' for k in range(7)
    ]
    text = PAIR[: PAIR.index("[[suppliers]]")] + "".join(suppliers)
    Path("large.toml").write_text(text, encoding="utf-8")
    Path("solver.toml").write_text('solver = "highs"\ntime_limit = 1e-6\n', encoding="utf-8")
    status, out, err = run("solve", "large.toml", "--solver", "solver.toml")
    assert (status, out) == (3, "")
    (line,) = err.splitlines()
    assert line.startswith("veridical: icds")
    assert "time limit" in line.lower()


@pytest.mark.parametrize("wrong", ["point", "multipliers", "point beyond the constraints"])
def test_a_wrong_answer_of_the_solver_ends_with_status_4(run: Run, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    right = highs.LiveModel.exact

    def perturbed(engine: Any, *end: Any) -> tuple[Any, Any]:
        x, multipliers = right(engine, *end)
        assert multipliers is not None
        if wrong == "point":
            return x * 0.99, multipliers  # every constraint is homogeneous: still feasible, and no longer optimal
        if wrong == "multipliers":
            return x, multipliers * 0.99
        return x - 1.0, multipliers

    monkeypatch.setattr(highs.LiveModel, "exact", perturbed)
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
    text = PAIR.replace(uniform, 'distribution = "sample"\nfile = "past/demand.csv"')
    assert text != PAIR
    Path("past").mkdir()
    Path("past/demand.csv").write_text("units\n300\n500\n", encoding="utf-8")
    Path("case.toml").write_text(text, encoding="utf-8")
    here = lasting(parsed(run("solve", "case.toml", "--json", "-")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = parsed(run("solve", "../case.toml", "--json", "-", "--menu", "menu.csv"))
    assert lasting(there) == here
    assert (tmp_path / "elsewhere" / "menu.csv").exists()
    assert lasting(parsed(run("solve", str(tmp_path / "case.toml"), "--json", "-"))) == here


def test_a_shipped_case_is_found_by_name_unless_a_file_stands_in_its_place(run: Run) -> None:
    assert parsed(run("solve", "two-suppliers", "--json", "-"))["case"] == "two-suppliers"
    Path("two-suppliers").write_text(PAIR, encoding="utf-8")
    assert parsed(run("solve", "two-suppliers", "--json", "-"))["case"] == "a pair"


def test_the_name_of_the_file_is_the_name_of_a_case_without_one(run: Run) -> None:
    Path("case.toml").write_text(PAIR.replace('name = "a pair"\n', ""), encoding="utf-8")
    assert parsed(run("solve", "case.toml", "--json", "-"))["case"] == "case"


def test_the_same_command_twice_gives_the_same_digits(run: Run) -> None:
    first, second = (lasting(parsed(run("solve", "electronics", "--json", "-"))) for _ in range(2))
    assert first == second


def test_names_are_printed_as_they_are(run: Run) -> None:
    text = PAIR.replace('"panel"', '"panel [oem] [/red]"')
    Path("case.toml").write_text(text, encoding="utf-8")
    status, out, _ = run("solve", "case.toml")
    assert status == 0
    assert "[oem]" in out
