"""A supplier's unit cost as everybody else sees it: a continuous distribution with finite ends, and its virtual cost."""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np
import scipy

from veridical.data.arrays import Array, ArrayLike
from veridical.data.truncated import Truncated, quiet

__all__ = ["PrivateCost"]

GRID = 4096  # steps in quantile space between which irregular stretches are looked for
ROUNDING = 1e-10  # relative to the highest cost: smaller departures from convexity are taken for rounding of quantiles


class PrivateCost(Truncated):
    """A unit cost x ~ G on [low, high], currency/unit: `uniform` between its ends, or a distribution of scipy.stats.

    `distribution` and `parameters` (shapes, `loc`, `scale`) are scipy's; `low` and `high` truncate, and are always the ends of
    what is left: finite, and not negative. In a case file everything stands in one table:
    `cost = { distribution = "norm", loc = 8, scale = 2, low = 3, high = 13 }`. Functions take and return arrays of any shape.

    Examples
    --------
    >>> cost = PrivateCost(distribution="uniform", low=2, high=6)
    >>> float(cost.cdf(3)), float(cost.virtual_cost(3))                # 3 + (1/4) / (1/4)
    (0.25, 4.0)
    """

    noun = "unit cost"

    def cdf(self, x: ArrayLike) -> Array:
        """G(x) = P(cost <= x)."""
        x = np.clip(np.asarray(x, dtype=float), self.low, self.high)
        with quiet():
            below = self._base.sf(self.low) - self._base.sf(x) if self._upper else self._base.cdf(x) - self._base.cdf(self.low)
        return np.asarray(np.clip(below / self._mass, 0.0, 1.0))

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least cost x with G(x) >= u, for u in [0, 1]."""
        u = np.asarray(u, dtype=float)
        with quiet():
            if self._upper:
                x = self._base.isf(self._base.sf(self.low) - u * self._mass)
            else:
                x = self._base.ppf(np.minimum(self._base.cdf(self.low) + u * self._mass, 1.0))
        return np.asarray(np.clip(x, self.low, self.high))

    def virtual_cost(self, x: ArrayLike) -> Array:
        """J(x) = x + G(x) / g(x), currency/unit: (31) for independent costs. Infinite where g(x) = 0 < G(x)."""
        x = np.asarray(x, dtype=float)
        below, density = self.cdf(x), self.density(x)
        with np.errstate(all="ignore"):
            return x + np.where(below > 0, below / density, 0.0)

    @cached_property
    def stretches(self) -> tuple[tuple[float, float, float], ...]:
        """Where virtual cost is ironed: costs from, to, and virtual cost between them, which is constant; ascending.

        H(u) = u x(u) has the slope J at quantile u, since the integral of J dG is x G(x); a stretch is a chord of its greatest
        convex minorant. Chords are found on a grid of 4,096 quantiles, dense at both ends, and their ends moved to where J
        equals the chord's slope. The slope's error is of second order in the error of the ends: about 1e-7 of the cost range
        before they are moved, and rounding after it. Stretches narrower than a step of the grid are not seen.
        """
        s = np.linspace(0.0, 1.0, GRID + 1)
        u = s * s * (3 - 2 * s)
        x = self.inverse_cdf(u)
        x[0], x[-1] = self.low, self.high
        corners, cost = _convex_minorant(u, u * x), self.virtual_cost(x)
        stretches = []
        for a, b in itertools.pairwise(corners):
            slope = (u[b] * x[b] - u[a] * x[a]) / (u[b] - u[a])
            between = slice(a, b)
            above = u[between] * x[between] - u[a] * x[a] - slope * (u[between] - u[a])
            falls = cost[b] < cost[a] - ROUNDING * self.high  # also within a step, as where density is infinite at an end
            if b > a + 1 and (falls or above.max() > ROUNDING * self.high):
                stretches.append(self._chord((x[max(a - 1, 0)], x[a], x[a + 1]), (x[b - 1], x[b], x[min(b + 1, GRID)]), slope))
            elif falls:
                stretches.append((float(x[a]), float(x[b]), float(slope)))
        return tuple(stretches)

    def _chord(
        self, start: tuple[float, float, float], end: tuple[float, float, float], slope: float
    ) -> tuple[float, float, float]:
        """Return a stretch with its ends moved, within their brackets, to where virtual cost is the slope of the chord."""
        a, b = start[1], end[1]
        for _ in range(3):
            a, b = (self._meets(slope, bracket, here) for bracket, here in ((start, a), (end, b)))
            u, w = self.cdf(a), self.cdf(b)
            slope = float((w * b - u * a) / (w - u))
        return float(a), float(b), slope

    def _meets(self, level: float, bracket: tuple[float, float, float], otherwise: float) -> float:
        low, high = bracket[0], bracket[2]
        ends = self.virtual_cost([low, high]) - level
        if np.isfinite(ends).all() and ends[0] < 0 < ends[1]:
            return float(scipy.optimize.brentq(lambda x: float(self.virtual_cost(x)) - level, low, high, xtol=1e-13 * self.high))
        return otherwise

    def ironed(self, x: ArrayLike) -> Array:
        """Return virtual cost, ironed: the non-decreasing one that quantities follow, equal to J(x) where J is regular.

        The slope of the greatest convex minorant of H(u) = u x(u); see `stretches` for its error.
        """
        x = np.asarray(x, dtype=float)
        cost = self.virtual_cost(x)
        for start, end, flat in self.stretches:
            cost = np.where(x < start, np.minimum(cost, flat), np.where(x > end, np.maximum(cost, flat), flat))
        return cost


def _convex_minorant(u: Array, h: Array) -> list[int]:
    """Return the places of the corners of the greatest convex minorant of points (u, h), u ascending."""
    corners: list[int] = []
    for k in range(len(u)):
        while len(corners) > 1:
            i, j = corners[-2:]
            if (h[j] - h[i]) * (u[k] - u[j]) < (h[k] - h[j]) * (u[j] - u[i]):
                break
            corners.pop()
        corners.append(k)
    return corners
