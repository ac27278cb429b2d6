"""Numbers that remember how they follow from a model's mutable Params, so that a translation can be repeated with other values.

While a model is translated its Params stand for `Traced` numbers: arithmetic on them is noted on a `Tape`, and what they decide
(whether a term cancels, whether a factor is 0) as a condition. Later the tape is played with the values that the Params have by
then, all steps of one depth and kind at once, in the same order and so with the same rounding as a new translation. Where a
condition comes out otherwise, the arrays would have another structure. What would take the value of a number without leaving a
note raises NotTracedError: nothing that depends on a Param is ever taken for a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numvalue import native_numeric_types
from pyomo.core.expr.visitor import identify_mutable_parameters

from veridical.data.arrays import Array

__all__ = ["NotTracedError", "Tape", "Traced", "TracedKnown"]


def _power(base: float, exponent: float) -> float:
    """Return a power as a translation does, number by number: numpy's may differ in the last digit; NaN where there is none."""
    try:
        return math.pow(base, exponent)
    except (ArithmeticError, ValueError):
        return math.nan


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "**": np.vectorize(_power, otypes=[float]),
}


class NotTracedError(Exception):
    """How a number of the arrays depends on a Param cannot be noted."""


class Traced:
    """A number that depends on Params: its value now, and its place on the tape."""

    __slots__ = ("place", "tape", "value")

    def __init__(self, tape: Tape, place: int, value: float) -> None:
        self.tape, self.place, self.value = tape, place, value

    def __add__(self, other: Any) -> Traced:
        return self.tape.step("+", self, other)

    def __radd__(self, other: Any) -> Traced:
        return self.tape.step("+", other, self)

    def __sub__(self, other: Any) -> Traced:
        return self.tape.step("-", self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self.tape.step("-", other, self)

    def __mul__(self, other: Any) -> Traced:
        return self.tape.step("*", self, other)

    def __rmul__(self, other: Any) -> Traced:
        return self.tape.step("*", other, self)

    def __truediv__(self, other: Any) -> Traced:
        return self.tape.step("/", self, other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.tape.step("/", other, self)

    def __pow__(self, other: Any) -> Traced:
        return self.tape.step("**", self, other)

    def __neg__(self) -> Traced:
        return self.tape.step("*", -1.0, self)

    def __abs__(self) -> _Size:
        return _Size(self)

    def __eq__(self, other: object) -> bool:
        return NotImplemented if other is None else self.tape.is_equal(self, other)

    def __bool__(self) -> bool:
        return not self.tape.is_equal(self, 0.0)

    def __hash__(self) -> int:
        raise NotTracedError(f"a Param as a key, now {self.value}")

    def __float__(self) -> float:
        raise NotTracedError(f"a Param where only a number can stand, now {self.value}")


class _Size:
    """The absolute value of a traced number, perhaps times a factor, which is only ever compared."""

    def __init__(self, of: Traced, factor: float = 1.0) -> None:
        self.of, self.factor = of, factor

    def __rmul__(self, factor: float) -> _Size:
        return _Size(self.of, factor * self.factor)

    def __le__(self, other: Any) -> bool:
        return self.of.tape.is_within(self, other)

    def __ge__(self, other: Any) -> bool:  # a plain number, compared with this one
        return self.of.tape.is_within(other, self)


class TracedKnown(dict[int, tuple[Any, Any]]):
    """What is known of expressions without variables: of Params, that they are traced."""

    def refuse(self, node: Any) -> None:
        """Raise NotTracedError where a Param stands in an expression that is about to be evaluated by other means."""
        if hasattr(node, "is_expression_type") and next(iter(identify_mutable_parameters(node)), None) is not None:
            raise NotTracedError(str(node))


class Tape:
    """The steps by which numbers follow from the mutable Params of a model.

    Every number has a place: constants and Params first, and then what is worked out from them, each value once.
    """

    def __init__(self, model: Any) -> None:
        self.params: list[Any] = []
        self.known = TracedKnown()
        self._values: list[float] = []
        self._depths: list[int] = []
        self._constants: dict[float, int] = {}
        self._made: dict[tuple[str, int, int], Traced] = {}
        self._equal: dict[tuple[int, int], bool] = {}
        self._within: dict[tuple[int, float, int, float], bool] = {}
        self._targets: dict[str, tuple[list[int], list[int]]] = {}  # of each array: places in it, and on the tape
        for component in model.component_objects(pyo.Param, descend_into=True):
            for param in component.values() if component.mutable else ():
                self.known[id(param)] = param, Traced(self, self._place(float(pyo.value(param)), 0), float(pyo.value(param)))
                self.params.append(param)

    def _place(self, value: float, depth: int) -> int:
        self._values.append(value)
        self._depths.append(depth)
        return len(self._values) - 1

    def _of(self, number: Any) -> int:
        if number.__class__ is Traced:
            return int(number.place)
        if number not in self._constants:
            self._constants[number] = self._place(float(number), 0)
        return self._constants[number]

    def step(self, kind: str, left: Any, right: Any) -> Traced:
        """Return left + - * / right, worked out now and noted."""
        key = kind, self._of(left), self._of(right)
        made = self._made.get(key)
        if made is None:
            values, depths = self._values, self._depths
            value = float(STEPS[kind](values[key[1]], values[key[2]]))
            place = self._place(value, 1 + max(depths[key[1]], depths[key[2]]))
            made = self._made[key] = Traced(self, place, value)
        return made

    def is_equal(self, left: Any, right: Any) -> bool:
        """Return whether two numbers are the same, and note that something was decided by it."""
        key = self._of(left), self._of(right)
        return self._equal.setdefault(key, self._values[key[0]] == self._values[key[1]])

    def is_within(self, left: Any, right: Any) -> bool:
        """Return whether one size is at most another one, and note that something was decided by it."""
        small, large = (one if isinstance(one, _Size) else _Size(one) for one in (left, right))
        key = self._of(small.of), small.factor, self._of(large.of), large.factor
        values = self._values
        return self._within.setdefault(key, small.factor * abs(values[key[0]]) <= large.factor * abs(values[key[2]]))

    def settled(self, target: str, numbers: Iterable[Any]) -> list[float]:
        """Return numbers as they are now; where they are traced, note that they stand in an array of this name."""
        settled = list(numbers)
        places = [k for k, number in enumerate(settled) if number.__class__ is Traced]
        self._targets[target] = places, [settled[k].place for k in places]
        for k in places:
            settled[k] = settled[k].value
        return settled

    def refuse_bounds(self, variables: Iterable[Any]) -> None:
        """Raise NotTracedError for a bound that is an expression."""
        for variable in variables:
            for side in (variable.lower, variable.upper):
                if side is not None and side.__class__ not in native_numeric_types:
                    raise NotTracedError(f"a bound of {variable.name}")

    def close(self) -> None:
        """Turn what was noted into arrays: nothing more is noted."""
        groups: dict[tuple[int, str], list[tuple[int, int, int]]] = {}
        for (kind, left, right), made in self._made.items():
            groups.setdefault((self._depths[made.place], kind), []).append((made.place, left, right))
        self._steps = [(STEPS[kind], *np.array(groups[depth, kind]).T) for depth, kind in sorted(groups)]
        self._array = np.array(self._values)
        pairs = np.array(list(self._equal), dtype=np.int64).reshape(-1, 2).T
        self._are_equal = *pairs, np.array(list(self._equal.values()), dtype=bool)
        small, of_small, large, of_large = np.array(list(self._within), dtype=float).reshape(-1, 4).T
        within = np.array(list(self._within.values()), dtype=bool)
        self._are_within = small.astype(np.int64), of_small, large.astype(np.int64), of_large, within
        self._settled = {
            name: (np.array(at, dtype=np.int64), np.array(places, dtype=np.int64)) for name, (at, places) in self._targets.items()
        }
        for noted in (self._made, self._constants, self._equal, self._within, self.known):
            noted.clear()  # of large models a large part of the memory

    def played(self, arrays: Mapping[str, Array]) -> dict[str, Array] | None:
        """Return the arrays with the numbers that follow from the values of the Params now.

        None where something that was decided by them would be decided otherwise.
        """
        values = self._array.copy()
        values[: len(self.params)] = [param.value for param in self.params]
        with np.errstate(all="ignore"):  # what is no number is refused by whoever gets it
            for step, out, left, right in self._steps:
                values[out] = step(values[left], values[right])
            left, right, same = self._are_equal
            small, of_small, large, of_large, within = self._are_within
            sizes = of_small * np.abs(values[small]), of_large * np.abs(values[large])
        if not np.array_equal(values[left] == values[right], same) or not np.array_equal(sizes[0] <= sizes[1], within):
            return None
        played = dict(arrays)
        for name, (at, places) in self._settled.items():
            if len(at):
                played[name] = arrays[name].copy()
                played[name][at] = values[places]
        return played
