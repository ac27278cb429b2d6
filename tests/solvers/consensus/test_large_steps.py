"""Large steps over the columns that are likely to count are those over all of them; acceleration does no harm."""

from typing import Any

import numpy as np
import pytest

from support.consensus import certified, savings_without
from veridical.data.arrays import Array
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Answer, Consensus, PartyAgent, quadratic
from veridical.solvers.consensus.anderson import FAR, TRIES, Anderson
from veridical.solvers.consensus.penalties import first_rho
from veridical.solvers.planners import Central


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, sites=4, regions=5, products=8, weeks=6, seed=2)


@pytest.fixture
def sifted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have every problem count as large; what is handed out are the ways that were gone."""
    ways: list[str] = []
    whole = quadratic.Quadratic._sifted

    def noted(problem: quadratic.Quadratic, *arguments: Any) -> Any:
        result = whole(problem, *arguments)
        ways.append("sifted")
        return result

    monkeypatch.setattr(quadratic, "SIFTED_FROM", 0)
    monkeypatch.setattr(quadratic.Quadratic, "_sifted", noted)
    return ways


def test_steps_and_bounds_over_likely_columns_are_those_over_all(case: JointPlanCase, sifted: list[str]) -> None:
    random = np.random.default_rng(1)
    agent = PartyAgent(case.part("retailer"))
    count = len(agent.columns)
    plan, rho = random.uniform(0.0, 40.0, count), np.full(count, 0.05)
    for k in range(6):
        price = random.uniform(-2.0, 2.0, count)
        fresh = PartyAgent(case.part("retailer"))  # it has no columns that are likely, and solves over all of them
        step, other = agent.respond(plan, price, rho), fresh.respond(plan, price, rho)
        assert step.plan is not None
        assert other.plan is not None
        np.testing.assert_allclose(step.plan, other.plan, atol=1e-2)
        assert step.value == pytest.approx(other.value, rel=1e-5)
        assert agent.best(price).value == pytest.approx(PartyAgent(case.part("retailer")).best(price).value, rel=1e-5)
        slope = rho * (plan - step.plan) - price
        for _ in range(3):  # a support is below the cost of any plan
            other_plan = random.uniform(0.0, 40.0, count)
            cost = agent.cost(other_plan).value
            assert step.value + float(slope @ other_plan) <= cost + 1e-7 * abs(cost)
        plan = 0.5 * plan + 0.5 * step.plan
        assert len(sifted) >= k


def test_a_plan_of_traces_has_its_cost(case: JointPlanCase) -> None:
    agent = PartyAgent(case.part("retailer"))
    plan = np.random.default_rng(3).uniform(0.0, 40.0, len(agent.columns))
    traces = np.where(plan < 20.0, 1e-7 * plan, plan)
    without = np.where(plan < 20.0, 0.0, plan)
    assert agent.cost(traces).value == pytest.approx(agent.cost(without).value, rel=1e-7)


def test_penalties_are_larger_where_less_is_usual_and_units_are_bulky(case: JointPlanCase) -> None:
    flows = case.shared.flows
    little = {flow.product for flow in flows[:1]}
    volumes = np.array([case.shared.products[flow.product] for flow in flows])
    bulky = np.sqrt(volumes / np.prod(volumes ** (1 / len(volumes))))
    baseline = np.array([1.0 if flow.product in little else 16.0 for flow in flows])
    rho = first_rho(case.shared, baseline, 16.0, 0.5)
    expected = np.array([0.5 * 8.0 if flow.product in little else 0.5 for flow in flows])  # 16 ** 0.75
    np.testing.assert_allclose(rho, expected * bulky)
    np.testing.assert_allclose(first_rho(case.shared, np.full(len(flows), 3.0), 3.0), 0.1 * bulky)


def test_acceleration_comes_back_from_a_point_that_was_worse() -> None:
    anderson = Anderson(np.ones(2))
    first = np.array([1.0, 1.0])
    plain = anderson.next(first, 0.9 * first)
    chosen = anderson.next(plain, 0.9 * plain)
    assert np.abs(chosen).max() < 1e-6  # along a line the fixed point is known
    assert anderson.next(chosen, chosen + 50.0) == pytest.approx(0.9 * plain)


def test_acceleration_ends_where_residuals_do_not_fall() -> None:
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    anderson, point = Anderson(np.ones(2)), np.array([1.0, 0.0])
    for _ in range(60):
        image = turn @ point / np.linalg.norm(point)  # a residual that stays as large as it is
        anderson.next(point, image)
        point = image
    assert anderson.tries >= TRIES
    assert anderson.next(point, turn @ point) == pytest.approx(turn @ point)


def test_residuals_that_hardly_differ_do_not_send_rounds_far_off() -> None:
    anderson, point = Anderson(np.ones(1)), np.zeros(1)
    for k in range(10):  # a drift, as of a price whose flows are at their limits
        image = point + 1.0 + 1e-6 * np.sin(7.0 * k)
        chosen = anderson.next(point, image)
        assert abs(chosen - image)[0] <= FAR * abs(image - point)[0] * (1.0 + 1e-12)
        point = image


@pytest.mark.parametrize(
    ("seed", "weeks", "vendors", "absent"), [(4, 1, 3, "Cedar"), (5, 2, 2, "Birch"), (7, 2, 2, "Birch"), (11, 1, 3, "Birch")]
)
def test_plans_of_very_few_flows_stay_of_a_size_that_parties_can_answer(
    seed: int, weeks: int, vendors: int, absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = pilot(vendors=vendors, sites=1, regions=1, products=1, weeks=weeks, seed=seed)
    start = Central().baseline(case)
    seen = []
    respond = PartyAgent.respond

    def noted(agent: PartyAgent, plan: Array, price: Array, rho: Array) -> Answer:
        seen.append(float(np.abs(plan).max(initial=0.0)))
        return respond(agent, plan, price, rho)

    monkeypatch.setattr(PartyAgent, "respond", noted)
    with Consensus() as planner:
        agreed = planner.plan(case, start, (absent,))
    central = Central().plan(case, start, (absent,))
    saved = savings_without(case, start, central.objective, (absent,))
    certified(agreed, central.objective, max(saved, 1e-6 * central.objective))
    assert max(seen) < 100.0 * start.max()
