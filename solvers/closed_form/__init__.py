"""Closed forms: from a case straight to its optimal menu, without a model. Oracles of the models, and solvers for large cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, singledispatch
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np

from veridical.contracts.allotment import wanted
from veridical.contracts.audit import audit
from veridical.data.lazy import pd
from veridical.solvers.certificate import CANCELLED, Certificate, ratio
from veridical.solvers.closed_form import assembler
from veridical.solvers.closed_form.allocation import Rationing
from veridical.solvers.closed_form.assembler import ClosedForm
from veridical.solvers.closed_form.continuous_rule import PROFILES, Continuous
from veridical.solvers.closed_form.fixed_price import Equilibrium
from veridical.solvers.closed_form.sensitivity import sensitivity
from veridical.solvers.configuration import Configuration
from veridical.solvers.solution import Seconds, Solution, SolutionStatus, SolverRecord

__all__ = ["ClosedForm", "assembler", "outcome", "solve"]

MISREPORTS = 500  # of every supplier, at random, in the audit for continuous costs
ERRORS = 4  # standard errors by which two ways of computing a profit may differ


def solve(case: Any, mechanism: str, formula: Callable[..., Any], configuration: Configuration, **parameters: Any) -> Solution:
    """Return the solution that a closed form gives, with its certificate, not yet checked; there are no duals.

    Parameters
    ----------
    case
        The case.
    mechanism
        The name of the mechanism, for the record.
    formula
        Takes the case and the parameters; `outcome` makes a Solution of its result.
    configuration
        Of the solver `closed_form`.
    **parameters
        Of the mechanism.

    Returns
    -------
    Solution
        Contracts, profit, bound and certificate.

    Raises
    ------
    InputError
        For options and forms, of which a closed form has none; and what the formula raises.

    Examples
    --------
    >>> from veridical.data import example
    >>> from veridical.solvers.configuration import configure
    >>> round(solve(example("two-suppliers"), "icds", assembler.icds, configure("closed_form")).objective)
    6965
    """
    for name, value in configuration.options.items():
        raise configuration.error_for(f"options.{name}", value, "no options: a closed form has none")
    if configuration.form != "auto":
        raise configuration.error_for("form", configuration.form, "auto: a closed form needs no other")
    if configuration.starts > 1:
        raise configuration.error_for("starts", configuration.starts, "1: a closed form starts nowhere")
    began = perf_counter()
    result = formula(case, **parameters)
    solved = perf_counter()
    solution = outcome(result, SolverRecord("closed_form", version("veridical"), {}, None, Seconds()))
    seconds = Seconds(solve=solved - began, certify=perf_counter() - solved)
    return replace(solution, solver=replace(solution.solver, seconds=seconds), case=case.name, mechanism=mechanism)


@singledispatch
def outcome(result: Any, solver: SolverRecord) -> Solution:
    """Return the Solution that the result of a closed form stands for; each type of result registers its own.

    Parameters
    ----------
    result
        What the closed form returns: ClosedForm, Continuous, Rationing or Equilibrium.
    solver
        The record of the solver, as it is to stand in the solution.

    Returns
    -------
    Solution
        Profit, bound, certificate, contracts and audit.

    Raises
    ------
    TypeError
        For a type of result that is not registered.

    Examples
    --------
    >>> from veridical.data import example
    >>> record = SolverRecord("closed_form", "1.0", {}, None, Seconds())
    >>> outcome(assembler.first_best(example("two-suppliers")), record).certificate.gap
    0.0
    """
    raise TypeError(f"no outcome is registered for {type(result).__name__}")


@outcome.register
def _(result: ClosedForm, solver: SolverRecord) -> Solution:
    """The bound is what no quantities can exceed at the pooled virtual cost, so the gap is a proof of optimality."""
    menu, objective = result.menu, result.menu.expected_profit
    certificate = Certificate(max(0.0, -float(menu.quantity.min())), result.residual, None, _gap(objective, result.bound))
    derivatives = partial(sensitivity, menu, result.cost_derivative, result.deliverable_worth)
    return Solution(objective, result.bound, certificate, solver, contracts=menu, audit=audit(menu), derivatives=derivatives)


@outcome.register
def _(result: Continuous, solver: SolverRecord) -> Solution:
    """Profit is computed from virtual costs and again from payments; the gap is how much more they differ than integration errs.

    `contracts` shows the rule at as many costs a supplier as it asks for, fewer where there are many suppliers. The audit is of
    random misreports.
    """
    points, integration = result.shown, result.integration
    while points > 1 and points ** len(result.case.names) > PROFILES:
        points -= 1
    excess = abs(result.profit - result.profit_by_payments) - ERRORS * (integration.error + integration.payments_error)
    certificate = Certificate(0.0, 0.0, None, ratio(max(0.0, excess), abs(result.profit)))
    bound, menu = result.profit + integration.error, result.menu(points)
    sampled = replace(result.audit(MISREPORTS), expected_profit=result.profit)
    sold, made = result.expected_sales, result.expected_units
    by_key = {"salvage": made - sold, "shortage_penalty": sold - result.case.demand.expectation, "assembly_cost": -sold}
    derivatives = partial(_derivatives, price=sold, **{name: by_key[name] for name in result.case.terms})
    return Solution(
        result.profit, bound, certificate, solver, contracts=menu, audit=sampled, derivatives=derivatives, rule=result
    )


@outcome.register
def _(result: Rationing, solver: SolverRecord) -> Solution:
    """Conditions (10)-(11) are checked once more, and the bound is what lambda proves."""
    objective, bound = result.supplier_profit, result.bound - result.left - result.capacity_paid
    unused = float(result.probability @ (result.shadow_price * (result.capacity - result.allotted)))
    # Where revenue and the cost of capacity cancel: by a millionth of the cost; where nothing is bought, by the rounding of what
    # the least of the retailers would earn by all that he wants.
    earning = [amount for group in result.case.retailers for amount in wanted(group)[1].ravel().tolist() if amount > 0]
    size = max(abs(objective), CANCELLED * result.capacity_paid, np.finfo(float).eps * min(earning, default=0.0))
    gap = ratio(abs(bound - objective), size)
    certificate = Certificate(_excess(result), result.residual, ratio(unused, size), gap)
    derivatives = partial(_of_capacity, result)
    return Solution(objective, bound, certificate, solver, contracts=result, audit=audit(result), derivatives=derivatives)


@outcome.register
def _(result: Equilibrium, solver: SolverRecord) -> Solution:
    """What is certified is that no retailer has a better order."""
    profit, status = result.supplier_profit, SolutionStatus.EQUILIBRIUM
    certificate = Certificate(_excess(result), result.regret / max(result.scale, np.finfo(float).tiny), None, 0.0)
    derivatives = partial(_of_capacity, result)
    return Solution(profit, profit, certificate, solver, status, contracts=result, audit=audit(result), derivatives=derivatives)


def _of_capacity(result: Rationing | Equilibrium) -> pd.Series:
    """Return the mean shadow price of a fixed capacity, or minus the units of one that is chosen; and of retailers' keys."""
    chosen = result.case.capacity_cost is not None
    found = {"capacity_cost": -result.capacity} if chosen else {"capacity": result.expected_shadow_price}
    if isinstance(result, Rationing):
        for g, (name, group) in enumerate(zip(result.case.names, result.case.retailers, strict=True)):
            if group.capacity is not None:
                found[f"capacity {name}"] = result.capacity_prices[g]
            if group.reservations.any():  # all are left what the lowest type earns elsewhere, unless types are known
                each = -group.count * (np.eye(len(group.theta))[0] if result.rent else group.probability)
                tokens = result.case.reservation_tokens(g)
                values = each.tolist() if isinstance(group.reservation_profit, tuple) else [float(each.sum())]
                found |= {f"reservation_profit {token}": value for token, value in zip(tokens, values, strict=True)}
    return _derivatives(**found)


def _derivatives(**values: float) -> pd.Series:
    return pd.Series(values, dtype=float, name="sensitivity")


def _excess(result: Rationing | Equilibrium) -> float:
    """Return by how much, at worst, more is allotted than there is; relative."""
    return float(np.maximum(result.allotted - result.capacity, 0.0).max()) / max(result.capacity, np.finfo(float).tiny)


def _gap(objective: float, bound: float) -> float:
    return ratio(abs(bound - objective), abs(objective))
