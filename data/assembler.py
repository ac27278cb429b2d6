"""The assembler's world: suppliers with private unit costs, a prior over them, a price and a demand, or several products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from veridical.data.assembler_orders import AssemblerOrders
from veridical.data.assembler_terms import shortened
from veridical.data.errors import InputError
from veridical.data.fields import label, whole_number
from veridical.data.lazy import pd
from veridical.data.limits import SMALLEST
from veridical.data.product import TERMS
from veridical.data.record import check
from veridical.data.supplier import Part, Supplier

__all__ = ["AssemblerCase", "Supplier", "label", "shortened"]

ENUMERATED = 2**16  # profiles up to which a table over all of them is made where a smaller one would do


class AssemblerCase(AssemblerOrders):
    """An assembler who buys one component from each supplier, or a component from several, and does not know their unit costs.

    What she sells is one product, which every component is part of, with `price` and `demand`; or several `products` that share
    components, each with its own: then `price` and `demand` are None, and what is said of sales (salvage and the like) and of
    units in a product is said by product. She decides how many of each she assembles before demand is known.

    Arrays over cost profiles t have one axis a supplier, in order, indexed by cost (`shape`); a profile's place in a flat
    list is numpy's C order. Money in currency, costs and price in currency per unit, demand in units. Payments of the menu are
    whole multiples of `round_money`, currency, and orders of `round_units`, where these are given.
    Source: assembler paper, section 2; any number of costs a supplier.

    Its fields are those of `AssemblerTerms`; `AssemblerRefusals` says what mechanisms do not take, `AssemblerOrders` what is
    assembled of orders. Here are the cases that are parts of it: of one product, of fewer private costs.

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

    @classmethod
    def from_frames(
        cls,
        quotes: pd.DataFrame,
        demand: Any = None,
        *,
        suppliers: pd.DataFrame | None = None,
        column: str = "demand",
        levels: int = 3,
        cost_step: float | None = None,
        folder: str = "quotes",
        **fields: Any,
    ) -> AssemblerCase:
        """Return the case in frames of quotes and demand; `import_case` reads the same from files, and says which columns.

        Parameters
        ----------
        quotes
            A row a quote: `supplier` and `quote`, currency per unit, and keys of a supplier as further columns; or `cost` and
            `probability` in the place of `quote`, a row a cost.
        demand
            Past demand, units: a Series, a list, or a frame with a `column` of it; or a distribution.
        suppliers
            A row a supplier: `supplier`, and keys of him as columns (`component`, `capacity`, `minimum_order`, ...).
        column
            The column of demand.
        levels, cost_step
            How many costs stand for the quotes of a supplier, quantiles with the highest among them, and what they are rounded up
            to.
        folder
            Where quotes and demand stand beside the case when it is saved.
        fields
            Further fields of the case (`price=250`), by names as `changed` takes them.

        Raises
        ------
        InputError
            With table, row (counted from 1) and column, the value and what is allowed.

        Examples
        --------
        >>> import pandas as pd
        >>> quotes = pd.DataFrame({"supplier": ["Arvo", "Arvo", "Brisk"], "quote": [7.6, 8.1, 9.4]})
        >>> case = AssemblerCase.from_frames(quotes, [310, 420, 380], price=40, levels=2)
        >>> case.names, case.suppliers[0].costs, case.suppliers[0].likely
        (('Arvo', 'Brisk'), (7.6, 8.1), (0.5, 0.5))
        """
        from veridical.data.importing import cases
        from veridical.data.importing import quotes as known
        from veridical.data.importing.table import Table

        terms = None if suppliers is None else Table.of_frame(suppliers, "suppliers", known.SUPPLIERS)
        table, sales = Table.of_frame(quotes, "quotes", known.QUOTES), cases.demand_table(demand, column)
        case: AssemblerCase = cases.assembler(table, sales, terms, column, levels, cost_step, folder, None, fields).case
        return case

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
        width = [float(f"{one:.12g}") for one in width]  # 11 - 9.4 is as wide as 2 * (5.4 - 4.6), but for rounding
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
        others: dict[str, Any] = {"name": together, "costs": [sum(s.needed * s.costs[-1] for s in rest) or SMALLEST]}
        if self.products is not None:  # of a component that costs 1 a product has as many units as the others' parts cost
            others["costs"] = [1.0]
            in_all = np.array([s.costs[-1] if i not in kept else 0.0 for i, s in enumerate(self.suppliers)]) @ self.bill
            own = {self.suppliers[i].delivers for i in kept}
            raw["products"] = [
                product.changed(units={n: e for n, e in product.units.items() if n in own} | {together: float(cost)})
                for product, cost in zip(self.products, in_all, strict=True)
            ]
        others |= {"reservation_profit": others_reserve}
        if (least := min((s.suffices_for(s.capacity) for s in rest if s.capacity is not None), default=math.inf)) < math.inf:
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
