"""Case formats, a page a kind: every field with its type, its default and what it is, from the types; and a shipped example.

What a field is in words stands in `docs/case-files.md`, which a test holds against the types; nothing is written twice.
"""

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from generators import ROOT, put
from veridical.data import AllocationCase, AssemblerCase, ContinuousCase
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import ROLES
from veridical.data.joint_plan.head import Head
from veridical.data.joint_plan.tables import schema
from veridical.data.prior import Nested
from veridical.data.record import Record
from veridical.data.revenue import REVENUES
from veridical.data.typed_demand import TYPED_DEMANDS

__all__ = ["write"]

KINDS: dict[str, tuple[str, type[Record], str, str]] = {  # page: title, record, shipped example, what it is
    "assembler": (
        "Assembler's cases",
        AssemblerCase,
        "two-suppliers-correlated.toml",
        "An assembler buys components from suppliers who alone know their unit costs. Each supplier has a finite list of costs.",
    ),
    "assembler-continuous": (
        "Assembler's cases with costs in a range",
        ContinuousCase,
        "continuous-pair.toml",
        "As an assembler's case, but a supplier's cost may be any number in a range.",
    ),
    "allocation": (
        "Allocation cases",
        AllocationCase,
        "five-retailers.toml",
        "A supplier sells a scarce capacity to retailers who alone know how much they can sell.",
    ),
    "joint-plan": (
        "Joint plans",
        Head,
        "pilot/case.toml",
        "Receivers (such as a retailer) and suppliers (such as vendors) plan together. Each knows only its own costs. "
        "The case is a folder: `case.toml` and CSV tables.",
    ),
}
PLAIN = {float: "number", int: "whole number", bool: "true or false", str: "text", Any: "number or list"}
COMPUTED = {"reported", "parameters"}  # fields that no case file has: read from another file, or from the keys beside them
REGISTRIES: dict[str, tuple[Any, str]] = {
    "Demand": (DEMANDS, "distribution"),
    "Revenue": (REVENUES, "form"),
    "TypedDemand": (TYPED_DEMANDS, "distribution"),
}
EXPLAINED = dict(
    re.findall(
        r"^##+ .*\(`(\w+)`\)\n((?:(?!^#).*\n)*)", (ROOT / "docs" / "case-files.md").read_text(encoding="utf-8"), re.MULTILINE
    )
)


def write(folder: Path) -> None:
    """Write a page for each kind, and the list of them."""
    for name, (title, record, example, about) in KINDS.items():
        put(folder / f"{name}.md", page(title, record, example, about))
    names = "\n".join(KINDS)
    put(
        folder / "index.md",
        "# Case formats\n\nA case file is TOML. These pages have a table for each part of a case: its keys, their types and "
        "defaults, and what they mean. They are generated from the data classes, so they list exactly what the program reads.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n../case-files\n```\n",
    )


def page(title: str, record: type[Record], example: str, about: str) -> str:
    """Return the page of a kind."""
    text = (ROOT / "data" / "cases" / example).read_text(encoding="utf-8").strip()
    met: dict[str, type[Record]] = {}
    parts = [f"# {title}", about, f"## A shipped case\n\n`{example}`:\n\n```toml\n{text}\n```"]
    parts += [section(cls) for cls in records(record, met).values()]
    used = {name for cls in met.values() for field in cls.model_fields.values() for name in named(field.annotation)}
    parts += [of_registry(name) for name in REGISTRIES if name in used]
    if record is Head:
        parts += [roles(), tables()]
    return "\n\n".join(parts) + "\n"


def records(cls: type[Record], met: dict[str, type[Record]]) -> dict[str, type[Record]]:
    """Return the records that a case is made of, by the name of the class, the case itself first."""
    if cls.__name__ not in met and cls.__name__ not in REGISTRIES:
        met[cls.__name__] = cls
        for field in cls.model_fields.values():
            for part in classes(field.annotation):
                records(part, met)
    return met


def classes(annotation: Any) -> Iterator[type[Record]]:
    """Yield the records in a type."""
    if inspect.isclass(annotation) and issubclass(annotation, Record):
        yield annotation
    for inner in get_args(annotation):
        yield from classes(inner)


def named(annotation: Any) -> set[str]:
    """Return those of the registered bases that stand in a type."""
    return {cls.__name__ for cls in classes(annotation)} & set(REGISTRIES)


def section(cls: type[Record]) -> str:
    """Return the table of a record's fields."""
    known = meanings(cls.__name__)
    lines = [f"## `{cls.__name__}`", "", "| key | type | meaning |", "|---|---|---|"]
    for key, field in cls.model_fields.items():
        if key not in COMPUTED:
            meaning = known.get(key) or field.description or ""
            lines.append(f"| `{key}` | {words(field.annotation, field.metadata)}{presence(field)} | {meaning} |")
    return "\n".join(lines)


def meanings(name: str) -> dict[str, str]:
    """Return what each field of a class is, as `docs/case-files.md` says it."""
    rows = [line.strip().strip("|").split("|") for line in EXPLAINED.get(name, "").splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): "|".join(row[2:]).strip() for row in rows}


def words(annotation: Any, metadata: Any = ()) -> str:
    """Return a type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(one) for one in inner if one is not type(None)))
    if inner == get_args(Nested):
        return "nested lists of numbers"
    if origin is tuple:
        of = words(inner[0])
        word, _, rest = of.partition(" ")
        return f"list of {of}s" if of in PLAIN.values() else f"list of {word}s {rest}".strip()
    if hasattr(annotation, "__metadata__"):
        return words(inner[0], annotation.__metadata__)
    if inspect.isclass(annotation) and issubclass(annotation, Record):
        base = annotation.__name__
        return f"table [`{base}`](#{base.lower()})"
    if "Numbers" in str(annotation):
        return "list of numbers"
    kind = origin or annotation
    if inspect.isclass(kind) and issubclass(kind, Mapping):
        return "table"
    return PLAIN.get(kind, "text")


def presence(field: Any) -> str:
    """Return whether a field has to be there, and what holds where it is not, as it stands behind its type."""
    if field.is_required():
        return ", *required*"
    value = field.default
    return ", optional" if value is None or isinstance(value, Record) or value == () else f", default {default(field)}"


def default(field: Any) -> str:
    """Return a field's default as TOML has it."""
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value)}`" if isinstance(value, tuple) else f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def of_registry(base: str) -> str:
    """Return the table of the classes that a table names by a key: distributions of demand, forms of revenue."""
    registry, key = REGISTRIES[base]
    lines = [f"## `{base}`", "", f"The key `{key}` says which. Classes of your own can be registered.", ""]
    lines += [f"| `{key}` | further keys |", "|---|---|"]
    for name, cls in registry.items():
        if cls.__module__.startswith("veridical."):
            keys = [
                f"`{field}`" + ("" if entry.is_required() else f" (default {default(entry)})")
                for field, entry in cls.model_fields.items()
                if field != key
            ]
            lines.append(f"| `{name}` | {', '.join(keys)} |")
    return "\n".join(lines)


def roles() -> str:
    """Return the table of the roles of parties, with their keys in case.toml."""
    lines = ["## Roles of parties", "", "Each `[[parties]]` table has `name`, `role` and the numbers of its role (all >= 0).", ""]
    lines += ["| role | side | key | unit |", "|---|---|---|---|"]
    for name, role in ROLES.items():
        scalars: dict[str, Any] = dict(role.scalars()) or {"": None}
        for key, column in scalars.items():
            said = f"`{key}` | {column.header}" + (" (may be left out)" if column.optional else "") if column else " | "
            lines.append(f"| `{name}` | {role.side} | {said} |")
    return "\n".join(lines)


def tables() -> str:
    """Return the list of the CSV tables of a folder with their columns."""
    lines = ["## CSV tables", "", "Headers contain the unit. Each row belongs to the party that it names.", ""]
    lines += ["| file | roles | one row for each | columns |", "|---|---|---|---|"]
    for file, columns in sorted(schema(ROLES.values()).items()):
        of = ", ".join(name for name, role in ROLES.items() if file in role.tables())
        keys = ", ".join(f"`{key}`" for key in ("party", *next(iter(columns.values())).keys))
        values = ", ".join(
            f"`{column.header}`" + (" (may be left out)" if column.optional else "") for column in columns.values()
        )
        lines.append(f"| `{file}` | {of} | {keys} | {values} |")
    lines += [
        "",
        "Shared by all parties: `products.csv`, `sites.csv`, `flows.csv`, and `baseline.csv` where receivers have committed to "
        "orders; [one page with everything](../case-files.md) has their columns.",
    ]
    return "\n".join(lines)
