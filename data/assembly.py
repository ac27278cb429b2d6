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
from veridical.data.fields import NonNegative, Positive
from veridical.data.prior import Prior, equicorrelation
from veridical.data.product import ASSEMBLING, DEMAND, PRICE, SALVAGE, SHORTAGE, TERMS, Sale
from veridical.data.record import wrong

__all__ = ["SUPPLIERS", "Assembly"]

SUPPLIERS = "one or more [[suppliers]] tables"
PRIOR = "the table [prior], where costs depend on one another"


class Assembly(Sale, CaseRecord):
    """What every assembler's case has, whatever is known of the suppliers' costs.

    Currency per unit of product: `price`; `salvage`, what the components of a product that is left over are worth;
    `shortage_penalty`, what a lost sale costs beyond itself; `assembly_cost` of a product that is sold.
    """

    quiet: ClassVar = frozenset(TERMS)

    kind: Literal["assembler"] = "assembler"
    price: Positive = Field(description=PRICE)
    demand: AnyDemand = Field(description=DEMAND)
    suppliers: tuple[Any, ...]
    prior: Prior | None = Field(default=None, description=PRIOR)
    salvage: NonNegative = Field(default=0.0, description=SALVAGE)
    shortage_penalty: NonNegative = Field(default=0.0, description=SHORTAGE)
    assembly_cost: NonNegative = Field(default=0.0, description=ASSEMBLING)

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
        self.refuse_loss(self.least_cost)
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
    def forms(self) -> tuple[str, ...]:
        """The forms in which a model can have expected sales, the best first."""
        return self.demand.forms

    @property
    def sale_numbers(self) -> dict[str, float]:
        """Price, and what is said of salvage, lost sales and assembling, by the name that `changed` and `--set` know."""
        return {name: getattr(self, name) for name in ("price", *self.terms)}

    def best_units(self, unit_cost: ArrayLike) -> Array:
        """Return the units y that maximise S(y) - unit_cost y, as far as they can be delivered: F(y) = (r - c) / r, (19)."""
        return np.minimum(super().best_units(unit_cost), self.deliverable)

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
