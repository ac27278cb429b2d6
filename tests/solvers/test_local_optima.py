"""A stationary point is called optimal where convexity is shown, and a local optimum elsewhere."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.allocation_cases import POWER, case, group
from veridical import cli
from veridical.solvers.certificate import certify
from veridical.solvers.translate.standard_form import compile_model

NEWSVENDOR = {"form": "newsvendor", "price": 90, "demand": {"distribution": "uniform"}}


def discount() -> Any:
    """Return a quantity discount, worth -125 at the stationary point in the middle and 0 at both ends."""
    m = pyo.ConcreteModel(name="discount")
    m.q = pyo.Var(bounds=(0, 100), initialize=50)
    m.worth = pyo.Objective(expr=-5 * m.q + m.q**2 / 20, sense=pyo.maximize)
    return m


def bilinear() -> Any:
    """Return a program whose row holds a product."""
    m = pyo.ConcreteModel(name="bilinear")
    m.x, m.y = pyo.Var(bounds=(0.1, 4), initialize=1.5), pyo.Var(bounds=(0.1, 4), initialize=1.0)
    m.area = pyo.Constraint(expr=m.x * m.y >= 2)
    m.cost = pyo.Objective(expr=m.x + m.y)
    return m


def two_valleys() -> Any:
    """Return x^4 - 3 x^2 + x, with a valley on either side."""
    m = pyo.ConcreteModel(name="valleys")
    m.x = pyo.Var(bounds=(-3, 3), initialize=1.0)
    m.cost = pyo.Objective(expr=m.x**4 - 3 * m.x**2 + m.x)
    return m


@pytest.mark.parametrize("build", [discount, bilinear, two_valleys], ids=lambda build: build.__name__)
def test_what_is_not_shown_to_be_convex_has_no_bound(build: Callable[[], Any]) -> None:
    solution = vd.solvers.solve(build(), "ipopt")
    assert solution.status == "locally_optimal"
    assert (solution.certificate.proves, math.isnan(solution.bound), math.isnan(solution.certificate.gap)) == (
        "local",
        True,
        True,
    )
    assert solution.certificate.holds
    assert solution.to_dict()["certificate"]["proves"] == "local"


def test_convexity_is_shown_of_everyday_models() -> None:
    m = pyo.ConcreteModel(name="orders")
    m.q = pyo.Var(bounds=(1, None), initialize=10.0)
    m.cost = pyo.Objective(expr=50_000 / m.q + m.q)
    solution = vd.solvers.solve(m, "ipopt")
    assert (solution.status, solution.certificate.proves, solution.certificate.basis) == (
        "optimal",
        "global",
        "rules of composition",
    )
    assert solution.bound == pytest.approx(2 * 50_000**0.5, rel=1e-8)


def test_a_system_of_equations_is_solved_and_nothing_is_called_optimal() -> None:
    m = pyo.ConcreteModel(name="system")
    m.x, m.y = pyo.Var(initialize=3.0), pyo.Var(initialize=1.0)
    m.product, m.difference = pyo.Constraint(expr=m.x * m.y == 2), pyo.Constraint(expr=m.x - m.y == 1)
    solution = vd.solvers.solve(m, "ipopt")
    assert (solution.status, m.x.value, m.y.value) == ("feasible", pytest.approx(2), pytest.approx(1))
    m.nothing = pyo.Objective(expr=7.0)
    constant = vd.solvers.solve(m, "ipopt")
    assert (constant.status, constant.objective, constant.bound) == ("optimal", 7.0, 7.0)


def test_the_conditions_of_a_convex_program_prove_its_optimum() -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], POWER, 2), capacity=2.2)
    by_conditions, formula = vd.solve(own, "allocation_kkt"), vd.solve(own, "allocation", "closed_form")
    assert (by_conditions.status, by_conditions.certificate.proves) == ("optimal", "global")
    assert by_conditions.certificate.basis.startswith("the optimality conditions of a convex program")
    assert by_conditions.bound == pytest.approx(formula.objective, rel=1e-6)


def test_truth_as_a_constraint_is_a_local_optimum_beside_the_proven_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The fault that this mends: 193.288 was called optimal where 193.298 is."""
    own = case(group([3.0, 6.2, 8.75], [0.18, 0.67, 0.15], NEWSVENDOR), capacity=100.0)
    best, local = vd.solve(own, "allocation"), vd.solve(own, "allocation_direct")
    assert (best.status, local.status) == ("optimal", "locally_optimal")
    assert best.objective >= local.objective * (1 - 1e-9)
    table = vd.compare(own)
    assert table["status"].to_dict() == {"allocation": "optimal", "allocation_direct": "locally_optimal"} | {
        name: "optimal" for name in table.index if name not in ("allocation_direct", "fixed_price")
    } | {name: "equilibrium" for name in table.index if name == "fixed_price"}

    path = tmp_path / "own.toml"
    own.save(path)
    for accept, ends in (("optimal", 3), ("feasible", 3), ("local", 0)):
        settings = f'solver = "ipopt"\naccept = "{accept}"'
        (tmp_path / "solver.toml").write_text(settings, encoding="utf-8")
        arguments = [
            "solve",
            str(path),
            "--mechanism",
            "allocation_direct",
            "--solver",
            str(tmp_path / "solver.toml"),
            "--json",
            "-",
        ]
        monkeypatch.setattr(sys, "argv", ["veridical", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert (end.value.code, json.loads(out)["status"]) == (ends, "locally_optimal")
        assert ("a better point may exist" in err) == (ends == 3)


def test_pyomos_factory_is_told_of_a_local_optimum() -> None:
    results = pyo.SolverFactory("veridical_ipopt").solve(discount())
    assert results.solver.termination_condition == pyo.TerminationCondition.locallyOptimal
    assert results.problem.upper_bound == math.inf


def test_truth_as_a_constraint_finds_what_virtual_values_prove() -> None:
    """Newsvendors, whose far quantities are flat: the search ended 2.4 % below the optimum."""
    own = case(group([3.0, 6.2, 8.75], [0.18, 0.67, 0.15], NEWSVENDOR), capacity=100.0)
    best = vd.solve(own, "allocation", "closed_form").objective
    assert vd.solve(own, "allocation_direct").objective == pytest.approx(best, rel=1e-6)


def test_where_types_are_worth_alike_the_allocation_is_truthful_all_the_same() -> None:
    """Capacity is scarce and every unit sells: any split earns the same, and only a monotone one is truthful."""
    sells = {"form": "newsvendor", "price": 1, "demand": {"distribution": "normal", "sd": 0.5}}
    own = case(group([6.7, 9.1, 11.2], [0.32, 0.26, 0.42], sells, 3), capacity=1.0)
    solution = vd.solve(own, "allocation", "ipopt")
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.objective == pytest.approx(vd.solve(own, "allocation", "closed_form").objective, rel=1e-6)


def test_conditions_that_have_been_edited_prove_nothing() -> None:
    own = case(group([4, 5, 7], [0.4, 0.35, 0.25], POWER, 2), capacity=2.2)
    model = vd.build(own, "allocation_kkt")
    least = next(iter(model.quantity))
    model.profit.deactivate()
    model.other = pyo.Objective(expr=model.quantity[least] - model.complementarity, sense=pyo.maximize)
    assert vd.solvers.solve(model, "ipopt", check=False).status == "locally_optimal"


def test_where_a_solver_proves_no_bound_the_certificate_fails() -> None:
    model = discount()
    form = compile_model(model, nonlinear=True)
    certificate, bound = certify(form, np.array([0.0]), None)
    assert (certificate.proves, certificate.holds, math.isnan(bound)) == ("feasible", False, True)
