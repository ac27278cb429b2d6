"""Central planners: everybody's record is handed to one model."""

from typing import Any

from veridical.contracts.joint_plan import transfers
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, Planner
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.planners.central import Central, cost_at, costs_at, joint, just_in_time

__all__ = ["Central", "Plan", "cost_at", "costs_at", "joint", "just_in_time", "settle"]


def settle(case: JointPlanCase, mechanism: str = "vcg", planner: Planner | None = None, **parameters: Any) -> Settlement:
    """Return what a mechanism makes of a case: the plan, and who is paid what.

    Parameters
    ----------
    case
        The reports.
    mechanism
        A name of `transfers.MECHANISMS`.
    planner
        Who plans; None: `Central`, by HiGHS.
    **parameters
        Of the mechanism; see `transfers.settle`.

    Returns
    -------
    Settlement
        Costs, transfers, fees and net gains by party.

    Raises
    ------
    InputError
        For a mechanism or a parameter that there is not.

    Examples
    --------
    >>> from veridical.data import example
    >>> settle(example("carriers"), pivot="baseline", activity_fee=0.0).to_frame().transfer.round(-1)["Alder"]
    np.float64(19970.0)
    """
    return transfers.settle(case, mechanism, CachingPlanner(Central()) if planner is None else planner, **parameters)
