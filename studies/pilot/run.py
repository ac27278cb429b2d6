"""The pilot: weeks roll on, plans are made anew from what has happened, and each week's transfers are settled.

Each week demand is revealed, and in every world a plan is made for the rest of the horizon; its first week is executed (each
party does what is best for him at the plan), and what it leaves starts the next week. The worlds go their own ways from the
first week on, each with its own stocks: `jit`, just in time, in which the receivers' own plan is followed; `joint`, in which
the plan at least cost of all is; and under the Clarke pivot one for each supplier i, `without i`, in which i stays at the
baseline. The baseline, at which suppliers stay and from which activity is counted, is the plan of the `jit` world that week,
in all worlds.

Write c_j(w) for the cost of party j in week w. The transfer to supplier i is
    sum_{j != i} [c_j(w) in the world that i is compared with - c_j(w) in `joint`] - fees,
and that world is `jit`, or `without i` under the Clarke pivot. Fees are those of `transfers.vcg`: of the activity of the
executed week, and the lump sums in the first. Who takes part is decided on the first week's plan and kept.

What is exact: net gains + budget = savings, in each week and in total. With the baseline pivot a supplier's net gains add up to
all that was saved less the fees, with Clarke's to what his taking part has saved. A week's may be negative: stock is built before
it pays. What is not: truth is best for the plan that is made from a forecast, which is followed as if it were certain; the
figures of what happened carry the forecast's luck, and a total can be less than 0 where the plan expected more. Nor is it
said that a supplier could not gain in later weeks by what he reports in earlier ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan, Planner, activity_cost
from veridical.contracts.joint_plan.transfers import MECHANISMS, subsets
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.deprecated import renamed
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.planners import Central
from veridical.studies.pilot.folder import opened, packed, unpacked
from veridical.studies.pilot.result import PilotRun, Week
from veridical.studies.pilot.week import Executed, States, execute, standing

__all__ = ["PilotRun", "Week", "run"]

Absent = dict[str, tuple[str, ...]]  # by world but `jit`: who stays at the baseline


def run(
    case: JointPlanCase,
    mechanism: str = "vcg",
    *,
    planner: Callable[[], Planner] | None = None,
    folder: str | Path | None = None,
    callback: Callable[[int, float, float], None] | None = None,
    **parameters: Any,
) -> PilotRun:
    """Return what comes of a case week by week, just in time and under a mechanism.

    Parameters
    ----------
    case
        A joint plan; its records hold the expected needs, and the `actual` ones where they turn out otherwise.
    mechanism
        `vcg`, the one mechanism that is settled week by week.
    planner
        Makes the planner of a week (`Central` where none is given), each week a new one, which is closed after it if it can be.
    folder
        Where completed weeks are kept. An interrupted run of the same case, parameters and planner resumes after the last of
        them, and ends in the same figures.
    callback
        Called after each week with its number, the seconds that it took (0 for one that was kept), and what was saved so far.
    parameters
        The mechanism's, in place of the case's.

    Returns
    -------
    The PilotRun, with a row a week and party.

    Raises
    ------
    InputError
        For another mechanism than vcg, parameters that it does not have, costs that cannot be told apart by week, a folder of
        another run, and one in which a run is at work; and what the planner raises.
    """
    callback = renamed(parameters, "tell", "callback", callback)
    if mechanism != "vcg":
        raise InputError.of("mechanism", mechanism, "vcg: the one that is settled week by week", case.name)
    names = MECHANISMS[mechanism][1]
    for name, value in parameters.items():
        if name not in names:
            raise InputError.of(name, value, f"for {mechanism} {', '.join(names)}", case.name)
    case = case.changed(**parameters)
    if case.mechanism.receivers == "agents":
        allowed = "claimants: the baseline is planned anew every week, from what receivers report"
        raise InputError.of("receivers", "agents", allowed, case.name)
    make = Central if planner is None else planner
    absent: Absent = {}
    states: dict[str, States] = {}
    weeks: list[Week] = []

    def completed(week: Week, seconds: float) -> None:
        weeks.append(week)
        if callback is not None:
            callback(week.week, seconds, sum(sum(past.baseline_costs.values()) - sum(past.costs.values()) for past in weeks))

    with ExitStack() as held:
        kept = None if folder is None else held.enter_context(opened(folder, _fingerprint(case, make)))
        for content in [] if kept is None else kept.read(case.shared.weeks):
            absent = {world: tuple(parties) for world, parties in content["held"].items()}
            states = {world: unpacked(case, fields) for world, fields in content["states"].items()}
            completed(Week(**content["result"]), 0.0)
        for week in case.shared.weeks[len(weeks) :]:
            began = perf_counter()
            with _opened(make) as who:
                result, absent, states = _week(case, week, CachingPlanner(who), absent, states)
            if kept is not None:
                kept.write(week, {"held": absent, "states": packed(states), "result": asdict(result)})
            completed(result, perf_counter() - began)
    return PilotRun(case, mechanism, {name: getattr(case.mechanism, name) for name in names}, absent["joint"], tuple(weeks))


def _week(
    case: JointPlanCase, week: int, planner: Planner, absent: Absent, states: Mapping[str, States]
) -> tuple[Week, Absent, dict[str, States]]:
    """Return a week's result, who stays at the baseline in which world, and what each world's parties carry over."""
    parameters = case.mechanism
    others = [f"without {name}" for name in case.suppliers] if parameters.pivot == "clarke" else []
    cases = {world: standing(case, week, states.get(world, {})) for world in ("jit", "joint", *others)}
    start = planner.baseline(cases["jit"])
    if not absent:
        always: Absent = {"joint": (), **{f"without {name}": (name,) for name in case.suppliers if others}}
        absent = {world: _absent(cases[world], planner, start, names) for world, names in always.items()}
    plans = {world: planner.plan(cases[world], start, names, parameters.activity_fee) for world, names in absent.items()}
    for world, plan in plans.items():
        _warn(week, world, plan)
    followed = {"jit": start, **{world: plan.units for world, plan in plans.items()}}
    happened = {world: execute(cases[world], units) for world, units in followed.items()}
    return _settled(case, week, start, plans, happened), absent, {world: outcome.states for world, outcome in happened.items()}


def _settled(case: JointPlanCase, week: int, start: Array, plans: Mapping[str, Plan], happened: Mapping[str, Executed]) -> Week:
    """Return the week with its transfers."""
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
    for name in case.suppliers:
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
        served={world: (happened[world].served, happened[world].needed) for world in ("jit", "joint")},
        excess=plans["joint"].gap,
    )


def _absent(case: JointPlanCase, planner: Planner, start: Array, always: tuple[str, ...]) -> tuple[str, ...]:
    """Return who stays at the baseline beside those who always do: where a lump sum is asked for, as `transfers.vcg` has it."""
    alpha, lump = case.mechanism.activity_fee, case.mechanism.participation_fee
    if not lump:
        return always

    def value(absent: tuple[str, ...]) -> float:
        plan = planner.plan(case, start, absent, alpha)
        return plan.total + plan.fee + lump * (len(case.suppliers) - len(absent))

    return min((absent for absent in subsets(case.suppliers) if set(always) <= set(absent)), key=value)


def _warn(week: int, world: str, plan: Plan) -> None:
    """Warn of parties that a consensus has lost: they are where the baseline is, and the plan is not the best of all."""
    lost = getattr(plan.progress, "lost", ())
    if lost:
        warnings.warn(f"week {week}, {world}: lost {', '.join(lost)}, who stay at the baseline", stacklevel=4)


@contextmanager
def _opened(make: Callable[[], Planner]) -> Iterator[Planner]:
    planner = make()
    try:
        yield planner
    finally:
        getattr(planner, "close", lambda: None)()


def _fingerprint(case: JointPlanCase, make: Callable[[], Planner]) -> str:
    """Return what tells a run from others: a hash of the case with its mechanism, and of the planner's kind and settings."""
    with _opened(make) as planner:
        settings = getattr(planner, "configuration", getattr(planner, "solver", None))
        kind = f"{type(planner).__module__}.{type(planner).__qualname__}"
    return sha256(repr((case, kind, settings)).encode()).hexdigest()[:16]
