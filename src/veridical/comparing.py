"""Mechanisms side by side: a case solved under several, a row each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from veridical import solvers
from veridical.contracts import AllocationAudit, Allotment, Menu
from veridical.contracts.joint_plan.audit import JointPlanAudit
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase, InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.data.load import Case
from veridical.mechanisms import find, fitting
from veridical.solvers import Configuration, Solution
from veridical.solving import solve

__all__ = ["compare"]

TRUTHFUL = {"always": "dominant_strategy_ic", "in expectation": "bayesian_ic"}


def compare(
    case: Case,
    mechanisms: Iterable[str] | None = None,
    solver: str | Path | Mapping[str, Any] | Configuration | None = None,
    **parameters: Any,
) -> pd.DataFrame:
    """Solve a case under several mechanisms, all that fit case and solver where none are named; one row each.

    `parameters` go to the mechanisms that have them (`k=3` to `hybrid`). Columns: parameters, profit, for an assembler
    share_of_first_best, expected_rents (all suppliers together), max_regret and min_rent (in expectation for `bic`), balanced;
    for a supplier capacity, chain_profit, penalty (share of the chain's profit that is lost against full information),
    supplier_share, max_regret and min_profit of retailers; for a joint plan, whose profit is its cost, savings, savings_share (of
    the baseline's cost), budget, residual (what is left to the receivers, who operate the mechanism), max_regret and min_net_gain
    of suppliers; truthful (`always`, `in expectation`, `no`), seconds. Where none are named, a mechanism without an optimum or an
    equilibrium is left out with a warning; a named one raises NotSolvedError.
    """
    find(case, None)  # a case of a kind that has mechanisms
    direct = solver is not None and solvers.configure(solver).solver == "closed_form"
    names = list(mechanisms or (name for name, each in fitting(case).items() if each.closed_form or not direct))
    allowed = {name for each in names for name in find(case, each).parameters}
    for name, value in parameters.items():
        if name not in allowed:
            raise InputError.of(name, value, f"one of {', '.join(sorted(allowed)) or 'no parameters'}")
    best = solve(case, "first_best", solver).objective if "first_best" in fitting(case) else float("nan")
    rows = {}
    for name in names:
        own = {key: value for key, value in parameters.items() if key in find(case, name).parameters}
        try:
            solution = solve(case, name, solver, **own)
        except NotSolvedError as error:
            if mechanisms is not None:
                raise
            warnings.warn(f"{name} is left out: {error}", stacklevel=2)
            continue
        checked = solution.audit
        assert checked is not None
        truthful = (word for word, kind in TRUTHFUL.items() if kind in checked.properties and checked.properties[kind].holds)
        rows[name] = {
            "parameters": ", ".join(f"{key}={value}" for key, value in solution.parameters.items()),
            "profit": solution.objective,
            **COLUMNS[type(case)](solution, best),
            "truthful": next(truthful, "no"),
            "seconds": solution.solver.seconds.total,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("mechanism")


def of_menu(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison of assembler contracts."""
    menu, checked = solution.contracts, solution.audit
    assert checked is not None
    rents = float("nan")
    if isinstance(menu, Menu) and solution.rule is None:
        rents = sum(float((menu.case.probability * menu.rent(i)).sum()) for i in range(len(menu.case.names)))
    return {
        "share_of_first_best": solution.objective / best if best > 0 else float("nan"),
        "expected_rents": rents,
        "max_regret": checked.max_regret,
        "min_rent": checked.min_rent,
        "balanced": checked.balanced,
    }


def of_allotment(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison of allocations."""
    allotment, checked, benchmark = solution.contracts, solution.audit, solution.benchmark
    assert isinstance(allotment, Allotment)
    assert isinstance(checked, AllocationAudit)
    assert benchmark is not None
    most = benchmark["profit"]
    return {
        "capacity": allotment.capacity,
        "chain_profit": allotment.chain_profit,
        "penalty": (most - allotment.chain_profit) / most if most else float("nan"),
        "supplier_share": allotment.supplier_share,
        "max_regret": checked.max_regret,
        "min_profit": checked.min_profit,
    }


def of_settlement(solution: Solution, best: float) -> dict[str, Any]:
    """Return the columns of a comparison of mechanisms for a joint plan."""
    settlement, checked = solution.contracts, solution.audit
    assert isinstance(settlement, Settlement)
    assert isinstance(checked, JointPlanAudit)
    return {
        "savings": settlement.savings,
        "savings_share": settlement.savings / settlement.baseline_cost,
        "budget": settlement.budget,
        "residual": settlement.residual,
        "max_regret": checked.max_regret,
        "min_net_gain": checked.min_net_gain,
    }


COLUMNS: Mapping[type[Any], Callable[[Solution, float], dict[str, Any]]] = {
    AssemblerCase: of_menu,
    ContinuousCase: of_menu,
    AllocationCase: of_allotment,
    JointPlanCase: of_settlement,
}
