"""Points that stand for a continuous range: one default, and a result that says how far it is from the range."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

import veridical as vd
from veridical.data import AllocationCase
from veridical.data.truncated import POINTS
from veridical.solvers.closed_form.allocation import capacity_choice

Run = Callable[..., tuple[int, str, str]]
Json = Callable[..., dict[str, Any]]
UNIFORM = {"count": 2, "prior": {"distribution": "uniform", "low": 4.0, "high": 8.0}, "revenue": {"form": "linear_demand"}}
CASE = AllocationCase.model_validate({"name": "c", "capacity_cost": 1.0, "retailers": [UNIFORM]})


@pytest.fixture(scope="module")
def finest() -> float:
    """Return the profit with 192 types."""
    return capacity_choice(CASE, points=192).supplier_profit


@pytest.mark.parametrize("solver", [None, "closed_form"])
def test_every_solver_takes_as_many_types_and_says_what_finer_ones_bring(solver: str | None, finest: float) -> None:
    found = vd.solve(CASE, solver=solver)
    assert found.parameters == {"points": POINTS}
    assert found.objective == pytest.approx(capacity_choice(CASE).supplier_profit, rel=1e-7)
    said = found.approximation
    assert said is not None
    assert (said["points"], said["exact"], str(found.status)) == (POINTS, None, "feasible")
    assert math.isnan(found.bound)
    assert said["finer_points"] == 192  # of two retailers 192 types are 18,528 profiles, and 208 would be 21,736
    assert said["finer"] == finest > found.objective
    assert said["error"] == pytest.approx(1 - found.objective / said["finer"])
    assert said["model_gap"] <= 1e-6
    assert found.checked(gap=1e-6) is found


def test_the_grid_of_costs_is_measured_against_proposition_4() -> None:
    case = vd.example("continuous-pair")
    exact = vd.solve(case, solver="closed_form")
    assert exact.approximation is None
    for points in (4, 16):
        found = vd.solve(case, points=points)
        said = found.approximation
        assert said is not None
        assert (said["points"], said["exact"], found.bound) == (points, exact.objective, exact.objective)
        assert said["error"] == pytest.approx(1 - found.objective / exact.objective)
        assert found.certificate.gap == pytest.approx(exact.objective / found.objective - 1)
        assert said["error"] > 1e-5 > said["model_gap"]
        assert str(found.status) == "optimal"


def test_a_grid_without_a_closed_form_is_feasible_and_no_more(record: Json, run: Run) -> None:
    change = ("--set", "prior.correlation=[[1, 0.5], [0.5, 1]]", "--set", "points=4")
    found = record("solve", "continuous-pair", *change)
    assert (found["status"], found["bound"], found["certificate"]["gap"]) == ("feasible", None, None)
    assert found["approximation"]["error"] is None
    status, out, _ = run("solve", "continuous-pair", *change)
    assert status == 0
    assert "feasible (no bound is known)" in out
    assert "on a grid of 4 costs a supplier, an approximation whose error is not known" in out
    assert "no gap is known" in out
    assert "nan" not in out


def test_people_are_told_how_far_the_grid_is(run: Run) -> None:
    status, out, _ = run("solve", "continuous-pair")
    assert status == 0
    assert "on a grid of 16 costs a supplier, an approximation from below: " in out
    assert "less than the optimum 2,643.04" in out
    status, out, _ = run("solve", "continuous-pair", "--json", "-")
    said = json.loads(out)
    assert set(said["approximation"]) == {"points", "exact", "error", "model_gap"}
    assert said["bound"] == said["approximation"]["exact"]


def test_the_game_on_points_is_an_equilibrium_of_unknown_error() -> None:
    case = CASE.changed(fixed_price={"wholesale_price": 3.5, "rule": "uniform"})
    found = vd.solve(case, "fixed_price", points=4)
    assert str(found.status) == "equilibrium"
    assert found.approximation == {
        **{"points": 4, "exact": None, "finer": None, "finer_points": None, "error": None},
        "model_gap": 0.0,
    }
    assert vd.solve(vd.example("two-retailers")).approximation is None
