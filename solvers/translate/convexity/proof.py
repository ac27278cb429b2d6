"""Convexity of a whole standard form: every term by rules, then what they leave open, the quadratic parts of a row as one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyomo.common.gc_manager import PauseGC

from veridical.data.arrays import Array, Booleans, Integers
from veridical.solvers.translate.convexity.factorisation import indefinite_block
from veridical.solvers.translate.convexity.intervals import Interval
from veridical.solvers.translate.convexity.quadratics import Quadratics
from veridical.solvers.translate.convexity.rules import Slots, curvature
from veridical.solvers.translate.convexity.tape import LinearParts, Shape, Tape, degree, flattened
from veridical.solvers.translate.convexity.univariate import Term, least
from veridical.solvers.translate.graph import Form
from veridical.solvers.translate.nonlinear import NonlinearTerms

if TYPE_CHECKING:
    from veridical.solvers.translate.standard_form import StandardForm  # which asks for the proof

__all__ = ["indefinite", "shown"]

MOST_STEPS = 3_000_000  # in all terms: beyond that, looking at them would take longer than solving
ROUNDING = 1e-9  # of the largest second derivative: what terms that cancel may leave
QUADRATIC = "a quadratic objective, positive semidefinite by factorisation"
Direction = tuple[tuple[int, float], ...]  # t as a sum of coefficient * column; a single variable has the coefficient 1


def shown(form: StandardForm) -> str | None:
    """Return why the minimisation in a standard form is convex, or None where it is not shown.

    Whole numbers count as any numbers between. Signs of curvatures are shown to a relative accuracy: of quadratic parts to
    1e-9 of the diagonal (see `factorisation`), of everything else to the rounding of double precision.

    Parameters
    ----------
    form
        A model as arrays, with its nonlinear terms or a quadratic objective.

    Returns
    -------
    str | None
        What it rests on, as a part of a sentence. None says that there is no proof, not that the program is not convex.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> from veridical.solvers.translate.standard_form import compile_model
    >>> m = pyo.ConcreteModel()
    >>> m.x = pyo.Var(bounds=(0, None))
    >>> m.cost = pyo.Objective(expr=50_000 / m.x + m.x)
    >>> shown(compile_model(m, nonlinear=True))
    'rules of composition'
    >>> m.cost.expr = m.cost.expr * (m.x - 3)
    >>> shown(compile_model(m, nonlinear=True)) is None
    True
    """
    if form.nonlinear is None:
        return "linear" if form.hessian is None else None if indefinite(form) is not None else QUADRATIC
    with np.errstate(all="ignore"), PauseGC():  # the collector would walk the whole model again and again
        return _Proof(form, form.nonlinear).words()


def indefinite(form: StandardForm) -> Integers | None:
    """Return the columns of variables in which the quadratic objective of a form is not convex; None where it is convex.

    Parameters
    ----------
    form
        A model as arrays, compiled for solvers of linear and quadratic programs.

    Returns
    -------
    Integers | None
        As `indefinite_block` has it for the Hessian.

    Examples
    --------
    >>> import pyomo.environ as pyo
    >>> from veridical.solvers.translate.standard_form import compile_model
    >>> m = pyo.ConcreteModel()
    >>> m.x, m.y = pyo.Var(), pyo.Var()
    >>> m.cost = pyo.Objective(expr=m.x**2 - 3 * m.x * m.y + m.y**2)
    >>> indefinite(compile_model(m)).tolist()
    [0, 1]
    """
    return None if form.hessian is None else indefinite_block(form.hessian)


@dataclass
class _Group:
    """Terms of one shape: where they stand, the arguments whose linear parts are their slots, and their numbers."""

    tape: Tape
    rows: list[int]
    factors: list[float]
    slots: list[list[int]]
    numbers: list[list[float]]


class _Proof:
    """What is known of the terms of a form, and what a row needs."""

    def __init__(self, form: StandardForm, terms: NonlinearTerms) -> None:
        self.form, self.terms, self.linear = form, terms, LinearParts(terms.graph)
        self.low, self.high = _bounds(form, {row for row, _, _ in terms.parts})

    def words(self) -> str | None:
        """Return the proof in words."""
        groups = None if self._bent_equation() else self._groups()
        if groups is None:
            return None
        form = self.form
        up = np.concatenate([[True], np.isfinite(form.row_high)])  # the objective's place is 0
        down = np.concatenate([[False], np.isfinite(form.row_low)])
        judged: list[tuple[Booleans, Booleans]] = []  # of every group's terms: convex, concave, in their factors' sense
        failed: set[tuple[int, int]] = set()  # (row, sign): sign * row is to be convex, and the rules do not show it
        for group in groups:
            rows = np.array(group.rows) + 1
            convex, concave = self._judged(group)
            judged.append((convex, concave))
            failed.update((row - 1, 1) for row in rows[up[rows] & ~convex].tolist())
            failed.update((row - 1, -1) for row in rows[down[rows] & ~concave].tolist())
        if not failed:
            return "rules of composition"
        return self._together(groups, judged, failed)

    def _bent_equation(self) -> bool:
        """Whether a row with two sides has curvature at some point between the bounds: no need to look at its terms then."""
        rows = np.isfinite(self.form.row_low) & np.isfinite(self.form.row_high)
        if not rows[[row for row, _, _ in self.terms.parts if row >= 0]].any():
            return False
        random = np.random.default_rng(0)
        low, high = (np.where(np.isfinite(self.low), self.low, np.minimum(self.high, 0.0) - 1.0), self.high)
        x = low + random.uniform(0.1, 0.9, len(low)) * (np.where(np.isfinite(high), high, np.maximum(low, 0.0) + 1.0) - low)
        weights = random.uniform(1.0, 2.0, len(rows))
        curvature, all_of_it = (np.abs(self.terms.second(x, part, 0.0)) for part in (weights * rows, weights))
        varied = self.low < self.high
        curvature = curvature[varied[self.terms.hessian_rows] & varied[self.terms.hessian_columns]]
        return bool((curvature > ROUNDING * np.nanmax(all_of_it, initial=0.0)).any())

    def _groups(self) -> list[_Group] | None:
        """Return the terms by shape; None where there is too much of them."""
        groups: dict[Tape, _Group] = {}
        known: dict[Shape, Tape] = {}
        steps = 0
        for row, factor, column in self.terms.parts:
            flat = flattened(self.terms.graph, column, known)
            steps += len(flat[0]) if flat else MOST_STEPS
            if flat is None or steps > MOST_STEPS:
                return None
            tape, slots, numbers = flat
            group = groups.get(tape)
            if group is None:
                group = groups[tape] = _Group(tape, [], [], [], [])
            group.rows.append(row)
            group.factors.append(factor)
            group.slots.append(slots)
            group.numbers.append(numbers)
        return list(groups.values())

    def _judged(self, group: _Group) -> tuple[Booleans, Booleans]:
        """Return which terms of a group are convex by the rules, and which concave."""
        slots = np.array(group.slots, dtype=np.int64).reshape(len(group.rows), -1).T
        ranges = [self._range(*self.linear.entries(arguments)) for arguments in slots]
        scale, constant, direction = [], [], []
        numbers: dict[Direction, int] = {}
        compared = any(operation == "*" for operation, *_ in group.tape)  # slots are, as factors of a product alone
        for arguments in slots.tolist() if compared else []:
            lines = [_line(self.terms.graph.linear_part(argument)) for argument in arguments]
            direction.append(np.array([numbers.setdefault(along, len(numbers)) for along, _, _ in lines]))
            scale.append(np.array([factor for _, factor, _ in lines]))
            constant.append(np.array([rest for _, _, rest in lines]))
        values = np.array(group.numbers, dtype=float).reshape(len(group.rows), -1).T
        part = curvature(group.tape, Slots(ranges, scale, constant, direction), values, self.terms.graph.functions)
        positive = np.array(group.factors) > 0
        both = np.broadcast_arrays(part.convex, part.concave, positive)
        return np.where(both[2], both[0], both[1]), np.where(both[2], both[1], both[0])

    def _range(self, counts: Integers, columns: Integers, coefficients: Array, constants: Array) -> Interval:
        """Return the ranges of linear forms, so many entries each, between the variables' bounds."""
        owner = np.repeat(np.arange(len(counts)), counts)
        parts = Interval(self.low[columns], self.high[columns]).affine(coefficients, 0.0)
        lows, highs = (np.bincount(owner, ends, len(counts)).astype(float) for ends in (parts.low, parts.high))
        return Interval(lows, highs).affine(1.0, constants)

    def _forms(self, group: _Group, term: int) -> list[Form]:
        """Return the linear forms of a term."""
        return [self.terms.graph.linear_part(argument) for argument in group.slots[term]]

    def _together(
        self, groups: list[_Group], judged: list[tuple[Booleans, Booleans]], failed: set[tuple[int, int]]
    ) -> str | None:
        """Prove what the rules left open: quadratic parts as one matrix, to which other terms of one variable add curvature."""
        demands = {demand: number for number, demand in enumerate(sorted(failed))}
        quadratics = Quadratics(len(self.form.variables))
        sums: dict[tuple[int, Direction], list[tuple[int, int, float]]] = defaultdict(list)  # (group, term, factor)
        for number, (group, (convex, concave)) in enumerate(zip(groups, judged, strict=True)):
            quadratic = degree(group.tape) <= 2
            for term, row in enumerate(group.rows):
                for sign in (1, -1):
                    demand = demands.get((row, sign))
                    if demand is None:
                        continue
                    factor = sign * group.factors[term]
                    if quadratic:
                        quadratics.add(demand, factor, group.tape, self._forms(group, term), group.numbers[term])
                        continue
                    along = {_line(form)[0] for form in self._forms(group, term)}
                    if len(along) == 1:
                        sums[demand, along.pop()].append((number, term, factor))
                    elif not (convex if sign > 0 else concave)[term]:
                        return None
        reasons = []
        if sums:
            if not self._add_curvature(groups, sums, quadratics):
                return None
            reasons.append("signs of second derivatives by interval arithmetic")
        if quadratics.count:
            if quadratics.indefinite():
                return None
            reasons.append("quadratic parts, positive semidefinite by factorisation")
        alone = not sums and {row for row, _, _ in self.terms.parts} == {-1} and quadratics.count
        return (
            QUADRATIC
            if alone and all(degree(group.tape) <= 2 for group in groups)
            else ", ".join(["rules of composition", *reasons])
        )

    def _add_curvature(
        self, groups: list[_Group], sums: dict[tuple[int, Direction], list[tuple[int, int, float]]], quadratics: Quadratics
    ) -> bool:
        """Add to the quadratic parts what other terms of one variable have as least second derivatives, if that is finite."""
        kinds: dict[tuple[int, ...], list[tuple[int, Direction]]] = defaultdict(list)
        for key, terms in sums.items():
            terms.sort()
            kinds[tuple(number for number, _, _ in terms)].append(key)
        diagonal = quadratics.diagonal()
        for kind, keys in kinds.items():
            parts = [self._term(groups[number], [sums[key][place] for key in keys]) for place, number in enumerate(kind)]
            columns, coefficients = zip(*(entry for _, along in keys for entry in along), strict=True)
            counts = np.array([len(along) for _, along in keys])
            range_ = self._range(counts, np.array(columns), np.array(coefficients), np.zeros(len(keys)))
            present = np.array([diagonal(demand, along) for demand, along in keys])
            curve = least(parts, range_.low, range_.high, -present, self.terms.graph.functions)
            if np.isneginf(curve).any():
                return False
            curve = np.where(curve >= -present, -present, curve)
            curve = np.where(np.isfinite(curve), curve, 0.0)
            for (demand, along), value in zip(keys, curve.tolist(), strict=True):
                quadratics.add_square(demand, value / 2, along)
        return True

    def _term(self, group: _Group, places: list[tuple[int, int, float]]) -> Term:
        """Return the terms of one place in sums of one shape."""
        lines = [[_line(form) for form in self._forms(group, term)] for _, term, _ in places]
        return Term(
            group.tape,
            np.array([factor for _, _, factor in places]),
            [np.array([factor for _, factor, _ in column]) for column in zip(*lines, strict=True)],
            [np.array([constant for _, _, constant in column]) for column in zip(*lines, strict=True)],
            np.array([group.numbers[term] for _, term, _ in places], dtype=float).reshape(len(places), -1).T,
        )


def _line(form: Form) -> tuple[Direction, float, float]:
    """Return a linear form as factor * t + constant: direction of t, factor, constant."""
    if len(form.coefficients) == 1:
        ((column, coefficient),) = form.coefficients
        return ((column, 1.0),), coefficient, form.constant
    return form.coefficients, 1.0, form.constant


def _bounds(form: StandardForm, nonlinear: set[int]) -> tuple[Array, Array]:
    """Return the variables' bounds, with those that linear rows of one variable are."""
    low, high = form.low.copy(), form.high.copy()
    alone = np.flatnonzero(np.diff(form.matrix.indptr) == 1)
    alone = alone[~np.isin(alone, np.array(sorted(nonlinear), dtype=np.int64))]
    places = form.matrix.indptr[alone]
    columns, coefficients = form.matrix.indices[places], form.matrix.data[places]
    used = coefficients != 0
    with np.errstate(over="ignore"):
        ends = [end[alone][used] / coefficients[used] for end in (form.row_low, form.row_high)]
    np.maximum.at(low, columns[used], np.minimum(*ends))
    np.minimum.at(high, columns[used], np.maximum(*ends))
    return low, high
