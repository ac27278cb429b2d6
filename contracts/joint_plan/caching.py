"""A planner with a cache: what does not depend on a report is computed once, however many reports are tried.

A party's cost depends on its own record and its share of the plan; the baseline on the receivers' records; the plan "without i"
on the others' records and on i's share of the baseline. So of the solves behind a misreport's transfers only those with
the misreport in them are new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Hashable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from veridical.contracts.joint_plan.planner import Plan, Planner, core_gains, fixed_parties, offering, plan_each
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase

__all__ = ["CachingPlanner"]


FLOWS = 300_000  # in all plans that are kept, as duals come with each
FEWEST = 8  # plans that are kept however large they are


class CachingPlanner:
    """Another planner, whose latest answers are kept."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self._kept: dict[str, dict[Hashable, Any]] = {"baseline": {}, "cost": {}, "plan": {}}

    @property
    def fixed(self) -> Collection[str]:
        """Who answers by something else than the record in a case."""
        return fixed_parties(self.planner)

    def offering(self, case: JointPlanCase) -> Collection[str]:
        """Return whose agents answer by misreports of their own, of those whose records are at home."""
        return offering(self.planner, case)

    def baseline(self, case: JointPlanCase) -> Array:
        """Return the receivers' own plan."""
        records = tuple(case.party(name) for name in case.receivers)
        key = (records, case.shared, case.mechanism.tie_break)
        plan: Array = self._cached(case, "baseline", key, lambda: self.planner.baseline(case))
        return plan

    def costs(self, case: JointPlanCase, plan: Array, names: Collection[str] | None = None) -> dict[str, float]:
        """Return what a plan costs each party at least; of `names` alone where some are given."""
        keys = {name: self._cost_key(case, plan, name) for name in (case.names if names is None else names)}
        kept = self._kept["cost"]
        known = {name: kept.pop(key) for name, key in keys.items() if key in kept}
        missing = [name for name in keys if name not in known]
        costs = {**known, **(self.planner.costs(case, plan, missing) if missing else {})}
        return {name: self._keep(case, "cost", key, costs[name]) for name, key in keys.items()}

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        """Return the plan at least cost of the parties that take part."""
        key = self._plan_key(case, baseline, non_participants, activity_fee)
        alone = partial(self.planner.plan, case, baseline, non_participants, activity_fee)
        return self._planned(case, key, non_participants, alone)

    def plan_each(
        self, case: JointPlanCase, baseline: Array, absences: Sequence[tuple[str, ...]], activity_fee: float = 0.0
    ) -> Generator[Plan, None, None]:
        """Yield such plans, one for each tuple of parties that do not take part; all that are not kept are asked for at once."""
        keys = [self._plan_key(case, baseline, absent, activity_fee) for absent in absences]
        missing = {key: absent for key, absent in zip(keys, absences, strict=True) if key not in self._kept["plan"]}
        with closing(plan_each(self.planner, case, baseline, list(missing.values()), activity_fee)) as plans:
            for key, absent in zip(keys, absences, strict=True):
                alone = partial(self.planner.plan, case, baseline, absent, activity_fee)
                yield self._planned(case, key, absent, alone if missing.pop(key, None) is None else partial(next, plans))

    def core_gains(self, clarke: Mapping[str, float], limits: Mapping[tuple[str, ...], float], point: str) -> dict[str, float]:
        """Return gains nearest to Clarke's within limits."""
        return core_gains(self.planner, clarke, limits, point)

    def _plan_key(self, case: JointPlanCase, baseline: Array, non_participants: Collection[str], activity_fee: float) -> Hashable:
        participants = tuple(party for party in case.parties if party.name not in non_participants)
        return participants, case.shared, baseline.tobytes(), frozenset(non_participants), activity_fee

    def _planned(
        self, case: JointPlanCase, key: Hashable, non_participants: Collection[str], compute: Callable[[], Plan]
    ) -> Plan:
        """Return the plan that is kept by a key, else what is computed, and keep that."""

        def made() -> Plan:
            plan = compute()
            for name, cost in plan.costs.items():
                self._keep(case, "cost", self._cost_key(case, plan.units, name), cost)
            return plan

        plan: Plan = self._cached(case, "plan", key, made)
        if plan.lost:  # another time they may be there
            del self._kept["plan"][key]
        if not non_participants:
            return plan
        return replace(plan, costs={**plan.costs, **self.costs(case, plan.units, non_participants)})

    def _cost_key(self, case: JointPlanCase, plan: Array, name: str) -> Hashable:
        return case.party(name), case.shared, plan[case.shared.share(name)].tobytes()

    def _cached(self, case: JointPlanCase, kind: str, key: Hashable, compute: Callable[[], Any]) -> Any:
        kept = self._kept[kind]
        return self._keep(case, kind, key, kept.pop(key) if key in kept else compute())

    def _keep(self, case: JointPlanCase, kind: str, key: Hashable, value: Any) -> Any:
        kept = self._kept[kind]
        kept[key] = value  # the latest at the end
        most = max(FEWEST, FLOWS // len(case.shared.flows)) * (len(case.parties) if kind == "cost" else 1)
        if len(kept) > most:
            del kept[next(iter(kept))]
        return value
