"""One week of a rolling run: what each party does at a plan, what the week costs it, and with what it starts the next one.

Where a record is in the case, that is worked out from it. A party whose record is kept at home is told the plan, and says what
the week costs it; what it carries over stays there, and here there is the number by which its agent knows it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.models.joint_plan import DECLARATIONS
from veridical.solvers.planners import weekly
from veridical.solvers.planners.weekly import week_of, weekly_cost

__all__ = ["Executed", "States", "execute", "standing", "weekly_cost"]

States = Mapping[str, Mapping[str, Any]]  # what parties carry over: fields of kind STATE, by party and field


@dataclass(frozen=True)
class Executed:
    """What happened in a week: its cost, currency by party; units served, and to be served; what each party carries over.

    There are no units where a party keeps to itself what it serves.
    """

    costs: Mapping[str, float]
    served: tuple[float, float] | None
    states: States


def standing(case: JointPlanCase, week: int, states: States) -> JointPlanCase:
    """Return the case at the start of a week: the rest of the horizon, what was carried over, the needs that are known by now."""
    rest = case.since(week)
    parties = tuple(weekly.standing(party, week, states.get(party.name, {})) for party in rest.parties)
    return rest.changed(parties=parties)


def execute(case: JointPlanCase, plan: Array, planner: Any = None, lost: Collection[str] = ()) -> Executed:
    """Return what happens in the first week of a case when everybody does what is best for him at a plan.

    `planner`: who asks the parties at home, by its method `execute`. Raises InputError for one that cannot. `lost`: suppliers who
    are asked nothing any more; of those at home nothing is known then, neither costs nor what they carry over.
    """
    if case.at_home and not hasattr(planner, "execute"):
        raise case.party(case.at_home[0]).error_for('a record in the case, or solver = "consensus", which asks at home')
    told = planner.execute(case, plan) if case.at_home else {}
    costs: dict[str, float] = {}
    states: dict[str, Mapping[str, Any]] = {}
    units: list[tuple[float, float] | None] = []
    for name in case.names:
        if name in lost and name in case.at_home:
            units += [None] if DECLARATIONS[case.party(name).role].served is not None else []
            continue
        if name in told:  # what it carries over is known by the number of its world
            costs[name], *counts = told[name]
            states[name] = {"state": case.party(name).state}
            units.append(None if None in counts else (counts[0], counts[1]))
            continue
        week = week_of(case.part(name), plan[case.shared.share(name)])
        costs[name], states[name] = week.cost, week.left
        units.append((week.served, week.needed))
    known = [pair for pair in units if pair is not None]
    served = (sum(pair[0] for pair in known), sum(pair[1] for pair in known)) if len(known) == len(units) else None
    return Executed(costs, served, states)
