"""Options, limits, tolerances and configurations of solvers."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import veridical as vd
from support.assembler_cases import build
from veridical.data import AssemblerCase, InputError


def test_options_arrive_at_the_solver_and_are_reported(discrete: AssemblerCase) -> None:
    options = {"simplex_strategy": 4, "random_seed": 7, "presolve": "off"}
    solution = vd.solve(discrete, "icds", {"solver": "highs", "threads": 1, "options": options})
    assert {name: solution.solver.options[name] for name in options} == options
    assert solution.solver.options["threads"] == 1
    assert solution.solver.name == "highs"
    assert solution.solver.version.count(".") == 2


def test_an_iteration_limit_ends_a_solve(discrete: AssemblerCase) -> None:
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solve(discrete, "icds", {"solver": "highs", "options": {"simplex_iteration_limit": 1, "presolve": "off"}})
    assert end.value.status == vd.solvers.Termination.ITERATION_LIMIT


@pytest.mark.parametrize("limit", [{"time_limit": 1e-4}, {"options": {"time_limit": 0.0}}])
def test_a_time_limit_ends_a_solve(limit: dict[str, Any]) -> None:
    case = build([[2, 3, 7]] * 4, [[0.3, 0.3, 0.4]] * 4, price=60.0, demand={"distribution": "exponential", "mean": 300})
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solve(case, "icds", {"solver": "highs", **limit})
    assert end.value.status == vd.solvers.Termination.TIME_LIMIT


@pytest.mark.parametrize(("name", "near"), [("simplex_iteration_limt", "simplex_iteration_limit"), ("time_limits", "time_limit")])
def test_unknown_options_are_refused_and_near_ones_named(discrete: AssemblerCase, name: str, near: str) -> None:
    with pytest.raises(vd.InputError, match=f"options.{name}") as refusal:
        vd.solve(discrete, "icds", {"solver": "highs", "options": {name: 1}})
    assert near in str(refusal.value).partition("near it")[2]


@pytest.mark.parametrize(("name", "value"), [("presolve", "perhaps"), ("simplex_iteration_limit", "many"), ("random_seed", -1)])
def test_values_that_the_solver_does_not_take_are_refused(discrete: AssemblerCase, name: str, value: object) -> None:
    with pytest.raises(vd.InputError, match=f"options.{name}"):
        vd.solve(discrete, "icds", {"solver": "highs", "options": {name: value}})


def test_a_value_that_ipopt_takes_by_itself_alone_is_refused(discrete: AssemblerCase) -> None:
    """A linear solver of the user's own is a choice that the option has, and a program that this Ipopt has not."""
    with pytest.raises(
        vd.InputError, match=r"^solver: options: got {'linear_solver': 'custom'}; allowed: options that Ipopt takes with"
    ):
        vd.solve(discrete, "icds", {"solver": "ipopt", "options": {"linear_solver": "custom"}})


@pytest.mark.parametrize(
    ("solver", "field"),
    [
        ({"solver": "highs", "time_limit": 0}, "time_limit"),
        ({"solver": "highs", "time_limit": math.nan}, "time_limit"),
        ({"solver": "highs", "tolerance": -1e-6}, "tolerance"),
        ({"solver": "highs", "threads": 0}, "threads"),
        ({"solver": "highs", "threads": True}, "threads"),
        ({"solver": "highs", "threads": 1_000_000}, "threads"),
        ({"solver": "highs", "options": {"threads": 1_000_000}}, "options.threads"),
        ({"solver": "highs", "form": "curved"}, "form"),
        ({"solver": "highs", "speed": 11}, "speed"),
        ({"time_limit": 3}, "solver"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(discrete: AssemblerCase, solver: dict[str, Any], field: str) -> None:
    with pytest.raises(vd.InputError, match=field):
        vd.solve(discrete, "icds", solver)


def test_a_configuration_may_stand_in_a_file(discrete: AssemblerCase, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('solver = "highs"\nform = "tangent"\ntolerance = 1e-5\n[options]\nrandom_seed = 5\n', encoding="utf-8")
    solution = vd.solve(discrete, "icds", path)
    assert solution.solver.form == "tangent"
    assert solution.solver.options["random_seed"] == 5
    path.write_text('solver = "highs"\ntolerance = "fine"\n', encoding="utf-8")
    with pytest.raises(vd.InputError, match=r"mine\.toml: tolerance"):
        vd.solve(discrete, "icds", path)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6, 1e-8])
def test_tangents_are_refined_to_the_tolerance_and_not_beyond(regular: AssemblerCase, tolerance: float) -> None:
    exact = vd.solve(regular, "icds", "closed_form").objective

    def solved(tolerance: float) -> vd.solvers.Solution:
        try:
            return vd.solve(regular, "icds_balanced", {"solver": "highs", "tolerance": tolerance})
        except vd.CertificateError as error:  # a gap above 1e-6 was asked for here, and is no certified answer
            assert tolerance > 1e-6
            found = error.solution
            assert isinstance(found, vd.solvers.Solution)
            return found

    solution = solved(tolerance)
    assert solution.certificate.gap <= tolerance
    assert exact * (1 - tolerance) <= solution.objective <= exact * (1 + 1e-12)
    assert solution.bound >= exact * (1 - 1e-12)
    assert solution.solver.options["tangent_rounds"] <= solved(tolerance / 100).solver.options["tangent_rounds"]
    assert solved(1e-2).solver.options["tangent_rounds"] < solved(1e-10).solver.options["tangent_rounds"]


def test_a_wider_gap_may_be_asked_for_and_is_kept(regular: AssemblerCase) -> None:
    exact = vd.solve(regular, "icds", "closed_form").objective
    solution = vd.solve(regular, "icds", {"solver": "highs", "tolerance": 1e-2})
    assert solution.certificate.gap <= 1e-2
    assert solution.objective <= exact * (1 + 1e-9)
    assert solution.bound >= exact * (1 - 1e-9)
    loose = replace(solution, certificate=replace(solution.certificate, gap=5e-3))
    assert loose.checked(gap=1e-2) is loose
    with pytest.raises(vd.CertificateError):
        loose.checked()


@pytest.mark.parametrize(("solver", "option"), [("highs", "presolve"), ("highs", "time_limit"), ("ipopt", "max_iter")])
@pytest.mark.parametrize("value", [[], {}, 10**400], ids=["list", "table", "long"])
def test_values_that_no_option_has_are_refused(solver: str, option: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"options\.{option}: got"):
        vd.solve(vd.example("two-suppliers"), "icds", {"solver": solver, "options": {option: value}})
