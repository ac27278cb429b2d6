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
from typing import Any, ClassVar

import numpy as np

from veridical.contracts.allotment import Allotment, full_revenue
from veridical.contracts.audit import Audit, audit
from veridical.data import InputError, NotSolvedError
from veridical.data.allocation import SAMPLES, AllocationCase
from veridical.data.arrays import Array
from veridical.data.truncated import POINTS
from veridical.data.type_profiles import TypeProfiles
from veridical.solvers.closed_form.chosen_capacity import worth_having
from veridical.solvers.closed_form.salvage import refuse_dumping
from veridical.solvers.closed_form.virtual_revenue import VirtualRevenue
from veridical.solvers.closed_form.water_filling import checked_capacity, water_filling

__all__ = ["Allocation", "Rationing", "allocation", "capacity_choice", "centralized", "decentralization_penalty"]


FULL = 1e-9  # of what a retailer can take: he has all of it


@dataclass(frozen=True, kw_only=True)
class Rationing(Allotment):
    """The closed form's allotment.

    earned: expected virtual revenue, or revenue with full information, before capacity is paid for: V(K), (4). error: its
    standard error, 0 where all profiles are visited.
    """

    rent: ClassVar[bool] = False  # whether retailers earn rents, as they alone know their types
    earned: float
    error: float

    @property
    def supplier_profit(self) -> float:
        """V(K) less what retailers are left, and what capacity costs, where it does: the expected payments less that."""
        return self.earned - self.left - self.capacity_paid

    @property
    def left(self) -> float:
        """What retailers are left in expectation beyond rents, currency: what they earn elsewhere, all as the lowest does."""
        groups = self.case.retailers
        return sum(g.count * float(g.reservations[0] if self.rent else g.probability @ g.reservations) for g in groups)

    @cached_property
    def capacity_prices(self) -> tuple[float, ...]:
        """What one more unit of a group's `RetailerGroup.capacity` earns in expectation, currency per unit, one a group.

        All types that are given so many units are given more: virtual marginal revenue less lambda, of each of them.
        """
        prices = []
        for g, (virtual, group) in enumerate(zip(self.virtual, self.case.retailers, strict=True)):
            columns = self.profiles.columns(g)
            full = self.by_type[:, columns] >= virtual.most * (1 - FULL)
            worth = virtual.worth_at(virtual.most) if full.any() else np.zeros(len(group.theta))
            gained = np.where(full, worth - self.shadow_price[:, None], 0.0)
            prices.append(float(self.probability @ (self.profiles.counts[:, columns] * gained).sum(axis=1)))
        return tuple(prices)

    def to_dict(self) -> dict[str, object]:
        """Return what the command line's JSON says, with the standard error of the profit where profiles were drawn."""
        return super().to_dict() | ({"standard_error": self.error} if self.sampled else {})

    @cached_property
    def virtual(self) -> list[VirtualRevenue]:
        """Virtual revenue, group by group; with full information revenue itself."""
        return [VirtualRevenue.of(group, self.rent) for group in self.case.retailers]

    @cached_property
    def bound(self) -> float:
        """What no other allotment can earn, before capacity is paid for: E[lambda K + sum of max (value - lambda q)]."""
        wanted = np.concatenate([virtual.quantity(self.shadow_price) for virtual in self.virtual], axis=1)
        # Where units are worth nothing, no end of them; where they can be salvaged for more, all that there is.
        floor = np.concatenate([np.full(len(virtual.place), virtual.revenue.floor) for virtual in self.virtual])
        all_there_is = self.capacity / np.maximum(self.profiles.counts, 1)
        endless = np.where(self.shadow_price[:, None] < floor, all_there_is, self.by_type)
        wanted = np.where(np.isfinite(wanted), wanted, endless)
        values = [virtual.value(wanted[:, self.profiles.columns(g)]) for g, virtual in enumerate(self.virtual)]
        left = self.profiles.counts * (np.concatenate(values, axis=1) - self.shadow_price[:, None] * wanted)
        return float(self.probability @ (self.shadow_price * self.capacity + left.sum(axis=1)))

    @cached_property
    def residual(self) -> float:
        """Worst violation of the optimality conditions, relative to the highest marginal revenue. (10)-(11), (13)."""
        worst = max(virtual.residual(self.shadow_price) for virtual in self.virtual)
        if self.case.capacity_cost and self.capacity > 0:
            worst = max(worst, abs(self.expected_shadow_price - self.case.capacity_cost) / self.case.capacity_cost)
        return worst


@dataclass(frozen=True, kw_only=True)
class Allocation(Rationing):
    """The supplier's optimal mechanism, and what retailers pay."""

    rent: ClassVar[bool] = True

    @cached_property
    def _pooled(self) -> list[bool]:
        """Whether types are pooled anywhere, group by group."""
        return [virtual.ironed(self.shadow_price) for virtual in self.virtual]

    @property
    def ironed(self) -> bool:
        """Whether types are pooled anywhere."""
        return any(self._pooled)

    @property
    def interim_optimal(self) -> bool:
        """Whether it is proved best also among mechanisms in which the truth is best in expectation only."""
        return all(group.revenue.separable or not p for group, p in zip(self.case.retailers, self._pooled, strict=True))

    @cached_property
    def audit(self) -> Audit:
        """Who would gain by which misreport, and the least profit by the truth, in expectation and ex post."""
        return audit(self)


def allocation(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Allocation:
    """Return the supplier's optimum at a capacity in units, the case's own unless one is given. Theorem 2 with (9)-(11).

    A continuous prior is cut into `points` cells (`AllocationCase.grid`): a lower bound on what it can earn. Above 200,000
    type profiles `samples` of them are drawn with the given seed.
    Raises InputError where there is no capacity, or one that is not finite and >= 0.
    """
    if capacity is None and case.capacity is None:
        raise InputError.of("capacity", "<nothing>", "a capacity in units: this case has a capacity_cost instead", case.name)
    return _sold(_fields(case, True, case.capacity if capacity is None else capacity, points, samples, seed))


def capacity_choice(case: AllocationCase, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0) -> Allocation:
    """Return the optimum at the capacity worth having, where E[lambda] is the case's capacity cost: V'(K) = c. (12)-(13).

    Nothing is bought where the first unit earns less than it costs. Other arguments as in `allocation`.
    Raises InputError where the case has no capacity cost, NotSolvedError where more units are always worth theirs.
    """
    return _sold(_fields(case, True, None, points, samples, seed))


def centralized(
    case: AllocationCase, capacity: float | None = None, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0
) -> Rationing:
    """Return the optimum of the chain with full information, rents left out: at a capacity, or the one worth having. Theorem 4.

    The capacity is the one given, else the case's own, else chosen. Other arguments as in `allocation`.
    """
    fields = _fields(case, False, case.capacity if capacity is None else capacity, points, samples, seed)
    return Rationing(**fields, price=full_revenue)


def decentralization_penalty(decentralized: Rationing, first_best: Rationing) -> float:
    """Return (pi_C - pi_D) / pi_C, the share of the chain's profit that is lost against full information; NaN where that is 0.

    Tables 1, 2 and 4 of the paper print it in percent; Table 3 prints (pi_C - pi_D) / pi_D.
    """
    most = first_best.chain_profit
    return (most - decentralized.chain_profit) / most if most else float("nan")


def _sold(fields: dict[str, Any]) -> Allocation:
    allotment = Allocation(**fields)
    refuse_dumping(allotment)
    return allotment


def _fields(case: AllocationCase, rent: bool, capacity: float | None, points: int, samples: int, seed: int) -> dict[str, Any]:
    """Return the fields of an allotment at a capacity, or, where it is None, at the one worth having."""
    case = case.grid(points) if case.continuous else case
    case.refuse_minimum_orders("closed forms")
    if rent:
        case.refuse_correlation("closed forms")
        case.refuse_countervailing("closed forms")
    profiles, virtual = case.profiles(samples, seed), [VirtualRevenue.of(group, rent) for group in case.retailers]
    if capacity is None:
        capacity, shadow, by_type = _worth_having(case, virtual, profiles)
    else:
        capacity = checked_capacity(case, capacity)
        shadow, by_type = water_filling(virtual, profiles.counts, capacity)
    values = np.concatenate([group.value(by_type[:, profiles.columns(g)]) for g, group in enumerate(virtual)], axis=1)
    earned = (profiles.counts * values).sum(axis=1)
    units = {"case": case, "profiles": profiles, "by_type": by_type, "shadow_price": shadow, "capacity": capacity}
    return units | {
        "allocate": lambda counts: water_filling(virtual, counts, capacity)[1],
        "earned": float(profiles.probability @ earned),
        "error": float(earned.std(ddof=1) / np.sqrt(len(earned))) if profiles.sampled and len(earned) > 1 else 0.0,
    }


def _worth_having(case: AllocationCase, virtual: list[VirtualRevenue], profiles: TypeProfiles) -> tuple[float, Array, Array]:
    """Return the least capacity at which the mean shadow price is what a unit costs, with prices and quantities there."""
    cost = case.capacity_cost
    if cost is None:
        raise InputError.of("capacity_cost", "<nothing>", "a capacity cost: this case has a fixed capacity", case.name)
    largest = (float(group.quantity([cost])[0, group.place >= 0].max(initial=0.0)) for group in virtual)
    most = sum(count * units for count, units in zip(case.members, largest, strict=True))  # no unit beyond is worth its cost
    if not np.isfinite(most):
        raise NotSolvedError(f"{case.name}: more capacity always earns more than the {cost:g} that a unit costs", "unbounded")
    return worth_having(virtual, profiles.counts, profiles.probability, cost, most)
