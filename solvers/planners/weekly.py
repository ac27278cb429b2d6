"""One week of one party: what it does at a plan, what the week costs it, and with what it starts the next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyomo.environ as pyo

from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import STATE, Part, Party, Values
from veridical.models.info import info_of
from veridical.models.joint_plan import carried, served
from veridical.models.joint_plan.information import PlanInfo
from veridical.solvers.planners.central import party_at
from veridical.solvers.translate.standard_form import compile_model

__all__ = ["PartyWeek", "packed", "standing", "unpacked", "week_of", "weekly_cost"]


class PartyWeek(NamedTuple):
    """What a party's week came to: its cost, currency; units served, and to be served; and `left`, its fields of kind STATE."""

    cost: float
    served: float
    needed: float
    left: Mapping[str, Any]


def standing(record: Party, week: int, state: Mapping[str, Any]) -> Party:
    """Return the record of the weeks from `week` on at its start: with what was carried over, and the needs known by now."""
    return record.replace(**state).revealed(week)


def packed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state as JSON has it: a table as rows of key and number, every digit kept."""
    return {field: _rows(value) if isinstance(value, Values) else value for field, value in state.items()}


def unpacked(record: Party, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state of a party as it was packed."""
    columns = record.columns()

    def of(field: str, value: Any) -> Any:
        if field not in columns or not columns[field].keys:
            return value
        return Values({tuple(key) if len(key) > 1 else key[0]: number for *key, number in value})

    return {field: of(field, value) for field, value in state.items()}


def _rows(values: Values) -> list[list[Any]]:
    return [[*(key if isinstance(key, tuple) else (key,)), number] for key, number in values.items()]


def week_of(part: Part, plan: Array) -> PartyWeek:
    """Return what happens in the first week of a part when its party does what is best for it at a plan.

    The party's own model is solved with the plan fixed, all weeks of it: what it decides for the first week is done. Often
    several decisions are equally good in all, and not for that week: of these the evenest are taken, so that no week's figures
    depend on which ones a solver comes upon. `plan`: units, one a flow of the part. Raises InputError where costs cannot be
    told apart by week, and what solving raises.
    """
    record, week = part.record, part.shared.weeks[0]
    model, _ = party_at(part, None, plan, even=True)
    model.plan.unfix()  # it has its part in the week's cost
    units, needed = served(model, record, week)
    return PartyWeek(weekly_cost(model)[week], units, needed, _left(record, carried(model, record, week)))


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
