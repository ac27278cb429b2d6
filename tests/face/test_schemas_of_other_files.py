"""JSON schemas of solver files and studies: they take what the program takes, and see what it refuses."""

import json
from typing import Any

import jsonschema
import pytest

from support.command_line import Run
from support.places import ROOT
from veridical.data import InputError
from veridical.data.files import read_toml
from veridical.data.record import check
from veridical.solvers import configuration
from veridical.studies.sweep.spec import StudySpec

SOLVERS: list[tuple[dict[str, Any], bool]] = [
    ({"solver": "highs"}, True),
    ({"solver": "ipopt", "time_limit": 60, "tolerance": 1e-8, "form": "smooth", "options": {"mumps_pivot_order": 4}}, True),
    ({"solver": "consensus", "accept": "incomplete", "options": {"interfaces": {"Alder": "dual"}}}, True),
    ({"solver": "highs", "time_limits": 60}, False),
    ({"solver": "highs", "time_limit": -1}, False),
    ({"solver": "highs", "form": "cubic"}, False),
    ({"solver": "highs", "accept": "anything"}, False),
    ({"solver": "highs", "allow_files": True}, False),
    ({"time_limit": 60}, False),
]
PRICE = {"values": [30, 31]}
STUDIES: list[tuple[dict[str, Any], bool]] = [
    (read_toml(ROOT / "data" / "studies" / "price-and-correlation.toml", "study"), True),
    ({"case": ["two-suppliers", "electronics"], "solver": ["highs", {"solver": "ipopt"}], "vary": {"price": PRICE}}, True),
    ({"case": "two-suppliers", "vary": {"suppliers": {"panel": {"costs": {"values": [[4, 9]]}}}}}, True),
    (
        {
            "case": "two-suppliers",
            "vary": {
                "design": "random",
                "draws": 5,
                "seed": 1,
                "price": {"random": {"distribution": "uniform", "low": 1, "high": 2}},
            },
        },
        True,
    ),
    ({"case": "two-suppliers", "varies": {"price": PRICE}}, False),
    ({"case": "two-suppliers", "vary": {"price": PRICE, "design": "crossed"}}, False),
    ({"case": [], "vary": {"price": PRICE}}, False),
    ({"case": "two-suppliers", "outputs": {"column": ["objective"]}}, False),
    ({"vary": {"price": PRICE}}, False),
]


def fits(run: Run, kind: str, raw: dict[str, Any]) -> bool:
    """Return whether the schema that the command prints takes a table."""
    status, out, _ = run("schema", kind)
    assert status == 0
    schema = json.loads(out)
    jsonschema.Draft4Validator.check_schema(schema)
    return bool(jsonschema.Draft4Validator(schema).is_valid(raw))


@pytest.mark.parametrize(("raw", "good"), SOLVERS)
def test_a_solver_file_passes_where_the_program_takes_it(run: Run, raw: dict[str, Any], good: bool) -> None:
    assert fits(run, "solver", raw) == good == taken(lambda: configuration.from_file(raw, "solver.toml"))


@pytest.mark.parametrize(("raw", "good"), STUDIES)
def test_a_study_passes_where_the_program_takes_it(run: Run, raw: dict[str, Any], good: bool) -> None:
    assert fits(run, "study", raw) == good == taken(lambda: check(StudySpec, raw))


def taken(read: Any) -> bool:
    """Return whether something can be read."""
    try:
        read()
    except InputError:
        return False
    return True


def test_a_schema_says_by_which_line_editors_find_it(run: Run) -> None:
    status, out, _ = run("schema", "study", "--out", ".")
    assert status == 0
    assert " ".join(out.split()).endswith("study files beside it begin with the line #:schema ./study.schema.json")
    assert run("schema", "nothing")[2].rstrip().endswith("or results, solver, study")
