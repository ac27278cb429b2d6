"""What the commands share: options, cases with `--set` changes, JSON, files to write, progress on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperCommand

import veridical as vd

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = [
    "AllowFiles",
    "Case",
    "Changes",
    "Command",
    "Contracts",
    "ContractsFile",
    "Count",
    "Database",
    "Json",
    "Plot",
    "Report",
]
__all__ += [
    "Request",
    "Solver",
    "draw",
    "emit",
    "given_command",
    "read",
    "refuse_unasked",
    "report",
    "table_to_be_written",
    "tell",
    "to_be_written",
]

UNASKED = {  # what is to be said of a result that nobody asked for
    "locally_optimal": "a better point may exist elsewhere",
    "incomplete": "a party was lost, and the plan is without it",
}
LISTED: Mapping[str, Callable[[], Iterable[str]]] = {  # what the help of options names
    "mechanisms": lambda: mechanisms(),
    "reproductions": lambda: vd.studies.REPRODUCTIONS,
}


def mechanisms() -> Iterable[str]:
    """Return the names of mechanisms, those of installed packages among them."""
    vd.families.load_installed()
    return vd.MECHANISMS


class Command(TyperCommand):
    """A command that shows its progress, and whose help names what there is: looked up when it is asked for, and not before."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with vd.progress():
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with names in place of `{mechanisms}` and the like."""
        for parameter in cast(list[Any], self.params):
            for word, names in LISTED.items():
                if f"{{{word}}}" in (text := getattr(parameter, "help", None) or ""):
                    parameter.help = text.replace(f"{{{word}}}", ", ".join(names()))
        super().format_help(ctx, formatter)


def to_be_written(endings: Callable[[], tuple[str, ...]] = tuple) -> Callable[[typer.CallbackParam, str | None], str | None]:
    """Return the check of an option that names a file to write: made before anything is solved."""

    def checked(parameter: typer.CallbackParam, target: str | None) -> str | None:
        if target is None or (target == "-" and not endings()):
            return target
        option = parameter.opts[0]
        if endings() and not target.lower().endswith(endings()):
            raise vd.InputError.of(option, target, f"a file that can be written: its name ends in {', '.join(endings())}")
        vd.data.files.writable(target, option)
        return target

    return checked


def table_to_be_written(parameter: typer.CallbackParam, target: str | None) -> str | None:
    """Check an option that names a file for a table, before anything is solved; the ending says what it is written as."""
    if target is not None:
        from veridical.data.sheets.endings import ending

        option = next((name for name in parameter.opts if name in sys.argv), parameter.opts[0])  # of several names, the one used
        ending(target, option)
        vd.data.files.writable(target, option)
    return target


def formats() -> tuple[str, ...]:
    """Return the endings of the files that pictures are written to."""
    return vd.studies.figures.style.FORMATS


def shipped(incomplete: str) -> list[str]:
    """Return the shipped cases whose names begin so: what the shell completes beside the names of files."""
    return [name for name in vd.examples() if name.startswith(incomplete)]


Case = Annotated[
    str,
    typer.Argument(metavar="CASE", help="A case file (TOML), or the name of a shipped case.", autocompletion=shipped),
]
AllowFiles = Annotated[bool, typer.Option("--allow-files", help="The case may name files outside its folder.")]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write JSON; - prints it, and nothing else.", callback=to_be_written()),
]
ContractsFile = Annotated[
    str | None,
    typer.Option(
        "--menu",
        metavar="FILE",
        help="Write the menu, allocation or plan: FILE.csv, FILE.xlsx or FILE.parquet.",
        callback=table_to_be_written,
    ),
]
Contracts = Annotated[
    str | None, typer.Option("--contracts", metavar="DIR", help="Write what each supplier is sent: his own contracts alone.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE.png", help="Draw what was found.", callback=to_be_written(formats))
]
Report = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a report for people: the decision, why it holds, and how to come to it again; .pdf prints it.",
        callback=to_be_written(lambda: (".html", ".pdf")),
    ),
]
Solver = Annotated[str | None, typer.Option("--solver", metavar="NAME|FILE", help="A solver's name, or a TOML file.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a field of the case or a parameter.")
]
Database = Annotated[str, typer.Option("--db", metavar="FILE|URL", help="A SQLite file, or the URL of a PostgreSQL database.")]
Count = Annotated[int | None, typer.Option(metavar="N", help="How many there are.")]


@dataclass(frozen=True)
class Request:
    """A case with the `--set` changes that are fields of it made; `others` are left, and `fields` is what could be changed."""

    case: Any
    others: Mapping[str, Any]
    fields: tuple[str, ...]

    def parameters(self, known: Iterable[str]) -> dict[str, Any]:
        """Return the changes that are left, which must be of parameters that are `known`."""
        names = tuple(dict.fromkeys(known))
        for key, value in self.others.items():
            if key not in names:
                raise vd.InputError.of(f"--set {key}", value, f"one of {', '.join((*self.fields, *names))}")
        return dict(self.others)


def read(case: str, changes: Iterable[str] | None, allow_files: bool = False) -> Request:
    """Return the case that a file or a name stands for, with `--set` changes made; it may name files outside where allowed."""
    others: dict[str, Any] = {}
    fields: dict[str, None] = {}

    from veridical.data.load import kind_of

    def change(raw: dict[str, Any]) -> dict[str, Any]:
        with suppress(vd.InputError):  # of a kind that is none: said when the case is read
            fields.update(dict.fromkeys(kind_of(raw.get("kind")).keys))
        for text in changes or ():
            key, equals, value = text.partition("=")
            if not equals:
                raise vd.InputError.of("--set", text, "KEY=VALUE")
            if key.split(".")[0] in fields:
                raw = vd.data.record.put(raw, {key: parsed(value)}, "--set ")
            else:
                others[key] = parsed(value)
        return raw

    shipped = case in vd.examples() and not Path(case).exists()
    if not shipped and not case.endswith(".toml") and not os.path.exists(case):
        raise vd.InputError.of("CASE", case, f"a case file, or a shipped case: {', '.join(vd.examples())}")
    world = vd.example(case, change) if shipped else vd.load(case, change, allow_files=allow_files)
    return Request(world, others, tuple(fields))


def report(
    to_json: str | None, record: Callable[[], dict[str, Any]], shown: Callable[[], list[RenderableType]], case: Any = None
) -> None:
    """Write JSON where it is asked for, and print tables unless standard output is for the JSON alone.

    `case`: what the record is of.
    """
    if to_json is not None:
        emit(to_json, record(), case)
    if to_json != "-":
        vd.tables.show(*shown())


def refuse_unasked(name: str, status: Any, configuration: Any) -> None:
    """Raise NotSolvedError for a result of a status that has to be accepted, unless the solver's configuration does so."""
    accepts = vd.solvers.solution.ACCEPTS
    if status not in accepts or (configuration is not None and configuration.accept == accepts[status]):
        return
    words = f"{status}, {UNASKED[status]} (accept = '{accepts[status]}' among the solver's settings takes it)"
    raise vd.NotSolvedError(f"{name}: {words}", status)


def draw(target: str | None, figure: Callable[[], Any]) -> None:
    """Write a figure to a file where one is asked for."""
    if target is not None:
        vd.studies.figures.style.save(figure(), target)


def given_command(name: str, case: Any, given: str, **options: str | list[str] | None) -> Any:
    """Return the command that a report names: its words, from what was given, and the case."""
    from veridical.reporting import Command

    words = ["veridical", name, given]
    for option, value in options.items():
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            words += [f"--{option.replace('_', '-')}", one]
    return Command(words, case)


def parsed(text: str) -> Any:
    """Return a value as TOML reads it; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # also a whole number of thousands of digits, and brackets without end
        return text


def emit(target: str, record: dict[str, Any], case: Any = None) -> None:
    """Write JSON, with its version and schema, to a file, or to standard output for `-`."""
    from veridical.data.stamp import stamped

    text = json.dumps(finite(stamped(record, case)), indent=1, allow_nan=False)
    if target == "-":
        sys.stdout.write(f"{text}\n")
    else:
        vd.data.files.write({Path(target): f"{text}\n"})


def finite(value: Any) -> Any:
    """Return a record with null for what JSON has no number for (an infinite option, the share of a profit of 0)."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tell(progress: Any) -> None:
    """Say on standard error how far a long run is."""
    from veridical import display

    display.tell(vd.data.errors.visible(str(progress)))
