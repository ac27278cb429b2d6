"""What one number or field of a study is varied over: a range, listed values, or draws from a distribution."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from veridical.data.arrays import Array
from veridical.data.case_record import plain
from veridical.data.demand.distribution import DEMANDS, Demand
from veridical.data.errors import InputError
from veridical.data.fields import number, whole
from veridical.data.record import Record, missing, placed, wrong

__all__ = ["KEYS", "POINTS", "Axis", "Drawn", "Listed", "Range", "axis", "plain_value", "shown", "whole_at"]

KEYS = ("from", "to", "points", "values", "random")  # of the table of an axis
ALLOWED = "a table with from, to and points; or values; or random"
LARGEST = 2**63 - 1  # whole number that a column holds
DIGITS = 12  # of the points of a range: 0.3, and not 0.30000000000000004
NOTHING = 1e-14  # of the larger end of a range: a point that is 0 but for rounding
POINTS = 1_000_000  # that a study may have


class Range(Record):
    """`{ from = 20, to = 40, points = 21 }`: both ends, and equal steps between them. Whole where all of it is."""

    start: float | int
    end: float | int
    points: int

    def values(self, name: str, seed: int) -> list[Any]:
        """Return the values, in order."""
        points = np.linspace(self.start, self.end, self.points)
        inner = points[1:-1]
        inner[np.abs(inner) < NOTHING * max(abs(self.start), abs(self.end))] = 0.0  # 1e-16 between -0.9 and 0.9
        rounded = [float(f"{value:.{DIGITS}g}") for value in points.tolist()]
        are_whole = isinstance(self.start, int) and isinstance(self.end, int) and all(value.is_integer() for value in rounded)
        return [int(value) for value in rounded] if are_whole else rounded

    def sample(self, name: str, seed: int, count: int) -> list[Any]:
        """Return so many draws, uniform between the ends."""
        drawn: list[Any] = (self.start + (self.end - self.start) * generator(name, seed).random(count)).tolist()
        return drawn

    def table(self) -> dict[str, Any]:
        """Return the axis as a spec has it."""
        return {"from": self.start, "to": self.end, "points": self.points}


class Listed(Record):
    """`{ values = [[4, 9], [4, 8]] }`: the values, as they are."""

    listed: tuple[Any, ...]

    def values(self, name: str, seed: int) -> list[Any]:
        """Return the values, in order."""
        return list(self.listed)

    def sample(self, name: str, seed: int, count: int) -> list[Any]:
        """Return so many draws, each of the values equally likely."""
        return [self.listed[k] for k in generator(name, seed).integers(len(self.listed), size=count)]

    def table(self) -> dict[str, Any]:
        """Return the axis as a spec has it."""
        return {"values": list(self.listed)}


class Between(Record):
    """The uniform distribution between any two ends; that of demand has none below 0."""

    distribution: str = "uniform"
    low: float
    high: float

    def inverse_cdf(self, u: Array) -> Array:
        """Return the value below which the share u lies."""
        return self.low + (self.high - self.low) * u


class Drawn(Record):
    """`{ random = { distribution = "uniform", low = 20, high = 40, draws = 200 } }`: distributions as those of demand.

    Where the design is random, which says how many points there are, `draws` is left out.
    """

    law: Between | Demand
    draws: int | None = None

    def values(self, name: str, seed: int) -> list[Any]:
        """Return as many draws as are asked for; they depend on the name of the axis and the seed, and on no other axis."""
        if self.draws is None:
            what = "how many values are drawn, where the design is not random"
            raise InputError.missing(f"vary.{name}.random.draws", what)
        return self.sample(name, seed, self.draws)

    def sample(self, name: str, seed: int, count: int) -> list[Any]:
        """Return so many draws."""
        drawn: list[Any] = np.asarray(self.law.inverse_cdf(generator(name, seed).random(count)), dtype=float).tolist()
        return drawn

    def table(self) -> dict[str, Any]:
        """Return the axis as a spec has it."""
        return {"random": plain(self.law, "random", {}) | ({} if self.draws is None else {"draws": self.draws})}


Axis = Range | Listed | Drawn


def axis(raw: Any) -> Axis:
    """Return the axis that a table describes; raises `wrong` with the key of the table that is."""
    if isinstance(raw, Range | Listed | Drawn):
        return raw
    if not isinstance(raw, Mapping) or not raw:
        raise wrong(raw, ALLOWED)
    for key, value in raw.items():
        if key not in KEYS:
            raise wrong(value, f"only the keys {', '.join(KEYS)}", str(key))
    if len(raw.keys() & {"values", "random"}) + bool(raw.keys() & {"from", "to", "points"}) != 1:
        raise wrong(f"<{', '.join(map(str, raw))}>", f"one of the three: {ALLOWED}")
    if "values" in raw:
        return Listed(listed=_listed(raw["values"]))
    return _drawn(raw["random"]) if "random" in raw else _range(raw)


def generator(name: str, seed: int) -> np.random.Generator:
    """Return the source of an axis's draws: adding another axis leaves them as they are."""
    return np.random.default_rng([seed, *name.encode()])


def plain_value(value: Any) -> Any:
    """Return a value as TOML and JSON have it; raises `wrong` for what they have not."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str | bool) or (isinstance(value, int) and abs(value) <= LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): plain_value(part) for key, part in value.items()}
    raise wrong(value, "finite numbers (whole ones of 64 bits), text, true or false, and lists and tables of them")


def shown(values: Sequence[Any]) -> list[Any]:
    """Return values as a column holds them: numbers, or true and false; otherwise text, lists and tables in JSON."""
    if any(set(map(type, values)) <= kinds for kinds in ({bool}, {int, float})):
        return list(values)
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def whole_at(value: object, field: str, least: int, most: float = POINTS) -> int:
    """Return a whole number that stands at a place below the validated field."""
    try:
        return whole(value, least, most)
    except PydanticCustomError as error:
        raise placed(error, field) from None


def _listed(values: Any) -> tuple[Any, ...]:
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise wrong(values, "a list of one or more values", "values")
    listed: list[Any] = []
    for k, value in enumerate(values):
        try:
            listed.append(plain_value(value))
        except PydanticCustomError as error:
            raise placed(error, f"values[{k}]") from None
        if listed[-1] in listed[:-1]:
            raise wrong(value, "every value once", f"values[{k}]")
    return tuple(listed)


def _range(raw: Mapping[str, Any]) -> Range:
    for key in ("from", "to", "points"):
        if key not in raw:
            raise missing("a range has from, to and points", key)
    ends = {key: _end(raw[key], key) for key in ("from", "to")}
    if ends["from"] == ends["to"]:
        raise wrong(raw["to"], f"another number than from = {raw['from']}", "to")
    return Range(start=ends["from"], end=ends["to"], points=whole_at(raw["points"], "points", 2))


def _end(raw: Any, key: str) -> float | int:
    """Return an end of a range: whole ones stay so, as far as a column has them."""
    return raw if type(raw) is int and abs(raw) <= LARGEST else number(raw, "a finite number", field=key)


def _drawn(raw: Any) -> Drawn:
    example = 'a table such as { distribution = "uniform", low = 20, high = 40, draws = 200 }'
    if not isinstance(raw, Mapping):
        raise wrong(raw, example, "random")
    law = {key: value for key, value in raw.items() if key != "draws"}
    draws = None if raw.get("draws") is None else whole_at(raw["draws"], "random.draws", 1)
    if law.get("distribution") == "uniform" and law.keys() == {"distribution", "low", "high"}:
        low, high = (number(law[key], "a finite number", field=f"random.{key}") for key in ("low", "high"))
        if not low < high:
            raise wrong(law["high"], f"a finite number above low = {low:g}", "random.high")
        return Drawn(law=Between(low=low, high=high), draws=draws)
    if "distribution" not in law:
        raise missing(DEMANDS.allowed(), "random.distribution")
    known = DEMANDS.find(law["distribution"])
    if known is None:
        raise wrong(law["distribution"], DEMANDS.allowed(), "random.distribution")
    try:
        return Drawn(law=known(**law), draws=draws)
    except InputError as error:
        problem = error.problems[0]
        context = {"value": problem.value, "allowed": problem.allowed, "field": f"random.{problem.field}"}
        raise PydanticCustomError("not_allowed", "{allowed}", context) from None
