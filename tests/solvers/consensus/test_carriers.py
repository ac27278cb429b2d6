"""Four carriers of one protocol: one plan to the last digit, logs that agree, nothing in a message but the question."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from support.agents_at_home import SMALL, Changed, Firms, Parabola, usual_plan
from veridical.data.fields import check
from veridical.data.joint_plan import JointPlanCase, Part, carriers, marketplace
from veridical.data.joint_plan.packing import packed, unpacked
from veridical.solvers.consensus import Consensus, PartyAgent, answers_log, network
from veridical.solvers.consensus.carriers import AgentSpec
from veridical.solvers.consensus.carriers.spec import handed_over, made
from veridical.solvers.consensus.codec import KINDS, answer_of, question_of, read, written


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PAUSES", (0.02, 0.05))


@pytest.fixture(scope="module")
def inline() -> Any:
    with Consensus() as planner:
        return planner.plan(SMALL, usual_plan(SMALL))


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("default")  # what the cluster's own threads leave open when it closes
def test_four_carriers_come_to_one_plan_to_the_last_digit(inline: Any, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    with Consensus({"solver": "consensus", "options": {"workers": "processes"}}) as planner:
        plans = {"processes": planner.plan(SMALL, usual_plan(SMALL))}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        Consensus({"solver": "consensus", "options": {"workers": "dask"}}, client=client) as planner,
    ):
        plans["dask"] = planner.plan(SMALL, usual_plan(SMALL))
    plans["network"] = Firms(tmp_path).together()
    assert inline.progress.converged
    for name, plan in plans.items():
        np.testing.assert_array_equal(plan.units, inline.units, err_msg=name)
        np.testing.assert_array_equal(plan.prices, inline.prices, err_msg=name)
        assert (plan.bound, plan.objective, plan.costs) == (inline.bound, inline.objective, inline.costs), name
        assert plan.progress.rounds == inline.progress.rounds, name


def test_both_sides_have_the_same_log_number_for_number(inline: Any, tmp_path: Path) -> None:
    firms = Firms(tmp_path)
    plan = firms.together()
    for name in SMALL.names:
        theirs, ours = answers_log.read(tmp_path / f"{name}.jsonl"), plan.log.of(name)
        assert len(theirs) == len(ours) == firms.homes[name].answered > 10
        for one, other in zip(theirs, ours, strict=True):
            assert (one.agent, one.method) == (other.agent, other.method)
            assert len(one.arguments) == len(other.arguments)
            for mine, yours in zip(one.arguments, other.arguments, strict=True):
                np.testing.assert_array_equal(mine, yours)
            assert vars(one.answer).keys() == vars(other.answer).keys()
            for field, value in vars(one.answer).items():
                np.testing.assert_array_equal(value, getattr(other.answer, field))


def test_a_supplier_cannot_tell_a_counterfactual_run_from_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Birch the supplier Alder is asked as ever: the same messages with the same fields, and no label in them."""
    came: list[bytes] = []

    def watched(agent: Any, sent: bytes, *others: Any, **named: Any) -> bytes:
        if isinstance(agent, Changed):
            came.append(sent)
        return answer_of(agent, sent, *others, **named)

    monkeypatch.setattr(network, "answer_of", watched)
    firms = Firms(tmp_path)
    firms.start_all({"Alder": Changed(PartyAgent(SMALL.part("Alder")))})
    with firms.planner() as planner:
        planner.plan(SMALL, usual_plan(SMALL))
        first = len(came)
        planner.plan(SMALL, usual_plan(SMALL), ["Birch"])
    forms = []
    for messages in (came[:first], came[first:]):
        tables = [msgpack.unpackb(sent) for sent in messages]
        assert {frozenset(table) for table in tables} == {frozenset({"v", "kind", *KINDS["question"]})}
        forms.append({(table["v"], table["kind"], table["method"], *map(len, table["arguments"])) for table in tables})
    assert forms[0] == forms[1] != set()
    assert [question_of(sent)[0] for sent in came] == list(
        range(1, len(came) + 1)
    )  # counted by itself, whatever others are asked


@pytest.mark.parametrize("case", [SMALL, marketplace(sellers=2, weeks=2), carriers(shippers=2, carriers=2, lanes=2, weeks=2)])
def test_a_part_travels_as_data_and_is_read_as_it_was(case: JointPlanCase) -> None:
    for name in case.names:
        part = case.part(name)
        sent = handed_over(name, AgentSpec(part), refuses)
        assert read(sent, "part")[0] == "part"
        assert check(Part, unpacked(msgpack.unpackb(msgpack.packb(packed(part)), use_list=False))) == part
        share = len(case.shared.share(name))
        question = written("question", number=3, method="cost", arguments=(np.ones(share),))
        assert made(sent, refuses)(question) == answer_of(PartyAgent(part), question)


def refuses(*_: object) -> Any:
    raise AssertionError("something is pickled")


def test_a_part_that_its_own_validation_refuses_makes_an_agent_that_says_so() -> None:
    table = packed(SMALL.part("Alder"))
    table["record"]["production_cost"]["numbers"] = np.full(len(table["record"]["production_cost"]["keys"]), -1.0).tobytes()
    sent = written("part", part=table, settings=AgentSpec(SMALL.part("Alder")).settings)
    question = written("question", number=1, method="cost", arguments=(np.ones(4),))
    assert read(made(sent, refuses)(question), "error") == ("error", {"number": 1, "type": "InputError"})


def test_an_agent_of_ones_own_is_handed_over_as_code_and_nothing_comes_back_so() -> None:
    sent = handed_over("Alder", AgentSpec(agent=Parabola(np.ones(2))), pickle.dumps)
    kind, message = read(sent, "code")
    assert (kind, type(pickle.loads(message["code"]))) == ("code", Parabola)
    answer = made(sent, pickle.loads)(written("question", number=1, method="cost", arguments=(np.zeros(2),)))
    assert read(answer, "answer")[1]["value"] == 1.0
