"""What a retailer earns from q units when his private type is theta: R(q, theta), concave in q, with increasing differences.

To use another revenue, subclass `Revenue` with a `form` of its own and hand an instance to a retailer group in Python; case files
know the form once the class is registered (`register_revenue`). A group refuses one whose functions do not fit together.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import Field, SerializeAsAny, model_validator

from veridical.data.arrays import Array, ArrayLike
from veridical.data.fields import NonNegative, Positive, label
from veridical.data.record import Record, wrong
from veridical.data.registry import Registry
from veridical.data.typed_demand import AnyTypedDemand

__all__ = ["REVENUES", "AnyRevenue", "InverseDemand", "LinearDemand", "Newsvendor", "PowerDemand", "Revenue", "register_revenue"]

OwnT = TypeVar("OwnT", bound="Revenue")


class Revenue(Record):
    """A retailer's revenue, currency; q >= 0 in units, type theta >= 0; functions broadcast over arrays of any shape.

    What the mechanisms rest on: R(0, theta) = 0; R concave in q (assumption 1); R and R_q non-decreasing in theta (assumption 2).
    The virtual revenue must fall in q once it has a maximum, as it does for every form here.
    `separable`: R_q_theta does not depend on q, so that types of one pool are pooled at every quantity.
    `explicit`: `quantity` is a formula, not a search, which is worth avoiding.

    Examples
    --------
    >>> revenue = LinearDemand()
    >>> float(revenue.value(2, 8)), float(revenue.marginal(2, 8)), float(revenue.quantity(4, 8))     # R = 2 (8 - 2)
    (12.0, 4.0, 2.0)
    """

    form: str
    separable: ClassVar[bool] = False
    explicit: ClassVar[bool] = True

    @abstractmethod
    def value(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R(q, theta), currency."""

    @abstractmethod
    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q, currency per unit."""

    @abstractmethod
    def by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_theta, currency per unit of type: the information rent that a continuous type gains as it rises."""

    @abstractmethod
    def marginal_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q_theta >= 0."""

    def marginal_gain(self, q: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
        """R_q(q, high) - R_q(q, low), currency per unit: what a higher type earns more by one more unit."""
        return np.asarray(self.marginal(q, high) - self.marginal(q, low))

    @abstractmethod
    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Array:
        """Largest q >= 0 at which R_q is `marginal`, units; 0 where R_q is below it throughout.

        At 0 the upper end of useful quantities: infinite where there is none (`unbounded`).
        """

    def curvature(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_qq, currency per unit squared; by differences of R_q unless a form knows it: Newton steps need no more."""
        q = np.asarray(q, dtype=float)
        step = 1e-5 * np.maximum(np.abs(q), 1e-3)
        return np.asarray((self.marginal(q + step, theta) - self.marginal(q, theta)) / step)

    @property
    def floor(self) -> float:
        """What one more unit earns at least, however many there are, currency per unit: 0 but for what can be salvaged."""
        return 0.0

    def falls_to(self, share: ArrayLike, theta: ArrayLike) -> Array:
        """Return marginal revenue with a `share` of what the first unit earns above the `floor`, currency per unit."""
        return np.asarray(self.floor + np.asarray(share) * (self.marginal(0.0, theta) - self.floor))

    @property
    def unbounded(self) -> bool:
        """Whether more units earn more, however many there are."""
        return bool(np.isinf(self.quantity(0.0, 1.0)))


class InverseDemand(Revenue):
    """Units sell at a price that is theta less what the market takes off for their number: R = q (theta - v(q)). (17)-(18)."""

    separable = True

    def by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_theta = q."""
        return np.asarray(q, dtype=float) * np.ones(np.shape(theta))

    def marginal_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q_theta = 1."""
        return np.ones(np.broadcast_shapes(np.shape(q), np.shape(theta)))


class LinearDemand(InverseDemand):
    """Units sell at the price theta - q: R = q (theta - q). Example 1, (15).

    Examples
    --------
    >>> float(LinearDemand().value(2, 8))                              # 2 units at the price 8 - 2
    12.0
    """

    form: Literal["linear_demand"] = "linear_demand"

    def value(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R(q, theta), currency."""
        q = np.asarray(q, dtype=float)
        return np.asarray(q * (np.asarray(theta, dtype=float) - q))

    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q = theta - 2 q."""
        return np.asarray(np.asarray(theta, dtype=float) - 2 * np.asarray(q, dtype=float))

    def curvature(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_qq = -2."""
        return np.full(np.broadcast_shapes(np.shape(q), np.shape(theta)), -2.0)

    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Array:
        """(theta - marginal)^+ / 2."""
        return np.maximum(np.asarray(theta, dtype=float) - marginal, 0.0) / 2


class PowerDemand(InverseDemand):
    """Units sell at the price theta - a q^b, with a the `scale` and b the `exponent`: R = q (theta - a q^b). Example 3, (18).

    Examples
    --------
    >>> float(PowerDemand(scale=0.5, exponent=2).value(2, 8))          # 2 units at the price 8 - 0.5 * 2^2
    12.0
    """

    form: Literal["power_demand"] = "power_demand"
    scale: Positive = Field(description="a in the price t - a q^b of q units, where t is the type; > 0")
    exponent: Positive = Field(description="b in the price t - a q^b of q units, > 0")

    def value(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R(q, theta), currency."""
        q = np.asarray(q, dtype=float)
        return q * (np.asarray(theta, dtype=float) - self.scale * q**self.exponent)

    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q = theta - a (b + 1) q^b."""
        return np.asarray(theta, dtype=float) - self.scale * (self.exponent + 1) * np.asarray(q, dtype=float) ** self.exponent

    def curvature(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_qq = -a b (b + 1) q^(b - 1)."""
        power = np.asarray(q, dtype=float) ** (self.exponent - 1)
        return -self.scale * self.exponent * (self.exponent + 1) * power * np.ones(np.shape(theta))

    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Array:
        """((theta - marginal)^+ / (a (b + 1)))^(1 / b)."""
        left: Array = np.maximum(np.asarray(theta, dtype=float) - marginal, 0.0) / (self.scale * (self.exponent + 1))
        return np.asarray(left ** (1 / self.exponent), dtype=float)


class Newsvendor(Revenue):
    """A newsvendor who sells at a fixed `price` what he has, up to his demand: R = price E[min(D^+, q)]. (16).

    `salvage`: what a unit that is left over is worth; `shortage_penalty`: what a lost sale costs beyond itself; currency per
    unit. A retailer without units loses all sales, and g E[D^+] with them, so what units earn him is
    R = (p - s + g) E[min(D^+, q)] + s q: the penalty saved counts as earned, and R(0, theta) is 0.

    Examples
    --------
    >>> shop = Newsvendor(price=10, demand={"distribution": "uniform"})     # demand from 0 to the type
    >>> float(shop.value(50, 100)), float(shop.marginal(50, 100))      # 10 (50 - 50^2 / 200), 10 / 2
    (375.0, 5.0)
    """

    quiet: ClassVar = frozenset({"salvage", "shortage_penalty"})

    form: Literal["newsvendor"] = "newsvendor"
    price: Positive = Field(description="what a unit sells for, currency per unit, > 0")
    demand: AnyTypedDemand = Field(description="a table with the key distribution, in which the type is the place or the scale")
    salvage: NonNegative = Field(default=0.0, description="what a unit that is left over is worth, currency per unit")
    shortage_penalty: NonNegative = Field(default=0.0, description="what a lost sale costs beyond itself, currency per unit")

    @model_validator(mode="after")
    def _worth_selling(self) -> Newsvendor:
        if self.margin <= 0:
            most = self.price + self.shortage_penalty
            raise wrong(self.salvage, f"a number below price + shortage_penalty, {label(most)}: else no sale pays", "salvage")
        return self

    @property
    def margin(self) -> float:
        """What a unit that is sold earns more than one that is left over, currency per unit: p - s + g."""
        return self.price - self.salvage + self.shortage_penalty

    @property
    def floor(self) -> float:
        """What a unit is worth that is left over: the salvage."""
        return self.salvage

    def value(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R(q, theta), currency."""
        sold = self.margin * self.demand.sales(q, theta)
        return np.asarray(sold + self.salvage * np.asarray(q, dtype=float)) if self.salvage else sold

    def marginal(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q = price P(D > q)."""
        sold = self.margin * self.demand.survival(q, theta)
        return sold + self.salvage if self.salvage else sold

    def marginal_gain(self, q: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
        """(p - s + g) (P(D > q) of the higher type less that of the lower)."""
        return self.margin * self.demand.survival_gain(q, low, high)

    def by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_theta, currency per unit of type."""
        return self.margin * self.demand.sales_by_type(q, theta)

    def marginal_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_q_theta."""
        return self.margin * self.demand.survival_by_type(q, theta)

    def curvature(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """R_qq = -(p - s + g) times the density of D."""
        return -self.margin * self.demand.density(q, theta)

    def quantity(self, marginal: ArrayLike, theta: ArrayLike) -> Array:
        """Largest q >= 0 with (p - s + g) P(D > q) + s = marginal, units; infinite below the salvage."""
        asked = np.asarray(marginal, dtype=float) - self.salvage
        units = self.demand.quantile(np.clip(asked / self.margin, 0.0, 1.0), theta)
        return np.where(asked < 0, np.inf, units) if self.salvage else units


REVENUES: Registry[Revenue] = Registry(Revenue, "form")


def register_revenue(cls: type[OwnT]) -> type[OwnT]:
    """Make a revenue of your own known to case files, in place of one of the same form; may be used as a decorator.

    Parameters
    ----------
    cls
        A subclass of `Revenue` whose field `form` has the name as its default, with all methods.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    InputError
        For a class that is no such subclass.

    Examples
    --------
    Units sell at the price theta - 2 q:

    >>> @register_revenue
    ... class Steep(LinearDemand):
    ...     form: Literal["steep"] = "steep"
    ...     def value(self, q, theta):
    ...         return np.asarray(q * (theta - 2.0 * np.asarray(q)))
    ...     def marginal(self, q, theta):
    ...         return np.asarray(theta - 4.0 * np.asarray(q))
    ...     def curvature(self, q, theta):
    ...         return np.full(np.broadcast_shapes(np.shape(q), np.shape(theta)), -4.0)
    ...     def quantity(self, marginal, theta):
    ...         return np.maximum(theta - np.asarray(marginal), 0.0) / 4.0
    >>> import veridical as vd
    >>> case = vd.example("two-retailers").changed(capacity=10, **{"retailers.0.revenue": {"form": "steep"}})
    >>> round(vd.solve(case, "centralized", "closed_form").objective, 6)      # theta / 4 units each, which earn theta^2 / 8
    9.5
    >>> del REVENUES["steep"]
    """
    return REVENUES.register(cls)


for built_in in (LinearDemand, PowerDemand, Newsvendor):
    register_revenue(built_in)
AnyRevenue = Annotated[Revenue, SerializeAsAny(), REVENUES.reader]
