"""First best: the assembler knows every cost and pays no rent. (6)-(7) of the ICDS paper; no truthful mechanism, a benchmark."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from veridical.data import AssemblerCase
from veridical.models.assembler import vocabulary
from veridical.models.assembler.icds import menu
from veridical.models.info import info_of

__all__ = ["build", "menu"]


def build(case: AssemblerCase, form: str = "auto") -> pyo.ConcreteModel:
    """Return the model. `form` is how expected sales are written: auto, linear, quadratic or tangent."""
    m = vocabulary.frame(case, "first_best", form)
    vocabulary.contracts(m, form)
    vocabulary.profit(m)  # (6)

    @m.Constraint(m.OWN_COST)
    def full_information(m: Any, i: str, cost: float, others: str) -> Any:
        t = m.profile[i, cost, others]
        return m.payment[i, t] == m.cost[i, cost] * m.quantity[i, t]

    info_of(m).contracts = menu
    return m
