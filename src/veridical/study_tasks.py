"""The rows that a study's table will have: what each point changes in a case, and hands to a mechanism."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from veridical.data import InputError
from veridical.families import MECHANISMS, Mechanism, family_of
from veridical.studies.sweep import Group, StudySpec, Task, points_of
from veridical.studies.sweep.axis import Axis, Listed, shown
from veridical.studies.sweep.design import Point

__all__ = ["read_files", "tasks_of", "varied"]

TRIED = 1000  # points of a case that are looked at for one that makes a valid case
COMPARED = 5  # values of an axis that are tried for one that another axis does not set as well


def tasks_of(spec: StudySpec, groups: list[Group]) -> tuple[list[Task], dict[str, list[Any]]]:
    """Return a task for each row, and the values of each axis as the table shows them; groups are told where they start from."""
    points = points_of(spec)
    values = {name: _each_once(point[name] for point in points) for name in spec.axes}
    columns = {name: shown(each) for name, each in values.items()}
    cells = {name: dict(zip(map(_key, each), columns[name], strict=True)) for name, each in values.items()}
    names = [group.mechanism_name for group in groups]
    tasks: list[Task] = []
    for number, group in enumerate(groups):
        roles = {name: role for name in spec.axes if (role := _role(name, group, names, values[name])) is not None}
        done: set[str] = set()
        start, own_points = len(tasks), list[Point]()
        for point in points:
            own = {name: point[name] for name in roles}
            key = _key(own)
            if key in done:  # points that differ in what another mechanism is given
                continue
            done.add(key)
            own_points.append(own)
            fields, parameters = _arguments(group.case, roles, own)
            row = {name: cells[name][_key(value)] for name, value in own.items()}
            tasks.append(Task(len(tasks), number, row, fields | parameters, tuple(fields)))
        place, first = _middle(group, tasks[start:])
        _refuse_hidden(group.case, roles, own_points[place], values)
        groups[number] = replace(group, first=first)
    return tasks, columns


def varied(spec: StudySpec, case: Any) -> list[Any]:
    """Return what a case is at the points of a study, TRIED of them from first to last at most; itself where none is valid."""
    family = family_of(case)
    fields = {name: "field" for name in spec.axes if name.split(".")[0] in family.fields}
    roles = fields | ({"correlation": "correlation"} if "correlation" in spec.axes and hasattr(case, "equicorrelated") else {})
    points = points_of(spec) if roles else []
    tried = (points[k * (len(points) - 1) // max(min(len(points), TRIED) - 1, 1)] for k in range(min(len(points), TRIED)))
    cases = []
    for own in _each_once({name: point[name] for name in roles} for point in tried):
        with suppress(InputError):  # its row will say what is wrong
            cases.append(case.changed(**_arguments(case, roles, own)[0]))
    return cases or [case]


def read_files(cases: Sequence[Any], axes: Mapping[str, Axis]) -> None:
    """Read the files that listed values may name (past demand, past reports): what stands in them is part of the study."""
    for name, one in axes.items():
        for value in one.listed if isinstance(one, Listed) else ():
            if _has_text(value):
                for case in cases:
                    with suppress(InputError):  # its row will say what is wrong
                        case.changed(**{name: value})


def _has_text(value: Any) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_has_text, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, str)


def _key(value: Any) -> str:
    return json.dumps(value)


def _each_once(values: Iterator[Any] | Any) -> list[Any]:
    return list({_key(value): value for value in values}.values())


def _role(name: str, group: Group, mechanisms: Sequence[str], values: Sequence[Any]) -> str | None:
    """Return what an axis is to a group: `correlation`, `field` or a parameter's name; None where it is another mechanism's.

    Raises InputError for a name that is nothing of the kind, and for values that a parameter does not take.
    """
    head, *rest = name.split(".", 2)
    place = f"vary.{name}"
    family = family_of(group.case)
    if name == "correlation":
        if not hasattr(group.case, "equicorrelated"):
            raise InputError.of(place, name, f"for cases of an assembler: {group.case.name} is of kind {family.kind}")
        return name
    if head == "mechanism" and len(rest) == 2:
        owner, parameter = rest
        if owner not in mechanisms:
            raise InputError.of(place, owner, f"one of the study's mechanisms: {', '.join(dict.fromkeys(mechanisms))}")
        if owner != group.mechanism_name:
            return None
        for value in values:
            try:
                _mechanism(group).check({parameter: value})
            except InputError as error:
                raise InputError.of(place, value, error.problems[0].allowed) from None
        return parameter
    if head not in family.fields:
        parameters = [f"mechanism.{group.mechanism_name}.{one}" for one in _mechanism(group).parameters]
        allowed = f"a field of {group.case.name}: {', '.join(family.fields)}; correlation; {', '.join(parameters)}"
        raise InputError.of(place, name, allowed)
    return "field"


def _mechanism(group: Group) -> Mechanism:
    return group.mechanism if isinstance(group.mechanism, Mechanism) else MECHANISMS[group.mechanism]


def _arguments(case: Any, roles: Mapping[str, str], point: Point) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of the case that a point changes, and the parameters of the mechanism."""
    fields: dict[str, Any] = {}
    if "correlation" in point:
        try:
            fields = case.equicorrelated(point["correlation"])
        except InputError as error:
            problem = error.problems[0]
            allowed = f"{problem.allowed}, in {case.name}"
            raise InputError(replace(problem, field="vary.correlation", allowed=allowed)) from None  # the file is the spec's
    fields |= {name: value for name, value in point.items() if roles[name] == "field"}
    return fields, {roles[name]: value for name, value in point.items() if roles[name] not in ("field", "correlation")}


def _middle(group: Group, tasks: Sequence[Task]) -> tuple[int, Any]:
    """Return the valid case nearest to the middle of a group's points, from which no other is far, and the point's place.

    One that the mechanism takes goes before others. Raises InputError where no point makes a valid case: what is varied is not
    there, or none of its values is allowed.
    """
    refusals: dict[int, InputError] = {}
    others: list[tuple[int, Any]] = []
    for place in sorted(range(len(tasks)), key=lambda place: abs(2 * place - len(tasks)))[:TRIED]:
        try:
            found = place, group.case.changed(**{name: tasks[place].parameters[name] for name in tasks[place].fields})
        except InputError as error:
            refusals[place] = error
            continue
        if _mechanism(group).fits(found[1]):
            return found
        others.append(found)
    if others:
        return others[0]
    problems = refusals[min(refusals)].within("vary").problems
    raise InputError(*(replace(one, allowed=f"{one.allowed}, in {group.case.name}") for one in problems))  # of the spec's file


def _refuse_hidden(case: Any, roles: Mapping[str, str], point: Point, values: Mapping[str, Sequence[Any]]) -> None:
    """Raise InputError for an axis that another one stands over: whatever its value, the case at a point is the same.

    As a field by its number and by its name, or the prior beside `correlation`. An axis with which the case is never another one,
    also where nothing else is varied, hides behind none.
    """
    axes = {name: value for name, value in point.items() if roles[name] in ("field", "correlation")}

    def changed(values: Point) -> Any:
        with suppress(InputError):
            return case.changed(**_arguments(case, roles, values)[0])
        return None

    for name in axes if len(axes) > 1 else []:
        others = {other: value for other, value in axes.items() if other != name}
        without = changed(others)
        pairs = [(changed(axes | {name: value}), changed({name: value})) for value in values[name][:COMPARED]]
        valid = [(with_it, alone) for with_it, alone in pairs if with_it is not None]
        differs = any(alone is not None and alone != case for _, alone in valid)
        if differs and without is not None and all(with_it == without for with_it, _ in valid):
            found = f"<{name}, beside {', '.join(others)}>"
            raise InputError.of(f"vary.{name}", found, f"a field that no other one sets as well, in {case.name}")
