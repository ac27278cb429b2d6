"""Hock and Schittkowski's problems 1 to 38: functions, bounds, start and optimum as published, written anew."""

from math import log, pi, sqrt
from typing import Any

import pyomo.environ as pyo
from hock_schittkowski import Terms, problem, rosenbrock


@problem(0, (-2, 1), low=(None, -1.5))
def hs1(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)


@problem(0.0504261879, (-2, 1), low=(None, 1.5))
def hs2(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)


@problem(0, (10, 1), low=(None, 0))
def hs3(x1: Any, x2: Any) -> Terms:
    yield x2 + 1e-5 * (x2 - x1) ** 2


@problem(8 / 3, (1.125, 0.125), low=(1, 0))
def hs4(x1: Any, x2: Any) -> Terms:
    yield (x1 + 1) ** 3 / 3 + x2


@problem(-sqrt(3) / 2 - pi / 3, (0, 0), low=(-1.5, -3), high=(4, 3))
def hs5(x1: Any, x2: Any) -> Terms:
    yield pyo.sin(x1 + x2) + (x1 - x2) ** 2 - 1.5 * x1 + 2.5 * x2 + 1


@problem(0, (-1.2, 1))
def hs6(x1: Any, x2: Any) -> Terms:
    yield (1 - x1) ** 2
    yield 10 * (x2 - x1**2) == 0


@problem(-sqrt(3), (2, 2))
def hs7(x1: Any, x2: Any) -> Terms:
    yield pyo.log(1 + x1**2) - x2
    yield (1 + x1**2) ** 2 + x2**2 == 4


@problem(-1, (2, 1))
def hs8(x1: Any, x2: Any) -> Terms:
    yield -1
    yield x1**2 + x2**2 == 25
    yield x1 * x2 == 9


@problem(-0.5, (0, 0))
def hs9(x1: Any, x2: Any) -> Terms:
    yield pyo.sin(pi * x1 / 12) * pyo.cos(pi * x2 / 16)
    yield 4 * x1 - 3 * x2 == 0


@problem(-1, (-10, 10))
def hs10(x1: Any, x2: Any) -> Terms:
    yield x1 - x2
    yield -3 * x1**2 + 2 * x1 * x2 - x2**2 + 1 >= 0


@problem(-8.498464223, (4.9, 0.1))
def hs11(x1: Any, x2: Any) -> Terms:
    yield (x1 - 5) ** 2 + x2**2 - 25
    yield x1**2 <= x2


@problem(-30, (0, 0))
def hs12(x1: Any, x2: Any) -> Terms:
    yield 0.5 * x1**2 + x2**2 - x1 * x2 - 7 * x1 - 7 * x2
    yield 4 * x1**2 + x2**2 <= 25


@problem(1, (-2, -2), low=0, within=0.03)  # the cube root of what a row may be violated by
def hs13(x1: Any, x2: Any) -> Terms:
    yield (x1 - 2) ** 2 + x2**2
    yield (1 - x1) ** 3 - x2 >= 0


@problem(9 - 2.875 * sqrt(7), (2, 2))
def hs14(x1: Any, x2: Any) -> Terms:
    yield (x1 - 2) ** 2 + (x2 - 1) ** 2
    yield 0.25 * x1**2 + x2**2 <= 1
    yield x1 - 2 * x2 == -1


@problem(306.5, (-2, 1), high=(0.5, None))
def hs15(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)
    yield x1 * x2 >= 1
    yield x1 + x2**2 >= 0


@problem(0.25, (-2, 1), low=(-0.5, None), high=(0.5, 1))
def hs16(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)
    yield x1 + x2**2 >= 0
    yield x1**2 + x2 >= 0


@problem(1, (-2, 1), low=(-0.5, None), high=(0.5, 1))
def hs17(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)
    yield x2**2 - x1 >= 0
    yield x1**2 - x2 >= 0


@problem(5, (2, 2), low=(2, 0), high=50)
def hs18(x1: Any, x2: Any) -> Terms:
    yield 0.01 * x1**2 + x2**2
    yield x1 * x2 >= 25
    yield x1**2 + x2**2 >= 25


@problem(-6961.813875580, (20.1, 5.84), low=(13, 0), high=100)
def hs19(x1: Any, x2: Any) -> Terms:
    yield (x1 - 10) ** 3 + (x2 - 20) ** 3
    yield (x1 - 5) ** 2 + (x2 - 5) ** 2 >= 100
    yield (x1 - 6) ** 2 + (x2 - 5) ** 2 <= 82.81


@problem(81.5 - 25 * sqrt(3), (-2, 1), low=(-0.5, None), high=(0.5, None))
def hs20(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)
    yield x1 + x2**2 >= 0
    yield x1**2 + x2 >= 0
    yield x1**2 + x2**2 >= 1


@problem(-99.96, (-1, -1), low=(2, -50), high=50)
def hs21(x1: Any, x2: Any) -> Terms:
    yield 0.01 * x1**2 + x2**2 - 100
    yield 10 * x1 - x2 >= 10


@problem(1, (2, 2))
def hs22(x1: Any, x2: Any) -> Terms:
    yield (x1 - 2) ** 2 + (x2 - 1) ** 2
    yield x1 + x2 <= 2
    yield x1**2 <= x2


@problem(2, (3, 1), low=-50, high=50)
def hs23(x1: Any, x2: Any) -> Terms:
    yield x1**2 + x2**2
    yield x1 + x2 >= 1
    yield x1**2 + x2**2 >= 1
    yield 9 * x1**2 + x2**2 >= 9
    yield x1**2 >= x2
    yield x2**2 >= x1


@problem(-1, (1, 0.5), low=0)
def hs24(x1: Any, x2: Any) -> Terms:
    yield ((x1 - 3) ** 2 - 9) * x2**3 / (27 * sqrt(3))
    yield x1 / sqrt(3) >= x2
    yield x1 + sqrt(3) * x2 >= 0
    yield x1 + sqrt(3) * x2 <= 6


@problem(0, (100, 12.5, 3), low=(0.1, 0, 0), high=(100, 25.6, 5))
def hs25(x1: Any, x2: Any, x3: Any) -> Terms:
    points = [(i / 100, 25 + (-50 * log(i / 100)) ** (2 / 3)) for i in range(1, 100)]
    yield sum((pyo.exp(-((u - x2) ** x3) / x1) - share) ** 2 for share, u in points)


@problem(0, (-2.6, 2, 2))
def hs26(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x2 - x3) ** 4
    yield (1 + x2**2) * x1 + x3**4 == 3


@problem(0.04, (2, 2, 2))
def hs27(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 0.01 * (x1 - 1) ** 2 + (x2 - x1**2) ** 2
    yield x1 + x3**2 == -1


@problem(0, (-4, 1, 1))
def hs28(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 + x2) ** 2 + (x2 + x3) ** 2
    yield x1 + 2 * x2 + 3 * x3 == 1


@problem(-16 * sqrt(2), (1, 1, 1))
def hs29(x1: Any, x2: Any, x3: Any) -> Terms:
    yield -x1 * x2 * x3
    yield x1**2 + 2 * x2**2 + 4 * x3**2 <= 48


@problem(1, (1, 1, 1), low=(1, -10, -10), high=10)
def hs30(x1: Any, x2: Any, x3: Any) -> Terms:
    yield x1**2 + x2**2 + x3**2
    yield x1**2 + x2**2 >= 1


@problem(6, (1, 1, 1), low=(-10, 1, -10), high=(10, 10, 1))
def hs31(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 9 * x1**2 + x2**2 + 9 * x3**2
    yield x1 * x2 >= 1


@problem(1, (0.1, 0.7, 0.2), low=0)
def hs32(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 + 3 * x2 + x3) ** 2 + 4 * (x1 - x2) ** 2
    yield 6 * x2 + 4 * x3 - x1**3 >= 3
    yield x1 + x2 + x3 == 1


@problem(sqrt(2) - 6, (0, 0, 3), low=0, high=(None, None, 5))
def hs33(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 - 1) * (x1 - 2) * (x1 - 3) + x3
    yield x3**2 - x2**2 - x1**2 >= 0
    yield x1**2 + x2**2 + x3**2 >= 4


@problem(-log(log(10)), (0, 1.05, 2.9), low=0, high=(100, 100, 10))
def hs34(x1: Any, x2: Any, x3: Any) -> Terms:
    yield -x1
    yield x2 >= pyo.exp(x1)
    yield x3 >= pyo.exp(x2)


@problem(1 / 9, (0.5, 0.5, 0.5), low=0)
def hs35(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 9 - 8 * x1 - 6 * x2 - 4 * x3 + 2 * x1**2 + 2 * x2**2 + x3**2 + 2 * x1 * x2 + 2 * x1 * x3
    yield x1 + x2 + 2 * x3 <= 3


@problem(-3300, (10, 10, 10), low=0, high=(20, 11, 42))
def hs36(x1: Any, x2: Any, x3: Any) -> Terms:
    yield -x1 * x2 * x3
    yield x1 + 2 * x2 + 2 * x3 <= 72


@problem(-3456, (10, 10, 10), low=0, high=42)
def hs37(x1: Any, x2: Any, x3: Any) -> Terms:
    yield -x1 * x2 * x3
    yield x1 + 2 * x2 + 2 * x3 <= 72
    yield x1 + 2 * x2 + 2 * x3 >= 0


@problem(0, (-3, -1, -3, -1), low=-10, high=10)
def hs38(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    valleys = rosenbrock(x1, x2) + 90 * (x4 - x3**2) ** 2 + (1 - x3) ** 2
    yield valleys + 10.1 * ((x2 - 1) ** 2 + (x4 - 1) ** 2) + 19.8 * (x2 - 1) * (x4 - 1)
