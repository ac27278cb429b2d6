"""Bayesian menus where beliefs all but exclude a profile: bets no larger than they must be, and what a bound on them costs."""

from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.assembler_cases import SOLVED, UNIFORM, build
from veridical.data import AssemblerCase, InputError


def correlated(rho: float, costs: Any, share: Any, price: float = 30.0) -> AssemblerCase:
    """Return a case of suppliers with the same correlation."""
    n = len(costs)
    suppliers = [{"name": "abc"[i], "costs": own, "probabilities": share} for i, own in enumerate(costs)]
    matrix = (np.full((n, n), rho) + (1 - rho) * np.eye(n)).tolist()
    raw = {"name": "bets", "price": price, "demand": UNIFORM, "suppliers": suppliers, "prior": {"correlation": matrix}}
    return AssemblerCase.model_validate(raw)


OPPOSITE = correlated(-0.99, [[3, 4, 5, 6, 7], [2, 3, 4, 5, 6]], [0.2] * 5)
ALIKE = correlated(0.93, [[3, 5, 7], [4, 6, 8], [5, 7, 9]], [0.25, 0.5, 0.25], 40.0)


def turnover(own: AssemblerCase) -> float:
    """Return what expected demand sells for."""
    return own.price * own.demand.expectation


@pytest.mark.parametrize("own", [OPPOSITE, ALIKE], ids=["opposite", "alike"])
def test_full_extraction_needs_no_bet_larger_than_what_is_sold(own: AssemblerCase) -> None:
    solution = vd.solve(own, "bic")
    first_best = vd.solve(own, "first_best").objective
    assert solution.objective == pytest.approx(first_best, rel=SOLVED)
    assert solution.bound <= first_best * (1 + SOLVED)
    assert np.abs(solution.contracts.payment).max() <= turnover(own)
    assert solution.warnings == ()
    assert solution.parameters == {"participation": "interim"} or solution.parameters == {}


def test_what_is_paid_where_a_profile_cannot_happen_comes_with_a_warning() -> None:
    """Ex post, payments beyond any reason buy a little at profiles of 1e-17: that is said, and a bound costs next to nothing."""
    free = vd.solve(OPPOSITE, "bic", participation="ex_post")
    assert vd.solve(OPPOSITE, "icds").objective < free.objective < vd.solve(OPPOSITE, "first_best").objective
    (warning,) = free.warnings
    largest = np.abs(free.contracts.payment).max()
    assert largest > turnover(OPPOSITE)
    assert f"{largest:,.2f}" in warning
    assert "max_payment" in warning
    assert free.to_dict()["warnings"] == [warning]
    bounded = vd.solve(OPPOSITE, "bic", participation="ex_post", max_payment=100_000)
    assert np.abs(bounded.contracts.payment).max() <= 100_000 * (1 + SOLVED)
    assert bounded.without_max_payment is not None
    assert bounded.without_max_payment["profit"] == pytest.approx(free.objective, rel=SOLVED)
    assert bounded.without_max_payment["cost"] == pytest.approx(free.objective - bounded.objective, abs=1e-2)
    assert bounded.to_dict()["without_max_payment"] == bounded.without_max_payment


@pytest.mark.parametrize("participation", ["interim", "ex_post"])
@pytest.mark.parametrize("trace", [1e-9, 1e-11])
def test_traces_of_probability_never_make_a_menu_unbounded(trace: float, participation: str) -> None:
    table = np.maximum(OPPOSITE.probability, trace)
    own = build([s.costs for s in OPPOSITE.suppliers], joint=table / table.sum())
    solution = vd.solve(own, "bic", participation=participation)
    first_best = vd.solve(own, "first_best").objective
    assert vd.solve(own, "icds").objective * (1 - SOLVED) <= solution.objective <= first_best * (1 + SOLVED)
    if participation == "interim":
        assert solution.objective == pytest.approx(first_best, rel=SOLVED)
    elif "max_payment" in solution.parameters:  # what was solved is said
        assert "bounded" in solution.warnings[0]


def test_the_tighter_the_bound_the_less_is_earned() -> None:
    own = vd.example("two-suppliers-correlated")
    free = vd.solve(own, "bic")
    earned = []
    for most in (500, 2_000, 4_000, 16_000):
        solution = vd.solve(own, "bic", max_payment=most)
        assert np.abs(solution.contracts.payment).max() <= most * (1 + SOLVED)
        assert solution.without_max_payment is not None
        assert solution.without_max_payment["profit"] == pytest.approx(free.objective, rel=SOLVED)
        earned.append(solution.objective)
    assert earned == sorted(earned)
    assert earned[0] < 0.5 * earned[-1]
    assert earned[-1] == pytest.approx(free.objective, rel=SOLVED)


def test_counted_in_cents_the_bound_costs_a_hundred_times_as_much() -> None:
    own, most = vd.example("two-suppliers-correlated"), 2_000.0
    cents = build(
        [[100 * cost for cost in s.costs] for s in own.suppliers], joint=own.probability, price=100 * own.price, demand=UNIFORM
    )
    costs = [
        solution.without_max_payment["cost"]
        for solution in (vd.solve(own, "bic", max_payment=most), vd.solve(cents, "bic", max_payment=100 * most))
        if solution.without_max_payment is not None
    ]
    assert costs[0] > 1
    assert costs[1] == pytest.approx(100 * costs[0], rel=1e-5)  # differences of profits to 1e-8


@pytest.mark.parametrize("given", [0, -1.0, float("nan"), float("inf"), True, "much"])
def test_a_bound_that_is_no_amount_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="max_payment"):
        vd.solve(vd.example("two-suppliers-correlated"), "bic", max_payment=given)


def test_a_result_says_how_its_prior_was_integrated() -> None:
    own = ALIKE.changed(price=39)
    for solver in ("highs", "closed_form"):
        solution = vd.solve(own, "first_best", solver)
        record = solution.to_dict()["prior"]
        assert record["method"] == "integration to rounding"
        assert record["error"] <= 1e-10
        assert record["seconds"] >= 0
    assert "prior" not in vd.solve(vd.example("two-suppliers-correlated"), "icds").to_dict()


@pytest.mark.parametrize("participation", ["interim", "ex_post"])
@pytest.mark.parametrize("reserved", [0.0, 5.0])
def test_a_product_that_nobody_asks_for(participation: str, reserved: float) -> None:
    """Nothing is bought, beside a capacity too: no amount of the case says how large a payment is."""
    own = OPPOSITE.changed(demand={"distribution": "empirical", "values": [0.0]})
    own = own.changed(**{"suppliers.a.capacity": 400.0, "suppliers.b.reservation_profit": reserved})
    solution = vd.solve(own, "bic", participation=participation)
    assert solution.objective == pytest.approx(-reserved, abs=1e-9)
    assert float((own.probability * solution.contracts.quantity).sum()) <= 1e-9  # but at profiles that all but never occur
