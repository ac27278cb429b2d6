"""Demand that takes finitely many values: stated with probabilities, or observed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from veridical.data import csv_file, files
from veridical.data.arrays import Array, ArrayLike, fixed
from veridical.data.demand.distribution import Demand
from veridical.data.errors import InputError
from veridical.data.fields import SUM_TOLERANCE, Numbers, Text, number, numbers, several
from veridical.data.record import wrong

__all__ = ["Discrete", "Empirical", "Sample"]


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
    """Demand values with their probabilities (`weights`, all equal where left out)."""

    distribution: Literal["empirical"] = "empirical"
    values: Annotated[Numbers, several("numbers >= 0, units", lambda x: x >= 0)]
    weights: Numbers = ()

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
    """Past observations, all of the same weight: one column of a CSV file, with or without a header line.

    The file is looked for beside the case file, or below its folder, and read once, when the case is loaded. A case made in
    Python may name a file of any place; `file` is then its name alone, under which it is saved beside the case.
    """

    distribution: Literal["sample"] = "sample"
    file: Text
    values: Numbers = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any, info: ValidationInfo) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("file"), str):
            return raw
        if "values" in raw and info.context is None:
            return raw  # a copy, or a case that was written out by `model_dump`
        if "values" in raw:
            raise wrong(raw["values"], "only the keys distribution, file: the values are read from the file", "values")
        if info.context is not None:
            return {**raw, "values": _column(files.inside(Path(info.context["folder"]), raw["file"]), raw["file"])}
        given = Path(raw["file"])  # of the caller's own, and not of a case file
        name = given.name if given.anchor or ".." in given.parts else raw["file"]
        return {**raw, "file": name, "values": _column(nullcontext(given), raw["file"])}

    def _saved(self) -> dict[str, Any]:
        return {"distribution": self.distribution, "file": self.file}

    def _beside(self) -> dict[str, str]:
        return {self.file: "".join(f"{line}\n" for line in ("demand (units)", *self.values))}

    @property
    def _observed(self) -> tuple[Array, Array]:
        return np.array(self.values), np.ones(len(self.values))


def _column(place: AbstractContextManager[Path], name: str) -> Numbers:
    """Return the one column of numbers in a CSV file."""
    try:
        with place as path:
            return _numbers(csv_file.rows(path), name)
    except InputError as error:  # of the sample: it is the case that names it
        raise InputError(*(replace(problem, field="file") for problem in error.problems)) from None


def _numbers(rows: Iterable[tuple[int, list[str]]], name: str) -> Numbers:
    values: list[float] = []
    for place, (line, row) in enumerate(rows):
        try:
            values.append(number(float(row[0]) if len(row) == 1 else None, "", lambda x: x >= 0))
        except (ValueError, PydanticCustomError):
            if place or len(row) != 1 or not row[0].strip()[:1].isalpha() or row[0].strip().lower() in {"nan", "inf"}:
                wrong_row = f"<{','.join(row)!r} in row {line} of {name}>"
                raise InputError.of("file", wrong_row, "one finite number >= 0 a row") from None
    if not values:
        raise InputError.of("file", f"<no row in {name}>", "one or more rows with a finite number >= 0")
    return tuple(values)
