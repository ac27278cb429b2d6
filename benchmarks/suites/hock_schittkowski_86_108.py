"""Hock and Schittkowski's problems 100 to 119, with 86, of which 117 is the dual program."""

from math import cos, prod, sin
from typing import Any

import pyomo.environ as pyo
from hock_schittkowski import Terms, problem

ROWS = (  # of Colville's first and second problem
    (-16, 2, 0, 1, 0), (0, -2, 0, 4, 2), (-3.5, 0, 2, 0, 0), (0, -2, 0, -4, -1), (0, -9, -2, 1, -2.8),
    (2, 0, -4, 0, 0), (-1, -1, -1, -1, -1), (-1, -2, -3, -2, -1), (1, 2, 3, 4, 5), (1, 1, 1, 1, 1),
)  # fmt: skip
LEAST = (-40, -2, -0.25, -4, -4, -1, -40, -60, 5, 1)
PAIRS = ((30, -20, -10, 32, -10), (-20, 39, -6, -31, 32), (-10, -6, 10, -6, -10), (32, -31, -6, 39, -20), (-10, 32, -10, -20, 30))
CUBES, SINGLES = (4, 8, 10, 6, 2), (-15, -27, -36, -18, -12)


def dot(coefficients: Any, x: Any) -> Any:
    return sum(c * variable for c, variable in zip(coefficients, x, strict=True))


@problem(-32.34867897, (0, 0, 0, 0, 1), low=0)
def hs86(*x: Any) -> Terms:
    yield dot(SINGLES, x) + dot([dot(row, x) for row in PAIRS], x) + dot(CUBES, [variable**3 for variable in x])
    yield from (dot(row, x) >= least for row, least in zip(ROWS, LEAST, strict=True))


@problem(32.34867897, [0.001] * 6 + [60] + [0.001] * 8, low=0)
def hs117(*x: Any) -> Terms:
    prices, point = x[:10], x[10:]
    yield -dot(LEAST, prices) + dot([dot(row, point) for row in PAIRS], point) + 2 * dot(CUBES, [u**3 for u in point])
    for j in range(5):
        slope = 2 * dot([row[j] for row in PAIRS], point) + 3 * CUBES[j] * point[j] ** 2 + SINGLES[j]
        yield slope - dot([row[j] for row in ROWS], prices) >= 0


@problem(680.6300573, (1, 2, 0, 4, 0, 1, 1), proven=False)
def hs100(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any) -> Terms:
    squares = (x1 - 10) ** 2 + 5 * (x2 - 12) ** 2 + x3**4 + 3 * (x4 - 11) ** 2
    yield squares + 10 * x5**6 + 7 * x6**2 + x7**4 - 4 * x6 * x7 - 10 * x6 - 8 * x7
    yield 2 * x1**2 + 3 * x2**4 + x3 + 4 * x4**2 + 5 * x5 <= 127
    yield 7 * x1 + 3 * x2 + 10 * x3**2 + x4 - x5 <= 282
    yield 23 * x1 + x2**2 + 6 * x6**2 - 8 * x7 <= 196
    yield 4 * x1**2 + x2**2 - 3 * x1 * x2 + 2 * x3**2 + 5 * x6 - 11 * x7 <= 0


def posynomial(x: Any, *terms: tuple[float, ...]) -> Any:
    """Return a sum of products of powers: of each the factor, then an exponent a variable."""
    return sum(c * prod(u**power for u, power in zip(x, powers, strict=True) if power) for c, *powers in terms)


def geometric(a: float, *x: Any) -> Terms:
    cost = posynomial(
        x,
        (10, 1, -1, 0, 2, 0, -3, a),
        (15, -1, -2, 1, 1, -1, 0, -0.5),
        (20, -2, 1, 0, -1, -2, 1, 0),
        (25, 2, 2, -1, 0, 0.5, -2, 1),
    )
    yield cost
    yield posynomial(x, (0.5, 0.5, 0, -1, 0, 0, -2, 1), (0.7, 3, 1, -2, 0, 0, 1, 0.5), (0.2, 0, -1, 1, -0.5, 0, 2 / 3, 0.25)) <= 1
    yield posynomial(x, (1.3, -0.5, 1, -1, 0, -1, 1, 0), (0.8, 0, 0, 1, -1, -1, 2, 0), (3.1, -1, 0.5, 0, -2, -1, 1 / 3, 0)) <= 1
    first, second = (2, 1, 0, -1.5, 0, 1, -1, 1 / 3), (0.1, 0, 1, -0.5, 0, 1, -1, -0.5)
    yield posynomial(x, first, second, (1, -1, 1, 0.5, 0, 1, 0, 0), (0.65, 0, -2, 1, 0, 1, -1, 1)) <= 1
    first, second = (0.2, -2, 1, 0, -1, 0.5, 0, 1 / 3), (0.3, 0.5, 2, 1, 1 / 3, -2 / 3, 0, 0.25)
    yield posynomial(x, first, second, (0.4, -3, -2, 1, 0, 1, 0, 0.75), (0.5, 0, 0, -2, 1, 0, 0, 0.5)) <= 1
    yield cost >= 100
    yield cost <= 3000


@problem(1809.76476, [6] * 7, low=[0.1] * 6 + [0.01], high=10)
def hs101(*x: Any) -> Terms:
    return geometric(-0.25, *x)


@problem(911.880571, [6] * 7, low=[0.1] * 6 + [0.01], high=10)
def hs102(*x: Any) -> Terms:
    return geometric(0.125, *x)


@problem(543.667958, [6] * 7, low=[0.1] * 6 + [0.01], high=10)
def hs103(*x: Any) -> Terms:
    return geometric(0.5, *x)


@problem(3.9511634396, (6, 3, 0.4, 0.2, 6, 6, 1, 0.5), low=0.1, high=10, proven=False)
def hs104(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any) -> Terms:
    cost = 0.4 * (x1 / x7) ** 0.67 + 0.4 * (x2 / x8) ** 0.67 + 10 - x1 - x2
    yield cost
    yield 0.0588 * x5 * x7 + 0.1 * x1 <= 1
    yield 0.0588 * x6 * x8 + 0.1 * x1 + 0.1 * x2 <= 1
    yield 4 * x3 / x5 + 2 / (x3**0.71 * x5) + 0.0588 * x7 / x3**1.3 <= 1
    yield 4 * x4 / x6 + 2 / (x4**0.71 * x6) + 0.0588 * x8 / x4**1.3 <= 1
    yield cost >= 1
    yield cost <= 4.2


@problem(7049.24802, (5000, 5000, 5000, 200, 350, 150, 225, 425), low=(100, 1000, 1000, *[10] * 5), high=[1e4] * 3 + [1e3] * 5)
def hs106(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any) -> Terms:
    yield x1 + x2 + x3
    yield 0.0025 * (x4 + x6) <= 1
    yield 0.0025 * (x5 + x7 - x4) <= 1
    yield 0.01 * (x8 - x5) <= 1
    yield x1 * x6 - 833.33252 * x4 - 100 * x1 >= -83333.333
    yield x2 * x7 - 1250 * x5 - x2 * x4 + 1250 * x4 >= 0
    yield x3 * x8 - x3 * x5 + 2500 * x5 >= 1250000


LOW107 = (0, 0, None, None, 0.90909, 0.90909, 0.90909, None, None)
HIGH107 = (None, None, None, None, 1.0909, 1.0909, 1.0909, None, None)


@problem(5055.011803, (0.8, 0.8, 0.2, 0.2, 1.0454, 1.0454, 1.0454, 0, 0), low=LOW107, high=HIGH107, proven=False)
def hs107(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any, x9: Any) -> Terms:
    c, d = 48.4 / 50.176 * sin(0.25), 48.4 / 50.176 * cos(0.25)
    s8, c8, s9, c9, s, k = pyo.sin(x8), pyo.cos(x8), pyo.sin(x9), pyo.cos(x9), pyo.sin(x8 - x9), pyo.cos(x8 - x9)
    yield 3000 * x1 + 1000 * x1**3 + 2000 * x2 + 666.667 * x2**3
    yield 0.4 - x1 + 2 * c * x5**2 - x5 * x6 * (d * s8 + c * c8) - x5 * x7 * (d * s9 + c * c9) == 0
    yield 0.4 - x2 + 2 * c * x6**2 + x5 * x6 * (d * s8 - c * c8) + x6 * x7 * (d * s - c * k) == 0
    yield 0.8 + 2 * c * x7**2 + x5 * x7 * (d * s9 - c * c9) - x6 * x7 * (d * s + c * k) == 0
    yield 0.2 - x3 + 2 * d * x5**2 + x5 * x6 * (c * s8 - d * c8) + x5 * x7 * (c * s9 - d * c9) == 0
    yield 0.2 - x4 + 2 * d * x6**2 - x5 * x6 * (c * s8 + d * c8) - x6 * x7 * (c * s + d * k) == 0
    yield -0.337 + 2 * d * x7**2 - x5 * x7 * (c * s9 + d * c9) + x6 * x7 * (c * s - d * k) == 0


@problem(-0.8660254038, [1] * 9, low=[None] * 8 + [0], proven=False)
def hs108(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any, x9: Any) -> Terms:
    yield -0.5 * (x1 * x4 - x2 * x3 + x3 * x9 - x5 * x9 + x5 * x8 - x6 * x7)
    yield x3**2 + x4**2 <= 1
    yield x5**2 + x6**2 <= 1
    yield x9**2 <= 1
    yield x1**2 + (x2 - x9) ** 2 <= 1
    yield (x1 - x5) ** 2 + (x2 - x6) ** 2 <= 1
    yield (x1 - x7) ** 2 + (x2 - x8) ** 2 <= 1
    yield (x3 - x5) ** 2 + (x4 - x6) ** 2 <= 1
    yield (x3 - x7) ** 2 + (x4 - x8) ** 2 <= 1
    yield x7**2 + (x8 - x9) ** 2 <= 1
    yield x1 * x4 - x2 * x3 >= 0
    yield x3 * x9 >= 0
    yield -x5 * x9 >= 0
    yield x5 * x8 - x6 * x7 >= 0
