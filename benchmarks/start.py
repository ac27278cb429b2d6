"""How long it takes to start: whole processes, the best of several, in seconds of the clock and of the processor.

    python benchmarks/start.py [RUNS]

Entry points take turns, so that whatever else the machine does meets all of them alike. "inside": from the import of the
package until every public name has been used, in the process itself; all else is from the start of a process to its end.
"""

from __future__ import annotations

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from figures import figure

NAMES = "import veridical as vd\nfor name in vd.__all__:\n    getattr(vd, name)\n"
INSIDE = f"from time import perf_counter\nbegan = perf_counter()\n{NAMES}print(perf_counter() - began)"
LIMITS = {  # seconds by the clock
    "veridical --version": 0.3,
    "veridical --help": 0.3,
    "import veridical": 0.7,
    "veridical solve two-suppliers": 1.0,
}
PROGRAM = [sys.executable, "-m", "veridical"]
ENTRIES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "veridical --version": [*PROGRAM, "--version"],
    "veridical --help": [*PROGRAM, "--help"],
    "import veridical": [sys.executable, "-c", "import veridical"],
    "all public names": [sys.executable, "-c", NAMES],
    "veridical solve two-suppliers": [*PROGRAM, "solve", "two-suppliers"],
}


def taken(command: list[str]) -> tuple[float, float]:
    """Return the seconds that a process takes: of the clock, and of the processor."""
    before, began = getrusage(RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    passed, after = perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int = 7) -> None:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ENTRIES}
    inside = []
    for _ in range(runs):
        for name, command in ENTRIES.items():
            seconds[name].append(taken(command))
        inside.append(float(subprocess.run([sys.executable, "-c", INSIDE], check=True, capture_output=True, text=True).stdout))
    print(f"{'best of ' + str(runs):<32}{'clock':>8}{'processor':>11}")
    best = {name: [min(column) for column in zip(*runs_of_it, strict=True)] for name, runs_of_it in seconds.items()}
    for name, (clock, processor) in best.items():
        print(f"{name:<32}{clock:>8.3f}{processor:>11.3f}")
    print(f"{'all public names, inside':<32}{min(inside):>8.3f}")
    for name, limit in LIMITS.items():
        figure(f"{name}, by the clock", best[name][0], "s", at_most=limit)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
