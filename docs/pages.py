"""The pages that are made from the program itself: `python docs/pages.py` writes them, and a test holds them against it.

`command-line.md` is made from the Typer application, and `json.md` from the schema of results.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from veridical import cli
from veridical.data.case_schema import results
from veridical.terminal import LISTED

FOLDER = Path(__file__).parent
START = """\
# The command line

Made from the program by `python docs/pages.py`. `veridical COMMAND --help` says the same.

Tables for people go to standard output; `--json -` prints JSON alone ([what it holds](json.md)). Progress, warnings and what is
logged go to standard error: `veridical --log info COMMAND ...` says what was solved, `--log debug` each step with its seconds.

| exit status | what it means |
|---|---|
| 0 | solved and certified |
| 2 | bad input: a message with file, field, value and what is allowed |
| 3 | infeasible, unbounded or a limit, with what is known; `locally_optimal` and `incomplete`, unless they are accepted |
| 4 | a certificate failed |
| 130 | ended by Ctrl-C |

The shell completes commands, options and the names of shipped cases after `veridical --install-completion` (bash, zsh, fish,
PowerShell; from the next shell on). `veridical --show-completion` prints what that installs. `python -m veridical` is the same
program.
"""
JSON_START = """\
# What is written as JSON

Made from `veridical schema results`, the shipped JSON schema (2020-12), by `python docs/pages.py`. Every record begins with the
keys of [stamp](#stamp). The schema's number is {number}: it goes up where a key goes or means something else; keys that are added
leave it, so that whoever reads a record should take no offence at keys that are not here. JSON knows no infinite numbers and no
NaN: `null` stands there. `?` after a key says that it is not always there. Receipts, and what the server of rounds answers, are
described by its own page `/openapi.json`.
"""


def command_line() -> str:
    """Return the page of the command line."""
    app: Any = typer.main.get_command(cli.application())
    parts = [START, "\n".join(_options(app))]
    for name, command in app.commands.items():
        if hasattr(command, "commands"):
            parts.append(f"## veridical {name}\n\n{(command.help or '').strip()}")
            parts += ["\n".join(_command(f"{name} {inner}", one, "###")) for inner, one in command.commands.items()]
        else:
            parts.append("\n".join(_command(name, command, "##")))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _command(name: str, command: Any, level: str) -> Iterator[str]:
    """Yield the section of a command."""
    words, _, example = (command.help or "").partition("Example:")
    usual = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    arguments = " ".join(_braced(one) for one in usual)
    yield f"{level} veridical {name}"
    yield ""
    yield " ".join(words.split())
    yield ""
    yield "```sh apart"
    yield example.strip()
    yield "```"
    yield ""
    yield f"Usage: `{' '.join(filter(None, ('veridical', name, '[OPTIONS]', arguments)))}`"
    yield ""
    yield from _options(command)


def _braced(parameter: Any) -> str:
    name = f"{parameter.metavar or parameter.name.upper()}{' ...' if parameter.nargs == -1 else ''}"
    return name if parameter.required else f"[{name}]"


def _options(command: Any) -> Iterator[str]:
    """Yield the table of a command's arguments and options."""
    rows = [row for parameter in command.params if (row := _row(parameter)) is not None]
    if rows:
        yield "| argument or option | default | what it is |"
        yield "|---|---|---|"
        yield from rows


def _row(parameter: Any) -> str | None:
    """Return an argument or option as a row; None for the help."""
    if parameter.name == "help":
        return None
    about = getattr(parameter, "help", None) or ""
    for word, names in LISTED.items():
        about = about.replace(f"{{{word}}}", ", ".join(f"`{name}`" for name in names()) if f"{{{word}}}" in about else "")
    option = parameter.param_type_name == "option"
    value = "" if getattr(parameter, "is_flag", False) else parameter.metavar or parameter.name.upper()
    name = " ".join(filter(None, (parameter.opts[0], value))) if option else parameter.metavar or parameter.name.upper()
    name += " ..." if getattr(parameter, "multiple", False) or parameter.nargs == -1 else ""
    nothing = parameter.default is None or parameter.default is False or callable(parameter.default)
    shown = "*required*" if parameter.required else "" if nothing else f"`{parameter.default}`"
    cells = (f"`{name}`", shown, about)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def json_page() -> str:
    """Return the page of what is written as JSON."""
    definitions = json.loads(results())["$defs"]
    number = definitions["stamp"]["properties"]["schema"]["enum"][0]
    parts = [JSON_START.format(number=number)]
    for name, definition in definitions.items():
        lines = [f"## {name}", "", definition["description"], "", "| key | type | what it is |", "|---|---|---|"]
        for key, value in definition["properties"].items():
            mark = "" if key in definition["required"] else "?"
            lines.append(f"| `{key}`{mark} | {_type(value)} | {value['description']} |")
        parts.append("\n".join(lines))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _type(value: dict[str, Any]) -> str:
    """Return what a value is, in words, with links to other tables."""
    if "$ref" in value:
        name = value["$ref"].removeprefix("#/$defs/")
        return f"[{name}](#{name})"
    if "anyOf" in value:
        return " or ".join(map(_type, value["anyOf"]))
    names = value["type"] if isinstance(value["type"], list) else [value["type"]]
    words = " or ".join(names)
    if isinstance(value.get("items"), dict):
        return f"{words} of {_type(value['items'])}"
    return f"{words}, by name: {_type(value['additionalProperties'])}" if "additionalProperties" in value else words


PAGES = {"command-line.md": command_line, "json.md": json_page}

if __name__ == "__main__":
    for file, made in PAGES.items():
        (FOLDER / file).write_text(made(), encoding="utf-8")
