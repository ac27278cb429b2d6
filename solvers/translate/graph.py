"""Trees of nonlinear terms as one graph: every operation once, its arguments linear forms of variables and of operations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from veridical.solvers.translate.terms import Form, Tree

__all__ = ["Graph", "Linear"]

LONGEST = 8  # entries of a sum within a sum that are copied into it; a longer one becomes an operation of its own
FREQUENT = (2.0, -1.0, 0.5)  # exponents that are a kind of their own: numpy is faster with one exponent for all


class Linear(NamedTuple):
    """A linear form over variables (columns 0, 1, ...) and operations (columns -1, -2, ...)."""

    columns: list[int]
    coefficients: list[float]
    constant: float
    level: int  # of the highest operation in it; 0 where there are variables only
    degree: float  # as a polynomial of the variables; infinite where it is none


class Graph:
    """The operations of all trees that were added, in the order in which they were met.

    A tree that is shared, as an object, by other trees is one operation: size and time grow with the number of different
    objects, not with the number of paths to them. Nothing recurses: trees may be as deep as memory allows.
    An operation's level is one above those of its arguments. Operations of one level and kind are evaluated at once: the kind
    is a name, with the exponent of frequent powers, or with an external function's id and its number of arguments.
    """

    def __init__(self) -> None:
        self.kinds: dict[tuple[Any, ...], int] = {}  # and their numbers
        self.levels: list[int] = []  # of every operation, as the next three
        self.kind_of: list[int] = []
        self.exponents: list[float] = []
        self.counts: list[int] = []  # of arguments
        self.lengths: list[int] = []  # of every argument: its entries
        self.constants: list[float] = []  # and its constant
        self.columns: list[int] = []  # of all entries of all arguments
        self.coefficients: list[float] = []
        self._known: dict[int, Linear] = {}  # trees as linear forms, by id: whoever adds a tree keeps it

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.levels)

    def add(self, root: Tree) -> Linear:
        """Return a tree as a linear form; its operations, as far as they are new, are added."""
        known = self._known
        stack = [root]
        while stack:
            tree = stack[-1]
            if tree.__class__ is not tuple:
                self._known[id(tree)] = _leaf(tree)
            elif id(tree) not in known:
                parts, deeper = [], []
                for argument in tree[2 if tree[0] in ("pow", "external") else 1 :]:
                    part = known.get(id(argument))
                    if part is not None:
                        parts.append(part)
                    elif argument.__class__ is tuple:
                        deeper.append(argument)
                    else:
                        known[id(argument)] = part = _leaf(argument)
                        parts.append(part)
                if deeper:
                    stack += reversed(deeper)
                    continue
                known[id(tree)] = self._combined(tree, parts)
            stack.pop()
        return known[id(root)]

    def _combined(self, tree: Tree, parts: list[Linear]) -> Linear:
        name = tree[0]
        if name == "+":
            return self._sum(parts)
        if name == "*":
            left, right = parts
            if not left.columns:
                return _scaled(right, left.constant)
            if not right.columns:
                return _scaled(left, right.constant)
            return self._operation(("*",), 0.0, parts, left.degree + right.degree)
        if name == "pow":
            exponent = float(tree[1])
            kind: tuple[Any, ...] = ("pow", exponent) if exponent in FREQUENT else ("pow",)
            polynomial = exponent > 0 and exponent.is_integer()
            return self._operation(kind, exponent, parts, exponent * parts[0].degree if polynomial else math.inf)
        kind = ("external", tree[1], len(parts)) if name == "external" else (name,)
        return self._operation(kind, 0.0, parts, math.inf)

    def _sum(self, parts: list[Linear]) -> Linear:
        long = [part.level > 0 and len(part.columns) > LONGEST for part in parts]
        parts = [self._operation(("+",), 0.0, [p], p.degree) if own else p for p, own in zip(parts, long, strict=True)]
        columns = [column for part in parts for column in part.columns]
        coefficients = [value for part in parts for value in part.coefficients]
        constant, level = sum(part.constant for part in parts), max(part.level for part in parts)
        return Linear(columns, coefficients, constant, level, max(part.degree for part in parts))

    def _operation(self, kind: tuple[Any, ...], exponent: float, parts: list[Linear], degree: float) -> Linear:
        level = 1
        for columns, coefficients, constant, below, _ in parts:
            level = max(level, below + 1)
            self.lengths.append(len(columns))
            self.constants.append(constant)
            self.columns += columns
            self.coefficients += coefficients
        self.levels.append(level)
        self.kind_of.append(self.kinds.setdefault(kind, len(self.kinds)))
        self.exponents.append(exponent)
        self.counts.append(len(parts))
        return Linear([-len(self.levels)], [1.0], 0.0, level, degree)


def _leaf(tree: Form | float) -> Linear:
    if isinstance(tree, Form):
        return Linear([c for c, _ in tree.coefficients], [v for _, v in tree.coefficients], tree.constant, 0, 1.0)
    return Linear([], [], float(tree), 0, 0.0)


def _scaled(form: Linear, factor: float) -> Linear:
    coefficients = [factor * coefficient for coefficient in form.coefficients]
    return form._replace(coefficients=coefficients, constant=factor * form.constant)
