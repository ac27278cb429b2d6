"""A retailer's type as everybody else sees it: a continuous distribution from a finite lower end up, and its hazard."""

from __future__ import annotations

import numpy as np

from veridical.data.arrays import Array, ArrayLike
from veridical.data.truncated import Truncated, quiet

__all__ = ["PrivateType"]


class PrivateType(Truncated):
    """A type theta ~ F from `low` to `high` (which may be infinite): `uniform`, or a distribution of scipy.stats.

    `distribution` and `parameters` (shapes, `loc`, `scale`) are scipy's; `low` and `high` truncate, and are always the ends of
    what is left. In a case file everything stands in one table: `prior = { distribution = "expon", loc = 4, scale = 2 }`.
    Functions take and return arrays of any shape.

    Examples
    --------
    >>> theta = PrivateType(distribution="uniform", low=4, high=8)
    >>> float(theta.inverse_hazard(5))                                 # (3/4) / (1/4)
    3.0
    """

    noun = "type"
    finite = False

    def inverse_survival(self, probability: ArrayLike) -> Array:
        """Largest theta with 1 - F(theta) >= probability, for probability in [0, 1]; infinite at 0 where the upper end is."""
        with quiet():
            theta = self._base.isf(np.asarray(probability, dtype=float) * self._mass + self._base.sf(self.high))
        return np.asarray(np.clip(theta, self.low, self.high), dtype=float)

    def inverse_hazard(self, theta: ArrayLike) -> Array:
        """H(theta) = (1 - F(theta)) / f(theta) (assumption 3); infinite where the density is 0 and higher types follow."""
        above, density = self.survival(theta), self.density(theta)
        with np.errstate(all="ignore"):
            return np.where(above > 0, above / density, 0.0)
