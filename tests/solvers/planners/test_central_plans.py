"""Prices of joint plans against finite differences, and counterfactuals."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.joint_plan_cases import SAME, SHIPPED_PLANS, planned, scarce_pair
from veridical import models
from veridical.data import InputError, JointPlanCase
from veridical.data.joint_plan import CAPACITY, LEVELS, Values, pilot
from veridical.solvers.consensus.quadratic import Quadratic
from veridical.solvers.planners import Central, Plan, cost_at, joint
from veridical.solvers.translate.standard_form import compile_model


@cache
def scarce() -> tuple[JointPlanCase, Plan]:
    """Return a pilot in which every capacity is short, and its joint plan."""
    case = pilot(vendors=3, sites=2, regions=2, products=3, seed=1)
    case = case.changed(parties=tuple(party.scaled(CAPACITY, 0.7) for party in case.parties))
    return case, joint(case)


# --- prices ---


def slopes(case: JointPlanCase, party: str, field: str, key: Any) -> tuple[float, float]:
    """Return the joint cost's derivatives to the left and right in one number of a party's record."""
    record, step = case.party(party), 0.02
    costs = []
    for change in (-step, 0.0, step):
        values = Values({**getattr(record, field), key: getattr(record, field)[key] + change})
        costs.append(joint(case.reporting(party, record.replace(**{field: values}))).total)
    return (costs[1] - costs[0]) / step, (costs[2] - costs[1]) / step


@pytest.mark.parametrize(
    ("family", "field"),
    [
        ("inbound_capacity", "inbound_capacity"),
        ("production_capacity", "production_capacity"),
        ("handling", "handling_capacity"),
        ("lane_contract", "contract"),
        ("demand", "demand"),
    ],
)
def test_what_capacity_and_demand_are_worth_is_a_finite_difference(family: str, field: str) -> None:
    case, best = scarce()
    assert best.solution is not None
    duals = best.solution.duals[family]
    names = next(own.index_names[family] for own in models.joint_plan.DECLARATIONS.values() if family in own.index_names)
    assert duals.index.names == ["party", *names]
    priced = duals[duals.abs() > 0.1]
    party, *own = priced.index[len(priced) // 2]
    key = tuple(own) if len(own) > 1 else own[0]
    dual = float(priced.iloc[len(priced) // 2])
    if family == "lane_contract":  # a contract holds in every week
        key, dual = own[0], float(duals[party, own[0]].sum())
    left, right = slopes(case, party, field, key)
    assert left - 1e-3 <= dual <= right + 1e-3
    assert right - left < 0.05 * abs(dual)
    assert (dual > 0) == (family == "demand")


def test_the_price_of_a_flow_is_what_one_more_unit_costs_the_supplier_and_saves_the_receiver() -> None:
    case, _, best = planned("pilot")
    table = best.to_frame()
    assert tuple(table.index.names) == LEVELS
    flow = table.index[int(np.argmax(best.units))]
    place = case.shared.flows.index(flow)
    for name, marginal in ((flow[0], table.supplier_marginal[flow]), (flow[1], table.receiver_marginal[flow])):
        costs = []
        for change in (-0.05, 0.0, 0.05):
            plan = best.units.copy()
            plan[place] += change
            costs.append(cost_at(case, name, plan))
        left, right = (costs[1] - costs[0]) / 0.05, (costs[2] - costs[1]) / 0.05  # apart where the plan is at a kink
        assert left - 0.01 <= marginal <= right + 0.01
    # and as the dual of a row: a supplier who delivers a little that is never received
    totals = []
    for lost in (-0.01, 0.01):
        m = models.joint_plan.joint.build(case)
        m.agreement[flow].set_value(m.parties[flow[0]].plan[flow] - m.parties[flow[1]].plan[flow] == lost)
        totals.append(vd.solvers.solve(m, "highs").objective)
    assert table.supplier_marginal[flow] == pytest.approx((totals[1] - totals[0]) / 0.02, rel=1e-3)


# --- counterfactuals ---


@pytest.mark.parametrize("name", SHIPPED_PLANS)
def test_held_parties_stay_at_the_baseline_and_the_others_do_what_they_can(name: str) -> None:
    case, start, best = planned(name)
    held = case.suppliers[0]
    found = joint(case, baseline=start.units, non_participants=[held])
    share = case.shared.share(held)
    assert found.units[share] == pytest.approx(start.units[share], abs=1e-9)
    assert held not in found.costs
    others = sum(cost for party, cost in start.costs.items() if party != held)
    assert best.total - start.costs[held] <= found.total * (1 + SAME)
    assert found.total <= others + SAME * abs(others)
    # the other route: everybody in the model, that party's own variables fixed
    m = models.joint_plan.joint.build(case)
    for variable, units in zip(m.parties[held].plan.values(), start.units[share].tolist(), strict=True):
        variable.fix(units)
    everybody = vd.solvers.solve(m, "ipopt").objective
    assert everybody - start.costs[held] == pytest.approx(found.total, rel=SAME)


def test_with_all_suppliers_held_nothing_is_left_to_decide() -> None:
    case, start, _ = planned("pilot")
    found = joint(case, baseline=start.units, non_participants=case.suppliers)
    assert found.units == pytest.approx(start.units)
    assert dict(found.costs) == pytest.approx({"retailer": start.costs["retailer"]}, rel=SAME)


def test_activity_is_paid_by_volume_and_a_large_fee_leaves_the_baseline() -> None:
    case, start, best = planned("pilot")
    moved = [float(case.shared.volume @ np.abs(best.units - start.units))]
    for fee in (0.1, 1.0):
        found = joint(case, baseline=start.units, activity_fee=fee)
        moved.append(float(case.shared.volume @ np.abs(found.units - start.units)))
        assert found.fee == pytest.approx(fee * moved[-1], rel=1e-5)
        assert best.total <= found.total <= start.total
        assert found.total + found.fee <= best.total + fee * moved[0] + SAME * best.total
    assert moved == sorted(moved, reverse=True)
    stuck = joint(case, baseline=start.units, activity_fee=1e3)
    assert stuck.units == pytest.approx(start.units, abs=1e-3)  # units


def test_a_baseline_is_asked_for_where_it_is_needed() -> None:
    case = scarce_pair()
    with pytest.raises(InputError, match="baseline"):
        joint(case, non_participants=["Alder"])
    with pytest.raises(InputError, match="party"):
        joint(case, non_participants=["Zelkova"], baseline=np.zeros(2))


@pytest.mark.parametrize(("seed", "absent"), [(4, ("Alder",)), (2, ())])
def test_a_fee_on_activity_leaves_highs_a_way(seed: int, absent: tuple[str, ...]) -> None:
    """HiPO's normal equations and the active set come to no end here; PIQP, by the same coefficients, is another route."""
    case = pilot(vendors=3, weeks=5, seed=seed)
    start = Central().baseline(case)
    plan = joint(case, "highs", baseline=start, non_participants=absent, activity_fee=5.0)
    assert plan.solution.certificate.gap <= 1e-9
    form = compile_model(vd.models.joint_plan.joint.build(case, start, absent, 5.0))
    nothing = np.zeros(len(form.cost))
    x, _, proven = Quadratic(form, form.low < form.high).solve(nothing, nothing, nothing, exact=True)
    assert plan.objective == pytest.approx(form.objective(x), rel=1e-9)
    assert plan.bound == pytest.approx(proven, rel=1e-9)
