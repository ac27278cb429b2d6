"""Consensus: the plan of those who hand over no tables is the central one, proven; options, and what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from support.consensus import GAP, certified, consensus, savings
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, carriers
from veridical.solvers.consensus import Consensus, PartyAgent, quadratic
from veridical.solvers.planners import Central

Array = NDArray[np.float64]


def test_agrees_with_the_central_plan(network: JointPlanCase, baseline: Array, central_plan: Plan, agreed_plan: Plan) -> None:
    saved = savings(network, baseline, central_plan)
    assert saved > 0.05 * central_plan.objective
    certified(agreed_plan, central_plan.objective, saved)
    assert agreed_plan.progress.converged
    assert agreed_plan.progress.gap <= GAP
    own = Central().costs(network, agreed_plan.units)  # one and the same plan is priced, by everybody
    assert agreed_plan.costs == pytest.approx(own, rel=1e-6)


def test_prices_are_the_central_duals_where_goods_flow(network: JointPlanCase, baseline: Array, central_plan: Plan) -> None:
    with consensus(gap=1e-5) as planner:
        agreed = planner.plan(network, baseline)
    duals = central_plan.prices.reindex(agreed.prices.index)
    flowing = (central_plan.units > 1.0) & (agreed.units > 1.0)  # at 0 units every price between the two marginal costs is right
    assert flowing.sum() > 20
    scale = float(duals.abs().max())
    assert np.abs(agreed.prices - duals)[flowing].max() < 1e-3 * scale


def test_the_baseline_is_the_central_one(network: JointPlanCase, baseline: Array) -> None:
    with consensus() as planner:
        # the tie-break is weak: at 1e-9 of the cost left, plans differ by about sqrt(2e-9 cost / tie-break)
        np.testing.assert_allclose(planner.baseline(network), baseline, atol=0.5)
        with pytest.raises(NotSolvedError, match="consensus ran out of rounds after 5 rounds"):
            consensus(rounds=5).plan(network, baseline)


def test_held_parties_stay_and_are_not_asked_for_plans(network: JointPlanCase, baseline: Array, central_plan: Plan) -> None:
    held = network.suppliers[0]
    with consensus() as planner:
        everybody = planner.plan(network, baseline)
        without = planner.plan(network, baseline, non_participants=[held])
        np.testing.assert_allclose(planner.baseline(network), baseline, atol=0.5)  # nobody is held any more
    expected = Central().plan(network, baseline, non_participants=[held])
    share = network.shared.share(held)
    np.testing.assert_array_equal(without.units[share], baseline[share])
    certified(without, expected.objective, savings(network, baseline, central_plan))
    assert {message.method for message in without.log.of(held)} == {"cost"}
    assert without.costs[held] == pytest.approx(Central().costs(network, baseline)[held], rel=1e-6)
    assert without.objective > everybody.objective - without.costs[held]


def test_receivers_can_be_held_and_everybody_too() -> None:
    case = carriers(shippers=2, carriers=2, lanes=2, weeks=3)
    start = Central().baseline(case)
    held = case.receivers[:1]
    with consensus() as planner:
        found = planner.plan(case, start, non_participants=held)
        expected = Central().plan(case, start, non_participants=held)
        before = planner.costs(case, start)
        certified(found, expected.objective, sum(before[name] for name in case.names if name not in held) - expected.objective)
        nothing = planner.plan(case, start, non_participants=case.receivers)
    np.testing.assert_array_equal(nothing.units, start)
    assert nothing.objective == pytest.approx(sum(before[name] for name in case.suppliers))


def test_activity_fee(network: JointPlanCase, baseline: Array, central_plan: Plan) -> None:
    with consensus() as planner:
        found = planner.plan(network, baseline, activity_fee=3.0)
    expected = Central().plan(network, baseline, activity_fee=3.0)
    certified(found, expected.objective, sum(Central().costs(network, baseline).values()) - expected.objective)
    assert found.fee == pytest.approx(3.0 * float(network.shared.volume @ np.abs(found.units - baseline)))
    assert np.abs(found.units - baseline).sum() < np.abs(central_plan.units - baseline).sum()
    assert (found.units == baseline).sum() > (
        np.abs(central_plan.units - baseline) < 1e-6
    ).sum()  # small changes are not worth the fee


def test_both_engines_give_the_same_steps(network: JointPlanCase, baseline: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIQP for small problems and HiPO for large ones; also where flows are given, and where a price has no best plan."""
    price, rho = np.full(len(baseline), 2.0), np.full(len(baseline), 0.01)
    for name in network.names:
        share = network.shared.share(name)
        given = np.full(len(share), np.nan)
        given[:3] = baseline[share][:3]
        answers = []
        for large in (50_000, 0):
            monkeypatch.setattr(quadratic, "LARGE", large)
            agent = PartyAgent(network.part(name))
            answers.append([agent.respond(baseline[share], price[share], rho[share]), agent.cost(baseline[share])])
            agent.fix(given)
            answers[-1].append(agent.respond(baseline[share], price[share], rho[share]))
        for one, other in zip(*answers, strict=True):
            assert one.value == pytest.approx(other.value, rel=1e-6)
            if one.plan is not None:
                np.testing.assert_allclose(one.plan, other.plan, atol=0.05)  # sqrt(2 * 1e-9 * cost / rho)
    linear = network.reporting(name, network.party(name).scaled("lane_congestion", 0.0))
    for large in (50_000, 0):
        monkeypatch.setattr(quadratic, "LARGE", large)
        assert PartyAgent(linear.part(name)).best(np.full(len(share), -1e4)).value == -np.inf


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"roh": 1.0}, "options.roh: got 1.0; allowed: an option of consensus; near it: rho"),
        ({"gap": 0}, "gap: got 0; allowed: a finite number > 0"),
        ({"relaxation": 2.0}, "relaxation: got 2.0; allowed: a number from 1 to below 2"),
        ({"workers": "ray"}, "workers: got 'ray'; allowed: one of inline, processes, dask, network"),
        ({"rounds": 0}, "rounds: got 0; allowed: a whole number >= 1"),
        ({"interfaces": {"retailer": "primary"}}, "interfaces.retailer: got 'primary'; allowed: one of proximal, dual, primal"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        consensus(**options)


def test_what_does_not_fit_the_case_is_refused(network: JointPlanCase, baseline: Array) -> None:
    with pytest.raises(InputError, match="parties: retailer, Alder"):
        consensus(interfaces={"Nobody": "dual"}).plan(network, baseline)
    with pytest.raises(InputError, match="the address of a Dask scheduler"):
        consensus(workers="dask").plan(network, baseline)
    with pytest.raises(InputError, match="truckload: got True"):
        consensus().plan(network.changed(truckload=True), baseline)
    with pytest.raises(InputError, match="party: got 'Nobody'"):
        consensus().plan(network, baseline, non_participants=["Nobody"])
    with pytest.raises(InputError, match="solver: got 'highs'; allowed: consensus"):
        Consensus("highs")


def test_a_report_changes_its_own_agent_alone(network: JointPlanCase, baseline: Array) -> None:
    name = network.suppliers[0]
    record = network.party(name)
    dearer = network.reporting(name, record.scaled("cost", 1.5))
    with consensus() as planner:
        planner.plan(network, baseline)
        agents = dict(planner.workers.agents)  # type: ignore[union-attr]
        told = planner.plan(dearer, baseline)
        again = planner.workers.agents  # type: ignore[union-attr]
        assert [other for other in network.names if agents[other] is not again[other]] == [name]
    expected = Central().plan(dearer, baseline)
    certified(told, expected.objective, sum(Central().costs(dearer, baseline).values()) - expected.objective)
