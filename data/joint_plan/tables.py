"""The tables of a case that is a folder, and writing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from veridical.data import csv_file, files
from veridical.data.case_record import HEAD, plain, write_files
from veridical.data.errors import InputError
from veridical.data.joint_plan.at_home import HOME, AtHome
from veridical.data.joint_plan.party import ROLES, Column, Party
from veridical.data.measures import Measures

if TYPE_CHECKING:
    from veridical.data.joint_plan.case import JointPlanCase

__all__ = ["BASELINE", "FLOWS", "PRICE", "PRODUCTS", "ROUTE", "SITES", "UNITS", "VOLUME", "head_of", "schema"]
__all__ += ["tables_of", "texts", "write"]

PRODUCTS, SITES, FLOWS, BASELINE = "products.csv", "sites.csv", "flows.csv", "baseline.csv"
VOLUME, PRICE, UNITS = "volume (m3 per unit)", "price (currency per unit)", "ordered (units)"
ROUTE = ("supplier", "receiver", "site", "product")


def schema(roles: Iterable[type[Party]]) -> dict[str, dict[str, Column]]:
    """Return the tables of some roles: file -> field -> column."""
    tables: dict[str, dict[str, Column]] = {}
    for role in roles:
        for file, columns in role.tables().items():
            tables.setdefault(file, {}).update(columns)
    return tables


def write(case: JointPlanCase, path: str | Path, *, alone: bool = False) -> Path:
    """Write the case as a folder that loads back equal; return the path of its case.toml.

    Parameters
    ----------
    case : JointPlanCase
        The case.
    path : str or Path
        The folder, or the TOML file in it.
    alone : bool
        Whether a folder is refused that holds anything else than this case, even an earlier or changed one.

    Returns
    -------
    Path
        Of the case.toml.

    Raises
    ------
    InputError
        For a role that is not registered, for tables that would not be read back, for a folder with tables of another case, and
        for one in which another process is writing: nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from veridical.data.joint_plan import pilot
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(pilot(weeks=1), folder).name
    'case.toml'
    """
    path = Path(path)
    folder, head = (path.parent, path.name) if path.suffix == ".toml" and not path.is_dir() else (path, HEAD)
    written = texts(case, head)
    for other in sorted(folder.glob("*.csv")):
        if other.name not in written:
            raise InputError.of("<file>", str(other), "to save a case, a folder without tables of another one")
    with files.locked(files.make_folder(folder)):
        if alone:
            _refuse_another(folder, written, head)
        write_files(folder, written)
    return folder / head


def texts(case: JointPlanCase, head: str = HEAD) -> dict[str, str]:
    """Return the files of a case by name, `head` last: a folder in which it is missing was not finished.

    Raises InputError for a role that is not registered, and for tables that would not be read back.
    """
    return tables_of(case) | {head: head_of(case)}


def tables_of(case: JointPlanCase) -> dict[str, str]:
    """Return the texts of a case's tables, by file; raises InputError for what would not be read back."""
    written = {
        PRODUCTS: csv_file.text(("product", VOLUME), case.shared.products.items()),
        SITES: csv_file.text(("site",), [(site,) for site in case.shared.sites]),
        FLOWS: csv_file.text((*ROUTE, PRICE), case.shared.routes),
    }
    if case.baseline is not None:
        rows = [(*flow, case.baseline[flow]) for flow in case.shared.flows]
        written[BASELINE] = csv_file.text((*ROUTE, "week", UNITS), rows)
    for name in case.at_home:
        if case.party(name) != AtHome(name=name, role=case.party(name).role):
            raise case.party(name).error_for("to save a case, the true record, as its party has it in its folder")
    here = [party for party in case.parties if party.name not in case.at_home]
    for party in here:
        if ROLES.find(party.role) is not type(party):
            raise InputError.of(f"{party.name}.role", party.role, f"to save a case, {ROLES.allowed()}", case.name or None)
    for name, columns in schema(type(party) for party in here).items():
        written[name] = _table([party for party in here if name in party.tables()], name, columns)
    return written


def _refuse_another(folder: Path, written: Mapping[str, str], head: str) -> None:
    for other in sorted(folder.iterdir()):
        known = other.name in written or (other.name.startswith(".") and other.name.endswith(files.PART))
        if not known or (other.name == head and files.read(other, "case file", "TOML") != written[head]):
            raise InputError.of("<file>", str(other), "to write a case anew, an empty folder, or the same case in it")


def _table(holders: list[Party], file: str, columns: Mapping[str, Column]) -> str:
    """Return the table that some parties have rows in."""
    filled = {
        name: column for name, column in columns.items() if not column.optional or any(getattr(p, name, None) for p in holders)
    }
    keys = next(iter(columns.values())).keys
    rows = []
    for party in holders:
        given = {column.header: getattr(party, name) for name, column in party.tables()[file].items()}
        full = {header: values for header, values in given.items() if values}
        combinations: Mapping[Any, float] = next(iter(full.values()), {})
        for header, values in full.items():
            if values.keys() != combinations.keys():
                raise InputError.of(f"{party.name}, {header}", f"<{len(values)} rows>", f"the same rows in all of {file}")
        for key in combinations:
            parts = key if len(keys) > 1 else (key,)
            cells = (given.get(column.header, {}).get(key, "") for column in filled.values())
            rows.append((party.name, *parts, *cells))
    return csv_file.text(("party", *keys, *(column.header for column in filled.values())), rows)


def head_of(case: JointPlanCase) -> str:
    """Return the text of a case's case.toml."""
    shared, weeks = case.shared, list(case.shared.weeks)
    top = {
        "kind": case.kind,
        "name": case.name,
        "description": case.description,
        "weeks": len(weeks) if weeks[0] == 1 else weeks,
        **Measures.of(case).to_dict(),
        "truckload": shared.truckload,
        "truck_volume": shared.truck_volume,
    }
    lines = [*_lines(top), "", "[mechanism]", *_lines(plain(case.mechanism, "mechanism", {}))]
    for party in case.parties:
        scalars = {key: (value, column) for key, column in party.scalars().items() if (value := getattr(party, key)) is not None}
        kept = {"record": HOME} if isinstance(party, AtHome) else {}
        lines += ["", "[[parties]]", *_lines({"name": party.name, "role": party.role, **kept})]
        lines += [f"{_lines({key: value})[0]}  # {column.header}" for key, (value, column) in scalars.items()]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [tomli_w.dumps({key: value}).strip() for key, value in table.items()]
