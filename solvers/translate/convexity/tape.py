"""An expression tree as a tape: its distinct parts in an order in which each comes after what it is made of.

A tree may share parts, and be deep: it is walked with a stack, and every part stands on the tape once. Terms whose tapes are
equal differ in their linear forms and numbers alone, and are judged together.
"""

from __future__ import annotations

import math
from typing import Any

from veridical.solvers.translate.terms import Form, Tree

__all__ = ["LONGEST", "Step", "Tape", "degree", "flattened"]

Step = tuple[Any, ...]  # (operation, places of the arguments ...); the exponent of a power, or a function's id, come first
Tape = tuple[Step, ...]
LONGEST = 2_000  # steps: of longer terms nothing is shown


def flattened(tree: Tree) -> tuple[Tape, list[Form], list[float]] | None:
    """Return the tape of a tree with its linear forms and numbers; None where it is too long."""
    places: dict[int, int] = {}  # of the parts, by id
    index: dict[Step, int] = {}
    slots: dict[Form, int] = {}
    numbers: list[float] = []
    stack = [tree]
    while stack:
        node = stack[-1]
        step: Step
        if id(node) in places:
            stack.pop()
            continue
        if isinstance(node, Form):
            step = ("slot", slots.setdefault(node, len(slots)))
        elif not isinstance(node, tuple):
            numbers.append(float(node))
            step = ("number", len(numbers) - 1)
        else:
            own = 2 if node[0] in ("pow", "external") else 1
            missing = [part for part in node[own:] if id(part) not in places]
            if missing:
                stack += missing
                continue
            step = (*node[:own], *(places[id(part)] for part in node[own:]))
        places[id(node)] = index.setdefault(step, len(index))
        if len(index) > LONGEST:
            return None
        stack.pop()
    return tuple(index), list(slots), numbers


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
