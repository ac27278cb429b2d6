"""Ties: of all optima of a convex quadratic program the evenest, so that no figure depends on which one a solver comes upon.

With one set of optimal multipliers all optima are known: the feasible points at which every row and bound that has a multiplier
binds, and Qx is what it is (Mangasarian, Operations Research Letters 7, 1988). The one with the least sum of squares of some
variables is the limit of optima that a vanishing tie-break leads to, and costs not a bit more than any other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from veridical.data import NotSolvedError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.certificate import TRACE, Certificate, certify
from veridical.solvers.entries import Entries
from veridical.solvers.packaging import load
from veridical.solvers.polish import State, polished
from veridical.solvers.presolve import Presolved
from veridical.solvers.solution import Solution
from veridical.solvers.translate.standard_form import StandardForm, compile_model

if TYPE_CHECKING:
    from veridical.solvers.consensus.quadratic import Ways

__all__ = ["EXACT", "evened", "evenest"]

PRICED = 1e-9  # relative to its terms: a multiplier that is less is rounding, and no reason to bind
SHARP = 1e-12  # relative: of the sum of squares, and of the solver that is asked for it
EXACT = 1e-9  # relative gap that the evenest plan may have, and the other optimum had


def evenest(model: Any, solution: Solution, variables: Iterable[Any]) -> Solution:
    """Return the solution at the optimum whose `variables` have the least sum of squares, and load that into the model.

    The model's Suffix `dual` holds the multipliers. Nothing changes where there are none (integers), or where the solution is no
    proven optimum to `EXACT`; where the evenest is not found to that, a warning says so.
    """
    if not (solution.certificate.proves == "global" and solution.certificate.gap <= EXACT and len(model.dual)):
        return solution
    form = compile_model(model)
    x = np.array([variable.value for variable in form.variables], dtype=float)
    row_dual = np.array([model.dual[constraint] for constraint in form.constraints], dtype=float)
    x, row_dual = polished(form, x, row_dual)
    columns = np.array([form.column(variable) for variable in variables if form.holds(variable)], dtype=np.int64)
    x, certificate, bound = evened(model.name, form, x, row_dual, columns)
    load(form, x)
    return replace(solution, objective=form.objective(x), bound=bound, certificate=certificate)


def evened(name: str, form: StandardForm, x: Array, row_dual: Array, columns: Integers) -> tuple[Array, Certificate, float]:
    """Return the evenest optimum, its certificate and bound, from an optimum and multipliers as exact as can be.

    Where the evenest is not found that optimum comes back, and a warning says so, with the `name` of what is planned.
    """
    step = _least_squares(face(form, x, row_dual, columns))
    if step is not None:
        even = np.clip(x + step, form.low, form.high)
        certificate, bound = certify(form, even, row_dual)
        if certificate.gap <= EXACT and certificate.holds:
            return even, certificate, bound
    warnings.warn(f"{name}: of equally good plans this is any one, and not the evenest", stacklevel=3)
    return x, *certify(form, x, row_dual)


def face(form: StandardForm, x: Array, row_dual: Array, columns: Integers) -> StandardForm:
    """Return the program of how far to go from one optimum to the one with the least sum of squares in some columns.

    In steps from x it is feasible at 0 by construction, however x is rounded.
    """
    state = State(form, x, row_dual)
    worth, row_worth = np.abs(state.worth) > PRICED, np.abs(state.row_worth) > PRICED
    low, high = _room(state.x, form.low, form.high, state.point.range, worth)
    matrix, constraints = form.matrix, list(form.constraints)
    row_low, row_high = _room(state.point.rows, form.row_low, form.row_high, state.point.row_size, row_worth)
    if form.hessian is not None:
        curved = sp.csr_array(form.hessian)
        bent, alone = np.diff(curved.indptr) > 0, (np.diff(curved.indptr) == 1) & (curved.diagonal() != 0)
        low[alone] = high[alone] = 0.0
        linked = curved[np.flatnonzero(bent & ~alone)]
        matrix, none = sp.csr_array(sp.vstack([matrix, linked])), np.zeros(linked.shape[0])
        row_low, row_high = np.concatenate([row_low, none]), np.concatenate([row_high, none])
        constraints += [form.constraints[0]] * len(none)
    cost, squares = np.zeros(len(x)), np.zeros(len(x))
    cost[columns], squares[columns] = state.x[columns], 1.0
    offset = float(cost @ cost) / 2  # the sum of squares itself, which errors are measured by
    objective: dict[str, Any] = {"cost": cost, "offset": offset, "hessian": sp.csc_array(sp.diags_array(squares))}
    steps: dict[str, Any] = {"low": low, "high": high, "row_low": row_low, "row_high": row_high}
    return replace(form, matrix=matrix, constraints=constraints, **objective, **steps)


def _room(values: Array, low: Array, high: Array, size: Array, binding: Booleans) -> tuple[Array, Array]:
    """Return how far values may fall and rise; not at all where a multiplier holds them, and by no trace of their size."""
    fall, rise = np.minimum(low - values, 0.0), np.maximum(high - values, 0.0)
    fall = np.where(binding | (fall > -TRACE * size), 0.0, fall)
    return fall, np.where(binding | (rise < TRACE * size), 0.0, rise)


def _least_squares(form: StandardForm) -> Array | None:
    """Return the optimum of a program that is feasible at 0; None where it is not found.

    It is polished where the sum of squares is not known to `SHARP`: steps are as exact as its root.
    """
    from veridical.solvers.consensus.quadratic import LARGE, Quadratic  # with its solver, which nothing else here needs

    columns = np.flatnonzero(_moving(form))
    if not len(columns):
        return np.zeros(len(form.cost))
    part = _of_columns(form, columns)
    presolved = Presolved.of(part)
    left = part if presolved is None else presolved.form
    nothing, problem = np.zeros(len(left.cost)), Quadratic(left, np.ones(len(left.cost), dtype=bool))
    attempts: list[tuple[bool, Ways | None]] = [(False, (SHARP,)), (True, None)]
    for exact, ways in attempts if len(columns) < LARGE else attempts[1:]:
        try:
            step, row_dual, bound = problem.solve(nothing, nothing, nothing, exact, ways=ways)
        except NotSolvedError:
            continue
        value = left.minimised(step)
        if exact or value - bound <= SHARP * value:
            whole = np.zeros(len(form.cost))
            whole[columns] = step if presolved is None else presolved.restored(step, row_dual)[0]
            return whole
    return None


def _moving(form: StandardForm) -> Booleans:
    """Return which columns may leave 0: not those that are fixed, nor the only one of a row that is 0, and so on.

    Of 576 flows, 40 % of the columns that are not fixed; of 2,160 with an activity fee, half of them.
    """
    moving, held, entries = form.low < form.high, (form.row_low == 0) & (form.row_high == 0), Entries.of(form.matrix)
    rows, columns = entries.rows, entries.columns
    while True:
        inside = moving[columns]
        rows, columns = rows[inside], columns[inside]
        alone = (held & (np.bincount(rows, minlength=len(held)) == 1))[rows]
        if not alone.any():
            return moving
        moving[columns[alone]] = False


def _of_columns(form: StandardForm, columns: Integers) -> StandardForm:
    """Return the program of some columns, the others at 0, with the rows that they stand in."""
    matrix = sp.csr_array(form.matrix[:, columns])
    rows = np.flatnonzero(np.diff(matrix.indptr))
    assert form.hessian is not None
    arrays: dict[str, Any] = {"matrix": sp.csr_array(matrix[rows]), "hessian": sp.csc_array(form.hessian[columns][:, columns])}
    arrays |= {name: getattr(form, name)[columns] for name in ("cost", "low", "high", "integer")}
    arrays |= {name: getattr(form, name)[rows] for name in ("row_low", "row_high")}
    variables = [form.variables[column] for column in columns.tolist()]
    constraints = [form.constraints[row] for row in rows.tolist()]
    return replace(form, variables=variables, constraints=constraints, _column={}, **arrays)
