"""Menus of an assembler in whole steps of money and units, where the case says so: what is lost, and who cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from veridical import contracts
from veridical.contracts.rounding import rounded
from veridical.data import InputError
from veridical.data.assembler import ENUMERATED
from veridical.data.measures import ROUNDING
from veridical.families.family import Task
from veridical.solvers import Solution
from veridical.solvers.certificate import ratio

__all__ = ["ROUNDED", "in_steps", "refuse"]

ROUNDED = ("objective", "contracts", "audit", "certificate", "rounding")  # fields of a solution that rounding changes


def refuse(task: Task) -> None:
    """Raise InputError where a mechanism's menu has no rounding that keeps what it promises, or does not list every supplier."""
    case, parameters = task.case, task.parameters
    if case.round_money is None:
        return
    promises = task.mechanism.promises(case=case, **parameters)
    allowed = None
    if "bayesian_ic" in promises:
        allowed = (
            f"none for `{task.mechanism.name}`, whose bets hold in expectation under the exact prior: mechanism icds is rounded"
        )
    elif "coalition_ic_with_side_payments" in promises:
        allowed = "none beside coalitions = true: the least payments on a grid are truthful one by one"
    elif "balanced" in promises and case.products is not None:
        allowed = "none for balanced orders of several products, whose parts rarely come in whole steps together: mechanism icds"
    elif task.mechanism.name == "hybrid" and task.route.name == "closed_form" and case.profiles > ENUMERATED:
        allowed = f"none above {ENUMERATED:,} profiles, where the menu names some suppliers together"
    if allowed is not None:
        raise InputError.of(ROUNDING[0], case.round_money, allowed, case.name)


def in_steps(task: Task, solution: Solution) -> Solution:
    """Return a solution with the rounded menu in the place of the optimal one, where the case asks for that.

    `objective` is then what the rounded menu earns; `bound`, duals and sensitivities stay those of the optimum before rounding,
    and the gap of the certificate is between the two. `rounding`: `money` and `units`, the steps; `loss` of expected profit
    against `profit_before`; `model_gap`, that of what was solved.
    """
    case = task.case
    if case.round_money is None:
        return solution
    promises = task.mechanism.promises(case=case, **task.parameters)
    menu = rounded(solution.contracts, balanced="balanced" in promises, truthful="dominant_strategy_ic" in promises)
    profit = menu.expected_profit
    gap = ratio(abs(solution.bound - profit), abs(profit) or abs(solution.bound))
    rounding: dict[str, Any] = {
        "money": case.round_money,
        "units": case.round_units,
        "loss": solution.objective - profit,
        "profit_before": solution.objective,
        "model_gap": solution.certificate.gap,
    }
    return replace(
        solution,
        objective=profit,
        contracts=menu,
        audit=contracts.audit(menu),
        certificate=replace(solution.certificate, gap=gap),
        rounding=rounding,
    )
