"""What every JSON that is written says of itself: the version of this package, the number of its schema, the hash of the case.

The number goes up where a key goes, or means something else; keys that are added leave it. What each record has, key by key, is
in the shipped `schemas/results.schema.json`, and on the page `docs/json.md` that is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from veridical.data.case_record import hashed

__all__ = ["RELEASED", "SCHEMA", "stamped", "version"]

SCHEMA = 1  # of every record, see above
RELEASED = "2026"  # the year of this version, to be cited; CITATION.cff has the day


@cache
def version() -> str:
    """Return the version of this package; `unknown` where it is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("veridical")
    except PackageNotFoundError:  # a checkout on the path
        return "unknown"


def stamped(record: Mapping[str, Any], case: Any = None) -> dict[str, Any]:
    """Return a record with the version and the schema's number before it, and the hash of the case where it is of one.

    Parameters
    ----------
    record : mapping
        What there is to say.
    case : optional
        What it is said of, as it was solved.

    Returns
    -------
    dict
        A new one: keys of the record stay as they are.

    Examples
    --------
    >>> stamped({"objective": 3.0})["schema"]
    1
    """
    head: dict[str, Any] = {"veridical": version(), "schema": SCHEMA}
    return head | ({} if case is None else {"case_hash": hashed(case)}) | dict(record)
