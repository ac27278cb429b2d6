"""Transfers of joint plans: on paper, by other routes, and the identities that they are made of."""

from typing import Any

import numpy as np
import pytest

from support.joint_plan_cases import vendors_at
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.transfers import subsets
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers import planners as joint_plan
from veridical.solvers.planners import Central, settle

VCG: list[dict[str, Any]] = [
    {"pivot": "baseline"},
    {"pivot": "clarke"},
    {"pivot": "baseline", "activity_fee": 0.1},
    {"pivot": "clarke", "activity_fee": 0.1},
    {"pivot": "clarke", "participation_fee": 50.0},
    {"pivot": "clarke", "participation_fee": 50.0, "activity_fee": 0.1},
]


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
    # both take part: 64 + 10 against 78 + 5 and 88; either pays for himself
    ("vcg", {"pivot": "clarke", "participation_fee": 5.0}, [0, -11, -3], [5, 5]),
    ("split_savings", {"share": 0.5}, [0, 6 - 20, 6 - 12], [0, 0]),
    ("split_savings", {"share": 1.0}, [0, 12 - 20, 12 - 12], [0, 0]),
    ("first_price", {}, [0, -20, -12], [0, 0]),
    # no doubt about costs, so no surprise: 24 / 3 less what each saves anyway
    ("agv", {"cost_factors": (1.0,)}, [8 + 8, 8 - 20, 8 - 12], [0, 0]),
]


@pytest.mark.parametrize(("mechanism", "parameters", "transfers", "fees"), PAPER)
def test_transfers_worked_out_on_paper(
    two_vendors: JointPlanCase,
    planner: CachingPlanner,
    mechanism: str,
    parameters: dict[str, Any],
    transfers: list[float],
    fees: list[float],
) -> None:
    found = settle(two_vendors, mechanism, planner, **parameters)
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


def test_a_lump_sum_that_is_too_large_is_a_cliff(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    found = settle(two_vendors, "vcg", planner, pivot="clarke", participation_fee=15.0)  # 64 + 30 and 78 + 15 against 88
    assert found.non_participants == ("A", "B")
    assert found.units == pytest.approx(found.start)
    assert list(found.transfers.values()) == pytest.approx([0, 0, 0], abs=1e-6)
    assert found.savings == pytest.approx(0, abs=1e-6)


def test_lump_sums_under_the_baseline_pivot_are_refused_where_they_would_be_paid_by_all(
    two_vendors: JointPlanCase, planner: CachingPlanner
) -> None:
    with pytest.raises(InputError, match=r"participation_fee: got 5\.0; .* each would pay the lump sums of all"):
        settle(two_vendors, "vcg", planner, pivot="baseline", participation_fee=5.0)
    alone = vendors_at(A=2.0)  # 40 + 7.0 * 2 overtime in week 2, or half of it a week before: both pivots are one
    found = [settle(alone, "vcg", planner, pivot=pivot, participation_fee=1.0) for pivot in ("baseline", "clarke")]
    assert found[0].transfers == pytest.approx(found[1].transfers, abs=1e-6)
    assert found[0].fees == pytest.approx({"retailer": 0.0, "A": 1.0})


def test_the_price_of_a_flow_on_paper(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    # one more unit in week 1 costs B 4 and brings him 5; in week 2 it would save the retailer 1 more than in week 1
    prices = settle(two_vendors, "vcg", planner).plan_frame()["price"]
    assert prices.loc["B"].tolist() == pytest.approx([-1, 0])


def test_just_in_time_changes_nothing(two_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    found = settle(two_vendors, "jit", planner)
    assert found.units == pytest.approx(found.start)
    assert [*found.transfers.values(), found.savings, found.budget] == pytest.approx([0] * 5, abs=1e-9)


# --- identities, and other routes to the same figures ---


@pytest.mark.parametrize("parameters", VCG, ids=str)
def test_vcg_gains_are_what_theory_says(
    three_vendors: JointPlanCase, planner: CachingPlanner, parameters: dict[str, Any]
) -> None:
    found = settle(three_vendors, "vcg", planner, **parameters)
    lump, alpha = parameters.get("participation_fee", 0.0), parameters.get("activity_fee", 0.0)

    def least(without: str | None = None) -> Any:
        """Return cost and fees together by the joint models themselves, without what the planner prices or remembers."""
        values = []
        for held in subsets(three_vendors.suppliers) if lump else [(without,) if without else ()]:
            if without is None or without in held:
                plan = joint_plan.joint(three_vendors, baseline=found.start, non_participants=held, activity_fee=alpha)
                assert plan.solution is not None
                before = sum(found.baseline_costs[name] for name in held)
                values.append(plan.solution.objective + before + lump * (3 - len(held)))
        return min(values)

    best = least()
    for name in three_vendors.suppliers:
        ahead = least(name) if parameters["pivot"] == "clarke" else found.baseline_cost
        assert found.net_gains[name] == pytest.approx(ahead - best, abs=1e-6 * found.savings)
        assert found.net_gains[name] >= -1e-6
    if parameters["pivot"] == "baseline":  # the whole saving, to each
        assert list(found.net_gains.values())[1:] == pytest.approx([found.savings - found.activity] * 3, rel=1e-9)
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
    three_vendors: JointPlanCase, planner: CachingPlanner, mechanism: str, parameters: dict[str, Any]
) -> None:
    found = settle(three_vendors, mechanism, planner, **parameters)
    # from the table and the models of the parties alone
    table = found.to_frame()
    at = [joint_plan.costs_at(three_vendors, plan) for plan in (found.baseline, found.plan)]
    assert table["baseline_cost"].tolist() == pytest.approx(at[0].tolist(), rel=1e-7)
    assert table["cost"].tolist() == pytest.approx(at[1].tolist(), rel=1e-7)
    savings = float(at[0].sum() - at[1].sum())
    assert table["net_gain"].sum() - table["transfer"].sum() == pytest.approx(savings, abs=1e-6 * found.baseline_cost)
    assert sum(found.net_gains.values()) + found.budget == pytest.approx(found.savings, abs=1e-9 * found.baseline_cost)
    assert found.plan_cost <= found.baseline_cost + 1e-9 * found.baseline_cost
    assert found.residual == pytest.approx(
        found.savings - sum(found.net_gains[name] for name in three_vendors.suppliers), abs=1e-6
    )


def test_fees_leave_the_receivers_more(three_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    plain = settle(three_vendors, "vcg", planner, pivot="clarke")
    active = settle(three_vendors, "vcg", planner, pivot="clarke", activity_fee=0.1)
    lump = settle(three_vendors, "vcg", planner, pivot="clarke", participation_fee=50.0)
    assert active.savings < plain.savings
    assert active.activity == pytest.approx(0.1 * float(three_vendors.shared.volume @ np.abs(active.units - active.start)))
    assert active.residual > plain.residual
    assert lump.residual == pytest.approx(plain.residual + 3 * 50.0, rel=1e-6)


def test_two_solvers_settle_alike(three_vendors: JointPlanCase, planner: CachingPlanner) -> None:
    highs = settle(three_vendors, "vcg", planner, pivot="clarke")
    ipopt = settle(three_vendors, "vcg", Central("ipopt"), baseline=highs.start, pivot="clarke")
    for name in three_vendors.suppliers:
        assert ipopt.net_gains[name] == pytest.approx(highs.net_gains[name], abs=1e-6 * highs.savings)
        assert ipopt.transfers[name] == pytest.approx(highs.transfers[name], abs=1e-6 * highs.savings)
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
    case = vendors_at(**{name: 2.0 + k / 4 for k, name in enumerate("ABCDEFGH")})
    found = settle(case, "vcg", CachingPlanner(Central()), pivot="clarke", participation_fee=1e-3)
    assert found.savings > 0
    assert min(found.net_gains[name] for name in case.suppliers) >= -1e-9
    assert settle(case, "vcg", Central(), pivot="clarke", participation_fee=100.0).non_participants == case.suppliers


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
