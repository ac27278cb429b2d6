"""Full ICDS with 20 demand points five ways, in seconds of the processor: models made and solved, one thread.

    python benchmarks/full_icds.py [SUPPLIERS] [REPEATS]     cvxpy and linopy: pip install ".[bench]"

- arrays: HiGHS alone, given the arrays that our model translates to;
- ours: `vd.solve`, from the case to the result, with Pyomo's model, certificate, contracts and their audit;
- cvxpy, linopy: as a user of theirs would write it who avoids loops, all suppliers, profiles and demand points at once;
- cvxpy_loop, linopy_loop: the same constraints for one supplier after the other;
- pyomo: Pyomo's own interface to HiGHS, given our model.

All solve the same linear program, with the segments of demand as variables, and all but ours by HiGHS. Ours leaves rows out that
are likely to follow; what is left falls apart column by column, and HiGHS is asked only where it does not. Every run is a process
of its own, in which a small case has been solved before: imports do not count. The ways take turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from figures import figure
from instances import assembler, peak_memory, points

from veridical.data import AssemblerCase

ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
AGREE = 1e-8  # relative: objectives of the same linear program
Way = Callable[[AssemblerCase], Callable[[], float]]  # what is done beforehand, and then what is timed: it returns the objective


def arrays(case: AssemblerCase) -> Callable[[], float]:
    import highspy

    from veridical import models
    from veridical.solvers.translate.standard_form import compile_model

    form = compile_model(models.icds.build(case))
    matrix, (rows, columns) = form.matrix, form.matrix.shape
    shape = columns, rows, matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), form.offset
    sides = form.cost, form.low, form.high, form.row_low, form.row_high
    entries = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data

    def run() -> float:
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.passModel(*shape, *sides, *entries, np.zeros(columns, dtype=np.int32))
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return form.sense * float(highs.getInfo().objective_function_value)

    return run


def ours(case: AssemblerCase) -> Callable[[], float]:
    import veridical as vd

    def run() -> float:
        solution = vd.solve(case, "icds", {"solver": "highs", "threads": 1})
        assert solution.certificate.holds
        assert solution.audit is not None
        assert solution.audit.truthful
        return solution.objective

    return run


def pyomo(case: AssemblerCase) -> Callable[[], float]:
    from pyomo.contrib.solver.solvers.highs import Highs

    from veridical import models

    def run() -> float:
        solver = Highs()
        solver.config.threads = 1
        return float(solver.solve(models.icds.build(case)).incumbent_objective)

    return run


def cvxpy(case: AssemblerCase, loop: bool = False) -> Callable[[], float]:
    import cvxpy as cp

    def run() -> float:
        n, profiles = len(case.shape), case.profiles
        lengths, sold = _segments(case)
        q, P = cp.Variable((n, profiles), nonneg=True), cp.Variable((n, profiles))
        y = cp.Variable(profiles, nonneg=True)
        z = cp.Variable((profiles, len(lengths)), bounds=[0, np.tile(lengths, (profiles, 1))])
        limits = [cp.sum(z, axis=1) <= y, q >= cp.reshape(y, (1, profiles), order="C")]
        for own, (low, high), costs in _suppliers(case, loop):
            cheap, dear = np.repeat(costs, low.shape[1], axis=1)
            each = np.repeat(own, low.shape[1])
            q_low, q_high, P_low, P_high = (v[each, places.ravel()] for v in (q, P) for places in (low, high))
            limits += [
                P_low - cp.multiply(cheap, q_low) >= P_high - cp.multiply(cheap, q_high),
                P_high - cp.multiply(dear, q_high) >= P_low - cp.multiply(dear, q_low),
                P_low >= cp.multiply(cheap, q_low),
                P_high >= cp.multiply(dear, q_high),
                q_low >= q_high,
            ]
        beta = case.probability.ravel()
        profit = case.price * beta @ (z @ sold) - cp.sum(P @ beta)
        return float(cp.Problem(cp.Maximize(profit), limits).solve(solver=cp.HIGHS, threads=1))

    return run


def linopy(case: AssemblerCase, loop: bool = False) -> Callable[[], float]:
    import linopy as lp
    import pandas as pd
    import xarray as xr

    def run() -> float:
        m = lp.Model()
        suppliers, profiles = pd.Index(case.names, name="supplier"), pd.RangeIndex(case.profiles, name="profile")
        lengths, sold = (xr.DataArray(some, dims=["point"]) for some in _segments(case))
        beta = xr.DataArray(case.probability.ravel(), coords=[profiles])
        q, P = m.add_variables(lower=0, coords=[suppliers, profiles]), m.add_variables(coords=[suppliers, profiles])
        y = m.add_variables(lower=0, coords=[profiles])
        z = m.add_variables(lower=0, upper=lengths.expand_dims(profile=profiles))
        m.add_constraints(z.sum("point") <= y)
        m.add_constraints(q >= y)
        for numbers, contracts, costs in _suppliers(case, loop):
            own, others = suppliers[numbers], pd.RangeIndex(contracts.shape[-1], name="others")
            which = xr.DataArray(numbers, coords=[own])
            low, high = (xr.DataArray(places, coords=[own, others]) for places in contracts)
            cheap, dear = (xr.DataArray(cost, coords=[own]) for cost in costs)
            q_low, q_high, P_low, P_high = (v.isel(supplier=which, profile=places) for v in (q, P) for places in (low, high))
            m.add_constraints(P_low - cheap * q_low >= P_high - cheap * q_high)
            m.add_constraints(P_high - dear * q_high >= P_low - dear * q_low)
            m.add_constraints(P_low >= cheap * q_low)
            m.add_constraints(P_high >= dear * q_high)
            m.add_constraints(q_low >= q_high)
        m.add_objective(case.price * (z * sold * beta).sum() - (P * beta).sum(), sense="max")
        m.solve("highs", io_api="direct", output_flag=False, threads=1)
        return float(m.objective.value)

    return run


def _suppliers(case: AssemblerCase, loop: bool) -> Iterator[Any]:
    """Yield numbers of suppliers, all of them or one; the profiles in which their costs are low and high, and these costs."""
    numbers, everybody = np.arange(case.profiles).reshape(case.shape), np.arange(len(case.shape))
    contracts = np.array([[numbers.take(k, axis=i).ravel() for i in everybody] for k in (0, 1)])
    costs = np.array([supplier.costs for supplier in case.suppliers]).T
    for own in everybody[:, None] if loop else [everybody]:
        yield own, contracts[:, own], costs[:, own]


def _segments(case: AssemblerCase) -> Any:
    """Return the units between neighbouring points of demand, and how likely each of them is sold."""
    return np.diff(case.demand.points, prepend=0.0), case.demand.masses[::-1].cumsum()[::-1]


WAYS: dict[str, Way] = {
    "arrays": arrays,
    "ours": ours,
    "cvxpy": cvxpy,
    "cvxpy_loop": partial(cvxpy, loop=True),
    "linopy": linopy,
    "linopy_loop": partial(linopy, loop=True),
    "pyomo": pyomo,
}


def once(way: str, suppliers: int) -> None:
    """Solve once and print what the parent reads: seconds of the processor, objective, peak memory."""
    WAYS[way](assembler(2, points(20)))()
    run = WAYS[way](assembler(suppliers, points(20)))
    began = process_time()
    objective = run()
    print(json.dumps({"seconds": process_time() - began, "objective": objective, "memory": peak_memory()}))


def main(suppliers: int = 10, repeats: int = 5) -> None:
    """Print the seconds of each way, their range, and ours relative to it, repeat by repeat."""
    missing = [package for package in ("cvxpy", "linopy") if find_spec(package) is None]
    for package in missing:
        print(f'{package} is not installed and left out: pip install ".[bench]"')
    ways = [way for way in WAYS if way.removesuffix("_loop") not in missing]
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way in ways:
            command = [sys.executable, "-W", "ignore", str(Path(__file__)), "once", way, str(suppliers)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | ONE)
            runs[way].append(json.loads(done.stdout.splitlines()[-1]))
    objectives = [run["objective"] for of_way in runs.values() for run in of_way]
    apart = (max(objectives) - min(objectives)) / abs(objectives[0])
    print(f"full ICDS, {suppliers} suppliers, 20 demand points: objective {objectives[0]:.10g}, at most {apart:.1e} apart")
    if not apart <= AGREE:
        raise SystemExit(f"objectives differ by more than {AGREE:g}: {runs}")
    for way in ways:
        seconds, memory = [run["seconds"] for run in runs[way]], max(run["memory"] for run in runs[way])
        line = f"{way:11} {statistics.median(seconds):6.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {memory:,.0f} MB"
        ratios = [mine["seconds"] / run["seconds"] for mine, run in zip(runs["ours"], runs[way], strict=True)]
        if way != "ours":
            line += f"; ours / {way} ratio: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(line)
    owed = {"cvxpy": 1.0, "linopy": 0.4, "linopy_loop": 0.4}
    for way in [way for way in ways if way != "ours"]:
        ratios = [mine["seconds"] / run["seconds"] for mine, run in zip(runs["ours"], runs[way], strict=True)]
        figure(f"ours, certified and audited / {way}", ratios, **({"at_most": owed[way]} if way in owed else {}))
    figure("peak memory of ours", max(run["memory"] for run in runs["ours"]), "MB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
