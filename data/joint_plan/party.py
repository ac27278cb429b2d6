"""A party: the private record that only it holds. A role says which tables the record is read from.

A role is a dataclass on `Party` whose fields are declared with `column` (a table's) or `scalar` (a number in case.toml):

    @register
    @dataclass(frozen=True)
    class Vendor(Party):
        role: ClassVar[str] = "vendor"
        side: ClassVar[str] = "supplier"
        spot_cost: Values = column("lanes.csv", ("site",), "spot cost (currency per m3)", COST)

What such a party does with its share of the plan is declared in `veridical.models.joint_plan`, under the same role.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar, TypeVar

from veridical.data.errors import InputError
from veridical.data.joint_plan.values import Values

__all__ = ["CAPACITY", "COST", "NEED", "ROLES", "STATE", "Column", "Party", "column", "register", "scalar"]

COST, CAPACITY, NEED, STATE = "cost", "capacity", "need", "state"  # what a number is: misreports scale the first two
PartyT = TypeVar("PartyT", bound="Party")


@dataclass(frozen=True)
class Column:
    """Where a field stands: `file`, `keys` (columns that name the row, beside the party) and `header`, which ends in the unit.

    kind: cost, capacity, need or state. sparse: not every combination of keys needs a row. optional: the column may be missing.
    A scalar of case.toml has no keys.
    """

    file: str
    keys: tuple[str, ...]
    header: str
    kind: str
    sparse: bool = False
    optional: bool = False


def column(file: str, keys: tuple[str, ...], header: str, kind: str, sparse: bool = False, optional: bool = False) -> Any:
    """Declare a field that is a column of a table; its value is a `Values` over the keys, numbers >= 0."""
    where = Column(file, keys, header, kind, sparse, optional)
    return field(metadata={"column": where}, default=Values()) if optional else field(metadata={"column": where})


def scalar(unit: str, kind: str, optional: bool = False) -> Any:
    """Declare a field that is one number >= 0 in the party's table of case.toml; None where it is optional and left out."""
    where = Column("case.toml", (), unit, kind, optional=optional)
    return field(metadata={"column": where}, default=None) if optional else field(metadata={"column": where})


@dataclass(frozen=True)
class Party:
    """A party's private record. `side` says on which end of its flows it stands: supplier or receiver."""

    role: ClassVar[str]
    side: ClassVar[str]
    name: str

    def __post_init__(self) -> None:
        """Refuse numbers that are none, or negative."""
        for attribute in self.columns():
            value = getattr(self, attribute)
            for key, number in value.items() if isinstance(value, Mapping) else [((), value)]:
                if number is not None and not (math.isfinite(number) and number >= 0):
                    where = f"{self.name}.{attribute}" + (f"[{key!r}]" if key != () else "")
                    raise InputError.of(where, number, "a finite number >= 0")

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return where each field stands, by its name."""
        return {each.name: each.metadata["column"] for each in dataclasses.fields(cls) if "column" in each.metadata}

    @classmethod
    def tables(cls) -> dict[str, dict[str, Column]]:
        """Return the fields by file, without the scalars."""
        found: dict[str, dict[str, Column]] = {}
        for attribute, where in cls.columns().items():
            if where.keys:
                found.setdefault(where.file, {})[attribute] = where
        return found

    @classmethod
    def scalars(cls) -> dict[str, Column]:
        """Return the fields that are numbers of case.toml."""
        return {attribute: where for attribute, where in cls.columns().items() if not where.keys}

    def replace(self: PartyT, **fields: Any) -> PartyT:
        """Return the record with other values in some fields: what a party that misreports hands over."""
        return dataclasses.replace(self, **fields)

    def scaled(self: PartyT, what: str | Iterable[str], factor: float, **where: Any) -> PartyT:
        """Return the record with numbers multiplied: of the fields named, or of all of a kind (`COST`, `CAPACITY`).

        `where` limits that to rows of tables: `scaled(COST, 1.2, site="Lyon")` is all that is paid for the lane to Lyon.
        """
        names = [what] if isinstance(what, str) else list(what)
        changed = {}
        for attribute, place in self.columns().items():
            value = getattr(self, attribute)
            if (attribute in names or place.kind in names) and value is not None and set(where) <= set(place.keys):
                changed[attribute] = _scaled(value, factor, place.keys, where)
        if not changed:
            raise InputError.of("scaled", f"<{', '.join(names)} {where or ''}>", f"fields or kinds of a {self.role}")
        return self.replace(**changed)

    def since(self: PartyT, week: int) -> PartyT:
        """Return the record without the weeks before `week`; what was in stock stays as it is."""
        changed = {}
        for attribute, place in self.columns().items():
            if "week" in place.keys:
                at = place.keys.index("week") if len(place.keys) > 1 else None
                kept = {k: v for k, v in getattr(self, attribute).items() if (k if at is None else k[at]) >= week}
                changed[attribute] = Values(kept)
        return self.replace(**changed)

    def revealed(self: PartyT, week: int) -> PartyT:
        """Return the record as it stands when the needs up to `week` are known: `actual` in place of what was expected."""
        return self

    def missing(self, levels: Mapping[str, Iterable[Any]]) -> Iterable[tuple[str, Column, Any]]:
        """Yield (field, column, key) of numbers that are not there; `levels` are the names that each kind of key can have."""
        known = dict(levels)
        for attribute, place in self.columns().items():  # what is the party's own to name: its regions
            for k, key in enumerate(place.keys):
                if key not in levels:
                    part = {each if len(place.keys) == 1 else each[k] for each in getattr(self, attribute)}
                    known[key] = sorted({*known.get(key, ()), *part})
        for attribute, place in self.columns().items():
            value = getattr(self, attribute)
            if place.keys and not place.sparse and (value or not place.optional):
                for combination in product(*(known[name] for name in place.keys)):
                    if (combination[0] if len(combination) == 1 else combination) not in value:
                        yield attribute, place, combination


ROLES: dict[str, type[Party]] = {}


def register(role: type[PartyT]) -> type[PartyT]:
    """Make a role known to case files. Tables of one file name have the same keys in all roles; raises InputError otherwise."""
    for file, columns in role.tables().items():
        keys = {each.keys for each in columns.values()}
        for other in ROLES.values():
            keys |= {each.keys for each in other.tables().get(file, {}).values()}
        if len(keys) > 1:
            raise InputError.of(f"{role.role}, {file}", sorted(keys), "the same key columns in every table of that name")
    ROLES[role.role] = role
    return role


def _scaled(value: Any, factor: float, keys: tuple[str, ...], where: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return value * factor

    def chosen(key: Any) -> bool:
        parts = dict(zip(keys, key if len(keys) > 1 else (key,), strict=True))
        return all(parts[name] == wanted for name, wanted in where.items())

    return Values({key: number * factor if chosen(key) else number for key, number in value.items()})
