"""One contract for all solvers: problems solved by hand, and every solver on every problem that it can do."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

from veridical import solvers
from veridical.data import InputError, NotSolvedError

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


def valued(m: Model, value: float = 0.25) -> Model:
    """Return the model with a value in every variable."""
    for variable in m.component_data_objects(pyo.Var):
        variable.value = value
    return m


def starving() -> Model:
    # north wants 7 of the 6 that there are; the rows of the south and the balance have no part in it.
    m = blank("starving", north=(0, None), south=(0, None))
    m.cost = pyo.Objective(expr=m.north + m.south)
    m.supply = pyo.Constraint(expr=m.north + m.south <= 6)
    m.demand = pyo.Constraint(["north", "south"])
    m.demand["north"] = m.north >= 7
    m.demand["south"] = m.south <= 4
    m.balance = pyo.Constraint(expr=m.north - m.south <= 20)
    return valued(m, 2.5)


def apart() -> Model:
    # The line x + y = 3 passes the disc of radius 1 at a distance of 3 / sqrt 2 - 1.
    m = blank("apart", x=(None, None), y=(None, None))
    m.cost = pyo.Objective(expr=m.x + m.y)
    m.disc = pyo.Constraint(expr=m.x**2 + m.y**2 <= 1)
    m.line = pyo.Constraint(expr=m.x + m.y >= 3)
    return valued(m)


def crossed() -> Model:
    # A lower bound above the upper one.
    m = valued(blank("crossed", x=(0, 4), y=(0, None)))
    m.cost = pyo.Objective(expr=m.x + m.y)
    m.row = pyo.Constraint(expr=m.x + m.y >= 1)
    m.x.setlb(5)
    return m


def odd() -> Model:
    # An even number that should be 3; the relaxation is feasible.
    m = knapsack()
    m.parity = pyo.Constraint(expr=2 * m.take["a"] + 2 * m.take["b"] == 3)
    return valued(m, 1.0)


def escape() -> Model:
    # y may grow for ever, and the cost falls by 2 each time.
    m = blank("escape", x=(0, 4), y=(0, None))
    m.cost = pyo.Objective(expr=-3 * m.x - 2 * m.y)
    m.row = pyo.Constraint(expr=m.x - m.y <= 3)
    return valued(m)


def packing() -> Model:
    # Sixty things in twenty-five bags at once: hours of branching.
    generator = np.random.default_rng(1)
    weight = generator.integers(10, 1000, (25, 60))
    value = weight.mean(axis=0) + generator.integers(0, 100, 60)
    m = blank("packing")
    m.take = pyo.Var(range(60), domain=pyo.Binary)
    m.worth = pyo.Objective(expr=pyo.quicksum(float(value[i]) * m.take[i] for i in range(60)), sense=pyo.maximize)
    m.room = pyo.Constraint(
        range(25), rule=lambda m, r: pyo.quicksum(int(weight[r, i]) * m.take[i] for i in range(60)) <= int(weight[r].sum()) // 2
    )
    return valued(m, 0.0)


def valley() -> Model:
    # Rosenbrock's valley, three thousand long: as many iterations.
    m = blank("valley")
    m.x = pyo.Var(range(3000))
    m.height = pyo.Objective(expr=sum(100 * (m.x[i + 1] - m.x[i] ** 2) ** 2 + (1 - m.x[i]) ** 2 for i in range(2999)))
    return valued(m, -1.2)


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
    Problem("saddle", saddle, needs("NLP"), -6, {"x": -2, "y": 3}, {"loose": 0}, {"x": 3, "y": -2}),
    Problem("logarithms", spending, needs("NLP"), 2 * LN2, {"x": 1, "y": 2}, {"budget": 1}),
    Problem("exponentials", growth, needs("NLP"), 3, {"x": 0, "y": LN2}, {"reach": 1}),
    Problem("product", product, needs("NLP"), 4, {"x": 2, "y": 2}, {"area": 0.5}),
    Problem("curved range at its low end", rectangles, needs("NLP"), 2 * ROOT2, {"x": ROOT2}, {"area": 1 / ROOT2}),
    Problem("curved range at its high end", discs, needs("NLP"), 4, {"x": 2, "y": 2}, {"area": 0.25}),
    Problem("curved equality", circle, needs("NLP"), 2, {"x": 1, "y": 1}, {"circle": 0.5}),
    Problem("external function", external, needs("NLP", "external"), 3, {"x": 0, "y": LN2, "z": 2}, {"reach": 1, "epigraph": -1}),
    Problem("knapsack", knapsack, needs("MIP"), 20, {"take[a]": 0, "take[b]": 1, "take[c]": 1, "take[d]": 0}),
)
ENDED = (
    Problem("infeasible LP", starving, needs("LP"), ends="infeasible"),
    Problem("infeasible NLP", apart, needs("NLP"), ends="infeasible"),
    Problem("infeasible bounds", crossed, needs("LP"), ends="infeasible"),
    Problem("infeasible MIP", odd, needs("MIP"), ends="infeasible"),
    Problem("unbounded LP", escape, needs("LP", "rays"), ends="unbounded"),
    Problem("long MIP", packing, needs("MIP"), ends="time_limit", limit=0.5),
    Problem("long NLP", valley, needs("NLP"), ends="time_limit", limit=0.5),
)


def pairs(problems: tuple[Problem, ...], duals: tuple[bool, ...] = (True, False)) -> list[Any]:
    """Return the problems with the solvers that can do them, with or without duals."""
    return [
        pytest.param(problem, solver, id=f"{solver.name}: {problem.name}")
        for problem in problems
        for solver in SOLVERS
        if problem.needs <= solver.can and solver.duals in duals
    ]


def beyond() -> list[Any]:
    """Return the problems with the solvers that do not take problems of their kind."""
    kinds = {"LP", "QP", "NLP", "MIP", "external"}
    return [
        pytest.param(problem, solver, id=f"{solver.name}: {problem.name}")
        for problem in SOLVED + ENDED
        for solver in SOLVERS
        if not problem.needs & kinds <= solver.can
    ]


def values(model: Model) -> dict[str, float | None]:
    """Return the values of all variables by name."""
    return {variable.name: variable.value for variable in model.component_data_objects(pyo.Var)}


def near(expected: Mapping[str, float], tolerance: float) -> Any:
    """Return what compares equal to values that are near those expected."""
    return pytest.approx(dict(expected), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED))
def test_solution(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    assert solution.objective == pytest.approx(problem.objective, rel=solver.objective, abs=solver.objective)
    assert solution.bound == pytest.approx(problem.objective, rel=2e-6, abs=2e-6)
    assert {name: values(model)[name] for name in problem.primal} == near(problem.primal, solver.quantity)
    objective = next(model.component_data_objects(pyo.Objective))
    assert pyo.value(objective) == pytest.approx(solution.objective, rel=1e-12, abs=1e-12)
    assert solution.certificate.holds
    assert (solution.status, solution.termination, solution.solver.name) == ("optimal", "converged", solver.name)


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED, duals=(True,)))
def test_duals_and_reduced_costs(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    if "MIP" in problem.needs:
        assert dict(solution.duals) == {}
        assert (len(model.dual), len(model.rc)) == (0, 0)
        return
    imported = {constraint.name: value for constraint, value in model.dual.items()}
    reduced = {variable.name: value for variable, value in model.rc.items()}
    assert {name: imported[name] for name in problem.dual} == near(problem.dual, solver.quantity)
    assert {name: reduced[name] for name in problem.reduced} == near(problem.reduced, solver.quantity)
    active = [constraint.name for constraint in model.component_data_objects(pyo.Constraint, active=True)]
    assert sorted(imported) == sorted(active)
    assert sorted(value for series in solution.duals.values() for value in series) == sorted(imported.values())


@pytest.mark.parametrize(("problem", "solver"), pairs(SOLVED, duals=(False,)))
def test_a_solver_without_duals_hands_over_none(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    solution = solvers.solve(model, solver.name)
    assert dict(solution.duals) == {}
    assert (len(model.dual), len(model.rc)) == (0, 0)
    assert (solution.certificate.dual_residual, solution.certificate.complementarity) == (None, None)


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver.duals], ids=lambda solver: solver.name)
def test_duals_that_are_not_unique_are_optimal_ones(solver: Solver) -> None:
    model = degenerate()
    solvers.solve(model, solver.name)
    right, top, slope = (model.dual[constraint] for constraint in (model.right, model.top, model.slope))
    assert min(right, top, slope) >= -solver.quantity
    assert [right + slope, top + slope] == pytest.approx([1, 1], rel=solver.quantity)
    model = redundant()
    solvers.solve(model, solver.name)
    assert model.dual[model.protein] + 2 * model.dual[model.twice] == pytest.approx(1.5, rel=solver.quantity)


@pytest.mark.parametrize(("problem", "solver"), pairs(ENDED))
def test_an_end_without_optimum_is_named_and_leaves_the_model_as_it_was(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    constraints = list(model.component_data_objects(pyo.Constraint, active=True))
    before = values(model)
    model.dual.update(dict.fromkeys(constraints, 123.0))
    limit = {} if problem.limit is None else {"time_limit": problem.limit}
    with pytest.raises(NotSolvedError) as error:
        solvers.solve(model, {"solver": solver.name, **limit})
    assert error.value.status == problem.ends
    assert str(error.value).startswith(f"{model.name}: ")
    assert not str(error.value).rstrip().endswith((";", ":"))
    assert "could start" not in str(error.value)  # the limit is the solver's to keep, and long enough for it to begin
    assert values(model) == before
    assert set(model.dual.values()) <= {123.0}
    assert len(model.rc) == 0


def test_ipopt_does_not_converge_on_an_unbounded_problem() -> None:
    with pytest.raises(NotSolvedError) as error:
        solvers.solve(escape(), {"solver": "ipopt", "options": {"max_iter": 100}})
    assert error.value.status in ("unbounded", "iteration_limit")


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_conflict_is_named_by_its_constraints_and_no_others(solver: Solver) -> None:
    with pytest.raises(NotSolvedError, match="cannot hold together: ") as error:
        solvers.solve(starving(), solver.name)
    named = str(error.value).split("cannot hold together: ")[1].split(";")[0]
    assert sorted(named.split(", ")) == ["demand[north]", "supply"]


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_of_two_conflicts_one_is_named(solver: Solver) -> None:
    model = starving()
    model.north_cap = pyo.Constraint(expr=model.north <= 3)
    model.demand["south"].set_value(model.south >= 9)
    with pytest.raises(NotSolvedError, match="cannot hold together: ") as error:
        solvers.solve(model, solver.name)
    named = str(error.value).split("cannot hold together: ")[1].split(";")[0]
    # Either wants more than there is, and north more than he may have: three conflicts of two rows each.
    assert sorted(named.split(", ")) in (["demand[north]", "north_cap"], ["demand[north]", "supply"], ["demand[south]", "supply"])


def test_the_rows_that_the_last_point_of_an_nlp_violates_are_named() -> None:
    with pytest.raises(NotSolvedError, match=r"last point violates: .*(disc|line) \(by ") as error:
        solvers.solve(apart(), "ipopt")
    assert "balance" not in str(error.value)


@pytest.mark.parametrize(("problem", "solver"), beyond())
def test_a_problem_beyond_a_solver_is_refused(problem: Problem, solver: Solver) -> None:
    model = problem.build()
    before = values(model)
    with pytest.raises(InputError, match=solver.refusal):
        solvers.solve(model, solver.name)
    assert values(model) == before
    assert (len(model.dual), len(model.rc)) == (0, 0)


def test_what_highs_cannot_take_is_named() -> None:
    with pytest.raises(InputError, match=r"disc: got <.*x.*y.*>; allowed: linear constraints"):
        solvers.solve(apart(), "highs")
    with pytest.raises(InputError, match=r"effort: got .*; allowed: a linear or convex quadratic objective"):
        solvers.solve(growth(), "highs")


def test_the_integer_variable_that_ipopt_cannot_take_is_named() -> None:
    with pytest.raises(InputError, match=r"take\[a\]: got <an integer variable>; allowed: continuous variables"):
        solvers.solve(knapsack(), "ipopt")


def spoil_coefficient(m: Model) -> None:
    m.spoilt = pyo.Constraint(expr=m.bad * m.x + m.y >= 1)


def spoil_side(m: Model) -> None:
    m.spoilt = pyo.Constraint(expr=m.x + m.y >= m.bad)


def spoil_cost(m: Model) -> None:
    m.cost.expr = m.bad * m.x + m.y


def spoil_constant(m: Model) -> None:
    m.cost.expr = m.x + m.y + m.bad


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (spoil_coefficient, "spoilt"),
        (spoil_side, "spoilt"),
        (spoil_cost, "objective, x"),
        (spoil_constant, "objective, the constant"),
    ],
)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_nan_in_the_data_is_refused_by_name(solver: Solver, spoil: Callable[[Model], None], field: str) -> None:
    model = blend()
    model.bad = pyo.Param(initialize=math.nan, mutable=True, within=pyo.Any)
    spoil(model)
    with pytest.raises(InputError, match=f"blend: {field}: got <a .* NaN"):
        solvers.solve(model, solver.name)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_variable_that_is_fixed_at_no_value_is_refused_by_name(solver: Solver) -> None:
    model = blend()
    model.x.fixed = True
    with pytest.raises(InputError, match=r"\bx\b"):
        solvers.solve(model, solver.name)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_a_model_that_has_nothing_left_to_decide_is_worth_its_constants(solver: Solver) -> None:
    model = blend()
    model.x.fix(3)
    model.y.fix(1)
    assert solvers.solve(model, solver.name).objective == pytest.approx(9, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_parameters_changed_between_two_solves_count(solver: Solver) -> None:
    model = blank("mutable", x=(None, None), y=(None, None))
    model.price = pyo.Param(initialize=2.0, mutable=True)
    model.least = pyo.Param(initialize=3.0, mutable=True)
    model.top = pyo.Param(initialize=4.0, mutable=True)
    model.y.setub(model.top)
    model.cost = pyo.Objective(expr=model.price * model.x - model.y)
    model.row = pyo.Constraint(expr=model.x >= model.least)
    for price, least, top in ((2.0, 3.0, 4.0), (5.0, -4.0, 1.0), (7.0, 0.5, -2.0)):
        model.price, model.least, model.top = price, least, top
        solution = solvers.solve(model, solver.name)
        assert solution.objective == pytest.approx(price * least - top, rel=solver.objective)
        assert values(model) == near({"x": least, "y": top}, solver.quantity)
        if solver.duals:
            assert model.dual[model.row] == pytest.approx(price, rel=solver.quantity)
            assert model.rc[model.y] == pytest.approx(-1, rel=solver.quantity)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_parameters_inside_of_squares_count_and_a_linear_objective_may_follow_a_quadratic_one(solver: Solver) -> None:
    model = blank("squares", x=(-9, 9))
    model.target = pyo.Param(initialize=0.0, mutable=True)
    model.square = pyo.Objective(expr=(model.x - model.target) ** 2 + model.x)  # least half a unit below the target
    model.line = pyo.Objective(expr=2 * model.x)
    model.line.deactivate()
    for target in (1.0, -2.0):
        model.target = target
        assert solvers.solve(model, solver.name).objective == pytest.approx(target - 0.25, rel=solver.objective)
        assert model.x.value == pytest.approx(target - 0.5, rel=solver.quantity)
    model.square.deactivate()
    model.line.activate()
    assert solvers.solve(model, solver.name).objective == pytest.approx(-18, rel=solver.objective)
