"""Addresses that are listened at: with TLS, or on this machine alone."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from veridical.data.errors import InputError

__all__ = ["is_this_machine", "listening", "server_tls"]

Error = Callable[[object, str], InputError]  # of the value that was found, and what is allowed


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


def listening(host: str, port: int, error_for: Error) -> socket.socket:
    """Return a socket that listens; raises the error that `error_for` makes of the port where it cannot."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such port"
        raise error_for(port, f"a port of {host} that is free ({reason})") from None


def server_tls(certificate: str | Path, key: str | Path | None, files: str, error_for: Error) -> ssl.SSLContext:
    """Return how a server speaks TLS; raises the error that `error_for` makes of the certificate where the files do not do.

    `files`: what they are to be, in words.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")  # nobody is asked for one here
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise error_for(str(certificate), f"{files} ({reason})") from None
    return context
