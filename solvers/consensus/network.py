"""The agent's end of the network: it reaches out to the coordinator, says who it is, and answers until that is all.

One connection, from the inside out, through the proxy that the usual variables name (`HTTPS_PROXY`, `NO_PROXY`). What comes in
is data: a method of `METHODS` and lists of numbers. What goes out is what the agent answers, each answer written to the log
before it is sent. A lost connection is taken up again, with pauses that grow; a coordinator that asks the same again after that
gets the answer that it did not get, without another word of the agent.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from veridical.data import InputError
from veridical.data.errors import visible
from veridical.data.listening import is_this_machine
from veridical.solvers.consensus import answers_log
from veridical.solvers.consensus.carriers.door import BEAT, ENDING, HELLO, MISSED, MOST, QUIET
from veridical.solvers.consensus.carriers.spec import traits_of
from veridical.solvers.consensus.codec import MalformedError, answer_of, question_of, read, written

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

__all__ = ["serve_party"]

PAUSES = 0.5, 30.0  # seconds before a connection is tried again: the first, and the longest
KEPT = 8  # answers that are kept, should the connection be lost before they arrive
REPLY = 30.0  # seconds that a coordinator is given to say whether an agent is welcome
NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")  # what OpenSSL calls an answer that is no TLS
FIRST_WORDS = ("welcome", "refused")
URL = "https://HOST:PORT of the coordinator; http:// on this machine alone"


def serve_party(
    agent: Any,
    *,
    party: str,
    token: str,
    coordinator: str,
    ca: str | Path | None = None,
    log: str | Path | None = None,
    say: Callable[[str], None] | None = None,
    give_up: float | None = None,
) -> int:
    """Answer a coordinator's questions until it says that this was all, and return how many were answered.

    Parameters
    ----------
    agent
        An object with the methods of `Agent`: a `HomeAgent`, a `PartyAgent`, or one of your own. Its method `begin`, if it has
        one, is called before it is asked anything by a run, and again where another run takes over; without one, flows that were
        given are set free then.
    party
        The party's name, as the case has it.
    token
        What proves that the agent is the party's: the coordinator has its SHA-256.
    coordinator
        `https://HOST:PORT`; `http://` for a coordinator on this machine alone.
    ca
        A PEM file with the certificate that the coordinator's rests on, or its own; by default those that the system trusts.
    log
        A file to which each question and its answer is appended, a line of JSON each, before the answer is sent.
    say
        Called with a sentence whenever something happens that the owner of the agent should know.
    give_up
        Seconds without a connection after which no other is tried; by default it goes on trying.

    Returns
    -------
    int
        How many answers were given.

    Raises
    ------
    InputError
        For an address that cannot be, a certificate that does not vouch for the coordinator, a log that cannot be written, and
        where the coordinator refuses the agent, with its reason.

    Examples
    --------
    >>> serve_party(object(), party="Alder", token="...", coordinator="http://example.org:8443")
    Traceback (most recent call last):
    ...
    veridical.data.errors.InputError: coordinator: got 'http://example.org:8443'; allowed: https://HOST:PORT of the coordinator...
    """
    at_home = _AtHome(agent, party, token, coordinator, ca, log, say or (lambda words: None))
    began, pause = monotonic(), 0.0
    while True:
        try:
            at_home.talk()
            return at_home.answered
        except _LostError as lost:
            if at_home.met:
                began, pause = monotonic(), 0.0
            pause = min(max(2 * pause, PAUSES[0]), PAUSES[1])
            if give_up is not None and monotonic() - began + pause > give_up:
                allowed = f"a coordinator that can be reached within {give_up:g} s ({lost})"
                raise InputError.of("coordinator", coordinator, allowed) from None
            at_home.say(f"no connection to {coordinator} ({lost}); trying again in {pause:g} s")
        sleep(pause * random.uniform(0.75, 1.25))  # not all agents at once


class _LostError(Exception):
    """There is no connection, or not any more; the text says why."""


@dataclass
class _AtHome:
    """An agent and its talk with a coordinator. met: whether the last connection came about.

    given: the last questions of a run, and their answers. fixed: how many flows were last told to be given or free.
    """

    agent: Any
    party: str
    token: str
    coordinator: str
    ca: str | Path | None
    log: str | Path | None
    say: Callable[[str], None]
    met: bool = False
    answered: int = 0
    given: dict[bytes, bytes] = field(default_factory=dict)
    fixed: int | None = None
    run: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.coordinator)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in ("https", "http") or parts.path.strip("/") or parts.query or parts.username:
            raise InputError.of("coordinator", self.coordinator, URL)
        if parts.scheme == "http" and not is_this_machine(host):
            raise InputError.of("coordinator", self.coordinator, URL)
        shown = f"[{host}]" if ":" in host else host
        self.uri = f"{'wss' if parts.scheme == 'https' else 'ws'}://{shown}{'' if port is None else f':{port}'}/agent"
        self.options = {"ssl": _trust(self.ca)} if parts.scheme == "https" else {}
        self.options |= {"proxy": None} if is_this_machine(host) else {}
        try:
            self.traits = traits_of(self.agent)
        except (Exception, SystemExit) as error:
            allowed = f"an agent that says how it answers ({type(error).__name__} when it was asked)"
            raise InputError.of("agent", "<an agent>", allowed) from None
        if not self.token.isascii() or not self.token.isprintable() or not self.token:
            raise InputError.of("token", "<no token>", "one line of letters, digits and signs")

    def talk(self) -> None:
        """Connect, and answer to the end; raise _LostError for a lost connection, InputError where the agent is refused."""
        from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
        from websockets.sync.client import connect

        self.met = False
        try:
            with connect(
                self.uri,
                additional_headers={"Authorization": f"Bearer {self.token}"},
                compression=None,
                max_size=MOST,
                open_timeout=HELLO + ENDING,
                close_timeout=ENDING,
                ping_interval=BEAT,
                ping_timeout=MISSED,
                logger=QUIET,
                **self.options,
            ) as link:
                self._introduce(link)
                for message in link:
                    if self._ended(message):
                        return
                    answer = self._answer(message)
                    with suppress(ConnectionClosed):  # why it was closed meanwhile is still to be read
                        link.send(answer)
            raise _LostError("the coordinator closed it")
        except ssl.SSLCertVerificationError as error:
            trusted = "the system trusts" if self.ca is None else f"{self.ca} vouches for"
            allowed = f"a coordinator whose certificate {trusted} ({error.verify_message.rstrip('.')})"
            raise InputError.of("coordinator", self.coordinator, allowed) from None
        except InvalidStatus as error:
            status, body = error.response.status_code, (error.response.body or b"")[:200].decode("utf-8", "replace").strip()
            if status in (401, 403):
                raise self._refused(body or "its token is none of this run") from None
            raise _LostError(f"status {status}: {visible(body)}") from None
        except ssl.SSLError as error:
            if error.reason in NO_TLS:
                raise _LostError("what answers there does not speak TLS: another program, or a coordinator without") from None
            raise _LostError(visible(str(error)) or type(error).__name__) from None
        except (OSError, WebSocketException, EOFError) as error:  # OSError: TimeoutError too
            raise _LostError(visible(str(error)) or type(error).__name__) from None

    def _introduce(self, link: ClientConnection) -> None:
        """Say who this is; raise InputError where that is refused."""
        link.send(written("hello", party=self.party, traits=self.traits))
        try:
            kind, words = read(link.recv(timeout=REPLY), *FIRST_WORDS)
        except MalformedError as error:
            raise InputError.of(
                "coordinator", self.coordinator, f"a coordinator that speaks this protocol; it sent {error}"
            ) from None
        if kind == "refused":
            raise self._refused(words["words"])
        self.met = True
        self.say(f"connected to {self.coordinator} as {self.party}")
        if words["run"] != self.run:
            if hasattr(self.agent, "begin"):
                self.agent.begin()
            elif self.fixed is not None:
                self.agent.fix(np.full(self.fixed, np.nan))  # what another run took as given is free again
            self.run, self.given, self.fixed = words["run"], {}, None

    def _ended(self, message: Any) -> bool:
        """Return whether a message is a goodbye; raise InputError for a refusal, and for what is no question."""
        try:
            kind, fields = read(message, "question", "goodbye", "refused")
            if kind == "question":
                question_of(message)
        except MalformedError as error:
            raise InputError.of("coordinator", self.coordinator, f"a coordinator that asks questions; it sent {error}") from None
        if kind == "refused":
            raise self._refused(fields["words"])
        if kind == "goodbye":
            self.say(visible(f"{self.coordinator} says: {fields['words']}"))
        return kind == "goodbye"

    def _answer(self, sent: bytes) -> bytes:
        """Return the answer to a question: the one that was given to it, where the same one comes again."""
        if sent not in self.given:
            answer = answer_of(self.agent, sent, self._notice, ends=KeyboardInterrupt)
            if self.log is not None:
                answers_log.write(self.log, self.party, sent, answer)
            self.given = dict(list(self.given.items())[1 - KEPT :]) | {sent: answer}
            self.answered += 1
            question = question_of(sent)[1]
            if question.method == "fix" and hasattr(self.agent, "fix"):
                self.fixed = question.flows
        return self.given[sent]

    def _notice(self, error: BaseException) -> None:
        self.say(visible(f"the agent ended in {type(error).__name__}: {error}; the coordinator is told the type alone"))

    def _refused(self, words: str) -> InputError:
        return InputError.of("coordinator", self.coordinator, f"a coordinator that takes this agent; it is refused: {words}")


def _trust(ca: str | Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError.of(
            "ca", str(ca), f"a PEM file with the certificate that the coordinator's rests on ({reason})"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
