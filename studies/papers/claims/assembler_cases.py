"""Random cases of the ICDS paper's assembler: two to four suppliers with two costs each unless other shapes are asked for.

Demand is uniform on 100 to 900 units; priors are independent, or correlated at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.data import AssemblerCase
from veridical.data.arrays import Array

__all__ = [
    "BINARY",
    "DEMAND",
    "EXACT",
    "SEED",
    "SMALL",
    "SOLVED",
    "SUPPLEMENT",
    "case_of",
    "drawn",
    "farthest",
    "solved",
    "surplus",
]

DEMAND = {"distribution": "uniform", "low": 100, "high": 900}
SEED = 0
EXACT, SOLVED = 1e-9, 1e-6  # relative: closed forms; what a solver's certificate promises
BINARY = ((2, 2), (2, 2, 2), (2, 2, 2, 2))
SMALL = ((2, 2), (2, 2, 2))  # of which models are solved, and correlated costs pooled
SUPPLEMENT = "it stands in the online supplement, which is not at hand"


def case_of(costs: Sequence[Sequence[float]], joint: Any, price: float) -> AssemblerCase:
    """Return a case with that joint prior; suppliers are named by their numbers."""
    suppliers = [{"name": f"supplier {i}", "costs": list(own)} for i, own in enumerate(costs, start=1)]
    prior = {"joint": np.asarray(joint).tolist()}
    return AssemblerCase.model_validate({"price": price, "demand": DEMAND, "suppliers": suppliers, "prior": prior})


def drawn(
    count: int, independent: bool | None = None, shapes: Sequence[tuple[int, ...]] = BINARY, seed: int = SEED
) -> list[AssemblerCase]:
    """Return random cases: the price is 1.1 to 2.5 times the highest cost; priors independent, correlated, or half and half."""
    rng = np.random.default_rng(seed)
    cases = []
    for trial in range(count):
        shape = shapes[trial % len(shapes)]
        costs = [np.round(1 + np.cumsum(rng.uniform(0.5, 8, m)), 1).tolist() for m in shape]
        marginals = [rng.dirichlet(np.ones(m)) * 0.9 + 0.1 / m for m in shape]
        apart = independent if independent is not None else trial // len(shapes) % 2 == 0
        joint = marginals[0]
        for marginal in marginals[1:]:
            joint = np.multiply.outer(joint, marginal)
        if not apart:
            joint = 0.98 * rng.dirichlet(np.full(joint.size, 0.5)).reshape(shape) + 0.02 * joint
        price = sum(own[-1] for own in costs) * rng.uniform(1.1, 2.5)
        cases.append(case_of(costs, joint / joint.sum(), float(price)))
    return cases


def surplus(case: AssemblerCase, weight: Array, unit_cost: Array) -> float:
    """Return the sum of weight * max_q (S(q) - unit_cost q)."""
    quantity = case.demand.newsvendor_quantity(case.price, unit_cost)
    return float((weight * (case.price * case.demand.expected_sales(quantity) - unit_cost * quantity)).sum())


def farthest(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the largest relative difference."""
    return max(abs(value - other) / max(1.0, abs(other)) for value, other in zip(values, others, strict=True))


def solved(case: AssemblerCase) -> Any:
    """Return the optimum of the full problem by HiGHS."""
    return solvers.solve(models.icds.build(case), "highs")
