"""Value, gradient and Hessian of many terms at once: arithmetic on `Jet`s, forward through an expression."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veridical.data.arrays import Array

__all__ = ["UNARY", "Jet", "chain", "merge", "outer", "product"]


@dataclass
class Jet:
    """Value, gradient and Hessian of a batch with respect to its slots; keys of the Hessian are (lower, upper) slots."""

    value: Any
    gradient: dict[int, Any] = field(default_factory=dict)
    hessian: dict[tuple[int, int], Any] = field(default_factory=dict)


def merge(into: dict[Any, Any], other: dict[Any, Any], factor: Any) -> None:
    """Add factor * other to a gradient or a Hessian."""
    for key, value in other.items():
        into[key] = into[key] + factor * value if key in into else factor * value


def outer(into: dict[tuple[int, int], Any], left: dict[int, Any], right: dict[int, Any], factor: Any) -> None:
    """Add factor * (left right' + right left') / (2 on the diagonal of one pair) to the Hessian."""
    for i, a in left.items():
        for j, b in right.items():
            key = (i, j) if i <= j else (j, i)
            value = factor * a * b * (2.0 if i == j else 1.0)
            into[key] = into[key] + value if key in into else value


def product(left: Jet, right: Jet, order: int) -> Jet:
    """Return left * right with derivatives up to `order`."""
    jet = Jet(left.value * right.value)
    if order >= 1:
        merge(jet.gradient, left.gradient, right.value)
        merge(jet.gradient, right.gradient, left.value)
    if order >= 2:
        merge(jet.hessian, left.hessian, right.value)
        merge(jet.hessian, right.hessian, left.value)
        outer(jet.hessian, left.gradient, right.gradient, 1.0)
    return jet


def chain(inner: Jet, value: Any, first: Any, second: Any, order: int) -> Jet:
    """Return the jet of a function of one argument with the given value and derivatives."""
    jet = Jet(value)
    if order >= 1:
        merge(jet.gradient, inner.gradient, first)
    if order >= 2:
        merge(jet.hessian, inner.hessian, first)
        outer(jet.hessian, inner.gradient, inner.gradient, second / 2)
    return jet


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
