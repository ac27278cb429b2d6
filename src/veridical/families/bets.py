"""Menus that are truthful in expectation: bets no larger than they have to be, and what a bound on payments costs.

Among the menus that earn the optimum a solver returns any, and with it bets of any size. Where they are larger than all that
expected demand sells for, the same is asked for with bounds on payments, the tightest first. Bounds also make the model easy:
beside beliefs of 1e-11 a solver may find no proof without them, or call the model unbounded, which it cannot be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.data import CertificateError, InputError, NotSolvedError
from veridical.families.family import Task
from veridical.solvers import Solution, Termination
from veridical.solvers.certificate import ratio
from veridical.solvers.closed_form.assembler import first_best

__all__ = ["large_bets", "smallest_bets", "turnover", "within"]

BOUNDS = (1.0, 10.0, 100.0, 1000.0)  # on payments, as multiples of what expected demand sells for
SAME = 1e-9  # relative: profits that differ by less are the same
WRONG = (Termination.UNBOUNDED, Termination.INFEASIBLE_OR_UNBOUNDED, Termination.FAILED)

Solve = Callable[[Task], Solution]


def turnover(case: Any) -> float:
    """Return what expected demand sells for, and suppliers earn elsewhere, currency."""
    sold = sum(product.price * product.demand.expectation for product in case.products or (case,))
    return float(sold + sum(max(supplier.reservations) for supplier in case.suppliers))


def large_bets(task: Task, solution: Solution) -> tuple[str, ...]:
    """Return in words the largest payment, where it is above all that expected demand sells for; nothing where it is not."""
    menu, most = solution.contracts, turnover(task.case)
    i, *profile = np.unravel_index(int(np.abs(menu.payment).argmax()), menu.payment.shape)
    paid, units = float(menu.payment[(i, *profile)]), float(menu.quantity[(i, *profile)])
    if abs(paid) <= most:
        return ()
    who, where = menu.case.names[i], menu.case.in_words(profile)
    how = f"{who} {'is paid' if paid > 0 else 'pays'} {abs(paid):,.2f} for {units:,.2f} units at {where}"
    likely = f"which has a probability of {menu.case.probability[tuple(profile)]:.1e}"
    bound = "; max_payment bounds what is paid" if "max_payment" in task.mechanism.parameters else ""
    return (f"{how}, {likely}: more than the {most:,.2f} that expected demand sells for{bound}",)


def within(task: Task, solve: Solve) -> Solution:
    """Return the solution of a task by `solve`; with `max_payment`, also the profit without it and what the bound costs."""
    if task.parameters.get("max_payment") is None:
        return smallest_bets(task, solve)
    solution = solve(task)
    free = {name: value for name, value in task.parameters.items() if name != "max_payment"}
    try:
        profit = smallest_bets(replace(task, parameters=free), solve).objective
    except (CertificateError, NotSolvedError):
        return solution
    return replace(solution, without_max_payment={"profit": profit, "cost": max(profit - solution.objective, 0.0)})


def smallest_bets(task: Task, solve: Solve) -> Solution:
    """Return the optimum without a bound on payments, by the tightest of `BOUNDS` that does not lower the profit.

    What proves that it does not is the optimum without a bound; where there is none, the first best, which no menu exceeds that
    suppliers take part in. Where a bound may cost something and nothing else is proven, it stands among the parameters.
    """
    # Where nobody asks for the product there is no scale of payments, and no menu earns anything: the price stands for it.
    size = turnover(task.case) or max(product.price for product in task.case.products or (task.case,))
    began = perf_counter()
    error: Exception | None = None
    try:
        free = solve(task)
        if np.abs(free.contracts.payment).max() <= size:
            return free
        most, basis = free.bound, "without a bound on payments no menu earns more"
    except (CertificateError, NotSolvedError) as failure:
        if isinstance(failure, NotSolvedError) and failure.status not in WRONG:
            raise
        free, error = None, failure
        most, basis = _first_best(task), "no menu that suppliers take part in earns more than the first best"
    best: Solution | None = None
    for multiple in BOUNDS:
        try:
            bounded = solve(replace(task, parameters={**task.parameters, "max_payment": multiple * size}))
        except (CertificateError, NotSolvedError):
            continue
        if most - bounded.objective <= SAME * (abs(most) or size):
            gap = ratio(abs(most - bounded.objective), abs(bounded.objective))
            certificate = replace(bounded.certificate, gap=gap, basis=f"{bounded.certificate.basis}; {basis}")
            best = replace(bounded, parameters=task.parameters, bound=most, certificate=certificate)
            return _timed(best, began)
        if best is None or bounded.objective > best.objective:
            best = bounded
    if free is not None:
        return _timed(free, began)
    if best is None:
        assert error is not None
        raise error
    bound = best.parameters["max_payment"]
    words = f"payments are bounded by {bound:,.2f}, as nothing could be proven without a bound; the first best is {most:,.2f}"
    return _timed(replace(best, warnings=(words, *best.warnings)), began)


def _first_best(task: Task) -> float:
    """Return what no menu exceeds that suppliers take part in: by closed form, or by the model where there is none."""
    try:
        return float(first_best(task.case).bound)
    except InputError:  # several sources, rules of orders, random yields
        assert task.configuration is not None
        form = solvers.preferred_form(task.case.forms, task.configuration)
        return float(solvers.solve(models.first_best.build(task.case, form), task.configuration).bound)


def _timed(solution: Solution, began: float) -> Solution:
    """Return a solution whose seconds are those of all that were tried."""
    seconds = solution.solver.seconds
    others = perf_counter() - began - seconds.total
    return replace(solution, solver=replace(solution.solver, seconds=replace(seconds, solve=seconds.solve + max(others, 0.0))))
