"""A party: the private record that only it holds. A role says which tables the record is read from.

A role is a subclass of `Party` whose fields are declared with `column` (a table's) or `scalar` (a number in case.toml):

    @register
    class Vendor(Party):
        role: ClassVar[str] = "vendor"
        side: ClassVar[str] = "supplier"
        spot_cost: Values = column("lanes.csv", ("site",), "spot cost (currency per m3)", COST)

What such a party does with its share of the plan is declared in `veridical.models.joint_plan`, under the same role, by that
package's own `register`. An installed package can name the class as an entry point of the group `veridical.roles` instead of
registering it. `docs/how-to/own-role.md` has an example from the record to the consensus.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from veridical.data.errors import InputError
from veridical.data.fields import Name
from veridical.data.joint_plan.values import Values
from veridical.data.record import Record
from veridical.data.registry import Registry

__all__ = ["CAPACITY", "COST", "NEED", "ROLES", "STATE", "Column", "Party", "column", "register", "scalar"]

COST, CAPACITY, NEED, STATE = "cost", "capacity", "need", "state"  # what a number is: misreports scale the first two
PartyT = TypeVar("PartyT", bound="Party")


@dataclass(frozen=True)
class Column:
    """Where a field's values stand: `file`, `keys` (columns that name the row, beside the party), `header` (ends in the unit).

    kind: cost, capacity, need or state. sparse: not every combination of keys needs a row. optional: the column may be missing.
    A scalar of case.toml has no keys.

    Examples
    --------
    >>> from veridical.data.joint_plan import Vendor
    >>> column = Vendor.columns()["spot_cost"]
    >>> column.file, column.keys, column.header
    ('lanes.csv', ('site',), 'spot cost (currency per m3)')
    """

    file: str
    keys: tuple[str, ...]
    header: str
    kind: str
    sparse: bool = False
    optional: bool = False


def column(file: str, keys: tuple[str, ...], header: str, kind: str, sparse: bool = False, optional: bool = False) -> Any:
    """Declare a field that is a column of a table; its value is a `Values` over the keys, numbers >= 0.

    Parameters
    ----------
    file : str
        The table.
    keys : tuple of str
        The columns that name its rows, beside the party.
    header : str
        Of the column; it ends in the unit.
    kind : str
        COST, CAPACITY, NEED or STATE.
    sparse : bool
        Whether some combinations of the keys may have no row.
    optional : bool
        Whether the column may be missing.

    Returns
    -------
    Any
        The default of the field, as pydantic takes it.

    Examples
    --------
    >>> column("lanes.csv", ("site",), "spot cost (currency per m3)", COST).description
    'spot cost (currency per m3), lanes.csv'
    """
    return _field(Column(file, keys, header, kind, sparse, optional), Values())


def scalar(unit: str, kind: str, optional: bool = False) -> Any:
    """Declare a field that is one number >= 0 in the party's table of case.toml; None where it is optional and left out.

    Parameters
    ----------
    unit : str
        Of the number.
    kind : str
        COST, CAPACITY, NEED or STATE.
    optional : bool
        Whether it may be left out.

    Returns
    -------
    Any
        The default of the field, as pydantic takes it.

    Examples
    --------
    >>> scalar("currency per m3", COST).description
    'currency per m3, case.toml'
    """
    return _field(Column("case.toml", (), unit, kind, optional=optional), None)


def _field(where: Column, default: Any) -> Any:
    described: Any = {"description": f"{where.header}, {where.file}", "json_schema_extra": {"column": where}}
    return Field(default=default, **described) if where.optional else Field(**described)


class Party(Record):
    """A party's private record. `side` says on which end of its flows it stands: supplier or receiver.

    Examples
    --------
    >>> from veridical.data.joint_plan import pilot
    >>> case = pilot(vendors=1, sites=1, regions=1, products=1, weeks=2, makers=1)
    >>> alder = case.party("Alder")
    >>> alder.side, sorted(alder.tables())
    ('supplier', ['lanes.csv', 'plant.csv', 'production.csv'])
    >>> alder.scaled("spot_cost", 1.1).spot_cost.array / alder.spot_cost.array     # a misreport: 10 % more
    array([1.1])
    """

    model_config = ConfigDict(strict=True)

    role: ClassVar[str]
    side: ClassVar[str]
    name: Name

    @model_validator(mode="before")
    @classmethod
    def _role(cls, raw: Any) -> Any:
        """Leave out the role, by which a table of a case names the class."""
        named = isinstance(raw, Mapping) and raw.get("role", "") == getattr(cls, "role", None)
        return {key: value for key, value in raw.items() if key != "role"} if named else raw

    @model_validator(mode="after")
    def _finite(self) -> Self:
        """Refuse numbers that are not finite, or negative."""
        for attribute, where in self.columns().items():
            value = getattr(self, attribute)
            numbers = value.array if where.keys else np.array([] if value is None else [value])
            sound = np.isfinite(numbers) & (numbers >= 0)
            if not sound.all():
                k = int(np.argmin(sound))
                key = f"[{list(value)[k]!r}]" if where.keys else ""
                raise InputError.of(f"{self.name}.{attribute}{key}", float(numbers[k]), "a finite number >= 0")
        return self

    def _table(self) -> dict[str, Any]:
        return {"role": self.role, **super()._table()}

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return where each field stands, by its name."""
        extras = ((name, field.json_schema_extra) for name, field in cls.model_fields.items())
        return {name: cast(Column, extra["column"]) for name, extra in extras if isinstance(extra, dict) and "column" in extra}

    @classmethod
    def tables(cls) -> dict[str, dict[str, Column]]:
        """Return the fields by file, without the scalars."""
        tables: dict[str, dict[str, Column]] = {}
        for attribute, where in cls.columns().items():
            if where.keys:
                tables.setdefault(where.file, {})[attribute] = where
        return tables

    @classmethod
    def scalars(cls) -> dict[str, Column]:
        """Return the fields that are numbers of case.toml."""
        return {attribute: where for attribute, where in cls.columns().items() if not where.keys}

    def replace(self, **fields: Any) -> Self:
        """Return the record with other values in some fields, as `changed` does: what a party that misreports hands over."""
        return self.changed(**fields)

    def scaled(self, what: str | Iterable[str], factor: float, **where: Any) -> Self:
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
        return self.changed(**changed)

    def since(self, week: int) -> Self:
        """Return the record without the weeks before `week`; what was in stock stays as it is."""
        changed = {}
        for attribute, place in self.columns().items():
            if "week" in place.keys:
                at = place.keys.index("week") if len(place.keys) > 1 else None
                kept = {k: v for k, v in getattr(self, attribute).items() if (k if at is None else k[at]) >= week}
                changed[attribute] = Values(kept)
        return self.changed(**changed)

    def revealed(self, week: int) -> Self:
        """Return the record as it stands when the needs up to `week` are known: `actual` in place of what was expected."""
        return self

    def missing(self, levels: Mapping[str, Iterable[Any]]) -> Iterable[tuple[str, Column, Any]]:
        """Yield (field, column, key) of numbers that are not there; `levels` are the names that each kind of key can have."""
        known = dict(levels)
        for attribute, place in self.columns().items():  # what is the party's own to name: its regions
            for k, key in enumerate(place.keys):
                if key not in levels:
                    part = {row if len(place.keys) == 1 else row[k] for row in getattr(self, attribute)}
                    known[key] = sorted({*known.get(key, ()), *part})
        for attribute, place in self.columns().items():
            value = getattr(self, attribute)
            if place.keys and not place.sparse and (value or not place.optional):
                for combination in product(*(known[name] for name in place.keys)):
                    if (combination[0] if len(combination) == 1 else combination) not in value:
                        yield attribute, place, combination


class Roles(Registry[Party]):
    """The roles that case files know."""

    def register(self, cls: type[PartyT]) -> type[PartyT]:  # type: ignore[override]  # roles only
        """Make a role known to case files; may be used as a decorator. Its block is made known by `models.joint_plan.register`.

        Raises InputError where a table of the role has other keys than a table of that file name in another role.

        Examples
        --------
        >>> from veridical.data.joint_plan import COST, ROLES, Party, register, scalar
        >>> @register
        ... class Depot(Party):
        ...     role: ClassVar[str] = "depot"
        ...     side: ClassVar[str] = "receiver"
        ...     rent: float = scalar("currency per week", COST)
        >>> Depot(name="north", rent=50.0).rent, "depot" in ROLES
        (50.0, True)
        >>> del ROLES["depot"]
        """
        for file, columns in cls.tables().items():
            keys = {column.keys for column in columns.values()}
            for other in self.values():
                keys |= {column.keys for column in other.tables().get(file, {}).values()}
            if len(keys) > 1:
                raise InputError.of(f"{cls.role}, {file}", sorted(keys), "the same key columns in every table of that name")
        return super().register(cls)

    def names(self) -> list[str]:
        """Return the names of roles and of entry points."""
        return sorted(super().names())


ROLES = Roles(Party, "role", "veridical.roles")
register = ROLES.register


def _scaled(value: Any, factor: float, keys: tuple[str, ...], where: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return value * factor

    def chosen(key: Any) -> bool:
        parts = dict(zip(keys, key if len(keys) > 1 else (key,), strict=True))
        return all(parts[name] == wanted for name, wanted in where.items())

    return Values({key: number * factor if chosen(key) else number for key, number in value.items()})
