"""Joint misreports of retailers: an allotment stores its profiles by how many of a group have which type.

Two retailers of a group can be any two of it, so that a pair of groups stands for all pairs of their members.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np

from veridical.contracts.allotment import Allotment, profile_names
from veridical.contracts.coalitions import Coalition, CoalitionResult, not_searched, search
from veridical.contracts.comparison import allowed
from veridical.data.arrays import Array, Integers
from veridical.data.type_profiles import without_one

__all__ = ["check_retailers_together"]

WHOLE = 100_000  # reports of all retailers together, one a retailer, up to which they are put together


def check_retailers_together(allotment: Allotment) -> dict[str, CoalitionResult]:
    """Return whether an allotment withstands joint misreports of two retailers, and of all together.

    Not searched where type profiles were drawn: what others' joint reports lead to is then not among them. All together are
    left out, and so nothing is said to hold, where they are more than a few: their joint reports multiply.
    """
    if allotment.sampled:
        return not_searched()
    retailers = _Retailers(allotment)
    groups = range(len(allotment.case.retailers))
    pairs = combinations_with_replacement(groups, 2)
    members = allotment.case.members
    coalitions = [retailers.pair(g, h) for g, h in pairs if g != h or members[g] > 1]
    if sum(members) <= 2:
        return search(coalitions, [])
    logarithm = sum(n * math.log(size) for n, size in zip(members, allotment.profiles.sizes, strict=True))
    if logarithm + math.log(sum(members)) <= math.log(WHOLE):
        return search(coalitions, [retailers.together()])
    reports = round(math.exp(min(logarithm, 50.0)))  # far beyond what is counted
    return search(coalitions, [], left_out=len(allotment.profiles.counts) * (reports - 1))


class _Retailers:
    """What retailers get, by group, type and row of what the others report, and which rows joint reports lead to."""

    def __init__(self, allotment: Allotment) -> None:
        self.allotment, self.profiles = allotment, allotment.profiles
        self.amounts: Any = cache(self._amounts)

    def _amounts(self, g: int, k: int) -> tuple[Array, Array]:
        """Return the profit of a retailer of group g with type k, and what a gain may come to; shape (others, reports)."""
        profit, amount, stake = self.allotment.reports[g].own_amounts(self.allotment.prices[g], k)
        return profit, allowed(amount, stake)

    def labels(self, g: int) -> tuple[float, ...]:
        """Return the types of a group."""
        return tuple(self.allotment.case.retailers[g].theta.tolist())

    def beside(self, g: int, h: int) -> tuple[Integers, Integers]:
        """Return the profiles of all but one of g and one of h; and by profile and type of the one of h the row of g's others."""
        others, columns = self.allotment.reports[g].others, self.profiles.columns(h)
        rows, types = np.nonzero(others[:, columns])
        rest, place = np.unique(without_one(others[rows], columns.start + types), axis=0, return_inverse=True)
        leads = np.empty((len(rest), self.profiles.sizes[h]), dtype=np.int64)
        leads[place.reshape(-1), types] = rows
        return rest, leads

    def pair(self, g: int, h: int) -> Coalition:
        """Return the coalition of a retailer of group g and another of group h."""
        case = self.allotment.case
        first = {group: case.order.index(group) for group in (g, h)}
        names = case.retailer_names[first[g]], case.retailer_names[first[h] + (g == h)]
        rest, leads = self.beside(g, h)
        leads_other = leads if g == h else self.beside(h, g)[1]  # beside the same profiles, in the same order
        reports = len(self.labels(g)) * len(self.labels(h))

        def compared(j: int, k: int) -> tuple[Array, Array]:
            if j == 0:  # axes of what is looked up: others, the other's report, own report
                arrays = (array[leads].transpose(2, 1, 0) for array in self.amounts(g, k))
            else:
                arrays = (array[leads_other].transpose(1, 2, 0) for array in self.amounts(h, k))
            worth, may = (array.reshape(reports, -1) for array in arrays)
            return worth, may

        truths = None
        if g == h:  # who of the two has the higher type makes no difference
            one, other = np.unravel_index(np.arange(reports), (len(self.labels(g)),) * 2)
            truths = np.flatnonzero(one <= other)
        return Coalition(
            names,
            (self.labels(g), self.labels(h)),
            compared,
            len(rest),
            lambda place: profile_names(case, rest[[place]])[0],
            truths,
        )

    def together(self) -> Coalition:
        """Return the coalition of all retailers."""
        case, profiles = self.allotment.case, self.profiles
        sizes = [profiles.sizes[g] for g in case.order]
        places = np.array(list(product(*map(range, sizes))))
        columns = places + np.array([profiles.columns(g).start for g in case.order])
        counts = np.zeros((len(places), profiles.counts.shape[1]), dtype=np.int64)
        for column in columns.T:
            counts[np.arange(len(places)), column] += 1

        @cache
        def rows(g: int, own: int) -> Integers:
            """Return the rows of what the others report, which are all that there are, in the order of `Reports.others`."""
            return np.unique(without_one(counts, columns[:, own]), axis=0, return_inverse=True)[1].reshape(-1)

        def compared(j: int, k: int) -> tuple[Array, Array]:
            g = case.order[j]
            worth, may = (array[rows(g, j), places[:, j], None] for array in self.amounts(g, k))
            return worth, may

        alike = [i for i in range(1, len(sizes)) if case.order[i] == case.order[i - 1]]
        ascending = np.logical_and.reduce([places[:, i - 1] <= places[:, i] for i in alike], axis=0, dtype=bool)
        truths = np.flatnonzero(np.broadcast_to(ascending, len(places)))
        return Coalition(case.retailer_names, tuple(map(self.labels, case.order)), compared, truths=truths)
