"""The least second derivative of sums of terms in one variable, from below, by interval arithmetic and bisection.

Ranges of value and derivatives over a piece follow from those of its parts. Pieces on which the range of the second derivative
reaches below what is wanted are halved, up to a number of times; all sums of one shape are looked at together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from veridical.data.arrays import Array, Integers
from veridical.solvers.translate.convexity.externals import external
from veridical.solvers.translate.convexity.intervals import DOMAINS, EVERYWHERE, UNARY, Derivatives, Interval, power
from veridical.solvers.translate.convexity.tape import Tape

__all__ = ["Term", "least"]

ROUNDS = 60  # of halving
PIECES = 300  # a sum, at one time


@dataclass(frozen=True)
class Term:
    """The same place in sums of one shape, one entry a sum: factor * tape(slots scale * t + constant, numbers)."""

    tape: Tape
    factor: Array
    scale: list[Array]
    constant: list[Array]
    numbers: Array


def least(terms: list[Term], low: Array, high: Array, wanted: Array, functions: dict[int, Any]) -> Array:
    """Return numbers that the second derivatives of sums of terms are not below on [low, high].

    Where `wanted` can be shown that is returned or more; where `wanted` is infinite, what a few halvings show.
    """
    low, high = _defined(terms, low, high)
    shown = np.full(len(low), np.inf)
    number = np.arange(len(low))  # of the sum that a piece belongs to
    rounds = np.where(np.isfinite(wanted), ROUNDS, 6)
    for done in range(ROUNDS + 1):
        bound = _total(terms, number, Interval(low, high), functions).low
        middle = _middle(low, high)
        crowded = np.bincount(number, minlength=len(shown))[number] > PIECES
        last = (bound >= wanted[number]) | crowded | (done >= rounds[number]) | ~((low < middle) & (middle < high))
        cut = np.flatnonzero(~last)
        there = _total(terms, number[cut], Interval.exactly(middle[cut]), functions)
        poles = cut[~(np.isfinite(there.low) & np.isfinite(there.high))]  # both sides of a pole may be convex: it is not
        last[poles], bound[poles] = True, -np.inf
        np.minimum.at(shown, number[last], bound[last])
        further = ~last & ((shown[number] >= wanted[number]) | np.isinf(wanted[number]))  # no piece of the sum has failed
        np.minimum.at(shown, number[~further], bound[~further])
        if not further.any():
            break
        number = np.concatenate([number[further], number[further]])
        low, high = np.concatenate([low[further], middle[further]]), np.concatenate([middle[further], high[further]])
    return shown


def _middle(low: Array, high: Array) -> Array:
    """Return where to cut: in the middle, of logarithms where both ends are far apart, somewhere where one is infinite."""
    outer = np.maximum(2 * np.abs(np.where(np.isfinite(low), low, 0.0)), 1.0)
    inner = np.maximum(2 * np.abs(np.where(np.isfinite(high), high, 0.0)), 1.0)
    middle = low + (high - low) / 2
    middle = np.where((low > 0) & (high > 4 * low), np.sqrt(low) * np.sqrt(high), middle)
    middle = np.where((high < 0) & (low < 4 * high), -np.sqrt(-low) * np.sqrt(-high), middle)
    middle = np.where(np.isinf(high), np.where(low < 0, 0.0, outer), middle)
    return np.where(np.isinf(low), np.where(high > 0, 0.0, -inner), middle)


def _defined(terms: list[Term], low: Array, high: Array) -> tuple[Array, Array]:
    """Return the ends of where functions of the variable itself are defined."""
    for term in terms:
        for operation, *arguments in term.tape:
            lowest, most = _domain(operation, arguments)
            step = term.tape[arguments[-1]] if (lowest, most) != EVERYWHERE else ("",)
            if step[0] == "slot":
                scale, constant = term.scale[step[1]], term.constant[step[1]]
                part = Interval(np.full(len(low), lowest), np.full(len(low), most)).affine(1.0, -constant).affine(1 / scale, 0.0)
                low, high = np.maximum(low, part.low), np.minimum(high, part.high)
    return low, high


def _domain(operation: str, arguments: list[Any]) -> tuple[float, float]:
    if operation == "pow":
        return EVERYWHERE if float(arguments[0]).is_integer() else (0.0, np.inf)
    return DOMAINS.get(operation, EVERYWHERE)


def _total(terms: list[Term], number: Integers, piece: Interval, functions: dict[int, Any]) -> Interval:
    """Return the range of the second derivative of sums on pieces."""
    total = Interval.exactly(np.zeros(len(number)))
    for term in terms:
        total = total + _second(term, number, piece, functions).times(term.factor[number])
    return total


def _second(term: Term, number: Integers, piece: Interval, functions: dict[int, Any]) -> Interval:
    """Return the range of the second derivative of a term on pieces."""
    parts: list[Derivatives] = []
    low = piece.low
    zero = Interval.exactly(np.zeros(len(low)))
    for operation, *arguments in term.tape:
        if operation == "slot":
            scale = term.scale[arguments[0]][number]
            value = piece.affine(scale, term.constant[arguments[0]][number])
            parts.append((value, Interval.exactly(scale), zero))
        elif operation == "number":
            parts.append((Interval.exactly(term.numbers[arguments[0]][number]), zero, zero))
        elif operation == "+":
            total = parts[arguments[0]]
            for value, first, second in (parts[place] for place in arguments[1:]):
                total = total[0] + value, total[1] + first, total[2] + second
            parts.append(total)
        elif operation == "*":
            product = parts[arguments[0]]
            for place in arguments[1:]:
                product = _product(product, parts[place], arguments[0] == place and len(arguments) == 2)
            parts.append(product)
        elif operation == "pow":
            inner = _inside(parts[arguments[1]], operation, arguments, term.tape)
            parts.append(_chain(inner, power(inner[0], arguments[0])))
        elif operation == "external":
            parts.append(_external(functions.get(arguments[0]), [parts[place] for place in arguments[1:]]))
        elif operation in UNARY:
            inner = _inside(parts[arguments[0]], operation, arguments, term.tape)
            parts.append(_chain(inner, UNARY[operation](inner[0])))
        else:
            parts.append((_anything(low),) * 3)
    return parts[-1][2]


def _inside(inner: Derivatives, operation: str, arguments: list[Any], tape: Tape) -> Derivatives:
    """Return the argument of a function, unknown where it may leave the domain; a linear form is cut off there."""
    lowest, most = _domain(operation, arguments)
    if (lowest, most) == EVERYWHERE or tape[arguments[-1]][0] == "slot":
        return inner
    leaves = (inner[0].low < lowest) | (inner[0].high > most)
    unknown = Interval(np.where(leaves, -np.inf, 0.0), np.where(leaves, np.inf, 0.0))
    return inner[0], inner[1], inner[2] + unknown


def _anything(like: Array) -> Interval:
    return Interval(np.full(like.shape, -np.inf), np.full(like.shape, np.inf))


def _chain(inner: Derivatives, outer: Derivatives) -> Derivatives:
    value, first, second = outer
    return value, first * inner[1], second * inner[1].power(2) + first * inner[2]


def _product(left: Derivatives, right: Derivatives, same: bool) -> Derivatives:
    if same:
        return _chain(left, power(left[0], 2))
    (u, du, ddu), (v, dv, ddv) = left, right
    return u * v, u * dv + v * du, u * ddv + v * ddu + (du * dv).times(2.0)


def _external(function: Any, arguments: list[Derivatives]) -> Derivatives:
    derivatives = external(function, [value for value, _, _ in arguments])
    others = [first for _, first, _ in arguments[1:]]
    if derivatives is None or any((first.low != 0).any() or (first.high != 0).any() for first in others):
        return (_anything(arguments[0][0].low),) * 3
    return _chain(arguments[0], derivatives)
