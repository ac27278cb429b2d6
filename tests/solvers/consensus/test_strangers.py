"""Agents of other firms that lie, break the protocol or send whatever: their party is lost, and nobody else notices."""

from __future__ import annotations

import itertools
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from support.agents_at_home import SMALL, Changed, Firms, token, usual_plan
from support.consensus import certified
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError, NotSolvedError
from veridical.solvers.consensus import Answer, PartyAgent, Question, codec, network
from veridical.solvers.planners import Central

START = usual_plan(SMALL)
LIAR = "Alder"
NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(3)
MORE = itertools.count(0, 100)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PAUSES", (0.02, 0.05))


@pytest.fixture(scope="module")
def without() -> tuple[Plan, dict[str, float]]:
    """Return the best plan without the liar, and what the baseline costs everybody."""
    return Central().plan(SMALL, START, non_participants=[LIAR]), Central().costs(SMALL, START)


def held(plan: Plan, without: tuple[Plan, dict[str, float]], said: float | None = None) -> None:
    """The liar is lost and stays at the baseline; the certificate is true for all others, whatever he says it costs him."""
    expected, before = without
    his = before[LIAR] if said is None else said
    assert plan.lost == (LIAR,)
    np.testing.assert_array_equal(plan.units[SMALL.shared.share(LIAR)], START[SMALL.shared.share(LIAR)])
    optimum = expected.objective + his
    certified(plan, optimum, sum(before.values()) - before[LIAR] - expected.objective)


def answering(method: str, change: Callable[[Any], Any], after: int = 0) -> dict[str, Any]:
    """Return the way of an agent that changes its answers to a method, from some answer on."""
    asked = [0]

    def way(agent: Any, *arguments: Any) -> Any:
        asked[0] += 1
        answer = getattr(agent, method)(*arguments)
        return change(answer) if asked[0] > after else answer

    return {method: way}


def raises(error: BaseException) -> Callable[[Any], Any]:
    def change(answer: Any) -> Any:
        raise error

    return change


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "NaN plan": (answering("respond", lambda r: Answer(r.value, r.plan * NAN), 2), "a plan that is not finite"),
    "negative plan": (answering("respond", lambda r: Answer(r.value, -r.plan - 1), 2), "a plan with -"),
    "no plan": (answering("respond", lambda r: Answer(r.value), 2), "no plan"),
    "short plan": (answering("respond", lambda r: Answer(r.value, r.plan[1:]), 2), "float64 of shape"),
    "text": (answering("respond", lambda r: "hello", 2), "a str"),
    "huge plan that proves nothing": (
        answering("respond", lambda r: Answer(-INF, r.plan + 1e30), 2),
        "a plan that is not finite or above",
    ),
    "huge price": (
        answering("marginal", lambda r: Answer(r.value, slope=r.slope - 1e40)),
        "a slope that is not finite or above",
    ),
    "support above its cost": (answering("respond", lambda r: Answer(r.value + 1e6, r.plan), 2), "a proof that a plan costs"),
    "cost below its proofs": (answering("cost", lambda r: Answer(r.value - 1e5), 1), "a proof that a plan costs"),
    "plans at random that prove nothing": (
        answering("respond", lambda r: Answer(-INF, RNG.random(len(r.plan)) * 100.0), 2),
        "marginal costs that fall by",
    ),
    "an error of its own": (answering("respond", raises(ValueError("secret 42")), 2), "its agent ended in ValueError"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_liar_is_named_and_its_party_held_at_the_baseline(
    tmp_path: Path, without: tuple[Plan, dict[str, float]], name: str
) -> None:
    ways, message = LIES[name]
    firms = Firms(tmp_path)
    firms.start_all({LIAR: Changed(PartyAgent(SMALL.part(LIAR)), **ways)})
    with firms.planner() as planner:
        plan = planner.plan(SMALL, START)
    said = next((m.answer.value for m in plan.log.of(LIAR) if m.method == "cost"), None)
    held(plan, without, said)
    (warning,) = [text for text in plan.progress.warnings if text.startswith(f"{LIAR} is lost")]
    assert message in warning
    assert warning.endswith("and reverts to the baseline; the rest was planned again")
    assert "42" not in warning
    assert message in firms.homes[LIAR].ended()  # and his side is told
    for other in SMALL.names:
        assert other == LIAR or firms.homes[other].ended() == ""
    assert plan.solution.certificate.basis.endswith("at their word: no answer that was used contradicts another of its party")


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        (
            answering("respond", lambda r: Answer(-INF, r.plan)),
            "Alder proves nothing of what it says that a plan costs, after 40",
        ),
        (
            answering("cost", lambda r: Answer(r.value + next(MORE))),
            r"Alder proves all but [\d,.]+ of what it says that a plan costs",
        ),
    ],
    ids=["nothing", "too little"],
)
def test_who_proves_too_little_is_lost_when_rounds_are_over(
    tmp_path: Path, without: tuple[Plan, dict[str, float]], ways: dict[str, Any], message: str
) -> None:
    firms = Firms(tmp_path)
    firms.start_all({LIAR: Changed(PartyAgent(SMALL.part(LIAR)), **ways)})
    with firms.planner(rounds=40) as planner:
        plan = planner.plan(SMALL, START)
    held(plan, without, plan.log.of(LIAR)[0].answer.value)
    assert re.search(message, plan.progress.warnings[0])


def test_a_liar_that_nobody_can_contradict_changes_no_cost_but_its_own(tmp_path: Path) -> None:
    """It says that everything costs it 10 % more than it does: the plan is the best one if that were so, and proven to be."""
    said = SMALL.reporting(LIAR, SMALL.party(LIAR).scaled("cost", 1.1))
    firms = Firms(tmp_path)
    firms.start_all({LIAR: PartyAgent(said.part(LIAR))})
    with firms.planner() as planner:
        plan = planner.plan(SMALL, START)
    central = Central().plan(said, START)
    certified(plan, central.objective, sum(Central().costs(said, START).values()) - central.objective)


def test_who_fails_before_it_said_what_the_baseline_costs_it_ends_the_run_by_name(tmp_path: Path) -> None:
    firms = Firms(tmp_path)
    firms.start_all({LIAR: Changed(PartyAgent(SMALL.part(LIAR)), **answering("cost", lambda r: Answer(NAN)))})
    message = r"no answer to cost from Alder, .*a value that is not finite"
    with pytest.raises(NotSolvedError, match=message), firms.planner() as planner:
        planner.plan(SMALL, START)


class Bare:
    """An agent that speaks the protocol by hand: it says hello, and answers questions by the bytes that `says` makes of them."""

    def __init__(self, firms: Firms, name: str, says: Callable[[Any, bytes, int], None]) -> None:
        self.firms, self.name, self.says = firms, name, says
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.honest = PartyAgent(SMALL.part(name))
        self.thread = Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self) -> None:
        header = {"Authorization": f"Bearer {token(self.name)}"}
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                with connect(f"ws://127.0.0.1:{self.firms.port}/agent", additional_headers=header, proxy=None) as link:
                    traits = {"interface": "proximal", "priced": True}
                    link.send(codec.written("hello", party=self.name, traits=traits))
                    for asked, message in enumerate(link):
                        assert isinstance(message, bytes)
                        kind, fields = codec.read(message, *codec.KINDS)
                        if kind == "question":
                            self.says(link, message, asked)
                        else:
                            self.heard.append((kind, fields))
                return
            except ConnectionClosed:
                return
            except OSError:
                time.sleep(0.02)

    def ended(self) -> list[str]:
        self.thread.join(30)
        assert not self.thread.is_alive()
        return [fields["words"] for kind, fields in self.heard if kind == "refused"]


def honestly(says: Callable[[Any, bytes], None], bare: list[Bare], after: int = 6) -> Callable[[Any, bytes, int], None]:
    """Answer truthfully at first, and then by the bytes of a liar."""

    def answer(link: Any, sent: bytes, asked: int) -> None:
        if asked < after:
            link.send(codec.answer_of(bare[0].honest, sent))
        else:
            says(link, sent)

    return answer


def number_of(sent: bytes) -> int:
    return codec.question_of(sent)[0]


WAYS: dict[str, tuple[Callable[[Any, bytes], None], str]] = {
    "garbage": (lambda link, sent: link.send(os.urandom(50)), "bytes that are no answer"),
    "nothing at all": (lambda link, sent: link.send(b""), "bytes that are no answer"),
    "a text": (lambda link, sent: link.send("hello"), "it sent 5 bytes or letters"),
    "another number": (
        lambda link, sent: link.send(codec.written("answer", number=number_of(sent) + 1, value=0.0, plan=None, slope=None)),
        "an answer to another question",
    ),
    "an answer of a number too much": (
        lambda link, sent: link.send(codec.written("answer", number=number_of(sent), value=0.0, plan=np.zeros(9), slope=None)),
        "lists of another length",
    ),
    "too long": (lambda link, sent: link.send(bytes(10**6)), "it sent 1,000,000 bytes or letters for an answer of at most"),
    "longer than any message": (lambda link, sent: flood(link), "it sent frames that are none, or too long"),
    "a flood of answers": (
        lambda link, sent: again_and_again(link, codec.written("silence", number=number_of(sent))),
        "it sent an answer to nothing that it was asked|an answer to another question",
    ),
    "a question of its own": (lambda link, sent: link.send(sent), "bytes that are no answer"),
    "another version": (
        lambda link, sent: link.send(msgpack.packb({"v": 2, "kind": "silence", "number": number_of(sent)})),
        "a message of version 2, not 1",
    ),
    "a frame that is none": (lambda link, sent: link.socket.sendall(b"\xff\xff\xff\xff"), "it sent frames that are none"),
}


def again_and_again(link: Any, message: bytes) -> None:
    for _ in range(1000):
        link.send(message)


def flood(link: Any) -> None:
    link.send(iter(bytes(2**20) for _ in range(80)))


@pytest.mark.parametrize("name", WAYS)
def test_who_breaks_the_protocol_is_shown_out_by_name_and_held_at_the_baseline(
    tmp_path: Path, without: tuple[Plan, dict[str, float]], name: str
) -> None:
    says, message = WAYS[name]
    firms = Firms(tmp_path)
    bare: list[Bare] = []
    for other in SMALL.names:
        if other != LIAR:
            firms.start(other)
    bare.append(Bare(firms, LIAR, lambda *asked: honestly(says, bare)(*asked)))
    with firms.planner(timeout=5.0) as planner:
        plan = planner.plan(SMALL, START)
        assert planner.workers is not None
        assert planner.workers.dead == {LIAR}
        with pytest.raises((ConnectionClosed, InvalidStatus)):
            again(firms, LIAR)
    held(plan, without)
    assert re.search(message, plan.progress.warnings[0])
    for home in firms.homes.values():
        assert home.ended() == ""
    bare[0].ended()


def again(firms: Firms, name: str) -> None:
    """Come back after having been shown out: it is refused."""
    header = {"Authorization": f"Bearer {token(name)}"}
    with connect(f"ws://127.0.0.1:{firms.port}/agent", additional_headers=header, proxy=None) as link:
        link.send(codec.written("hello", party=name, traits={"interface": "proximal"}))
        kind, fields = codec.read(link.recv(10), "refused")
        assert (kind, fields["words"].startswith(f"{name} is out of this run: ")) == ("refused", True)
        link.recv(10)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=10) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = {name: PLAIN for forms in codec.KINDS.values() for name in forms}
TABLES = st.fixed_dictionaries({"v": st.just(1) | PLAIN, "kind": st.sampled_from([*codec.KINDS]) | PLAIN}, optional=FIELDS)
MESSAGES = st.one_of(st.binary(max_size=200), PLAIN.map(msgpack.packb), TABLES.map(msgpack.packb))


@given(MESSAGES)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused_by_either_side(sent: bytes) -> None:
    question = Question("cost", (np.zeros(3),))
    said: list[str] = []
    readings: list[Callable[[bytes], Any]] = [codec.question_of, lambda sent: codec.read(sent, "hello")]
    readings.append(lambda sent: codec.decode("Alder", 1, question, sent))
    for reading in readings:
        try:
            reading(sent)
        except (codec.MalformedError, InputError, NotSolvedError) as error:
            said.append(str(error))
    assert all(map(str.isprintable, said))


def test_whatever_is_sent_to_the_door_it_stays_open_and_the_plan_comes_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes at random before and after TLS would begin, requests of HTTP, frames with a token of a party and without."""
    firms = Firms(tmp_path)
    result: list[Plan] = []

    def planning() -> None:
        with firms.planner(absence=60.0) as planner:
            result.append(planner.plan(SMALL, START))

    coordinator = Thread(target=planning)
    coordinator.start()
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", firms.port), timeout=5).close()
            break
        except OSError:
            time.sleep(0.02)

    @given(st.binary(max_size=300), st.sampled_from(["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /"]))
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def raw(sent: bytes, before: str) -> None:
        with socket.create_connection(("127.0.0.1", firms.port), timeout=5) as dialled:
            dialled.sendall(before.encode() + sent)

    @given(MESSAGES)
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def hellos(sent: bytes) -> None:
        header = {"Authorization": f"Bearer {token('retailer')}"}
        with connect(f"ws://127.0.0.1:{firms.port}/", additional_headers=header, proxy=None) as link:
            link.send(sent)
            assert codec.read(link.recv(10), "refused")[0] == "refused"

    @given(st.text(max_size=40).filter(str.isascii).filter(str.isprintable))
    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def headers(given: str) -> None:
        with pytest.raises(InvalidStatus, match="401"):
            connect(f"ws://127.0.0.1:{firms.port}/", additional_headers={"Authorization": given}, proxy=None).__enter__()

    raw()
    hellos()
    headers()
    firms.start_all()
    coordinator.join(60)
    assert result
    assert result[0].progress.converged
    assert result[0].lost == ()
    ours = [record for record in caplog.records if record.name != "veridical.network.frames"]  # what the library says of frames
    assert [record for record in ours if record.exc_info] == []
