"""The assembler's world: suppliers with private unit costs, a prior over them, a price and a demand, or several products."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from typing import Annotated, Any, SupportsIndex

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.ambiguity import Ambiguity
from veridical.data.arrays import Array, ArrayLike, fixed
from veridical.data.assembling import assembled
from veridical.data.assembly import SUPPLIERS, Assembly
from veridical.data.common_prior import CommonPrior
from veridical.data.demand import AnyDemand
from veridical.data.errors import InputError
from veridical.data.fields import Positive, label, listed, whole_number
from veridical.data.limits import gigabytes
from veridical.data.order_grid import check_grids
from veridical.data.product import DEMAND, PRICE, TERMS, Product
from veridical.data.record import check, missing, placed, wrong
from veridical.data.supplier import Part, Supplier
from veridical.data.yields import SCENARIOS, JointYields

__all__ = ["AssemblerCase", "Supplier", "label"]

MEMORY = 16e9  # bytes: about as many arrays over profiles as suppliers and six more are held at a time
AXES = 60  # suppliers: numpy's arrays have at most 64 axes
NOTHING: Any = None  # price and demand of a case with several products
PRODUCTS = "one or more [[products]] tables"
ENUMERATED = 2**16  # profiles up to which a table over all of them is made where a smaller one would do


def shortened(count: int) -> str:
    """Return a count in words of a readable length, however large it is."""
    digits = str(count)
    return f"{count:,}" if len(digits) <= 15 else f"{digits[0]}.{digits[1]}e{len(digits) - 1}"


class AssemblerCase(CommonPrior, Assembly):
    """An assembler who buys one component from each supplier, or a component from several, and does not know their unit costs.

    What she sells is one product, which every component is part of, with `price` and `demand`; or several `products` that share
    components, each with its own: then `price` and `demand` are None, and what is said of sales (salvage and the like) and of
    units in a product is said by product. She decides how many of each she assembles before demand is known.

    Arrays over cost profiles t have one axis a supplier, in order, indexed by cost (`shape`); a profile's place in a flat
    list is numpy's C order. Money in currency, costs and price in currency per unit, demand in units. Payments of the menu are
    whole multiples of `round_money`, currency, and orders of `round_units`, where these are given.
    Source: assembler paper, section 2; any number of costs a supplier.

    Examples
    --------
    >>> from veridical.data import AssemblerCase, Supplier
    >>> from veridical.data import Uniform
    >>> panel = Supplier(name="panel", costs=(4.0, 9.0), probabilities=(0.5, 0.5))
    >>> battery = Supplier(name="battery", costs=(3.0, 7.0), probabilities=(0.5, 0.5))
    >>> case = AssemblerCase(name="pair", price=30.0, demand=Uniform(low=100, high=900), suppliers=(panel, battery))
    >>> case.shape, case.names
    ((2, 2), ('panel', 'battery'))
    >>> case.changed(price=31, **{"suppliers.panel.costs": (4, 10)}).suppliers[0].costs
    (4.0, 10.0)
    """

    suppliers: Annotated[tuple[Supplier, ...], listed(SUPPLIERS)] = Field(description=SUPPLIERS)
    price: Positive = Field(default=NOTHING, description=PRICE)
    demand: AnyDemand = Field(default=NOTHING, description=DEMAND)
    round_money: Positive | None = None
    round_units: Positive | None = None
    ambiguity: Ambiguity | None = None
    products: Annotated[tuple[Product, ...], listed(PRODUCTS)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, raw: Any) -> Any:
        """Refuse price, demand and the like beside `products`, and ask for them where there are none."""
        if isinstance(raw, Mapping):
            several = raw.get("products") is not None
            for name, what in (("price", PRICE), ("demand", DEMAND)):
                if not several and raw.get(name) is None:
                    raise missing(f"{what}; or {PRODUCTS}", name) if name not in raw else wrong(raw[name], what, name)
            for name in ("price", "demand", *TERMS):
                if several and raw.get(name):
                    raise wrong(raw[name], f"no {name} beside [[products]], each of which has its own", name)
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> AssemblerCase:
        joint, correlation = (None, None) if self.prior is None else (self.prior.joint, self.prior.correlation)
        for i, supplier in enumerate(self.suppliers):
            if joint is not None and supplier.probabilities is not None:
                allowed = "no probabilities beside prior.joint, from which they follow"
                raise wrong(supplier.probabilities, allowed, f"suppliers[{i}].probabilities")
            if joint is not None and supplier.reports is not None:
                allowed = "no reports beside prior.joint, from which probabilities follow"
                raise wrong(supplier.reports, allowed, f"suppliers[{i}].reports")
            if joint is None and supplier.likely is None and len(supplier.costs) > 1:
                raise missing("one probability a cost, as prior.joint is not given", f"suppliers[{i}].probabilities")
        sources = self.sources
        for i, supplier in enumerate(self.suppliers):
            first = self.suppliers[sources[supplier.delivers][0]]
            if supplier.units_per_product != first.units_per_product:
                allowed = f"{label(first.units_per_product)}, as {first.name} says, who delivers the same component"
                raise wrong(supplier.units_per_product, allowed, f"suppliers[{i}].units_per_product")
        joint_yields = 1
        for i, supplier in enumerate(self.suppliers):
            joint_yields *= len(supplier.usable.values)
            if joint_yields > SCENARIOS:
                found = f"<{len(supplier.usable.values)} values, which makes {shortened(joint_yields)} joint yields of suppliers>"
                raise wrong(found, f"at most {SCENARIOS:,} joint yields, every combination of values", f"suppliers[{i}].yield")
        across = " x ".join(self.names)
        if joint is not None and np.shape(joint) != self.shape:
            raise wrong(f"<a table of shape {np.shape(joint)}>", f"the shape {self.shape}: {across}", "prior.joint")
        if correlation is not None and len(correlation) != len(self.shape):
            allowed = f"one row a supplier, in order: {across}"
            raise wrong(f"<{len(correlation)} rows>", allowed, "prior.correlation")
        check_grids(self)
        return self

    def _refuse_bills(self) -> None:
        """Raise the error of a validator for bills of materials of products and components that do not fit together."""
        for i, supplier in enumerate(self.suppliers):
            if self.products is not None and supplier.units_per_product != 1.0:
                allowed = "nothing beside [[products]], whose `units` say how many of each component a product has"
                raise wrong(supplier.units_per_product, allowed, f"suppliers[{i}].units_per_product")
            if self.products is not None and getattr(supplier, "yield") is not None:
                allowed = "no yield beside [[products]]; where a sure share v of it arrives, a product has 1 / v as many `units`"
                raise wrong(f"<{', '.join(map(label, supplier.usable.values))}>", allowed, f"suppliers[{i}].yield")
        met: set[str] = set()
        for p, product in enumerate(self.products or ()):
            for name in product.units:
                if name not in self.sources:
                    raise wrong(name, f"one of the components {', '.join(self.sources)}", f"products[{p}].units")
            if product.name in met:
                raise wrong(product.name, "a name that no other product has", f"products[{p}].name")
            if f"assembled {product.name}" in self.names:
                raise wrong(product.name, "a name by which no column of a menu is called as a supplier", f"products[{p}].name")
            met.add(product.name)
        unused = [name for name in self.sources if not any(name in product.units for product in self.products or ())]
        if self.products is not None and unused:
            raise wrong("<no units>", f"units of {unused[0]} in one product or more", "products")

    @model_validator(mode="after")
    def _worth_selling(self) -> AssemblerCase:
        self._refuse_bills()
        if self.products is None:
            self.refuse_loss(self.least_cost)
        for p, product in enumerate(self.products or ()):
            try:
                product.refuse_loss(self.least_cost_of(product))
            except PydanticCustomError as error:
                raise placed(error, f"products[{p}]") from None
        return self

    def equicorrelated(self, correlation: object) -> dict[str, Any]:
        """Return the fields of this case with one correlation between any two suppliers' costs; see `Assembly`."""
        fields = super().equicorrelated(correlation)
        if self.prior is not None and self.prior.joint is not None:  # the table said what each of them believes of himself
            own = zip(range(len(self.shape)), self.marginals, strict=True)
            fields |= {f"suppliers.{i}.probabilities": marginal.tolist() for i, marginal in own}
        return fields

    @property
    def sources(self) -> dict[str, list[int]]:
        """The positions of the suppliers of each component, by its name, in order."""
        found: dict[str, list[int]] = {}
        for i, supplier in enumerate(self.suppliers):
            found.setdefault(supplier.delivers, []).append(i)
        return found

    @property
    def several_sources(self) -> bool:
        """Whether any component comes from several suppliers."""
        return len(self.sources) < len(self.suppliers)

    def refuse_several_sources(self, purpose: str) -> None:
        """Raise InputError where a component comes from several suppliers; `purpose`: what takes one alone, in words."""
        if self.several_sources:
            i = next(members[1] for members in self.sources.values() if len(members) > 1)
            allowed = f"for {purpose} one source a component; mechanisms icds, hybrid, frw, bic, naive and first_best take more"
            raise InputError.of(f"suppliers[{i}].component", self.suppliers[i].delivers, f"{allowed}, solver highs", self.name)

    def refuse_products(self, purpose: str, otherwise: str) -> None:
        """Raise InputError for several products; `purpose`: what takes one alone; `otherwise`: what takes several, in words."""
        if self.products is not None:
            names = ", ".join(product.name for product in self.products)
            raise InputError.of(
                "products", f"<{names}>", f"for {purpose} one product, with price and demand; {otherwise}", self.name
            )

    def alone(self, p: int) -> AssemblerCase:
        """Return the case of product number p of several alone, with all suppliers: of some of them it may need nothing.

        What they earn elsewhere counts with the first product, once.
        """
        if self.products is None:
            return self
        product = self.products[p]
        fields = {name: getattr(product, name) for name in ("price", "demand", *TERMS)}
        parts: list[Supplier] = []
        joint = self.prior is not None and not self.independent
        for supplier, each in zip(self.suppliers, self.bill[:, p].tolist(), strict=True):
            given = (supplier.without_prior() if joint else supplier)._table()
            part = {**given, "units_per_product": each, "reservation_profit": 0.0 if p else supplier.reservation_profit}
            parts.append(check(Part, part))
        prior = (
            {"joint": self.probability.tolist()}
            if joint
            else None
            if self.prior is None or self.prior.joint is None
            else self.prior
        )
        raw = {name: value for name, value in self._table().items() if name not in ("products", "suppliers", "prior")}
        return check(AssemblerCase, {**raw, **fields, "suppliers": parts, "prior": prior})

    @cached_property
    def yields(self) -> JointYields:
        """The joint yields of all suppliers: what shares of their orders arrive usable."""
        return JointYields(self.names, [supplier.usable for supplier in self.suppliers])

    @property
    def random_yields(self) -> bool:
        """Whether it is not sure what arrives of an order."""
        return bool(self.yields.random)

    @property
    def has_yields(self) -> bool:
        """Whether anything is lost of what is ordered of any supplier."""
        return any(supplier.usable.values != (1.0,) for supplier in self.suppliers)

    def refuse_random_yields(self, purpose: str) -> None:
        """Raise InputError where yields are random; `purpose`: what takes sure ones alone, in words."""
        if self.random_yields:
            i = self.yields.random[0]
            others = "mechanisms icds, hybrid, frw, bic, naive and first_best take others, solver highs"
            allowed = f"for {purpose} sure yields, of one value; {others}"
            raise InputError.of(f"suppliers[{i}].yield.values", list(self.suppliers[i].usable.values), allowed, self.name)

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
        given = [supplier.likely or (1.0,) for supplier in self.suppliers]
        return [fixed(np.array(weights) / math.fsum(weights)) for weights in given]

    @cached_property
    def apart(self) -> Array:
        """Sum over suppliers of how much their unit costs differ between any two profiles, in the flat order of profiles."""
        grids = np.meshgrid(*(np.array(supplier.costs) for supplier in self.suppliers), indexing="ij")
        return fixed(sum(np.abs(np.subtract.outer(costs.ravel(), costs.ravel())) for costs in grids))

    def worst_prior(self, value: Array) -> Array:
        """Return the prior under which a table of values is expected to be the least; the prior itself without `ambiguity`."""
        if self.ambiguity is None:
            return self.probability
        apart = self.apart if self.ambiguity.distance == "wasserstein" else np.zeros((0, 0))
        return self.ambiguity.worst(self.probability, value, apart)

    def refuse_ambiguity(self, purpose: str) -> None:
        """Raise InputError for an ambiguous prior; `purpose`: what takes none, in words."""
        if self.ambiguity is not None:
            allowed = f"for {purpose} no ambiguity; mechanisms icds, hybrid, frw, naive and first_best take it, solver highs"
            raise InputError.of("ambiguity", f"<{self.ambiguity.distance}>", allowed, self.name)

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
        is that of what his part of a product costs, on average over yields; of several products, in the proportions of their mean
        demands. Source: section 2.5 of the assembler paper, where a supplier's importance is c_i(h) - c_i(l).
        """
        n = len(self.suppliers)
        if k is None:
            k = (n + 1) // 2
        k = whole_number(k, "k", 0, self.name, most=n, allowed=f"a whole number from 0 to the number of suppliers, {n}")
        each = [supplier.needed for supplier in self.suppliers]
        if self.products is not None:
            each = (self.bill @ np.array([product.demand.expectation for product in self.products])).tolist()
        width = [(s.costs[-1] - s.costs[0]) * units for s, units in zip(self.suppliers, each, strict=True)]
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
        self.refuse_several_sources("closed forms")
        self.refuse_random_yields("closed forms")
        if self.products is not None:
            self.refuse_capacities("cases in which fewer costs are private")
        others_reserve = math.fsum(self.reserved("suppliers of whom only the highest cost counts", rest))
        raw = {name: value for name, value in self._table().items() if name not in ("suppliers", "prior")}
        raw["suppliers"] = [self.suppliers[i] for i in kept]
        together = f"the {len(rest)} others" if len(rest) > 1 else rest[0].name
        while together in [self.suppliers[i].name for i in kept]:
            together += " together"
        others: dict[str, Any] = {"name": together, "costs": [sum(s.needed * s.costs[-1] for s in rest)]}
        if self.products is not None:  # of a component that costs 1 a product has as many units as the others' parts cost
            others["costs"] = [1.0]
            in_all = np.array([s.costs[-1] if i not in kept else 0.0 for i, s in enumerate(self.suppliers)]) @ self.bill
            own = {self.suppliers[i].delivers for i in kept}
            raw["products"] = [
                product.changed(units={n: e for n, e in product.units.items() if n in own} | {together: float(cost)})
                for product, cost in zip(self.products, in_all, strict=True)
            ]
        others |= {"reservation_profit": others_reserve}
        if (least := min((s.capacity / s.needed for s in rest if s.capacity is not None), default=None)) is not None:
            others["capacity"] = least
        if self.prior is None or not kept:
            raw["suppliers"].append(others)
        elif self.prior.correlation is not None and self.profiles > ENUMERATED:
            rows = [*([self.prior.correlation[i][j] for j in kept] + [0.0] for i in kept), [0.0] * len(kept) + [1.0]]
            raw |= {"suppliers": [*raw["suppliers"], others | {"probabilities": [1.0]}], "prior": {"correlation": rows}}
        else:
            joint = self.probability.sum(axis=tuple(i for i in range(len(self.shape)) if i not in kept))
            private = [supplier.without_prior() for supplier in raw["suppliers"]]
            raw |= {"suppliers": [*private, others], "prior": {"joint": joint[..., None].tolist()}}
        return check(AssemblerCase, raw)

    def costs(self, i: int) -> Array:
        """Supplier i's unit costs along his own axis, ready to broadcast over profiles."""
        return np.array(self.suppliers[i].costs).reshape([-1 if a == i else 1 for a in range(len(self.shape))])

    def product_costs(self, i: int) -> Array:
        """What supplier i's part of one product costs him, on average over yields, along his own axis as `costs`."""
        return self.costs(i) * self.suppliers[i].needed

    @cached_property
    def total_cost(self) -> Array:
        """c(t), the cost of all components of one product, each from its cheapest source, profile by profile."""
        self.refuse_products(
            "the total cost and the virtual cost of a product", "`case.alone(p)` is the case of product number p"
        )
        total = np.zeros(self.shape)
        for members in self.sources.values():
            total = total + reduce(np.minimum, [self.product_costs(i) for i in members])
        return fixed(total)

    @property
    def least_cost(self) -> float:
        """What the components of one product cost at least, currency.

        At expected yields, where yields are random: of random shares no more products come on average than of expected ones.
        """
        suppliers = self.suppliers
        return math.fsum(min(suppliers[i].needed * suppliers[i].costs[0] for i in of) for of in self.sources.values())

    def least_cost_of(self, product: Product) -> float:
        """Return what the components of one of several products cost at least, currency."""
        sources = self.sources
        return math.fsum(each * min(self.suppliers[i].costs[0] for i in sources[name]) for name, each in product.units.items())

    @cached_property
    def bill(self) -> Array:
        """Units of each supplier's component in each of several products, shape (suppliers, products)."""
        return fixed(np.array([[p.units.get(s.delivers, 0.0) for p in self.products or ()] for s in self.suppliers]))

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms in which a model can have expected sales, the best first: of several products those that all have."""
        if self.products is None:
            return super().forms
        first, *rest = (product.demand.forms for product in self.products)
        return tuple(form for form in first if all(form in forms for forms in rest))

    @property
    def sale_numbers(self) -> dict[str, float]:
        """Prices and the like as `changed` and `--set` know them; of several products `products.NAME.price`."""
        if self.products is None:
            return super().sale_numbers
        pairs = ((product, name) for name in ("price", *TERMS) for product in self.products)
        return {f"products.{p.name}.{name}": getattr(p, name) for p, name in pairs if name == "price" or getattr(p, name)}

    @property
    def has_bill(self) -> bool:
        """Whether any component is needed in other numbers than one a product."""
        return any(supplier.units_per_product != 1.0 for supplier in self.suppliers)

    @cached_property
    def deliverable(self) -> float:
        """The most products that suppliers can deliver for, at expected yields; infinite where none of them has a capacity."""
        capacity = [math.inf if s.capacity is None else s.capacity / s.needed for s in self.suppliers]
        return min(math.fsum(capacity[i] for i in members) for members in self.sources.values())

    def most_ordered(self, i: int) -> float:
        """Return units of supplier i that no truthful menu of an optimum exceeds, or need exceed.

        His capacity; else, of whole lots, what covers the most products that are worth assembling: beyond every minimum order
        one product less saves the components of it, at their least cost, but for what lots leave over. A truthful menu with
        orders cut there is truthful at lower rents; where reservation profits fall in costs, orders may also keep cheap types
        from the contracts of dear ones, by as much as the profits differ. Yields are sure where there is no capacity.
        """
        supplier = self.suppliers[i]
        if supplier.capacity is not None:
            return supplier.capacity
        lots = [s.lot_size or 0.0 for s in self.suppliers]
        left_over = math.fsum(s.costs[0] * lot for s, lot in zip(self.suppliers, lots, strict=True))
        saved = (self.least_cost + self.salvage) / 2 if left_over else self.least_cost
        fewer = max(lot / s.needed for s, lot in zip(self.suppliers, lots, strict=True))
        if left_over:
            fewer = max(fewer, left_over / (self.least_cost - saved))
        least = max((s.minimum_order or 0.0) / s.needed for s in self.suppliers)
        units = supplier.needed * (max(float(self.best_units(saved)), least) + fewer)
        if len(supplier.costs) > 1:
            units += max(supplier.reservations) / min(np.diff(supplier.costs).tolist())
        units = max(units, supplier.minimum_order or 0.0)
        return units if supplier.lot_size is None else supplier.lot_size * math.ceil(units / supplier.lot_size)

    def refuse_in_closed_form(self) -> None:
        """Raise InputError for rules of orders, several sources, random yields and an ambiguous prior: closed forms know none."""
        self.refuse_several_sources("closed forms")
        self.refuse_random_yields("closed forms")
        self.refuse_ambiguity("closed forms")
        for i, supplier in enumerate(self.suppliers):
            if self.products is not None and supplier.capacity is not None:
                allowed = (
                    "for closed forms no capacity beside [[products]], which it ties together: the full model (solver highs)"
                )
                raise InputError.of(f"suppliers[{i}].capacity", supplier.capacity, allowed, self.name)
            for key in supplier.rules:
                allowed = "for closed forms no rule of orders: the full model takes it (solver highs)"
                raise InputError.of(f"suppliers[{i}].{key}", getattr(supplier, key), allowed, self.name)

    def revenue(self, units: ArrayLike) -> Array:
        """S(y), currency; of several products y has them along its first axis, and what they bring is summed over it."""
        if self.products is None:
            return super().revenue(units)
        return np.asarray(
            np.sum([product.revenue(of) for product, of in zip(self.products, np.asarray(units), strict=True)], axis=0)
        )

    def refuse_capacities(self, purpose: str) -> None:
        """Raise InputError for capacities, which tie several products together; `purpose`: what takes none, in words."""
        for i, supplier in enumerate(self.suppliers):
            if supplier.capacity is not None:
                allowed = f"for {purpose} no capacity beside [[products]], which it ties together: the full model (solver highs)"
                raise InputError.of(f"suppliers[{i}].capacity", supplier.capacity, allowed, self.name)

    def setup_costs(self, quantity: Array) -> Array:
        """Return what is paid once for orders, currency, for quantities of shape (suppliers, ...); all suppliers together."""
        each = np.array([supplier.setup_cost for supplier in self.suppliers])
        return np.asarray(np.tensordot(each, np.asarray(quantity) > 0, axes=1))

    def components(self, units: ArrayLike) -> Array:
        """Return the units to be ordered of every supplier for so many products, shape `(suppliers, *shape of units)`.

        On average over yields, where these are random; of every supplier all of his component. Of several products `units` has
        them along its first axis, and components are summed over it.
        """
        units = np.asarray(units, dtype=float)
        if self.products is not None:
            return np.asarray(np.tensordot(self.bill, units, axes=1))
        each = np.array([supplier.needed for supplier in self.suppliers])
        return np.asarray(each.reshape(-1, *(1,) * units.ndim) * units)

    def enough_for(self, quantity: Array, shares: Array | None = None) -> Array:
        """Return how many products every component is enough for, shape (components, ...), of orders (suppliers, ...).

        `shares`: what arrives of each supplier's order; at expected yields where it is not said.
        """
        each = np.array([supplier.needed for supplier in self.suppliers])
        if shares is not None:
            each = np.array([supplier.units_per_product for supplier in self.suppliers]) / shares
        each = each.reshape(-1, *(1,) * (np.ndim(quantity) - 1))
        products: Array = np.divide(quantity, each, out=np.full(np.shape(quantity), np.inf), where=each > 0)
        if not self.several_sources:
            return products
        return np.stack([products[members].sum(axis=0) for members in self.sources.values()])

    def assembled(self, quantity: Array, near: Array | None = None) -> Array:
        """Return the units assembled of quantities of shape (suppliers, ...), by the case's own rule.

        One product: as many as every component is enough for, shape (...), expected over yields. Several: the plan that brings
        the most on average, shape (products, ...); `near`: a plan that may be that.
        """
        if self.products is None:
            return self.over_yields(quantity)
        delivered, shape = self.delivered(quantity), np.shape(quantity)[1:]
        bill = np.stack([self.bill[members[0]] for members in self.sources.values()])
        plan = assembled(
            self.products, bill, delivered.reshape(len(bill), -1), None if near is None else near.reshape(len(near), -1)
        )
        return plan.reshape(-1, *shape)

    def delivered(self, quantity: Array) -> Array:
        """Return the units of every component, shape (components, ...), of quantities of shape (suppliers, ...)."""
        return np.stack([np.asarray(quantity)[members].sum(axis=0) for members in self.sources.values()])

    def left_over(self, quantity: Array, plan: Array) -> Array:
        """Return the units of every component that no plan of several products uses, shape (components, ...)."""
        firsts = [members[0] for members in self.sources.values()]
        return np.asarray(self.delivered(quantity) - self.components(plan)[firsts])

    def over_yields(self, quantity: Array, worth: Callable[[Array], Array] = np.asarray) -> Array:
        """Return the expectation over yields of `worth` of the products that orders (suppliers, ...) are enough for, shape (...).

        Once it is known what has arrived, as many are assembled as there are all components of; the expected number of them
        where no `worth` is given.
        """

        def assembled(shares: Array | None) -> Array:
            return worth(np.maximum(self.enough_for(quantity, shares).min(axis=0), 0.0))

        if not self.random_yields:
            return assembled(None)
        joint = self.yields
        return np.asarray(sum(p * assembled(shares) for p, shares in zip(joint.probabilities, joint.shares, strict=True)))

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

    def yield_tokens(self, i: int) -> tuple[str, ...]:
        """`name=share` for each of supplier i's yields; none where the case says nothing of them."""
        said = getattr(self.suppliers[i], "yield")
        return () if said is None else tuple(f"{self.names[i]}={label(share)}" for share in said.values)

    def reservation_tokens(self, i: int) -> tuple[str, ...]:
        """What supplier i's reservation profit is called, one entry a cost: by his name where it is one number for all costs."""
        varies = isinstance(self.suppliers[i].reservation_profit, tuple)
        return self.tokens(i) if varies else (self.names[i],) * self.shape[i]

    def in_words(self, profile: Sequence[SupportsIndex]) -> str:
        """Return a profile of cost indices as messages show it: `panel=4, battery=3`."""
        return ", ".join(self.tokens(i)[k] for i, k in enumerate(profile))
