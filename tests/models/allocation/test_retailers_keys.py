"""What retailers' contracts say beside type: held against linear programs and integrals that share no code with the package."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

import veridical as vd
from support.allocation_cases import LINEAR, case, group
from support.linear_oracles import Retailing, allocation
from support.strategies import examples
from veridical.data import AllocationCase, InputError

SAME = 1e-6  # relative, of profits
TYPES, LIKELY = (4.0, 6.0, 8.0), (0.3, 0.4, 0.3)
JOINT = np.array([[0.2, 0.08, 0.02], [0.08, 0.24, 0.08], [0.02, 0.08, 0.2]])


def two(**terms: Any) -> AllocationCase:
    """Return two identical retailers, with other terms."""
    return case({**group(TYPES, LIKELY, count=2), **terms}, capacity=2.6)


def correlated(capacity: float = 2.6, joint: Any = JOINT, **terms: Any) -> AllocationCase:
    """Return two identical retailers whose types depend on one another."""
    own = {"count": 2, "types": list(TYPES), "revenue": LINEAR, **terms}
    return case(own, capacity=capacity, prior={"joint": np.asarray(joint).tolist()})


def oracle(own: AllocationCase, **terms: Any) -> float:
    """Return the optimum of a case with linear demand by linear programs, retailer by retailer."""
    parts = [own.retailers[g] for g in own.order]
    terms = {"reserved": [part.reservations.tolist() for part in parts], "most": [part.capacity for part in parts], **terms}
    if own.prior is not None and own.prior.joint is not None:
        terms["prior"] = np.array(own.prior.joint)
    groups = [(part.theta.tolist(), part.probability.tolist()) for part in parts]
    return allocation(groups, own.capacity, own.capacity_cost or 0.0, terms=Retailing(**terms))


PROFITS: list[Any] = [0.0, 0.3, [0.5, 0.2, 0.1], [0.0, 0.5, 4.0], [0.1, 0.9, 0.2]]


@pytest.mark.parametrize("reservation", PROFITS)
def test_reservation_profits_against_linear_programs(reservation: Any) -> None:
    own = two(reservation_profit=reservation)
    ex_post = oracle(own, dominant=True, ex_post=True)
    assert vd.solve(own, "allocation").objective == pytest.approx(ex_post, rel=SAME)
    for incentive, participation in itertools.product(("bayesian", "dominant"), ("interim", "ex_post")):
        found = vd.solve(own, "allocation_direct", incentive=incentive, participation=participation)
        wanted = oracle(own, dominant=incentive == "dominant", ex_post=participation == "ex_post")
        assert found.objective == pytest.approx(wanted, rel=SAME)
    if not own.retailers[0].countervailing:
        assert vd.solve(own, "allocation", "closed_form").objective == pytest.approx(ex_post, rel=SAME)
        assert vd.solve(own, "allocation_kkt").objective == pytest.approx(ex_post, rel=SAME)


@pytest.mark.parametrize("limit", [0.4, 0.9, 1.2, 5.0])
def test_retailers_capacities_against_linear_programs(limit: float) -> None:
    own = two(capacity=limit)
    fixed = own.changed(capacity=2.0)
    wanted = oracle(fixed)
    for mechanism, solver in (("allocation", None), ("allocation", "closed_form"), ("allocation_kkt", None), ("allocation_direct", None)):
        assert vd.solve(fixed, mechanism, solver).objective == pytest.approx(wanted, rel=SAME)
    chosen = own.changed(capacity_cost=1.0)
    for solver in (None, "closed_form"):
        solution = vd.solve(chosen, "capacity_choice", solver)
        assert solution.objective == pytest.approx(oracle(chosen), rel=SAME)
        assert solution.contracts.expected_shadow_price == pytest.approx(1.0, rel=1e-8)
