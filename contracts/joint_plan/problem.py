"""What a mechanism is given, and what it decides: the seam between `settle` and the rules of `transfers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from veridical.contracts.joint_plan.attendance import Attendance
from veridical.contracts.joint_plan.planner import Plan
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.data.progress import counted

if TYPE_CHECKING:
    from veridical.contracts.joint_plan.core import Core
    from veridical.contracts.joint_plan.redistribution import Rebate

__all__ = ["MechanismOutcome", "ReportedProblem"]


@dataclass(frozen=True)
class MechanismOutcome:
    """What a mechanism decides. Transfers and fees by party, nothing where a party has none; the rest as in `Settlement`."""

    plan: Plan
    transfers: Mapping[str, float]
    fees: Mapping[str, float]
    excess: float | None = None
    core: Core | None = None
    rebates: Mapping[str, Rebate] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportedProblem:
    """What every mechanism starts from: the reports, who plans, the baseline, and what it costs each party.

    `paid`: who is to be paid, of those who are there; all, but for a search among one's misreports.
    """

    case: JointPlanCase
    planner: Attendance
    start: Array
    before: Mapping[str, float]
    committed: JointPlanCase
    paid: tuple[str, ...]

    @classmethod
    def of(
        cls, case: JointPlanCase, planner: Attendance, start: Array, committed: JointPlanCase, paid: tuple[str, ...]
    ) -> ReportedProblem:
        """Return the problem, with the baseline `start` priced by the planner."""
        there = tuple(name for name in paid if name not in planner.lost)
        return cls(case, planner, start, planner.costs(case, start), committed, there)

    @property
    def suppliers(self) -> tuple[str, ...]:
        """The suppliers who are there."""
        return tuple(name for name in self.case.suppliers if name not in self.planner.lost)

    def plan(self, non_participants: tuple[str, ...] = (), activity_fee: float = 0.0) -> Plan:
        """Return the plan at least cost of the parties that take part."""
        return self.planner.plan(self.case, self.start, non_participants, activity_fee)

    def plans(self, absences: Mapping[str, Sequence[tuple[str, ...]]], activity_fee: float = 0.0) -> list[list[Plan]]:
        """Return such plans, one for each tuple of parties that do not take part, by words for them; all asked for at once."""
        asked = [absent for some in absences.values() for absent in some]
        with closing(self.planner.plan_each(self.case, self.start, asked, activity_fee)) as plans:
            return [[next(plans) for _ in counted(label, some)] for label, some in absences.items()]
