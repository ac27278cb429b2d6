"""What an assembler sells: what units of a product bring, and how many are best; and a product's bill of materials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn

import numpy as np
from pydantic import Field, PlainValidator, WithJsonSchema

from veridical.data.arrays import Array, ArrayLike
from veridical.data.demand import AnyDemand, Demand
from veridical.data.errors import FrozenError
from veridical.data.fields import Name, NonNegative, Positive, label, number
from veridical.data.limits import SMALLEST
from veridical.data.record import Record, wrong

__all__ = ["ASSEMBLING", "DEMAND", "PRICE", "SALVAGE", "SHORTAGE", "TERMS", "Bill", "Product", "Sale"]

PRICE, DEMAND = "a finite number > 0, currency per unit of product", "a table with the key distribution, units"
SALVAGE = "what the components of a product that is left over are worth, currency per unit of product; below its least cost"
SHORTAGE = "what a lost sale costs beyond itself, currency per unit of product"
ASSEMBLING = "of a product that is sold, currency per unit of product"
TERMS = ("salvage", "shortage_penalty", "assembly_cost")


class Sale:
    """What is sold at a price to a demand: the formulas of records that have `price`, `demand` and `TERMS` as fields."""

    if TYPE_CHECKING:  # the fields are those of the record
        price: float
        demand: Demand
        salvage: float
        shortage_penalty: float
        assembly_cost: float

    @property
    def terms(self) -> tuple[str, ...]:
        """Those of `salvage`, `shortage_penalty` and `assembly_cost` that are not 0."""
        return tuple(name for name in TERMS if getattr(self, name))

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
        """Return the units y that maximise S(y) - unit_cost y: F(y) = (r - c) / r, (19)."""
        cost = np.asarray(unit_cost, dtype=float)
        return self.demand.newsvendor_quantity(self.margin, cost - self.salvage)

    def worth(self, units: ArrayLike) -> Array:
        """S'(y): what one more unit brings on average, currency per unit."""
        return np.asarray(self.margin * (1.0 - self.demand.cdf(units)) + self.salvage)

    def refuse_loss(self, least_cost: float) -> None:
        """Raise the error of a validator where no sale pays, or leaving over does: a product's components cost `least_cost`."""
        if self.first_sale <= 0:
            allowed = f"a number below price + shortage_penalty, {label(self.price + self.shortage_penalty)}: else no sale pays"
            raise wrong(self.assembly_cost, allowed, "assembly_cost")
        if self.margin <= 0:
            allowed = f"a number below price - assembly_cost + shortage_penalty, {label(self.first_sale)}: else no sale pays"
            raise wrong(self.salvage, allowed, "salvage")
        if self.salvage > 0 and self.salvage >= least_cost:
            allowed = f"a number below the least cost of a product, {label(least_cost)}: else leaving it over would pay"
            raise wrong(self.salvage, allowed, "salvage")


class Bill(dict[str, float]):
    """A bill of materials: units of each component in a product, by the component's name; immutable."""

    def _frozen(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise FrozenError.of("units", "<assignment>", "no assignment, as records are frozen: changed(...) returns another record")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _frozen

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Bill, (dict(self),)


def _bill(value: object) -> Bill:
    """Return a bill of materials; 0 units of a component are none."""
    allowed = "a table with the units of each component in one product, such as { panel = 1, battery = 2 }"
    if not isinstance(value, Mapping):
        raise wrong(value, allowed)
    units = {
        str(name): number(each, "a finite number >= 0, units in one product", lambda x: x >= 0, field=str(name))
        for name, each in value.items()
    }
    some = {name: each for name, each in units.items() if each}
    for name, each in some.items():
        number(each, "a finite number > 0, units in one product", least=SMALLEST, field=name)
    if not some:
        raise wrong(dict(value), f"{allowed}, of one component or more")
    return Bill(some)


UNITS = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}  # in JSON schema


class Product(Sale, Record):
    """One of several products that are assembled of the same components.

    `units`: its bill of materials, units of each component in one product, by the component's name (or his who alone delivers
    it). Currency per unit of product: `price`; `salvage`, what the components of a product that is left over are worth;
    `shortage_penalty`, what a lost sale costs beyond itself; `assembly_cost` of a product that is sold. Raises InputError.

    Examples
    --------
    >>> from veridical.data import Product
    >>> demand = {"distribution": "uniform", "low": 100, "high": 900}
    >>> phone = Product(name="phone", price=31.0, demand=demand, units={"panel": 1, "battery": 2})
    >>> float(phone.best_units(15.5)), phone.units["battery"]
    (500.0, 2.0)
    """

    quiet: ClassVar = frozenset(TERMS)

    name: Name = Field(description="the product's name: text on one line that no other product has")
    price: Positive = Field(description=PRICE)
    demand: AnyDemand = Field(description=DEMAND)
    units: Annotated[Bill, PlainValidator(_bill), WithJsonSchema(UNITS)] = Field(
        description="a table with the units of each component in one product: the bill of materials, by the component's name"
    )
    salvage: NonNegative = Field(default=0.0, description=SALVAGE)
    shortage_penalty: NonNegative = Field(default=0.0, description=SHORTAGE)
    assembly_cost: NonNegative = Field(default=0.0, description=ASSEMBLING)
