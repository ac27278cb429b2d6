"""What rounding loses, and how near the rounded menu is to the best one in whole steps, which HiGHS finds by its integers.

    python benchmarks/rounding.py [CASES]

Two suppliers with two costs and correlated priors, drawn; a step is a unit and one of money, and products are bought by tens (in
the second row by hundreds). The best rounded menu is the full model with whole quantities and payments.
"""

from __future__ import annotations

import sys
from time import process_time
from typing import Any

import numpy as np
import pyomo.environ as pyo
from figures import figure

import veridical as vd
from veridical.data import AssemblerCase

SIZES = (30, 300)  # of the largest demand, units


def drawn(seed: int, largest: float) -> AssemblerCase:
    """Return a random case with four points of demand."""
    rng = np.random.default_rng(seed)
    costs = [np.cumsum(rng.uniform(0.3, 6, 2)).round(2).tolist() for _ in range(2)]
    raw: dict[str, Any] = {
        "price": round(float(rng.uniform(1.3, 2.5)) * sum(own[-1] for own in costs), 2),
        "demand": {"distribution": "empirical", "values": np.sort(rng.uniform(0.1, 1, 4) * largest).round(1).tolist()},
        "suppliers": [{"name": name, "costs": own} for name, own in zip("ab", costs, strict=True)],
        "prior": {"joint": rng.dirichlet(np.ones(4)).reshape(2, 2).tolist()},
    }
    return AssemblerCase.model_validate(raw)


def main(cases: int = 20) -> None:
    """Print, by size, what is lost of the profit, and what the best menu in whole steps would lose less."""
    for largest in SIZES:
        profits, losses, gaps, ours, theirs = [], [], [], 0.0, 0.0
        for seed in range(cases):
            case = drawn(seed, largest)
            began = process_time()
            solution = vd.solve(case.changed(round_money=1, round_units=1), "icds", "highs")
            ours += process_time() - began
            began = process_time()
            model: Any = vd.models.icds.build(case)
            model.quantity.domain, model.payment.domain = pyo.NonNegativeIntegers, pyo.NonNegativeIntegers
            best = vd.solvers.solve(model, "highs").objective
            theirs += process_time() - began
            assert solution.rounding is not None
            profits.append(solution.rounding["profit_before"])
            losses.append(solution.rounding["loss"])
            gaps.append(best - solution.objective)
        whole = sum(profits)
        near = sum(gap <= 1e-6 * profit for gap, profit in zip(gaps, profits, strict=True))
        print(
            f"{cases} cases up to {largest} units: {near} times the best there is, by integers {theirs / ours:.3g} times as long"
        )
        figure(f"demand up to {largest}: lost by rounding, share of the profit", sum(losses) / whole, "of the profit")
        figure(f"demand up to {largest}: of it more than by the best rounded menu", sum(gaps) / whole, "of the profit")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
