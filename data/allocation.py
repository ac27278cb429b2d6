"""The supplier's world: one scarce capacity, retailers with private types, and what they earn from units of it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from veridical.data.arrays import Array, fixed
from veridical.data.case_record import CaseRecord
from veridical.data.errors import InputError
from veridical.data.fields import (
    Name,
    NonNegative,
    Numbers,
    Positive,
    Retailers,
    listed,
    one_of,
    several,
    sum_to_one,
    whole_number,
)
from veridical.data.limits import DRAWS, POINTS, fits
from veridical.data.private_type import PrivateType
from veridical.data.record import Record, check, missing, wrong
from veridical.data.revenue import AnyRevenue
from veridical.data.type_profiles import TypeProfiles, count_profiles, enumerated, sampled

__all__ = ["AllocationCase", "FixedPrice", "RetailerGroup"]

RETAILERS = "one or more [[retailers]] tables"
ENUMERATED = 200_000  # type profiles up to which all of them are visited
SAMPLES = 20_000  # profiles that are drawn where there are more
RULES = ("linear", "proportional", "uniform", "generalized_linear")


class RetailerGroup(Record):
    """Identical, independent retailers: each has one of `types`, or a type drawn from `prior`, and only he knows it."""

    name: Name | None = None
    count: Retailers = Field(description="a whole number >= 1: retailers of this group")
    types: Annotated[Numbers, several("types >= 0", lambda x: x >= 0, ascending=True)] | None = None
    probabilities: Annotated[Numbers, sum_to_one("type")] | None = None
    prior: PrivateType | None = None
    revenue: AnyRevenue = Field(description="a table with the key form")

    @model_validator(mode="after")
    def _match(self) -> RetailerGroup:
        if (self.types is None) == (self.prior is None):
            given = "<neither types nor prior>" if self.types is None else "<types and prior>"
            raise wrong(given, "exactly one of types (with probabilities) and prior", "types")
        if self.types is None:
            if self.probabilities is not None:
                raise wrong(self.probabilities, "no probabilities beside prior, from which they follow", "probabilities")
        elif self.probabilities is None:
            if len(self.types) > 1:
                raise missing("one probability a type, beside types", "probabilities")
        elif len(self.probabilities) != len(self.types):
            count = f"<{len(self.probabilities)} probabilities>"
            raise wrong(count, f"as many as there are types: {len(self.types)}", "probabilities")
        return self

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


class FixedPrice(Record):
    """The manipulable benchmark: a wholesale price, currency per unit, and the rule that rations orders above capacity.

    `generalized_linear` takes the same off the power `exponent` of every order: Definition 2 with Y(q) = q^exponent.
    """

    wholesale_price: Positive = Field(description="a finite number > 0, currency per unit")
    rule: Annotated[str, one_of(*RULES)] = Field(description=f"one of {', '.join(RULES)}")
    exponent: Positive | None = None

    @model_validator(mode="after")
    def _exponent_of_the_rule(self) -> FixedPrice:
        if self.rule == "generalized_linear" and self.exponent is None:
            raise missing("a finite number > 0, for the rule generalized_linear", "exponent")
        if self.rule != "generalized_linear" and self.exponent is not None:
            raise wrong(self.exponent, f"no exponent with the rule {self.rule}: generalized_linear alone has one", "exponent")
        return self


class AllocationCase(CaseRecord):
    """A supplier who sells a scarce capacity to retailers and does not know their types.

    Either `capacity` (units) is fixed, or it is chosen at `capacity_cost` (currency per unit). Retailers are in `order`: group
    by group; arrays over type profiles are as `TypeProfiles` says. Source: allocation paper, section 3.
    """

    kind: Literal["allocation"] = "allocation"
    capacity: Positive | None = None
    capacity_cost: NonNegative | None = None
    retailers: Annotated[tuple[RetailerGroup, ...], listed(RETAILERS)] = Field(description=RETAILERS)
    fixed_price: FixedPrice | None = None

    @model_validator(mode="after")
    def _consistent(self) -> AllocationCase:
        if (self.capacity is None) == (self.capacity_cost is None):
            given = "<neither capacity nor capacity_cost>" if self.capacity is None else "<capacity and capacity_cost>"
            allowed = "exactly one of capacity (fixed, units) and capacity_cost (chosen, currency per unit)"
            raise wrong(given, allowed, "capacity")
        for i, name in enumerate(self.names):
            if name in self.names[:i]:
                raise wrong(name, "a name that no other group has", f"retailers[{i}].name")
        retailers = self.retailer_names
        if len(set(retailers)) < len(retailers):
            twice = next(name for name in retailers if retailers.count(name) > 1)
            raise wrong(twice, "names of groups that give no two retailers the same name", "retailers")
        if self.capacity_cost == 0:
            for i, group in enumerate(self.retailers):
                if group.revenue.unbounded:
                    allowed = "a number > 0: capacity is not free where more units always earn more"
                    raise wrong(0.0, f"{allowed}, as with the revenue of retailers[{i}]", "capacity_cost")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The groups' names, in order; `retailers 1`, `retailers 2`, ... where none is given."""
        return tuple(group.name or f"retailers {i}" for i, group in enumerate(self.retailers, start=1))

    @property
    def retailer_names(self) -> tuple[str, ...]:
        """Each retailer's name, in `order`: his group's, with a number where it has others (`stores 2`); else `retailer 3`."""
        names: list[str] = []
        for group in self.retailers:
            for i in range(1, group.count + 1):
                name = f"retailer {len(names) + 1}" if group.name is None else group.name
                names.append(name if group.name is None or group.count == 1 else f"{name} {i}")
        return tuple(names)

    @property
    def members(self) -> tuple[int, ...]:
        """Number of retailers of each group."""
        return tuple(group.count for group in self.retailers)

    @property
    def order(self) -> tuple[int, ...]:
        """Each retailer's group: 0 for every retailer of the first, and so on; N numbers."""
        return tuple(i for i, group in enumerate(self.retailers) for _ in range(group.count))

    @property
    def continuous(self) -> bool:
        """Whether the types of some group are drawn from a continuous prior."""
        return any(group.prior is not None for group in self.retailers)

    @property
    def profile_count(self) -> int:
        """Number of type profiles, identical retailers' types counted as multisets. Finite types only."""
        self._refuse_continuous()
        return count_profiles(self.members, [len(group.theta) for group in self.retailers])

    def profiles(self, samples: int = SAMPLES, seed: int = 0) -> TypeProfiles:
        """Return all type profiles up to 200,000 of them; above, `samples` that are drawn with the given seed.

        Raises InputError for a group with a continuous prior (see `grid`), for `samples` that is not a whole number >= 1,
        and for a `seed` that is not a whole number >= 0.
        """
        samples = whole_number(samples, "samples", 1, self.name, "type profiles that are drawn", DRAWS)
        seed = whole_number(seed, "seed", 0, self.name)
        many = self.profile_count > ENUMERATED
        probabilities = [group.probability for group in self.retailers]
        if many:
            fits(samples * (sum(map(len, probabilities)) + 3 * sum(self.members)), "samples", samples, self.name)
        return sampled(self.members, probabilities, samples, seed) if many else enumerated(self.members, probabilities)

    def grid(self, points: int) -> AllocationCase:
        """Return the case with each continuous prior cut into `points` cells of equal probability; finite types stay.

        A cell's type is its lower end. A mechanism that is truthful on the grid is truthful here, with reports rounded down to
        it: a type between theta_k and theta_{k+1} prefers the k-th report to the next, as theta_{k+1} is indifferent, and to the
        one before, as theta_k does. So the grid's optimum is a lower bound on the continuous one.
        Raises InputError where `points` is not a whole number >= 1, or is more than the prior has types.
        """
        points = whole_number(points, "points", 1, self.name, "cells of each continuous prior", POINTS)
        groups = []
        for name, group in zip(self.names, self.retailers, strict=True):
            if group.prior is None:
                groups.append(group)
                continue
            types = group.prior.inverse_survival(1.0 - np.arange(points) / points)
            if not (np.diff(types) > 0).all():
                raise InputError.of("points", points, f"fewer: the prior of {name} does not have that many types", self.name)
            raw = {"name": group.name, "count": group.count, "revenue": group.revenue}
            groups.append(check(RetailerGroup, raw | {"types": types.tolist(), "probabilities": [1 / points] * points}))
        return self.changed(retailers=groups)

    def _refuse_continuous(self) -> None:
        for i, group in enumerate(self.retailers):
            if group.prior is not None:
                allowed = "finite types here: case.grid(points) cuts a continuous prior into them"
                raise InputError.of(f"retailers[{i}].prior", group.prior.distribution, allowed, self.name)
