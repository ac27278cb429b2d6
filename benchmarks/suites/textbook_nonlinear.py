"""Quadratic and nonlinear models as textbooks have them, each with an optimum by hand or by another solver."""

from math import e, exp, log, pi, sqrt
from typing import Any

import pyomo.environ as pyo
from problems import Suite

__all__ = ["SUITE"]

SUITE = Suite("textbook, nonlinear", "written for this table")
model = SUITE.model
HAND = "by hand"


@model(0.03833858267716536, by="the linear system of its conditions")
def portfolio(m: Any) -> None:
    covariance = ((0.04, 0.006, 0.01), (0.006, 0.09, 0.012), (0.01, 0.012, 0.16))
    m.share = pyo.Var(range(3), bounds=(0, 1))
    m.risk = pyo.Objective(expr=sum(covariance[i][j] * m.share[i] * m.share[j] for i in range(3) for j in range(3)))
    m.all = pyo.Constraint(expr=sum(m.share.values()) == 1)
    m.earned = pyo.Constraint(expr=0.06 * m.share[0] + 0.1 * m.share[1] + 0.14 * m.share[2] >= 0.1)


@model(0.07542857142857143, by="numpy.linalg.lstsq")
def least_squares(m: Any) -> None:
    m.level, m.slope = pyo.Var(), pyo.Var()
    points = ((1, 1.2), (2, 1.9), (3, 3.2), (5, 4.8))
    m.error = pyo.Objective(expr=sum((m.level + m.slope * x - y) ** 2 for x, y in points))


@model(40 / 33, by="the least norm that meets two equations: numpy.linalg.lstsq")
def double_integrator(m: Any) -> None:
    steps = range(10)
    m.place, m.speed, m.push = pyo.Var(range(11)), pyo.Var(range(11)), pyo.Var(steps)
    m.effort = pyo.Objective(expr=sum(m.push[t] ** 2 for t in steps))
    m.move = pyo.Constraint(steps, rule=lambda m, t: m.place[t + 1] == m.place[t] + m.speed[t])
    m.pushed = pyo.Constraint(steps, rule=lambda m, t: m.speed[t + 1] == m.speed[t] + m.push[t])
    m.ends = pyo.ConstraintList()
    for variable, value in ((m.place[0], 0), (m.speed[0], 0), (m.place[10], 10), (m.speed[10], 0)):
        m.ends.add(variable == value)


@model(2000, by=HAND)
def dispatch_with_a_zero_coefficient(m: Any) -> None:
    square, linear = {"hydro": 0.0, "coal": 0.05}, {"hydro": 20, "coal": 18}
    m.power = pyo.Var(square, bounds=lambda m, u: (0, {"hydro": 60, "coal": 80}[u]))
    m.cost = pyo.Objective(expr=sum(square[u] * m.power[u] ** 2 + linear[u] * m.power[u] for u in square))
    m.balance = pyo.Constraint(expr=sum(m.power.values()) == 100)


@model(1250, by="25 units at 75 in either shop, where marginal revenue is the cost of 50")
def monopoly(m: Any) -> None:
    m.sold, m.price = pyo.Var(range(2), bounds=(0, 100)), pyo.Expression(range(2))
    for shop in range(2):
        m.price[shop] = 100 - m.sold[shop]
    m.profit = pyo.Objective(expr=sum((m.price[k] - 50) * m.sold[k] for k in range(2)), sense=pyo.maximize)


@model(10 * 100 * (1 - exp(-log(10 / 4))) - 4 * 100 * log(10 / 4), by="the critical fractile")
def newsvendor(m: Any) -> None:
    price, cost, mean = 10, 4, 100  # exponential demand
    m.order = pyo.Var(bounds=(0, None), initialize=1)
    m.profit = pyo.Objective(expr=price * mean * (1 - pyo.exp(-m.order / mean)) - cost * m.order, sense=pyo.maximize)


@model(2 * sqrt(50000), by="the square root formula")
def economic_order_quantity(m: Any) -> None:
    m.x = pyo.Var(domain=pyo.NonNegativeReals)
    m.cost = pyo.Objective(expr=50000 / m.x + m.x)


@model(978.7006676682477, by="bisection on the multiplier: scipy.optimize.brentq")
def orders_with_a_budget(m: Any) -> None:
    setup, demand, holding, cost = (20, 30, 15), (1000, 600, 1500), (2, 3, 1), (4, 6, 2)
    m.lot = pyo.Var(range(3), bounds=(1, 1000))
    m.cost = pyo.Objective(expr=sum(setup[i] * demand[i] / m.lot[i] + holding[i] * m.lot[i] / 2 for i in range(3)))
    m.budget = pyo.Constraint(expr=sum(cost[i] * m.lot[i] for i in range(3)) <= 900)


@model(log(5), by="the uniform distribution")
def most_entropy(m: Any) -> None:
    m.p = pyo.Var(range(5), bounds=(0, 1))
    m.entropy = pyo.Objective(expr=-sum(m.p[i] * pyo.log(m.p[i]) for i in range(5)), sense=pyo.maximize)
    m.all = pyo.Constraint(expr=sum(m.p.values()) == 1)


@model(log(3.5) + log(3.5 / 2), by="the water level 3.5 leaves the third channel dry")
def water_filling(m: Any) -> None:
    noise = (1, 2, 4)
    m.power = pyo.Var(range(3), bounds=(0, None))
    m.rate = pyo.Objective(expr=sum(pyo.log(1 + m.power[i] / noise[i]) for i in range(3)), sense=pyo.maximize)
    m.total = pyo.Constraint(expr=sum(m.power.values()) <= 4)


@model(24, by="the cube: edge 2, six faces")
def box(m: Any) -> None:
    m.a, m.b, m.c = (pyo.Var(bounds=(0.1, 10), initialize=1 + k) for k in range(3))
    m.surface = pyo.Objective(expr=2 * (m.a * m.b + m.a * m.c + m.b * m.c))
    m.volume = pyo.Constraint(expr=m.a * m.b * m.c >= 8)


@model(4, by="half of the budget for each: 2 and 8 units")
def two_goods(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.utility = pyo.Objective(expr=m.x**0.5 * m.y**0.5, sense=pyo.maximize)
    m.budget = pyo.Constraint(expr=5 * m.x + 1.25 * m.y <= 20)


@model(sqrt(41) + sqrt(18), by="the crossing of the diagonals is nearest to four corners")
def warehouse_in_the_plane(m: Any) -> None:
    m.x, m.y = pyo.Var(), pyo.Var()
    corners = ((0, 0), (4, 0), (1, 3), (5, 4))
    m.distance = pyo.Objective(expr=sum(pyo.sqrt((m.x - a) ** 2 + (m.y - b) ** 2) for a, b in corners))


@model(4.224790537436565, by="scipy.optimize.minimize")
def logistic_regression(m: Any) -> None:
    m.level, m.slope = pyo.Var(), pyo.Var()
    seen = ((0.5, 0), (1, 0), (1.5, 1), (2, 0), (2.5, 1), (3, 0), (3.5, 1), (4, 1))
    m.loss = pyo.Objective(expr=sum(pyo.log(1 + pyo.exp(m.level + m.slope * x)) - y * (m.level + m.slope * x) for x, y in seen))


@model(9.630139727492287, by="Brock and Mirman's closed form, backwards from the last period")
def optimal_growth(m: Any) -> None:
    alpha, patience, periods = 0.3, 0.95, range(8)
    m.eaten, m.capital = pyo.Var(periods, bounds=(1e-3, None), initialize=1), pyo.Var(range(9), bounds=(1e-6, None), initialize=1)
    m.utility = pyo.Objective(expr=sum(patience**t * pyo.log(m.eaten[t]) for t in periods), sense=pyo.maximize)
    m.first = pyo.Constraint(expr=m.capital[0] == 1)
    m.kept = pyo.Constraint(periods, rule=lambda m, t: m.eaten[t] + m.capital[t + 1] <= 5 * m.capital[t] ** alpha)


@model(386, by="two drivers a route take equally long: 92 minutes")
def traffic(m: Any) -> None:
    m.go = pyo.Var(("upper", "lower", "across"), bounds=(0, None))
    upper, lower, across = m.go.values()
    m.demand = pyo.Constraint(expr=upper + lower + across == 6)
    steep = 5 * (upper + across) ** 2 + 5 * (lower + across) ** 2
    m.potential = pyo.Objective(expr=steep + 50 * (lower + upper) + (lower**2 + upper**2) / 2 + 10 * across + across**2 / 2)


@model(sqrt(2), by=HAND)
def disc(m: Any) -> None:
    m.x, m.y = pyo.Var(), pyo.Var()
    m.sum = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 1)


@model(1072.437200108632, by="W. E. Hart et al.: Pyomo - Optimization Modeling in Python, chapter 7")
def reactor(m: Any) -> None:
    m.rate, m.a, m.b, m.c, m.d = (pyo.Var(bounds=(0, None), initialize=value) for value in (1, 5000, 2000, 2000, 1000))
    m.best = pyo.Objective(expr=m.b, sense=pyo.maximize)
    m.of_a = pyo.Constraint(expr=m.rate * (10000 - m.a) == 5 / 6 * m.a + 2 * m.a**2 / 6000)
    m.of_b = pyo.Constraint(expr=5 / 6 * m.a - 5 / 3 * m.b == m.rate * m.b)
    m.of_c = pyo.Constraint(expr=5 / 3 * m.b == m.rate * m.c)
    m.of_d = pyo.Constraint(expr=m.a**2 / 6000 == m.rate * m.d)


@model(400, by="C. A. Haverly: Studies of the Behavior of Recursion for the Pooling Problem, 1978")
def pooling(m: Any) -> None:
    m.low, m.high, m.sulphur = pyo.Var(bounds=(0, 300)), pyo.Var(bounds=(0, 300)), pyo.Var(bounds=(1, 3))
    m.pooled, m.bought = pyo.Var("xy", bounds=(0, 200)), pyo.Var("xy", bounds=(0, 200))
    sold = {k: m.pooled[k] + m.bought[k] for k in "xy"}
    cost = 6 * m.low + 16 * m.high + 10 * (m.bought["x"] + m.bought["y"])
    m.profit = pyo.Objective(expr=9 * sold["x"] + 15 * sold["y"] - cost, sense=pyo.maximize)
    m.pool = pyo.Constraint(expr=m.low + m.high == m.pooled["x"] + m.pooled["y"])
    m.content = pyo.Constraint(expr=3 * m.low + m.high == m.sulphur * (m.pooled["x"] + m.pooled["y"]))
    m.demand = pyo.Constraint("xy", rule=lambda m, k: sold[k] <= {"x": 100, "y": 200}[k])
    m.quality = pyo.Constraint(
        "xy", rule=lambda m, k: m.sulphur * m.pooled[k] + 2 * m.bought[k] <= {"x": 2.5, "y": 1.5}[k] * sold[k]
    )


@model(-8, by="enumeration of the vertices: bilinear, so one of them")
def bilinear(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, 4)), pyo.Var(bounds=(0, 4))
    m.cost = pyo.Objective(expr=m.x * m.y - 2 * m.x - 2 * m.y)
    m.most = pyo.Constraint(expr=m.x + m.y <= 6)


@model(0, by="concave after the sign: an end of the range, 0")
def convex_revenue(m: Any) -> None:
    m.q = pyo.Var(bounds=(0, 100))
    m.profit = pyo.Objective(expr=-5 * m.q + m.q**2 / 20, sense=pyo.maximize)


@model(-3.51390503893479, by="the roots of the derivative: numpy.roots")
def quartic(m: Any) -> None:
    m.x = pyo.Var(bounds=(-5, 5), initialize=2)
    m.y = pyo.Objective(expr=m.x**4 - 3 * m.x**2 + m.x)


@model(0, by="an end of the range")
def concave_cost(m: Any) -> None:
    m.x = pyo.Var(bounds=(0, 10))
    m.cost = pyo.Objective(expr=m.x * (10 - m.x))


@model(0, by="tanh x = 1 / 2")
def flat_beyond(m: Any) -> None:
    m.x = pyo.Var(bounds=(0, 1e6))
    m.cost = pyo.Objective(expr=(pyo.tanh(m.x) - 0.5) ** 2)


@model(-10, by="enumeration of the vertices: concave, so one of them")
def concave_quadratic(m: Any) -> None:
    m.x = pyo.Var(range(3), bounds=(0, 2))
    m.cost = pyo.Objective(expr=-sum((1 + i) * m.x[i] ** 2 for i in range(3)) + 2 * sum(m.x.values()) + 2)
    m.most = pyo.Constraint(expr=sum(m.x.values()) <= 4)


@model(0, by="a sum of squares inside of everything")
def nothing_binds(m: Any) -> None:
    m.x = pyo.Var(range(3))
    m.cost = pyo.Objective(expr=sum(m.x[i] ** 2 for i in range(3)))
    m.range = pyo.Constraint(range(3), rule=lambda m, i: (-10, m.x[i], 10))


@model(0.5, by="enumeration: x is 2 or 3")
def integer_least_squares(m: Any) -> None:
    m.x = pyo.Var(range(2), domain=pyo.Integers, bounds=(-10, 10))
    m.error = pyo.Objective(expr=(m.x[0] - 2.5) ** 2 + (m.x[1] + m.x[0] - 4.5) ** 2)


@model(2 + log(2), by="enumeration of the two values of y")
def integer_and_logarithm(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, 10), initialize=1), pyo.Var(domain=pyo.Binary)
    m.worth = pyo.Objective(expr=pyo.log(1 + m.x) + 2 * m.y, sense=pyo.maximize)
    m.room = pyo.Constraint(expr=m.x + 2 * m.y <= 3)


@model(e, by="the tangent of exp x through the origin touches at 1")
def tangent_through_the_origin(m: Any) -> None:
    m.x = pyo.Var(bounds=(0.01, 10), initialize=3)
    m.slope = pyo.Objective(expr=pyo.exp(m.x) / m.x)


@model(3 * sqrt(3) / 2, by="the regular hexagon without trigonometry: 6 triangles of area sin(60 degrees) / 2")
def largest_hexagon(m: Any) -> None:
    m.angle = pyo.Var(range(6), bounds=(0, pi), initialize=lambda m, k: 0.8 + 0.05 * k)
    m.area = pyo.Objective(expr=sum(pyo.sin(m.angle[k]) for k in range(6)) / 2, sense=pyo.maximize)
    m.turn = pyo.Constraint(expr=sum(m.angle.values()) == 2 * pi)


@model(-21.32323835, by="POUNCE and SCIP")
def hanging_chain(m: Any) -> None:
    m.x, m.y = pyo.Var(range(11), initialize=lambda m, k: 0.6 * k), pyo.Var(range(11), initialize=lambda m, k: -0.1)
    m.height = pyo.Objective(expr=sum((m.y[k] + m.y[k + 1]) / 2 for k in range(10)))
    m.link = pyo.Constraint(range(10), rule=lambda m, k: (m.x[k + 1] - m.x[k]) ** 2 + (m.y[k + 1] - m.y[k]) ** 2 <= 1)
    m.ends = pyo.ConstraintList()
    for variable, value in ((m.x[0], 0), (m.y[0], 0), (m.x[10], 6), (m.y[10], 0)):
        m.ends.add(variable == value)


@model(ends="infeasible", by="|x y| is at most 1 on the disc of radius sqrt 2")
def curved_and_empty(m: Any) -> None:
    m.x, m.y = pyo.Var(initialize=0.5), pyo.Var(initialize=0.7)
    m.cost = pyo.Objective(expr=m.x)
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 2)
    m.product = pyo.Constraint(expr=m.x * m.y >= 1.5)


@model(ends="unbounded", by=HAND)
def falls_for_ever(m: Any) -> None:
    m.x, m.y = pyo.Var(), pyo.Var(bounds=(0, None))
    m.cost = pyo.Objective(expr=m.x + m.y**2)
