"""Transfers of joint plans: on paper, by other routes, and the identities that they are made of."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from veridical.contracts import Settlement
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan
from veridical.contracts.joint_plan.transfers import subsets
from veridical.data import InputError, example
from veridical.data.joint_plan import COST, JointPlanCase, Parameters, Retailer, Route, Shared, Values, Vendor, pilot
from veridical.solvers import planners as joint_plan
from veridical.solvers.planners import Central, settle

VCG: list[dict[str, Any]] = [
    {"pivot": "baseline"},
    {"pivot": "clarke"},
    {"pivot": "baseline", "activity_fee": 0.1},
    {"pivot": "clarke", "activity_fee": 0.1},
    {"pivot": "baseline", "participation_fee": 50.0},
    {"pivot": "clarke", "participation_fee": 50.0, "activity_fee": 0.1},
]


def by_hand(**production: float) -> JointPlanCase:
    """Return a retailer and vendors A and B, one product of 1 m3, one site, two weeks; 20 units are wanted in the second.

    Units are bought at 5 and held at 1 a week. A makes them at 2, B at 4; either handles 6 a week, more at 3.5 each.
    Just in time, 10 of each in week 2:
        A 10 * 2 + 4 * 3.5 - 50 = -16, B 40 + 14 - 50 = 4, retailer 100; together 88.
    Jointly A sends 6, 6 and B 2, 6, since one more of B in week 1 costs 5, and one more of A in week 2 5.5:
        A 24 - 60 = -36, B 32 - 40 = -8, retailer 100 + 8 = 108; together 64. Savings 24: A 20, B 12, retailer -8.
    Without A, B sends 4, 6: retailer 104, B 40 - 50 = -10. Without B, A sends 4, 6: retailer 104, A 20 - 50 = -30.
    Either way 78 together with who stays at the baseline, so each contributes 14.
    """
    made, weeks = production or {"A": 2.0, "B": 4.0}, (1, 2)
    retailer = Retailer(
        name="retailer",
        demand=Values({("north", "soap", 1): 0.0, ("north", "soap", 2): 20.0}),
        outbound_cost=Values({("Lyon", "north"): 0.0}),
        holding_cost=Values({("Lyon", "soap"): 1.0}),
        stock=Values({("Lyon", "soap"): 0.0}),
        penalty=Values({"soap": 100.0}),
        inbound_capacity=Values({("Lyon", week): 100.0 for week in weeks}),
        inbound_overtime=Values({"Lyon": 0.0}),
        congestion=Values({"Lyon": 0.0}),
    )
    vendors = [
        Vendor(
            name=name,
            production_overtime=0.0,
            handling_overtime=3.5,
            smoothing=0.0,
            production_cost=Values({"soap": cost}),
            holding_cost=Values({"soap": 0.0}),
            expediting_cost=Values({"soap": 100.0}),
            stock=Values({"soap": 0.0}),
            production_capacity=Values(dict.fromkeys(weeks, 100.0)),
            handling_capacity=Values(dict.fromkeys(weeks, 6.0)),
            contract=Values({"Lyon": 100.0}),
            contract_cost=Values({"Lyon": 0.0}),
            spot_cost=Values({"Lyon": 0.0}),
            lane_congestion=Values({"Lyon": 0.0}),
        )
        for name, cost in made.items()
    ]
    routes = tuple(Route(name, "retailer", "Lyon", "soap", 5.0) for name in made)
    shared = Shared(weeks=weeks, products=Values({"soap": 1.0}), sites=("Lyon",), routes=routes)
    return JointPlanCase(name="by hand", shared=shared, parties=(retailer, *vendors))


@pytest.fixture(scope="module")
def hand() -> JointPlanCase:
    return by_hand()


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(vendors=3, sites=2, regions=2, products=3, weeks=4, seed=1)


@pytest.fixture(scope="module")
def planner() -> CachingPlanner:
    """Return a planner that all tests here share: a plan is not made twice."""
    return CachingPlanner(Central())


# --- on paper ---

# mechanism, parameters, transfer to retailer, A and B, fees of A and B
PAPER: list[tuple[str, dict[str, Any], list[float], list[float]]] = [
    # A: (100 + 4) - (108 - 8); B: (100 - 16) - (108 - 36)
    ("vcg", {"pivot": "baseline"}, [0, 4, 12], [0, 0]),
    # A: (104 - 10) - (108 - 8); B: (104 - 30) - (108 - 36)
    ("vcg", {"pivot": "clarke"}, [0, -6, 2], [0, 0]),
    # 16 m3 move, 1.6 for that off either transfer; without A or B 8 m3 move, 0.8 more before it
    ("vcg", {"pivot": "baseline", "activity_fee": 0.1}, [0, 2.4, 10.4], [1.6, 1.6]),
    ("vcg", {"pivot": "clarke", "activity_fee": 0.1}, [0, -6.8, 1.2], [0.8, 0.8]),
    # both take part: 64 + 10 against 78 + 5 and 88; either pays for both under the baseline, for himself under Clarke
    ("vcg", {"pivot": "baseline", "participation_fee": 5.0}, [0, -6, 2], [10, 10]),
    ("vcg", {"pivot": "clarke", "participation_fee": 5.0}, [0, -11, -3], [5, 5]),
    ("split_savings", {"share": 0.5}, [0, 6 - 20, 6 - 12], [0, 0]),
    ("split_savings", {"share": 1.0}, [0, 12 - 20, 12 - 12], [0, 0]),
    ("first_price", {}, [0, -20, -12], [0, 0]),
    # no doubt about costs, so no surprise: 24 / 3 less what each saves anyway
    ("agv", {"cost_factors": (1.0,)}, [8 + 8, 8 - 20, 8 - 12], [0, 0]),
]


@pytest.mark.parametrize(("mechanism", "parameters", "transfers", "fees"), PAPER)
def test_transfers_worked_out_on_paper(
    hand: JointPlanCase,
    planner: CachingPlanner,
    mechanism: str,
    parameters: dict[str, Any],
    transfers: list[float],
    fees: list[float],
) -> None:
    found = settle(hand, mechanism, planner, **parameters)
    assert found.start == pytest.approx([0, 10, 0, 10], abs=1e-6)
    assert found.units == pytest.approx([6, 6, 2, 6], abs=1e-6)
    table = found.to_frame()
    assert table.index.tolist() == ["retailer", "A", "B"]
    assert table["baseline_cost"].tolist() == pytest.approx([100, -16, 4])
    assert table["cost"].tolist() == pytest.approx([108, -36, -8])
    assert table["transfer"].tolist() == pytest.approx(transfers, abs=1e-6)
    assert table["fee"].tolist() == pytest.approx([0, *fees], abs=1e-6)
    saved = np.array([-8, 20, 12])
    assert table["net_gain"].tolist() == pytest.approx(saved + transfers, abs=1e-6)
    assert (found.baseline_cost, found.plan_cost, found.savings) == pytest.approx((88, 64, 24))
    assert found.budget == pytest.approx(-sum(transfers), abs=1e-6)
    assert found.deficit == pytest.approx(max(sum(transfers), 0), abs=1e-6)
    assert found.residual == pytest.approx(transfers[0] - 8 - sum(transfers), abs=1e-6)


@pytest.mark.parametrize("pivot", ["baseline", "clarke"])
def test_a_lump_sum_that_is_too_large_is_a_cliff(hand: JointPlanCase, planner: CachingPlanner, pivot: str) -> None:
    found = settle(hand, "vcg", planner, pivot=pivot, participation_fee=15.0)  # 64 + 30 and 78 + 15 against 88
    assert found.non_participants == ("A", "B")
    assert found.units == pytest.approx(found.start)
    assert list(found.transfers.values()) == pytest.approx([0, 0, 0], abs=1e-6)
    assert found.savings == pytest.approx(0, abs=1e-6)


def test_the_price_of_a_flow_on_paper(hand: JointPlanCase, planner: CachingPlanner) -> None:
    # one more unit in week 1 costs B 4 and brings him 5; in week 2 it would save the retailer 1 more than in week 1
    prices = settle(hand, "vcg", planner).plan_frame()["price"]
    assert prices.loc["B"].tolist() == pytest.approx([-1, 0])


def test_just_in_time_changes_nothing(hand: JointPlanCase, planner: CachingPlanner) -> None:
    found = settle(hand, "jit", planner)
    assert found.units == pytest.approx(found.start)
    assert [*found.transfers.values(), found.savings, found.budget] == pytest.approx([0] * 5, abs=1e-9)


# --- identities, and other routes to the same figures ---


@pytest.mark.parametrize("parameters", VCG, ids=str)
def test_vcg_gains_are_what_theory_says(small: JointPlanCase, planner: CachingPlanner, parameters: dict[str, Any]) -> None:
    found = settle(small, "vcg", planner, **parameters)
    lump, alpha = parameters.get("participation_fee", 0.0), parameters.get("activity_fee", 0.0)

    def least(without: str | None = None) -> Any:
        """Return cost and fees together by the joint models themselves, without what the planner prices or remembers."""
        values = []
        for held in subsets(small.suppliers) if lump else [(without,) if without else ()]:
            if without is None or without in held:
                plan = joint_plan.joint(small, baseline=found.start, non_participants=held, activity_fee=alpha)
                assert plan.solution is not None
                before = sum(found.baseline_costs[name] for name in held)
                values.append(plan.solution.objective + before + lump * (3 - len(held)))
        return min(values)

    best = least()
    for name in small.suppliers:
        ahead = least(name) if parameters["pivot"] == "clarke" else found.baseline_cost
        assert found.net_gains[name] == pytest.approx(ahead - best, abs=1e-6 * found.savings)
        assert found.net_gains[name] >= -1e-6
    if parameters["pivot"] == "baseline":  # the whole saving, to each
        taken = found.activity + lump * (3 - len(found.non_participants))
        assert list(found.net_gains.values())[1:] == pytest.approx([found.savings - taken] * 3, rel=1e-9)
    assert found.excess is not None
    assert found.excess <= 1e-6 * found.savings


@pytest.mark.parametrize(
    ("mechanism", "parameters"),
    [
        *(("vcg", each) for each in VCG),
        ("split_savings", {}),
        ("first_price", {}),
        ("jit", {}),
        ("agv", {"cost_factors": (1.0, 1.2)}),
    ],
    ids=str,
)
def test_gains_and_budget_are_the_savings(
    small: JointPlanCase, planner: CachingPlanner, mechanism: str, parameters: dict[str, Any]
) -> None:
    found = settle(small, mechanism, planner, **parameters)
    # from the table and the models of the parties alone
    table = found.to_frame()
    at = [joint_plan.costs_at(small, plan) for plan in (found.baseline, found.plan)]
    assert table["baseline_cost"].tolist() == pytest.approx(at[0].tolist(), rel=1e-7)
    assert table["cost"].tolist() == pytest.approx(at[1].tolist(), rel=1e-7)
    savings = float(at[0].sum() - at[1].sum())
    assert table["net_gain"].sum() - table["transfer"].sum() == pytest.approx(savings, abs=1e-6 * found.baseline_cost)
    assert sum(found.net_gains.values()) + found.budget == pytest.approx(found.savings, abs=1e-9 * found.baseline_cost)
    assert found.plan_cost <= found.baseline_cost + 1e-9 * found.baseline_cost
    assert found.residual == pytest.approx(found.savings - sum(found.net_gains[name] for name in small.suppliers), abs=1e-6)


def test_fees_leave_the_receivers_more(small: JointPlanCase, planner: CachingPlanner) -> None:
    plain = settle(small, "vcg", planner, pivot="clarke")
    active = settle(small, "vcg", planner, pivot="clarke", activity_fee=0.1)
    lump = settle(small, "vcg", planner, pivot="clarke", participation_fee=50.0)
    assert active.savings < plain.savings
    assert active.activity == pytest.approx(0.1 * float(small.shared.volume @ np.abs(active.units - active.start)))
    assert active.residual > plain.residual
    assert lump.residual == pytest.approx(plain.residual + 3 * 50.0, rel=1e-6)


def test_two_solvers_settle_alike(small: JointPlanCase, planner: CachingPlanner) -> None:
    highs = settle(small, "vcg", planner, pivot="clarke")
    ipopt = settle(small, "vcg", Central("ipopt"), baseline=highs.start, pivot="clarke")
    for name in small.suppliers:  # net gains are unique, plans and with them transfers need not be
        assert ipopt.net_gains[name] == pytest.approx(highs.net_gains[name], abs=1e-6 * highs.savings)
    assert ipopt.savings == pytest.approx(highs.savings, rel=1e-6)


def test_a_party_that_leaves_and_comes_back_changes_nothing() -> None:
    case = pilot(vendors=3, sites=2, regions=2, products=3, weeks=4, seed=1).changed(tie_break=0.1)
    name = case.suppliers[0]
    routes = case.shared.routes
    staying = [route for route in routes if route.supplier != name]
    left = case.changed(
        parties=tuple(party for party in case.parties if party.name != name),
        routes=tuple(staying),
    )
    again = left.changed(
        parties=(*left.parties, case.party(name)), routes=(*staying, *(route for route in routes if route.supplier == name))
    )
    before, without, after = (settle(each, "vcg", Central(), pivot="clarke") for each in (case, left, again))
    assert without.baseline_cost > 1.1 * before.baseline_cost  # he was needed
    for other in case.names:
        assert after.baseline_costs[other] == pytest.approx(before.baseline_costs[other], abs=1e-6 * before.savings)
        assert after.net_gains[other] == pytest.approx(before.net_gains[other], abs=1e-6 * before.savings)
    assert settle(case, "vcg", Central(), pivot="clarke").transfers == before.transfers


# --- who takes part, of many ---


def test_the_range_of_who_takes_part() -> None:
    few, many = subsets(tuple("abc")), subsets(tuple("abcdefgh"))
    assert len(few) == len(set(few)) == 2**3
    assert len(many) == len(set(many)) == 2 * 8 + 2
    for held in many:  # whoever leaves, what is left of the range is in it
        assert len(held) in (0, 1, 7, 8)


def test_eight_vendors_with_a_lump_sum() -> None:
    case = by_hand(**{name: 2.0 + k / 4 for k, name in enumerate("ABCDEFGH")})
    found = settle(case, "vcg", CachingPlanner(Central()), pivot="clarke", participation_fee=1e-3)
    assert found.savings > 0
    assert min(found.net_gains[name] for name in case.suppliers) >= -1e-9
    assert settle(case, "vcg", Central(), pivot="clarke", participation_fee=100.0).non_participants == case.suppliers


# --- expected externalities ---


def test_agv_balances_and_nobody_expects_to_gain_by_a_lie(hand: JointPlanCase) -> None:
    """Every true and reported cost of both, by the settlements themselves: nothing that the transfers are made of is used."""
    factors = (1.0, 1.1, 1.6)
    planner = CachingPlanner(Central())
    types = {name: [hand.party(name).scaled(COST, factor) for factor in factors] for name in "AB"}

    def with_types(a: int, b: int) -> JointPlanCase:
        return hand.reporting("A", types["A"][a]).reporting("B", types["B"][b])

    pairs = list(itertools.product(range(3), repeat=2))
    told = {pair: settle(with_types(*pair), "agv", planner, committed=hand, cost_factors=factors) for pair in pairs}
    assert len({tuple(np.round(each.units, 3)) for each in told.values()}) > 1  # reports matter
    for each in told.values():
        assert abs(sum(each.transfers.values())) <= 1e-9
    gains: dict[tuple[str, int, int], float] = {}
    for name, (own, report) in itertools.product("AB", pairs):
        expected = []
        for other in range(3):
            at = told[(report, other) if name == "A" else (other, report)]
            truth = with_types(*((own, other) if name == "A" else (other, own)))
            before, after = (planner.costs(truth, plan, [name])[name] for plan in (at.start, at.units))
            expected.append(before - after + at.transfers[name])
        gains[name, own, report] = float(np.mean(expected))
    for (name, own, report), value in gains.items():
        assert value <= gains[name, own, own] + 1e-6, (name, own, report)
    shares = [np.mean([each.net_gains[party] for each in told.values()]) for party in hand.names]
    assert shares == pytest.approx([np.mean([each.savings for each in told.values()]) / 3] * 3)


def test_agv_draws_where_profiles_are_many(hand: JointPlanCase) -> None:
    factors = tuple(1.0 + k / 20 for k in range(11))  # 121 profiles
    planner = CachingPlanner(Central())
    found, again, other = (settle(hand, "agv", planner, cost_factors=factors, draws=4, seed=seed) for seed in (0, 0, 5))
    assert found.transfers == again.transfers
    assert found.transfers != other.transfers
    assert abs(sum(found.transfers.values())) <= 1e-9


# --- whole trucks ---


def test_whole_trucks_say_how_far_truth_may_be_from_best() -> None:
    case = pilot(vendors=2, sites=1, regions=2, products=2, weeks=2).changed(truckload=True, truck_volume=5.0)
    found = settle(case, "vcg", Central({"solver": "highs", "tolerance": 1e-3}), pivot="clarke")
    exact = settle(case, "vcg", Central({"solver": "highs", "tolerance": 1e-6}), pivot="clarke", baseline=found.start)
    assert found.excess is not None
    assert exact.excess is not None
    assert found.plan_cost - exact.plan_cost <= found.excess + 1e-6
    assert exact.excess <= 1e-5 * exact.plan_cost
    assert found.prices.empty
    assert found.to_dict()["plan"][0]["price"] is None
    assert min(found.net_gains[name] for name in case.suppliers) >= -2e-3 * found.plan_cost


# --- the planner ---


class Counting(Central):
    """A planner that keeps count of what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[tuple[str, ...]] = []
        self.priced: list[str] = []

    def plan(self, case: JointPlanCase, baseline: Any, held: Any = (), activity_fee: float = 0.0) -> Plan:
        self.plans.append(tuple(held))
        return super().plan(case, baseline, held, activity_fee)

    def costs(self, case: JointPlanCase, plan: Any, names: Any = None) -> dict[str, float]:
        self.priced += case.names if names is None else names
        return super().costs(case, plan, names)


def test_nothing_is_planned_twice(hand: JointPlanCase) -> None:
    counting = Counting()
    planner = CachingPlanner(counting)
    first = settle(hand, "vcg", planner, pivot="clarke")
    assert sorted(counting.plans) == [(), ("A",), ("B",)]
    assert settle(hand, "vcg", planner, pivot="clarke").transfers == first.transfers
    assert settle(hand, "first_price", planner).units.tolist() == first.units.tolist()
    assert len(counting.plans) == 3
    lie = hand.reporting("A", hand.party("A").scaled(COST, 1.2))
    told = settle(lie, "vcg", planner, pivot="clarke")
    assert sorted(counting.plans[3:]) == [(), ("B",)]  # "without A" does not answer to A
    alone = settle(lie, "vcg", Central(), pivot="clarke")
    for name in hand.names:
        assert told.transfers[name] == pytest.approx(alone.transfers[name], abs=1e-9)
        assert told.baseline_costs[name] == pytest.approx(alone.baseline_costs[name], abs=1e-9)


def test_the_planner_prices_what_is_held(small: JointPlanCase, planner: CachingPlanner) -> None:
    start = planner.baseline(small)
    before = planner.costs(small, start)
    name = small.suppliers[1]
    found = planner.plan(small, start, non_participants=[name])
    assert found.costs[name] == pytest.approx(before[name], rel=1e-9)
    assert found.units[small.shared.share(name)] == pytest.approx(start[small.shared.share(name)])
    assert found.objective == pytest.approx(sum(found.costs.values()) - before[name])
    assert found.bound <= found.objective + 1e-9 * abs(found.objective)


def test_what_a_plan_costs_is_bounded() -> None:
    """HiGHS's active set called this vendor's cost at this plan unbounded; costs are never below 0 but for what is paid."""
    case, planner, name = example("pilot"), Central(), "Dogwood"
    start = planner.baseline(case)
    told = planner.plan(case.reporting(name, case.party(name).scaled(COST, 0.706)), start, activity_fee=0.1)
    by_highs, by_ipopt = (Central(solver).costs(case, told.units, [name])[name] for solver in ("highs", "ipopt"))
    assert by_highs == pytest.approx(by_ipopt, rel=1e-6)


# --- what is handed out, and what is refused ---


def test_tables_and_json(hand: JointPlanCase, planner: CachingPlanner, tmp_path: Path) -> None:
    found = settle(hand, "vcg", planner)
    said = json.loads(json.dumps(found.to_dict()))
    assert {key: said[key] for key in ("plan_cost", "baseline_cost", "budget")} == pytest.approx(
        {"plan_cost": 64, "baseline_cost": 88, "budget": -16}
    )
    assert [party["name"] for party in said["parties"]] == ["retailer", "A", "B"]
    assert said["parties"][1] == pytest.approx(
        {
            "name": "A",
            "role": "vendor",
            "cost": -36,
            "baseline_cost": -16,
            "transfer": 4,
            "fee": 0,
            "net_gain": 24,
            "takes_part": True,
        }
    )
    row = said["plan"][2]
    assert (row["supplier"], row["receiver"], row["site"], row["product"], row["week"]) == hand.shared.flows[2]
    assert (row["baseline"], row["units"]) == pytest.approx((0, 2), abs=1e-6)
    found.to_csv(tmp_path / "parties.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "parties.csv", index_col="party"), found.to_frame())


@pytest.mark.parametrize(
    ("mechanism", "parameters", "message"),
    [
        ("vgc", {}, r"mechanism: got 'vgc'; allowed: one of jit, vcg, agv, split_savings, first_price"),
        ("vcg", {"share": 0.5}, r"share: got 0.5; allowed: for vcg pivot, activity_fee, participation_fee"),
        ("jit", {"pivot": "clarke"}, r"pivot: got 'clarke'; allowed: for jit no parameters"),
        ("vcg", {"pivot": "groves"}, r"pivot: got 'groves'; allowed: one of baseline, clarke"),
        ("vcg", {"activity_fee": -1}, r"activity_fee: got -1; allowed: a finite number >= 0"),
        ("split_savings", {"share": 1.5}, r"share: got 1.5; allowed: a number from 0 to 1"),
        ("agv", {"cost_factors": (0.9, 0.0)}, r"cost_factors: got \(0.9, 0.0\); allowed: one or more finite numbers > 0"),
        ("agv", {"draws": 0}, r"draws: got 0; allowed: a whole number >= 1"),
        ("agv", {"seed": True}, r"seed: got True; allowed: a whole number >= 0"),
    ],
)
def test_what_no_mechanism_takes(hand: JointPlanCase, mechanism: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        settle(hand, mechanism, **parameters)


def test_a_baseline_that_is_none(hand: JointPlanCase, planner: CachingPlanner) -> None:
    with pytest.raises(InputError, match="plan: got"):
        settle(hand, "vcg", planner, baseline=[1.0, 2.0])
    assert isinstance(settle(hand, "jit", planner, baseline=[0.0, 10.0, 0.0, 10.0]), Settlement)


def test_parameters_of_the_case_are_the_mechanisms(hand: JointPlanCase, planner: CachingPlanner) -> None:
    clarke = hand.changed(mechanism=Parameters(pivot="clarke"))
    assert settle(clarke, "vcg", planner).transfers["A"] == pytest.approx(-6)
    assert settle(clarke, "vcg", planner, pivot="baseline").transfers["A"] == pytest.approx(4)
    assert settle(clarke, "vcg", planner).parameters == {"pivot": "clarke", "activity_fee": 0.0, "participation_fee": 0.0}
