"""Linear programs that fall apart are solved by substitution; what does not is left to a solver, and nothing is guessed."""

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
from veridical.solvers.certificate import certify
from veridical.solvers.engines import highs
from veridical.solvers.presolve.substitution import by_substitution
from veridical.solvers.translate.standard_form import StandardForm, compile_model


def nothing(form: StandardForm) -> Any:
    """Return that no row is left out."""
    return np.zeros(len(form.row_low), dtype=bool)


def tree(seed: int, columns: int = 40) -> pyo.ConcreteModel:
    """Return a program whose rows hang on each other as in a tree: each says what a free column is by earlier columns.

    Rows bind from below or above, are equalities or ranges, and some are free. Costs follow from prices of the right sign: there
    is an optimum.
    """
    rng = np.random.default_rng(seed)
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(columns))
    m.row = pyo.ConstraintList()
    cost = np.zeros(columns)
    for k in range(columns):
        if k < columns // 3:  # with bounds, and no row of its own
            m.x[k].setlb(float(rng.integers(-3, 1)))
            m.x[k].setub(float(rng.integers(1, 5)))
            cost[k] += rng.normal()
            continue
        others = rng.choice(k, size=int(rng.integers(1, min(k, 4) + 1)), replace=False)
        entries = np.append(rng.choice([-2.0, -1.0, 0.5, 3.0], len(others)), rng.choice([-2.0, -1.0, 0.5, 1.0]))
        members = [*others.tolist(), k]
        body = sum(float(entry) * m.x[j] for entry, j in zip(entries, members, strict=True))
        side, price = float(rng.integers(-2, 3)), float(rng.choice([0.0, 0.5, 1.5]))
        kind = int(rng.integers(4))
        if kind == 0:
            m.row.add(body >= side)
        elif kind == 1:
            m.row.add(body <= side)
            price = -price
        elif kind == 2:
            m.row.add(body == side)
            price *= float(rng.choice([-1.0, 1.0]))
        else:
            m.row.add(pyo.inequality(side - 1, body, side + 2))
            price = float(rng.choice([-1.5, 1.5]))
        cost[members] += price * entries
    m.cost = pyo.Objective(expr=sum(each * m.x[k] for k, each in enumerate(cost.tolist())) + 7)
    return m


@pytest.mark.parametrize("seed", range(25))
def test_trees_are_solved_and_the_certificate_holds(seed: int) -> None:
    form = compile_model(tree(seed))
    found, known = by_substitution(form, nothing(form)), by_scipy(form)
    assert known.status == 0
    assert found is not None
    x, row_dual = found
    assert form.minimised(x) == pytest.approx(known.fun + form.offset, rel=1e-9, abs=1e-9)
    certificate, bound = certify(form, x, row_dual)
    assert certificate.within_all(1e-12)
    assert certificate.proves == "global"
    assert bound == pytest.approx(form.minimised(x), rel=1e-12, abs=1e-12)


def two_rows(bounds: tuple[float | None, float | None] = (0, None), cost: float = 1.0) -> pyo.ConcreteModel:
    """Return a program of a column that is at least each of two others, which gain."""
    m = pyo.ConcreteModel()
    m.y, m.z = pyo.Var(bounds=bounds), pyo.Var([0, 1], bounds=(0, 2))
    m.row = pyo.Constraint([0, 1], rule=lambda m, k: m.y >= m.z[k])
    m.cost = pyo.Objective(expr=cost * m.y - m.z[0] - 0.5 * m.z[1])
    return m


def test_a_column_in_two_rows_is_left_to_a_solver() -> None:
    form = compile_model(two_rows())
    assert by_substitution(form, nothing(form)) is None


def test_rows_left_out_are_looked_at_in_the_end() -> None:
    m = two_rows(cost=0.8)
    form = compile_model(m)
    found = by_substitution(form, np.array([False, True]))
    assert found is not None  # y is 2 for the first row, and that is enough for the second
    assert form.minimised(found[0]) == pytest.approx(by_scipy(form).fun)
    assert found[1][1] == 0
    m.z[1].setub(2.5)
    form = compile_model(m)
    assert by_substitution(form, np.array([False, True])) is None


@pytest.mark.parametrize("bounds", [(1.0, None), (1.0, 1.5)])
def test_bounds_that_the_row_does_not_imply_are_left_to_a_solver(bounds: tuple[float, float | None]) -> None:
    m = two_rows(bounds)
    m.row[1].deactivate()
    m.z[0].setub(1.2)  # nor does it imply those of z
    form = compile_model(m)
    assert by_substitution(form, nothing(form)) is None
    assert vd.solvers.solve(m).objective == pytest.approx(by_scipy(form).fun)


def test_programs_without_an_optimum_have_none() -> None:
    m = two_rows(cost=-1.0)  # y gains for ever
    m.row[1].deactivate()
    form = compile_model(m)
    assert by_substitution(form, nothing(form)) is None
    m = two_rows(cost=0.5)
    m.row[1].deactivate()
    m.z[0].setub(None)  # both go on for ever
    form = compile_model(m)
    assert by_substitution(form, nothing(form)) is None


def test_costs_that_cancel_to_rounding_are_none() -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17: a column without an end that costs so much is none that an optimum hangs on."""
    m = pyo.ConcreteModel()
    m.y, m.z = pyo.Var([0, 1]), pyo.Var()
    m.row = pyo.Constraint([0, 1], rule=lambda m, k: m.y[k] >= m.z)
    m.cost = pyo.Objective(expr=0.1 * m.y[0] + 0.2 * m.y[1] - 0.3 * m.z)
    form = compile_model(m)
    found = by_substitution(form, nothing(form))
    assert found is not None
    np.testing.assert_array_equal(found[0], 0.0)
    np.testing.assert_allclose(found[1], [-0.1, -0.2])


POINTS = {"distribution": "empirical", "values": [100, 250, 300, 500, 800], "weights": [0.125, 0.25, 0.125, 0.375, 0.125]}


def monotone(seed: int) -> AssemblerCase:
    rng = np.random.default_rng(seed)
    own = [np.cumsum(rng.uniform(0.5, 2, count)).tolist() for count in (2, 3, 2, 2)]
    return build(own, [np.full(len(costs), 1 / len(costs)).tolist() for costs in own], price=15.0, demand=POINTS)


@pytest.mark.parametrize("seed", range(3))
def test_a_relaxed_problem_that_falls_apart_needs_no_solver(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is that of HiGHS, which is asked where the user sets one of its options."""
    monkeypatch.setattr(highs, "PRESOLVED", 0)
    case = monotone(seed)
    by_highs = vd.solve(case, "icds", {"solver": "highs", "options": {"presolve": "on"}})
    monkeypatch.setattr(highs, "LiveModel", None)  # which would be called
    solution = vd.solve(case, "icds", "highs")
    assert solution.solver.options["substituted_rows"] > 0
    assert "by substitution" in repr(solution.solver)
    assert "substituted_rows" not in by_highs.solver.options
    assert solution.objective == pytest.approx(by_highs.objective, rel=1e-12)
    assert solution.status == by_highs.status == "optimal"
    assert solution.certificate.within_all(1e-12)
    assert solution.audit is not None
    assert solution.audit.truthful
    np.testing.assert_allclose(solution.contracts.quantity, by_highs.contracts.quantity, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(solution.contracts.payment, by_highs.contracts.payment, rtol=1e-9, atol=1e-9)
    for family, duals in by_highs.duals.items():
        np.testing.assert_allclose(solution.duals[family], duals, rtol=1e-9, atol=1e-9, err_msg=family)
    np.testing.assert_allclose(solution.sensitivity, by_highs.sensitivity, rtol=1e-7, atol=1e-9)


def test_a_time_limit_that_is_over_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highs, "PRESOLVED", 0)
    m = vd.build(monotone(0), "icds")
    assert info_of(m).presolved
    with pytest.raises(vd.NotSolvedError, match="time limit"):
        vd.solvers.solve(m, {"solver": "highs", "time_limit": 1e-9})
