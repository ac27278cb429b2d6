"""Closed forms: from a case straight to its optimal menu, without a model. Oracles of the models, and solvers for large cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from veridical.contracts.audit import audit
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase
from veridical.solvers.certificate import Certificate
from veridical.solvers.closed_form import assembler
from veridical.solvers.closed_form.allocation import Rationing
from veridical.solvers.closed_form.assembler import ClosedForm
from veridical.solvers.closed_form.continuous_rule import PROFILES, Continuous
from veridical.solvers.closed_form.fixed_price import Equilibrium
from veridical.solvers.configuration import Configuration
from veridical.solvers.solution import Seconds, Solution, SolutionStatus, SolverRecord

__all__ = ["SOLVE", "ClosedForm", "assembler"]

SAMPLED = 16  # costs a supplier at which the rule for continuous costs is shown, fewer where there are many suppliers
MISREPORTS = 500  # of every supplier, at random, in the audit for continuous costs
ERRORS = 4  # standard errors by which two ways of computing a profit may differ


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
    _plain(configuration)
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


def solve_continuous(
    case: ContinuousCase,
    mechanism: str,
    formula: Callable[..., Continuous],
    configuration: Configuration,
    version: str,
    points: int = SAMPLED,
    **parameters: Any,
) -> Solution:
    """Return the optimum for continuous costs, Proposition 4: `rule` says what is bought and paid at any costs.

    `contracts` shows it at `points` costs a supplier, or as many as 20,000 profiles allow. Profit is computed from virtual costs
    and again from payments; the gap is by how much more they differ than integration errs. The audit is of random misreports.
    """
    _plain(configuration)
    began = perf_counter()
    found = formula(case, **parameters)
    solved = perf_counter()
    while points > 1 and points ** len(case.names) > PROFILES:
        points -= 1
    integration = found.integration
    excess = abs(found.profit - found.profit_by_payments) - ERRORS * (integration.error + integration.payments_error)
    checked = replace(found.audit(MISREPORTS), expected_profit=found.profit)
    certificate = Certificate(
        primal_residual=0.0, dual_residual=0.0, complementarity=None, gap=max(0.0, excess) / max(1.0, abs(found.profit))
    )
    return Solution(
        objective=found.profit,
        bound=found.profit + integration.error,
        certificate=certificate,
        solver=SolverRecord("closed_form", version, {}, None, Seconds(0.0, 0.0, solved - began, perf_counter() - solved)),
        case=case.name,
        mechanism=mechanism,
        contracts=found.menu(points),
        audit=checked,
        rule=found,
    )


def solve_allocation(
    case: AllocationCase,
    mechanism: str,
    formula: Callable[..., Rationing | Equilibrium],
    configuration: Configuration,
    version: str,
    **parameters: Any,
) -> Solution:
    """Return an allocation by water-filling, or an equilibrium of orders, with its certificate."""
    _plain(configuration)
    began = perf_counter()
    found = formula(case, **parameters)
    solved = perf_counter()
    used = (found.profiles.counts * found.by_type).sum(axis=1)
    excess = float(np.maximum(used - found.capacity, 0.0).max()) / max(found.capacity, np.finfo(float).tiny)
    objective = bound = found.supplier_profit
    status = SolutionStatus.OPTIMAL
    if isinstance(found, Equilibrium):  # what is certified is that no retailer has a better order
        status = SolutionStatus.EQUILIBRIUM
        certificate = Certificate(excess, found.regret / max(found.scale, np.finfo(float).tiny), None, 0.0)
    else:  # (10)-(11) looked at again, and a bound that lambda proves
        bound = found.bound - found.capacity_paid
        certificate = Certificate(
            primal_residual=excess,
            dual_residual=found.residual,
            complementarity=float(found.probability @ (found.shadow_price * (found.capacity - used))) / max(1.0, abs(objective)),
            gap=abs(bound - objective) / max(1.0, abs(objective)),
        )
    checked = audit(found)
    return Solution(
        objective=objective,
        bound=bound,
        certificate=certificate,
        solver=SolverRecord("closed_form", version, {}, None, Seconds(0.0, 0.0, solved - began, perf_counter() - solved)),
        status=status,
        case=case.name,
        mechanism=mechanism,
        contracts=found,
        audit=checked,
    )


SOLVE: Mapping[type[Any], Callable[..., Solution]] = {
    AssemblerCase: solve,
    ContinuousCase: solve_continuous,
    AllocationCase: solve_allocation,
}


def _plain(configuration: Configuration) -> None:
    """Refuse options and forms: a closed form has none."""
    for name, value in configuration.options.items():
        raise configuration.refuse(f"options.{name}", value, "no options: a closed form has none")
    if configuration.form != "auto":
        raise configuration.refuse("form", configuration.form, "auto: a closed form needs no other")
