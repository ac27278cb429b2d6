"""The docstring of the package and the notebooks tell the truth; of README and pages `test_pages` says so."""

import ast
import doctest
import json
import re
from pathlib import Path

import pandas as pd
import pytest

import veridical as vd
from support.places import ROOT
from support.reproductions import Reproductions
from support.steady import steady
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.families import FAMILIES, joint_plan, unregister
from veridical.solvers.planners import Central


def test_the_docstring_of_the_package_runs() -> None:
    import veridical

    results = doctest.testmod(veridical)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_show_what_their_cells_give(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reproductions: Reproductions,
    planner: CachingPlanner,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    # What other tests need too, or several cells of a notebook, is not made twice.
    monkeypatch.setattr(vd, "reproduce", lambda names: [reproductions[name] for name in names])
    monkeypatch.setattr(joint_plan, "Central", lambda solver=None: planner if solver is None else Central(solver))
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    known = set(FAMILIES)

    @request.addfinalizer
    def forget() -> None:  # a notebook's own kind, which other tests are not to know
        for case in FAMILIES.keys() - known:
            unregister(FAMILIES[case])

    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(line for line in cell["source"] if not line.startswith("%")))  # magics are Jupyter's
        last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None  # type: ignore[attr-defined]
        capsys.readouterr()
        exec(compile(tree, path.name, "exec"), names)
        value = None if last is None else eval(compile(last, path.name, "eval"), names)
        stored = {(output["output_type"], output.get("name", "stdout")): output for output in cell["outputs"]}
        printed = stored.pop(("stream", "stdout"), {"text": ""})["text"]
        assert steady(capsys.readouterr().out) == steady("".join(printed))
        shown = "".join("".join(output.get("data", {}).get("text/plain", "")) for output in stored.values())
        if isinstance(value, (pd.DataFrame, pd.Series)):
            with pd.option_context("display.max_columns", 20):  # as in Jupyter
                assert figures(shown) == pytest.approx(figures(repr(value)), rel=1e-3, abs=0.011)  # two digits are shown
        elif value is not None:
            assert stored


def figures(text: str) -> list[float]:
    """Return the numbers of a table, the least first: where lines are broken depends on the width."""
    return sorted(map(float, re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", text)))
