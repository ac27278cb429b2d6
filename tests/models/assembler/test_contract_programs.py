"""Models against the program of the spec, written once more and solved by scipy, and against all quantities at demand points."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import veridical as vd
from support.assembler_cases import EXACT, Way, build, near, profit, random_cases
from support.strategies import examples
from veridical.data import AssemblerCase

POINTS, MASSES = [120.0, 310.0, 560.0], [0.25, 0.45, 0.3]


DISCRETE = {"distribution": "empirical", "values": POINTS, "weights": MASSES}


def program(case: AssemblerCase, mechanism: str, k: int = 0, participation: str = "interim") -> float:
    """Optimal value of a mechanism with discrete demand, as one dense linear program in y, s, q and P."""
    assert isinstance(case.demand, vd.data.Empirical)
    points = case.demand.values
    masses = case.demand.weights or [1 / len(points)] * len(points)
    profiles, n = list(np.ndindex(*case.shape)), len(case.shape)
    costs = [supplier.costs for supplier in case.suppliers]
    width = [own[-1] - own[0] for own in costs]
    reporting = sorted(range(n), key=lambda i: (-width[i], i))[:k]
    columns: dict[Any, int] = {}
    rows: list[dict[int, float]] = []

    def column(*key: Any) -> int:
        return columns.setdefault(key, len(columns))

    def q(i: int, t: tuple[int, ...]) -> int:
        if mechanism == "frw":
            return column("q", i, t[i])
        return (
            column("q", i, *(c if j in reporting else 0 for j, c in enumerate(t)))
            if mechanism == "hybrid"
            else column("q", i, *t)
        )

    def p(i: int, t: tuple[int, ...]) -> int:
        return column("P", i, t[i]) if mechanism == "frw" else column("P", i, *t)

    def replaced(t: tuple[int, ...], i: int, report: int) -> tuple[int, ...]:
        return (*t[:i], report, *t[i + 1 :])

    def no_gain(i: int, own: int, report: int | None, weighted: list[tuple[float, tuple[int, ...]]]) -> None:
        """Add the row: what a report earns him on average, less what the truth does, is at most 0."""
        row: dict[int, float] = {}
        for weight, t in weighted:
            for place, sign in ((t, -1.0),) if report is None else ((t, -1.0), (replaced(t, i, report), 1.0)):
                row[p(i, place)] = row.get(p(i, place), 0.0) + sign * weight
                row[q(i, place)] = row.get(q(i, place), 0.0) - sign * weight * costs[i][own]
        rows.append(row)

    gain: dict[int, float] = {}
    beta = {t: float(case.probability[t]) for t in profiles}
    for t in profiles:
        for j, mass in enumerate(masses):
            gain[column("s", j, *t)] = beta[t] * case.price * mass
            rows.append({column("s", j, *t): 1.0, column("y", *t): -1.0})
        for i in range(n):
            gain[p(i, t)] = gain.get(p(i, t), 0.0) - beta[t]
            rows.append({column("y", *t): 1.0, q(i, t): -1.0})
    for i in range(n):
        for own in range(len(costs[i])):
            reports = [report for report in range(len(costs[i])) if report != own]
            mine = [t for t in profiles if t[i] == own]
            likely = [(beta[t], t) for t in mine]
            for t in mine:
                if mechanism != "bic" or participation == "ex_post":
                    no_gain(i, own, None, [(1.0, t)])
                for report in reports if mechanism != "bic" else []:
                    no_gain(i, own, report, [(1.0, t)])
            if mechanism == "bic" and any(weight for weight, _ in likely):
                for report in reports:
                    no_gain(i, own, report, likely)
                if participation == "interim":
                    no_gain(i, own, None, likely)
    matrix = np.zeros((len(rows), len(columns)))
    for place, row in enumerate(rows):
        for where, value in row.items():
            matrix[place, where] = value
    objective = np.zeros(len(columns))
    objective[list(gain)] = list(gain.values())
    bounds = [(None, None) if key[0] == "P" else (0, points[key[1]] if key[0] == "s" else None) for key in columns]
    found = linprog(-objective, A_ub=matrix, b_ub=np.zeros(len(rows)), bounds=bounds, method="highs-ds")
    assert found.status == 0
    assert found.fun is not None
    return -float(found.fun)


WAYS: list[Way] = [
    ("frw", {}),
    ("hybrid", {"k": 1}),
    ("hybrid", {"k": 2}),
    ("bic", {"participation": "interim"}),
    ("bic", {"participation": "ex_post"}),
]


@pytest.mark.parametrize("way", WAYS, ids=[f"{name} {' '.join(map(str, each.values()))}".strip() for name, each in WAYS])
@given(data=st.data())
@examples(15)
def test_models_are_the_programs_of_the_spec(way: Way, data: st.DataObject) -> None:
    case = data.draw(random_cases("empirical", joint=True, least=0).filter(lambda case: way[1].get("k", 0) <= len(case.names)))
    assert profit(case, way) == near(program(case, way[0], **way[1]))


def binary_hybrid(case: AssemblerCase) -> float:
    """Best profit of two suppliers with two costs where the first one's report moves quantities: all quantities at demand points.

    Rents are the least: the first is paid for what he would deliver as a dear type, the second his highest cost.
    """
    (low, high), (_, other) = (supplier.costs for supplier in case.suppliers)
    chance = case.probability.sum(axis=1)
    grid = np.array(list(itertools.product([0.0, *POINTS], repeat=4)))  # a's at low and high, b's at a's low and high
    grid = grid[grid[:, 0] >= grid[:, 1]]
    units = np.minimum(grid[:, :2], grid[:, 2:])
    sales = sum(mass * np.minimum(units, point) for point, mass in zip(POINTS, MASSES, strict=True))
    paid = low * chance[0] * grid[:, 0] + (high * chance[1] + (high - low) * chance[0]) * grid[:, 1]
    return float((case.price * sales @ chance - paid - other * grid[:, 2:] @ chance).max())


def own_cost_contracts(case: AssemblerCase) -> float:
    """Best profit where a supplier's contract answers to his own cost: every falling choice of demand points, at least rents."""
    choices, spent = [], []
    for i, supplier in enumerate(case.suppliers):
        marginal = case.probability.sum(axis=tuple(a for a in range(len(case.shape)) if a != i))
        grid = np.array(list(itertools.product([0.0, *POINTS], repeat=len(supplier.costs))))
        grid = grid[(np.diff(grid, axis=1) <= 0).all(axis=1)]
        rent = np.zeros_like(grid)
        for k in range(len(supplier.costs) - 1):
            rent[:, k] = sum(
                (supplier.costs[s + 1] - supplier.costs[s]) * grid[:, s + 1] for s in range(k, len(supplier.costs) - 1)
            )
        choices.append(grid)
        spent.append((grid * supplier.costs + rent) @ marginal)
    best = -math.inf
    for picked in itertools.product(*(range(len(grid)) for grid in choices)):
        own = [grid[place] for grid, place in zip(choices, picked, strict=True)]
        units = own[0]
        for each in own[1:]:
            units = np.minimum.outer(units, each)
        sales = sum(mass * np.minimum(units, point) for point, mass in zip(POINTS, MASSES, strict=True))
        best = max(
            best, case.price * float((case.probability * sales).sum()) - sum(s[k] for s, k in zip(spent, picked, strict=True))
        )
    return best


@given(weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any), price=st.integers(8, 60))
@examples(20)
def test_hybrid_is_the_best_of_all_quantities_at_demand_points(weights: list[int], price: int) -> None:
    joint = np.reshape(weights, (2, 2)) / sum(weights)
    case = build([[4, 9], [3, 7]], joint=joint, price=price, demand=DISCRETE)
    exact = binary_hybrid(case)
    assert profit(case, ("hybrid", {"k": 1})) == near(exact, EXACT)
    assert profit(case, ("hybrid", {"k": 1}), "closed_form") == near(exact, EXACT)  # one private cost, two values: (18) holds


@given(weights=st.lists(st.integers(0, 9), min_size=9, max_size=9).filter(any), price=st.integers(8, 60))
@examples(15)
def test_frw_is_the_best_of_all_quantities_at_demand_points(weights: list[int], price: int) -> None:
    joint = np.reshape(weights, (3, 3)) / sum(weights)
    case = build([[4, 6, 9], [3, 7, 8]], joint=joint, price=price, demand=DISCRETE)
    exact = own_cost_contracts(case)
    for solver in ("highs", "closed_form"):
        assert profit(case, ("frw", {}), solver) == near(exact, EXACT)
