"""Steps that routes of several kinds share: by a Pyomo model, by a formula, and what points that stand for a range are worth."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import Any

from veridical import models, solvers
from veridical.data import VeridicalError
from veridical.data.progress import step
from veridical.families.family import Route, Task
from veridical.solvers import Solution, SolutionStatus, closed_form
from veridical.solvers.certificate import ratio

__all__ = ["approximated", "by_formula", "by_model", "routes_of"]

More = Callable[[Solution], dict[str, Any]]
Solve = Callable[[Task], Solution]


def routes_of(
    name: str, model: Solve, formula: Callable[..., Any] | None = None, direct: Solve | None = None
) -> tuple[Route, ...]:
    """Return the routes of the mechanism whose model has the same name: by the model, and by a closed form where it has one."""
    by_build = Route("model", model, getattr(models, name).build)
    return (by_build,) if formula is None else (by_build, Route("closed_form", direct or by_formula, formula, "closed_form"))


def by_model(task: Task, form: str, more: More = lambda solution: {}) -> Solution:
    """Return the solution of the Pyomo model that the route's way builds; `more` says further fields of it."""
    assert task.route.way is not None
    assert task.configuration is not None
    if task.kept is not None:
        with suppress(VeridicalError):  # a whole solve says what is wrong, or does better
            kept = task.kept.solve(task.route.way, task.case, form, task.configuration, task.parameters)
            if kept is not None:
                return task.finish(kept, **more(kept))
    began = perf_counter()
    with step(f"build {task.mechanism.name}"):
        model = task.route.way(task.case, form=form, **task.parameters)
    built = perf_counter() - began
    solution = solvers.solve(model, task.configuration, check=False)
    record = replace(solution.solver, seconds=replace(solution.solver.seconds, build=built))
    return task.finish(solution, solver=record, **more(solution))


def by_formula(task: Task, more: More = lambda solution: {}) -> Solution:
    """Return the solution that the route's way computes without a model; `more` says further fields of it."""
    assert task.route.way is not None
    assert task.configuration is not None
    with step(f"solve {task.mechanism.name} in closed form"):
        solution = closed_form.solve(task.case, task.mechanism.name, task.route.way, task.configuration, **task.parameters)
    return task.finish(solution, **more(solution))


def approximated(
    solution: Solution, points: int, exact: float | None = None, finer: tuple[int, float] | None = None
) -> dict[str, Any]:
    """Return the fields that say how far a solution on points is from the range that they stand for.

    exact: the optimum over the range, where it is known: the bound then, and the gap is to it. finer: points, and the optimum on
    those. Where nothing is proved of the range, there is no bound.
    """
    reference = finer[1] if exact is None and finer is not None else exact
    approximation: dict[str, Any] = {"points": points, "exact": exact}
    if exact is None:
        approximation |= {"finer": None if finer is None else finer[1], "finer_points": None if finer is None else finer[0]}
    approximation["error"] = None if reference is None else ratio(reference - solution.objective, abs(reference))
    approximation["model_gap"] = solution.certificate.gap
    bound = float("nan") if exact is None else exact
    gap = ratio(abs(bound - solution.objective), abs(solution.objective) or abs(bound))
    certificate = replace(solution.certificate, gap=gap, proves="feasible" if exact is None else "global")
    status = SolutionStatus.FEASIBLE if exact is None and solution.status is SolutionStatus.OPTIMAL else solution.status
    return {
        "approximation": approximation,
        "bound": bound,
        "status": status,
        "certificate": certificate,
    }
