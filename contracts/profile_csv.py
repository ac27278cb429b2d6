"""Reading menus and allotments from CSV files: a row for every profile of costs or types, with quantities and payments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from veridical.data import csv_file
from veridical.data.assembler import label
from veridical.data.errors import InputError

__all__ = ["NUMBERS", "read_profiles"]

Profile = TypeVar("Profile", bound=Hashable)
NUMBERS = (("quantity", 0.0), ("payment", -np.inf))  # of everybody in every row, and the least that each may be


def read_profiles(
    path: str | Path,
    names: Sequence[str],
    reports: Sequence[Sequence[float]],
    *,
    what: str,
    column: str,
    ignored: Sequence[str],
    profile_of: Callable[[list[int]], Profile],
    profiles: Collection[Profile],
    in_words: Callable[[Profile], str],
) -> Iterator[tuple[str, Profile, list[int], NDArray[np.float64]]]:
    """Yield of each row its place in the file, its profile, the numbers of all reports, and quantities and payments.

    Parameters
    ----------
    path : str or Path
        The file.
    names, reports : sequence
        Of the suppliers or retailers, and of each what he may report, currency per unit.
    what : str
        What is reported: `cost` or `type`.
    column : str
        The name of a column with reports, where `{}` stands for who reports.
    ignored : sequence of str
        Columns that may be there too.
    profile_of : callable
        The profile that a row's reports, by number, are; rows of the same profile are refused.
    profiles, in_words
        All profiles that there are, and how to write them.

    Raises
    ------
    InputError
        With file, row and column where something is missing, unknown or there twice.
    """
    file = Path(path).name
    wanted = [column.format(name) for name in names] + [f"{number} {name}" for number, _ in NUMBERS for name in names]
    seen = set()
    for where, row in csv_file.read(path, wanted, ignored, f"a row for every profile of {what}s"):
        place = []
        for name, values in zip(names, reports, strict=True):
            key = column.format(name)
            value = csv_file.number(row[key], where, key, file)
            if value not in values:
                allowed = f"one of his {what}s: {', '.join(map(label, values))}"
                raise InputError.of(f"{where}, column {key}", value, allowed, file)
            place.append(values.index(value))
        numbers = [
            [csv_file.number(row[f"{number} {name}"], where, f"{number} {name}", file, least) for name in names]
            for number, least in NUMBERS
        ]
        profile = profile_of(place)
        if profile in seen:
            allowed = f"one row a profile of {what}s; this one stands above already"
            raise InputError.of(where, list(row.values()), allowed, file)
        seen.add(profile)
        yield where, profile, place, np.array(numbers)
    for profile in profiles:
        if profile not in seen:
            raise InputError.of(
                "rows", f"<no row for {in_words(profile)}>", f"a row for each of the {len(profiles)} profiles", file
            )
