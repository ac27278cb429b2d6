"""A Pyomo model as arrays: minimise sense * (c'x + x'Qx / 2 + c0) subject to row_low <= A x <= row_high, low <= x <= high.

Why not Pyomo's own compiler: on the full ICDS model with ten suppliers translation took longer than the solve. Linear parts
are collected here in one pass over the expression nodes; what is not linear goes through Pyomo's `generate_standard_repn`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.objective import ObjectiveData
from pyomo.core.base.var import VarData
from pyomo.core.expr import (
    DivisionExpression,
    LinearExpression,
    MonomialTermExpression,
    NegationExpression,
    ProductExpression,
    SumExpression,
)
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression
from pyomo.repn import generate_standard_repn

from veridical.data import InputError

__all__ = ["StandardForm", "compile_model"]

Array = NDArray[np.float64]


@dataclass
class StandardForm:
    """The arrays, and the components of the model that their rows and columns stand for.

    `sense` is 1 to minimise and -1 to maximise; `cost`, `offset` and `hessian` are those of the minimisation.
    """

    sense: int
    cost: Array
    offset: float
    hessian: sp.csc_array | None
    matrix: sp.csr_array
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    integer: NDArray[np.bool_]
    variables: list[VarData]
    constraints: list[ConstraintData]
    _column: dict[int, int] = field(repr=False, default_factory=dict)

    def column(self, variable: VarData) -> int:
        """Return a variable's column."""
        return self._column[id(variable)]

    def append(self, constraints: list[ConstraintData]) -> sp.csr_array:
        """Add rows for further constraints on the same variables, and return those rows."""
        rows = _Rows(dict(self._column), [])
        for constraint in constraints:
            rows.add(constraint)
        new = rows.matrix(len(self.variables))
        self.matrix = sp.csr_array(sp.vstack([self.matrix, new]))
        self.row_low = np.concatenate([self.row_low, rows.low])
        self.row_high = np.concatenate([self.row_high, rows.high])
        self.constraints += constraints
        return new

    def objective(self, x: Array) -> float:
        """Return the model's objective, in its own sense, at x."""
        quadratic = 0.0 if self.hessian is None else float(x @ (self.hessian @ x)) / 2
        return self.sense * (float(self.cost @ x) + quadratic + self.offset)

    def gradient(self, x: Array) -> Array:
        """Return the gradient of the minimised objective at x."""
        return self.cost if self.hessian is None else self.cost + self.hessian @ x


class NonlinearError(Exception):
    """An expression that is not linear."""


def compile_model(model: Any) -> StandardForm:
    """Translate the active part of a model with a linear or quadratic objective and linear constraints.

    Fixed variables count as their values, mutable parameters as theirs. Raises InputError, with the name of the
    constraint or variable, for NaN, infinite or nonlinear parts, and for a model without exactly one objective.
    """
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if len(objectives) != 1:
        raise InputError.of("objective", f"<{len(objectives)} active objectives>", "exactly one", model.name)
    column: dict[int, int] = {}
    variables: list[VarData] = []
    rows = _Rows(column, variables)
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        rows.add(constraint)
    cost, offset, hessian = _objective(objectives[0], column, variables)
    matrix = rows.matrix(len(variables))
    bounds = [(_or(v.lb, -np.inf), _or(v.ub, np.inf)) for v in variables]
    low, high = np.array(bounds, dtype=float).reshape(-1, 2).T.copy()
    form = StandardForm(
        sense=1 if objectives[0].sense == pyo.minimize else -1,
        cost=cost,
        offset=offset,
        hessian=hessian,
        matrix=matrix,
        row_low=np.array(rows.low),
        row_high=np.array(rows.high),
        low=low,
        high=high,
        integer=np.fromiter((not v.is_continuous() for v in variables), dtype=bool, count=len(variables)),
        variables=variables,
        constraints=rows.constraints,
        _column=column,
    )
    _refuse_undefined(form, model)
    return form


class _Rows:
    """Rows under construction."""

    def __init__(self, column: dict[int, int], variables: list[VarData]) -> None:
        self.column, self.variables = column, variables
        self.constraints: list[ConstraintData] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.starts: list[int] = [0]
        self.indices: list[int] = []
        self.values: list[float] = []

    def add(self, constraint: ConstraintData) -> None:
        """Translate one constraint, in the orientation of Pyomo's own `constraint.body`."""
        expression = constraint.expr
        low, high = -np.inf, np.inf
        terms = _Terms(self.column, self.variables)
        try:
            kind = type(expression)
            if kind is InequalityExpression or kind is EqualityExpression:
                left, right = expression.args
                if kind is InequalityExpression and not _varies(left):
                    terms.add(right, 1.0)
                    low = _number(left)
                elif not _varies(right):
                    terms.add(left, 1.0)
                    high = _number(right)
                else:
                    terms.add(left, 1.0)
                    terms.add(right, -1.0)
                    high = 0.0
                if kind is EqualityExpression:
                    low = high
            elif kind is RangedExpression:
                left, body, right = expression.args
                terms.add(body, 1.0)
                low, high = _number(left), _number(right)
            else:
                raise NonlinearError
        except NonlinearError:
            if constraint.body.polynomial_degree() not in (0, 1):
                allowed = "linear constraints (this solver takes no others)"
                raise InputError.of(constraint.name, f"<{constraint.body}>", allowed) from None
            terms = _Terms(self.column, self.variables)
            repn = generate_standard_repn(constraint.body)
            for coefficient, variable in zip(repn.linear_coefs, repn.linear_vars, strict=True):
                terms.add_variable(variable, coefficient)
            terms.constant = pyo.value(repn.constant)
            low, high = _or(pyo.value(constraint.lb), -np.inf), _or(pyo.value(constraint.ub), np.inf)
        self.constraints.append(constraint)
        self.low.append(low - terms.constant)
        self.high.append(high - terms.constant)
        self.indices.extend(terms.coefficients)
        self.values.extend(terms.coefficients.values())
        self.starts.append(len(self.indices))

    def matrix(self, columns: int) -> sp.csr_array:
        """Return the rows so far as a sparse matrix."""
        shape = (len(self.starts) - 1, columns)
        data = (np.array(self.values, dtype=float), np.array(self.indices, dtype=np.int32), np.array(self.starts))
        return sp.csr_array(data, shape=shape)


class _Terms:
    """A linear expression under construction: column -> coefficient, and a constant."""

    __slots__ = ("coefficients", "column", "constant", "variables")

    def __init__(self, column: dict[int, int], variables: list[VarData]) -> None:
        self.column, self.variables = column, variables
        self.coefficients: dict[int, float] = {}
        self.constant = 0.0

    def add(self, node: Any, factor: float) -> None:
        """Add factor * node."""
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, factor)
        elif isinstance(node, VarData):
            self.add_variable(node, factor)
        elif isinstance(node, NamedExpressionData):
            self.add(node.expr, factor)
        elif not _varies(node):
            self.constant += factor * _number(node)
        else:
            raise NonlinearError

    def add_variable(self, variable: VarData, factor: float) -> None:
        """Add factor * variable."""
        if variable.fixed:
            self.constant += factor * variable.value
            return
        key = id(variable)
        column = self.column.get(key)
        if column is None:
            column = self.column[key] = len(self.variables)
            self.variables.append(variable)
        coefficients = self.coefficients
        coefficients[column] = coefficients.get(column, 0.0) + factor

    def add_number(self, node: float, factor: float) -> None:
        """Add factor * node, a number."""
        self.constant += factor * node

    def add_monomial(self, node: Any, factor: float) -> None:
        """Add factor * (coefficient * variable)."""
        coefficient, variable = node.args
        self.add_variable(variable, factor * _number(coefficient))

    def add_sum(self, node: Any, factor: float) -> None:
        """Add factor * (sum of the arguments)."""
        for argument in node.args:
            self.add(argument, factor)

    def add_negation(self, node: Any, factor: float) -> None:
        """Add factor * (-argument)."""
        self.add(node.args[0], -factor)

    def add_product(self, node: Any, factor: float) -> None:
        """Add factor * (left * right) where one of the two is a number."""
        left, right = node.args
        if not _varies(left):
            self.add(right, factor * _number(left))
        elif not _varies(right):
            self.add(left, factor * _number(right))
        else:
            raise NonlinearError

    def add_division(self, node: Any, factor: float) -> None:
        """Add factor * (numerator / denominator) where the denominator is a number."""
        numerator, denominator = node.args
        if _varies(denominator):
            raise NonlinearError
        self.add(numerator, factor / _number(denominator))


_HANDLERS: dict[type, Callable[[_Terms, Any, float], None]] = {
    int: _Terms.add_number,
    float: _Terms.add_number,
    MonomialTermExpression: _Terms.add_monomial,
    SumExpression: _Terms.add_sum,
    LinearExpression: _Terms.add_sum,
    NegationExpression: _Terms.add_negation,
    ProductExpression: _Terms.add_product,
    DivisionExpression: _Terms.add_division,
}


def _varies(node: Any) -> bool:
    return node.__class__ not in (int, float) and hasattr(node, "is_potentially_variable") and node.is_potentially_variable()


def _number(node: Any) -> float:
    return node if node.__class__ is float else float(_or(pyo.value(node), np.nan))


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _objective(
    objective: ObjectiveData, column: dict[int, int], variables: list[VarData]
) -> tuple[Array, float, sp.csc_array | None]:
    """Return cost, offset and Hessian of the minimised objective; new variables get columns."""
    sign = 1.0 if objective.sense == pyo.minimize else -1.0
    terms = _Terms(column, variables)
    pairs: list[tuple[int, int, float]] = []
    try:
        terms.add(objective.expr, sign)
    except NonlinearError:
        repn = generate_standard_repn(objective.expr, quadratic=True)
        if repn.nonlinear_expr is not None:
            allowed = "a linear or convex quadratic objective (this solver takes no others)"
            raise InputError.of(objective.name, f"<{repn.nonlinear_expr}>", allowed) from None
        terms = _Terms(column, variables)
        terms.constant = sign * pyo.value(repn.constant)
        for coefficient, variable in zip(repn.linear_coefs, repn.linear_vars, strict=True):
            terms.add_variable(variable, sign * pyo.value(coefficient))
        place = _Terms(column, variables)
        for coefficient, (left, right) in zip(repn.quadratic_coefs, repn.quadratic_vars, strict=True):
            place.add_variable(left, 0.0)
            place.add_variable(right, 0.0)
            pairs.append((column[id(left)], column[id(right)], sign * pyo.value(coefficient)))
    cost = np.zeros(len(variables))
    cost[list(terms.coefficients)] = list(terms.coefficients.values())
    if not pairs:
        return cost, terms.constant, None
    rows, columns, values = (np.array(part) for part in zip(*pairs, strict=True))
    half = sp.coo_array((values, (rows, columns)), shape=(len(variables),) * 2)
    return cost, terms.constant, sp.csc_array(half + half.T)


def _refuse_undefined(form: StandardForm, model: Any) -> None:
    """Raise InputError where data are NaN, or infinite where they must not be: solvers take those for numbers."""
    name = model.name
    finite = np.isfinite(form.matrix.data)
    if not finite.all():
        row = int(np.searchsorted(form.matrix.indptr, np.flatnonzero(~finite)[0], side="right")) - 1
        raise InputError.of(form.constraints[row].name, "<a coefficient that is NaN or infinite>", "finite numbers", name)
    for low, high, things in (
        (form.row_low, form.row_high, form.constraints),
        (form.low, form.high, form.variables),
    ):
        bad = np.isnan(low) | np.isnan(high) | (low == np.inf) | (high == -np.inf)
        if bad.any():
            raise InputError.of(things[int(np.argmax(bad))].name, "<a bound that is NaN>", "numbers", name)
    bad = ~np.isfinite(form.cost)
    if bad.any() or not np.isfinite(form.offset):
        where = form.variables[int(np.argmax(bad))].name if bad.any() else "the constant"
        raise InputError.of(f"objective, {where}", "<a coefficient that is NaN or infinite>", "finite numbers", name)
    if form.hessian is not None and not np.isfinite(form.hessian.data).all():
        raise InputError.of("objective", "<a quadratic coefficient that is NaN or infinite>", "finite numbers", name)
