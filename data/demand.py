"""Demand D >= 0 in units of product: what a distribution knows about itself.

To add one, write a class here: a subclass of `Demand` with a `distribution` name is found by case files by itself.
`forms` says in which ways its expected sales can be written exactly into a model, the best first; `tangent` always works.
"""

from __future__ import annotations

import csv
from abc import abstractmethod
from functools import cached_property, reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Discriminator, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.fields import SUM_TOLERANCE, NonNegative, Numbers, Positive, Record, Text, number, numbers, wrong

__all__ = ["AnyDemand", "Demand", "Discrete", "Empirical", "Exponential", "Sample", "Uniform"]

Array = NDArray[np.float64]


class Demand(Record):
    """A demand distribution with cdf F; all functions take and return arrays of any shape."""

    forms: ClassVar[tuple[str, ...]] = ("tangent",)
    distribution: str

    @property
    @abstractmethod
    def expectation(self) -> float:
        """E[D], units."""

    @abstractmethod
    def cdf(self, q: ArrayLike) -> Array:
        """F(q) = P(D <= q)."""

    @abstractmethod
    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u, for u in [0, 1]; infinite at u = 1 where the support is."""

    @abstractmethod
    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] for q >= 0, units: concave, with slope 1 - F(q)."""

    def newsvendor_quantity(self, price: float, unit_cost: ArrayLike) -> Array:
        """Quantity that maximises price * E[min(D, q)] - unit_cost * q: F(q) = (price - unit_cost) / price.

        Where unit_cost >= price (infinite included) the answer is 0, not the lower end of the support: there
        F(q) = 0 leaves q open, but the first unit already loses money. Eq. (19) of the assembler paper.
        """
        ratio = np.clip(1.0 - np.asarray(unit_cost, dtype=float) / price, 0.0, 1.0)
        return np.where(ratio > 0.0, self.inverse_cdf(ratio), 0.0)


class Uniform(Demand):
    """Uniform on [low, high] units."""

    forms = ("quadratic", "tangent")
    distribution: Literal["uniform"] = "uniform"
    low: NonNegative
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if not self.low < self.high:
            raise wrong(self.high, f"a finite number above low = {self.low}", field="high")
        return self

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return (self.low + self.high) / 2

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return np.clip((np.asarray(q, dtype=float) - self.low) / (self.high - self.low), 0.0, 1.0)

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        return self.low + np.asarray(u, dtype=float) * (self.high - self.low)

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = q - (q - low)^2 / (2 (high - low)) between low and high."""
        q = np.minimum(q, self.high)
        return q - np.maximum(q - self.low, 0.0) ** 2 / (2 * (self.high - self.low))


class Exponential(Demand):
    """Exponential with the given mean, units."""

    distribution: Literal["exponential"] = "exponential"
    mean: Positive

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return self.mean

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return -np.expm1(-np.asarray(q, dtype=float) / self.mean)

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        with np.errstate(divide="ignore"):
            quantile: Array = -self.mean * np.log1p(-np.asarray(u, dtype=float))
        return quantile

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = mean * F(q)."""
        return self.mean * self.cdf(q)


class Discrete(Demand):
    """Finitely many demand points: the common part of `Empirical` and `Sample`."""

    forms = ("linear", "tangent")

    @property
    @abstractmethod
    def _observed(self) -> tuple[Array, Array]:
        """Values and their weights, as given."""

    @cached_property
    def points(self) -> Array:
        """Distinct demand values d_k, ascending, units."""
        return np.unique(self._observed[0])

    @cached_property
    def masses(self) -> Array:
        """Probability p_k of each point."""
        values, weights = self._observed
        masses: Array = np.bincount(np.searchsorted(self.points, values), weights=weights / weights.sum()).astype(float)
        return masses

    @cached_property
    def _cumulative(self) -> Array:
        """F before the first point (0) and at each point; the last is exactly 1."""
        cumulative = np.concatenate([[0.0], np.cumsum(self.masses)])
        cumulative[-1] = 1.0
        return cumulative

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return float(self.masses @ self.points)

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return self._cumulative[np.searchsorted(self.points, q, side="right")]

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least point d_k with F(d_k) >= u; levels that differ by rounding alone count as equal."""
        index = np.searchsorted(self._cumulative[1:], np.asarray(u, dtype=float) - 1e-12)
        return self.points[np.minimum(index, len(self.points) - 1)]

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = sum_k p_k min(d_k, q)."""
        q = np.asarray(q, dtype=float)
        below = np.concatenate([[0.0], np.cumsum(self.masses * self.points)])
        covered = np.searchsorted(self.points, q, side="right")
        return below[covered] + q * (1.0 - self._cumulative[covered])


class Empirical(Discrete):
    """Demand values with their probabilities (`weights`, all equal where left out)."""

    distribution: Literal["empirical"] = "empirical"
    values: Numbers
    weights: Numbers = ()

    @field_validator("values", mode="before")
    @classmethod
    def _values(cls, value: object) -> Numbers:
        return numbers(value, "one or more finite numbers >= 0, units", lambda x: x >= 0)

    @field_validator("weights", mode="before")
    @classmethod
    def _weights(cls, value: object) -> Numbers:
        return numbers(value, "finite probabilities >= 0, one a value", lambda x: x >= 0)

    @model_validator(mode="after")
    def _match(self) -> Empirical:
        if self.weights and len(self.weights) != len(self.values):
            raise wrong(f"<{len(self.weights)} weights>", f"as many as there are values: {len(self.values)}", "weights")
        if self.weights and abs(sum(self.weights) - 1) > SUM_TOLERANCE:
            raise wrong(f"<the sum {sum(self.weights)!r}>", f"weights that sum to 1 within {SUM_TOLERANCE}", "weights")
        return self

    @property
    def _observed(self) -> tuple[Array, Array]:
        values = np.array(self.values)
        return values, np.array(self.weights) if self.weights else np.full(len(values), 1 / len(values))


class Sample(Discrete):
    """Past observations, all of the same weight: one column of a CSV file, with or without a header line.

    The file is looked for beside the case file and read once, when the case is loaded.
    """

    distribution: Literal["sample"] = "sample"
    file: Text
    values: Numbers = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any, info: ValidationInfo) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("file"), str):
            return raw
        if "values" in raw:
            raise wrong(raw["values"], "no such key; the values are read from the file", "values")
        folder = Path((info.context or {}).get("folder", "."))
        return {**raw, "values": _column(folder / raw["file"], raw["file"])}

    @property
    def _observed(self) -> tuple[Array, Array]:
        return np.array(self.values), np.ones(len(self.values))


def _column(path: Path, name: str) -> Numbers:
    """Return the one column of numbers in a CSV file."""
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(name, f"a readable CSV file beside the case file ({type(error).__name__})", "file") from None
    values: list[float] = []
    for line, row in enumerate(rows, start=1):
        try:
            values.append(number(float(row[0]) if len(row) == 1 else None, "", lambda x: x >= 0))
        except (ValueError, PydanticCustomError):
            if line > 1 or len(row) != 1 or not row[0].strip()[:1].isalpha() or row[0].strip().lower() in {"nan", "inf"}:
                raise wrong(f"<{','.join(row)!r} in row {line} of {name}>", "one finite number >= 0 a row", "file") from None
    if not values:
        raise wrong(f"<no row in {name}>", "one or more rows with a finite number >= 0", "file")
    return tuple(values)


def _leaves(cls: Any) -> list[Any]:
    below = cls.__subclasses__()
    return [cls] if not below else [leaf for sub in below for leaf in _leaves(sub)]


NAMES = tuple(str(leaf.model_fields["distribution"].default) for leaf in _leaves(Demand))


def _known(raw: Any) -> Any:
    allowed = f"one of {', '.join(NAMES)}"
    if isinstance(raw, Demand):
        return raw
    if not isinstance(raw, dict):
        raise wrong(raw, f"a table with the key distribution, {allowed}")
    if raw.get("distribution") not in NAMES:
        raise wrong(raw.get("distribution", "<nothing>"), allowed, "distribution")
    return raw


def _tag(raw: Any) -> str:
    return str(raw.distribution if isinstance(raw, Demand) else raw["distribution"])


if TYPE_CHECKING:
    AnyDemand = Demand
else:
    _tagged = (Annotated[leaf, Tag(name)] for leaf, name in zip(_leaves(Demand), NAMES, strict=True))
    AnyDemand = Annotated[reduce(or_, _tagged), Discriminator(_tag), BeforeValidator(_known)]
