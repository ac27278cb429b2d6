"""What every demand distribution knows about itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, SerializeAsAny

from veridical.data.arrays import Array, ArrayLike
from veridical.data.demand.agreement import agreeing
from veridical.data.record import Record
from veridical.data.registry import Registry

__all__ = ["DEMANDS", "AnyDemand", "Demand", "register_demand"]


class Demand(Record):
    """A demand distribution with cdf F; all functions take and return arrays of any shape.

    Examples
    --------
    >>> from veridical.data import Uniform
    >>> demand = Uniform(low=100, high=900)
    >>> float(demand.newsvendor_quantity(price=10, unit_cost=5))       # half of the time demand is at most
    500.0
    """

    forms: ClassVar[tuple[str, ...]] = ("tangent",)
    distribution: str

    @property
    @abstractmethod
    def expectation(self) -> float:
        """E[D], units."""

    @abstractmethod
    def cdf(self, q: ArrayLike) -> Array:
        """F(q) = P(D <= q)."""

    @abstractmethod
    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u, for u in [0, 1]; infinite at u = 1 where the support is."""

    @abstractmethod
    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] for q >= 0, units: concave, with slope 1 - F(q)."""

    def newsvendor_quantity(self, price: float, unit_cost: ArrayLike) -> Array:
        """Quantity that maximises price * E[min(D, q)] - unit_cost * q: F(q) = (price - unit_cost) / price.

        Where unit_cost >= price (infinite included) the answer is 0, not the lower end of the support: there
        F(q) = 0 leaves q open, but the first unit already loses money. Eq. (19) of the assembler paper.
        """
        ratio = np.clip(1.0 - np.asarray(unit_cost, dtype=float) / price, 0.0, 1.0)
        return np.where(ratio > 0.0, self.inverse_cdf(ratio), 0.0)


DEMANDS: Registry[Demand] = Registry(Demand, "distribution", "veridical.demands")
register_demand = DEMANDS.register
AnyDemand = Annotated[Demand, SerializeAsAny(), DEMANDS.reader, AfterValidator(agreeing)]
