"""Functions of ours that three solves pass through: counted, not timed; a reader who walks them meets as many.

python benchmarks/walk.py
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pyomo.environ as pyo

import veridical as vd
from veridical import cli

FOLDERS = [Path(vd.__file__).resolve().parent, *(Path(__file__).resolve().parents[1] / name for name in ("data", "contracts"))]
FOLDERS += [Path(__file__).resolve().parents[1] / name for name in ("models", "solvers", "studies")]


def passed(call: Callable[[], Any]) -> set[tuple[str, str]]:
    """Return file and qualified name of every function of ours that a call enters."""
    met: set[CodeType] = set()

    def enter(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            met.add(frame.f_code)

    sys.setprofile(enter)
    try:
        call()
    finally:
        sys.setprofile(None)
    return {(c.co_filename, c.co_qualname) for c in met if any(Path(c.co_filename).is_relative_to(f) for f in FOLDERS)}


def command(*arguments: str) -> None:
    """Run the command line, its output swallowed."""
    sys.argv = ["veridical", *arguments]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        cli.main()


def linear_program() -> Any:
    """Return a model that is no mechanism of ours."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var([1, 2], domain=pyo.NonNegativeReals)
    m.most = pyo.Constraint(expr=m.x[1] + 2 * m.x[2] <= 4)
    m.profit = pyo.Objective(expr=3 * m.x[1] + m.x[2], sense=pyo.maximize)
    return m


if __name__ == "__main__":
    walks: dict[str, Callable[[], Any]] = {
        "veridical solve two-suppliers": lambda: command("solve", "two-suppliers"),
        "veridical solve pilot": lambda: command("solve", "pilot"),
        "vd.solvers.solve(own_model)": lambda: vd.solvers.solve(linear_program()),
    }
    for name, walk in walks.items():
        walk()  # what is imported, registered or cached once is no part of a solve
        names = passed(walk)
        print(f"{name}: {len(names)} functions in {len({file for file, _ in names})} files")
        if "--list" in sys.argv[1:]:
            print(*sorted(f"  {Path(file).name}:{function}" for file, function in names), sep="\n")
