"""What Clarke's counterfactuals cost: the plan without each supplier, against n plans made from nothing.

python benchmarks/counterfactuals.py [FLOWS ...]        each of 324 (the shipped pilot), 576, 2160, 12960, with the case's
                                                        activity fee and without one, in a process of its own
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any, TypeVar

from figures import figure
from instances import peak_memory
from joint_plan import SIZES

import veridical as vd
from veridical.data.joint_plan import pilot
from veridical.solvers.planners import Central
from veridical.solvers.planners.alongside import cores

Result = TypeVar("Result")
REPEATS, FEW = 3, 5_000  # repeats, and flows from which there is one


def timed(work: Callable[[], Result]) -> tuple[Result, float, float]:
    """Return what comes of some work, and its seconds: of the processor, and by the clock."""
    processor, clock = process_time(), perf_counter()
    result = work()
    return result, process_time() - processor, perf_counter() - clock


def once(flows: int, fee: float | None = None) -> None:
    """Print the seconds of a plan from nothing, by the whole Pyomo model and by parties' arrays, and of all counterfactuals.

    One after the other, at the same time, and at the same time as the plan itself, as a settlement asks for them; taking turns.
    `fee`: for each m3 of activity, by default the case's.
    """
    case = vd.example("pilot") if flows == 324 else pilot(vendors=6, products=SIZES[flows][0], sites=SIZES[flows][1])
    assert len(case.shared.flows) == flows
    n, fee = len(case.suppliers), case.mechanism.activity_fee if fee is None else fee
    named = f"{flows:,} flows, fee {fee:g}"
    start, planner = Central().baseline(case), Central()
    without = [(name,) for name in case.suppliers]
    repeats = 1 if flows > FEW else REPEATS

    def by_model() -> float:
        return vd.solvers.solve(vd.models.joint_plan.joint.build(case, start, (), fee), "highs").objective

    work: dict[str, Callable[[], Any]] = {
        "whole model": by_model,
        "first plan": lambda: Central().plan(case, start, (), fee),
        "without each, in turn": lambda: [planner.plan(case, start, absent, fee) for absent in without],
        "without each": lambda: list(planner.plan_each(case, start, without, fee)),
        "plan and without each": lambda: list(planner.plan_each(case, start, [(), *without], fee)),
    }
    if repeats > 1:
        by_model()  # what is imported, and made once a process, counts for none of them
    planner.plan(case, start, (), fee)
    planner.costs(case, start)  # each party at the baseline, which every settlement prices
    seconds: dict[str, list[tuple[float, float]]] = {what: [] for what in work}
    results: dict[str, Any] = {}
    for _ in range(repeats):
        for what, each in work.items():
            results[what], *took = timed(each)
            seconds[what].append((took[0], took[1]))
    plan, whole = results["first plan"], results["whole model"]
    for one, other in zip(results["without each"], results["without each, in turn"], strict=True):
        assert (one.units == other.units).all(), "plans depend on how many are made at the same time"
    apart = abs(whole - plan.objective) / abs(whole)
    gap = max(each.solution.certificate.gap for each in results["without each"])
    print(f"{named}, {n} suppliers, {cores()} cores; costs {apart:.0e} apart, gap {gap:.0e}, {peak_memory():,.0f} MB")
    for kind, place in (("processor", 0), ("clock", 1)):
        took = [f"{what} {median(pair[place] for pair in pairs):.3f} s" for what, pairs in seconds.items()]
        print(f"  {kind}: {', '.join(took)}", flush=True)
    clock = {what: [pair[1] for pair in pairs] for what, pairs in seconds.items()}
    for peer in ("whole model", "first plan"):
        ratios = [each / (n * one) for each, one in zip(clock["without each"], clock[peer], strict=True)]
        figure(f"{named}, {n} counterfactuals / {n} times the {peer}, by the clock", ratios, at_most=0.5)
    spent = [pair[0] for pair in seconds["without each"]], [pair[0] for pair in seconds["first plan"]]
    ratios = [each / (n * one) for each, one in zip(*spent, strict=True)]
    figure(f"{named}, {n} counterfactuals / {n} times the first plan, by the processor", ratios)
    both = zip(clock["plan and without each"], clock["first plan"], strict=True)
    ratios = [(each - one) / (n * one) for each, one in both]
    figure(f"{named}, what {n} counterfactuals add to the plan / {n} first plans, by the clock", ratios, at_most=0.5)


if __name__ == "__main__":
    if sys.argv[1:2] == ["once"]:
        once(int(sys.argv[2]), *map(float, sys.argv[3:]))
    else:
        for size in sys.argv[1:] or ["324", "576", "2160", "12960"]:
            for fee in ([], ["0"]):
                subprocess.run([sys.executable, __file__, "once", size, *fee], check=True)
