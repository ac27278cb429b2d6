"""What is left of a joint plan once flows of two ends are one column: the same plan, prices and proofs as of the whole."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import lsq_linear

import veridical as vd
from support.joint_plan_cases import SHIPPED_PLANS
from veridical.data.joint_plan import pilot
from veridical.solvers.certificate import certify
from veridical.solvers.engines import highs
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.planners import Central
from veridical.solvers.planners.compiled import CompiledPlans
from veridical.solvers.planners.optimum import optimum
from veridical.solvers.planners.programs import joined
from veridical.solvers.presolve.merged import Merged
from veridical.solvers.translate.standard_form import StandardForm, compile_model


def whole(name: str) -> StandardForm:
    """Return the program of a shipped joint plan."""
    case, plans = vd.example(name), CompiledPlans(None)
    return joined({party: plans.party(case, party) for party in case.names}, case.shared).program.form


def program(matrix: Any, low: Any, high: Any, row_low: Any, row_high: Any) -> StandardForm:
    """Return a program of three columns, at the least sum of squares of their distances to 1, 2 and 3."""
    n, rows = 3, sp.csr_array(np.array(matrix, dtype=float))
    sides = [np.array(side, dtype=float) for side in (row_low, row_high, low, high)]
    cost, squares, none = -np.arange(1.0, n + 1), sp.csc_array(sp.eye_array(n)), np.zeros(n, dtype=bool)
    named: dict[str, Any] = {"variables": [None] * n, "constraints": [None] * rows.shape[0]}
    return StandardForm(1, cost, 7.0, squares, None, rows, sides[0], sides[1], sides[2], sides[3], none, **named)


@pytest.mark.parametrize("name", SHIPPED_PLANS)
def test_what_is_left_has_the_optimum_of_the_whole(name: str) -> None:
    """Two routes: the whole by PIQP, and what is left of it by HiGHS, with the multipliers of all rows."""
    form = whole(name)
    presolved = Merged.of(form)
    assert presolved is not None
    assert len(presolved.form.cost) == len(form.cost) - len(presolved.twins)  # one column a flow
    direct, left = optimum(name, form, None), optimum(name, presolved.form, vd.solvers.Configuration(solver="highs"))
    assert left.point.row_dual is not None
    x, row_dual = presolved.restored(left.point.x, left.point.row_dual)
    certificate, bound = certify(form, x, row_dual)
    assert certificate.holds
    assert certificate.gap <= 1e-9
    assert bound == pytest.approx(direct.point.bound, rel=1e-6)
    assert form.minimised(x) == pytest.approx(form.minimised(direct.point.x), rel=1e-6)
    ways = direct.solver[0], optimum(name, form, vd.solvers.Configuration(solver="highs")).solver[0]
    assert ways == ("piqp", "highs")


def test_prices_are_in_the_middle_where_nobody_ships() -> None:
    """Columns 0 and 1 are one, at least 0; their sum is to be at most -5 at no price, so that they stay at 0."""
    form = program([[2, -2, 0], [0, 0, 1]], [0, 0, 0], [np.inf, np.inf, np.inf], [0, -np.inf], [0, 2])
    form.cost[:2] = 4.0, 1.0
    presolved = Merged.of(form)
    assert presolved is not None
    assert len(presolved.form.cost) == 2
    assert not len(presolved.form.row_low)
    assert presolved.form.high[1] == 2.0  # the row of one column
    x, row_dual = presolved.restored(np.array([0.0, 2.0]), np.zeros(0))
    np.testing.assert_array_equal(x, [0, 0, 2])
    reduced = form.gradient(x) - form.matrix.T @ row_dual
    np.testing.assert_allclose(reduced, [2.5, 2.5, 0.0])  # 5 for both, and all of the limit's is its row's
    assert row_dual[1] == pytest.approx(-1.0)  # 2 - 3: one more unit is worth 1
    assert certify(form, x, row_dual)[0].gap <= 1e-15


@pytest.mark.parametrize("seed", range(20))
def test_random_least_squares_with_twins_and_limits_are_solved_as_scipy_does(seed: int) -> None:
    """Columns 0 and 1 are one, in whatever bounds and limits each has; scipy solves for the two that are left."""
    random = np.random.default_rng(seed)
    low, high = -random.uniform(0, 1, 3), random.uniform(0, 4, 3)
    least, most, factor = random.uniform(-1, 0, 3), random.uniform(0, 4, 3), random.choice([-2.0, 0.5, 3.0], 3)
    sides = np.sort([least * factor, most * factor], axis=0)
    rows = np.vstack([[[factor[0], -factor[0], 0.0]], np.diag(factor)])
    form = program(rows, low, high, np.append(0.0, sides[0]), np.append(0.0, sides[1]))
    presolved = Merged.of(form)
    assert presolved is not None
    low, high = np.maximum(low, least), np.minimum(high, most)
    bounds = [low[:2].max(), low[2]], [high[:2].min(), high[2]]
    expected = lsq_linear([[1, 0], [1, 0], [0, 1]], [1, 2, 3], bounds, tol=1e-14).x
    expected = np.clip(expected, *bounds)
    x, row_dual = presolved.restored(expected, np.zeros(0))
    certificate, _ = certify(form, x, row_dual)
    assert certificate.within(1e-6)
    assert max(certificate.gap, certificate.primal_residual, certificate.dual_residual or 0.0) <= 1e-6
    found = optimum("least squares", form, vd.solvers.Configuration(solver="highs"))
    np.testing.assert_allclose(found.point.x, expected[[0, 0, 1]], atol=1e-6)


def test_nothing_is_left_out_where_there_is_nothing_to_leave_out() -> None:
    free = [-np.inf] * 3, [np.inf] * 3
    assert Merged.of(program([[1, 1, 1]], *free, [0], [4])) is None
    assert Merged.of(program([[1, 1, 0]], *free, [0], [0])) is None  # of opposite sign
    assert Merged.of(program([[1, -1, 0]], *free, [1], [1])) is None  # and not equal
    crossing = program([[1, 0, 0]], *free, [3], [4])
    crossing.high[0] = 2.0
    assert Merged.of(crossing) is None  # HiGHS has the words for it


def test_a_row_of_one_column_whose_side_is_fixed_stays() -> None:
    form = program([[1, 0, 0], [0, 1, -1]], [0] * 3, [9] * 3, [2, 0], [2, 0])
    presolved = Merged.of(form)
    assert presolved is not None
    np.testing.assert_array_equal(presolved.kept, [0])


def test_a_plan_that_is_presolved_is_the_one_of_the_whole_model() -> None:
    """Two routes: parties' arrays, presolved, and one Pyomo model of all, which is not, both by HiGHS."""
    case = pilot(vendors=3, products=12, sites=5)
    plan = Central("highs").joint(case)
    model = vd.models.joint_plan.joint.build(case)
    solution = vd.solvers.solve(model, "highs")
    assert plan.solution.solver.name == "highs"
    assert plan.solution.certificate.gap <= 1e-9
    assert plan.objective == pytest.approx(solution.objective, rel=1e-6)
    assert plan.bound == pytest.approx(solution.bound, rel=1e-6)


def test_large_models_are_presolved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 20,000 variables on, a model that people build themselves: 12,960 flows had no optimum otherwise."""
    case = vd.example("pilot")
    plain = vd.solvers.solve(vd.models.joint_plan.joint.build(case), "highs")
    model = vd.models.joint_plan.joint.build(case)
    handed: list[int] = []
    taken = Highs.take

    def take(self: Highs, cost: Any, *arrays: Any) -> Any:
        handed.append(len(cost))
        return taken(self, cost, *arrays)

    monkeypatch.setattr(Highs, "take", take)
    monkeypatch.setattr(highs, "LARGE", 0)
    solution = vd.solvers.solve(model, "highs")
    flows = len(case.shared.flows)
    assert handed[0] == len(compile_model(model).variables) - flows  # one column a flow, not one at either end
    assert solution.certificate.proves == "global"
    assert solution.objective == pytest.approx(plain.objective, rel=1e-7)
    before, after = (each.duals["inbound_volume"] for each in (plain, solution))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
