"""Between what ends the shadow prices of capacity may lie, where several sets of multipliers prove the same optimum.

A retailer who is given something at a profile, and is pooled with nobody, says what a unit is worth there. Elsewhere lambda and
the multipliers of `monotonicity` share what the conditions (6)-(8), (10)-(11) ask of their sum; or nobody gets anything, and
lambda is no less than what the first unit would earn. The ends are those of two linear programs a profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp

from veridical.contracts.allotment import Allotment
from veridical.data import AllocationCase
from veridical.data.arrays import Array, Booleans, Integers
from veridical.models.allocation.regularity import marginal, pooled
from veridical.models.allocation.vocabulary import occurring

__all__ = ["shadow_price_ranges"]

CLOSE = 1e-6  # relative: units that differ by less are the same, prices as well
SLACK = (1e-10, 1e-8, 1e-6)  # relative: how exactly the conditions are met by the point
DIGITS = 8
PROFILES = 200  # without a unique price, up to which the ends are worked out


def shadow_price_ranges(allotment: Allotment, monotonicity: bool | None = None, rent: bool = True) -> Array:
    """Return the least and the largest shadow price of each profile, shape (rows, 2), currency per unit.

    Parameters
    ----------
    allotment
        An optimum, with its shadow prices.
    monotonicity
        Whether units of every type, of none, or of those that may be pooled (None) are kept from exceeding those of the next.
    rent
        Whether retailers alone know their types.

    Returns
    -------
    Array
        Twice the shadow price where it is unique; infinite where there is no end; NaN where it was not looked at.

    Examples
    --------
    >>> import veridical as vd
    >>> ranges = shadow_price_ranges(vd.solve(vd.example("two-retailers")).contracts)
    >>> bool((ranges[:, 0] == ranges[:, 1]).all())
    True
    """
    kept = np.concatenate([group.probability > 0 for group in allotment.case.retailers])
    rows = np.flatnonzero((allotment.probability > 0) & ~(allotment.profiles.counts[:, ~kept] > 0).any(axis=1))
    market = _Market.of(allotment, rows, kept, monotonicity, rent)
    ranges = np.stack([allotment.shadow_price, allotment.shadow_price], axis=1)
    unknown = np.flatnonzero(~market.known)
    if len(unknown) > PROFILES or (allotment.sampled and len(market.links)):
        ranges[rows[unknown]] = np.nan
    elif len(unknown):
        ranges[rows[unknown]] = market.ends(unknown)
    return ranges


@dataclass(frozen=True)
class _Market:
    """The conditions of an optimum at its units; a cell is a type that somebody has in a profile.

    shadow: lambda, one a profile. known: whether a profile has one lambda alone. row, worth, served: of each cell the profile,
    virtual marginal revenue, and whether it gets anything. weight: how many have the type, by the profile's probability. links:
    pairs of cells, of a type and the next, that get the same and are kept in order. scale: of prices. cost: what the mean of
    lambda comes to, or at most where no capacity is bought; None where capacity is fixed.
    """

    shadow: Array
    probability: Array
    known: Booleans
    row: Integers
    worth: Array
    served: Booleans
    weight: Array
    links: Integers
    scale: float
    cost: float | None
    bought: bool

    @classmethod
    def of(cls, allotment: Allotment, rows: Integers, kept: Booleans, monotonicity: bool | None, rent: bool) -> _Market:
        """Return the conditions for the profiles in `rows`, of types that are `kept`."""
        case = occurring(allotment.case)
        counts, by_type = allotment.profiles.counts[rows][:, kept], allotment.by_type[rows][:, kept]
        starts = np.cumsum([0, *(len(group.theta) for group in case.retailers)])
        worth = np.empty(by_type.shape)
        for group, columns in zip(case.retailers, map(slice, starts, starts[1:]), strict=False):
            q = by_type[:, columns].T
            worth[:, columns] = (marginal(group, q) if rent else group.revenue.marginal(q, group.theta[:, None])).T
        row, column = np.nonzero(counts > 0)
        cell = np.full(counts.shape, -1)
        cell[row, column] = np.arange(len(row))
        units, largest = by_type[row, column], float(by_type.max(initial=0.0))
        served = units > CLOSE * largest
        links = _neighbours(case, counts, cell, starts, monotonicity) if rent else np.zeros((0, 2), dtype=np.int64)
        links = links[np.abs(units[links[:, 0]] - units[links[:, 1]]) <= CLOSE * largest]
        free = served.copy()
        free[links.ravel()] = False
        known = allotment.capacity - allotment.allotted[rows] > CLOSE * allotment.capacity
        known[row[free]] = True
        scale = max(float(group.revenue.marginal(0.0, group.theta[-1])) for group in case.retailers)
        probability = allotment.probability[rows]
        weight = counts[row, column] * probability[row]
        return cls(
            allotment.shadow_price[rows], probability, known, row, worth[row, column], served, weight, links, scale,
            case.capacity_cost, allotment.capacity > 0,
        )  # fmt: skip

    def ends(self, unknown: Integers) -> Array:
        """Return the least and the largest shadow price of profiles, shape (len(unknown), 2)."""
        ends = np.array([[self._end(unknown, k, sign) for sign in (1.0, -1.0)] for k in range(len(unknown))])
        ends = np.round(ends, DIGITS) * self.scale  # the rest is slack
        narrow = ends[:, 1] - ends[:, 0] <= 10 * CLOSE * self.scale
        return np.where(narrow[:, None], self.shadow[unknown][:, None], ends)

    def _end(self, unknown: Integers, k: int, sign: float) -> float:
        """Return the least (sign 1) or the largest (-1) shadow price of a profile, in units of `scale`."""
        cost = np.zeros(len(unknown) + len(self.links))
        cost[k] = sign
        for slack in SLACK:
            matrix, most = self._conditions(unknown, slack)
            rows: Any = matrix  # sparse: scipy takes it, its types do not say so
            result: Any = scipy.optimize.linprog(cost, rows, most, bounds=(0, None), method="highs")
            if result.status in (0, 3):
                return sign * float(result.fun) if result.status == 0 else np.inf
        return np.nan

    def _conditions(self, unknown: Integers, slack: float) -> tuple[sp.csr_array, Array]:
        """Return the conditions as rows (matrix, upper ends) in the lambdas of `unknown` and one multiplier a link, scaled."""
        place = np.full(len(self.shadow), -1)
        place[unknown] = np.arange(len(unknown))
        cells, pairs, share = np.arange(len(self.row)), np.arange(len(self.links)), self.weight / self.weight.max()
        inside = place[self.row] >= 0
        low, high = self.links.T
        entries = [
            (np.ones(int(inside.sum())), cells[inside], place[self.row][inside]),
            (1 / share[low], low, len(unknown) + pairs),
            (-1 / share[high], high, len(unknown) + pairs),
        ]
        values, at, of = (np.concatenate(part) for part in zip(*entries, strict=True))
        matrix = sp.csr_array((values, (at, of)), shape=(len(cells), len(unknown) + len(pairs)))
        asked = (self.worth - np.where(inside, 0.0, self.shadow[self.row])) / self.scale
        rows, most = [-matrix, sp.csr_array(matrix[self.served])], [slack - asked, asked[self.served] + slack]
        if self.cost is not None:
            mean = sp.csr_array(np.append(self.probability[unknown], np.zeros(len(pairs)))[None, :])
            rest = (self.cost - float(self.probability[self.known] @ self.shadow[self.known])) / self.scale
            rows += [mean, -mean][: 1 + self.bought]
            most += [np.array([rest + slack]), np.array([slack - rest])][: 1 + self.bought]
        return sp.csr_array(sp.vstack(rows)), np.concatenate(most)


def _neighbours(case: AllocationCase, counts: Integers, cell: Integers, starts: Integers, monotonicity: bool | None) -> Integers:
    """Return the pairs of cells that one retailer moves between by reporting the next type, shape (pairs, 2)."""
    chosen = None if monotonicity is None else bool(monotonicity)
    groups = case.retailers
    kept = [pooled(group, case.capacity) if chosen is None else np.full(len(group.theta) - 1, chosen) for group in groups]
    places = {row.tobytes(): k for k, row in enumerate(counts)} if any(together.any() for together in kept) else {}
    pairs = []
    for group, start, together in zip(groups, starts.tolist(), kept, strict=False):
        for low, high in compress(pairwise(range(start, start + len(group.theta))), together):
            for row in np.flatnonzero(counts[:, low] > 0).tolist():
                other = counts[row].copy()
                other[low] -= 1
                other[high] += 1
                if (partner := places.get(other.tobytes())) is not None:
                    pairs.append((cell[row, low], cell[partner, high]))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
