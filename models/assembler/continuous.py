"""Continuous costs as a model: ICDS with balanced ordering on a grid of costs, refined; section 4 of the ICDS paper.

Every supplier's range of costs is cut into cells, each paid as its upper end, so that the model's menu is truthful for all costs
between too, and its profit a lower bound on the optimum. Takes any correlation, also where Proposition 4 does not apply.
"""

from __future__ import annotations

import pyomo.environ as pyo

from veridical.data.continuous_case import ContinuousCase
from veridical.data.truncated import POINTS
from veridical.models.assembler import icds_balanced
from veridical.models.assembler.icds_balanced import menu

__all__ = ["POINTS", "build", "menu"]


def build(case: ContinuousCase, form: str = "auto", points: int = POINTS) -> pyo.ConcreteModel:
    """Return the model with `points` costs a supplier.

    `form` is how expected sales are written: auto, linear, quadratic or tangent. `model.case` is the case on the grid.
    Raises InputError where `points` is no whole number >= 1, or where the model would not fit into memory.
    """
    m = icds_balanced.build(case.grid(points), form)
    m.name = "continuous"
    return m
