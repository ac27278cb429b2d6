"""What parameters are worth at the margin: derivatives of the optimal profit by the envelope theorem, from the duals.

At an optimum the profit moves as the Lagrangian does with contracts and multipliers held: dZ/d(parameter) = dL/d(parameter).
Where duals are not unique (pooled profiles, demand points) the profit has a kink, and any value between the one-sided
derivatives comes out; `veridical.one_sided_derivatives` gives those.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veridical.contracts.allotment import Allotment
from veridical.contracts.menu import Menu
from veridical.data import AssemblerCase

__all__ = ["allocation", "assembler"]

Array = NDArray[np.float64]


def allocation(allotment: Allotment) -> pd.Series:
    """Return dZ/dcapacity, the mean shadow price, or dZ/dcapacity_cost where the capacity is chosen: minus its units."""
    if allotment.case.capacity_cost is not None:
        return pd.Series({"capacity_cost": -allotment.capacity}, name="sensitivity")
    return pd.Series({"capacity": allotment.expected_shadow_price}, name="sensitivity")


def assembler(mechanism: str, menu: Menu, duals: Mapping[str, pd.Series]) -> pd.Series:
    """Return dZ/dprice, dZ/dcost for every supplier and cost, and dZ/dprobability for every profile, by name.

    Names: `price`, `cost panel=4`, `probability panel=4, battery=3`. Probabilities are free weights here: for ones that
    sum to 1 only differences between profiles mean something. Units: currency per unit of the parameter.
    """
    case = menu.case
    sales = case.demand.expected_sales(menu.quantity.min(axis=0))
    worth = case.price * sales - menu.payment.sum(axis=0)  # (2): the weight of beta(t)
    if mechanism == "bic":
        worth = worth + _by_beliefs(menu, duals)
    found: dict[str, float] = {"price": float((case.probability * sales).sum())}
    if mechanism == "continuous":  # costs and probabilities are the grid's, no parameters of the case
        return pd.Series(found, name="sensitivity")
    priced = "individual_rationality" in duals or "full_information" in duals
    cost = _by_duals(menu, duals) if priced else RULES[mechanism](case, menu)
    for i in range(len(case.names)):
        found |= {f"cost {token}": value for token, value in zip(case.tokens(i), cost[i], strict=True)}
    profiles = (", ".join(case.tokens(i)[k] for i, k in enumerate(place)) for place in np.ndindex(*case.shape))
    found |= {f"probability {name}": value for name, value in zip(profiles, worth.ravel().tolist(), strict=True)}
    return pd.Series(found, name="sensitivity")


def _at_cost(case: AssemblerCase, menu: Menu) -> list[list[float]]:
    """Return dZ/dcost where everybody is paid his cost."""
    paid = -case.probability * menu.quantity
    return [np.moveaxis(paid[i], i, 0).reshape(m, -1).sum(axis=1).tolist() for i, m in enumerate(case.shape)]


def _at_highest_cost(case: AssemblerCase, menu: Menu) -> list[list[float]]:
    """Return dZ/dcost where everybody is paid his highest cost for one quantity."""
    return [[0.0] * (m - 1) + [-float(menu.quantity.flat[0])] for m in case.shape]


def _by_rents(case: AssemblerCase, menu: Menu) -> list[list[float]]:
    """Return dZ/dcost at the least rents, (11): minus what a unit of a cost adds to payments.

    A cost is paid to its own type and to all cheaper ones for the units that its type delivers; it shortens the step
    above it, which the cheaper types and its own earn on the next type's units.
    """
    found = []
    for i in range(len(case.shape)):
        weight = np.moveaxis(case.probability, i, 0)
        quantity = np.moveaxis(menu.quantity[i], i, 0)
        upto = np.cumsum(weight, axis=0)
        rest = tuple(range(1, weight.ndim))
        own = (upto * quantity).sum(axis=rest)
        above = np.append((upto[:-1] * quantity[1:]).sum(axis=rest), 0.0)
        found.append((above - own).tolist())
    return found


RULES: Mapping[str, Callable[[AssemblerCase, Menu], list[list[float]]]] = {
    "first_best": _at_cost,
    "naive": _at_highest_cost,
    "frw": _by_rents,
    "hybrid": _by_rents,
    "icds": _by_rents,  # where it has a closed form
    "icds_balanced": _by_rents,
}


def _by_duals(menu: Menu, duals: Mapping[str, pd.Series]) -> list[list[float]]:
    """Return dZ/dcost from the multipliers of the constraints that a cost stands in."""
    case = menu.case
    bought = _Quantities(menu)
    found: dict[tuple[Hashable, ...], float] = {
        (supplier.name, cost): 0.0 for supplier in case.suppliers for cost in supplier.costs
    }
    for (name, cost, *others), dual in _items(duals, "individual_rationality"):
        found[name, cost] -= dual * bought(name, cost, cost, *others)
    for (name, cost, *others), dual in _items(duals, "full_information"):
        found[name, cost] += dual * bought(name, cost, cost, *others)
    for (name, cost, report, *others), dual in _items(duals, "incentive_compatibility"):
        found[name, cost] -= dual * (bought(name, cost, cost, *others) - bought(name, cost, report, *others))
    return [[found[supplier.name, cost] for cost in supplier.costs] for supplier in case.suppliers]


def _by_beliefs(menu: Menu, duals: Mapping[str, pd.Series]) -> Array:
    """Return what a unit of each profile's probability adds by the beliefs that it makes in interim constraints.

    The expectation of g(others) given one's own cost moves by (g(others) - expectation) / marginal.
    """
    case = menu.case
    added = np.zeros(case.shape)
    place = {supplier.name: i for i, supplier in enumerate(case.suppliers)}

    def add(i: int, k: int, dual: float, gain: Array) -> None:
        weight = np.moveaxis(case.probability, i, 0)[k]
        marginal = weight.sum()
        np.moveaxis(added, i, 0)[k] += dual * (gain - (weight * gain).sum() / marginal) / marginal

    for (name, cost, *others), dual in _items(duals, "individual_rationality"):
        if not others:
            i = place[str(name)]
            k = case.suppliers[i].costs.index(cost)
            add(i, k, dual, np.moveaxis(menu.rent(i), i, 0)[k])
    for (name, cost, report, *others), dual in _items(duals, "incentive_compatibility"):
        if not others:
            i = place[str(name)]
            k, s = (case.suppliers[i].costs.index(each) for each in (cost, report))
            earned = np.moveaxis(menu.payment[i] - cost * menu.quantity[i], i, 0)
            add(i, k, dual, earned[k] - earned[s])
    return added


def _items(duals: Mapping[str, pd.Series], family: str) -> list[tuple[tuple[Any, ...], float]]:
    """Return the duals of a family that are not zero."""
    if family not in duals:
        return []
    series = duals[family]
    series = series[series != 0.0]
    return list(zip(series.index.tolist(), series.tolist(), strict=True))


class _Quantities:
    """The quantity bought of a supplier for (his name, cost, report, what the others report), as models name their profiles.

    Without the last, in expectation over the others given his cost.
    """

    def __init__(self, menu: Menu) -> None:
        case = menu.case
        self.at: dict[tuple[Hashable, ...], float] = {}
        self.expected: dict[tuple[Hashable, ...], float] = {}
        for i, supplier in enumerate(case.suppliers):
            own, weight = (np.moveaxis(each, i, 0) for each in (menu.quantity[i], case.probability))
            rest = [case.tokens(j) for j in range(len(case.names)) if j != i]
            for place in np.ndindex(*own.shape[1:]):
                others = ", ".join(tokens[k] for tokens, k in zip(rest, place, strict=True))
                for k, cost in enumerate(supplier.costs):
                    self.at[supplier.name, cost, others] = float(own[(k, *place)])
            for k, cost in enumerate(supplier.costs):
                likely = (
                    weight[k] if weight[k].any() else np.ones_like(weight[k])
                )  # a contract that answers to one's own cost alone
                for s, report in enumerate(supplier.costs):
                    self.expected[supplier.name, cost, report] = float((likely * own[s]).sum() / likely.sum())

    def __call__(self, name: str, cost: float, report: float, others: str | None = None) -> float:
        return self.expected[name, cost, report] if others is None else self.at[name, report, others]
