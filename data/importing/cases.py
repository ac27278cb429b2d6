"""Cases from tables: what they say, what the caller says beside them, and where each of it stands when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from veridical.data.allocation import AllocationCase
from veridical.data.assembler import AssemblerCase
from veridical.data.demand.distribution import Demand
from veridical.data.errors import InputError, Problem
from veridical.data.fields import whole_number
from veridical.data.importing.figures import NOT_NEGATIVE, figures
from veridical.data.importing.quotes import QUOTES, SUPPLIERS, Found, suppliers_of
from veridical.data.importing.retailers import RETAILERS, groups_of
from veridical.data.importing.table import Reading, Table, Wanted, key_of
from veridical.data.lazy import pd
from veridical.data.limits import LARGEST
from veridical.data.record import check, put
from veridical.data.sheets.numerals import DECIMALS

__all__ = ["FOLDER", "KINDS", "LEVELS", "Imported", "allocation", "assembler", "demand_table", "from_files", "import_case"]

KINDS = ("assembler", "allocation")
LEVELS = 3  # costs that stand for the quotes of a supplier, where nobody says how many
MANY = 1000  # of them, which no menu has
FOLDER = "quotes"  # beside the case, where quotes and sales stand in files
OTHER = {"EUR": ("€", "euro"), "GBP": ("£",), "$": ("usd", "aud", "cad", "us$", "dollar"), "USD": ("$",), "¥": ("jpy", "cny")}
WHICH = "--column HEADER says which column has past demand (in Python `column`)"
PLACE = re.compile(r"((?:suppliers|retailers)\[\d+\])(?:\.(\w+))?")


@dataclass(frozen=True)
class Imported:
    """A case, and what is to be said of how its tables were read: by file."""

    case: Any
    notes: tuple[tuple[str, str], ...]


def assembler(
    quotes: Table,
    demand: Table | Demand | Mapping[str, Any] | None,
    suppliers: Table | None,
    column: str,
    levels: int = LEVELS,
    cost_step: float | None = None,
    folder: str = FOLDER,
    decimal: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Imported:
    """Return the case of suppliers who have quoted; `fields`: what else the case says, by names as `changed` takes them."""
    whole_number(levels, "levels", 1, most=MANY)
    if cost_step is not None and not 0 < cost_step <= LARGEST:
        raise InputError.of("cost_step", cost_step, "a number > 0, currency per unit")
    found = suppliers_of(quotes, suppliers, levels, cost_step, folder, decimal)
    raw: dict[str, Any] = {"kind": "assembler", "suppliers": found.parts}
    notes = [(quotes.file, note) for note in (*quotes.notes, *found.notes)]
    if isinstance(demand, Table):
        values, said = observations(demand, column, decimal)
        raw["demand"] = {"distribution": "sample", "file": f"{folder}/{_unused('demand', found)}.csv", "values": values}
        notes += [(demand.file, note) for note in (*demand.notes, *said)]
    elif demand is not None:
        raw["demand"] = demand
    return _made(AssemblerCase, raw, found, fields or {}, notes)


def allocation(table: Table, decimal: str | None = None, fields: Mapping[str, Any] | None = None) -> Imported:
    """Return the case of retailers in a table; `revenue` among the fields is that of every group that has none of its own."""
    found = groups_of(table, decimal)
    given = dict(fields or {})
    revenue = {key: given.pop(key) for key in list(given) if key.split(".")[0] == "revenue"}
    if not revenue:
        raise InputError.missing("revenue", 'what retailers earn from units, as {form = "linear_demand"}; see the case format')
    of_all = put({}, revenue)["revenue"]
    raw = {"kind": "allocation", "retailers": [{**group, "revenue": of_all} for group in found.parts]}
    return _made(AllocationCase, raw, found, given, [(table.file, note) for note in (*table.notes, *found.notes)])


def observations(table: Table, column: str, decimal: str | None = None) -> tuple[list[float], list[str]]:
    """Return the numbers in a column of a table, and what is to be said of them; raises InputError."""
    problems = table.problems
    numbers = figures(table, {key_of(column): NOT_NEGATIVE}, problems, decimal)
    problems.check()
    given = [row[key_of(column)] for row in numbers.rows]
    values = [value for value in given if value is not None]
    if not values:
        raise InputError.of(f"column {column}", "<no numbers>", "one observation of demand or more", table.file)
    return values, list(numbers.notes)


def _unused(stem: str, found: Found) -> str:
    """Return a name for a file beside those of the quotes."""
    taken = {Path(part.get("reports", "")).stem.casefold() for part in found.parts}
    while stem.casefold() in taken:
        stem += "-observed"
    return stem


def _made(cls: Any, raw: dict[str, Any], found: Found, fields: Mapping[str, Any], notes: list[tuple[str, str]]) -> Imported:
    """Return the validated case; what is wrong with a part of it is said where that part was read."""
    given = {name: value for name, value in fields.items() if value is not None}
    said = given.get("currency")
    if found.currency and said is not None and said.casefold() not in (found.currency.casefold(), *OTHER.get(found.currency, ())):
        raise InputError.of("currency", said, f"{found.currency}, which stands beside the numbers")
    if found.currency and said is None:
        given["currency"] = found.currency
    for key in given:
        if key.split(".")[0] not in cls.model_fields:
            raise InputError.of(key, given[key], f"one of {', '.join(cls.model_fields)}")
    try:
        return Imported(check(cls, put(raw, given)), tuple(notes))
    except InputError as error:
        raise _where(error, found) from None


def _where(error: InputError, found: Found) -> InputError:
    """Return an error of a case as one of the table in which what is wrong was read."""
    problems: list[Problem] = []
    for problem in error.problems:
        match = PLACE.match(problem.field)
        place = None
        if match is not None:
            place = found.places.get(f"{match[1]}.{match[2]}") or found.places.get(match[1])
        problems.append(problem if place is None else replace(problem, field=f"{place[0]}: {place[1]} ({problem.field})"))
    return InputError(*problems, file=error.file)


def from_files(
    path: str | Path,
    demand: str | Path | None = None,
    kind: str = "assembler",
    suppliers: str | Path | None = None,
    column: str = "demand",
    levels: int = LEVELS,
    cost_step: float | None = None,
    folder: str = FOLDER,
    reading: Reading | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Imported:
    """Return the case in files of tables, and what is to be said of how they were read; see `import_case`."""
    reading = reading or Reading()
    if kind not in KINDS:
        raise InputError.of("kind", kind, f"one of {', '.join(KINDS)}")
    if reading.decimal is not None and reading.decimal not in DECIMALS:
        raise InputError.of("decimal", reading.decimal, "one of . and ,")
    tables: list[Table] = []

    def table(source: str | Path, name: str, wanted: Wanted, how: Reading) -> Table:
        tables.append(Table.of_file(source, name, wanted, how))
        return tables[-1]

    if kind == "allocation":
        for name, given in (("demand", demand), ("suppliers", suppliers)):
            if given is not None:
                raise InputError.of(name, str(given), "nothing for a case of kind allocation, which has none")
        made = allocation(table(path, "retailers", RETAILERS, reading), reading.decimal, fields)
    else:
        quotes = table(path, "quotes", QUOTES, reading)
        further = None if suppliers is None else table(suppliers, "suppliers", SUPPLIERS, reading)
        sales = None
        if demand is not None:
            of_sales = replace(reading, rename={**reading.rename, column: key_of(column)})
            sales = table(demand, "demand", Wanted(((key_of(column),),), others=True, how=WHICH), of_sales)
        made = assembler(quotes, sales, further, column, levels, cost_step, folder, reading.decimal, fields)
    met = frozenset().union(*(one.met for one in tables))
    for option, headers in (("rename", reading.rename), ("ignore", reading.ignore)):
        for header in headers:
            if " ".join(header.split()).casefold() not in met and key_of(header) not in map(key_of, met):
                raise InputError.of(option, header, "a header of one of the tables")
    return made


def import_case(
    path: str | Path,
    demand: str | Path | None = None,
    *,
    kind: str = "assembler",
    suppliers: str | Path | None = None,
    column: str = "demand",
    levels: int = LEVELS,
    cost_step: float | None = None,
    folder: str = FOLDER,
    sheets: Mapping[str, str] | None = None,
    rename: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    decimal: str | None = None,
    encoding: str | None = None,
    **fields: Any,
) -> AssemblerCase | AllocationCase:
    """Return the case in tables of quotes and sales, or of retailers, as they stand in files that people keep.

    Files are `.csv`, `.xlsx` or `.parquet`. The header may stand below titles; rows that are empty are left out; separators,
    decimal commas and signs of currencies are recognised where they can be read in one way alone.

    Parameters
    ----------
    path
        Quotes: a row a quote, with the columns `supplier` and `quote` (currency per unit), from which costs and a prior are
        estimated; or `cost` and `probability` in its place, a row a cost. Columns that may be there: `component`, `capacity`,
        `minimum_order`, `lot_size`, `units_per_product`, `yield` (units, and the share that arrives), `reservation_profit`,
        `setup_cost` (currency). Of an allocation: a row a type, with `retailers` and `type`, `probability`, `count`, `capacity`,
        `minimum_order`, `reservation_profit`.
    demand
        Past demand, units: a table whose `column` has an observation a row. Without it `demand` is to be among the fields, as
        `**{"demand.distribution": "uniform", "demand.low": 100, "demand.high": 900}`.
    kind
        `assembler` or `allocation`.
    suppliers
        A table with one row a supplier, and what else is known of him, in the columns above.
    column
        The header of the column of demand.
    levels
        How many costs stand for a supplier's quotes: quantiles, the highest quote among them.
    cost_step
        What these are rounded up to, currency per unit.
    folder
        Where quotes and demand stand beside the case when it is saved.
    sheets
        Of workbooks with several sheets, by table: `{"quotes": "Q3", "demand": "sales"}`.
    rename
        What headers stand for: `{"Lieferant": "supplier"}`.
    ignore
        Headers of columns that are to be left out.
    decimal
        `.` or `,`, where numbers in text may be read both ways.
    encoding
        Of CSV files that are not UTF-8.
    fields
        Further fields of the case: `price=250`, `currency="EUR"`, `capacity=12`; of an allocation `revenue` of all retailers.

    Returns
    -------
    AssemblerCase or AllocationCase
        `save` writes it, with its quotes and demand beside it, so that `load` reads it back equal.

    Raises
    ------
    InputError
        With file, row and column, the value and what is allowed, for all that cannot be read or is not plain.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     quotes, sales = Path(folder, "quotes.csv"), Path(folder, "sales.csv")
    ...     characters = quotes.write_text("Supplier;Quote (EUR)\\nArvo;7,60\\nArvo;8,10\\nBrisk;9,40\\nBrisk;9,40\\n")
    ...     characters = sales.write_text("month,units\\n2025-01,310\\n2025-02,420\\n")
    ...     case = import_case(quotes, sales, column="units", price=40, levels=2)
    >>> [(one.name, one.costs, one.likely) for one in case.suppliers], case.demand.values
    ([('Arvo', (7.6, 8.1), (0.5, 0.5)), ('Brisk', (9.4,), (1.0,))], (310.0, 420.0))
    """
    reading = Reading(sheets or {}, rename or {}, (ignore,) if isinstance(ignore, str) else tuple(ignore), decimal, encoding)
    found = from_files(path, demand, kind, suppliers, column, levels, cost_step, folder, reading, fields)
    case: AssemblerCase | AllocationCase = found.case
    return case


def demand_table(demand: Any, column: str) -> Any:
    """Return demand as `assembler` takes it: a table, where a frame, a series or a list of observations is given."""
    if demand is None or isinstance(demand, Demand | Mapping):
        return demand
    if isinstance(demand, pd.DataFrame):
        return Table.of_frame(demand, "demand", Wanted(((key_of(column),),), others=True), {column: key_of(column)})
    try:
        frame = pd.DataFrame({column: pd.Series(demand).reset_index(drop=True)})
    except (TypeError, ValueError):
        raise InputError.of("demand", f"<{type(demand).__name__}>", "observations: a DataFrame, a Series or a list") from None
    return Table.of_frame(frame, "demand", Wanted(((key_of(column),),), others=True))
