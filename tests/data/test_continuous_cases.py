"""Cases of continuous costs: files, shipped cases, and bad input."""

from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.continuous_cases import DEMAND, MANY, case, uniform
from veridical.data import AssemblerCase, InputError
from veridical.data.continuous_case import ContinuousCase
from veridical.data.fields import check
from veridical.data.load import build, example
from veridical.models.assembler import continuous as model
from veridical.solvers.closed_form.continuous_rule import continuous

GOOD = """\
kind = "assembler"
price = 30.0
[demand]
distribution = "uniform"
low = 200
high = 800
[[suppliers]]
name = "panel"
cost = { distribution = "uniform", low = 3.0, high = 13.0 }
[[suppliers]]
name = "battery"
cost = { distribution = "norm", loc = 5.0, scale = 1.5, low = 2.0, high = 9.0 }
"""


def loaded(text: str, folder: Path) -> Any:
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return vd.load(folder / "case.toml")


def test_load_tells_the_kinds_of_costs_apart(tmp_path: Path) -> None:
    found = loaded(GOOD, tmp_path)
    assert isinstance(found, ContinuousCase)
    assert found.name == "case"
    assert found.names == ("panel", "battery")
    assert found.suppliers[0].cost.high == 13.0
    assert isinstance(example("two-suppliers"), AssemblerCase)
    again = build({**found.model_dump(), "name": "case"}, "case.toml", tmp_path)
    assert again == found
    with pytest.raises(ValueError, match="frozen"):
        found.price = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("name", ["continuous-pair", "continuous-pair-correlated"])
def test_shipped_cases_have_a_closed_form(name: str) -> None:
    world = example(name)
    assert isinstance(world, ContinuousCase)
    found = continuous(world, points=2**17)
    assert found.profit > 0
    assert world.independent == (name == "continuous-pair")


SECOND = 'name = "battery"\ncost = { distribution = "norm", loc = 5.0, scale = 1.5, low = 2.0, high = 9.0 }'
MIXED = 'name = "battery"\ncosts = [1.0, 4.0]\nprobabilities = [0.7, 0.3]'
BAD = [
    ("mixed", SECOND, MIXED, "suppliers[1].costs", "[1.0, 4.0]", "a case has one kind alone"),
    ("both", SECOND, f"{SECOND}\ncosts = [1.0]", "suppliers[1].costs", "[1.0]", "a case has one kind alone"),
    ("probabilities", SECOND, f"{SECOND}\nprobabilities = [1.0]", "suppliers[1].probabilities", "[1.0]", "one kind alone"),
    (
        "neither",
        SECOND,
        'name = "battery"',
        "suppliers[1].cost",
        "<nothing>",
        "missing required key: a table with the key distribution",
    ),
    ("unknown key", SECOND, f"{SECOND}\nyield = 0.9", "suppliers[1].yield", "0.9", "nothing beside continuous costs"),
    ("cost", "loc = 5.0", "loc = nan", "suppliers[1].cost.loc", "nan", "a finite number"),
    ("no end", ", high = 9.0", "", "suppliers[1].cost.high", "<nothing>", "needs high: norm has no upper end"),
    ("name twice", '"battery"', '"panel"', "suppliers[1].name", "'panel'", "a name that no other supplier has"),
    ("name taken", '"battery"', '"rent panel"', "suppliers[1].name", "'rent panel'", "no column of a contract menu has"),
    ("no name", '"battery"', '""', "suppliers[1].name", "''", "non-empty text"),
    ("price", "price = 30.0", "price = -1", "price", "-1", "a finite number > 0"),
    ("joint", "", "[prior]\njoint = [[0.5, 0.5]]", "prior.joint", "<joint>", "continuous costs have no joint table"),
    ("rows", "", "[prior]\ncorrelation = [[1.0]]", "prior.correlation", "<1 rows>", "in order: panel x battery"),
    ("singular", "", "[prior]\ncorrelation = [[1, -1], [-1, 1]]", "prior.correlation", "-1.0", "a positive definite matrix"),
    ("not a matrix", "", "[prior]\ncorrelation = [[1, 2], [2, 1]]", "prior.correlation", "2", "positive semidefinite"),
]


@pytest.mark.parametrize("row", BAD, ids=lambda row: row[0])
def test_bad_cases_say_what_is_wrong(row: tuple[str, ...], tmp_path: Path) -> None:
    _, old, new, field, value, allowed = row
    assert not old or GOOD.count(old) == 1
    with pytest.raises(InputError) as error:
        loaded(GOOD.replace(old, new) if old else GOOD + new, tmp_path)
    (problem,) = error.value.problems
    assert error.value.file == "case.toml"
    assert problem.field == field
    assert value in problem.value
    assert allowed in problem.allowed


@pytest.mark.parametrize("suppliers", [[], 5, None])
def test_a_case_has_suppliers(suppliers: Any) -> None:
    with pytest.raises(InputError, match=r"suppliers: got .*one or more \[\[suppliers\]\] tables"):
        check(ContinuousCase, {"price": 3.0, "demand": DEMAND, "suppliers": suppliers})


@pytest.mark.parametrize("points", [0, -3, 2.5, True, "16"])
def test_points_are_a_whole_number(points: Any) -> None:
    world = MANY["one"]
    for call in (lambda: world.grid(points), lambda: model.build(world, points=points), lambda: continuous(world, points=points)):
        with pytest.raises(InputError, match=r"points: got .*a whole number from 1 to 10?,000,000"):
            call()
    narrow = case(uniform(1.0, 1.0 + 1e-14))
    with pytest.raises(InputError, match="points: got 1000; allowed: fewer"):
        narrow.grid(1000)
