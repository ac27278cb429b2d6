"""Agents at home: who is let in and who is not, connections that are lost, TLS that does not vouch, a proxy on the way."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from websockets.sync.client import connect

import veridical as vd
from support.agents_at_home import SMALL, Changed, Firms, Parabola, token, usual_plan
from support.certificates import certificate
from support.consensus import certified, savings
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import Shared, coordinated
from veridical.families.joint_plan import solve
from veridical.solvers.consensus import Answer, Consensus, PartyAgent, Round, codec, network
from veridical.solvers.consensus.home import HomeAgent
from veridical.solvers.consensus.network import serve_party
from veridical.solvers.planners import Central

START = usual_plan(SMALL)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PAUSES", (0.02, 0.05))


@pytest.fixture
def firms(tmp_path: Path) -> Firms:
    return Firms(tmp_path)


@pytest.fixture(scope="module")
def inline() -> Plan:
    with Consensus() as planner:
        return planner.plan(SMALL, START)


class Slow(Changed):
    """An agent that takes a while for each step, so that something can happen meanwhile."""

    def __init__(self, name: str, seconds: float = 0.05) -> None:
        def respond(agent: Any, *asked: Any) -> Any:
            time.sleep(seconds)
            return agent.respond(*asked)

        super().__init__(PartyAgent(SMALL.part(name)), respond=respond)


@contextmanager
def running(firms: Firms, **options: Any) -> Iterator[dict[str, Any]]:
    """Have a plan made in a thread, meanwhile; in the end it is there, or the error."""
    result: dict[str, Any] = {}

    def plan() -> None:
        try:
            with firms.planner(**options) as planner:
                result["planner"] = planner
                result["plan"] = planner.plan(SMALL, START)
        except BaseException as error:
            result["error"] = error

    thread = threading.Thread(target=plan)
    thread.start()
    try:
        yield result
    finally:
        thread.join(60)
    assert not thread.is_alive()


def test_wrong_tokens_and_names_are_refused_and_both_sides_say_so(
    firms: Firms, inline: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    firms.start("retailer")
    firms.start("Birch")
    with running(firms) as result:
        wrong = firms.start("Alder", token="none of theirs").ended()
        other = firms.start("Alder", token=token("Birch")).ended()
        weak = firms.start("Alder", Changed(PartyAgent(SMALL.part("Alder")), interface="dual")).ended()
        firms.start("Alder")
    assert "it is refused: no party of this run has this token" in wrong
    assert "it is refused: its token is another party's than the name it gives" in other
    assert "it is refused: its agent cannot take part: strong_convexity: got None" in weak
    said = [record.message for record in caplog.records if record.name == "veridical.network"]
    assert any(text.startswith("a connection is refused: no party of this run has its token (127.0.0.1") for text in said)
    assert any(text.startswith("Birch is refused: its token is another party's") for text in said)
    assert any(text.startswith("Alder is refused: its agent cannot take part") for text in said)
    np.testing.assert_array_equal(result["plan"].units, inline.units)  # nobody else noticed


def test_another_version_is_refused_in_words_that_any_version_reads(firms: Firms, caplog: pytest.LogCaptureFixture) -> None:
    with running(firms) as result:
        with caplog.at_level(logging.WARNING, "veridical.network"), dialled(firms, "Alder") as link:
            hello = msgpack.unpackb(codec.written("hello", party="Alder", traits={}))
            link.send(msgpack.packb(hello | {"v": 2, "more": 1}))
            words = "its hello was a message of version 2, not 1"
            assert codec.read(link.recv(10), "refused")[1] == {"words": words}
        assert f"Alder is refused: {words}" in caplog.text
        result["planner"].workers.absence = 0.0
    later = msgpack.packb({"v": 2, "kind": "refused", "words": "too old"})
    assert codec.read(later, "refused") == ("refused", {"words": "too old"})


@contextmanager
def dialled(firms: Firms, name: str, known: bool = True) -> Iterator[Any]:
    """Give a bare connection with a party's token."""
    until = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", firms.port), timeout=1):
                break
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.01)
    headers = {"Authorization": f"Bearer {token(name)}"} if known else {}
    with connect(f"ws://127.0.0.1:{firms.port}/agent", additional_headers=headers, proxy=None) as link:
        yield link


def test_a_newer_connection_takes_the_place_of_the_older_one_which_is_told_so(
    firms: Firms, inline: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    firms.start("retailer", Slow("retailer"))
    firms.start("Birch")
    with caplog.at_level(logging.INFO, "veridical.network"), running(firms) as result:
        older = firms.start("Alder")
        while older.answered < 0 and not [text for text in older.said if text.startswith("connected")]:
            time.sleep(0.01)
        newer = firms.start("Alder")
        assert "it is refused: a newer connection of Alder took the place of this one" in older.ended()
    assert newer.ended() == ""
    assert "Alder has connected anew, and its older connection is refused" in caplog.text
    np.testing.assert_allclose(result["plan"].units, inline.units, rtol=0, atol=1e-6)


def test_an_older_connection_is_told_so_too_when_it_is_closed_while_it_is_at_an_answer(firms: Firms, inline: Plan) -> None:
    """It went back to the coordinator instead, and took the place of the newer one."""
    asked, answers = threading.Event(), threading.Event()

    def respond(agent: Any, *arguments: Any) -> Any:
        asked.set()
        answers.wait(20)
        return agent.respond(*arguments)

    firms.start("retailer")
    firms.start("Birch")
    with running(firms) as result:
        older = firms.start("Alder", Changed(PartyAgent(SMALL.part("Alder")), respond=respond))
        assert asked.wait(20)
        newer = firms.start("Alder")
        while not newer.said:
            time.sleep(0.01)
        time.sleep(0.2)  # in which the older connection is closed
        answers.set()
        assert "it is refused: a newer connection of Alder took the place of this one" in older.ended()
    assert newer.ended() == ""
    assert sum(text.startswith("connected") for text in newer.said) == 1  # nobody took its place
    np.testing.assert_allclose(result["plan"].units, inline.units, rtol=0, atol=1e-6)


def test_who_does_not_come_is_waited_for_and_named(firms: Firms) -> None:
    firms.start("retailer")
    state = firms.folder / "run.state"
    with (
        pytest.raises(NotSolvedError, match=r"not connected yet: Alder, Birch, after 0.5 s at http://127.0.0.1"),
        firms.planner(absence=0.5, state=str(state)) as planner,
    ):
        planner.plan(SMALL, START)
    assert firms.homes["retailer"].ended() == ""  # it is told that this was all
    assert not state.exists()  # there is nothing to go on with


@pytest.mark.parametrize("lost", ["Alder", "retailer"])
def test_a_lost_connection_is_taken_up_again_with_what_was_told_before(firms: Firms, lost: str) -> None:
    """Connections are cut in the middle of rounds, also while flows are given: the plan is that of a run without a cut."""
    agents = {name: Parabola(np.linspace(5, 40, len(SMALL.shared.share(name))) * k) for k, name in enumerate(SMALL.names)}
    with Consensus({"solver": "consensus", "options": {"gap": 1e-8}}, agents=dict(agents)) as planner:
        expected = [planner.plan(SMALL, START, absent) for absent in ((), ("Birch",))]
    links: list[Any] = []

    def cutting(at: Round) -> None:
        if at.round in (2, 5):
            link = links[0].workers.door.seats[lost].link
            if link is not None:
                links[0].workers.door.loop.call_soon_threadsafe(link.transport.abort)

    fresh = {name: Parabola(agent.target) for name, agent in agents.items()}
    firms.start_all(fresh)
    with firms.planner(cutting, gap=1e-8) as planner:
        links.append(planner)
        found = [planner.plan(SMALL, START, absent) for absent in ((), ("Birch",))]
    assert firms.homes[lost].ended() == ""
    assert sum(text.startswith("connected") for text in firms.homes[lost].said) >= 3
    for plan, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(plan.units, other.units)
        assert plan.bound == other.bound


AGENT = """
import sys
from support.agents_at_home import SMALL
from veridical.solvers.consensus import PartyAgent, network
network.PAUSES = (0.02, 0.05)
name, token, url = sys.argv[1:]
network.serve_party(PartyAgent(SMALL.part(name)), party=name, token=token, coordinator=url)
"""


def at_home(firms: Firms, name: str) -> subprocess.Popen[bytes]:
    """Start a party's agent in a process of its own."""
    folder = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", AGENT, name, token(name), firms.url], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}
    )


def test_a_vendor_that_is_killed_and_started_again_goes_on_and_one_killed_for_good_is_held_at_the_baseline(firms: Firms) -> None:
    central = Central().plan(SMALL, START)
    saved = savings(SMALL, START, central)
    alder, started = [at_home(firms, "Alder")], []

    def kill(again: bool) -> Callable[[Round], None]:
        def callback(at: Round) -> None:
            if at.round == 10:
                alder[-1].kill()
                alder[-1].wait()
                if again:
                    alder.append(at_home(firms, "Alder"))
                    started.append(at.round)

        return callback

    for name in ("retailer", "Birch"):
        firms.start(name)
    options = {"gap": 1e-6, "absence": 15.0}
    with firms.planner(kill(True), **options) as planner:
        back = planner.plan(SMALL, START)
        planner.callback = kill(False)
        planner.workers.absence = 0.5  # type: ignore[union-attr]
        held = planner.plan(SMALL, START)
    alder[-1].kill()
    alder[-1].wait()
    assert started == [10]
    assert (back.lost, back.progress.converged) == ((), True)
    certified(back, central.objective, saved, 1e-6)
    assert held.lost == ("Alder",)
    assert (
        "Alder is lost (whose agent has not been connected for 0.5 s) and reverts to the baseline" in held.progress.warnings[-1]
    )
    share = SMALL.shared.share("Alder")
    np.testing.assert_array_equal(held.units[share], START[share])


def test_mechanisms_are_compared_over_the_network_with_agents_that_stay(firms: Firms) -> None:
    """A run for each mechanism, as the command with --stay answers them; what comes of it is as in process, to the last digit."""

    def stay(name: str) -> None:
        agent = HomeAgent(SMALL.part(name))
        with suppress(InputError):  # nobody is there any more
            while True:
                serve_party(agent, party=name, token=token(name), coordinator=firms.url, give_up=3.0)

    threads = [threading.Thread(target=stay, args=(name,), daemon=True) for name in SMALL.names]
    for thread in threads:
        thread.start()
    mechanisms = ["vcg", "first_price", "jit"]
    told = vd.compare(coordinated(SMALL), mechanisms, firms.options())
    for thread in threads:
        thread.join(30)
    assert list(told.index) == mechanisms
    for name in mechanisms:
        with Consensus() as planner:
            known = solve(SMALL, name, planner=planner, misreports=0).contracts
        assert tuple(told.loc[name, ["savings", "budget"]]) == (known.savings, known.budget)


def tls(tmp_path: Path, host: str = "localhost", days: int = 1) -> tuple[Path, Path]:
    folder = tmp_path / f"{host}{days}"
    folder.mkdir()
    return certificate(folder, host, days)


def test_over_tls_the_plan_is_the_same_and_plain_connections_come_to_nothing(tmp_path: Path, inline: Plan) -> None:
    firms = Firms(tmp_path, tls=tls(tmp_path))
    firms.start("Alder")
    firms.start("Birch")
    with running(firms) as result:
        plain = firms.start("retailer", coordinator=f"http://127.0.0.1:{firms.port}", give_up=0.5).ended()
        assert "a coordinator that can be reached within 0.5 s" in plain
        firms.start("retailer")
    np.testing.assert_array_equal(result["plan"].units, inline.units)


@pytest.mark.parametrize(
    ("host", "days", "trusted", "reason"),
    [
        ("localhost", 1, "other", "self.signed certificate"),
        ("localhost", 1, None, "self.signed certificate"),
        ("localhost", -1, "own", "certificate has expired"),
        ("vendor.example", 1, "own", "Hostname mismatch, certificate is not valid for 'localhost'"),
    ],
)
def test_a_certificate_that_does_not_vouch_for_the_coordinator_is_refused_by_the_agent(
    tmp_path: Path, host: str, days: int, trusted: str | None, reason: str
) -> None:
    firms = Firms(tmp_path, tls=tls(tmp_path, host, days))
    assert firms.tls is not None
    ca = {"own": firms.tls[0], "other": tls(tmp_path, "localhost", 5)[0], None: None}[trusted]
    with running(firms) as result:
        until = time.monotonic() + 10
        while time.monotonic() < until and not listens(firms.port):
            time.sleep(0.01)
        with pytest.raises(InputError, match=rf"^coordinator: got 'https://localhost:\d+'; allowed: a coordinator .*{reason}"):
            serve_party(Parabola(np.ones(4)), party="Alder", token=token("Alder"), coordinator=firms.url, ca=ca, give_up=0.0)
        while (workers := result["planner"].workers) is None:  # the door is open before the planner has its parties
            time.sleep(0.01)
        workers.absence = 0.0


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_addresses_and_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    usual: dict[str, Any] = {"party": "Alder", "token": "x", "coordinator": "https://localhost:1", "give_up": 0.0}
    for given, message in (
        ({"coordinator": "http://example.org:8443"}, "coordinator: got 'http://example.org:8443'; allowed: https://HOST:PORT"),
        ({"coordinator": "example.org:8443"}, "coordinator: got 'example.org:8443'"),
        ({"coordinator": "https://localhost:x"}, "coordinator: got 'https://localhost:x'"),
        ({"coordinator": "https://localhost:8443/path"}, "coordinator: got 'https://localhost:8443/path'"),
        ({"ca": tmp_path / "none.pem"}, "ca: got .*; allowed: a PEM file"),
        ({"token": "two\nlines"}, "token: got <no token>"),
        ({}, r"coordinator: got 'https://localhost:1'; allowed: a coordinator that can be reached within 0 s \(.*refused"),
    ):
        with pytest.raises(InputError, match=message):
            serve_party(Parabola(np.ones(4)), **{**usual, **given})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"listen": "8443"}, "listen: got '8443'; allowed: HOST:PORT"),
        ({"listen": "0.0.0.0:0"}, "options.listen: got '0.0.0.0:0'; allowed: 127.0.0.1, ::1 or localhost without TLS"),
        ({"certificate": "cert.pem"}, "options.certificate: got 'cert.pem'; allowed: a certificate and its key"),
        (
            {"certificate": "cert.pem", "key": "key.pem"},
            "options.certificate: got 'cert.pem'; allowed: a certificate and its key, PEM files that fit",
        ),
        ({"noise": 0.1}, "options.noise: got 0.1; allowed: not here: agents at home say themselves"),
        ({"tokens": "none.toml"}, "none.toml"),
    ],
)
def test_options_of_the_network_are_checked(firms: Firms, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message), firms.planner(**options) as planner:
        planner.plan(SMALL, START)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('Alder = "x"\n', "tokens.toml: Alder: got <no digest>; allowed: the SHA-256"),
        (f'Nobody = "{"0" * 64}"\n', "tokens.toml: Nobody: got <a token>; allowed: parties: retailer, Alder, Birch"),
        (f'Alder = "{"0" * 64}"\nBirch = "{"0" * 64}"\n', "got <one token of two parties>"),
    ],
)
def test_lists_of_tokens_are_checked(firms: Firms, lines: str, message: str) -> None:
    firms.tokens.write_text(lines, encoding="utf-8")
    with pytest.raises(InputError, match=message), firms.planner() as planner:
        planner.plan(SMALL, START)


def test_files_of_a_solver_file_lie_below_its_folder(firms: Firms, tmp_path: Path) -> None:
    inside = tmp_path / "coordinator"
    inside.mkdir()
    file = inside / "consensus.toml"
    lines = [f"{name} = {value!r}" for name, value in firms.options()["options"].items()]
    file.write_text("solver = 'consensus'\n[options]\n" + "\n".join(lines), encoding="utf-8")
    with (
        pytest.raises(InputError, match=r"tokens\.toml: <file>: got .*allowed: a file below the folder"),
        Consensus(file) as planner,
    ):
        planner.plan(SMALL, START)
    (inside / "tokens.toml").write_bytes(firms.tokens.read_bytes())
    file.write_text(file.read_text().replace(repr(str(firms.tokens)), "'tokens.toml'").replace("20.0", "0.2"), encoding="utf-8")
    with pytest.raises(NotSolvedError, match="not connected yet: retailer, Alder, Birch"), Consensus(file) as planner:
        planner.plan(SMALL, START)


def test_a_party_whose_record_is_here_answers_here(firms: Firms, inline: Plan) -> None:
    firms.tokens.write_text(
        "\n".join(line for line in firms.tokens.read_text().splitlines() if "retailer" not in line), encoding="utf-8"
    )
    firms.start("Alder")
    firms.start("Birch")
    with firms.planner() as planner:
        found = planner.plan(SMALL, START)
        assert planner.fixed == {"Alder", "Birch"}
    np.testing.assert_array_equal(found.units, inline.units)


def test_through_a_proxy_that_the_usual_variable_names(tmp_path: Path, inline: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked to connect to a host of which the agent itself knows no address."""
    firms = Firms(tmp_path, tls=tls(tmp_path, "coordinator.example"))
    with proxy(firms.port) as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for name in SMALL.names:
            firms.start(name, coordinator=f"https://coordinator.example:{firms.port}")
        with firms.planner() as planner:
            found = planner.plan(SMALL, START)
        for home in firms.homes.values():
            assert home.ended() == ""
    assert set(asked) == {f"CONNECT coordinator.example:{firms.port} HTTP/1.1"}
    np.testing.assert_array_equal(found.units, inline.units)


@contextmanager
def proxy(port: int) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy that takes every CONNECT for one to a port of this machine; give its address, and what it was asked."""
    asked: list[str] = []

    def pass_on(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(2**16):
                other.sendall(data)
        except OSError:
            pass
        finally:
            for end in (one, other):
                end.close()

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(2**10)
            asked.append(head.split(b"\r\n")[0].decode())
            try:
                there = socket.create_connection(("127.0.0.1", port))
            except OSError:
                client.close()
                continue
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for pair in ((client, there), (there, client)):
                threading.Thread(target=pass_on, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        listening.shutdown(socket.SHUT_RDWR)


def test_without_the_library_it_is_said_what_to_install(firms: Firms, monkeypatch: pytest.MonkeyPatch) -> None:
    from veridical.solvers.consensus import opening

    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r'options.workers: got \'network\'; allowed: network after: pip install "veridical\[network\]"'
    ):
        firms.planner().plan(SMALL, START)


def test_ctrl_c_ends_an_agent_at_home_and_is_no_answer(firms: Firms) -> None:
    def interrupts(*_: Any) -> Answer:
        raise KeyboardInterrupt

    firms.start("retailer")
    firms.start("Birch")
    home = firms.start("Alder", Changed(PartyAgent(SMALL.part("Alder")), cost=interrupts))
    with pytest.raises(NotSolvedError, match=r"no answer to cost from Alder"), firms.planner(absence=2.0) as planner:
        planner.plan(SMALL, START)
    home.ended()
    assert isinstance(home.error, KeyboardInterrupt)


OTHERS: dict[str, tuple[str, Callable[[Shared], Shared]]] = {
    "weeks": ("case.toml", lambda shared: shared.changed(weeks=3)),
    "routes": ("flows.csv", lambda shared: shared.changed(routes=shared.routes[::-1])),
    "prices": ("flows.csv", lambda shared: shared.changed(routes=[route._replace(price=4.5) for route in shared.routes])),
    "volumes": ("products.csv", lambda shared: shared.changed(products=dict.fromkeys(shared.products, 0.5))),
}


@pytest.mark.parametrize("thing", OTHERS)
def test_who_goes_by_something_else_than_the_coordinator_is_refused_and_told_what(
    firms: Firms, inline: Plan, caplog: pytest.LogCaptureFixture, thing: str
) -> None:
    file, edited = OTHERS[thing]
    words = f"it goes by other {thing} than the coordinator: {file} is to say the same in both folders"
    for name in ("retailer", "Birch"):
        firms.start(name, HomeAgent(SMALL.part(name)))
    with running(firms) as result:
        wrong = Changed(HomeAgent(SMALL.part("Alder")), known=edited(SMALL.shared).digests("Alder"))
        assert words in firms.start("Alder", wrong).ended()
        firms.start("Alder", HomeAgent(SMALL.part("Alder")))
    assert f"Alder is refused: {words}" in caplog.text
    np.testing.assert_array_equal(result["plan"].units, inline.units)
