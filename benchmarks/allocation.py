"""Capacity allocation: the closed form against the model, on Table 1 and by revenue; large groups, tables, the fixed-price game.

python benchmarks/allocation.py
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from figures import figure

import veridical as vd
from veridical.data import AllocationCase, CertificateError
from veridical.data.record import check
from veridical.solvers.closed_form import allocation as closed
from veridical.studies.papers.allocation_tables import CONCENTRATED, case_of, printed

RUNS = 3  # of which the fastest counts
REVENUES: dict[str, Any] = {"power": {"form": "power_demand", "scale": 1.3, "exponent": 1.7}}
for demand in ({"distribution": "normal", "sd": 1.0}, {"distribution": "uniform"}, {"distribution": "exponential"}):
    REVENUES[str(demand["distribution"])] = {"form": "newsvendor", "price": 10.0, "demand": demand}
REVENUES["gamma"] = {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "gamma", "shape": 0.7}}


def seconds(action: Callable[[], Any], runs: int = RUNS) -> float:
    """Return the least time that an action takes, wall clock."""
    found = []
    for _ in range(runs):
        began = perf_counter()
        action()
        found.append(perf_counter() - began)
    return min(found)


def solve_model(case: AllocationCase) -> None:
    """Build the model, solve it with HiGHS, and certify what comes out."""
    vd.solvers.solve(vd.models.capacity_choice.build(case), "highs")


def table_1() -> None:
    """Print how much faster the closed form is on the 30 rows of Table 1, each of them certified both ways."""
    cases = [case_of(range(4, 9), 5, CONCENTRATED, capacity_cost=float(cost)) for cost in printed(1)["capacity_cost"]]
    formula = seconds(lambda: [closed.capacity_choice(case).residual for case in cases])
    model = seconds(lambda: [solve_model(case) for case in cases])
    figure("Table 1, 30 rows: model by HiGHS / closed form, both certified", model / formula, at_least=1.0)
    print(f"Table 1, 30 rows: closed form {formula:.3f} s, model by HiGHS {model:.2f} s, {model / formula:.0f} times")


def revenues() -> None:
    """Print the processor's seconds by closed form and by the model with Ipopt, taking turns, by revenue, capacity chosen."""
    for name, revenue in REVENUES.items():
        for count, types in ((2, 3), (5, 5)):
            theta = [4 + 4 * k / (types - 1) for k in range(types)]
            group = {"count": count, "types": theta, "probabilities": [1 / types] * types, "revenue": revenue}
            case = check(AllocationCase, {"name": name, "capacity_cost": 1.1, "retailers": [group]})
            formula, model = [], []
            for _ in range(RUNS):
                formula.append(processor_seconds(case, "closed_form"))
                model.append(processor_seconds(case, "ipopt"))
            ratios = [slow[0] / fast[0] for fast, slow in zip(formula, model, strict=True)]
            apart = abs(formula[0][1] / model[0][1] - 1)  # nan where the model's result fails its certificate
            print(f"{name}, {count} retailers, {types} types: {min(formula)[0]:.3f} s, model {min(model)[0]:.3f} s, ", end="")
            print(f"{min(ratios):.1f} to {max(ratios):.1f} times, {apart:.0e} apart")
            figure(
                f"{name}, {count} retailers with {types} types, capacity chosen: model by Ipopt / closed form",
                ratios,
                at_least=1.0,
            )


def processor_seconds(case: AllocationCase, solver: str) -> tuple[float, float]:
    """Return how long a solve with certificate and audit takes, and what it earns: nan where it fails its certificate."""
    began = process_time()
    try:
        earned = vd.solve(case, solver=solver).objective
    except CertificateError:
        earned = float("nan")
    return process_time() - began, earned


def terms() -> None:
    """Print processor seconds of retailers' terms: what they can take, by both ways; correlated types; minimum orders."""
    types = {"types": [4.0, 5.0, 6.0, 7.0, 8.0], "probabilities": CONCENTRATED, "revenue": {"form": "linear_demand"}}
    plain = check(AllocationCase, {"name": "terms", "capacity": 5.0, "retailers": [{"count": 5, **types}]})
    bounded = plain.changed(**{"retailers.0.capacity": 1.5})
    pairs = [[processor_seconds(bounded, solver)[0] for solver in ("closed_form", "highs")] for _ in range(RUNS)]
    ratios = [model / formula for formula, model in pairs]
    print(f"5 retailers who can take 1.5: {min(pairs)[0]:.3f} s, model by HiGHS {min(pair[1] for pair in pairs):.3f} s")
    figure("5 retailers with 5 types and a capacity each: model by HiGHS / closed form", ratios, at_least=1.0)
    correlation = [[1.0 if i == j else 0.4 for j in range(5)] for i in range(5)]
    correlated = plain.changed(prior={"correlation": correlation})
    took = min(processor_seconds(correlated, "highs")[0] for _ in range(RUNS))
    print(f"5 retailers, correlated types, 126 profiles: {took:.2f} s")
    figure("5 retailers with 5 correlated types, dominant strategies, by HiGHS", took, "s", at_most=10.0)
    least = plain.changed(**{"retailers.0.count": 3, "retailers.0.minimum_order": 1.2}, capacity=3.0)
    took = min(processor_seconds(least, "highs")[0] for _ in range(RUNS))
    print(f"3 retailers with minimum orders, 35 profiles: {took:.2f} s")
    figure("3 retailers with 5 types and minimum orders, by HiGHS's MIP", took, "s", at_most=60.0)


def large() -> None:
    """Print the time for 30 retailers with 5 types, all 46,376 profiles, and for 100, sampled."""
    for count in (30, 100):
        case = case_of(range(4, 9), count, CONCENTRATED, capacity_cost=1.05)
        found = closed.capacity_choice(case)
        took = seconds(lambda case=case: closed.capacity_choice(case))  # type: ignore[misc]
        error = f", standard error {found.error / found.earned:.1e} of the earnings" if found.profiles.sampled else ""
        print(f"{count} retailers, {len(found.probability):,} of {case.profile_count:,} profiles: {took:.2f} s{error}")
        figure(f"{count} retailers with 5 types, capacity chosen, closed form", took, "s", at_most=1.0)


def reproductions() -> None:
    """Print the time of all tables, and of the game of Table 1's fixed-price columns."""
    tables = [f"allocation-table-{number}" for number in range(1, 6)]
    print(f"Tables 1 to 5: {seconds(lambda: list(vd.reproduce(tables)), 1):.2f} s")
    game = seconds(lambda: list(vd.reproduce(["allocation-table-1-fixed-price"])), 1)
    print(f"fixed-price columns of Table 1: {game:.1f} s")
    figure("the fixed-price columns of Table 1, 30 equilibria from 5 starts each", game, "s", at_most=60.0)


if __name__ == "__main__":
    table_1()
    revenues()
    terms()
    large()
    reproductions()
