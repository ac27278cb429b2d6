"""First best: the assembler knows every cost and pays no rent. (6)-(7) of the ICDS paper; no truthful mechanism, a benchmark."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pyomo.environ as pyo

from veridical.data import AssemblerCase
from veridical.models.assembler import vocabulary
from veridical.models.assembler.icds import menu
from veridical.models.assembler.numbers import carried
from veridical.models.info import builder, carries, info_of

__all__ = ["build", "menu"]


@carries(carried())
@builder
def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model with full information, (6)-(7).

    Parameters
    ----------
    case
        The assembler's case.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) and `payment` (currency) by supplier and profile; `units` assembled by profile.

    Raises
    ------
    InputError
        For a form that the demand does not have, and for a model that would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.first_best.build(vd.example("two-suppliers-correlated"))
    >>> round(vd.solvers.solve(model).objective, 2)
    6656.67
    """
    m = vocabulary.frame(case, "first_best", form)
    vocabulary.contracts(m, form)
    vocabulary.profit(m)  # (6)

    reserved = vocabulary.elsewhere(m)

    @m.Constraint(m.OWN_COST)
    def full_information(m: Any, i: str, cost: float, others: str) -> Any:
        t = m.profile[i, cost, others]
        return m.payment[i, t] == m.cost[i, cost] * m.quantity[i, t] + reserved[i, cost]

    info_of(m).contracts = menu
    vocabulary.aim(m, attrgetter("total_cost"))
    return m
