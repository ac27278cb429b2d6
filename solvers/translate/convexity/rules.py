"""The rules of composition, for many terms of one shape at once: which are convex, and which concave, in their variables.

A sum of convex parts is convex; a convex function that rises is convex of a convex argument, one that falls of a concave one
(Boyd and Vandenberghe, Convex Optimization, 3.2.4). Signs of first and second derivatives come from the ranges of arguments.
Products have rules of their own: powers of several factors, entropy, norms, sums of exponentials, ratios of linear forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from veridical.data.arrays import Array, Booleans
from veridical.solvers.translate.convexity.externals import external
from veridical.solvers.translate.convexity.intervals import DOMAINS, EVERYWHERE, UNARY, Derivatives, Interval, power
from veridical.solvers.translate.convexity.tape import Tape

__all__ = ["Part", "Slots", "curvature"]

WHOLE = 1e-12  # exponents that sum to 1 by as much do


@dataclass(frozen=True)
class Slots:
    """The linear forms of terms of one shape: ranges, and the forms as scale * t + constant of one direction t each.

    `direction[k]` numbers t of slot k, term by term: two slots with one number are functions of the same t.
    """

    ranges: list[Interval]
    scale: list[Array]
    constant: list[Array]
    direction: list[Array]


@dataclass(frozen=True)
class Part:
    """A part of every term: its range, whether it is convex or concave, and whether it has no variable at all."""

    range: Interval
    convex: Booleans
    concave: Booleans
    constant: bool = False

    @property
    def affine(self) -> Booleans:
        """Where it is both."""
        return self.convex & self.concave

    @property
    def positive(self) -> Booleans:
        """Where it is not negative."""
        return self.range.low >= 0


def curvature(tape: Tape, slots: Slots, numbers: Array, functions: dict[int, Any]) -> Part:
    """Return what is known of the last part of a tape, one entry a term."""
    return _Rules(tape, slots, numbers, functions).parts[-1]


def composed(part: Part, derivatives: Derivatives, domain: tuple[float, float] = EVERYWHERE) -> Part:
    """Return a function of a part, by the ranges of its value, first and second derivative.

    Where the function is not defined everywhere, the variables for which it is must form a convex set too.
    """
    value, first, second = derivatives
    inside = (part.concave | (part.range.low >= domain[0])) & (part.convex | (part.range.high <= domain[1]))
    rises, falls = first.low >= 0, first.high <= 0
    bowl, dome = second.low >= 0, second.high <= 0
    convex = bowl & (part.affine | (rises & part.convex) | (falls & part.concave))
    concave = dome & (part.affine | (rises & part.concave) | (falls & part.convex))
    return Part(value, convex & inside, concave & inside, part.constant)


def raised(part: Part, exponent: float) -> Part:
    """Return a power of a part."""
    domain = EVERYWHERE if float(exponent).is_integer() else (0.0, np.inf)
    return composed(part, power(part.range, exponent), domain)


def _merged(before: tuple[float, bool] | None, exponent: float, strict: bool) -> tuple[float, bool]:
    """Return the power that a factor has if it stands in a product once more; u / u is not defined at 0."""
    if before is None:
        return exponent, strict
    return before[0] + exponent, before[1] or strict or before[0] < 0 or exponent < 0


class _Rules:
    """The parts of a tape, one after the other."""

    def __init__(self, tape: Tape, slots: Slots, numbers: Array, functions: dict[int, Any]) -> None:
        self.tape, self.slots, self.functions = tape, slots, functions
        self.parts: list[Part] = []
        self.always = np.ones(numbers.shape[1], dtype=bool)
        for operation, *arguments in tape:
            if operation == "slot":
                part = Part(slots.ranges[arguments[0]], self.always, self.always)
            elif operation == "number":
                part = Part(Interval.exactly(numbers[arguments[0]]), self.always, self.always, constant=True)
            elif operation == "+":
                part = self._sum(arguments)
            elif operation == "*":
                part = self._product(arguments)
            elif operation == "pow":
                part = self._power(arguments[0], arguments[1])
            elif operation == "external":
                part = self._external(*arguments)
            else:
                part = self._function(operation, arguments[0])
            self.parts.append(part)

    def _sum(self, places: list[int]) -> Part:
        total = self.parts[places[0]]
        for part in (self.parts[place] for place in places[1:]):
            both = total.constant and part.constant
            total = Part(total.range + part.range, total.convex & part.convex, total.concave & part.concave, both)
        return total

    def _scaled(self, part: Part, factor: Interval) -> Part:
        up, down = factor.low >= 0, factor.high <= 0
        convex = (up & part.convex) | (down & part.concave)
        return Part(part.range * factor, convex, (up & part.concave) | (down & part.convex), part.constant)

    def _product(self, places: list[int]) -> Part:
        factor, rest = self._factored(places)
        if not rest:
            return Part(factor, self.always, self.always, constant=True)
        if len(rest) == 1:
            return self._scaled(self.parts[rest[0]], factor)
        range_ = self.parts[rest[0]].range
        for place in rest[1:]:
            range_ = range_ * self.parts[place].range
        powers, factor = self._powers(places)
        convex, concave = self._monomial(powers)
        sums = [place for place, power_of in powers.items() if power_of == (1.0, False) and self.tape[place][0] == "+"]
        if len(sums) == 1:
            more_convex, more_concave = self._distributed(sums[0], {p: e for p, e in powers.items() if p != sums[0]})
            convex, concave = convex | more_convex, concave | more_concave
        if len(powers) == 2:
            pair = [place for place, power_of in powers.items() if power_of == (1.0, False)]
            more = [self._ratio(powers)] if len(pair) == 1 else []
            more += [self._entropy(pair), self._entropy(pair[::-1])] if len(pair) == 2 else []
            for more_convex, more_concave in more:
                convex, concave = convex | more_convex, concave | more_concave
        return self._scaled(Part(range_, convex, concave), factor)

    def _factored(self, places: list[int]) -> tuple[Interval, list[int]]:
        """Return the number that a product has as factors, and the places of the other factors."""
        factor = Interval.exactly(np.ones(len(self.always)))
        for place in places:
            if self.parts[place].constant:
                factor = factor * self.parts[place].range
        return factor, [place for place in places if not self.parts[place].constant]

    def _powers(self, places: list[int], exponent: float = 1.0) -> tuple[dict[int, tuple[float, bool]], Interval]:
        """Return a product as powers of its factors, place -> (exponent, whether the factor must not be negative), and a number.

        A number that is raised to what is not whole must be positive, else it is unknown.
        """
        powers: dict[int, tuple[float, bool]] = {}
        factor = Interval.exactly(np.ones(len(self.always)))
        stack = [(place, exponent, not exponent.is_integer()) for place in reversed(places)]
        while stack:
            place, exponent, strict = stack.pop()
            operation, *arguments = self.tape[place]
            if self.parts[place].constant:
                if exponent.is_integer():
                    factor = factor * self.parts[place].range.power(exponent)
                else:
                    raised = self.parts[place].range.power(exponent)
                    unknown = ~self.parts[place].positive
                    factor = factor * Interval(np.where(unknown, -np.inf, raised.low), np.where(unknown, np.inf, raised.high))
            elif operation == "*":
                stack += [(argument, exponent, strict) for argument in reversed(arguments)]
            elif operation in ("pow", "sqrt"):
                inner = 0.5 if operation == "sqrt" else float(arguments[0])
                stack.append((arguments[-1], exponent * inner, strict or not inner.is_integer()))
            else:
                powers[place] = _merged(powers.get(place), exponent, strict)
        return powers, factor

    def _monomial(self, powers: dict[int, tuple[float, bool]]) -> tuple[Booleans, Booleans]:
        """Return where a product of powers is convex, and where concave (Maranas and Floudas 1995, for signomials).

        Convex with negative exponents alone, or one positive beside them if all sum to at least 1; concave with positive ones
        that sum to at most 1. All factors must be positive, but for a linear form whose exponent is even.
        """
        never = ~self.always
        if len(powers) == 1:
            ((place, (exponent, strict)),) = powers.items()
            part = raised(self.parts[place], exponent)
            allowed = self.parts[place].positive if strict else self.always
            return part.convex & allowed, part.concave & allowed
        exponents = [exponent for exponent, _ in powers.values()]
        total, rising = sum(exponents), [place for place, (exponent, _) in powers.items() if exponent > 0]
        concave = self.always
        for place in powers:
            concave = concave & self.parts[place].concave & self.parts[place].positive
        if len(rising) == len(powers):
            return never, concave if total <= 1 + WHOLE else never
        if len(rising) > 1 or (rising and total < 1 - WHOLE):
            return never, never
        convex = self.always
        for place, (exponent, strict) in powers.items():
            part = self.parts[place]
            if place in rising:
                fits = part.convex & part.positive
                if exponent % 2 == 0 and not strict:
                    fits = fits | part.affine
            else:
                fits = part.concave & part.positive
            convex = convex & fits
        return convex, never

    def _distributed(self, place: int, others: dict[int, tuple[float, bool]]) -> tuple[Booleans, Booleans]:
        """Return where a sum times powers is convex, and where concave, as the sum of its parts times these powers."""
        convex, concave = self.always, self.always
        for summand in self.tape[place][1:]:
            powers, factor = self._powers([summand])
            for base, (exponent, strict) in others.items():
                powers[base] = _merged(powers.get(base), exponent, strict)
            part = self._scaled(Part(factor, *self._monomial(powers)), factor)
            convex, concave = convex & part.convex, concave & part.concave
        return convex, concave

    def _entropy(self, places: list[int]) -> tuple[Booleans, Booleans]:
        """Return where u log(v) is convex or concave: v a multiple of u (sign decides), or u over a positive linear form."""
        never = ~self.always
        first, (operation, *inner) = places[0], self.tape[places[1]]
        if operation not in ("log", "log10") or self.tape[first][0] != "slot":
            return never, never
        if self.tape[inner[0]][0] == "slot":
            return self._multiple(self.tape[first][1], self.tape[inner[0]][1])
        if self.tape[inner[0]][0] != "*":
            return never, never
        powers, factor = self._powers(list(self.tape[inner[0]][1:]))
        if len(powers) != 2 or powers.get(first) != (1.0, False):
            return never, never
        ((other, exponent),) = [item for item in powers.items() if item[0] != first]
        below = self.parts[other]
        return (factor.low > 0) & below.affine & below.positive if exponent == (-1.0, False) else never, never

    def _multiple(self, u: int, v: int) -> tuple[Booleans, Booleans]:
        """Return where slot v is a positive multiple of slot u, and where a negative one."""
        slots = self.slots
        same = slots.direction[u] == slots.direction[v]
        same = same & (slots.constant[u] * slots.scale[v] == slots.constant[v] * slots.scale[u])
        ratio = slots.scale[u] * slots.scale[v]
        return same & (ratio > 0), same & (ratio < 0)

    def _ratio(self, powers: dict[int, tuple[float, bool]]) -> tuple[Booleans, Booleans]:
        """Return where (a t + b) / (c t + d) is convex, and concave: it is a number and (b - a d / c) / (c t + d)."""
        never = ~self.always
        by_exponent = {exponent: place for place, (exponent, _) in powers.items()}
        if set(by_exponent) != {1.0, -1.0} or any(self.tape[place][0] != "slot" for place in powers):
            return never, never
        above, below = (self.tape[by_exponent[sign]][1] for sign in (1.0, -1.0))
        slots, range_ = self.slots, self.slots.ranges[below]
        same = slots.direction[above] == slots.direction[below]
        left = slots.constant[above] - slots.scale[above] * slots.constant[below] / slots.scale[below]
        up, down = range_.low >= 0, range_.high <= 0
        convex, concave = (left >= 0) & up | (left <= 0) & down, (left <= 0) & up | (left >= 0) & down
        return same & convex, same & concave

    def _power(self, exponent: float, place: int) -> Part:
        part = self.parts[place]
        plain = raised(part, exponent)
        if part.constant:
            return plain
        operation, *arguments = self.tape[place]
        if operation in ("*", "pow", "sqrt"):
            powers, factor = self._powers([place], float(exponent))
            more = self._scaled(Part(plain.range, *self._monomial(powers)), factor)
            plain = Part(plain.range, plain.convex | more.convex, plain.concave | more.concave)
        if operation in ("*", "pow", "+") and exponent not in (0, 1):
            convex, concave = self._norm(exponent, arguments if operation == "+" else [place])
            plain = Part(plain.range, plain.convex | convex, plain.concave | concave)
        return plain

    def _norm(self, exponent: float, places: list[int]) -> tuple[Booleans, Booleans]:
        """Return where (sum w u^p)^(1/p) is convex, p > 1, and where concave, p < 1; u >= 0 unless p is even, w >= 0."""
        p = 1 / exponent
        p = float(round(p)) if abs(p - round(p)) < WHOLE else p
        convex, concave = self.always & (p > 1), self.always & (p < 1)
        for place in places:
            if self.parts[place].constant:
                convex, concave = convex & self.parts[place].positive, concave & self.parts[place].positive
                continue
            powers, factor = self._powers([place])
            if len(powers) > 1:
                return ~self.always, ~self.always
            ((base, (own, strict)),) = powers.items()
            if abs(own - p) > WHOLE * abs(p):
                return ~self.always, ~self.always
            part = self.parts[base]
            even = part.affine & (p % 2 == 0 and not strict)
            convex = convex & (factor.low >= 0) & ((part.convex & part.positive) | even)
            concave = concave & (factor.low >= 0) & part.concave & part.positive
        return convex, concave

    def _function(self, name: str, place: int) -> Part:
        if name == "sqrt":
            return self._power(0.5, place)
        if name not in UNARY:
            return Part(Interval.of(np.full(len(self.always), np.nan), np.nan), ~self.always, ~self.always)
        part = composed(self.parts[place], UNARY[name](self.parts[place].range), DOMAINS.get(name, EVERYWHERE))
        operation, *arguments = self.tape[place]
        if name not in ("log", "log10") or part.constant:
            return part
        if operation == "+":  # the logarithm of a sum of exponentials
            convex = self.always
            for argument in arguments:
                convex = convex & self._exponential(argument)
            return Part(part.range, part.convex | convex, part.concave)
        if operation in ("*", "pow", "sqrt"):  # a sum of logarithms
            powers, factor = self._powers([place])
            signs = {exponent > 0 for exponent, _ in powers.values()}
            fits = factor.low > 0
            for base in powers:
                fits = fits & self.parts[base].concave & self.parts[base].positive
            return Part(part.range, part.convex | (fits & (True not in signs)), part.concave | (fits & (False not in signs)))
        return part

    def _exponential(self, place: int) -> Booleans:
        """Return where a part is a positive multiple of the exponential of something convex, or a positive number."""
        if self.parts[place].constant:
            return self.parts[place].positive
        operation, *arguments = self.tape[place]
        if operation == "exp":
            return self.parts[arguments[0]].convex
        if operation != "*":
            return ~self.always
        factor, rest = self._factored(arguments)
        return (factor.low >= 0) & self._exponential(rest[0]) if len(rest) == 1 else ~self.always

    def _external(self, function: int, *places: int) -> Part:
        arguments = [self.parts[place] for place in places]
        derivatives = external(self.functions.get(function), [part.range for part in arguments])
        if derivatives is None or not all(part.constant for part in arguments[1:]):
            return Part(Interval.of(np.full(len(self.always), np.nan), np.nan), ~self.always, ~self.always)
        return composed(arguments[0], derivatives)
