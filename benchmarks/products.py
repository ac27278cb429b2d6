"""Five products of six components: every mechanism by HiGHS, and by its closed form, in processor seconds; the profits agree.

python benchmarks/products.py [products] [costs a supplier, by commas]
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
from figures import figure

import veridical as vd
from veridical.data import AssemblerCase

WAYS = (("icds", "closed_form"), ("icds", "highs"), ("icds_balanced", "highs"), ("first_best", "highs"), ("frw", "highs"))


def several(products: int, counts: list[int]) -> AssemblerCase:
    """Return a case of so many products, and as many suppliers as there are counts of costs; synthetic."""
    random = np.random.default_rng(0)
    bill = random.integers(0, 3, (len(counts), products))
    bill[0] = 1
    suppliers, sold = [], []
    for i, count in enumerate(counts):
        costs, weights = np.cumsum(random.uniform(1, 4, count)).round(2), random.uniform(1, 3, count)
        suppliers.append({"name": f"part {i}", "costs": costs.tolist(), "probabilities": (weights / weights.sum()).tolist()})
    for p in range(products):
        dear = sum(float(bill[i, p]) * suppliers[i]["costs"][-1] for i in range(len(counts)))
        low = int(random.integers(0, 300))
        demand = {"distribution": "uniform", "low": low, "high": low + int(random.integers(200, 900))}
        units = {f"part {i}": float(each) for i, each in enumerate(bill[:, p])}
        sold.append({"name": f"product {p}", "price": dear * random.uniform(1.2, 3), "demand": demand, "units": units})
    unused = [i for i in range(len(counts)) if not bill[i].any()]
    for i in unused:
        sold[0]["units"][f"part {i}"] = 1.0
    return AssemblerCase.model_validate({"name": "several products", "suppliers": suppliers, "products": sold})


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    costs = [int(each) for each in sys.argv[2].split(",")] if len(sys.argv) > 2 else [2, 2, 2, 3, 3, 3]
    case = several(count, costs)
    vd.solve(vd.example("two-suppliers"), "icds", "highs")  # what is imported once is no part of a solve
    for mechanism, solver in WAYS:
        began = process_time()
        solution = vd.solve(case, mechanism, solver)
        words = f"{mechanism} by {solver}, {case.profiles} profiles"
        seconds = process_time() - began
        print(f"{words}: {seconds:.2f} s, profit {solution.objective:,.4f}, gap {solution.certificate.gap:.0e}")
        figure(words, seconds, "s")
