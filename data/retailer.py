"""A group of identical retailers as their supplier sees them: what they earn from units, and what only each of them knows."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from veridical.data.arrays import Array, fixed
from veridical.data.fields import (
    NOT_NEGATIVE,
    Name,
    Numbers,
    Positive,
    Retailers,
    label,
    one_of_keys,
    profits,
    several,
    sum_to_one,
)
from veridical.data.private_type import PrivateType
from veridical.data.record import Record, wrong
from veridical.data.revenue import AnyRevenue
from veridical.data.revenue_agreement import disagreement

__all__ = ["RetailerGroup"]


class RetailerGroup(Record):
    """Identical retailers: each has one of `types`, or a type drawn from `prior`, and only he knows it.

    `reservation_profit`: what each earns elsewhere, currency, whatever his type or one number a type; he takes part where he
    earns at least as much. `capacity`: the most units that he can take. `minimum_order`: he is allotted nothing or at least so
    many units.

    Examples
    --------
    >>> from veridical.data import LinearDemand
    >>> shops = RetailerGroup(count=5, types=(4, 6), probabilities=(0.25, 0.75), revenue=LinearDemand(), capacity=3)
    >>> shops.survival.tolist(), shops.most
    ([1.0, 0.75, 0.0], 3.0)
    """

    model_config = ConfigDict(json_schema_extra=one_of_keys("types", "prior"))
    quiet: ClassVar = frozenset({"reservation_profit"})

    name: Name | None = Field(default=None, description="text on one line that no other group has")
    count: Retailers = Field(description="a whole number >= 1: retailers of this group")
    types: Annotated[Numbers, several("types >= 0", lambda x: x >= 0, True, NOT_NEGATIVE)] | None = Field(
        default=None, description="what each may be, >= 0, ascending"
    )
    probabilities: Annotated[Numbers, sum_to_one("type")] | None = Field(default=None, description="one a type, which sum to 1")
    prior: PrivateType | None = Field(
        default=None,
        description='a table as `{ distribution = "uniform", low = 4, high = 8 }`, in place of `types` and `probabilities`',
    )
    revenue: AnyRevenue = Field(description="a table with the key form: what each earns from the units that he is allotted")
    reservation_profit: Annotated[float | Numbers, profits("type")] = Field(
        default=0.0, description="what each earns elsewhere, currency: one number, or one a type"
    )
    capacity: Positive | None = Field(default=None, description="the most that each can take, units")
    minimum_order: Positive | None = Field(default=None, description="each is allotted nothing, or at least so many units")

    @model_validator(mode="after")
    def _match(self) -> RetailerGroup:
        if (self.types is None) == (self.prior is None):
            given = "<neither types nor prior>" if self.types is None else "<types and prior>"
            raise wrong(given, "exactly one of types (with probabilities) and prior", "types")
        if self.types is None:
            if self.probabilities is not None:
                raise wrong(self.probabilities, "no probabilities beside prior, from which they follow", "probabilities")
        elif self.probabilities is not None and len(self.probabilities) != len(self.types):
            count = f"<{len(self.probabilities)} probabilities>"
            raise wrong(count, f"as many as there are types: {len(self.types)}", "probabilities")
        return self

    @model_validator(mode="after")
    def _can_be_met(self) -> RetailerGroup:
        if isinstance(self.reservation_profit, tuple):
            if self.prior is not None:
                raise wrong(list(self.reservation_profit), "one number beside prior, whatever the type", "reservation_profit")
            if len(self.reservation_profit) != len(self.types or ()):
                count = f"<{len(self.reservation_profit)} reservation profits>"
                allowed = f"one number, or as many as there are types: {len(self.types or ())}"
                raise wrong(count, allowed, "reservation_profit")
            if any(p == 0 for p in self.probabilities or ()):
                allowed = "one number, whatever the type, beside types that never occur"
                raise wrong(list(self.reservation_profit), allowed, "reservation_profit")
        if self.minimum_order is not None and self.capacity is not None and self.minimum_order > self.capacity:
            raise wrong(self.minimum_order, f"at most his capacity, {label(self.capacity)}", "minimum_order")
        types = np.array(self.types) if self.prior is None else self.prior.inverse_survival(np.array([0.999, 0.5, 0.001]))
        if (said := disagreement(self.revenue, types)) is not None:
            raise wrong(*said, "revenue")
        return self

    @property
    def most(self) -> float:
        """The most units that one of these retailers can take; infinite where nothing bounds them."""
        return math.inf if self.capacity is None else self.capacity

    @property
    def reservations(self) -> Array:
        """What a retailer earns elsewhere, currency, one number a type."""
        given = self.reservation_profit
        return fixed(np.array(given if isinstance(given, tuple) else (given,) * len(self.theta)))

    @property
    def countervailing(self) -> bool:
        """Whether a higher type earns more elsewhere than a lower one: then it is not the lowest type alone that could leave."""
        return bool((np.diff(self.reservations) > 0).any())

    @cached_property
    def theta(self) -> Array:
        """The types, ascending; empty where they are drawn from `prior`."""
        return fixed(np.array(self.types or (), dtype=float))

    @cached_property
    def probability(self) -> Array:
        """f, one a type, summing to 1; empty where they are drawn from `prior`."""
        given = self.probabilities or (1.0,) * len(self.theta)
        return fixed(np.array(given[: len(self.theta)]) / math.fsum(given or (1.0,)))

    @cached_property
    def survival(self) -> Array:
        """P(type >= theta_k), one a type, and 0 behind the last: 1 - F_k is the entry behind type k's."""
        return fixed(np.append(np.cumsum(self.probability[::-1])[::-1], 0.0))
