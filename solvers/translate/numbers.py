"""The numbers in a model: values of expressions without variables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
from pyomo.core import expr
from pyomo.core.base.param import ParamData, ScalarParam
from pyomo.core.base.var import ScalarVar, VarData

from veridical.data import InputError
from veridical.solvers.translate.traced import TracedKnown

__all__ = ["DEFINED", "Known", "UndefinedError", "fixed_value", "number", "varies"]

DEFINED = "numbers: nothing divided by 0, no root or logarithm of what has none, no parameter without a value"


class UndefinedError(Exception):
    """A part of an expression that is no real number: argument 0."""

    def __str__(self) -> str:
        """Return the part, in short."""
        shown = str(self.args[0])
        return f"<{shown if len(shown) <= 200 else shown[:200] + ' ...'}, which is no number>"


def fixed_value(variable: VarData) -> float:
    """Return the value of a fixed variable; raises InputError, with its name, where it has none."""
    if variable.value is None:
        raise InputError.of(variable.name, "<no value>", "a value: the variable is fixed")
    return float(variable.value)


def varies(node: Any) -> bool:
    """Whether a variable, fixed or not, stands in an expression."""
    known = VARIES.get(node.__class__)
    if known is not None:
        return known
    return hasattr(node, "is_potentially_variable") and node.is_potentially_variable()


def number(node: Any, known: Known | None = None) -> float:
    """Return the value of an expression without free variables; raises UndefinedError where it is no real number.

    Params, and sums and products of them, are what coefficients are made of: left to Pyomo's visitor they took five times as
    long. What several coefficients share, such as the probability of a cost, is worked out once and kept in `known`; a chain
    of discount factors may be as long as memory allows.
    """
    if node.__class__ is float or node.__class__ is int:
        return float(node)
    known = {} if known is None else known
    value = _within(LEVELS, node, known)
    if value is not None:
        return value
    stack = [node]
    while stack:
        missing = [argument for argument in stack[-1].args if _within(0, argument, known) is None]
        stack += missing
        if not missing:
            _within(1, stack.pop(), known)
    return known[id(node)][1]


def _within(levels: int, node: Any, known: Known) -> float | None:
    """Return the value of a number, a Param, what is known, what only Pyomo can evaluate, and arithmetic on those that is at
    most so many levels high; None for other arithmetic.
    """
    kind = node.__class__
    if kind is float:
        return node  # type: ignore[no-any-return]
    if kind is ParamData or kind is ScalarParam:
        if known and (pair := known.get(id(node))) is not None:  # of a translation that is to be repeated with other values
            return pair[1]
        value = node._value
        if value.__class__ is float:
            return value
    arithmetic = ARITHMETIC.get(kind)
    if arithmetic is not None:
        pair = known.get(id(node))
        if pair is not None:
            return pair[1]
        if not levels:
            return None
        values = [_within(levels - 1, argument, known) for argument in node.args]
        if None in values:
            return None
        try:
            value = arithmetic(values)
        except (ArithmeticError, ValueError):
            raise UndefinedError(node) from None
        known[id(node)] = node, value
        return value
    if isinstance(known, TracedKnown):
        known.refuse(node)
    try:
        return float(pyo.value(node, exception=False))
    except (ArithmeticError, ValueError, TypeError):  # also a parameter that was never given a value
        raise UndefinedError(node) from None


VARIES: dict[type, bool] = {  # what most expressions are made of
    **dict.fromkeys((int, float, ParamData, ScalarParam), False),
    **dict.fromkeys((VarData, ScalarVar, expr.MonomialTermExpression, expr.LinearExpression), True),
}
LEVELS = 100  # of arithmetic that are worked out by recursion: sums of numbers are as high as they have terms
Known = dict[int, tuple[Any, float]]  # by id: an expression, which has to live as long, and its value
ARITHMETIC: dict[type, Callable[[Any], float]] = {
    expr.NPV_DivisionExpression: lambda values: values[0] / values[1],
    expr.NPV_NegationExpression: lambda values: -values[0],
    expr.NPV_PowExpression: lambda values: math.pow(*values) if isinstance(values[0], float | int) else values[0] ** values[1],
    expr.NPV_ProductExpression: lambda values: values[0] * values[1],
    expr.NPV_SumExpression: sum,
}
