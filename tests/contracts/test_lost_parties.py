"""Parties that are lost while a settlement is made: in every plan or in none, and never in secret."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from veridical.contracts.joint_plan.audit import examine
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase
from veridical.families.joint_plan import solve
from veridical.solvers.planners import Central, joint, settle


class Losing(Central):
    """A planner that loses a party on the way to the plan with number `at`, for good; `stopped`: and with it the plan."""

    def __init__(self, name: str, at: int, stopped: bool = False) -> None:
        super().__init__()
        self.name, self.at, self.stopped, self.made = name, at, stopped, 0

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        self.made += 1
        if self.made < self.at or self.name in non_participants:
            return super().plan(case, baseline, non_participants, activity_fee)
        absent = non_participants if self.stopped else (*non_participants, self.name)
        plan = super().plan(case, baseline, absent, activity_fee)
        return replace(plan, lost=(self.name,), stopped=self.stopped, non_participants=tuple(non_participants))


@pytest.mark.parametrize(("pivot", "at"), [("baseline", 1), ("clarke", 1), ("clarke", 2), ("clarke", 3)])
def test_who_is_lost_is_at_the_baseline_in_every_plan(three_vendors: JointPlanCase, pivot: str, at: int) -> None:
    """With the pivot clarke the first plan is that of all, and the others are without one of them."""
    gone, *others = three_vendors.suppliers[::-1]
    found = settle(three_vendors, "vcg", CachingPlanner(Losing(gone, at)), pivot=pivot)
    assert found.lost == found.non_participants == (gone,)
    assert found.transfers[gone] == found.net_gains[gone] == 0.0
    total = joint(three_vendors, baseline=found.start, non_participants=[gone]).objective
    for name in others:
        if pivot == "baseline":
            ahead = found.baseline_cost - found.baseline_costs[gone]
        else:
            least = joint(three_vendors, baseline=found.start, non_participants=[gone, name]).objective
            ahead = least + found.baseline_costs[name]
        assert found.net_gains[name] == pytest.approx(ahead - total, abs=1e-6 * found.baseline_cost)
    said = found.to_dict()
    assert said["lost"] == [gone]
    assert {party["name"]: party["takes_part"] for party in said["parties"]} == {
        name: name != gone for name in three_vendors.names
    }


@pytest.mark.parametrize(("at", "who"), [(1, "retailer"), (1, "Birch"), (2, "Birch")])
def test_where_a_loss_ends_the_planning_nobody_is_paid(three_vendors: JointPlanCase, at: int, who: str) -> None:
    solution = solve(three_vendors, planner=Losing(who, at, stopped=True), pivot="clarke", misreports=2)
    found = solution.contracts
    assert (str(solution.status), found.lost, found.unpaid) == ("incomplete", (who,), True)
    assert set(found.transfers.values()) == {0.0}
    assert solution.bound != solution.bound
    assert solution.certificate.proves == "feasible"
    assert who in solution.certificate.basis
    assert not solution.audit.properties["dominant_strategy_ic"].searched  # type: ignore[union-attr]


def test_a_solution_without_a_party_is_incomplete_and_has_no_bound(three_vendors: JointPlanCase) -> None:
    solution = solve(three_vendors, planner=Losing("Birch", 2), pivot="clarke", misreports=3)
    assert str(solution.status) == "incomplete"
    assert solution.bound != solution.bound
    assert solution.certificate.holds
    assert "Birch" in solution.certificate.basis
    tried = solution.audit
    assert tried is not None
    assert tried.to_dict()["not_searched"]["dominant_strategy_ic"] == ("Birch",)
    assert tried.truthful


@pytest.mark.parametrize("mechanism", ["split_savings", "first_price", "agv"])
def test_other_mechanisms_pay_those_who_are_there(two_vendors: JointPlanCase, mechanism: str) -> None:
    """Without A, B sends 4, 6: retailer 104, B 40 - 50 = -10; 88 + 16 - 10 = 78 in all, 10 less than at the baseline."""
    priors = {"cost_factors": (1.0, 1.2)} if mechanism == "agv" else {}
    found = settle(two_vendors, mechanism, CachingPlanner(Losing("A", 1)), **priors)
    paid = {"split_savings": 5.0 - 14.0, "first_price": -14.0, "agv": 0.0}[mechanism]
    assert found.lost == ("A",)
    assert found.savings == pytest.approx(10.0, abs=1e-6)
    assert found.transfers == pytest.approx({"retailer": 0.0, "A": 0.0, "B": paid}, abs=1e-6)


def test_who_is_lost_in_an_audit_ends_the_search_and_is_named(two_vendors: JointPlanCase) -> None:
    settlement = settle(two_vendors, "vcg", CachingPlanner(Central()))
    found = examine(settlement, Losing("A", 1), misreports=4)
    assert found.properties["dominant_strategy_ic"].holds is None
    assert found.not_searched["dominant_strategy_ic"] == ("A",)


class Insisting(Central):
    """A planner that says of every plan that `names` were lost, also of those that they take no part in."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def plan(
        self, case: JointPlanCase, baseline: Array, non_participants: Collection[str] = (), activity_fee: float = 0.0
    ) -> Plan:
        return replace(super().plan(case, baseline, non_participants, activity_fee), lost=self.names)


@pytest.mark.parametrize("mechanism", ["jit", "vcg", "split_savings", "first_price"])
@pytest.mark.parametrize(("names", "there"), [(("A",), "retailer, B"), (("A", "B"), "retailer"), (("C",), "retailer, A, B")])
def test_a_planner_that_loses_the_same_party_again_and_again_is_refused(
    two_vendors: JointPlanCase, mechanism: str, names: tuple[str, ...], there: str
) -> None:
    """Who is lost takes no part in the next plan, so that nobody can be lost twice, and C was never there."""
    with pytest.raises(InputError, match=f"planner: got <a plan that lost {', '.join(names)}>; allowed: .* {there}$"):
        settle(two_vendors, mechanism, CachingPlanner(Insisting(*names)))


def test_who_is_lost_while_expectations_are_audited_leaves_them_untried(two_vendors: JointPlanCase) -> None:
    settlement = settle(two_vendors, "agv", CachingPlanner(Central()), cost_factors=(1.0, 1.2))
    assert examine(settlement, Central()).properties["bayesian_ic"].searched
    for at in (1, 3):
        found = examine(settlement, Losing("A", at))
        assert not found.properties["bayesian_ic"].searched
        assert found.not_searched["bayesian_ic"] == ("A", "B")
