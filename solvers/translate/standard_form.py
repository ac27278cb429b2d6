"""A Pyomo model as arrays: minimise c'x + f(x) + c0 subject to row_low <= A x + g(x) <= row_high, low <= x <= high.

f and g are what is not linear (`NonlinearTerms`); f may be a quadratic form x'Qx / 2. Why not Pyomo's own compiler: on the full
ICDS model with ten suppliers its translation took longer than the solve. Linear parts are collected here in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.common.gc_manager import PauseGC
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.var import VarData
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression

from veridical.data import InputError
from veridical.data.arrays import Array, Booleans, inner
from veridical.models.decisions import LinearBody
from veridical.solvers.translate.checks import refuse_empty, refuse_undefined, relation_of
from veridical.solvers.translate.components import domain_is_whole, refuse_fixed, refuse_unknown
from veridical.solvers.translate.convexity import shown
from veridical.solvers.translate.nonlinear import NonlinearTerms
from veridical.solvers.translate.numbers import DEFINED, UndefinedError, number, varies
from veridical.solvers.translate.sums import Sum
from veridical.solvers.translate.terms import SMOOTH, NotSmoothError, Splitter

__all__ = ["StandardForm", "compile_model"]


@dataclass
class StandardForm:
    """The arrays, and the components of the model that their rows and columns stand for.

    `sense` is 1 to minimise and -1 to maximise; objective parts are those of the minimisation. `hessian` is the Q of a
    quadratic objective where the form was compiled for LP and QP solvers; `nonlinear` all nonlinear terms otherwise.
    Without an objective (`has_objective`) it is 0: any point that is feasible will do. `sos` are SOSConstraints, which are
    in no array.
    """

    sense: int
    cost: Array
    offset: float
    hessian: sp.csc_array | None
    nonlinear: NonlinearTerms | None
    matrix: sp.csr_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: Booleans
    variables: list[VarData]
    constraints: list[ConstraintData]
    has_objective: bool = True
    sos: list[Any] = field(default_factory=list)
    _column: dict[int, int] = field(repr=False, default_factory=dict)
    _convexity: str | None = field(repr=False, default=None)  # "" where it is not shown, None where nobody has asked

    def column(self, variable: VarData) -> int:
        """Return a variable's column."""
        return self._column[id(variable)]

    def holds(self, variable: VarData) -> bool:
        """Whether a variable has a column: it stands in the model and is not fixed."""
        return id(variable) in self._column

    def constant_rows(self) -> Booleans:
        """Return which rows have no variable in them."""
        entries = np.bincount(self.matrix.nonzero()[0], minlength=len(self.row_low))
        if self.nonlinear is not None:
            entries[[row for row, _, _ in self.nonlinear.parts if row >= 0]] += 1
        empty: Booleans = entries == 0
        return empty

    def linear_rows(self) -> Booleans:
        """Return which rows have no nonlinear term."""
        linear = np.ones(len(self.row_low), dtype=bool)
        if self.nonlinear is not None:
            linear[self.nonlinear.jacobian_rows[self.nonlinear.jacobian_rows >= 0]] = False
        return linear

    def append(self, constraints: list[ConstraintData]) -> sp.csr_array:
        """Add rows for further linear constraints on the same variables, and return those rows."""
        splitter = Splitter()
        splitter.variables, splitter.columns = list(self.variables), dict(self._column)
        rows = _Rows(splitter)
        for constraint in constraints:
            rows.add(constraint)
        new = rows.matrix(len(self.variables))
        self.matrix = sp.csr_array(sp.vstack([self.matrix, new]))
        self.row_low = np.concatenate([self.row_low, rows.low])
        self.row_high = np.concatenate([self.row_high, rows.high])
        self.constraints += constraints
        return new

    def minimised(self, x: Array) -> float:
        """Return the minimised objective at x."""
        value = inner(self.cost, x) + self.offset
        if self.hessian is not None:
            value += inner(x, self.hessian @ x) / 2
        return value if self.nonlinear is None else value + self.nonlinear.values(x)[0]

    def objective(self, x: Array) -> float:
        """Return the model's objective, in its own sense, at x."""
        return self.sense * self.minimised(x)

    def gradient(self, x: Array) -> Array:
        """Return the gradient of the minimised objective at x."""
        gradient: Array = self.cost if self.hessian is None else self.cost + self.hessian @ x
        if self.nonlinear is None:
            return gradient
        of_objective = self.nonlinear.jacobian_rows < 0
        columns, entries = self.nonlinear.jacobian_columns[of_objective], self.nonlinear.first(x)[of_objective]
        return gradient + np.bincount(columns, entries, len(x))

    @property
    def is_constant(self) -> bool:
        """Whether there is an objective, and it is the same everywhere."""
        nonlinear = self.nonlinear is not None and bool((self.nonlinear.jacobian_rows < 0).any())
        return self.has_objective and self.hessian is None and not nonlinear and not self.cost.any()

    @property
    def is_quadratic(self) -> bool:
        """Whether the objective's Hessian is the same everywhere."""
        return self.nonlinear is None or self.nonlinear.degree(objective=True) <= 2

    def objective_hessian(self, x: Array) -> sp.csr_array:
        """Return the Hessian of the minimised objective at x."""
        return self.lagrangian_hessian(x, np.zeros(len(self.constraints)))

    def lagrangian_hessian(self, x: Array, row_dual: Array) -> sp.csr_array:
        """Return the Hessian of the minimised objective less row_dual times the constraints' bodies, at x."""
        if self.nonlinear is None:
            shape = (len(self.variables),) * 2
            return sp.csr_array(shape) if self.hessian is None else sp.csr_array(self.hessian)
        terms = self.nonlinear
        place = terms.hessian_rows, terms.hessian_columns
        lower = sp.coo_array((terms.second(x, -row_dual, 1.0), place), shape=(len(x),) * 2)
        return sp.csr_array(lower + sp.tril(lower, -1).T)

    @property
    def convexity(self) -> str | None:
        """Why the minimisation is convex, in words; None where that is not shown.

        It goes along with `dataclasses.replace`: other rows, bounds, costs and a larger diagonal of the Hessian change nothing.
        """
        if self._convexity is None:
            self._convexity = shown(self) or ""
        return self._convexity or None

    def rows(self, x: Array) -> Array:
        """Return the values of the constraints' bodies at x."""
        linear: Array = self.matrix @ x
        return linear + self.nonlinear.values(x)[1] if self.nonlinear is not None and self.nonlinear.in_rows else linear

    def jacobian(self, x: Array) -> sp.csr_array:
        """Return the Jacobian of the constraints' bodies at x."""
        if self.nonlinear is None or not self.nonlinear.in_rows:
            return self.matrix
        of_rows = self.nonlinear.jacobian_rows >= 0
        place = self.nonlinear.jacobian_rows[of_rows], self.nonlinear.jacobian_columns[of_rows]
        return sp.csr_array(self.matrix + sp.coo_array((self.nonlinear.first(x)[of_rows], place), shape=self.matrix.shape))


@contextmanager
def _collector_paused() -> Iterator[None]:
    with PauseGC():  # the garbage collector walks all that is new again and again, and nothing of it is garbage
        yield


@_collector_paused()
def compile_model(model: Any, nonlinear: bool = False, sos: bool = False) -> StandardForm:
    """Translate the active part of a model.

    `nonlinear` allows smooth expressions everywhere; without it constraints must be linear and the objective at most
    quadratic. `sos` allows SOSConstraints, for a solver that is given the model itself. Fixed variables count as their
    values, mutable parameters as theirs; variables that stand in no active constraint and not in the objective have no column.
    Raises InputError, with the name of the component, for what is not understood, NaN, infinite or forbidden parts, and for
    more than one objective; NotSolvedError for constants and bounds that cannot hold.
    """
    refuse_unknown(model, sos)
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) > 1:
        names = ", ".join(objective.name for objective in objectives)
        raise InputError.of("objective", f"<{len(objectives)} active objectives: {names}>", "one that is active", model.name)
    rows = _Rows(splitter := Splitter())
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        rows.add(constraint, nonlinear)
    sense = -1 if objectives and objectives[0].sense == pyo.maximize else 1
    terms = rows.terms([(objectives[0].expr, float(sense))], -1, objectives[0]) if objectives else Sum()
    variables = splitter.variables
    n = len(variables)
    if rows.nonlinear.parts:
        rows.nonlinear.close(len(rows.constraints), n)
    cost = np.zeros(n)
    cost[list(terms.coefficients)] = list(terms.coefficients.values())
    offset, hessian = terms.constant, None
    if rows.nonlinear.parts and not nonlinear:
        if rows.nonlinear.degree(objective=True) > 2:
            allowed = "a linear or convex quadratic objective (this solver takes no others)"
            raise InputError.of(objectives[0].name, "<an objective that is not quadratic>", allowed, model.name)
        hessian, cost, offset = _quadratic(rows.nonlinear, cost, offset)
        hessian = hessian if hessian.nnz else None  # all weights of squares are 0: a linear program
    smooth = rows.nonlinear if rows.nonlinear.parts and nonlinear else None
    low, high = np.array([_bounds(v) for v in variables], dtype=float).reshape(-1, 2).T.copy()
    bounds = np.array(rows.low), np.array(rows.high), low, high
    integer = np.array(domain_is_whole(variables), dtype=bool)
    arrays = cost, offset, hessian, smooth, rows.matrix(n), *bounds, integer
    special = list(model.component_data_objects(pyo.SOSConstraint, active=True)) if sos else []
    form = StandardForm(sense, *arrays, variables, rows.constraints, bool(objectives), special, splitter.columns)
    refuse_fixed(splitter.fixed.values())
    refuse_undefined(form, model.name)
    refuse_empty(form, model.name)
    return form


def _quadratic(terms: NonlinearTerms, cost: Array, offset: float) -> tuple[sp.csc_array, Array, float]:
    """Return Q, cost and offset of an objective whose nonlinear terms are quadratic."""
    zero = np.zeros(terms.columns)
    values = terms.second(zero, np.zeros(terms.count), 1.0)
    lower = sp.coo_array((values, (terms.hessian_rows, terms.hessian_columns)), shape=(terms.columns,) * 2)
    full = sp.csc_array(lower + sp.tril(lower, -1).T)
    full.eliminate_zeros()
    cost = cost + np.bincount(terms.jacobian_columns, terms.first(zero), terms.columns)
    return full, cost, offset + terms.values(zero)[0]


class _Rows:
    """Rows under construction."""

    def __init__(self, splitter: Splitter) -> None:
        self.splitter = splitter
        self.nonlinear = NonlinearTerms(splitter.graph)
        self.constraints: list[ConstraintData] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.starts: list[int] = [0]
        self.indices: list[int] = []
        self.values: list[float] = []

    def add(self, constraint: ConstraintData, nonlinear: bool = False) -> None:
        """Translate one constraint, in the orientation of Pyomo's own `constraint.body`."""
        low, high = -np.inf, np.inf
        relation = relation_of(constraint)
        kind, arguments = type(relation), relation.args
        if type(arguments[1]) is LinearBody and kind is InequalityExpression and arguments[0].__class__ is float:
            body = arguments[1]
            columns = self.splitter.columns_of(body)
            if columns is not None:
                self._close(constraint, arguments[0], np.inf, columns, body.coefficients.values())
                return
        if kind is RangedExpression:
            parts = [(arguments[1], 1.0)]
            low = -np.inf if arguments[0] is None else self._side(constraint, arguments[0])
            high = np.inf if arguments[2] is None else self._side(constraint, arguments[2])
        elif not varies(arguments[1]):
            parts = [(arguments[0], 1.0)]
            high = self._side(constraint, arguments[1])
        elif not varies(arguments[0]):
            parts = [(arguments[1], 1.0)]
            low = self._side(constraint, arguments[0])
        else:
            parts = [(arguments[0], 1.0), (arguments[1], -1.0)]
            high = 0.0
        if kind is EqualityExpression:
            low = high = high if low == -np.inf else low
        terms = self.terms(parts, len(self.constraints) if nonlinear else None, constraint)
        coefficients = terms.coefficients
        self._close(constraint, low - terms.constant, high - terms.constant, coefficients, coefficients.values())

    def _close(
        self, constraint: ConstraintData, low: float, high: float, columns: Iterable[int], values: Iterable[float]
    ) -> None:
        self.constraints.append(constraint)
        self.low.append(low)
        self.high.append(high)
        self.indices.extend(columns)
        self.values.extend(values)
        self.starts.append(len(self.indices))

    def _side(self, constraint: ConstraintData, side: Any) -> float:
        """Return the number that a constraint's body is compared with."""
        try:
            return number(side, self.splitter.known)
        except UndefinedError as error:
            raise InputError.of(constraint.name, str(error), DEFINED) from None

    def terms(self, parts: list[tuple[Any, float]], row: int | None, owner: Any) -> Sum:
        """Return the linear part of sum factor * part; the rest goes to `nonlinear` under `row`, or is refused without one."""
        total = Sum()
        try:
            for part, factor in parts:
                self.splitter.add(total, part, factor)
        except NotSmoothError as error:
            raise InputError.of(owner.name, str(error), SMOOTH) from None
        except UndefinedError as error:
            raise InputError.of(owner.name, str(error), DEFINED) from None
        if not total.is_linear:
            terms = {column: total.coefficients.pop(column) for column in list(total.coefficients) if column < 0}
            terms = {column: factor for column, factor in terms.items() if factor != 0}
            if terms and row is None:
                shown = " - ".join(str(part) for part, _ in parts)
                raise InputError.of(owner.name, f"<{shown}>", "linear constraints (this solver takes no others)")
            if row is not None:
                self.nonlinear.add(row, terms)
        return total

    def matrix(self, columns: int) -> sp.csr_array:
        """Return the rows so far as a sparse matrix."""
        shape = (len(self.starts) - 1, columns)
        data = (np.array(self.values, dtype=float), np.array(self.indices, dtype=np.int32), np.array(self.starts))
        return sp.csr_array(data, shape=shape)


def _bounds(variable: VarData) -> tuple[float, float]:
    try:
        low, high = variable.bounds
    except (ValueError, ArithmeticError, TypeError) as error:  # Pyomo's own word for a bound that is NaN or has no value
        raise InputError.of(variable.name, f"<{error}>", "bounds that are numbers") from None
    return -np.inf if low is None else low, np.inf if high is None else high
