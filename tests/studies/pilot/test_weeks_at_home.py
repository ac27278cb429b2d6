"""A rolling run whose parties keep their weeks at home: the same as with their records, and nothing else leaves them."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.consensus import consensus
from support.homes import agents_of, asking, without_records
from veridical.commands.pilot_tables import weekly
from veridical.contracts.joint_plan.misreports import numbered
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, carriers, pilot
from veridical.solvers.consensus import Answer, Consensus, PartyAgent
from veridical.solvers.consensus.home import HomeAgent
from veridical.studies.pilot import PilotRun, run
from veridical.studies.pilot.run import _opened, _weeks
from veridical.tables import show

SAME = 1e-9
QUICK: dict[str, Any] = {"gap": 0.02}  # of the savings: what is the same is so at any gap
CONSENSUS = {"solver": "consensus", "options": QUICK}


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=1, regions=1, products=2, weeks=3, seed=1)


@pytest.fixture(scope="module")
def short(case: JointPlanCase) -> JointPlanCase:
    """Return the last two weeks, in two worlds."""
    return case.since(2).changed(pivot="baseline")


@pytest.fixture(scope="module")
def public(case: JointPlanCase) -> JointPlanCase:
    return without_records(case)


@pytest.fixture(scope="module")
def known(case: JointPlanCase) -> PilotRun:
    return run(case, planner=lambda: consensus(**QUICK))


def same(told: PilotRun, known: PilotRun) -> None:
    """All amounts of both runs are the same, week by week and party by party."""
    assert told.table.index.equals(known.table.index)
    columns = ["baseline_cost", "cost", "transfer", "fee", "account", "net_gain"]
    np.testing.assert_allclose(told.table[columns], known.table[columns], rtol=SAME, atol=SAME * known.total["baseline_cost"])
    assert [week.excess for week in told.executed] == pytest.approx([week.excess for week in known.executed], rel=1e-6)


class Heard(HomeAgent):
    """An agent that keeps what it heard."""

    def heard(self, *words: Any) -> None:
        self.all: list[tuple[Any, ...]] = [*getattr(self, "all", []), words]

    def world(self, number: Any, week: Any) -> Answer:
        self.heard("world", int(number[0]), int(week[0]))
        return super().world(number, week)

    def execute(self, plan: Any) -> Answer:
        self.heard("execute")
        return super().execute(plan)


@pytest.fixture(scope="module")
def agents(case: JointPlanCase) -> dict[str, Heard]:
    return {name: Heard(case.part(name), service=True) for name in case.names}


@pytest.fixture(scope="module")
def told(public: JointPlanCase, agents: dict[str, Heard]) -> PilotRun:
    return run(public, planner=lambda: Consensus(CONSENSUS, agents=agents))


def test_weeks_at_home_are_those_that_records_lead_to(told: PilotRun, known: PilotRun) -> None:
    same(told, known)


def test_units_served_are_shown_where_they_are_told(told: PilotRun, known: PilotRun) -> None:
    assert told.total["service_level"] == pytest.approx(known.total["service_level"], rel=SAME)


def test_the_baseline_pivot_and_carriers_are_no_exception() -> None:
    case = carriers(shippers=1, carriers=2, lanes=2, weeks=2, seed=1)
    parameters: dict[str, Any] = {"pivot": "baseline", "activity_fee": 0.0}
    same(
        run(without_records(case), planner=lambda: asking(case, QUICK), **parameters),
        run(case, planner=lambda: consensus(**QUICK), **parameters),
    )


def test_some_records_may_be_here(case: JointPlanCase, public: JointPlanCase, known: PilotRun) -> None:
    mixed = public.changed(parties=(case.party("retailer"), *public.parties[1:]))
    agents = agents_of(case)
    rolled = run(mixed, planner=lambda: Consensus(CONSENSUS, agents={name: agents[name] for name in case.suppliers}))
    same(rolled, known)
    assert rolled.total["service_level"] == pytest.approx(known.total["service_level"], rel=SAME)  # the retailer's record is here


def test_what_stays_at_home_is_said(short: JointPlanCase, capsys: pytest.CaptureFixture[str]) -> None:
    case = short
    rolled = run(without_records(case), planner=lambda: asking(case, QUICK), misreports=2)
    assert rolled.total["service_level"] == {"jit": None, "joint": None}
    record = rolled.to_dict()
    assert record["at_home"] == list(case.names)
    assert record["not_searched"] == list(case.suppliers)
    assert record["properties"]["dominant_strategy_ic"] == {
        "holds": None,
        "worst": None,
        "searched": False,
        "where": "",
        "misreports": 0,
    }
    show(*weekly(rolled))
    said = " ".join(capsys.readouterr().out.split())
    assert "service is not told: a party keeps to itself what it serves (veridical agent --tell-service)" in said
    assert "none could be tried: Alder, Birch offer none of their own (veridical agent --allow-misreports)" in said
    assert rolled.figure().axes


def test_misreports_of_their_own_are_tried_over_all_weeks(short: JointPlanCase) -> None:
    rolled = run(without_records(short), planner=lambda: asking(short, QUICK, misreports=True), misreports=2)
    assert [(lie.party, lie.report) for lie in rolled.tried] == [
        ("Alder", "misreport 1 of its own"),
        ("Birch", "misreport 1 of its own"),
    ]
    assert rolled.not_searched == ()
    lied = short.reporting("Birch", numbered(short.part("Birch"), 1).record)
    weeks, _ = _weeks(
        short, lied, lambda: _opened(lambda: consensus(**QUICK)), None, None
    )  # what a run makes of a report that is not the truth
    truth = rolled.totals["net_gain"]["Birch"]
    gained = sum(week.baseline_costs["Birch"] - week.costs["Birch"] + week.transfers["Birch"] for week in weeks) - truth
    assert rolled.tried[1].gain == pytest.approx(gained, abs=SAME * rolled.total["baseline_cost"])


def test_a_run_in_which_some_offer_misreports_holds_nothing(short: JointPlanCase) -> None:
    agents = agents_of(short) | {"Alder": HomeAgent(short.part("Alder"), misreports=True)}
    rolled = run(without_records(short), planner=lambda: Consensus(CONSENSUS, agents=agents), misreports=1)
    found = rolled.properties()["dominant_strategy_ic"]
    assert [lie.party for lie in rolled.tried] == ["Alder"]
    assert rolled.not_searched == ("Birch",)
    assert found["searched"]
    assert found["holds"] is not True


# --- what agents are told ---


def test_worlds_are_numbers_that_say_nothing(case: JointPlanCase, agents: dict[str, Heard], told: PilotRun) -> None:
    """Every agent has numbers of its own, the same all weeks: they can be neither compared, nor told apart by their size."""
    numbers = {name: {word[1] for word in agent.all if word[0] == "world"} for name, agent in agents.items()}
    worlds = 2 + len(case.suppliers)  # just in time, joint, and one without each supplier
    assert {name: len(own) for name, own in numbers.items()} == dict.fromkeys(case.names, worlds)
    assert len(set().union(*numbers.values())) == worlds * len(case.names)
    assert all(0 < number < 2**53 for own in numbers.values() for number in own)
    for agent in agents.values():
        for week in case.shared.weeks:
            assert {word[1] for word in agent.all if word[0] == "world" and word[2] == week} == numbers[agent.whole.record.name]
        assert sum(word == ("execute",) for word in agent.all) == worlds * len(case.shared.weeks)


def test_worlds_in_turn_are_those_made_one_by_one_and_asked_for_as_often(
    case: JointPlanCase, public: JointPlanCase, told: PilotRun
) -> None:
    """To the last digit; and in each week a supplier is asked for as many steps in every world in which he takes part."""

    class Counting(Heard):
        def respond(self, *question: Any) -> Answer:
            self.heard("respond", self._number, self._week)
            return super().respond(*question)

    agents = {name: Counting(case.part(name), service=True) for name in case.names}
    options = {"solver": "consensus", "options": QUICK | {"shuffle": True}}
    rolled = run(public, planner=lambda: Consensus(options, agents=agents))
    assert rolled.table.equals(told.table)
    for name in case.suppliers:
        for week in case.shared.weeks:
            asked = (word for word in agents[name].all if word[0] == "respond" and word[2] == week)
            steps = Counter(number for _, number, _ in asked)
            assert len(steps) == len(case.suppliers)  # the joint plan, and one without each of the others
            assert len(set(steps.values())) == 1


def test_a_supplier_who_answers_by_an_agent_of_his_own_is_not_searched(case: JointPlanCase) -> None:
    """What a case reports of him changes nothing of what he answers: to try that would be to search nothing."""
    last = case.since(3)
    agents = {"Alder": PartyAgent(last.part("Alder"))}
    rolled = run(last, planner=partial(Consensus, CONSENSUS, agents=agents), misreports=2)
    assert rolled.not_searched == ("Alder",)
    assert {lie.party for lie in rolled.tried} == {"Birch"}
    truth = rolled.to_dict()["properties"]["dominant_strategy_ic"]
    assert (truth["holds"] in (None, False), truth["searched"]) == (True, True)
    assert rolled.to_dict()["not_searched"] == ["Alder"]


def test_two_runs_have_no_number_in_common(short: JointPlanCase) -> None:
    heard: list[set[int]] = []
    for _ in range(2):
        agents = {name: Heard(short.part(name)) for name in short.names}
        run(without_records(short), planner=partial(Consensus, CONSENSUS, agents=agents))
        heard.append({word[1] for agent in agents.values() for word in agent.all if word[0] == "world"})
    assert len(heard[0]) == len(heard[1]) == 2 * len(short.names)  # just in time, and joint
    assert heard[0] & heard[1] == set()


# --- runs that end half way ---


def test_an_interrupted_run_goes_on_from_what_agents_have_kept(
    case: JointPlanCase, public: JointPlanCase, known: PilotRun, tmp_path: Path
) -> None:
    def agents() -> dict[str, HomeAgent]:
        return {name: HomeAgent(case.part(name), kept=tmp_path / f"{name}.json") for name in case.names}

    def stop(week: int, seconds: float, saved: float) -> None:
        if week == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(public, planner=lambda: Consensus(CONSENSUS, agents=agents()), folder=tmp_path / "weeks", callback=stop)
    read: list[tuple[int, bool]] = []
    told = run(
        public,
        planner=lambda: Consensus(CONSENSUS, agents=agents()),
        folder=tmp_path / "weeks",
        callback=lambda week, seconds, saved: read.append((week, seconds == 0)),
    )
    assert read == [(1, True), (2, True), (3, False)]
    same(told, known)
    kept = json.loads((tmp_path / "weeks" / "week-2.json").read_text(encoding="utf-8"))["content"]["states"]
    assert {tuple(state) for world in kept.values() for state in world.values()} == {("state",)}


def test_agents_without_the_weeks_before_end_a_run_by_name(short: JointPlanCase, tmp_path: Path) -> None:
    public = without_records(short)

    def stop(week: int, seconds: float, saved: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(public, planner=lambda: asking(short, QUICK), folder=tmp_path, callback=stop)
    with pytest.raises(InputError, match=r"retailer, world: got <InputError>"):
        run(public, planner=lambda: asking(short, QUICK), folder=tmp_path)


PLANNERS: dict[str, Callable[[], Any]] = {"central": lambda: None, "consensus": consensus}


@pytest.mark.parametrize("planner", PLANNERS)
def test_a_planner_who_cannot_ask_is_refused(public: JointPlanCase, planner: str) -> None:
    with pytest.raises(InputError, match=r"retailer\.record: got 'home'; allowed: a record in the case"):
        run(public, planner=None if planner == "central" else PLANNERS[planner])
