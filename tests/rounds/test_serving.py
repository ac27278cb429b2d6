"""The server as it is run: killed in the middle of reports, under TLS, and on hosts that it refuses."""

import datetime
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from support import certificates
from support.command_line import Run
from support.rounds import TERMS
from veridical.rounds.book import Book, new_id, utc_now
from veridical.rounds.exports import export
from veridical.rounds.sealing import ClearingKey
from veridical.rounds.store import Store

DAY = datetime.timedelta(days=1)


@contextmanager
def server(database: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `veridical serve`, and give its address and its process."""
    command = [sys.executable, "-m", "veridical", "serve", "--db", str(database), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving at "), line + process.stderr.read()
        yield line.split()[-1], process
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def made(path: Path, case: str = "two-suppliers") -> tuple[str, dict[str, str], ClearingKey]:
    """Make a round in a new database; return its name, the tokens and the key."""
    store, id, key = Store.create(str(path)), new_id(), ClearingKey.new()
    tokens = Book(store).create(id, TERMS[case], utc_now() + DAY, key, case)
    store.close()
    return id, tokens, key


def test_no_acknowledged_report_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "round.sqlite"
    id, tokens, _ = made(path, "two-retailers")
    acknowledged: list[dict[str, str]] = []
    sent = 0
    for _ in range(2):
        stop = threading.Event()
        with server(path) as (address, process):

            def bid(name: str, stop: threading.Event = stop, address: str = address) -> None:
                nonlocal sent
                with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {tokens[name]}"}, timeout=10) as client:
                    while not stop.is_set():
                        sent += 1
                        try:
                            answer = client.post(
                                f"/api/rounds/{id}/reports", json={"report": 5.0, "request": f"{name[-1]}-{sent}"}
                            )
                        except httpx2.HTTPError:
                            return  # killed: whether it was received nobody knows
                        if answer.status_code == 201:
                            acknowledged.append(answer.json())

            threads = [threading.Thread(target=bid, args=(name,)) for name in tokens]
            for thread in threads:
                thread.start()
            before, until = len(acknowledged), time.monotonic() + 30
            while len(acknowledged) < before + 60 and time.monotonic() < until:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            stop.set()
            for thread in threads:
                thread.join()
    assert len(acknowledged) >= 120
    store = Store.existing(str(path))
    _, record = export(Book(store), id)
    store.close()
    there = {entry["hash"] for entry in record["log"]}
    assert [receipt for receipt in acknowledged if receipt["entry"] not in there] == []
    assert len(record["log"]) <= sent + 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write a certificate of `localhost` that it has signed itself, and its key."""
    return certificates.certificate(tmp_path_factory.mktemp("tls"))


def test_tls_is_served_with_a_certificate_and_nothing_else_is(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    path, (cert, key) = tmp_path / "round.sqlite", certificate
    id, tokens, _ = made(path)
    with server(path, "--host", "0.0.0.0", "--certificate", str(cert), "--key", str(key)) as (address, process):
        assert address.startswith("https://0.0.0.0:")
        port = address.rpartition(":")[2]
        trusting = ssl.create_default_context(cafile=str(cert))
        with httpx2.Client(verify=trusting, base_url=f"https://localhost:{port}") as client:
            answer = client.get(f"/enter/{tokens['panel']}")
            assert (answer.status_code, answer.headers["Location"]) == (303, f"/rounds/{id}")
            assert "Secure" in answer.headers["Set-Cookie"]
            assert "max-age" in answer.headers["Strict-Transport-Security"]
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://localhost:{port}/")
        process.terminate()
        assert process.stderr is not None
        assert tokens["panel"] not in process.stderr.read()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "192.0.2.1"])
def test_plain_http_is_refused_on_other_hosts(run: Run, tmp_path: Path, host: str) -> None:
    made(tmp_path / "round.sqlite")
    status, out, err = run("serve", "--db", "round.sqlite", "--host", host, "--port", "0")
    assert (status, out) == (2, "")
    assert f"--host: got '{host}'; allowed: 127.0.0.1, ::1 or localhost without TLS" in err


def test_files_that_are_no_certificate_are_refused(run: Run, tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    made(tmp_path / "round.sqlite")
    Path("other.pem").write_text("nothing", encoding="utf-8")
    cert, key = map(str, certificate)
    for options in (
        ["--certificate", cert],
        ["--key", key],
        ["--certificate", cert, "--key", "other.pem"],
        ["--certificate", "no", "--key", key],
    ):
        status, _, err = run("serve", "--db", "round.sqlite", "--port", "0", *options)
        assert status == 2
        assert "a certificate and its key, PEM files that fit together" in err


def test_a_port_that_is_taken_is_said_to_be(run: Run, tmp_path: Path) -> None:
    import socket

    made(tmp_path / "round.sqlite")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run("serve", "--db", "round.sqlite", "--port", str(port))
    assert status == 2
    assert f"--port: got {port}; allowed: a port of 127.0.0.1 that is free" in err
