"""The worst case over priors near the given one, by duality: a linear bound that menus and its own variables share.

Truth does not depend on the prior, only the objective does. With z(t) what is earned at profile t, the least expectation is

- within an l1 distance rho: max eta - rho k - sum_t beta(t) d(t), where eta - d(t) <= z(t), |d(t)| <= k;
- within a Wasserstein distance rho: max sum_t beta(t) v(t) - rho k, where v(t) - k |c(t) - c(s)| <= z(s) for all s, t.

Source: duality of linear programs; Esfahani and Kuhn (2018), Theorem 4.2, for a finite support. The duals of `worst_prior` are
the worst prior's probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.models.info import info_of

__all__ = ["expected"]


def expected(m: Any, earned: Callable[[str], Any]) -> Any:
    """Return the expectation over PROFILES of what is earned: under the prior, or the worst of those near it."""
    case = info_of(m).case
    if case.ambiguity is None:
        return pyo.quicksum(m.probability[t] * earned(t) for t in m.PROFILES)
    m.radius = pyo.Param(initialize=case.ambiguity.radius, mutable=True)
    info_of(m).parameters |= {"ambiguity.radius": m.radius}
    m.price_of_distance = pyo.Var(domain=pyo.NonNegativeReals)
    least = {"l1": _by_l1, "wasserstein": _by_transport}[case.ambiguity.distance]
    return least(m, earned) - m.radius * m.price_of_distance


def _by_l1(m: Any, earned: Callable[[str], Any]) -> Any:
    """Declare the dual for an l1 distance, and return its value without what the distance costs."""
    m.level = pyo.Var()
    m.deviation = pyo.Var(m.PROFILES)

    @m.Constraint(m.PROFILES)
    def worst_prior(m: Any, t: str) -> Any:
        return m.level - m.deviation[t] <= earned(t)

    @m.Constraint(m.PROFILES)
    def deviation_below(m: Any, t: str) -> Any:
        return m.deviation[t] <= m.price_of_distance

    @m.Constraint(m.PROFILES)
    def deviation_above(m: Any, t: str) -> Any:
        return -m.price_of_distance <= m.deviation[t]

    return m.level - pyo.quicksum(m.probability[t] * m.deviation[t] for t in m.PROFILES)


def _by_transport(m: Any, earned: Callable[[str], Any]) -> Any:
    """Declare the dual for a Wasserstein distance, and return its value without what the distance costs."""
    case = info_of(m).case
    place = dict(zip(m.PROFILES, np.ndindex(*case.shape), strict=True))

    def apart(t: str, s: str) -> Any:
        pairs = [(name, sorted(ks)) for name, *ks in zip(case.names, place[t], place[s], strict=True)]
        costs = {supplier.name: supplier.costs for supplier in case.suppliers}
        return pyo.quicksum(m.cost[i, costs[i][high]] - m.cost[i, costs[i][low]] for i, (low, high) in pairs if low != high)

    m.value, m.worth = pyo.Var(m.PROFILES), pyo.Var(m.PROFILES)

    @m.Constraint(m.PROFILES)
    def worst_prior(m: Any, s: str) -> Any:
        return m.worth[s] <= earned(s)

    @m.Constraint(m.PROFILES, m.PROFILES)
    def transport(m: Any, t: str, s: str) -> Any:
        return m.value[t] - apart(t, s) * m.price_of_distance <= m.worth[s]

    return pyo.quicksum(m.probability[t] * m.value[t] for t in m.PROFILES)
