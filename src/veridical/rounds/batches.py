"""Writers that wait for each other share a transaction, and so one wait for the disk: for the rush before a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection

from veridical.rounds.store import Store

__all__ = ["Batches"]

T = TypeVar("T")


class Batches:
    """Runs what changes rounds, a batch at a time: whoever comes while one is being written waits for the next, and is in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: list[tuple[str, Callable[[Connection], Any], Future[Any]]] = []
        self._adding, self._running = threading.Lock(), threading.Lock()

    def run(self, round: str, work: Callable[[Connection], T]) -> T:
        """Return what some work on a round returns, once it is on the disk; what it raises, with nothing of it done.

        Work sees what work before it in the batch has done, and is undone alone.
        """
        done: Future[T] = Future()
        with self._adding:
            self._waiting.append((round, work, done))
        with self._running:
            if not done.done():  # nobody has taken it along: take along whoever waits
                with self._adding:
                    batch, self._waiting = self._waiting, []
                self._write(batch)
        return done.result()

    def _write(self, batch: list[tuple[str, Callable[[Connection], Any], Future[Any]]]) -> None:
        answers: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            with self.store.writing(*(round for round, _, _ in batch)) as connection:
                for _, work, done in batch:
                    try:
                        with connection.begin_nested():
                            answers.append((done, work(connection), None))
                    except Exception as error:
                        answers.append((done, None, error))
            for done, value, failure in answers:  # all is on the disk
                if failure is None:
                    done.set_result(value)
                else:
                    done.set_exception(failure)
        except BaseException as error:
            for _, _, done in batch:
                if not done.done():
                    done.set_exception(error)
            raise
