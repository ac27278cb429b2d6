"""The rows of a model under construction: constraints, and the objective, as sums of variables and operations."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
from pyomo.core.base.constraint import ConstraintData
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, RangedExpression

from veridical.data import InputError
from veridical.models.decisions import terms_of
from veridical.models.linear_families import Family, family_of
from veridical.solvers.translate.checks import relation_of
from veridical.solvers.translate.families import Members, rows_of
from veridical.solvers.translate.nonlinear import NonlinearTerms
from veridical.solvers.translate.numbers import DEFINED, UndefinedError, number, varies
from veridical.solvers.translate.sums import Sum
from veridical.solvers.translate.terms import SMOOTH, NotSmoothError, Splitter
from veridical.solvers.translate.traced import TracedKnown

__all__ = ["Rows"]


class Rows:
    """Rows under construction."""

    def __init__(self, splitter: Splitter) -> None:
        self.splitter = splitter
        self.nonlinear = NonlinearTerms(splitter.graph)
        self.constraints: list[ConstraintData] = []
        self._members = Members(splitter)
        self._traced = isinstance(splitter.known, TracedKnown)
        self.low, self.high, self.values = self._numbers(), self._numbers(), self._numbers()
        self.starts, self.indices = array("q", [0]), array("i")

    def _numbers(self) -> list[float] | array[float]:
        """Return where numbers are kept: those that are traced are objects."""
        return [] if self._traced else array("d")

    def add_all(self, component: Any, nonlinear: bool = False) -> None:
        """Translate the active constraints of a component: at once where they were declared as arrays, and stand as declared."""
        declared = None if self._traced else family_of(component)
        if declared is None or not self._add_family(*declared):
            for constraint in component.values():
                if constraint.active:
                    self.add(constraint, nonlinear)

    def _add_family(self, family: Family, constraints: list[ConstraintData]) -> bool:
        """Add what `add` would for each of the constraints, and return whether that could be done."""
        found = rows_of(self.splitter, self._members, family)
        if found is None:
            return False
        columns, entries = found
        (low, high), length = family.limits, len(constraints)
        self.constraints += constraints
        self.low.extend(array("d", [low]) * length)
        self.high.extend(array("d", [high]) * length)
        starts = len(self.indices) + columns.shape[1] * np.arange(1, length + 1, dtype=np.int64)
        self.starts.frombytes(starts.tobytes())
        self.indices.frombytes(columns.astype(np.intc).tobytes())
        self.values.extend(array("d", entries.tobytes()))
        return True

    def add(self, constraint: ConstraintData, nonlinear: bool = False) -> None:
        """Translate one constraint, in the orientation of Pyomo's own `constraint.body`."""
        low, high = -np.inf, np.inf
        relation = relation_of(constraint)
        kind, arguments = type(relation), relation.args
        linear = terms_of(arguments[1]) if kind is InequalityExpression and arguments[0].__class__ is float else None
        if linear is not None and (columns := self.splitter.columns_of(linear)) is not None:
            self._close(constraint, arguments[0], np.inf, columns, linear.coefficients.values())
            return
        if kind is RangedExpression:
            parts = [(arguments[1], 1.0)]
            low = -np.inf if arguments[0] is None else self._side(constraint, arguments[0])
            high = np.inf if arguments[2] is None else self._side(constraint, arguments[2])
        elif not varies(arguments[1]):
            parts = [(arguments[0], 1.0)]
            high = self._side(constraint, arguments[1])
        elif not varies(arguments[0]):
            parts = [(arguments[1], 1.0)]
            low = self._side(constraint, arguments[0])
        else:
            parts = [(arguments[0], 1.0), (arguments[1], -1.0)]
            high = 0.0
        if kind is EqualityExpression:
            low = high = high if low == -np.inf else low
        terms = self.terms(parts, len(self.constraints) if nonlinear else None, constraint)
        coefficients = terms.coefficients
        self._close(constraint, low - terms.constant, high - terms.constant, coefficients, coefficients.values())

    def _close(
        self, constraint: ConstraintData, low: float, high: float, columns: Iterable[int], values: Iterable[float]
    ) -> None:
        self.constraints.append(constraint)
        self.low.append(low)
        self.high.append(high)
        self.indices.extend(columns)
        self.values.extend(values)
        self.starts.append(len(self.indices))

    def _side(self, constraint: ConstraintData, side: Any) -> float:
        """Return the number that a constraint's body is compared with."""
        try:
            return number(side, self.splitter.known)
        except UndefinedError as error:
            raise InputError.of(constraint.name, str(error), DEFINED) from None

    def terms(self, parts: list[tuple[Any, float]], row: int | None, owner: Any) -> Sum:
        """Return the linear part of sum factor * part; the rest goes to `nonlinear` under `row`, or is refused without one."""
        total = Sum()
        try:
            for part, factor in parts:
                self.splitter.add(total, part, factor)
        except NotSmoothError as error:
            raise InputError.of(owner.name, str(error), SMOOTH) from None
        except UndefinedError as error:
            raise InputError.of(owner.name, str(error), DEFINED) from None
        if not total.is_linear:
            terms = {column: total.coefficients.pop(column) for column in list(total.coefficients) if column < 0}
            terms = {column: factor for column, factor in terms.items() if factor != 0}
            if terms and row is None:
                shown = " - ".join(str(part) for part, _ in parts)
                raise InputError.of(owner.name, f"<{shown}>", "linear constraints (this solver takes no others)")
            if row is not None:
                self.nonlinear.add(row, terms)
        return total

    def matrix(self, columns: int) -> sp.csr_array:
        """Return the rows so far as a sparse matrix."""
        data = np.array(self.values, dtype=float), np.array(self.indices, dtype=np.int32), np.array(self.starts)
        return sp.csr_array(data, shape=(len(self.starts) - 1, columns))
