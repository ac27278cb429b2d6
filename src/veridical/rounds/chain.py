"""The log of a round: entries that are only ever added, each with the hash of the one before, so that none can be changed.

An entry's hash is the SHA-256 of its round, place, time, kind, the SHA-256 of its body, and the hash before it. So the log can be
checked by somebody who is not shown the bodies, in which reports and outcomes stand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any

from veridical.data.errors import CertificateError

__all__ = ["CLEARED", "CREATED", "FIRST", "REPORT", "Entry", "canonical", "checked", "digest"]

FIRST = "0" * 64  # the hash before the first entry
CREATED, REPORT, CLEARED = "created", "report", "cleared"


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, ASCII, the shortest digits that give a float back.

    Examples
    --------
    >>> canonical({"b": 0.1, "a": [1, None]})
    '{"a":[1,null],"b":0.1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, 64 hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One entry. time: ISO 8601 in UTC, to the microsecond. kind: created, report or cleared. previous: the hash before it.

    body_hash: SHA-256 of the body, which is canonical JSON.
    """

    round: str
    place: int
    time: str
    kind: str
    body_hash: str
    previous: str

    @cached_property
    def hash(self) -> str:
        """The hash that the next entry continues from, and that a receipt names."""
        return digest(canonical([self.round, self.place, self.time, self.kind, self.body_hash, self.previous]))


def checked(entries: Sequence[Entry], hashes: Sequence[str], name: str) -> None:
    """Raise CertificateError for a log that is not the one that was written; `hashes` are those that stand beside the entries.

    `name`: of the log, in messages.
    """

    def refuse(entry: Entry, reason: str) -> CertificateError:
        return CertificateError(f"the log of {name} was changed: entry {entry.place} {reason}")

    if not entries or entries[0].kind != CREATED:
        raise CertificateError(f"the log of {name} was changed: its first entry, `{CREATED}`, is missing")
    previous = FIRST
    for place, (entry, written) in enumerate(zip(entries, hashes, strict=True)):
        if entry.place != place:
            raise refuse(entry, f"stands where entry {place} should")
        if entry.round != entries[0].round:
            raise refuse(entry, "is of another round")
        if entry.previous != previous:
            raise refuse(entry, "does not continue from the one before it")
        if entry.hash != written:
            raise refuse(entry, "does not have the hash that was written with it")
        previous = written
    for earlier, later in pairwise(entries):
        if later.time < earlier.time:
            raise refuse(later, "is older than the one before it")
        if later.kind == CREATED or earlier.kind == CLEARED:
            raise refuse(later, f"of kind `{later.kind}` follows one of kind `{earlier.kind}`")
