"""The linear expressions of a model, collected in one pass over their nodes: the fast path of translation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.var import VarData
from pyomo.core.expr import (
    DivisionExpression,
    LinearExpression,
    MonomialTermExpression,
    NegationExpression,
    ProductExpression,
    SumExpression,
)

from veridical.data import InputError

__all__ = ["Linear", "NonlinearError", "fixed_value", "number", "varies"]


class NonlinearError(Exception):
    """An expression that is not linear."""


class Linear:
    """A linear expression under construction: column -> coefficient, and a constant."""

    __slots__ = ("coefficients", "column", "constant", "variables")

    def __init__(self, column: dict[int, int], variables: list[VarData]) -> None:
        self.column, self.variables = column, variables
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
            self.constant += factor * number(node)
        else:
            raise NonlinearError

    def add_variable(self, variable: VarData, factor: float) -> None:
        """Add factor * variable."""
        if variable.fixed:
            self.constant += factor * fixed_value(variable)
            return
        key = id(variable)
        column = self.column.get(key)
        if column is None:
            column = self.column[key] = len(self.variables)
            self.variables.append(variable)
        coefficients = self.coefficients
        coefficients[column] = coefficients.get(column, 0.0) + factor

    def addnumber(self, node: float, factor: float) -> None:
        """Add factor * node, a number."""
        self.constant += factor * node

    def add_monomial(self, node: Any, factor: float) -> None:
        """Add factor * (coefficient * variable)."""
        coefficient, variable = node.args
        self.add_variable(variable, factor * number(coefficient))

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
            self.add(right, factor * number(left))
        elif not varies(right):
            self.add(left, factor * number(right))
        else:
            raise NonlinearError

    def add_division(self, node: Any, factor: float) -> None:
        """Add factor * (numerator / denominator) where the denominator is a number."""
        numerator, denominator = node.args
        if varies(denominator):
            raise NonlinearError
        self.add(numerator, factor / number(denominator))


HANDLERS: dict[type, Callable[[Linear, Any, float], None]] = {
    int: Linear.addnumber,
    float: Linear.addnumber,
    MonomialTermExpression: Linear.add_monomial,
    SumExpression: Linear.add_sum,
    LinearExpression: Linear.add_sum,
    NegationExpression: Linear.add_negation,
    ProductExpression: Linear.add_product,
    DivisionExpression: Linear.add_division,
}


def fixed_value(variable: VarData) -> float:
    """Return the value of a fixed variable; raises InputError, with its name, where it has none."""
    if variable.value is None:
        raise InputError.of(variable.name, "<no value>", "a value: the variable is fixed")
    return float(variable.value)


def varies(node: Any) -> bool:
    """Whether a variable, fixed or not, stands in an expression."""
    return node.__class__ not in (int, float) and hasattr(node, "is_potentially_variable") and node.is_potentially_variable()


def number(node: Any) -> float:
    """Return the value of an expression without variables; NaN where it has none."""
    if node.__class__ is float:
        return node
    try:
        value = pyo.value(node, exception=False)
    except ValueError:  # a parameter that was never given a value
        value = None
    return np.nan if value is None else float(value)
