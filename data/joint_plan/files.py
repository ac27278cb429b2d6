"""Reading a case that is a folder: case.toml beside tidy CSV tables, one row a combination, units in the header.

Shared: products.csv, sites.csv, flows.csv, and, where the receivers have committed to orders, baseline.csv. The other tables are
the parties' own, each row under its party's name: which there are, the roles say (`Party.tables`). A party of which case.toml
says `record = "home"` has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from veridical.data import csv_file, files
from veridical.data.errors import InputError
from veridical.data.fields import is_name
from veridical.data.joint_plan.at_home import AtHome
from veridical.data.joint_plan.case import JointPlanCase
from veridical.data.joint_plan.head import Head
from veridical.data.joint_plan.party import ROLES
from veridical.data.joint_plan.shared import LEVELS, Route, Shared
from veridical.data.joint_plan.tables import BASELINE, FLOWS, PRICE, PRODUCTS, ROUTE, SITES, UNITS, VOLUME, schema
from veridical.data.joint_plan.values import Values
from veridical.data.record import check

__all__ = ["build"]


def build(raw: Mapping[str, Any], file: str, folder: Path) -> JointPlanCase:
    """Return the case that case.toml and the tables of its folder describe.

    Parameters
    ----------
    raw : mapping
        The table in case.toml.
    file : str
        The name of that file, for messages.
    folder : Path
        Where the tables are.

    Returns
    -------
    JointPlanCase
        The case.

    Raises
    ------
    InputError
        With file, row, column, the value and what is allowed.

    Examples
    --------
    >>> import tempfile, tomllib
    >>> from veridical.data.joint_plan import pilot
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     head = pilot(weeks=1).save(folder)
    ...     build(tomllib.loads(head.read_text()), head.name, head.parent).shared.weeks
    (1,)
    """
    head = check(Head, raw, file)
    roles = {party["name"]: ROLES[party["role"]] for party in head.parties}
    here = {party["name"]: roles[party["name"]] for party in head.parties if "record" not in party}
    tables = schema(here.values())
    for path in sorted(folder.glob("*.csv")):
        if path.name not in (PRODUCTS, SITES, FLOWS, BASELINE, *tables):
            allowed = f"the tables {', '.join((PRODUCTS, SITES, FLOWS, BASELINE, *tables))}"
            raise InputError.of("<file>", path.name, allowed, path.name)
    products = Values({row["product"]: row[VOLUME] for row in _table(folder / PRODUCTS, ("product",), (VOLUME,), {})})
    sites = tuple(row["site"] for row in _table(folder / SITES, ("site",), (), {}))
    known: dict[str, Iterable[Any]] = {"site": sites, "product": products, "week": head.weeks}
    sides = {side: [name for name, role in roles.items() if role.side == side] for side in ("supplier", "receiver")}
    routes = tuple(Route(*row.values()) for row in _table(folder / FLOWS, ROUTE, (PRICE,), known | sides))
    if not routes:
        raise InputError.of("<file>", "<no rows>", "one row or more: who delivers what to whom, and where", FLOWS)
    shared = Shared(
        weeks=head.weeks, products=products, sites=sites, routes=routes, truck_volume=head.truck_volume, truckload=head.truckload
    )
    fields: dict[str, dict[str, Any]] = {name: {} for name in here}
    for name, columns in tables.items():
        holders = [party for party, role in here.items() if name in role.tables()]
        keys = next(iter(columns.values())).keys
        wanted = [column.header for column in columns.values() if not column.optional]
        optional = [column.header for column in columns.values() if column.optional]
        rows = _table(folder / name, ("party", *keys), wanted, known | {"party": holders}, optional)
        for party in holders:
            entries = [row for row in rows if row["party"] == party]
            for attribute, place in roles[party].tables()[name].items():
                fields[party][attribute] = Values({_key(row, keys): row[place.header] for row in entries if place.header in row})
    parties = tuple(
        roles[raw["name"]](**{key: value for key, value in raw.items() if key != "role"}, **fields[raw["name"]])
        if raw["name"] in here
        else AtHome(name=raw["name"], role=raw["role"])
        for raw in head.parties
    )
    orders = None
    if (folder / BASELINE).exists():
        orders = {tuple(row.values())[:-1]: row[UNITS] for row in _table(folder / BASELINE, LEVELS, (UNITS,), known | sides)}
    named = {name: getattr(head, name) for name in ("name", "description", "currency", "unit")}
    return JointPlanCase(**named, shared=shared, parties=parties, mechanism=head.mechanism, baseline=orders)


def _key(row: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)


def _table(
    path: Path, keys: tuple[str, ...], headers: Iterable[str], known: Mapping[str, Iterable[Any]], optional: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Return the rows of a table, keys as names (weeks as numbers), the other columns as numbers >= 0.

    `known` are the names that a key column may have; others are the table's own to give. Combinations are there once.
    """
    file, headers = path.name, tuple(headers)
    rows, seen = [], set()
    allowed = {key: set(names) for key, names in known.items()}
    with files.inside(path.parent, file):
        for place, texts in csv_file.read(path, (*keys, *headers), optional, "one row a combination"):
            row: dict[str, Any] = {}
            for key in keys:
                name: Any = texts[key]
                if key == "week" and name.isascii() and name.isdigit():
                    name = int(name)
                if key in allowed and name not in allowed[key]:
                    names = ", ".join(map(str, list(known[key])[:10])) + (", ..." if len(allowed[key]) > 10 else "")
                    raise InputError.of(f"{place}, column {key}", name, f"one of {names}", file)
                if not is_name(str(name)):
                    rule = "a name: printable, without spaces at its ends or two in a row"
                    raise InputError.of(f"{place}, column {key}", name, rule, file)
                row[key] = name
            if (combination := tuple(row.values())) in seen:
                raise InputError.of(place, ", ".join(map(str, combination)), "each combination once", file)
            seen.add(combination)
            for header in (*headers, *(name for name in optional if texts.get(name, "") != "")):
                row[header] = csv_file.number(texts[header], place, header, file, 0.0)
            rows.append(row)
    return rows
