"""Virtual cost: unit cost plus the information rent that one more unit leaves to cheaper types. Eq. (13), any m_i."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from veridical.data.assembler import AssemblerCase

__all__ = ["virtual_cost", "weighted_virtual_cost"]

Array = NDArray[np.float64]


def weighted_virtual_cost(case: AssemblerCase) -> Array:
    """Return beta(t) v(t), one entry a profile: finite also where beta(t) = 0, unlike v(t) itself.

    beta(t) c(t) + sum_i (c_i[t_i] - c_i[t_i - 1]) * sum_{s < t_i} beta(s, t_-i).
    """
    beta = case.probability
    weighted = beta * case.total_cost
    for i, supplier in enumerate(case.suppliers):
        steps = np.diff(supplier.costs).reshape(np.diff(case.costs(i), axis=i).shape)
        cheaper = np.cumsum(beta, axis=i).take(range(case.shape[i] - 1), axis=i)
        weighted[(slice(None),) * i + (slice(1, None),)] += steps * cheaper
    return weighted


def virtual_cost(case: AssemblerCase) -> Array:
    """Return v(t): infinite where beta(t) = 0 but cheaper types have weight, nan where they have none either."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return weighted_virtual_cost(case) / case.probability
