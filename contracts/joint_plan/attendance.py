"""Who is still there: a planner under whom a party that is lost is lost in every plan, and in none of them in secret.

Transfers are differences between plans. Were a party at the baseline in one of them and at work in another, the difference would
be paid to somebody else. So a loss ends whatever was being decided (`PartyLostError`), and who decides begins anew without the
party: it stays at the baseline in every plan, and is asked nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from veridical.contracts.joint_plan.planner import Plan, Planner, core_gains, fixed_parties, plan_each
from veridical.data import InputError, NotSolvedError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase

__all__ = ["Attendance", "PartyLostError", "SilentError"]


class SilentError(NotSolvedError):
    """Parties that do not answer what has to be answered; `names` are theirs."""

    def __init__(self, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message, "failed")
        self.names = names


class PartyLostError(Exception):
    """A plan on the way to which parties were lost."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(", ".join(plan.lost))
        self.plan = plan


@dataclass(frozen=True)
class Attendance:
    """Another planner, for those who are still there; `lost`: the others, and what the baseline costs each of them, currency."""

    planner: Planner
    lost: Mapping[str, float] = field(default_factory=dict)

    @property
    def fixed(self) -> Collection[str]:
        """Who answers by something else than the record in a case."""
        return fixed_parties(self.planner)

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        return self.planner.baseline(case)

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least: who is lost stays at the baseline, whatever is planned."""
        wanted = case.names if names is None else names
        asked = self.planner.costs(case, plan, [name for name in wanted if name not in self.lost])
        return {name: self.lost[name] if name in self.lost else asked[name] for name in wanted}

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the plan at least cost of those who take part and are there; raise PartyLostError where more are lost.

        Raises InputError for a planner that loses only who stays at the baseline already, or who is no party: to begin anew
        without these would be to ask for the same plan again, without end.
        """
        return self._there(case, self.planner.plan(case, baseline, self._absent(non_participants), activity_fee))

    def plan_each(
        self, case: JointPlanCase, baseline: Array, absences: Sequence[tuple[str, ...]], activity_fee: float = 0.0
    ) -> Generator[Plan, None, None]:
        """Yield such plans, one for each tuple of parties that do not take part."""
        for plan in plan_each(self.planner, case, baseline, [self._absent(absent) for absent in absences], activity_fee):
            yield self._there(case, plan)

    def core_gains(self, clarke: Mapping[str, float], limits: Mapping[tuple[str, ...], float], point: str) -> dict[str, float]:
        """Return gains nearest to Clarke's within limits."""
        return core_gains(self.planner, clarke, limits, point)

    def _absent(self, non_participants: Collection[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.lost, *non_participants)))

    def _there(self, case: JointPlanCase, plan: Plan) -> Plan:
        if not plan.lost:
            return replace(plan, costs={**plan.costs, **self.lost})
        further = set(plan.lost) - set(self.lost)
        if not further or not further <= set(case.names):
            there = ", ".join(name for name in case.names if name not in self.lost)
            allowed = f"plans that lose nobody, or who is still there: {there}"
            raise InputError.of("planner", f"<a plan that lost {', '.join(plan.lost)}>", allowed, case.name)
        raise PartyLostError(plan)
