"""Ipopt on balanced ICDS with normal demand: the whole time against what its linear solver (MUMPS) alone takes.

    python benchmarks/ipopt.py [SUPPLIERS] [REPEATS]

Both figures come from one run: Ipopt's own timing statistics say what the linear systems took.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from pathlib import Path

from figures import figure
from instances import assembler
from pyomo.common.gc_manager import PauseGC

from veridical import models, solvers

MUMPS = "StdAugSystemSolverMultiSolve"  # the line of Ipopt's statistics that covers factorisation and back solve


def once(suppliers: int) -> tuple[float, float, float]:
    """Return the seconds of set-up, of the solve, and of the linear systems in it."""
    model = models.icds_balanced.build(assembler(suppliers, {"distribution": "normal", "mean": 500, "sd": 150}))
    with tempfile.TemporaryDirectory() as folder, PauseGC():
        log = Path(folder) / "ipopt.out"
        options = {"output_file": str(log), "file_print_level": 5, "print_timing_statistics": "yes"}
        seconds = solvers.solve(model, {"solver": "ipopt", "options": options}, allow_files=True).solver.seconds
        text = log.read_text()
    found = re.search(rf"{MUMPS}\.*:.*wall:\s+([\d.]+)", text)
    assert found, text
    return seconds.translate, seconds.solve, float(found[1])


def main(suppliers: int = 10, repeats: int = 5) -> None:
    """Print the ratio of the whole time to the linear solver's, run by run."""
    print("set-up s | solve s | of it linear systems s | (set-up + solve) / linear systems")
    ratios = []
    for _ in range(repeats):
        setup, solve, linear = once(suppliers)
        ratios.append((setup + solve) / linear)
        print(f"{setup:.2f} | {solve:.2f} | {linear:.2f} | {ratios[-1]:.2f}")
    figure(f"ICDS by Ipopt, {suppliers} suppliers: set-up and solve / what MUMPS takes of it", ratios, at_most=1.5)
    print(f"{suppliers} suppliers: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
