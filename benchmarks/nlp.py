"""NLPs of 20,000 variables, and expressions that are used again and again: our translation, derivatives and Ipopt against pounce.

    python benchmarks/nlp.py [VARIABLES] [REPEATS]

Both start from the same point and take the same Pyomo model, one after the other: pounce (`pip install pyomo-pounce`) reads
it as an NL file and has its own derivatives and interior point. Times are processor seconds of whole solves, with those of
programs that they start; ours are with the certificate.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pyomo_pounce  # noqa: F401  registers the solver
from figures import figure, processor

from veridical import solvers


def rosenbrock(variables: int) -> Any:
    """Return the chained Rosenbrock function with trigonometric-exponential constraints (Luksan and Vlcek 1999, problem 5.1)."""
    m = pyo.ConcreteModel(name="rosenbrock")
    m.x = pyo.Var(range(variables), initialize=lambda m, i: -1.2 if i % 2 == 0 else 1.0)
    x, steps = m.x, range(variables - 1)
    m.cost = pyo.Objective(expr=sum(100 * (x[i] ** 2 - x[i + 1]) ** 2 + (x[i] - 1) ** 2 for i in steps))

    @m.Constraint(range(variables - 2))
    def coupled(m: Any, k: int) -> Any:
        waves = pyo.sin(x[k + 1] - x[k + 2]) * pyo.sin(x[k + 1] + x[k + 2])
        return 3 * x[k + 1] ** 3 + 2 * x[k + 2] - 5 + waves + 4 * x[k + 1] - x[k] * pyo.exp(x[k] - x[k + 1]) - 3 == 0

    return m


def inventory(variables: int) -> Any:
    """Return production over a horizon: increasing marginal cost, smooth holding and shortage costs, seasonal demand."""
    periods = range(variables // 2)
    m = pyo.ConcreteModel(name="inventory")
    m.make = pyo.Var(periods, bounds=(1, 60), initialize=25.0)
    m.stock = pyo.Var(periods, initialize=1.0)
    demand = [25 + 15 * math.sin(t / 5) + t % 7 for t in periods]

    @m.Constraint(periods)
    def carried(m: Any, t: int) -> Any:
        return m.stock[t] == (m.stock[t - 1] if t else 10) + m.make[t] - demand[t]

    held = sum(0.8 * m.stock[t] + 1.2 * pyo.sqrt(m.stock[t] ** 2 + 0.25) for t in periods)
    m.cost = pyo.Objective(expr=sum(2 * m.make[t] ** 1.5 + 3 * pyo.exp(0.02 * m.make[t]) for t in periods) + held)
    return m


def recursion(depth: int) -> Any:
    """Return control of a state that is an Expression of the state before, which stands in it twice."""
    m = pyo.ConcreteModel(name="recursion")
    m.u = pyo.Var(range(depth), bounds=(-1, 1), initialize=0.1)
    m.state = pyo.Expression(range(depth + 1))
    m.state[0] = 1.0
    for k in range(depth):
        m.state[k + 1] = m.state[k] + 0.05 * (pyo.sin(m.state[k]) + m.u[k])
    m.cost = pyo.Objective(expr=m.state[depth] ** 2 + 0.01 * sum(m.u[k] ** 2 for k in range(depth)))
    return m


def seconds(model: Any, solve: Callable[[Any], Any]) -> tuple[float, float]:
    """Return the seconds of a solve, and the objective that it found."""
    began = processor()
    result = solve(model)
    taken = processor() - began
    return taken, float(getattr(result, "objective", None) or pyo.value(model.cost))


def main(variables: int = 20_000, repeats: int = 3) -> None:
    """Print both times and their ratio, run by run; of deep recursions ours alone: elsewhere time doubles with every level."""
    pounce = pyo.SolverFactory("pounce")
    for build, size in ((rosenbrock, variables), (inventory, variables), (recursion, 14)):
        ratios = []
        for _ in range(repeats):
            theirs, expected = seconds(build(size), pounce.solve)
            ours, found = seconds(build(size), lambda model: solvers.solve(model, "ipopt"))
            ratios.append(ours / theirs)
            answers = f"pounce {theirs:.2f} s ({expected:.9g}), ours {ours:.2f} s ({found:.9g})"
            print(f"{build.__name__} {size}: {answers}, ratio {ratios[-1]:.2f}", flush=True)
        if size == variables:
            figure(f"{build.__name__}, {size:,} variables, processor: ours with certificate / POUNCE", ratios, at_most=1.3)
        print(f"{build.__name__} {size}: median ratio {statistics.median(ratios):.2f}", flush=True)
    for depth in (40, 200):
        ours, found = seconds(recursion(depth), lambda model: solvers.solve(model, "ipopt"))
        print(f"recursion {depth}: ours {ours:.2f} s ({found:.9g})", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
