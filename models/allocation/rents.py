"""What the supplier keeps of retailers' revenue: virtual revenue, from which rents are taken off; or rents as variables.

Types may be independent or not. Given what the others are, a retailer of type k leaves R(Q_k, theta_{k+1}) - R(Q_k, theta_k) to
everybody above him, so what is taken off is that times how likely those are against the same others. This holds profile by
profile for truth in dominant strategies and participation ex post, whatever the prior is. Where higher types earn more elsewhere
(`RetailerGroup.countervailing`) it is not known who could leave, and rents are variables.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError, RetailerGroup
from veridical.data.arrays import Array
from veridical.models.allocation import least_orders, terms, vocabulary
from veridical.models.allocation.regularity import concave_up_to

__all__ = ["earned", "revenue", "virtual_marginal", "virtual_revenue"]

NEVER = 1e9  # stands for the inverse hazard of a type that never meets these others, where higher types do


def earned(m: Any) -> Any:
    """Declare what revenue brings the supplier, and return its expectation, currency: rents and what retailers keep taken off."""
    case = vocabulary.details(m).case
    countervailing = any(group.countervailing for group in case.retailers)
    if (countervailing or not case.independent) and not all(group.revenue.separable for group in case.retailers):
        what = "of whom higher types earn more elsewhere" if countervailing else "whose types depend on one another"
        case.refuse_minimum_orders(f"newsvendors {what}", "linear and power demand take it")
    if countervailing:
        return _less_rents(m)
    if case.independent:
        virtual_revenue(m)
        return vocabulary.expected(m, lambda *key: m.virtual_revenue[key]) - terms.owed(m, lowest=True)
    return _correlated(m) - terms.owed(m, lowest=True)


def revenue(m: Any, lowest: bool = False) -> Any:
    """Return R of every cell by its key, with its own type or the `lowest` of its group; by tangents beside minimum orders."""
    revenues, groups = vocabulary.details(m).revenues, dict(vocabulary.groups_of(m))

    def theta_of(key: Any) -> float:
        return float(groups[key[1]].theta[0]) if lowest else float(key[2])

    if vocabulary.details(m).case.has_minimum_orders:
        return least_orders.curves(m, {key: least_orders.Worth(groups[key[1]], theta_of(key)) for key in m.CELLS})
    return {key: revenues[key[1]].value(m.quantity[key], theta_of(key)) for key in m.CELLS}


def rates(m: Any) -> dict[tuple[str, float], tuple[float, Any]]:
    """Return for each type the next one and the inverse hazard (1 - F) / f; None for the highest, above which there is nobody."""
    rates: dict[tuple[str, float], tuple[float, Any]] = {}
    for name, group in vocabulary.groups_of(m):
        types = list(group.types or ())
        for k, (theta, following) in enumerate(pairwise(types)):
            above = pyo.quicksum(m.type_probability[name, higher] for higher in types[k + 1 :])
            rates[name, theta] = following, above / m.type_probability[name, theta]
        rates[name, types[-1]] = types[-1], None
    return rates


def virtual_revenue(m: Any) -> None:
    """Declare `virtual_revenue` of every cell: R(q, theta_k) - (1 - F_k) / f_k [R(q, theta_{k+1}) - R(q, theta_k)].

    Where it is concave up to some quantity only, as for newsvendors, that is the upper bound of `quantity`.
    """
    following, info = rates(m), vocabulary.details(m)
    for name, group in vocabulary.groups_of(m):
        most = dict(zip(group.types or (), concave_up_to(group).tolist(), strict=True))
        vocabulary.bound_units(m, name, most)
    if info.case.has_minimum_orders:
        groups = dict(vocabulary.groups_of(m))
        worth = {}
        for key in m.CELLS:
            above, rate = following[key[1:]]
            worth[key] = least_orders.Worth(groups[key[1]], key[2], above, 0.0 if rate is None else float(pyo.value(rate)))
        m.virtual_revenue = pyo.Expression(m.CELLS, initialize=least_orders.curves(m, worth))
        return
    revenues = info.revenues

    @m.Expression(m.CELLS)
    def virtual_revenue(m: Any, t: str, g: str, theta: float) -> Any:
        q, (above, rate) = m.quantity[t, g, theta], following[g, theta]
        revenue = revenues[g].value(q, theta)
        return revenue if rate is None else revenue - rate * revenues[g].gain(q, theta, above)


def virtual_marginal(m: Any) -> None:
    """Declare `virtual_marginal`, the derivative of virtual revenue by units: the left side of (6)."""
    following, revenues = rates(m), vocabulary.details(m).revenues

    @m.Expression(m.CELLS)
    def virtual_marginal(m: Any, t: str, g: str, theta: float) -> Any:
        q, (above, rate) = m.quantity[t, g, theta], following[g, theta]
        marginal = revenues[g].marginal(q, theta)
        if rate is None:
            return marginal
        if revenues[g].revenue.separable:
            return marginal - rate * (above - theta)
        return (1 + rate) * marginal - rate * revenues[g].marginal(q, above)


def _correlated(m: Any) -> Any:
    """Return expected virtual revenue of types that depend on one another, given what the others are."""
    info = vocabulary.details(m)
    revenues = info.revenues
    against: dict[tuple[str, str], list[Any]] = {}  # of each group and others: the cells, types ascending
    for (g, _, others), key in sorted(vocabulary.by_others(m).items(), key=lambda entry: entry[0][1]):
        against.setdefault((g, others), []).append(key)
    groups = dict(vocabulary.groups_of(m))
    parts, worth = [], {}
    for (g, _), keys in against.items():
        often = np.array([pyo.value(m.probability[key[0]]) * m.count[key] for key in keys])
        above = np.append(np.cumsum(often[::-1])[-2::-1], 0.0)
        rate = np.where(often > 0, above / np.where(often > 0, often, 1.0), np.where(above > 0, NEVER, 0.0))
        most = concave_up_to(groups[g], rate)
        _refuse_salvage(m, g, groups[g], most)
        for k, key in enumerate(keys):
            if most[k] < np.inf:
                vocabulary.bound_unit(m, key, float(most[k]))
            following = keys[k + 1][2] if k + 1 < len(keys) else key[2]
            if info.case.has_minimum_orders and often[k] > 0:
                worth[key] = (often[k], least_orders.Worth(groups[g], key[2], following, float(rate[k])))
                continue
            if often[k] > 0:
                parts.append(often[k] * revenues[g].value(m.quantity[key], key[2]))
            if above[k] > 0:
                parts.append(-above[k] * revenues[g].gain(m.quantity[key], key[2], following))
    curves = least_orders.curves(m, {key: each for key, (_, each) in worth.items()}) if worth else {}
    return pyo.quicksum([*parts, *(often * curves[key] for key, (often, _) in worth.items())])


def _refuse_salvage(m: Any, name: str, group: RetailerGroup, most: Array) -> None:
    """Raise InputError where virtual revenue is not concave up to all units that a retailer could be given to salvage."""
    case = vocabulary.details(m).case
    if group.revenue.floor > 0 and (most < min(group.most, np.inf if case.capacity is None else case.capacity)).any():
        allowed = f"0 beside types that depend on one another, or a capacity of {name} of at most {most.min():.6g} units"
        field = f"retailers[{case.names.index(name)}].revenue.salvage"
        raise InputError.of(field, group.revenue.floor, allowed, case.name)


def _less_rents(m: Any) -> Any:
    """Declare rents as variables, with participation and truth against neighbouring reports, and return what is left."""
    info = vocabulary.details(m)
    vocabulary.satiate(m)
    cells, revenues = vocabulary.by_others(m), info.revenues
    pairs = [  # a type, the next one, and what the others are
        (g, low, high, others)
        for g, group in vocabulary.groups_of(m)
        for low, high in pairwise(group.theta.tolist())
        for others in [others for (name, theta, others) in cells if (name, theta) == (g, low)]
    ]
    m.rent = pyo.Var(list(cells), domain=pyo.Reals, initialize=0.0)

    @m.Constraint(list(cells))
    def participation(m: Any, g: str, theta: float, others: str) -> Any:
        return m.rent[g, theta, others] >= terms.reserved(m, g, theta)

    def gains(key: Any, g: str, low: float, high: float) -> Any:
        return revenues[g].gain(m.quantity[key], low, high)

    m.report_lower = pyo.Constraint([(g, high, others) for g, _, high, others in pairs])
    m.report_higher = pyo.Constraint([(g, low, others) for g, low, _, others in pairs])
    for g, low, high, others in pairs:
        lower, higher = m.rent[g, low, others], m.rent[g, high, others]
        m.report_lower[g, high, others] = higher >= lower + gains(cells[g, low, others], g, low, high)
        m.report_higher[g, low, others] = lower >= higher - gains(cells[g, high, others], g, low, high)
    earnings = revenue(m)
    left = {key: earnings[key] - m.rent[of] for of, key in cells.items()}
    return vocabulary.expected(m, lambda *key: left[key])
