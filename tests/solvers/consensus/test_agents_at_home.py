"""Plans of parties whose records are at home: the same as with the records, and what is not known is said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import veridical as vd
from support.consensus import consensus
from support.homes import agents_of, asking, without_records
from veridical.contracts.joint_plan.audit import JointPlanAudit
from veridical.contracts.joint_plan.misreports import numbered
from veridical.data import InputError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.families.joint_plan import FAMILY, solve
from veridical.solvers.consensus import Answer, Consensus, NoAnswer, PartyAgent
from veridical.solvers.consensus.home import HomeAgent
from veridical.solvers.solution import Solution

TERMS: list[dict[str, Any]] = [
    {"pivot": "baseline", "activity_fee": 0.0},
    {"pivot": "clarke", "activity_fee": 0.5},
    {"pivot": "clarke", "activity_fee": 0.5, "participation_fee": 1.0},
]
INCENTIVES = ("dominant_strategy_ic", "receiver_ic", "group_ic", "false_name_ic")


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    return pilot(vendors=2, sites=2, regions=2, products=2, weeks=2, seed=3)


@pytest.fixture(scope="module")
def public(case: JointPlanCase) -> JointPlanCase:
    return without_records(case)


@pytest.fixture(scope="module")
def solved(case: JointPlanCase, public: JointPlanCase) -> Solution:
    with asking(case) as planner:
        return solve(public, planner=planner, misreports=4)


def audit_of(solution: Solution) -> JointPlanAudit:
    assert isinstance(solution.audit, JointPlanAudit)
    return solution.audit


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_transfers_are_those_that_records_lead_to(case: JointPlanCase, public: JointPlanCase, terms: dict[str, Any]) -> None:
    with consensus() as planner:
        known = solve(case, planner=planner, misreports=0, **terms).contracts
    with asking(case) as planner:
        told = solve(public, planner=planner, misreports=0, **terms).contracts
    np.testing.assert_allclose(told.units, known.units, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(told.start, known.start, rtol=1e-9, atol=1e-9)
    for figure in ("transfers", "costs", "baseline_costs", "fees", "net_gains"):
        assert getattr(told, figure) == pytest.approx(getattr(known, figure), rel=1e-9, abs=1e-9)
    assert told.to_frame().role.to_dict() == known.to_frame().role.to_dict()


def test_a_committed_baseline_needs_no_answer(case: JointPlanCase, public: JointPlanCase) -> None:
    with consensus() as planner:
        orders = case.shared.series(planner.baseline(case))
    with asking(case) as planner:
        told = solve(public.changed(baseline=orders), planner=planner, misreports=0).contracts
    assert told.baseline_source == "case"
    np.testing.assert_array_equal(told.start, orders.to_numpy())


@pytest.mark.parametrize("mechanism", ["core", "split_savings", "first_price", "jit"])
def test_other_mechanisms_ask_at_home_too(case: JointPlanCase, public: JointPlanCase, mechanism: str) -> None:
    with consensus() as planner:
        known = solve(case, mechanism, planner=planner, misreports=0).contracts
    with asking(case) as planner:
        told = solve(public, mechanism, planner=planner, misreports=0).contracts
    assert told.transfers == pytest.approx(known.transfers, rel=1e-6, abs=1e-6)


def test_what_is_not_known_is_said(solved: Solution, public: JointPlanCase, capsys: pytest.CaptureFixture[str]) -> None:
    vd.tables.show(*vd.tables.result(solved, FAMILY.summary(solved)))
    said = " ".join(capsys.readouterr().out.split())
    home = (
        f"records kept at home: {', '.join(public.names)}; costs are what their agents say, and what their own limits are worth"
    )
    assert f"{home} is not known here" in said
    assert "no misreport of a supplier could be tried" in said
    assert "not searched, one supplier, suppliers together, a supplier under two names: Alder, Birch" in said
    assert "not searched, a receiver: retailer" in said
    assert "shadow prices" not in said
    record = solved.to_dict()
    assert record["at_home"] == list(public.names)
    assert not record["duals"]


def test_nothing_is_found_where_nothing_could_be_searched(solved: Solution) -> None:
    audit = audit_of(solved)
    for name in INCENTIVES:
        result = audit.properties[name]
        assert (result.holds, result.searched, result.verdict) == (None, False, "not searched")
        assert math.isnan(result.worst)
    assert audit.truthful is None
    assert set(audit.not_searched["dominant_strategy_ic"]) == {"Alder", "Birch"}
    assert audit.properties["ex_post_ir"].holds is not None  # read off what was told, without any misreport


def test_pictures_and_tables_need_no_record(solved: Solution, tmp_path: Path) -> None:
    assert FAMILY.picture is not None
    assert FAMILY.picture(solved).axes
    solved.contracts.to_csv(tmp_path / "parties.csv")
    assert (tmp_path / "parties.csv").read_text(encoding="utf-8").count("\n") == 4
    assert len(solved.contracts.plan_frame()) == len(solved.contracts.case.shared.flows)
    json.dumps(solved.to_dict()["plan"], allow_nan=False)


# --- misreports of their own ---


def test_who_offers_misreports_of_his_own_is_searched(case: JointPlanCase, public: JointPlanCase) -> None:
    with asking(case, misreports=True) as planner:
        audit = audit_of(solve(public, planner=planner, misreports=4))
    result = audit.properties["dominant_strategy_ic"]
    assert (result.holds, result.searched, audit.searched) == (True, True, 4)
    assert audit.truthful
    assert dict(audit.tried["dominant_strategy_ic"]) == {"of its own": 4}
    assert dict(audit.tried["receiver_ic"]) == {"of its own": 1}
    assert "dominant_strategy_ic" not in audit.not_searched
    for name in ("group_ic", "false_name_ic"):  # these would have to be made up together, or under another name
        assert (audit.properties[name].holds, audit.properties[name].searched) == (None, False)
        assert set(audit.not_searched[name]) >= {"Alder", "Birch"}


def test_a_misreport_that_pays_is_found(case: JointPlanCase, public: JointPlanCase) -> None:
    """First price pays what is reported: who says more gains it, and an audit at home finds that."""
    with asking(case, misreports=True) as planner:
        solution = solve(public, "first_price", planner=planner, misreports=6)
    best = audit_of(solution).misreports[0]
    assert best.report.startswith("misreport ")
    number = int(best.report.split()[1])
    settlement = solution.contracts
    with consensus() as planner:
        lied = case.reporting(best.party, numbered(case.part(best.party), number).record)
        told = solve(lied, "first_price", planner=planner, misreports=0).contracts
        cost = planner.costs(case, told.units, [best.party])[best.party]
    gained = settlement.baseline_costs[best.party] - cost + told.transfers[best.party] - settlement.net_gains[best.party]
    assert best.gain == pytest.approx(gained, rel=1e-6)
    assert best.gain > 0


def test_a_search_in_part_does_not_hold(case: JointPlanCase, public: JointPlanCase, capsys: pytest.CaptureFixture[str]) -> None:
    agents = agents_of(case) | {"Alder": HomeAgent(case.part("Alder"), misreports=True)}
    with Consensus(agents=agents) as planner:
        solution = solve(public, planner=planner, misreports=4)
    audit = audit_of(solution)
    result = audit.properties["dominant_strategy_ic"]
    assert (result.holds, result.searched, result.verdict) == (None, True, "searched in part")
    assert audit.truthful is None
    assert audit.searched == 4
    assert set(audit.not_searched["dominant_strategy_ic"]) == {"Birch"}
    vd.tables.show(*FAMILY.summary(solution))
    said = " ".join(capsys.readouterr().out.split())
    assert "none of 4 misreports gains" in said
    assert "though not of every supplier could any be tried" in said


def test_an_agent_answers_by_the_truth_after_an_audit(case: JointPlanCase, public: JointPlanCase) -> None:
    with asking(case, misreports=True) as planner:
        before = solve(public, planner=planner, misreports=4).contracts.costs
        assert planner.costs(public, solve(public, planner=planner, misreports=0).contracts.units) == pytest.approx(before)
        assert all(agent._lie == 0 for agent in planner.agents.values())


def test_an_owner_who_allows_no_misreport_is_asked_for_none(case: JointPlanCase, public: JointPlanCase) -> None:
    agent = HomeAgent(case.part("Alder"))
    with pytest.raises(
        InputError, match=r"misreport: got 1; allowed: 0, the truth: the owner of this agent allows no misreports"
    ):
        agent.misreport(np.array([1.0]))
    assert agent.misreport(np.array([0.0])).value == 0.0
    lied = public.reporting("Alder", public.party("Alder").changed(lie=1))
    with (
        asking(case) as planner,
        pytest.raises(InputError, match=r"agents\.Alder: got <an agent>; allowed: one that answers by mis"),
    ):
        planner.costs(lied, np.zeros(len(case.shared.flows)))


# --- what agents are told ---


class Recorded(HomeAgent):
    """An agent that keeps what it was told, beside the answers."""

    told: list[tuple[str, float]]

    def misreport(self, number: Any) -> Answer:
        self.told = [*getattr(self, "told", []), ("misreport", float(number[0]))]
        return super().misreport(number)

    def world(self, number: Any, week: Any) -> Answer:
        self.told = [*getattr(self, "told", []), ("world", float(week[0]))]
        return super().world(number, week)


def test_nobody_is_told_a_record_whose_own_is_meant(case: JointPlanCase, public: JointPlanCase) -> None:
    agents = {name: Recorded(case.part(name), misreports=True) for name in case.names}
    with Consensus(agents=agents) as planner:
        solve(public, planner=planner, misreports=0)
        assert not any(hasattr(agent, "told") for agent in agents.values())
        planner.costs(public.reporting("Alder", public.party("Alder").changed(lie=2)), np.zeros(len(case.shared.flows)))
        assert agents["Alder"].told == [("misreport", 2.0)]
        assert not hasattr(agents["Birch"], "told")
        planner.costs(public, np.zeros(len(case.shared.flows)))
        assert agents["Alder"].told == [("misreport", 2.0), ("misreport", 0.0)]


def test_an_agent_of_users_own_needs_no_more_than_its_answers(case: JointPlanCase, public: JointPlanCase) -> None:
    agents = {name: PartyAgent(case.part(name)) for name in case.names}
    with Consensus(agents=agents) as planner:
        told = solve(public, planner=planner, misreports=2)
    assert audit_of(told).searched == 0
    rolling = public.changed(parties=tuple(p.changed(state=3, week=1) for p in public.parties))
    with Consensus(agents=agents) as planner, pytest.raises(InputError, match=r"agents\.retailer: .* keeps its weeks to itself"):
        planner.baseline(rolling)


def test_weeks_are_known_by_the_world_in_which_they_were_executed(case: JointPlanCase) -> None:
    agent = HomeAgent(case.part("Alder"))
    plan = np.ones(len(case.part("Alder").shared.flows))
    with pytest.raises(InputError, match=r"execute: got <no week>; allowed: the truth, and a world with its week"):
        agent.execute(plan)
    with pytest.raises(InputError, match=r"world: got <5, week 2>; allowed: a world of which the week before was executed here"):
        agent.world(np.array([5.0]), np.array([2.0]))
    agent.world(np.array([5.0]), np.array([1.0]))
    whole = HomeAgent(case.part("Alder")).cost(plan).value
    first = agent.execute(plan).value
    agent.world(np.array([5.0]), np.array([2.0]))
    rest = np.array([flow.week == 2 for flow in case.part("Alder").shared.flows])
    assert first + agent.cost(plan[rest]).value == pytest.approx(
        whole, rel=1e-6
    )  # what is best for all weeks is best for the rest
    with pytest.raises(InputError, match=r"world: got <6, week 2>"):
        agent.world(np.array([6.0]), np.array([2.0]))


def test_what_weeks_left_survives_the_agent(case: JointPlanCase, tmp_path: Path) -> None:
    kept, part = tmp_path / "weeks.json", case.part("Alder")
    plan = np.linspace(1.0, 2.0, len(part.shared.flows))
    first = HomeAgent(part, kept=kept)
    first.world(np.array([5.0]), np.array([1.0]))
    first.execute(plan)
    again, world = HomeAgent(part, kept=kept), (np.array([5.0]), np.array([2.0]))
    rest = plan[[flow.week == 2 for flow in part.shared.flows]]
    first.world(*world)
    again.world(*world)
    assert again.cost(rest).value == first.cost(rest).value
    for damaged in ("{", "[]", '{"5 2": {"speed": 3}}', '{"5 2": {"stock": "much"}}'):
        kept.write_text(damaged, encoding="utf-8")
        with pytest.raises(
            InputError, match=r"weeks\.json: <file>: got <a damaged file>; allowed: weeks as the agent wrote them for"
        ):
            HomeAgent(part, kept=kept)


def test_units_stay_at_home_unless_their_owner_lets_them_be_told(case: JointPlanCase) -> None:
    part = case.part("retailer")
    plan = np.ones(len(part.shared.flows))
    for service in (False, True):
        agent = HomeAgent(part, service=service)
        agent.world(np.array([5.0]), np.array([1.0]))
        agent.execute(plan)
        if service:
            assert 0 < agent.served(plan).value <= agent.needed(plan).value
        else:
            with pytest.raises(NoAnswer):
                agent.served(plan)
    vendor = HomeAgent(case.part("Alder"))
    assert (vendor.served(plan).value, vendor.needed(plan).value) == (0.0, 0.0)  # as its role says


def test_noise_is_one_factor_whatever_record_is_meant(case: JointPlanCase) -> None:
    """Factors that were drawn anew for every record could be averaged out."""
    part = case.part("Alder")
    flows = len(part.shared.flows)
    agent, exact = HomeAgent(part, noise=0.1, misreports=True), HomeAgent(part, misreports=True)
    question = np.ones(flows), np.zeros(flows), np.full(flows, 1e-3)

    def steps(asked: HomeAgent) -> Any:
        return asked.respond(*question).plan

    before = steps(agent)
    assert not np.allclose(before, steps(exact), rtol=1e-6)
    for number in (1.0, 0.0):
        agent.misreport(np.array([number]))
    np.testing.assert_array_equal(steps(agent), before)
    assert not np.allclose(steps(HomeAgent(part, noise=0.1)), before, rtol=1e-6)  # nobody else's factors
