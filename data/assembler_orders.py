"""What an assembler orders, what is assembled of it, and what that brings."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, reduce

import numpy as np

from veridical.data.arrays import Array, ArrayLike, fixed
from veridical.data.assembler_refusals import AssemblerRefusals
from veridical.data.assembling import assembled

__all__ = ["AssemblerOrders"]


class AssemblerOrders(AssemblerRefusals):
    """A case that knows what orders are worth: components for products, products of components. See `AssemblerCase`."""

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

    def most_ordered(self, i: int, balanced: bool = False) -> float:
        """Return units of supplier i that no truthful menu of an optimum exceeds, or need exceed.

        His capacity; else, of whole lots, what covers the most products that are worth assembling: beyond every minimum order
        one product less saves the components of it, at their least cost, but for what lots leave over. A truthful menu with
        orders cut there is truthful at lower rents; where reservation profits fall in costs, orders may also keep cheap types
        from the contracts of dear ones, by as much as the profits differ. Yields are sure where there is no capacity.

        `balanced` orders come in steps that suit all lots at once, and these may be large. But no more products pay than are
        made at their least cost of all that sales bring: what a profile earns is concave in products, and less beyond that than
        without any, so that the next number below which comes in steps, none at the least, earns no less.
        """
        supplier = self.suppliers[i]
        if supplier.capacity is not None:
            return supplier.capacity
        needed = [s for s in self.suppliers if s.needed]
        left_over = math.fsum(s.costs[0] * (s.lot_size or 0.0) for s in needed)
        saved = (self.least_cost + self.salvage) / 2 if left_over else self.least_cost
        fewer = max(s.suffices_for(s.lot_size or 0.0) for s in needed)
        if left_over:
            fewer = max(fewer, left_over / (self.least_cost - saved))
        least = max(s.suffices_for(s.minimum_order or 0.0) for s in needed)
        units = supplier.needed * (max(float(self.best_units(saved)), least) + fewer)
        if len(supplier.costs) > 1:
            units += max(supplier.reservations) / min(np.diff(supplier.costs).tolist())
        if balanced:
            units = max(units, supplier.needed * self.margin * self.demand.expectation / (self.least_cost - self.salvage))
        units = max(units, supplier.minimum_order or 0.0)
        return units if supplier.lot_size is None else supplier.lot_size * math.ceil(units / supplier.lot_size)

    def revenue(self, units: ArrayLike) -> Array:
        """S(y), currency; of several products y has them along its first axis, and what they bring is summed over it."""
        if self.products is None:
            return super().revenue(units)
        return np.asarray(
            np.sum([product.revenue(of) for product, of in zip(self.products, np.asarray(units), strict=True)], axis=0)
        )

    def setup_costs(self, quantity: Array) -> Array:
        """Return what is paid once for orders, currency, for quantities of shape (suppliers, ...); all suppliers together."""
        each = np.array([supplier.setup_cost for supplier in self.suppliers])
        return np.asarray(np.tensordot(each, np.asarray(quantity) > 0, axes=1))

    def components(self, units: ArrayLike) -> Array:
        """Return the units to be ordered of every supplier for so many products, shape (suppliers, *shape of units).

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
