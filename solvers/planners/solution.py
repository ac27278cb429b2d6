"""From a case and a mechanism to a certified solution: the plan, its settlement and the audit of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from veridical.contracts.joint_plan import transfers
from veridical.contracts.joint_plan.audit import MISREPORTS, examine
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.configuration import Configuration
from veridical.solvers.planners.central import Central
from veridical.solvers.solution import Solution

__all__ = ["settle", "solve"]


def settle(case: JointPlanCase, mechanism: str = "vcg", planner: Planner | None = None, **parameters: Any) -> Settlement:
    """Return what a mechanism makes of a case, by central plans where no planner is given; see `transfers.settle`."""
    return transfers.settle(case, mechanism, CachingPlanner(Central()) if planner is None else planner, **parameters)


def solve(
    case: JointPlanCase,
    mechanism: str = "vcg",
    configuration: str | Path | Mapping[str, Any] | Configuration | None = None,
    *,
    planner: Planner | None = None,
    misreports: int = MISREPORTS,
    seed: int = 0,
    **parameters: Any,
) -> Solution:
    """Return the solution of a case under a mechanism: contracts are the settlement, the objective is the cost of the plan.

    The bound is that of what the plan minimises, less the fees that are in it, so that objective - bound is how far the plan may
    be from the best. The time of the counterfactual plans counts as solving; that of the audit does not count.

    Parameters
    ----------
    case, mechanism, parameters
        As for `settle`.
    configuration
        Of the solver of the central models; another `planner` takes its place.
    misreports, seed
        How many misreports the audit tries, and what they are drawn by.

    Raises
    ------
    InputError
        For input that cannot be used; and what the planner raises.
    """
    planner = CachingPlanner(Central(configuration) if planner is None else planner)
    began = perf_counter()
    settlement = settle(case, mechanism, planner, **parameters)
    passed = perf_counter() - began
    plan = settlement.certified_plan
    assert plan is not None
    seconds = plan.solution.solver.seconds
    counted = passed - seconds.build - seconds.translate - seconds.certify
    return Solution(
        objective=settlement.plan_cost,
        bound=settlement.plan_cost - (plan.objective - plan.bound),
        certificate=plan.solution.certificate,
        solver=replace(plan.solution.solver, seconds=replace(seconds, solve=counted)),
        duals=plan.duals,
        case=case.name,
        mechanism=mechanism,
        parameters=settlement.parameters,
        contracts=settlement,
        audit=examine(settlement, planner=planner, misreports=misreports, seed=seed),
    )
