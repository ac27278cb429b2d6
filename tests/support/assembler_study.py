"""The study of the assembler's paper by hand: its problems, profits, and what is printed."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from veridical.data import AssemblerCase
from veridical.studies import Reproduction
from veridical.studies.papers.assembler_study import many_suppliers, two_suppliers

Array = NDArray[np.float64]

LOW, HIGH = "fixed low cost", "fixed high cost"
LEVELS = (0.2, 0.4, 0.6, 0.8)
SIZES = (4, 6, 8, 10)
PRICES = (270, 280, 290, 300, 310)
GRIDS = (2, 4, 8, 16, 32)  # the study's own go to 64, which takes ten times as long and shows no more


def surplus(price: float, middle: float, alpha: float, v: ArrayLike, as_published: bool = False) -> Array:
    """Return max_q S(q) - v q for demand uniform on [middle - alpha, middle + alpha].

    With q = low + 2 alpha (r - v) / r it is (r - v) low + alpha (r - v)^2 / r; from v = r on it is 0. As published that formula
    goes on to where q = 0, and from there on it is that of q = 0, -r low^2 / (4 alpha).
    """
    v, low = np.asarray(v, dtype=float), middle - alpha
    inside = (price - v) * low + alpha * (price - v) ** 2 / price
    if as_published:
        return np.where(low + 2 * alpha * (price - v) / price > 0, inside, -price * low**2 / (4 * alpha))
    return np.where(v < price, inside, 0.0)


def virtual_costs(low: Array, high: Array, p: Array) -> tuple[Array, Array]:
    """Return v(t) = c(t) + sum over the dear ones of (c(h) - c(l)) p(l) / p(h), all profiles, with their probabilities."""
    v, weight = np.zeros(1), np.ones(1)
    for cheap, dear, often in zip(low, high, p, strict=True):
        v = np.add.outer(v, [cheap, dear + (dear - cheap) * (1 - often) / often]).ravel()
        weight = np.multiply.outer(weight, [1 - often, often]).ravel()
    return v, weight


def profit_by_hand(case: AssemblerCase, name: str, as_published: bool = False) -> float:
    """Return the profit of a mechanism in a case of the study, from the paper's formulas."""
    demand = case.demand.model_dump()
    middle, alpha = (demand["low"] + demand["high"]) / 2, (demand["high"] - demand["low"]) / 2
    low, high = (np.array([supplier.costs[k] for supplier in case.suppliers]) for k in (0, 1))
    p = np.array([supplier.probabilities[1] for supplier in case.suppliers if supplier.probabilities])
    if name == "frw":
        return frw_by_hand(case.price, middle, alpha, low, high, p)
    if name == "first_best":
        v, weight = np.zeros(1), np.ones(1)
        for cheap, dear, often in zip(low, high, p, strict=True):
            v, weight = np.add.outer(v, [cheap, dear]).ravel(), np.multiply.outer(weight, [1 - often, often]).ravel()
        return float(weight @ surplus(case.price, middle, alpha, v))
    n = len(p)
    k = {"naive": 0, "icds": n}.get(name) if " " not in name else int(name.split()[1])
    assert k is not None
    order = sorted(range(n), key=lambda i: low[i] - high[i])  # the widest first, ties by number
    kept, rest = order[:k], order[k:]
    v, weight = virtual_costs(low[kept], high[kept], p[kept])
    return float(weight @ surplus(case.price, middle, alpha, v + high[rest].sum(), as_published))


def frw_by_hand(price: float, middle: float, alpha: float, low: Array, high: Array, p: Array) -> float:
    """Return the integral over units of the best set of suppliers whose dear type delivers as well.

    Over all sets for two suppliers; with equal p those who are dearest to keep, c(h) - p(l) c(l), are left out first. A unit
    worth R = r (1 - F(x)) earns the largest of lines in R, so trapezoids between all places where two lines cross are exact.
    """
    if len(p) == 2:
        sets: list[Any] = [np.array(chosen) for chosen in product((False, True), repeat=2)]
    else:
        assert len(set(p)) == 1
        rank = np.argsort(np.argsort(-(high - (1 - p) * low), kind="stable"))
        sets = [rank >= count for count in range(len(p) + 1)]
    slope = np.array([0.0, *(np.prod(np.where(dear, 1.0, 1 - p)) for dear in sets)])  # dear: whether the dear type delivers too
    spent = np.array([0.0, *(np.where(dear, high, (1 - p) * low).sum() for dear in sets)])
    pairs = [(i, j) for i in range(len(slope)) for j in range(i) if abs(slope[i] - slope[j]) > 1e-12]
    crossed = [(spent[i] - spent[j]) / (slope[i] - slope[j]) for i, j in pairs]
    R = np.unique(np.clip([0.0, price, *crossed], 0.0, price))
    best = (np.multiply.outer(R, slope) - spent).max(axis=1)
    area = float(((best[1:] + best[:-1]) / 2 * np.diff(R)).sum())
    return (middle - alpha) * float(best[-1]) + 2 * alpha / price * area


SETS = [(2, ""), *product(SIZES, (LOW, HIGH))]


def instances(n: int, fixed: str) -> list[tuple[dict[str, Any], AssemblerCase]]:
    """Return the problems of a set with the parameters that make them."""
    return list(two_suppliers() if n == 2 else many_suppliers(n, fixed))


def gains(table: pd.DataFrame, reading: str, better: str, than: str) -> Array:
    """Return what one mechanism gains over another, in percent."""
    return 100 * (table[reading, better] / table[reading, than] - 1).to_numpy()


def point(each: Reproduction, panel: str, series: str, x: float, reading: str) -> float:
    """Return a point of a series that a reproduction draws."""
    table = each.series
    assert table is not None
    chosen = table["panel"].str.contains(panel, regex=False) & (table["series"] == series) & np.isclose(table["x"], x)
    (found,) = table[chosen][reading]
    return float(found)
