"""What an assembler's case says: suppliers with private unit costs, a prior over them, what is sold; and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Self, SupportsIndex

import numpy as np
from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from veridical.data.ambiguity import Ambiguity
from veridical.data.arrays import Array, fixed
from veridical.data.assembly import SUPPLIERS, Assembly
from veridical.data.case_record import counted
from veridical.data.common_prior import CommonPrior
from veridical.data.demand import AnyDemand
from veridical.data.fields import Positive, label, listed
from veridical.data.order_grid import check_grids
from veridical.data.product import DEMAND, PRICE, TERMS, Product
from veridical.data.record import missing, placed, wrong
from veridical.data.supplier import Supplier
from veridical.data.yields import SCENARIOS, JointYields

__all__ = ["AssemblerTerms", "shortened"]

NOTHING: Any = None  # price and demand of a case with several products
PRODUCTS = "one or more [[products]] tables"
SEVERAL = "tables [[products]], where several products share components: each has its own price, demand and terms"


def shortened(count: int) -> str:
    """Return a count in words of a readable length, however large it is."""
    digits = str(count)
    return f"{count:,}" if len(digits) <= 15 else f"{digits[0]}.{digits[1]}e{len(digits) - 1}"


class AssemblerTerms(CommonPrior, Assembly):
    """The keys of a case, whether they fit together, and the arrays that follow from them; see `AssemblerCase`."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["price", "demand"]}, {"required": ["products"]}]})

    suppliers: Annotated[tuple[Supplier, ...], listed(SUPPLIERS)] = Field(description=SUPPLIERS)
    price: Positive = Field(default=NOTHING, description=f"{PRICE}; needed where there are no `products`")
    demand: AnyDemand = Field(default=NOTHING, description=f"{DEMAND}; needed where there are no `products`")
    round_money: Positive | None = Field(
        default=None, description="payments are whole multiples of so much currency; together with `round_units`"
    )
    round_units: Positive | None = Field(
        default=None, description="orders are whole multiples of so many units; together with `round_money`"
    )
    ambiguity: Ambiguity | None = Field(default=None, description="the table [ambiguity], where the prior is only roughly known")
    products: Annotated[tuple[Product, ...], listed(PRODUCTS)] | None = Field(default=None, description=SEVERAL)

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
    def _consistent(self) -> Self:
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
    def _worth_selling(self) -> Self:
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
    def in_short(self) -> str:
        """How many suppliers, cost profiles and, where they are several, products."""
        profiles = shortened(self.profiles)
        words = f"{counted(len(self.suppliers), 'supplier')}, {profiles} cost profile{'' if self.profiles == 1 else 's'}"
        return words if self.products is None else f"{words}, {counted(len(self.products), 'product')}"

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

    def costs(self, i: int) -> Array:
        """Supplier i's unit costs along his own axis, ready to broadcast over profiles."""
        return np.array(self.suppliers[i].costs).reshape([-1 if a == i else 1 for a in range(len(self.shape))])

    def product_costs(self, i: int) -> Array:
        """What supplier i's part of one product costs him, on average over yields, along his own axis as `costs`."""
        return self.costs(i) * self.suppliers[i].needed

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
        capacity = [math.inf if s.capacity is None else s.suffices_for(s.capacity) for s in self.suppliers]
        return min(math.fsum(capacity[i] for i in members) for members in self.sources.values())

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
