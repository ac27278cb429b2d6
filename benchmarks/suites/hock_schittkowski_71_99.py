"""Hock and Schittkowski's problems 71 to 99; 86 stands beside 117, its dual program.

Left out: procedures (67, 85), the normal distribution (68, 69), steps (87), integrals (88 to 92), and problems whose published
value no solver confirms on the data as they are handed down (59, 70, 105, 109).
"""

from math import prod, sqrt
from typing import Any

import pyomo.environ as pyo
from hock_schittkowski import Terms, problem


@problem(17.0140173, (1, 5, 5, 1), low=1, high=5)
def hs71(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield x1 * x4 * (x1 + x2 + x3) + x3
    yield x1 * x2 * x3 * x4 >= 25
    yield x1**2 + x2**2 + x3**2 + x4**2 == 40


@problem(727.67937, (1, 1, 1, 1), low=0.001, high=(4e5, 3e5, 2e5, 1e5))
def hs72(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield 1 + x1 + x2 + x3 + x4
    yield 4 / x1 + 2.25 / x2 + 1 / x3 + 0.25 / x4 <= 0.0401
    yield 0.16 / x1 + 0.36 / x2 + 0.64 / x3 + 0.64 / x4 <= 0.010085


@problem(29.894378, (1, 1, 1, 1), low=0)
def hs73(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield 24.55 * x1 + 26.75 * x2 + 39 * x3 + 40.5 * x4
    yield 2.3 * x1 + 5.6 * x2 + 11.1 * x3 + 1.3 * x4 >= 5
    deviation = pyo.sqrt(0.28 * x1**2 + 0.19 * x2**2 + 20.5 * x3**2 + 0.62 * x4**2)
    yield 12 * x1 + 11.9 * x2 + 41.8 * x3 + 52.1 * x4 - 1.645 * deviation >= 21
    yield x1 + x2 + x3 + x4 == 1


def network(most: float, x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield 3 * x1 + 1e-6 * x1**3 + 2 * x2 + 2e-6 / 3 * x2**3
    yield (-most, x4 - x3, most)
    yield 1000 * pyo.sin(-x3 - 0.25) + 1000 * pyo.sin(-x4 - 0.25) + 894.8 - x1 == 0
    yield 1000 * pyo.sin(x3 - 0.25) + 1000 * pyo.sin(x3 - x4 - 0.25) + 894.8 - x2 == 0
    yield 1000 * pyo.sin(x4 - 0.25) + 1000 * pyo.sin(x4 - x3 - 0.25) + 1294.8 == 0


@problem(5126.4981, (0, 0, 0, 0), low=(0, 0, -0.55, -0.55), high=(1200, 1200, 0.55, 0.55))
def hs74(*x: Any) -> Terms:
    return network(0.55, *x)


@problem(5174.4129, (0, 0, 0, 0), low=(0, 0, -0.48, -0.48), high=(1200, 1200, 0.48, 0.48))
def hs75(*x: Any) -> Terms:
    return network(0.48, *x)


@problem(-4.681818181, (0.5, 0.5, 0.5, 0.5), low=0)
def hs76(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield x1**2 + 0.5 * x2**2 + x3**2 + 0.5 * x4**2 - x1 * x3 + x3 * x4 - x1 - 3 * x2 + x3 - x4
    yield x1 + 2 * x2 + x3 + x4 <= 5
    yield 3 * x1 + x2 + 2 * x3 - x4 <= 4
    yield x2 + 4 * x3 >= 1.5


@problem(0.24150513, (2, 2, 2, 2, 2), proven=False)
def hs77(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6
    yield x1**2 * x4 + pyo.sin(x4 - x5) == 2 * sqrt(2)
    yield x2 + x3**4 * x4**2 == 8 + sqrt(2)


def sphere(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield x1**2 + x2**2 + x3**2 + x4**2 + x5**2 == 10
    yield x2 * x3 - 5 * x4 * x5 == 0
    yield x1**3 + x2**3 == -1


@problem(-2.91970041, (-2, 1.5, 2, -1, -1), proven=False)
def hs78(*x: Any) -> Terms:
    yield prod(x)
    yield from sphere(*x)


@problem(0.0787768209, (2, 2, 2, 2, 2), proven=False)
def hs79(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 4
    yield x1 + x2**2 + x3**3 == 2 + 3 * sqrt(2)
    yield x2 - x3**2 + x4 == -2 + 2 * sqrt(2)
    yield x1 * x5 == 2


WIDE = (2.3, 2.3, 3.2, 3.2, 3.2)


@problem(0.0539498478, (-2, 2, 2, -1, -1), low=[-bound for bound in WIDE], high=WIDE, proven=False)
def hs80(*x: Any) -> Terms:
    yield pyo.exp(prod(x))
    yield from sphere(*x)


@problem(0.0539498478, (-2, 2, 2, -1, -1), low=[-bound for bound in WIDE], high=WIDE, proven=False)
def hs81(*x: Any) -> Terms:
    yield pyo.exp(prod(x)) - 0.5 * (x[0] ** 3 + x[1] ** 3 + 1) ** 2
    yield from sphere(*x)


@problem(-30665.53867, (78, 33, 27, 27, 27), low=(78, 33, 27, 27, 27), high=(102, 45, 45, 45, 45))
def hs83(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield 5.3578547 * x3**2 + 0.8356891 * x1 * x5 + 37.293239 * x1 - 40792.141
    yield (0, 85.334407 + 0.0056858 * x2 * x5 + 0.0006262 * x1 * x4 - 0.0022053 * x3 * x5, 92)
    yield (90, 80.51249 + 0.0071317 * x2 * x5 + 0.0029955 * x1 * x2 + 0.0021813 * x3**2, 110)
    yield (20, 9.300961 + 0.0047026 * x3 * x5 + 0.0012547 * x1 * x3 + 0.0019085 * x3 * x4, 25)


@problem(-5280335.133, (2.52, 2, 37.5, 9.25, 6.8), low=(0, 1.2, 20, 9, 6.5), high=(1000, 2.4, 60, 9.3, 7))
def hs84(x1: Any, *others: Any) -> Terms:
    def yielded(*factors: float) -> Any:
        return x1 * (factors[0] + sum(factor * x for factor, x in zip(factors[1:], others, strict=True)))

    yield 24345 - yielded(-8720288.849, 150512.5253, -156.6950325, 476470.3222, 729482.8271)
    yield (0, yielded(-145421.402, 2931.1506, -40.427932, 5106.192, 15711.36), 294000)
    yield (0, yielded(-155011.1084, 4360.53352, 12.9492344, 10236.884, 13176.786), 294000)
    yield (0, yielded(-326669.5104, 7390.68412, -27.8986976, 16643.076, 30988.146), 277200)


@problem(135.075961, (5.54, 4.4, 12.02, 11.82, 0.702, 0.852), low=0)
def hs93(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any) -> Terms:
    first, second = x1 * x4 * (x1 + x2 + x3), x2 * x3 * (x1 + 1.57 * x2 + x4)
    yield 0.0204 * first + 0.0187 * second + 0.0607 * first * x5**2 + 0.0437 * second * x6**2
    yield 0.001 * x1 * x2 * x3 * x4 * x5 * x6 >= 2.07
    yield 0.00062 * first * x5**2 + 0.00058 * second * x6**2 <= 1


def blended(least: tuple[float, ...], x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any) -> Terms:
    yield 4.3 * x1 + 31.8 * x2 + 63.3 * x3 + 15.8 * x4 + 68.5 * x5 + 4.7 * x6
    first = 17.1 * x1 + 38.2 * x2 + 204.2 * x3 + 212.3 * x4 + 623.4 * x5 + 1495.5 * x6 - 169 * x1 * x3
    yield first - 3580 * x3 * x5 - 3810 * x4 * x5 - 18500 * x4 * x6 - 24300 * x5 * x6 >= least[0]
    second = 17.9 * x1 + 36.8 * x2 + 113.9 * x3 + 169.7 * x4 + 337.8 * x5 + 1385.2 * x6 - 139 * x1 * x3
    yield second - 2450 * x4 * x5 - 16600 * x4 * x6 - 17200 * x5 * x6 >= least[1]
    yield -273 * x2 - 70 * x4 - 819 * x5 + 26000 * x4 * x5 >= least[2]
    yield 159.9 * x1 - 311 * x2 + 587 * x4 + 391 * x5 + 2198 * x6 - 14000 * x1 * x6 >= least[3]


SMALL = (0.31, 0.046, 0.068, 0.042, 0.028, 0.0134)


@problem(0.0156195252, [0] * 6, low=0, high=SMALL)
def hs95(*x: Any) -> Terms:
    return blended((4.97, -1.88, -29.08, -78.02), *x)


@problem(0.0156195252, [0] * 6, low=0, high=SMALL)
def hs96(*x: Any) -> Terms:
    return blended((4.97, -1.88, -69.08, -118.02), *x)


@problem(3.1358091, [0] * 6, low=0, high=SMALL)
def hs97(*x: Any) -> Terms:
    return blended((32.97, 25.12, -29.08, -78.02), *x)


@problem(3.1358091, [0] * 6, low=0, high=SMALL)
def hs98(*x: Any) -> Terms:
    return blended((32.97, 25.12, -124.08, -173.02), *x)


@problem(-831079891.5, [0.5] * 7, low=0, high=1.58, proven=False)
def hs99(*x: Any) -> Terms:
    thrusts, steps = (50, 50, 75, 75, 75, 100, 100), (25, 25, 50, 50, 50, 90, 90)
    distance: Any = 0
    height: Any = 0
    speed: Any = 0
    for thrust, step, angle in zip(thrusts, steps, x, strict=True):
        climb = thrust * pyo.sin(angle) - 32
        height += step * speed + 0.5 * step**2 * climb
        speed += step * climb
        distance += step * thrust * pyo.cos(angle)
    yield -(distance**2)
    yield height == 1e5
    yield speed == 1e3
