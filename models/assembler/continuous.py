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
from veridical.models.info import builder, info_of

__all__ = ["POINTS", "build", "menu"]


@builder
def build(case: ContinuousCase, form: str = "auto", points: int = POINTS) -> pyo.ConcreteModel:
    """Return the model with `points` costs a supplier: a lower bound on what continuous costs allow.

    Parameters
    ----------
    case
        A case with continuous costs.
    form
        How expected sales are written: auto, linear, quadratic, smooth or tangent.
    points
        Cells into which each range of costs is cut; each is paid as its upper end.

    Returns
    -------
    pyo.ConcreteModel
        `quantity` (units) by profile of the grid; payments follow from it by (11).

    Raises
    ------
    InputError
        Where `points` is no whole number >= 1, and where the model would not fit into memory.

    Examples
    --------
    >>> import veridical as vd
    >>> model = vd.models.continuous.build(vd.example("continuous-pair"), points=8)
    >>> round(vd.solvers.solve(model).objective, 2)
    2623.67
    """
    m = icds_balanced.build(case.grid(points), form)
    m.name = "continuous"
    info = info_of(m)
    # costs and probabilities are the grid's, none of the case's
    info.mechanism, info.parameters = m.name, {name: m.component(name) for name in ("price", *case.terms)}
    return m
