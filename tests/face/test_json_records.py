"""Every JSON that is written says which version wrote it, by which schema, of which case; and holds what the schema says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import veridical as vd
from support.command_line import Json, Run
from support.places import ROOT
from veridical.data.case_record import hashed
from veridical.data.case_schema import results
from veridical.data.stamp import SCHEMA, stamped, version

DEFINITIONS: dict[str, Any] = json.loads(results())["$defs"]
STAMP = ("veridical", "schema", "case_hash")


def keys(name: str) -> set[str]:
    """Return the keys of a definition, and of those that it is built on."""
    found = set(DEFINITIONS[name]["properties"])
    return found.union(*(keys(part["$ref"].split("/")[-1]) for part in DEFINITIONS[name].get("allOf", ())))


def holds(record: dict[str, Any], name: str, case: Any = None, extra: frozenset[str] = frozenset()) -> None:
    """Assert that a record is what a definition says, begins with its stamp, and has no key that is not described."""
    schema = {"$defs": DEFINITIONS, "$ref": f"#/$defs/{name}"}
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(record)] == []
    assert set(record) - keys(name) == extra
    assert (record["veridical"], record["schema"]) == (vd.__version__, SCHEMA)
    assert list(record)[:2] == list(STAMP[:2])
    assert record.get("case_hash") == (None if case is None else hashed(case))


def test_the_schema_of_results_is_one(run: Run) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(results()))
    assert DEFINITIONS["stamp"]["properties"]["schema"]["enum"] == [SCHEMA]


def test_solve_of_an_assembler(record: Json) -> None:
    holds(record("solve", "two-suppliers"), "solve_assembler", vd.example("two-suppliers"))
    holds(record("solve", "two-suppliers", "--set", "price=31"), "solve_assembler", vd.example("two-suppliers").changed(price=31))
    holds(record("solve", "continuous-pair", "--solver", "closed_form"), "solve_assembler", vd.example("continuous-pair"))
    rounded = ("--set", "round_money=1", "--set", "round_units=1")
    found = record("solve", "two-suppliers-correlated", *rounded)
    holds(found, "solve_assembler", vd.example("two-suppliers-correlated").changed(round_money=1, round_units=1))
    assert "rounding" in found


def test_solve_of_an_allocation(record: Json) -> None:
    holds(record("solve", "two-retailers"), "solve_allocation", vd.example("two-retailers"))
    holds(record("solve", "two-retailers", "--mechanism", "fixed_price"), "solve_allocation", vd.example("two-retailers"))


def small_plan() -> Any:
    return vd.data.joint_plan.carriers(lanes=2, weeks=2, name="small")


def test_solve_of_a_joint_plan_and_its_pilot(record: Json, run: Run) -> None:
    small_plan().save("small")
    for mechanism in ("vcg", "core"):
        found = record("solve", "small", "--mechanism", mechanism, "--set", "misreports=1")
        holds(found, "solve_joint_plan", small_plan())
    status, out, _ = run("pilot", "small", "--json", "-", "--out", "weeks", "--set", "misreports=0")
    assert status == 0
    holds(json.loads(out), "pilot", small_plan())
    for file in Path("weeks").glob("week-*.json"):
        holds(json.loads(file.read_text(encoding="utf-8")), "pilot_week")


def test_compare_audit_and_choose_k(record: Json, run: Run) -> None:
    case = vd.example("two-suppliers")
    found = record("compare", "two-suppliers", "--mechanism", "naive", "--mechanism", "icds")
    holds(found, "compare", case)
    run("solve", "two-suppliers", "--menu", "menu.csv")
    holds(record("audit", "two-suppliers", "menu.csv"), "audit_command", case)
    holds(record("choose-k", "two-suppliers", "--solver", "closed_form"), "choose_k", case)


def test_choose_fees(run: Run) -> None:
    small_plan().save("small")
    status, out, _ = run("choose-fees", "small", "--draws", "1", "--json", "-")
    assert status == 0
    holds(json.loads(out), "choose_fees", vd.load("small"))


def test_auctions_and_reproductions(record: Json) -> None:
    case = vd.example("two-retailers")
    holds(record("auction", "two-retailers"), "auction_posted", case)
    Path("bids.csv").write_text("retailer,bid,received\nretailer 1,9,\nretailer 2,3,\n", encoding="utf-8")
    holds(record("auction", "two-retailers", "--bids", "bids.csv"), "auction_cleared", case)
    holds(record("reproduce", "allocation-table-5"), "reproduce")
    holds(record("examples"), "examples")


def test_a_study_says_what_it_is(run: Run, tmp_path: Path) -> None:
    spec = 'case = "two-suppliers"\nmechanisms = ["naive"]\nsolver = "closed_form"\n[vary]\nprice = { values = [30, 31] }\n'
    (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
    assert run("study", "spec.toml", "--out", "out")[0] == 0
    file = Path("out/study.json")
    manifest = json.loads(file.read_text(encoding="utf-8"))
    holds(manifest, "study")
    assert manifest["case"] == {"two-suppliers": hashed(vd.example("two-suppliers"))}
    file.write_text(json.dumps({**manifest, "veridical": "0.0.1"}), encoding="utf-8")
    assert run("study", "spec.toml", "--out", "out", "--resume")[0] == 0  # begun by another version, and the same study


def test_rounds(record: Json, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi")
    case = vd.example("two-suppliers")
    found = record("round", "create", "two-suppliers", "--db", "rounds.sqlite", "--demo")
    holds(found, "round_create", case)
    holds(record("round", "status", "--db", "rounds.sqlite"), "round_status")
    assert run("round", "export", "--db", "rounds.sqlite", "--out", "handed")[0] == 0
    exported = json.loads(Path("handed/round.json").read_text(encoding="utf-8"))
    holds(exported, "round_export")
    assert exported["terms"]["veridical"] == version()


def test_a_kind_of_ones_own_is_described() -> None:
    assert {"menu", "objective"} <= keys("solve_own_kind")


@pytest.mark.parametrize("change", [{"price": 31}, {"demand.low": 201}, {"suppliers.panel.costs": [3.0, 9.5]}, {"name": "other"}])
def test_the_hash_is_another_for_another_case_and_the_same_for_the_same(change: dict[str, Any], tmp_path: Path) -> None:
    case = vd.example("two-suppliers")
    assert hashed(case.changed(**change)) != hashed(case)
    assert hashed(vd.load(case.save(tmp_path / "case.toml"))) == hashed(case)


def test_the_hash_does_not_depend_on_how_a_case_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    case = vd.example("two-suppliers")
    before = hashed(case)
    shown: Callable[[Any], str] = lambda self: "a case"  # noqa: E731
    monkeypatch.setattr(vd.data.Record, "__repr__", shown)
    assert hashed(case) == before
    assert hashed(case.changed(price=31)) != before


def test_a_stamp_changes_no_record() -> None:
    record = {"objective": 1.0}
    assert list(stamped(record)) == ["veridical", "schema", "objective"]
    assert record == {"objective": 1.0}


def test_the_page_says_the_number() -> None:
    assert f"The schema's number is {SCHEMA}" in (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
