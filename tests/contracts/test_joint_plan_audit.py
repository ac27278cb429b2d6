"""Who would misreport under which transfers: by hand, by search, and what an audit says of settlements that are wrong."""

import json
from dataclasses import replace
from typing import Any

import pytest

from veridical.contracts import PROPERTIES, Settlement, audit
from veridical.contracts.joint_plan.audit import JointPlanAudit, examine, gain
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.misreports import KINDS, Lie, lies
from veridical.contracts.joint_plan.search import scale
from veridical.data import CertificateError, example
from veridical.data.joint_plan import COST, JointPlanCase, Party, carriers, marketplace, pilot
from veridical.families.joint_plan import solve
from veridical.solvers.planners import Central, settle

TRUTHFUL: list[dict[str, Any]] = [
    {"pivot": "baseline"},
    {"pivot": "clarke"},
    {"pivot": "clarke", "activity_fee": 0.1},
]


@pytest.fixture(scope="module")
def pair() -> JointPlanCase:
    """Return a retailer and two vendors, of which either can make either product."""
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=3, seed=3).changed(activity_fee=0.0)


# --- misreports ---


def differing(own: Party, told: Party) -> dict[str, set[str]]:
    """Return the kinds of the fields in which two records differ, with the fields' names."""
    found: dict[str, set[str]] = {}
    for name, column in own.columns().items():
        if getattr(own, name) != getattr(told, name):
            found.setdefault(column.kind, set()).add(name)
    return found


@pytest.mark.parametrize("generate", [pilot, marketplace, carriers])
def test_misreports_are_of_every_kind(generate: Any) -> None:
    case = generate(weeks=2)
    found = list(lies(case, 60, seed=4))
    assert len(found) == 60
    assert {lie.party for lie in found} == set(case.suppliers)
    seen = {tuple(sorted(differing(case.party(lie.party), lie.record))) for lie in found}
    assert {("cost",), ("capacity",), ("capacity", "cost")} <= seen <= {("cost",), ("capacity",), ("capacity", "cost"), ()}
    kinds = [differing(case.party(lie.party), lie.record) for lie in found]
    assert any(len(names) == 1 for kind in kinds for names in kind.values())  # single fields
    lanes = [lie for lie in found if lie.report.startswith("costs of")]
    by_site = [set(lie.record.contract_cost.values()) for lie in lanes]  # type: ignore[attr-defined]
    assert all(len(costs) == len(case.shared.sites) for costs in by_site)
    assert found == list(lies(case, 60, seed=4))
    assert found != list(lies(case, 60, seed=5))
    assert len(KINDS) == 5


# --- gains that are known ---


@pytest.mark.parametrize(("mechanism", "share"), [("first_price", 1.0), ("split_savings", None)])
def test_a_gain_worked_out_from_records(
    pair: JointPlanCase, planner: CachingPlanner, mechanism: str, share: float | None
) -> None:
    """At one and the same plan only the transfer moves, by what the reported saving moves."""
    truth = settle(pair, mechanism, planner)
    name = pair.suppliers[0]
    record = pair.party(name).scaled("production_cost", 1.0 + 1e-9)
    told = settle(pair.reporting(name, record), mechanism, planner, baseline=truth.start)
    claimed = told.costs[name] - told.baseline_costs[name] - (truth.costs[name] - truth.baseline_costs[name])
    part = 1.0 if share else 1.0 - pair.mechanism.share / 2
    assert gain(truth, Lie(name, record, ""), planner) == pytest.approx(part * claimed, abs=1e-4)


def test_under_vcg_a_lie_costs_what_the_plan_costs_more(pair: JointPlanCase, planner: CachingPlanner) -> None:
    truth = settle(pair, "vcg", planner)
    for lie in lies(pair, 6, seed=1):
        told = settle(pair.reporting(lie.party, lie.record), "vcg", planner, baseline=truth.start)
        wasted = sum(planner.costs(pair, told.units).values()) - truth.plan_cost
        assert gain(truth, lie, planner) == pytest.approx(-wasted, abs=1e-9 * truth.baseline_cost)
        assert wasted >= -1e-6 * truth.savings


# --- searches ---


@pytest.mark.parametrize("name", ["pilot", "marketplace", "carriers"])
def test_truth_is_best_where_it_should_be_and_beaten_where_not(name: str) -> None:
    """Five hundred misreports a case are tried in benchmarks/misreports.py."""
    case, planner = example(name), CachingPlanner(Central())
    for parameters in TRUTHFUL[:2]:
        settlement = settle(case, "vcg", planner, **parameters)
        alone = PROPERTIES["dominant_strategy_ic"](settlement, planner=planner)  # receivers and groups: test_what_is_searched
        assert alone.holds
        assert alone.worst <= 1e-6 * scale(settlement)
        assert min(settlement.net_gains[name] for name in case.suppliers) >= -1e-6
        assert settlement.excess is not None
        assert settlement.excess <= 1e-6 * scale(settlement)
    for mechanism in ("split_savings", "first_price"):
        found = examine(settle(case, mechanism, planner), planner=planner, misreports=6)
        assert not found.truthful
        assert found.misreports[0].gain == found.max_regret > 1e-2 * found.scale
        assert found.excess is None


@pytest.mark.parametrize(
    "parameters",
    [*TRUTHFUL, *({"pivot": "clarke", "participation_fee": 20.0, "activity_fee": fee} for fee in (0.0, 0.2))],
    ids=str,
)
def test_nobody_gains_however_many_misreports(pair: JointPlanCase, planner: CachingPlanner, parameters: dict[str, Any]) -> None:
    found = examine(settle(pair, "vcg", planner, **parameters), planner=planner, misreports=10, seed=7)
    assert found.searched == 10
    assert found.truthful
    assert found.relative_regret <= 1e-6
    assert found.individually_rational
    assert found.min_net_gain >= -1e-6


def test_agv_is_held_to_expectations(pair: JointPlanCase, planner: CachingPlanner) -> None:
    found = examine(settle(pair, "agv", planner, cost_factors=(1.0, 1.2)), planner=planner, misreports=2)
    assert found.incentive_concept == "bayesian_ic"
    assert found.properties["bayesian_ic"].holds
    assert found.properties["bayesian_ic"].worst < 0  # other reports change the plan, and cost
    assert found.properties["budget"].holds
    assert "all costs x" in found.properties["bayesian_ic"].where


# --- settlements that are wrong ---


def test_who_loses_is_named(pair: JointPlanCase, planner: CachingPlanner) -> None:
    fair = settle(pair, "first_price", planner)
    name = pair.suppliers[1]
    robbed = replace(fair, transfers={**fair.transfers, name: fair.transfers[name] - 5.0})
    found = examine(robbed, planner=planner, misreports=0)
    assert not found.individually_rational
    assert found.min_net_gain == pytest.approx(-5.0, abs=1e-6)
    assert name in str(found.properties["ex_post_ir"])
    assert examine(fair, planner=planner, misreports=0).individually_rational
    assert isinstance(audit(fair, planner=planner, misreports=0), JointPlanAudit)


def test_costs_that_are_not_the_plans_are_seen(pair: JointPlanCase, planner: CachingPlanner) -> None:
    solution = solve(pair, "vcg", planner=planner, misreports=2)
    assert solution.checked(("dominant_strategy_ic", "ex_post_ir", "savings")) is solution
    wrong = replace(solution.contracts, units=solution.contracts.start)
    with pytest.raises(CertificateError, match="fails its certificate"):
        replace(solution, audit=examine(wrong, planner=planner, misreports=0)).checked(("ex_post_ir",))
    with pytest.raises(CertificateError, match="budget fails"):
        solution.checked(("budget",))


def test_transfers_that_reward_a_lie_are_seen(pair: JointPlanCase, planner: CachingPlanner) -> None:
    """What each is paid is turned down to first price under the name of VCG: then every lie that VCG pays for pays."""
    fair = settle(pair, "vcg", planner, pivot="baseline")
    turned = replace(fair, transfers=settle(pair, "first_price", planner).transfers)
    found = examine(turned, planner=planner, misreports=6)
    assert not found.truthful
    assert found.max_regret > 0.5 * found.scale


# --- what is handed out ---


def test_solution(pair: JointPlanCase) -> None:
    solution = solve(pair, "vcg", "highs", misreports=3, seed=1, pivot="clarke")
    settlement, checked = solution.contracts, solution.audit
    assert isinstance(settlement, Settlement)
    assert isinstance(checked, JointPlanAudit)
    assert solution.objective == settlement.plan_cost
    assert 0 <= solution.objective - solution.bound + 1e-9 * solution.objective <= 1e-6 * solution.objective
    assert solution.menu is not None
    assert solution.menu.index.tolist() == list(pair.names)
    assert {"agreement", "handling", "lane_contract"} <= set(solution.duals)
    said = json.loads(json.dumps(solution.to_dict()))
    assert {"case", "mechanism", "status", "objective", "bound", "solver", "certificate", "audit", "duals", "sensitivity"} <= set(
        said
    )
    assert {"plan_cost", "baseline_cost", "parties", "budget"} <= set(said)
    assert {"max_regret", "min_net_gain", "misreports"} <= set(said["audit"])
    assert said["audit"]["searched"] == 3
    assert said["parameters"]["pivot"] == "clarke"
    seconds = solution.solver.seconds
    assert seconds.total > 0


def test_whole_trucks_are_held_to_their_gap() -> None:
    case = pilot(vendors=2, sites=1, regions=2, products=2, weeks=2).changed(truckload=True, truck_volume=5.0)
    solution = solve(case, "vcg", {"solver": "highs", "tolerance": 1e-3}, misreports=4)
    found = solution.audit
    assert isinstance(found, JointPlanAudit)
    assert found.excess is not None
    assert found.excess == pytest.approx(solution.objective - solution.bound, abs=1e-9)
    assert found.properties["dominant_strategy_ic"].worst <= max(found.excess, 1e-6 * found.scale)
    assert found.truthful
    assert solution.duals == {}


def test_costs_scale_in_a_report(pair: JointPlanCase) -> None:
    own = pair.party(pair.suppliers[0])
    assert differing(own, own.scaled(COST, 1.3)).keys() == {"cost"}
