"""Families of linear constraints, declared for a whole index at once: arrays, and Pyomo's expressions when somebody looks.

    P, q = Each(m.payment), Each(m.quantity)
    declare(m, "feasibility", m.NEIGHBOURS, q[cheap] >= q[dear])

`q[places]` picks one variable a row, by its number in the component. Of tens of thousands of rows few are ever looked at one by
one: to make the expression of each took longer than to solve the model, and to take them apart again as long. A translation
reads the arrays (`family_of`); whoever asks for a constraint's `expr` or `body` gets what Pyomo's own operators make. Rows are
edited, deactivated and deleted as any others.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.expr.relational_expr import InequalityExpression

from veridical.data.arrays import Array, Integers
from veridical.models.info import ATTRIBUTE

__all__ = ["Each", "Family", "Linear", "Row", "Term", "declare", "family_of", "index_set", "members_of", "values_of"]


_declared, _row, _active = map(operator.attrgetter, ("declared", "row", "_active"))


class Each:
    """The members of an indexed variable, or of an indexed mutable Param, in order."""

    def __init__(self, component: Any) -> None:
        self.members = members_of(component)
        self.is_number = component.ctype is pyo.Param

    def __getitem__(self, places: Integers) -> Any:
        """Return one member a row, as a linear form or as numbers."""
        return Numbers(self.members, places) if self.is_number else Linear((Term(self.members, places),))


@dataclass(frozen=True, eq=False)
class Numbers:
    """One mutable Param a row."""

    params: list[Any]
    places: Integers

    def __mul__(self, other: Linear) -> Linear:
        return Linear(tuple(replace(term, numbers=self) for term in other.terms))


@dataclass(frozen=True, eq=False)
class Term:
    """In every row one variable, times a factor, times a Param of the row's where there are `numbers`."""

    variables: list[Any]
    places: Integers
    factor: float = 1.0
    numbers: Numbers | None = None

    def at(self, row: int) -> Any:
        """Return the term of a row, without its factor, as Pyomo has it."""
        variable = self.variables[self.places[row]]
        return variable if self.numbers is None else self.numbers.params[self.numbers.places[row]] * variable


@dataclass(frozen=True, eq=False)
class Linear:
    """A sum of terms in every row: what constraints are made of."""

    terms: tuple[Term, ...] = ()
    __array_ufunc__: ClassVar[None] = None  # arrays leave arithmetic with these to them

    def __add__(self, other: Linear) -> Linear:
        return Linear((*self.terms, *other.terms))

    def __sub__(self, other: Linear) -> Linear:
        return self + -other

    def __neg__(self) -> Linear:
        return Linear(tuple(replace(term, factor=-term.factor) for term in self.terms))

    def __le__(self, other: Linear | float) -> tuple[Linear | float, Linear | float]:
        return self, other

    def __ge__(self, other: Linear | float) -> tuple[Linear | float, Linear | float]:
        return other, self

    def at(self, row: int) -> Any:
        """Return the sum of a row as Pyomo's operators make it."""
        total: Any = 0
        for term in self.terms:
            part = term.at(row)
            total = total + part if term.factor == 1.0 else total - part if term.factor == -1.0 else total + term.factor * part
        return total


@dataclass(frozen=True, eq=False)
class Family:
    """The rows low <= high of a component, `count` of them: at most one of the sides is a number."""

    low: Linear | float
    high: Linear | float
    count: int = 0

    @property
    def terms(self) -> Iterator[tuple[Term, float]]:
        """The terms of the rows' bodies, each with the sign with which it counts there, in Pyomo's orientation."""
        low, high = self.low, self.high
        signed = ((low, 1.0), (high, 1.0 if isinstance(low, float) else -1.0))
        return ((term, sign) for side, sign in signed if isinstance(side, Linear) for term in side.terms)

    @property
    def limits(self) -> tuple[float, float]:
        """What the bodies lie between."""
        if isinstance(self.low, float):
            return self.low, np.inf
        return -np.inf, self.high if isinstance(self.high, float) else 0.0

    def at(self, row: int) -> InequalityExpression:
        """Return the relation of a row as Pyomo's operators make it."""
        sides = (side if isinstance(side, float) else side.at(row) for side in (self.low, self.high))
        return InequalityExpression(tuple(sides), False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()  # a copy of the component has expressions of its own


class Row(ConstraintData):  # type: ignore[misc]  # Pyomo has no types
    """One constraint of a family, whose expression is made when it is first asked for."""

    __slots__ = ("declared", "made", "row")

    def __init__(self, component: Any, key: Any, declared: Family, row: int) -> None:
        self._component, self._active, self._index = component, True, key  # type: ignore[misc]  # slots of the base class
        self.declared: Any = declared
        self.row = row
        self.made: Any = None

    @property
    def _expr(self) -> Any:
        """What Pyomo knows as the constraint's expression."""
        if self.made is None and self.declared is not None:
            self.made = self.declared.at(self.row)
        return self.made

    @_expr.setter
    def _expr(self, expression: Any) -> None:
        self.made, self.declared = expression, None


def members_of(component: Any) -> list[Any]:
    """Return the members of a component: what its `values` yield, at a tenth of the time where there are many."""
    data = component._data
    whole = isinstance(data, dict) and len(data) == len(component)  # a Param may have defaults, a matrix has rows of its own
    return list(data.values() if whole else component.values())


def index_set(m: Any, name: str, keys: Sequence[tuple[Any, ...]], dimen: int) -> None:
    """Declare a Set of tuples of plain names and numbers on a block; Pyomo checked and flattened each of tens of thousands."""
    index = pyo.Set(dimen=dimen)
    m.add_component(name, index)
    index._values.update(dict.fromkeys(keys))  # as `update` does, less the checks


def declare(m: Any, name: str, index: Any, sides: tuple[Linear | float, Linear | float]) -> None:
    """Declare a family of constraints on a block: `sides` is a comparison of linear forms with as many rows as the index.

    At most one of its sides may be a number, a float; no variable may stand twice in a row.
    """
    component = pyo.Constraint(index)
    m.add_component(name, component)
    keys = list(component.index_set())
    family, reference = Family(*sides, len(keys)), weakref.ref(component)
    rows = map(Row, repeat(reference), keys, repeat(family), range(len(keys)))
    component._data.update(zip(keys, rows, strict=True))  # as `add` does, less the checks
    object.__setattr__(component, ATTRIBUTE, family)


def family_of(component: Any) -> tuple[Family, list[ConstraintData]] | None:
    """Return the arrays of a component whose rows all stand as they were declared, and are active, with the rows; else None."""
    family = getattr(component, ATTRIBUTE, None)
    if not isinstance(family, Family):
        return None
    rows = members_of(component)
    if len(rows) != family.count or set(map(type, rows)) != {Row}:
        return None
    as_declared = all(map(operator.is_, map(_declared, rows), repeat(family)))
    in_order = as_declared and all(map(operator.eq, map(_row, rows), range(len(rows))))
    stand = in_order and all(map(_active, rows))
    return (family, rows) if stand else None


def values_of(numbers: Numbers, value: Any) -> Array:
    """Return the Params of every row as numbers; `value` says what a Param is."""
    worth: Array = np.array([value(param) for param in numbers.params], dtype=float)[numbers.places]
    return worth
