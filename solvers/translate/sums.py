"""Expressions that have been split: a linear part and nonlinear terms; and operations on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from veridical.solvers.translate.functions import UNARY
from veridical.solvers.translate.numbers import UndefinedError

__all__ = ["Form", "Sum", "Tree", "as_one", "external", "function", "plus", "power", "product", "quotient"]

ROUNDING = 1e-15  # of a term: a few units in its last place
Tree = Any  # a float, a Form, or a tuple (operation, trees ...); a tuple that is shared is one object


@dataclass(slots=True, unsafe_hash=True)
class Form:
    """A linear form of the variables, an argument of a nonlinear operation: sum coefficient * column + constant."""

    coefficients: tuple[tuple[int, float], ...]
    constant: float


def plus(before: float, more: float) -> float:
    """Return the sum of two figures, 0 where they cancel to rounding: what that leaves would count as a size of its own."""
    total = before + more
    return 0.0 if abs(total) <= ROUNDING * abs(before) else total


class Sum:
    """An expression under construction, split into a linear part (column -> coefficient) and nonlinear terms (factor, tree)."""

    __slots__ = ("_tree", "coefficients", "constant", "terms")

    def __init__(self, constant: float = 0.0) -> None:
        self.coefficients: dict[int, float] = {}
        self.constant = constant
        self.terms: list[tuple[float, Tree]] = []
        self._tree: Tree = None

    @classmethod
    def of_variable(cls, column: int) -> Sum:
        """Return a variable alone, to be shared: its tree is one object."""
        total = cls()
        total.coefficients[column] = 1.0
        total._tree = Form(((column, 1.0),), 0.0)
        return total

    def add(self, other: Sum, factor: float) -> None:
        """Add factor * other."""
        for column, coefficient in other.coefficients.items():
            self.coefficients[column] = plus(self.coefficients.get(column, 0.0), factor * coefficient)
        self.constant = plus(self.constant, factor * other.constant)
        if factor:  # 0 times a term is 0: a weight that is 0 leaves a linear program
            self.terms += [(factor * weight, tree) for weight, tree in other.terms]

    @property
    def is_number(self) -> bool:
        """Whether no variable is left in it."""
        return not self.coefficients and not self.terms

    def tree(self) -> Tree:
        """Return the whole as one tree."""
        if self._tree is not None:
            return self._tree
        if math.isnan(self.constant + sum(self.coefficients.values())):
            raise UndefinedError("a coefficient that is NaN")
        linear: Tree = self.constant
        if self.coefficients:
            linear = Form(tuple(sorted(self.coefficients.items())), self.constant)
        parts = [tree if factor == 1.0 else ("*", factor, tree) for factor, tree in self.terms]
        if not parts:
            return linear
        if linear != 0.0:
            parts.insert(0, linear)
        return parts[0] if len(parts) == 1 else ("+", *parts)


def as_one(_: Any, parts: list[Sum]) -> Sum | Tree:
    """Return a shared expression: itself if it is linear, else as one tree, so that whoever has it does not copy its terms."""
    return parts[0].tree() if parts[0].terms else parts[0]


def product(_: Any, parts: list[Sum]) -> Sum | Tree:
    """Return a product of parts."""
    left, right = parts
    if right.is_number:
        left, right = right, left
    return _multiple(right, left.constant) if left.is_number else ("*", left.tree(), right.tree())


def quotient(_: Any, parts: list[Sum]) -> Sum | Tree:
    """Return a quotient of parts."""
    above, below = parts
    if below.is_number:
        return _multiple(above, 1.0 / below.constant)
    inverse = ("pow", -1.0, below.tree())
    if not above.is_number:
        return ("*", above.tree(), inverse)
    return _multiple(_term(inverse), above.constant)


def power(_: Any, parts: list[Sum]) -> Sum | Tree:
    """Return a power of parts."""
    base, exponent = parts
    if exponent.is_number:
        power = exponent.constant
        if base.is_number:
            return _constant(math.pow(base.constant, power))
        if power in (0.0, 1.0):
            return base if power else _constant(1.0)
        return ("pow", power, base.tree())
    if base.is_number:
        return ("exp", _multiple(exponent, math.log(base.constant)).tree())
    return ("exp", ("*", exponent.tree(), ("log", base.tree())))


def function(node: Any, parts: list[Sum]) -> Sum | Tree:
    """Return a function of one argument of parts."""
    name = node.getname()
    if not parts[0].is_number:
        return (name, parts[0].tree())
    with np.errstate(all="ignore"):
        return _constant(float(UNARY[name](np.float64(parts[0].constant))[0]))


def external(node: Any, parts: list[Sum]) -> Sum | Tree:
    """Return an external function of parts."""
    if all(part.is_number for part in parts):
        return _constant(float(node._fcn.evaluate(node.args)))
    return ("external", id(node._fcn), *(part.tree() for part in parts))


def _constant(value: float) -> Sum:
    if not math.isfinite(value):
        raise ArithmeticError
    return Sum(value)


def _term(tree: Tree) -> Sum:
    total = Sum()
    total.terms.append((1.0, tree))
    return total


def _multiple(part: Sum, factor: float) -> Sum:
    total = Sum()
    total.add(part, factor)
    return total
