"""Many cases that only have other numbers: `vd.study` and `vd.Repeated` against a plain loop over `vd.solve`, in CPU seconds.

    python benchmarks/study_speed.py [PRICES] [INSTANCES] [CHECKOUT]

200 prices on `electronics` and on five suppliers with three costs, and the 2,400 instances of section 3.1 of the ICDS paper as
full models, all by HiGHS. Each way runs in a process of its own, and they take turns in blocks of cases; a study, which is one
of all prices, with one worker and its rows kept in a folder, has its turn in the middle of them. CHECKOUT is the root of another
version of this repository, whose plain loop takes its turns too. Each ratio is that of all blocks together; in brackets those of
the blocks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from figures import figure

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


def studied(case: Any, prices: list[float]) -> list[float]:
    """Return the profits of a study of prices, with one worker and a folder."""
    with TemporaryDirectory() as folder:
        spec = {"case": case, "mechanisms": ["icds"], "solver": "highs", "vary": {"price": {"values": prices}}}
        found = vd.study(spec, out=Path(folder) / "study")
    profits: list[float] = found["objective"].tolist()
    return profits


def work(what: str, count: int, way: str) -> None:
    """Solve blocks of cases as standard input asks for them; print seconds of the processor and profits of each."""
    found = cases(what, count)
    vd.solve(found[0])  # whatever is imported and set up at first
    if way == "study":
        studied(found[0], [found[0].price])
    solve: Callable[[Any], Any] = vd.Repeated().solve if way == "repeated" else vd.solve
    for line in sys.stdin:
        first, last = map(int, line.split())
        began, block = process_time(), found[first:last]
        if way == "study":
            profits = studied(found[0], [case.price for case in block])
        else:
            profits = [solve(case).objective for case in block]
        print(json.dumps([process_time() - began, profits]), flush=True)


def measure(what: str, count: int, checkout: str | None) -> None:
    """Print what a row takes by each way, and the ratios."""
    ways = {"plain": "", "repeated": ""} | ({} if what == "section 3.1" else {"study": ""})
    ways |= {"plain before": str(Path(checkout) / "src")} if checkout else {}
    workers = {}
    for way, path in ways.items():
        command = [sys.executable, __file__, "work", what, str(count), way]
        environment = os.environ | ({"PYTHONPATH": path} if path else {})
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        workers[way] = subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    profits: dict[str, list[float]] = {way: [] for way in ways}
    blocks = [(places[0], places[-1] + 1) for places in np.array_split(np.arange(count), min(BLOCKS, count))]
    turns = [(block, [way for way in ways if way != "study"]) for block in blocks]
    turns[len(turns) // 2 : 0] = [((0, count), [way for way in ways if way == "study"])]
    for (first, last), takers in turns:
        for way in takers:
            workers[way].stdin.write(f"{first} {last}\n")
            workers[way].stdin.flush()
            taken, found = json.loads(workers[way].stdout.readline())
            seconds[way].append(taken)
            profits[way] += found
    plain = np.array(profits["plain"])
    apart = max(float(np.abs(np.array(found) / plain - 1).max()) for found in profits.values())
    for worker in workers.values():
        worker.communicate()
    each = ", ".join(f"{way} {1e3 * sum(taken) / count:.1f} ms" for way, taken in seconds.items())
    print(f"{what}, {count} cases: {each}; profits differ by {apart:.0e}")
    for way in [way for way in ways if not way.startswith("plain")]:
        for plain_way in [way for way in ways if way.startswith("plain")]:
            ratio = sum(seconds[plain_way]) / sum(seconds[way])
            several = [one / other for one, other in zip(seconds[plain_way], seconds[way], strict=way != "study")]
            span = {} if way == "study" else {"low": min(several), "high": max(several)}
            owed = {("electronics", "study", "plain"), ("section 3.1", "repeated", "plain before")}
            limits = {"at_least": 5.0} if (what, way, plain_way) in owed else {}
            name = f"{what}, {count} cases: {way}, times as fast as {plain_way}"
            figure(name, ratio, **span, **limits)


def main(prices: int = 200, instances: int = 2400, checkout: str | None = None) -> None:
    """Print the three rows."""
    for what, count in (("electronics", prices), ("five suppliers", prices), ("section 3.1", instances)):
        measure(what, count, checkout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
