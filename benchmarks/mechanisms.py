"""Finite mechanisms through the general layer, against mechaudit: from definition to audited result, in processor seconds.

    python benchmarks/mechanisms.py [RUNS [BIDDERSxVALUES ...]]

The problem: the revenue-optimal auction of one thing among bidders whose values are 1, 2, ..., uniform and independent; truth is
dominant, and everybody who is truthful takes part at every profile. Both define it as their authors have it in their examples,
solve it by HiGHS at their own defaults, check the optimum and audit all misreports. Ours and theirs alternate; of each the least
seconds count, those of child processes included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
from figures import figure, processor

import veridical as vd

SIZES = ("2x10", "3x6", "4x4", "3x12", "2x40")
GROWTH = ("2x5", "2x10", "2x20", "2x40", "3x5", "4x5", "5x5")  # in the values, and in the bidders


def ours(bidders: int, values: int) -> float:
    """Return the revenue by `truthful`."""
    types = vd.TypeSpace({f"bidder {i}": range(1, values + 1) for i in range(bidders)})
    m = pyo.ConcreteModel()
    m.sold = pyo.Var(types.agents, types.profiles, bounds=(0, 1))
    m.price = pyo.Var(types.agents, types.profiles)

    @m.Constraint(types.profiles)
    def one_thing(m: Any, *reports: Any) -> Any:
        return pyo.quicksum(m.sold[agent, reports] for agent in types.agents) <= 1

    vd.truthful(m, types, lambda m, agent, theta, reports: theta * m.sold[agent, reports] - m.price[agent, reports])
    revenue = types.expectation(lambda reports: pyo.quicksum(m.price[agent, reports] for agent in types.agents))
    m.revenue = pyo.Objective(expr=revenue, sense=pyo.maximize)
    solution = vd.solvers.solve(m, "highs")
    assert solution.audit is not None
    assert solution.audit.truthful
    assert not solution.audit.sampled
    return solution.objective


def theirs(bidders: int, values: int) -> float:
    """Return the revenue by mechaudit."""
    from mechaudit import DSIC, ExpectedRevenue, ExPostIR, FiniteEnvironment, JointPrior, PrivateValues

    agents = {f"bidder {i}": list(range(1, values + 1)) for i in range(bidders)}
    worth = PrivateValues(lambda agent, theta, outcome: float(theta) if outcome == agent else 0.0)
    prior = JointPrior.from_independent({agent: dict.fromkeys(types, 1 / values) for agent, types in agents.items()})
    environment = FiniteEnvironment(agents=agents, outcomes=["kept", *agents], prior=prior, values=worth)
    solution = environment.design(objective=ExpectedRevenue(), requirements=(DSIC(), ExPostIR())).solve()
    assert solution.audit.passed
    return float(solution.objective_value)


def seconds(solve: Callable[[int, int], float], bidders: int, values: int) -> tuple[float, float]:
    """Return the processor seconds of one run, and its result."""
    before = processor()
    result = solve(bidders, values)
    return processor() - before, result


def main(runs: int, *sizes: str) -> None:
    """Print a row a size."""
    try:
        import mechaudit  # noqa: F401
    except ImportError:
        print('mechaudit is missing (pip install ".[bench]"): ours alone', file=sys.stderr)
        solvers: dict[str, Callable[[int, int], float]] = {"veridical": ours}
    else:
        solvers = {"veridical": ours, "mechaudit": theirs}
    for solve in solvers.values():
        solve(1, 2)  # what is imported once is no part of a run
    print("bidders x values | " + " | ".join(f"{name}: revenue, s" for name in solvers) + " | ratio")
    for size in sizes or dict.fromkeys((*SIZES, *GROWTH)):
        bidders, values = map(int, size.split("x"))
        measured = [{name: seconds(solve, bidders, values) for name, solve in solvers.items()} for _ in range(runs)]
        least = {name: min(one[name] for one in measured) for name in solvers}
        ratio = f"{least['mechaudit'][0] / least['veridical'][0]:.1f}" if "mechaudit" in least else ""
        print(f"{size} | " + " | ".join(f"{r:.7g}, {s:.3f}" for s, r in least.values()) + f" | {ratio}", flush=True)
        if "mechaudit" in least:
            times = least["mechaudit"][0] / least["veridical"][0]
            figure(f"auction, {size} bidders and values, defined to audited: mechaudit / ours, processor", times, at_least=3.0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 3, *sys.argv[2:])
