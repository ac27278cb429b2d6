"""The nonlinear operations of a model as a graph: every one once, its arguments sums over variables and operations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from veridical.solvers.translate.functions import UNARY
from veridical.solvers.translate.numbers import UndefinedError
from veridical.solvers.translate.sums import Sum

__all__ = ["Form", "Graph"]

LONGEST = 8  # entries of a sum that stands in several places and is copied into them; a longer one becomes an operation
FREQUENT = (2.0, -1.0, 0.5)  # exponents that are a kind of their own: numpy is faster with one exponent for all


class Form(NamedTuple):
    """A linear form of variables and operations: sum coefficient * column + constant."""

    coefficients: tuple[tuple[int, float], ...]
    constant: float


class Graph:
    """The operations of a model, in the order in which they were met: number k has the column -1 - k in a sum.

    An operation's level is one above those of its arguments. Operations of one level and kind are evaluated at once: the kind
    is a name, with the exponent of frequent powers, or with an external function's id and its number of arguments.
    What is combined comes back as the column of a new operation, or as a sum where there is nothing nonlinear in it.
    """

    def __init__(self) -> None:
        self.functions: dict[int, Any] = {}  # external ones, by id
        self.kinds: list[tuple[Any, ...]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}  # of the kinds
        self.levels: list[int] = []  # of every operation, as the next three
        self.kind_of: list[int] = []
        self.exponents: list[float] = []
        self.first: list[int] = [0]  # its first argument; and where the next operation's will be
        self.constants: list[float] = []  # of every argument
        self.starts: list[int] = [0]  # where its entries start; and where the next argument's will
        self.columns: list[int] = []  # of all entries of all arguments
        self.coefficients: list[float] = []

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.levels)

    def operation(self, number: int) -> tuple[tuple[Any, ...], float, list[Form]]:
        """Return the kind of an operation, its exponent, and its arguments, in each of them the variables first."""
        arguments = []
        for place in range(*self.first[number : number + 2]):
            start, stop = self.starts[place : place + 2]
            entries = sorted(zip(self.columns[start:stop], self.coefficients[start:stop], strict=True), reverse=True)
            arguments.append(Form(tuple(entries), self.constants[place]))
        return self.kinds[self.kind_of[number]], self.exponents[number], arguments

    def linear_part(self, argument: int) -> Form:
        """Return an argument, as all arguments are numbered, without the operations in it."""
        part = slice(*self.starts[argument : argument + 2])
        entries = sorted(zip(self.columns[part], self.coefficients[part], strict=True), reverse=True)
        return Form(tuple([entry for entry in entries if entry[0] >= 0]), self.constants[argument])

    def once(self, _: Any, parts: list[Sum]) -> Sum | int:
        """Return a sum that stands in several places: one that is long and nonlinear is evaluated once."""
        (part,) = parts
        return part if part.is_linear or len(part.coefficients) <= LONGEST else self._add(("+",), parts)

    def product(self, _: Any, parts: list[Sum]) -> Sum | int:
        """Return a product of sums."""
        left, right = parts
        if not left.coefficients:
            return right.times(left.constant)
        return self._add(("*",), parts) if right.coefficients else left.times(right.constant)

    def quotient(self, _: Any, parts: list[Sum]) -> Sum | int:
        """Return a quotient of sums."""
        above, below = parts
        if not below.coefficients:
            return above.times(1.0 / below.constant)
        return self.product(None, [above, Sum.of(self._power(below, -1.0))])

    def power(self, _: Any, parts: list[Sum]) -> Sum | int:
        """Return a power of sums."""
        base, exponent = parts
        if exponent.coefficients:
            logarithm = Sum.of(self._add(("log",), [base])) if base.coefficients else Sum(math.log(base.constant))
            inner = Sum()
            inner.add(self.product(None, [exponent, logarithm]), 1.0)
            return self._add(("exp",), [inner])
        if not base.coefficients:
            return _constant(math.pow(base.constant, exponent.constant))
        if exponent.constant in (0.0, 1.0):
            return base if exponent.constant else Sum(1.0)
        return self._power(base, exponent.constant)

    def function(self, node: Any, parts: list[Sum]) -> Sum | int:
        """Return a function of one argument of a sum."""
        name = node.getname()
        if parts[0].coefficients:
            return self._add((name,), parts)
        with np.errstate(all="ignore"):
            return _constant(float(UNARY[name](np.float64(parts[0].constant))[0]))

    def external(self, node: Any, parts: list[Sum]) -> Sum | int:
        """Return an external function of sums."""
        if not any(part.coefficients for part in parts):
            for part in parts:
                float(part.constant)  # a number that is traced refuses
            return _constant(float(node._fcn.evaluate(node.args)))
        self.functions[id(node._fcn)] = node._fcn
        return self._add(("external", id(node._fcn), len(parts)), parts)

    def _power(self, base: Sum, exponent: float) -> int:
        return self._add(("pow", exponent) if exponent in FREQUENT else ("pow",), [base], exponent)

    def _add(self, kind: tuple[Any, ...], arguments: list[Sum], exponent: float = 0.0) -> int:
        """Return the column of a new operation."""
        levels, level = self.levels, 0
        for argument in arguments:
            entries, constant = argument.coefficients, argument.constant
            if math.isnan(constant + sum(entries.values())):
                raise UndefinedError("a coefficient that is NaN")
            for column in entries:
                if column < 0 and levels[~column] > level:
                    level = levels[~column]
            self.columns += entries
            self.coefficients += entries.values()
            self.constants.append(constant)
            self.starts.append(len(self.columns))
        if kind not in self._numbers:
            self._numbers[kind] = len(self.kinds)
            self.kinds.append(kind)
        levels.append(level + 1)
        self.kind_of.append(self._numbers[kind])
        self.exponents.append(exponent)
        self.first.append(len(self.constants))
        return -len(levels)


def _constant(value: float) -> Sum:
    if not math.isfinite(value):
        raise ArithmeticError
    return Sum(value)
