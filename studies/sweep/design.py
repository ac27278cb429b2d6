"""The points of a study: which values are taken together."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from veridical.data.errors import InputError
from veridical.studies.sweep.axis import POINTS, Drawn
from veridical.studies.sweep.spec import StudySpec

__all__ = ["Point", "points_of"]

Point = dict[str, Any]  # a value of each axis, by its name


def points_of(spec: StudySpec) -> list[Point]:
    """Return the points of a study's design, in order: the last axis varies fastest.

    Raises InputError where axes do not fit the design: of unlike lengths, or without a number of draws.

    Examples
    --------
    >>> from veridical.studies.sweep import StudySpec
    >>> points_of(StudySpec(case="two-suppliers", vary={"price": {"values": [30, 31]}}))
    [{'price': 30}, {'price': 31}]
    """
    axes = spec.axes
    if spec.design == "random":
        count = _draws(spec)
        columns = [one.sample(name, spec.seed, count) for name, one in axes.items()]
        return [dict(zip(axes, row, strict=True)) for row in zip(*columns, strict=True)]
    values = {name: one.values(name, spec.seed) for name, one in axes.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if spec.design == "zip":
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise InputError.of("vary", f"<{found}>", 'with design = "zip" as many values of each')
        return [dict(zip(axes, row, strict=True)) for row in zip(*values.values(), strict=True)] or [{}]
    count = math.prod(lengths.values())
    if count > POINTS:
        raise InputError.of("vary", f"<{count:,} points>", f"at most {POINTS:,} points")
    return [dict(zip(axes, row, strict=True)) for row in product(*values.values())]


def _draws(spec: StudySpec) -> int:
    """Return how many points a random design has: what it says, or what all of its axes say."""
    said = {f"vary.{name}.random.draws": one.draws for name, one in spec.vary if isinstance(one, Drawn) and one.draws}
    counts = set(said.values()) | ({spec.draws} if spec.draws else set())
    if not spec.vary:
        raise InputError.of("vary", "<no axes>", 'with design = "random" one axis or more')
    if not counts:
        raise InputError.missing("vary.draws", 'how many points are drawn, with design = "random"')
    if len(counts) > 1:
        found = ", ".join(f"{name} = {count}" for name, count in {"vary.draws": spec.draws, **said}.items() if count)
        raise InputError.of("vary", f"<{found}>", 'with design = "random" one number of draws')
    return counts.pop()
