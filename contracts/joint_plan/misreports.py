"""What parties could hand over instead of their records: other figures, one alone or several together, or two names for one.

A misreport multiplies figures: those of a kind (all costs, all capacities, all needs), of a kind at one site, or of one field. So
the search for better ones is over factors: `improved` goes on from the best that was drawn, one factor at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import combinations
from typing import Any

import numpy as np

from veridical.data.joint_plan import CAPACITY, COST, NEED, AtHome, JointPlanCase, Part, Party, Values

__all__ = ["Lie", "grouped", "improved", "lies", "misreport", "numbered", "split"]

OWN = "of its own"  # the kind of misreports that a party at home makes itself

SIZES = (0.03, 0.2, 0.7)  # logarithms of the largest factor: from a few per cent to double or half
FIRST, LAST = 0.4, 0.04  # logarithm of the factor by which a search for better misreports changes a figure, at first and at last
MOST = 4.0  # times a figure, or one over that, that a search for better misreports goes to
Factors = Mapping[tuple[str, str | None], float]  # by what is multiplied, a kind or a field, and the site, None: everywhere
WORDS = {COST: "all costs", CAPACITY: "all capacities", NEED: "all needs"}


@dataclass(frozen=True)
class Lie:
    """Party `party` hands over `record`, its own times `factors`; `report` says that in words, `kind` what the factors are of."""

    party: str
    record: Party
    report: str
    kind: str = ""
    factors: Factors = attribute(default_factory=dict)


Group = tuple[Lie, ...]  # of parties who misreport together, one of each; of one where he is alone
Found = Iterator[tuple[Group, float]]


def misreport(case: JointPlanCase, name: str, factors: Factors, kind: str = "") -> Lie:
    """Return the misreport of a party whose figures are its own times some factors."""
    return _changed(case.party(name), factors, kind)


def _changed(record: Party, factors: Factors, kind: str) -> Lie:
    name = record.name
    words: list[str] = []
    sites: list[str] = []
    for (what, site), times in factors.items():
        record = record.scaled(what, times, **({} if site is None else {"site": site}))
        (words if site is None else sites).append(f"{WORDS.get(what, what) if site is None else site} x {times:.5g}")
    return Lie(name, record, ", ".join([*words, *([f"costs of {', '.join(sites)}"] if sites else [])]), kind, dict(factors))


def lies(case: JointPlanCase, count: int, seed: int = 0, parties: Collection[str] | None = None) -> Iterator[Lie]:
    """Yield `count` misreports of some parties in turn (all suppliers), drawn by kind and by size, every one from the seed.

    Kinds: all costs; costs lane by lane (one site after the other); one field; all capacities; capacities and costs; of who has
    needs, all of these. Party by party, so that what does not depend on a report is computed once (`CachingPlanner`). Of a party
    whose record is at home the misreports are its agent's own, by number, and what they are stays there.
    """
    rng = np.random.default_rng(seed)
    names = case.suppliers if parties is None else tuple(parties)
    for place, name in enumerate(names):
        count_of = len(range(place, count, len(names)))
        record = case.party(name)
        if isinstance(record, AtHome):
            for k in range(1, count_of + 1):
                yield Lie(name, record.changed(lie=k), f"misreport {k} of its own", OWN)
            continue
        part = case.part(name)
        for k in range(count_of):
            yield _changed(record, *_drawn(part, rng, k))


def numbered(part: Part, number: int) -> Lie:
    """Return a party's own misreport of a number, from 1 on: always the same of a record.

    Which kind it is follows from the number, by turns; how large, is drawn by it.
    """
    return _changed(part.record, *_drawn(part, np.random.default_rng(number), number - 1))


def _drawn(part: Part, rng: np.random.Generator, k: int) -> tuple[Factors, str]:
    """Return the factors of a misreport, of the kind whose turn it is, and what that kind is called."""
    draws = [*KINDS.items(), *([("all needs", needs)] if NEED in _kinds(part.record) else [])]
    size, (kind, draw) = SIZES[int(rng.integers(len(SIZES)))], draws[k % len(draws)]
    return draw(part, rng, size), kind


def grouped(case: JointPlanCase, count: int, seed: int, parties: Collection[str]) -> Iterator[Group]:
    """Yield `count` misreports of suppliers together, of all their costs: of all of `parties` and of two in turn, up or down."""
    rng = np.random.default_rng(seed)
    names = tuple(parties)
    pairs = list(combinations(names, 2)) if len(names) > 1 else []
    groups = [names, *pairs] if len(names) > 2 else pairs
    for k in range(count if groups else 0):
        group, times = groups[k % len(groups)], float(rng.uniform(0.1, SIZES[-1])) * (-1) ** (k // len(groups))
        kind = "two suppliers" if len(group) == 2 else f"all {len(group)} suppliers"
        yield tuple(misreport(case, name, {(COST, None): round(math.exp(times), 4)}, kind) for name in group)


def improved(case: JointPlanCase, start: Group, gained: float, gain: Callable[[Group], float], count: int) -> Found:
    """Yield misreports that are tried from `start` on, with their gains, at most `count`: a pattern search.

    One factor of one party is changed at a time, up and then down; a change that gains is repeated as long as it does, and where
    none does, changes become smaller. Factors of whole kinds come first, then those of single fields. What adds less than a
    thousandth of the gain is none.
    """
    best, step = start, FIRST
    figures = [(k, what, place) for k, lie in enumerate(start) for place, what in enumerate(_figures(case.party(lie.party)))]
    figures.sort(key=lambda figure: figure[2])
    while count > 0 and step >= LAST:
        before = gained
        for k, what, _ in figures:
            here = gained
            for change in (step, -step):
                if gained > here:  # upward; what is below is known
                    break
                while count > 0 and abs(math.log(best[k].factors.get((what, None), 1.0)) + change) <= math.log(MOST):
                    other = (*best[:k], _further(case, best[k], what, math.exp(change)), *best[k + 1 :])
                    value, count = gain(other), count - 1
                    yield other, value
                    if value <= gained + 1e-3 * abs(gained):
                        break
                    best, gained = other, value
        if gained == before:
            step /= 2


def _further(case: JointPlanCase, lie: Lie, what: str, times: float) -> Lie:
    factors = dict(lie.factors)
    factors[what, None] = factors.get((what, None), 1.0) * times
    return misreport(case, lie.party, factors, lie.kind)


def split(case: JointPlanCase, name: str) -> tuple[JointPlanCase, tuple[str, str], str] | None:
    """Return the case in which a supplier takes part under two names, these, and in words how; None where he has but one route.

    One name has the first half of his products, the other the rest, or of his sites where he has one product. Each reports the
    figures of its own rows, and half of those capacities and states that are not of a product or site. Flows keep their places.
    """
    record, routes = case.party(name), [route for route in case.shared.routes if route.supplier == name]
    for key in ("product", "site"):
        levels = list(dict.fromkeys(getattr(route, key) for route in routes))
        if len(levels) > 1:
            break
    else:
        return None
    first, names = set(levels[: len(levels) // 2]), (f"{name} (1)", f"{name} (2)")
    if set(names) & set(case.names):
        return None
    renamed = tuple(
        route._replace(supplier=names[getattr(route, key) not in first]) if route.supplier == name else route
        for route in case.shared.routes
    )
    halves = [_half(record, half, key, first if half == names[0] else set(levels) - first) for half in names]
    parties = tuple(part for party in case.parties for part in (halves if party.name == name else [party]))
    apart = case.changed(routes=renamed, parties=parties, baseline=None)
    return apart, names, f"takes part under two names, one for {', '.join(sorted(first))}"


def _half(record: Party, name: str, key: str, levels: set[str]) -> Party:
    fields: dict[str, Any] = {"name": name}
    for column, place in record.columns().items():
        value = getattr(record, column)
        if key in place.keys:
            at = place.keys.index(key) if len(place.keys) > 1 else None
            fields[column] = Values({k: v for k, v in value.items() if (k if at is None else k[at]) in levels})
        elif place.kind not in (COST, NEED) and value is not None:
            fields[column] = Values({k: v / 2 for k, v in value.items()}) if place.keys else value / 2
    return record.changed(**fields)


def _kinds(record: Party) -> set[str]:
    return {column.kind for name, column in record.columns().items() if getattr(record, name)}


def _figures(record: Party) -> list[str]:
    """Return what can be multiplied in a record: the kinds, and the fields that are of them and not empty."""
    kinds = [kind for kind in (COST, CAPACITY, NEED) if kind in _kinds(record)]
    return kinds + [name for name, column in record.columns().items() if column.kind in kinds and getattr(record, name)]


def factor(rng: np.random.Generator, size: float) -> float:
    """Return a factor around 1, as likely above as below."""
    return round(math.exp(float(rng.uniform(-size, size))), 4)


Draw = Callable[[Part, np.random.Generator, float], Factors]


def costs(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return one factor of all costs."""
    return {(COST, None): factor(rng, size)}


def lanes(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return a factor of the costs of every site; of one field where no cost is by site."""
    if not any("site" in column.keys for column in part.record.columns().values() if column.kind == COST):
        return field(part, rng, size)
    return {(COST, site): factor(rng, size) for site in part.shared.sites}


def field(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return a factor of one field, a cost or a capacity."""
    record = part.record
    names = [name for name, column in record.columns().items() if column.kind in (COST, CAPACITY) and getattr(record, name)]
    return {(names[int(rng.integers(len(names)))], None): factor(rng, size)}


def capacities(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return one factor of all capacities."""
    return {(CAPACITY, None): factor(rng, size)}


def both(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return one factor of all capacities and another of all costs."""
    return {**capacities(part, rng, size), **costs(part, rng, size)}


def needs(part: Part, rng: np.random.Generator, size: float) -> Factors:
    """Return one factor of all needs."""
    return {(NEED, None): factor(rng, size)}


KINDS: Mapping[str, Draw] = {
    "all costs": costs,
    "costs by lane": lanes,
    "one figure": field,
    "all capacities": capacities,
    "capacities and costs": both,
}
