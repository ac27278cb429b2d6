"""Joint tables of a Gaussian copula, by integrals of rectangles: sums of positive terms, so that nothing cancels.

Scores with the correlation R = L L' + diag(D), D > 0, are independent given common factors z, and
    P(cell) = integral of phi(z) prod_i [Phi((b_i - l_i z) / sqrt D_i) - Phi((a_i - l_i z) / sqrt D_i)] dz.
The integrand is analytic and fades as fast as a normal density, so the trapezoidal rule converges exponentially (Trefethen and
Weideman, The exponentially convergent trapezoidal rule, SIAM Review 56, 2014): its error is what is left of the integrand's
Fourier transform at 2 pi / step. Along a principal axis of L' D^-1 L with the eigenvalue v - 1 that fades as exp(-w^2 / 2 v).
One factor is enough where correlations are products l_i l_j; otherwise D is the smallest eigenvalue of R. All cells share the
points. From three factors on they are the cubic lattice and the same moved by half a step: the second rule cancels half of the
first one's error terms, and steps may be sqrt 2 as long. Where there would be many, the table is integrated by Plackett's
identity (`plackett`) at rising orders, each of which tells the error of the one before; and points are quasi-random where that
takes too long or converges too slowly: many scores, or scores that are all but determined by one another.

What rounding does to correlations is part of the error. By Plackett's identity a cell's derivative to r_ij is at most the density
of the two scores at two corners, 1 / (pi sqrt(1 - r_ij^2)): from r to r' a cell moves by at most the sum over pairs of
|asin r'_ij - asin r_ij| / pi.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import scipy

from veridical.data.arrays import Array
from veridical.data.plackett import between, plackett, work

__all__ = ["JointPrior", "gaussian_copula"]

EXACT, PLACKETT, QUASI_RANDOM = "integration to rounding", "Plackett's identity", "quasi-Monte Carlo"
# Of the trapezoidal rule: the exponent at which an integrand's Fourier transform has faded, the standard deviations beyond which
# a factor is not followed, and the error of a cell. The second is for tables that take long.
RULES = ((37.0, 9.0, 1e-13), (28.0, 7.5, 1e-11))
WORK = 5e8  # sums of products that one table may take: a few seconds
QUICK = 2e7  # sums of products that are not worth another way
ORDERS = (2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64)  # of Plackett's identity
NESTED = 3e7  # numbers that an order may take: under a second
CLOSE, ROUNDING = 1e-12, 1e-13  # a difference between orders that is as good as none, and the least that is claimed
NORMAL = 20  # of them take as long as a normal distribution function
AT_ONCE = 20_000  # points that are held at a time
RUNS, DRAWN = 8, 2**16  # independent quasi-random rules, and the most points of each
EPSILON = float(np.finfo(float).eps)  # by which rounding moves a correlation
SINGULAR = 1e-14  # a smallest eigenvalue that is as good as 0
NEVER = 1e-13  # of the least of the suppliers' own probabilities: a cell that is not told from one that cannot happen
TIED = 1e-12  # eigenvalues that differ by less are the same
SWEEPS = 10_000  # of proportional fitting; a dozen are usual, thousands where correlations are close to 1

Factoring = tuple[Array, Array, Array]  # loadings, the rest, and v along each axis


@dataclass(frozen=True)
class JointPrior:
    """A joint table of costs, and how it came about.

    Parameters
    ----------
    probability
        The table, one axis a supplier.
    method
        `integration to rounding`, `Plackett's identity` where orders still differ by more than that, or `quasi-Monte Carlo`.
    error
        Of a cell, with what rounding does to correlations: a bound; by Plackett's identity the largest difference from the order
        before, which is the error of that one; three standard errors of the worst cell where points are quasi-random.
    seconds
        Wall-clock time that it took.
    """

    probability: Array
    method: str
    error: float
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """Return how the table came about, with the keys of the command line's JSON."""
        return {"method": self.method, "error": self.error, "seconds": self.seconds}


def gaussian_copula(marginals: Sequence[Array], correlation: Array) -> JointPrior:
    """Return the joint table of costs that depend on one another through correlated normal scores.

    Supplier i has cost index k when his normal score lies between the quantiles of his cumulative probabilities before and up to
    k. The table is scaled to the exact marginals, and the same input gives the same table. A cell is 0 where, given his own cost,
    every supplier believes less than 1e-13 of it.

    Parameters
    ----------
    marginals
        Each supplier's own probabilities, which sum to 1.
    correlation
        Of the scores, positive semidefinite, with ones on its diagonal.

    Returns
    -------
    JointPrior
        Exact to rounding, but where scores are many or all but determined by one another: there to the error that is told.

    Examples
    --------
    >>> even = np.array([0.5, 0.5])
    >>> table = gaussian_copula([even] * 3, np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]))
    >>> round(float(table.probability[0, 0, 0]), 12)
    0.25
    """
    began = perf_counter()
    cuts = [_cuts(marginal) for marginal in marginals]
    table, error, methods = np.ones(()), 0.0, [EXACT]
    _, part = scipy.sparse.csgraph.connected_components(np.abs(correlation) > 0, directed=False)
    order: list[int] = []
    for number in range(int(part.max(initial=-1)) + 1):
        members = np.flatnonzero(part == number)
        cells, off, method = _dependent([cuts[i] for i in members], correlation[np.ix_(members, members)])
        table, error = np.multiply.outer(table, cells), error + off  # no cell of the others is above 1
        methods.append(method)
        order += members.tolist()
    table = np.transpose(table, np.argsort(order))
    least = np.full(table.shape, np.inf)
    for axis, marginal in enumerate(marginals):
        np.minimum(least, marginal.reshape([-1 if a == axis else 1 for a in range(table.ndim)]), out=least)
    table = _scaled(np.where(table < NEVER * least, 0.0, table), marginals)
    return JointPrior(table, max(methods, key=(EXACT, PLACKETT, QUASI_RANDOM).index), error, perf_counter() - began)


def _cuts(marginal: Array) -> Array:
    """Return the scores between which each cost lies, from the nearer end: -inf, ..., inf."""
    below, above = np.cumsum(marginal), np.cumsum(marginal[::-1])[::-1]
    quantile = scipy.special.ndtri
    inner = np.where(below[:-1] <= 0.5, quantile(np.minimum(below[:-1], 1.0)), -quantile(np.minimum(above[1:], 1.0)))
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _dependent(cuts: Sequence[Array], correlation: Array) -> tuple[Array, float, str]:
    """Return the table of scores with those cuts, its error and method; scores that are one, or opposite, are one."""
    first = [int(np.flatnonzero(np.abs(row) == 1)[0]) for row in correlation]
    kept = sorted(set(first))
    own = [correlation[i, first[i]] * cut for i, cut in enumerate(cuts)]  # in the scores of the one that is kept
    fine = [np.unique(np.concatenate([own[i] for i in range(len(own)) if first[i] == j])) for j in kept]
    distinct = correlation[np.ix_(kept, kept)]
    cells, error, method = _integrated([cut[1:-1] for cut in fine], distinct)
    error += _moved(distinct - EPSILON, distinct + EPSILON)
    to_first, place = correlation[range(len(first)), first], np.searchsorted(kept, first)
    error += _moved(correlation, np.outer(to_first, to_first) * distinct[np.ix_(place, place)])
    table = np.zeros([len(cut) - 1 for cut in cuts])
    where = []  # of each score: in which of its intervals each fine interval of the one that is kept lies
    for i, cut in enumerate(own):
        lower, axis = fine[kept.index(first[i])][:-1], kept.index(first[i])
        place = np.searchsorted(np.sort(cut), lower, side="right") - 1
        shape = [-1 if a == axis else 1 for a in range(len(kept))]
        where.append((place if correlation[i, first[i]] > 0 else len(cut) - 2 - place).reshape(shape))
    np.add.at(table, tuple(where), cells)
    return table, error, method


def _moved(one: Array, other: Array) -> float:
    """Return by how much no cell differs more between two matrices of correlations."""
    apart = np.abs(np.arcsin(np.clip(one, -1, 1)) - np.arcsin(np.clip(other, -1, 1)))
    return float(np.triu(apart, 1).sum()) / math.pi


def _integrated(cuts: Sequence[Array], correlation: Array) -> tuple[Array, float, str]:
    """Return the table of distinct scores with those finite cuts, its error, and the method."""
    if len(cuts) == 1:
        return between(cuts[0]), 0.0, EXACT
    factors = list(_factorings(correlation))
    found = _by_factors(cuts, factors, QUICK) or _by_plackett(cuts, correlation)
    if found is None or found[1] > CLOSE:
        found = _by_factors(cuts, factors, WORK) or found
    if found is not None:
        return *found, EXACT if found[1] <= RULES[-1][2] else PLACKETT
    loadings, rest, _ = factors[-1]
    count = 2 ** int(np.clip(math.log2(WORK / _effort(cuts) / RUNS), 6, math.log2(DRAWN)))
    runs = [_summed(_quasi_random(count, loadings.shape[1], seed), cuts, loadings, rest) for seed in range(RUNS)]
    return np.mean(runs, axis=0), 3 * float(np.std(runs, axis=0, ddof=1).max()) / math.sqrt(RUNS), QUASI_RANDOM


def _effort(cuts: Sequence[Array]) -> float:
    """Return the sums of products that a point takes."""
    return math.prod(len(cut) + 1.0 for cut in cuts) + NORMAL * (sum(map(len, cuts)) + len(cuts))


def _by_factors(cuts: Sequence[Array], factors: Iterable[Factoring], limit: float) -> tuple[Array, float] | None:
    """Return the table by the trapezoidal rule, and its error; None where that takes more than the limit."""
    for faded, reach, error in RULES:
        for loadings, rest, spread in factors:
            rule = _rule(2 * math.pi / np.sqrt(2 * faded * spread), reach)
            if rule.points * _effort(cuts) <= limit:
                return _summed(rule.drawn(), cuts, loadings, rest), error
    return None


def _by_plackett(cuts: Sequence[Array], correlation: Array) -> tuple[Array, float] | None:
    """Return the table by Plackett's identity, and how far it is from the order before; None where the orders do not settle.

    They settle where a difference is at most half of the one before: what is left is then no more than the last one.
    """
    tables: list[Array] = []
    apart: list[float] = []
    for order in ORDERS:
        if work([len(cut) for cut in cuts], order) > NESTED:
            break
        tables = [*tables[-1:], plackett(cuts, correlation, order)]
        if len(tables) == 2:
            apart.append(max(float(np.abs(tables[1] - tables[0]).max()), ROUNDING))
            if apart[-1] <= CLOSE:
                break
    settled = len(apart) > 1 and apart[-1] <= max(apart[-2] / 2, CLOSE)
    return (np.maximum(tables[-1], 0.0), apart[-1]) if settled else None


def _factorings(correlation: Array) -> Iterator[Factoring]:
    """Yield loadings L, the rest D and v along each axis, for ways to write R as L L' + diag(D), the best first."""
    if len(correlation) > 2 and (correlation != 0).all():
        square = correlation[0, 1] * correlation[0, 2] / correlation[1, 2]
        if square > 0:
            one = np.append(math.sqrt(square), correlation[0, 1:] / math.sqrt(square))
            other, rest = np.outer(one, one) - correlation, 1 - one**2
            np.fill_diagonal(other, 0.0)
            if np.abs(other).max() < 1e-15 and rest.min() > 0:
                yield one[:, None], rest, np.array([1 + float((one**2 / rest).sum())])
    values, vectors = np.linalg.eigh(correlation)
    least, free = max(float(values[0]), SINGULAR), values - values[0] > TIED
    yield vectors[:, free] * np.sqrt(values[free] - least), np.full(len(values), least), values[free] / least


@dataclass(frozen=True)
class _Rule:
    """A trapezoidal rule with those `steps` along axes, within `reach`; `shifts`, in steps, of the lattices in it."""

    steps: Array
    reach: float
    shifts: tuple[float, ...]

    @property
    def points(self) -> float:
        """Number of points, roughly: those of boxes, by the share of a ball in its box."""
        k = len(self.steps)
        boxes = len(self.shifts) * float(np.prod(2 * np.ceil(self.reach / self.steps) + 1))
        share: float = (math.pi / 4) ** (k / 2) / math.gamma(k / 2 + 1)
        return boxes * share

    def drawn(self) -> Iterator[tuple[Array, Array]]:
        """Yield points, shape (points, axes), and their weights, so many as are held at a time."""
        if not len(self.steps):  # scores that are as good as independent have no factor
            yield np.zeros((1, 0)), np.ones(1)
            return
        ends = np.ceil(self.reach / self.steps).astype(int)
        shape, k = tuple(2 * ends + 1), len(self.steps)
        weight = float(np.prod(self.steps)) / (2 * math.pi) ** (k / 2) / len(self.shifts)
        for shift in self.shifts:
            for start in range(0, math.prod(shape), AT_ONCE):
                places = np.unravel_index(np.arange(start, min(start + AT_ONCE, math.prod(shape))), shape)
                points = (np.stack(places, axis=1) - ends + shift) * self.steps
                far = np.square(points).sum(axis=1)
                near = far <= self.reach**2
                yield points[near], weight * np.exp(-far[near] / 2)


def _rule(steps: Array, reach: float) -> _Rule:
    return _Rule(steps, reach, (0.0,)) if len(steps) < 3 else _Rule(steps * math.sqrt(2), reach, (0.0, 0.5))


def _quasi_random(count: int, axes: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Yield points of the normal distribution, and their weights."""
    points = scipy.special.ndtri(np.clip(scipy.stats.qmc.Sobol(axes, rng=seed).random(count), 1e-16, 1 - 1e-16))
    yield points, np.full(count, 1 / count)


def _summed(drawn: Iterator[tuple[Array, Array]], cuts: Sequence[Array], loadings: Array, rest: Array) -> Array:
    """Return the weighted sum over points of the products of the scores' conditional probabilities."""
    sizes = [len(cut) + 1 for cut in cuts]
    half = next(k for k in range(len(sizes)) if math.prod(sizes[: k + 1]) ** 2 >= math.prod(sizes)) + 1
    table = np.zeros((math.prod(sizes[:half]), math.prod(sizes[half:])))
    for all_points, all_weights in drawn:
        parts = 1 + len(all_points) * sum(table.shape) // (32 * AT_ONCE)
        for points, weights in zip(np.array_split(all_points, parts), np.array_split(all_weights, parts), strict=True):
            likely = [weights[:, None], np.ones((len(points), 1))]
            for i, (loading, cut) in enumerate(zip(loadings, cuts, strict=True)):
                likely_given = between((cut[:, None] - points @ loading) / math.sqrt(rest[i])).T
                part = likely[i >= half]
                size = part.shape[1] * sizes[i]
                likely[i >= half] = (part[:, :, None] * likely_given[:, None, :]).reshape(len(points), size)
            table += likely[0].T @ likely[1]
    return table.reshape(sizes)


def _scaled(table: Array, marginals: Sequence[Array]) -> Array:
    """Return the table scaled along its axes in turn until every marginal is met (iterative proportional fitting)."""
    axes, last = range(table.ndim), math.inf
    for _ in range(SWEEPS):
        for axis, marginal in enumerate(marginals):
            now = table.sum(axis=tuple(a for a in axes if a != axis))
            factor = np.divide(marginal, now, out=np.zeros_like(marginal), where=now > 0)
            table = table * factor.reshape([-1 if a == axis else 1 for a in axes])
        worst = max(
            float(np.abs(table.sum(axis=tuple(a for a in axes if a != axis)) - marginal).max())
            for axis, marginal in enumerate(marginals)
        )
        if worst < 1e-14 or last <= worst < ROUNDING:  # what is left is rounding
            break
        last = worst
    return table
