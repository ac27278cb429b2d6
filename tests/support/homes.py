"""Parties at home in this process: the same case with and without its records, and the agents that keep them."""

from typing import Any

from veridical.data.joint_plan import JointPlanCase, coordinated
from veridical.solvers.consensus import Consensus
from veridical.solvers.consensus.home import HomeAgent


def agents_of(case: JointPlanCase, **settings: Any) -> dict[str, HomeAgent]:
    """Return an agent at home for each party of a case that has all records."""
    return {name: HomeAgent(case.part(name), **settings) for name in case.names}


def asking(case: JointPlanCase, options: dict[str, Any] | None = None, **settings: Any) -> Consensus:
    """Return a planner that asks agents at home."""
    return Consensus({"solver": "consensus", "options": options or {}}, agents=agents_of(case, **settings))


def without_records(case: JointPlanCase) -> JointPlanCase:
    """Return a case as its coordinator has it."""
    return coordinated(case)
