"""Capacity allocation: the closed form against the model on Table 1, large groups, the tables and the fixed-price game.

python benchmarks/allocation.py
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import veridical as vd
from veridical.data import AllocationCase
from veridical.solvers.closed_form import allocation as closed
from veridical.studies.papers.allocation_tables import CONCENTRATED, case_of, printed

RUNS = 3  # of which the fastest counts


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
    print(f"Table 1, 30 rows: closed form {formula:.3f} s, model by HiGHS {model:.2f} s, {model / formula:.0f} times")


def large() -> None:
    """Print the time for 30 retailers with 5 types, all 46,376 profiles, and for 100, sampled."""
    for count in (30, 100):
        case = case_of(range(4, 9), count, CONCENTRATED, capacity_cost=1.05)
        found = closed.capacity_choice(case)
        took = seconds(lambda case=case: closed.capacity_choice(case))  # type: ignore[misc]
        error = f", standard error {found.error / found.earned:.1e} of the earnings" if found.profiles.sampled else ""
        print(f"{count} retailers, {len(found.probability):,} of {case.profile_count:,} profiles: {took:.2f} s{error}")


def reproductions() -> None:
    """Print the time of all tables, and of the game of Table 1's fixed-price columns."""
    tables = [f"allocation-table-{number}" for number in range(1, 6)]
    print(f"Tables 1 to 5: {seconds(lambda: list(vd.reproduce(tables)), 1):.2f} s")
    game = seconds(lambda: list(vd.reproduce(["allocation-table-1-fixed-price"])), 1)
    print(f"fixed-price columns of Table 1: {game:.1f} s")


if __name__ == "__main__":
    table_1()
    large()
    reproductions()
