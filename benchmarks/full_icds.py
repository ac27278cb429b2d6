"""Full ICDS through Pyomo against the same arrays handed to highspy directly: ratio of times, and peak memory.

    python benchmarks/full_icds.py [SUPPLIERS] [REPEATS]

Empirical demand with 20 points. A pair is: the arrays alone (passModel and run), then build + translate + solve.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter

import highspy
from instances import assembler, peak_memory, points
from pyomo.common.gc_manager import PauseGC

from veridical import models, solvers
from veridical.solvers.translate.standard_form import StandardForm, compile_model


def direct(form: StandardForm) -> float:
    """Return the seconds that HiGHS takes for the arrays."""
    began = perf_counter()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(form.variables), len(form.constraints)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = form.cost, form.low, form.high
    lp.row_lower_, lp.row_upper_ = form.row_low, form.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = form.matrix.indptr, form.matrix.indices, form.matrix.data
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.passModel(lp)
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return perf_counter() - began


def through_pyomo(suppliers: int) -> tuple[float, float, float, float]:
    """Return the seconds of build, translate, solve and certify."""
    with PauseGC():
        began = perf_counter()
        model = models.icds.build(assembler(suppliers, points(20)))
        built = perf_counter() - began
        seconds = solvers.solve(model, "highs").solver.seconds
    return built, seconds.translate, seconds.solve, seconds.certify


def main(suppliers: int = 10, repeats: int = 5) -> None:
    """Print the ratios, pair by pair in one run, and the peak memory of a process that solves once."""
    form = compile_model(models.icds.build(assembler(suppliers, points(20))))
    print(f"full ICDS, {suppliers} suppliers: {form.matrix.shape[0]:,} rows, {form.matrix.shape[1]:,} columns")
    print("direct s | build + translate + solve = sum s | ratio | certify s")
    ratios = []
    for _ in range(repeats):
        alone = direct(form)
        build, translate, solve, certify = through_pyomo(suppliers)
        total = build + translate + solve
        ratios.append(total / alone)
        print(f"{alone:.2f} | {build:.2f} + {translate:.2f} + {solve:.2f} = {total:.2f} | {ratios[-1]:.2f} | {certify:.2f}")
    print(f"ratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")
    once = subprocess.run([sys.executable, __file__, "once", str(suppliers)], check=True, capture_output=True, text=True)
    print(f"peak memory of one process: {once.stdout.strip()} MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        through_pyomo(int(sys.argv[2]))
        print(round(peak_memory()))
    else:
        main(*map(int, sys.argv[1:]))
