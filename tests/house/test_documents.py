"""README, pages, docstring and notebooks tell the truth."""

import ast
import doctest
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import veridical as vd
from support.places import ROOT
from support.reproductions import Reproductions
from support.steady import steady
from veridical import cli
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import ROLES
from veridical.families import FAMILIES, joint_plan, unregister
from veridical.models.joint_plan import DECLARATIONS
from veridical.solvers.planners import Central

APART = re.compile(r"```\w+ apart\n.*?```", flags=re.DOTALL)  # what takes several programs at once, and has a test of its own
PAGES = {
    path.name: APART.sub("", path.read_text(encoding="utf-8"))
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
COMMANDS = [
    pytest.param(block, id=f"{name} {number}")
    for name, page in PAGES.items()
    for number, block in enumerate(re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL), start=1)
]


@pytest.mark.parametrize("block", COMMANDS)
def test_pages_show_what_commands_print(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        program, *arguments = shlex.split(command)
        if program == "cat":
            Path(arguments[0]).write_text(shown, encoding="utf-8")
            continue
        assert program == "veridical"
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0
        assert steady(capsys.readouterr().out) == steady(shown)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if ">>> " in page])
def test_the_python_of_pages_runs(name: str) -> None:
    examples = doctest.DocTestParser().get_doctest(PAGES[name], {}, name, name, 0)
    assert len(examples.examples) >= 5
    registries: list[Any] = [
        DEMANDS,
        ROLES,
        DECLARATIONS,
    ]  # of a page's own demand and role, which other tests are not to know
    registered = [set(registry) for registry in registries]
    try:
        results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(examples)
    finally:
        for registry, names in zip(registries, registered, strict=True):
            for name in registry.keys() - names:
                del registry[name]
    assert results.failed == 0


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
