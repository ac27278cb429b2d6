"""The closed form of ICDS on large independent cases: processor seconds from case to certified menu, and peak memory.

python benchmarks/closed_form.py [SUPPLIERS ...]
"""

from __future__ import annotations

import sys
from time import process_time

from figures import each_alone, figure
from instances import assembler, peak_memory

import veridical as vd

LIMITS = {16: 1.0, 20: 10.0}  # seconds of the processor


def once(suppliers: int) -> None:
    """Solve one case and print its size, time and the peak memory of this process."""
    case = assembler(suppliers, {"distribution": "uniform", "low": 100, "high": 900})
    vd.solve(vd.example("two-suppliers"), solver="closed_form")  # what is imported once is no part of a solve
    began = process_time()
    solution = vd.solve(case, "icds", solver="closed_form")
    seconds = process_time() - began
    gap = solution.certificate.gap
    print(f"{suppliers} suppliers, {case.profiles:,} profiles: {seconds:.2f} s, {peak_memory():,.0f} MB, gap {gap:.1e}")
    limit = {"at_most": LIMITS[suppliers]} if suppliers in LIMITS else {}
    figure(f"{suppliers} suppliers, {case.profiles:,} profiles, solved and audited, processor", seconds, "s", **limit)
    figure(f"{suppliers} suppliers, peak memory", peak_memory(), "MB", at_most=1024)


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]))
    else:
        each_alone(__file__, sys.argv[1:] or ["12", "16", "20"])
