"""What Clarke's counterfactuals cost: the plan without each supplier, against n plans made from nothing.

python benchmarks/counterfactuals.py [FLOWS ...]        each of 324 (the shipped pilot), 576, 2160, 12960, in a process of its own
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import TypeVar

from instances import peak_memory
from joint_plan import SIZES

import veridical as vd
from veridical.data.joint_plan import pilot
from veridical.solvers.planners import Central

Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, float, float]:
    """Return what comes of some work, and its seconds: of the processor, and by the clock."""
    processor, clock = process_time(), perf_counter()
    result = work()
    return result, process_time() - processor, perf_counter() - clock


def once(flows: int) -> None:
    """Print the seconds of a plan from nothing, by the whole Pyomo model and by parties' arrays, and of all counterfactuals."""
    case = vd.example("pilot") if flows == 324 else pilot(vendors=6, products=SIZES[flows][0], sites=SIZES[flows][1])
    assert len(case.shared.flows) == flows
    n, fee = len(case.suppliers), case.mechanism.activity_fee
    start = Central().baseline(case)

    def by_model() -> float:
        return vd.solvers.solve(vd.models.joint_plan.joint.build(case, start, (), fee), "highs").objective

    planner = Central()
    by_model()  # what is imported, and made once a process, counts for none of them
    whole, *model = timed(by_model)
    plan, *first = timed(lambda: planner.plan(case, start, (), fee))
    planner.costs(case, start)  # each party at the baseline, which every settlement prices
    without, *others = timed(lambda: [planner.plan(case, start, (name,), fee) for name in case.suppliers])
    apart = abs(whole - plan.objective) / abs(whole)
    gap = max(each.solution.certificate.gap for each in without)
    print(f"{flows:,} flows, {n} suppliers; costs {apart:.0e} apart, largest gap {gap:.0e}, {peak_memory():,.0f} MB")
    for kind, place in (("processor", 0), ("clock", 1)):
        against = " and ".join(f"{others[place] / (n * each[place]):.2f} n" for each in (model, first))
        print(
            f"  {kind}: whole model {model[place]:.3f} s, first plan {first[place]:.3f} s, without each {others[place]:.3f} s: "
            f"{against} plans",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]))
    else:
        for size in sys.argv[1:] or ["324", "576", "2160", "12960"]:
            subprocess.run([sys.executable, __file__, "once", size], check=True)
