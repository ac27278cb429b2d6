"""Reading menus and allotments from CSV files: a row for every profile of costs or types, with quantities and payments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from veridical.data import csv_file
from veridical.data.arrays import Array
from veridical.data.assembler import label
from veridical.data.errors import InputError

__all__ = ["NUMBERS", "read_profiles"]

NUMBERS = (("quantity", 0.0), ("payment", -np.inf))  # of everybody in every row, and the least that each may be


def read_profiles(
    path: str | Path,
    what: str,
    names: Sequence[str],
    reports: Mapping[str, Sequence[float]],
    ignored: Sequence[str],
    profiles: Mapping[tuple[int, ...], int],
    profile_of: Callable[[list[int]], tuple[int, ...]],
    in_words: Callable[[tuple[int, ...]], str],
) -> Iterator[tuple[str, int, list[int], Array]]:
    """Yield of each row where it stands, the number of its profile, the numbers of all reports, and quantities and payments.

    Parameters
    ----------
    path : str or Path
        The file.
    what : str
        What is reported: `cost` or `type`.
    names : sequence of str
        Of those who report.
    reports : mapping
        For each of them the column of his reports, and what he may report.
    ignored : sequence of str
        Columns that may be there too.
    profiles : mapping
        All profiles, numbered; there must be exactly one row for each.
    profile_of, in_words : callable
        Give the profile for the numbers of all reports, and a profile as messages call it.

    Raises
    ------
    InputError
        With file, row and column where something is missing, unknown or there twice.
    """
    file = Path(path).name
    columns = [(f"{number} {name}", least) for number, least in NUMBERS for name in names]
    seen = set()
    wanted = [*reports, *(column for column, _ in columns)]
    index = dict(zip(names, reports, strict=True))
    for where, row in csv_file.read(path, wanted, ignored, f"a row for every profile of {what}s", index):
        place = []
        for column, values in reports.items():
            value = csv_file.number(row[column], where, column, file)
            if value not in values:
                allowed = f"one of his {what}s: {', '.join(map(label, values))}"
                raise InputError.of(f"{where}, column {column}", value, allowed, file)
            place.append(values.index(value))
        numbers = [csv_file.number(row[column], where, column, file, least) for column, least in columns]
        profile = profile_of(place)
        if profile in seen:
            allowed = f"one row a profile of {what}s; this one stands above already"
            raise InputError.of(where, list(row.values()), allowed, file)
        seen.add(profile)
        yield where, profiles[profile], place, np.reshape(numbers, (len(NUMBERS), len(names)))
    for profile in profiles:
        if profile not in seen:
            allowed = f"a row for each of the {len(profiles)} profiles"
            raise InputError.of("rows", f"<no row for {in_words(profile)}>", allowed, file)
