"""What retailers pay for what they are allocated, and whether any of them would rather misreport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from veridical.data.allocation import AllocationCase, RetailerGroup
from veridical.data.type_profiles import TypeProfiles

__all__ = ["Audit", "Reports", "audited", "reports"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Reports:
    """What one retailer of a group gets for each of his m reports against each of O profiles of all others.

    weight: how often the others have that profile, shape (O,). quantity: units, shape (O, m). against: the others' place for
    each pair (row, type) of the profiles in which somebody of the group has that type, as numpy's nonzero lists them.
    """

    group: RetailerGroup
    weight: Array
    quantity: Array
    against: Whole

    @cached_property
    def revenue(self) -> Array:
        """E[R(Q_k, theta_l)], currency, shape (m, m): the report k along the first axis, the type l along the second."""
        return np.stack([self.weight @ self.group.revenue.value(self.quantity, theta) for theta in self.group.theta], axis=1)

    @cached_property
    def interim(self) -> Array:
        """P(theta_k) = E[R(Q_k, theta_k)] - sum over j < k of E[R(Q_j, theta_{j+1}) - R(Q_j, theta_j)], currency. (3)."""
        own = np.diag(self.revenue)
        paid: Array = own - np.append(0.0, np.cumsum(np.diag(self.revenue, 1) - own[:-1]))
        return paid

    @cached_property
    def dominant(self) -> Array:
        """The same before expectations over the others, currency, shape (O, m)."""
        own = self.group.revenue.value(self.quantity, self.group.theta)
        rent = self.group.revenue.value(self.quantity[:, :-1], self.group.theta[1:]) - own[:, :-1]
        paid: Array = own - np.concatenate([np.zeros((len(own), 1)), np.cumsum(rent, axis=1)], axis=1)
        return paid


@dataclass(frozen=True)
class Audit:
    """Most that any type gains by any misreport, and the least profit by the truth, currency: in expectation, and ex post.

    Probability plays no part: types and profiles that never occur are audited too. lowest_profit: the largest profit or loss of
    a group's lowest type, in expectation, which the largest payments leave at 0.
    """

    max_regret: float
    min_profit: float
    max_dominant_regret: float
    min_dominant_profit: float
    lowest_profit: float


def reports(case: AllocationCase, profiles: TypeProfiles, by_type: Callable[[Whole], Array]) -> tuple[Reports, ...]:
    """Return what every report brings, group by group; `by_type` allocates to profiles, (rows, M) to (rows, M)."""
    return tuple(_reports(case, profiles, g, by_type) for g in range(len(case.retailers)))


def _reports(case: AllocationCase, profiles: TypeProfiles, g: int, by_type: Callable[[Whole], Array]) -> Reports:
    columns = profiles.columns(g)
    rows, own = np.nonzero(profiles.counts[:, columns])
    left = profiles.counts[rows].copy()
    left[np.arange(len(rows)), columns.start + own] -= 1
    others, against = np.unique(left, axis=0, return_inverse=True)
    against = against.reshape(-1)
    share = profiles.counts[rows, columns.start + own] / case.retailers[g].count
    weight: Array = np.bincount(against, weights=profiles.probability[rows] * share).astype(float)
    m = profiles.sizes[g]
    whole = np.repeat(others, m, axis=0)
    whole[np.arange(len(whole)), columns.start + np.tile(np.arange(m), len(others))] += 1
    distinct, place = np.unique(whole, axis=0, return_inverse=True)
    quantity = by_type(distinct)[place.reshape(-1, m), columns.start + np.arange(m)]
    return Reports(case.retailers[g], weight, quantity, against)


def audited(groups: tuple[Reports, ...]) -> Audit:
    """Return the audit of what is paid, against what is allocated, under both kinds of payments."""
    regret, profit, dominant_regret, dominant_profit, lowest = -np.inf, np.inf, -np.inf, np.inf, 0.0
    for each in groups:
        gain = each.revenue - each.interim[:, None]  # what type l earns by reporting k
        truth = np.diag(gain)
        regret, profit = max(regret, float((gain - truth).max())), min(profit, float(truth.min()))
        lowest = max(lowest, abs(float(truth[0])))
        for place, theta in enumerate(each.group.theta):
            ex_post = each.group.revenue.value(each.quantity, theta) - each.dominant
            dominant_regret = max(dominant_regret, float((ex_post - ex_post[:, [place]]).max()))
            dominant_profit = min(dominant_profit, float(ex_post[:, place].min()))
    return Audit(regret, profit, dominant_regret, dominant_profit, lowest)
