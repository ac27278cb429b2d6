"""Menus in whole steps of money and units: truthful at no tolerance, and near the best that there is."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import veridical as vd
from support import linear_oracles
from support.assembler_cases import EXACT, SOLVED, build, drawn_pair, random_cases
from support.exact_contracts import faults
from support.linear_oracles import Practice
from support.strategies import examples
from veridical.contracts.rounding import RoundedMenu
from veridical.contracts.rounding.grid_payments import largest_gain, least_payments, smallest_rent
from veridical.data import AssemblerCase, InputError
from veridical.data.order_grid import OrderGrid
from veridical.solvers import Solution

ROUNDED = ("naive", "frw", "hybrid", "icds_balanced", "icds", "first_best")
STEPS = st.sampled_from([(0.01, 1.0), (0.05, 0.5), (1.0, 25.0), (7.0, 3.0)])


def rounding_of(solution: Solution) -> Mapping[str, Any]:
    """Return what a solution says of rounding, of which there is something."""
    assert solution.rounding is not None
    return solution.rounding


@st.composite
def practical(draw: st.DrawFn, kind: str) -> AssemblerCase:
    """Return random cases with keys of practice, and steps."""
    case = draw(random_cases(kind, suppliers=2))
    money, units = draw(STEPS)
    changes: dict[str, Any] = {"round_money": money, "round_units": units}
    for i in range(len(case.suppliers)):
        changes[f"suppliers.{i}.units_per_product"] = draw(st.sampled_from([1.0, 1.0, 2.0, 0.5]))
        if draw(st.booleans()):
            changes[f"suppliers.{i}.capacity"] = draw(st.integers(60, 900)) + 0.4
        if draw(st.booleans()):
            changes[f"suppliers.{i}.reservation_profit"] = draw(st.integers(0, 40000)) / 100
    return case.changed(**changes)


@examples(30)
@given(st.sampled_from(["uniform", "empirical"]).flatmap(practical), st.sampled_from(ROUNDED))
def test_contracts_as_printed_are_truthful_at_no_tolerance(
    tmp_path_factory: pytest.TempPathFactory, case: AssemblerCase, mechanism: str
) -> None:
    solution = vd.solve(case, mechanism, "closed_form")
    path = tmp_path_factory.mktemp("menu") / "menu.csv"
    solution.contracts.to_csv(path)
    assert faults(path, case, truthful=mechanism != "first_best") == []
    assert solution.contracts.smallest_rent >= 0
    assert solution.audit is not None
    assert solution.audit.expected_profit == solution.objective
    assert vd.audit(case, path).expected_profit == pytest.approx(solution.objective, rel=EXACT, abs=EXACT * case.price)
    assert solution.bound >= solution.objective - EXACT * case.price * case.demand.expectation


@pytest.mark.parametrize("mechanism", ["icds", "frw", "naive"])
def test_rules_of_orders_are_kept(tmp_path: Path, mechanism: str) -> None:
    case = vd.example("two-suppliers-correlated").changed(
        round_money=0.05,
        round_units=4,
        **{"suppliers.panel.lot_size": 20, "suppliers.battery.minimum_order": 450.5, "suppliers.battery.setup_cost": 12.5},
    )
    solution = vd.solve(case, mechanism)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert (solution.contracts.quantity > 0).any()
    assert 0 <= rounding_of(solution)["loss"] <= 0.01 * solution.objective


def test_reservation_profits_that_fall_in_the_cost(tmp_path: Path) -> None:
    reserved = {"suppliers.panel.reservation_profit": [600.003, 0], "round_money": 0.01, "round_units": 1}
    case = vd.example("two-suppliers-correlated").changed(**reserved)
    solution = vd.solve(case)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert 0 <= rounding_of(solution)["loss"] < 0.1


def test_two_sources_of_one_component(tmp_path: Path) -> None:
    pair = vd.example("two-suppliers").changed(**{"suppliers.panel.component": "cell", "suppliers.battery.component": "cell"})
    case = pair.changed(round_money=0.01, round_units=7)
    solution = vd.solve(case)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert 0 <= rounding_of(solution)["loss"] < 0.001 * solution.objective


@pytest.mark.parametrize("shares", [[0.9], [0.8, 1.0]])
def test_orders_of_which_a_share_arrives(tmp_path: Path, shares: list[float]) -> None:
    pair = vd.example("two-suppliers-correlated").changed(**{"suppliers.panel.yield": {"values": shares}})
    case = pair.changed(round_money=0.01, round_units=1)
    solution = vd.solve(case)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert 0 <= rounding_of(solution)["loss"] < 0.05


@pytest.mark.parametrize("mechanism", [name for name in ROUNDED if name != "icds_balanced"])
def test_orders_for_several_products(tmp_path: Path, mechanism: str) -> None:
    products = [
        {"name": name, "price": price, "demand": {"distribution": "uniform", "low": 100, "high": high}, "units": units}
        for name, price, high, units in [
            ("phone", 31, 900, {"panel": 1, "battery": 1}),
            ("pad", 70, 300, {"panel": 2, "battery": 3}),
        ]
    ]
    case = vd.example("two-suppliers").changed(products=products, round_money=0.05, round_units=10)
    solution = vd.solve(case, mechanism)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case, truthful=mechanism != "first_best") == []
    assert vd.audit(case, tmp_path / "menu.csv").expected_profit == pytest.approx(solution.objective, rel=EXACT)
    curvature = 31 * 10**2 / 8 / 800 + 70 * 10**2 / 8 / 200  # of expected sales over one step of either product
    money = 0.05 * sum(case.shape)
    assert 0 <= rounding_of(solution)["loss"] <= curvature + money
    with pytest.raises(InputError, match=r"round_money: got 0\.05; allowed: none for balanced orders of several products"):
        vd.solve(case, "icds_balanced")


def test_parts_that_come_in_whole_steps_of_other_numbers_of_products(tmp_path: Path) -> None:
    each = {"suppliers.panel.units_per_product": 1.37, "suppliers.battery.capacity": 438.5}
    case = vd.example("two-suppliers").changed(**each, round_money=0.05, round_units=5)
    for mechanism in ("naive", "icds"):
        solution = vd.solve(case, mechanism)
        solution.contracts.to_csv(tmp_path / "menu.csv")
        assert faults(tmp_path / "menu.csv", case) == []
        assert 0 <= rounding_of(solution)["loss"] < 0.01 * solution.objective
    with pytest.raises(vd.InputError) as caught:
        vd.solve(case, "icds_balanced")  # 500 products need whole steps of both
    assert caught.value.problems[0].field == "round_units"


def whole_payments(grid: OrderGrid, orders: list[int]) -> np.ndarray[Any, Any]:
    """Return all truthful payments up to a hundred steps, a row each, by trying all."""
    count = len(orders)
    tried = np.stack(np.meshgrid(*[np.arange(50)] * count, indexing="ij"), axis=-1).reshape(-1, count) * grid.divisor
    fits = np.ones(len(tried), dtype=bool)
    for k in range(count):
        kept = tried - grid.slope[k] * np.array(orders)
        fits &= (kept[:, [k]] >= kept).all(axis=1) & (kept[:, k] >= grid.reserved[k])
    return tried[fits] // grid.divisor


@examples(60)
@given(
    st.lists(st.integers(1, 14), min_size=2, max_size=3, unique=True).map(sorted),
    st.lists(st.integers(0, 5), min_size=3, max_size=3).map(lambda found: sorted(found, reverse=True)),
    st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
def test_least_payments_are_the_least_of_all(slope: list[int], orders: list[int], reserved: list[int]) -> None:
    count = len(slope)
    grid = OrderGrid(Fraction(1), Fraction(1), 1, None, tuple(slope), tuple(reserved[:count]), 3)
    column = np.array(orders[:count])[:, None]
    paid, every = least_payments(grid, column), whole_payments(grid, orders[:count])
    assert (paid is None) == (len(every) == 0)
    if paid is not None:
        assert paid[:, 0].tolist() == every.min(axis=0).tolist()
        assert paid[:, 0].tolist() in every.tolist()
        assert largest_gain(grid, column, paid) == 0
        assert smallest_rent(grid, column, paid) >= 0


def drawn(seed: int) -> tuple[AssemblerCase, list[float], list[float]]:
    """Return a tiny case in which a step of money or of units is much, the points of its demand and their masses."""
    case, points, masses = drawn_pair(seed, least_cost=0.3, least_margin=1.3, demand=(5, 40), count=4)
    return case.changed(**{"suppliers.a.units_per_product": float(seed % 2 + 1)}), points, masses


@pytest.mark.parametrize("mechanism", ["icds", "frw", "naive", "first_best"])
def test_next_to_nothing_is_lost_against_the_best_rounded_menu(mechanism: str) -> None:
    gaps, losses, profits = [], [], []
    for seed in range(6):
        case, points, masses = drawn(seed)
        solution = vd.solve(case.changed(round_money=1, round_units=1), mechanism, "highs")
        each = [supplier.units_per_product for supplier in case.suppliers]
        costs = [supplier.costs for supplier in case.suppliers]
        oracle = linear_oracles.assembler(mechanism, case.price, points, masses, costs, case.probability, Practice(each=each))
        best = oracle.in_whole_numbers("q", "P")
        assert solution.objective <= best + SOLVED * case.price * points[-1]
        gaps.append(best - solution.objective)
        losses.append(rounding_of(solution)["loss"])
        profits.append(rounding_of(solution)["profit_before"])
    assert max(gaps) <= 0.01 * np.mean(profits)  # a step is a thirtieth of what is bought
    assert sum(gaps) <= sum(losses) / 10  # of which the best rounding loses nine parts itself
    assert sum(losses) >= 0.005 * sum(profits)


@examples(25)
@given(random_cases("uniform", suppliers=2), STEPS)
def test_no_more_is_lost_than_the_curve_of_sales_and_a_step_of_money_a_cost(
    case: AssemblerCase, steps: tuple[float, float]
) -> None:
    money, units = steps
    solution = vd.solve(case.changed(round_money=money, round_units=units), "icds", "closed_form")
    width = case.demand.high - case.demand.low  # type: ignore[attr-defined]
    assume(width > 0)
    above_line = case.price * units**2 / (8 * width)
    payments = money * sum(case.shape)
    assert rounding_of(solution)["loss"] <= above_line + payments + EXACT * case.price * case.demand.expectation


@examples(15)
@given(practical("uniform"))
def test_the_order_of_mechanisms_holds_but_for_what_rounding_loses(case: AssemblerCase) -> None:
    found = {name: vd.solve(case, name, "closed_form") for name in ROUNDED}
    scale = EXACT * case.price * case.demand.expectation
    for less, more in (("naive", "frw"), ("frw", "icds"), ("naive", "hybrid"), ("hybrid", "icds"), ("icds", "first_best")):
        assert found[less].objective <= found[more].bound + scale
        assert found[less].objective <= found[more].objective + rounding_of(found[more])["loss"] + scale
    free, balanced = (rounding_of(found[name])["profit_before"] for name in ("icds", "icds_balanced"))
    assert balanced == pytest.approx(free, rel=EXACT)  # costs are independent
    if (
        len({supplier.units_per_product for supplier in case.suppliers}) == 1
    ):  # free orders may have other steps where they differ
        assert found["icds_balanced"].objective == found["icds"].objective
    assert found["icds_balanced"].audit is not None
    assert found["icds_balanced"].audit.balanced


@examples(15)
@given(practical("uniform"), st.sampled_from([10.0, 1000.0]))
def test_money_in_other_units(case: AssemblerCase, factor: float) -> None:
    assert case.round_money is not None
    money: dict[str, Any] = {"price": factor * case.price, "round_money": round(factor * case.round_money, 6)}
    for i, supplier in enumerate(case.suppliers):
        money[f"suppliers.{i}.costs"] = [factor * cost for cost in supplier.costs]
        money[f"suppliers.{i}.reservation_profit"] = round(factor * supplier.reservations[0], 6)
    ours, other = (vd.solve(one, "icds", "closed_form").contracts for one in (case, case.changed(**money)))
    assert ours.paid.tolist() == other.paid.tolist()
    assert ours.orders.tolist() == other.orders.tolist()


@examples(15)
@given(practical("uniform"), st.sampled_from([10.0, 1000.0]))
def test_quantities_in_other_units(case: AssemblerCase, factor: float) -> None:
    assert case.round_units is not None
    ends = {f"demand.{end}": factor * getattr(case.demand, end) for end in ("low", "high")}
    units: dict[str, Any] = {**ends, "price": case.price / factor, "round_units": factor * case.round_units}
    for i, supplier in enumerate(case.suppliers):
        units[f"suppliers.{i}.costs"] = [round(cost / factor, 9) for cost in supplier.costs]
        units[f"suppliers.{i}.capacity"] = None if supplier.capacity is None else round(factor * supplier.capacity, 6)
    ours, other = (vd.solve(one, "icds", "closed_form").contracts for one in (case, case.changed(**units)))
    assert ours.paid.tolist() == other.paid.tolist()
    assert ours.orders.tolist() == other.orders.tolist()


def test_suppliers_in_another_order() -> None:
    case = vd.example("two-suppliers-correlated").changed(round_money=0.5, round_units=30)
    turned = case.changed(suppliers=list(case.suppliers[::-1]), prior={"joint": case.probability.T.tolist()})
    ours, other = (vd.solve(one).contracts for one in (case, turned))
    np.testing.assert_array_equal(ours.quantity, other.quantity[::-1].transpose(0, 2, 1))
    np.testing.assert_array_equal(ours.payment, other.payment[::-1].transpose(0, 2, 1))


def test_costs_that_are_too_near_for_a_step_of_money_get_the_same_contract(tmp_path: Path) -> None:
    case = build([[4.001, 4.002], [3.0, 7.0]], [[0.5, 0.5]] * 2).changed(round_money=5, round_units=1)
    solution = vd.solve(case, "icds", "closed_form")
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert (solution.contracts.quantity[0] > 0).any()
    assert rounding_of(solution)["loss"] < 20


def test_costs_of_many_digits_are_judged_by_all_of_them(tmp_path: Path) -> None:
    grid = vd.example("continuous-pair").grid(7)
    case = grid.changed(round_money=0.01, round_units=1)
    solution = vd.solve(case, "icds", "closed_form")
    assert isinstance(solution.contracts, RoundedMenu)
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert 0 < rounding_of(solution)["loss"] < 0.2


def test_the_bound_is_that_of_the_optimum_before_rounding() -> None:
    case = vd.example("two-suppliers-correlated")
    plain, rounded = (vd.solve(one) for one in (case, case.changed(round_money=1, round_units=50)))
    assert rounded.bound == plain.bound
    assert rounding_of(rounded)["profit_before"] == plain.objective
    assert rounded.objective == pytest.approx(plain.objective - rounding_of(rounded)["loss"], rel=EXACT)
    assert rounded.certificate.gap == pytest.approx((plain.bound - rounded.objective) / rounded.objective, rel=EXACT)
    assert rounded.sensitivity.to_dict() == plain.sensitivity.to_dict()
    left, right = vd.one_sided_derivatives(case.changed(round_money=1, round_units=50), "price")
    assert (left, right) == pytest.approx(vd.one_sided_derivatives(case, "price"), rel=1e-9)


@pytest.mark.parametrize(("name", "value"), [("round_units", 1e-14), ("round_money", 1e-13)])
def test_steps_for_which_there_are_no_digits(name: str, value: float) -> None:
    case = vd.example("two-suppliers").changed(round_money=0.01, round_units=1)
    with pytest.raises(vd.InputError) as caught:
        vd.solve(case.changed(**{name: value}), "icds", "closed_form")
    assert caught.value.problems[0].field == name


def test_steps_that_are_nearly_as_small_are_exact(tmp_path: Path) -> None:
    parts = {"suppliers.panel.units_per_product": 1.23456789, "round_money": 1e-8, "round_units": 1e-9}
    case = vd.example("two-suppliers").changed(**parts)
    solution = vd.solve(case, "icds", "closed_form")
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert faults(tmp_path / "menu.csv", case) == []
    assert abs(rounding_of(solution)["loss"]) < 1e-6


def test_kept_models_round_too() -> None:
    case, repeated = vd.example("two-suppliers").changed(round_money=0.25, round_units=3), vd.Repeated()
    for price in (30, 31, 29.5):
        ours, other = repeated.solve(case, price=price), vd.solve(case, price=price)
        assert ours.objective == pytest.approx(other.objective, rel=SOLVED)
        assert ours.contracts.orders.tolist() == other.contracts.orders.tolist()
        assert ours.rounding is not None


@pytest.mark.parametrize(
    ("mechanism", "parameters", "words"),
    [
        ("bic", {}, "none for `bic`, whose bets hold in expectation under the exact prior: mechanism icds is rounded"),
        ("icds", {"coalitions": True}, "none beside coalitions = true: the least payments on a grid are truthful one by one"),
    ],
)
def test_who_cannot_says_so(mechanism: str, parameters: dict[str, Any], words: str) -> None:
    case = vd.example("two-suppliers").changed(round_money=0.01, round_units=1)
    with pytest.raises(vd.InputError) as caught:
        vd.solve(case, mechanism, **parameters)
    (problem,) = caught.value.problems
    assert (problem.field, problem.allowed) == ("round_money", words)


def test_a_mechanism_of_ones_own_does_not_pass_for_rounded() -> None:
    from veridical.families.family import Mechanism, Route, Task, always

    def own(task: Task) -> Any:
        return task.finish(vd.solve(task.case.changed(round_money=None, round_units=None), "naive", "closed_form"))

    mechanism = Mechanism("own", AssemblerCase, "somebody's", (Route("model", own),), always("ex_post_ir"))
    assert vd.solve(vd.example("two-suppliers"), mechanism).objective > 0
    with pytest.raises(vd.InputError, match="round_money"):
        vd.solve(vd.example("two-suppliers").changed(round_money=0.01, round_units=1), mechanism)
