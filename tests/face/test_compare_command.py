"""`veridical compare`: a row a mechanism, and parameters for those that have them."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.command_line import Run, cells, parsed
from veridical import comparing, example, solving
from veridical.data import CertificateError, InputError
from veridical.families import candidates, fitting

pytestmark = pytest.mark.usefixtures("case_file")


def test_compare_has_a_row_a_mechanism_in_the_order_of_the_theory(run: Run) -> None:
    found = parsed(run("compare", "two-suppliers-correlated", "--json", "-"))
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


def test_json_of_a_comparison_where_nothing_is_earned(run: Run) -> None:
    status, out, _ = run("compare", "two-suppliers", "--set", "price=1", "--json", "-")
    assert status == 0
    assert [row["share_of_first_best"] for row in json.loads(out)["mechanisms"]] == [None] * len(
        fitting(example("two-suppliers"))
    )
    assert "nan" not in run("compare", "two-suppliers", "--set", "price=1")[1]


@pytest.mark.parametrize(
    ("change", "naive"),
    # By hand: q = 200 + 600 (r - 13) / r, profit (r - 13) q - r (q - 200)^2 / 1200.
    [([], 6290.0), (["--set", "price=26"], (13 * 500 - 26 * 300**2 / 1200))],
)
def test_compare_with_a_parameter_gives_it_to_the_mechanisms_that_have_it(run: Run, change: list[str], naive: float) -> None:
    rows = parsed(run("compare", "case.toml", *change, "--set", "k=0", "--json", "-"))["mechanisms"]
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
        row["mechanism"]: row for row in parsed(run("compare", "two-suppliers-correlated", *changes, "--json", "-"))["mechanisms"]
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
    assert err.rstrip().endswith("ambiguity, products, feasibility, coalitions")


SOURCES = ["--set", 'suppliers.panel.component="glass"', "--set", 'suppliers.battery.component="glass"']


def test_mechanisms_that_refuse_a_key_are_left_out_by_name_and_reason(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers", *SOURCES, "--json", "-")
    found = json.loads(out)
    assert status == 0
    assert {row["mechanism"] for row in found["mechanisms"]} == {"naive", "frw", "hybrid", "icds", "bic", "first_best"}
    ((name, reason),) = [(one["mechanism"], one["reason"]) for one in found["left_out"]]
    assert name == "icds_balanced"
    assert "suppliers[1].component: got 'glass'; allowed: for `icds_balanced` one source a component" in reason
    assert err == f"veridical: warning: icds_balanced is left out: {reason}\n"


def test_a_mechanism_that_is_named_is_not_left_out(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers", *SOURCES, "--mechanism", "icds", "--mechanism", "icds_balanced")
    assert (status, out) == (2, "")
    assert "one source a component" in err


def test_where_all_mechanisms_refuse_a_key_the_comparison_does(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers", *SOURCES, "--solver", "closed_form")
    assert (status, out) == (2, "")
    assert "for closed forms one source a component" in err


def test_a_parameter_that_is_not_allowed_ends_a_comparison(run: Run) -> None:
    status, out, err = run("compare", "two-suppliers", "--set", "k=3")
    assert (status, out) == (2, "")
    assert "k: got 3; allowed: a whole number from 0 to the number of suppliers, 2" in err


def test_a_mechanism_that_fails_its_certificate_does_not_end_a_comparison(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    solved = solving.answer

    def failing(case: Any, mechanism: Any, *others: Any) -> Any:
        if mechanism.name in ("frw", "first_best"):
            raise CertificateError(f"{case.name}: {mechanism.name} is not what it says")
        return solved(case, mechanism, *others)

    monkeypatch.setattr(comparing, "answer", failing)
    status, out, err = run("compare", "two-suppliers", "--solver", "closed_form", "--json", "-")
    found = json.loads(out)
    assert status == 0
    assert {row["mechanism"] for row in found["mechanisms"]} == {"naive", "hybrid", "icds_balanced", "icds"}
    assert {row["share_of_first_best"] for row in found["mechanisms"]} == {None}
    assert [one["mechanism"] for one in found["left_out"]] == ["frw", "first_best"]
    assert err.count("is left out: two-suppliers: ") == 2


def test_profits_under_an_ambiguous_prior_are_said_to_be_so(run: Run) -> None:
    change = ["--set", "ambiguity={radius = 0.1}"]
    _, out, _ = run("compare", "two-suppliers", *change, "--mechanism", "icds", "--mechanism", "naive")
    assert out.rstrip().endswith("expected profits are under the worst prior within 0.1 (l1)")
    assert "worst prior" not in run("compare", "two-suppliers", "--mechanism", "naive")[1]
    assert run("solve", "two-suppliers", *change, "--menu", "menu.csv")[0] == 0
    _, out, _ = run("audit", "two-suppliers", "menu.csv", *change)
    assert ", under the worst prior within 0.1 (l1), if everybody tells the truth" in out


def test_a_solver_that_is_not_installed_leaves_out_its_rows_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyipopt", None)  # as if it were not there
    found = json_of(run("compare", "five-retailers", "--json", "-"))
    left_out = {row["mechanism"]: row["reason"] for row in found["left_out"]}
    assert list(left_out) == ["allocation_kkt"]
    assert "solver: got 'ipopt'; allowed: a solver that is installed" in left_out["allocation_kkt"]
    everything = set(fitting(example("five-retailers")))
    assert {row["mechanism"] for row in found["mechanisms"]} == everything - {"allocation_kkt"}
    status, out, err = run("compare", "five-retailers", "--mechanism", "allocation_kkt")
    assert (status, out) == (2, "")
    assert "pip install cyipopt-wheels" in err


@pytest.mark.parametrize(
    ("name", "changes", "refused"),
    [
        ("two-suppliers", {}, {}),
        ("motor-controllers", {}, {"icds_balanced": "one source a component"}),
        ("two-suppliers", {"suppliers.battery.minimum_order": 350}, {"bic": "beside a capacity"}),
        ("two-retailers", {"retailers.0.minimum_order": 1.0}, {"allocation_kkt": "no minimum order"}),
    ],
)
def test_what_is_said_to_fit_a_case_is_what_takes_it(name: str, changes: dict[str, Any], refused: dict[str, str]) -> None:
    case = example(name).changed(**changes)
    assert candidates(case).keys() - fitting(case).keys() == refused.keys()
    for mechanism, words in refused.items():  # the reason is told who asks for it, and in a comparison
        with pytest.raises(InputError, match=words):
            solving.solve(case, mechanism)
    with pytest.raises(InputError) as unknown:
        solving.solve(case, "no such mechanism")
    assert not any(word in str(unknown.value) for word in refused)


def test_without_ipopt_what_has_a_closed_form_is_taken_from_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = solving.solve(example("flat-panels")).objective
    monkeypatch.setitem(sys.modules, "cyipopt", None)
    solution = solving.solve(example("flat-panels"))
    assert solution.solver.name == "closed_form"
    assert solution.objective == pytest.approx(expected, rel=1e-6)
    found = json_of(run("compare", "flat-panels", "--json", "-"))
    rows, left_out = ({row["mechanism"] for row in found[name]} for name in ("mechanisms", "left_out"))
    assert {"allocation", "centralized"} <= rows
    assert left_out
    assert rows | left_out == set(fitting(example("flat-panels")))


def json_of(result: tuple[int, str, str]) -> dict[str, Any]:
    """Return the JSON that a command printed, whatever it warned of."""
    status, out, _ = result
    assert status == 0
    return dict(json.loads(out))


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_comparison_is_written_as_its_file_is_named(ending: str, run: Run) -> None:
    found = json_of(run("compare", "case.toml", "--solver", "closed_form", "--table", f"found{ending}", "--json", "-"))
    readers: dict[str, Any] = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}
    frame = readers[ending](f"found{ending}")
    assert frame["mechanism"].tolist() == [row["mechanism"] for row in found["mechanisms"]]
    assert frame["profit"].tolist() == pytest.approx([row["profit"] for row in found["mechanisms"]], rel=1e-15)


def test_a_menu_of_bets_is_said_to_be_one(run: Run) -> None:
    """The smallest rent of `bic` is an expectation: 0, where at some reports a truthful supplier loses thousands."""
    case = example("two-suppliers-correlated")
    least = float(solving.solve(case, "bic").menu["rent"].min().min())
    assert least < -1000
    _, out, _ = run("compare", case.name)
    assert f"bic: nobody loses in expectation; at some reports of this menu who tells the truth loses {-least:,.2f}" in out
    kept = run("compare", case.name, "--mechanism", "bic", "--set", "participation=ex_post")[1]
    assert "who tells the truth loses" not in kept
    frame = comparing.compare(case)
    assert any("bic: nobody loses in expectation" in note for note in frame._card().notes)
