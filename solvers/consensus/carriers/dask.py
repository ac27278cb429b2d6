"""Agents on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from veridical.data import NotSolvedError
from veridical.solvers.consensus.carriers.spec import handed_over, made
from veridical.solvers.consensus.carriers.workers import Call, Workers
from veridical.solvers.solution import Termination

__all__ = ["Dask"]

BEAT = 1.0  # seconds after which it is looked whether a worker is still there


@dataclass
class Dask(Workers):
    """An actor an agent, on the workers of a Dask cluster in turn: a cluster with a worker a party keeps them apart.

    An actor's part travels through the scheduler when it starts, and who has a worker of a cluster has the cluster: Dask itself
    unpickles what its workers send. `client`: of `distributed`, the extra of that name.
    """

    client: Any = None
    actors: dict[str, tuple[str, Callable[[], Any]]] = field(default_factory=dict)  # worker's address; waits for the actor

    def open(self, name: str) -> None:
        """Start the actor, without waiting until its model is compiled."""
        from distributed.protocol.pickle import dumps  # an extra

        try:
            places = sorted(_places(self.client))
        except Exception as error:
            raise NotSolvedError(f"the Dask cluster does not answer ({type(error).__name__})", Termination.FAILED) from None
        if not places:
            raise NotSolvedError("the Dask cluster has no workers", Termination.FAILED)
        place = places[list(self.specs).index(name) % len(places)]
        sent = handed_over(name, self.specs[name], dumps)
        future = self.client.submit(_Actor, sent, actor=True, workers=[place], pure=False)
        self.actors[name] = (place, cache(partial(_from_worker, self.client, place, future)))

    def call(self, name: str) -> Call:
        """Call the actor, which may have yet to start."""
        return partial(_through_actor, self.client, *self.actors[name])

    def shut(self, name: str) -> None:
        """Forget the actor: the cluster ends it."""
        self.actors.pop(name, None)


def _through_actor(client: Any, place: str, actor: Callable[[], Any], sent: bytes, most: int) -> bytes:
    answer: bytes = _from_worker(client, place, actor().answer(sent))
    return answer


def _from_worker(client: Any, place: str, future: Any) -> Any:
    """Wait for a future as long as its worker belongs to the cluster; raise ConnectionError where it does not."""
    while True:
        with suppress(TimeoutError):
            return future.result(timeout=BEAT)
        if client.status != "running" or place not in _places(client):
            raise ConnectionError(place)


def _places(client: Any) -> Collection[str]:
    """Return the addresses of a cluster's workers."""
    places: Collection[str] = client.scheduler_info(n_workers=-1)["workers"]
    return places


class _Actor:
    """An agent on a Dask worker, made from its spec as bytes, so that an error in reading it stays here too."""

    def __init__(self, spec: bytes) -> None:
        from distributed.protocol.pickle import loads  # an extra

        self.call = made(spec, loads)

    def answer(self, question: bytes) -> bytes:
        return self.call(question)
