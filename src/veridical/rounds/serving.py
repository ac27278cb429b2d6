"""Serving rounds over HTTP: with TLS, or on this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import uvicorn

from veridical.data.errors import InputError
from veridical.data.listening import is_this_machine, listening, server_tls
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
        server_tls(certificate, key, FILES, partial(InputError.of, "--certificate"))
    store = Store.existing(database)
    try:
        opened = listening(host, port, partial(InputError.of, "--port"))
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
        say(f"serving at {scheme}://{shown}:{opened.getsockname()[1]}")
        uvicorn.Server(settings).run(sockets=[opened])
    finally:
        store.close()
