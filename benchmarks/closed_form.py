"""The closed form of ICDS on large independent cases: seconds from case to certified menu, and peak memory.

python benchmarks/closed_form.py [SUPPLIERS ...]
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

from instances import assembler, peak_memory

import veridical as vd


def once(suppliers: int) -> None:
    """Solve one case and print its size, time and the peak memory of this process."""
    case = assembler(suppliers, {"distribution": "uniform", "low": 100, "high": 900})
    vd.solve(vd.example("two-suppliers"), solver="closed_form")  # what is imported once is no part of a solve
    began = perf_counter()
    solution = vd.solve(case, "icds", solver="closed_form")
    seconds = perf_counter() - began
    gap = solution.certificate.gap
    print(f"{suppliers} suppliers, {case.profiles:,} profiles: {seconds:.2f} s, {peak_memory():,.0f} MB, gap {gap:.1e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]))
    else:
        for number in sys.argv[1:] or ["12", "16", "20"]:
            subprocess.run([sys.executable, __file__, "once", number], check=True)
