"""A supplier as an assembler sees him: a source of one component, whose unit cost only he knows."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, ValidationInfo, model_validator

from veridical.data import observations
from veridical.data.fields import Name, NonNegative, Numbers, Positive, Text, label, profits, several, sum_to_one
from veridical.data.record import Record, wrong
from veridical.data.yields import ALL, Yield

__all__ = ["Part", "Supplier"]

PROBABILITIES = "one a cost, which sum to 1; needed where he has several costs and neither `reports` nor `prior.joint` says them"
REPORTS = (
    "a CSV file with one column of past reports of his cost, in place of `probabilities`: each counts for the least of `costs` "
    "that is not below it"
)
BILL = "bill of materials: units of the component in each product, > 0; the same for all sources of a component"
YIELD = "the table `yield`: the share of an order that arrives usable; `capacity` and rules of orders are of what is ordered"


class Supplier(Record):
    """A source of one component; his unit cost is one of `costs`, and only he knows which.

    `component`: what he delivers, where several do; by default what nobody else does, called by his name.
    `units_per_product`: units of the component in each product. `reservation_profit`: what he earns elsewhere, currency, whatever
    he costs or one number a cost; he takes part where he earns at least as much. `capacity`: the most that he can deliver, units.
    `reports`: a CSV file of past reports of his unit cost, a column of numbers, from which his probabilities are estimated: each
    counts for the least of `costs` that is not below it. An order of him is nothing or at least `minimum_order` units, in whole
    lots of `lot_size` units; `setup_cost`, currency, is paid by the assembler, to whoever it may be, once when anything is
    ordered. `yield`: the share of an order that arrives usable (`Yield`), in Python `supplier.usable`. Contracts name what is
    ordered, and so do `capacity` and all of these: he produces it, at his cost, and is paid for it, whatever arrives.

    Examples
    --------
    >>> panel = Supplier(name="panel", costs=(4.0, 9.0), probabilities=(0.6, 0.4), capacity=500, minimum_order=100)
    >>> panel.delivers, panel.rules
    ('panel', ('minimum_order',))
    """

    quiet: ClassVar = frozenset({"reported", "units_per_product", "reservation_profit", "setup_cost"})
    unwritten: ClassVar = frozenset({"reported"})

    name: Name = Field(description="the supplier's name: text on one line that no other supplier has")
    costs: Annotated[Numbers, several("unit costs > 0", lambda x: x > 0, ascending=True)] = Field(
        description="one or more unit costs, ascending: what a unit may cost him, currency per unit"
    )
    probabilities: Annotated[Numbers, sum_to_one("cost")] | None = Field(default=None, description=PROBABILITIES)
    reports: Text | None = Field(default=None, description=REPORTS)
    reported: Numbers = ()
    component: Name | None = Field(
        default=None, description="what he delivers, where several deliver the same; else what nobody else does"
    )
    units_per_product: Positive = Field(default=1.0, description=BILL)
    reservation_profit: Annotated[float | Numbers, profits("cost")] = Field(
        default=0.0, description="what he earns elsewhere, currency: one number, or one a cost"
    )
    capacity: Positive | None = Field(default=None, description="the most that he can deliver, units")
    minimum_order: Positive | None = Field(default=None, description="an order is nothing, or at least so many units")
    lot_size: Positive | None = Field(default=None, description="orders are whole multiples of so many units")
    setup_cost: NonNegative = Field(
        default=0.0, description="what the assembler pays once when anything is ordered, beside his payment, currency"
    )
    # `yield: Yield | None = Field(...)`, but that the name is a word of Python's own
    __annotations__["yield"] = "Yield | None"
    locals()["yield"] = Field(default=None, description=YIELD)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any, info: ValidationInfo) -> Any:
        keys = ", ".join(name for name in cls.model_fields if name != "reported")
        return observations.read(raw, info.context, "reports", "reported", keys)

    @model_validator(mode="after")
    def _estimated(self) -> Supplier:
        if self.reports is None and self.reported:
            raise wrong(self.reported, "a file of past reports, under the key reports", "reported")
        if self.reports is not None and self.probabilities is not None:
            allowed = "no probabilities beside reports, from which they are estimated"
            raise wrong(self.probabilities, allowed, "probabilities")
        above = [report for report in self.reported if report > self.costs[-1]]
        if above:
            allowed = f"reports up to the highest of costs, {label(self.costs[-1])}; a higher cost may be added"
            raise wrong(f"<{label(max(above))} in {self.reports}>", allowed, "reports")
        return self

    @model_validator(mode="after")
    def _match(self) -> Supplier:
        if isinstance(self.reservation_profit, tuple) and len(self.reservation_profit) != len(self.costs):
            count = f"<{len(self.reservation_profit)} reservation profits>"
            raise wrong(count, f"one number, or as many as there are costs: {len(self.costs)}", "reservation_profit")
        if self.probabilities is not None and len(self.probabilities) != len(self.costs):
            count = f"<{len(self.probabilities)} probabilities>"
            raise wrong(count, f"as many as there are costs: {len(self.costs)}", "probabilities")
        return self

    @model_validator(mode="after")
    def _can_be_ordered(self) -> Supplier:
        for name in ("minimum_order", "lot_size"):
            least = getattr(self, name)
            if least is not None and self.capacity is not None and least > self.capacity:
                raise wrong(least, f"at most his capacity, {label(self.capacity)}", name)
        return self

    @property
    def rules(self) -> tuple[str, ...]:
        """Those of `minimum_order`, `lot_size` and `setup_cost` that he has."""
        return tuple(name for name in ("minimum_order", "lot_size", "setup_cost") if getattr(self, name))

    @property
    def switched(self) -> bool:
        """Whether it matters that anything is ordered of him."""
        return self.minimum_order is not None or self.setup_cost > 0

    @property
    def usable(self) -> Yield:
        """The share of an order of him that arrives usable."""
        return getattr(self, "yield") or ALL

    @property
    def needed(self) -> float:
        """Units to be ordered of him for each product, on average over yields: those in it, and what does not arrive usable."""
        return self.units_per_product / self.usable.expectation

    def suffices_for(self, units: float) -> float:
        """Return how many products so many units of him are enough for, on average over yields; infinite where none needs any."""
        return units / self.needed if self.needed else math.inf

    @property
    def delivers(self) -> str:
        """The name of the component that he delivers."""
        return self.component or self.name

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """How many past reports count for each cost: of each of them the least that is not below it."""
        places = np.searchsorted(self.costs, self.reported)
        return tuple(np.bincount(places, minlength=len(self.costs)).tolist())

    @property
    def likely(self) -> Numbers | None:
        """His probabilities: as they are given, or estimated from past reports; None where nothing says them."""
        if self.reports is None:
            return self.probabilities
        return tuple(count / len(self.reported) for count in self.counts)

    def without_prior(self) -> Supplier:
        """Return him without probabilities of his own, as he stands beside a joint prior."""
        return self.changed(probabilities=None, reports=None, reported=None)

    def _beside(self) -> dict[str, str]:
        lines = ("cost (currency per unit)", *map(label, self.reported))
        return {} if self.reports is None else {self.reports: "".join(f"{line}\n" for line in lines)}

    @property
    def reservations(self) -> Numbers:
        """What he earns elsewhere, currency, one number a cost."""
        given = self.reservation_profit
        return given if isinstance(given, tuple) else (given,) * len(self.costs)


class Part(Supplier):
    """A supplier as one of several products has him, which may need nothing of what he delivers."""

    units_per_product: NonNegative = 1.0
