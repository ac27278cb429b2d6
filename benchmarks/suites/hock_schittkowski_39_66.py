"""Hock and Schittkowski's problems 39 to 66."""

from math import asin, exp, prod, sqrt
from typing import Any

import pyomo.environ as pyo
from hock_schittkowski import Terms, problem, rosenbrock


@problem(-1, (2, 2, 2, 2))
def hs39(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield -x1
    yield x2 - x1**3 - x3**2 == 0
    yield x1**2 - x2 - x4**2 == 0


@problem(-0.25, (0.8, 0.8, 0.8, 0.8))
def hs40(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield -x1 * x2 * x3 * x4
    yield x1**3 + x2**2 == 1
    yield x1**2 * x4 - x3 == 0
    yield x4**2 - x2 == 0


@problem(52 / 27, (2, 2, 2, 2), low=0, high=(1, 1, 1, 2))
def hs41(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield 2 - x1 * x2 * x3
    yield x1 + 2 * x2 + 2 * x3 - x4 == 0


@problem(28 - 10 * sqrt(2), (1, 1, 1, 1))
def hs42(*x: Any) -> Terms:
    yield sum((x[i] - i - 1) ** 2 for i in range(4))
    yield x[0] == 2
    yield x[2] ** 2 + x[3] ** 2 == 2


@problem(-44, (0, 0, 0, 0))
def hs43(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield x1**2 + x2**2 + 2 * x3**2 + x4**2 - 5 * x1 - 5 * x2 - 21 * x3 + 7 * x4
    yield x1**2 + x2**2 + x3**2 + x4**2 + x1 - x2 + x3 - x4 <= 8
    yield x1**2 + 2 * x2**2 + x3**2 + 2 * x4**2 - x1 - x4 <= 10
    yield 2 * x1**2 + x2**2 + x3**2 + 2 * x1 - x2 - x4 <= 5


@problem(-15, (0, 0, 0, 0), low=0)
def hs44(x1: Any, x2: Any, x3: Any, x4: Any) -> Terms:
    yield x1 - x2 - x3 - x1 * x3 + x1 * x4 + x2 * x3 - x2 * x4
    yield x1 + 2 * x2 <= 8
    yield 4 * x1 + x2 <= 12
    yield 3 * x1 + 4 * x2 <= 12
    yield 2 * x3 + x4 <= 8
    yield x3 + 2 * x4 <= 8
    yield x3 + x4 <= 5


@problem(1, (2, 2, 2, 2, 2), low=0, high=(1, 2, 3, 4, 5))
def hs45(*x: Any) -> Terms:
    yield 2 - prod(x) / 120


@problem(0, (sqrt(2) / 2, 1.75, 0.5, 2, 2))
def hs46(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6
    yield x1**2 * x4 + pyo.sin(x4 - x5) == 1
    yield x2 + x3**4 * x4**2 == 2


# Published with the value 0; other starts lead below, since the cube has no sign.
@problem(-0.026714183, (2, sqrt(2), -1, 2 - sqrt(2), 0.5), proven=False)
def hs47(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x2 - x3) ** 3 + (x3 - x4) ** 4 + (x4 - x5) ** 4
    yield x1 + x2**2 + x3**3 == 3
    yield x2 - x3**2 + x4 == 1
    yield x1 * x5 == 1


@problem(0, (3, 5, -3, 2, -2))
def hs48(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - 1) ** 2 + (x2 - x3) ** 2 + (x4 - x5) ** 2
    yield x1 + x2 + x3 + x4 + x5 == 5
    yield x3 - 2 * (x4 + x5) == -3


@problem(0, (10, 7, 2, -3, 0.8))
def hs49(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6
    yield x1 + x2 + x3 + 4 * x4 == 7
    yield x3 + 5 * x5 == 6


@problem(0, (35, -31, 11, 5, -5))
def hs50(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 2
    yield x1 + 2 * x2 + 3 * x3 == 6
    yield x2 + 2 * x3 + 3 * x4 == 6
    yield x3 + 2 * x4 + 3 * x5 == 6


@problem(0, (2.5, 0.5, 2, -1, 0.5))
def hs51(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    yield x1 + 3 * x2 == 4
    yield x3 + x4 - 2 * x5 == 0
    yield x2 - x5 == 0


@problem(1859 / 349, (2, 2, 2, 2, 2))
def hs52(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (4 * x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    yield x1 + 3 * x2 == 0
    yield x3 + x4 - 2 * x5 == 0
    yield x2 - x5 == 0


@problem(176 / 43, (2, 2, 2, 2, 2), low=-10, high=10)
def hs53(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2
    yield x1 + 3 * x2 == 0
    yield x3 + x4 - 2 * x5 == 0
    yield x2 - x5 == 0


@problem(-exp(-27 / 280), (6e3, 1.5, 4e6, 2, 3e-3, 5e7), low=(0, -10, 0, 0, -1, 0), high=(2e4, 10, 1e7, 20, 1, 2e8))
def hs54(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any) -> Terms:
    pair = ((x1 - 1e4) ** 2 / 6.4e7 + (x1 - 1e4) * (x2 - 1) / 2e4 + (x2 - 1) ** 2) / 0.96
    single = (x3 - 2e6) ** 2 / 4.9e13 + (x4 - 10) ** 2 / 2.5e3 + (x5 - 1e-3) ** 2 / 2.5e-3 + (x6 - 1e8) ** 2 / 2.5e17
    yield -pyo.exp(-(pair + single) / 2)
    yield x1 + 4e3 * x2 == 1.76e4


@problem(19 / 3, (1, 2, 0, 0, 0, 2), low=0, high=(1, None, None, 1, None, None))
def hs55(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any) -> Terms:
    yield x1 + 2 * x2 + 4 * x5 + pyo.exp(x1 * x4)
    yield x1 + 2 * x2 + 5 * x5 == 6
    yield x1 + x2 + x3 == 3
    yield x4 + x5 + x6 == 2
    yield x1 + x4 == 1
    yield x2 + x5 == 2
    yield x3 + x6 == 2


@problem(-3.456, (1, 1, 1, *[asin(sqrt(1 / 4.2))] * 3, asin(sqrt(5 / 7.2))))
def hs56(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any) -> Terms:
    yield -x1 * x2 * x3
    yield x1 - 4.2 * pyo.sin(x4) ** 2 == 0
    yield x2 - 4.2 * pyo.sin(x5) ** 2 == 0
    yield x3 - 4.2 * pyo.sin(x6) ** 2 == 0
    yield x1 + 2 * x2 + 2 * x3 - 7.2 * pyo.sin(x7) ** 2 == 0


DECAY = {  # age of a product: the shares of chlorine that were measured
    8: (0.49, 0.49), 10: (0.48, 0.47, 0.48, 0.47), 12: (0.46, 0.46, 0.45, 0.43), 14: (0.45, 0.43, 0.43), 16: (0.44, 0.43, 0.43),
    18: (0.46, 0.45), 20: (0.42, 0.42, 0.43), 22: (0.41, 0.41, 0.40), 24: (0.42, 0.40, 0.40), 26: (0.41, 0.40, 0.41),
    28: (0.41, 0.40), 30: (0.40, 0.40, 0.38), 32: (0.41, 0.40), 34: (0.40,), 36: (0.41, 0.38), 38: (0.40, 0.40), 40: (0.39,),
    42: (0.39,),
}  # fmt: skip


@problem(0.02845966972, (0.42, 5), low=(0.4, -4), proven=False)
def hs57(x1: Any, x2: Any) -> Terms:
    fitted = {age: x1 + (0.49 - x1) * pyo.exp(-x2 * (age - 8)) for age in DECAY}
    yield sum((share - fitted[age]) ** 2 for age, shares in DECAY.items() for share in shares)
    yield 0.49 * x2 - x1 * x2 >= 0.09


@problem((1 + sqrt((sqrt(5) - 1) / 2)) ** 2, (-2, 1), low=(-2, None), high=(0.5, None))
def hs58(x1: Any, x2: Any) -> Terms:
    yield rosenbrock(x1, x2)
    yield x2**2 >= x1
    yield x1**2 >= x2
    yield x1**2 + x2**2 >= 1


@problem(0.03256820025, (2, 2, 2), low=-10, high=10, proven=False)
def hs60(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 4
    yield x1 * (1 + x2**2) + x3**4 == 4 + 3 * sqrt(2)


@problem(-143.6461422, (0, 0, 0))
def hs61(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 4 * x1**2 + 2 * x2**2 + 2 * x3**2 - 33 * x1 + 16 * x2 - 24 * x3
    yield 3 * x1 - 2 * x2**2 == 7
    yield 4 * x1 - x3**2 == 11


@problem(-26272.51448, (0.7, 0.2, 0.1), low=0, high=1, proven=False)
def hs62(x1: Any, x2: Any, x3: Any) -> Terms:
    first = pyo.log((x1 + x2 + x3 + 0.03) / (0.09 * x1 + x2 + x3 + 0.03))
    second = pyo.log((x2 + x3 + 0.03) / (0.07 * x2 + x3 + 0.03))
    yield -32.174 * (255 * first + 280 * second + 290 * pyo.log((x3 + 0.03) / (0.13 * x3 + 0.03)))
    yield x1 + x2 + x3 == 1


@problem(961.7151721, (2, 2, 2), low=0)
def hs63(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 1000 - x1**2 - 2 * x2**2 - x3**2 - x1 * x2 - x1 * x3
    yield 8 * x1 + 14 * x2 + 7 * x3 == 56
    yield x1**2 + x2**2 + x3**2 == 25


@problem(6299.842428, (1, 1, 1), low=1e-5)
def hs64(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 5 * x1 + 50000 / x1 + 20 * x2 + 72000 / x2 + 10 * x3 + 144000 / x3
    yield 4 / x1 + 32 / x2 + 120 / x3 <= 1


@problem(0.9535288567, (-5, 5, 0), low=(-4.5, -4.5, -5), high=(4.5, 4.5, 5))
def hs65(x1: Any, x2: Any, x3: Any) -> Terms:
    yield (x1 - x2) ** 2 + (x1 + x2 - 10) ** 2 / 9 + (x3 - 5) ** 2
    yield x1**2 + x2**2 + x3**2 <= 48


@problem(0.5181632741, (0, 1.05, 2.9), low=0, high=(100, 100, 10))
def hs66(x1: Any, x2: Any, x3: Any) -> Terms:
    yield 0.2 * x3 - 0.8 * x1
    yield x2 >= pyo.exp(x1)
    yield x3 >= pyo.exp(x2)
