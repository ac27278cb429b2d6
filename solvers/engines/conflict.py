"""Why a linear model has no solution: constraints that cannot hold together, under the model's own names."""

from __future__ import annotations

import highspy
import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.engines.quiet import Highs, linear_program
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["conflict", "violated"]

FILTERED = 200  # constraints: a larger conflict is named as it is, not made irreducible
SHOWN = 10


def conflict(form: StandardForm) -> str:
    """Return a sentence that names an infeasible set of constraints and bounds; empty where the linear part has none.

    Elastic relaxation: the least total violation; the constraints with a multiplier prove it. Those that the others
    do without are then dropped one by one, so that no named constraint is superfluous.
    """
    rows = np.arange(form.matrix.shape[0])
    for _ in range(2):
        least, prices = _elastic(form, rows)
        if least <= 1e-9:
            return ""
        rows = rows[np.abs(prices) > 1e-9]
    if len(rows) <= FILTERED:
        for row in rows.tolist():
            others = rows[rows != row]
            if _elastic(form, others)[0] > 1e-9:
                rows = others
    names = [form.constraints[row].name for row in rows]
    pull = form.matrix[rows].T @ _elastic(form, rows)[1]  # on each variable; where it is not 0, a bound stops it
    bounded = [form.variables[column].name for column in np.flatnonzero(np.abs(pull) > 1e-9)]
    text = f"these constraints cannot hold together: {_listed(names)}"
    return f"{text}; bounds on their variables: {_listed(bounded)}" if bounded else text


def violated(form: StandardForm, x: Array) -> str:
    """Return a sentence that names the constraints that a point violates most."""
    rows = form.rows(x)
    violation = np.maximum(np.maximum(form.row_low - rows, rows - form.row_high), 0.0)
    worst = [row for row in np.argsort(-violation) if violation[row] > 1e-6]
    if not worst:
        return ""
    names = [f"{form.constraints[row].name} (by {violation[row]:.3g})" for row in worst]
    return f"constraints that its last point violates: {_listed(names)}"


def _elastic(form: StandardForm, rows: Integers) -> tuple[float, Array]:
    """Return the least total violation of some rows within the variables' bounds, and the rows' multipliers."""
    m, n = len(rows), form.matrix.shape[1]
    if m == 0:
        return 0.0, np.zeros(0)
    matrix = sp.csr_array(sp.hstack([form.matrix[rows], sp.eye_array(m), -sp.eye_array(m)]))
    cost, low = np.repeat([0.0, 1.0], [n, 2 * m]), np.append(form.low, np.zeros(2 * m))
    high = np.append(form.high, np.full(2 * m, np.inf))
    highs = Highs()
    highs.passModel(linear_program(cost, low, high, form.row_low[rows], form.row_high[rows], matrix))
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return 0.0, np.zeros(m)
    return highs.getInfo().objective_function_value, np.array(highs.getSolution().row_dual)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
