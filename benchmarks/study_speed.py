"""Many cases that only have other numbers: `vd.Repeated` against a plain loop over `vd.solve`, in seconds of the processor.

    python benchmarks/study_speed.py [PRICES] [INSTANCES] [CHECKOUT]

200 prices on `electronics` and on five suppliers with three costs, and the 2,400 instances of section 3.1 of the ICDS paper as
full models, all by HiGHS. Each way runs in a process of its own, and they take turns in blocks of cases. CHECKOUT is the root of
another version of this repository, whose plain loop takes its turns too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

import veridical as vd

BLOCKS = 4  # turns


def cases(what: str, count: int) -> list[Any]:
    """Return the cases of a row: so many prices around the shipped one, or instances of the published study in its order."""
    case = vd.example("electronics")
    if what == "section 3.1":
        from veridical.studies.papers.assembler_study import two_suppliers

        return [instance for _, (_, instance) in zip(range(count), two_suppliers(), strict=False)]
    if what == "five suppliers":
        costs = [[2.0 + i, 3.0 + i, 4.5 + i] for i in range(5)]
        suppliers = [{"name": f"s{i}", "costs": own, "probabilities": [0.3, 0.4, 0.3]} for i, own in enumerate(costs)]
        case = case.changed(price=40.0, suppliers=suppliers)
    return [case.changed(price=float(price)) for price in np.linspace(0.85, 1.2, count) * case.price]


def work(what: str, count: int, way: str) -> None:
    """Solve blocks of cases as standard input asks for them; print seconds of the processor and profits of each."""
    found = cases(what, count)
    vd.solve(found[0])  # whatever is imported and set up at first
    solve: Callable[[Any], Any] = vd.Repeated().solve if way == "repeated" else vd.solve
    for line in sys.stdin:
        first, last = map(int, line.split())
        began = process_time()
        profits = [solve(case).objective for case in found[first:last]]
        print(json.dumps([process_time() - began, profits]), flush=True)


def measure(what: str, count: int, checkout: str | None) -> None:
    """Print what a row takes by each way, and the ratios."""
    ways = {"plain": "", "repeated": ""} | ({"plain before": str(Path(checkout) / "src")} if checkout else {})
    workers = {}
    for way, path in ways.items():
        command = [sys.executable, __file__, "work", what, str(count), way]
        environment = os.environ | ({"PYTHONPATH": path} if path else {})
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        workers[way] = subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    seconds, apart = dict.fromkeys(ways, 0.0), 0.0
    for places in np.array_split(np.arange(count), min(BLOCKS, count)):
        profits = {}
        for way, worker in workers.items():
            worker.stdin.write(f"{places[0]} {places[-1] + 1}\n")
            worker.stdin.flush()
            taken, profits[way] = json.loads(worker.stdout.readline())
            seconds[way] += taken
        apart = max(apart, float(np.abs(np.array(profits["repeated"]) / np.array(profits["plain"]) - 1).max()))
    for worker in workers.values():
        worker.communicate()
    each = ", ".join(f"{way} {1e3 * total / count:.1f} ms" for way, total in seconds.items())
    others = {way: total / seconds["repeated"] for way, total in seconds.items() if way != "repeated"}
    ratios = ", ".join(f"{ratio:.2f} times as fast as {way}" for way, ratio in others.items())
    print(f"{what}, {count} cases: {each}; repeated: {ratios}; profits differ by {apart:.0e}")


def main(prices: int = 200, instances: int = 2400, checkout: str | None = None) -> None:
    """Print the three rows."""
    for what, count in (("electronics", prices), ("five suppliers", prices), ("section 3.1", instances)):
        measure(what, count, checkout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
