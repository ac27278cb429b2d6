"""Audits of allotments, orders, joint plans and continuous costs do not depend on the currency or on the unit."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import veridical as vd
from support import continuous_cases
from support.allocation_cases import case, group
from support.ordering_games import ordering_game
from support.strategies import examples
from veridical.contracts import Allotment, Settlement
from veridical.contracts.allotment import listed
from veridical.data import AllocationCase
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.closed_form.continuous_rule import Rule
from veridical.solvers.closed_form.fixed_price import fixed_price
from veridical.solvers.planners import Central, settle

Array = NDArray[np.float64]
FACTORS = (1e-9, 1e-4, 1e3, 1e9)


def power(types: list[float], money: float, units: float, **named: Any) -> dict[str, Any]:
    """Return retailers who earn q (theta - q^2): in other units and money, theta in money per unit and money per unit cubed."""
    revenue = {"form": "power_demand", "scale": money / units**3, "exponent": 2.0}
    return group([theta * money / units for theta in types], [1 / len(types)] * len(types), revenue, **named)


def retailers(money: float = 1.0, units: float = 1.0, turned: bool = False) -> AllocationCase:
    """Return two stores and an online shop, in either order."""
    groups = [power([3, 5, 6], money, units, count=2, name="stores"), power([2, 4], money, units, name="online")]
    return case(*(groups[::-1] if turned else groups), capacity=2.0 * units)


@cache
def optimal() -> Allotment:
    """Return the optimal allotment."""
    found = vd.solve(retailers(), "allocation", "closed_form").contracts
    assert isinstance(found, Allotment)
    return found


def allotment(seed: int, money: float = 1.0, units: float = 1.0, turned: bool = False) -> Allotment:
    """Return the optimal allotment with noise in units and payments, the same in any currency, unit and order."""
    own = optimal()
    rng = np.random.default_rng(seed)
    size = float(rng.choice([0.0, 1e-7, 1e-4, 1.0]))
    there = own.profiles.counts > 0
    by_type = np.where(there, own.by_type * (1 + 0.5 * size * rng.uniform(-1, 1, own.by_type.shape)), 0.0)
    paid = np.zeros(own.by_type.shape)
    for g, (reports, prices) in enumerate(zip(own.reports, own.prices, strict=True)):
        columns = own.profiles.columns(g)
        rows, types = np.nonzero(own.profiles.counts[:, columns])
        paid[rows, columns.start + types] = prices[reports.against, types]
    paid = paid * (1 + size * rng.uniform(-1, 1, paid.shape))
    other = retailers(money, units, turned)
    profiles = other.profiles()
    columns_there = [3, 4, 0, 1, 2] if turned else list(range(5))
    place = {tuple(counts): k for k, counts in enumerate(own.profiles.counts[:, columns_there].tolist())}
    order = [place[tuple(counts)] for counts in profiles.counts.tolist()]
    by_type, paid = (array[:, columns_there][order] for array in (by_type, paid))
    return Allotment(
        case=other,
        profiles=profiles,
        by_type=by_type * units,
        shadow_price=np.full(len(order), np.nan),
        capacity=own.capacity * units,
        price=listed(profiles, paid * money),
    )


@given(seed=st.integers(0, 10**6), money=st.sampled_from(FACTORS), units=st.sampled_from(FACTORS), turned=st.booleans())
@examples(40)
def test_allotments_in_any_currency_unit_and_order(seed: int, money: float, units: float, turned: bool) -> None:
    first, second = vd.contracts.audit(allotment(seed)), vd.contracts.audit(allotment(seed, money, units, turned))
    for name, result in first.properties.items():
        assert second.properties[name].holds == result.holds, name
        if not result.holds:
            factor = units if name in ("monotone", "capacity") else money
            assert second.properties[name].worst == pytest.approx(result.worst * factor, rel=1e-6, abs=0), name
    assert [lie.gain / money for lie in second.misreports] == pytest.approx(
        [lie.gain for lie in first.misreports], rel=1e-6, abs=1e-7
    )


def test_a_small_retailers_loss_is_found_beside_a_large_one() -> None:
    """The lowest type keeps nothing: charged half as much again, a kiosk loses half of what it paid, beside a store of 1e9."""
    own = case(power([1e6], 1.0, 1.0, name="store"), power([2e-3, 3e-3], 1.0, 1.0, name="kiosk"), capacity=1e3)
    right = vd.solve(own, "allocation", "closed_form").contracts
    store, kiosk = right.payments
    assert vd.contracts.audit(right).individually_rational
    assert store[0] > 1e8
    assert 0 < kiosk[0] < 1e-3
    prices = (store, kiosk * [1.5, 1.0])
    audit = vd.contracts.audit(replace(right, price=lambda of: np.broadcast_to(prices[of.g], of.quantity.shape)))
    assert not audit.individually_rational
    assert audit.min_rent == pytest.approx(-kiosk[0] / 2, rel=1e-6, abs=0)
    assert audit.properties["interim_ir"].where.startswith("kiosk, type 0.002")


@pytest.mark.parametrize("money", FACTORS)
def test_orders_in_any_currency(money: float) -> None:
    first, second = (
        vd.contracts.audit(fixed_price(ordering_game(power([4, 6], m, 1.0, count=2), price=2.0 * m, capacity=1.5)))
        for m in (1.0, money)
    )
    assert {name: result.holds for name, result in first.properties.items()} == {
        name: result.holds for name, result in second.properties.items()
    }
    assert first.properties["equilibrium"].holds
    assert not first.truthful  # capacity is scarce, and the rule cuts everybody's order alike
    assert second.max_regret == pytest.approx(first.max_regret * money, rel=1e-6, abs=0)


@pytest.fixture(scope="module")
def plan() -> Settlement:
    """Return what first prices make of a joint plan that is quick to solve."""
    own: JointPlanCase = pilot(vendors=2, sites=1, regions=2, products=2, weeks=2)
    return settle(own, "first_price", Central())


@pytest.mark.parametrize("money", FACTORS)
@pytest.mark.parametrize("share", [1e-9, 1e-4])
def test_a_partys_loss_in_any_currency(plan: Settlement, money: float, share: float) -> None:
    name = plan.case.suppliers[0]
    lost = share * min(abs(plan.transfers[name]), plan.savings)
    figures: dict[str, Any] = {
        field: {party: value * money for party, value in getattr(plan, field).items()}
        for field in ("baseline_costs", "costs", "transfers")
    }
    figures["transfers"][name] -= lost * money
    result = vd.PROPERTIES["ex_post_ir"](replace(plan, **figures))
    assert result.holds is (share < 1e-6)
    if not result.holds:
        assert result.worst == pytest.approx(lost * money, rel=1e-6, abs=0)


def test_a_small_partys_loss_is_found_beside_large_ones(plan: Settlement) -> None:
    """A party that costs 2,000 and loses 1,600 beside one that costs 3e9 and saves a third."""
    small, large = plan.case.suppliers[:2]
    nothing = dict.fromkeys(plan.case.names, 0.0)
    robbed = replace(
        plan,
        baseline_costs={**nothing, small: 2000.0, large: 3e9},
        costs={**nothing, small: 3600.0, large: 2e9},
        transfers={**nothing, large: -1e9},
    )
    result = vd.PROPERTIES["ex_post_ir"](robbed)
    assert (result.holds, result.worst, result.where) == (False, 1600.0, small)


@pytest.mark.parametrize(("tried", "searched"), [(0, False), (1, True)])
def test_a_plan_says_whether_misreports_were_tried(plan: Settlement, tried: int, searched: bool) -> None:
    audit = vd.contracts.audit(plan, planner=Central(), misreports=tried)
    assert audit.properties["dominant_strategy_ic"].searched is searched
    assert audit.to_dict()["properties"]["ex_post_ir"]["searched"] is True


@pytest.mark.parametrize("money", FACTORS)
def test_continuous_costs_in_any_currency(money: float, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = [continuous_cases.uniform(low * money, high * money) for low, high in ((3, 13), (2, 7))]
    rule = Rule(continuous_cases.case(*costs, price=60.0 * money))
    assert all(result.holds for result in rule.check_properties(samples=100)[0].values())
    right = Rule.rent
    monkeypatch.setattr(Rule, "rent", lambda self, i, x: right(self, i, x) * (1 - 1e-3 * (x[..., i] < x[..., i].mean())))
    results, misreports, _ = rule.check_properties(samples=100)
    assert not results["dominant_strategy_ic"].holds
    assert misreports[0].gain == results["dominant_strategy_ic"].worst > 0
