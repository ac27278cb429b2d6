"""The joint plan solved centrally, as `veridical.solvers.planners.joint` does: parties compiled, put together, solved, certified.

python benchmarks/joint_plan.py [FLOWS ...]        each of 576, 2160, 12960, 49680, in a process of its own, against the same QP
                                                   in cvxpy; 100800 and 200160 alone; each with the case's activity fee too
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter, process_time

import cvxpy as cp
import numpy as np
from figures import figure
from instances import peak_memory

from veridical import models
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.planners import Central, joint
from veridical.solvers.translate.standard_form import compile_model

# Flows: products and sites; nine weeks, two makers each.
SIZES = {576: (8, 4), 2160: (20, 6), 12960: (60, 12), 49680: (138, 20), 100800: (200, 28), 200160: (278, 40)}
LARGE = 100_000  # flows from which cvxpy is not asked: it takes twice as long at 49,680


def in_cvxpy(model: object) -> float:
    """Return the optimal cost by cvxpy, with the QP solver that it chooses."""
    form = compile_model(model)
    x = cp.Variable(len(form.variables))
    assert form.hessian is not None
    weight = np.sqrt(form.hessian.diagonal())  # squares stand alone in these models
    curved = np.flatnonzero(weight)
    assert abs(form.hessian.diagonal().sum() - form.hessian.sum()) <= 1e-9 * form.hessian.sum()
    equal = form.row_low == form.row_high
    above, below = ~equal & np.isfinite(form.row_high), ~equal & np.isfinite(form.row_low)
    rows = form.matrix @ x
    kept = [rows[equal] == form.row_low[equal], x[np.isfinite(form.low)] >= form.low[np.isfinite(form.low)]]
    kept += [rows[above] <= form.row_high[above]] if above.any() else []
    kept += [rows[below] >= form.row_low[below]] if below.any() else []
    squares = cp.sum_squares(cp.multiply(weight[curved], x[curved])) / 2
    problem = cp.Problem(cp.Minimize(form.cost @ x + squares), kept)
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value) + form.offset


def once(flows: int) -> None:
    """Print both times of one size, their ratio, and peak memory before cvxpy has begun."""
    products, sites = SIZES[flows]
    case = pilot(vendors=6, products=products, sites=sites)
    assert len(case.shared.flows) == flows
    joint(pilot(vendors=2, products=2, sites=2))  # what is imported counts for nothing
    began, processor = perf_counter(), process_time()
    plan = joint(case)
    ours, memory = perf_counter() - began, peak_memory()
    processor = process_time() - processor
    certificate = plan.solution.certificate
    assert certificate.proves == "global"
    assert certificate.holds
    print(
        f"{flows:,} flows: build + translate + solve + certify {ours:.1f} s ({processor:.1f} s of the processor), "
        f"{memory:,.0f} MB, {plan.solution.solver.name}, gap {certificate.gap:.1e}",
        flush=True,
    )
    with_fee(case, flows)
    if flows >= LARGE:
        figure(f"{flows:,} flows: build + translate + solve + certify", ours, "s", at_most=300)
        figure(f"{flows:,} flows: peak memory", memory, "MB", at_most=8_000)
        return
    model = models.joint_plan.joint.build(case)
    began = perf_counter()
    value = in_cvxpy(model)
    theirs = perf_counter() - began
    apart = abs(value - plan.objective) / abs(plan.objective)
    print(f"cvxpy (Clarabel) on the same arrays {theirs:.1f} s: ratio {ours / theirs:.2f}; costs {apart:.0e} apart", flush=True)
    figure(f"{flows:,} flows: ours / cvxpy on the same arrays", ours / theirs)


def with_fee(case: JointPlanCase, flows: int) -> None:
    """Print the time and the peak memory of the plan that also pays for activity, parties compiled anew."""
    fee = case.mechanism.activity_fee
    baseline = Central().baseline(case)
    began, processor = perf_counter(), process_time()
    plan = Central().plan(case, baseline, (), fee)
    seconds, processor = perf_counter() - began, process_time() - processor
    certificate = plan.solution.certificate
    assert certificate.proves == "global"
    assert certificate.holds
    what = f"{flows:,} flows, fee {fee:g}: build + translate + solve + certify"
    print(f"{what} {seconds:.1f} s ({processor:.1f} s of the processor), {plan.solution.solver.name}, gap {certificate.gap:.1e}")
    figure(what, seconds, "s", at_most=300)
    figure(f"{flows:,} flows, fee {fee:g}: peak memory", peak_memory(), "MB", at_most=8_000)


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]))
    else:
        for size in sys.argv[1:] or ["576", "2160", "12960", "49680"]:
            subprocess.run([sys.executable, __file__, "once", size], check=True)
