"""Splitting an expression into a linear part and nonlinear terms; the shape of a term.

The arguments of a term are linear forms of the variables ("slots") and numbers; two terms of one shape differ in those only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.core import expr
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.var import ScalarVar, VarData

from veridical.solvers.translate.functions import UNARY
from veridical.solvers.translate.numbers import Known, fixed_value, number, varies

__all__ = ["SMOOTH", "Form", "NotSmoothError", "Shape", "Splitter", "Sum", "Tree", "canonical"]

Tree = Any  # a float, a Form, or a tuple (operation, trees ...)
Shape = Any  # the same with slots and numbers replaced by their places
SMOOTH = "smooth algebraic expressions: + - * / **, exp, log, trigonometric and hyperbolic functions, ExternalFunction"


class NotSmoothError(Exception):
    """A part of an expression that is not smooth: argument 0."""

    def __str__(self) -> str:
        """Return the part, and what it is called."""
        node = self.args[0]
        name = "abs" if isinstance(node, expr.AbsExpression) else getattr(node, "getname", lambda: type(node).__name__)()
        return f"<{name}: {node}>"


@dataclass(frozen=True)
class Form:
    """A linear form of the variables, an argument of a nonlinear operation: sum coefficient * column + constant."""

    coefficients: tuple[tuple[int, float], ...]
    constant: float


class Sum:
    """An expression under construction, split into a linear part (column -> coefficient) and nonlinear terms (factor, tree)."""

    __slots__ = ("coefficients", "constant", "terms")

    def __init__(self) -> None:
        self.coefficients: dict[int, float] = {}
        self.constant = 0.0
        self.terms: list[tuple[float, Tree]] = []

    def add(self, other: Sum, factor: float) -> None:
        """Add factor * other."""
        for column, coefficient in other.coefficients.items():
            self.coefficients[column] = self.coefficients.get(column, 0.0) + factor * coefficient
        self.constant += factor * other.constant
        self.terms += [(factor * weight, tree) for weight, tree in other.terms]

    @property
    def is_number(self) -> bool:
        """Whether no variable is left in it."""
        return not self.coefficients and not self.terms

    def tree(self) -> Tree:
        """Return the whole as one tree."""
        linear: Tree = self.constant
        if self.coefficients:
            linear = Form(tuple(sorted(self.coefficients.items())), self.constant)
        parts = [tree if factor == 1.0 else ("*", factor, tree) for factor, tree in self.terms]
        if not parts:
            return linear
        if linear != 0.0:
            parts.insert(0, linear)
        return parts[0] if len(parts) == 1 else ("+", *parts)


class Splitter:
    """Splits expressions in one pass over their nodes; gives variables that are new the next column."""

    def __init__(self) -> None:
        self.variables: list[VarData] = []
        self.columns: dict[int, int] = {}  # of the variables, by id
        self.functions: dict[int, Any] = {}  # external functions met, by id
        self.known: Known = {}  # values of expressions without variables that several coefficients share

    def add(self, total: Sum, node: Any, factor: float) -> None:
        """Add factor * node to a sum; raises NotSmoothError."""
        handler = HANDLERS.get(node.__class__)
        if handler is not None:
            handler(self, total, node, factor)
        elif isinstance(node, VarData):
            self._add_variable(total, node, factor)
        elif isinstance(node, NamedExpressionData):
            self.add(total, node.expr, factor)
        elif not varies(node):
            total.constant += factor * number(node, self.known)
        else:
            raise NotSmoothError(node)

    def split(self, node: Any) -> Sum:
        """Return an expression as a sum."""
        total = Sum()
        self.add(total, node, 1.0)
        return total

    def _add_variable(self, total: Sum, variable: VarData, factor: float) -> None:
        if variable.fixed:
            total.constant += factor * fixed_value(variable)
            return
        column = self.columns.get(id(variable))
        if column is None:
            column = self.columns[id(variable)] = len(self.variables)
            self.variables.append(variable)
        coefficients = total.coefficients
        coefficients[column] = coefficients.get(column, 0.0) + factor

    def _add_number(self, total: Sum, node: float, factor: float) -> None:
        total.constant += factor * node

    def _add_monomial(self, total: Sum, node: Any, factor: float) -> None:
        coefficient, variable = node.args
        self._add_variable(total, variable, factor * number(coefficient, self.known))

    def _add_sum(self, total: Sum, node: Any, factor: float) -> None:
        for argument in node.args:
            self.add(total, argument, factor)

    def _add_negation(self, total: Sum, node: Any, factor: float) -> None:
        self.add(total, node.args[0], -factor)

    def _add_product(self, total: Sum, node: Any, factor: float) -> None:
        left, right = node.args
        if not varies(left):
            self.add(total, right, factor * number(left, self.known))
        elif not varies(right):
            self.add(total, left, factor * number(right, self.known))
        else:
            total.add(_product(self.split(left), self.split(right)), factor)

    def _add_division(self, total: Sum, node: Any, factor: float) -> None:
        above, below = node.args
        if varies(below):
            total.add(_product(self.split(above), _power(self.split(below), -1.0)), factor)
        else:
            divisor = number(below, self.known)
            self.add(total, above, factor / divisor if divisor else np.nan)

    def _add_power(self, total: Sum, node: Any, factor: float) -> None:
        base, exponent = map(self.split, node.args)
        if exponent.is_number:
            total.add(_power(base, exponent.constant), factor)
        else:
            total.terms.append((factor, ("exp", ("*", exponent.tree(), ("log", base.tree())))))

    def _add_function(self, total: Sum, node: Any, factor: float) -> None:
        name, argument = node.getname(), self.split(node.args[0])
        if name not in UNARY:
            raise NotSmoothError(node)
        if argument.is_number:
            total.constant += factor * number(UNARY[name](np.float64(argument.constant))[0])
        else:
            total.terms.append((factor, (name, argument.tree())))

    def _add_external(self, total: Sum, node: Any, factor: float) -> None:
        *arguments, _ = node.args if hasattr(node._fcn, "_fcn_id") else (*node.args, None)
        self.functions[id(node._fcn)] = node._fcn
        parts = [self.split(argument) for argument in arguments]
        if all(part.is_number for part in parts):
            total.constant += factor * number(node._fcn.evaluate(node.args))
        else:
            total.terms.append((factor, ("external", id(node._fcn), *(part.tree() for part in parts))))


HANDLERS: dict[type, Callable[[Splitter, Sum, Any, float], None]] = {
    int: Splitter._add_number,
    float: Splitter._add_number,
    ScalarVar: Splitter._add_variable,
    VarData: Splitter._add_variable,
    expr.MonomialTermExpression: Splitter._add_monomial,
    expr.SumExpression: Splitter._add_sum,
    expr.LinearExpression: Splitter._add_sum,
    expr.NegationExpression: Splitter._add_negation,
    expr.ProductExpression: Splitter._add_product,
    expr.DivisionExpression: Splitter._add_division,
    expr.PowExpression: Splitter._add_power,
    expr.UnaryFunctionExpression: Splitter._add_function,
    expr.ExternalFunctionExpression: Splitter._add_external,
}


def _product(left: Sum, right: Sum) -> Sum:
    """Return left * right."""
    if right.is_number:
        left, right = right, left
    total = Sum()
    if left.is_number:
        total.add(right, left.constant)
    else:
        total.terms.append((1.0, ("*", left.tree(), right.tree())))
    return total


def _power(base: Sum, exponent: float) -> Sum:
    """Return base ** exponent, a number."""
    if exponent == 1 and not base.is_number:
        return base
    total = Sum()
    if base.is_number:
        total.constant = number(np.power(base.constant, exponent))
    elif exponent == 0:
        total.constant = 1.0
    else:
        total.terms.append((1.0, ("pow", exponent, base.tree())))
    return total


def canonical(tree: Tree, slots: dict[Form, int], numbers: list[float]) -> Shape:
    """Return the shape of a tree, and collect its slots and numbers in the order in which they are met."""
    if isinstance(tree, Form):
        return "slot", slots.setdefault(tree, len(slots))
    if not isinstance(tree, tuple):
        numbers.append(float(tree))
        return "number", len(numbers) - 1
    operation, *arguments = tree
    if operation in ("pow", "external"):
        return operation, arguments[0], *(canonical(part, slots, numbers) for part in arguments[1:])
    return operation, *(canonical(part, slots, numbers) for part in arguments)
