"""Reading a direct mechanism from a CSV file: a row for every profile of reports, a column for everything that is decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from veridical.contracts.linear_utility import Indexed, Namespace, flat
from veridical.data import csv_file
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.type_space import TypeSpace, in_words, word

__all__ = ["flattened", "read_decisions", "stand_in"]


def read_decisions(types: TypeSpace, menu: str | Path | pd.DataFrame) -> dict[tuple[str, str], Array]:
    """Read a mechanism that is a table or a file (`.csv`, `.xlsx`, `.parquet`): a row a profile.

    A column is an agent's report, and the others are what is decided.

    Returns
    -------
    dict
        A table over profiles for each column, by its name and whom it is of: `trade`, `payment buyer`.

    Raises
    ------
    InputError
        With file, row and column where something is missing, unknown or there twice.
    """
    file = "menu" if isinstance(menu, pd.DataFrame) else Path(menu).name
    agents = [word(agent) for agent in types.agents]
    by_word = [{word(one): one for one in types.labels(agent)} for agent in types.agents]
    frame = flattened(menu) if isinstance(menu, pd.DataFrame) else None
    path = "" if isinstance(menu, pd.DataFrame) else menu
    header = next(csv_file.lines(path), (0, []))[1] if frame is None else [*frame.columns]
    names = [" ".join(name.split()) for name in header]
    columns = [name for name in names if name not in (*agents, "probability") and not name.startswith("utility ")]
    place_of = {profile: place for place, profile in enumerate(types.profiles)}
    values = np.full((len(columns), len(place_of)), np.nan)
    seen = set()
    if frame is None:
        rows = csv_file.read(path, [*agents, *columns], names, "a row for every profile of reports")
    elif absent := next((agent for agent in agents if agent not in names), None):
        raise InputError.missing(f"column {absent}", "the reports of each agent, as a column or a level of the index", file)
    else:
        texts = [list(map(word, row)) for row in frame.to_numpy(dtype=object).tolist()]
        rows = [(f"row {number}", dict(zip(names, text, strict=True))) for number, text in enumerate(texts, 1)]
    for where, row in rows:
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
    names_of = [(name, of) for name, _, of in (column.partition(" ") for column in columns)]
    return {key: values[number].reshape(types.shape) for number, key in enumerate(names_of)}


def stand_in(types: TypeSpace, table: Mapping[tuple[str, str], Array], member: Callable[[int, float], Any]) -> Namespace:
    """Return what stands for a model in utilities: `member` of each decision, given its number and its value.

    The column `trade` is `m.trade[reports]`, the column `payment buyer` is `m.payment["buyer", reports]`.
    """
    agents = {word(agent): agent for agent in types.agents}

    def make(name: str) -> Indexed:
        members = {}
        for number, ((own, of), values) in enumerate(table.items()):
            if own == name:
                who = () if of == "" else (agents.get(of, of),)
                for place, (profile, value) in enumerate(zip(types.profiles, values.ravel().tolist(), strict=True)):
                    members[flat((*who, *profile))] = member(number * len(types.profiles) + place, value)
        if not members:
            raise AttributeError(f"no column {name}")
        return Indexed(members, name)

    return Namespace(make)


def flattened(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it is written to CSV: reports as columns, and names of two levels in one; raises InputError."""
    columns = [" ".join(filter(None, map(str, name))) if isinstance(name, tuple) else str(name) for name in frame.columns]
    reports = [str(name) for name in frame.index.names if name is not None]
    names = [*reports, *columns]
    if clash := next((name for name in names if names.count(name) > 1), None):
        raise InputError.of("column", clash, "every name once: those of agents and of what is decided")
    plain = frame.set_axis(columns, axis=1)
    return plain.reset_index() if reports else plain


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
