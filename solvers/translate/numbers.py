"""The numbers in a model: values of expressions without variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core import expr
from pyomo.core.base.param import ParamData, ScalarParam
from pyomo.core.base.var import VarData

from veridical.data import InputError

__all__ = ["Known", "fixed_value", "number", "varies"]


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
