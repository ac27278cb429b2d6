"""HiGHS: convexity, ends without an optimum, integers."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray

import veridical as vd
from support.small_models import knapsack, model
from veridical.solvers.engines.highs import LiveModel

Array = NDArray[np.float64]


# --- convexity ---


@pytest.mark.parametrize(
    ("sense", "objective"),
    [
        (pyo.minimize, lambda m: -(m.x**2)),
        (pyo.maximize, lambda m: m.x**2 + m.y),
        (pyo.minimize, lambda m: m.x * m.y),
        (pyo.maximize, lambda m: m.x * m.y),
        (pyo.minimize, lambda m: m.x**2 + m.y**2 + 2.001 * m.x * m.y),
        (pyo.minimize, lambda m: m.x**2 - 1e-3 * m.y**2),
    ],
)
def test_quadratic_programs_that_are_not_convex_are_refused(sense: int, objective: Callable[[Any], Any]) -> None:
    with pytest.raises(vd.InputError, match="convex"):
        vd.solvers.solve(model(objective, lambda m: m.x + m.y <= 9, sense=sense))


@pytest.mark.parametrize(
    ("sense", "objective", "value"),
    [
        (pyo.minimize, lambda m: (m.x - 3) ** 2 + m.y**2, 0),
        (pyo.maximize, lambda m: 4 - (m.x - 12) ** 2, 0),
        (pyo.minimize, lambda m: (m.x - m.y) ** 2 + m.x, 0),  # singular, not indefinite
        (pyo.minimize, lambda m: m.x**2 + m.y**2 + 2 * m.x * m.y - 4 * m.x, -4),
    ],
)
def test_convex_quadratic_programs_are_solved(sense: int, objective: Callable[[Any], Any], value: float) -> None:
    solution = vd.solvers.solve(model(objective, lambda m: m.x + m.y <= 90, sense=sense))
    assert solution.objective == pytest.approx(value, abs=1e-6)


def test_an_objective_may_change_from_quadratic_to_linear_between_two_solves() -> None:
    m = model(lambda m: (m.x - 3) ** 2 + (m.y - 4) ** 2, lambda m: m.x + m.y <= 9)
    assert vd.solvers.solve(m).objective == pytest.approx(0, abs=1e-6)
    m.objective.set_value(-2 * m.x - 3 * m.y)
    assert vd.solvers.solve(m).objective == pytest.approx(-27)
    assert (m.x.value, m.y.value) == pytest.approx((0, 9))
    m.objective.set_value((m.x - 3) ** 2 + (m.y - 5) ** 2)
    assert vd.solvers.solve(m).objective == pytest.approx(0, abs=1e-6)


# --- ends without an optimum ---


def test_infeasible_models_raise_and_say_so() -> None:
    with pytest.raises(vd.NotSolvedError, match="small") as end:
        vd.solvers.solve(model(lambda m: m.x, lambda m: m.x + m.y >= 21))
    assert end.value.status == vd.solvers.Termination.INFEASIBLE
    assert end.value.exit_status == 3


@pytest.mark.parametrize("presolve", ["on", "off"])
def test_unbounded_models_raise_and_say_so(presolve: str) -> None:
    m = model(lambda m: m.x - m.y, lambda m: m.x - m.y <= 4, lambda m: m.x + m.y >= 2)
    m.y.setub(None)
    with pytest.raises(vd.NotSolvedError) as end:
        vd.solvers.solve(m, {"solver": "highs", "options": {"presolve": presolve}})
    assert end.value.status == vd.solvers.Termination.UNBOUNDED


def test_a_failed_solve_leaves_no_values_of_its_own() -> None:
    m = model(lambda m: m.x, lambda m: m.x + m.y >= 21)
    with pytest.raises(vd.NotSolvedError):
        vd.solvers.solve(m)
    assert m.x.value is None


# --- integers ---


def test_integer_programs_are_solved_and_have_no_duals() -> None:
    m = knapsack()
    solution = vd.solvers.solve(m)
    things = ((10, 5), (13, 6), (7, 3), (8, 4))
    bags = [bag for size in range(5) for bag in itertools.combinations(things, size) if sum(w for _, w in bag) <= 10]
    assert solution.objective == pytest.approx(max(sum(v for v, _ in bag) for bag in bags))
    assert solution.bound == pytest.approx(solution.objective)
    assert dict(solution.duals) == {}
    assert len(m.dual) == 0
    assert solution.certificate.dual_residual is None


@pytest.mark.parametrize("wrong", [[0.5, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, math.nan]])
def test_wrong_points_of_integer_programs_fail_their_certificate(wrong: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LiveModel.run

    def run(engine: LiveModel, name: str, deadline: float) -> tuple[Array, Array | None]:
        honest(engine, name, deadline)
        return np.array(wrong, dtype=float), None

    monkeypatch.setattr(LiveModel, "run", run)
    with pytest.raises(vd.CertificateError):
        vd.solvers.solve(knapsack())
