"""A seeded sample of the ICDS paper's study as full Pyomo models, beside the closed forms that the whole study goes through."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from veridical import models, solvers
from veridical.data import AssemblerCase
from veridical.solvers.closed_form import assembler as closed
from veridical.solvers.closed_form.frw import frw
from veridical.studies.papers.assembler_study import SETS, many_suppliers, two_suppliers
from veridical.studies.papers.reproduction import Reproduction, Row

__all__ = ["agreement", "sample"]

SEED = 0
HIGHS = {2: 100, 4: 48, 6: 28, 8: 16, 10: 8}  # instances by number of suppliers
IPOPT = {2: 30, 4: 14, 6: 6}


def sample(n: int, count: int) -> list[AssemblerCase]:
    """Return that many instances with n suppliers, drawn without replacement from all of the study's with a fixed seed."""
    cases = [case for _, case in two_suppliers()] if n == 2 else [case for fixed in SETS for _, case in many_suppliers(n, fixed)]
    order = np.random.default_rng([SEED, n]).permutation(len(cases))
    return [cases[place] for place in order[:count]]


def difference(case: AssemblerCase, solver: str) -> float:
    """Return the largest relative difference of a model's profit from the closed form, over icds, hybrid and frw."""
    k = 3 if len(case.names) == 10 else len(case.names) // 2
    pairs: list[tuple[Any, Any]] = [
        (models.icds.build, closed.icds),
        (partial(models.hybrid.build, k=k), partial(closed.hybrid, k=k)),
        (models.frw.build, frw),
    ]
    form = solvers.preferred_form(case.demand.forms, solvers.configure(solver))
    profits = ((solvers.solve(build(case, form), solver).objective, formula(case).bound) for build, formula in pairs)
    return max(abs(float(profit / expected) - 1) for profit, expected in profits)


def agreement() -> Reproduction:
    """Return how far the full models are from the closed forms on the sample, by solver and number of suppliers."""
    rows = []
    for solver, sizes in (("highs", HIGHS), ("ipopt", IPOPT)):
        for n, count in sizes.items():
            worst = max(difference(case, solver) for case in sample(n, count))
            rows.append(Row(f"{solver}, {count} instances, n={n}: largest relative difference of icds, hybrid, frw", worst))
    return Reproduction.of("assembler-models", "Full models against closed forms, a seeded sample of the study", rows)
