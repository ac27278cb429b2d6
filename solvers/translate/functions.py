"""Functions of one argument with two derivatives, and external functions: of many arguments at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from veridical.data.arrays import Array

__all__ = ["UNARY", "external"]


def _tan(u: Array) -> tuple[Array, Array, Array]:
    t = np.tan(u)
    return t, 1 + t * t, 2 * t * (1 + t * t)


def _tanh(u: Array) -> tuple[Array, Array, Array]:
    t = np.tanh(u)
    return t, 1 - t * t, -2 * t * (1 - t * t)


def _exp(u: Array) -> tuple[Array, Array, Array]:
    e = np.exp(u)
    return e, e, e


def _sqrt(u: Array) -> tuple[Array, Array, Array]:
    s = np.sqrt(u)
    return s, 0.5 / s, -0.25 / (s * u)


# Value, first and second derivative of the functions of one argument, under Pyomo's names.
UNARY: dict[str, Callable[[Any], tuple[Any, Any, Any]]] = {
    "exp": _exp,
    "log": lambda u: (np.log(u), 1 / u, -1 / u**2),
    "log10": lambda u: (np.log10(u), 1 / (u * math.log(10)), -1 / (u**2 * math.log(10))),
    "sqrt": _sqrt,
    "sin": lambda u: (np.sin(u), np.cos(u), -np.sin(u)),
    "cos": lambda u: (np.cos(u), -np.sin(u), -np.cos(u)),
    "tan": _tan,
    "asin": lambda u: (np.arcsin(u), (1 - u * u) ** -0.5, u * (1 - u * u) ** -1.5),
    "acos": lambda u: (np.arccos(u), -((1 - u * u) ** -0.5), -u * (1 - u * u) ** -1.5),
    "atan": lambda u: (np.arctan(u), 1 / (1 + u * u), -2 * u / (1 + u * u) ** 2),
    "sinh": lambda u: (np.sinh(u), np.cosh(u), np.sinh(u)),
    "cosh": lambda u: (np.cosh(u), np.sinh(u), np.cosh(u)),
    "tanh": _tanh,
    "asinh": lambda u: (np.arcsinh(u), (u * u + 1) ** -0.5, -u * (u * u + 1) ** -1.5),
    "acosh": lambda u: (np.arccosh(u), (u * u - 1) ** -0.5, -u * (u * u - 1) ** -1.5),
    "atanh": lambda u: (np.arctanh(u), 1 / (1 - u * u), 2 * u / (1 - u * u) ** 2),
}


def external(function: Any, arguments: Sequence[Array]) -> tuple[Array, Sequence[Array], Sequence[Array]]:
    """Return values, gradients and Hessians (column-wise upper triangle) of an external function at many points.

    In one call where the function has `batch`, else point by point.
    """
    if hasattr(function, "batch"):
        value, gradient, hessian = function.batch(*arguments)
        return value, gradient, hessian
    n = len(arguments)
    hidden = [function._fcn_id] if hasattr(function, "_fcn_id") else []
    points = zip(*(argument.tolist() for argument in arguments), strict=True)
    results = [function.evaluate_fgh([*point, *hidden], fgh=2) for point in points]
    value = np.array([f for f, _, _ in results], dtype=float)
    gradient = np.array([g[:n] for _, g, _ in results], dtype=float).T
    hessian = np.array([h[: n * (n + 1) // 2] for _, _, h in results], dtype=float).T
    return value, list(gradient), list(hessian)
