"""Which mechanism a study takes: one that fits the case as it is varied, by itself or by name."""

from dataclasses import replace
from typing import Any

import pytest

import veridical as vd
from veridical.data import AssemblerCase, InputError
from veridical.families import FAMILIES, MECHANISMS

CAPACITIES = {"capacity": {"values": [3.0, 4.0]}}


@pytest.mark.parametrize("named", [{}, {"mechanisms": "allocation"}])
def test_a_case_whose_capacity_is_chosen_is_varied_by_its_capacity(named: dict[str, str]) -> None:
    """All rows were refused: `capacity_choice` is for the case as it is, and not as it is varied."""
    table = vd.study({"case": ["five-retailers", "two-retailers"], "vary": CAPACITIES, **named})
    assert (table["status"] == "optimal").all()
    assert set(table["mechanism"]) == {"allocation"}
    for row in table.itertuples():
        solution = vd.solve(vd.example(str(row.case)), capacity=row.capacity)
        assert row.objective == pytest.approx(solution.objective, rel=1e-9)


def test_a_capacity_that_is_chosen_in_place_of_a_given_one() -> None:
    table = vd.study({"case": "two-retailers", "solver": "closed_form", "vary": {"capacity_cost": {"values": [1.05, 1.2]}}})
    case = vd.example("two-retailers")
    expected = [vd.solve(case, "capacity_choice", "closed_form", capacity_cost=cost).objective for cost in (1.05, 1.2)]
    assert table["objective"].tolist() == pytest.approx(expected, rel=1e-12)


def test_a_mechanism_that_fits_no_point_is_refused_with_those_that_do() -> None:
    with pytest.raises(InputError, match=r"got 'capacity_choice'; allowed: .* one of allocation, ") as caught:
        vd.study({"case": "five-retailers", "mechanisms": ["allocation", "capacity_choice"], "vary": CAPACITIES})
    assert caught.value.problems[0].field == "mechanism"


def test_a_point_that_is_no_case_does_not_decide() -> None:
    table = vd.study({"case": "five-retailers", "vary": {"capacity": {"values": [-1.0, 3.0]}}})
    assert table["status"].tolist() == ["bad_input", "optimal"]
    assert table["mechanism"].tolist() == ["allocation"] * 2


@pytest.fixture
def two_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let icds be for prices up to 30 and naive for those from 30 on."""
    families: dict[Any, Any] = FAMILIES
    monkeypatch.setitem(families, AssemblerCase, replace(families[AssemblerCase], defaults=("icds", "naive")))
    monkeypatch.setitem(MECHANISMS, "icds", replace(MECHANISMS["icds"], fits=lambda case: case.price <= 30))
    monkeypatch.setitem(MECHANISMS, "naive", replace(MECHANISMS["naive"], fits=lambda case: case.price >= 30))


@pytest.mark.usefixtures("two_defaults")
def test_of_several_defaults_the_one_that_fits_every_point() -> None:
    prices = {"from": 30, "to": 32, "points": 3}
    assert set(vd.study({"case": "two-suppliers", "vary": {"price": prices}})["mechanism"]) == {"naive"}


@pytest.mark.usefixtures("two_defaults")
def test_where_no_default_fits_every_point_one_is_to_be_named() -> None:
    prices = {"from": 28, "to": 33, "points": 6}
    spec = {"case": "two-suppliers", "solver": "highs", "vary": {"price": prices}}
    with pytest.raises(InputError, match=r"mechanisms: got <nothing>; allowed: one or more by name: .* for icds and naive"):
        vd.study(spec)
    table = vd.study({**spec, "mechanisms": ["icds", "naive"]})  # the middle, from which both start, is for one of them
    assert (table["status"] == "optimal").tolist() == [True] * 3 + [False] * 5 + [True] * 4
    assert (table.loc[table["exit_status"] != 0, "exit_status"] == 2).all()


def test_cases_of_both_kinds_have_mechanisms_of_their_own() -> None:
    table = vd.study({"case": ["two-suppliers", "five-retailers"], "vary": {"description": {"values": ["a", "b"]}}})
    assert table["mechanism"].tolist() == ["icds"] * 2 + ["capacity_choice"] * 2
