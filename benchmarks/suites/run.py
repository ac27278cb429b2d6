"""Public model suites by our engines: right, honest about what is not proven, refused by name, or wrong.

python benchmarks/suites/run.py [--all] [ENGINE ...]    a table; with --all a line for each model that is not right and proven
python benchmarks/suites/run.py confirm                 the best known values against SCIP and POUNCE through Pyomo alone
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from contextlib import suppress
from importlib import import_module
from time import perf_counter
from typing import Any, NamedTuple

import pyomo.environ as pyo
from problems import Problem

import veridical as vd

__all__ = ["OUTCOMES", "Verdict", "judge", "problems"]

MODULES = (
    "hock_schittkowski_1_38",
    "hock_schittkowski_39_66",
    "hock_schittkowski_71_99",
    "hock_schittkowski_86_108",
    "hock_schittkowski_110_119",
    "textbook_linear",
    "textbook_nonlinear",
    "textbook_components",
)
SUITES = ("hock_schittkowski", *MODULES[5:])
OUTCOMES = {
    "proven": "`optimal` and the best value, or an end without optimum that is one",
    "local": "the best value, called no more than locally optimal",
    "other": "another value, called no more than locally optimal",
    "refused": "refused by the name of a component, option or function",
    "unsolved": "ended without an answer: a limit, no convergence, a certificate that does not hold",
    "wrong": "another value called optimal, a value better than the optimum, an end that is none",
    "crashed": "any other error",
}
SECONDS = 3.0


class Verdict(NamedTuple):
    """What an engine made of a problem, in the words of OUTCOMES, and what it said."""

    outcome: str
    said: str


def problems() -> list[Problem]:
    """Return the problems of all suites."""
    for name in MODULES:
        import_module(name)
    return [problem for name in SUITES for problem in import_module(name).SUITE]


def judge(problem: Problem, engine: str, seconds: float = SECONDS) -> Verdict:
    """Solve a problem by an engine and judge the answer by what is known of the problem."""
    model = problem.build()
    try:
        solution = vd.solvers.solve(model, {"solver": engine, "time_limit": seconds})
    except vd.InputError as error:
        return Verdict("refused", str(error))
    except vd.NotSolvedError as error:
        return Verdict(ended(problem, str(error.status)), str(error))
    except vd.CertificateError as error:
        return Verdict("unsolved", str(error))
    except Exception as error:  # whatever else comes is what is looked for
        return Verdict("crashed", f"{type(error).__name__}: {error}")
    return Verdict(answered(problem, str(solution.status), solution.objective), f"{solution.status} {solution.objective!r}")


def ended(problem: Problem, status: str) -> str:
    """Return the outcome of an end without an answer."""
    if status not in ("infeasible", "unbounded", "infeasible_or_unbounded"):
        return "unsolved"
    return "proven" if problem.ends is not None and problem.ends in status else "wrong"


def answered(problem: Problem, status: str, value: float) -> str:
    """Return the outcome of an answer. A value that beats one that is not proven is an honest other one."""
    if problem.best is None:
        return "wrong"
    error, proven = problem.error(value), status == "optimal"
    if abs(error) <= problem.within:
        return "proven" if proven else "local"
    better = error < 0
    return "wrong" if (problem.proven if better else proven) or error != error else "other"


def confirm() -> None:
    """Print which best values SCIP (to its tolerance) or POUNCE come to, through Pyomo's own interfaces."""
    from pyomo.contrib.solver.common.factory import SolverFactory

    import_module("pyomo_pounce")
    for problem in problems():
        if problem.best is None:
            continue
        values = {}
        for name, factory in (("POUNCE", pyo.SolverFactory), ("SCIP", SolverFactory)):
            model = problem.build()
            with suppress(Exception):  # what does not take a model confirms nothing
                if name == "SCIP":
                    limits = {"time_limit": 5, "raise_exception_on_nonoptimal_result": False, "load_solutions": False}
                    values[name] = factory("scip_direct").solve(model, **limits).incumbent_objective
                else:
                    factory("pounce").solve(model)
                    values[name] = pyo.value(next(model.component_data_objects(pyo.Objective, active=True)))
        near = [name for name, value in values.items() if value is not None and abs(problem.error(value)) <= problem.within]
        print(
            f"{problem.name:32s} {problem.best:<16.10g} {', '.join(near) or 'not confirmed'} {'' if near else values}", flush=True
        )


def main(arguments: list[str]) -> None:
    """Print what each engine made of each suite."""
    logging.getLogger("pyomo").setLevel(logging.CRITICAL)
    if arguments == ["confirm"]:
        return confirm()
    chosen = [name for name in arguments if name != "--all"]
    engines = [name for name in chosen or ("highs", "ipopt", "scip", "pounce") if vd.solvers.engine(name).available()]
    counts: Counter[tuple[str, str, str]] = Counter()
    began = perf_counter()
    for problem in problems():
        for engine in engines:
            verdict = judge(problem, engine)
            counts[problem.suite, engine, verdict.outcome] += 1
            if verdict.outcome in ("wrong", "crashed") or ("--all" in arguments and verdict.outcome != "proven"):
                best = problem.ends or problem.best
                print(
                    f"{problem.name} [{engine}] {verdict.outcome}: {' '.join(verdict.said.split())[:160]} (known: {best})",
                    flush=True,
                )
    print(f"\n| suite | engine | {' | '.join(OUTCOMES)} |\n|{'---|' * (len(OUTCOMES) + 2)}")
    for suite in dict.fromkeys(problem.suite for problem in problems()):
        for engine in engines:
            figures: Any = [counts[suite, engine, outcome] or "" for outcome in OUTCOMES]
            print(f"| {suite} | {engine} | {' | '.join(map(str, figures))} |")
    print(f"{perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
