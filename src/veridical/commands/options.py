"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Case", "Changes", "Count", "Json", "Solver"]

Case = Annotated[str, typer.Argument(metavar="CASE", help="A case file (TOML), or the name of a shipped case.")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write JSON; - prints it, and nothing else.")]
Solver = Annotated[str | None, typer.Option("--solver", metavar="NAME|FILE", help="A solver's name, or a TOML file.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a field of the case or a parameter.")
]
Count = Annotated[int | None, typer.Option(help="How many there are.")]
