"""Interval arithmetic on arrays, with results rounded outwards: ranges of functions and of their first two derivatives.

Ends are infinite, and NaN on the way, as a matter of course: callers ignore what numpy says to that (`np.errstate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from veridical.data.arrays import Array, ArrayLike

__all__ = ["DOMAINS", "EVERYWHERE", "UNARY", "Derivatives", "Interval", "power"]

ROUNDING = 8 * np.finfo(float).eps  # more than any function of numpy is off, relative
LARGEST = float(np.finfo(float).max)
FAR = 1e8  # arguments of sines beyond which their period is lost in rounding


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, one pair an entry; ends may be infinite."""

    low: Array
    high: Array

    @staticmethod
    def of(low: ArrayLike, high: ArrayLike) -> Interval:
        """Return an interval that contains what lies between two computed ends; an end that is NaN is unknown."""
        low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
        low = np.where(np.isnan(low), -np.inf, np.where(np.isfinite(low), low - ROUNDING * np.abs(low), low))
        high = np.where(np.isnan(high), np.inf, np.where(np.isfinite(high), high + ROUNDING * np.abs(high), high))
        return Interval(np.minimum(low, LARGEST), np.maximum(high, -LARGEST))

    @staticmethod
    def exactly(value: ArrayLike) -> Interval:
        """Return the interval of one number."""
        value = np.asarray(value, dtype=float)
        return Interval(value, value)

    def __add__(self, other: Interval) -> Interval:
        return Interval.of(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        corners = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]  # 0 times an end that is never reached
        low = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
        high = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
        return Interval.of(low, high)

    def affine(self, scale: ArrayLike, constant: ArrayLike) -> Interval:
        """Return scale * self + constant for linear forms: rounded as the ends, which are bounds of variables, are themselves."""
        scale = np.asarray(scale, dtype=float)
        ends = [np.where(scale == 0, 0.0, scale * end) + constant for end in (self.low, self.high)]
        return Interval(np.minimum(*ends), np.maximum(*ends))

    def times(self, factor: ArrayLike) -> Interval:
        """Return factor * self, for numbers."""
        return self * Interval.exactly(factor)

    def within(self, low: float, high: float) -> Interval:
        """Return the part between two ends, where a function is defined; all numbers where nothing is left."""
        nothing = (self.high < low) | (self.low > high)
        least, most = np.maximum(self.low, low), np.minimum(self.high, high)
        return Interval(np.where(nothing, -np.inf, least), np.where(nothing, np.inf, most))

    def raised(self, function: Callable[[Array], Array]) -> Interval:
        """Return the range of an increasing function."""
        return Interval.of(function(self.low), function(self.high))

    def size(self) -> Interval:
        """Return the range of the absolute value."""
        low, high = np.abs(self.low), np.abs(self.high)
        across = (self.low <= 0) & (self.high >= 0)
        return Interval(np.where(across, 0.0, np.minimum(low, high)), np.maximum(low, high))

    def inverse(self) -> Interval:
        """Return the range of 1 / u."""
        least, most = 1.0 / np.where(self.high == 0, -0.0, self.high), 1.0 / np.where(self.low == 0, 0.0, self.low)
        across = (self.low < 0) & (self.high > 0)
        return Interval.of(np.where(across, -np.inf, least), np.where(across, np.inf, most))

    def power(self, exponent: float) -> Interval:
        """Return the range of u ** exponent, where it is defined."""
        if exponent == 0:
            return Interval.exactly(np.ones_like(self.low))
        if exponent < 0:
            inverse, across = self.power(-exponent).inverse(), (self.low < 0) & (self.high > 0)
            if not float(exponent).is_integer():
                return inverse
            return Interval(np.where(across, -np.inf, inverse.low), np.where(across, np.inf, inverse.high))  # a pole inside
        if not float(exponent).is_integer():
            base = self.within(0.0, np.inf)
            unknown = np.isneginf(base.low)
            kept = Interval(np.maximum(base.low, 0.0), base.high).raised(lambda u: u**exponent)
            return Interval(np.where(unknown, -np.inf, kept.low), kept.high)
        base = self.size() if exponent % 2 == 0 else self
        return base.raised(lambda u: u**exponent)


Derivatives = tuple[Interval, Interval, Interval]


def power(u: Interval, exponent: float) -> Derivatives:
    """Return the ranges of u ** exponent and its first two derivatives."""
    first = u.power(exponent - 1).times(exponent)
    return u.power(exponent), first, u.power(exponent - 2).times(exponent * (exponent - 1))


def _sine(u: Interval) -> Interval:
    slack = 1e-12 * (1 + np.maximum(np.abs(u.low), np.abs(u.high)))
    low, high = u.low - slack, u.high + slack
    far = ~((np.abs(low) < FAR) & (np.abs(high) < FAR))

    def meets(place: float) -> Array:
        return np.asarray(far | (np.ceil((low - place) / math.tau) <= np.floor((high - place) / math.tau)))

    ends = np.sin(u.low), np.sin(u.high)
    most = np.where(meets(math.pi / 2), 1.0, np.maximum(*ends) + 1e-15)
    return Interval(np.where(meets(-math.pi / 2), -1.0, np.minimum(*ends) - 1e-15), most)


def _sines(u: Interval) -> Derivatives:
    sine = _sine(u)
    return sine, _sine(u + Interval.exactly(math.pi / 2)), -sine


def _cosines(u: Interval) -> Derivatives:
    sine, cosine, _ = _sines(u)
    return cosine, -sine, -cosine


def _tangent(u: Interval) -> Derivatives:
    slack = 1e-12 * (1 + np.maximum(np.abs(u.low), np.abs(u.high)))
    branch = np.floor((u.low - slack + math.pi / 2) / math.pi)
    one = (branch == np.floor((u.high + slack + math.pi / 2) / math.pi)) & (np.abs(u.low) < FAR)
    t = Interval.of(np.where(one, np.tan(u.low), -np.inf), np.where(one, np.tan(u.high), np.inf))
    slope = t.power(2) + Interval.exactly(1.0)
    unknown = Interval(np.where(one, 0.0, -np.inf), np.where(one, 0.0, np.inf))  # across a pole
    return t + unknown, slope + unknown, (t * slope).times(2.0) + unknown


def _exponential(u: Interval) -> Derivatives:
    value = u.raised(np.exp)
    return value, value, value


def _logarithm(function: Callable[[Array], Array], unit: float) -> Callable[[Interval], Derivatives]:
    def derivatives(u: Interval) -> Derivatives:
        u = u.within(0.0, np.inf)
        return u.raised(function), u.power(-1).times(unit), u.power(-2).times(-unit)

    return derivatives


def _root(u: Interval) -> Derivatives:
    return power(u, 0.5)


def _arcsine(u: Interval) -> Derivatives:
    u = u.within(-1.0, 1.0)
    w = _squares(-1.0, u, 1.0)
    return u.raised(np.arcsin), w.power(-0.5), u * w.power(-1.5)


def _arccosine(u: Interval) -> Derivatives:
    value, first, second = _arcsine(u)
    return Interval.exactly(math.pi / 2) + -value, -first, -second


def _arctangent(u: Interval) -> Derivatives:
    w = _squares(1.0, u, 1.0)
    return u.raised(np.arctan), w.power(-1), (u * w.power(-2)).times(-2.0)


def _hyperbolic_sine(u: Interval) -> Derivatives:
    sine, cosine = u.raised(np.sinh), u.size().raised(np.cosh)
    return sine, cosine, sine


def _hyperbolic_cosine(u: Interval) -> Derivatives:
    sine, cosine, _ = _hyperbolic_sine(u)
    return cosine, sine, cosine


def _hyperbolic_tangent(u: Interval) -> Derivatives:
    value, slope = u.raised(np.tanh), u.size().raised(np.cosh).power(-2)
    return value, slope, (value * slope).times(-2.0)


def _area_sine(u: Interval) -> Derivatives:
    w = _squares(1.0, u, 1.0)
    return u.raised(np.arcsinh), w.power(-0.5), -(u * w.power(-1.5))


def _area_cosine(u: Interval) -> Derivatives:
    u = u.within(1.0, np.inf)
    w = _squares(1.0, u, -1.0)
    return u.raised(np.arccosh), w.power(-0.5), -(u * w.power(-1.5))


def _area_tangent(u: Interval) -> Derivatives:
    u = u.within(-1.0, 1.0)
    w = _squares(-1.0, u, 1.0)
    return u.raised(np.arctanh), w.power(-1), (u * w.power(-2)).times(2.0)


def _squares(sign: float, u: Interval, constant: float) -> Interval:
    """Return the range of sign * u^2 + constant where it is not negative."""
    return (u.power(2).times(sign) + Interval.exactly(constant)).within(0.0, np.inf)


# Where functions are defined, of those that are not everywhere.
DOMAINS = dict.fromkeys(("log", "log10", "sqrt"), (0.0, np.inf)) | dict.fromkeys(("asin", "acos", "atanh"), (-1.0, 1.0))
DOMAINS["acosh"] = (1.0, np.inf)
EVERYWHERE = (-np.inf, np.inf)

# Value, first and second derivative of the functions of one argument, under Pyomo's names.
UNARY: dict[str, Callable[[Interval], Derivatives]] = {
    "exp": _exponential,
    "log": _logarithm(np.log, 1.0),
    "log10": _logarithm(np.log10, 1 / math.log(10)),
    "sqrt": _root,
    "sin": _sines,
    "cos": _cosines,
    "tan": _tangent,
    "asin": _arcsine,
    "acos": _arccosine,
    "atan": _arctangent,
    "sinh": _hyperbolic_sine,
    "cosh": _hyperbolic_cosine,
    "tanh": _hyperbolic_tangent,
    "asinh": _area_sine,
    "acosh": _area_cosine,
    "atanh": _area_tangent,
}
