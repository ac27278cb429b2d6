"""A retailer's revenue R(q, theta) in a Pyomo model: algebra where there is some, else a function node with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import LinearDemand, Newsvendor, PowerDemand, Revenue
from veridical.data.arrays import Array
from veridical.models.allocation.own_revenue import OwnRevenue
from veridical.models.curvature import Curvature

__all__ = ["Written"]


class Written:
    """Revenue written into a model; `q` is a variable in units, types are numbers.

    Function nodes of one revenue share one function, so that a solver evaluates all of them at once; `block` holds it.
    """

    def __init__(self, revenue: Revenue, block: Any) -> None:
        self.revenue, self.block = revenue, block

    def value(self, q: Any, theta: float) -> Any:
        """R(q, theta), currency."""
        revenue = self.revenue
        if isinstance(revenue, LinearDemand):
            return theta * q - q**2
        if isinstance(revenue, PowerDemand):
            return theta * q - revenue.scale * q ** (revenue.exponent + 1)
        if isinstance(revenue, OwnRevenue):
            return revenue.expression(q, theta)
        return self._node("value", revenue.value, revenue.marginal, revenue.curvature)(q, theta)

    def gain(self, q: Any, low: float, high: float) -> Any:
        """R(q, high) - R(q, low), currency: what a higher type makes more of the same units."""
        if self.revenue.separable:
            return (high - low) * q
        return self.value(q, high) - self.value(q, low)

    def marginal(self, q: Any, theta: float) -> Any:
        """R_q(q, theta), currency per unit."""
        revenue = self.revenue
        if isinstance(revenue, LinearDemand):
            return theta - 2 * q
        if isinstance(revenue, PowerDemand):
            return theta - revenue.scale * (revenue.exponent + 1) * q**revenue.exponent
        if isinstance(revenue, OwnRevenue):
            return revenue.derivative(q, theta)
        return self._node("marginal", revenue.marginal, revenue.curvature, _slope(revenue.curvature))(q, theta)

    def _node(self, name: str, *functions: Callable[[Array, Array], Array]) -> Any:
        """Return the function node of a revenue: value, first and second derivative by q; types are constants."""
        if (node := self.block.component(name)) is not None:
            return node
        value, first, second = functions
        node = pyo.ExternalFunction(
            function=lambda q, theta: float(value(q, theta)),
            gradient=lambda args, fixed: [float(first(*args[:2])), 0.0],
            hessian=lambda args, fixed: [float(second(*args[:2])), 0.0, 0.0],
        )
        node.batch = lambda q, theta: (value(q, theta), [first(q, theta), 0 * q], [second(q, theta), 0 * q, 0 * q])
        if isinstance(self.revenue, Newsvendor):
            curved = Curvature(sign=-1, monotone=1, second=partial(_curvature, self.revenue))
            node.curvature = curved if name == "value" else Curvature(monotone=-1)
        self.block.add_component(name, node)
        return node


def _curvature(revenue: Newsvendor, low: Array, high: Array, theta: Array) -> tuple[Array, Array]:
    """Return the range of R_qq between two quantities: demand that has a mode is most dense there, and least at an end."""
    mode, demand = revenue.demand.mode(theta), revenue.demand
    ends = [np.where(np.isinf(q), 0.0, demand.density(np.where(np.isinf(q), 0.0, q), theta)) for q in (low, high)]
    most = np.inf if mode is None else demand.density(np.clip(mode, low, high), theta)
    return -revenue.margin * np.asarray(most), -revenue.margin * (np.minimum(*ends) if mode is not None else 0.0 * ends[0])


def _slope(function: Callable[[Any, Any], Array]) -> Callable[[Any, Any], Array]:
    """Return the derivative by q by central differences: it speeds a Newton step and decides nothing else."""

    def slope(q: Any, theta: Any) -> Array:
        step = 1e-5 * np.maximum(np.abs(q), 1e-3)
        rise = function(q + step, theta) - function(np.maximum(q - step, 0.0), theta)
        return np.asarray(rise / (step + np.minimum(q, step)))

    return slope
