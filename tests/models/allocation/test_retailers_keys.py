"""What retailers' contracts say beside type: held against linear programs and integrals that share no code with the package."""

import itertools
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.allocation_cases import LINEAR, case, group
from support.allocation_judges import holds
from support.linear_oracles import Retailing, allocation
from support.strategies import examples
from veridical.data import AllocationCase, InputError

SAME = 1e-6  # relative, of profits
TYPES, LIKELY = (4.0, 6.0, 8.0), (0.3, 0.4, 0.3)
JOINT = np.array([[0.2, 0.08, 0.02], [0.08, 0.24, 0.08], [0.02, 0.08, 0.2]])


def two(**terms: Any) -> AllocationCase:
    """Return two identical retailers, with other terms."""
    return case({**group(TYPES, LIKELY, count=2), **terms}, capacity=2.6)


def correlated(joint: Any = JOINT, **terms: Any) -> AllocationCase:
    """Return two identical retailers whose types depend on one another."""
    own = {"count": 2, "types": list(TYPES), "revenue": LINEAR, **terms}
    return case(own, capacity=2.6, prior={"joint": np.asarray(joint).tolist()})


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
        if not own.retailers[0].countervailing:  # to ask for less of truth or participation earns nothing then
            assert found.objective == pytest.approx(ex_post, rel=SAME)
        assert found.objective >= ex_post - SAME
        assert found.objective <= vd.solve(own, "centralized").objective + SAME
    if not own.retailers[0].countervailing:
        assert vd.solve(own, "allocation", "closed_form").objective == pytest.approx(ex_post, rel=SAME)
        assert vd.solve(own, "allocation_kkt").objective == pytest.approx(ex_post, rel=SAME)


@pytest.mark.parametrize("limit", [0.4, 0.9, 1.2, 5.0])
def test_retailers_capacities_against_linear_programs(limit: float) -> None:
    own = two(capacity=limit)
    fixed = own.changed(capacity=2.0)
    wanted = oracle(fixed)
    for mechanism, solver in (
        ("allocation", None),
        ("allocation", "closed_form"),
        ("allocation_kkt", None),
        ("allocation_direct", None),
    ):
        assert vd.solve(fixed, mechanism, solver).objective == pytest.approx(wanted, rel=SAME)
    chosen = own.changed(capacity_cost=1.0)
    for solver in (None, "closed_form"):
        solution = vd.solve(chosen, "capacity_choice", solver)
        assert solution.objective == pytest.approx(oracle(chosen), rel=SAME)
        assert solution.contracts.expected_shadow_price == pytest.approx(1.0, rel=1e-8)


@pytest.mark.parametrize(
    "joint", [JOINT, [[0.3, 0.1, 0.0], [0.1, 0.1, 0.1], [0.0, 0.1, 0.2]], [[0.1, 0.2, 0.1], [0.2, 0.0, 0.1], [0.1, 0.1, 0.1]]]
)
def test_correlated_types_against_linear_programs(joint: Any) -> None:
    own = correlated(joint=joint)
    dominant = oracle(own, dominant=True, ex_post=True)
    assert vd.solve(own, "allocation").objective == pytest.approx(dominant, rel=SAME)
    best = [vd.solve(own, "centralized", solver).objective for solver in (None, "closed_form")]
    assert best[1] == pytest.approx(best[0], rel=1e-9)
    for incentive, participation in itertools.product(("bayesian", "dominant"), ("interim", "ex_post")):
        found = vd.solve(own, "allocation_direct", incentive=incentive, participation=participation)
        wanted = oracle(own, dominant=incentive == "dominant", ex_post=participation == "ex_post")
        assert found.objective == pytest.approx(wanted, rel=SAME)
        assert found.status == "optimal"


def test_interim_participation_of_correlated_types_extracts_everything() -> None:
    """Cremer and McLean: beliefs of full rank, unbounded payments. Ex post participation leaves rents."""
    own = correlated()
    best = vd.solve(own, "centralized").objective
    for incentive in ("bayesian", "dominant"):
        assert vd.solve(own, "allocation_direct", incentive=incentive).objective == pytest.approx(best, rel=1e-7)
    bounded = vd.solve(own, "allocation_direct", participation="ex_post")
    assert bounded.objective < best - 0.1
    dominant = vd.solve(own, "allocation")
    assert dominant.objective <= bounded.objective + 1e-7
    assert holds(dominant, "dominant_strategy_ic")
    assert holds(dominant, "ex_post_ir")


def test_beliefs_that_are_no_help_leave_rents() -> None:
    """Types 6 and 8 believe the same: their rents cannot be told apart, and not everything is extracted."""
    joint = [[0.2, 0.1, 0.1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1]]
    own = correlated(joint=joint)
    most, found = vd.solve(own, "centralized").objective, vd.solve(own, "allocation_direct").objective
    assert found == pytest.approx(oracle(own), rel=SAME)
    assert vd.solve(own, "allocation").objective < found < most - 1e-3


def test_nearly_independent_types_are_refused_for_bets() -> None:
    joint = np.outer(LIKELY, LIKELY)
    joint[0, 0] += 1e-9
    joint[1, 1] += 1e-9
    joint[0, 1] -= 1e-9
    joint[1, 0] -= 1e-9
    with pytest.raises(InputError, match=r"prior: got <types of retailer 1 that say almost nothing .* participation ex_post"):
        vd.solve(correlated(joint=joint), "allocation_direct")
    assert vd.solve(correlated(joint=joint), "allocation_direct", participation="ex_post").status == "optimal"


@pytest.mark.parametrize(
    "mechanism", ["allocation", "allocation_direct", "centralized", "allocation_kkt", "capacity_choice", "fixed_price"]
)
def test_an_independent_prior_as_a_table_changes_nothing(mechanism: str) -> None:
    plain, table = two(), correlated(joint=np.outer(LIKELY, LIKELY))
    fields: dict[str, Any] = {"fixed_price": {"wholesale_price": 2.0, "rule": "linear"}}
    fields |= {"capacity_cost": 1.0} if mechanism == "capacity_choice" else {}
    one, other = (vd.solve(own.changed(**fields), mechanism) for own in (plain, table))
    assert other.objective == pytest.approx(one.objective, rel=1e-9)
    if mechanism != "fixed_price":  # orders are as exact as the square root of regret
        assert other.contracts.payments[0] == pytest.approx(one.contracts.payments[0], rel=1e-9, abs=1e-9)
    if mechanism in ("allocation", "centralized"):
        closed = [vd.solve(own.changed(**fields), mechanism, "closed_form").objective for own in (plain, table)]
        assert closed[1] == pytest.approx(closed[0], rel=1e-9)


def test_a_copula_without_correlation_changes_nothing() -> None:
    plain = two()
    copula = plain.changed(prior={"correlation": [[1, 0], [0, 1]]})
    assert vd.solve(copula, "allocation").objective == pytest.approx(vd.solve(plain, "allocation").objective, rel=1e-9)


def test_a_copula_of_types_from_a_range() -> None:
    """A continuous prior is cut into cells, and the copula goes over these; independent where nothing is correlated."""
    part = {"count": 2, "prior": {"distribution": "uniform", "low": 4.0, "high": 8.0}, "revenue": LINEAR}
    own = case(part, capacity=2.6, prior={"correlation": [[1, 0.5], [0.5, 1]]})
    assert not own.independent
    cells = own.grid(4)
    assert vd.solve(own, "allocation", points=4).objective == pytest.approx(vd.solve(cells, "allocation").objective, rel=1e-9)
    free = own.changed(prior={"correlation": [[1, 0], [0, 1]]})
    assert free.independent
    apart = vd.solve(own.changed(prior=None), "allocation", points=4).objective
    assert vd.solve(free, "allocation", points=4).objective == pytest.approx(apart, rel=1e-9)


@pytest.mark.parametrize(
    "revenue",
    [
        {
            "form": "newsvendor",
            "price": 10.0,
            "demand": {"distribution": "normal", "sd": 2.0},
            "salvage": 2.0,
            "shortage_penalty": 3.0,
        },
        {"form": "newsvendor", "price": 10.0, "demand": {"distribution": "gamma", "shape": 1.7}, "shortage_penalty": 1.0},
        {"form": "power_demand", "scale": 1.3, "exponent": 1.7},
        LINEAR,
    ],
)
def test_virtual_marginal_revenue_is_the_slope_of_virtual_revenue(revenue: Any) -> None:
    """The left side of (6) in `allocation_kkt`: by differences, and against its formula, type by type."""
    own = case({**group((5.0, 8.0, 12.0), LIKELY, revenue, 2), "capacity": 4.0, "reservation_profit": 0.3}, capacity=3.0)
    m, step = vd.build(own, "allocation_kkt"), 1e-5
    part = own.retailers[0]
    for key in m.CELLS:
        k, units = TYPE_PLACES[key[2]], m.quantity[key]
        above = part.survival[k + 1] / part.probability[k]
        following = part.theta[min(k + 1, 2)]
        for q in (0.3, 0.9):
            units.set_value(q, skip_validation=True)
            here = pyo.value(m.virtual_marginal[key])
            own_worth, next_worth = (float(part.revenue.marginal(q, theta)) for theta in (part.theta[k], following))
            assert here == pytest.approx(own_worth - above * (next_worth - own_worth), rel=1e-9, abs=1e-9)
            ends = []
            for moved in (q + step, q - step):
                units.set_value(moved, skip_validation=True)
                ends.append(pyo.value(m.virtual_revenue[key]))
            assert here == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-5)


TYPE_PLACES = {5.0: 0, 8.0: 1, 12.0: 2}


def test_profits_in_correlation() -> None:
    """Whatever the correlation: ex post truth and participation, participation alone ex post, interim, full information."""
    for rho in (-0.6, 0.3, 0.8):
        own = two().changed(prior={"correlation": [[1, rho], [rho, 1]]})
        ex_post = vd.solve(own, "allocation").objective
        bounded = vd.solve(own, "allocation_direct", participation="ex_post").objective
        interim, best = vd.solve(own, "allocation_direct").objective, vd.solve(own, "centralized").objective
        assert ex_post <= bounded + 1e-7
        assert bounded <= interim + 1e-7
        assert interim <= best + 1e-7


def test_retailers_may_be_permuted_and_groups_split() -> None:
    """Two identical retailers are two groups of one; their order is of no account."""
    apart = case({**group(TYPES, LIKELY), "name": "a", "capacity": 1.2, "reservation_profit": 0.3},
                 {**group((5.0, 7.0), (0.5, 0.5)), "name": "b", "reservation_profit": [0.4, 0.1]}, capacity=2.0)  # fmt: skip
    turned = apart.changed(retailers=apart.retailers[::-1])
    for mechanism in ("allocation", "allocation_direct", "centralized"):
        assert vd.solve(turned, mechanism).objective == pytest.approx(vd.solve(apart, mechanism).objective, rel=1e-8)
    one = case({**group(TYPES, LIKELY, count=2), "capacity": 1.2}, capacity=2.0)
    split = case({**group(TYPES, LIKELY), "capacity": 1.2}, {**group(TYPES, LIKELY), "capacity": 1.2}, capacity=2.0)
    assert vd.solve(split, "allocation").objective == pytest.approx(vd.solve(one, "allocation").objective, rel=1e-8)
    joint = [{"types": list(TYPES), "revenue": LINEAR, "count": 1} for _ in range(2)]
    split = case(*joint, capacity=2.6, prior={"joint": JOINT.tolist()})
    for mechanism in ("allocation", "allocation_direct"):
        assert vd.solve(split, mechanism).objective == pytest.approx(vd.solve(correlated(), mechanism).objective, rel=1e-8)


def test_a_type_that_is_split_changes_nothing() -> None:
    """A type listed twice, a millionth apart, earns the supplier a millionth less at most."""
    table = np.zeros((4, 4))
    table[np.ix_([0, 2, 3], [0, 2, 3])] = JOINT
    table[1], table[0] = table[0] / 2, table[0] / 2
    table[:, 1], table[:, 0] = table[:, 0] / 2, table[:, 0] / 2
    own = case({"count": 2, "types": [4.0, 4.000001, 6.0, 8.0], "revenue": LINEAR}, capacity=2.6, prior={"joint": table.tolist()})
    assert vd.solve(own, "allocation").objective == pytest.approx(vd.solve(correlated(), "allocation").objective, rel=1e-5)


@pytest.mark.parametrize("factor", [7.0, 1e-3])
def test_money_in_another_currency(factor: float) -> None:
    """Money times a factor, for newsvendors with every key: profits and prices follow, units stay."""

    def own(k: float) -> AllocationCase:
        revenue = {"form": "newsvendor", "price": 10.0 * k, "demand": {"distribution": "normal", "sd": 2.0}}
        revenue |= {"salvage": 2.0 * k, "shortage_penalty": 3.0 * k}
        terms = {"capacity": 9.0, "reservation_profit": [4.0 * k, 2.0 * k, 1.0 * k]}
        return case({**group((8.0, 10.0, 12.0), LIKELY, revenue, 2), **terms}, capacity=15.0)

    for mechanism in ("allocation", "centralized"):
        one, other = (vd.solve(own(k), mechanism, "closed_form") for k in (1.0, factor))
        assert other.objective == pytest.approx(factor * one.objective, rel=1e-9)
        assert other.contracts.by_type == pytest.approx(one.contracts.by_type, rel=1e-9)


@pytest.mark.parametrize("factor", [40.0, 0.02])
def test_units_by_another_measure(factor: float) -> None:
    """Units times a factor, and money a unit divided by it: units follow, profits stay."""

    def own(k: float) -> AllocationCase:
        revenue = {"form": "newsvendor", "price": 10.0 / k, "demand": {"distribution": "normal", "sd": 2.0 * k}}
        revenue |= {"salvage": 2.0 / k, "shortage_penalty": 3.0 / k}
        terms = {"capacity": 9.0 * k, "reservation_profit": [4.0, 2.0, 1.0]}
        return case({**group((8.0 * k, 10.0 * k, 12.0 * k), LIKELY, revenue, 2), **terms}, capacity=15.0 * k)

    one, other = (vd.solve(own(k), "allocation", "closed_form") for k in (1.0, factor))
    assert other.objective == pytest.approx(one.objective, rel=1e-9)
    assert other.contracts.by_type == pytest.approx(factor * one.contracts.by_type, rel=1e-8)


@given(
    joint=st.lists(st.integers(0, 9), min_size=6, max_size=6).filter(
        lambda w: all((w[0] + w[1] + w[2], w[1] + w[3] + w[4], w[2] + w[4] + w[5]))
    ),
    reserved=st.lists(st.sampled_from([0.0, 0.2, 1.0]), min_size=3, max_size=3),
    limit=st.sampled_from([None, 0.7, 1.5]),
)
@examples(8)
def test_any_table_any_terms_in_dominant_strategies(joint: list[int], reserved: list[float], limit: float | None) -> None:
    a, b, c, d, e, f = joint
    table = np.array([[a, b, c], [b, d, e], [c, e, f]], dtype=float)
    own = correlated(joint=table / table.sum(), reservation_profit=reserved, capacity=limit) if limit else None
    own = own or correlated(joint=table / table.sum(), reservation_profit=reserved)
    wanted = oracle(own, dominant=True, ex_post=True)
    solution = vd.solve(own, "allocation")
    assert solution.objective == pytest.approx(wanted, rel=SAME, abs=SAME)
    direct = vd.solve(own, "allocation_direct", incentive="dominant", participation="ex_post")
    assert direct.objective == pytest.approx(wanted, rel=SAME, abs=SAME)
