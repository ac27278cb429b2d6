"""One week of a rolling run: what each party does at a plan, what the week costs it, and with what it starts the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import STATE, JointPlanCase, Party
from veridical.models.info import info_of
from veridical.models.joint_plan import carried, served
from veridical.models.joint_plan.information import PlanInfo
from veridical.solvers.planners.central import party_at
from veridical.solvers.translate.standard_form import compile_model

__all__ = ["Executed", "States", "execute", "standing", "weekly_cost"]

States = Mapping[str, Mapping[str, Any]]  # what parties carry over: fields of kind STATE, by party and field


@dataclass(frozen=True)
class Executed:
    """What happened in a week: its cost, currency by party; units served, and to be served; what each party carries over."""

    costs: Mapping[str, float]
    served: float
    needed: float
    states: States


def standing(case: JointPlanCase, week: int, states: States) -> JointPlanCase:
    """Return the case at the start of a week: the rest of the horizon, what was carried over, the needs that are known by now."""
    rest = case.since(week)
    parties = tuple(party.replace(**states.get(party.name, {})).revealed(week) for party in rest.parties)
    return rest.changed(parties=parties)


def execute(case: JointPlanCase, plan: Array) -> Executed:
    """Return what happens in the first week of a case when everybody does what is best for him at a plan.

    Each party's own model is solved with the plan fixed, all weeks of it: what it decides for the first week is done.
    """
    week = case.shared.weeks[0]
    costs, states = {}, {}
    served_units = needed_units = 0.0
    for record in case.parties:
        model, _ = party_at(case, record.name, plan)
        model.plan.unfix()  # it has its part in the week's cost
        costs[record.name] = weekly_cost(model)[week]
        units, needed = served(model, record, week)
        served_units, needed_units = served_units + units, needed_units + needed
        states[record.name] = _left(record, carried(model, record, week))
    return Executed(costs, served_units, needed_units, states)


def weekly_cost(model: Any) -> dict[int, float]:
    """Return a solved party's cost by week, currency; they sum to its cost.

    Every variable's index ends in its week, and no product of two weeks' variables is in the cost, so that the cost of a week is
    that of its variables with those of all other weeks at 0. Raises InputError for a model of which that is not so.
    """
    form, info, name = compile_model(model), info_of(model), model.name
    assert isinstance(info, PlanInfo)
    weeks = {week: place for place, week in enumerate(info.shared.weeks)}
    places = np.zeros(len(form.variables), dtype=np.int64)
    for k, variable in enumerate(form.variables):
        index = variable.index()
        last = index[-1] if isinstance(index, tuple) else index
        if last not in weeks:
            raise InputError.of(f"{name}, {variable.name}", index, "an index that ends in a week, where weeks are settled")
        places[k] = weeks[last]
    values = np.array([pyo.value(variable) for variable in form.variables])
    cost = form.cost * values
    if form.hessian is not None:
        entries = form.hessian.tocoo()
        apart = np.flatnonzero((places[entries.row] != places[entries.col]) & (entries.data != 0))
        if len(apart):
            pair = [form.variables[ends[apart[0]]].name for ends in (entries.row, entries.col)]
            raise InputError.of(f"{name}.cost", f"<{' * '.join(pair)}>", "no product of two weeks, where weeks are settled")
        cost = cost + values * (form.hessian @ values) / 2
    if form.offset:
        raise InputError.of(f"{name}.cost", form.offset, "no constant, where weeks are settled: it is no week's")
    return dict(zip(weeks, np.bincount(places, cost, len(weeks)).tolist(), strict=True))


def _left(before: Party, after: Party) -> dict[str, Any]:
    """Return the fields of kind STATE; raises InputError where a week has changed any other."""
    states = {field: getattr(after, field) for field, column in after.columns().items() if column.kind == STATE}
    if before.replace(**states) != after:
        raise InputError.of(f"{before.name}, carried over", "<another field>", f"fields of kind {STATE}: {', '.join(states)}")
    return states
