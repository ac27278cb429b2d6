"""What follows from a common prior: the joint table of private values, and whether these are independent."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from veridical.data.arrays import Array, fixed
from veridical.data.copula import JointPrior, gaussian_copula
from veridical.data.prior import Prior, independent

__all__ = ["CommonPrior"]


class CommonPrior:
    """What a case has whose `prior` says how private values depend on one another; one axis a party, in order.

    prior: a joint table, a copula's correlation, or None where values are independent. marginals: each party's own
    probabilities, one a value.
    """

    if TYPE_CHECKING:
        prior: Prior | None

        @cached_property
        def marginals(self) -> list[Array]:
            """Each party's own probabilities, one a value."""

    @cached_property
    def probability(self) -> Array:
        """beta[t], the joint prior."""
        if self.prior is None or (self.prior.correlation is not None and self.independent):
            return fixed(independent(self.marginals))
        if self.integrated_prior is not None:
            return fixed(self.integrated_prior.probability)
        joint: Array = np.array(self.prior.joint, dtype=float)
        return fixed(joint / joint.sum())

    @cached_property
    def integrated_prior(self) -> JointPrior | None:
        """The joint prior of a copula, with the method, the error and the time of its integration; None where there is none."""
        if self.prior is None or self.prior.correlation is None:
            return None
        return gaussian_copula(self.marginals, np.array(self.prior.correlation))

    @property
    def integration(self) -> JointPrior | None:
        """How the joint prior was integrated; None where it was not, or not yet."""
        integrated: JointPrior | None = vars(self).get("integrated_prior")
        return integrated

    @cached_property
    def independent(self) -> bool:
        """Whether the private values are independent: the joint prior is the product of its marginals, to rounding.

        Under a copula it is decided from the correlations of those whose values vary, without the joint prior; an empty marginal
        stands for a continuous one.
        """
        if self.prior is not None and self.prior.correlation is not None:
            vary = [i for i, marginal in enumerate(self.marginals) if not len(marginal) or np.count_nonzero(marginal) > 1]
            among = np.array(self.prior.correlation)[np.ix_(vary, vary)]
            return bool(np.array_equal(among, np.eye(len(vary))))
        return self.prior is None or bool(np.allclose(self.probability, independent(self.marginals), rtol=0, atol=1e-13))
