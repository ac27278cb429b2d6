"""Minimum orders: an allotment is nothing, or at least so much. Binaries, and revenue by its tangents, as HiGHS's MIP takes it.

Equal types get equal units, of which all or none of them get the least: to let one of several identical retailers be served
before the others, list them as groups of their own. Higher types get no less (`monotonicity`), whatever the others are, so that
the mechanism is truthful although units jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError, RetailerGroup
from veridical.data.arrays import Array, ArrayLike
from veridical.data.virtual_revenue import virtual_marginal_revenue
from veridical.models.allocation import vocabulary
from veridical.models.allocation.regularity import concave_up_to
from veridical.models.expected_sales import expected_sales

__all__ = ["Worth", "curves", "declare"]

WORTH = 1e-12  # of what the first unit earns: nobody wants units that are worth less


@dataclass(frozen=True)
class Worth:
    """What units earn with a type, currency: R(q, theta) - rate (R(q, following) - R(q, theta)); concave where it is used."""

    group: RetailerGroup
    theta: float
    following: float | None = None
    rate: float = 0.0

    def value(self, q: ArrayLike) -> Array:
        """What q units earn."""
        revenue = self.group.revenue
        earned = revenue.value(q, self.theta)
        return earned if not self.rate else earned - self.rate * (revenue.value(q, self.following or 0.0) - earned)

    def marginal(self, q: ArrayLike) -> Array:
        """What one more unit earns."""
        theta, following = np.array(self.theta), np.array(self.theta if self.following is None else self.following)
        return virtual_marginal_revenue(self.group.revenue, q, theta, following, np.array(self.rate))


class _Curve:
    """What units earn, relative to the first unit's revenue, as `ExpectedSales` takes a demand."""

    distribution, forms = "revenue", ("tangent",)

    def __init__(self, worth: Worth, most: float) -> None:
        self.worth, self.most = worth, most
        self.scale = float(worth.group.revenue.marginal(0.0, worth.group.theta[-1]))
        self.expectation = float(self.expected_sales(np.linspace(0.0, most, 257)).max()) + 1.0 + most

    def expected_sales(self, q: ArrayLike) -> Array:
        return np.asarray(self.worth.value(q) / self.scale)

    def cdf(self, q: ArrayLike) -> Array:
        return np.asarray(1.0 - self.worth.marginal(q) / self.scale)

    def inverse_cdf(self, level: ArrayLike) -> Array:
        """Units at which tangents are written first: no more than spread over those that there may be."""
        return np.asarray(level, dtype=float) * self.most


def curves(m: Any, worth: Mapping[Any, Worth]) -> dict[Any, Any]:
    """Return what the units of each cell earn, currency, under tangents that solvers refine; `worth`: of each cell."""
    for name, group in vocabulary.groups_of(m):
        _most(m, name, group)
    distinct = list(dict.fromkeys(worth.values()))
    m.earnings = pyo.Block(list(range(len(distinct))))
    found: dict[Any, Any] = {}
    for number, each in enumerate(distinct):
        keys = [key for key, other in worth.items() if other == each]
        curve = _Curve(each, min(m.quantity[key].ub for key in keys))  # concave up to there
        block = m.earnings[number]
        block.units = pyo.Reference({key: m.quantity[key] for key in keys})
        demand: Any = curve
        block.curve = expected_sales(block.units, demand, "tangent")
        for variable in block.curve.written.curve.values():
            variable.setlb(min(0.0, float(curve.expected_sales(curve.most))) - 1.0)
        found |= {key: curve.scale * block.curve.sales[key] for key in keys}
    return found


def declare(m: Any) -> None:
    """Declare `placed`, whether a type is allotted anything at a profile, with `minimum_order` and `no_order`."""
    groups = {name: group for name, group in vocabulary.groups_of(m) if group.minimum_order is not None}
    if not groups:
        return
    index = [key for key in m.CELLS if key[1] in groups]
    most = {name: _most(m, name, group) for name, group in groups.items()}
    m.placed = pyo.Var(index, domain=pyo.Binary)

    @m.Constraint(index)
    def minimum_order(m: Any, t: str, g: str, theta: float) -> Any:
        return m.quantity[t, g, theta] >= groups[g].minimum_order * m.placed[t, g, theta]

    @m.Constraint(index)
    def no_order(m: Any, t: str, g: str, theta: float) -> Any:
        return m.quantity[t, g, theta] <= most[g] * m.placed[t, g, theta]


def _most(m: Any, name: str, group: RetailerGroup) -> float:
    """Return units of a retailer that no optimum exceeds, and bound them by it.

    What there is, what he can take, or the most that is worth anything to his highest type, and no less than his least order.
    Raises InputError where virtual revenue is not concave up to there, or units beyond could be salvaged.
    """
    case = vocabulary.details(m).case
    revenue, i = group.revenue, case.names.index(name)
    worth = float(np.nan_to_num(revenue.quantity(revenue.falls_to(WORTH, group.theta), group.theta), posinf=np.inf).max())
    most = min(group.most, np.inf if case.capacity is None else case.capacity)
    if revenue.floor > 0 and (not np.isfinite(most) or (concave_up_to(group) < most).any()):
        upto = float(concave_up_to(group).min())
        limit = f"of at most {upto:.6g}, up to which virtual revenue is concave" if np.isfinite(upto) else "that is finite"
        allowed = f"0 beside a minimum order, or a capacity of {name} {limit}"
        raise InputError.of(f"retailers[{i}].revenue.salvage", revenue.floor, allowed, case.name)
    least = group.minimum_order or 0.0
    if (concave_up_to(group) < least).any():
        allowed = f"at most {concave_up_to(group).min():.6g}, up to which virtual revenue is concave"
        raise InputError.of(f"retailers[{i}].minimum_order", least, allowed, case.name)
    if revenue.floor == 0:
        most = min(most, max(worth, least))
    for key in m.CELLS:
        if key[1] == name:
            bound = m.quantity[key].ub
            m.quantity[key].setub(most if bound is None else min(bound, most))
    return most
