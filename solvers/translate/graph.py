"""Trees of nonlinear terms as one graph: every operation once, its arguments linear forms of variables and of operations."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from veridical.solvers.translate.terms import Form, Tree

__all__ = ["Graph", "Linear", "Operation"]

LONGEST = 8  # entries of a sum within a sum that are copied into it; a longer one becomes an operation of its own


class Linear(NamedTuple):
    """A linear form over variables (columns 0, 1, ...) and operations (columns -1, -2, ...)."""

    columns: list[int]
    coefficients: list[float]
    constant: float
    level: int  # of the highest operation in it; 0 where there are variables only
    degree: float  # as a polynomial of the variables; infinite where it is none


class Operation(NamedTuple):
    """An operation: its level is one above those of its arguments; operations of one level and `kind` are worked out at once."""

    level: int
    kind: tuple[Any, ...]  # name, with the exponent of frequent powers, or the external function's id and arguments
    exponent: float
    arguments: tuple[Linear, ...]


class Graph:
    """The operations of all trees that were added, in the order in which they were met.

    A tree that is shared, as an object, by other trees is one operation: size and time grow with the number of different
    objects, not with the number of paths to them. Nothing recurses: trees may be as deep as memory allows.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._linear: dict[int, Linear] = {}  # of trees by id: whoever adds a tree keeps it

    def add(self, root: Tree) -> Linear:
        """Return a tree as a linear form; its operations, as far as they are new, are added."""
        known = self._linear
        stack = [root]
        while stack:
            tree = stack[-1]
            if id(tree) in known:
                stack.pop()
            elif tree.__class__ is Form:
                columns, coefficients = [c for c, _ in tree.coefficients], [v for _, v in tree.coefficients]
                known[id(tree)] = Linear(columns, coefficients, tree.constant, 0, 1.0)
                stack.pop()
            elif tree.__class__ is not tuple:
                known[id(tree)] = Linear([], [], float(tree), 0, 0.0)
                stack.pop()
            else:
                arguments = tree[2 if tree[0] in ("pow", "external") else 1 :]
                new = [argument for argument in arguments if id(argument) not in known]
                if new:
                    stack.extend(new)
                else:
                    known[id(tree)] = self._combined(tree, [known[id(argument)] for argument in arguments])
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
            polynomial = exponent > 0 and exponent.is_integer()
            kind = ("pow", exponent) if exponent in (2.0, -1.0, 0.5) else ("pow",)
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
        level = 1 + max(part.level for part in parts)
        self.operations.append(Operation(level, kind, exponent, tuple(parts)))
        return Linear([-len(self.operations)], [1.0], 0.0, level, degree)


def _scaled(form: Linear, factor: float) -> Linear:
    coefficients = [factor * coefficient for coefficient in form.coefficients]
    return form._replace(coefficients=coefficients, constant=factor * form.constant)
