"""What a party could hand over instead of its record: costs, lanes, single fields and capacities that are not its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from veridical.data.joint_plan import CAPACITY, COST, JointPlanCase, Party

__all__ = ["Lie", "lies"]

SIZES = (0.03, 0.2, 0.7)  # logarithms of the largest factor: from a few per cent to double or half
Draw = Callable[[], float]


@dataclass(frozen=True)
class Lie:
    """Party `party` hands over `record`; `report` says in words how it differs from its own."""

    party: str
    record: Party
    report: str


def lies(case: JointPlanCase, count: int, seed: int = 0) -> Iterator[Lie]:
    """Yield `count` misreports of the suppliers in turn, drawn by kind and by size, every one from the seed.

    Kinds: all costs; costs lane by lane (at one site after the other); one field; all capacities; capacities and costs. Supplier
    by supplier, so that what does not depend on his report is computed once (`CachingPlanner`).
    """
    rng = np.random.default_rng(seed)
    suppliers = case.suppliers
    for place, name in enumerate(suppliers):
        for k in range(len(range(place, count, len(suppliers)))):
            size = SIZES[int(rng.integers(len(SIZES)))]
            record, words = KINDS[k % len(KINDS)](case, case.party(name), rng, size)
            yield Lie(name, record, words)


def factor(rng: np.random.Generator, size: float) -> float:
    """Return a factor around 1, as likely above as below."""
    return round(math.exp(float(rng.uniform(-size, size))), 4)


def costs(case: JointPlanCase, record: Party, rng: np.random.Generator, size: float) -> tuple[Party, str]:
    """Return the record with all costs times one factor."""
    times = factor(rng, size)
    return record.scaled(COST, times), f"all costs x {times:g}"


def lanes(case: JointPlanCase, record: Party, rng: np.random.Generator, size: float) -> tuple[Party, str]:
    """Return the record with the costs of every site times a factor of its own; of one field where no cost is by site."""
    if not any("site" in column.keys for column in record.columns().values() if column.kind == COST):
        return field(case, record, rng, size)
    words = []
    for site in case.part(record.name).shared.sites:
        times = factor(rng, size)
        record = record.scaled(COST, times, site=site)
        words.append(f"{site} x {times:g}")
    return record, f"costs of {', '.join(words)}"


def field(case: JointPlanCase, record: Party, rng: np.random.Generator, size: float) -> tuple[Party, str]:
    """Return the record with one field, a cost or a capacity, times a factor."""
    names = [name for name, column in record.columns().items() if column.kind in (COST, CAPACITY) and getattr(record, name)]
    name, times = names[int(rng.integers(len(names)))], factor(rng, size)
    return record.scaled(name, times), f"{name} x {times:g}"


def capacities(case: JointPlanCase, record: Party, rng: np.random.Generator, size: float) -> tuple[Party, str]:
    """Return the record with all capacities times one factor."""
    times = factor(rng, size)
    return record.scaled(CAPACITY, times), f"all capacities x {times:g}"


def both(case: JointPlanCase, record: Party, rng: np.random.Generator, size: float) -> tuple[Party, str]:
    """Return the record with all capacities times one factor and all costs times another."""
    record, words = capacities(case, record, rng, size)
    record, more = costs(case, record, rng, size)
    return record, f"{words}, {more}"


KINDS = (costs, lanes, field, capacities, both)
