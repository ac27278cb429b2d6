"""Fields of a case as keyword arguments of `solve` and `compare`."""

import json
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.command_line import Run
from veridical.data import AssemblerCase, InputError

COSTS = [
    {"name": "panel", "costs": [2, 8], "probabilities": [0.6, 0.4]},
    {"name": "battery", "costs": [1, 4], "probabilities": [0.6, 0.4]},
]


@pytest.mark.parametrize(
    ("name", "fields", "direct"),
    [
        ("two-suppliers", {"price": 31}, {"price": 31.0}),
        ("two-suppliers", {"demand.low": 50}, {"demand": {"distribution": "uniform", "low": 50, "high": 800}}),
        ("two-suppliers", {"suppliers.panel.costs": [2, 8], "price": 31}, {"price": 31.0, "suppliers": COSTS}),
    ],
)
def test_fields_change_the_case(name: str, fields: dict[str, Any], direct: dict[str, Any]) -> None:
    case = vd.example(name)
    kept = {key: getattr(case, key) for key in type(case).model_fields if getattr(case, key) is not None}
    world = type(case).model_validate({**kept, **direct})
    assert case.changed(**fields) == world
    assert vd.solve(case, solver="closed_form", **fields).objective == vd.solve(world, solver="closed_form").objective
    assert vd.solve(case, solver="closed_form", **fields).objective != vd.solve(case, solver="closed_form").objective


def test_suppliers_are_changed_by_name_or_number() -> None:
    case = vd.example("two-suppliers")
    fields: list[dict[str, Any]] = [{f"suppliers.{place}.costs": [2.0, 8.0]} for place in ("panel", "0")]
    by_name, by_number = (vd.solve(case, "naive", "closed_form", **changes) for changes in fields)
    assert by_name.objective == by_number.objective > vd.solve(case, "naive", "closed_form").objective


def test_suppliers_whose_names_have_dots_in_them_are_changed_by_name(run: Run) -> None:
    case = vd.example("two-suppliers").changed(**{"suppliers.panel.name": "Tessaro S.p.A.", "suppliers.battery.name": "Tessaro"})
    changed = case.changed(**{"suppliers.Tessaro S.p.A..capacity": 300, "suppliers.Tessaro.capacity": 200})
    assert [supplier.capacity for supplier in changed.suppliers] == [300.0, 200.0]
    case.save("case.toml")
    assert run("solve", "case.toml", "--set", "suppliers.Tessaro S.p.A..capacity=300", "--json", "found.json")[0] == 0
    menu = json.loads(Path("found.json").read_text(encoding="utf-8"))["menu"]
    assert max(row["quantity"][0] for row in menu) == pytest.approx(300.0)


@pytest.mark.parametrize(
    "path",
    ["price.", ".price", "demand..low", "demand.low.", "suppliers..costs", "suppliers.panel..costs", "suppliers.0.", ".", ""],
)
def test_a_path_with_an_empty_part_is_refused_by_name(path: str) -> None:
    """`price.` was taken as `price`."""
    with pytest.raises(InputError) as caught:
        vd.example("two-suppliers").changed(**{path: 1})
    (problem,) = caught.value.problems
    assert problem.field == (path or "''")
    assert problem.allowed.startswith("names with one dot between them")
    with pytest.raises(InputError) as caught:
        vd.study({"case": "two-suppliers", "vary": {path: {"values": [1, 2]}}})
    assert caught.value.problems[0].field == f"vary.{path}"


def test_an_empty_part_is_refused_on_the_command_line_and_in_plans(run: Run) -> None:
    code, _, said = run("solve", "two-suppliers", "--set", "price.=31")
    assert (code, "--set price." in said) == (2, True)
    with pytest.raises(InputError, match="truckload"):
        vd.example("pilot").changed(**{"truckload.": True})


def test_the_mechanism_follows_from_the_changed_case() -> None:
    case = vd.example("two-retailers")
    chosen = vd.solve(case, solver="closed_form", capacity=None, capacity_cost=1.85)
    assert (chosen.mechanism, vd.solve(case, solver="closed_form", capacity=3.0).contracts.capacity) == ("capacity_choice", 3.0)


def test_parameters_have_precedence_and_joint_plans_change_too() -> None:
    case = vd.example("two-suppliers")
    assert vd.solve(case, "hybrid", "closed_form", k=1, price=31).parameters == {"k": 1}
    plan = vd.example("pilot")
    assert plan.changed(**{"truckload": True}).shared.truckload
    assert plan.changed(**{"mechanism.pivot": "clarke"}).mechanism.pivot == "clarke"
    with pytest.raises(vd.InputError, match="pivot"):
        plan.changed(**{"mechanism.pivot": "groves"})


def test_compare_takes_fields_of_the_case() -> None:
    case = vd.example("two-suppliers")
    frame = vd.compare(case, solver="closed_form", price=26, k=0)
    assert frame.loc["hybrid", "parameters"] == "k=0"
    assert frame.loc["icds", "profit"] == vd.solve(case, "icds", "closed_form", price=26).objective


@pytest.mark.parametrize("call", [vd.solve, vd.compare])
def test_a_name_that_is_neither_is_said_with_both_lists(call: Any) -> None:
    with pytest.raises(vd.InputError) as error:
        call(vd.example("two-suppliers"), nothing=3)
    (problem,) = error.value.problems
    assert (problem.field, problem.value) == ("nothing", "3")
    assert "feasibility" in problem.allowed
    assert "field of the case: kind, name, description, currency, unit, price" in problem.allowed


def test_a_wrong_value_of_a_field_is_named() -> None:
    with pytest.raises(vd.InputError, match="price"):
        vd.solve(vd.example("two-suppliers"), price=-1)
    assert isinstance(vd.example("two-suppliers"), AssemblerCase)
