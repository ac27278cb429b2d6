"""Full ICDS is solved from its relaxed problem; where that is not enough, its rows are added, and the result is that of all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import veridical as vd
from support.assembler_cases import build
from support.programs import by_scipy
from veridical.data import AssemblerCase
from veridical.models.info import info_of
from veridical.solvers.configuration import configure
from veridical.solvers.engines import highs
from veridical.solvers.engines.live import LiveModel
from veridical.solvers.translate.standard_form import StandardForm, compile_model

POINTS = {"distribution": "empirical", "values": [100, 250, 300, 500, 800], "weights": [0.125, 0.25, 0.125, 0.375, 0.125]}


@pytest.fixture(autouse=True)
def _small_models_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highs, "PRESOLVED", 0)


def drawn(seed: int, costs: tuple[int, ...] = (2, 3, 2), dependent: bool = True) -> AssemblerCase:
    rng = np.random.default_rng(seed)
    own = [np.cumsum(rng.uniform(0.5, 2, count)).tolist() for count in costs]
    price = sum(each[-1] for each in own) + 1
    if dependent:
        return build(own, joint=rng.dirichlet(np.full(np.prod(costs), 0.4)).reshape(costs), price=price, demand=POINTS)
    return build(own, [np.full(count, 1 / count).tolist() for count in costs], price=price, demand=POINTS)


def optimum(form: StandardForm) -> float:
    """Return the optimum over all rows by scipy's own way."""
    found = by_scipy(form)
    assert found.fun is not None
    return float(form.sense * (found.fun + form.offset))


def relaxed(m: Any) -> tuple[LiveModel, int]:
    """Return the live model after its run, and how many rows were left out at first."""
    form, likely = compile_model(m), info_of(m).likely_to_follow
    assert likely is not None
    following = set(likely(m))
    left_out = np.array([row in following for row in form.constraints])
    live = LiveModel(form, configure("highs"), follow=left_out)
    live.run("icds", float("inf"))
    return live, int(left_out.sum())


@pytest.mark.parametrize("seed", [0, 1, 3, 4])
@pytest.mark.parametrize("parameters", [{}, {"feasibility": False}])
def test_rows_that_do_not_follow_are_added(seed: int, parameters: dict[str, Any]) -> None:
    m = vd.build(drawn(seed), "icds", **parameters)
    live, count = relaxed(m)
    assert len(live.left_out) < count  # virtual costs of such priors fall somewhere
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(optimum(compile_model(m)), rel=1e-9)
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.certificate.holds


@pytest.mark.parametrize("seed", range(3))
def test_all_of_them_follow_where_virtual_cost_is_monotone(seed: int) -> None:
    case = drawn(seed, (2, 2, 2, 2), dependent=False)
    m = vd.build(case, "icds")
    live, count = relaxed(m)
    assert len(live.left_out) == count == 3 * 4 * 8  # of each supplier, beside what the others report: one of each family
    solution = vd.solvers.solve(m)
    assert solution.objective == pytest.approx(vd.solve(case, "icds", "closed_form").objective, rel=1e-9)
    assert solution.audit is not None
    assert solution.audit.truthful


def test_a_family_that_a_user_takes_out_or_replaces_is_no_matter() -> None:
    case = drawn(1)
    whole = vd.solve(case, "icds").objective
    m = vd.build(case, "icds")
    m.del_component("feasibility")
    assert vd.solvers.solve(m).objective == pytest.approx(whole, rel=1e-9)
    m.feasibility = pyo.Constraint(expr=m.units[m.PROFILES.first()] <= 1e6)  # one of the user's own, without an index
    assert vd.solvers.solve(m).objective == pytest.approx(whole, rel=1e-9)
    m.incentive_compatibility.deactivate()
    assert vd.solvers.solve(m, check=False).objective == pytest.approx(optimum(compile_model(m)), rel=1e-9)
    assert vd.solvers.solve(m, check=False).objective > whole + 1


@pytest.mark.parametrize("demand", [POINTS, {"distribution": "uniform", "low": 100, "high": 900}])
def test_other_prices_one_after_the_other_from_the_first_basis(demand: dict[str, Any]) -> None:
    case = drawn(2).changed(demand=demand)
    repeated = vd.Repeated()
    for price in (8.0, 11.0, 9.5):
        one = repeated.solve(case, "icds", "highs", price=price)
        assert one.objective == pytest.approx(vd.solve(case, "icds", "highs", price=price).objective, rel=1e-8)
