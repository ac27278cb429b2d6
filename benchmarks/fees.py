"""What pivots and fees leave to the receivers, on cases that the generators draw: the table of the README.

    python benchmarks/fees.py [SEEDS [CASE ...]]

Lump sums are shares of the mean saving over the seeds, as who fixes them before the reports would know it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.data import CertificateError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot
from veridical.solvers.planners import Central, settle

SEEDS = 6  # from 1 on
CASES: dict[str, Callable[[int], JointPlanCase]] = {
    "pilot": lambda seed: pilot(seed=seed),
    "marketplace": lambda seed: marketplace(sellers=3, sites=3, products=4, seed=seed),
    "carriers": lambda seed: carriers(seed=seed),
}
ACTIVITY = (0.0, 1.0, 3.0, 5.0, 8.0)  # currency per m3
LUMPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)  # of the mean saving
FREE = {"activity_fee": 0.0, "participation_fee": 0.0}


def main(seeds: int, *names: str) -> None:
    """Print a row a case, pivot and fee."""
    print(
        "case | pivot | activity fee | lump sum | draws | saved: mean, least | receivers: mean, least | least gain of a supplier"
    )
    for name in names or CASES:
        draws = [(case, CachingPlanner(Central())) for case in map(CASES[name], range(1, seeds + 1))]
        savings = [settle(case, "vcg", planner, pivot="baseline", **FREE).savings for case, planner in draws]
        for pivot in ("baseline", "clarke"):
            lumps = LUMPS if pivot == "clarke" else ()  # the baseline pivot refuses them
            for activity, lump in [*((fee, 0.0) for fee in ACTIVITY), *((0.0, share) for share in lumps)]:
                fees = {"activity_fee": activity, "participation_fee": lump * float(np.mean(savings))}
                rows = []
                for (case, planner), saved in zip(draws, savings, strict=True):
                    try:
                        found = settle(case, "vcg", planner, pivot=pivot, **fees)
                    except (NotSolvedError, CertificateError) as error:
                        print(f"{case.description}: {type(error).__name__}: {error}", file=sys.stderr)
                        continue
                    least = min(found.net_gains[supplier] for supplier in case.suppliers)
                    rows.append((found.savings / saved, found.residual / saved, least / saved))
                kept, left, gained = np.array(rows).T
                figures = f"{kept.mean():.2f}, {kept.min():.2f} | {left.mean():.2f}, {left.min():.2f} | {gained.min():.2f}"
                print(f"{name} | {pivot} | {activity:g} | {lump:g} | {len(rows)} | {figures}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else SEEDS, *sys.argv[2:])
