"""JSON schemas of case files: shipped as they are made, they take what the program takes, and refuse what it refuses."""

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

import veridical as vd
from support.full_cases import FULL
from support.places import ROOT
from veridical.data import Empirical, InputError, register_demand
from veridical.data.case_record import plain
from veridical.data.case_schema import directive, schema, text
from veridical.data.demand import DEMANDS
from veridical.data.joint_plan import COST, ROLES, Party, Values, column, register
from veridical.data.load import KINDS, place_of

SHIPPED = ("assembler", "allocation", "joint_plan")
SCHEMAS = {kind: json.loads((ROOT / "data" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8")) for kind in SHIPPED}


def errors(raw: dict[str, Any], kind: str | None = None) -> list[str]:
    """Return what is wrong with the table of a case file, by the shipped schema of its kind."""
    validator = jsonschema.Draft4Validator(SCHEMAS[kind or raw["kind"]])
    return [error.message for error in validator.iter_errors(raw)]


def table(name: str) -> dict[str, Any]:
    """Return the table of a case with many keys, as a file has it."""
    return dict(plain(FULL[name]._as_files()[0], "", {}))


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_shipped_schema_is_the_one_that_is_made(kind: str) -> None:
    assert (ROOT / "data" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8") == text(kind)
    jsonschema.Draft4Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$schema"] == "http://json-schema.org/draft-04/schema#"  # the newest that editors of TOML know


@pytest.mark.parametrize("name", vd.examples())
def test_a_shipped_case_passes_the_schema_that_it_names(name: str) -> None:
    place = place_of(name)
    file = place / "case.toml" if place.is_dir() else place
    content = file.read_text(encoding="utf-8")
    named = re.match(r"#:schema (\S+)\n", content)
    assert named is not None
    raw = tomllib.loads(content)
    schemas = place_of("two-suppliers").parents[1] / "schemas"
    assert (file.parent / named[1]).resolve() == (schemas / f"{raw['kind']}.schema.json").resolve()
    assert errors(raw) == []


@pytest.mark.parametrize("name", FULL)
def test_cases_with_many_keys_pass(name: str) -> None:
    assert errors(table(name)) == []


BROKEN: list[tuple[str, str, Any]] = [  # the case; where, with dots and numbers; what stands there then (None: nothing)
    ("assembler", "kind", None),
    ("assembler", "price", 0),
    ("assembler", "price", "60"),
    ("assembler", "prise", 3),
    ("assembler", "price", None),
    ("assembler", "suppliers", []),
    ("assembler", "suppliers.0.costs", []),
    ("assembler", "suppliers.0.costs", [0.0, 4.0]),
    ("assembler", "suppliers.0.reservation_profit", [-1, 2]),
    ("assembler", "suppliers.0.name", ""),
    ("assembler", "suppliers.0.yield.values", [1.5]),
    ("assembler", "suppliers.1.reported", [2.5]),
    ("assembler", "demand.distribution", "triangular"),
    ("assembler", "demand.low", None),
    ("assembler", "demand.mean", 3),
    ("sample", "demand.values", [3.0]),
    ("ambiguous", "ambiguity.distance", "l2"),
    ("copula", "prior.joint", [[0.5, 0.5]]),
    ("products", "products.0.units.battery", -1),
    ("continuous", "suppliers.0.cost.distribution", None),
    ("continuous", "suppliers.0.costs", [3.0]),
    ("power demand", "capacity", 3.0),
    ("power demand", "capacity_cost", None),
    ("power demand", "fixed_price.rule", "random"),
    ("power demand", "retailers.0.count", 0),
    ("power demand", "retailers.0.count", 1.5),
    ("power demand", "retailers.0.revenue.form", "cubic"),
    ("power demand", "retailers.0.prior", {"distribution": "uniform", "low": 1, "high": 2}),
    ("gamma newsvendor", "retailers.0.revenue.demand.shape", None),
    ("vendors", "weeks", 0),
    ("vendors", "truckload", "yes"),
    ("vendors", "mechanism.pivot", "groves"),
    ("vendors", "mechanism.share", 2),
    ("vendors", "parties.1.role", "broker"),
    ("vendors", "parties.1.smoothing", None),
    ("vendors", "parties.1.dock_overtime", 2),
    ("vendors", "parties", [{"name": "alone", "role": "retailer"}]),
]


@pytest.mark.parametrize(("name", "place", "value"), BROKEN, ids=[f"{name}: {place} = {value}" for name, place, value in BROKEN])
def test_what_the_program_refuses_the_schema_refuses(name: str, place: str, value: Any, tmp_path: Path) -> None:
    raw = copy.deepcopy(table(name))
    kind = raw["kind"]
    *steps, last = place.split(".")
    inside: Any = raw
    for step in steps:
        inside = inside[int(step) if step.isdecimal() else step]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    assert errors(raw, kind) != []
    FULL[name].save(tmp_path)
    with pytest.raises(InputError):
        vd.load(tmp_path, lambda _: raw)


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("assembler", ["suppliers", 0, "costs"], [0.0, 9.0], "0.0 is less than or equal to the minimum of 0"),
        ("assembler", ["salvage"], -1, "-1 is less than the minimum of 0"),
        ("continuous", ["suppliers", 1, "cost"], 3, "3 is not of type 'object'"),
        ("power demand", ["retailers", 0, "count"], 0, "0 is less than the minimum of 1"),
        ("vendors", ["mechanism", "pivot"], "groves", "'groves' is not one of ['baseline', 'clarke']"),
    ],
)
def test_what_is_wrong_is_said_of_the_value_and_not_of_the_file(name: str, place: list[Any], value: Any, message: str) -> None:
    raw = copy.deepcopy(table(name))
    inside: Any = raw
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    (error,) = jsonschema.Draft4Validator(SCHEMAS[raw["kind"]]).iter_errors(raw)
    assert list(error.absolute_path)[: len(place)] == place
    assert error.message == message


def test_a_schema_has_the_classes_that_are_registered() -> None:
    @register_demand
    class Known(Empirical):
        distribution: Literal["known_to_a_schema"] = "known_to_a_schema"  # type: ignore[assignment]

    @register
    class Depot(Party):
        role = "depot_of_a_schema"
        side = "receiver"
        worth: Values = column("depot.csv", ("site",), "worth (currency per unit)", COST)

    try:
        assert "known_to_a_schema" in text("assembler")
        assert "depot_of_a_schema" in text("joint_plan")
    finally:
        del DEMANDS["known_to_a_schema"], ROLES["depot_of_a_schema"]


def test_a_kind_of_ones_own_has_a_schema() -> None:
    class Loan(vd.data.CaseRecord):
        """What a bank lends."""

        kind: Literal["loan"] = "loan"
        rates: vd.data.Numbers

    vd.data.register_kind("loan", lambda raw, file, folder: Loan(**raw), Loan.model_fields, (Loan,))
    try:
        validator = jsonschema.Draft4Validator(schema("loan"))
        assert list(validator.iter_errors({"kind": "loan", "rates": [0.5]})) == []
        assert [error.message for error in validator.iter_errors({"kind": "loan"})] != []
        assert schema("loan")["description"] == "What a bank lends. Made by `veridical schema loan`."
        assert list(schema("loan")["properties"]) == [*vd.data.CaseRecord.model_fields, "rates"]
    finally:
        del KINDS["loan"]


def test_there_is_no_schema_of_what_is_no_kind() -> None:
    with pytest.raises(InputError, match="KIND: got 'nothing'; allowed: one of assembler, allocation, joint_plan; or results"):
        schema("nothing")
    vd.data.register_kind("opaque", lambda raw, file, folder: raw)
    try:
        with pytest.raises(InputError, match="a kind whose case files are read as a record"):
            schema("opaque")
    finally:
        del KINDS["opaque"]


def test_a_directive_names_a_file_beside_the_case() -> None:
    assert directive("assembler") == "#:schema ./assembler.schema.json"
    assert directive("assembler", "mine.json") == "#:schema ./mine.json"
