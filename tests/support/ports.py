"""Ports of this machine at which nobody listens, and which nobody is given before a test listens there itself."""

import itertools
import os
import socket

FIRST, COUNT = 10_000, 22_000  # below those that systems give away, from 32,768 on and often from 49,152 on
_ports = itertools.count(os.getpid() * 211)  # other tests run in other processes: each begins elsewhere


def free_port() -> int:
    """Return a port at which nobody listens.

    The system's own choice would be one that it gives away again: to the next test that asks, or to an agent that dials before
    its coordinator listens, which then may be connected to itself.
    """
    while True:
        port = FIRST + next(_ports) % COUNT
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:  # somebody else's
            continue
        return port
