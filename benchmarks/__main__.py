"""All benchmarks, or those that are named, in one table: each figure against its peer or its limit.

    python -m benchmarks [NAME ...]        from the root of a checkout, in an environment with `veridical[bench]`
    python -m benchmarks --list            what there is, and how long it takes
    python -m benchmarks --page            write docs/benchmarks.md from what was recorded, and run nothing

Each runs in a process of its own, one after the other. What is found replaces what `benchmarks/figures.json` had of the same
benchmarks, with the versions and the day. Exit status: 0, or 1 where a limit is not kept or a benchmark ends in an error.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # the scripts' own folder, which each of them has when it runs

from figures import RECORD, Figure  # noqa: E402

RECORDED, PAGE = HERE / "figures.json", HERE.parent / "docs" / "benchmarks.md"
PACKAGES = ("pyomo", "highspy", "cyipopt-wheels", "piqp", "numpy", "cvxpy", "linopy", "clarabel", "mechaudit", "pounce-solver")


class Benchmark(NamedTuple):
    """A script, what it measures, and the arguments of the table; minutes are those of the machine of the record."""

    about: str
    arguments: str = ""
    minutes: float = 1


BENCHMARKS = {
    "small": Benchmark("The small benchmark of the tests: ratios against those recorded"),
    "start": Benchmark("Start: whole processes, the best of seven", minutes=1),
    "full_icds": Benchmark("Full ICDS, 10 suppliers and 20 demand points, five ways", "10", 3),
    "tangents": Benchmark("Full ICDS with uniform demand, by tangents", "10", 1),
    "ipopt": Benchmark("ICDS with normal demand by Ipopt", "10", 1),
    "closed_form": Benchmark("ICDS in closed form", minutes=1),
    "family": Benchmark("The assembler family in closed form", minutes=1),
    "rounding": Benchmark("Rounded menus against the best in whole steps", minutes=1),
    "products": Benchmark("Several products that share components, by model and in closed form", minutes=1),
    "copula": Benchmark("Joint priors by Gaussian copulas", minutes=1),
    "allocation": Benchmark("Capacity allocation: closed form against the model", minutes=1),
    "mechanisms": Benchmark("Mechanisms of one's own, finite types", "3 2x10 3x6 4x4 3x12 2x40", 5),
    "nlp": Benchmark("Nonlinear models of 20,000 variables by Ipopt", minutes=2),
    "public_models": Benchmark("Pyomo's solver test models", minutes=1),
    "study": Benchmark("Studies: two workers against one", "6000 2", 3),
    "study_speed": Benchmark("Studies: many cases that only have other numbers, one worker", "200 2400", 5),
    "joint_plan": Benchmark("Joint plans, made centrally", "576 2160 12960 49680 100800 200160", 15),
    "counterfactuals": Benchmark("Joint plans: what Clarke's counterfactuals cost", "324 576 2160 12960", 6),
    "misreports": Benchmark("Joint plans: misreports against VCG", "50", 10),
    "consensus": Benchmark("Joint plans, agreed between firms", minutes=5),
    "agents": Benchmark("Joint plans of separate firms, a process each, over TLS", minutes=3),
    "rounds": Benchmark("Rounds of sealed reports: 1,000 bidders over HTTP, the server killed ten times", minutes=3),
}


def run(name: str) -> dict[str, Any]:
    """Run a benchmark and return its figures, how long it took, and whether it came to its end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures"
        file.touch()
        command = [sys.executable, str(HERE / f"{name}.py"), *BENCHMARKS[name].arguments.split()]
        began = perf_counter()
        ended = subprocess.run(command, env=os.environ | {RECORD: str(file)}, cwd=HERE.parent, check=False)
        figures = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    found = {"figures": figures, "seconds": round(perf_counter() - began), "status": ended.returncode}
    return found | {"date": date.today().isoformat(), "versions": versions()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that are compared, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def rows(recorded: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Return the rows of the table: benchmark, figure, value, limit, and whether it is kept."""
    held = {True: "yes", False: "NO", None: ""}
    found = []
    for name, record in recorded.items():
        for each in (Figure(**raw) for raw in record["figures"]):
            found.append((name, each.what, each.shown, each.limit, held[each.held]))
        if record["status"]:
            found.append((name, f"ended with status {record['status']}", "", "", "NO"))
    return found


HEADINGS = ("benchmark", "figure", "value", "target", "met")


def page(recorded: dict[str, Any]) -> str:
    """Return the page of the documentation: what was measured, a table a benchmark, and how to run it again."""
    newest = max((record["date"], name) for name, record in recorded.items())[1]
    usual: dict[str, str] = recorded[newest]["versions"]
    lines = [*INTRODUCTION.format(versions=_listed(usual)).splitlines(), ""]
    for name, about in BENCHMARKS.items():
        if name not in recorded:
            continue
        record = recorded[name]
        others = _listed({package: one for package, one in record["versions"].items() if usual.get(package) != one})
        run = f"`python -m benchmarks {name}`, run on {record['date']}, took {record['seconds']} s"
        lines += [f"## {about.about}", "", f"{run}, with {others}." if others else f"{run}.", ""]
        lines += ["| figure | value | target | met |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row[1:])} |" for row in rows({name: record})]
        lines += [""]
    return "\n".join(lines)


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{package} {number}" for package, number in versions.items())


INTRODUCTION = """\
# Benchmarks

How fast is it? Most figures are ratios, written "ours / theirs": the time that veridical takes, divided by the time that another
program takes for the same work in the same run, so that less than 1 is faster. Ratios carry over to other machines; seconds do
not, and these are of two cores and 24 GB. The range in parentheses is that of repeated measurements.

*Target* is the limit that the project holds itself to, and *met* says whether this run kept to it: `NO` is a target that was
missed. Where both are empty there is no target, and the figure is there to compare with.

To run them again, take a checkout and `pip install ".[bench]"`; `python -m benchmarks` runs all of them, `python -m benchmarks
NAME` one, and `--page` writes this page. What was decided by these figures, and figures of earlier versions, are in
[benchmarks/README.md](../benchmarks/README.md). The tests compare a few of the ratios with stored ones, so that nothing becomes
twice as slow unseen.

Measured with {versions}, unless a section says otherwise.
"""


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    console = Console()
    if arguments == ["--list"]:
        listed = Table("benchmark", "what", "minutes")
        for name, one in BENCHMARKS.items():
            listed.add_row(name, one.about, f"{one.minutes:g}")
        console.print(listed)
        return 0
    if arguments == ["--page"]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(recorded), encoding="utf-8")
        return 0
    unknown = [name for name in arguments if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    found = {}
    for name in arguments or BENCHMARKS:
        console.rule(name)
        found[name] = run(name)
        merged = {**recorded, **found}
        kept = {each: merged[each] for each in BENCHMARKS if each in merged}
        RECORDED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    table = Table(*HEADINGS)
    for row in rows(found):
        table.add_row(*row)
    console.print(table)
    return int(any(row[-1] == "NO" for row in rows(found)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
