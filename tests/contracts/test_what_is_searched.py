"""What an audit of a joint plan searched, whose truth is guaranteed when, and what the search finds where it is not."""

from typing import Any

import pytest

from veridical.contracts.joint_plan.audit import JointPlanAudit, examine, gain
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.misreports import Lie, lies, misreport, split
from veridical.contracts.joint_plan.search import Search
from veridical.data import InputError
from veridical.data.joint_plan import CAPACITY, COST, JointPlanCase, pilot
from veridical.families.joint_plan import solve
from veridical.families.joint_plan_tables import summary
from veridical.solvers.consensus import Consensus, PartyAgent
from veridical.solvers.planners import Central, joint, settle

TERMS: list[dict[str, Any]] = [{"pivot": "baseline"}, {"pivot": "clarke"}, {"pivot": "clarke", "activity_fee": 0.1}]
SEARCHED = ("receiver_ic", "group_ic", "false_name_ic")


@pytest.fixture(scope="module")
def tiny() -> JointPlanCase:
    """Return a retailer and two vendors of two products at one site, two weeks."""
    return pilot(vendors=2, sites=1, regions=1, products=2, weeks=2, seed=1).changed(activity_fee=0.0)


@pytest.fixture(scope="module")
def committed(tiny: JointPlanCase, planner: CachingPlanner) -> JointPlanCase:
    """Return it with orders that the retailer has committed to: a tenth more in week 1 than he would order."""
    orders = settle(tiny, "jit", planner).baseline
    units = [ordered * (1.1 if flow.week == 1 else 1.0) for flow, ordered in zip(tiny.shared.flows, orders.tolist(), strict=True)]
    return tiny.changed(baseline=tiny.shared.series(units))


# --- what could not be tried ---


def test_nothing_tried_is_no_finding(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    found = examine(settle(tiny, "first_price", planner), planner, misreports=0)
    said = found.to_dict()
    assert said["truthful"] is None
    for name in ("dominant_strategy_ic", *SEARCHED):
        result = found.properties[name]
        assert (result.holds, result.searched, bool(result)) == (None, False, False)
        assert result.worst != result.worst
        assert str(result) == f"{name} was not searched"
    assert found.properties["ex_post_ir"].searched
    assert said["max_regret"] != said["max_regret"]


def test_agents_of_users_own_cannot_be_tried_and_are_named(tiny: JointPlanCase) -> None:
    everybody = {name: PartyAgent(tiny.part(name)) for name in tiny.names}
    for own in (tiny.suppliers, tiny.names):
        with Consensus(agents={name: everybody[name] for name in own}) as consensus:
            solution = solve(tiny, "first_price", planner=consensus, misreports=4)
        found = solution.audit
        assert isinstance(found, JointPlanAudit)
        assert found.searched == 0
        assert found.properties["dominant_strategy_ic"].holds is None
        assert found.properties["receiver_ic"].searched is (own == tiny.suppliers)
        assert set(found.not_searched["dominant_strategy_ic"]) == set(tiny.suppliers)
        words = " ".join(str(part) for part in summary(solution))
        assert "no misreport of a supplier could be tried" in words
        assert "not searched" in words


def test_how_many_of_which_kind(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    found = examine(settle(tiny, "vcg", planner), planner, misreports=10)
    assert found.tried["dominant_strategy_ic"] == {
        **{"all costs": 2, "costs by lane": 2, "one figure": 2},
        **{"all capacities": 2, "capacities and costs": 2},
    }
    assert sum(found.tried["receiver_ic"].values()) == 2 + 4
    assert found.tried["group_ic"]["two suppliers"] == 2 + 4 or sum(found.tried["group_ic"].values()) == 2 + 4
    assert found.tried["false_name_ic"] == {"one supplier under two names": 2}
    needs = {kind for lie in lies(tiny, 6, parties=tiny.receivers) for kind in [lie.kind]}
    assert "all needs" in needs


class Handed:
    """A planner of somebody's own, with nothing but what makes plans and prices them."""

    def __init__(self) -> None:
        self.baseline, self.plan, self.costs = (getattr(Central(), name) for name in ("baseline", "plan", "costs"))


def test_a_planner_need_not_say_who_is_fixed(tiny: JointPlanCase) -> None:
    found = solve(tiny, "vcg", planner=Handed(), misreports=4, pivot="clarke").audit
    assert isinstance(found, JointPlanAudit)
    assert (found.searched, found.not_searched) == (4, {})
    assert all(found.properties[name].searched for name in SEARCHED)


def test_under_a_consensus_truth_is_no_dominant_strategy(committed: JointPlanCase, planner: CachingPlanner) -> None:
    """Agents may answer by what others said before; records that are handed over do not."""
    with Consensus() as consensus:
        agreed = solve(committed, "vcg", planner=consensus, misreports=0, receivers="agents")
    central = solve(committed, "vcg", planner=planner, misreports=0, receivers="agents")
    for solution, holds in ((agreed, "ex post: not dominant"), (central, "whatever the others report")):
        assert isinstance(solution.audit, JointPlanAudit)
        said = solution.audit.to_dict()["guarantees"]
        assert all(holds in said[whose] for whose in ("suppliers", "receivers"))
        assert holds in " ".join(" ".join(str(part).split()) for part in summary(solution))
    assert "whatever the others report" not in str(agreed.audit)


def test_what_would_leave_receivers_more_is_what_they_have_not(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    for pivot, said in (("baseline", "sign: the pivot clarke and fees leave"), ("clarke", "sign: fees leave")):
        solution = solve(tiny, "vcg", planner=planner, misreports=0, pivot=pivot)
        assert solution.contracts.residual < 0
        assert said in " ".join(str(part) for part in summary(solution))


# --- better than drawn ---


@pytest.mark.parametrize(("mechanism", "seed"), [("split_savings", 0), ("first_price", 1)])
def test_a_search_finds_more_than_the_best_drawn(tiny: JointPlanCase, planner: CachingPlanner, mechanism: str, seed: int) -> None:
    """Ten draws and what follows from the best of each find nine tenths of what sixty draws do, or more."""
    settlement = settle(tiny, mechanism, planner)
    drawn = max(gain(settlement, lie, planner) for lie in lies(tiny, 60, seed))
    found = examine(settlement, planner, misreports=10, seed=seed)
    assert found.searched == 30
    assert found.max_regret >= 0.9 * drawn > 1e-2 * settlement.savings
    assert not found.truthful


# --- receivers ---


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_a_receiver_who_is_an_agent_gains_by_nothing(
    committed: JointPlanCase, planner: CachingPlanner, terms: dict[str, Any]
) -> None:
    settlement = settle(committed, "vcg", planner, receivers="agents", **terms)
    found = examine(settlement, planner, misreports=16, seed=3)
    assert found.properties["receiver_ic"].holds
    assert found.properties["receiver_ic"].worst <= 1e-6 * found.scale
    assert "truth is best" in found.guarantees["receivers"]
    best = joint(committed, baseline=settlement.start, activity_fee=terms.get("activity_fee", 0.0))
    others = settlement.baseline_cost - settlement.baseline_costs["retailer"]  # alone at the baseline he holds all there
    told = best.objective - best.costs["retailer"]
    assert settlement.transfers["retailer"] == pytest.approx(others - told, abs=1e-6 * settlement.baseline_cost)
    assert settlement.residual == pytest.approx(settlement.net_gains["retailer"], abs=1e-9)
    gains = sum(settlement.net_gains.values())
    assert gains + settlement.budget == pytest.approx(settlement.savings, abs=1e-9 * settlement.baseline_cost)


@pytest.mark.parametrize("pivot", ["baseline", "clarke"])
def test_a_receiver_to_whom_the_rest_is_left_gains_even_if_the_baseline_is_committed(
    committed: JointPlanCase, planner: CachingPlanner, pivot: str
) -> None:
    settlement = settle(committed, "vcg", planner, pivot=pivot)
    assert settlement.baseline_source == "case"
    found = examine(settlement, planner, misreports=20, seed=3)
    result = found.properties["receiver_ic"]
    assert not result.holds
    assert result.worst > 1e-3 * settlement.savings
    assert "assumed" in found.guarantees["receivers"]
    assert found.properties["dominant_strategy_ic"].holds


def test_what_a_receiver_gains_by_another_route(committed: JointPlanCase, planner: CachingPlanner) -> None:
    """What is left to him is his own saving and the budget, with his own record in place of the one he told."""
    settlement = settle(committed, "vcg", planner, pivot="baseline")
    lie = misreport(committed, "retailer", {("holding_cost", None): 4.0})
    told = settle(committed.reporting("retailer", lie.record), "vcg", Central(), pivot="baseline")
    cost = Central().costs(committed, told.units, ["retailer"])["retailer"]
    left = settlement.baseline_costs["retailer"] - cost - sum(told.transfers.values())
    assert gain(settlement, lie, planner) == pytest.approx(left - settlement.residual, abs=1e-6 * settlement.baseline_cost)


def test_receivers_as_agents_need_a_committed_baseline(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    with pytest.raises(InputError, match=r"receivers: got 'agents'; allowed: with a baseline that is committed to"):
        settle(tiny, "vcg", planner, receivers="agents")
    orders = settle(tiny, "jit", planner).start
    assert settle(tiny, "vcg", planner, receivers="agents", baseline=orders).baseline_source == "given"
    assert settle(tiny, "vcg", planner).baseline_source == "computed"


# --- together, and under two names ---


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_vcg_is_not_proof_against_suppliers_together(tiny: JointPlanCase, planner: CachingPlanner, terms: dict[str, Any]) -> None:
    solution = solve(tiny, "vcg", planner=planner, misreports=10, **terms)
    found = solution.audit
    assert isinstance(found, JointPlanAudit)
    assert not found.properties["group_ic"].holds
    assert found.properties["dominant_strategy_ic"].holds  # and alone none of them gains
    assert found.truthful
    assert "Alder and Birch" in found.properties["group_ic"].where
    assert "none" in found.guarantees["suppliers together"]


def test_what_a_group_gains_by_another_route(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    settlement = settle(tiny, "vcg", planner, pivot="clarke")
    group = tuple(misreport(tiny, name, {(COST, None): 1.5, (CAPACITY, None): 0.9}) for name in tiny.suppliers)
    told = tiny
    for lie in group:
        told = told.reporting(lie.party, lie.record)
    other = settle(told, "vcg", Central(), pivot="clarke", baseline=settlement.start)
    costs = Central().costs(tiny, other.units, tiny.suppliers)
    worth = sum(settlement.baseline_costs[name] - costs[name] + other.transfers[name] for name in tiny.suppliers)
    truth = sum(settlement.net_gains[name] for name in tiny.suppliers)
    assert gain(settlement, group, planner) == pytest.approx(worth - truth, abs=1e-6 * settlement.baseline_cost)


def test_under_two_names_a_supplier_is_paid_twice(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    """By the baseline pivot either name gains what all are said to save, while the plan is little worse."""
    settlement = settle(tiny, "vcg", planner, pivot="baseline")
    tried = Search(settlement, planner, 10, 0).twice()
    assert max(one.misreport.gain for one in tried.compared) > 0.5 * settlement.savings
    apart = split(tiny, "Alder")
    assert apart is not None
    told, names, _ = apart
    assert told.suppliers == (*names, "Birch")
    assert [flow[1:] for flow in told.shared.flows] == [flow[1:] for flow in tiny.shared.flows]
    halves = [told.party(name) for name in names]
    whole = tiny.party("Alder")
    assert {**halves[0].production_cost, **halves[1].production_cost} == dict(whole.production_cost)
    assert halves[0].handling_capacity[1] + halves[1].handling_capacity[1] == pytest.approx(whole.handling_capacity[1])


def test_gains_are_in_the_money_of_the_case(tiny: JointPlanCase, planner: CachingPlanner) -> None:
    """Everything in cents: a hundred times each gain."""
    cents = tiny.changed(
        routes=tuple(route._replace(price=100 * route.price) for route in tiny.shared.routes),
        parties=tuple(party.scaled(COST, 100.0) for party in tiny.parties),
        tie_break=100 * tiny.mechanism.tie_break,
    )
    first, second = (settle(case, "vcg", planner, pivot="clarke") for case in (tiny, cents))
    told: dict[str, dict[tuple[str, str | None], float]] = {
        "retailer": {("holding_cost", None): 3.0},
        "Alder": {(COST, None): 1.2},
    }
    for name, factors in told.items():
        one, other = (gain(settlement, misreport(settlement.case, name, factors), planner) for settlement in (first, second))
        assert other == pytest.approx(100 * one, abs=1e-4 * first.savings * 100)
    assert isinstance(misreport(tiny, "Alder", {(COST, None): 1.2}), Lie)
