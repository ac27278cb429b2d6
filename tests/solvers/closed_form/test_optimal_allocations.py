"""The supplier's optimum: what must hold of any, by brute force and by hand."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import veridical as vd
from support.allocation_cases import (
    EXPONENTIAL,
    FORMS,
    LINEAR,
    NORMAL,
    POWER,
    ROOT,
    UNIFORM,
    allocation_cases,
    case,
    form_name,
    group,
    newsvendor,
)
from support.allocation_judges import keeps_every_promise
from support.strategies import examples
from veridical.contracts import AllocationAudit
from veridical.contracts.audit import audit
from veridical.data.allocation import AllocationCase
from veridical.solvers.closed_form import outcome
from veridical.solvers.closed_form.allocation import allocation
from veridical.solvers.solution import Seconds, SolverRecord


@examples(60)
@given(allocation_cases([LINEAR]))
def test_linear_demand_keeps_every_promise(own: AllocationCase) -> None:
    keeps_every_promise(allocation(own))


@examples(25)
@given(allocation_cases([LINEAR, POWER, ROOT]))
def test_inverse_demands_keep_every_promise(own: AllocationCase) -> None:
    keeps_every_promise(allocation(own))


@examples(25)
@given(allocation_cases(FORMS, retailers=2, most_types=3))
def test_unlike_groups_keep_every_promise(own: AllocationCase) -> None:
    keeps_every_promise(allocation(own))


@pytest.mark.parametrize("capacity", [1e-3, 7.0, 1e6])
@pytest.mark.parametrize("types", [[0, 3], [30, 31, 32], [1, 100]], ids=str)
def test_extremes_keep_every_promise(types: list[float], capacity: float) -> None:
    sharp, blunt = ({"form": "power_demand", "scale": 1.0, "exponent": exponent} for exponent in (6.0, 0.2))
    narrow, heavy = newsvendor("normal", sd=0.05), newsvendor("gamma", shape=0.05)
    for raw in (LINEAR, sharp, blunt, narrow, UNIFORM, heavy):
        keeps_every_promise(
            allocation(case(group(types, [0.6, 0.4] if len(types) == 2 else [0.2, 0.05, 0.75], raw, 2), capacity=capacity))
        )


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_virtual_marginal_revenue_is_the_shadow_price_of_whoever_gets_something(raw: dict[str, Any]) -> None:
    f = np.array([0.3, 0.3, 0.25, 0.15])
    theta = np.array([4.0, 5.0, 6.0, 7.0])
    own = allocation(case(group(theta, f, raw, count=3), capacity=5.0))
    assert not own.ironed
    assert own.interim_optimal
    q, revenue = own.by_type, own.case.retailers[0].revenue
    above = np.append(np.cumsum(f[::-1])[::-1][1:], 0.0)
    following = np.append(theta[1:], theta[-1])
    found = revenue.marginal(q, theta) - above / f * (revenue.marginal(q, following) - revenue.marginal(q, theta))
    price, there = np.broadcast_to(own.shadow_price[:, None], q.shape), own.profiles.counts > 0
    assert found[q > 0] == pytest.approx(price[q > 0], rel=1e-10, abs=1e-10)
    assert (found[there & (q == 0)] <= price[there & (q == 0)] + 1e-12).all()
    assert (q[~there] == 0).all()


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
@pytest.mark.parametrize(
    "f", [[0.3, 0.3, 0.25, 0.15], [0.5, 0.05, 0.3, 0.15], [0.0, 0.6, 0.0, 0.4]], ids=["regular", "not", "zeros"]
)
def test_a_shadow_price_is_what_one_more_unit_earns(raw: dict[str, Any], f: list[float]) -> None:
    own, h = case(group([4, 5, 6, 8], f, raw, count=2), group([3, 5], None, raw), capacity=1.0), 1e-5
    values = {k: allocation(own, k) for k in (2.9, 4.1, 5.3)}
    for k, each in values.items():
        slope = (allocation(own, k + h).earned - allocation(own, k - h).earned) / (2 * h)
        assert each.expected_shadow_price == pytest.approx(slope, rel=1e-6, abs=1e-8)
    first, second, third = values.values()
    assert first.earned + third.earned <= 2 * second.earned + 1e-12  # concave: Theorem 3
    assert first.expected_shadow_price >= second.expected_shadow_price >= third.expected_shadow_price


def test_more_for_one_is_no_more_for_another() -> None:
    for raw in (LINEAR, NORMAL, EXPONENTIAL):
        own = allocation(case(group([3, 4, 6], [0.5, 0.1, 0.4], raw, count=3), capacity=4.0))
        place = {tuple(row): k for k, row in enumerate(own.profiles.types().tolist())}
        for types, k in place.items():
            for i in range(3):
                if types[i] < 2:
                    raised = place[tuple(sorted((*types[:i], types[i] + 1, *types[i + 1 :])))]
                    assert own.shadow_price[raised] >= own.shadow_price[k] * (1 - 1e-9)
                    kept = (own.profiles.counts[raised] > 0) & (own.profiles.counts[k] > 0)
                    assert (own.by_type[raised] <= own.by_type[k] + 1e-9)[kept].all()


def test_payments_are_those_of_all_orderings() -> None:
    raw = [group([3, 5, 6], [0.5, 0.1, 0.4], LINEAR, 2), group([2, 4], [0.3, 0.7], POWER, 1)]
    own = allocation(case(*raw, capacity=2.0))
    place = {tuple(row): k for k, row in enumerate(own.profiles.types().tolist())}
    first, second = own.case.retailers

    def amount(own_type: int, other: int, third: int) -> float:
        return float(own.by_type[place[(*sorted((own_type, other)), third)], own_type])

    def earns(own_type: int, other: int, third: int, as_type: int) -> float:
        return float(first.revenue.value(amount(own_type, other, third), first.theta[as_type]))

    for k in range(3):
        expected = 0.0
        for other, third in itertools.product(range(3), range(2)):
            paid = earns(k, other, third, k) - sum(earns(j, other, third, j + 1) - earns(j, other, third, j) for j in range(k))
            expected += first.probability[other] * second.probability[third] * paid
            row = place[(*sorted((k, other)), third)]
            assert own.dominant_payments[row, 0 if k <= other else 1] == pytest.approx(paid, abs=1e-12)
        assert own.payments[0][k] == pytest.approx(expected, abs=1e-12)


def test_the_audit_finds_who_would_lie() -> None:
    own = allocation(case(group(range(4, 9), count=2), capacity=2.63))
    (truth,) = own.reports
    q, theta, bids = truth.quantity, np.arange(4.0, 9.0), np.array([0.3, 0.70, 3.05, 7.08, 12.29])
    gain = np.array([[np.mean(q[:, k] * (t - q[:, k])) - bids[k] for k in range(5)] for t in theta])  # [type, report]
    ex_post = np.array([[[row[k] * (t - row[k]) - bids[k] for k in range(5)] for t in theta] for row in q])
    wrong = audit(replace(own, price=lambda reports: np.broadcast_to(bids, reports.quantity.shape)))
    regret = gain - np.diag(gain)[:, None]
    assert wrong.max_regret == pytest.approx(regret.max(), rel=1e-12)
    assert wrong.max_regret > 5
    assert not wrong.truthful
    liar, lie = np.unravel_index(int(regret.argmax()), regret.shape)
    assert (wrong.misreports[0].type, wrong.misreports[0].report) == (theta[liar], theta[lie])
    assert isinstance(wrong, AllocationAudit)
    assert wrong.min_profit == pytest.approx(np.diag(gain).min(), rel=1e-12)
    truthful = np.diagonal(ex_post, axis1=1, axis2=2)
    findings = wrong.properties
    assert findings["dominant_strategy_ic"].worst == pytest.approx((ex_post - truthful[:, :, None]).max(), rel=1e-12)
    assert findings["ex_post_ir"].worst == pytest.approx(-truthful.min(), rel=1e-12)
    assert findings["monotone"].holds
    assert findings["capacity"].holds
    assert audit(own).truthful
    assert not audit(replace(own, capacity=2.62)).properties["capacity"].holds


def test_a_type_that_never_occurs_is_treated_as_the_one_below_it() -> None:
    own = allocation(case(group([2, 4, 5, 7, 9], [0, 0.5, 0, 0.5, 0], LINEAR, 2), capacity=1.5))
    few = allocation(case(group([4, 7], [0.5, 0.5], LINEAR, 2), capacity=1.5))
    assert own.earned == pytest.approx(few.earned, rel=1e-14)
    (reports,) = own.reports
    assert (reports.quantity[:, 0] == 0).all()
    assert reports.quantity[:, 2].tolist() == reports.quantity[:, 1].tolist()
    assert reports.quantity[:, 4].tolist() == reports.quantity[:, 3].tolist()
    keeps_every_promise(own)


@pytest.mark.parametrize("raw", FORMS, ids=form_name)
def test_no_division_of_capacity_has_more_virtual_revenue(raw: dict[str, Any]) -> None:
    own = allocation(case(group([4, 6], [0.6, 0.4], raw), group([5], None, POWER), capacity=1.6))
    assert own.interim_optimal
    first, second = (part.revenue for part in own.case.retailers)
    shares = np.linspace(0.0, 1.6, 641)
    q, others = np.meshgrid(shares, shares, indexing="ij")
    fits = q + others <= 1.6 + 1e-12
    best = 0.0
    for theta, rate, f in ((4.0, 0.4 / 0.6, 0.6), (6.0, 0.0, 0.4)):
        rent = rate * (first.value(q, 6.0) - first.value(q, theta))
        best += f * float((first.value(q, theta) - rent + second.value(others, 5.0))[fits].max())
    assert best <= own.earned + 1e-12
    assert best == pytest.approx(own.earned, abs=1e-4)  # of the grid


@pytest.mark.parametrize("type_", [8e3, 8e15, 8e16, 8e30])
@pytest.mark.parametrize("count", [2, 3])
def test_capacity_goes_to_a_type_far_above_the_others(type_: float, count: int) -> None:
    """Units beside such a type are less than its rounding, and whoever has it gets the capacity, to the last unit."""
    base = vd.example("two-retailers").changed(**{"retailers.0.types": [4.0, 5.0, 6.0, 7.0, type_], "retailers.0.count": count})
    optimum = vd.solve(base, "centralized", "closed_form")
    assert optimum.objective == pytest.approx((1 - 0.8**count) * 2.63 * type_, rel=2e-3)  # the others earn 7.3 at most
    assert optimum.objective == pytest.approx(optimum.bound, rel=1e-9)


@pytest.mark.parametrize("type_", [8.0, 8e3, 8e16, 8e30])
def test_earnings_below_the_bound_are_no_optimum(type_: float) -> None:
    """However far one type is above the others, and whatever he would earn by more than there is."""
    right = allocation(vd.example("two-retailers").changed(**{"retailers.0.types": [4.0, 5.0, 6.0, 7.0, type_]}))
    record = SolverRecord("closed_form", "", {}, None, Seconds())
    assert outcome(right, record).certificate.holds
    for share in (0.0, 0.5, 1 - 1e-5):
        wrong = outcome(replace(right, earned=share * right.earned), record).certificate
        assert not wrong.holds
        assert share == 0 or wrong.gap == pytest.approx(1 / share - 1, rel=1e-6)
