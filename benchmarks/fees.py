"""What pivots and fees leave to the receivers, on cases that the generators draw: the table of `docs/guides/joint-plans.md`.

    python benchmarks/fees.py [SEEDS [CASE ...]]

Lump sums are shares of the mean saving over the seeds, as who fixes them before the reports would know it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import veridical as vd
from veridical.data.joint_plan import JointPlanCase, carriers, marketplace, pilot

SEEDS = 6  # from 1 on
CASES: dict[str, Callable[[int], JointPlanCase]] = {
    "pilot": lambda seed: pilot(seed=seed),
    "marketplace": lambda seed: marketplace(sellers=3, sites=3, products=4, seed=seed),
    "carriers": lambda seed: carriers(seed=seed),
}
ACTIVITY = (0.0, 1.0, 3.0, 5.0, 8.0)  # currency per m3
LUMPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)  # of the mean saving


def main(seeds: int, *names: str) -> None:
    """Print a row a case, pivot and fee; the baseline pivot refuses lump sums."""
    print(
        "case | pivot | activity fee | lump sum | draws | saved: mean, least | receivers: mean, least | least gain of a supplier"
    )
    for name in names or CASES:
        worlds = [CASES[name](seed) for seed in range(1, seeds + 1)]
        free = vd.choose_fees(worlds[0], cases=worlds, rules=[fees("baseline")]).by_draw
        saved = free.set_index("draw")["savings"]
        asked = [(pivot, fee, 0.0) for pivot in ("baseline", "clarke") for fee in ACTIVITY] + [
            ("clarke", 0.0, lump) for lump in LUMPS
        ]
        rules = [fees(pivot, fee, lump * float(saved.mean())) for pivot, fee, lump in asked]
        found = vd.choose_fees(worlds[0], cases=worlds, rules=rules)
        for line in found.failed:
            print(line, file=sys.stderr)
        for (pivot, activity, lump), rule in zip(asked, found.table.index, strict=True):
            draws = found.by_draw[found.by_draw["rule"] == rule].set_index("draw")
            kept, left, gained = (draws[column] / saved for column in ("savings", "receivers", "supplier"))
            figures = f"{kept.mean():.2f}, {kept.min():.2f} | {left.mean():.2f}, {left.min():.2f} | {gained.min():.2f}"
            print(f"{name} | {pivot} | {activity:g} | {lump:g} | {len(kept)} | {figures}", flush=True)


def fees(pivot: str, activity: float = 0.0, lump: float = 0.0) -> tuple[str, dict[str, Any]]:
    """Return VCG with a pivot and fees."""
    return "vcg", {"pivot": pivot, "activity_fee": activity, "participation_fee": lump}


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else SEEDS, *sys.argv[2:])
