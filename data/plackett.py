"""Probabilities of rectangles of correlated normal scores by Plackett's identity, all cells of a table at once.

Plackett (A reduction formula for normal multivariate integrals, Biometrika 41, 1954): the derivative of P(rectangle) to r_1j is
the bivariate density of scores 1 and j at the rectangle's corners times the conditional probability of the others there. With row
1 of the correlations scaled by t, from t = 0, where score 1 is independent of the others, to t = 1,
    P(cell) = P(cell_1) P(cell_rest) + sum_j integral_0^1 r_1j [phi(b_1, b_j; t r_1j) P(cell_others | b_1, b_j; t)] dt,
and the conditional table is one of two scores fewer: n scores take n // 2 nested integrals. If m is the multiple correlation of
score 1 with the others, t m = tanh(w) spreads the points evenly on the scale of what is left of score 1 given the others,
sqrt(1 - t^2 m^2) = 1 / cosh(w): Gauss-Legendre points in w converge geometrically however close the scores are to determining one
another. What is nested is smaller and needs fewer points: `order` at the first level, one fewer at each further one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy

from veridical.data.arrays import Array

__all__ = ["between", "plackett", "work"]

LEAST = 1e-15  # of a variance that is left: scores may determine one another
AT_ONCE = 200_000  # numbers that are held at a time, so that they stay in the processor's cache


def plackett(cuts: Sequence[Array], correlation: Array, order: int) -> Array:
    """Return the table of the scores' joint probabilities.

    Parameters
    ----------
    cuts
        Each score's finite cuts, ascending: k cuts make k + 1 cells.
    correlation
        Of the scores, positive semidefinite, with ones on its diagonal.
    order
        Points of the first integral; each nested one has one fewer, and at least one.

    Returns
    -------
    Array
        One axis a score; its error is known by comparison with another order.

    Examples
    --------
    >>> median = np.zeros(1)
    >>> table = plackett([median] * 3, np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]), 12)
    >>> round(float(table[0, 0, 0]), 12)
    0.25
    """
    places = _order([len(cut) for cut in cuts], correlation)
    table = _cells([cuts[i][:, None] for i in places], correlation[np.ix_(places, places)][:, :, None], order)[..., 0]
    return np.transpose(table, np.argsort(places))


def work(sizes: Sequence[int], order: int) -> float:
    """Return roughly how many numbers `plackett` computes for scores with those numbers of cuts."""
    return _work(tuple(sorted(sizes)), order)


@cache
def _work(sizes: tuple[int, ...], order: int) -> float:
    first, others = sizes[0], sizes[1:]
    if not others:
        return first + 1.0
    nested = 0.0
    for i, size in enumerate(others):
        rest = others[:i] + others[i + 1 :]
        nested += first * size * (_work(rest, max(order - 1, 1)) if rest else 1.0)
    return math.prod(size + 1.0 for size in sizes) + _work(others, order) + order * nested


def between(cuts: Array) -> Array:
    """Return a normal score's probabilities below, between and above cuts along the first axis, exact in both tails."""
    end = np.zeros((1, *cuts.shape[1:]))
    tail = np.concatenate([end, scipy.special.ndtr(-np.abs(cuts)), end])
    upper = np.concatenate([end > 0, cuts > 0, end == 0])
    apart = np.where(upper[:-1], tail[:-1] - tail[1:], tail[1:] - tail[:-1])
    return np.asarray(np.where(upper[:-1] == upper[1:], apart, 1 - tail[:-1] - tail[1:]))


def _order(sizes: Sequence[int], correlation: Array) -> list[int]:
    """Return the scores of one size together, and of those first the one that the scores after it determine least."""
    left, order = list(range(len(sizes))), []
    while left:
        smallest = [i for i in left if sizes[i] == min(sizes[j] for j in left)]
        rest = [[i, *(j for j in left if j != i)] for i in smallest]
        order.append(max(rest, key=lambda own: float(_left(correlation[np.ix_(own, own)])))[0])
        left.remove(order[-1])
    return order


def _cells(cuts: list[Array], correlation: Array, order: int) -> Array:
    """Return tables, shape (cells of each score..., batch), of cuts (cuts, batch) with correlations (n, n, batch)."""
    n, batch = len(cuts), correlation.shape[-1]
    if n == 1:
        return between(cuts[0])
    held = batch * order * n * (n - 1) * len(cuts[0]) * max(map(len, cuts))
    if batch > 1 and held > AT_ONCE:
        parts = np.array_split(np.arange(batch), min(batch, -(-held // AT_ONCE)))
        slices = [slice(part[0], part[-1] + 1) for part in parts]
        return np.concatenate([_cells([cut[:, s] for cut in cuts], correlation[..., s], order) for s in slices], axis=-1)
    own = between(cuts[0])
    table = own.reshape(len(own), *[1] * (n - 1), batch) * _cells(cuts[1:], correlation[1:, 1:], order)
    scale, weight = _points(correlation, order)
    start = 1 if len(cuts[0]) else n  # no cut, no corner
    while start < n:
        size = len(cuts[start])
        others = [j for j in range(start, n) if len(cuts[j]) == size]
        for j, corner in zip(others, _corners(cuts, correlation, others, scale, weight, order), strict=True):
            cells = np.moveaxis(table, (0, j), (-3, -2))  # corner i is the upper end of cell i and the lower end of cell i + 1
            cells[..., :-1, :-1, :] += corner
            cells[..., 1:, 1:, :] += corner
            cells[..., 1:, :-1, :] -= corner
            cells[..., :-1, 1:, :] -= corner
        start = others[-1] + 1
    return table


def _points(correlation: Array, order: int) -> tuple[Array, Array]:
    """Return the t of each point and its weight, shape (points, batch)."""
    variance = np.clip(_left(correlation), LEAST, 1)
    multiple = np.sqrt(np.maximum(1 - variance, LEAST))
    end = np.log((1 + multiple) / np.sqrt(variance))
    at, share = _legendre(order)
    scaled = np.tanh(end * at[:, None])
    return scaled / multiple, end * share[:, None] * (1 - scaled**2) / multiple


def _left(correlation: Array) -> Array:
    """Return the variance of score 1 that is left given the others, which are eliminated one after the other."""
    left = np.array(correlation)
    for k in range(len(left) - 1, 0, -1):
        left[:k, :k] -= left[:k, k, None] * (left[k, :k] / np.maximum(left[k, k], LEAST))
    return np.asarray(left[0, 0])


@cache
def _legendre(order: int) -> tuple[Array, Array]:
    """Return the Gauss-Legendre rule on [0, 1]."""
    at, weight = np.polynomial.legendre.leggauss(order)
    return (at + 1) / 2, weight / 2


def _corners(cuts: list[Array], correlation: Array, js: list[int], scale: Array, weight: Array, order: int) -> list[Array]:
    """Return for every j the integral at each corner of scores 1 and j, shape (cells of the others..., cuts_1, cuts_j, batch)."""
    own = scale * correlation[0, js][:, None]  # of score 1 with each j: j, points, batch
    left = np.maximum(1 - own**2, LEAST)
    x, y = cuts[0][:, None, None, None], np.stack([cuts[j] for j in js], axis=1)[:, :, None]
    density = np.exp(-((x - own * y) ** 2 / left + y**2) / 2)
    density *= weight * correlation[0, js][:, None] / (2 * np.pi * np.sqrt(left))  # cuts_1, cuts_j, j, points, batch
    if len(cuts) == 2:
        return [density.sum(axis=-2)[:, :, 0]]
    rest = np.array([[k for k in range(1, len(cuts)) if k != j] for j in js]).T  # of each j, the others: others, j
    with_1, with_j = scale * correlation[0, rest][:, :, None], correlation[js, rest][:, :, None]
    on_1, on_j = (with_1 - own * with_j) / left, (with_j - own * with_1) / left
    count = len(rest)
    given = np.empty((count, count, *own.shape))
    for p in range(count):
        for r in range(p + 1):
            given[p, r] = given[r, p] = correlation[rest[p], rest[r]][:, None] - on_1[p] * with_1[r] - on_j[p] * with_j[r]
    spread = np.sqrt(np.maximum(given[range(count), range(count)], LEAST))
    given /= spread[:, None] * spread
    given[range(count), range(count)] = 1
    many = np.broadcast_to(given[:, :, None, None], (count, count, *density.shape)).reshape(count, count, -1)
    scores = []
    for p in range(count):
        cut = np.stack([cuts[k] for k in rest[p]], axis=1)[:, None, None, :, None]
        scores.append(((cut - on_1[p] * x - on_j[p] * y[None]) / spread[p]).reshape(len(cut), -1))
    tables = _cells(scores, many, max(order - 1, 1))
    sums = (tables.reshape(*tables.shape[:-1], *density.shape) * density).sum(axis=-2)
    return [sums[..., i, :] for i in range(len(js))]
