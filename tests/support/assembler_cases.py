"""Cases of the assembler, by hand and at random, and how near profits must come."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import ArrayLike

import veridical as vd
from support.strategies import shares
from veridical.data import AssemblerCase

Way = tuple[str, dict[str, Any]]  # a mechanism and its parameters

UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}
EXACT = 1e-9  # rounding of sums and of a simplex basis
SOLVED = 1e-6  # what a certificate promises
FINE = {"solver": "highs", "tolerance": 1e-9}  # quantities and duals are as exact as the root of the profit's gap
BASIC = ("naive", "icds_balanced", "icds", "first_best")  # mechanisms without parameters
KINDS = ("uniform", "exponential", "empirical")  # of demand
SHIPPED = [  # those that closed forms take
    name
    for name in vd.examples()
    if isinstance(case := vd.example(name), AssemblerCase)
    and not case.several_sources
    and not any(s.rules for s in case.suppliers)
]


def letters(i: int) -> str:
    """Return the name of supplier number i."""
    return chr(ord("a") + i % 26) + (str(i // 26 + 1) if i >= 26 else "")


def build(
    costs: Sequence[Sequence[float]],
    probabilities: Sequence[Sequence[float]] | None = None,
    joint: ArrayLike | None = None,
    price: float = 30.0,
    demand: Mapping[str, Any] = UNIFORM,
) -> AssemblerCase:
    """Return a case; its suppliers are a, b, ..., z, a2, ... and their costs independent unless there is a joint prior."""
    suppliers: list[dict[str, Any]] = [{"name": letters(i), "costs": list(each)} for i, each in enumerate(costs)]
    for supplier, own in zip(suppliers, probabilities or [], strict=bool(probabilities)):
        supplier["probabilities"] = list(own)
    raw: dict[str, Any] = {"name": "by hand", "price": price, "demand": dict(demand), "suppliers": suppliers}
    if joint is not None:
        raw["prior"] = {"joint": np.asarray(joint, dtype=float).tolist()}
    return AssemblerCase.model_validate(raw)


def drawn_pair(
    seed: int, least_cost: float, least_margin: float, demand: tuple[float, float], count: int
) -> tuple[AssemblerCase, list[float], list[float]]:
    """Return a random case of two suppliers with a few points of demand, these points and their masses.

    least_cost: of the first costs, and of steps between costs. least_margin: of price over highest costs. demand: between which
    its `count` points are.
    """
    random = np.random.default_rng(seed)
    costs = [np.cumsum(random.uniform(least_cost, 6, 2)).round(2).tolist() for _ in range(2)]
    prior = random.dirichlet(np.ones(4)).reshape(2, 2)
    price = round(float(random.uniform(least_margin, 2.5)) * sum(own[-1] for own in costs), 2)
    points, masses = np.sort(random.uniform(*demand, count)).round(1).tolist(), random.dirichlet(np.ones(count)).tolist()
    sales = {"distribution": "empirical", "values": points, "weights": masses}
    return build(costs, joint=prior, price=price, demand=sales), points, masses


def demands(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return demands of a kind, hundreds of units large."""
    if kind == "uniform":
        ends = st.tuples(st.integers(0, 300), st.integers(200, 800))
        return ends.map(lambda found: {"distribution": "uniform", "low": found[0], "high": sum(found)})
    if kind == "exponential":
        return st.integers(300, 1500).map(lambda mean: {"distribution": "exponential", "mean": mean})
    values = st.lists(st.integers(0, 800), min_size=1, max_size=5)
    weighted = values.flatmap(lambda found: st.tuples(st.just(found), shares(len(found), least=0)))
    return weighted.map(lambda found: {"distribution": "empirical", "values": found[0], "weights": found[1]})


@st.composite
def random_cases(
    draw: st.DrawFn, kind: str = "uniform", joint: bool = False, suppliers: int = 3, most_costs: int = 3, least: int = 1
) -> AssemblerCase:
    """Return cases with up to that many suppliers and costs; `least=0` lets probabilities be 0.

    The price lies anywhere from below what every profile costs to far above.
    """
    counts = draw(st.lists(st.integers(1, most_costs), min_size=1, max_size=suppliers))
    steps = [draw(st.lists(st.integers(2, 40), min_size=count, max_size=count)) for count in counts]
    costs = [(np.cumsum(own) / 4).tolist() for own in steps]
    price = sum(own[-1] for own in costs) * draw(st.integers(3, 60)) / 16
    demand = draw(demands(kind))
    if joint:
        table = np.reshape(draw(shares(int(np.prod(counts)), least)), counts)
        return build(costs, joint=table, price=price, demand=demand)
    return build(costs, [draw(shares(count, least)) for count in counts], price=price, demand=demand)


def near(value: float, tolerance: float = SOLVED) -> Any:
    """Return what equals a profit within a tolerance, relative, to 1 where the profit is smaller."""
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def newsvendor_profit(unit_cost: float, price: float = 30.0) -> float:
    """max_q r E[min(D, q)] - unit_cost q with D uniform on [100, 900]: (r - c) 100 + 800 (r - c)^2 / (2 r)."""
    margin = max(0.0, price - unit_cost)
    return margin * 100 + 800 * margin**2 / (2 * price)


def profit(case: AssemblerCase, way: Way, solver: Any = "highs") -> float:
    """Return the optimal profit of a mechanism with its parameters."""
    return vd.solve(case, way[0], solver, **way[1]).objective


def subsets(n: int) -> Iterator[tuple[int, ...]]:
    """Give all sets of suppliers, ascending."""
    for size in range(n + 1):
        yield from itertools.combinations(range(n), size)
