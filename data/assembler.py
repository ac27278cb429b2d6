"""The assembler's world: suppliers with private unit costs, a prior over them, a price and a demand."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self, SupportsIndex

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from veridical.data.arrays import Array, ArrayLike, fixed
from veridical.data.case_record import CaseRecord
from veridical.data.copula import JointPrior, gaussian_copula
from veridical.data.demand import AnyDemand
from veridical.data.errors import InputError
from veridical.data.fields import Name, NonNegative, Numbers, Positive, listed, number, numbers, several, sum_to_one, whole_number
from veridical.data.limits import gigabytes
from veridical.data.prior import Prior, equicorrelation, independent
from veridical.data.record import Record, check, missing, wrong

__all__ = ["SUPPLIERS", "AssemblerCase", "Supplier", "label"]

SUPPLIERS = "one or more [[suppliers]] tables"
MEMORY = 16e9  # bytes: about as many arrays over profiles as suppliers and six more are held at a time
AXES = 60  # suppliers: numpy's arrays have at most 64 axes
ENUMERATED = 2**16  # profiles up to which a table over all of them is made where a smaller one would do


def label(value: float) -> str:
    """Return a number as names carry it: as short as it can be without losing a digit."""
    return repr(float(value)).removesuffix(".0")


def shortened(count: int) -> str:
    """Return a count in words of a readable length, however large it is."""
    digits = str(count)
    return f"{count:,}" if len(digits) <= 15 else f"{digits[0]}.{digits[1]}e{len(digits) - 1}"


def _profits(value: object) -> float | Numbers:
    """Return a reservation profit: one number, or one a cost."""
    allowed = "a finite number >= 0, currency, or one such number a cost"
    if isinstance(value, list | tuple):
        return numbers(value, allowed, lambda x: x >= 0)
    return number(value, allowed, lambda x: x >= 0)


class Supplier(Record):
    """The only source of one component; his unit cost is one of `costs`, and only he knows which.

    `units_per_product`: units of the component in each product. `reservation_profit`: what he earns elsewhere, currency, whatever
    he costs or one number a cost; he takes part where he earns at least as much. `capacity`: the most that he can deliver, units.
    An order of him is nothing or at least `minimum_order` units, in whole lots of `lot_size` units; `setup_cost`, currency, is
    paid by the assembler, to whoever it may be, once when anything is ordered.
    """

    name: Name = Field(description="the supplier's name")
    costs: Annotated[Numbers, several("unit costs > 0", lambda x: x > 0, ascending=True)] = Field(
        description="one or more unit costs, ascending"
    )
    probabilities: Annotated[Numbers, sum_to_one("cost")] | None = None
    units_per_product: Positive = 1.0
    reservation_profit: Annotated[float | Numbers, BeforeValidator(_profits)] = 0.0
    capacity: Positive | None = None
    minimum_order: Positive | None = None
    lot_size: Positive | None = None
    setup_cost: NonNegative = 0.0

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
    def reservations(self) -> Numbers:
        """What he earns elsewhere, currency, one number a cost."""
        given = self.reservation_profit
        return given if isinstance(given, tuple) else (given,) * len(self.costs)

    def _saved(self) -> dict[str, Any]:
        return unless_default(self)


def unless_default(record: Record) -> dict[str, Any]:
    """Return a record's fields as a case file has them: those that say what is so anyway are left out."""
    fields = type(record).model_fields
    return {name: value for name, value in record._table().items() if name not in FURTHER or value != fields[name].default}


FURTHER = {"salvage", "shortage_penalty", "assembly_cost"}  # keys that a case has only where they say something
FURTHER |= {"units_per_product", "reservation_profit", "capacity", "minimum_order", "lot_size", "setup_cost"}


class Assembly(CaseRecord):
    """What every assembler's case has, whatever is known of the suppliers' costs.

    Currency per unit of product: `price`; `salvage`, what the components of a product that is left over are worth;
    `shortage_penalty`, what a lost sale costs beyond itself; `assembly_cost` of a product that is sold.
    """

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

    def _saved(self) -> dict[str, Any]:
        return unless_default(self)

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


class AssemblerCase(Assembly):
    """An assembler who buys one component from each supplier and does not know their unit costs.

    Arrays over cost profiles t have one axis a supplier, in order, indexed by cost (`shape`); a profile's place in a flat
    list is numpy's C order. Money in currency, costs and price in currency per unit, demand in units.
    Source: assembler paper, section 2; any number of costs a supplier.
    """

    suppliers: Annotated[tuple[Supplier, ...], listed(SUPPLIERS)] = Field(description=SUPPLIERS)

    @model_validator(mode="after")
    def _consistent(self) -> AssemblerCase:
        joint, correlation = (None, None) if self.prior is None else (self.prior.joint, self.prior.correlation)
        for i, supplier in enumerate(self.suppliers):
            if joint is not None and supplier.probabilities is not None:
                allowed = "no probabilities beside prior.joint, from which they follow"
                raise wrong(supplier.probabilities, allowed, f"suppliers[{i}].probabilities")
            if joint is None and supplier.probabilities is None and len(supplier.costs) > 1:
                raise missing("one probability a cost, as prior.joint is not given", f"suppliers[{i}].probabilities")
        across = " x ".join(self.names)
        if joint is not None and np.shape(joint) != self.shape:
            raise wrong(f"<a table of shape {np.shape(joint)}>", f"the shape {self.shape}: {across}", "prior.joint")
        if correlation is not None and len(correlation) != len(self.shape):
            allowed = f"one row a supplier, in order: {across}"
            raise wrong(f"<{len(correlation)} rows>", allowed, "prior.correlation")
        return self

    def equicorrelated(self, correlation: object) -> dict[str, Any]:
        """Return the fields of this case with one correlation between any two suppliers' costs; see `Assembly`."""
        fields = super().equicorrelated(correlation)
        if self.prior is not None and self.prior.joint is not None:  # the table said what each of them believes of himself
            own = zip(range(len(self.shape)), self.marginals, strict=True)
            fields |= {f"suppliers.{i}.probabilities": marginal.tolist() for i, marginal in own}
        return fields

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of costs of each supplier: the shape of every array over profiles."""
        return tuple(len(supplier.costs) for supplier in self.suppliers)

    @property
    def profiles(self) -> int:
        """Number of cost profiles."""
        return math.prod(self.shape)

    @cached_property
    def marginals(self) -> list[Array]:
        """Each supplier's own probabilities, one a cost."""
        if self.prior is not None and self.prior.joint is not None:
            axes = range(len(self.shape))
            return [fixed(self.probability.sum(axis=tuple(a for a in axes if a != i))) for i in axes]
        given = [supplier.probabilities or (1.0,) for supplier in self.suppliers]
        return [fixed(np.array(weights) / math.fsum(weights)) for weights in given]

    @cached_property
    def probability(self) -> Array:
        """beta[t], the joint prior."""
        if self.prior is None or (self.prior.correlation is not None and self.independent):
            return fixed(independent(self.marginals))
        if self.integrated_prior is not None:
            return fixed(self.integrated_prior.probability)
        joint: Array = np.array(self.prior.joint, dtype=float)
        return fixed(joint / joint.sum())

    @cached_property
    def integrated_prior(self) -> JointPrior | None:
        """The joint prior of a copula, with the method, the error and the time of its integration; None where there is none."""
        if self.prior is None or self.prior.correlation is None:
            return None
        return gaussian_copula(self.marginals, np.array(self.prior.correlation))

    @property
    def integration(self) -> JointPrior | None:
        """How the joint prior was integrated; None where it was not, or not yet."""
        integrated: JointPrior | None = vars(self).get("integrated_prior")
        return integrated

    @cached_property
    def independent(self) -> bool:
        """Whether the costs are independent: the joint prior is the product of its marginals, to rounding.

        Under a copula it is decided from the correlations of those suppliers whose costs vary, without the joint prior.
        """
        if self.prior is not None and self.prior.correlation is not None:
            vary = [i for i, marginal in enumerate(self.marginals) if np.count_nonzero(marginal) > 1]
            among = np.array(self.prior.correlation)[np.ix_(vary, vary)]
            return bool(np.array_equal(among, np.eye(len(vary))))
        return self.prior is None or bool(np.allclose(self.probability, independent(self.marginals), rtol=0, atol=1e-13))

    def refuse_large_menu(self) -> None:
        """Raise InputError where a contract menu and its audit would not fit into memory, before any of it is made."""
        needed = 8 * self.profiles * (len(self.shape) + 6)
        if needed > MEMORY or len(self.shape) > AXES:
            menu = f"<{len(self.shape)} suppliers with {shortened(self.profiles)} cost profiles: {gigabytes(needed)}>"
            allowed = (
                f"menus below {MEMORY / 1e9:.0f} GB and at most {AXES} suppliers; for larger cases mechanism `hybrid` by closed "
                "form, with a k that is small enough"
            )
            raise InputError.of("suppliers", menu, allowed, self.name)

    def widest(self, k: int | None) -> tuple[int, ...]:
        """Return the positions, ascending, of the k suppliers with the widest range of costs; ties go to the earlier one.

        Half of all suppliers, rounded up, where k is None. Raises InputError for a k that is not from 0 to all of them. The range
        is that of what his part of a product costs. Source: section 2.5 of the assembler paper, where a supplier's importance is
        c_i(h) - c_i(l).
        """
        n = len(self.suppliers)
        if k is None:
            k = (n + 1) // 2
        k = whole_number(k, "k", 0, self.name, most=n, allowed=f"a whole number from 0 to the number of suppliers, {n}")
        width = [(supplier.costs[-1] - supplier.costs[0]) * supplier.units_per_product for supplier in self.suppliers]
        return tuple(sorted(sorted(range(n), key=lambda i: -width[i])[:k]))

    def with_private(self, kept: Sequence[int]) -> AssemblerCase:
        """Return the case in which only the suppliers at the positions `kept` have private costs; the others have their highest.

        The others come together as one supplier of the rest of the product, who delivers as many as each of them can and earns
        elsewhere what they do. Menus that answer to the kept suppliers alone are
        the same in both cases. Nothing is enumerated that the result does not have, so there may be hundreds of suppliers.
        Raises InputError for a position at which there is no supplier, and for reservation profits of the others that depend on
        their costs.
        """
        kept = sorted(set(kept))
        if kept and not 0 <= kept[0] <= kept[-1] < len(self.suppliers):
            raise InputError.of("kept", kept, f"numbers of suppliers, from 0 to {len(self.suppliers) - 1}", self.name)
        rest = [supplier for i, supplier in enumerate(self.suppliers) if i not in kept]
        if not rest:
            return self
        others_reserve = math.fsum(self.reserved("suppliers of whom only the highest cost counts", rest))
        raw = {name: value for name, value in self._table().items() if name not in ("suppliers", "prior")}
        raw["suppliers"] = [self.suppliers[i] for i in kept]
        together = f"the {len(rest)} others" if len(rest) > 1 else rest[0].name
        while together in [self.suppliers[i].name for i in kept]:
            together += " together"
        others: dict[str, Any] = {"name": together, "costs": [sum(s.units_per_product * s.costs[-1] for s in rest)]}
        others |= {"reservation_profit": others_reserve}
        if (least := min((s.capacity / s.units_per_product for s in rest if s.capacity is not None), default=None)) is not None:
            others["capacity"] = least
        if self.prior is None or not kept:
            raw["suppliers"].append(others)
        elif self.prior.correlation is not None and self.profiles > ENUMERATED:
            rows = [*([self.prior.correlation[i][j] for j in kept] + [0.0] for i in kept), [0.0] * len(kept) + [1.0]]
            raw |= {"suppliers": [*raw["suppliers"], others | {"probabilities": [1.0]}], "prior": {"correlation": rows}}
        else:
            joint = self.probability.sum(axis=tuple(i for i in range(len(self.shape)) if i not in kept))
            private = [supplier.changed(probabilities=None) for supplier in raw["suppliers"]]
            raw |= {"suppliers": [*private, others], "prior": {"joint": joint[..., None].tolist()}}
        return check(AssemblerCase, raw)

    def costs(self, i: int) -> Array:
        """Supplier i's unit costs along his own axis, ready to broadcast over profiles."""
        return np.array(self.suppliers[i].costs).reshape([-1 if a == i else 1 for a in range(len(self.shape))])

    def product_costs(self, i: int) -> Array:
        """What supplier i's part of one product costs him, along his own axis as `costs`."""
        return self.costs(i) * self.suppliers[i].units_per_product

    @cached_property
    def total_cost(self) -> Array:
        """c(t), the cost of all components of one product, profile by profile."""
        total = np.zeros(self.shape)
        for i in range(len(self.shape)):
            total += self.product_costs(i)
        return fixed(total)

    @property
    def least_cost(self) -> float:
        """What the components of one product cost at least, currency."""
        return math.fsum(supplier.units_per_product * supplier.costs[0] for supplier in self.suppliers)

    @cached_property
    def deliverable(self) -> float:
        """The most products that suppliers can deliver components for; infinite where none of them has a capacity."""
        most = (s.capacity / s.units_per_product for s in self.suppliers if s.capacity is not None)
        return min(most, default=math.inf)

    def most_ordered(self, i: int) -> float:
        """Return units of supplier i that no truthful menu of an optimum exceeds, or need exceed.

        His capacity; else, of whole lots, what covers the most products that are worth assembling: beyond every minimum order
        one product less saves the components of it, at their least cost, but for what lots leave over. A truthful menu with
        orders cut there is truthful at lower rents; where reservation profits fall in costs, orders may also keep cheap types
        from the contracts of dear ones, by as much as the profits differ.
        """
        supplier = self.suppliers[i]
        if supplier.capacity is not None:
            return supplier.capacity
        lots = [s.lot_size or 0.0 for s in self.suppliers]
        left_over = math.fsum(s.costs[0] * lot for s, lot in zip(self.suppliers, lots, strict=True))
        saved = (self.least_cost + self.salvage) / 2 if left_over else self.least_cost
        fewer = max(lot / s.units_per_product for s, lot in zip(self.suppliers, lots, strict=True))
        if left_over:
            fewer = max(fewer, left_over / (self.least_cost - saved))
        least = max((s.minimum_order or 0.0) / s.units_per_product for s in self.suppliers)
        units = supplier.units_per_product * (max(float(self.best_units(saved)), least) + fewer)
        if len(supplier.costs) > 1:
            units += max(supplier.reservations) / min(np.diff(supplier.costs).tolist())
        units = max(units, supplier.minimum_order or 0.0)
        return units if supplier.lot_size is None else supplier.lot_size * math.ceil(units / supplier.lot_size)

    def refuse_rules(self) -> None:
        """Raise InputError for rules of orders: closed forms know none."""
        for i, supplier in enumerate(self.suppliers):
            for key in supplier.rules:
                allowed = "for closed forms no rule of orders: the full model takes it (solver highs)"
                raise InputError.of(f"suppliers[{i}].{key}", getattr(supplier, key), allowed, self.name)

    def setup_costs(self, quantity: Array) -> Array:
        """Return what is paid once for orders, currency, for quantities of shape (suppliers, ...); all suppliers together."""
        each = np.array([supplier.setup_cost for supplier in self.suppliers])
        return np.asarray(np.tensordot(each, np.asarray(quantity) > 0, axes=1))

    def components(self, units: ArrayLike) -> Array:
        """Return the units of every component in so many products, shape (suppliers, *shape of units)."""
        units = np.asarray(units, dtype=float)
        each = np.array([supplier.units_per_product for supplier in self.suppliers])
        return np.asarray(each.reshape(-1, *(1,) * units.ndim) * units)

    def products(self, quantity: Array) -> Array:
        """Return how many products every supplier's units are enough for, of the shape (suppliers, ...) of the quantities."""
        each = np.array([supplier.units_per_product for supplier in self.suppliers])
        return np.asarray(quantity / each.reshape(-1, *(1,) * (np.ndim(quantity) - 1)))

    def reserved(self, purpose: str, suppliers: Sequence[Supplier] | None = None) -> list[float]:
        """Return what each supplier earns elsewhere, currency, where that is one number whatever he costs; InputError elsewhere.

        `purpose`: what takes only such, in words.
        """
        for i, supplier in enumerate(self.suppliers if suppliers is None else suppliers):
            if len(set(supplier.reservations)) > 1:
                allowed = (
                    f"for {purpose} one number, whatever the cost; mechanisms icds, hybrid, frw and bic take others, solver highs"
                )
                place = i if suppliers is None else self.suppliers.index(supplier)
                given = list(supplier.reservations)
                raise InputError.of(f"suppliers[{place}].reservation_profit", given, allowed, self.name)
        return [supplier.reservations[0] for supplier in (self.suppliers if suppliers is None else suppliers)]

    def tokens(self, i: int) -> tuple[str, ...]:
        """`name=cost` for each of supplier i's costs: what the labels of profiles are made of."""
        return tuple(f"{self.names[i]}={label(cost)}" for cost in self.suppliers[i].costs)

    def reservation_tokens(self, i: int) -> tuple[str, ...]:
        """What supplier i's reservation profit is called, one entry a cost: by his name where it is one number for all costs."""
        varies = isinstance(self.suppliers[i].reservation_profit, tuple)
        return self.tokens(i) if varies else (self.names[i],) * self.shape[i]

    def in_words(self, profile: Sequence[SupportsIndex]) -> str:
        """Return a profile of cost indices as messages show it: `panel=4, battery=3`."""
        return ", ".join(self.tokens(i)[k] for i, k in enumerate(profile))
