"""How near consensus comes where suppliers blur their answers: what is left unproven, by the draw of their factors.

    python benchmarks/noise.py [DRAWS] [NOISE ...]        of the shipped pilot and marketplace, 0.02 and 0.2

Agents are seeded, so that draws can be made again. The gap is that of the last check, after rounds in which it has settled.
"""

from __future__ import annotations

import sys

import numpy as np

import veridical as vd
from veridical.data import NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Consensus, PartyAgent, Round

CASES, ROUNDS, NEVER = ("pilot", "marketplace"), 60, 1e-9


def unproven(case: JointPlanCase, noise: float, draw: int) -> float:
    """Return the share of the savings that is left unproven with the factors of a draw."""
    checks: list[Round] = []
    agents = {name: PartyAgent(case.part(name), noise=noise, seed=100 * draw + k) for k, name in enumerate(case.suppliers)}
    options = {"gap": NEVER, "rounds": ROUNDS}
    with Consensus({"solver": "consensus", "options": options}, agents=agents, callback=checks.append) as planner:
        try:
            planner.plan(case, planner.baseline(case))
        except NotSolvedError:
            return checks[-1].gap
    raise SystemExit(f"{case.name}: a gap of {NEVER} was reached")


def main(draws: int = 100, *noises: float) -> None:
    """Print the median, the 90th percentile and the largest gap, as multiples of the noise, and how many are above it."""
    for noise in noises or (0.02, 0.2):
        for name in CASES:
            gaps = np.array([unproven(vd.example(name), noise, draw) for draw in range(draws)]) / noise
            median, most, largest = np.quantile(gaps, [0.5, 0.9, 1.0])
            said = f"{name}, noise {noise:g}: of {draws} draws the gap is {median:.2f} times the noise in the median, "
            said += f"{most:.2f} in the worst tenth, {largest:.2f} at most; "
            said += ", ".join(f"above {times} times the noise: {(gaps > times).sum()}" for times in (1, 2, 3))
            print(said, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *map(float, sys.argv[2:]))
