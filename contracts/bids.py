"""Sealed bids: what each retailer offers for the units that the auction allots him, and when his bid came in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from pydantic_core import PydanticCustomError

from veridical.data import csv_file
from veridical.data.allocation import AllocationCase
from veridical.data.errors import InputError
from veridical.data.fields import number

__all__ = ["Bids", "checked_bid", "read_bids"]

BID = "a finite number >= 0, currency"
TIME = "a date and time in the form of ISO 8601, as 2026-03-31T12:00 or 2026-03-31T12:00+02:00"
MIXED = "times that all have a UTC offset, or none at all: {} has {}"
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Bids:
    """Sealed bids of all retailers, in the case's order.

    names: the retailers. bids: purchase costs that they offer, currency; None where there is no bid. received: when each bid
    came in, None where nothing says it. deadline: the last moment at which a bid counts. Times have all a UTC offset or none.
    Raises InputError for what is no bid, for times of both kinds, and for a bid without a time where there is a deadline.

    Examples
    --------
    >>> import veridical as vd
    >>> bids = Bids.of(vd.example("two-retailers"), {"retailer 1": 6.98, "retailer 2": None})
    >>> bids.names, bids.bids
    (('retailer 1', 'retailer 2'), (6.98, None))
    """

    names: tuple[str, ...]
    bids: tuple[float | None, ...]
    received: tuple[datetime | None, ...] = ()
    deadline: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "received", self.received or (None,) * len(self.names))
        for field in ("bids", "received"):
            entries = len(getattr(self, field))
            if entries != len(self.names):
                raise InputError.of(field, f"<{entries} entries>", f"{len(self.names)}, one a retailer: {', '.join(self.names)}")
        pairs = zip(self.names, self.bids, strict=True)
        bids = tuple(None if bid is None else checked_bid(bid, f"bid of {name}") for name, bid in pairs)
        object.__setattr__(self, "bids", bids)
        for name, bid, time in zip(self.names, bids, self.received, strict=True):
            if bid is not None and time is None and self.deadline is not None:
                raise InputError.of(f"received, {name}", "<nothing>", f"{TIME}: there is a deadline")
        times = [("the deadline", self.deadline), *zip(self.names, self.received, strict=True)]
        given = [(who, time) for who, time in times if time is not None]
        for who, time in given:
            if _offset(time) != _offset(given[0][1]):
                raise InputError.of(f"received, {who}", time.isoformat(), MIXED.format(given[0][0], _offset(given[0][1])))

    @classmethod
    def of(cls, case: AllocationCase, bids: object) -> Bids:
        """Return the bids in a mapping retailer -> bid, or in a sequence in the case's order; None, or no entry, is no bid.

        Raises InputError for unknown retailers, the wrong number of bids, and what is no bid.
        """
        names = case.retailer_names
        if isinstance(bids, Mapping):
            for name in bids:
                if name not in names:
                    raise InputError.of("bids", name, f"only the retailers {', '.join(names)}", case.name)
            bids = [bids.get(name) for name in names]
        if isinstance(bids, np.ndarray):
            bids = bids.tolist()
        offers = list(bids) if isinstance(bids, Sequence) and not isinstance(bids, str | bytes) else None
        if offers is None or len(offers) != len(names):
            allowed = f"a mapping from retailers to bids, or {len(names)} bids in the order {', '.join(names)}"
            raise InputError.of("bids", bids if offers is None else f"<{len(offers)} bids>", allowed, case.name)
        pairs = zip(names, offers, strict=True)
        return cls(names, tuple(None if bid is None else checked_bid(bid, f"bid of {name}", case.name) for name, bid in pairs))

    @property
    def late(self) -> tuple[bool, ...]:
        """Which bids came in after the deadline."""
        last = self.deadline
        given = zip(self.bids, self.received, strict=True)
        return tuple(bid is not None and time is not None and last is not None and time > last for bid, time in given)


def checked_bid(value: object, field: str, file: str | None = None) -> float:
    """Return a bid, currency; raises InputError for what is no finite number >= 0."""
    try:
        return number(value, BID, lambda x: x >= 0)
    except PydanticCustomError:
        raise InputError.of(field, value, BID, file or None) from None


def read_bids(path: str | Path, names: Sequence[str], deadline: str | datetime | None = None) -> Bids:
    """Read sealed bids from a CSV file: columns `retailer`, `bid` (currency) and, where there is a deadline, `received`.

    One row a retailer, in any order. No row, or an empty bid, is no bid. Times and the deadline are ISO 8601; a bid at the
    deadline is in time, and late ones are kept: `Bids.late` says which they are.

    Parameters
    ----------
    path : str or Path
        The file.
    names : sequence of str
        The retailers, as `AllocationCase.retailer_names` gives them.
    deadline : str or datetime, optional
        The last moment at which a bid counts.

    Returns
    -------
    Bids
        In the order of `names`.

    Raises
    ------
    InputError
        With file, row (its line in the file), column, value and what is allowed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "bids.csv")
    ...     characters = path.write_text("retailer,bid\\nnorth,4.5\\n")
    ...     read_bids(path, ["north", "south"]).bids
    (4.5, None)
    """
    file = Path(path).name
    if deadline is not None and not isinstance(deadline, datetime):
        deadline = _time(deadline, "deadline")
    first = ("the deadline", deadline) if deadline is not None else None
    rows: dict[str, tuple[float | None, datetime | None]] = {}
    at: dict[str, int] = {}
    for line, cells in csv_file.rows(path):
        row = [" ".join(cell.split()) for cell in cells]
        if not at:
            at = _columns(row, line, file, deadline is not None)
            continue
        if len(row) != len(at):
            raise InputError.of(f"row {line}", row, f"{len(at)} values, as in the header", file)
        name, bid, received = (row[at[column]] if column in at else "" for column in ("retailer", "bid", "received"))
        if name not in names:
            raise InputError.of(f"row {line}, column retailer", name, f"one of {', '.join(names)}", file)
        if name in rows:
            raise InputError.of(f"row {line}, column retailer", name, "one row a retailer; his stands above already", file)
        amount = _amount(bid, f"row {line}, column bid", file) if bid else None
        time = _time(received, f"row {line}, column received", file) if received else None
        if amount is not None and time is None and deadline is not None:
            raise InputError.of(f"row {line}, column received", "<nothing>", f"{TIME}: there is a deadline", file)
        if time is not None:
            first = first or (f"row {line}", time)
            if _offset(time) != _offset(first[1]):
                allowed = MIXED.format(first[0], _offset(first[1]))
                raise InputError.of(f"row {line}, column received", received, allowed, file)
        rows[name] = amount, time
    if not at:
        raise InputError.of("<file>", "<an empty file>", "a header (retailer, bid, received) and a row a retailer", file)
    pairs = [rows.get(name, (None, None)) for name in names]
    return Bids(tuple(names), tuple(bid for bid, _ in pairs), tuple(time for _, time in pairs), deadline)


def _columns(header: list[str], line: int, file: str, timed: bool) -> dict[str, int]:
    known = ("retailer", "bid", "received")
    wanted = known if timed or "received" in header else known[:2]
    for name in wanted:
        if header.count(name) != 1:
            allowed = f"exactly one column {name!r}" + (", as there is a deadline" if name == "received" and timed else "")
            raise InputError.of(f"row {line}, header", csv_file.without(header, wanted), allowed, file)
    for name in header:
        if name not in known:
            raise InputError.of(f"row {line}, header", name, f"the columns {', '.join(known)}", file)
    return {name: place for place, name in enumerate(header)}


def _amount(text: str, field: str, file: str) -> float:
    if not DECIMAL.fullmatch(text):
        raise InputError.of(field, text, BID, file)
    return checked_bid(float(text), field, file)


def _time(text: object, field: str, file: str | None = None) -> datetime:
    with suppress(ValueError, TypeError):
        if not isinstance(text, str) or _only_a_date(text):
            raise ValueError
        return datetime.fromisoformat(text)
    raise InputError.of(field, text, TIME, file)


def _only_a_date(text: str) -> bool:
    with suppress(ValueError):
        date.fromisoformat(text)
        return True
    return False


def _offset(time: datetime) -> str:
    return "none" if time.utcoffset() is None else "one"
