"""The bound of a certificate is one: for any point and any multipliers, exact or not, and in any units."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import linprog

import veridical as vd
from support.strategies import examples
from veridical.data import NotSolvedError
from veridical.data.arrays import Array
from veridical.solvers.certificate import certify
from veridical.solvers.entries import Entries
from veridical.solvers.implied_bounds import implied_bounds
from veridical.solvers.polish import polished
from veridical.solvers.translate.standard_form import StandardForm, compile_model

SIDES = ("row_low", "row_high", "low", "high")
SCALES = st.sampled_from([1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9])


def linear(seed: int) -> StandardForm:
    """Return a random linear program that is feasible at 1, some of its variables without bounds."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 5), rng.integers(1, 6)
    matrix = sp.csr_array(np.where(rng.random((m, n)) < 0.6, rng.integers(-3, 4, (m, n)), 0).astype(float))
    at_one = matrix @ np.ones(n)
    low = np.where(rng.random(m) < 0.5, at_one - rng.integers(0, 3, m), -np.inf)
    high = np.where((rng.random(m) < 0.5) | np.isinf(low), at_one + rng.integers(0, 3, m), np.inf)
    below = np.where(rng.random(n) < 0.6, 0.0, -np.inf)
    above = np.where(rng.random(n) < 0.4, 5.0, np.inf)
    cost = rng.integers(-3, 4, n).astype(float)
    whole = np.zeros(n, dtype=bool)
    return StandardForm(1, cost, 0.0, None, None, matrix, low, high, below, above, whole, [None] * n, [None] * m)


def optimum(form: StandardForm) -> float:
    """Return the optimum by scipy; -inf where there is none."""
    rows, sides = [], []
    for sign, side in ((1.0, form.row_high), (-1.0, form.row_low)):
        finite = np.isfinite(side)
        rows.append(sign * form.matrix.toarray()[finite])
        sides.append(sign * side[finite])
    bounds = [(a if np.isfinite(a) else None, b if np.isfinite(b) else None) for a, b in zip(form.low, form.high, strict=True)]
    result = linprog(form.cost, np.vstack(rows), np.concatenate(sides), bounds=bounds)
    return -math.inf if result.fun is None else float(result.fun)  # 1 is feasible


@given(st.integers(0, 10**6), st.data())
@examples(300)
def test_no_multipliers_prove_more_than_is_true(seed: int, data: st.DataObject) -> None:
    form = linear(seed)
    numbers = st.floats(-5, 5, allow_nan=False)
    row_dual = np.array([data.draw(numbers) for _ in form.row_low])
    best = optimum(form)
    _, bound = certify(form, np.ones(len(form.cost)), row_dual)
    assert bound <= best or bound == pytest.approx(best, rel=1e-7, abs=1e-7)


@given(st.integers(0, 10**6), SCALES, SCALES)
@example(140, 1e-6, 1e-6)  # costs that cancel
@examples(200)
def test_the_optimum_is_proven_in_any_units_and_nothing_else_is(seed: int, money: float, units: float) -> None:
    form = linear(seed)
    best = optimum(form)
    sides = [getattr(form, name) for name in SIDES]
    scaled = replace(form, cost=form.cost * money, **dict(zip(SIDES, (units * side for side in sides), strict=True)))
    figures = []
    for part, factor in ((form, 1.0), (scaled, units)):
        certificate, _ = certify(part, np.full(len(form.cost), factor), np.zeros(len(form.row_low)))
        figures.append((certificate.primal_residual, certificate.dual_residual, certificate.gap))
    assert figures[0][:2] == pytest.approx(figures[1][:2], rel=1e-9, abs=1e-12, nan_ok=True)
    # A gap is measured by a millionth of the objective's terms where these cancel: rounding, 1e-15 of them, is 1e-9 of that.
    assert figures[0][2] == pytest.approx(figures[1][2], rel=1e-9, abs=1e-9, nan_ok=True)
    assert not certificate.holds or form.cost.sum() == pytest.approx(best, rel=1e-6)


@given(st.integers(0, 10**6))
@examples(200)
def test_implied_bounds_hold_at_every_feasible_point(seed: int) -> None:
    form = linear(seed)
    low, high = implied_bounds(Entries.of(form.matrix), form.row_low, form.row_high, form.low, form.high)
    n = len(form.cost)
    for column in range(n):
        for sign, bound in ((1.0, low[column]), (-1.0, -high[column])):
            extreme = replace(form, cost=sign * np.eye(n)[column])
            assert bound <= optimum(extreme) + 1e-6


@pytest.mark.parametrize("upwards", [True, False])
def test_a_bound_goes_along_a_chain_of_rows(upwards: bool) -> None:
    """Row k: x_k+1 <= 2 x_k (or the other way round), and only the first is bounded: x_k <= 2^k."""
    n, sign = 20, 1.0 if upwards else -1.0
    matrix = sp.csr_array(sign * (np.eye(n)[1:] - 2 * np.eye(n)[:-1]))
    row_low, row_high = np.full(n - 1, -np.inf), np.zeros(n - 1)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    (high if upwards else low)[0] = sign
    found = implied_bounds(Entries.of(matrix), row_low, row_high, low, high)
    ends, other = found[::-1] if upwards else found
    assert sign * ends == pytest.approx(2.0 ** np.arange(n), rel=1e-6)
    assert (sign * ends >= 2.0 ** np.arange(n)).all()  # what rounding may have taken is given back
    assert np.isinf(other).all()


def rough(form: StandardForm, x: Array, row_dual: Array, size: float) -> tuple[Array, Array]:
    """Return a point and multipliers that are off by a little, as an interior point leaves them."""
    rng = np.random.default_rng(1)
    return x + size * rng.random(len(x)), row_dual * (1 + size * rng.standard_normal(len(row_dual)))


@pytest.mark.parametrize("size", [1e-9, 1e-7, 1e-5])
@pytest.mark.parametrize("mechanism", ["icds", "bic", "first_best"])
def test_polishing_proves_what_a_rough_point_does_not(mechanism: str, size: float) -> None:
    model = vd.build(vd.example("two-suppliers-correlated"), mechanism, form="quadratic")
    solution = vd.solvers.solve(model, "ipopt")
    form = compile_model(model)
    prices = {constraint.name: price for constraint, price in zip(form.constraints, _row_duals(model), strict=True)}
    x = np.array([variable.value for variable in form.variables])
    exact = np.array([form.sense * prices[constraint.name] for constraint in form.constraints])
    start = rough(form, x, exact, size)
    before, _ = certify(form, *start)
    after, bound = certify(form, *polished(form, *start))
    assert max(before.primal_residual, before.gap) > 1e-12
    assert after.within(1e-9)
    assert bound == pytest.approx(solution.objective, rel=1e-8)


def _row_duals(model: pyo.ConcreteModel) -> list[float]:
    model.dual = pyo.Suffix(direction=pyo.Suffix.IMPORT)
    vd.solvers.solve(model, "ipopt")
    return [model.dual[constraint] for constraint in compile_model(model).constraints]


def two(worth: float) -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, 1))
    m.cost = pyo.Objective(expr=-worth * m.x + 2e6 * worth * m.y)
    return m


@pytest.mark.parametrize("worth", [1e-9, 1.0, 1e9])
def test_a_small_reduced_cost_of_an_unbounded_variable_is_not_left_out(worth: float) -> None:
    m = two(worth)
    certificate, bound = certify(compile_model(m), np.zeros(2), np.zeros(0))
    assert (certificate.holds, bound) == (False, -math.inf)
    with pytest.raises(vd.NotSolvedError) as failure:
        vd.solvers.solve(m)
    assert failure.value.status == "unbounded"
    m.most = pyo.Constraint(expr=m.x <= 1e6)
    certificate, bound = certify(compile_model(m), np.zeros(2), np.zeros(1))
    assert not certificate.holds
    assert bound == pytest.approx(-1e6 * worth, rel=1e-6)  # by the bound that follows from the row
    for solver in ("highs", "ipopt"):
        assert vd.solvers.solve(m, solver).bound == pytest.approx(-1e6 * worth, rel=1e-9)


@pytest.mark.parametrize("solver", ["highs", "ipopt"])
def test_optima_at_which_everything_vanishes_are_proven(solver: str) -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3))
    m.rows = pyo.Constraint(range(3), rule=lambda m, i: (-10, m.x[i], 10))
    m.cost = pyo.Objective(expr=sum(m.x[i] ** 2 for i in range(3)))
    solution = vd.solvers.solve(m, solver)
    assert str(solution.status) == "optimal"
    assert (solution.objective, solution.bound) == pytest.approx((0.0, 0.0))
    m.cost.expr = 7.0
    solution = vd.solvers.solve(m, solver)
    assert (str(solution.status), solution.objective, solution.bound) == ("optimal", 7.0, 7.0)


def test_a_profit_of_nothing_has_no_sign() -> None:
    nothing = vd.solve(vd.example("electronics"), price=10)
    assert [str(nothing.objective), str(nothing.bound)] == ["0.0", "0.0"]


def quartic() -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(-2, 2), initialize=1.2)
    m.cost = pyo.Objective(expr=m.x**4 - 3 * m.x**2 + m.x)
    return m


def discount() -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(bounds=(0, 100))
    m.cost = pyo.Objective(expr=-5 * m.x + m.x**2 / 20, sense=pyo.maximize)
    return m


def pooling() -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 4)), pyo.Var(bounds=(0, 4))
    m.share = pyo.Constraint(expr=m.x * m.y >= 1)
    m.cost = pyo.Objective(expr=m.x + 3 * m.y)
    return m


@pytest.mark.parametrize("build", [quartic, discount, pooling])
def test_where_convexity_is_not_shown_no_bound_is_claimed(build: object) -> None:
    assert callable(build)
    solution = vd.solvers.solve(build(), "ipopt")
    assert (str(solution.status), solution.certificate.proves) == ("locally_optimal", "local")
    assert math.isnan(solution.bound)
    assert solution.to_dict()["status"] == "locally_optimal"


def test_a_search_does_not_end_where_the_objective_is_largest() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var([0, 1], bounds=(0, 4), initialize=1)
    m.total = pyo.Constraint(expr=m.x[0] + m.x[1] == 2)
    m.cost = pyo.Objective(expr=m.x[0] * m.x[1])  # (1, 1) is stationary, and the worst point there is
    assert vd.solvers.solve(m, "ipopt").objective == pytest.approx(0, abs=1e-9)


def redundant_qp(seed: int) -> Any:
    """Return a convex QP of whole numbers in which rows stand twice, or are multiples of others."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, 6))
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(size))
    for j in range(size):
        m.x[j].setlb(int(random.integers(-4, 2)) if random.random() < 0.4 else None)
        m.x[j].setub(int(random.integers(3, 8)) if random.random() < 0.3 else None)
    half, cost = random.integers(-2, 3, (size, size)), random.integers(-30, 10, size)
    matrix = half @ half.T + np.eye(size, dtype=int)
    m.rows = pyo.ConstraintList()
    for _ in range(int(random.integers(1, 4))):
        row, side, equal = random.integers(-3, 5, size).tolist(), int(random.integers(-2, 9)), random.random() < 0.5
        for factor in (1, int(random.integers(1, 4))) if any(row) else ():
            body = factor * sum(one * x for one, x in zip(row, m.x.values(), strict=True))
            m.rows.add(body == factor * side if equal else body <= factor * side)
    square = sum(int(matrix[i, j]) * m.x[i] * m.x[j] for i in range(size) for j in range(size)) / 2
    m.cost = pyo.Objective(expr=square + sum(int(cost[j]) * m.x[j] for j in range(size)))
    return m


def test_rows_that_stand_twice_do_not_make_another_point_the_optimum() -> None:
    """Ipopt's multipliers of such rows grow to 1e16 and cancel; beside their rounding every reduced cost once was 0."""
    for seed in range(60):
        ends: list[float | None] = []
        for solver in ("highs", "ipopt"):
            try:
                ends.append(vd.solvers.solve(redundant_qp(seed), solver).objective)
            except NotSolvedError:
                ends.append(None)
        assert ends[1] == (None if ends[0] is None else pytest.approx(ends[0], rel=1e-6, abs=1e-6)), seed


@pytest.mark.parametrize("size", [1e3, 1e9, 1e16])
def test_what_multipliers_of_the_same_row_pay_does_not_make_a_gap_small(size: float) -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, 1)), pyo.Var(bounds=(0, 1))
    m.once, m.again = pyo.Constraint(expr=m.x + m.y == 1), pyo.Constraint(expr=m.x + m.y == 1)
    m.cost = pyo.Objective(expr=-m.x)
    wrong, right = (certify(compile_model(m), np.array(x), np.array([size, -size]))[0] for x in ([0.0, 1.0], [1.0, 0.0]))
    assert not wrong.within(1e-6)
    assert right.within(1e-6)
