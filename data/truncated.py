"""A continuous distribution of scipy.stats, truncated: what costs and types that nobody else knows are drawn from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy
from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from veridical.data.arrays import Array, ArrayLike
from veridical.data.errors import InputError
from veridical.data.fields import number
from veridical.data.record import Record, check, missing, wrong

__all__ = ["POINTS", "Truncated", "quiet"]

# A quantile to fewer digits than its root finder wished for. Set once: a filter around every call is no use in threads, where one
# that ends late brings back the filters of another.
warnings.filterwarnings("ignore", "Error in function boost::math", RuntimeWarning)
POINTS = 16  # costs or types that stand for a continuous range where nobody says how many


class Truncated(Record):
    """A distribution on [low, high]: `uniform` between its ends, or one of scipy.stats with its own parameters.

    `distribution` and `parameters` (shapes, `loc`, `scale`) are scipy's; `low` and `high` truncate, and are always the ends of
    what is left. The lower end is finite and not negative. In a case file everything stands in one table:
    `{ distribution = "norm", loc = 8, scale = 2, low = 3, high = 13 }`. Functions take and return arrays of any shape.
    """

    noun: ClassVar[str] = "value"
    finite: ClassVar[bool] = True  # whether the upper end must be
    unwritten: ClassVar = frozenset({"parameters"})  # which stand beside the others

    distribution: str = Field(description='"uniform" or a continuous distribution of scipy.stats')
    parameters: tuple[tuple[str, float], ...] = ()
    low: float = Field(description="lower end, >= 0")
    high: float = Field(description="upper end")

    @classmethod
    def of(cls, frozen: Any, low: float | None = None, high: float | None = None) -> Self:
        """Return the one with a frozen distribution of scipy.stats, truncated to low and high where given.

        Raises InputError where it is something else, or where its ends are not allowed.
        """
        base: Any = getattr(frozen, "dist", None)
        if not isinstance(base, scipy.stats.rv_continuous) or type(_known(base.name)) is not type(base):
            raise InputError.of("distribution", frozen, "a frozen continuous distribution of scipy.stats, such as norm(8, 2)")
        parse: Any = base._parse_args  # type: ignore[attr-defined]  # not in the stubs
        shapes, loc, scale = parse(*frozen.args, **frozen.kwds)
        raw: dict[str, Any] = dict(zip(_shapes(base), map(_plain, shapes), strict=True))
        raw |= {"loc": _plain(loc), "scale": _plain(scale)}
        if base.name == "uniform":
            ends = _parameters(base, raw)
            raw, first, last = {}, ends["loc"], ends["loc"] + ends["scale"]
            low, high = first if low is None else max(first, low), last if high is None else min(last, high)
        raw |= {name: _plain(end) for name, end in (("low", low), ("high", high)) if end is not None}
        return check(cls, {"distribution": base.name, **raw})

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, raw: Any) -> Any:
        if isinstance(raw, cls):
            return raw
        example = 'a table such as { distribution = "uniform", low = 3.0, high = 13.0 }'
        if not isinstance(raw, Mapping):
            raise wrong(raw, example)
        name = raw.get("distribution", "<nothing>")
        base = _known(name)
        if base is None:
            names = "uniform, or the name of a continuous distribution in scipy.stats, such as beta, norm, gamma or triang"
            raise wrong(name, names, "distribution")
        others = {key: value for key, value in raw.items() if key not in ("distribution", "low", "high")}
        if name == "uniform":
            for key in others:
                raise wrong(others[key], "only the keys distribution, low, high", key)
            for key in ("low", "high"):
                if key not in raw:
                    raise missing("uniform lies between low and high", key)
        parameters = {} if name == "uniform" else _parameters(base, others)
        given = {end: _number(raw[end], end) for end in ("low", "high") if end in raw}
        low, high = (given.get("low"), given.get("high")) if name == "uniform" else cls._ends(base, parameters, given)
        assert low is not None
        assert high is not None
        if low < 0:
            advice = "" if "low" in given else "; low = 0 truncates the distribution"
            allowed = f"a finite number >= 0: no {cls.noun} is negative{advice}"
            raise wrong(given.get("low", f"<{cls.noun}s from {low!r} on>"), allowed, "low")
        if not low < high:
            raise wrong(high, f"a finite number above low = {low!r}", "high")
        return {"distribution": name, "parameters": tuple(parameters.items()), "low": low, "high": high}

    @classmethod
    def _ends(cls, base: Any, parameters: Mapping[str, float], given: Mapping[str, float]) -> tuple[float, float]:
        """Return the ends of a distribution's support, cut to those given."""
        support = map(float, base.support(**parameters))
        ends = {}
        for name, end, cut in zip(("low", "high"), support, (max, min), strict=True):
            if name not in given and not math.isfinite(end) and (cls.finite or name == "low"):
                side = {"low": "lower", "high": "upper"}[name]
                raise wrong("<nothing>", f"needs {name}: {base.name} has no {side} end, and {cls.noun}s must have one", name)
            ends[name] = cut(end, given[name]) if name in given else end
        if len(given) == 2 and not given["low"] < given["high"]:
            raise wrong(given["high"], f"a finite number above low = {given['low']!r}", "high")
        if not ends["low"] < ends["high"]:
            given_ends = ", ".join(f"{name} = {value!r}" for name, value in given.items())
            raise wrong(f"<{given_ends}>", "ends with a probability between them", ", ".join(given))
        return ends["low"], ends["high"]

    @model_validator(mode="after")
    def _some_probability(self) -> Self:
        if not self._mass > 0:
            raise wrong(f"<low = {self.low!r}, high = {self.high!r}>", "ends with a probability between them", "low, high")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of the table: the parameters stand beside the distribution's name and the ends."""
        ends = {name: {"type": "number", "description": cls.model_fields[name].description} for name in ("low", "high")}
        name = {"type": "string", "description": cls.model_fields["distribution"].description}
        return {
            "type": "object",
            "description": (cls.__doc__ or "").splitlines()[0],
            "properties": {"distribution": name, **ends},
            "required": ["distribution"],
            "additionalProperties": {"type": "number"},
        }

    @model_serializer
    def _serialized(self) -> dict[str, Any]:
        return self._table()

    def _table(self) -> dict[str, Any]:
        return {"distribution": self.distribution, **dict(self.parameters), "low": self.low} | (
            {"high": self.high} if math.isfinite(self.high) else {}
        )

    @cached_property
    def _base(self) -> Any:
        """The distribution before it is truncated."""
        if self.distribution == "uniform":
            return scipy.stats.uniform(self.low, self.high - self.low)
        return _known(self.distribution)(**dict(self.parameters))

    @cached_property
    def _upper(self) -> bool:
        """Whether the range lies in the upper tail, where survival has the digits that the cdf has lost."""
        return bool(self._base.cdf(self.low) > 0.5)

    @cached_property
    def _mass(self) -> float:
        """Probability between the ends before truncation."""
        function = self._base.sf if self._upper else self._base.cdf
        return float(abs(function(self.high) - function(self.low)))

    def survival(self, x: ArrayLike) -> Array:
        """1 - G(x), exact where it is small."""
        x = np.clip(np.asarray(x, dtype=float), self.low, self.high)
        with quiet():
            above = self._base.sf(x) - self._base.sf(self.high)
        return np.asarray(np.clip(above / self._mass, 0.0, 1.0))

    def density(self, x: ArrayLike) -> Array:
        """g(x), per currency/unit: 0 outside [low, high], infinite at an end where the distribution's is."""
        x = np.asarray(x, dtype=float)
        with quiet():
            inside = np.asarray(self._base.pdf(np.clip(x, self.low, self.high)) / self._mass, dtype=float)
        return np.where((x >= self.low) & (x <= self.high), inside, 0.0)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep numpy, in this thread, from warning where a density is 0 or infinite."""
    with np.errstate(all="ignore"):
        yield


def _known(name: object) -> Any:
    """Return the distribution of scipy.stats with that name, or None."""
    base = getattr(scipy.stats, name, None) if isinstance(name, str) else None
    return base if isinstance(base, scipy.stats.rv_continuous) else None


def _shapes(base: Any) -> list[str]:
    return [name.strip() for name in base.shapes.split(",")] if base.shapes else []


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) and np.size(value) == 1 else value


def _number(value: object, field: str) -> float:
    try:
        return number(value, "")
    except ValueError:
        raise wrong(value, "a finite number", field) from None


def _parameters(base: Any, given: Mapping[str, object]) -> dict[str, float]:
    """Return the checked parameters of a distribution: its shapes, `loc` and `scale`."""
    shapes = _shapes(base)
    names = [*shapes, "loc", "scale"]
    for name in given:
        if name not in names:
            raise wrong(given[name], f"only the keys distribution, {', '.join(names)}, low, high", str(name))
    for name in shapes:
        if name not in given:
            raise missing(f"{base.name} has the shape parameters {', '.join(shapes)}", name)
    values = {name: _number(given.get(name, float(name == "scale")), name) for name in names}
    if values["scale"] <= 0:
        raise wrong(given["scale"], "a finite number > 0", "scale")
    with np.errstate(all="ignore"):
        if not np.all(base._argcheck(*(values[name] for name in shapes))):
            named = ", ".join(f"{name} = {values[name]!r}" for name in shapes)
            raise wrong(f"<{named}>", f"shape parameters that scipy.stats.{base.name} allows", ", ".join(shapes))
    return values
