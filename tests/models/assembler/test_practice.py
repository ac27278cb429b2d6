"""Salvage, lost sales, assembling, bills of materials, reservation profits and capacities: three ways, and their worth."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support import linear_oracles
from support.assembler_cases import EXACT, SOLVED, build, near
from support.practice_cases import of, practice_cases
from support.strategies import examples
from veridical.data import AssemblerCase, InputError

SPECIFIED = [  # profits of `icds` on two-suppliers-correlated, found by edits of the model: the page on practice
    ({"salvage": 2.0}, 5946.03),
    ({"suppliers.battery.units_per_product": 2}, 3618.52),
    ({"suppliers.panel.reservation_profit": 100, "suppliers.battery.reservation_profit": 50}, 5505.30),
    ({"suppliers.panel.reservation_profit": [600, 0]}, 5510.92),
    ({"suppliers.battery.capacity": 400}, 4821.25),
]


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    found = vd.example("two-suppliers-correlated")
    assert isinstance(found, AssemblerCase)
    return found


@pytest.mark.parametrize(("changes", "profit"), SPECIFIED)
def test_a_key_earns_what_the_edited_model_does(case: AssemblerCase, changes: dict[str, Any], profit: float) -> None:
    solution = vd.solve(case.changed(**changes), "icds", "highs")
    assert solution.objective == pytest.approx(profit, abs=0.005)
    assert solution.audit is not None
    assert solution.audit.truthful
    assert solution.audit.individually_rational
    assert solution.audit.expected_profit == near(solution.objective)


@examples(25)
@given(practice_cases("empirical", joint=True, varying=True))
def test_models_earn_what_a_program_written_apart_does(case: AssemblerCase) -> None:
    assert isinstance(case.demand, vd.data.Discrete)
    points, masses = case.demand.points.tolist(), case.demand.masses.tolist()
    costs = [supplier.costs for supplier in case.suppliers]
    penalty = case.shortage_penalty * case.demand.expectation
    for oracle, (mechanism, parameters) in linear_oracles.MECHANISMS.items():
        if oracle == "interim" and (case.probability == 0).any():
            continue  # what nobody reckons with is no part of a Bayesian menu, and of the oracle it is
        program = linear_oracles.assembler(oracle, case.price, points, masses, costs, case.probability, of(case))
        solution = vd.solve(case, mechanism, "highs", **parameters)
        best, _ = program.solve()
        scale = max(abs(best), case.price * case.demand.expectation)
        assert abs(solution.objective + penalty - best) <= SOLVED * scale, oracle


@examples(30)
@given(st.sampled_from(["uniform", "exponential", "empirical"]).flatmap(practice_cases))
def test_closed_forms_earn_what_models_do(case: AssemblerCase) -> None:
    for mechanism in ("naive", "frw", "icds_balanced", "icds", "hybrid", "first_best"):
        formula, model = (vd.solve(case, mechanism, solver) for solver in ("closed_form", "highs"))
        scale = max(abs(model.objective), case.price * case.demand.expectation)
        assert abs(formula.objective - model.objective) <= SOLVED * scale, mechanism
        assert formula.audit is not None
        assert formula.audit.individually_rational
        assert formula.audit.truthful or mechanism == "first_best"


@examples(15)
@given(st.sampled_from(["uniform", "empirical"]).flatmap(lambda kind: practice_cases(kind, joint=True)))
def test_balanced_closed_forms_earn_what_models_do_under_any_prior(case: AssemblerCase) -> None:
    formula, model = (vd.solve(case, "icds_balanced", solver) for solver in ("closed_form", "highs"))
    scale = max(abs(model.objective), case.price * case.demand.expectation)
    assert abs(formula.objective - model.objective) <= SOLVED * scale


@examples(25)
@given(practice_cases("uniform"))
def test_a_bill_of_materials_is_another_unit_of_the_component(case: AssemblerCase) -> None:
    each = [supplier.units_per_product for supplier in case.suppliers]
    inverse: dict[str, Any] = {f"suppliers.{i}.units_per_product": 1.0 for i in range(len(each))}
    inverse |= {f"suppliers.{i}.costs": [a * c for c in case.suppliers[i].costs] for i, a in enumerate(each)}
    inverse |= {f"suppliers.{i}.capacity": s.capacity / each[i] for i, s in enumerate(case.suppliers) if s.capacity}
    for mechanism in ("icds", "frw", "naive"):
        ours, other = (vd.solve(one, mechanism, "closed_form") for one in (case, case.changed(**inverse)))
        scale = max(abs(ours.objective), case.price * case.demand.expectation)
        assert abs(ours.objective - other.objective) <= EXACT * scale
        np.testing.assert_allclose(ours.contracts.payment, other.contracts.payment, rtol=1e-9, atol=1e-9 * scale)
        np.testing.assert_allclose(case.enough_for(ours.contracts.quantity), other.contracts.quantity, rtol=1e-9, atol=1e-9)


@examples(15)
@given(practice_cases("uniform"), st.sampled_from([0.01, 100.0]))
def test_money_in_other_units(case: AssemblerCase, factor: float) -> None:
    money = {name: factor * getattr(case, name) for name in ("price", "salvage", "shortage_penalty", "assembly_cost")}
    for i, supplier in enumerate(case.suppliers):
        money[f"suppliers.{i}.costs"] = [factor * cost for cost in supplier.costs]
        money[f"suppliers.{i}.reservation_profit"] = factor * supplier.reservations[0]
    for solver in ("closed_form", "highs"):
        ours, other = (vd.solve(one, "icds", solver).objective for one in (case, case.changed(**money)))
        assert abs(other / factor - ours) <= SOLVED * max(abs(ours), case.price * case.demand.expectation)


@pytest.mark.parametrize("solver", ["closed_form", "highs", "ipopt"])
@pytest.mark.parametrize("mechanism", ["naive", "frw", "icds_balanced", "icds", "hybrid", "first_best"])
def test_what_a_number_is_worth_is_a_difference_of_profits(mechanism: str, solver: str) -> None:
    case = vd.example("two-suppliers").changed(
        salvage=1.5,
        shortage_penalty=0.7,
        assembly_cost=1.1,
        **{"suppliers.battery.units_per_product": 2.0, "suppliers.battery.capacity": 500.0, "suppliers.panel.capacity": 600.0},
        **{"suppliers.panel.reservation_profit": 40.0, "suppliers.battery.reservation_profit": 25.0},
    )
    fine: Any = {"solver": solver, "tolerance": 1e-10} if solver != "closed_form" else solver
    worth = vd.solve(case, mechanism, fine).sensitivity
    places = {name: f"suppliers.{name.split()[1]}.{name.split()[0]}" if " " in name else name for name in worth.index}
    numbers = [name for name in worth.index if not name.startswith(("cost", "probability"))]
    assert {"price", "salvage", "shortage_penalty", "assembly_cost", "capacity battery", "reservation_profit panel"} < set(
        numbers
    )
    for name in numbers:
        step = 1e-3
        here = (
            getattr(case, name)
            if " " not in name
            else getattr(next(s for s in case.suppliers if s.name == name.split()[1]), name.split()[0])
        )
        up, down = (
            vd.solve(case.changed(**{places[name]: here + change}), mechanism, fine).objective for change in (step, -step)
        )
        assert worth[name] == pytest.approx((up - down) / (2 * step), rel=2e-4, abs=2e-3), name


def test_what_depends_on_costs_is_refused_where_theory_ends(case: AssemblerCase) -> None:
    varying = case.changed(**{"suppliers.panel.reservation_profit": [600, 0]})
    for mechanism, solver in (("icds_balanced", "closed_form"), ("icds_balanced", "highs"), ("frw", "closed_form")):
        with pytest.raises(InputError, match=r"suppliers\[0\]\.reservation_profit: got \[600\.0, 0\.0\].*whatever the cost"):
            vd.solve(varying, mechanism, solver)
    assert vd.solve(varying, "first_best", "closed_form").objective == near(vd.solve(varying, "first_best", "highs").objective)


def test_order_of_profits_under_the_keys_of_practice(case: AssemblerCase) -> None:
    full = case.changed(salvage=1.0, shortage_penalty=1.0, assembly_cost=2.0, **{"suppliers.battery.capacity": 450})
    full = full.changed(**{"suppliers.panel.units_per_product": 2.0, "suppliers.panel.reservation_profit": 30.0})
    order: list[tuple[str, dict[str, Any]]] = [
        ("naive", {}),
        ("hybrid", {"k": 1}),
        ("hybrid", {"k": 2}),
        ("icds", {}),
        ("bic", {"participation": "ex_post"}),
    ]
    order += [("bic", {"participation": "interim"}), ("first_best", {})]
    profits = [vd.solve(full, mechanism, "highs", **parameters).objective for mechanism, parameters in order]
    assert all(low <= high + SOLVED * abs(high) for low, high in pairwise(profits))
    assert profits[2] == near(profits[3])


KINDS_OF_KEYS: dict[str, dict[str, Any]] = {
    "parts and capacities": {"salvage": 0.5, "suppliers.a.capacity": 300.0, "suppliers.b.units_per_product": 2.0},
    "reservation profits by cost": {"suppliers.a.reservation_profit": [400.0, 0.0]},
    "rules of orders": {"suppliers.a.minimum_order": 400.0, "suppliers.a.capacity": 960.0}
    | {"suppliers.b.lot_size": 60.0, "suppliers.b.capacity": 960.0},
}


@pytest.mark.parametrize("kind", KINDS_OF_KEYS)
def test_which_relations_between_profits_still_hold(kind: str) -> None:
    random = np.random.default_rng(5)
    apart = []
    for _ in range(6):
        costs = [np.cumsum(random.uniform(1, 5, 2)).round(2).tolist() for _ in range(2)]
        likely = [random.dirichlet([3, 3]).tolist() for _ in range(2)]
        demand = {"distribution": "empirical", "values": sorted(random.integers(50, 900, 4).tolist())}
        case = build(costs, likely, price=float(random.uniform(10, 25)), demand=demand).changed(**KINDS_OF_KEYS[kind])
        ways: dict[str, dict[str, Any]] = {
            "naive": {},
            "frw": {},
            "icds": {},
            "bic ex_post": {"participation": "ex_post"},
            "bic": {},
            "first_best": {},
        }
        profits = {way: vd.solve(case, way.split()[0], "highs", **parameters).objective for way, parameters in ways.items()}
        rising = list(profits.values())
        assert all(low <= high + SOLVED * max(abs(high), 1.0) for low, high in pairwise(rising))
        others = [profits["bic"]] if "by cost" in kind else [vd.solve(case, "icds_balanced", "highs").objective]
        others += [profits["bic"]] if "parts" in kind else []
        apart += [abs(other - profits["icds"]) / max(abs(profits["icds"]), 1.0) for other in others]
    assert (max(apart) <= SOLVED) == (kind == "parts and capacities")  # balanced and Bayesian menus earn what `icds` does, or not


def test_a_changed_model_is_the_changed_case(case: AssemblerCase) -> None:
    keys = {"suppliers.battery.capacity": 400.0, "suppliers.panel.reservation_profit": [80.0, 10.0], "salvage": 1.0}
    changed = {"suppliers.battery.capacity": 450.0, "suppliers.panel.reservation_profit": [90.0, 5.0], "salvage": 1.5}
    model = vd.build(case.changed(**keys), "icds")
    model.deliverable["battery"].set_value(450.0)
    model.reservation_profit["panel=4"].set_value(90.0)
    model.reservation_profit["panel=9"].set_value(5.0)
    model.salvage.set_value(1.5)
    again, fresh = vd.solvers.solve(model, "highs"), vd.solve(case.changed(**changed), "icds", "highs")
    assert again.objective == near(fresh.objective)
    assert again.contracts.case == case.changed(**changed)


def test_a_kept_model_takes_the_keys_of_practice(case: AssemblerCase) -> None:
    full = case.changed(salvage=1.0, shortage_penalty=1.0, assembly_cost=2.0, **{"suppliers.battery.capacity": 450.0})
    full = full.changed(**{"suppliers.panel.reservation_profit": 30.0})
    others = [{"salvage": 2.0}, {"suppliers.battery.capacity": 300.0}, {"suppliers.panel.reservation_profit": 99.0}]
    others += [{"assembly_cost": 0.5, "shortage_penalty": 3.0}, {"suppliers.panel.units_per_product": 2.0}]
    many = vd.Repeated()
    for changes in [{}, *others]:
        changed = full.changed(**changes)
        assert many.solve(changed, "icds", "highs").objective == near(vd.solve(changed, "icds", "highs").objective)


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"salvage": 8.0}, "salvage", "below the least cost of a product, 7"),
        ({"salvage": -1.0}, "salvage", ">= 0"),
        ({"assembly_cost": 30.0}, "assembly_cost", "below price"),
        ({"suppliers.panel.units_per_product": 0}, r"suppliers\[0\]\.units_per_product", "> 0"),
        ({"suppliers.panel.capacity": 0.0}, r"suppliers\[0\]\.capacity", "> 0"),
        ({"suppliers.panel.reservation_profit": [1.0]}, r"suppliers\[0\]\.reservation_profit", "as many as there are costs: 2"),
        ({"suppliers.panel.reservation_profit": "much"}, r"suppliers\[0\]\.reservation_profit", "one such number a cost"),
    ],
)
def test_bad_numbers_are_refused_by_name(case: AssemblerCase, changes: dict[str, Any], field: str, allowed: str) -> None:
    with pytest.raises(InputError, match=f"{field}: got .*{allowed}"):
        case.changed(**changes)


def test_saved_cases_come_back_equal_and_say_only_what_is_said(case: AssemblerCase, tmp_path: Any) -> None:
    assert "salvage" not in case.save(tmp_path / "plain.toml").read_text()
    full = case.changed(salvage=1.0, **{"suppliers.battery.capacity": 450.0, "suppliers.panel.reservation_profit": [1.0, 0.0]})
    assert vd.load(full.save(tmp_path / "full.toml")) == full


def test_continuous_costs_take_salvage_lost_sales_and_assembling() -> None:
    keys = {"salvage": 0.5, "shortage_penalty": 0.6, "assembly_cost": 0.4}
    case = vd.example("continuous-pair").changed(**keys)
    solution = vd.solve(case, solver="closed_form")
    assert solution.rule.profit == pytest.approx(solution.rule.profit_by_payments, rel=1e-7)
    grid = [vd.solve(case, solver="highs", points=points).objective for points in (8, 16, 32)]
    assert grid[0] < grid[1] < grid[2] < solution.objective
    assert grid[2] == pytest.approx(solution.objective, rel=2e-3)  # the error of a grid falls with the square of its step
    assert solution.sensitivity["assembly_cost"] == -solution.sensitivity["price"]
    for name, value in [("salvage", 0.5), ("shortage_penalty", 0.6)]:
        up, down = (vd.solve(case.changed(**{name: value + step}), solver="closed_form").objective for step in (1e-3, -1e-3))
        assert solution.sensitivity[name] == pytest.approx((up - down) / 2e-3, rel=1e-5)
