"""What a choice of fees compares: mechanisms with their parameters, by default pivots, fees and core-selecting payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import activity_cost
from veridical.contracts.joint_plan.transfers import MECHANISMS, settle
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.planners import Central

__all__ = ["FREE", "Rule", "checked", "label", "rules_of"]

Rule = tuple[str, Mapping[str, Any]]
ACTIVITY = (0.1, 0.25, 0.5, 0.75, 1.0)  # of what a m3 of activity saves
LUMPS = (0.05, 0.1, 0.2)  # of the saving
DIGITS = 2  # of fees that are looked at
WORDS = {"activity_fee": "activity", "participation_fee": "lump sum"}
FREE: Mapping[str, Any] = {"activity_fee": 0.0, "participation_fee": 0.0}


def rules_of(case: JointPlanCase, planner: CachingPlanner | None = None) -> list[Rule]:
    """Return what is compared by default: pivots, activity fees, lump sums, core-selecting payments, what the case itself says.

    Activity fees are shares of what a m3 of activity saves in the case itself, lump sums of what is saved, to two digits: both
    are fixed before any draw is looked at.
    """
    planner = planner or CachingPlanner(Central())
    free = settle(case, "vcg", planner, pivot="baseline", redistribution="none", receivers="claimants", **FREE)
    moved = activity_cost(case.shared, free.units, free.start, 1.0)
    worth = free.savings / moved if moved > 0 else 0.0
    own = case.mechanism
    active = {_rounded(share * max(worth, 0.0)) for share in ACTIVITY} | {own.activity_fee}
    lumps = {_rounded(share * max(free.savings, 0.0)) for share in LUMPS}
    given_back = {} if own.redistribution == "none" else {"redistribution": own.redistribution}
    plain = {**FREE, **dict.fromkeys(given_back, "none")}
    rules: list[Rule] = [("vcg", {"pivot": pivot, **plain}) for pivot in ("baseline", "clarke")]
    rules += [("vcg", {"pivot": "clarke", **plain, "activity_fee": fee}) for fee in sorted(active - {0.0})]
    rules += [("vcg", {"pivot": "clarke", **plain, "participation_fee": fee}) for fee in sorted(lumps - {0.0})]
    rules += [("core", {"activity_fee": fee}) for fee in sorted({0.0, own.activity_fee})]
    says = ("vcg", {"pivot": own.pivot, **{fee: getattr(own, fee) for fee in FREE}, **given_back})
    return rules if says in rules else [*rules, says]


def checked(case: JointPlanCase, rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules in full, with the parameters that the case says; raise InputError for one that there is not."""
    full: list[Rule] = []
    for mechanism, parameters in rules:
        if mechanism not in MECHANISMS:
            raise InputError.of("rules", mechanism, f"mechanisms: {', '.join(MECHANISMS)}", case.name)
        names = MECHANISMS[mechanism].parameters
        for key, value in parameters.items():
            if key not in names:
                raise InputError.of(f"rules, {key}", value, f"for {mechanism} {', '.join(names) or 'no parameters'}", case.name)
        case.changed(**parameters)
        said = {key: getattr(case.mechanism, key) for key in ("pivot", *FREE) if key in names}
        full.append((mechanism, said | dict(parameters)))
    if not full or len({label(rule) for rule in full}) < len(full):
        raise InputError.of("rules", "<none, or one twice>", "one or more rules, each once", case.name)
    return full


def label(rule: Rule) -> str:
    """Return the name of a rule: pivot or mechanism, and the parameters that are not 0."""
    mechanism, parameters = rule
    said = [f"{WORDS[key]} {value:.10g}" for key, value in parameters.items() if key in FREE and value]
    said += [f"{key} {value}" for key, value in parameters.items() if key not in FREE and key != "pivot" and value != "none"]
    return ", ".join([parameters.get("pivot", mechanism), *said])


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
