"""`veridical compare`: a row a mechanism, and parameters for those that have them."""

import json
from pathlib import Path

import pytest

from support.command_line import Run, cells, parsed
from veridical import example
from veridical.families import fitting

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
    assert err.rstrip().endswith("ambiguity, feasibility, coalitions")
