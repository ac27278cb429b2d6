"""A nonlinear term as a tape: its distinct parts in an order in which each comes after what it is made of.

Operations may share parts, and be deep: they are walked with a stack, and every part stands on the tape once. Terms whose tapes
are equal differ in their linear forms and numbers alone, and are judged together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.graph import Form, Graph

__all__ = ["LONGEST", "LinearParts", "Shape", "Step", "Tape", "degree", "flattened"]

Step = tuple[Any, ...]  # (operation, places of the arguments ...); the exponent of a power, or a function's id, come first
Tape = tuple[Step, ...]
Shape = tuple[Any, ...]  # of a chain, from the outermost operation on: kind, exponent, which numbers the argument has
LONGEST = 2_000  # steps: of longer terms nothing is shown


def flattened(graph: Graph, root: int, known: dict[Shape, Tape]) -> tuple[Tape, list[int], list[float]] | None:
    """Return the tape of an operation, given by its column; None where it is too long.

    With it come the arguments, as the graph numbers them, whose linear parts are its slots; and its numbers. Tapes of chains
    are kept in `known`.
    """
    chain = _chain(graph, root)
    if chain is not None and chain[0] in known:
        return known[chain[0]], *chain[1:]
    tape = _Tape()
    places, stack = tape.places, [root]
    while stack:
        (name, *first), exponent, arguments = graph.operation(~stack[-1])
        deeper = [column for argument in arguments for column, _ in argument.coefficients if column < 0 and column not in places]
        if deeper:
            stack += deeper
            continue
        at = [tape.place_of(argument, number) for number, argument in enumerate(arguments, graph.first[~stack[-1]])]
        own = [exponent] if name == "pow" else first[:1]
        places[stack.pop()] = at[0] if name == "+" else tape.step(name, *own, *at)
        if len(tape.steps) > LONGEST:
            return None
    if chain is not None:
        known[chain[0]] = tuple(tape.steps)
    return tuple(tape.steps), [argument for _, argument in tape.slots.values()], tape.numbers


def _chain(graph: Graph, root: int) -> tuple[Shape, list[int], list[float]] | None:
    """Return what the tape of operations of one argument, one inside the other, follows from, with its slot and numbers.

    Most terms are such chains, and have few shapes: that is found ten times as fast as a tape is made. None for all others.
    """
    shape: list[Any] = []
    numbers: list[float] = []  # the outermost first
    while root < 0 and len(shape) <= LONGEST:
        operation = ~root
        argument = graph.first[operation]
        start, stop = graph.starts[argument], graph.starts[argument + 1]
        if graph.first[operation + 1] > argument + 1 or (stop != start + 1 and min(graph.columns[start:stop], default=-1) < 0):
            return None
        root, factor, constant = graph.columns[start], graph.coefficients[start], graph.constants[argument]
        shape += graph.kind_of[operation], graph.exponents[operation], root < 0 and (factor != 1, constant != 0)
        if root < 0:
            numbers += [factor] * (factor != 1) + [constant] * (constant != 0)
    return None if root < 0 else (tuple(shape), [argument], numbers[::-1])


class _Tape:
    """A tape under construction: the places of its steps, of operations and of sums."""

    def __init__(self) -> None:
        self.steps: dict[Step, int] = {}
        self.slots: dict[Form, tuple[int, int]] = {}  # their numbers, and those of arguments that they are linear parts of
        self.numbers: list[float] = []
        self.places: dict[int, int] = {}  # of operations, by column
        self.sums: dict[Form, int] = {}
        self.weighted: dict[tuple[int, float], int] = {}  # of operations times a factor

    def step(self, *step: Any) -> int:
        """Return the place of a step."""
        return self.steps.setdefault(step, len(self.steps))

    def place_of(self, form: Form, argument: int) -> int:
        """Return the place of an argument: a linear form of variables and of operations that have their places."""
        coefficients, constant = form
        if coefficients and coefficients[-1][0] >= 0:
            return self.step("slot", self.slots.setdefault(form, (len(self.slots), argument))[0])
        place = self.sums.get(form)
        if place is not None:
            return place
        linear, parts = tuple([entry for entry in coefficients if entry[0] >= 0]), []
        if linear:
            parts.append(self.place_of(Form(linear, constant), argument))
        elif constant or not coefficients:
            parts.append(self._number(constant))
        parts += [self._weighted(column, factor) for column, factor in coefficients[len(linear) :]]
        place = self.sums[form] = parts[0] if len(parts) == 1 else self.step("+", *parts)
        return place

    def _weighted(self, column: int, factor: float) -> int:
        """Return the place of an operation times a factor: once on the tape, however many sums it stands in."""
        place = self.weighted.get((column, factor))
        if place is None:
            place = self.places[column]
            place = place if factor == 1.0 else self.step("*", self._number(factor), place)
            self.weighted[column, factor] = place
        return place

    def _number(self, value: float) -> int:
        self.numbers.append(value)
        return self.step("number", len(self.numbers) - 1)


class LinearParts:
    """The linear parts of all arguments in a graph: in each of them the variables in falling order, and a constant."""

    def __init__(self, graph: Graph) -> None:
        columns, starts = np.array(graph.columns, dtype=np.int64), np.array(graph.starts)
        owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        order = np.lexsort((-columns, owner))
        order = order[columns[order] >= 0]
        self._columns, self._coefficients = columns[order], np.array(graph.coefficients, dtype=float)[order]
        self._starts = np.searchsorted(owner[order], np.arange(len(starts)))
        self._constants: Array = np.array(graph.constants, dtype=float)

    def entries(self, arguments: Integers) -> tuple[Integers, Integers, Array, Array]:
        """Return how many entries the linear parts of arguments have, the columns and coefficients of all, and the constants."""
        start, counts = self._starts[arguments], np.diff(self._starts)[arguments]
        at = np.arange(counts.sum()) + np.repeat(start - np.cumsum(counts) + counts, counts)
        return counts, self._columns[at], self._coefficients[at], self._constants[arguments]


def degree(tape: Tape) -> float:
    """Return the polynomial degree of what a tape computes; infinite where it is none."""
    degrees: list[float] = []
    for operation, *arguments in tape:
        if operation in ("slot", "number"):
            degrees.append(float(operation == "slot"))
        elif operation == "+":
            degrees.append(max(degrees[place] for place in arguments))
        elif operation == "*":
            degrees.append(sum(degrees[place] for place in arguments))
        elif operation == "pow" and float(arguments[0]).is_integer() and arguments[0] > 0:
            degrees.append(arguments[0] * degrees[arguments[1]])
        else:
            degrees.append(math.inf)
    return degrees[-1]
