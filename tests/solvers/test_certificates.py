"""Certificates that catch a wrong answer, and promises that are held against a menu."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray

import veridical as vd
from support.small_models import knapsack
from veridical.contracts import Menu
from veridical.data import AssemblerCase
from veridical.solvers.certificate import Point, certify
from veridical.solvers.engines.highs import LiveModel
from veridical.solvers.polish import State
from veridical.solvers.translate.standard_form import compile_model

Array = NDArray[np.float64]

Tamper = Callable[[Array, Array], tuple[Array, Array]]


def tampered(monkeypatch: pytest.MonkeyPatch, tamper: Tamper) -> None:
    """Let HiGHS return, in place of its answer, what `tamper` makes of it."""
    honest = LiveModel.exact

    def exact(engine: LiveModel, x: Array, row_dual: Array | None) -> tuple[Array, Array | None]:
        x, row_dual = honest(engine, x, row_dual)
        assert row_dual is not None
        return tamper(x.copy(), row_dual.copy())

    monkeypatch.setattr(LiveModel, "exact", exact)


def entry(values: Array, place: int, value: float) -> Array:
    """Return the values with one of them replaced."""
    values[place] = value
    return values


def test_the_figures_of_a_certificate_by_hand() -> None:
    # min 2 x + 3 y subject to x + y >= 4, x - y <= 9, x <= 3, y >= 0: the optimum is (3, 1), at duals 3 and 0.
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(None, 3)), pyo.Var(bounds=(0, None))
    m.enough = pyo.Constraint(expr=m.x + m.y >= 4)
    m.apart = pyo.Constraint(expr=m.x - m.y <= 9)
    m.cost = pyo.Objective(expr=2 * m.x + 3 * m.y)
    form = compile_model(m)
    assert [variable.name for variable in form.variables] == ["x", "y"]

    def figures(x: list[float], row_dual: list[float]) -> tuple[Any, ...]:
        found, bound = certify(form, np.array(x), np.array(row_dual))
        return found.primal_residual, found.dual_residual, found.complementarity, found.gap, bound, found.holds

    assert figures([3, 1], [3, 0]) == (0, 0, 0, 0, 9, True)
    # Short by 1 of 4: 3 * -1 against the dual, and reduced costs -1, 0 of x = 2, 1 below its bound.
    assert figures([2, 1], [3, 0]) == pytest.approx((1 / 4, 0, (3 + 1) / 7, 2 / 7, 9, False))
    # Feasible, one too many: 3 * 1, proven 9 of 12.
    assert figures([3, 2], [3, 0]) == pytest.approx((0, 0, 3 / 12, 3 / 12, 9, False))
    # A dual of 4 leaves y a reduced cost of -1, out of terms 3 + 4, and no upper bound: nothing is proven.
    assert figures([3, 1], [4, 0]) == pytest.approx((0, 1 / 7, 0, math.inf, -math.inf, False))
    # A dual of 1 on a row that is open below is left out: 1 of the terms 2 + 3 + 1 of x.
    assert figures([3, 1], [3, 1]) == pytest.approx((0, 1 / 6, 0, 0, 9, False))
    # Beyond its own bound by 1 of 4, at a price of 1; nothing else is wrong.
    assert figures([4, 0], [3, 0])[:2] == pytest.approx((1 / 4, 0))


def test_certificates_without_duals_see_fractions_and_gaps() -> None:
    form = compile_model(knapsack())
    for x, bound, wrong in (
        ([0, 1, 0, 1], 21.0, ()),
        ([0, 0.75, 0, 1], 17.75, ("primal_residual",)),
        ([0, 0, 1, 1], 21.0, ("gap",)),
    ):
        found, _ = certify(form, np.array(x, dtype=float), None, -bound)
        sizes = {"primal_residual": found.primal_residual, "gap": found.gap}
        assert tuple(name for name, size in sizes.items() if size > 0) == wrong
        assert found.holds is (not wrong)


@pytest.mark.parametrize("money", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("units", [1e-3, 1.0, 1e4])
def test_where_nothing_is_worth_making_a_bound_may_be_off_by_rounding_alone(money: float, units: float) -> None:
    # An order of at most 40 loses 2 a unit, and 5 to set up: the optimum is to order nothing, of orders worth 80.
    m = pyo.ConcreteModel()
    m.order, m.placed = pyo.Var(bounds=(0, None)), pyo.Var(within=pyo.Binary)
    m.allowed = pyo.Constraint(expr=m.order <= 40 * units * m.placed)
    m.most = pyo.Constraint(expr=m.order <= 50 * units)
    m.loss = pyo.Objective(expr=(2 * m.order / units + 5 * m.placed) * money)
    form = compile_model(m)
    nothing = np.zeros(2)
    assert certify(form, nothing, None, 0.0)[0].gap == 0
    assert certify(form, nothing, None, -1e-14 * 80 * money)[0].holds
    assert not certify(form, nothing, None, -1e-10 * 80 * money)[0].holds
    assert not certify(form, nothing, None, -1.0 * money)[0].holds


def test_a_point_that_misses_a_row_limits_nothing() -> None:
    # At least ten of two things, at 1 each. Nothing of both would cost 0, and points that cost no more are all at 0.
    m = pyo.ConcreteModel()
    m.one, m.other = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.enough = pyo.Constraint(expr=m.one + m.other >= 10)
    m.cost = pyo.Objective(expr=m.one + m.other)
    form, nothing = compile_model(m), np.zeros(2)
    assert certify(form, nothing, np.array([0.9]), feasible=False)[1] == pytest.approx(9.0)
    assert certify(form, nothing, np.array([1.0]), feasible=False)[1] == pytest.approx(10.0)
    assert certify(form, nothing, np.array([1.5]), feasible=False)[1] == -np.inf  # a unit would be worth more than it costs
    # What costs no more than ten of one has at most ten of the other, each of them worth 0.5 more than it costs.
    assert certify(form, np.array([10.0, 0.0]), np.array([1.5]))[1] == pytest.approx(5.0, rel=1e-2)
    assert certify(form, np.array([10.0, 0.0]), np.array([1.5]), feasible=False)[1] == -np.inf


def test_figures_of_a_point_do_not_depend_on_another_that_was_there_before() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(3), bounds=(0, 9))
    m.most = pyo.Constraint(expr=m.x[0] + 2 * m.x[1] <= 4)
    m.sum = pyo.Constraint(expr=m.x[0] - m.x[2] == 1)
    m.cost = pyo.Objective(expr=m.x[0] ** 2 + m.x[0] * m.x[1] + m.x[1] ** 2 + m.x[2])
    form, x, dual = compile_model(m), np.array([2.0, 1.5, 1.0]), np.array([-1.0, 0.25])
    before = State(form, np.array([1.0, 0.0, 0.0]), np.zeros(2))
    fresh, same = State(form, x, dual), before.at(x, dual)
    names = ("reduced", "terms", "worth", "row_worth", "room", "row_room", "violation", "worst", "gap", "scale", "missed")
    assert all(np.array_equal(getattr(same, name), getattr(fresh, name)) for name in names)
    assert fresh.violation == pytest.approx(1 / 5)  # 5 where 4 is the most
    assert np.array_equal(same.at(x, np.zeros(2)).reduced, State(form, x, np.zeros(2)).reduced)
    other = replace(form, row_high=np.array([9.0, 1.0]))  # of another form nothing is taken
    assert Point(other, x, before.point).violation() == Point(other, x).violation() == 0


def test_an_exact_optimum_has_a_certificate_without_residuals(discrete: AssemblerCase) -> None:
    certificate = vd.solve(discrete, "icds", "highs").certificate
    figures = (certificate.primal_residual, certificate.dual_residual, certificate.complementarity, certificate.gap)
    assert all(figure is not None and 0 <= figure < 1e-12 for figure in figures)
    assert certificate.holds


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "naive", "first_best"])
def test_every_value_that_is_moved_is_noticed(discrete: AssemblerCase, mechanism: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(compile_model(vd.build(discrete, mechanism, form="linear")).variables)
    tried = 0
    for place, change in itertools.product(range(count), (-1.0, 1.0)):
        with monkeypatch.context() as patch:
            tampered(patch, lambda x, y, k=place, by=change: (entry(x, k, x[k] + by), y))  # type: ignore[misc]
            with pytest.raises(vd.CertificateError):
                vd.solve(discrete, mechanism, "highs")
            with pytest.raises(vd.CertificateError):
                vd.solvers.solve(vd.build(discrete, mechanism), "highs")
        tried += 1
    assert tried > 8


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "naive", "first_best"])
def test_every_dual_whose_sign_is_swapped_is_noticed(
    discrete: AssemblerCase, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    duals = vd.solve(discrete, mechanism, "highs").duals
    count = sum(len(series) for series in duals.values())
    nonzero = sum(int((series.abs() > 1e-3).sum()) for series in duals.values())
    noticed = 0
    for place in range(count):
        with monkeypatch.context() as patch:
            tampered(patch, lambda x, y, k=place: (x, entry(y, k, -y[k])))  # type: ignore[misc]
            try:
                vd.solve(discrete, mechanism, "highs")
            except vd.CertificateError:
                noticed += 1
    assert noticed >= nonzero >= 3


@pytest.mark.parametrize("problem", ["discrete", "regular"])
@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "naive", "first_best"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 0.9999])
def test_feasible_points_that_are_not_optimal_are_noticed(
    problem: str, mechanism: str, share: float, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(problem)
    tampered(monkeypatch, lambda x, y: (share * x, y))  # every constraint is homogeneous but for upper bounds
    with pytest.raises(vd.CertificateError):
        vd.solve(case, mechanism, "highs")


@pytest.mark.parametrize("problem", ["discrete", "regular"])
@pytest.mark.parametrize("part", ["point", "dual"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # inf - inf on the way to the error is no news
def test_values_that_are_no_numbers_are_noticed(
    problem: str, part: str, value: float, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(problem)
    tampered(monkeypatch, lambda x, y: (entry(x, 0, value), y) if part == "point" else (x, entry(y, 0, value)))
    with pytest.raises(vd.CertificateError):
        vd.solve(case, "icds", "highs")
    with pytest.raises(vd.CertificateError):
        vd.solvers.solve(vd.build(case, "icds"), "highs")


def test_a_profit_that_the_menu_does_not_earn_is_an_error(regular: AssemblerCase) -> None:
    solution = vd.solve(regular, "icds")
    assert (
        replace(solution, objective=solution.objective * (1 + 1e-9)).checked(("dominant_strategy_ic", "ex_post_ir")) is not None
    )
    for factor in (1 + 1e-5, 1 - 1e-5, math.nan):
        with pytest.raises(vd.CertificateError, match="the menu earns") as failure:
            replace(solution, objective=solution.objective * factor).checked(("dominant_strategy_ic", "ex_post_ir"))
        assert failure.value.solution.contracts is solution.contracts
        assert failure.value.exit_status == 4


def test_promises_of_a_mechanism_are_held_against_its_menu(regular: AssemblerCase) -> None:
    solution = vd.solve(regular, "icds")
    first_best = vd.solve(regular, "first_best")
    assert solution.contracts is not None
    assert first_best.checked(("ex_post_ir",)) is first_best
    with pytest.raises(vd.CertificateError, match="dominant_strategy_ic fails"):
        first_best.checked(("dominant_strategy_ic",))
    poorer = Menu(regular, solution.contracts.quantity, solution.contracts.payment - 1)
    charged = replace(solution, objective=poorer.expected_profit, contracts=poorer, audit=vd.audit(regular, poorer))
    assert charged.checked(("dominant_strategy_ic",)) is charged
    with pytest.raises(vd.CertificateError, match="ex_post_ir fails: worst 1 "):
        charged.checked(("ex_post_ir",))
