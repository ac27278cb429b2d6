"""`veridical import-case`: a case file from quotes and sales as they stand in spreadsheets."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import veridical as vd
from veridical.terminal import Changes, parsed, to_be_written

__all__ = ["import_case"]

KINDS = ("assembler", "allocation")
Pairs = list[str] | None


def import_case(
    table: Annotated[
        str, typer.Argument(metavar="QUOTES", help="Quotes of suppliers, or types of retailers: .csv, .xlsx, .parquet.")
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="CASE.toml", help="The case to write.", callback=to_be_written(lambda: (".toml",)))
    ],
    demand: Annotated[str | None, typer.Option(metavar="FILE", help="Past demand: .csv, .xlsx or .parquet.")] = None,
    column: Annotated[str, typer.Option(metavar="HEADER", help="The column of demand.")] = "demand",
    price: Annotated[float | None, typer.Option(help="Of a product, currency per unit.")] = None,
    suppliers: Annotated[str | None, typer.Option(metavar="FILE", help="What else is known of suppliers, a row each.")] = None,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = KINDS[0],
    currency: Annotated[str | None, typer.Option(help="What money is in.")] = None,
    unit: Annotated[str | None, typer.Option(help="What quantities are counted in.")] = None,
    levels: Annotated[int, typer.Option(metavar="N", help="Costs that stand for the quotes of a supplier.")] = 3,
    cost_step: Annotated[float | None, typer.Option(metavar="STEP", help="What these are rounded up to.")] = None,
    sheet: Annotated[Pairs, typer.Option("--sheet", metavar="TABLE=NAME", help="Of a workbook: quotes=..., demand=...")] = None,
    rename: Annotated[Pairs, typer.Option("--rename", metavar="HEADER=KEY", help="What a header stands for.")] = None,
    ignore: Annotated[Pairs, typer.Option("--ignore", metavar="HEADER", help="A column that is left out.")] = None,
    decimal: Annotated[str | None, typer.Option(metavar="SIGN", help="The decimal sign of numbers in text: . or ,")] = None,
    encoding: Annotated[str | None, typer.Option(metavar="NAME", help="Of CSV files that are not UTF-8, as cp1252.")] = None,
    changes: Changes = None,
) -> None:
    """Write a case file from supplier quotes and past sales, or from retailers and their types.

    Example: veridical import-case quotes.xlsx --demand sales.csv --column units --price 250 --out case.toml
    """
    from veridical.commands.import_case_tables import imported
    from veridical.data.importing.cases import from_files
    from veridical.data.importing.table import Reading

    target = Path(out)
    changed = {name: parsed(value) for name, value in pairs(changes, "--set").items()}
    if kind == KINDS[0]:
        refuse_unsaid(price, demand, {name.split(".")[0] for name in changed})
    fields = {"name": target.stem, "price": price, "currency": currency, "unit": unit, **changed}
    names = {"--sheet": pairs(sheet, "--sheet"), "--rename": pairs(rename, "--rename", last=True)}
    for name in names["--sheet"]:
        if name not in TABLES:
            raise vd.InputError.of("--sheet", name, f"TABLE=NAME, with a table of {', '.join(TABLES)}")
    reading = Reading(names["--sheet"], names["--rename"], tuple(ignore or ()), decimal, encoding)
    folder = f"{target.stem}-data"
    made = from_files(table, demand, kind, suppliers, column, levels, cost_step, folder, reading, fields)
    refuse_inputs([target, *target.parent.joinpath(folder).glob("*")], [table, demand, suppliers])
    refuse_edited(target, made.case)
    made.case.save(target)
    vd.tables.show(*imported(made, out))


TABLES = ("quotes", "suppliers", "demand", "retailers")


def pairs(texts: Iterable[str] | None, option: str, last: bool = False) -> dict[str, str]:
    """Return what stands before and behind the first equals sign of each text, or the last; raises InputError without one."""
    found = {}
    for text in texts or ():
        name, equals, value = text.rpartition("=") if last else text.partition("=")
        if not equals or not name:
            raise vd.InputError.of(option, text, "NAME=VALUE")
        found[name] = value
    return found


def refuse_unsaid(price: float | None, demand: str | None, changed: set[str]) -> None:
    """Raise InputError where nothing says what a product sells for, or how many are asked for."""
    if "products" in changed:
        return
    if price is None and "price" not in changed:
        raise vd.InputError.of("--price", "<nothing>", "what a product sells for, currency per unit, as --price 250")
    if demand is None and "demand" not in changed:
        allowed = "past sales, as --demand sales.csv --column units, or a distribution, as --set demand.distribution=lognormal "
        raise vd.InputError.of("--demand", "<nothing>", f"{allowed}--set demand.mean=400 --set demand.sd=80")


def refuse_edited(target: Path, case: object) -> None:
    """Raise InputError where a case stands under that name that is not the one to be written: somebody may have edited it."""
    if not target.exists():
        return
    try:
        same = vd.load(target) == case
    except vd.InputError:
        same = False
    if not same:
        allowed = "another name, or none that is there already: what stands there is not what these tables say, and may be edited"
        raise vd.InputError.of("--out", str(target), allowed)


def refuse_inputs(written: Iterable[Path], read: Iterable[str | None]) -> None:
    """Raise InputError where a file would be written that is read."""
    for path in written:
        for source in filter(None, read):
            if os.path.exists(path) and os.path.samefile(path, source):
                raise vd.InputError.of("--out", str(path), f"another name: {source} is one of the tables")
