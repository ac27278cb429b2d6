"""What is sold, in a model: the numbers of one product or of several, their units, expected sales, and what these bring.

Of several products everything is by product: `units[p, t]`, `price[p]`, and the block `expected_sales[p]`. They share components:
`units_in_product[i, p]` of component i in product p.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyomo.environ as pyo

from veridical.data import AssemblerCase
from veridical.data.product import TERMS
from veridical.models.assembler import yields
from veridical.models.expected_sales import expected_sales
from veridical.models.info import info_of

__all__ = ["declare_numbers", "declare_sales", "expected_revenue", "needed"]


def declare_numbers(m: Any, case: AssemblerCase) -> None:
    """Declare `price`, those of `salvage`, `shortage_penalty` and `assembly_cost` that are not 0, and bills of materials."""
    if case.products is None:
        for name, value in case.sale_numbers.items():
            m.add_component(name, pyo.Param(initialize=value, mutable=True))
        return
    m.PRODUCTS = pyo.Set(initialize=[product.name for product in case.products])
    for name in ("price", *TERMS):
        some = {product.name: getattr(product, name) for product in case.products if getattr(product, name)}
        if some:
            m.add_component(name, pyo.Param(list(some), initialize=some, mutable=True))
    units = {(component, product.name): each for product in case.products for component, each in product.units.items()}
    m.units_in_product = pyo.Param(list(units), initialize=units, mutable=True)


def declare_sales(m: Any, profiles: Any, form: str, units: str = "units") -> None:
    """Declare the units assembled by profile, under the name `units`, and `expected_sales`; of several products by product.

    Of one product and random yields by profile and scenario.
    """
    case = info_of(m).case
    if case.products is None:
        m.add_component(units, pyo.Var(yields.assembled(m, profiles), domain=pyo.NonNegativeReals))
        m.expected_sales = expected_sales(m.component(units), case.demand, form)
        return
    m.add_component(units, pyo.Var(m.PRODUCTS, profiles, domain=pyo.NonNegativeReals))
    m.expected_sales = pyo.Block(m.PRODUCTS)
    for product in case.products:
        of_product = pyo.Reference(m.component(units)[product.name, :])
        expected_sales(of_product, product.demand, form, m.expected_sales[product.name])
        families = {
            f"expected_sales[{product.name}].written.{name}": ("profile",) for name in ("cover", "excess_covers", "support")
        }
        info_of(m).index_names |= families | {f"expected_sales[{product.name}].written.tangent": ("profile", "tangent")}


def needed(m: Any, i: str, t: str, units: Any = None) -> Any:
    """Return the units of supplier i's component that products need at a profile; of `units`, or m.units, products.

    Of one product those to be ordered, where yields are sure.
    """
    case, units = info_of(m).case, m.units if units is None else units
    if case.products is None:
        return yields.needed(m, i) * units[t]
    component = case.suppliers[case.names.index(i)].delivers
    parts = (product.name for product in case.products if component in product.units)
    return pyo.quicksum(m.units_in_product[component, product] * units[product, t] for product in parts)


def expected_revenue(m: Any, t: str, units: Any = None) -> Any:
    """S(y(t)) = r E[min(D, y(t))], and what the case says of salvage, lost sales and assembling; y: `units`, or m.units.

    The sum of it over several products; over yields, too, the expectation, where these are random.
    """
    case, units = info_of(m).case, m.units if units is None else units
    if case.products is None:
        made = yields.outcomes(m, t)
        return _revenue(m, case, (), _mean(m.expected_sales.sales, made), lambda: _mean(units, made))
    terms = [
        _revenue(m, product, product.name, m.expected_sales[product.name].sales[t], partial(units.__getitem__, (product.name, t)))
        for product in case.products
    ]
    return pyo.quicksum(terms)


def _mean(component: Any, made: list[tuple[float, Any]]) -> Any:
    """Return the expectation of what a component says of outcomes."""
    return component[made[0][1]] if len(made) == 1 else pyo.quicksum(p * component[key] for p, key in made)


def _revenue(m: Any, sold: Any, index: Any, sales: Any, units: Callable[[], Any]) -> Any:
    """Return what sales of a product and units of it bring; `sold`: the product, or the case of one."""

    def number(name: str) -> Any:
        param = m.component(name)
        return param if index == () else param[index]

    per_sale, terms = number("price"), sold.terms
    if not terms:
        return per_sale * sales
    for name, sign in (("assembly_cost", -1), ("shortage_penalty", 1), ("salvage", -1)):
        if name in terms:
            per_sale = per_sale + sign * number(name)
    revenue = per_sale * sales
    if "salvage" in terms:
        revenue = revenue + number("salvage") * units()
    if "shortage_penalty" in terms:
        revenue = revenue - number("shortage_penalty") * sold.demand.expectation
    return revenue
