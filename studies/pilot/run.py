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

What holds: net gains + budget = savings, in each week and in total. With the baseline pivot a supplier's net gains add up to
all that was saved less the fees, with Clarke's to what his taking part has saved.

What does not: a single week may be a loss for a supplier, since stock is built before it pays; `settlement` says when he is paid
(`contracts.joint_plan.payments`): every week, at the end of the horizon, or by a pledge account, under which no week is a loss.
Truth is best for the plan that is made each week from a forecast, which is followed as if it were certain; the figures of what
happened carry the forecast's luck, and a total can be less than 0 where the plan expected more. For the run as a whole truth
need not be best: a plan that is made anew each week is not the best for all of them, and a misreport can happen to mend that.
Of 25 drawn for the shipped pilot 2 paid, up to 0.01 % of the savings, by the baseline pivot without fees 1, 0.004 %, and for
the marketplace 2 of 25, one or two figures x 0.6 to 1.5, up to 0.29 %. `misreports` says how many are tried: each is reported in
every week's plan, and everybody acts by his own costs. No settlement changes this, as the totals are the same.

A party whose record is at home is told the worlds by numbers, and what a week leaves in each stays with its agent: here are what
the week costs it, and the number. One planner asks the agents from the first week to the last. A supplier who is lost on the way
stays at the baseline from that week on (`attendance`); a receiver who is lost ends the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.misreports import lies
from veridical.contracts.joint_plan.payments import SETTLEMENTS
from veridical.contracts.joint_plan.planner import Planner, unheard
from veridical.contracts.joint_plan.transfers import MECHANISMS, refuse_lump_sums
from veridical.data import InputError
from veridical.data.case_record import hashed
from veridical.data.deprecated import renamed
from veridical.data.fields import whole_number
from veridical.data.joint_plan import JointPlanCase
from veridical.data.progress import counted, step
from veridical.solvers.planners import Central
from veridical.studies.pilot.attendance import Absent, attended, numbered_states, worlds_of
from veridical.studies.pilot.folder import Folder, opened, packed, unpacked
from veridical.studies.pilot.result import PilotRun, Tried, Week
from veridical.studies.pilot.week import States

__all__ = ["PilotRun", "Week", "run"]

Tell = Callable[[int, float, float], None]
Opened = Callable[[], AbstractContextManager[Any]]  # gives the planner of a week


def run(
    case: JointPlanCase,
    mechanism: str = "vcg",
    *,
    settlement: str = "weekly",
    misreports: int = 0,
    seed: int = 0,
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
    settlement
        When transfers are paid: `weekly`, at the `end`, or by a `pledge` account; no figure of all weeks together depends on it,
        but for an advance that is forgiven.
    misreports, seed
        How many misreports are tried, drawn by the seed; each takes as long as the run, so that by default none is. Of suppliers
        at home those that their agents offer; of one who answers by an agent of his own to a record in the case, none.
    planner
        Makes the planner of a week (`Central` where none is given), each week a new one, which is closed after it if it can be;
        where records are at home, one of the whole run.
    folder
        Where completed weeks are kept. An interrupted run of the same case, parameters and planner resumes after the last of
        them, and ends in the same figures.
    callback
        Called after each week with its number, the seconds that it took (0 for one that was kept), and what was saved so far.
    parameters
        The mechanism's, in place of the case's.

    Returns
    -------
    The PilotRun, with a row a week and party. Suppliers who were lost on the way are `lost`, and there was a warning of each.

    Raises
    ------
    InputError
        For another mechanism than vcg, parameters or a settlement that it does not have, costs that cannot be told apart by week,
        a folder of another run, and one in which a run is at work; and what the planner raises.
    NotSolvedError
        For a receiver who is lost, by name; the weeks before are kept where there is a `folder`.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> run(case).total["savings"] >= 0
    True
    """
    callback = renamed(parameters, "tell", "callback", callback)
    if mechanism != "vcg":
        raise InputError.of("mechanism", mechanism, "vcg: the one that is settled week by week", case.name)
    names = tuple(name for name in MECHANISMS[mechanism][1] if name != "redistribution")
    for name, value in parameters.items():
        if name not in names:
            raise InputError.of(name, value, f"for {mechanism} {', '.join(names)}", case.name)
    case = case.changed(**parameters)
    if settlement not in SETTLEMENTS:
        raise InputError.of("settlement", settlement, f"one of {', '.join(SETTLEMENTS)}", case.name)
    refuse_lump_sums(case)
    if case.mechanism.redistribution != "none":
        allowed = (
            "none: what is left in a run is the receivers' own, who are claimants; `solve` gives back what an operator collects"
        )
        raise InputError.of("redistribution", case.mechanism.redistribution, allowed, case.name)
    whole_number(misreports, "misreports", 0)
    if case.mechanism.receivers == "agents":
        allowed = "claimants: the baseline is planned anew every week, from what receivers report"
        raise InputError.of("receivers", "agents", allowed, case.name)
    make = Central if planner is None else planner

    with ExitStack() as held:
        each: Opened = partial(_opened, make)
        if case.at_home:  # agents keep their weeks to themselves, from the first to the last
            one_planner = held.enter_context(_opened(make))
            each = partial(nullcontext, one_planner)

        def rolled(reported: JointPlanCase, kept: Folder | None = None, tell: Tell | None = None) -> PilotRun:
            weeks, absent = _weeks(case, reported, each, kept, tell)
            return PilotRun(case, mechanism, {name: getattr(case.mechanism, name) for name in names}, absent, weeks, settlement)

        with ExitStack() as one, step(f"pilot of {case.name}"):
            kept = None if folder is None else one.enter_context(opened(folder, _fingerprint(case, make)))
            truth = rolled(case, kept, callback)
        heard = case.suppliers
        if truth.lost:  # of what a misreport gains, without somebody and with him, nothing can be said
            heard = ()
        elif misreports:
            with each() as who:
                out = unheard(who, case)
            heard = tuple(name for name in heard if name not in out)
        tried = []
        for lie in counted("misreport", lies(case, misreports, seed, heard), misreports if heard else 0):
            lied = rolled(case.reporting(lie.party, lie.record))
            if lied.lost:
                heard = ()
                break
            gain = lied.totals["net_gain"][lie.party] - truth.totals["net_gain"][lie.party]
            tried.append(Tried(lie.party, lie.report, float(gain)))
    not_searched = tuple(name for name in case.suppliers if name not in heard)
    return replace(truth, tried=tuple(tried), not_searched=not_searched)


def _weeks(
    case: JointPlanCase, reported: JointPlanCase, each: Opened, kept: Folder | None, callback: Tell | None
) -> tuple[tuple[Week, ...], tuple[str, ...]]:
    """Return the weeks, and who stays at the baseline; plans are made from what is `reported`, everybody acts by the case."""
    absent: Absent = {}
    states: dict[str, States] = {}
    weeks: list[Week] = []

    def completed(week: Week, seconds: float) -> None:
        weeks.append(week)
        if callback is not None:
            callback(week.week, seconds, sum(sum(past.baseline_costs.values()) - sum(past.costs.values()) for past in weeks))

    for content in [] if kept is None else kept.read(case.shared.weeks):
        absent = {world: tuple(parties) for world, parties in content["held"].items()}
        states = {world: unpacked(case, fields) for world, fields in content["states"].items()}
        result = content["result"]
        completed(Week(**{**result, "lost": tuple(result.get("lost", ()))}), 0.0)
    if case.at_home and not weeks:
        states = {world: numbered_states(case) for world in worlds_of(case)}
    for week in counted("week", case.shared.weeks[len(weeks) :]):
        began = perf_counter()
        with each() as who:
            lost = weeks[-1].lost if weeks else ()
            result, absent, states = attended(case, reported, week, CachingPlanner(who), absent, states, lost)
        if kept is not None:
            kept.write(week, {"held": absent, "states": packed(states), "result": asdict(result)})
        completed(result, perf_counter() - began)
    return tuple(weeks), absent["joint"]


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
    return hashed((case, kind, settings))
