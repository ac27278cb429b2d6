"""Agents at home, each with its own firm: they reach out to the coordinator, who asks them through one connection each."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from socket import socket
from time import monotonic, sleep
from typing import Any

import numpy as np

from veridical.data import InputError, NotSolvedError
from veridical.data.progress import step
from veridical.solvers.consensus.carriers.door import Door, Sent
from veridical.solvers.consensus.carriers.spec import AgentSpec
from veridical.solvers.consensus.carriers.workers import Call, Workers
from veridical.solvers.consensus.codec import answer_of, longest, written
from veridical.solvers.consensus.messages import AgentTraits, Question, SilentError

__all__ = ["Network"]

LOG = logging.getLogger("veridical.network")
SOON = 10.0  # seconds after which it is worth a warning that somebody is not there
LOOK = 0.1  # seconds after which it is looked who is there
KEPT = 16  # agents of parties whose records are here


@dataclass
class Network(Workers):
    """The agents of other firms. `listening`: where they come in, with TLS where `tls` is given. `tokens`: SHA-256 of each one's.

    absence: seconds that a party which is not connected is waited for, at the start and later. known: hashes of what each party
    is to go by (`Shared.digests`).

    What an agent answers wrongly, and an error inside it, is a loss of its party and no end of the run: it is shown out, and
    stays so. Parties whose specs say what their agents are made from answer here, as those of `InProcessWorkers` do.
    """

    listening: socket | None = None
    tls: ssl.SSLContext | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    absence: float = 300.0
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.listening is not None
        self.agents: dict[str, Any] = {}
        self.made: list[tuple[AgentSpec, Any]] = []
        remote = {name: self.tokens[name] for name, spec in self.specs.items() if spec.remote}
        self.door = Door(self.listening, self.tls, remote, self._to_be_told_again, self.known)
        super().__post_init__()

    def wait(self, names: Collection[str]) -> None:
        """Wait until parties have said hello for the first time; raise SilentError that names who has not."""
        remote = [name for name in names if self.specs[name].remote and name not in self.dead]
        if not self.door.missing(remote):
            return
        began, told, warned = monotonic(), "", False
        LOG.info("listens at %s, and waits for %s", self.door.address, ", ".join(self.door.missing(remote)))
        with step(f"waiting at {self.door.address}") as said:
            while missing := self.door.missing(remote):
                if (words := f"not connected yet: {', '.join(missing)}") != told:
                    said.advance(told := words)
                if not warned and monotonic() - began > SOON:
                    warned = True
                    LOG.warning("%s, after %g s at %s; waited for up to %g s", words, SOON, self.door.address, self.absence)
                if monotonic() - began > self.absence:
                    raise SilentError(f"{words}, after {self.absence:g} s at {self.door.address}", tuple(missing))
                sleep(LOOK)

    def traits(self, name: str) -> AgentTraits:
        """Return what a party's agent declared of itself when it said hello; of one that has not yet, what most declare."""
        return self.door.seats[name].traits or AgentTraits()

    def open(self, name: str) -> None:
        """Make the agent of a party whose part is here; others come by themselves."""
        if not self.specs[name].remote:
            self.agents[name] = self._made(self.specs[name])
            self.met.add(name)

    def _made(self, spec: AgentSpec) -> Any:
        """Return the agent of a spec, one that was made before where there is one: plans of several records are made in turn."""
        if spec.part is None:
            return spec.make()
        made = next((agent for other, agent in self.made if other == spec), None)
        if made is None:
            made = spec.make()
            self.made = [*self.made[1 - KEPT :], (spec, made)]
        made.fix(np.full(len(spec.part.shared.flows), np.nan))
        return made

    def call(self, name: str) -> Call:
        """Ask through the door."""
        if self.specs[name].remote:
            return partial(_through_door, self.door, name, self.absence)
        agent = self.agents[name]
        return lambda sent, most: answer_of(agent, sent)

    def replace(self, name: str, spec: AgentSpec) -> None:
        """Have a party that was lost take part again, if it was not shown out; it is the agent that it was, and told so."""
        if not self.is_stranger(name):
            super().replace(name, spec)
        elif not self.door.seats[name].expelled:
            given, told = self.given.get(name), self.told.get(name)
            super().replace(name, spec)
            self.given |= {} if given is None else {name: given}
            self.told |= {} if told is None else {name: told}

    def is_stranger(self, name: str) -> bool:
        """Return whether a party is at home."""
        return self.specs[name].remote

    def fault(self, name: str, error: InputError | NotSolvedError) -> None:
        """Show out whose answer cannot be used."""
        if not self.is_stranger(name):
            raise error
        self.door.expel(name, str(error))
        self._lost(name, f"whose answer could not be used ({error})")

    def lose(self, name: str, error: BaseException) -> None:
        """Note that a party is not there any more, and why."""
        if not self.specs[name].remote:
            super().lose(name, error)
            return
        self._lost(name, f"which is out of the run: {error}" if self.door.seats[name].expelled else str(error))

    def shut(self, name: str) -> None:
        """Wait no more for an answer."""
        if self.specs[name].remote:
            self.door.withdraw(name)

    def close(self, parting: bool = True) -> None:
        """Close the door; `parting`: whether agents are told that this was all, or else wait until the run goes on."""
        super().close()
        self.door.close(parting)

    def _lost(self, name: str, why: str) -> None:
        self.forget(name)
        self.dead.add(name)
        self.reasons[name] = why

    def _to_be_told_again(self, name: str) -> list[Sent]:
        """Return the questions by which an agent that comes back learns what it is to go by."""
        return [self._numbered(name, question) for question in self.to_be_told_again(name)]

    def _numbered(self, name: str, question: Question) -> Sent:
        number = self.number(name)
        return number, written("question", number=number, method=question.method, arguments=question.arguments), longest(question)


def _through_door(door: Door, name: str, absence: float, sent: bytes, most: int) -> bytes:
    """Wait for an answer as long as its party is there, or comes back before it has been away for too long."""
    answer = door.ask(name, sent, most)
    while True:
        try:
            return answer.result(timeout=LOOK)
        except TimeoutError:
            if door.away(name) > absence:
                raise ConnectionError(f"whose agent has not been connected for {absence:g} s") from None
