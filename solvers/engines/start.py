"""Where a nonlinear solve starts: inside the bounds, and where every function and derivative is a number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import highspy
import numpy as np
import scipy.sparse as sp

from veridical.data.arrays import Array, Booleans
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.translate.graph import Form
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["start", "undefined"]

INSIDE = 0.01  # units, or part of the range, that a start keeps from a bound at which something is not defined
MIDDLE = 0.45  # of the range; not the very middle, which is where functions that are symmetric have a gradient of 0
ASIDE = 0.125  # units from 0 for variables without bounds: at 0 products have no gradient
DEEP = 10.0  # powers of two below the range of a variable down to which starts are drawn
GOLDEN = (math.sqrt(5) - 1) / 2  # whose multiples are spread evenly over [0, 1) however many there are
WIDE = 100.0  # units: a wider range says nothing of where a solution is
EXPONENTS = range(-20, 21)  # of 4, times the unit: points tried where nothing better is known
POSITIVE = ("log", "log10", "sqrt", "acosh")  # functions that ask for an argument above 0 (above 1 for acosh)
INTERVAL = ("asin", "acos", "atanh")  # functions that ask for an argument between -1 and 1


def start(form: StandardForm, units: Array, seed: int | None = None) -> Array:
    """Return a starting point: the variables' values, and a default for those without.

    `units` is how large each variable is, as `scaling` finds it. With a `seed` the point is drawn at random inside the bounds,
    within some units of the default where there are none. It is then moved to where the model is defined, if it can be.
    """
    x = _default(form, units) if seed is None else _random(form, units, seed)
    if form.nonlinear is None or undefined(form, x) is None:
        return x
    for place in _places(form, x, units):
        for point in _inside(form, place, units):
            if undefined(form, point) is None:
                return point
    return x


def undefined(form: StandardForm, x: Array) -> str | None:
    """Return in words what is no finite number at a point: a constraint, the objective or a derivative; None where all are."""
    if form.nonlinear is None:
        return None
    with np.errstate(all="ignore"):
        if not math.isfinite(form.minimised(x)):
            return "the objective"
        bad = ~np.isfinite(form.rows(x))
        if bad.any():
            return f"the constraint {form.constraints[int(np.argmax(bad))].name}"
        first = form.nonlinear.first(x)
        second = form.nonlinear.second(x, np.ones(len(form.constraints)), 1.0)
    rows, columns, names = form.nonlinear.jacobian_rows, form.nonlinear.jacobian_columns, form.variables
    for entry in np.flatnonzero(~np.isfinite(first)).tolist():
        place = "the objective" if rows[entry] < 0 else f"the constraint {form.constraints[rows[entry]].name}"
        return f"the derivative of {place} by {names[columns[entry]].name}"
    for entry in np.flatnonzero(~np.isfinite(second)).tolist():
        pair = form.nonlinear.hessian_rows[entry], form.nonlinear.hessian_columns[entry]
        place = _place_of(form, x, entry)
        return f"the second derivative of {place} by {' and '.join(dict.fromkeys(names[column].name for column in pair))}"
    return None


def _place_of(form: StandardForm, x: Array, entry: int) -> str:
    """Return in words where an entry of the Hessian is no number: the objective, or a constraint with those variables."""
    terms = form.nonlinear
    assert terms is not None
    with np.errstate(all="ignore"):
        if not math.isfinite(terms.second(x, np.zeros(len(form.constraints)), 1.0)[entry]):
            column = terms.hessian_rows[entry]
            rows = terms.jacobian_rows[(terms.jacobian_columns == column)]
            if (rows < 0).any():
                return "the objective"
        rows = terms.jacobian_rows[terms.jacobian_columns == terms.hessian_rows[entry]]
    return " or ".join(f"the constraint {form.constraints[row].name}" for row in rows[rows >= 0][:3].tolist())


def _default(form: StandardForm, units: Array) -> Array:
    """Return the variables' values; where there are none, a point between the bounds, or as near to 0 as they allow."""
    values = np.array([math.nan if variable.value is None else variable.value for variable in form.variables], dtype=float)
    low, high, width, bent = form.low, form.high, _width(form), _bent(form)
    middle = np.where(np.isfinite(width), low, 0.0) + np.where(bent, MIDDLE, 0.5) * np.where(np.isfinite(width), width, 0.0)
    nearest = np.clip(0.0, low, high)
    inward = np.where(nearest == low, 1.0, np.where(nearest == high, -1.0, ASIDE))
    beside = nearest + inward * np.where(bent | np.isfinite(width), np.minimum(units, width / 2), 0.0)
    return np.where(np.isnan(values), np.where(width <= WIDE * units, middle, beside), values)


def _random(form: StandardForm, units: Array, seed: int) -> Array:
    """Return a random point: between two bounds, else within some units of the bound or of 0.

    Bounds are often wide, and what matters is near 0: every other point is at about the same part of all ranges, from the bound
    that is nearer to 0, and these parts are spread evenly in logarithms.
    """
    uniform, normal = np.random.default_rng(seed).random((2, len(units)))
    share = uniform if seed % 2 == 0 else np.exp2(-DEEP * (seed * GOLDEN % 1.0) - uniform)
    width, nearest = _width(form), np.clip(0.0, form.low, form.high)
    finite = np.where(np.isfinite(width), width, 0.0)
    between = np.where(nearest == form.high, form.high - share * finite, np.where(finite > 0, form.low, nearest) + share * finite)
    away = units * np.tan(math.pi * (normal - 0.5) * 0.9)
    inward = np.where(np.isfinite(form.low), np.abs(away), np.where(np.isfinite(form.high), -np.abs(away), away))
    beside = np.clip(nearest + inward, form.low, form.high)
    point: Array = np.where(np.isfinite(width), between, beside)
    return point


def _width(form: StandardForm) -> Array:
    """Return the width of every variable's range."""
    width: Array = form.high - form.low
    return width


def _bent(form: StandardForm) -> Booleans:
    """Return which variables stand in a nonlinear term."""
    bent = np.zeros(len(form.low), dtype=bool)
    if form.nonlinear is not None:
        bent[form.nonlinear.jacobian_columns] = True
    return bent


def _inside(form: StandardForm, x: Array, units: Array) -> Iterator[Array]:
    """Yield a point within the bounds, and one that keeps a distance from them."""
    yield np.clip(x, form.low, form.high)
    distance = INSIDE * np.minimum(units, _width(form))
    yield np.clip(x, form.low + distance, form.high - distance)


def _places(form: StandardForm, x: Array, units: Array) -> Iterator[Array]:
    """Yield the point, the nearest one in the domain, and others, each when it is asked for."""
    yield x
    yield _in_domain(form, x, units)
    yield from _around(form, x, units)


def _around(form: StandardForm, x: Array, units: Array) -> Iterator[Array]:
    """Yield points of all magnitudes in the variables of nonlinear terms, the usual ones first."""
    bent = _bent(form)
    spread = 1.0 + np.arange(len(units)) / max(len(units), 1)  # no two alike: differences are often in a logarithm
    for exponent in sorted(EXPONENTS, key=abs):
        for sign in (1.0, -1.0):
            yield np.where(bent, sign * 4.0**exponent * units * spread, x)


def _in_domain(form: StandardForm, x: Array, units: Array) -> Array:
    """Return the nearest point at which the affine arguments of roots, powers and logarithms are in their domain.

    Nearest in units of the variables, within bounds and, where they allow it, linear constraints: a linear program.
    """
    demands = list(_demands(form))
    if not demands:
        return x
    n, linear = len(x), form.linear_rows()
    matrix = sp.csr_array(_matrix([argument for argument, _, _ in demands], n) @ sp.diags_array(units))
    size = abs(matrix).max(axis=1).toarray().ravel()
    constants = np.array([argument.constant for argument, _, _ in demands])
    low, high = (np.array([demand[side] for demand in demands]) - constants for side in (1, 2))
    others = form.matrix[linear] @ sp.diags_array(units), form.row_low[linear], form.row_high[linear]
    for share, rows in ((1.0, [others]), (INSIDE, [others]), (1.0, []), (INSIDE, [])):
        margin = share * np.minimum(size, (high - low) / 3)
        point = _nearest(form, x, units, [(matrix, low + margin, high - margin), *rows])
        if point is not None:
            return point
    return x


def _nearest(form: StandardForm, x: Array, units: Array, rows: list[tuple[Any, Array, Array]]) -> Array | None:
    """Return the point nearest to x, in units, within bounds and rows (matrix, low, high) of x / units; None without one."""
    n = len(x)
    body = sp.vstack([matrix for matrix, _, _ in rows])
    distance = sp.hstack([sp.eye_array(n), -sp.eye_array(n), sp.eye_array(n)])
    whole = sp.csr_array(sp.vstack([sp.hstack([body, sp.csr_array((body.shape[0], 2 * n))]), distance]))
    row_low, row_high = (np.concatenate([*(part[side] for part in rows), x / units]) for side in (1, 2))
    low, high = np.append(form.low / units, np.zeros(2 * n)), np.append(form.high / units, np.full(2 * n, np.inf))
    program = Highs()
    program.take(np.repeat([0.0, 1.0], [n, 2 * n]), low, high, row_low, row_high, whole)
    program.run()
    if program.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(program.getSolution().col_value)[:n] * units


def _matrix(arguments: list[Form], columns: int) -> sp.csr_array:
    """Return the coefficients of affine arguments as rows."""
    flat = [pair for argument in arguments for pair in argument.coefficients]
    starts = np.cumsum([0, *(len(argument.coefficients) for argument in arguments)])
    place = np.array([column for column, _ in flat], dtype=np.int64)
    return sp.csr_array((np.array([value for _, value in flat], dtype=float), place, starts), shape=(len(arguments), columns))


def _demands(form: StandardForm) -> Iterator[tuple[Form, float, float]]:
    """Yield affine arguments and the range that they have to be in."""
    assert form.nonlinear is not None
    for (name, *_), exponent, (argument, *_) in form.nonlinear.operations():
        if any(column < 0 for column, _ in argument.coefficients):
            continue
        if name in POSITIVE:
            yield argument, 1.0 if name == "acosh" else 0.0, math.inf
        elif name in INTERVAL:
            yield argument, -1.0, 1.0
        elif name == "pow" and (exponent < 0 or not exponent.is_integer()):
            # 1 / x is defined below 0 as well, if that is where bounds keep x
            below = exponent.is_integer() and _most(form, argument) <= 0
            yield (argument, -math.inf, 0.0) if below else (argument, 0.0, math.inf)


def _most(form: StandardForm, argument: Form) -> float:
    """Return the largest value that the bounds allow an affine argument."""
    sides = ((value, form.high[column] if value > 0 else form.low[column]) for column, value in argument.coefficients)
    return float(argument.constant + sum(value * side for value, side in sides))
