"""The linear expressions of a model, collected in one pass over their nodes: the fast path of translation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core import expr
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.param import ParamData, ScalarParam
from pyomo.core.base.var import VarData

from veridical.data import InputError

__all__ = ["Linear", "NonlinearError", "fixed_value", "number", "varies"]


class NonlinearError(Exception):
    """An expression that is not linear."""


class Linear:
    """A linear expression under construction: column -> coefficient, and a constant.

    `column`: of variables, by id; `place` gives a variable that has none the next one.
    """

    __slots__ = ("coefficients", "column", "constant", "known", "place")

    def __init__(self, column: dict[int, int], place: Callable[[VarData], int], known: Known) -> None:
        self.column, self.place, self.known = column, place, known
        self.coefficients: dict[int, float] = {}
        self.constant = 0.0

    def add(self, node: Any, factor: float) -> None:
        """Add factor * node."""
        handler = HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, factor)
        elif isinstance(node, VarData):
            self.add_variable(node, factor)
        elif isinstance(node, NamedExpressionData):
            self.add(node.expr, factor)
        elif not varies(node):
            self.constant += factor * number(node, self.known)
        else:
            raise NonlinearError

    def add_variable(self, variable: VarData, factor: float) -> None:
        """Add factor * variable."""
        if variable.fixed:
            self.constant += factor * fixed_value(variable)
            return
        column = self.column.get(id(variable))
        if column is None:
            column = self.place(variable)
        coefficients = self.coefficients
        coefficients[column] = coefficients.get(column, 0.0) + factor

    def add_number(self, node: float, factor: float) -> None:
        """Add factor * node, a number."""
        self.constant += factor * node

    def add_monomial(self, node: Any, factor: float) -> None:
        """Add factor * (coefficient * variable)."""
        coefficient, variable = node.args
        self.add_variable(variable, factor * number(coefficient, self.known))

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
        if not varies(left):
            self.add(right, factor * number(left, self.known))
        elif not varies(right):
            self.add(left, factor * number(right, self.known))
        else:
            raise NonlinearError

    def add_division(self, node: Any, factor: float) -> None:
        """Add factor * (numerator / denominator) where the denominator is a number."""
        numerator, denominator = node.args
        if varies(denominator):
            raise NonlinearError
        self.add(numerator, factor / number(denominator, self.known))


HANDLERS: dict[type, Callable[[Linear, Any, float], None]] = {
    int: Linear.add_number,
    float: Linear.add_number,
    expr.MonomialTermExpression: Linear.add_monomial,
    expr.SumExpression: Linear.add_sum,
    expr.LinearExpression: Linear.add_sum,
    expr.NegationExpression: Linear.add_negation,
    expr.ProductExpression: Linear.add_product,
    expr.DivisionExpression: Linear.add_division,
}


def fixed_value(variable: VarData) -> float:
    """Return the value of a fixed variable; raises InputError, with its name, where it has none."""
    if variable.value is None:
        raise InputError.of(variable.name, "<no value>", "a value: the variable is fixed")
    return float(variable.value)


def varies(node: Any) -> bool:
    """Whether a variable, fixed or not, stands in an expression."""
    return node.__class__ not in (int, float) and hasattr(node, "is_potentially_variable") and node.is_potentially_variable()


def number(node: Any, known: Known | None = None) -> float:
    """Return the value of an expression without variables; NaN where it has none.

    Params, and sums and products of them, are what coefficients are made of: left to Pyomo's visitor they took five times as
    long. What several coefficients share, such as the probability of a cost, is worked out once and kept in `known`.
    """
    kind = node.__class__
    if kind is float:
        return float(node)
    if kind is expr.NPV_NegationExpression:
        return -number(node.args[0], known)
    if kind is ParamData or kind is ScalarParam:
        value: Any = node._value
        if value.__class__ is float:
            return float(value)
    evaluate = ARITHMETIC.get(kind)
    if evaluate is None:
        try:
            value = pyo.value(node, exception=False)
        except ValueError:  # a parameter that was never given a value
            value = None
        return np.nan if value is None else float(value)
    if known is None:
        return evaluate([number(argument) for argument in node.args])
    if id(node) not in known:
        known[id(node)] = node, evaluate([number(argument, known) for argument in node.args])
    return known[id(node)][1]


def _power(base: float, exponent: float) -> float:
    """Return base to the exponent; NaN where that is no real number."""
    real = base > 0 or (exponent >= 0 if base == 0 else float(exponent).is_integer())
    return float(base**exponent) if real else np.nan


Known = dict[int, tuple[Any, float]]  # by id: an expression, which has to live as long, and its value
ARITHMETIC: dict[type, Callable[[list[float]], float]] = {
    expr.NPV_DivisionExpression: lambda values: values[0] / values[1] if values[1] else np.nan,
    expr.NPV_PowExpression: lambda values: _power(*values),
    expr.NPV_ProductExpression: lambda values: values[0] * values[1],
    expr.NPV_SumExpression: sum,
}
