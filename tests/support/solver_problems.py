"""Solvers and what they can do; problems with their solutions by hand."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

Model = Any


@dataclass(frozen=True)
class Solver:
    """What a solver can do, and how close to the exact answer it must come, relative to 1 or the answer.

    Beside the kinds of problems: `external`, functions that only Python knows; `dependent`, more equalities than variables;
    `rays`, a proof that a problem is unbounded (to Ipopt it is one on which it does not converge).
    """

    name: str
    can: frozenset[str]
    duals: bool = True
    objective: float = 1e-6
    quantity: float = 1e-6
    refusal: str = ""  # what the error for a problem beyond its abilities says


SOLVERS = (
    Solver("highs", frozenset({"LP", "QP", "MIP", "dependent", "rays"}), refusal="this solver takes no others|to minimise"),
    Solver("ipopt", frozenset({"LP", "QP", "NLP", "external"}), refusal="ipopt takes no others"),
    # SCIP closes gaps of nonlinear objectives to 1e-6: quantities, about which those are flat, to the square root of it.
    Solver(
        "scip",
        frozenset({"LP", "QP", "NLP", "MIP", "dependent", "rays"}),
        duals=False,
        quantity=1e-3,
        refusal="solver: got 'scip'",
    ),
    # Stops at 1e-8, and relaxes bounds by as much; duals of interior points come off by the square root at worst.
    Solver("pounce", frozenset({"LP", "QP", "NLP", "rays"}), objective=1e-5, quantity=1e-5, refusal="solver: got 'pounce'"),
)


@dataclass(frozen=True)
class Problem:
    """A model, what a solver must be able to do for it, and its one solution or the way in which its solution ends."""

    name: str
    build: Callable[[], Model]
    needs: frozenset[str]
    objective: float | None = None
    primal: Mapping[str, float] = field(default_factory=dict)
    dual: Mapping[str, float] = field(default_factory=dict)  # constraints that are not named here have more than one
    reduced: Mapping[str, float] = field(default_factory=dict)
    ends: str | None = None
    convex: bool = True
    limit: float | None = None


def blank(name: str, **variables: tuple[float | None, float | None]) -> Model:
    """Return a model with the variables named, between their bounds, and suffixes that want duals and reduced costs."""
    m = pyo.ConcreteModel(name=name)
    for variable, bounds in variables.items():
        m.add_component(variable, pyo.Var(bounds=bounds))
    m.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


def needs(*abilities: str) -> frozenset[str]:
    """Return a set of abilities."""
    return frozenset(abilities)


def blend() -> Model:
    # Both rows bind: x + y = 4, x + 3y = 6. Duals a + b = 2, a + 3b = 3; 4a + 6b = 9.
    m = blank("blend", x=(0, None), y=(0, None))
    m.cost = pyo.Objective(expr=2 * m.x + 3 * m.y)
    m.protein = pyo.Constraint(expr=m.x + m.y >= 4)
    m.iron = pyo.Constraint(expr=m.x + 3 * m.y >= 6)
    return m


def glass() -> Model:
    # Hillier and Lieberman's Wyndor Glass: doors 2, windows 6, profit 36; shadow prices 0, 3/2, 1.
    m = blank("glass", doors=(0, None), windows=(0, None))
    m.profit = pyo.Objective(expr=3 * m.doors + 5 * m.windows, sense=pyo.maximize)
    m.plant = pyo.Constraint([1, 2, 3])
    m.plant[1] = m.doors <= 4
    m.plant[2] = 2 * m.windows <= 12
    m.plant[3] = 3 * m.doors + 2 * m.windows <= 18
    return m


def equalities() -> Model:
    # x = y + 1, z = 5 - 2y, so the cost is 16 - 3y and z = 0. Duals a + b = 1, a - b = 2; the reduced cost of z is 3 - a.
    m = blank("equalities", x=(0, None), y=(0, None), z=(0, None))
    m.cost = pyo.Objective(expr=m.x + 2 * m.y + 3 * m.z)
    m.total = pyo.Constraint(expr=m.x + m.y + m.z == 6)
    m.difference = pyo.Constraint(expr=m.x == m.y + 1)
    return m


def ranged(sense: int) -> Model:
    # To minimise, the lower side binds: (2, 0), dual 1, rc of y 2 - 1. To maximise, the upper: (0, 5), dual 2, rc of x 1 - 2.
    m = blank("ranged", x=(0, None), y=(0, None))
    m.goal = pyo.Objective(expr=m.x + 2 * m.y, sense=sense)
    m.range = pyo.Constraint(expr=(2, m.x + m.y, 5))
    return m


def free() -> Model:
    # Free variables: duals meet a + b = 2, b - 2a = 1 with equality; x + y = -1 and x - 2y = -4.
    m = blank("free", x=(None, None), y=(None, None))
    m.cost = pyo.Objective(expr=2 * m.x + m.y)
    m.left = pyo.Constraint(expr=m.x - 2 * m.y >= -4)
    m.right = pyo.Constraint(expr=-1 <= m.x + m.y)  # noqa: SIM300, the other way round
    return m


def fixed() -> Model:
    # `blend` with 2 units already there: protein asks for 6, of which 2 are fixed at a cost of 1 each.
    m = blend()
    m.stock = pyo.Var(initialize=1, bounds=(0, 5))
    m.stock.fix(2)
    m.cost.expr = m.cost.expr + m.stock
    m.protein.set_value(m.x + m.y + m.stock >= 6)
    return m


def corners() -> Model:
    # No row binds: every variable stands at the bound that its coefficient points to, and that is its reduced cost.
    m = blank("corners", x=(0, 3), y=(1, 4), z=(-2, 7))
    m.gain = pyo.Objective(expr=2 * m.x + m.y - m.z, sense=pyo.maximize)
    m.loose = pyo.Constraint(expr=m.x + m.y - m.z <= 20)
    return m


def degenerate() -> Model:
    # Three rows meet in (1, 1): duals (1 - t, 1 - t, t) for any t in [0, 1].
    m = blank("degenerate", x=(None, None), y=(None, None))
    m.goal = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)
    m.right = pyo.Constraint(expr=m.x <= 1)
    m.top = pyo.Constraint(expr=m.y <= 1)
    m.slope = pyo.Constraint(expr=m.x + m.y <= 2)
    return m


def redundant() -> Model:
    # `blend` with its first row twice over (the two share its dual) and one that is far away.
    m = blend()
    m.twice = pyo.Constraint(expr=2 * m.x + 2 * m.y >= 8)
    m.far = pyo.Constraint(expr=m.x + m.y <= 1000)
    return m


def dependent() -> Model:
    # More equalities than variables, the third twice the first.
    m = blank("dependent", x=(None, None), y=(None, None))
    m.goal = pyo.Objective(expr=m.x + m.y)
    m.sum = pyo.Constraint(expr=m.x + m.y == 3)
    m.difference = pyo.Constraint(expr=m.x - m.y == 1)
    m.twice = pyo.Constraint(expr=2 * m.x + 2 * m.y == 6)
    return m


def constants() -> Model:
    # x = 2: constants on either side of a row and in the objective. Pyomo's body is right less left, at most 0: -x + 2 <= 0.
    m = blank("constants", x=(None, None))
    m.offset = pyo.Param(initialize=4)
    m.cost = pyo.Objective(expr=10 + 2 * m.x + m.offset)
    m.row = pyo.Constraint(expr=2 * m.x + 1 - m.offset >= 3 - m.offset + m.x)
    return m


def alone() -> Model:
    # x stands in the objective alone, z in rows alone: y >= z >= 3. A unit more of z - y costs 2 less, of z 2 more.
    m = blank("alone", x=(-5, 8), y=(0, None), z=(None, None))
    m.cost = pyo.Objective(expr=m.x + 2 * m.y)
    m.below = pyo.Constraint(expr=m.z <= m.y)
    m.above = pyo.Constraint(expr=m.z >= 3)
    m.unused = pyo.Var(initialize=17)
    return m


def box() -> Model:
    # No constraint at all.
    m = blank("box", x=(-5, 8), y=(1, 2))
    m.goal = pyo.Objective(expr=3 * m.x - m.y)
    return m


def portfolio() -> Model:
    # Nocedal and Wright, example 16.4: (1.4, 1.7); there the gradient is (0.8, -1.6) = 0.8 (1, -2).
    m = blank("portfolio", x=(0, None), y=(0, None))
    m.distance = pyo.Objective(expr=(m.x - 1) ** 2 + (m.y - 2.5) ** 2)
    m.first = pyo.Constraint(expr=m.x - 2 * m.y + 2 >= 0)
    m.second = pyo.Constraint(expr=-m.x - 2 * m.y + 6 >= 0)
    m.third = pyo.Constraint(expr=-m.x + 2 * m.y + 2 >= 0)
    return m


def concave() -> Model:
    # On x + y = 2: 4 - 2x = 6 - 2y, so y = x + 1, and that is the dual: 3.
    m = blank("concave", x=(None, None), y=(None, None))
    m.profit = pyo.Objective(expr=4 * m.x + 6 * m.y - m.x**2 - m.y**2, sense=pyo.maximize)
    m.capacity = pyo.Constraint(expr=m.x + m.y <= 2)
    return m


def flat() -> Model:
    # Q = 2 [[1, 1], [1, 1]] has rank 1: the objective leaves x - y open, the row says it.
    m = blank("flat", x=(None, None), y=(None, None), z=(1, None))
    m.cost = pyo.Objective(expr=(m.x + m.y) ** 2 - 4 * (m.x + m.y) + m.z)
    m.same = pyo.Constraint(expr=m.x == m.y)
    return m


def interior() -> Model:
    # Least squares with the optimum inside of everything: gradient and duals vanish. x = 1.1, y = 3.3.
    m = blank("interior", x=(None, None), y=(None, None))
    m.error = pyo.Objective(expr=5 + (m.x - 1.1) ** 2 + (m.x - m.y / 3) ** 2)
    m.far = pyo.Constraint(expr=m.x + m.y <= 100)
    return m


def unconstrained() -> Model:
    # No bound, no row: exp(x) - x is least at 0, and y = 2 + x / 3.
    m = blank("unconstrained", x=(None, None), y=(None, None))
    m.error = pyo.Objective(expr=pyo.exp(m.x) - m.x + (m.y - m.x / 3 - 2) ** 2)
    return m


def saddle() -> Model:
    # A product, no convex QP: on the box its minimum is -6 in the corner (-2, 3), where the gradient is (y, x).
    m = blank("saddle", x=(-2, 2), y=(0, 3))
    m.area = pyo.Objective(expr=m.x * m.y)
    m.loose = pyo.Constraint(expr=m.x + m.y >= 0)
    return m


def spending() -> Model:
    # Cobb-Douglas: a third of the budget for x, two thirds for y; one more unit is worth 1 / x.
    m = blank("spending", x=(0.01, None), y=(0.01, None))
    m.utility = pyo.Objective(expr=pyo.log(m.x) + 2 * pyo.log(m.y), sense=pyo.maximize)
    m.budget = pyo.Constraint(expr=m.x + m.y <= 3)
    return m


def growth() -> Model:
    # exp(x) = d, exp(y) = 2d with dual d; x + 2y = 3 log d + 2 log 2 = 2 log 2, so d = 1.
    m = blank("growth", x=(None, None), y=(None, None))
    m.effort = pyo.Objective(expr=pyo.exp(m.x) + pyo.exp(m.y))
    m.reach = pyo.Constraint(expr=m.x + 2 * m.y >= 2 * math.log(2))
    return m


def product() -> Model:
    # Of all rectangles of area R the square has the least half perimeter, 2 sqrt R; its derivative is 1 / sqrt R. R = 4.
    m = blank("product", x=(0.1, 10), y=(0.1, 10))
    m.side = pyo.Objective(expr=m.x + m.y)
    m.area = pyo.Constraint(expr=m.x * m.y >= 4)
    m.x.value, m.y.value = 3.0, 2.0
    return m


def rectangles() -> Model:
    # Of areas from 2 to 8 the smaller has the shorter half perimeter, 2 sqrt 2.
    m = product()
    m.area.set_value((2, m.x * m.y, 8))
    return m


def discs() -> Model:
    # x + y on a disc of squared radius R is at most sqrt(2 R), with derivative 1 / sqrt(2 R). R is up to 8.
    m = product()
    m.side.sense = pyo.maximize
    m.area.set_value((2, m.x**2 + m.y**2, 8))
    return m


def circle() -> Model:
    # The same on the circle alone, R = 2.
    m = blank("circle", x=(None, None), y=(None, None))
    m.goal = pyo.Objective(expr=m.x + m.y, sense=pyo.maximize)
    m.circle = pyo.Constraint(expr=m.x**2 + m.y**2 == 2)
    m.x.value, m.y.value = 0.5, 0.7
    return m


def external() -> Model:
    # `growth` with a function that only Python knows, called point by point, in the objective and in a row, whose body is
    # exp(y) - z: letting it be one larger costs one less.
    m = growth()
    m.grow = pyo.ExternalFunction(
        function=lambda u: math.exp(u),
        gradient=lambda args, fixed: [math.exp(args[0])],
        hessian=lambda args, fixed: [math.exp(args[0])],
    )
    m.z = pyo.Var(initialize=1.0)
    m.effort.expr = m.grow(m.x) + m.z
    m.epigraph = pyo.Constraint(expr=m.z >= m.grow(m.y))
    return m


def knapsack() -> Model:
    # All sixteen: b and c weigh 10 and are worth 20; the next best, b and d and a, weigh too much, a and c are worth 17.
    value, weight = {"a": 10, "b": 13, "c": 7, "d": 4}, {"a": 5, "b": 6, "c": 4, "d": 2}
    m = blank("knapsack")
    m.take = pyo.Var(list("abcd"), domain=pyo.Binary)
    m.worth = pyo.Objective(expr=pyo.quicksum(value[i] * m.take[i] for i in "abcd"), sense=pyo.maximize)
    m.room = pyo.Constraint(expr=pyo.quicksum(weight[i] * m.take[i] for i in "abcd") <= 10)
    return m


ROOT2, LN2 = math.sqrt(2), math.log(2)
SOLVED = (
    Problem("minimum", blend, needs("LP"), 9, {"x": 3, "y": 1}, {"protein": 1.5, "iron": 0.5}, {"x": 0, "y": 0}),
    Problem("maximum", glass, needs("LP"), 36, {"doors": 2, "windows": 6}, {"plant[1]": 0, "plant[2]": 1.5, "plant[3]": 1}),
    Problem(
        "equalities",
        equalities,
        needs("LP"),
        8.5,
        {"x": 3.5, "y": 2.5, "z": 0},
        {"total": 1.5, "difference": -0.5},
        {"x": 0, "y": 0, "z": 1.5},
    ),
    Problem("range at its low end", lambda: ranged(pyo.minimize), needs("LP"), 2, {"x": 2, "y": 0}, {"range": 1}, {"y": 1}),
    Problem("range at its high end", lambda: ranged(pyo.maximize), needs("LP"), 10, {"x": 0, "y": 5}, {"range": 2}, {"x": -1}),
    Problem("free variables", free, needs("LP"), -3, {"x": -2, "y": 1}, {"left": 1 / 3, "right": 5 / 3}, {"x": 0, "y": 0}),
    Problem("fixed variable", fixed, needs("LP"), 11, {"x": 3, "y": 1, "stock": 2}, {"protein": 1.5, "iron": 0.5}),
    Problem("bounds", corners, needs("LP"), 12, {"x": 3, "y": 4, "z": -2}, {"loose": 0}, {"x": 2, "y": 1, "z": -1}),
    Problem("degenerate", degenerate, needs("LP"), 2, {"x": 1, "y": 1}),
    Problem("redundant rows", redundant, needs("LP"), 9, {"x": 3, "y": 1}, {"iron": 0.5, "far": 0}),
    Problem("dependent equalities", dependent, needs("LP", "dependent"), 3, {"x": 2, "y": 1}, {"difference": 0}),
    Problem("constants", constants, needs("LP"), 18, {"x": 2}, {"row": -2}),
    Problem(
        "variables alone",
        alone,
        needs("LP"),
        1,
        {"x": -5, "y": 3, "z": 3, "unused": 17},
        {"below": -2, "above": 2},
        {"x": 1, "y": 0, "z": 0},
    ),
    Problem("no constraints", box, needs("LP"), -17, {"x": -5, "y": 2}, {}, {"x": 3, "y": -1}),
    Problem(
        "convex QP", portfolio, needs("QP"), 0.8, {"x": 1.4, "y": 1.7}, {"first": 0.8, "second": 0, "third": 0}, {"x": 0, "y": 0}
    ),
    Problem("concave QP", concave, needs("QP"), 8.5, {"x": 0.5, "y": 1.5}, {"capacity": 3}),
    Problem("QP of low rank", flat, needs("QP"), -3, {"x": 1, "y": 1, "z": 1}, {"same": 0}, {"z": 1}),
    Problem("QP inside", interior, needs("QP"), 5, {"x": 1.1, "y": 3.3}, {"far": 0}),
    Problem("NLP without constraints", unconstrained, needs("NLP"), 1, {"x": 0, "y": 2}),
    Problem("saddle", saddle, needs("NLP"), -6, {"x": -2, "y": 3}, {"loose": 0}, {"x": 3, "y": -2}, convex=False),
    Problem("logarithms", spending, needs("NLP"), 2 * LN2, {"x": 1, "y": 2}, {"budget": 1}),
    Problem("exponentials", growth, needs("NLP"), 3, {"x": 0, "y": LN2}, {"reach": 1}),
    Problem("product", product, needs("NLP"), 4, {"x": 2, "y": 2}, {"area": 0.5}, convex=False),
    Problem("curved range at its low end", rectangles, needs("NLP"), 2 * ROOT2, {"x": ROOT2}, {"area": 1 / ROOT2}, convex=False),
    Problem("curved range at its high end", discs, needs("NLP"), 4, {"x": 2, "y": 2}, {"area": 0.25}, convex=False),
    Problem("curved equality", circle, needs("NLP"), 2, {"x": 1, "y": 1}, {"circle": 0.5}, convex=False),
    Problem(
        "external function",
        external,
        needs("NLP", "external"),
        3,
        {"x": 0, "y": LN2, "z": 2},
        {"reach": 1, "epigraph": -1},
        convex=False,
    ),
    Problem("knapsack", knapsack, needs("MIP"), 20, {"take[a]": 0, "take[b]": 1, "take[c]": 1, "take[d]": 0}),
)
