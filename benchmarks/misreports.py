"""Misreports against the transfers of the shipped joint plans: does any of many random ones pay?

    python benchmarks/misreports.py [COUNT] [CASE ...]

COUNT misreports (500) a case and mechanism, of costs, lanes, single fields and capacities; where truth is not guaranteed, twice
as many more are tried from the best of these on. All mechanisms of a case share one
planner that remembers, so those that make the same plan of a report solve it once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import process_time
from typing import Any

from figures import figure

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.search import Search, scale
from veridical.data import example
from veridical.solvers.planners import Central, settle

CASES = ("pilot", "marketplace", "carriers")
RULES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("vcg", {"pivot": "baseline", "activity_fee": 0.0}),
    ("vcg", {"pivot": "clarke", "activity_fee": 0.0}),
    ("split_savings", {}),
    ("first_price", {}),
    ("vcg", {"pivot": "baseline", "activity_fee": 0.1}),
    ("vcg", {"pivot": "clarke", "activity_fee": 0.1}),
)


def main(count: int = 500, *cases: str) -> None:
    """Print, case by case and mechanism by mechanism, the largest gain and how many misreports pay."""
    print("case | mechanism | tried | that pay | largest gain / savings | proven limit / savings | least net gain | s of CPU")
    for name in cases or CASES:
        case, planner, largest = example(name), CachingPlanner(Central()), 0.0
        for mechanism, parameters in RULES:
            began = process_time()
            settlement = settle(case, mechanism, planner, **parameters)
            gains = [one.misreport.gain for one in Search(settlement, planner, count, 0).alone().compared]
            size, pay = scale(settlement), sum(gain > 1e-6 * scale(settlement) for gain in gains)
            limit = "none" if settlement.excess is None else f"{settlement.excess / size:.1e}"
            words = ", ".join([mechanism, *(f"{key} {value}" for key, value in parameters.items())])
            least = min(settlement.net_gains[supplier] for supplier in case.suppliers)
            figures = f"{max(gains) / size:.1e} | {limit} | {least:.6g} | {process_time() - began:.0f}"
            if mechanism == "vcg":
                largest = max(largest, max(gains) / size)
            print(f"{name} | {words} | {len(gains)} | {pay} ({pay / len(gains):.0%}) | {figures}", flush=True)
        figure(f"{name}, {count} misreports a rule: largest gain under VCG", largest, "of the savings", at_most=1e-9)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
