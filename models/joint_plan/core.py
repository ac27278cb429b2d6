"""What core-selecting payments are: gains nearest to Clarke's, in which no set of suppliers has more than the others can spare.

The program of `veridical.contracts.joint_plan.core`, by the values of those coalitions that are listed: Day and Raghavan 2007,
Fair payments for efficient allocations in public sector combinatorial auctions, Management Science 53; Day and Cramton 2012,
Quadratic core-selecting payment rules for combinatorial auctions, Operations Research 60.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from veridical.data import InputError
from veridical.models.info import MechanismModel, ModelInfo, builder, describe

__all__ = ["build", "gains_of"]


@builder
def build(
    clarke: Mapping[str, float], limits: Mapping[tuple[str, ...], float], total: float | None = None, largest: bool = False
) -> pyo.ConcreteModel:
    """Return the model of the suppliers' gains.

    Parameters
    ----------
    clarke
        By supplier, what he gains under Clarke's pivot, currency.
    limits
        By a set of suppliers, what they may gain together, currency: what all save less what all but these do. One of all
        suppliers is what is saved at all, so that the receivers lose nothing.
    total
        What all are to gain together, currency; None: whatever is nearest.
    largest
        Whether the sum of all gains is to be the largest, in place of the nearest to Clarke's.

    Returns
    -------
    pyo.ConcreteModel
        `gain`, by supplier, currency; the limits are the constraints `core`, by their place among `limits`.

    Raises
    ------
    InputError
        For a supplier without a gain under Clarke's pivot, or numbers that are not finite and >= 0.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.joint_plan.core.build({"A": 14.0, "B": 14.0}, {("A", "B"): 24.0})
    >>> solution = vd.solvers.solve(model, "highs")
    >>> {name: round(gain, 6) for name, gain in vd.models.joint_plan.core.gains_of(model).items()}
    {'A': 12.0, 'B': 12.0}
    """
    for name, amount in [*clarke.items(), *limits.items(), *([("total", total)] if total is not None else [])]:
        if isinstance(amount, bool) or not 0 <= amount < math.inf:
            raise InputError.of(str(name), amount, "a finite number >= 0, currency")
    for group in limits:
        for name in group:
            if name not in clarke:
                raise InputError.of("limits", name, f"suppliers with a gain under Clarke's pivot: {', '.join(clarke)}")

    m = MechanismModel(name="core")
    m.SUPPLIERS = pyo.Set(initialize=list(clarke))
    m.COALITIONS = pyo.Set(initialize=range(len(limits)))  # by who is out of them
    out = dict(enumerate(limits))

    m.clarke_gain = pyo.Param(m.SUPPLIERS, initialize=dict(clarke), mutable=True)
    m.limit = pyo.Param(m.COALITIONS, initialize=dict(enumerate(limits.values())), mutable=True)

    m.gain = pyo.Var(m.SUPPLIERS, domain=pyo.NonNegativeReals, initialize=dict(clarke))

    @m.Objective()
    def distance(m: Any) -> Any:
        if largest:
            return -pyo.quicksum(m.gain[i] for i in m.SUPPLIERS)
        return pyo.quicksum((m.gain[i] - m.clarke_gain[i]) ** 2 for i in m.SUPPLIERS) / 2

    @m.Constraint(m.SUPPLIERS)
    def no_more_than_clarke(m: Any, i: str) -> Any:
        return m.gain[i] <= m.clarke_gain[i]

    @m.Constraint(m.COALITIONS)
    def core(m: Any, k: int) -> Any:
        return pyo.quicksum(m.gain[i] for i in out[k]) <= m.limit[k]

    if total is not None:

        @m.Constraint()
        def largest_total(m: Any) -> Any:
            return pyo.quicksum(m.gain[i] for i in m.SUPPLIERS) == total

    names = {"no_more_than_clarke": ("supplier",), "core": ("coalition",), "largest_total": ()}
    describe(m, ModelInfo(mechanism=None, index_names=names))
    return m


def gains_of(m: Any) -> dict[str, float]:
    """Return the gains of a solved model by supplier, currency, >= 0."""
    return {name: max(float(variable.value), 0.0) for name, variable in m.gain.items()}
