"""What balanced ordering costs: Proposition 2 of the ICDS paper calls it optimal always, and it is not.

Constraint (5) binds each supplier's own quantity only. With correlated costs the assembler can buy from one supplier alone,
beyond what she assembles, keep the other's quantity low, and so make a likely lie worthless. Two suppliers, two costs each.

What is claimed is that balanced ordering is not optimal among menus that are truthful one by one. The menus that beat it there
invite suppliers to misreport together. That none beats it which withstands coalitions with side payments is a conjecture for two
suppliers with two costs each, for which `coalition_proof` has the evidence; with three costs (`THREE_COSTS`), and with three
suppliers (`THREE_SUPPLIERS`), it is false.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.data import AssemblerCase, correlation, example, monotonicity
from veridical.data.lazy import pd
from veridical.solvers.closed_form import assembler as closed
from veridical.studies.figures import assembler as figures
from veridical.studies.papers.reproduction import Reproduction, Row

__all__ = [
    "THREE_COSTS",
    "THREE_SUPPLIERS",
    "case_of",
    "coalition_proof",
    "gain",
    "proof_gain",
    "proposition_2",
    "search",
    "sweep",
]

PRICE, LOW = 30.0, 4.0  # of the sweep: currency per unit
DEMAND = {"distribution": "uniform", "low": 100, "high": 900}
CERTAIN = {"distribution": "empirical", "values": [500], "weights": [1]}
SEED, STARTS = 0, 400
COALITIONS = 40  # random cases in which joint misreports are ruled out
# A menu that withstands coalitions, and buys from b alone at 10, 2, earns 6,120 here; the best balanced one 6,000.
THREE_COSTS = ([[0.48, 0.06], [0.24, 0.04], [0.0, 0.18]], [(4, 8, 10), (2, 4)], 26.0, CERTAIN)
THREE_SUPPLIERS = ([[[0.4, 0.16], [0.0, 0.0]], [[0.12, 0.0], [0.0, 0.32]]], [(3, 8), (5, 8), (4, 6)], 35.0)


def case_of(joint: Any, costs: Any, price: float = PRICE, demand: Any = DEMAND) -> AssemblerCase:
    """Return suppliers with their costs, two of them unless it is for coalitions, and a joint prior."""
    names = "abc"[: len(costs)]
    suppliers = [{"name": name, "costs": [float(cost) for cost in supplier]} for name, supplier in zip(names, costs, strict=True)]
    prior = {"joint": np.asarray(joint).tolist()}
    return AssemblerCase.model_validate({"price": price, "demand": demand, "suppliers": suppliers, "prior": prior})


def gain(case: AssemblerCase) -> float:
    """Return by how many per cent the best truthful menu earns more than the best balanced one: 0 where (18) holds."""
    if monotonicity(case).balanced_is_optimal:
        return 0.0
    balanced = closed.icds_balanced(case).bound
    if balanced <= 0:
        return 0.0
    return max(0.0, 100 * (solvers.solve(models.icds.build(case), "highs").objective / balanced - 1))


def sweep() -> pd.DataFrame:
    """Return the gain for two alike suppliers, each cost equally likely, by correlation and cost gap."""
    rows = []
    for gap, rho in product(np.arange(0.5, 13.01, 0.5), np.arange(0.0, 0.961, 0.04)):
        alike, unlike = (1 + rho) / 4, (1 - rho) / 4
        case = case_of([[alike, unlike], [unlike, alike]], [(LOW, LOW + gap)] * 2)
        rows.append({"correlation": round(float(rho), 2), "gap": float(gap), "gain": gain(case)})
    return pd.DataFrame(rows)


def search() -> pd.DataFrame:
    """Return a seeded random search over priors and costs, demand certain or uniform; a row a case, the largest gain first."""
    rng = np.random.default_rng(SEED)
    rows = []
    for trial in range(STARTS):
        certain = trial % 2 == 0
        demand = CERTAIN if certain else DEMAND
        joint = rng.dirichlet(np.full(4, rng.choice([0.1, 0.3, 1.0]))).reshape(2, 2)
        low = rng.uniform(0.5, 6.0, 2)
        case = case_of(joint, np.stack([low, low + rng.uniform(0.5, 11.0, 2)], axis=1), demand=demand)
        kind, fails = "certain" if certain else "uniform", not monotonicity(case).holds
        rows.append((kind, correlation(case), fails, gain(case)))
    frame = pd.DataFrame(rows, columns=["demand", "correlation", "(18) fails", "gain"])
    return frame.sort_values("gain", ascending=False, ignore_index=True)


def limit(high: float, rho: float = 0.999999) -> float:
    """Return the gain where costs all but surely move together, demand is certain, and balanced ordering is at its worst.

    The two then are like one supplier: balanced ordering earns the larger of buying from both types at the high cost and from
    the cheap type alone, unbalanced ordering all but the first best. At the price where the first two are equal, that is
    1 + `high` times as much, where `high` is the probability of high costs.
    """
    cheap, dear = 2.0, 10.0
    price = (dear - (1 - high) * cheap) / high
    unlike = high * (1 - high) * (1 - rho)
    joint = [[1 - high - unlike, unlike], [unlike, high - unlike]]
    return gain(case_of(joint, [(cheap / 2, dear / 2)] * 2, price, CERTAIN))


def proof_gain(case: AssemblerCase) -> float:
    """Return by how many per cent the best menu that withstands coalitions earns more than the best balanced one."""
    best = solvers.solve(models.icds.build(case, coalitions=True), "highs").objective
    return 100 * (best / closed.icds_balanced(case).bound - 1)


def coalition_proof(cases: int = COALITIONS) -> pd.DataFrame:
    """Return what seeded random cases of two suppliers with two costs each earn, most of them with costs that move together.

    By the best truthful menu (`unbalanced`), by the best that withstands coalitions with side payments as well, by the best
    `balanced` one, and by `naive`, which withstands them too.
    """
    rng = np.random.default_rng(SEED)
    rows = []
    for _ in range(cases):
        joint = rng.dirichlet(np.full(4, 0.6))
        joint[[0, -1]] += rng.uniform(0.0, 1.0, 2)
        costs = [np.round(np.cumsum(rng.uniform(1, 6, 2)) + 1, 2) for _ in range(2)]
        price = float(np.round(sum(own[-1] for own in costs) * rng.uniform(1.1, 2), 2))
        case = case_of((joint / joint.sum()).reshape(2, 2), costs, price)
        menus = {"unbalanced": models.icds.build(case), "coalition_proof": models.icds.build(case, coalitions=True)}
        profits = {name: solvers.solve(model, "highs").objective for name, model in menus.items()}
        rows.append(profits | {"balanced": closed.icds_balanced(case).bound, "naive": closed.naive(case).bound})
    return pd.DataFrame(rows)


def proposition_2() -> Reproduction:
    """Return what Proposition 2 leaves out: where unbalanced ordering earns more, and how much."""
    table, cases = sweep(), search()
    mildest = table["correlation"][table["gain"] > 1e-4].min()
    fails, together = cases["(18) fails"], cases["correlation"] > 0
    extreme = "p(h) = 0.999, correlation 0.999999, demand certain; the limit is 100"
    below = "below 1/3 condition (18) holds, and nothing can be gained"
    smallest, pair = "unbalanced-smallest", "two-suppliers-correlated"
    proof = coalition_proof()
    excess = 100 * (proof["coalition_proof"] / proof["balanced"] - 1)
    best = 100 * (proof["unbalanced"] / proof["balanced"] - 1)
    conjecture = "that then none earns more than balanced ordering is a conjecture, which these cases do not contradict"
    three = "costs 4, 8, 10 and 2, 4, demand certain: the conjecture holds for no more than two costs"
    joint = f"truth one by one; together the suppliers gain: `veridical solve {pair}`"
    rows = [
        Row("largest gain of unbalanced over balanced ordering %", limit(0.999), note=extreme),
        Row("the smallest example shipped, gain %", gain(example(smallest)), note=f"`veridical compare {smallest}`"),
        Row("the pair shipped, gain %", gain(example(pair)), note=joint),
        Row("the pair shipped, withstanding coalitions: gain %", proof_gain(example(pair)), note="`--set coalitions=true`"),
        Row("three costs of one supplier, withstanding coalitions: gain %", proof_gain(case_of(*THREE_COSTS)), note=three),
        Row(
            "three suppliers, withstanding coalitions: gain %",
            proof_gain(case_of(*THREE_SUPPLIERS)),
            note="nor for more suppliers",
        ),
        Row(f"{COALITIONS} random pairs, truthful one by one: largest gain %", float(best.max())),
        Row(f"{COALITIONS} random pairs, withstanding coalitions: largest gain %", float(excess.max()), note=conjecture),
        Row(f"{COALITIONS} random pairs: share with a gain above 0.01 % one by one, in %", 100 * float((best > 0.01).mean())),
        Row("alike suppliers, uniform demand: largest gain %", float(table["gain"].max())),
        Row("alike suppliers, uniform demand: smallest correlation with a gain", float(mildest), note=below),
        Row("random search: share of cases with positive correlation where (18) fails %", 100 * float(fails[together].mean())),
        Row("random search: share of those with a gain above 0.01 %, in %", 100 * float((cases["gain"][fails] > 0.01).mean())),
        Row("random search: largest gain %", float(cases["gain"].max())),
    ]
    title = "Proposition 2: what balanced ordering costs, two suppliers"
    return Reproduction.of("assembler-proposition-2", title, rows, series=table, draw=partial(figures.unbalanced, title, table))
