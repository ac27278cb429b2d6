"""Pages of the site that are made from types and records, and the check of its links."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from generators import case_pages, copies, links, published
from support.command_line import is_picture
from support.places import ROOT
from support.reproductions import Reproductions
from veridical.data import AssemblerCase
from veridical.data.joint_plan import ROLES
from veridical.studies import LONG, REPRODUCTIONS
from veridical.studies.papers.claims import CLAIMS

RECORD = json.loads(published.RECORD.read_text(encoding="utf-8"))
COARSER = {"assembler-proposition-4"}  # whose grids of costs are smaller in tests than in the record


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the pages of case formats."""
    folder = tmp_path_factory.mktemp("cases")
    case_pages.write(folder)
    return folder


@pytest.mark.parametrize("name", case_pages.KINDS)
def test_every_field_of_a_kind_has_a_row_with_type_presence_and_meaning(name: str, cases: Path) -> None:
    page = (cases / f"{name}.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line.startswith("| `")]
    for record in case_pages.records(case_pages.KINDS[name][1], {}).values():
        for key in record.model_fields.keys() - case_pages.COMPUTED:
            found = [row for row in rows if row[0] == f"`{key}`" and len(row) == 3]
            assert found, f"{record.__name__}.{key}"
            assert all(row[1].endswith(("required*", "optional")) or ", default `" in row[1] for row in found), (
                f"{record.__name__}.{key}"
            )
            assert all(row[2] for row in found), f"{record.__name__}.{key}"


def test_what_is_nested_or_a_table_is_not_called_text(cases: Path) -> None:
    page = (cases / "assembler.md").read_text(encoding="utf-8")
    assert "| `joint` | nested lists of numbers, optional |" in page
    assert "| `units` | table" in page


TYPES = {
    "text": "string",
    "table": "object",
    "list": "array",
    "nested": "array",
    "number": "number",
    "whole": "integer",
    "true": "boolean",
}


def types(part: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """Return the types that a JSON schema allows for a value."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    inner = [one for word in ("anyOf", "oneOf", "allOf") for one in part.get(word, [])]
    return {part["type"]} if "type" in part else set().union(*(types(one, schema) for one in inner))


def test_types_of_fields_are_those_of_the_schema() -> None:
    for record in case_pages.records(AssemblerCase, {}).values():
        schema = record.model_json_schema()
        for key, field in record.model_fields.items():
            words = case_pages.words(field.annotation, field.metadata)
            allowed = types(schema["properties"].get(key, {}), schema)
            said = {TYPES.get(one.split()[0], "string") for one in re.sub(r"\(.*\)", "", words).split(" or ")}
            assert not allowed or said <= {*allowed, "number" if "integer" in allowed else ""}, (
                f"{record.__name__}.{key}: {words}"
            )


def test_the_page_of_joint_plans_has_every_role_and_table(cases: Path) -> None:
    page = (cases / "joint-plan.md").read_text(encoding="utf-8")
    for name, role in ROLES.items():
        assert f"| `{name}` | {role.side} |" in page
        for file, columns in role.tables().items():
            assert f"| `{file}` |" in page
            assert all(f"`{column.header}`" in page for column in columns.values())


def test_everything_that_can_be_reproduced_is_recorded() -> None:
    assert list(RECORD) == [
        name for name in REPRODUCTIONS if name not in LONG or name in RECORD
    ]  # what takes minutes may be left out
    if "claims" in RECORD:
        assert [(row["where"], row["claim"]) for row in RECORD["claims"]["rows"]] == [(one.where, one.claim) for one in CLAIMS]


@pytest.mark.parametrize("name", [name for name in REPRODUCTIONS if name not in {*LONG, *COARSER}])
def test_the_record_has_what_is_computed(name: str, reproductions: Reproductions) -> None:
    computed = reproductions[name].to_dict()["rows"]
    recorded = RECORD[name]["rows"]
    assert [row["quantity"] for row in recorded] == [row["quantity"] for row in computed]
    for before, now in zip(recorded, computed, strict=True):
        for key in ("published", "as_published", "exact"):
            value = now[key]
            assert (before[key] is None) == (not math.isfinite(value)), (before["quantity"], key)
            if before[key] is not None:  # to the digits that are recorded
                assert before[key] == pytest.approx(value, rel=10 ** (2 - published.DIGITS), abs=1e-9), (before["quantity"], key)


def test_the_page_of_published_numbers_says_by_how_much_the_print_is_off(tmp_path: Path) -> None:
    published.write(tmp_path / "published.md")
    page = (tmp_path / "published.md").read_text(encoding="utf-8")
    assert all(f"## {name}\n" in page for name in RECORD)
    row = {"quantity": "profit", "where": "Table 1", "published": 11.0, "as_published": None, "exact": 10.0, "note": "why"}
    table = published.readings([row]).splitlines()
    assert table[2] == "| profit [1] | Table 1 | 11 | 10 | +10.00 % |"  # the reading that nothing has is no column
    assert "[1] why" in table


def test_files_of_the_root_are_pages_with_links_to_one_another() -> None:
    text = "[a](docs/case-files.md), [b](CHANGELOG.md), [c](README.md)"
    assert copies.moved(text) == "[a](../case-files.md), [b](changelog.md), [c](../index.md)"
    assert copies.linked("[d](../benchmarks/README.md)") == "[d](project/benchmark-decisions.md)"


def test_pages_that_are_not_there_are_in_no_list(tmp_path: Path) -> None:
    (tmp_path / "agents-of-firms.md").touch()
    assert copies.there("index\nagents*\njson*\n* an item\n", tmp_path) == "index\nagents*\n* an item\n"


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text('<a href="two.html#there">a</a><a href="https://example.org/">b</a>', encoding="utf-8")
    (tmp_path / "two.html").write_text('<p id="there"><a href="one.html">c</a><img src="lost.png">', encoding="utf-8")
    assert list(links.broken(tmp_path)) == ["two.html: no file lost.png"]
    assert links.outside(tmp_path) == ["https://example.org/"]
    (tmp_path / "two.html").write_text('<p id="elsewhere">', encoding="utf-8")
    assert list(links.broken(tmp_path)) == ["one.html: no place two.html#there"]


def test_the_picture_of_the_readme_is_there() -> None:
    assert is_picture(str(ROOT / "docs" / "pictures" / "mechanisms.png"))
