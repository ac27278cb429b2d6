"""The numbers of an assembler's case that stand in mutable Params: a model that is built once can be given those of another case.

Price, costs and probabilities do, and what the case says of salvage, lost sales, assembling, capacities, yields and reservation
profits. What models are built from is everything else of a case, and its yields: see `structure`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from itertools import islice, product
from operator import attrgetter
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import AssemblerCase
from veridical.data.arrays import Array
from veridical.data.assembler import label
from veridical.models.info import Carried, info_of
from veridical.models.linear_families import members_of

__all__ = ["beliefs", "carried", "case_of", "named", "named_costs", "profile_names"]
__all__ += ["sale_params", "sale_values", "structure", "value", "without_noise"]

ROUNDING = 64 * float(np.finfo(float).eps)  # relative
OF_OTHERS = {"others", "profile"}  # parts of an index that are made of costs by name, or are no costs at all
OF_COSTS = {"cost", "next_cost", "report"}  # parts that are a cost of the index's supplier


def structure(case: AssemblerCase, *further: Hashable) -> Hashable:
    """Return what models are built from beside the numbers in Params; `further`: what a mechanism decides by those."""
    each = tuple(
        (
            *(
                (s.units_per_product, s.capacity, *((name, getattr(s, name)) for name in s.rules))
                if s.rules
                else (s.capacity is None,)
            ),
            s.delivers,
            getattr(s, "yield"),
            case.reservation_tokens(i) if any(s.reservations) else (),
        )
        for i, s in enumerate(case.suppliers)
    )
    sold = tuple((p.name, p.demand, p.terms, tuple(p.units)) for p in case.products or ())
    asked = (case.demand, case.terms, case.has_bill) if case.products is None else sold
    return case.names, case.shape, asked, case.ambiguity, tuple(case.sources), each, further


def profile_names(case: AssemblerCase) -> list[str]:
    """Return the cost profiles' names, in the order of arrays over them."""
    return [", ".join(tokens) for tokens in product(*(case.tokens(i) for i in range(len(case.names))))]


def named(m: Any, case: AssemblerCase) -> dict[str, Any]:
    """Return the mutable Params of a model by the names that a case gives them: prices, costs, and any probabilities."""
    costs = (f"cost {s.name}={label(cost)}" for s in case.suppliers for cost in s.costs)
    parameters = sale_params(m, case)
    parameters |= dict(zip(costs, m.cost.values(), strict=True))
    families = {"units_per_product": "units_per_product", "deliverable": "capacity", "reservation_profit": "reservation_profit"}
    for family, name in families.items():
        if isinstance(params := m.component(family), pyo.Param):
            parameters |= {f"{name} {key}": param for key, param in params.items()}
    if isinstance(usable := m.component("usable"), pyo.Param):
        for i, supplier in enumerate(case.suppliers):
            shares = zip(supplier.usable.values, case.yield_tokens(i), strict=False)  # no tokens where the case says nothing
            parameters |= {f"yield {token}": usable[supplier.name, share] for share, token in shares}
    if isinstance(likely := m.component("probability"), pyo.Param):
        names = (f"probability {t}" for t in profile_names(case))
        parameters |= dict(zip(names, likely.values(), strict=True))
    return parameters


def sale_params(m: Any, case: AssemblerCase) -> dict[str, Any]:
    """Return the Params of a model that say what sales bring, and the bill of materials of several products, by a case's names.

    A name stands for None where somebody has put something else in the Param's place.
    """

    def param(family: str, *key: str) -> Any:
        component = m.component(family)
        return (component[key] if key else component) if isinstance(component, pyo.Param) else None

    if case.products is None:
        return {name: param(name) for name in case.sale_numbers}
    found = {}
    for name in case.sale_numbers:
        product, key = name.removeprefix("products.").rsplit(".", 1)
        found[name] = param(key, product)
    return found | {f"products.{p.name}.units.{i}": param("units_in_product", i, p.name) for p in case.products for i in p.units}


def sale_values(case: AssemblerCase) -> dict[str, float]:
    """Return the numbers that stand in `sale_params`, by the same names."""
    units = {f"products.{p.name}.units.{i}": each for p in case.products or () for i, each in p.units.items()}
    return case.sale_numbers | units


def case_of(m: Any) -> AssemblerCase:
    """Return the case with the numbers that stand in the model now; the one that it was built from where none has changed."""
    case: AssemblerCase = info_of(m).case
    changes: dict[str, Any] = {}
    numbers = (float(param.value) for param in m.cost.values())
    costs = [tuple(islice(numbers, len(supplier.costs))) for supplier in case.suppliers]
    known = sale_values(case)
    for name, param in sale_params(m, case).items():
        if param is not None and param.value != known[name]:
            changes[name] = param.value
    radius = m.component("radius")
    if case.ambiguity is not None and isinstance(radius, pyo.Param) and radius.value != case.ambiguity.radius:
        changes["ambiguity"] = case.ambiguity.changed(radius=radius.value)
    said: dict[str, dict[str, Any]] = {
        s.name: {} if now == s.costs else {"costs": now} for s, now in zip(case.suppliers, costs, strict=True)
    }
    if isinstance(m.component("units_per_product"), pyo.Param):
        for supplier in case.suppliers:
            if m.units_per_product[supplier.name].value != supplier.units_per_product:
                said[supplier.name]["units_per_product"] = m.units_per_product[supplier.name].value
    if isinstance(m.component("deliverable"), pyo.Param):
        for supplier in case.suppliers:
            if supplier.capacity is not None and m.deliverable[supplier.name].value != supplier.capacity:
                said[supplier.name]["capacity"] = m.deliverable[supplier.name].value
    if isinstance(m.component("usable"), pyo.Param):
        for supplier in case.suppliers:
            shares = tuple(m.usable[supplier.name, share].value for share in supplier.usable.values)
            if shares != supplier.usable.values:
                said[supplier.name]["yield"] = supplier.usable.changed(values=shares)
    if isinstance(m.component("reservation_profit"), pyo.Param):
        for i, supplier in enumerate(case.suppliers):
            params = [m.reservation_profit[token] for token in case.reservation_tokens(i) if token in m.reservation_profit]
            now = [param.value for param in params]
            if now and tuple(now) != supplier.reservations:
                varies = isinstance(supplier.reservation_profit, tuple)
                said[supplier.name]["reservation_profit"] = now if varies else now[0]
    if any(said.values()):
        changes["suppliers"] = [s.changed(**said[s.name]) for s in case.suppliers]
    if m.component("probability") is not None:
        table = value(m.probability, case.shape)
        if not np.array_equal(table, case.probability):
            suppliers = changes.get("suppliers", case.suppliers)
            changes |= {"suppliers": [s.without_prior() for s in suppliers], "prior": {"joint": table.tolist()}}
    return case.changed(**changes) if changes else case


def value(variable: Any, shape: tuple[int, ...]) -> Array:
    """Return the values of an indexed variable or Param as an array, in the order of its index set."""
    values = np.fromiter(map(attrgetter("value"), members_of(variable)), dtype=float, count=len(variable))
    return values.reshape(shape)


def without_noise(numbers: Array) -> Array:
    """Return numbers of a menu without those that are no more than the rounding of its largest: next to it they are nothing.

    A supplier who is not needed is left such traces, of which nobody can say that they are truthful.
    """
    return np.where(np.abs(numbers) <= ROUNDING * np.abs(numbers).max(), 0.0, numbers)


def renumber(m: Any, case: AssemblerCase) -> None:
    """Give a model that was built for a case of the same structure the numbers of this one, and its names to what comes of it."""
    info = info_of(m)
    for name, param in sale_params(m, case).items():
        param.set_value(sale_values(case)[name])
    for i, supplier in enumerate(case.suppliers):
        if isinstance(each := m.component("units_per_product"), pyo.Param):
            each[supplier.name].set_value(supplier.units_per_product)
        if supplier.capacity is not None:
            m.deliverable[supplier.name].set_value(supplier.capacity)
        if any(supplier.reservations):
            for token, profit in zip(case.reservation_tokens(i), supplier.reservations, strict=True):
                m.reservation_profit[token].set_value(profit)
    costs = [cost for supplier in case.suppliers for cost in supplier.costs]
    for param, cost in zip(m.cost.values(), costs, strict=True):
        if param.value != cost:  # most often it does not, and Pyomo takes longer to check a value than all the rest
            param.set_value(cost)
    if isinstance(likely := m.component("probability"), pyo.Param):
        for param, probability in zip(likely.values(), case.probability.ravel().tolist(), strict=True):
            if param.value != probability:
                param.set_value(probability)
    if costs != [cost for supplier in info.case.suppliers for cost in supplier.costs]:
        info.parameters, info.renamed = named(m, case), _renaming([(i, cost) for i, cost in m.COSTS], case)
    info.case = case
    if info.refresh is not None:
        info.refresh(m)


def _renaming(built: list[tuple[str, float]], case: AssemblerCase) -> Callable[[tuple[str, ...], Any], Any]:
    """Return what puts a case's costs in the place of those that a model was built with, in an index of these parts."""
    new = dict(zip(built, (cost for supplier in case.suppliers for cost in supplier.costs), strict=True))

    @cache
    def words() -> dict[str, str]:
        before = [[f"{i}={label(cost)}" for i, cost in built if i == name] for name in case.names]
        after = [case.tokens(i) for i in range(len(case.names))]
        words: dict[str, str] = {}
        for left_out in (None, *range(len(case.names))):
            old, now = ([tokens for i, tokens in enumerate(side) if i != left_out] for side in (before, after))
            words |= {", ".join(one): ", ".join(other) for one, other in zip(product(*old), product(*now), strict=True)}
        return words

    def renamed(parts: tuple[str, ...], key: Any) -> Any:
        alone = not isinstance(key, tuple)
        found = [
            new[key[0], one] if part in OF_COSTS else words().get(one, one) if part in OF_OTHERS else one
            for part, one in zip(parts, (key,) if alone else key, strict=True)
        ]
        return found[0] if alone else tuple(found)

    return renamed


def carried(further: Callable[..., Hashable | None] = lambda case, **parameters: ()) -> Carried:
    """Return how models of a mechanism are given other numbers.

    `further`: what the mechanism decides from the numbers while its model is built, for a case and the mechanism's parameters;
    None where a model is not to be used again.
    """

    def of(case: AssemblerCase, **parameters: Any) -> Hashable | None:
        decided = further(case, **parameters)
        return None if decided is None else structure(case, decided)

    return Carried(of, renumber)


def named_costs(case: AssemblerCase, coalitions: bool = False, **parameters: Any) -> Hashable:
    """Return the costs where constraints of coalitions are named by them, several at a time."""
    return tuple(supplier.costs for supplier in case.suppliers) if coalitions else ()


def beliefs(case: AssemblerCase, max_payment: float | None = None, **parameters: Any) -> Hashable | None:
    """Return what a Bayesian model decides by: the prior says whom it reckons with. Bounds on payments move with the price."""
    return None if max_payment is not None else np.asarray(case.probability).tobytes()
