"""From a case and a mechanism to a certified solution: the plan, its settlement and the audit of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from veridical.contracts.joint_plan import transfers
from veridical.contracts.joint_plan.audit import MISREPORTS, examine
from veridical.contracts.joint_plan.caching import Remembered
from veridical.contracts.joint_plan.planner import Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.contracts.joint_plan.transfers import decide
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.configuration import Configuration
from veridical.solvers.planners.central import Central
from veridical.solvers.solution import Solution

__all__ = ["settle", "solve"]


def settle(case: JointPlanCase, mechanism: str = "vcg", planner: Planner | None = None, **parameters: Any) -> Settlement:
    """Return what a mechanism makes of a case, by central plans where no planner is given; see `transfers.settle`."""
    return transfers.settle(case, mechanism, Remembered(Central()) if planner is None else planner, **parameters)


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

    `configuration`: of the solver of the central models; another `planner` takes its place. `misreports`, `seed`: of the audit.
    `parameters`: the mechanism's, in place of the case's. The bound is that of what the plan minimises, less the fees that
    are in it, so that objective - bound is how far the plan may be from the best. The time of the counterfactual plans counts as
    solving; that of the audit does not count.
    Raises InputError for input that cannot be used, and what the planner raises.
    """
    planner = Remembered(Central(configuration) if planner is None else planner)
    began = perf_counter()
    settlement, planned = decide(case, mechanism, planner, **parameters)
    passed = perf_counter() - began
    seconds = planned.solver.seconds
    rest = passed - seconds.build - seconds.translate - seconds.certify
    return Solution(
        objective=settlement.plan_cost,
        bound=settlement.plan_cost - (planned.objective - planned.bound),
        certificate=planned.certificate,
        solver=replace(planned.solver, seconds=replace(seconds, solve=rest)),
        duals=planned.duals,
        case=case.name,
        mechanism=mechanism,
        parameters=settlement.parameters,
        contracts=settlement,
        audit=examine(settlement, planner=planner, misreports=misreports, seed=seed),
    )
