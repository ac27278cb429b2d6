"""What benchmarks find, a figure a line: for who runs one of them, and for the table of all (`python -m benchmarks`)."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple

RECORD = "VERIDICAL_FIGURES"  # environment variable: a file that gets every figure as a line of JSON


class Figure(NamedTuple):
    """A figure and what it is held against: a ratio to a peer, or seconds, megabytes or rounds against a limit."""

    what: str
    value: float
    unit: str = "times"
    at_most: float | None = None
    at_least: float | None = None
    low: float | None = None  # of several measurements in one run, whose median the value is
    high: float | None = None

    @property
    def limit(self) -> str:
        """The target, in words; empty where there is only a peer to compare with."""
        bounds = ((self.at_most, "at most"), (self.at_least, "at least"))
        return ", ".join(f"{words} {bound:g}" for bound, words in bounds if bound is not None)

    @property
    def held(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)

    @property
    def shown(self) -> str:
        """The value with its unit, and the range that it was seen in."""
        unit = "" if self.unit == "times" else f" {self.unit}"
        spread = "" if self.low is None or self.high is None else f" ({short(self.low)} to {short(self.high)})"
        return f"{short(self.value)}{unit}{spread}"


def short(value: float) -> str:
    """Return a number with as many digits as a measurement is worth."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 10 else f"{value:.3g}"


def figure(what: str, value: float | Iterable[float], unit: str = "times", **limits: float) -> Figure:
    """Print a figure, the median of several, and record it where that is asked for; limits are `at_most` and `at_least`."""
    if isinstance(value, Iterable):
        all_of_them = list(value)
        found = Figure(what, statistics.median(all_of_them), unit, **limits, low=min(all_of_them), high=max(all_of_them))
    else:
        found = Figure(what, float(value), unit, **limits)
    target = f", {found.limit}: {'met' if found.held else 'NOT MET'}" if found.limit else ""
    print(f"= {what}: {found.shown}{target}", flush=True)
    if RECORD in os.environ:
        with open(os.environ[RECORD], "a", encoding="utf-8") as file:
            file.write(json.dumps(found._asdict()) + "\n")
    return found


def processor() -> float:
    """Return the processor seconds of this process and of those that it started, so far."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def each_alone(script: str, sizes: Iterable[str]) -> None:
    """Run a script once a size, as `SCRIPT once SIZE`, each in a process of its own: peak memory is that of the size."""
    for size in sizes:
        subprocess.run([sys.executable, script, "once", size], check=True)
