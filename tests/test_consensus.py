"""Consensus: the plan of those who reveal no costs is the central one, proven, and nothing private leaves an agent."""

from __future__ import annotations

import importlib
import itertools
import pickle
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veridical.contracts.joint_plan.planner import Planned
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, Values, carriers, pilot
from veridical.solvers.consensus import Answer, Consensus, NoAnswer, Options, PartyAgent, Question, Round, quadratic
from veridical.solvers.consensus.exchange import Exchange, Public
from veridical.solvers.consensus.workers import Here, Processes, Start
from veridical.solvers.planners import Central

Array = NDArray[np.float64]
GAP = 1e-3  # of the savings: the default


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=3, sites=2, regions=2, products=3, weeks=5, seed=1)


@pytest.fixture(scope="module")
def start(case: JointPlanCase) -> Array:
    return Central().baseline(case)


@pytest.fixture(scope="module")
def central(case: JointPlanCase, start: Array) -> Planned:
    return Central().plan(case, start)


@pytest.fixture(scope="module")
def agreed(case: JointPlanCase, start: Array) -> Iterator[Planned]:
    with Consensus() as planner:
        yield planner.plan(case, start)


def savings(case: JointPlanCase, start: Array, central: Planned) -> float:
    return sum(Central().costs(case, start).values()) - central.objective


def consensus(**options: Any) -> Consensus:
    return Consensus({"solver": "consensus", "options": options})


def true(planned: Planned, optimum: float, saved: float, gap: float = GAP) -> None:
    """The certificate is true: bound <= optimum <= cost, and as close as it says."""
    small = 1e-7 * abs(optimum)  # what the central optimum itself is known to
    assert planned.bound - small <= optimum <= planned.objective + small
    assert planned.objective - planned.bound <= gap * saved * (1 + GAP) + small


def test_agrees_with_the_central_plan(case: JointPlanCase, start: Array, central: Planned, agreed: Planned) -> None:
    saved = savings(case, start, central)
    assert saved > 0.05 * central.objective
    true(agreed, central.objective, saved)
    assert agreed.progress.converged
    assert agreed.progress.gap <= GAP
    own = Central().costs(case, agreed.plan)  # one and the same plan is priced, by everybody
    assert agreed.costs == pytest.approx(own, rel=1e-6)


def test_prices_are_the_central_duals_where_goods_flow(case: JointPlanCase, start: Array, central: Planned) -> None:
    with consensus(gap=1e-5) as planner:
        agreed = planner.plan(case, start)
    duals = central.prices.reindex(agreed.prices.index)
    flowing = (central.plan > 1.0) & (agreed.plan > 1.0)  # at 0 units every price between the two marginal costs is right
    assert flowing.sum() > 20
    scale = float(duals.abs().max())
    assert np.abs(agreed.prices - duals)[flowing].max() < 1e-3 * scale


def test_the_baseline_is_the_central_one(case: JointPlanCase, start: Array) -> None:
    with consensus() as planner:
        # the tie-break is weak: at 1e-9 of the cost left, plans differ by about sqrt(2e-9 cost / tie-break)
        np.testing.assert_allclose(planner.baseline(case), start, atol=0.5)
        with pytest.raises(NotSolvedError, match="consensus ran out of rounds after 5 rounds"):
            consensus(rounds=5).plan(case, start)


def test_held_parties_stay_and_are_not_asked_for_plans(case: JointPlanCase, start: Array, central: Planned) -> None:
    held = case.suppliers[0]
    with consensus() as planner:
        everybody = planner.plan(case, start)
        without = planner.plan(case, start, held=[held])
        np.testing.assert_allclose(planner.baseline(case), start, atol=0.5)  # nobody is held any more
    expected = Central().plan(case, start, held=[held])
    share = case.shared.share(held)
    np.testing.assert_array_equal(without.plan[share], start[share])
    true(without, expected.objective, savings(case, start, central))
    assert {message.method for message in without.log.of(held)} == {"cost"}
    assert without.costs[held] == pytest.approx(Central().costs(case, start)[held], rel=1e-6)
    assert without.objective > everybody.objective - without.costs[held]


def test_receivers_can_be_held_and_everybody_too() -> None:
    case = carriers(shippers=2, carriers=2, lanes=2, weeks=3)
    start = Central().baseline(case)
    held = case.receivers[:1]
    with consensus() as planner:
        found = planner.plan(case, start, held=held)
        expected = Central().plan(case, start, held=held)
        before = planner.costs(case, start)
        true(found, expected.objective, sum(before[name] for name in case.names if name not in held) - expected.objective)
        nothing = planner.plan(case, start, held=case.receivers)
    np.testing.assert_array_equal(nothing.plan, start)
    assert nothing.objective == pytest.approx(sum(before[name] for name in case.suppliers))


def test_activity_fee(case: JointPlanCase, start: Array, central: Planned) -> None:
    with consensus() as planner:
        found = planner.plan(case, start, activity_fee=3.0)
    expected = Central().plan(case, start, activity_fee=3.0)
    true(found, expected.objective, sum(Central().costs(case, start).values()) - expected.objective)
    assert found.fee == pytest.approx(3.0 * float(case.shared.volume @ np.abs(found.plan - start)))
    assert np.abs(found.plan - start).sum() < np.abs(central.plan - start).sum()
    assert (found.plan == start).sum() > (np.abs(central.plan - start) < 1e-6).sum()  # small changes are not worth the fee


@dataclass
class Parabola:
    """An agent of a user's own: curve (x - best)^2 / 2 in every flow; nothing of Pyomo in it."""

    interface: str
    curve: float
    target: Array

    @property
    def strong_convexity(self) -> float:
        return self.curve

    smoothness = strong_convexity

    def f(self, x: Array) -> float:
        return self.curve * float((x - self.target) @ (x - self.target)) / 2

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        x = np.maximum((self.curve * self.target - price + rho * plan) / (self.curve + rho), 0.0)
        return Answer(self.f(x) - float((rho * (plan - x) - price) @ x), x)

    def best(self, price: Array) -> Answer:
        x = np.maximum(self.target - price / self.curve, 0.0)
        return Answer(self.f(x) + float(price @ x), x)

    def marginal(self, plan: Array) -> Answer:
        return Answer(self.f(plan), slope=self.curve * (plan - self.target))

    def cost(self, plan: Array) -> Answer:
        return Answer(self.f(plan))


KINDS = ("proximal", "dual", "primal")


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, repeat=2)), ids="-".join)
@pytest.mark.parametrize("second", KINDS)
def test_three_interfaces_in_any_mix(kinds: tuple[str, str], second: str) -> None:
    case = pilot(vendors=2, sites=1, regions=1, products=1, weeks=4)
    wanted, curves, targets = np.array([9.0, 30.0, 14.0, 2.0] * 2), (0.5, 1.2, 0.7), (0.0, -8.0)
    agents = {"retailer": Parabola(kinds[0], curves[0], wanted)}
    expected, total = np.zeros(8), 0.0
    for name, kind, curve, target in zip(case.suppliers, (kinds[1], second), curves[1:], targets, strict=True):
        share = case.shared.share(name)
        agents[name] = Parabola(kind, curve, np.full(4, target))
        expected[share] = np.maximum((curves[0] * wanted[share] + curve * target) / (curves[0] + curve), 0.0)
        total += agents[name].f(expected[share])
    total += agents["retailer"].f(expected)
    planner = Consensus({"solver": "consensus", "options": {"gap": 1e-7, "largest": 100.0}}, agents=agents)
    found = planner.plan(case, np.full(8, 20.0))
    np.testing.assert_allclose(found.plan, expected, atol=5e-3)  # sqrt(2 * gap * savings / curve)
    assert found.bound - 1e-9 * total <= total <= found.objective + 1e-9 * total


def test_mixes_that_cannot_agree_are_refused(case: JointPlanCase, start: Array) -> None:
    name = case.suppliers[1]
    with pytest.raises(InputError, match=rf"options.strong_convexity.{name}: got None; allowed: a number > 0"):
        consensus(interfaces={name: "dual"}).plan(case, start)
    with pytest.raises(InputError, match="dual agents whose costs are linear do not agree"):
        consensus(interfaces={name: "dual"}, strong_convexity={name: 0.5}).plan(case, start)
    with pytest.raises(InputError, match=rf"options.smoothness.{name}: got None.*kinked costs have none"):
        consensus(interfaces={name: "primal"}).plan(case, start)
    with pytest.raises(InputError, match="primal agents whose costs are kinked stall"):
        consensus(interfaces={name: "primal"}, smoothness={name: 0.01}).plan(case, start)
    both = dict.fromkeys(case.names, "primal")
    with pytest.raises(InputError, match=r"options\.largest: got None"):
        consensus(interfaces=both, smoothness=dict.fromkeys(case.names, 0.1)).plan(case, start)


@dataclass
class Unreliable:
    """An agent that answers some questions for steps only: `answers` says which, in order."""

    agent: PartyAgent
    answers: Iterator[bool]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.agent, name)

    def respond(self, plan: Array, price: Array, rho: Array) -> Answer:
        if not next(self.answers):
            raise NoAnswer
        return self.agent.respond(plan, price, rho)


def at_random(seed: int, lost: float) -> Iterator[bool]:
    rng = np.random.default_rng(seed)
    while True:
        yield bool(rng.random() >= lost)


def test_lost_and_slow_answers_leave_no_bias(case: JointPlanCase, start: Array, central: Planned, agreed: Planned) -> None:
    saved = savings(case, start, central)
    lossy = {name: Unreliable(PartyAgent(case.part(name)), at_random(k, 0.3)) for k, name in enumerate(case.names)}
    slow = {case.suppliers[0]: Unreliable(PartyAgent(case.part(case.suppliers[0])), itertools.cycle([False] * 4 + [True]))}
    for agents in (lossy, slow):
        found = Consensus(agents=agents).plan(case, start)
        true(found, central.objective, saved)
        assert found.progress.lost == ()
        assert found.progress.warnings == ()
        assert len(found.progress.rounds) >= len(agreed.progress.rounds)


class Delayed(Here):
    """Agents of whom one answers four rounds late, to the question of then."""

    name: str
    held: tuple[int, Any] = (0, None)

    def ask(self, questions: Mapping[str, Question]) -> Any:
        mine = {name: question for name, question in questions.items() if name == self.name and question.method == "respond"}
        found = super().ask({name: question for name, question in questions.items() if name not in mine})
        if mine:
            count, reply = self.held
            reply = reply or super().ask(mine)[self.name]
            found |= {self.name: reply} if count == 4 else {}
            self.held = (0, None) if count == 4 else (count + 1, reply)
        return found


@pytest.mark.parametrize("name", ["Alder", "retailer"])
def test_answers_that_come_rounds_late_leave_no_bias(
    name: str, case: JointPlanCase, start: Array, central: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(planner: Consensus, starts: dict[str, Start]) -> Delayed:
        workers = Delayed(starts)
        workers.name = name
        return workers

    monkeypatch.setattr(Consensus, "_open", late)
    found = consensus().plan(case, start)
    true(found, central.objective, savings(case, start, central))


def test_too_slow_is_warned_of_and_lost_for_good_reverts_to_the_baseline(case: JointPlanCase, start: Array) -> None:
    gone = case.suppliers[1]
    silent = itertools.chain([True] * 8, itertools.repeat(False))
    found = Consensus(agents={gone: Unreliable(PartyAgent(case.part(gone)), silent)}).plan(case, start)
    expected = Central().plan(case, start, held=[gone])
    before = Central().costs(case, start)
    share = case.shared.share(gone)
    np.testing.assert_array_equal(found.plan[share], start[share])
    true(found, expected.objective + before[gone], sum(before.values()) - expected.objective - before[gone])
    assert found.progress.lost == (gone,)
    assert [text.split(":")[0] for text in found.progress.warnings] == [
        f"{gone} has not answered for 5 rounds",
        f"{gone} is lost and reverts to the baseline; the rest was planned again",
    ]


def test_a_lost_receiver_or_stop_end_with_the_last_certified_plan(case: JointPlanCase, start: Array, central: Planned) -> None:
    for gone, options in (("retailer", {}), (case.suppliers[0], {"when_lost": "stop"})):
        agents = {gone: Unreliable(PartyAgent(case.part(gone)), itertools.chain([True] * 11, itertools.repeat(False)))}
        found = Consensus({"solver": "consensus", "options": options}, agents=agents).plan(case, start)
        assert not found.progress.converged
        assert found.progress.lost == (gone,)
        assert found.bound <= central.objective <= found.objective < sum(Central().costs(case, start).values())
        assert Central().costs(case, found.plan) == pytest.approx(dict(found.costs), rel=1e-6)


class Killer:
    """Kills the process of a party's agent in round 7."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.planner: Consensus

    def __call__(self, at: Round) -> None:
        if at.round == 7:
            workers: Any = self.planner.workers
            workers.processes[self.name].kill()
            workers.processes[self.name].join()


def test_in_processes_an_agent_that_is_killed_comes_back_or_is_held() -> None:
    case = pilot(vendors=2, sites=2, regions=2, products=2, weeks=4)
    start = Central().baseline(case)
    before, gone = Central().costs(case, start), case.suppliers[1]
    killer = Killer(gone)
    options = {"workers": "processes", "restarts": 1, "timeout": 60}
    with Consensus({"solver": "consensus", "options": options}, callback=killer) as planner:
        killer.planner = planner
        back = planner.plan(case, start)  # started anew once
        held = planner.plan(case, start)  # and not a second time
    optimum = Central().plan(case, start).objective
    true(back, optimum, sum(before.values()) - optimum)
    assert back.progress.lost == ()
    assert len(back.progress.rounds) > 7
    optimum = Central().plan(case, start, held=[gone]).objective + before[gone]
    assert held.progress.lost == (gone,)
    np.testing.assert_array_equal(held.plan[case.shared.share(gone)], start[case.shared.share(gone)])
    true(held, optimum, sum(before.values()) - optimum)


@pytest.mark.filterwarnings("default")  # what the cluster's own threads leave open when it closes
def test_on_a_dask_cluster(case: JointPlanCase, start: Array, agreed: Planned) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        Consensus({"solver": "consensus", "options": {"workers": "dask"}}, client=client) as planner,
    ):
        found = planner.plan(case, start)
    np.testing.assert_allclose(found.plan, agreed.plan, atol=1e-6)
    assert found.bound == pytest.approx(agreed.bound, rel=1e-9)


@pytest.fixture(scope="module")
def marked(case: JointPlanCase) -> JointPlanCase:
    """The case with every private number changed in its last digits: no two are equal, and none turns up by chance."""
    rng = np.random.default_rng(7)
    parties = []
    for party in case.parties:
        fields = {}
        for attribute in party.columns():
            value = getattr(party, attribute)
            if isinstance(value, Values):
                fields[attribute] = Values({key: x * (1 + 1e-7 * rng.uniform(0.1, 1)) for key, x in value.items()})
            elif value is not None:
                fields[attribute] = value * (1 + 1e-7 * rng.uniform(0.1, 1))
        parties.append(party.replace(**fields))
    return case.changed(parties=tuple(parties))


def secrets(case: JointPlanCase, name: str) -> tuple[set[float], set[str]]:
    """Return the numbers and words that only a party knows."""
    record = case.party(name)
    numbers: set[float] = set()
    words: set[str] = set()
    for attribute in record.columns():
        value = getattr(record, attribute)
        for key, number in value.items() if isinstance(value, Values) else [((), value)]:
            numbers |= {number} - {None, 0.0}
            words |= {part for part in (key if isinstance(key, tuple) else (key,)) if isinstance(part, str)}
    return numbers, words - {*case.names, *case.shared.sites, *case.shared.products}


def inside(sent: bytes, numbers: set[float], words: set[str]) -> list[float | str]:
    found: list[float | str] = [word for word in words if word.encode() in sent]
    return found + [x for x in numbers if struct.pack("<d", x) in sent or struct.pack(">d", x) in sent]


def test_nothing_private_leaves_an_agent(marked: JointPlanCase, start: Array) -> None:
    with consensus() as planner:
        agreed = planner.plan(marked, start)
    sent = {name: pickle.dumps([message.answer for message in agreed.log.of(name)]) for name in marked.names}
    for name in marked.names:
        numbers, words = secrets(marked, name)
        assert len(numbers) > 15
        assert set(inside(pickle.dumps(marked.part(name)), numbers, words)) == numbers | words  # what is there is found
        for who in marked.names:
            assert inside(sent[who], numbers, words) == []
        assert inside(pickle.dumps(Public.of(marked)), numbers, words) == []
    assert {type(message.answer) for message in agreed.log.messages} == {Answer}
    sizes = {name: len(marked.shared.share(name)) for name in marked.names}
    for message in agreed.log.messages:  # plans and slopes over the party's own flows, one number else
        for array in (message.answer.plan, message.answer.slope):
            assert array is None or array.shape == (sizes[message.agent],)
        assert isinstance(message.answer.value, float)


def test_an_agent_is_handed_its_own_part_and_nothing_else(marked: JointPlanCase) -> None:
    for name in marked.names:
        handed = pickle.dumps(Start(marked.part(name)))
        for other in marked.names:
            if other != name:
                assert inside(handed, *secrets(marked, other)) == []


AGENTS = """
import time

from veridical.solvers.consensus import PartyAgent


class Slow(PartyAgent):
    def cost(self, plan):
        time.sleep(0.5)
        return super().cost(plan)


class Secretive(PartyAgent):
    def cost(self, plan):
        raise ValueError("production_capacity is 1234.5")
"""


@pytest.fixture
def agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module that other processes find too: of an agent that thinks for a while, and one whose error tells secrets."""
    (tmp_path / "agents_of_ours.py").write_text(AGENTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("agents_of_ours")


def test_a_late_answer_counts_when_it_comes_as_what_it_is(case: JointPlanCase, start: Array, agents: Any) -> None:
    name = case.suppliers[0]
    share = case.shared.share(name)
    first, second = Question("cost", (start[share],)), Question("cost", (2 * start[share],))
    price = np.zeros(len(share))
    workers = Processes({name: Start(agent=agents.Slow(case.part(name)))}, timeout=0.01)
    exchange = Exchange(Public.of(case), workers, {}, Options())
    try:
        assert exchange.ask({name: Question("best", (price,))})  # it starts, which takes what it takes
        assert exchange.ask({name: first}) == {}
        workers.timeout = 60
        assert exchange.ask({name: Question("best", (price,))}) == {}  # what came was no answer to this
        question, answer = exchange.ask({name: second})[name]
        np.testing.assert_array_equal(question.arguments[0], start[share])
        assert answer.value == pytest.approx(Central().costs(case, start, [name])[name], rel=1e-6)
    finally:
        workers.close()


def test_an_error_inside_an_agent_tells_its_type_alone(case: JointPlanCase, start: Array, agents: Any) -> None:
    name = case.suppliers[0]
    workers = Processes({name: Start(agent=agents.Secretive(case.part(name)))}, timeout=60)
    try:
        with pytest.raises(NotSolvedError, match=r"^Alder: its agent ended in ValueError when asked for cost$"):
            workers.ask({name: Question("cost", (start[case.shared.share(name)],))})
    finally:
        workers.close()


def test_both_engines_give_the_same_steps(case: JointPlanCase, start: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIQP for small problems and HiPO for large ones; also where flows are given, and where a price has no best plan."""
    price, rho = np.full(len(start), 2.0), np.full(len(start), 0.01)
    for name in case.names:
        share = case.shared.share(name)
        given = np.full(len(share), np.nan)
        given[:3] = start[share][:3]
        answers = []
        for large in (50_000, 0):
            monkeypatch.setattr(quadratic, "LARGE", large)
            agent = PartyAgent(case.part(name))
            answers.append([agent.respond(start[share], price[share], rho[share]), agent.cost(start[share])])
            agent.fix(given)
            answers[-1].append(agent.respond(start[share], price[share], rho[share]))
        for one, other in zip(*answers, strict=True):
            assert one.value == pytest.approx(other.value, rel=1e-6)
            if one.plan is not None:
                np.testing.assert_allclose(one.plan, other.plan, atol=0.05)  # sqrt(2 * 1e-9 * cost / rho)
    linear = case.reporting(name, case.party(name).scaled("lane_congestion", 0.0))
    for large in (50_000, 0):
        monkeypatch.setattr(quadratic, "LARGE", large)
        assert PartyAgent(linear.part(name)).best(np.full(len(share), -1e4)).value == -np.inf


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"roh": 1.0}, "options.roh: got 1.0; allowed: an option of consensus; near it: rho"),
        ({"gap": 0}, "gap: got 0; allowed: a finite number > 0"),
        ({"relaxation": 2.0}, "relaxation: got 2.0; allowed: a number from 1 to below 2"),
        ({"workers": "ray"}, "workers: got 'ray'; allowed: one of inline, processes, dask"),
        ({"rounds": 0}, "rounds: got 0; allowed: a whole number >= 1"),
        ({"interfaces": {"retailer": "primary"}}, "interfaces.retailer: got 'primary'; allowed: one of proximal, dual, primal"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")):
        consensus(**options)


def test_what_does_not_fit_the_case_is_refused(case: JointPlanCase, start: Array) -> None:
    with pytest.raises(InputError, match="parties: retailer, Alder"):
        consensus(interfaces={"Nobody": "dual"}).plan(case, start)
    with pytest.raises(InputError, match="the address of a Dask scheduler"):
        consensus(workers="dask").plan(case, start)
    with pytest.raises(InputError, match="truckload: got True"):
        consensus().plan(case.changed(truckload=True), start)
    with pytest.raises(InputError, match="party: got 'Nobody'"):
        consensus().plan(case, start, held=["Nobody"])
    with pytest.raises(InputError, match="solver: got 'highs'; allowed: consensus"):
        Consensus("highs")


def test_a_report_changes_its_own_agent_alone(case: JointPlanCase, start: Array) -> None:
    name = case.suppliers[0]
    record = case.party(name)
    dearer = case.reporting(name, record.scaled("cost", 1.5))
    with consensus() as planner:
        planner.plan(case, start)
        agents = dict(planner.workers.agents)  # type: ignore[union-attr]
        told = planner.plan(dearer, start)
        again = planner.workers.agents  # type: ignore[union-attr]
        assert [other for other in case.names if agents[other] is not again[other]] == [name]
    expected = Central().plan(dearer, start)
    true(told, expected.objective, sum(Central().costs(dearer, start).values()) - expected.objective)
