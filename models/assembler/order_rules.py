"""What an order may be: nothing or at least so much, in whole lots; and what is paid once when anything is ordered.

Binaries, for suppliers who have such a rule alone. Orders are bounded by what no optimum exceeds (`AssemblerCase.most_ordered`),
which follows from prices, costs and the like: the bounds are mutable Params, and are worked out anew before every solve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import AssemblerCase, InputError
from veridical.data.arrays import Array
from veridical.models.assembler.numbers import case_of
from veridical.models.info import info_of

__all__ = ["bound_orders", "order_rules", "placed", "refuse_rules", "refuse_without_capacity", "setup_cost"]


def order_rules(m: Any, index: Iterable[Any], units: Callable[..., Any]) -> None:
    """Declare the rules over an index of (i, ...), which begins with a supplier; `units(i, ...)` is what is ordered of him.

    `ordered`: whether anything is; `minimum_order` and `no_order`: so much, or nothing; `lots`, `whole_lots`: how many;
    `most_ordered`: units that no optimum exceeds.
    """
    case = info_of(m).case
    if case.products is not None:
        refuse_without_capacity(case, "several products")
    suppliers = {supplier.name: supplier for supplier in case.suppliers if supplier.rules}
    if not suppliers:
        return
    if case.random_yields:
        refuse_without_capacity(case, "random yields")
    m.most_ordered = pyo.Param(list(suppliers), mutable=True)
    bound_orders(m, balanced=False)
    index = [key for key in index if key[0] in suppliers]
    by_lot = [key for key in index if suppliers[key[0]].lot_size is not None]
    switched = [key for key in index if suppliers[key[0]].switched]
    if by_lot:
        m.lots = pyo.Var(by_lot, domain=pyo.NonNegativeIntegers)
        for key in by_lot:
            # half a lot more than are whole, as a quotient may come out just below a whole number
            m.lots[key].setub(m.most_ordered[key[0]] / suppliers[key[0]].lot_size + 0.5)

        @m.Constraint(by_lot)
        def whole_lots(m: Any, *key: Any) -> Any:
            return units(*key) == suppliers[key[0]].lot_size * m.lots[key]

    if not switched:
        return
    m.ordered = pyo.Var(switched, domain=pyo.Binary)

    @m.Constraint(switched)
    def no_order(m: Any, *key: Any) -> Any:
        return units(*key) <= m.most_ordered[key[0]] * m.ordered[key]

    @m.Constraint([key for key in switched if suppliers[key[0]].minimum_order is not None])
    def minimum_order(m: Any, *key: Any) -> Any:
        return units(*key) >= suppliers[key[0]].minimum_order * m.ordered[key]


def bound_orders(m: Any, balanced: bool) -> None:
    """Bound orders by what no optimum exceeds, of menus whose orders are `balanced` or of any; and anew before every solve."""
    if isinstance(m.component("most_ordered"), pyo.Param):
        info_of(m).refresh = partial(_refresh, balanced)
        _refresh(balanced, m)


def _refresh(balanced: bool, m: Any) -> None:
    if isinstance(m.component("most_ordered"), pyo.Param):  # nobody has put something else in its place
        case = case_of(m)
        for i, supplier in enumerate(case.suppliers):
            if supplier.rules:
                m.most_ordered[supplier.name].set_value(case.most_ordered(i, balanced))


def setup_cost(m: Any, *key: Any) -> Any:
    """Return what an order costs beside its payment, currency: 0 where the case says nothing."""
    if m.component("ordered") is None:
        return 0.0
    supplier = next(supplier for supplier in info_of(m).case.suppliers if supplier.name == key[0])
    return supplier.setup_cost * m.ordered[key] if supplier.setup_cost else 0.0


def placed(m: Any, quantity: Array, keys: Iterable[Any]) -> Array:
    """Return quantities, one a key, as orders have them: nothing where nothing is ordered, and whole lots."""
    ordered, lots = m.component("ordered"), m.component("lots")
    if not isinstance(ordered, pyo.Var) and not isinstance(lots, pyo.Var):
        return quantity
    each = {supplier.name: supplier.lot_size for supplier in info_of(m).case.suppliers}
    found = quantity.ravel().copy()
    for k, key in enumerate(keys):
        if lots is not None and key in lots:
            found[k] = each[key[0]] * round(lots[key].value)
        if ordered is not None and key in ordered and ordered[key].value < 0.5:
            found[k] = 0.0
    return found.reshape(np.shape(quantity))


def refuse_without_capacity(case: AssemblerCase, what: str) -> None:
    """Raise InputError for rules of a supplier without a capacity, where no other bound on orders is known to be none."""
    for i, supplier in enumerate(case.suppliers):
        if supplier.rules and supplier.capacity is None:
            key = supplier.rules[0]
            allowed = f"for {what} beside a capacity of the same supplier, which bounds his orders"
            raise InputError.of(f"suppliers[{i}].{key}", getattr(supplier, key), allowed, case.name)


def refuse_rules(case: AssemblerCase, what: str) -> None:
    """Raise InputError for rules of orders; `what`: what takes none, in words."""
    for i, supplier in enumerate(case.suppliers):
        for key in supplier.rules:
            allowed = f"for {what} no rule of orders; mechanisms icds, hybrid, frw, naive and first_best take it, solver highs"
            raise InputError.of(f"suppliers[{i}].{key}", getattr(supplier, key), allowed, case.name)
