"""Serving rounds over HTTP: with TLS, or on this machine alone."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable

import uvicorn

from veridical.data.errors import InputError
from veridical.rounds.book import Book
from veridical.rounds.store import Store
from veridical.rounds.web.app import application

__all__ = ["serve"]

FILES = "a certificate and its key, PEM files that fit together: `--certificate FILE --key FILE`"


def serve(database: str, host: str, port: int, certificate: str | None, key: str | None, say: Callable[[str], None]) -> None:
    """Serve the rounds in a database until the process is ended, and say where; port 0 is any that is free.

    Raises InputError for a host that needs TLS and has none, and for an address that cannot be listened at.
    """
    if (certificate is None) != (key is None):
        raise InputError.of("--certificate" if certificate is None else "--key", "<nothing>", FILES)
    if certificate is None and not is_this_machine(host):
        raise InputError.of("--host", host, f"127.0.0.1, ::1 or localhost without TLS; for others {FILES}")
    if certificate is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise InputError.of("--certificate", certificate, f"{FILES} ({reason})") from None
    store = Store.existing(database)
    try:
        listening = _listening(host, port)
        settings = uvicorn.Config(
            application(Book(store)),
            ssl_certfile=certificate,
            ssl_keyfile=key,
            access_log=False,  # links hold tokens
            server_header=False,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=10,
        )
        scheme, shown = "http" if certificate is None else "https", f"[{host}]" if ":" in host else host
        say(f"serving at {scheme}://{shown}:{listening.getsockname()[1]}")
        uvicorn.Server(settings).run(sockets=[listening])
    finally:
        store.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such port"
        raise InputError.of("--port", port, f"a port of {host} that is free ({reason})") from None


def is_this_machine(host: str) -> bool:
    """Return whether a host is a loopback address.

    Examples
    --------
    >>> [is_this_machine(host) for host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
