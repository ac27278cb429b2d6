"""Rows that are likely to follow from others are left out until they are violated: the result is that of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.programs import by_scipy
from veridical.models.info import info_of
from veridical.solvers.configuration import configure
from veridical.solvers.engines.live import LiveModel
from veridical.solvers.translate.standard_form import StandardForm, compile_model


def two_goods(seed: int, types: int = 12) -> Any:
    """Return the sale of two goods to one buyer whose values are drawn, in no order: who is next in the list is no neighbour."""
    values = np.random.default_rng(seed).integers(1, 10, (types, 2)).tolist()
    space = vd.TypeSpace({"buyer": {f"type {k}": value for k, value in enumerate(values)}})
    m = pyo.ConcreteModel()
    m.get = pyo.Var([0, 1], space.profiles, bounds=(0, 1))
    m.price = pyo.Var(space.profiles)

    def utility(m: Any, agent: str, theta: list[float], reports: tuple[str]) -> Any:
        return sum(theta[good] * m.get[good, reports] for good in (0, 1)) - m.price[reports]

    vd.truthful(m, space, utility)
    m.revenue = pyo.Objective(expr=space.expectation(lambda reports: m.price[reports]), sense=pyo.maximize)
    return m


def optimum(form: StandardForm) -> float:
    """Return the optimum over all rows by scipy's own way."""
    found = by_scipy(form, "highs-ipm")
    assert found.fun is not None
    return float(form.sense * found.fun)


@pytest.mark.parametrize("seed", range(10))
def test_rows_that_do_not_follow_after_all_are_added(seed: int) -> None:
    m = two_goods(seed)
    form, likely = compile_model(m), info_of(m).likely_to_follow
    assert likely is not None
    far = np.isin([id(constraint) for constraint in form.constraints], [id(constraint) for constraint in likely(m)])
    assert far.sum() == 12 * 11 - 2 * 11  # of all misreports those that are not about a neighbour in the list
    live = LiveModel(form, configure("highs"), follow=far)
    x, dual = live.run("two goods", float("inf"))
    assert dual is not None
    assert 0 < len(live.left_out) < far.sum()  # some were needed, and not all of them
    assert not dual[live.left_out].any()
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(optimum(form), rel=1e-7)
    assert solution.objective == pytest.approx(form.objective(x), rel=1e-9)
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.status == "optimal"


def test_an_end_of_the_rest_is_none_of_the_whole() -> None:
    m = two_goods(0, types=4)
    m.dear = pyo.Constraint(expr=m.price["type 0"] >= 50)  # more than it is worth to anybody
    with pytest.raises(vd.NotSolvedError, match="these constraints cannot hold together"):
        vd.solvers.solve(m)
    m = two_goods(0, types=4)
    m.del_component("individual_rationality")
    with pytest.raises(vd.NotSolvedError, match="improves for ever"):
        vd.solvers.solve(m)


def test_what_only_far_rows_bound_is_no_unbounded_problem() -> None:
    m = two_goods(3)
    info_of(m).likely_to_follow = lambda m: compile_model(m).constraints  # everything is left out at first
    every = vd.solvers.solve(m)
    assert every.objective == pytest.approx(optimum(compile_model(m)), rel=1e-7)
