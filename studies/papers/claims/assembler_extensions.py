"""What the ICDS paper proves of its hybrid, of BIC, and of continuous costs: section 2.5, Appendix B and section 4.

A proposition that random cases do not contradict is called true here: no more is claimed of it. What is false has its witness.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.data import AssemblerCase, ContinuousCase, example
from veridical.data.private_cost import PrivateCost
from veridical.data.virtual_cost import weighted_virtual_cost
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.continuous_rule import continuous
from veridical.solvers.closed_form.continuous_virtual_cost import total_virtual_cost
from veridical.solvers.closed_form.continuous_virtual_cost import virtual_cost as continuous_virtual_cost
from veridical.studies.papers.claims.assembler_cases import DEMAND, EXACT, SEED, SMALL, SOLVED, drawn, farthest, solved
from veridical.studies.papers.claims.claim import Claims, Verdict

__all__ = ["CLAIMS"]

CLAIMS = Claims("ICDS paper")


def by_the_recipe(case: AssemblerCase, k: int) -> float:
    """Return what (26)-(27) earn: quantities at the average of pooled virtual costs, at the virtual costs that they really have.

    NaN where these quantities rise with a cost, so that no payments make them truthful.
    """
    kept = case.widest(k)
    rest = tuple(i for i in range(len(case.shape)) if i not in kept)
    weight = case.probability.sum(axis=rest)
    average = (case.probability * closed.pooled_virtual_cost(case)).sum(axis=rest) / weight
    raw = weighted_virtual_cost(case).sum(axis=rest) / weight
    quantity = case.demand.newsvendor_quantity(case.price, average)
    if any((np.diff(quantity, axis=i) > EXACT * quantity.max()).any() for i in range(quantity.ndim)):
        return float("nan")
    return float((weight * (case.price * case.demand.expected_sales(quantity) - raw * quantity)).sum())


def recipe_against_best(independent: bool, which: str) -> Verdict:
    """Return how far the recipe's profit is from the best balanced hybrid's, over random cases and k: inner ones, or 0 and n."""
    losses = []
    for case in drawn(12, independent=independent, shapes=SMALL[1:]):
        n = len(case.shape)
        for k in range(1, n) if which == "inner" else (0, n):
            losses.append(1 - by_the_recipe(case, k) / closed.hybrid(case, k, balanced=True).bound)
    values = np.array(losses)
    impossible, lossy = int(np.isnan(values).sum()), int((values > 1e-7).sum())
    worst = float(np.nanmax(values))
    witness = (
        f"of {len(values)} random cases and k, {lossy} earn less than the best balanced hybrid, by {100 * worst:.2g} % at most"
    )
    return Verdict(impossible + lossy == 0, f"{witness}, and {impossible} cannot be made truthful", worst)


CLAIMS.extend(
    "Proposition 3, (26)",
    [
        (f"averaging virtual costs after pooling gives the optimal hybrid, {words}", "always", check)
        for words, check in (
            ("independent costs", lambda: recipe_against_best(True, "inner")),
            ("correlated costs, 0 < k < n", lambda: recipe_against_best(False, "inner")),
            ("correlated costs, k = 0 and k = n", lambda: recipe_against_best(False, "ends")),
        )
    ],
)


@CLAIMS.add("section 2.5", "k = 0 is the naive mechanism, k = n is ICDS", "true")
def ends_of_the_hybrid() -> Verdict:
    cases = drawn(60, shapes=SMALL)
    ends = [(closed.hybrid(case, k, balanced=True).bound, other(case).bound) for case in cases for k, other in _ends(case)]
    error = farthest(*zip(*ends, strict=True))
    return Verdict(error < EXACT, f"profits differ by {error:.1e}, relative, {len(cases)} random cases", error)


def _ends(case: AssemblerCase) -> list[tuple[int, Any]]:
    return [(0, closed.naive), (len(case.shape), closed.icds_balanced)]


@CLAIMS.add("section 2.5", "complexity and the assembler's profit rise with k", "rise")
def profit_by_k() -> Verdict:
    cases, least, fewest = drawn(60, shapes=SMALL), np.inf, np.inf
    for case in cases:
        profits = [closed.hybrid(case, k, balanced=True).bound for k in range(len(case.shape) + 1)]
        sizes = [case.with_private(case.widest(k)).profiles for k in range(len(case.shape) + 1)]
        least, fewest = min(least, float(np.diff(profits).min() / profits[-1])), min(fewest, np.diff(sizes).min())
    witness = (
        f"least step {100 * least:.2g} % of the profit, and {fewest:.0f} more profiles in the menu, in {len(cases)} random cases"
    )
    return Verdict(least >= -EXACT and fewest > 0, witness, least)


@CLAIMS.add("Appendix B", "BIC can earn more than ICDS", "can")
def bayesian_earns_more() -> Verdict:
    pair = example("two-suppliers-correlated")
    bic, icds = solvers.solve(models.bic.build(pair), "highs").objective, solved(pair).objective
    return Verdict(bic > icds * (1 + SOLVED), f"two-suppliers-correlated: BIC {bic:,.2f}, ICDS {icds:,.2f}", bic - icds)


@CLAIMS.add("section 1.1 and Appendix B", "with independent costs BIC and ICDS earn the same", "equal")
def bayesian_earns_the_same() -> Verdict:
    cases = drawn(12, independent=True, shapes=SMALL)
    error = farthest(
        [solvers.solve(models.bic.build(case), "highs").objective for case in cases], [closed.icds(case).bound for case in cases]
    )
    return Verdict(error < SOLVED, f"profits differ by {error:.1e}, relative, in {len(cases)} random cases", error)


def continuous_cases(count: int) -> list[ContinuousCase]:
    """Return random pairs: one cost uniform, the other beta, in every third so that its J falls."""
    rng = np.random.default_rng(SEED)
    cases = []
    for trial in range(count):
        low, width = rng.uniform(1, 6, 2), rng.uniform(2, 8, 2)
        costs: list[dict[str, Any]] = [{"distribution": "uniform", "low": low[0], "high": low[0] + width[0]}]
        shape = (0.5, 0.5) if trial % 3 == 2 else tuple(rng.uniform(1, 4, 2))
        costs.append({"distribution": "beta", "a": shape[0], "b": shape[1], "loc": low[1], "scale": width[1]})
        suppliers = [{"name": name, "cost": cost} for name, cost in zip(("first", "second"), costs, strict=True)]
        price = float((low + width).sum() * rng.uniform(1.1, 2))
        cases.append(ContinuousCase.model_validate({"price": price, "demand": DEMAND, "suppliers": suppliers}))
    return cases


@CLAIMS.add("Lemma 3 and Proposition 4", "independent costs: (35) with payments (36) is truthful and earns (37)", "always")
def continuous_costs() -> Verdict:
    cases = continuous_cases(3)
    optima = [continuous(case, points=2**14) for case in cases]
    error = farthest([each.profit_by_payments for each in optima], [each.profit for each in optima])
    regret = max(each.audit(200, SEED).max_regret for each in optima)
    ironed = sum(bool(supplier.cost.stretches) for case in cases for supplier in case.suppliers)
    witness = (
        f"(36) and (37) differ by {error:.1e}, relative, and no lie of 400 in each of {len(cases)} random pairs gains above "
    )
    # ten times what certificates promise: the quadrature's error, with a density that is infinite at its ends
    return Verdict(error < 10 * SOLVED and regret < SOLVED, f"{witness}{regret:.1e}; J ironed in {ironed}", error)


@CLAIMS.add("section 4", "uniform, normal and Weibull costs: J_i(x_i) = x_i + G / g never falls", "always")
def log_concave() -> Verdict:
    costs: list[dict[str, Any]] = [
        {"distribution": "uniform", "low": 3, "high": 13},
        {"distribution": "norm", "loc": 8, "scale": 2, "low": 3, "high": 13},
        *({"distribution": "weibull_min", "c": c, "loc": 3, "scale": 3, "low": 3, "high": 13} for c in (0.5, 1.0, 3.0)),
    ]
    falls = min(
        float(np.diff(cost.virtual_cost(np.linspace(cost.low, cost.high, 2001)[1:])).min())
        for cost in map(PrivateCost.model_validate, costs)
    )
    return Verdict(falls >= -EXACT, f"smallest step {falls:.1e} between 2,000 costs of {len(costs)} distributions", falls)


@CLAIMS.add(
    "Proposition 4",
    "correlated costs: it suffices that each J_i(x_i | x_-i) never falls in x_i, as with a multivariate normal",
    "always",
)
def correlated_normal() -> Verdict:
    cost = {"distribution": "norm", "loc": 10, "scale": 2, "low": 2, "high": 18}  # truncated at four standard deviations
    suppliers = [{"name": name, "cost": cost} for name in ("first", "second")]
    prior = {"correlation": [[1.0, 0.5], [0.5, 1.0]]}
    case = ContinuousCase.model_validate({"price": 60, "demand": DEMAND, "suppliers": suppliers, "prior": prior})
    costs = np.linspace(7, 13, 61)
    x = np.stack(np.meshgrid(costs, costs, indexing="ij"), axis=-1)
    own = min(float(np.diff(continuous_virtual_cost(case, i, x), axis=i).min()) for i in range(2))
    total = np.minimum(total_virtual_cost(case, x), case.price)  # nothing is bought at the price or above
    fall = float(np.diff(total, axis=0).min())
    row, column = np.unravel_index(int(np.diff(total, axis=0).argmin()), (60, 61))
    witness = f"normal costs (mean 10, sd 2), correlation 0.5: each J_i rises, by {own:.3f} or more in a step of 0.1, but their "
    witness += (
        f"sum falls by {-fall:.3f} as x_1 rises from {costs[row]:.1f} where x_2 = {costs[column]:.1f}: Q rises, against (32)"
    )
    return Verdict(own < 0 or fall >= 0, witness, fall)
