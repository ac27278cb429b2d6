"""docs/case-files.md has every field of every kind of case, with its default, and none that there is not."""

import re
import tomllib
from typing import Any

import pytest

from support.full_cases import RECORDS as EVERY
from support.places import ROOT
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import ROLES
from veridical.data.joint_plan.tables import BASELINE, FLOWS, PRICE, PRODUCTS, ROUTE, SITES, UNITS, VOLUME, schema
from veridical.data.record import Record
from veridical.data.revenue import REVENUES
from veridical.data.typed_demand import TYPED_DEMANDS

PAGE = (ROOT / "docs" / "case-files.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^##+ (.+)\n((?:(?!^#).*\n)*)", PAGE, flags=re.MULTILINE))
READ = {"reported", "parameters"}  # fields that are no keys: read from a file, or from the keys beside
RECORDS = {name: cls for name, cls in EVERY.items() if cls.registry is None}  # which have a table of their own


def rows(section: str) -> list[list[str]]:
    """Return the rows of the table in a section, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall("`([^`]+)`", text)


def of_class(name: str) -> str:
    """Return the one section that is of a class."""
    (found,) = [section for heading, section in SECTIONS.items() if heading.endswith(f"(`{name}`)")]
    return str(found)


def test_every_record_has_a_section_and_no_other_does() -> None:
    assert {heading.split("(`")[1].strip("`)") for heading in SECTIONS if "(`" in heading} == set(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_stands_there_with_its_default(name: str) -> None:
    fields = {key: field for key, field in RECORDS[name].model_fields.items() if key not in READ}
    listed = {quoted(row[0])[0]: row[1] for row in rows(of_class(name))}
    words = {quoted(row[0])[0]: row[2].replace("`", "") for row in rows(of_class(name))}
    assert list(listed) == list(fields)
    said = {key: (field.description or "").replace("`", "") for key, field in fields.items() if key != "kind"}
    assert {key: text for key, text in said.items() if words[key] not in (text, "as above")} == {}
    for key, field in fields.items():
        if field.is_required():
            assert listed[key] == "*required*"
        elif field.default is None:
            assert listed[key] == "-"
        elif isinstance(field.default, Record):
            assert listed[key] == ""
        else:
            (value,) = quoted(listed[key])
            given = tomllib.loads(f"value = {value}")["value"]
            assert (tuple(given) if isinstance(given, list) else given) == field.default


@pytest.mark.parametrize(
    ("heading", "registry", "named"),
    [
        ("`[demand]`", DEMANDS, "distribution"),
        ("`revenue`", REVENUES, "form"),
        ("`demand` of a newsvendor", TYPED_DEMANDS, "distribution"),
    ],
)
def test_every_distribution_and_revenue_stands_there_with_its_keys(heading: str, registry: Any, named: str) -> None:
    listed = {quoted(row[0])[0]: quoted(row[1]) for row in rows(SECTIONS[heading])}
    fields = {name: list(cls.model_fields.keys() - {named}) for name, cls in registry.items()}
    if "sample" in fields:
        fields["sample"].remove("values")  # which are those of the file
    assert {name: sorted(keys) for name, keys in listed.items()} == {name: sorted(keys) for name, keys in fields.items()}


def test_every_role_stands_there_with_its_keys_and_tables() -> None:
    listed = {quoted(row[0])[0]: quoted(row[1]) for row in rows(SECTIONS["`[[parties]]`"])}
    assert listed == {name: list(role.scalars()) for name, role in ROLES.items()}
    section = SECTIONS["Tables"]
    tables = {quoted(row[0])[0]: (row[1].split(", "), quoted(row[2]), quoted(row[3])) for row in rows(section)}
    expected = {}
    for file, columns in schema(ROLES.values()).items():
        roles = [name for name, role in ROLES.items() if file in role.tables()]
        keys = next(iter(columns.values())).keys
        expected[file] = (roles, ["party", *keys], [column.header for column in columns.values()])
    assert tables == expected
    text = " ".join(section.split())
    for file, header in ((PRODUCTS, ("product", VOLUME)), (SITES, ("site",)), (FLOWS, (*ROUTE, PRICE))):
        assert f"`{file}` ({', '.join(f'`{column}`' for column in header)})" in text
    assert f"`{BASELINE}` ({', '.join(f'`{column}`' for column in (*ROUTE, 'week', UNITS))})" in text
