"""Closed forms: from a case straight to its optimal menu, without a model. Oracles of the models, and solvers for large cases."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from veridical.data import AssemblerCase
from veridical.solvers.audit import audit
from veridical.solvers.certificate import Certificate
from veridical.solvers.closed_form import assembler
from veridical.solvers.closed_form.assembler import ClosedForm
from veridical.solvers.configuration import Configuration
from veridical.solvers.solution import Seconds, Solution, SolverRecord

__all__ = ["ClosedForm", "assembler", "frw", "solve"]


def solve(
    case: AssemblerCase,
    mechanism: str,
    formula: Callable[..., ClosedForm],
    configuration: Configuration,
    version: str,
    **parameters: Any,
) -> Solution:
    """Return the solution that a closed form gives, with its certificate; there are no duals.

    The bound is what no quantities can exceed at the pooled virtual cost, so the gap is a proof of optimality.
    """
    for name, value in configuration.options.items():
        raise configuration.refuse(f"options.{name}", value, "no options: a closed form has none")
    if configuration.form != "auto":
        raise configuration.refuse("form", configuration.form, "auto: a closed form needs no other")
    began = perf_counter()
    closed = formula(case, **parameters)
    objective = closed.menu.expected_profit
    solved = perf_counter()
    certificate = Certificate(
        primal_residual=max(0.0, -float(closed.menu.quantity.min())),
        dual_residual=closed.residual,
        complementarity=None,
        gap=abs(closed.bound - objective) / max(1.0, abs(objective)),
    )
    checked = audit(closed.menu)
    return Solution(
        objective=objective,
        bound=closed.bound,
        certificate=certificate,
        solver=SolverRecord(
            name="closed_form",
            version=version,
            options={},
            form=None,
            seconds=Seconds(0.0, 0.0, solved - began, perf_counter() - solved),
        ),
        case=case.name,
        mechanism=mechanism,
        contracts=closed.menu,
        audit=checked,
    )
