"""Benchmarks run: each at its smallest size, whose figures mean nothing."""

import runpy
import sys

import pytest

from support.places import ROOT

SMALL = {  # those that compare with cvxpy or mechaudit need an extra, and are run as far as they go without it
    "closed_form": ("once 3", "3 suppliers, 8 profiles: "),
    "consensus": ("pilot", "clarke pivot: transfers differ by at most "),
    "fees": ("1 carriers", "carriers | clarke | 0 | 0.3 | 1 | "),
    "full_icds": ("3 1", "ratio: median "),
    "ipopt": ("3 1", "3 suppliers: median "),
    "mechanisms": ("1 2x2", "2x2 | 1.5, "),
    "misreports": ("1", "first_price"),
    "start": ("1", "all public names, inside"),
    "study": ("2 1", "two workers against one: median "),
    "study_speed": ("3 3", "section 3.1, 3 cases: plain "),
    "tangents": ("once 3", "peak memory "),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_runs(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, ends = SMALL[name]
    file = ROOT / "benchmarks" / f"{name}.py"
    monkeypatch.syspath_prepend(str(file.parent))
    monkeypatch.setattr(sys, "argv", [str(file), *arguments.split()])
    runpy.run_path(str(file), run_name="__main__")
    assert ends in capsys.readouterr().out
