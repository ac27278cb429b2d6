"""A door that closes while many come in: no thread, socket or warning is left, and who says nothing is not waited for."""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from ssl import SSLContext

import numpy as np
import pytest
from websockets.sync.client import connect

from support.agents_at_home import Parabola
from support.certificates import certificate
from veridical.data.listening import server_tls
from veridical.solvers.consensus.carriers import door
from veridical.solvers.consensus.carriers.door import Door
from veridical.solvers.consensus.carriers.spec import traits_of
from veridical.solvers.consensus.codec import read, written

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer secret\r\n\r\n"
)
MANY = 60


@pytest.fixture
def left() -> Iterator[list[str]]:
    """What the garbage collector complains of, at the end of a test."""
    complaints: list[str] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda found: complaints.append(str(found.exc_value))
    try:
        yield complaints
    finally:
        sys.unraisablehook = hook


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, tmp_path: Path) -> SSLContext | None:
    if request.param == "plain":
        return None
    files = certificate(tmp_path, "localhost")
    return server_tls(*files, "a certificate", lambda value, allowed: pytest.fail(allowed))


def opened(tls: SSLContext | None) -> Door:
    return Door(
        socket.create_server(("127.0.0.1", 0), backlog=MANY), tls, {"A": sha256(b"secret").hexdigest()}, lambda name: [], {}
    )


def files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("said", [b"", UPGRADE], ids=["silent", "upgrade"])
@pytest.mark.parametrize("before", [0.0, 0.1], ids=["coming in", "inside"])
def test_a_door_that_closes_while_many_come_in_leaves_nothing(
    tls: SSLContext | None, said: bytes, before: float, left: list[str]
) -> None:
    gc.collect()
    left.clear()
    held = files()
    here = opened(tls)
    with ExitStack() as clients:
        if not before:
            here.loop.call_soon_threadsafe(time.sleep, 0.1)  # all come in at the turn in which it is told to close
        links = [clients.enter_context(socket.create_connection(here.listening.getsockname())) for _ in range(MANY)]
        for link in links:
            link.sendall(said)
        time.sleep(before)
        began = time.monotonic()
        here.close(parting=True)
        assert time.monotonic() - began < door.HELLO / 2  # nobody is given the time to say who he is
        assert not here.thread.is_alive()
        for link in links:
            link.settimeout(1.0)
            _closed(link.recv)
    del here
    gc.collect()
    assert left == []
    assert files() == held


def _closed(receive: Callable[[int], bytes]) -> None:
    """See that a connection is at its end, whatever was said before."""
    try:
        while receive(4096):
            pass
    except ConnectionResetError:
        pass


def test_who_is_shown_out_as_the_door_closes_reads_why(left: list[str]) -> None:
    here = opened(None)
    uri = here.address.replace("http", "ws") + "/agent"
    with connect(uri, additional_headers={"Authorization": "Bearer secret"}, compression=None) as link:
        link.send(written("hello", party="A", traits=traits_of(Parabola(np.ones(4)))))
        assert read(link.recv(), "welcome")[0] == "welcome"
        here.expel("A", "it is late")
        here.close(parting=True)
        assert "it is late" in read(link.recv(timeout=1), "goodbye", "refused")[1]["words"]
