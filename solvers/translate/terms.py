"""Splitting an expression into a linear part and nonlinear terms; the shape of a term.

The arguments of a term are linear forms of the variables ("slots") and numbers; two terms of one shape differ in those only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pyomo.core import expr
from pyomo.core.base.expression import NamedExpressionData
from pyomo.core.base.var import VarData

from veridical.data import InputError
from veridical.solvers.translate.jets import UNARY
from veridical.solvers.translate.linear import Known, fixed_value, number, varies

__all__ = ["SMOOTH", "Form", "Shape", "Sum", "Terms", "Tree", "canonical"]

Tree = Any  # a float, a Form, or a tuple (operation, trees ...)
Shape = Any  # the same with slots and numbers replaced by their places
SMOOTH = "smooth algebraic expressions: + - * / **, exp, log, trigonometric and hyperbolic functions, ExternalFunction"


@dataclass(frozen=True)
class Form:
    """A linear form of the variables, an argument of a nonlinear operation: sum coefficient * column + constant."""

    coefficients: tuple[tuple[int, float], ...]
    constant: float


@dataclass
class Sum:
    """An expression split into a linear part and nonlinear terms (factor, tree)."""

    coefficients: dict[int, float] = field(default_factory=dict)
    constant: float = 0.0
    terms: list[tuple[float, Tree]] = field(default_factory=list)

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


class Terms:
    """Splits expressions; gives new variables columns through `column`."""

    def __init__(self, column: Callable[[VarData], int]) -> None:
        self.column = column
        self.functions: dict[int, Any] = {}  # external functions met, by id
        self.known: Known = {}

    def split(self, node: Any) -> Sum:
        """Return an expression as a Sum; raises InputError for what is not smooth."""
        if not varies(node):
            return Sum(constant=number(node, self.known))
        if isinstance(node, VarData):
            return Sum(constant=fixed_value(node)) if node.fixed else Sum({self.column(node): 1.0})
        if isinstance(node, NamedExpressionData):
            return self.split(node.expr)
        kind = type(node)
        if kind in (expr.SumExpression, expr.LinearExpression):
            return self._sum((1.0, argument) for argument in node.args)
        if kind in (expr.ProductExpression, expr.MonomialTermExpression):
            return self._product(*map(self.split, node.args))
        if kind is expr.NegationExpression:
            return self._sum([(-1.0, node.args[0])])
        if kind is expr.DivisionExpression:
            above, below = map(self.split, node.args)
            return self._product(above, self._power(below, -1.0))
        if kind is expr.PowExpression:
            base, exponent = map(self.split, node.args)
            if exponent.is_number:
                return self._power(base, exponent.constant)
            return _term(("exp", ("*", exponent.tree(), ("log", base.tree()))))
        if kind is expr.UnaryFunctionExpression and node.getname() in UNARY:
            argument = self.split(node.args[0])
            if argument.is_number:
                return Sum(constant=number(UNARY[node.getname()](np.float64(argument.constant))[0]))
            return _term((node.getname(), argument.tree()))
        if kind is expr.ExternalFunctionExpression:
            return self._external(node)
        name = "abs" if kind is expr.AbsExpression else getattr(node, "getname", lambda: kind.__name__)()
        raise InputError.of("expression", f"<{name}: {node}>", SMOOTH)

    def _sum(self, parts: Iterable[tuple[float, Any]]) -> Sum:
        total = Sum()
        for factor, part in parts:
            total.add(self.split(part), factor)
        return total

    def _product(self, left: Sum, right: Sum) -> Sum:
        if right.is_number:
            left, right = right, left
        if left.is_number:
            total = Sum()
            total.add(right, left.constant)
            return total
        return _term(("*", left.tree(), right.tree()))

    def _power(self, base: Sum, exponent: float) -> Sum:
        if base.is_number:
            return Sum(constant=number(np.power(base.constant, exponent)))
        if exponent == 0:
            return Sum(constant=1.0)
        return base if exponent == 1 else _term(("pow", exponent, base.tree()))

    def _external(self, node: Any) -> Sum:
        *arguments, _ = node.args if hasattr(node._fcn, "_fcn_id") else (*node.args, None)
        self.functions[id(node._fcn)] = node._fcn
        parts = [self.split(argument) for argument in arguments]
        if all(part.is_number for part in parts):
            return Sum(constant=number(node._fcn.evaluate(node.args)))
        return _term(("external", id(node._fcn), *(part.tree() for part in parts)))


def _term(tree: Tree) -> Sum:
    return Sum(terms=[(1.0, tree)])


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
