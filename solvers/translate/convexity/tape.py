"""A nonlinear term as a tape: its distinct parts in an order in which each comes after what it is made of.

Operations may share parts, and be deep: they are walked with a stack, and every part stands on the tape once. Terms whose tapes
are equal differ in their linear forms and numbers alone, and are judged together.
"""

from __future__ import annotations

import math
from typing import Any

from veridical.solvers.translate.graph import Form, Graph

__all__ = ["LONGEST", "Step", "Tape", "degree", "flattened"]

Step = tuple[Any, ...]  # (operation, places of the arguments ...); the exponent of a power, or a function's id, come first
Tape = tuple[Step, ...]
LONGEST = 2_000  # steps: of longer terms nothing is shown


def flattened(graph: Graph, root: int) -> tuple[Tape, list[Form], list[float]] | None:
    """Return the tape of an operation, given by its column, with its linear forms and numbers; None where it is too long."""
    tape = _Tape()
    places, stack = tape.places, [root]
    while stack:
        (name, *first), exponent, arguments = graph.operation(~stack[-1])
        deeper = [column for argument in arguments for column, _ in argument.coefficients if column < 0 and column not in places]
        if deeper:
            stack += deeper
            continue
        at = [tape.place_of(argument) for argument in arguments]
        own = [exponent] if name == "pow" else first[:1]
        places[stack.pop()] = at[0] if name == "+" else tape.step(name, *own, *at)
        if len(tape.steps) > LONGEST:
            return None
    return tuple(tape.steps), list(tape.slots), tape.numbers


class _Tape:
    """A tape under construction: the places of its steps, of operations and of sums."""

    def __init__(self) -> None:
        self.steps: dict[Step, int] = {}
        self.slots: dict[Form, int] = {}
        self.numbers: list[float] = []
        self.places: dict[int, int] = {}  # of operations, by column
        self.sums: dict[Form, int] = {}
        self.weighted: dict[tuple[int, float], int] = {}  # of operations times a factor

    def step(self, *step: Any) -> int:
        """Return the place of a step."""
        return self.steps.setdefault(step, len(self.steps))

    def place_of(self, form: Form) -> int:
        """Return the place of a linear form of variables and of operations that have their places."""
        coefficients, constant = form
        if coefficients and coefficients[-1][0] >= 0:
            return self.step("slot", self.slots.setdefault(form, len(self.slots)))
        place = self.sums.get(form)
        if place is not None:
            return place
        linear, parts = tuple([entry for entry in coefficients if entry[0] >= 0]), []
        if linear:
            parts.append(self.place_of(Form(linear, constant)))
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
