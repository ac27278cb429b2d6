"""Hock and Schittkowski's problems 110 to 119."""

from math import prod
from typing import Any

import pyomo.environ as pyo
from hock_schittkowski import Terms, problem


@problem(-45.77846971, [9] * 10, low=2.001, high=9.999, proven=False)
def hs110(*x: Any) -> Terms:
    yield sum(pyo.log(u - 2) ** 2 + pyo.log(10 - u) ** 2 for u in x) - prod(x) ** 0.2


ENERGIES = (-6.089, -17.164, -34.054, -5.914, -24.721, -14.986, -24.1, -10.708, -26.662, -22.179)


def elements(moles: Any) -> Terms:
    """Return the rows of a chemical equilibrium: atoms are neither made nor lost."""
    n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = moles
    yield n1 + 2 * n2 + 2 * n3 + n6 + n10 == 2
    yield n4 + 2 * n5 + n6 + n7 == 1
    yield n3 + n7 + n8 + 2 * n9 + n10 == 1


@problem(-47.76109026, [-2.3] * 10, low=-100, high=100)
def hs111(*x: Any) -> Terms:
    moles = [pyo.exp(u) for u in x]
    yield sum(mole * (energy + u - pyo.log(sum(moles))) for mole, energy, u in zip(moles, ENERGIES, x, strict=True))
    yield from elements(moles)


@problem(-47.76109026, [0.1] * 10, low=1e-6)
def hs112(*x: Any) -> Terms:
    yield sum(mole * (energy + pyo.log(mole / sum(x))) for mole, energy in zip(x, ENERGIES, strict=True))
    yield from elements(x)


@problem(24.3062091, (2, 3, 5, 5, 1, 2, 7, 3, 6, 10))
def hs113(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any, x9: Any, x10: Any) -> Terms:
    squares = (x3 - 10) ** 2 + 4 * (x4 - 5) ** 2 + (x5 - 3) ** 2 + 2 * (x6 - 1) ** 2
    squares += 5 * x7**2 + 7 * (x8 - 11) ** 2 + 2 * (x9 - 10) ** 2 + (x10 - 7) ** 2
    yield x1**2 + x2**2 + x1 * x2 - 14 * x1 - 16 * x2 + squares + 45
    yield 4 * x1 + 5 * x2 - 3 * x7 + 9 * x8 <= 105
    yield 10 * x1 - 8 * x2 - 17 * x7 + 2 * x8 <= 0
    yield -8 * x1 + 2 * x2 + 5 * x9 - 2 * x10 <= 12
    yield 3 * (x1 - 2) ** 2 + 4 * (x2 - 3) ** 2 + 2 * x3**2 - 7 * x4 <= 120
    yield 5 * x1**2 + 8 * x2 + (x3 - 6) ** 2 - 2 * x4 <= 40
    yield 0.5 * (x1 - 8) ** 2 + 2 * (x2 - 4) ** 2 + 3 * x5**2 - x6 <= 30
    yield x1**2 + 2 * (x2 - 2) ** 2 - 2 * x1 * x2 + 14 * x5 - 6 * x6 <= 0
    yield -3 * x1 + 6 * x2 + 12 * (x9 - 8) ** 2 - 7 * x10 <= 0


START114 = (1745, 12000, 110, 3048, 1974, 89.2, 92.8, 8, 3.6, 145)


@problem(
    -1768.80696,
    START114,
    low=[1e-5] * 5 + [85, 90, 3, 1.2, 145],
    high=(2e3, 1.6e4, 120, 5e3, 2e3, 93, 95, 12, 4, 162),
    proven=False,
)
def hs114(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any, x9: Any, x10: Any) -> Terms:
    a, b = 0.99, 0.9
    yield 5.04 * x1 + 0.035 * x2 + 10 * x3 + 3.36 * x5 - 0.063 * x4 * x7
    regressions = (  # what is measured, and what follows from it within one or ten per cent
        (35.82 - 0.222 * x10, b, x9),
        (-133 + 3 * x7, a, x10),
        (1.12 * x1 + 0.13167 * x1 * x8 - 0.00667 * x1 * x8**2, a, x4),
        (57.425 + 1.098 * x8 - 0.038 * x8**2 + 0.325 * x6, a, x7),
    )
    for measured, share, x in regressions:
        yield measured - share * x >= 0
        yield x / share - measured >= 0
    yield 1.22 * x4 - x1 - x5 == 0
    yield 98000 * x3 / (x4 * x9 + 1000 * x3) - x6 == 0
    yield (x2 + x5) / x1 - x8 == 0


LOW116 = (0.1, 0.1, 0.1, 1e-4, 0.1, 0.1, 0.1, 0.1, 500, 0.1, 1, 1e-4, 1e-4)
HIGH116 = (1, 1, 1, 0.1, 0.9, 0.9, 1000, 1000, 1000, 500, 150, 150, 150)


@problem(97.5875, (0.5, 0.8, 0.9, 0.1, 0.14, 0.5, 489, 80, 650, 450, 150, 150, 150), low=LOW116, high=HIGH116)
def hs116(
    x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any, x8: Any, x9: Any, x10: Any, x11: Any, x12: Any, x13: Any
) -> Terms:
    cost = x11 + x12 + x13
    yield cost
    yield (50, cost, 250)
    yield x3 - x2 >= 0
    yield x2 - x1 >= 0
    yield 0.002 * (x7 - x8) <= 1
    for area, inlet, stage in ((x13, x10, x3), (x12, x9, x2), (x11, x8, x1)):
        yield area - 1.262626 * inlet + 1.231059 * stage * inlet >= 0
    for after, before in ((x5, x2), (x6, x3), (x4, x1)):
        yield after - 0.03475 * before - 0.975 * before * after + 0.00975 * before**2 >= 0
    yield x5 * x7 - x1 * x8 - x4 * x7 + x4 * x8 >= 0
    yield 1 - 0.002 * (x2 * x9 + x5 * x8 - x1 * x8 - x6 * x9) - x5 - x6 >= 0
    yield x2 * x9 - x3 * x10 - x6 * x9 - 500 * x2 + 500 * x6 + x2 * x10 >= 0
    yield x2 - 0.9 - 0.002 * (x2 * x10 - x3 * x10) >= 0


COST118 = ((2.3, 1e-4), (1.7, 1e-4), (2.2, 1.5e-4))
START118 = (20, 55, 15, 20, 60, 20, 20, 60, 20, 20, 60, 20, 20, 60, 20)


@problem(664.82045, START118, low=[8, 43, 3] + [0] * 12, high=[21, 57, 16] + [90, 120, 60] * 4)
def hs118(*x: Any) -> Terms:
    yield sum(
        c * u + q * u**2 for k in range(5) for c, q, u in zip((2.3, 1.7, 2.2), (1e-4, 1e-4, 1.5e-4), x[3 * k :], strict=False)
    )
    for k in range(3, 15):
        yield (0, x[k] - x[k - 3] + 7, 14 if k % 3 == 1 else 13)
    for k, least in enumerate((60, 50, 70, 85, 100)):
        yield sum(x[3 * k : 3 * k + 3]) >= least


JOINED = (  # whose products are counted, number by number
    (1, 4, 7, 8, 16), (2, 3, 7, 10), (3, 7, 9, 10, 14), (4, 7, 11, 15), (5, 6, 10, 12, 16), (6, 8, 15), (7, 11, 13), (8, 10, 15),
    (9, 12, 16), (10, 14), (11, 13), (12, 14), (13, 14), (14,), (15,), (16,),
)  # fmt: skip
SHARES = (
    (0.22, 0.20, 0.19, 0.25, 0.15, 0.11, 0.12, 0.13), (-1.46, 0, -1.30, 1.82, -1.15, 0, 0.80, 0),
    (1.29, -0.89, 0, 0, -1.16, -0.96, 0, -0.49), (-1.10, -1.06, 0.95, -0.54, 0, -1.78, -0.41, 0),
    (0, 0, 0, -1.43, 1.51, 0.59, -0.33, -0.43), (0, -1.72, -0.33, 0, 1.62, 1.24, 0.21, -0.26),
    (1.12, 0, 0, 0.31, 0, 0, 1.12, 0), (0, 0.45, 0.26, -1.10, 0.58, 0, -1.03, 0.10),
)  # fmt: skip


@problem(244.899698, [10] * 16, low=0, high=5, proven=False)
def hs119(*x: Any) -> Terms:
    grown = [u**2 + u + 1 for u in x]
    yield sum(grown[i] * grown[j - 1] for i, others in enumerate(JOINED) for j in others)
    totals = (2.5, 1.1, -3.1, -3.5, 1.3, 2.1, 2.3, -1.5)
    for i, (shares, total) in enumerate(zip(SHARES, totals, strict=True)):
        rest = -0.36 * x[8] if i == 6 else 0
        yield sum(share * u for share, u in zip(shares, x, strict=False) if share) + x[8 + i] + rest == total
