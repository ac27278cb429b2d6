"""The supplier's world: one scarce capacity, retailers with private types, and what they earn from units of it."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from veridical.data.arrays import Array, Booleans
from veridical.data.case_record import CaseRecord, counted
from veridical.data.common_prior import CommonPrior
from veridical.data.errors import InputError
from veridical.data.fields import (
    NonNegative,
    Positive,
    label,
    listed,
    one_of,
    one_of_keys,
    whole_number,
)
from veridical.data.lazy import pd
from veridical.data.limits import DRAWS, POINTS, fits
from veridical.data.prior import Prior
from veridical.data.record import Record, check, missing, wrong
from veridical.data.retailer import RetailerGroup
from veridical.data.type_profiles import TypeProfiles, count_profiles, enumerated, from_joint, sampled

__all__ = ["AllocationCase", "FixedPrice", "RetailerGroup"]

RETAILERS = "one or more [[retailers]] tables"
ENUMERATED = 200_000  # type profiles up to which all of them are visited
AXES = 60  # retailers of a joint table: numpy's arrays have at most 64 axes
SAMPLES = 20_000  # profiles that are drawn where there are more
BY_BINARIES = "mechanisms allocation, capacity_choice and centralized take it, solver highs"
RULES = ("linear", "proportional", "uniform", "generalized_linear")


class FixedPrice(Record):
    """The manipulable benchmark: a wholesale price, currency per unit, and the rule that rations orders above capacity.

    `generalized_linear` takes the same off the power `exponent` of every order: Definition 2 with Y(q) = q^exponent.

    Examples
    --------
    >>> FixedPrice(wholesale_price=3.5, rule="proportional").rule
    'proportional'
    """

    wholesale_price: Positive = Field(description="a finite number > 0, currency per unit")
    rule: Annotated[str, one_of(*RULES)] = Field(description=f"one of {', '.join(RULES)}: how orders are rationed")
    exponent: Positive | None = Field(default=None, description="of `generalized_linear` alone, which cannot do without it, > 0")

    @model_validator(mode="after")
    def _exponent_of_the_rule(self) -> FixedPrice:
        if self.rule == "generalized_linear" and self.exponent is None:
            raise missing("a finite number > 0, for the rule generalized_linear", "exponent")
        if self.rule != "generalized_linear" and self.exponent is not None:
            raise wrong(self.exponent, f"no exponent with the rule {self.rule}: generalized_linear alone has one", "exponent")
        return self


class AllocationCase(CommonPrior, CaseRecord):
    """A supplier who sells a scarce capacity to retailers and does not know their types.

    Either `capacity` (units) is fixed, or it is chosen at `capacity_cost` (currency per unit). Retailers are in `order`: group
    by group; arrays over type profiles are as `TypeProfiles` says. Types are independent unless `prior` has a `joint` table, one
    level a retailer in that order, or the `correlation` of a Gaussian copula, one row a retailer; either is the same whoever of a
    group has which type, as its retailers are identical. Source: allocation paper, section 3; correlated types are beyond it.

    Examples
    --------
    >>> from veridical.data import AllocationCase, LinearDemand, RetailerGroup
    >>> shops = RetailerGroup(count=2, types=(4, 5), probabilities=(0.5, 0.5), revenue=LinearDemand())
    >>> case = AllocationCase(name="two shops", capacity=2.0, retailers=(shops,))
    >>> case.order, case.profile_count, case.retailer_names
    ((0, 0), 3, ('retailer 1', 'retailer 2'))
    """

    model_config = ConfigDict(json_schema_extra=one_of_keys("capacity", "capacity_cost"))

    kind: Literal["allocation"] = "allocation"
    capacity: Positive | None = Field(default=None, description="fixed, units, > 0")
    capacity_cost: NonNegative | None = Field(
        default=None, description="currency per unit, >= 0: the capacity is chosen; exactly one of the two"
    )
    retailers: Annotated[tuple[RetailerGroup, ...], listed(RETAILERS)] = Field(description=RETAILERS)
    fixed_price: FixedPrice | None = Field(default=None, description="the table [fixed_price], for the mechanism of that name")
    prior: Prior | None = Field(
        default=None,
        description="the table [prior], with a level or a row a retailer, where types depend on one another",
    )

    @classmethod
    def from_frames(cls, retailers: pd.DataFrame, **fields: Any) -> AllocationCase:
        """Return the case in a frame of retailers and their types.

        Parameters
        ----------
        retailers
            A row a group and type: `retailers`, the name of the group, `type` and `probability`; of a group `count` (1 where it
            is left out), `capacity`, `minimum_order`; of a type `reservation_profit`.
        fields
            Further fields of the case, by names as `changed` takes them (`capacity=12`); `revenue` is that of all groups.

        Raises
        ------
        InputError
            With row (counted from 1) and column, the value and what is allowed.

        Examples
        --------
        >>> import pandas as pd
        >>> types = pd.DataFrame({"retailers": "stores", "count": 2, "type": [4, 8], "probability": [0.25, 0.75]})
        >>> case = AllocationCase.from_frames(types, capacity=5, revenue={"form": "linear_demand"})
        >>> case.retailers[0].count, case.retailers[0].types
        (2, (4.0, 8.0))
        """
        from veridical.data.importing import cases
        from veridical.data.importing import retailers as known
        from veridical.data.importing.table import Table

        case: AllocationCase = cases.allocation(Table.of_frame(retailers, "retailers", known.RETAILERS), None, fields).case
        return case

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
        for i, group in enumerate(self.retailers):
            if group.capacity is not None:
                continue
            if self.capacity_cost == 0 and group.revenue.unbounded:
                allowed = "a number > 0: capacity is not free where more units always earn more"
                raise wrong(0.0, f"{allowed}, as with the revenue of retailers[{i}]", "capacity_cost")
            for key, price in (("capacity_cost", self.capacity_cost), ("wholesale_price", self._wholesale_price)):
                if price is not None and 0 < group.revenue.floor >= price:
                    allowed = f"a number below {key}, {label(price)}, or a capacity of the retailers: else units without end pay"
                    raise wrong(group.revenue.floor, allowed, f"retailers[{i}].revenue.salvage")
        return self

    @model_validator(mode="after")
    def _likely(self) -> AllocationCase:
        if self.prior is not None:
            self._match_prior()
        for i, group in enumerate(self.retailers):
            if group.types is not None and len(group.types) > 1 and group.probabilities is None:
                raise missing("one probability a type, beside types", f"retailers[{i}].probabilities")
        return self

    def _match_prior(self) -> None:
        """Compare `prior` with the retailers; with a joint table give each group the probabilities that follow from it."""
        assert self.prior is not None
        across = " x ".join(self.retailer_names[:8]) + (" x ..." if len(self.order) > 8 else "")
        joint, correlation = self.prior.joint, self.prior.correlation
        if joint is None:
            assert correlation is not None
            if len(correlation) != len(self.order):
                raise wrong(f"<{len(correlation)} rows>", f"one row a retailer, in order: {across}", "prior.correlation")
            table = np.array(correlation)
            self._refuse_unlike(np.where(np.eye(len(table), dtype=bool), 1.0, table), "prior.correlation")
            return
        for i, group in enumerate(self.retailers):
            if group.prior is not None:
                raise wrong(group.prior.distribution, "types beside prior.joint", f"retailers[{i}].prior")
            if group.probabilities is not None:
                allowed = "no probabilities beside prior.joint, from which they follow"
                raise wrong(group.probabilities, allowed, f"retailers[{i}].probabilities")
        shape = tuple(len(self.retailers[g].types or ()) for g in self.order)
        if np.shape(joint) != shape:
            raise wrong(f"<a table of shape {np.shape(joint)}>", f"the shape {shape}: {across}", "prior.joint")
        table = np.array(joint, dtype=float)
        self._refuse_unlike(table, "prior.joint")
        table, groups = table / table.sum(), []
        for g, group in enumerate(self.retailers):
            own = self.order.index(g)
            marginal = table.sum(axis=tuple(a for a in range(table.ndim) if a != own))
            groups.append(group.changed(probabilities=(marginal / marginal.sum()).tolist()))
        vars(self)["retailers"] = tuple(groups)

    def _refuse_unlike(self, table: Array, field: str) -> None:
        """Raise the error for a table that is another one when two retailers of a group are exchanged."""
        for i in range(1, len(self.order)):
            if self.order[i - 1] != self.order[i]:
                continue
            order = np.arange(len(self.order))
            order[[i - 1, i]] = i, i - 1
            exchanged = table[np.ix_(order, order)] if field.endswith("correlation") else table.transpose(order)
            if not np.allclose(table, exchanged, rtol=0, atol=1e-12):
                who = f"{self.retailer_names[i - 1]} and {self.retailer_names[i]}"
                allowed = f"a table that is the same when {who} are exchanged, who are identical; others are groups of their own"
                raise wrong(f"<another table when {who} are exchanged>", allowed, field)

    def _table(self) -> dict[str, Any]:
        """Return the fields as the constructor takes them: probabilities that follow from a joint table are not among them."""
        table = super()._table()
        if self.prior is not None and self.prior.joint is not None:
            table["retailers"] = tuple(group.changed(probabilities=None) for group in self.retailers)
        return table

    @property
    def in_short(self) -> str:
        """How many retailers, and type profiles where they are finitely many."""
        types = "types in ranges" if self.continuous else counted(self.profile_count, "type profile")
        return f"{counted(sum(self.members), 'retailer')}, {types}"

    @property
    def _wholesale_price(self) -> float | None:
        return None if self.fixed_price is None else self.fixed_price.wholesale_price

    @cached_property
    def marginals(self) -> list[Array]:
        """Each retailer's own probabilities, one a type, in `order`."""
        return [self.retailers[g].probability for g in self.order]

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

    def reservation_tokens(self, g: int) -> tuple[str, ...]:
        """What a group's reservation profit is called: by its name where it is one number, else one entry a type."""
        group, name = self.retailers[g], self.names[g]
        varies = isinstance(group.reservation_profit, tuple)
        return tuple(f"{name}={label(theta)}" for theta in group.theta.tolist()) if varies else (name,)

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
        if not self.independent:
            self._refuse_large_joint()
            sizes = [len(group.theta) for group in self.retailers]
            return from_joint(self.members, sizes, self.probability)
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
            finite = {"types": types.tolist(), "probabilities": [1 / points] * points}
            groups.append(check(RetailerGroup, {**group._table(), "prior": None, **finite}))
        return self.changed(retailers=groups)

    def without(self, kept: list[Booleans]) -> AllocationCase:
        """Return the case with those types of each group alone that are `kept`; the others never occur."""
        groups = []
        for group, keep in zip(self.retailers, kept, strict=True):
            table = {"types": group.theta[keep].tolist(), "probabilities": group.probability[keep].tolist()}
            if isinstance(group.reservation_profit, tuple):
                table["reservation_profit"] = group.reservations[keep].tolist()
            groups.append(group.changed(**table))
        if self.prior is None or self.prior.joint is None:
            return self.changed(retailers=groups)
        joint = self.probability[np.ix_(*(kept[g] for g in self.order))]
        groups = [group.changed(probabilities=None) for group in groups]
        return self.changed(retailers=groups, prior={"joint": (joint / joint.sum()).tolist()})

    @property
    def has_minimum_orders(self) -> bool:
        """Whether allotments of some retailers are nothing or at least so much."""
        return any(group.minimum_order is not None for group in self.retailers)

    def refuse_correlation(self, purpose: str) -> None:
        """Raise InputError for types that are not independent; `purpose`: what takes such alone, in words."""
        if not self.independent:
            allowed = f"for {purpose} independent types; mechanisms allocation, capacity_choice, allocation_direct and"
            allowed = f"{allowed} centralized take others, by their models"
            raise InputError.of("prior", "<types that depend on one another>", allowed, self.name)

    def refuse_minimum_orders(self, purpose: str, route: str = BY_BINARIES) -> None:
        """Raise InputError for a minimum order; `purpose`: what takes none, in words; `route`: what does."""
        for i, group in enumerate(self.retailers):
            if group.minimum_order is not None:
                allowed = f"for {purpose} no minimum order; {route}"
                raise InputError.of(f"retailers[{i}].minimum_order", group.minimum_order, allowed, self.name)

    def refuse_countervailing(self, purpose: str) -> None:
        """Raise InputError for reservation profits that rise in the type; `purpose`: what takes none, in words."""
        for i, group in enumerate(self.retailers):
            if group.countervailing:
                allowed = f"for {purpose} one number, or numbers that fall in the type; mechanisms allocation and"
                allowed = f"{allowed} allocation_direct take others, by their models"
                raise InputError.of(f"retailers[{i}].reservation_profit", group.reservations.tolist(), allowed, self.name)

    def _refuse_large_joint(self) -> None:
        """Raise InputError where a joint table over types would be larger than what can be visited."""
        cells = math.prod(len(self.retailers[g].theta) for g in self.order)
        if cells > ENUMERATED or len(self.order) > AXES:
            value = f"<{len(self.order)} retailers with a joint table of {cells:.3g} entries>"
            allowed = f"joint tables of up to {ENUMERATED:,} entries and {AXES} retailers; independent types may be more"
            raise InputError.of("prior", value, allowed, self.name)

    def _refuse_continuous(self) -> None:
        for i, group in enumerate(self.retailers):
            if group.prior is not None:
                allowed = "finite types here: case.grid(points) cuts a continuous prior into them"
                raise InputError.of(f"retailers[{i}].prior", group.prior.distribution, allowed, self.name)
