"""The joint plan solved centrally: build, translate and solve through our adapter, against the same QP in cvxpy.

python benchmarks/joint_plan.py [FLOWS ...]        each of 576, 2160, 12960, 49680, in a process of its own
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

import cvxpy as cp
import numpy as np
from instances import peak_memory

import veridical as vd
from veridical.data.joint_plan import pilot
from veridical.solvers.translate.standard_form import compile_model

SIZES = {576: (8, 4), 2160: (20, 6), 12960: (60, 12), 49680: (138, 20)}  # flows: products and sites; nine weeks, two makers each


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
    began = perf_counter()
    model = vd.models.joint_plan.joint.build(case)
    found = vd.solvers.solve(model, "highs")
    ours, memory = perf_counter() - began, peak_memory()
    began = perf_counter()
    value = in_cvxpy(model)
    theirs = perf_counter() - began
    apart = abs(value - found.objective) / abs(found.objective)
    print(
        f"{flows:,} flows: build + translate + solve {ours:.1f} s, {memory:,.0f} MB, gap {found.certificate.gap:.1e}; "
        f"cvxpy (Clarabel) on the same arrays {theirs:.1f} s: ratio {ours / theirs:.2f}; costs {apart:.0e} apart",
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]))
    else:
        for size in sys.argv[1:] or ["576", "2160", "12960", "49680"]:
            subprocess.run([sys.executable, __file__, "once", size], check=True)
