"""Demand that takes finitely many values: stated with probabilities, or observed."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from veridical.data import observations
from veridical.data.arrays import Array, ArrayLike, fixed
from veridical.data.demand.distribution import Demand
from veridical.data.fields import NOT_NEGATIVE, SUM_TOLERANCE, Numbers, Text, numbers, several
from veridical.data.record import wrong

__all__ = ["Discrete", "Empirical", "Sample"]


class Discrete(Demand):
    """Finitely many demand points: the common part of `Empirical` and `Sample`.

    Examples
    --------
    >>> demand = Empirical(values=(100, 200), weights=(0.25, 0.75))
    >>> demand.points.tolist(), demand.masses.tolist()
    ([100.0, 200.0], [0.25, 0.75])
    """

    forms = ("linear", "tangent")

    @property
    @abstractmethod
    def _observed(self) -> tuple[Array, Array]:
        """Values and their weights, as given."""

    @cached_property
    def points(self) -> Array:
        """Distinct demand values d_k, ascending, units."""
        return fixed(np.unique(self._observed[0]))

    @cached_property
    def masses(self) -> Array:
        """Probability p_k of each point."""
        values, weights = self._observed
        return fixed(np.bincount(np.searchsorted(self.points, values), weights=weights / weights.sum()).astype(float))

    @cached_property
    def _cumulative(self) -> Array:
        """F before the first point (0) and at each point; the last is exactly 1."""
        cumulative = np.concatenate([[0.0], np.cumsum(self.masses)])
        cumulative[-1] = 1.0
        return fixed(cumulative)

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
        units = np.minimum(np.asarray(q, dtype=float), self.points[-1])
        below = np.concatenate([[0.0], np.cumsum(self.masses * self.points)])
        covered = np.searchsorted(self.points, units, side="right")
        return np.asarray(below[covered] + units * (1.0 - self._cumulative[covered]))


class Empirical(Discrete):
    """Demand values with their probabilities (`weights`, all equal where left out).

    Examples
    --------
    >>> demand = Empirical(values=(100, 200, 300))                     # equally likely
    >>> round(demand.expectation, 4), round(float(demand.expected_sales(200)), 4)      # (100 + 200 + 200) / 3
    (200.0, 166.6667)
    """

    distribution: Literal["empirical"] = "empirical"
    values: Annotated[Numbers, several("numbers >= 0, units", lambda x: x >= 0, items=NOT_NEGATIVE)] = Field(
        description="what demand may be, units, >= 0"
    )
    weights: Numbers = Field(default=(), description="how likely each value is, which sum to 1; equally where left out")

    @field_validator("weights", mode="before")
    @classmethod
    def _weights(cls, value: object) -> Numbers:
        return () if value == () else numbers(value, "finite probabilities >= 0, one a value", lambda x: x >= 0)

    @model_validator(mode="after")
    def _match(self) -> Empirical:
        if self.weights and len(self.weights) != len(self.values):
            raise wrong(f"<{len(self.weights)} weights>", f"as many as there are values: {len(self.values)}", "weights")
        if self.weights and abs(sum(self.weights) - 1) > SUM_TOLERANCE:
            raise wrong(f"<the sum {sum(self.weights)!r}>", f"weights that sum to 1 within {SUM_TOLERANCE}", "weights")
        return self

    def _saved(self) -> dict[str, Any]:
        return {key: value for key, value in self._table().items() if value != ()}

    @property
    def _observed(self) -> tuple[Array, Array]:
        values = np.array(self.values)
        return values, np.array(self.weights) if self.weights else np.full(len(values), 1 / len(values))


class Sample(Discrete):
    """Past observations, all of the same weight: one column of a CSV file, with or without a header (`data.observations`).

    Examples
    --------
    >>> import veridical as vd
    >>> demand = vd.example("electronics").demand                      # demand = { distribution = "sample", file = "..." }
    >>> demand.file, len(demand.values)
    ('electronics_demand.csv', 24)
    """

    unwritten: ClassVar = frozenset({"values"})

    distribution: Literal["sample"] = "sample"
    file: Text = Field(description="a CSV file with one column of past demand, units, beside the case or below its folder")
    values: Numbers = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any, info: ValidationInfo) -> Any:
        return observations.read(raw, info.context, "file", "values", "distribution, file")

    def _beside(self) -> dict[str, str]:
        return {self.file: "".join(f"{line}\n" for line in ("demand (units)", *self.values))}

    @property
    def _observed(self) -> tuple[Array, Array]:
        return np.array(self.values), np.ones(len(self.values))
