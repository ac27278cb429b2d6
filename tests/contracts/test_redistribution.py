"""What an operator gives back: by hand, by another enumeration, and where there is nothing to give."""

from typing import Any

import pytest

from support.joint_plan_cases import vendors_at
from veridical.contracts.joint_plan.audit import examine
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.transfers import settle
from veridical.data import InputError, example
from veridical.data.joint_plan import COST, JointPlanCase

HELD: dict[str, Any] = {"pivot": "clarke", "receivers": "agents", "activity_fee": 2.0}


@pytest.fixture(scope="module")
def committed() -> JointPlanCase:
    """Return the case by hand with its baseline committed to: 10 of each vendor in the second week."""
    case = vendors_at()
    return case.changed(baseline=dict(zip(case.shared.flows, [0.0, 10.0, 0.0, 10.0], strict=True)), cost_factors=(1.0,))


def test_what_is_collected_is_given_back_on_paper(committed: JointPlanCase, planner: CachingPlanner) -> None:
    # Four units of B in week 2 at 4 + 3.5 become A's in week 1 at 2 + 1: 18 are saved, 8 m3 move at 2 each, and nobody can
    # be spared for the 2 that are left. So each is left 2, and the operator 18 - 6. One report each is no choice: each is
    # given a third.
    plain = settle(committed, "vcg", planner, **HELD)
    assert plain.net_gains == pytest.approx(dict.fromkeys(committed.names, 2), abs=1e-6)
    assert plain.budget == pytest.approx(12, abs=1e-6)
    found = settle(committed, "vcg", planner, **HELD, redistribution="cavallo")
    assert {name: rebate.amount for name, rebate in found.rebates.items()} == pytest.approx(
        dict.fromkeys(committed.names, 4), abs=1e-6
    )
    assert found.transfers == pytest.approx({name: plain.transfers[name] + 4 for name in committed.names}, abs=1e-6)
    assert found.budget == pytest.approx(0, abs=1e-6)
    assert found.to_frame()["rebate"].tolist() == pytest.approx([4] * 3, abs=1e-6)
    assert found.to_dict()["rebates"]["A"]["least"] == pytest.approx(12, abs=1e-6)


def test_a_share_is_of_the_least_over_the_own_reports(committed: JointPlanCase, planner: CachingPlanner) -> None:
    case = committed.changed(cost_factors=(0.9, 1.0, 1.1))
    found = settle(case, "vcg", planner, **HELD, redistribution="cavallo")
    for name in case.names:
        budgets = []
        for factor in (0.9, 1.0, 1.1):
            told = case.reporting(name, case.party(name).scaled(COST, factor))
            paid = settle(told, "vcg", planner, **HELD)
            budgets.append(paid.savings - sum(paid.net_gains.values()))
        assert found.rebates[name].least == pytest.approx(min(budgets), abs=1e-6)
        assert found.rebates[name].amount == pytest.approx(max(min(budgets), 0.0) / 3, abs=1e-6)
    assert found.budget >= -1e-6


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.3])
def test_no_rebate_depends_on_the_own_report(committed: JointPlanCase, planner: CachingPlanner, factor: float) -> None:
    case = committed.changed(cost_factors=(0.9, 1.1))
    truth = settle(case, "vcg", planner, **HELD, redistribution="cavallo")
    for name in case.names:
        told = case.reporting(name, case.party(name).scaled(COST, factor))
        other = settle(told, "vcg", planner, committed=case, **HELD, redistribution="cavallo")
        assert other.rebates[name].amount == pytest.approx(truth.rebates[name].amount, abs=1e-9)
        assert other.rebates[name].report == truth.rebates[name].report


def test_truth_stays_best(committed: JointPlanCase, planner: CachingPlanner) -> None:
    case = committed.changed(cost_factors=(0.95, 1.05))
    found = settle(case, "vcg", planner, **HELD, redistribution="cavallo")
    checked = examine(found, planner=planner, misreports=8)
    assert sum(rebate.amount for rebate in found.rebates.values()) > 0.1
    assert checked.properties["dominant_strategy_ic"].holds
    assert checked.properties["receiver_ic"].holds
    assert checked.properties["ex_post_ir"].holds
    assert checked.properties["budget"].holds


def test_nothing_is_given_back_where_the_operator_pays_in(committed: JointPlanCase, planner: CachingPlanner) -> None:
    found = settle(committed, "vcg", planner, **{**HELD, "activity_fee": 1.0}, redistribution="cavallo")
    # A 6, 8 and B 6 save 23 for 12 m3: 11 is left, 2 without A or B, so 9 each, and 11 to the retailer
    assert found.budget == pytest.approx(23 - 11 - 9 - 9, abs=1e-6)
    assert {rebate.amount for rebate in found.rebates.values()} == {0.0}
    assert found.rebates["A"].least == pytest.approx(-6, abs=1e-6)


@pytest.mark.parametrize("name", ["pilot", "marketplace", "carriers"])
def test_without_fees_there_is_nothing_to_give_back(name: str, planner: CachingPlanner) -> None:
    case = example(name)
    case = case.changed(baseline=case.shared.series(planner.baseline(case)))
    found = settle(case, "vcg", planner, pivot="clarke", receivers="agents", activity_fee=0.0)
    assert found.budget <= 1e-6 * found.savings
    with pytest.raises(InputError, match="none without a fee"):
        settle(case, "vcg", planner, pivot="clarke", receivers="agents", activity_fee=0.0, redistribution="cavallo")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"receivers": "claimants"}, "none where receivers are claimants: .* with receivers = agents"),
        ({"pivot": "baseline"}, "none under another pivot than clarke"),
        ({"activity_fee": 0.0}, "none without a fee: .* activity_fee or participation_fee"),
        ({"redistribution": "guo_conitzer"}, "got 'guo_conitzer'; allowed: none, cavallo; its coefficients are of ranked bids"),
        ({"redistribution": "bailey"}, "got 'bailey'; allowed: one of none, cavallo"),
    ],
)
def test_where_there_is_no_redistribution_it_is_refused_by_name(
    committed: JointPlanCase, planner: CachingPlanner, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=f"redistribution: .*{words}"):
        settle(committed, "vcg", planner, **{**HELD, "redistribution": "cavallo", **parameters})
