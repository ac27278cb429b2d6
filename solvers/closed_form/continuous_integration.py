"""Expectations over continuous costs, and integrals along one supplier's: cut where quantities jump.

Quantities jump or bend where total virtual cost passes a level (the price; with discrete demand one more a demand point) and
at the ends of ironed stretches. Along one supplier's cost these places are found by bisection, as virtual cost is monotone, and
the integral is cut there; every piece is integrated by a composite Gauss-Legendre rule of 8 points a panel, drawn towards its
ends by a polynomial substitution that takes away singularities there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import scipy

from veridical.data.arrays import Array
from veridical.data.continuous_case import ContinuousCase
from veridical.data.demand import Discrete
from veridical.solvers.closed_form.continuous_virtual_cost import FARTHEST, along, score, total_virtual_cost

__all__ = ["Expectations", "Integration", "quadrature", "quasi_monte_carlo", "rent"]

ORDER = 8  # points of the Gauss-Legendre rule on a panel
TARGET = 1e-8  # relative difference of two refinements at which quadrature ends
RENT_TARGET = 1e-9  # the same for a single rent, relative to the largest
SCRAMBLINGS = 16
BISECTIONS = 52  # to the last digit of a cost
BATCH = 2**18  # nodes that are computed at a time
QUANTILES = (1e-4, 0.1, 0.5, 0.9, 1 - 1e-4)  # where integrals over cost are cut too, lest they miss a narrow peak


@dataclass(frozen=True)
class Integration:
    """How expectations were computed: `method` is `quadrature` or `quasi-Monte Carlo`, `points` the cost profiles visited.

    `error` of the profit and `payments_error` of the profit by payments, currency: by quadrature the difference of the last two
    refinements, by quasi-Monte Carlo the standard error across independent scramblings.
    """

    method: str
    points: int
    error: float
    payments_error: float


@dataclass(frozen=True)
class Expectations:
    """Expected profit by (37) and by payments, currency; expected sales E[E[min(D, Q(x))]] and quantity E[Q(x)], units."""

    profit: float
    profit_by_payments: float
    sales: float
    units: float
    integration: Integration


def quadrature(case: ContinuousCase, points: int) -> Expectations:
    """Integrate over quantiles, supplier by supplier (normal scores through a Cholesky factor where costs are correlated).

    Refined until two refinements agree to 1e-8, or until the next would visit more than `points` cost profiles. Every supplier's
    axis is cut where quantities jump; where that would make too many pieces, only the last one's. Expected rents are an
    integral of their own, which does not know virtual cost: E[integral of Q from x_i up] = E[integral of
    Q(s, x_-i) G_i(s | x_-i) ds].
    """
    n = len(case.suppliers)
    found, changes, count = _refined(lambda *how: _surplus(case, *how), n, points)
    (profit, sales, units, revenue, cost), (error, _, _, brought, paid) = found, changes
    rents, owed, visited = _refined(lambda *how: _rents(case, *how), n, points)
    by_payments = revenue - cost - rents.sum()
    payments_error = brought + paid + owed.sum()
    integration = Integration("quadrature", count + visited, float(error), float(payments_error))
    return Expectations(float(profit), float(by_payments), float(sales), float(units), integration)


def quasi_monte_carlo(case: ContinuousCase, points: int, seed: int) -> Expectations:
    """Average over 16 independent scramblings of Sobol's sequence, `points` cost profiles in all (rounded to a power of 2).

    One dimension a supplier, and one more that draws where the integral in the payment (36) is looked at.
    """
    n = len(case.suppliers)
    power = max(1, round(np.log2(max(points, 1) / SCRAMBLINGS)))
    factor = np.linalg.cholesky(case.correlation)
    widths = [supplier.cost.high for supplier in case.suppliers]
    averages = []
    for generator in np.random.default_rng(seed).spawn(SCRAMBLINGS):
        drawn = scipy.stats.qmc.Sobol(n + 1, scramble=True, rng=generator).random_base2(power)
        z = _normal(drawn[:, :n]) @ factor.T
        x = np.column_stack([supplier.cost.inverse_cdf(scipy.special.ndtr(z[:, i])) for i, supplier in enumerate(case.suppliers)])
        v = total_virtual_cost(case, x)
        quantity, sold, revenue, earned = _earned(case, v)
        payments = x.sum(axis=1) * quantity
        for i, high in enumerate(widths):
            gap = high - x[:, i]
            reached = x.copy()
            reached[:, i] += drawn[:, n] * gap
            payments += gap * case.best_units(total_virtual_cost(case, reached))
        averages.append((earned.mean(), (revenue - payments).mean(), sold.mean(), quantity.mean()))
    profit, by_payments, sales, units = np.mean(averages, axis=0).tolist()
    error = (np.std(averages, axis=0, ddof=1) / np.sqrt(SCRAMBLINGS)).tolist()
    integration = Integration("quasi-Monte Carlo", SCRAMBLINGS * 2**power, error[0], error[1])
    return Expectations(profit, by_payments, sales, units, integration)


def rent(case: ContinuousCase, i: int, x: Array) -> Array:
    """Return the integral of Q(s, x_-i) over s from x_i to high_i, currency: x of shape (rows, n) gives (rows,)."""
    size = max(1, BATCH // (64 * (len(QUANTILES) + len(_levels(case)) + 2)))
    return np.concatenate([np.empty(0), *(_rent(case, i, x[start : start + size]) for start in range(0, len(x), size))])


def _rent(case: ContinuousCase, i: int, x: Array) -> Array:
    cost, total = case.suppliers[i].cost, along(case, i, x)
    ends = _between(np.minimum(x[:, [i]], cost.high), _cuts(case, i, x, QUANTILES), cost.high)
    before: Array | None = None
    for panels in (2, 4, 8, 16):
        s, weight = _composite(ends, panels, steep=True)
        area: Array = (weight * case.best_units(total(s))).sum(axis=1)
        if before is not None and np.abs(area - before).max() <= RENT_TARGET * np.abs(area).max():
            break
        before = area
    return area


def _refined(integrals: Callable[[int, bool], tuple[Array, int]], axes: int, points: int) -> tuple[Array, Array, int]:
    """Return integrals, their changes by the last refinement, and the number of points of the last."""
    before, count = integrals(1, True)
    cut = count * 2**axes <= points
    if not cut:
        before, count = integrals(1, False)
    panels = 1
    while True:
        panels *= 2
        now, count = integrals(panels, cut)
        change = np.abs(now - before)
        if (change <= TARGET * np.abs(now)).all() or count * 2**axes > points:
            return now, change, count
        before = now


def _surplus(case: ContinuousCase, panels: int, cut: bool) -> tuple[Array, int]:
    """Return the expectations of S(Q) - v Q, of sales, of Q, of S(Q), and of x Q."""
    last = len(case.suppliers) - 1
    sums, count = np.zeros(5), 0
    for rows in _batches(case, last, panels, cut):
        s, _, weights = _axis(case, rows, panels, True)
        quantity, sales, revenue, profit = _earned(case, along(case, last, rows.x)(s))
        cost = (rows.x[:, :last].sum(axis=1, keepdims=True) + s) * quantity
        sums += [float(rows.weight @ (weights * values).sum(axis=1)) for values in (profit, sales, quantity, revenue, cost)]
        count += s.size
    return sums, count


def _rents(case: ContinuousCase, panels: int, cut: bool) -> tuple[Array, int]:
    """Return each supplier's expected rent, currency: his own axis is the innermost."""
    rents, count = np.zeros(len(case.suppliers)), 0
    for i, supplier in enumerate(case.suppliers):
        for rows in _batches(case, i, panels, cut):
            mean, sd = rows.conditional
            cuts = _cuts(case, i, rows.x, QUANTILES)
            s, weights = _composite(_between(supplier.cost.low, cuts, supplier.cost.high), panels, steep=True)
            quantity = case.best_units(along(case, i, rows.x)(s))
            chance = scipy.special.ndtr((score(case, i, s) - mean) / sd)
            rents[i] += float(rows.weight @ (weights * quantity * chance).sum(axis=1))
            count += s.size
    return rents, count


@dataclass(frozen=True)
class _Rows:
    """Costs x (rows, n) of the first suppliers in `order`, as many as `normal` (rows, any) has columns, with their weights."""

    order: tuple[int, ...]
    factor: Array
    x: Array
    normal: Array
    weight: Array

    @property
    def conditional(self) -> tuple[Array, float]:
        """Mean (rows, 1) and standard deviation of the next supplier's normal score, given the costs so far."""
        k = self.normal.shape[1]
        return (self.normal @ self.factor[k, :k])[:, None], float(self.factor[k, k])


def _batches(case: ContinuousCase, last: int, panels: int, cut: bool) -> Iterator[_Rows]:
    """Yield all suppliers' costs but the last one's, a number of rows at a time."""
    n = len(case.suppliers)
    order = (*(j for j in range(n) if j != last), last)
    factor = np.asarray(np.linalg.cholesky(case.correlation[np.ix_(order, order)]), dtype=float)
    lowest = np.array([[supplier.cost.low for supplier in case.suppliers]])
    rows = _Rows(order, factor, lowest, np.empty((1, 0)), np.ones(1))
    for j in order[:-1]:
        s, normal, weights = _axis(case, rows, panels, cut)
        times = s.shape[1]
        x = np.repeat(rows.x, times, axis=0)
        x[:, j] = s.ravel()
        weight = (rows.weight[:, None] * weights).ravel()
        kept = weight > 0
        scores = np.column_stack([np.repeat(rows.normal, times, axis=0), normal.ravel()])
        rows = _Rows(order, factor, x[kept], scores[kept], weight[kept])
    size = max(1, BATCH // (ORDER * panels * (len(QUANTILES) + len(_levels(case)) + 1)))
    for start in range(0, len(rows.x), size):
        part = slice(start, start + size)
        yield _Rows(order, factor, rows.x[part], rows.normal[part], rows.weight[part])


def _axis(case: ContinuousCase, rows: _Rows, panels: int, cut: bool) -> tuple[Array, Array, Array]:
    """Return the next supplier's costs, what they add to the normal scores, and their weights, all (rows, any).

    Cut where quantities jump when those after him have costs at an end of their range or of an ironed stretch: there the
    integral over their costs has a kink, or a jump.
    """
    k = rows.normal.shape[1]
    j, later = rows.order[k], list(rows.order[k + 1 :])
    cost = case.suppliers[j].cost
    mean, sd = rows.conditional
    cuts = [np.tile(_bends(case, j), (len(rows.x), 1))]
    ends = ([*_bends(case, m), case.suppliers[m].cost.low, case.suppliers[m].cost.high] for m in later)
    for corner in product(*ends) if cut else ():
        x = rows.x.copy()
        x[:, later] = corner
        cuts.append(_cuts(case, j, x))
    quantiles = np.sort(scipy.special.ndtr((score(case, j, np.concatenate(cuts, axis=1)) - mean) / sd), axis=1)
    w, weights = _composite(_between(0.0, quantiles, 1.0), panels)
    normal = _normal(w)
    return cost.inverse_cdf(scipy.special.ndtr(mean + sd * normal)), normal, weights


def _normal(w: Array) -> Array:
    """Return normal scores of quantiles, finite at 0 and 1 too."""
    return np.clip(scipy.special.ndtri(w), -FARTHEST, FARTHEST)


def _earned(case: ContinuousCase, v: Array) -> tuple[Array, Array, Array, Array]:
    """Return at total virtual cost v the quantity Q (35), expected sales, S(Q), and S(Q) - v Q."""
    quantity = case.best_units(v)
    revenue = case.revenue(quantity)
    return quantity, case.demand.expected_sales(quantity), revenue, revenue - np.where(quantity > 0, v, 0.0) * quantity


def _levels(case: ContinuousCase) -> Array:
    """Return the levels of total virtual cost at which the quantity jumps or reaches 0, ascending."""
    if not isinstance(case.demand, Discrete):
        return np.array([case.first_sale])
    above = case.worth(case.demand.points)
    return np.unique([*above[above > case.salvage], case.first_sale])


def _bends(case: ContinuousCase, i: int) -> list[float]:
    """Return the ends of supplier i's ironed stretches."""
    return [end for stretch in case.suppliers[i].cost.stretches for end in stretch[:2]] if case.independent else []


def _cuts(case: ContinuousCase, i: int, x: Array, quantiles: tuple[float, ...] = ()) -> Array:
    """Return supplier i's costs at which his integral is cut, ascending, (rows, any): the others' costs are as in x."""
    cost, total = case.suppliers[i].cost, along(case, i, x)
    levels = _levels(case)[None, :]
    low, high = np.full((len(x), levels.size), cost.low), np.full((len(x), levels.size), cost.high)
    if (total(high[:, :1]) >= levels.min()).any():
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            passed = total(middle) >= levels
            low, high = np.where(passed, low, middle), np.where(passed, middle, high)
    fixed = [*_bends(case, i), *map(float, cost.inverse_cdf(quantiles))]
    return np.sort(np.concatenate([high, np.tile(fixed, (len(x), 1))], axis=1), axis=1)


def _between(low: Array | float, cuts: Array, high: float) -> Array:
    """Return the cuts (rows, any), none beyond low (a number, or one a row) and high, with these two at the ends."""
    rows = (len(cuts), 1)
    first = np.broadcast_to(low, rows)
    return np.concatenate([first, np.clip(cuts, first, high), np.full(rows, high)], axis=1)


def _composite(ends: Array, panels: int, steep: bool = False) -> tuple[Array, Array]:
    """Return nodes and weights, both (rows, pieces * panels * 8), of the rule over the pieces between ends (rows, pieces + 1)."""
    nodes, weights = _unit(panels, steep)
    width = np.diff(ends, axis=1)[..., None]
    rows = len(ends)
    return (ends[:, :-1, None] + width * nodes).reshape(rows, -1), (width * weights).reshape(rows, -1)


@cache
def _unit(panels: int, steep: bool) -> tuple[Array, Array]:
    """Return the rule on [0, 1] after the substitution t = s^2 (3 - 2 s); steep: t = s^4 (35 - 84 s + 70 s^2 - 20 s^3)."""
    point, weight = np.polynomial.legendre.leggauss(ORDER)
    s = ((np.arange(panels)[:, None] + (1 + point) / 2) / panels).ravel()
    weights = np.tile(weight, panels) / (2 * panels)
    if steep:
        return s**4 * (35 - 84 * s + 70 * s**2 - 20 * s**3), weights * 140 * (s * (1 - s)) ** 3
    return s**2 * (3 - 2 * s), weights * 6 * s * (1 - s)
