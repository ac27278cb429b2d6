"""`veridical choose-k`: the hybrid by k."""

import json
from pathlib import Path

import pytest

from support.command_line import Run, cells, is_picture, no_constant, parsed
from veridical import load, solve

pytestmark = pytest.mark.usefixtures("case_file")


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
    found = parsed(run("choose-k", "case.toml", "--loss", "0.01", "--json", "-"))
    assert (found["case"], found["loss"]) == ("a pair", 0.01)
    assert [row["k"] for row in found["hybrids"]] == [0, 1, 2]
    assert [row["supplier"] for row in found["hybrids"]] == ["", "panel", "battery"]
    assert [row["contracts"] for row in found["hybrids"]] == [1, 2, 4]
    assert [row["profit"] for row in found["hybrids"][:2]] == pytest.approx([6290, one])
    assert found["hybrids"][0]["added"] is None
    assert found["hybrids"][1]["added"] == pytest.approx(one - 6290)
    icds = found["hybrids"][2]["profit"]
    assert [row["loss"] for row in found["hybrids"]] == pytest.approx([1 - 6290 / icds, 1 - one / icds, 0])
    ks = [parsed(run("choose-k", "case.toml", "--loss", loss, "--json", "-"))["k"] for loss in ("0", "0.09", "1")]
    assert ks == [2, next(k for k, row in enumerate(found["hybrids"]) if row["loss"] <= 0.09), 0]


def test_choose_k_takes_changes_and_a_solver(run: Run) -> None:
    status, out, err = run("choose-k", "two-suppliers-correlated", "--solver", "closed_form")
    assert (status, out) == (2, "")
    assert "highs" in err
    found = parsed(run("choose-k", "two-suppliers-correlated", "--solver", "highs", "--json", "-"))
    unnamed = parsed(run("choose-k", "two-suppliers-correlated", "--json", "-"))  # models where no closed form is known
    assert unnamed["k"] == found["k"] == 2
    assert unnamed["hybrids"][1]["profit"] == pytest.approx(found["hybrids"][1]["profit"], rel=1e-6)
    assert found["hybrids"][2]["profit"] == pytest.approx(5655.30, abs=6e-3)  # the case's page
    moved = parsed(run("choose-k", "case.toml", "--set", "price=26", "--json", "-"))
    assert moved["hybrids"][0]["profit"] == pytest.approx(13 * 500 - 26 * 300**2 / 1200)


def test_choose_k_writes_json_and_a_picture(run: Run) -> None:
    status, out, err = run("choose-k", "electronics", "--json", "found.json", "--plot", "choice.png")
    assert (status, err) == (0, "")
    assert is_picture("choice.png")
    assert len(cells(out)) == 7
    written = json.loads(Path("found.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert written == parsed(run("choose-k", "electronics", "--json", "-"))
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
