"""The assembler family by closed form: seconds of the hybrid with hundreds of suppliers, FRW, continuous costs, and the study.

python benchmarks/family.py
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from figures import figure
from instances import assembler, peak_memory

import veridical as vd

NORMAL = {"distribution": "normal", "mean": 500, "sd": 150}


def timed(what: str, limit: float, call: Any) -> None:
    """Print how long a call takes and what it says of itself."""
    began = perf_counter()
    said = call()
    seconds = perf_counter() - began
    print(f"{what}: {seconds:.2f} s, {peak_memory():,.0f} MB; {said}")
    figure(what, seconds, "s", at_most=limit)


if __name__ == "__main__":
    vd.solve(vd.example("two-suppliers"), solver="closed_form")  # what is imported once is no part of a solve
    many = assembler(500, NORMAL)
    timed("hybrid, 500 suppliers, k = 12", 1, lambda: vd.solve(many, "hybrid", "closed_form", k=12).audit.truthful)
    timed("choose_k, 500 suppliers, k up to 16", 5, lambda: vd.choose_k(many).table["loss"].tail(1).to_dict())
    for n in (10, 16, 20):
        timed(f"frw, {n} suppliers", 5, lambda n=n: vd.solve(assembler(n, NORMAL), "frw", "closed_form").certificate)
    for name in ("continuous-pair", "continuous-pair-correlated"):
        timed(name, 10, lambda name=name: vd.solve(vd.example(name), solver="closed_form").rule.integration)
    timed("reproduce, all tables that need no name", 60, lambda: [found.name for found in vd.reproduce()])
