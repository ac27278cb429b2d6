"""Closed forms: from a case straight to its optimal menu, without a model. Oracles of the models, and solvers for large cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, singledispatch
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from veridical.contracts.audit import audit
from veridical.solvers.certificate import Certificate
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

    `formula` takes the case and the parameters; `outcome` knows what to make of its result. Raises InputError for options and
    forms, of which a closed form has none, and what the formula raises.
    """
    for name, value in configuration.options.items():
        raise configuration.error_for(f"options.{name}", value, "no options: a closed form has none")
    if configuration.form != "auto":
        raise configuration.error_for("form", configuration.form, "auto: a closed form needs no other")
    began = perf_counter()
    result = formula(case, **parameters)
    solved = perf_counter()
    fields = outcome(result)
    seconds = Seconds(0.0, 0.0, solved - began, perf_counter() - solved)
    record = SolverRecord("closed_form", version("veridical"), {}, None, seconds)
    return Solution(solver=record, case=case.name, mechanism=mechanism, **fields)


@singledispatch
def outcome(result: Any) -> dict[str, Any]:
    """Return the fields of a Solution that what a closed form returns decides: worth, bound, certificate, contracts, audit."""
    raise TypeError(f"no outcome is registered for {type(result).__name__}")


@outcome.register
def _(result: ClosedForm) -> dict[str, Any]:
    """The bound is what no quantities can exceed at the pooled virtual cost, so the gap is a proof of optimality."""
    objective = result.menu.expected_profit
    certificate = Certificate(
        primal_residual=max(0.0, -float(result.menu.quantity.min())),
        dual_residual=result.residual,
        complementarity=None,
        gap=_gap(objective, result.bound),
    )
    return {
        "objective": objective,
        "bound": result.bound,
        "certificate": certificate,
        "contracts": result.menu,
        "audit": audit(result.menu),
        "derivatives": partial(sensitivity, result.menu, result.cost_derivative),
    }


@outcome.register
def _(result: Continuous) -> dict[str, Any]:
    """Profit is computed from virtual costs and again from payments; the gap is how much more they differ than integration errs.

    `contracts` shows the rule at as many costs a supplier as it asks for, fewer where there are many suppliers. The audit is of
    random misreports.
    """
    points, integration = result.shown, result.integration
    while points > 1 and points ** len(result.case.names) > PROFILES:
        points -= 1
    excess = abs(result.profit - result.profit_by_payments) - ERRORS * (integration.error + integration.payments_error)
    return {
        "objective": result.profit,
        "bound": result.profit + integration.error,
        "certificate": Certificate(0.0, 0.0, None, max(0.0, excess) / max(1.0, abs(result.profit))),
        "contracts": result.menu(points),
        "audit": replace(result.audit(MISREPORTS), expected_profit=result.profit),
        "derivatives": lambda: _derivatives(price=result.expected_sales),
        "rule": result,
    }


@outcome.register
def _(result: Rationing) -> dict[str, Any]:
    """Conditions (10)-(11) are looked at again, and the bound is what lambda proves."""
    objective, bound = result.supplier_profit, result.bound - result.capacity_paid
    used = (result.profiles.counts * result.by_type).sum(axis=1)
    left = float(result.probability @ (result.shadow_price * (result.capacity - used)))
    certificate = Certificate(_excess(result), result.residual, left / max(1.0, abs(objective)), _gap(objective, bound))
    return {
        "objective": objective,
        "bound": bound,
        "certificate": certificate,
        "contracts": result,
        "audit": audit(result),
        "derivatives": lambda: _of_capacity(result),
    }


@outcome.register
def _(result: Equilibrium) -> dict[str, Any]:
    """What is certified is that no retailer has a better order."""
    objective = result.supplier_profit
    certificate = Certificate(_excess(result), result.regret / max(result.scale, np.finfo(float).tiny), None, 0.0)
    return {
        "objective": objective,
        "bound": objective,
        "certificate": certificate,
        "status": SolutionStatus.EQUILIBRIUM,
        "contracts": result,
        "audit": audit(result),
        "derivatives": lambda: _of_capacity(result),
    }


def _of_capacity(result: Rationing | Equilibrium) -> pd.Series:
    """Return the mean shadow price of a fixed capacity, or minus the units of one that is chosen."""
    if result.case.capacity_cost is not None:
        return _derivatives(capacity_cost=-result.capacity)
    return _derivatives(capacity=result.expected_shadow_price)


def _derivatives(**values: float) -> pd.Series:
    return pd.Series(values, dtype=float, name="sensitivity")


def _excess(result: Rationing | Equilibrium) -> float:
    """Return by how much, at worst, more is allotted than there is; relative."""
    used = (result.profiles.counts * result.by_type).sum(axis=1)
    return float(np.maximum(used - result.capacity, 0.0).max()) / max(result.capacity, np.finfo(float).tiny)


def _gap(objective: float, bound: float) -> float:
    return abs(bound - objective) / max(1.0, abs(objective))
