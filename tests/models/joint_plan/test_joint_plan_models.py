"""Joint plans as models: two routes to every plan, whole trucks, week by week, and roles of one's own."""

from itertools import product
from typing import Any, ClassVar

import numpy as np
import pyomo.environ as pyo
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, NonlinearConstraint, minimize

import veridical as vd
from support.joint_plan_cases import SAME, SHIPPED_PLANS, planned, scarce_pair
from veridical import models
from veridical.data import InputError
from veridical.data.joint_plan import COST, Party, Values, column, marketplace, pilot
from veridical.models.joint_plan import carried, party_model
from veridical.solvers.planners import cost_at, costs_at, joint, just_in_time

Array = NDArray[np.float64]


# --- two routes ---


@pytest.mark.parametrize("name", SHIPPED_PLANS)
def test_highs_and_ipopt_find_the_same_baseline_and_the_same_joint_cost(name: str) -> None:
    case, start, best = planned(name)
    other = just_in_time(case, "ipopt")
    assert start.solution is not None
    assert other.solution is not None
    # the baseline is one plan: its objective curves by the tie-break at least, so the gaps say how far two answers are apart
    apart = sum(
        np.sqrt(2 * each.certificate.gap * abs(each.objective) / case.mechanism.tie_break)
        for each in (start.solution, other.solution)
    )
    assert apart < 0.1  # units
    assert other.units == pytest.approx(start.units, rel=1e-9, abs=apart)  # where both gaps are 0, rounding is left
    assert other.total == pytest.approx(start.total, rel=SAME)
    assert joint(case, "ipopt").total == pytest.approx(best.total, rel=SAME)
    assert best.solution is not None
    assert best.solution.certificate.holds
    assert best.gap <= SAME * best.total


def test_a_small_joint_plan_is_scipys() -> None:
    """The pilot's algebra written a second time, with bounds and inequalities alone, for one product on one lane."""
    case = scarce_pair()
    v, r = case.party("Alder"), case.party("retailer")
    (f,), (p,) = case.shared.sites, tuple(case.shared.products)
    vol = case.shared.products[p]
    (link,) = r.outbound_cost
    d = np.array([r.demand[link[1], p, t] for t in (1, 2)])
    K, M = np.array([r.inbound_capacity[f, t] for t in (1, 2)]), v.contract[f]
    made, handled = (np.array([table[t] for t in (1, 2)]) for table in (v.production_capacity, v.handling_capacity))

    def split(z: Array) -> tuple[Array, ...]:
        return tuple(z.reshape(8, 2))  # x, y, q, s, own lane, and overtime: inbound, production, handling

    def cost(z: Array) -> float:
        x, y, q, s, own, o, po, ho = split(z)
        stock, left = r.stock[f, p] + np.cumsum(x - y), v.stock[p] + np.cumsum(q + s - x)
        change = np.diff(np.append(v.previous_production, vol * q))
        retailer = r.outbound_cost[link] * vol * y.sum() + r.holding_cost[f, p] * stock.sum() + r.penalty[p] * (d - y).sum()
        retailer += r.inbound_overtime[f] * o.sum() + r.congestion[f] / 2 * (vol * x) @ (vol * x)
        vendor = v.production_cost[p] * q.sum() + v.holding_cost[p] * left.sum() + v.expediting_cost[p] * s.sum()
        vendor += v.production_overtime * po.sum() + v.handling_overtime * ho.sum() + v.smoothing / 2 * change @ change
        vendor += v.contract_cost[f] * own.sum() + v.spot_cost[f] * (vol * x - own).sum()
        return float(retailer + vendor + v.lane_congestion[f] / 2 * (vol * x) @ (vol * x))

    def slack(z: Array) -> Array:
        x, y, q, s, own, o, po, ho = split(z)
        stock, left = r.stock[f, p] + np.cumsum(x - y), v.stock[p] + np.cumsum(q + s - x)
        over = [K + o - vol * x, made + po - vol * q, handled + ho - vol * x, vol * x - own, M - own]
        return np.concatenate([stock, left, d - y, *over])

    found = minimize(
        cost,
        np.tile(d / 2, 8),
        bounds=Bounds(0, np.inf),
        constraints=[NonlinearConstraint(slack, 0, np.inf)],
        method="SLSQP",
        options={"ftol": 1e-10, "maxiter": 1000},  # with differences for gradients, finer ends in a failed line search
    )
    assert found.success
    assert joint(case).total == pytest.approx(found.fun, rel=SAME)


@pytest.mark.parametrize("name", SHIPPED_PLANS)
def test_parties_add_up_and_together_pay_no_more_than_at_the_baseline(name: str) -> None:
    case, start, best = planned(name)
    assert best.solution is not None
    assert best.total == pytest.approx(best.solution.objective, rel=1e-9)
    assert 0.07 < 1 - best.total / start.total < 0.11
    # what a party pays in the joint model is its least cost at the plan, in its own model
    alone = costs_at(case, best.units)
    assert alone.to_dict() == pytest.approx(dict(best.costs), rel=1e-5)
    assert alone.sum() == pytest.approx(best.total, rel=SAME)
    # a party's process needs nothing but its part
    for party in case.names:
        own = best.units[case.shared.share(party)]
        assert cost_at(case.part(party), None, own) == pytest.approx(alone[party], rel=1e-9)


@pytest.mark.parametrize("seed", [2, 3])
def test_synthetic_pilots_save_what_is_documented(seed: int) -> None:
    for case in (pilot(seed=seed), marketplace(seed=seed)):
        assert 0.07 < 1 - joint(case).total / just_in_time(case).total < 0.11


def test_the_order_of_parties_changes_nothing() -> None:
    case, start, best = planned("pilot")
    back = case.changed(parties=case.parties[::-1])
    assert just_in_time(back).units == pytest.approx(start.units, abs=0.1)  # units, as above
    assert joint(back).total == pytest.approx(best.total, rel=SAME)


def test_large_cases_are_solved_by_highs_and_certified() -> None:
    found = joint(pilot(vendors=5, sites=6, regions=6, products=20), "highs")
    assert len(found.units) == 2_160
    assert found.solution is not None
    assert found.solution.solver.options["solver"] == "hipo"
    assert found.solution.certificate.holds


# --- whole trucks ---


def test_truckloads_are_whole_and_their_gap_is_told() -> None:
    case = scarce_pair().changed(truckload=True, truck_volume=3.0)
    start, found = just_in_time(case), joint(case, {"solver": "highs", "tolerance": 1e-6})
    assert start.units == pytest.approx(just_in_time(scarce_pair()).units, abs=1e-3)  # receivers have no trucks
    assert found.solution is not None
    assert found.solution.bound <= found.total + 1e-9
    assert found.total <= start.total
    assert found.gap <= 1e-6 * abs(found.total) + 1e-9
    assert list(found.solution.duals) == []
    assert found.to_frame().supplier_marginal.isna().all()
    m = models.joint_plan.joint.build(case)
    vd.solvers.solve(m, "highs")
    vendor = m.parties["Alder"]
    for key in vendor.own_trucks:
        for kind in ("own", "spot"):
            trucks = vendor.component(f"{kind}_trucks")[key].value
            assert trucks == pytest.approx(round(trucks), abs=1e-6)
            assert vendor.component(f"{kind}_lane")[key].value <= 3.0 * trucks + 1e-6


def test_the_best_numbers_of_trucks_are_those_of_all_that_there_are() -> None:
    """Each number of trucks in a model without trucks: they limit what lanes carry free of charge, and are paid apart.

    The contract is for less than a truck of 3 m3, and worth one that is not full.
    """
    size, contract, case = 3.0, 2.5, scarce_pair()
    (site,) = case.shared.sites
    vendor = case.party("Alder")
    vendor = vendor.replace(contract=Values({site: contract}))
    free = vendor.replace(contract_cost=Values({site: 0.0}), spot_cost=Values({site: 0.0}))
    m = models.joint_plan.joint.build(case.reporting("Alder", free))
    own, spot = m.parties["Alder"].own_lane, m.parties["Alder"].spot_lane
    costs = {}
    for counts in product(range(2), range(2), range(3), range(3)):
        for variable, count in zip([*own.values(), *spot.values()], counts, strict=True):
            variable.setub(size * count)
        try:
            carried = vd.solvers.solve(m, "highs").objective
        except vd.NotSolvedError:
            continue  # more than they hold is to be carried
        trucks = sum(counts[:2]) * vendor.contract_cost[site] + sum(counts[2:]) * vendor.spot_cost[site]
        costs[counts] = carried + size * trucks
    best = min(costs, key=lambda counts: costs[counts])
    assert sum(best[:2]) > 0  # the contract is used
    assert max(best[2:]) < 2  # and more trucks would not help
    whole = case.reporting("Alder", vendor).changed(truckload=True, truck_volume=size)
    found = joint(whole, {"solver": "highs", "tolerance": 1e-8})
    assert found.total == pytest.approx(costs[best], rel=1e-8)
    assert found.bound <= found.total * (1 + 1e-12)
    at_plan = {name: cost_at(whole, name, found.units) for name in case.names}
    assert at_plan == pytest.approx(found.costs, rel=1e-7, abs=1e-5)


# --- week by week, and roles of one's own ---


@pytest.mark.parametrize("name", SHIPPED_PLANS)
def test_the_rest_of_an_optimal_plan_is_optimal_from_where_the_first_week_ends(name: str) -> None:
    case, _, _ = planned(name)
    m = models.joint_plan.joint.build(case)
    vd.solvers.solve(m, "highs")
    plan = models.joint_plan.joint.plan_of(m)
    rest = case.changed(parties=tuple(carried(m.parties[party.name], party, 1) for party in case.parties)).since(2)
    tail = plan[[k for k, flow in enumerate(case.shared.flows) if flow.week > 1]]
    assert costs_at(rest, tail).sum() == pytest.approx(joint(rest).total, rel=1e-5)


def test_a_role_of_ones_own_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    class Customer(Party):
        role: ClassVar[str] = "customer"
        side: ClassVar[str] = "receiver"
        worth: Values = column("worth.csv", ("site",), "worth (currency per unit)", COST)

    def declare(block: Any, record: Customer, shared: Any, flows: Any) -> None:
        block.plan = pyo.Var(flows, domain=pyo.NonNegativeReals)
        block.cost = pyo.Expression(
            expr=sum(
                x**2 / 2 + (price - record.worth[flow.site]) * x
                for flow, x, price in zip(flows, block.plan.values(), shared.price, strict=True)
            )
        )

    case = scarce_pair()
    case = case.changed(parties=(Customer(name="retailer", worth=Values({"Breda": 30.0})), case.parties[1]))
    with pytest.raises(InputError, match="role"):
        just_in_time(case)
    monkeypatch.setitem(models.joint_plan.DECLARATIONS, "customer", models.joint_plan.Declaration(declare))
    start = just_in_time(case)
    assert start.units == pytest.approx((30.0 - case.shared.price) / (1 + case.mechanism.tie_break), rel=1e-6)
    assert joint(case).total < start.total


def test_one_partys_model_is_an_ordinary_pyomo_model_with_names() -> None:
    case = vd.example("pilot")
    m = party_model(case, "Alder")
    assert tuple(m.plan) == case.part("Alder").shared.flows
    for variable in m.plan.values():
        variable.fix(40.0)
    found = vd.solvers.solve(m, "highs")
    assert found.objective == pytest.approx(pyo.value(m.cost), rel=1e-9)
    assert found.objective == pytest.approx(sum(pyo.value(part) for part in m.costs.values()), rel=1e-9)
    assert list(found.duals["lane_contract"].index.names) == ["site", "week"]
    assert list(found.duals["stock_balance"].index.names) == ["product", "week"]


def test_quadratic_terms_without_a_choice_are_priced_by_simplex() -> None:
    m = pyo.ConcreteModel()
    m.x, m.y = pyo.Var(bounds=(0, None)), pyo.Var(bounds=(0, None))
    m.settled = pyo.Constraint(expr=2 * m.x == 6)
    m.need = pyo.Constraint(expr=m.x + m.y >= 5)
    m.cost = pyo.Objective(expr=m.x**2 + 4 * m.y + 7)
    found, other = (vd.solvers.solve(m, solver) for solver in ("highs", "ipopt"))
    assert found.objective == pytest.approx(9 + 8 + 7, abs=1e-9)
    assert found.duals["settled"].iloc[0] == pytest.approx((6 - 4) / 2, abs=1e-9)
    assert other.duals["settled"].iloc[0] == pytest.approx((6 - 4) / 2, abs=1e-6)
