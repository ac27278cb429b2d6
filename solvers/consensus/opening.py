"""Carriers as options ask for them: which one, where agents come in, and by which files."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

from veridical.data import InputError, files
from veridical.data.listening import is_this_machine, listening, server_tls
from veridical.solvers.configuration import Configuration
from veridical.solvers.consensus.carriers import AgentSpec, Dask, InProcessWorkers, Network, Processes, Workers
from veridical.solvers.consensus.options import Options

__all__ = ["opened", "tokens"]

FILES = "a certificate and its key, PEM files that fit together: `certificate` and `key`"
DIGEST = re.compile("[0-9a-f]{64}")
THEIRS = ("interfaces", "strong_convexity", "smoothness", "noise")  # of agents at home, who say so themselves


def opened(
    configuration: Configuration,
    settings: Options,
    specs: dict[str, AgentSpec],
    client: Callable[[], Any],
    tokens: Mapping[str, str],
    known: Mapping[str, Mapping[str, str]],
) -> Workers:
    """Return the agents, each where the options say. `client`: of a cluster. `tokens`: of parties at home.
    `known`: hashes of what each of these is to go by.

    Raises InputError, with the option, for what there cannot be.
    """
    if settings.workers == "network":
        return _network(configuration, settings, specs, tokens, known)
    if settings.workers == "dask":
        return Dask(specs, settings.timeout, settings.restarts, client=client())
    kind = InProcessWorkers if settings.workers == "inline" else Processes
    return kind(specs, settings.timeout, settings.restarts)


def _network(
    configuration: Configuration,
    settings: Options,
    specs: dict[str, AgentSpec],
    tokens: Mapping[str, str],
    known: Mapping[str, Mapping[str, str]],
) -> Network:
    if find_spec("websockets") is None:
        raise configuration.error_for("options.workers", "network", 'network after: pip install "veridical[network]"')
    for field in THEIRS:
        if field in settings.model_fields_set:
            allowed = "not here: agents at home say themselves how they answer, when they connect"
            raise configuration.error_for(f"options.{field}", getattr(settings, field), allowed)
    for name, spec in specs.items():
        if spec.remote and name not in tokens:
            allowed = f"the SHA-256 of the token of {name}, who is at home"
            raise configuration.error_for(f"{settings.tokens}, {name}", "<nothing>", allowed)
    host, _, port = settings.listen.rpartition(":")
    tls = _tls(configuration, settings, host.strip("[]"))
    return Network(
        specs,
        settings.timeout,
        settings.restarts,
        listening=listening(host.strip("[]"), int(port), partial(configuration.error_for, "options.listen")),
        tls=tls,
        tokens=tokens,
        absence=settings.absence,
        known=known,
    )


def tokens(configuration: Configuration, settings: Options, names: Collection[str]) -> dict[str, str]:
    """Return the SHA-256 of the token of each party that has one; `names`: all parties. Raises InputError."""
    path = configuration.place(settings.tokens)
    digests = files.read_toml(path, "list of tokens")
    for name, digest in digests.items():
        if name not in names:
            raise InputError.of(name, "<a token>", f"parties: {', '.join(names)}", path.name)
        if not (isinstance(digest, str) and DIGEST.fullmatch(digest)):
            raise InputError.of(name, "<no digest>", "the SHA-256 of its token: 64 digits and letters from a to f", path.name)
    if len(set(digests.values())) < len(digests):
        raise InputError.of("tokens", "<one token of two parties>", "a token of its own for each party", path.name)
    return digests


def _tls(configuration: Configuration, settings: Options, host: str) -> ssl.SSLContext | None:
    """Return how TLS is spoken; None where nobody but this machine can come in and no certificate is there."""
    error_for = partial(configuration.error_for, "options.certificate")
    if settings.certificate is None and settings.key is None:
        if not is_this_machine(host):
            allowed = f"127.0.0.1, ::1 or localhost without TLS; for others {FILES}"
            raise configuration.error_for("options.listen", settings.listen, allowed)
        return None
    if settings.certificate is None or settings.key is None:
        raise error_for(settings.certificate, FILES)
    certificate, key = (configuration.place(name) for name in (settings.certificate, settings.key))
    return server_tls(certificate, key, FILES, error_for)
