"""Answers that leave values out, and suppliers who blur theirs: what they prove stays so, and who knows nothing of it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from support.consensus import certified, consensus, savings
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase
from veridical.solvers.consensus import Answer, Consensus, NoAnswer, PartyAgent
from veridical.solvers.consensus.claims import support_of
from veridical.solvers.consensus.messages import Question

Array = NDArray[np.float64]


class Plain:
    """An agent of a user's own that knows of no option: the methods of `Agent` and no others."""

    interface = "proximal"

    def __init__(self, agent: PartyAgent) -> None:
        self.respond, self.best, self.marginal = agent.respond, agent.best, agent.marginal
        self.cost, self.fix = agent.cost, agent.fix


def plain(case: JointPlanCase) -> dict[str, Plain]:
    return {name: Plain(PartyAgent(case.part(name))) for name in case.names}


def plan_of(agent: PartyAgent, centre: Array, price: Array, rho: Array) -> Array:
    plan = agent.respond(centre, price, rho).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize("given", [False, True], ids=["all free", "some given"])
@pytest.mark.parametrize("noise", [0.01, 0.5])
def test_what_blurred_answers_prove_is_so(network: JointPlanCase, baseline: Array, noise: float, given: bool) -> None:
    """No support is above the cost of a plan, whatever the factors, the question, the plan and the flows that are given."""
    rng = np.random.default_rng(5)
    for seed, name in enumerate(network.names):
        start = baseline[network.shared.share(name)]
        agent, exact = PartyAgent(network.part(name), noise=noise, seed=seed), PartyAgent(network.part(name))
        fixed = np.where((np.arange(len(start)) % 3 == 0) & given, start, np.nan)
        agent.fix(fixed)
        plans = [np.where(np.isnan(fixed), start * rng.uniform(0, 3, len(start)), fixed) for _ in range(6)]
        costs = [exact.cost(plan).value for plan in plans]
        for centre in plans[:3]:
            for question in (
                Question("respond", (centre, rng.normal(0, 5, len(start)), rng.uniform(0.01, 1, len(start)))),
                Question("marginal", (centre,)),
            ):
                value, slope = support_of(question, getattr(agent, question.method)(*question.arguments))
                for plan, cost in zip(plans, costs, strict=True):
                    assert value + float(slope @ plan) <= cost + 1e-6 * (abs(cost) + float(np.abs(slope) @ plan))


def test_a_supplier_answers_times_a_factor_of_each_site_and_a_receiver_as_it_is(network: JointPlanCase, baseline: Array) -> None:
    for name in network.names:
        share = network.shared.share(name)
        start, price, rho = baseline[share], np.linspace(-1.0, 1.0, len(share)), np.full(len(share), 0.02)
        exact = PartyAgent(network.part(name))
        step = plan_of(PartyAgent(network.part(name), noise=0.2, seed=3), start, price, rho)
        if name in network.receivers:
            np.testing.assert_array_equal(step, plan_of(exact, start, price, rho))
            continue
        sites = np.array([network.shared.flows[k].site for k in share])
        levels = [1 + 0.2 * draw for draw in np.random.default_rng(3).uniform(-1, 1, len(set(sites)))]
        factor = np.array([levels[sorted(set(sites)).index(site)] for site in sites])
        np.testing.assert_allclose(step, factor * plan_of(exact, start / factor, price, rho * factor), rtol=1e-12)
        assert np.abs(factor - 1).min() > 1e-3
        again = PartyAgent(network.part(name), noise=0.2)  # nobody is told its seed
        assert np.abs(plan_of(again, start, price, rho) - step).max() > 1e-3


@pytest.mark.parametrize("noise", [0.02, 0.2])
@pytest.mark.parametrize("draw", range(2))
def test_the_gap_that_is_told_is_true(
    network: JointPlanCase, baseline: Array, central_plan: Plan, noise: float, draw: int
) -> None:
    """With seeds: how near it comes depends on the factors, and few draws leave more than the noise, see `Options`."""
    saved = savings(network, baseline, central_plan)
    agents = {name: PartyAgent(network.part(name), noise=noise, seed=10 * draw + k) for k, name in enumerate(network.suppliers)}
    with Consensus({"solver": "consensus", "options": {"gap": noise}}, agents=agents) as planner:
        blurred = planner.plan(network, baseline)
    certified(blurred, central_plan.objective, saved, gap=noise)
    assert blurred.progress.gap <= noise


def test_the_option_blurs_suppliers_and_no_receiver(network: JointPlanCase, baseline: Array, central_plan: Plan) -> None:
    """Whatever is drawn: the largest gap seen with this noise was 0.3."""
    with consensus(noise=0.2, gap=0.9) as planner:
        blurred = planner.plan(network, baseline)
        assert planner.workers is not None
        assert {name: spec.noise for name, spec in planner.workers.specs.items()} == {
            name: 0.2 if name in network.suppliers else 0.0 for name in network.names
        }
    certified(blurred, central_plan.objective, savings(network, baseline, central_plan), gap=0.9)
    assert blurred.solution.solver.options["noise"] == 0.2


def test_gaps_that_noise_puts_out_of_reach_say_so(network: JointPlanCase, baseline: Array) -> None:
    with pytest.raises(
        NotSolvedError, match=r"suppliers answer with noise = 0.3, and gaps below three times that may be out of reach$"
    ):
        consensus(noise=0.3, gap=1e-6, rounds=10).plan(network, baseline)


def test_without_the_options_nothing_is_left_out_and_nothing_blurred(network: JointPlanCase, agreed_plan: Plan) -> None:
    methods = {message.method for message in agreed_plan.log.messages}
    assert methods == {"cost", "marginal", "respond", "best"}
    assert all(np.isfinite(message.answer.value) for message in agreed_plan.log.messages)
    assert all(len(message.arguments) == 3 for message in agreed_plan.log.messages if message.method == "respond")


def test_values_come_with_checks_alone(network: JointPlanCase, baseline: Array) -> None:
    with consensus(values="checks", check=7) as planner:
        quiet = planner.plan(network, baseline)
    for message in quiet.log.messages:
        if message.round and message.round % 7:
            assert message.method == "step"
            assert message.answer.value == -np.inf
        else:
            assert message.method != "step"
            assert np.isfinite(message.answer.value)


class SilentAtChecks(PartyAgent):
    """A party's agent that never answers in a round with a check."""

    asked = 0

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        self.asked += 1
        if self.asked % 5 == 0:
            raise NoAnswer
        return super().respond(plan, price, rho)


def test_who_is_silent_at_checks_tells_a_support_after(network: JointPlanCase, baseline: Array, central_plan: Plan) -> None:
    name = network.suppliers[0]
    agents = {name: SilentAtChecks(network.part(name))}
    with Consensus({"solver": "consensus", "options": {"values": "checks"}}, agents=agents) as planner:
        found = planner.plan(network, baseline)
    certified(found, central_plan.objective, savings(network, baseline, central_plan))
    told = {message.round for message in found.log.of(name) if message.method == "respond"}
    assert told
    assert all(number % 5 == 1 for number in told)


@pytest.mark.parametrize("options", [{"values": "checks"}, {"noise": 0.3}], ids=["values", "noise"])
def test_agents_of_ones_own_go_on_as_before(
    network: JointPlanCase, baseline: Array, agreed_plan: Plan, options: dict[str, Any]
) -> None:
    with Consensus({"solver": "consensus", "options": options}, agents=plain(network)) as planner:
        found = planner.plan(network, baseline)
    np.testing.assert_array_equal(found.units, agreed_plan.units)
    assert found.bound == agreed_plan.bound
    assert {message.method for message in found.log.messages} == {"cost", "marginal", "respond", "best"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -0.1}, r"noise: got -0\.1; allowed: a number from 0 to 0\.5"),
        ({"noise": 0.6}, r"noise: got 0\.6; allowed: a number from 0 to 0\.5"),
        ({"noise": True}, r"noise: got True; allowed: a number from 0 to 0\.5"),
        ({"values": "never"}, r"values: got 'never'; allowed: one of always, checks"),
    ],
)
def test_what_they_can_be_is_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        consensus(**options)


def test_noise_of_suppliers_who_answer_for_prices_is_refused(network: JointPlanCase, baseline: Array) -> None:
    name = network.suppliers[0]
    with pytest.raises(InputError, match=rf"options\.noise: got 0\.1; allowed: 0, or proximal suppliers; {name} is dual"):
        consensus(noise=0.1, interfaces={name: "dual"}, strong_convexity={name: 1.0}).plan(network, baseline)
