"""Reading a direct mechanism from a CSV file: a row for every profile of reports, a column for everything that is decided."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from veridical.contracts.linear_utility import Decision, Indexed, Namespace
from veridical.data import csv_file
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.type_space import TypeSpace, in_words, word

__all__ = ["read_decisions"]


def read_decisions(types: TypeSpace, path: str | Path) -> tuple[Namespace, Array, dict[tuple[str, str], Array]]:
    """Read a mechanism that is a table: a row a profile, a column for each agent's report, the others what is decided.

    A column `trade` is read by a utility as `m.trade[reports]`, a column `payment buyer` as `m.payment["buyer", reports]`.

    Returns
    -------
    tuple
        What stands for the model in utilities; the values of all decisions; and the decisions by column.

    Raises
    ------
    InputError
        With file, row and column where something is missing, unknown or there twice.
    """
    file = Path(path).name
    agents = [word(agent) for agent in types.agents]
    by_word = [{word(one): one for one in types.labels(agent)} for agent in types.agents]
    _, header = next(csv_file.rows(path), (0, []))
    names = [" ".join(name.split()) for name in header]
    columns = [name for name in names if name not in (*agents, "probability") and not name.startswith("utility ")]
    place_of = {profile: place for place, profile in enumerate(types.profiles)}
    values = np.full((len(columns), len(place_of)), np.nan)
    seen = set()
    for where, row in csv_file.read(path, [*agents, *columns], names, "a row for every profile of reports"):
        profile = tuple(
            _label(row[agent], known, f"{where}, column {agent}", file) for agent, known in zip(agents, by_word, strict=True)
        )
        if profile in seen:
            raise InputError.of(where, in_words(agents, profile), "every profile once", file)
        seen.add(profile)
        values[:, place_of[profile]] = [csv_file.number(row[column], where, column, file) for column in columns]
    if missing := next((profile for profile in types.profiles if profile not in seen), None):
        raise InputError.of(
            "rows", f"<no row for {in_words(agents, missing)}>", f"a row for each of the {len(place_of)} profiles", file
        )
    split = [(name, of) for name, _, of in (column.partition(" ") for column in columns)]
    known_names = {word(agent): agent for agent in types.agents}

    def make(name: str) -> Indexed:
        members = {
            flat_key: Decision({number * len(place_of) + place: 1.0})
            for number, (own, of) in enumerate(split)
            if own == name
            for profile, place in place_of.items()
            for flat_key in [_key(known_names.get(of, of), profile)]
        }
        if not members:
            raise AttributeError(f"{file} has no column {name}; its columns: {', '.join(columns)}")
        return Indexed(members, name)

    table = {key: values[number].reshape(types.shape) for number, key in enumerate(split)}
    return Namespace(make), values.ravel(), table


def _key(of: Any, profile: tuple[Any, ...]) -> Any:
    key = (of, *profile) if of != "" else profile
    return key[0] if len(key) == 1 else key


def _label(text: str, known: Mapping[str, Any], place: str, file: str) -> Any:
    """Return the label that a cell means."""
    if text.strip() in known:
        return known[text.strip()]
    for one in known.values():
        if isinstance(one, Real) and _figure(text) == one:
            return one
    raise InputError.of(place, text, f"one of {', '.join(known)}", file)


def _figure(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
