"""Splitting an expression into a sum of variables and of nonlinear operations.

Nothing recurses: an expression may be as deep as memory allows. A part that is shared is split once (see `_add_shared`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pyomo.environ as pyo
from pyomo.core import expr
from pyomo.core.base.expression import ExpressionData, NamedExpressionData, ScalarExpression
from pyomo.core.base.var import ScalarVar, VarData

from veridical.data.arrays import plus
from veridical.models.decisions import Terms, terms_of
from veridical.solvers.translate.functions import UNARY
from veridical.solvers.translate.graph import Graph
from veridical.solvers.translate.numbers import Known, UndefinedError, fixed_value, number, varies
from veridical.solvers.translate.sums import Sum
from veridical.solvers.translate.traced import TracedKnown

__all__ = ["SMOOTH", "NotSmoothError", "Splitter"]

SMOOTH = "smooth algebraic expressions: + - * / **, exp, log, trigonometric and hyperbolic functions, ExternalFunction"


class NotSmoothError(Exception):
    """A part of an expression that is not smooth: argument 0."""

    def __str__(self) -> str:
        """Return the part, and what it is called."""
        node = self.args[0]
        name = "abs" if isinstance(node, expr.AbsExpression) else getattr(node, "getname", lambda: type(node).__name__)()
        return f"<{name}: {node}>"


class Splitter:
    """Splits expressions in one pass over their nodes; gives variables that are new the next column."""

    def __init__(self, known: Known | None = None) -> None:
        self.variables: list[VarData] = []
        self.columns: dict[int, int] = {}  # of the variables, by id
        self.fixed: dict[int, VarData] = {}  # variables that count as their values, by id
        self.graph = Graph()
        # Values of expressions without variables that several coefficients share.
        self.known: Known = {} if known is None else known
        self._stack: list[tuple[Any, float, Sum]] = []  # add factor * node to a sum: the last one first
        self._shared: dict[int, tuple[Any, Sum | int]] = {}  # by id: a node, which has to live as long, and what it is
        self._walks: dict[int, int] = {}  # by id: how often an expression that may be shared was walked
        self._curved: set[int] = set()  # those of them, by id, that are not linear
        self._places: dict[int, _Places] = {}  # by id of decisions
        self._within = 1  # walks of the one that is being walked
        self._combined = 0  # how often an operation was met so far, also one that turned out to be linear

    def add(self, total: Sum, node: Any, factor: float) -> None:
        """Add factor * node to a sum; raises NotSmoothError, UndefinedError."""
        self._within = 1
        stack = self._stack
        stack.clear()
        if node.__class__ in SUMS:
            self._add_arguments(total, iter(node.args), factor)
        elif not self._add_short(total, node, factor):
            stack.append((node, factor, total))
        while stack:
            node, factor, total = stack.pop()
            HANDLERS.get(node.__class__, Splitter._add_other)(self, total, node, factor)

    def _add_variable(self, total: Sum, variable: VarData, factor: float) -> None:
        column = self.columns.get(id(variable))
        if column is None:
            if variable.fixed:
                self.fixed[id(variable)] = variable
                total.constant = plus(total.constant, factor * fixed_value(variable))
                return
            column = self.columns[id(variable)] = len(self.variables)
            self.variables.append(variable)
        coefficients = total.coefficients
        coefficients[column] = plus(coefficients[column], factor) if column in coefficients else factor

    def columns_of(self, terms: Terms) -> list[int] | None:
        """Return the columns of a linear form's variables; None where some are fixed: those count as their values."""
        places = self._places.get(id(terms.numbered))
        if places is None:
            places = self._places[id(terms.numbered)] = _Places(self, terms.numbered.variables)
        try:
            return list(map(places.__getitem__, terms.coefficients))
        except _FixedError:
            return None

    def _add_terms(self, total: Sum, terms: Terms, factor: float) -> bool:
        """Add a linear form by its coefficients, and return whether that could be done: not where some variables are fixed."""
        columns, coefficients = self.columns_of(terms), total.coefficients
        if columns is None:
            return False
        for column, coefficient in zip(columns, terms.coefficients.values(), strict=True):
            size = factor * coefficient
            coefficients[column] = plus(coefficients[column], size) if column in coefficients else size
        return True

    def _add_number(self, total: Sum, node: float, factor: float) -> None:
        total.constant = plus(total.constant, factor * node)

    def _add_monomial(self, total: Sum, node: Any, factor: float) -> None:
        coefficient, variable = node.args
        size = factor * (coefficient if coefficient.__class__ is float else number(coefficient, self.known))
        column = self.columns.get(id(variable))
        if column is None or column in total.coefficients:
            self._add_variable(total, variable, size)
        else:  # what most terms of large models are
            total.coefficients[column] = size

    def _add_arguments(self, total: Sum, arguments: Iterator[Any], factor: float) -> None:
        """Add the arguments of a sum, up to one that leaves something on the stack: the others come after it."""
        stack = self._stack
        stack.append((arguments, factor, total))
        size = len(stack)
        for argument in arguments:
            leaf = LEAVES.get(argument.__class__)
            if leaf is not None:
                leaf(self, total, argument, factor)
                continue
            HANDLERS.get(argument.__class__, Splitter._add_other)(self, total, argument, factor)
            if len(stack) > size:
                return
        stack.pop()

    def _add_short(self, total: Sum, node: Any, factor: float) -> bool:
        """Add a leaf, or a sum of leaves, and return whether it is one."""
        leaf = LEAVES.get(node.__class__)
        if leaf is not None:
            leaf(self, total, node, factor)
            return True
        if node.__class__ not in SUMS:
            return False
        terms = terms_of(node)
        if terms is not None and self._add_terms(total, terms, factor):
            return True
        arguments = node.args
        for argument in arguments:
            if argument.__class__ not in LEAVES:
                return False
        for argument in arguments:
            LEAVES[argument.__class__](self, total, argument, factor)
        return True

    def _add_shared(self, total: Sum, node: Any, factor: float) -> None:
        """Add a named expression, or a sum inside of an expression; what stands in two places is split once.

        At first it goes straight into the total: a chain, each on the one before, would else be kept at every link. It is in
        two places if it was walked more often than what it was met in; or if it is met again and not linear.
        """
        if self._add_short(total, node, factor):
            return
        key = id(node)
        walks = self._walks[key] = self._walks.get(key, 0) + 1
        if key in self._shared:
            total.add(self._shared[key][1], factor)
            return
        if walks > self._within or key in self._curved:
            part = Sum()
            self._stack.append((_Pending(node, Graph.once, [part], self._within), factor, total))
            total, factor = part, 1.0
        else:
            self._stack.append((_Leaving(key, self._within, self._combined), factor, total))
        self._within = walks
        self._stack.append((iter(node.args) if node.__class__ in SUMS else node.expr, factor, total))

    def _leave(self, total: Sum, left: _Leaving, factor: float) -> None:
        self._within = left.within
        if self._combined > left.combined:
            self._curved.add(left.key)

    def _add_scaled(self, total: Sum, node: Any, factor: float) -> None:
        """Add an argument of an operation: at once where that does not lead to further arguments."""
        handler = DIRECT.get(node.__class__)
        if handler is None:
            self._stack.append((node, factor, total))
        else:
            handler(self, total, node, factor)

    def _add_negation(self, total: Sum, node: Any, factor: float) -> None:
        self._add_scaled(total, node.args[0], -factor)

    def _add_product(self, total: Sum, node: Any, factor: float) -> None:
        left, right = node.args
        if not varies(left):
            self._add_scaled(total, right, factor * number(left, self.known))
        elif not varies(right):
            self._add_scaled(total, left, factor * number(right, self.known))
        else:
            self._combine(total, node, factor, Graph.product, (left, right))

    def _add_division(self, total: Sum, node: Any, factor: float) -> None:
        above, below = node.args
        if varies(below):
            self._combine(total, node, factor, Graph.quotient, (above, below))
        elif (divisor := number(below, self.known)) == 0:
            raise UndefinedError(node)
        else:
            self._add_scaled(total, above, factor / divisor)

    def _add_power(self, total: Sum, node: Any, factor: float) -> None:
        self._combine(total, node, factor, Graph.power, node.args)

    def _add_function(self, total: Sum, node: Any, factor: float) -> None:
        if node.getname() in UNARY:
            self._combine(total, node, factor, Graph.function, node.args)
        else:
            self._add_other(total, node, factor)

    def _add_external(self, total: Sum, node: Any, factor: float) -> None:
        arguments = node.args[:-1] if hasattr(node._fcn, "_fcn_id") else node.args
        self._combine(total, node, factor, Graph.external, arguments)

    def _add_choice(self, total: Sum, node: Any, factor: float) -> None:
        condition, then, otherwise = node.args
        if not (isinstance(condition, bool) or condition.is_fixed()):
            raise NotSmoothError(node)
        if isinstance(self.known, TracedKnown):
            self.known.refuse(condition)
        self._stack.append((then if pyo.value(condition) else otherwise, factor, total))

    def _add_other(self, total: Sum, node: Any, factor: float) -> None:
        if isinstance(node, VarData):
            self._add_variable(total, node, factor)
        elif isinstance(node, NamedExpressionData):
            self._add_shared(total, node, factor)
        elif not varies(node) or node.is_fixed():
            total.constant = plus(total.constant, factor * number(node, self.known))
        else:
            raise NotSmoothError(node)

    def _combine(self, total: Sum, node: Any, factor: float, combine: Combination, arguments: Sequence[Any]) -> None:
        """Add an operation on arguments: now if they are sums of leaves, else as soon as they have been split."""
        self._combined += 1
        shared = self._shared.get(id(node))
        if shared is not None:
            total.add(shared[1], factor)
            return
        parts: list[Sum] = []
        later: list[tuple[Any, float, Sum]] = []
        for argument in arguments:
            part = Sum()
            parts.append(part)
            if later or not self._add_short(part, argument, 1.0):  # columns are given in the order of the expression
                later.append((argument, 1.0, part))
        if later:
            self._stack.append((_Pending(node, combine, parts, self._within), factor, total))
            self._stack += reversed(later)
        else:
            self._finish(total, (node, combine, parts, self._within), factor)

    def _finish(self, total: Sum, pending: tuple[Any, Combination, list[Sum], int], factor: float) -> None:
        node, combine, parts, self._within = pending
        try:
            result = combine(self.graph, node, parts)
        except (ArithmeticError, ValueError):
            raise UndefinedError(node) from None
        self._shared[id(node)] = node, result
        total.add(result, factor)


class _FixedError(Exception):
    """A variable is fixed: it has no column."""


class _Places(dict[int, int]):
    """The columns of numbered variables, new ones given when they are first asked for; raises _FixedError."""

    def __init__(self, splitter: Splitter, variables: list[VarData]) -> None:
        known = enumerate(map(splitter.columns.get, map(id, variables)))
        super().__init__({number: column for number, column in known if column is not None})
        self.splitter, self.variables = splitter, variables

    def __missing__(self, number: int) -> int:
        variable, columns = self.variables[number], self.splitter.columns
        if variable.fixed:
            raise _FixedError
        column = self[number] = columns.setdefault(id(variable), len(columns))
        if column == len(self.splitter.variables):
            self.splitter.variables.append(variable)
        return column


class _Leaving(NamedTuple):
    """On the stack: the end of a shared expression that went straight into a total."""

    key: int
    within: int  # walks of what it was met in
    combined: int  # operations met before


class _Pending(NamedTuple):
    """On the stack: an operation on parts that are being split."""

    node: Any
    combine: Combination
    parts: list[Sum]
    within: int


Combination = Callable[[Graph, Any, list[Sum]], Sum | int]
Handler = Callable[[Splitter, Sum, Any, float], None]
LEAVES: dict[type, Handler] = {
    int: Splitter._add_number,
    float: Splitter._add_number,
    ScalarVar: Splitter._add_variable,
    VarData: Splitter._add_variable,
    expr.MonomialTermExpression: Splitter._add_monomial,
}
SUMS = (expr.SumExpression, expr.LinearExpression)
DIRECT: dict[type, Handler] = LEAVES | {  # those that add at once, or leave one thing on the stack: none calls another
    expr.PowExpression: Splitter._add_power,
    expr.UnaryFunctionExpression: Splitter._add_function,
    expr.ExternalFunctionExpression: Splitter._add_external,
}
HANDLERS: dict[type, Handler] = DIRECT | {
    type(iter([])): Splitter._add_arguments,
    type(iter(())): Splitter._add_arguments,
    expr.SumExpression: Splitter._add_shared,
    expr.LinearExpression: Splitter._add_shared,
    ScalarExpression: Splitter._add_shared,
    ExpressionData: Splitter._add_shared,
    expr.NegationExpression: Splitter._add_negation,
    expr.ProductExpression: Splitter._add_product,
    expr.DivisionExpression: Splitter._add_division,
    expr.Expr_ifExpression: Splitter._add_choice,
    _Leaving: Splitter._leave,
    _Pending: Splitter._finish,
}
