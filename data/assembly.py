"""What every assembler's case has, whatever is known of the suppliers' costs: what products bring, and how many are best."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from veridical.data.arrays import Array, ArrayLike
from veridical.data.case_record import CaseRecord
from veridical.data.demand import AnyDemand
from veridical.data.fields import NonNegative, Positive, label
from veridical.data.prior import Prior, equicorrelation
from veridical.data.record import wrong

__all__ = ["SUPPLIERS", "Assembly"]

SUPPLIERS = "one or more [[suppliers]] tables"


class Assembly(CaseRecord):
    """What every assembler's case has, whatever is known of the suppliers' costs.

    Currency per unit of product: `price`; `salvage`, what the components of a product that is left over are worth;
    `shortage_penalty`, what a lost sale costs beyond itself; `assembly_cost` of a product that is sold.
    """

    quiet: ClassVar = frozenset({"salvage", "shortage_penalty", "assembly_cost"})

    kind: Literal["assembler"] = "assembler"
    price: Positive = Field(description="a finite number > 0, currency per unit of product")
    demand: AnyDemand = Field(description="a table with the key distribution")
    suppliers: tuple[Any, ...]
    prior: Prior | None = None
    salvage: NonNegative = 0.0
    shortage_penalty: NonNegative = 0.0
    assembly_cost: NonNegative = 0.0

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = self.names
        columns = {"probability", *(f"{what} {name}" for what in ("quantity", "payment", "rent") for name in names)}
        met: set[str] = set()
        for i, name in enumerate(names):
            if name in met:
                raise wrong(name, "a name that no other supplier has", f"suppliers[{i}].name")
            if name in columns:
                raise wrong(name, "a name that no column of a contract menu has", f"suppliers[{i}].name")
            met.add(name)
        return self

    @model_validator(mode="after")
    def _worth_selling(self) -> Self:
        if self.first_sale <= 0:
            allowed = f"a number below price + shortage_penalty, {label(self.price + self.shortage_penalty)}: else no sale pays"
            raise wrong(self.assembly_cost, allowed, "assembly_cost")
        if self.margin <= 0:
            allowed = f"a number below price - assembly_cost + shortage_penalty, {label(self.first_sale)}: else no sale pays"
            raise wrong(self.salvage, allowed, "salvage")
        if self.salvage > 0 and self.salvage >= self.least_cost:
            allowed = f"a number below the least cost of a product, {label(self.least_cost)}: else leaving it over would pay"
            raise wrong(self.salvage, allowed, "salvage")
        return self

    @property
    @abstractmethod
    def least_cost(self) -> float:
        """What the components of one product cost at least, currency."""

    @property
    def deliverable(self) -> float:
        """The most products that suppliers can deliver components for."""
        return math.inf

    @property
    def terms(self) -> tuple[str, ...]:
        """Those of `salvage`, `shortage_penalty` and `assembly_cost` that this case has."""
        return tuple(name for name in ("salvage", "shortage_penalty", "assembly_cost") if getattr(self, name))

    @property
    def first_sale(self) -> float:
        """What the first unit is worth, which sells if any does, currency per unit: at this cost or above nothing is bought."""
        return self.price - self.assembly_cost + self.shortage_penalty

    @property
    def margin(self) -> float:
        """What a unit that is sold brings more than one that is left over, currency per unit."""
        return self.first_sale - self.salvage

    def revenue(self, units: ArrayLike) -> Array:
        """S(y), currency: what y assembled units bring on average, y of any shape.

        Sales at the price, less the cost of assembling them, what is left over at its salvage value, less the penalty of the
        demand that is not met: margin * E[min(D, y)] + salvage * y - shortage_penalty * E[D]. Without these keys r E[min(D, y)].
        """
        worth = self.margin * self.demand.expected_sales(units)
        if self.salvage:
            worth = worth + self.salvage * np.asarray(units, dtype=float)
        return np.asarray(worth - self.shortage_penalty * self.demand.expectation if self.shortage_penalty else worth)

    def best_units(self, unit_cost: ArrayLike) -> Array:
        """Return the units y that maximise S(y) - unit_cost y, as far as they can be delivered: F(y) = (r - c) / r, (19)."""
        cost = np.asarray(unit_cost, dtype=float)
        return np.minimum(self.demand.newsvendor_quantity(self.margin, cost - self.salvage), self.deliverable)

    def worth(self, units: ArrayLike) -> Array:
        """S'(y): what one more unit brings on average, currency per unit."""
        return np.asarray(self.margin * (1.0 - self.demand.cdf(units)) + self.salvage)

    @property
    def names(self) -> tuple[str, ...]:
        """The suppliers' names, in order."""
        return tuple(supplier.name for supplier in self.suppliers)

    def equicorrelated(self, correlation: object) -> dict[str, Any]:
        """Return the fields, as `changed` takes them, of this case with one correlation between any two suppliers' costs.

        The prior is then that of a Gaussian copula, and each supplier's own probabilities stay. Raises InputError for a number
        below -1 / (n - 1) or above 1.
        """
        return {"prior": {"correlation": equicorrelation(len(self.suppliers), correlation, file=self.name or None)}}
