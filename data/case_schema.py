"""JSON schemas of case files, made from the records that the files are read as: for editors, which check and complete by them.

They are of draft 4, the newest that taplo (Even Better TOML) knows. A schema says less than the records, which see what belongs
together: what a schema refuses no record takes, and not the other way round. Those of the shipped kinds are shipped too, in the
folder `schemas`; a case file names its own in a line `#:schema PATH`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema as core

from veridical.data import files
from veridical.data.case_record import CaseRecord
from veridical.data.errors import InputError
from veridical.data.joint_plan.head import Head
from veridical.data.load import kind_of
from veridical.data.record import Record

__all__ = ["OTHERS", "RESULTS", "directive", "results", "schema", "text", "text_of"]

RESULTS = "results"  # of JSON that is written: no kind of case
OTHERS = (RESULTS, "solver", "study")  # what there are schemas of that is no kind of case

DRAFT = "http://json-schema.org/draft-04/schema#"
DEFINITIONS = "#/definitions/"


def directive(kind: str, file: str | None = None) -> str:
    """Return the comment by which editors find the schema of a case file's kind: in a file beside it.

    >>> directive("assembler")
    '#:schema ./assembler.schema.json'
    """
    return f"#:schema ./{file or f'{kind}.schema.json'}"


def schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of case files of a kind, with all classes that are registered by now; raises InputError."""
    try:
        records = kind_of(kind).records
    except InputError as error:
        raise InputError.of("KIND", kind, f"{error.problems[0].allowed}; or {', '.join(OTHERS)}") from None
    if not records:
        raise InputError.of("KIND", kind, "a kind whose case files are read as a record")
    definitions = _definitions(records)
    for record in records:
        if issubclass(record, CaseRecord | Head):
            whole = definitions[record.__name__]
            whole["required"] = ["kind", *whole.get("required", ())]  # a default of the record, which every file gives
    return _titled(_merged([definitions.pop(record.__name__) for record in records], definitions), definitions, kind)


def text_of(record: type[Record], title: str, without: Collection[str] = ()) -> str:
    """Return the JSON schema of files that are read as a record, as text; `without`: fields that no file gives."""
    definitions = _definitions([record])
    whole = definitions.pop(record.__name__)
    whole["properties"] = {name: part for name, part in whole["properties"].items() if name not in without}
    return _written(_titled(whole, definitions, title))


def _definitions(records: Sequence[type[Record]]) -> dict[str, Any]:
    """Return the schemas of records, and of all that they refer to, by name."""
    _, made = models_json_schema(
        [(record, "validation") for record in records],
        ref_template=f"{DEFINITIONS}{{model}}",
        schema_generator=_Draft4,
    )
    return _used({name: _plain(part) for name, part in made["$defs"].items()}, [record.__name__ for record in records])


def _titled(whole: dict[str, Any], definitions: dict[str, Any], title: str) -> dict[str, Any]:
    about = f"{whole['description']} Made by `veridical schema {title}`."
    return {"$schema": DRAFT, **whole, "title": title, "description": about, "definitions": definitions}


def _written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def results() -> str:
    """Return the JSON schema of what commands write as JSON, which is shipped, as text."""
    return files.read(Path(str(resources.files("veridical.data") / "schemas" / "results.schema.json")), "schema", "JSON")


def text(kind: str) -> str:
    """Return the JSON schema of a kind as text; raises InputError."""
    return _written(schema(kind))


class _Draft4(GenerateJsonSchema):
    """Schemas as draft 4 has them: no null, which TOML has not, and no defaults that a file does not write."""

    def literal_schema(self, schema: core.LiteralSchema) -> JsonSchemaValue:
        return {"enum": list(schema["expected"])}

    def nullable_schema(self, schema: core.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core.WithDefaultSchema) -> JsonSchemaValue:
        default = schema.get("default")
        if default is None or default == () or isinstance(default, Record):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _merged(tables: list[dict[str, Any]], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return one schema for alternatives, so that editors say which value is wrong, and not that the whole file is.

    It is the first, with the keys of the others, and the keys required that all of them ask for. Where lists have other tables as
    entries these are merged as well, and what tells them apart is asked for: `costs`, or `cost`.
    """
    first, *others = tables
    for other in others:
        first["required"] = [key for key in first["required"] if key in other["required"]]
        for key, value in other["properties"].items():
            own = first["properties"].setdefault(key, value)
            mine, its = (part.get("items", {}).get("$ref", "").removeprefix(DEFINITIONS) for part in (own, value))
            if mine != its:
                definitions[mine] = _either(definitions[mine], definitions.pop(its))
    return first


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of tables that are one of two, which ask for other keys."""
    common = [key for key in one["required"] if key in other["required"]]
    apart = [{"required": [key for key in table["required"] if key not in common]} for table in (one, other)]
    return {**one, "properties": {**other["properties"], **one["properties"]}, "required": common, "oneOf": apart}


def _used(definitions: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return those definitions that some names lead to."""
    found: dict[str, Any] = {}
    while names:
        name = names.pop(0)
        if name not in found:
            found[name] = definitions[name]
            names += re.findall(rf'"{DEFINITIONS}(\w+)"', json.dumps(definitions[name]))
    return found


def _plain(value: Any) -> Any:
    """Return a schema in which nothing stands beside a reference, where draft 4 would not see it."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    parts = {key: _plain(part) for key, part in value.items()}
    if "$ref" in parts and len(parts) > 1:
        parts = {"allOf": [{"$ref": parts.pop("$ref")}], **parts}
    return parts
