"""One week of all worlds with those who are there: plans, what happens, transfers; and who is lost on the way.

A supplier who is lost, in a plan or since he does not say what his week costs, stays at the baseline from that week on, in every
world, and the week is planned anew: transfers are differences between worlds, and were he at his part of the plan in one of them
what the others are paid would hang on a cost that nobody knows. At the baseline it does not. Whatever is planned in a week, he
delivers x0 and costs c(x0, s), s what he carries over in that world. No plan of the week changes that, so that the least of
    sum of c_j(x) + fees(x) + c(x0, s)
is at the same x without the last term; and no report of i from then on changes it in either sum of his transfer,
    sum_{j != i} c_j in the world that i is compared with - sum_{j != i} c_j in `joint` - fees.
So his cost is left out of both: truth is best for each week's plan as before, and net gains and budget add up to what those save
whose costs are known. Where he carries over the same in both worlds, as he does when he is lost in the first week, he costs the
same in both and the transfers are those that his cost would have led to. Later the worlds have parted, and by what his stocks
differ between them is in nobody's figures. He himself is paid for the weeks before, and nothing for those since.

Who is lost and has his record in the case is at the baseline just so; but what that costs is known, and is in all figures. A
receiver who is lost ends the run: without it there is nobody to deliver to, and no baseline.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from veridical.contracts.joint_plan.attendance import SilentError
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, activity_cost
from veridical.contracts.joint_plan.transfers import subsets
from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.studies.pilot.result import WORLDS, Week
from veridical.studies.pilot.week import Executed, States, execute, standing

__all__ = ["Absent", "attended", "numbered_states", "worlds_of"]

Absent = dict[str, tuple[str, ...]]  # by world but `jit`: who stays at the baseline
Lost = tuple[str, ...]  # suppliers, in the order in which they were lost
Result = tuple[Week, Absent, dict[str, States]]


def worlds_of(case: JointPlanCase, lost: Lost = ()) -> tuple[str, ...]:
    """Return the worlds of a run; who is lost is paid nothing, so that no world without him is needed."""
    clarke = case.mechanism.pivot == "clarke"
    return (*WORLDS, *(f"without {name}" for name in case.suppliers if clarke and name not in lost))


def numbered_states(case: JointPlanCase) -> dict[str, dict[str, Any]]:
    """Return the numbers by which parties at home know a world, each its own: drawn, so that they say nothing of which it is."""
    return {name: {"state": 1 + secrets.randbelow(2**53 - 1)} for name in case.at_home}


def attended(
    case: JointPlanCase,
    reported: JointPlanCase,
    week: int,
    planner: CachingPlanner,
    absent: Absent,
    states: Mapping[str, States],
    lost: Lost,
) -> Result:
    """Return a week's result, who stays at the baseline in which world, and what each world's parties carry over.

    `lost`: before this week. Raises NotSolvedError where the week cannot be planned without who is lost in it.
    """
    if lost and not _held(case, planner.planner, lost):
        raise NotSolvedError(f"week {week}: {', '.join(lost)} cannot be held at the baseline", "failed")
    cases = {world: standing(case, week, states.get(world, {})) for world in worlds_of(case)}
    told = {world: standing(reported, week, states.get(world, {})) for world in worlds_of(case)}
    start = planner.baseline(cases["jit"])
    while True:
        try:
            return _week(case, week, planner, start, cases, told, absent, lost)
        except SilentError as error:
            new = tuple(name for name in error.names if name not in lost)
            if not new or not _held(case, planner.planner, new):
                raise
            lost += new
            held = "held at the just-in-time baseline from this week on"
            warnings.warn(f"week {week}: lost {', '.join(new)}, {held} ({error})", stacklevel=2)


def _held(case: JointPlanCase, who: Any, names: Lost) -> bool:
    """Have a planner leave suppliers alone; return whether they can be: one whose plans need nobody's answer has no `hold`."""
    hold: Callable[..., bool] | None = getattr(who, "hold", None)
    return set(names) <= set(case.suppliers) and (hold(case, names) if hold else not set(names) & set(case.at_home))


def _week(
    case: JointPlanCase,
    week: int,
    planner: CachingPlanner,
    start: Array,
    cases: Mapping[str, JointPlanCase],
    told: Mapping[str, JointPlanCase],
    absent: Absent,
    lost: Lost,
) -> Result:
    """Return what `attended` does, with those who are lost at the baseline; raise SilentError where more are."""
    fee, worlds = case.mechanism.activity_fee, worlds_of(case, lost)
    if not absent:
        always = {world: () if world == "joint" else (world.removeprefix("without "),) for world in worlds if world != "jit"}
        absent = {world: _absent(told[world], planner, start, names, lost) for world, names in always.items()}
    absent = {world: tuple(dict.fromkeys((*absent[world], *lost))) for world in worlds if world != "jit"}
    who: Any = planner.planner
    in_turn: Callable[[Iterable[str]], list[str]] = getattr(who, "shuffled", list)
    if getattr(who, "hides", False):  # all at once, so that who is asked cannot tell one world from another by when he is
        several = who.plans([(told[world], absent[world]) for world in absent], start, fee)
        plans = {world: _whole(plan) for world, plan in zip(absent, several, strict=True)}
    else:
        plans = {world: _whole(planner.plan(told[world], start, absent[world], fee)) for world in absent}
    followed = {"jit": start, **{world: plan.units for world, plan in plans.items()}}
    done = {world: execute(cases[world], followed[world], who, lost) for world in in_turn(followed)}
    happened = {world: done[world] for world in worlds}
    result = _settled(case, week, start, plans, happened, lost)
    return result, absent, {world: outcome.states for world, outcome in happened.items()}


def _whole(plan: Plan) -> Plan:
    """Return a plan on whose way nobody was lost; raise SilentError, or NotSolvedError where it was not made to its end."""
    if not plan.lost:
        return plan
    words = "; ".join(getattr(plan.progress, "warnings", ())) or "on the way to a plan"
    if plan.stopped:
        raise NotSolvedError(f"lost {', '.join(plan.lost)}: {words}", "incomplete")
    raise SilentError(words, plan.lost)


def _absent(case: JointPlanCase, planner: CachingPlanner, start: Array, always: Lost, lost: Lost) -> tuple[str, ...]:
    """Return who stays at the baseline beside those who always do: where a lump sum is asked for, as `transfers.vcg` has it."""
    alpha, lump = case.mechanism.activity_fee, case.mechanism.participation_fee
    always = (*always, *lost)
    if not lump:
        return always

    def value(absent: tuple[str, ...]) -> float:
        plan = _whole(planner.plan(case, start, absent, alpha))
        total = sum(cost for name, cost in plan.costs.items() if name not in lost)  # at the baseline, whoever else is there
        return total + plan.fee + lump * (len(case.suppliers) - len(absent))

    return min((absent for absent in subsets(case.suppliers) if set(always) <= set(absent)), key=value)


def _settled(
    case: JointPlanCase, week: int, start: Array, plans: Mapping[str, Plan], happened: Mapping[str, Executed], lost: Lost
) -> Week:
    """Return the week with its transfers; costs that nobody knows are in no sum."""
    parameters, first = case.mechanism, week == case.shared.weeks[0]
    rest = case.since(week).shared
    now = np.array([flow.week == week for flow in rest.flows])

    def fees(world: str) -> float:
        plan = plans[world]
        activity = activity_cost(rest, np.where(now, plan.units, start), start, parameters.activity_fee)  # of this week alone
        lump = parameters.participation_fee * (len(case.suppliers) - len(plan.non_participants))
        return activity + (lump if first else 0.0)

    def others(name: str, world: str) -> float:
        return sum(cost for other, cost in happened[world].costs.items() if other != name)

    transfers, taken = dict.fromkeys(case.names, 0.0), dict.fromkeys(case.names, 0.0)
    for name in [name for name in case.suppliers if name not in lost]:
        clarke = parameters.pivot == "clarke"
        without = f"without {name}" if clarke else "jit"
        taken[name] = fees("joint") - (fees(without) if clarke else 0.0)
        transfers[name] = others(name, without) - others(name, "joint") - taken[name]
    return Week(
        week=week,
        baseline_costs=happened["jit"].costs,
        costs=happened["joint"].costs,
        transfers=transfers,
        fees=taken,
        served={world: happened[world].served for world in WORLDS},
        excess=plans["joint"].gap,
        lost=lost,
    )
