"""The manipulable benchmark of Cachon and Lariviere (1999b): retailers order at a wholesale price, and a rule rations orders.

Retailers order at the same time, each knowing his own type only, and pay w for what they are allocated: a type theta that gets Q
earns R(Q, theta) - w Q. Orders are in [0, K]. An equilibrium is symmetric within a group: every type has one order, and none
earns more, in expectation over the others' types, by another.

It is looked for by best responses to best responses. A best response is the best order of a grid of [0, K], searched again and
again around itself, since a retailer's profit need not be concave in his order. Under linear rationing orders creep up together
for hundreds of rounds; Anderson's extrapolation takes over after a few. What is found is checked once more on a finer grid.
Nothing says that there is an equilibrium in pure strategies, or only one: several starts are tried.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from veridical.contracts.orders import Equilibrium, Ordering
from veridical.data import InputError
from veridical.data.allocation import ENUMERATED, SAMPLES, AllocationCase, FixedPrice
from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.errors import NotSolvedError
from veridical.data.fields import whole_number
from veridical.data.limits import DRAWS
from veridical.data.truncated import POINTS
from veridical.data.type_profiles import TypeProfiles, count_profiles, enumerated, sampled, without_one
from veridical.solvers.closed_form.rationing import Rule, rule_of
from veridical.solvers.closed_form.water_filling import checked_capacity

__all__ = ["Equilibrium", "MultipleEquilibria", "Ordering", "fixed_price", "ordering", "service_capacity", "without_warning"]

TOLERANCE = 1e-8  # regret of an equilibrium, of the most that a type can earn
TARGET = 1e-12  # regret at which the search stops
TIE = 1e-13  # gains up to this, of the same, are rounding: nobody changes his order for them
COARSE, FINE = 128, 1024  # steps of the grid of orders: in the search, and in the check of what is found
ZOOMS, NARROWER = 7, 10  # grids around the best order, each so much narrower than the one before
ROUNDS, PLAIN, MEMORY = 400, 40, 6  # best responses from a start; plain ones between extrapolations; what those remember
APART = 1e-3  # of capacity: allocations that differ by less are one equilibrium
AT_ONCE = 2_000_000  # allocations that are computed at a time


class MultipleEquilibria(UserWarning):
    """Several starts led to different equilibria: what is reported is only one of the outcomes that can be expected."""


def fixed_price(
    case: AllocationCase,
    capacity: float | None = None,
    *,
    starts: int = 3,
    points: int = POINTS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Equilibrium:
    """Return a Bayes-Nash equilibrium of the retailers who order at the case's wholesale price under its rule.

    capacity: units; the case's own unless given, or its `service_capacity` where it has a capacity cost. Equilibria are looked
    for from truthful orders, from everybody ordering K, and from `starts` random orders in between, as nobody gains by asking
    for less than he wants. The one that truthful orders lead to is returned, or that of the next start where they lead to none;
    MultipleEquilibria is issued where starts led to different ones. A continuous prior is cut into `points` cells
    (`AllocationCase.grid`). Above 200,000 type profiles `samples` are drawn with the seed, which draws the random starts too.
    Raises InputError where the case has no fixed_price, for a capacity that is not finite and >= 0 and for starts that are no
    whole number >= 0; NotSolvedError where no start led to orders with a regret within 1e-8 of the most that a type can earn.
    """
    equilibrium = without_warning(case, capacity, starts=starts, points=points, samples=samples, seed=seed)
    if len(equilibrium.found) > 1:
        profits = ", ".join(f"{other.supplier_profit:.6g}" for other in equilibrium.found)
        message = f"{len(equilibrium.found)} equilibria were found, with the supplier's profits {profits}; the first is reported"
        warnings.warn(message, MultipleEquilibria, stacklevel=2)
    return equilibrium


def without_warning(
    case: AllocationCase,
    capacity: float | None = None,
    *,
    starts: int = 3,
    points: int = POINTS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Equilibrium:
    """Return what `fixed_price` does, for who looks at `found` himself: filters of warnings are no use in threads."""
    starts = whole_number(starts, "starts", 0, case.name, "random orders from which to start", DRAWS)
    game = _Game.of(case, capacity, points, samples, seed)
    equilibria: list[Ordering] = []
    least = np.inf
    for start in game.starts(starts, seed):
        outcome = game.outcome(game.search(start))
        least = min(least, outcome.regret)
        new = all(np.abs(outcome.by_type - other.by_type)[game.occur].max() > APART * game.capacity for other in equilibria)
        if outcome.regret <= TOLERANCE * game.scale and new:
            equilibria.append(outcome)
    if not equilibria:
        message = (
            f"no start led to an equilibrium: of the orders that were reached, the best leave a type {least:.3g} to gain by "
            f"another order, and {TOLERANCE * game.scale:.3g} is allowed; there may be none in pure strategies"
        )
        raise NotSolvedError(message, "no equilibrium")
    first = {field.name: getattr(equilibria[0], field.name) for field in fields(Ordering)}
    truth = game.outcome(np.minimum(game.truthful, game.most))
    return Equilibrium(**first, found=tuple(equilibria), truth=truth, scale=game.scale)


def ordering(
    case: AllocationCase,
    orders: Sequence[ArrayLike] | None = None,
    capacity: float | None = None,
    *,
    points: int = POINTS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Ordering:
    """Return what given orders bring, equilibrium or not; truthful ones, up to K, unless any are given.

    orders: units, group by group, one a type. Other arguments, and errors, as in `fixed_price`; InputError also for orders that
    are not one a type, finite and in [0, K].
    """
    game = _Game.of(case, capacity, points, samples, seed)
    return game.outcome(np.minimum(game.truthful, game.most) if orders is None else game.checked(orders))


def service_capacity(case: AllocationCase, *, points: int = POINTS, samples: int = SAMPLES, seed: int = 0) -> float:
    """Return the least K, units, with P(sum of truthful orders <= K) >= 1 - c / w: enough, if orders were truthful.

    It is 0 where c >= w: nothing is built that cannot earn its cost. Other arguments as in `fixed_price`.
    Raises InputError where the case has no fixed_price or no capacity cost.
    """
    case = case.grid(points) if case.continuous else case
    price, cost = _terms(case).wholesale_price, case.capacity_cost
    if cost is None:
        raise InputError.of("capacity_cost", "<nothing>", "a capacity cost: this case has a fixed capacity", case.name)
    if cost >= price:
        return 0.0
    profiles = case.profiles(samples, seed)
    total = profiles.counts @ _truthful(case, price)
    order = np.argsort(total)
    total, probability = total[order], profiles.probability[order]
    above = np.cumsum(probability[::-1])[::-1]  # from behind, so that what is rare is not rounded away
    enough = np.append(above[1:], 0.0) <= cost / price * (1 + 1e-12)
    return float(total[np.argmax(enough)])


@dataclass(frozen=True)
class _Game:
    """The game at a capacity. others: for each group, the profiles that a retailer of it meets.

    beliefs: how likely each of these is to his own types, shape (m, O); None where types are independent.
    """

    case: AllocationCase
    profiles: TypeProfiles
    others: tuple[TypeProfiles, ...]
    beliefs: tuple[Array, ...] | None
    capacity: float
    price: float
    ration: Rule

    @classmethod
    def of(cls, case: AllocationCase, capacity: float | None, points: int, samples: int, seed: int) -> _Game:
        case = case.grid(points) if case.continuous else case
        terms = _terms(case)
        _refuse_others_terms(case)
        capacity = case.capacity if capacity is None else capacity
        if capacity is None:
            capacity = service_capacity(case, samples=samples, seed=seed)
        profiles, capacity = case.profiles(samples, seed), checked_capacity(case, capacity)
        groups, beliefs = range(len(case.retailers)), None
        if case.independent:
            others = tuple(_others(case, g, samples, seed) for g in groups)
        else:
            met = [profiles.beliefs(g) for g in groups]
            others = tuple(TypeProfiles(counts, table.mean(axis=0), profiles.sizes) for counts, _, table in met)
            beliefs = tuple(table for *_, table in met)
        return cls(case, profiles, others, beliefs, capacity, terms.wholesale_price, rule_of(terms))

    @property
    def occur(self) -> Booleans:
        """Pairs of profile and type that occur, shape (rows, M)."""
        return (self.profiles.counts > 0) & (self.profiles.probability > 0)[:, None]

    @cached_property
    def truthful(self) -> Array:
        """Orders with R_q = w, shape (M,)."""
        return _truthful(self.case, self.price)

    @cached_property
    def most(self) -> Array:
        """The largest order of each type, units, shape (M,): the capacity, or what a retailer can take."""
        limits = [np.full(len(group.theta), min(self.capacity, group.most)) for group in self.case.retailers]
        return np.concatenate(limits)

    def mean(self, g: int, values: Array, rows: Integers | slice = slice(None)) -> Array:
        """Return what values over profiles that are met and own types, shape (rows, m, ...), add to the expectations of types."""
        if self.beliefs is None:
            return np.asarray(np.tensordot(self.others[g].probability[rows], values, axes=1))
        return np.asarray(np.einsum("kr,rk...->k...", self.beliefs[g][:, rows], values))

    @cached_property
    def scale(self) -> float:
        """Most that any type earns from any number of units, currency."""
        pairs = zip(self.case.retailers, self.apart(self.truthful), strict=True)
        return max(float((group.revenue.value(orders, group.theta) - self.price * orders).max()) for group, orders in pairs)

    def apart(self, orders: Array) -> tuple[Array, ...]:
        return tuple(orders[self.profiles.columns(g)] for g in range(len(self.case.retailers)))

    def checked(self, orders: Sequence[ArrayLike]) -> Array:
        most = f"{self.capacity!r} units" + (", and to what a retailer can take" if (self.most < self.capacity).any() else "")
        allowed = f"for each of the {len(self.case.retailers)} groups one order a type, finite, from 0 to {most}"
        try:
            arrays = [np.asarray(array, dtype=float) for array in orders]
        except (TypeError, ValueError):
            raise InputError.of("orders", orders, allowed, self.case.name) from None
        shapes = [(size,) for size in self.profiles.sizes]
        fit = [array.shape for array in arrays] == shapes
        inside = fit and all(((o >= 0) & (o <= most)).all() for o, most in zip(arrays, self.apart(self.most), strict=True))
        if not inside:
            raise InputError.of("orders", orders, allowed, self.case.name)
        return np.concatenate(arrays)

    def starts(self, random: int, seed: int) -> Iterator[Array]:
        truthful = np.minimum(self.truthful, self.most)
        yield truthful
        yield self.most
        rng = np.random.default_rng(seed)
        for _ in range(random):
            yield rng.uniform(truthful, self.most)

    def search(self, orders: Array) -> Array:
        """Return the orders with the least regret that best responses from a start lead to."""
        steps, best, least = COARSE, orders, np.inf
        past: list[tuple[Array, Array]] = []
        for i in range(ROUNDS):
            answer, gains = self.best(orders, steps)
            regret = float(gains.max())
            if regret < least:
                best, least = orders, regret
            if regret > TARGET * self.scale:
                past = [*past, (orders, answer)][-MEMORY:]
                plain = i % (3 * PLAIN) < PLAIN
                orders = answer if plain else np.clip(_extrapolated(past), 0.0, self.most)
            elif steps < FINE:
                steps, least, past = FINE, np.inf, []
            else:
                break
        return best

    def best(self, orders: Array, steps: int) -> tuple[Array, Array]:
        """Return best responses and what types gain by them, shape (M,) each; a type that gains nothing stays."""
        answers, gains = [], []
        for g, placed in enumerate(self.apart(orders)):
            most = min(self.capacity, self.case.retailers[g].most)
            grid = np.linspace(0.0, most, steps + 1)
            every = self.profits(g, grid[None, :], orders)
            answer = grid[np.argmax(every >= every.max(axis=1, keepdims=True) - TIE * self.scale, axis=1)]
            width = most / steps
            for _ in range(ZOOMS):
                around = np.clip(answer[:, None] + width * np.linspace(-1.0, 1.0, 2 * NARROWER + 1), 0.0, most)
                around = np.concatenate([placed[:, None], answer[:, None], around], axis=1)
                every = self.profits(g, around, orders)
                answer = np.take_along_axis(around, every.argmax(axis=1)[:, None], axis=1)[:, 0]
                width /= NARROWER
            gain = every.max(axis=1) - every[:, 0]
            answers.append(np.where(gain > TIE * self.scale, answer, placed))
            gains.append(gain)
        return np.concatenate(answers), np.concatenate(gains)

    def profits(self, g: int, placed: Array, orders: Array) -> Array:
        """Return E[R(Q, theta) - w Q] of a group's types, shape (m, any), for orders `placed` of that shape or (1, any)."""
        group, met = self.case.retailers[g], self.others[g]
        theta = group.theta[:, None]
        expected = np.zeros(np.broadcast_shapes(placed.shape, theta.shape))
        for rows in np.array_split(np.arange(len(met.counts)), 1 + len(met.counts) * expected.size // AT_ONCE):
            units = self.units(placed, orders, met.counts[rows])
            expected += self.mean(g, group.revenue.value(units, theta) - self.price * units, rows)
        return expected

    def units(self, placed: ArrayLike, orders: Array, others: Integers) -> Array:
        """Return what orders of any shape get against profiles of the others, shape (rows, M), of the shape (rows, ...)."""
        placed = np.asarray(placed, dtype=float)
        return self.ration(placed.ravel(), orders, others, self.capacity).reshape(-1, *placed.shape)

    def allotted(self, orders: Array, counts: Integers) -> Array:
        """Return what a retailer of each type gets in profiles, shape (rows, M) both; 0 for a type that nobody has."""
        by_type = np.zeros(counts.shape)
        for k, order in enumerate(orders):
            rows = np.flatnonzero(counts[:, k])
            by_type[rows, k] = self.units(order, orders, without_one(counts[rows], k))
        return by_type

    def outcome(self, orders: Array) -> Ordering:
        """Return what orders bring, and who has better ones."""
        answers, gains = self.best(orders, FINE)
        apart, price = self.apart(orders), self.price
        met = zip(range(len(apart)), self.others, apart, strict=True)
        return Ordering(
            case=self.case,
            profiles=self.profiles,
            by_type=self.allotted(orders, self.profiles.counts),
            shadow_price=np.full(len(self.profiles.counts), np.nan),
            capacity=self.capacity,
            price=lambda reports: price * reports.quantity,
            allocate=lambda counts: self.allotted(orders, counts),
            wholesale_price=price,
            rule=_terms(self.case).rule,
            orders=apart,
            truthful_orders=self.apart(self.truthful),
            expected_units=tuple(self.mean(g, self.units(placed, orders, profiles.counts)) for g, profiles, placed in met),
            retailer_profits=tuple(self.profits(g, placed[:, None], orders)[:, 0] for g, placed in enumerate(apart)),
            best_orders=self.apart(answers),
            gains=self.apart(gains),
        )


def _terms(case: AllocationCase) -> FixedPrice:
    if case.fixed_price is None:
        raise InputError.of("fixed_price", "<nothing>", "a table with wholesale_price (currency per unit) and rule", case.name)
    return case.fixed_price


def _truthful(case: AllocationCase, price: float) -> Array:
    """Return the orders with R_q = w, units, shape (M,), as far as retailers can take them."""
    return np.concatenate([np.minimum(group.revenue.quantity(price, group.theta), group.most) for group in case.retailers])


def _refuse_others_terms(case: AllocationCase) -> None:
    """Raise InputError for terms that change what an order is: a least one, and a retailer who could leave."""
    route = "mechanisms allocation, allocation_direct and centralized take it"
    case.refuse_minimum_orders("`fixed_price`", route)
    for i, group in enumerate(case.retailers):
        if group.reservations.any():
            allowed = f"for `fixed_price` 0: nobody orders who earns more elsewhere, which is another game; {route}"
            raise InputError.of(f"retailers[{i}].reservation_profit", group.reservation_profit, allowed, case.name)


def _others(case: AllocationCase, g: int, samples: int, seed: int) -> TypeProfiles:
    """Return the profiles of all retailers but one of group g, without those that never occur."""
    members = [count - (i == g) for i, count in enumerate(case.members)]
    probabilities = [group.probability for group in case.retailers]
    if count_profiles(members, [len(probability) for probability in probabilities]) > ENUMERATED:
        return sampled(members, probabilities, samples, seed)
    profiles = enumerated(members, probabilities)
    occur = profiles.probability > 0
    return TypeProfiles(profiles.counts[occur], profiles.probability[occur], profiles.sizes)


def _extrapolated(past: list[tuple[Array, Array]]) -> Array:
    """Return Anderson's mixture of best responses: the one that would leave orders alone, were responses linear in orders."""
    orders, answers = (np.stack(steps, axis=1) for steps in zip(*past, strict=True))
    moves = answers - orders
    weight = np.linalg.lstsq(np.diff(moves), moves[:, -1], rcond=1e-10)[0]
    return np.asarray(answers[:, -1] - np.diff(answers) @ weight)
