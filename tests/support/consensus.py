"""Consensus with options, and certificates that must be true."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.contracts.joint_plan.planner import Plan
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Consensus
from veridical.solvers.planners import Central

Array = NDArray[np.float64]
GAP = 1e-3  # of the savings: the default


def savings(case: JointPlanCase, start: Array, central: Plan) -> float:
    """Return what the central plan saves of the costs at the baseline."""
    return sum(Central().costs(case, start).values()) - central.objective


def savings_without(case: JointPlanCase, start: Array, objective: float, without: tuple[str, ...]) -> float:
    """Return what a plan without some parties saves of the costs of the others at the baseline."""
    return sum(cost for name, cost in Central().costs(case, start).items() if name not in without) - objective


def consensus(**options: Any) -> Consensus:
    """Return a planner by consensus with options."""
    return Consensus({"solver": "consensus", "options": options})


def certified(planned: Plan, optimum: float, saved: float, gap: float = GAP) -> None:
    """The certificate is true: bound <= optimum <= cost, and as close as it says."""
    small = 1e-7 * abs(optimum)  # what the central optimum itself is known to
    assert planned.bound - small <= optimum <= planned.objective + small
    assert planned.objective - planned.bound <= gap * saved * (1 + GAP) + small
