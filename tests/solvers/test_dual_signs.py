"""Duals and reduced costs of plain models: signs for both senses, suffixes, and second solves."""

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.small_models import shifted
from support.strategies import examples


def plain(sense: int, inside: list[float], slack: list[float], quadratic: bool = False) -> Any:
    """Return a model with a row of every kind, <=, >=, ==, ranged, and one turned round; the point `inside` is feasible."""
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(4), bounds=(-10, 10))
    x, p = m.x, inside
    m.turned_to = pyo.Param(initialize=p[2] - p[1] / 2, mutable=True)
    m.most = pyo.Constraint(expr=x[0] + 2 * x[1] <= p[0] + 2 * p[1] + slack[0])
    m.least = pyo.Constraint(expr=x[1] - x[2] + 3 * x[3] >= p[1] - p[2] + 3 * p[3] - slack[1])
    m.same = pyo.Constraint(expr=x[0] + x[2] + x[3] == p[0] + p[2] + p[3])
    m.ranged = pyo.Constraint(expr=(2 * p[0] - p[3] - slack[2], 2 * x[0] - x[3], 2 * p[0] - p[3] + slack[3]))
    m.turned = pyo.Constraint(expr=m.turned_to == x[2] - x[1] / 2)
    expression = 3 * x[0] - 2 * x[1] + x[2] + 2 * x[3] + 5
    if quadratic:
        expression += sense * sum((x[k] - k) ** 2 + x[k] * x[(k + 1) % 4] / 2 for k in range(4))
    m.objective = pyo.Objective(expr=expression, sense=sense)
    m.dual, m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


@pytest.mark.parametrize("sense", [pyo.minimize, pyo.maximize])
@pytest.mark.parametrize("quadratic", [False, True])
@given(
    inside=st.lists(st.integers(-900, 900).map(lambda n: n / 97), min_size=4, max_size=4),
    slack=st.lists(st.integers(1, 300).map(lambda n: n / 89), min_size=4, max_size=4),
)
@examples(25)
def test_duals_and_reduced_costs_are_derivatives_for_both_senses(
    sense: int, quadratic: bool, inside: list[float], slack: list[float]
) -> None:
    model = plain(sense, inside, slack, quadratic)
    here = vd.solvers.solve(model)
    step = 1e-4
    # HiGHS' QP is exact to about 1e-9, which is 1e-5 over the step.
    tolerance = 1e-4 if quadratic else 1e-6

    def slopes_of(change: Callable[[Any, float], None]) -> tuple[float, float]:
        values = []
        for moved in (step, -step):
            other = plain(sense, inside, slack, quadratic)
            change(other, moved)
            values.append(vd.solvers.solve(other).objective)
        return (values[0] - here.objective) / step, (here.objective - values[1]) / step

    for name in ("most", "least", "same", "ranged", "turned"):
        right, left = slopes_of(lambda m, moved, name=name: shifted(m.component(name), moved))  # type: ignore[misc]
        dual = here.duals[name].iloc[0]
        assert model.dual[model.component(name)] == dual
        assert min(left, right) - 3e-3 <= dual <= max(left, right) + 3e-3
        if left == pytest.approx(right, abs=3e-3):
            assert dual == pytest.approx((left + right) / 2, abs=tolerance)
    for k in range(4):
        value = model.x[k].value
        for setter, bound in ((pyo.value(model.x[k].lb), "setlb"), (pyo.value(model.x[k].ub), "setub")):
            if abs(value - setter) < 1e-7:
                right, left = slopes_of(lambda m, moved, k=k, s=setter, b=bound: getattr(m.x[k], b)(s + moved))  # type: ignore[misc]
                assert model.rc[model.x[k]] == pytest.approx((left + right) / 2, abs=tolerance)
                break
        else:
            assert model.rc[model.x[k]] == pytest.approx(0, abs=tolerance)
    assert len(model.rc) == 4


def diet(sense: int) -> Any:
    """Return min or max of -+(3 x + 2 y), subject to rows whose duals are plain to see."""
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, 4))
    m.capacity = pyo.Constraint(expr=m.x + m.y <= 10)
    gain = 3 * m.x + 5 * m.y
    m.objective = pyo.Objective(expr=gain if sense == pyo.maximize else -gain, sense=sense)
    m.dual, m.rc = pyo.Suffix(direction=pyo.Suffix.IMPORT), pyo.Suffix(direction=pyo.Suffix.IMPORT)
    return m


@pytest.mark.parametrize(("sense", "sign"), [(pyo.maximize, 1), (pyo.minimize, -1)])
def test_signs_by_hand(sense: int, sign: int) -> None:
    # y = 4 at its bound, x = 6: one more of capacity is 3 more gain, one more of y's bound 5 - 3.
    model = diet(sense)
    solution = vd.solvers.solve(model)
    assert solution.objective == pytest.approx(sign * 38)
    assert solution.duals["capacity"].to_dict() == pytest.approx({"capacity": sign * 3})
    assert model.dual[model.capacity] == pytest.approx(sign * 3)
    assert model.rc[model.y] == pytest.approx(sign * 2)
    assert model.rc[model.x] == pytest.approx(0)
    assert (model.x.value, model.y.value) == pytest.approx((6, 4))


def test_a_parameter_on_the_left_keeps_the_sign_of_pyomos_own_body() -> None:
    for turned in (False, True):
        m = pyo.ConcreteModel()
        m.x, m.p = pyo.Var(), pyo.Param(initialize=5, mutable=True)
        m.fixed = pyo.Constraint(expr=(m.p == m.x) if turned else (m.x == m.p))
        m.cost = pyo.Objective(expr=3 * m.x)
        assert vd.solvers.solve(m).duals["fixed"].iloc[0] == pytest.approx(3)


def test_suffixes_that_only_export_are_left_alone() -> None:
    model = diet(pyo.maximize)
    model.del_component("dual")
    model.dual = pyo.Suffix(direction=pyo.Suffix.EXPORT)
    vd.solvers.solve(model)
    assert len(model.dual) == 0
    assert len(model.rc) == 2


def test_the_duals_of_a_second_solve_replace_those_of_the_first() -> None:
    model = diet(pyo.maximize)
    vd.solvers.solve(model)
    model.capacity.deactivate()
    model.x.setub(1)
    second = vd.solvers.solve(model)
    assert "capacity" not in second.duals
    assert second.objective == pytest.approx(23)
    assert model.rc[model.x] == pytest.approx(3)
