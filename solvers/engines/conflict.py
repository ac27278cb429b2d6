"""Why a linear model has no solution: constraints that cannot hold together, under the model's own names."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Integers
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.engines.scaling import Problem, balance, problem_of
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["conflict", "endless", "name_of", "violated"]

FILTERED = 200  # constraints: a larger conflict is named as it is, not made irreducible
SHOWN = 10
REAL = 1e-9  # in units that bring all figures near 1: what is below is rounding
PATIENCE = 10.0  # seconds for the search, where the caller sets no earlier end


def conflict(form: StandardForm, deadline: float = math.inf) -> str:
    """Return a sentence that names an infeasible set of constraints and bounds; empty where the linear part has none.

    Elastic relaxation: the least total violation; the constraints with a multiplier prove it. Those that the others
    do without are then dropped one by one, so that no named constraint is superfluous. Where only whole numbers stand in the
    way, constraints are dropped as long as the rest has no whole solution, and the integer variables are named too.
    """
    problem = problem_of(form)
    problem = balance(problem).apply(problem)
    until = min(deadline, perf_counter() + PATIENCE)
    rows = np.arange(form.matrix.shape[0])
    for _ in range(2):
        least, prices = _elastic(problem, rows)
        if least <= REAL:
            return _conflict_of_integers(form, problem, until) if form.integer.any() else ""
        rows = rows[np.abs(prices) > REAL]
    if len(rows) <= FILTERED:
        for row in rows.tolist():
            others = rows[rows != row]
            if perf_counter() < until and _elastic(problem, others)[0] > REAL:
                rows = others
    names = _each_family_first([name_of(form.constraints, row) for row in rows.tolist()])
    pull = problem.matrix[rows].T @ _elastic(problem, rows)[1]  # on each variable; where it is not 0, a bound stops it
    bounded = [name_of(form.variables, column) for column in np.flatnonzero(np.abs(pull) > REAL).tolist()]
    text = f"these constraints cannot hold together: {_listed(names)}"
    return f"{text}; bounds on their variables: {_listed(bounded)}" if bounded else text


def _conflict_of_integers(form: StandardForm, problem: Problem, until: float) -> str:
    """Drop constraints, many at a time and then one by one, while HiGHS shows that the rest has no whole solution."""
    rows = np.arange(len(form.constraints))
    size = max(len(rows) // 4, 1)
    while perf_counter() < until:
        for start in range(0, len(rows), size)[::-1]:
            others = np.delete(rows, slice(start, start + size))
            if len(others) < len(rows) and _without_whole_solution(problem, others, until):
                rows = others
        if size == 1:
            break
        size = max(size // 4, 1)
    if len(rows) == len(form.constraints) and not _without_whole_solution(problem, rows, max(until, perf_counter() + 1)):
        return ""
    used = np.unique(problem.matrix[rows].indices)
    names = _listed([name_of(form.constraints, row) for row in rows.tolist()])
    whole = _listed([name_of(form.variables, column) for column in used[form.integer[used]].tolist()])
    return f"these constraints cannot hold together: {names}; with whole numbers for {whole}"


def endless(form: StandardForm, deadline: float = math.inf) -> str:
    """Return a sentence that names variables along which the objective improves for ever; empty where there are none.

    A convex quadratic objective is unbounded exactly where it improves in a direction without curvature that no limit ends.
    """
    problem = problem_of(form)
    problem = balance(problem).apply(problem)
    least = replace(problem, cost=np.zeros_like(problem.cost))
    if _elastic(least, np.arange(problem.matrix.shape[0]))[0] > REAL:
        return ""
    matrix, sides = problem.matrix, [np.where(np.isfinite(side), 0.0, side) for side in (problem.row_low, problem.row_high)]
    if problem.hessian is not None:
        flat = np.zeros(problem.hessian.shape[0])
        matrix = sp.csr_array(sp.vstack([matrix, problem.hessian]))
        sides = [np.append(side, flat) for side in sides]
    low, high = np.where(np.isfinite(problem.low), 0.0, -1.0), np.where(np.isfinite(problem.high), 0.0, 1.0)
    value, _, direction = _solved(problem.cost, low, high, sides[0], sides[1], matrix)
    if not value < -REAL:
        return ""
    longest = np.argsort(-np.abs(direction), kind="stable").tolist()
    names = [name_of(form.variables, column) for column in longest if abs(direction[column]) > 1e-6]
    return f"the objective improves for ever with these variables: {_listed(names)}"


def name_of(components: list[Any], place: int) -> str:
    """Return a component's name, or its number where a form has no components."""
    component = components[place]
    return f"number {place}" if component is None else str(component.name)


def violated(form: StandardForm, x: Array) -> str:
    """Return a sentence that names the constraints that a point violates most."""
    rows = form.rows(x)
    violation = np.maximum(np.maximum(form.row_low - rows, rows - form.row_high), 0.0)
    worst = [row for row in np.argsort(-violation) if violation[row] > 1e-6]
    if not worst:
        return ""
    names = [f"{form.constraints[row].name} (by {violation[row]:.3g})" for row in worst]
    return f"constraints that its last point violates: {_listed(names)}"


def _elastic(problem: Problem, rows: Integers) -> tuple[float, Array]:
    """Return the least total violation of some rows within the variables' bounds, and the rows' multipliers."""
    m, n = len(rows), problem.matrix.shape[1]
    if m == 0:
        return 0.0, np.zeros(0)
    matrix = sp.csr_array(sp.hstack([problem.matrix[rows], sp.eye_array(m), -sp.eye_array(m)]))
    cost, low = np.repeat([0.0, 1.0], [n, 2 * m]), np.append(problem.low, np.zeros(2 * m))
    high = np.append(problem.high, np.full(2 * m, np.inf))
    value, duals, _ = _solved(cost, low, high, problem.row_low[rows], problem.row_high[rows], matrix)
    return (value, duals) if value > -np.inf else (0.0, np.zeros(m))


def _without_whole_solution(problem: Problem, rows: Integers, until: float) -> bool:
    cost = np.zeros_like(problem.cost)
    sides = problem.low, problem.high, problem.row_low[rows], problem.row_high[rows]
    highs = _run(until, cost, *sides, problem.matrix[rows], 0.0, problem.integer)
    return highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible


def _solved(*program: Any) -> tuple[float, Array, Array]:
    """Return value, row duals and point of the optimum of a program as `Highs.take` has it; a value of -inf without one."""
    highs = _run(math.inf, *program)
    solution = highs.getSolution()
    optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    value = highs.getInfo().objective_function_value if optimal else -math.inf
    return value, np.array(solution.row_dual), np.array(solution.col_value)


def _run(until: float, *program: Any) -> Highs:
    highs = Highs()
    highs.setOptionValue("small_matrix_value", 1e-12)
    highs.take(*program)
    highs.limit(until)
    highs.ends_by(until)
    return highs


def _each_family_first(names: list[str]) -> list[str]:
    """Return names in an order in which those that are shown leave out no family."""
    first = {name.partition("[")[0]: name for name in reversed(names)}
    return [name for name in names if name in first.values()] + [name for name in names if name not in first.values()]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
