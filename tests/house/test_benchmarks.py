"""Benchmarks run, each at its smallest size, whose figures mean nothing; and a few ratios have not fallen by half."""

import json
import runpy
import sys
from typing import Any

import pytest

from support.places import ROOT

FOLDER = ROOT / "benchmarks"
SMALL = {  # those that compare with cvxpy, linopy or mechaudit need an extra, and are run as far as they go without it
    "closed_form": ("once 3", "3 suppliers, 8 profiles: "),
    "consensus": ("pilot", "clarke pivot: transfers differ by at most "),
    "fees": ("1 carriers", "carriers | clarke | 0 | 0.3 | 1 | "),
    "full_icds": ("3 1", "ratio: median "),
    "ipopt": ("3 1", "3 suppliers: median "),
    "mechanisms": ("1 2x2", "2x2 | 1.5, "),
    "misreports": ("1", "first_price"),
    "noise": ("1 0.2", "marketplace, noise 0.2: of 1 draws the gap is "),
    "nlp": ("20 1", "recursion 200: ours "),
    "rounding": ("1", "demand up to 300: lost by rounding"),
    "products": ("2 2,2", "frw by highs, 4 profiles: "),
    "start": ("1", "all public names, inside"),
    "study": ("2 1", "two workers against one: median "),
    "study_speed": ("3 3", "section 3.1, 3 cases: plain "),
    "tangents": ("once 3", "peak memory "),
}
LARGE = {
    "agents",
    "allocation",
    "copula",
    "counterfactuals",
    "family",
    "joint_plan",
    "public_models",
    "rounds",
    "walk",
}  # no small size, or tests of their own


def script(name: str, arguments: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a benchmark as its command line does, in this process."""
    file = FOLDER / f"{name}.py"
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [str(file), *arguments.split()])
    return runpy.run_path(str(file), run_name="__main__")


def table() -> dict[str, Any]:
    """Return what `python -m benchmarks` is made of."""
    return runpy.run_path(str(FOLDER / "__main__.py"), run_name="benchmarks")


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_runs(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, ends = SMALL[name]
    script(name, arguments, monkeypatch)
    assert ends in capsys.readouterr().out


def test_no_ratio_has_fallen_by_half(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script("small", "", monkeypatch)
    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("= ")]
    assert len(found) == len(json.loads((FOLDER / "small.json").read_text(encoding="utf-8")))
    assert [line for line in found if not line.endswith(": met")] == []


def test_a_ratio_that_has_fallen_by_half_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    small = runpy.run_path(str(FOLDER / "small.py"), run_name="small")
    numbers = list(range(60_000, 0, -1))

    def twice_as_much() -> Any:
        """Twice the work of the yardstick."""
        return lambda: [sorted(numbers) for _ in range(20)], lambda: [sorted(numbers) for _ in range(10)]

    small["ratios"].__globals__["PAIRS"] = (twice_as_much,)
    [(what, ratio, before)] = small["ratios"]({"Twice the work of the yardstick": 1.0})
    assert (what, before) == ("Twice the work of the yardstick", 1.0)
    assert ratio > small["BOUND"] * before


def test_every_script_is_in_the_table_or_run_by_hand() -> None:
    scripts = {file.stem for file in FOLDER.glob("*.py")} - {"__main__", "figures", "instances"}
    assert scripts == set(table()["BENCHMARKS"]) | {"fees", "noise", "walk"}
    assert scripts == set(SMALL) | LARGE | {"small"}


def test_a_figure_is_held_against_its_limit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("VERIDICAL_FIGURES", raising=False)
    figure = runpy.run_path(str(FOLDER / "figures.py"))["figure"]
    assert figure("a", 1.0, at_most=1.0).held
    assert not figure("b", [2.0, 9.0, 4.0], "s", at_most=3.0).held
    assert not figure("c", 2.0, at_least=3.0).held
    assert figure("d", 1234.5, "MB").held is None
    assert capsys.readouterr().out.splitlines() == [
        "= a: 1, at most 1: met",
        "= b: 4 s (2 to 9), at most 3: NOT MET",
        "= c: 2, at least 3: NOT MET",
        "= d: 1,234 MB",
    ]


def test_the_table_runs_a_benchmark_and_records_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = table()
    main = names["main"]
    main.__globals__["RECORDED"] = tmp_path / "figures.json"
    main.__globals__["PAGE"] = tmp_path / "docs" / "benchmarks.md"
    main.__globals__["BENCHMARKS"] = {"closed_form": names["Benchmark"]("ICDS in closed form", "12")}
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["no_such"]) == 2
    assert "no benchmark no_such; there are closed_form" in capsys.readouterr().err
    assert not (tmp_path / "figures.json").exists()
    assert main(["closed_form"]) == 0
    assert "12 suppliers, peak memory" in capsys.readouterr().out
    recorded = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert recorded["closed_form"]["status"] == 0
    assert main(["--page"]) == 0
    page = (tmp_path / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "## ICDS in closed form" in page
    assert "| at most 1024 | yes |" in page


def test_the_page_shows_what_was_recorded() -> None:
    names = table()
    recorded = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
    assert recorded
    assert set(recorded) <= set(names["BENCHMARKS"])
    assert names["page"](recorded) == (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
