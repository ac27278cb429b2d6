"""Full ICDS with uniform demand by tangents, through our adapter and through cvxpy -> HiGHS, in one run.

    python benchmarks/tangents.py [SUPPLIERS] [REPEATS]     needs cvxpy: pip install ".[bench]"
    python benchmarks/tangents.py once SUPPLIERS            our side alone, with its peak memory

cvxpy solves the same linear programs: the first tangents, then those of every further round, rebuilt each time as it must be.
"""

from __future__ import annotations

import statistics
import sys
from time import perf_counter

import numpy as np
from figures import figure
from instances import assembler, peak_memory
from pyomo.common.gc_manager import PauseGC

from veridical import models, solvers
from veridical.data import AssemblerCase
from veridical.models.expected_sales import ExpectedSales, written

DEMAND = {"distribution": "uniform", "low": 100, "high": 900}


def ours(case: AssemblerCase) -> tuple[float, float, ExpectedSales]:
    """Return seconds of build, translate and solve; the objective; the tangents as they stand after the last round."""
    with PauseGC():
        began = perf_counter()
        model = models.icds.build(case, form="tangent")
        built = perf_counter() - began
        solution = solvers.solve(model, {"solver": "highs", "form": "tangent"})
    seconds = solution.solver.seconds
    rounds = solution.solver.options["tangent_rounds"]
    print(f"  ours: {built:.2f} + {seconds.translate:.2f} + {seconds.solve:.2f} s in {rounds} rounds")
    return built + seconds.translate + seconds.solve, solution.objective, written(model)[0]


def through_cvxpy(case: AssemblerCase, how: ExpectedSales, rounds: list[int]) -> tuple[float, float]:
    """Return the seconds that cvxpy takes for the same programs, with `rounds[k]` tangents in round k, and the objective."""
    import cvxpy as cp

    n, profiles = len(case.shape), case.profiles
    at, slopes = np.array(how.at), np.array(how.slopes)
    points = case.demand.inverse_cdf(1 - slopes)
    intercepts = case.demand.expected_sales(points) - slopes * points
    index = np.arange(profiles).reshape(case.shape)
    beta = case.probability.ravel()
    began = perf_counter()
    value = float("nan")
    for count in rounds:
        q, pay = cp.Variable((n, profiles), nonneg=True), cp.Variable((n, profiles))
        y, sales = cp.Variable(profiles, nonneg=True), cp.Variable(profiles, nonneg=True)
        limits = [q >= cp.reshape(y, (1, profiles), order="C"), sales <= case.demand.expectation]
        for i, supplier in enumerate(case.suppliers):
            cheap, dear = (index.take(k, axis=i).ravel() for k in (0, 1))
            low, high = supplier.costs
            limits += [
                pay[i, cheap] - low * q[i, cheap] >= pay[i, dear] - low * q[i, dear],
                pay[i, dear] - high * q[i, dear] >= pay[i, cheap] - high * q[i, cheap],
                pay[i, cheap] >= low * q[i, cheap],
                pay[i, dear] >= high * q[i, dear],
                q[i, cheap] >= q[i, dear],
            ]
        limits.append(sales[at[:count]] <= intercepts[:count] + cp.multiply(slopes[:count], y[at[:count]]))
        problem = cp.Problem(cp.Maximize(case.price * beta @ sales - cp.sum(pay @ beta)), limits)
        value = float(problem.solve(solver=cp.HIGHS))
    return perf_counter() - began, value


def main(suppliers: int = 10, repeats: int = 3) -> None:
    """Print the ratio ours / cvxpy, pair by pair in one run."""
    case = assembler(suppliers, DEMAND)
    ratios = []
    for _ in range(repeats):
        mine, objective, how = ours(case)
        # tangents are added profile by profile in every round, so a round ends where the profile number falls
        ends = [*(np.flatnonzero(np.diff(how.at) < 0) + 1).tolist(), len(how.at)]
        theirs, other = through_cvxpy(case, how, ends)
        ratios.append(mine / theirs)
        print(
            f"  cvxpy: {theirs:.2f} s in {len(ends)} rounds; objectives {objective:.6f} and {other:.6f}; ratio {ratios[-1]:.2f}"
        )
    figure(f"full ICDS by tangents, {suppliers} suppliers: ours / cvxpy on HiGHS", ratios, at_most=1.0)
    print(f"{suppliers} suppliers, ours / cvxpy: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        ours(assembler(int(sys.argv[2]), DEMAND))
        print(f"  peak memory {peak_memory():,.0f} MB")
    else:
        main(*map(int, sys.argv[1:]))
