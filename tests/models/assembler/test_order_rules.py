"""Minimum orders, whole lots and what is paid once for an order: against programs that are enumerated or written apart."""

import itertools
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support import linear_oracles
from support.assembler_cases import SOLVED, drawn_pair, near
from support.linear_oracles import Practice, Program
from veridical.contracts import Menu
from veridical.data import AssemblerCase, InputError

MECHANISMS = ("icds", "frw", "naive", "first_best")


@pytest.fixture(scope="module")
def case() -> AssemblerCase:
    found = vd.example("two-suppliers-correlated")
    assert isinstance(found, AssemblerCase)
    return found


def drawn(seed: int) -> tuple[AssemblerCase, list[float], list[float]]:
    return drawn_pair(seed, least_cost=1.0, least_margin=1.0, demand=(50, 900), count=3)


def program(mechanism: str, case: AssemblerCase, points: list[float], masses: list[float]) -> Program:
    """Return the program without rules of orders."""
    costs, each = [s.costs for s in case.suppliers], [s.units_per_product for s in case.suppliers]
    return linear_oracles.assembler(
        mechanism, case.price, points, masses, costs, case.probability, Practice(case.salvage, each=each)
    )


def chance(case: AssemblerCase, key: Any) -> float:
    """Return how likely it is that an order of the oracle, ("q", i, what it answers to), is looked at."""
    _, i, seen = key
    if len(seen) == len(case.shape) and len(case.shape) > 1:
        return float(case.probability[seen])
    return float(case.marginals[i][seen[0]]) if seen else 1.0


def enumerated(program: Program, case: AssemblerCase) -> float:
    """Return the best over all ways in which something is ordered or nothing: a linear program each."""
    orders = [key for key in program.bounds if key[0] == "q"]
    found = []
    for placed in itertools.product([False, True], repeat=len(orders)):
        paid = 0.0
        for key, so in zip(orders, placed, strict=True):
            supplier = case.suppliers[key[1]]
            program.bounds[key] = (supplier.minimum_order or 0.0, None) if so else (0.0, 0.0)
            paid += supplier.setup_cost * chance(case, key) * so
        found.append(program.optimum() - paid)
    return max(found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_orders_are_nothing_or_enough(mechanism: str, seed: int) -> None:
    plain, points, masses = drawn(seed)
    least, paid = 0.6 * points[1], 0.05 * plain.price * points[0]
    rules: dict[str, Any] = {"suppliers.a.minimum_order": least, "suppliers.b.minimum_order": least / 2}
    case = plain.changed(**rules, **{"suppliers.a.setup_cost": paid, "suppliers.b.units_per_product": 2.0})
    solution = vd.solve(case, mechanism, "highs")
    best = enumerated(program(mechanism, case, points, masses), case)
    assert solution.objective == pytest.approx(best, rel=SOLVED, abs=SOLVED * case.price)
    for supplier, quantity in zip(case.suppliers, solution.contracts.quantity, strict=True):
        assert ((quantity == 0) | (quantity >= (supplier.minimum_order or 0.0) * (1 - SOLVED))).all()
    assert solution.audit is not None
    assert solution.audit.expected_profit == near(solution.objective)
    assert solution.audit.individually_rational
    assert solution.audit.truthful or mechanism == "first_best"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_orders_are_whole_lots(mechanism: str, seed: int) -> None:
    plain, points, masses = drawn(seed)
    lots = {"a": 70.0, "b": 45.0}
    case = plain.changed(**{f"suppliers.{name}.lot_size": lot for name, lot in lots.items()}, salvage=0.2 * plain.least_cost)
    solution = vd.solve(case, mechanism, "highs")
    for lot, quantity in zip(lots.values(), solution.contracts.quantity, strict=True):
        np.testing.assert_allclose(quantity / lot, np.round(quantity / lot), atol=1e-12)
    p = program(mechanism, case, points, masses)
    for key in [key for key in p.bounds if key[0] == "q"]:
        number, lot = p.variable(("lots", *key)), list(lots.values())[key[1]]
        p.at_most(0.0, (1.0, key), (-lot, number))
        p.at_most(0.0, (-1.0, key), (lot, number))
    assert solution.objective == pytest.approx(p.in_whole_numbers("lots"), rel=SOLVED, abs=SOLVED * case.price)


def test_a_minimum_order_earns_what_the_edited_model_does(case: AssemblerCase) -> None:
    solution = vd.solve(case.changed(**{"suppliers.battery.minimum_order": 450}), "icds", "highs")
    assert solution.objective == pytest.approx(5650.41, abs=0.005)  # the page on practice
    assert solution.status == "optimal"
    assert solution.certificate.proves == "global"


@pytest.mark.parametrize("mechanism", ["icds", "icds_balanced", "hybrid", "frw", "naive", "first_best"])
def test_rules_that_bind_nobody_cost_nothing(case: AssemblerCase, mechanism: str) -> None:
    rules = {"suppliers.battery.minimum_order": 1e-3, "suppliers.panel.lot_size": 0.5}
    plain, ruled = (vd.solve(one, mechanism, "highs").objective for one in (case, case.changed(**rules)))
    assert plain - 0.5 * 9 <= ruled <= plain * (1 + SOLVED)  # half a unit of the dearest component more or less


def test_the_rules_of_one_contract_hold_for_all_mechanisms_in_order(case: AssemblerCase) -> None:
    ruled = case.changed(
        **{f"suppliers.{name}.minimum_order": 450.0 for name in case.names},
        **{f"suppliers.{name}.lot_size": 50.0 for name in case.names},
        **{f"suppliers.{name}.setup_cost": 100.0 for name in case.names},
    )
    order = ["naive", "hybrid", "icds_balanced", "icds", "first_best"]
    profits = [vd.solve(ruled, mechanism, "highs").objective for mechanism in order]
    assert all(low <= high * (1 + SOLVED) for low, high in itertools.pairwise(profits))


@pytest.mark.parametrize(
    ("mechanism", "solver", "parameters", "allowed"),
    [
        ("icds", "closed_form", {}, "for closed forms no rule of orders"),
        ("naive", "closed_form", {}, "for closed forms no rule of orders"),
        ("frw", "closed_form", {}, "for closed forms no rule of orders"),
        ("hybrid", "closed_form", {}, "for closed forms no rule of orders"),
        ("bic", "highs", {}, "beside a capacity of the same supplier"),
        ("icds", "highs", {"coalitions": True}, "beside a capacity of the same supplier"),
    ],
)
def test_where_a_rule_is_not_known_it_is_refused(
    case: AssemblerCase, mechanism: str, solver: str, parameters: dict[str, Any], allowed: str
) -> None:
    ruled = case.changed(**{"suppliers.battery.lot_size": 50.0})
    with pytest.raises(InputError, match=rf"suppliers\[1\]\.lot_size: got 50\.0; allowed: .*{allowed}"):
        vd.solve(ruled, mechanism, solver, **parameters)


def test_with_a_capacity_bayesian_menus_take_rules(case: AssemblerCase) -> None:
    ruled = case.changed(**{"suppliers.battery.lot_size": 50.0, "suppliers.battery.capacity": 800.0})
    profit = vd.solve(ruled, "bic", "highs", participation="ex_post").objective
    assert vd.solve(ruled, "icds", "highs").objective <= profit * (1 + SOLVED)
    assert profit <= vd.solve(ruled, "first_best", "highs").objective * (1 + SOLVED)


def test_balanced_orders_come_in_steps_that_suit_all_lots(case: AssemblerCase) -> None:
    """Lots of 13 and 14: 0, 182, 364 or 546 products, by trying all that fall with costs; far from the best without lots."""
    demand = {"distribution": "empirical", "values": [103.4, 198.1, 400.0], "weights": [0.3, 0.5, 0.2]}
    independent = {"prior": None, "suppliers.panel.probabilities": [0.6, 0.4], "suppliers.battery.probabilities": [0.5, 0.5]}
    own = case.changed(demand=demand, **independent, **{"suppliers.panel.lot_size": 13.0, "suppliers.battery.lot_size": 14.0})
    found = []
    for steps in itertools.product((0.0, 182.0, 364.0, 546.0), repeat=4):
        units = np.reshape(steps, (2, 2))
        if (np.diff(units, axis=0) <= 0).all() and (np.diff(units, axis=1) <= 0).all():
            found.append((Menu.balanced(own, units).expected_profit, units.max()))
    best, largest = max(found)
    assert largest == 364
    ways: list[tuple[str, dict[str, Any]]] = [("icds_balanced", {}), ("hybrid", {"k": 2, "balanced": True})]
    for mechanism, parameters in ways:
        assert vd.solve(own, mechanism, "highs", **parameters).objective == near(best)


@pytest.mark.parametrize("mechanism", ["icds", "frw", "naive", "first_best", "hybrid", "icds_balanced"])
@pytest.mark.parametrize(
    "rules", [{"suppliers.battery.minimum_order": 100.0}, {"suppliers.panel.lot_size": 100.0}], ids=["least", "lots"]
)
def test_bounds_of_orders_follow_the_numbers_of_a_model(case: AssemblerCase, rules: dict[str, Any], mechanism: str) -> None:
    """At the second price far more is worth ordering than at the first: in kept models, and where a Param is given its value."""
    demand = {"distribution": "empirical", "values": [300, 700, 1500]}
    low = case.changed(demand=demand, price=17.0, **rules)
    high = low.changed(price=60.0)
    fresh = vd.solve(high, mechanism, "highs")
    assert fresh.contracts.quantity.max() == 1500
    repeated = vd.Repeated()
    repeated.solve(low, mechanism, "highs")
    assert repeated.solve(high, mechanism, "highs").objective == near(fresh.objective)
    model = vd.build(low, mechanism)
    model.price = 60.0
    assert vd.solvers.solve(model, "highs").objective == near(fresh.objective)


@pytest.mark.parametrize("key", ["minimum_order", "lot_size"])
def test_rules_beyond_a_capacity_are_refused(case: AssemblerCase, key: str) -> None:
    with pytest.raises(InputError, match=rf"suppliers\[1\]\.{key}: got 500\.0; allowed: at most his capacity, 400"):
        case.changed(**{f"suppliers.battery.{key}": 500.0, "suppliers.battery.capacity": 400.0})
