"""The optimal allocation of scarce capacity, its payments, and the capacity worth having: Theorems 1 to 4, for any finite types.

Which optimum. Where no types are pooled, nobody can do better, since the quantities maximise virtual revenue with nothing but
the rents of neighbouring types taken off. Where types are pooled, profile by profile:
- For `separable` revenue (linear and power demand) the ironed quantities are optimal still. Interim incentive compatibility needs
  E[Q_i] to rise with type; its multipliers shift a type's virtual marginal revenue by constants that cancel over a pool, whatever
  the others' types are, so that the pooled one is what (6) needs, in every profile.
- Otherwise the pool depends on lambda. The quantities here are then optimal among the mechanisms in which the truth is best
  whatever the others report: given theta_-i the types of a pool meet the same lambda, so the multipliers of Q_i(theta_k) <=
  Q_i(theta_{k+1}) at theta_-i, with the lambdas, prove it. Mechanisms that are truthful only in expectation over theta_-i may
  earn more: they need E[D(Q_i(theta_{k+1}))] >= E[D(Q_i(theta_k))] alone, with D(q) = R(q, theta_{k+1}) - R(q, theta_k), which
  is no convex constraint. With exponential newsvendors a gain of 0.02 % was found.
  `Allocation.interim_optimal` is False there: the model `allocation_direct` is the judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from veridical.data import InputError
from veridical.data.allocation import SAMPLES, AllocationCase
from veridical.data.type_profiles import TypeProfiles
from veridical.solvers.closed_form.allocation_payments import Audit, Reports, audited, reports
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue
from veridical.solvers.closed_form.water_filling import checked_capacity, water_filling

__all__ = ["Allocation", "Rationing", "allocation", "capacity_choice", "centralized", "decentralization_penalty"]

Array = NDArray[np.float64]
POINTS = 32  # cells of equal probability that a continuous prior is cut into


@dataclass(frozen=True)
class Rationing:
    """What every retailer gets, profile by profile; units and currency.

    case: with finite types, so the grid's where priors are continuous. by_type: what a retailer of a type gets, shape (rows, M),
    rows and columns as in `profiles`. shadow_price: lambda, shape (rows,), currency per unit. earned: expected virtual revenue,
    or revenue with full information, before capacity is paid for: V(K), (4). error: its standard error, 0 where all profiles
    are visited.
    """

    case: AllocationCase
    profiles: TypeProfiles
    by_type: Array
    shadow_price: Array
    capacity: float
    earned: float
    error: float

    @property
    def probability(self) -> Array:
        """Probability of each profile, shape (rows,)."""
        return self.profiles.probability

    @property
    def sampled(self) -> bool:
        """Whether profiles were drawn, as there are more than can be visited."""
        return self.profiles.sampled

    @cached_property
    def quantity(self) -> Array:
        """Q, units, shape (rows, N): retailers in the case's order, profiles sorted ascending within a group."""
        return self.profiles.by_retailer(self.by_type)

    @property
    def expected_shadow_price(self) -> float:
        """E[lambda], currency per unit: the slope of V at the capacity."""
        return float(self.probability @ self.shadow_price)

    @property
    def _paid(self) -> float:
        return (self.case.capacity_cost or 0.0) * self.capacity

    @cached_property
    def chain_profit(self) -> float:
        """Expected revenue of all retailers less what capacity costs, where it does."""
        revenue = [
            group.revenue.value(self.by_type[:, self.profiles.columns(g)], group.theta)
            for g, group in enumerate(self.case.retailers)
        ]
        each = (self.profiles.counts * np.concatenate(revenue, axis=1)).sum(axis=1)
        return float(self.probability @ each) - self._paid


@dataclass(frozen=True)
class Allocation(Rationing):
    """The supplier's optimal mechanism, and what retailers pay.

    ironed: whether types are pooled anywhere. interim_optimal: whether it is proved best also among mechanisms in which the
    truth is best in expectation only.
    """

    ironed: bool
    interim_optimal: bool

    @property
    def supplier_profit(self) -> float:
        """V(K) less what capacity costs, where it does: the expected payments less that."""
        return self.earned - self._paid

    @property
    def supplier_share(self) -> float:
        """Supplier's share of the profit of the chain; NaN where that is 0."""
        return self.supplier_profit / self.chain_profit if self.chain_profit else float("nan")

    @cached_property
    def reports(self) -> tuple[Reports, ...]:
        """Group by group, what a retailer gets for every report against every profile of the others."""
        virtual = [VirtualRevenue.of(group) for group in self.case.retailers]
        return reports(self.case, self.profiles, lambda counts: water_filling(virtual, counts, self.capacity)[1])

    @property
    def payments(self) -> tuple[Array, ...]:
        """Interim payments P(theta_k), currency, group by group, one a type: (3) as a sum over lower types."""
        return tuple(each.interim for each in self.reports)

    @cached_property
    def dominant_payments(self) -> Array:
        """Payments that make the truth best whatever the others report, currency, shape (rows, N): (3) before expectations."""
        by_type = np.zeros(self.by_type.shape)
        for g, each in enumerate(self.reports):
            rows, types = np.nonzero(self.profiles.counts[:, self.profiles.columns(g)])
            by_type[rows, self.profiles.columns(g).start + types] = each.dominant[each.against, types]
        return self.profiles.by_retailer(by_type)

    @cached_property
    def audit(self) -> Audit:
        """Who would gain by which misreport, and the least profit by the truth, under both kinds of payments."""
        return audited(self.reports)


def allocation(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Allocation:
    """Return the supplier's optimum at a capacity in units, the case's own unless one is given. Theorem 2 with (9)-(11).

    A continuous prior is cut into `points` cells (`AllocationCase.grid`): a lower bound on what it can earn. Above 200,000
    type profiles `samples` of them are drawn with the given seed.
    Raises InputError where there is no capacity, or one that is not finite and >= 0.
    """
    case = case.grid(points) if case.continuous else case
    given = case.capacity if capacity is None else capacity
    if given is None:
        raise InputError.of("capacity", "<nothing>", "a capacity in units: this case has a capacity_cost instead", case.name)
    return _optimum(case, case.profiles(samples, seed), checked_capacity(case, given))


def capacity_choice(case: AllocationCase, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0) -> Allocation:
    """Return the optimum at the capacity worth having, where E[lambda] is the case's capacity cost: V'(K) = c. (12)-(13).

    Nothing is bought where the first unit earns less than it costs. Other arguments as in `allocation`.
    Raises InputError where the case has no capacity cost.
    """
    case = case.grid(points) if case.continuous else case
    profiles, virtual = case.profiles(samples, seed), [VirtualRevenue.of(group) for group in case.retailers]
    return _optimum(case, profiles, _worth_having(case, virtual, profiles))


def centralized(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Rationing:
    """Return the optimum of the chain with full information, rents left out: at a capacity, or the one worth having. Theorem 4.

    The capacity is the one given, else the case's own, else chosen. Other arguments as in `allocation`.
    """
    case = case.grid(points) if case.continuous else case
    profiles = case.profiles(samples, seed)
    revenue = [VirtualRevenue.of(group, rent=False) for group in case.retailers]
    given = case.capacity if capacity is None else capacity
    chosen = _worth_having(case, revenue, profiles) if given is None else checked_capacity(case, given)
    return Rationing(case, profiles, *_filled(profiles, revenue, chosen))


def decentralization_penalty(own: Rationing, first_best: Rationing) -> float:
    """Return (pi_C - pi_D) / pi_C, the share of the chain's profit that is lost against full information; NaN where that is 0.

    Tables 1, 2 and 4 of the paper print it in percent; Table 3 prints (pi_C - pi_D) / pi_D.
    """
    most = first_best.chain_profit
    return (most - own.chain_profit) / most if most else float("nan")


def _optimum(case: AllocationCase, profiles: TypeProfiles, capacity: float) -> Allocation:
    virtual = [VirtualRevenue.of(group) for group in case.retailers]
    filled = _filled(profiles, virtual, capacity)
    ironed = [each.ironed(filled[1]) for each in virtual]
    proved = all(group.revenue.separable or not pooled for group, pooled in zip(case.retailers, ironed, strict=True))
    return Allocation(case, profiles, *filled, ironed=any(ironed), interim_optimal=proved)


def _filled(profiles: TypeProfiles, virtual: list[VirtualRevenue], capacity: float) -> tuple[Array, Array, float, float, float]:
    shadow, by_type = water_filling(virtual, profiles.counts, capacity)
    values = np.concatenate([each.value(by_type[:, profiles.columns(g)]) for g, each in enumerate(virtual)], axis=1)
    earned = (profiles.counts * values).sum(axis=1)
    error = float(earned.std(ddof=1) / np.sqrt(len(earned))) if profiles.sampled and len(earned) > 1 else 0.0
    return by_type, shadow, capacity, float(profiles.probability @ earned), error


def _worth_having(case: AllocationCase, virtual: list[VirtualRevenue], profiles: TypeProfiles) -> float:
    """Return the capacity at which the mean shadow price is what a unit costs; the least such."""
    cost = case.capacity_cost
    if cost is None:
        raise InputError.of("capacity_cost", "<nothing>", "a capacity cost: this case has a fixed capacity", case.name)
    most = sum(
        count * float(each.quantity([cost])[0, each.place >= 0].max(initial=0.0))
        for count, each in zip(case.members, virtual, strict=True)
    )  # whatever the types, no unit beyond is worth its cost

    def excess(capacity: float) -> float:
        return float(profiles.probability @ water_filling(virtual, profiles.counts, capacity)[0]) - cost

    if most == 0 or excess(0.0) <= 0:
        return 0.0
    if excess(most) >= 0:
        return most
    return float(brentq(excess, 0.0, most, xtol=1e-14 * most, rtol=1e-14))
