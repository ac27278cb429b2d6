"""Linear and integer models as textbooks have them, each with an optimum by hand, by enumeration or by another solver."""

from itertools import product
from math import dist
from typing import Any

import pyomo.environ as pyo
from problems import Suite

__all__ = ["SUITE"]

SUITE = Suite("textbook, linear", "written for this table")
model = SUITE.model
HAND, LINPROG = "by hand", "scipy.optimize.linprog"


@model(153.675, by="G. B. Dantzig: Linear Programming and Extensions, chapter 3.3")
def transportation(m: Any) -> None:
    supply, demand = {"seattle": 350, "san-diego": 600}, {"new-york": 325, "chicago": 300, "topeka": 275}
    distance = dict(zip(product(supply, demand), (2.5, 1.7, 1.8, 2.5, 1.8, 1.4), strict=True))  # thousands of miles
    m.ship = pyo.Var(supply, demand, domain=pyo.NonNegativeReals)
    m.cost = pyo.Objective(expr=sum(0.09 * miles * m.ship[lane] for lane, miles in distance.items()))
    m.supply = pyo.Constraint(supply, rule=lambda m, i: sum(m.ship[i, j] for j in demand) <= supply[i])
    m.demand = pyo.Constraint(demand, rule=lambda m, j: sum(m.ship[i, j] for i in supply) >= demand[j])


@model(15, by=LINPROG)
def diet(m: Any) -> None:
    cost = {"bread": 2.0, "milk": 3.5, "beans": 1.5, "meat": 8.0}
    content = {"energy": (4, 6, 3, 7), "protein": (2, 8, 7, 20), "iron": (3, 1, 5, 6)}
    least = {"energy": 30, "protein": 36, "iron": 18}
    m.eat = pyo.Var(cost, bounds=(0, 6))
    m.cost = pyo.Objective(expr=sum(cost[i] * m.eat[i] for i in cost))
    m.need = pyo.Constraint(least, rule=lambda m, n: sum(c * m.eat[i] for c, i in zip(content[n], cost, strict=True)) >= least[n])


@model(25, by=HAND)
def knapsack(m: Any) -> None:
    worth, weight = dict(zip("abcd", (8, 3, 6, 11), strict=True)), dict(zip("abcd", (5, 7, 4, 3), strict=True))
    m.take = pyo.Var(worth, domain=pyo.Binary)
    m.worth = pyo.Objective(expr=sum(worth[i] * m.take[i] for i in worth), sense=pyo.maximize)
    m.room = pyo.Constraint(expr=sum(weight[i] * m.take[i] for i in worth) <= 14)


@model(-108390, by="J. R. Birge, F. Louveaux: Introduction to Stochastic Programming, section 1.1")
def farmer(m: Any) -> None:
    crops, years = ("wheat", "corn", "beets"), ("poor", "average", "good")
    cost = dict(zip(crops, (150, 230, 260), strict=True))
    yields = dict(zip(product(crops, years), (2, 2.5, 3, 2.4, 3, 3.6, 16, 20, 24), strict=True))
    price, dear, need = {"wheat": 170, "corn": 150}, {"wheat": 238, "corn": 210}, {"wheat": 200, "corn": 240}
    m.plant = pyo.Var(crops, bounds=(0, None))
    m.sell, m.buy = pyo.Var(price, years, bounds=(0, None)), pyo.Var(price, years, bounds=(0, None))
    m.quota, m.beyond = pyo.Var(years, bounds=(0, 6000)), pyo.Var(years, bounds=(0, None))
    trade = sum(dear[c] * m.buy[c, y] - price[c] * m.sell[c, y] for c in price for y in years)
    beets = sum(36 * m.quota[y] + 10 * m.beyond[y] for y in years)
    m.cost = pyo.Objective(expr=sum(cost[c] * m.plant[c] for c in crops) + (trade - beets) / 3)
    m.land = pyo.Constraint(expr=sum(m.plant.values()) <= 500)
    m.feed = pyo.Constraint(price, years, rule=lambda m, c, y: yields[c, y] * m.plant[c] + m.buy[c, y] - m.sell[c, y] >= need[c])
    m.beets = pyo.Constraint(years, rule=lambda m, y: m.quota[y] + m.beyond[y] <= yields["beets", y] * m.plant["beets"])


@model(13, by="enumeration of the 24 assignments")
def assignment(m: Any) -> None:
    cost = ((9, 2, 7, 8), (6, 4, 3, 7), (5, 8, 1, 8), (7, 6, 9, 4))
    m.give = pyo.Var(range(4), range(4), bounds=(0, 1))
    m.cost = pyo.Objective(expr=sum(cost[i][j] * m.give[i, j] for i in range(4) for j in range(4)))
    m.worker = pyo.Constraint(range(4), rule=lambda m, i: sum(m.give[i, j] for j in range(4)) == 1)
    m.task = pyo.Constraint(range(4), rule=lambda m, j: sum(m.give[i, j] for i in range(4)) == 1)


ARCS = {("s", "a"): 10, ("s", "b"): 8, ("a", "b"): 5, ("a", "t"): 7, ("b", "t"): 9, ("b", "a"): 3}


@model(16, by="the least cut: what enters t")
def max_flow(m: Any) -> None:
    m.flow = pyo.Var(ARCS, bounds=lambda m, *arc: (0, ARCS[arc]))
    m.value = pyo.Objective(expr=sum(m.flow[arc] for arc in ARCS if arc[0] == "s"), sense=pyo.maximize)
    m.kept = pyo.Constraint(
        "ab", rule=lambda m, n: sum(m.flow[a] for a in ARCS if a[0] == n) == sum(m.flow[a] for a in ARCS if a[1] == n)
    )


@model(5, by="enumeration of the paths")
def shortest_path(m: Any) -> None:
    length = {("s", "a"): 2, ("s", "b"): 4, ("a", "b"): 1, ("a", "t"): 7, ("b", "t"): 2}
    m.use = pyo.Var(length, bounds=(0, None))
    m.length = pyo.Objective(expr=sum(length[arc] * m.use[arc] for arc in length))
    m.kept = pyo.Constraint(
        "sabt",
        rule=lambda m, n: (
            sum(m.use[a] for a in length if a[0] == n) - sum(m.use[a] for a in length if a[1] == n) == {"s": 1, "t": -1}.get(n, 0)
        ),
    )


def cut(m: Any, domain: Any) -> None:
    widths, demand, roll = (45, 36, 31, 14), (97, 610, 395, 211), 100
    counts = product(*(range(roll // width + 1) for width in widths))
    patterns = [p for p in counts if any(p) and sum(n * w for n, w in zip(p, widths, strict=True)) <= roll]
    m.cut = pyo.Var(range(len(patterns)), domain=domain)
    m.rolls = pyo.Objective(expr=sum(m.cut.values()))
    m.demand = pyo.Constraint(range(4), rule=lambda m, i: sum(p[i] * m.cut[k] for k, p in enumerate(patterns)) >= demand[i])


@model(452.25, by="V. Chvatal: Linear Programming, chapter 13")
def cutting_stock_relaxed(m: Any) -> None:
    cut(m, pyo.NonNegativeReals)


@model(453, by="the relaxation's 452.25, rounded up, is reached")
def cutting_stock(m: Any) -> None:
    cut(m, pyo.NonNegativeIntegers)


@model(2745, by="enumeration of the pairs of sites; W. E. Hart et al.: Pyomo - Optimization Modeling in Python, chapter 3")
def facility_location(m: Any) -> None:
    rows = {"harlingen": (1956, 1606, 1410, 330), "memphis": (1096, 1792, 531, 567), "ashland": (485, 2322, 324, 1236)}
    m.open = pyo.Var(rows, domain=pyo.Binary)
    m.serve = pyo.Var(rows, range(4), bounds=(0, 1))
    m.cost = pyo.Objective(expr=sum(rows[i][j] * m.serve[i, j] for i in rows for j in range(4)))
    m.once = pyo.Constraint(range(4), rule=lambda m, j: sum(m.serve[i, j] for i in rows) == 1)
    m.linked = pyo.Constraint(rows, range(4), rule=lambda m, i, j: m.serve[i, j] <= m.open[i])
    m.most = pyo.Constraint(expr=sum(m.open.values()) <= 2)


@model(310, by="dynamic programming: Wagner and Whitin's recursion")
def lot_sizing(m: Any) -> None:
    demand, setup, holding = (20, 50, 10, 50, 50, 10, 20, 40), 50, 1
    weeks = range(len(demand))
    m.make, m.stock, m.set_up = (
        pyo.Var(weeks, bounds=(0, 250)),
        pyo.Var(weeks, bounds=(0, None)),
        pyo.Var(weeks, domain=pyo.Binary),
    )
    m.cost = pyo.Objective(expr=sum(setup * m.set_up[t] + holding * m.stock[t] for t in weeks))
    m.balance = pyo.Constraint(weeks, rule=lambda m, t: m.stock[t] == (m.stock[t - 1] if t else 0) + m.make[t] - demand[t])
    m.linked = pyo.Constraint(weeks, rule=lambda m, t: m.make[t] <= 250 * m.set_up[t])


@model(23510, by="dynamic programming over the units that run")
def unit_commitment(m: Any) -> None:
    demand = (180, 260, 390, 310)
    units = {"coal": (100, 250, 16, 500, 400), "gas": (40, 150, 27, 120, 90), "oil": (10, 80, 45, 30, 20)}
    hours = range(len(demand))
    m.on, m.start = pyo.Var(units, hours, domain=pyo.Binary), pyo.Var(units, hours, domain=pyo.Binary)
    m.power = pyo.Var(units, hours, bounds=(0, None))
    m.cost = pyo.Objective(
        expr=sum(
            energy * m.power[u, t] + running * m.on[u, t] + starting * m.start[u, t]
            for u, (_, _, energy, running, starting) in units.items()
            for t in hours
        )
    )
    m.balance = pyo.Constraint(hours, rule=lambda m, t: sum(m.power[u, t] for u in units) == demand[t])
    m.low = pyo.Constraint(units, hours, rule=lambda m, u, t: m.power[u, t] >= units[u][0] * m.on[u, t])
    m.high = pyo.Constraint(units, hours, rule=lambda m, u, t: m.power[u, t] <= units[u][1] * m.on[u, t])
    m.starts = pyo.Constraint(units, hours, rule=lambda m, u, t: m.start[u, t] >= m.on[u, t] - (m.on[u, t - 1] if t else 0))


@model(50 / 3, by=LINPROG)
def goal_programming(m: Any) -> None:
    goals, weights = {"profit": 125, "labour": 40, "steel": 55}, {"profit": 5, "labour": 2, "steel": 3}
    use = {"profit": (12, 9, 15), "labour": (5, 3, 4), "steel": (5, 7, 8)}
    m.make = pyo.Var(range(3), bounds=(0, None))
    m.over, m.under = pyo.Var(goals, bounds=(0, None)), pyo.Var(goals, bounds=(0, None))
    late = weights["profit"] * m.under["profit"] + weights["labour"] * (m.over["labour"] + 2 * m.under["labour"])
    m.penalty = pyo.Objective(expr=late + weights["steel"] * m.over["steel"])
    m.goal = pyo.Constraint(
        goals, rule=lambda m, g: sum(c * m.make[k] for k, c in enumerate(use[g])) + m.under[g] - m.over[g] == goals[g]
    )


@model(1718, by=LINPROG)
def inventory_as_expressions(m: Any) -> None:
    demand, cost = (30, 45, 60, 20, 80, 55, 40, 70), (3, 4, 6, 2, 7, 5, 4, 6)
    periods = range(len(demand))
    m.buy = pyo.Var(periods, bounds=(0, 70))
    m.stock = pyo.Expression(periods)
    for t in periods:
        m.stock[t] = (m.stock[t - 1] if t else 10) + m.buy[t] - demand[t]
    m.served = pyo.Constraint(periods, rule=lambda m, t: m.stock[t] >= 0)
    m.cost = pyo.Objective(expr=sum(cost[t] * m.buy[t] + 0.8 * m.stock[t] for t in periods))


@model(3, by="enumeration of the pairs: none covers all")
def set_covering(m: Any) -> None:
    covers = {"a": (1, 2, 3), "b": (2, 4), "c": (3, 4, 5), "d": (5, 6), "e": (1, 6)}
    m.take = pyo.Var(covers, domain=pyo.Binary)
    m.count = pyo.Objective(expr=sum(m.take.values()))
    m.cover = pyo.Constraint(range(1, 7), rule=lambda m, k: sum(m.take[s] for s in covers if k in covers[s]) >= 1)


@model(37, by="enumeration of the 24 orders")
def one_machine(m: Any) -> None:
    length, weight = (3, 1, 4, 2), (2, 3, 1, 4)
    m.begin = pyo.Var(range(4), bounds=(0, 10))
    m.pairs = pyo.Set(initialize=[(i, j) for i in range(4) for j in range(i)])
    m.before = pyo.Var(m.pairs, domain=pyo.Binary)
    m.delay = pyo.Objective(expr=sum(weight[i] * (m.begin[i] + length[i]) for i in range(4)))
    m.first = pyo.Constraint(m.pairs, rule=lambda m, i, j: m.begin[i] + length[i] <= m.begin[j] + 20 * (1 - m.before[i, j]))
    m.last = pyo.Constraint(m.pairs, rule=lambda m, i, j: m.begin[j] + length[j] <= m.begin[i] + 20 * m.before[i, j])


@model(14.389050422582741, by="enumeration of the 24 tours")
def salesman(m: Any) -> None:
    places = ((0, 0), (3, 0), (4, 3), (1, 4), (-1, 2))
    lengths = {(i, j): dist(places[i], places[j]) for i, j in product(range(5), repeat=2) if i != j}
    m.go, m.rank = pyo.Var(lengths, domain=pyo.Binary), pyo.Var(range(1, 5), bounds=(1, 4))
    m.length = pyo.Objective(expr=sum(length * m.go[leg] for leg, length in lengths.items()))
    m.leave = pyo.Constraint(range(5), rule=lambda m, i: sum(m.go[leg] for leg in lengths if leg[0] == i) == 1)
    m.enter = pyo.Constraint(range(5), rule=lambda m, i: sum(m.go[leg] for leg in lengths if leg[1] == i) == 1)
    inner = [leg for leg in lengths if 0 not in leg]
    m.order = pyo.Constraint(inner, rule=lambda m, i, j: m.rank[i] - m.rank[j] + 4 * m.go[i, j] <= 3)


@model(3, by="56 in all, 20 a bin: three at least, and 9+8+3, 7+6+5+2, 10+6 is a packing")
def bin_packing(m: Any) -> None:
    sizes, room = (9, 8, 3, 7, 6, 5, 2, 10, 6), 20
    m.used, m.put = pyo.Var(range(4), domain=pyo.Binary), pyo.Var(range(9), range(4), domain=pyo.Binary)
    m.count = pyo.Objective(expr=sum(m.used.values()))
    m.once = pyo.Constraint(range(9), rule=lambda m, i: sum(m.put[i, b] for b in range(4)) == 1)
    m.room = pyo.Constraint(range(4), rule=lambda m, b: sum(s * m.put[i, b] for i, s in enumerate(sizes)) <= room * m.used[b])


@model(0, by="the game is symmetric")
def matrix_game(m: Any) -> None:
    pay = ((2, -3, 4), (-3, 4, -5), (4, -5, 6))  # Morra: a fair game
    m.mix, m.value = pyo.Var(range(3), bounds=(0, 1)), pyo.Var()
    m.least = pyo.Objective(expr=m.value, sense=pyo.maximize)
    m.all = pyo.Constraint(expr=sum(m.mix.values()) == 1)
    m.against = pyo.Constraint(range(3), rule=lambda m, j: sum(pay[i][j] * m.mix[i] for i in range(3)) >= m.value)


@model(4.5, by="enumeration of the lines through two points")
def absolute_deviations(m: Any) -> None:
    points = ((1, 2.1), (2, 3.9), (3, 6.2), (4, 7.8), (5, 14.0), (6, 12.1))  # the fifth is an outlier
    m.level, m.slope = pyo.Var(), pyo.Var()
    m.error = pyo.Var(range(6), bounds=(0, None))
    m.sum = pyo.Objective(expr=sum(m.error.values()))
    m.above = pyo.Constraint(range(6), rule=lambda m, k: m.level + m.slope * points[k][0] - points[k][1] <= m.error[k])
    m.below = pyo.Constraint(range(6), rule=lambda m, k: points[k][1] - m.level - m.slope * points[k][0] <= m.error[k])


@model(16, by="the longest path: a, c, e")
def critical_path(m: Any) -> None:
    length, after = {"a": 4, "b": 6, "c": 7, "d": 3, "e": 5}, {"c": "a", "d": "b", "e": "cd"}
    m.begin, m.end = pyo.Var(length, bounds=(0, None)), pyo.Var()
    m.finish = pyo.Objective(expr=m.end)
    pairs = [(early, late) for late, earlier in after.items() for early in earlier]
    m.order = pyo.Constraint(pairs, rule=lambda m, early, late: m.begin[late] >= m.begin[early] + length[early])
    m.last = pyo.Constraint(length, rule=lambda m, task: m.end >= m.begin[task] + length[task])


@model(0, by="a Latin square exists: nothing is minimised")
def latin_square(m: Any) -> None:
    m.put = pyo.Var(range(4), range(4), range(4), domain=pyo.Binary)
    m.nothing = pyo.Objective(expr=0)
    four = range(4)
    m.cell = pyo.Constraint(four, four, rule=lambda m, i, j: sum(m.put[i, j, k] for k in four) == 1)
    m.row = pyo.Constraint(four, four, rule=lambda m, i, k: sum(m.put[i, j, k] for j in four) == 1)
    m.column = pyo.Constraint(four, four, rule=lambda m, j, k: sum(m.put[i, j, k] for i in four) == 1)
    m.given = pyo.Constraint([(0, 0, 1), (1, 2, 3), (3, 3, 0)], rule=lambda m, *cell: m.put[cell] == 1)


@model(103, by="one fixed charge of 100, and 3 units at 1")
def fixed_charge(m: Any) -> None:
    m.x, m.y = pyo.Var(range(2), bounds=(0, None)), pyo.Var(range(2), domain=pyo.Binary)
    m.cost = pyo.Objective(expr=sum((100 + i) * m.y[i] + (1 + 0.1 * i) * m.x[i] for i in range(2)))
    m.demand = pyo.Constraint(expr=m.x[0] + m.x[1] >= 3)
    m.linked = pyo.Constraint(range(2), rule=lambda m, i: m.x[i] <= 1e7 * m.y[i])


@model(ends="infeasible", by=HAND)
def more_than_there_is(m: Any) -> None:
    m.x = pyo.Var(range(3), bounds=(0, 10))
    m.cost = pyo.Objective(expr=sum(m.x.values()))
    m.demand = pyo.Constraint(expr=sum(m.x.values()) >= 31)


@model(ends="infeasible", by="the sum of even numbers is even")
def odd_sum(m: Any) -> None:
    m.x = pyo.Var(range(2), domain=pyo.Integers, bounds=(0, 10))
    m.cost = pyo.Objective(expr=m.x[0])
    m.odd = pyo.Constraint(expr=2 * m.x[0] + 2 * m.x[1] == 7)


@model(ends="unbounded", by=HAND)
def free_money(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.profit = pyo.Objective(expr=m.x - 0.5 * m.y, sense=pyo.maximize)
    m.ratio = pyo.Constraint(expr=m.y >= m.x - 3)
    m.other = pyo.Constraint(expr=m.x >= 0.5 * m.y)


@model(ends="unbounded", by="x may grow without end")
def unbounded_beside_a_large_cost(m: Any) -> None:
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.cost = pyo.Objective(expr=-m.x + 2e6 * m.y)
