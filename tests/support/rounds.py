"""Rounds to try: a database, a clock that stands where a test sets it, everybody's token; servers, and PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

import veridical as vd
from veridical.rounds import terms
from veridical.rounds.book import Book, Participant, new_id
from veridical.rounds.sealing import ClearingKey
from veridical.rounds.store import Store
from veridical.rounds.terms import Terms
from veridical.rounds.web.app import application
from veridical.rounds.web.guards import Rates

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TERMS = {
    name: terms.freeze(vd.example(name), None, solver)
    for name, solver in (("two-suppliers", "closed_form"), ("two-retailers", None))
}


def absent(what: str, reason: str) -> NoReturn:
    """Skip a test for want of something, or fail where `VERIDICAL_TESTS_REQUIRE` names it, as .ci/run does."""
    if what in os.environ.get("VERIDICAL_TESTS_REQUIRE", "").split(","):
        pytest.fail(f"{what}: {reason}")
    pytest.skip(f"{what}: {reason}")


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


@dataclass
class World:
    """A round in a database, open for an hour from `START`."""

    store: Store
    case: str = "two-suppliers"
    clock: Clock = field(default_factory=Clock)
    key: ClearingKey = field(default_factory=ClearingKey.new)
    terms: Terms = None  # type: ignore[assignment]  # those of the shipped case unless given

    def __post_init__(self) -> None:
        self.id = new_id()
        self.book = Book(self.store, self.clock)
        self.terms = self.terms or TERMS[self.case]
        self.tokens = self.book.create(self.id, self.terms, START + HOUR, self.key, self.case)
        self._requests = iter(range(10**6))

    def who(self, name: str) -> Participant:
        """Return a participant who has shown his token."""
        return self.book.enter(self.tokens[name])

    def report(self, name: str, value: object) -> Any:
        """Report under a new name, and return the receipt."""
        return self.book.report(self.who(name), value, f"r{next(self._requests)}")[0]

    def close(self) -> None:
        """Let the deadline pass."""
        self.clock.time = START + HOUR + timedelta(seconds=1)

    def clear(self) -> Any:
        """Let the deadline pass, clear, and return the outcome."""
        self.close()
        return self.book.clear(self.id, self.key)[0]

    def app(self, **limits: Rates) -> FastAPI:
        """Return the application, without limits of rate unless they are given."""
        free = {name: Rates(1e9, 10**9) for name in ("asked", "guessed")}
        return application(self.book, **free | limits)

    def client(self, name: str | None = None, base: str = "http://testserver", **limits: Rates) -> TestClient:
        """Return a client of the API, with a participant's token where one is named."""
        headers = {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}
        return TestClient(self.app(**limits), headers=headers, base_url=base)

    def browser(self, name: str, base: str = "http://testserver") -> TestClient:
        """Return a client that has opened a participant's link."""
        client = self.client(base=base)
        assert client.get(f"/enter/{self.tokens[name]}").status_code == 200
        return client


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application in a thread, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def program(name: str) -> str:
    """Return a program of PostgreSQL's server; skips where there is none."""
    places = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    return found or absent("postgresql", "no server is installed here, and VERIDICAL_TEST_POSTGRESQL names none")


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the URL of a PostgreSQL server: that of `VERIDICAL_TEST_POSTGRESQL`, or one that is started for the tests."""
    if given := os.environ.get("VERIDICAL_TEST_POSTGRESQL"):
        yield given
        return
    initdb, control = program("initdb"), program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="veridical-pg-"))
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []  # the server does not run as root
    try:
        if user:
            shutil.chown(folder, "postgres")

        def call(*command: str) -> None:
            subprocess.run([*user, *command], check=True, capture_output=True, cwd="/")

        call(initdb, "-D", f"{folder}/data", "-U", "veridical", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -k {folder} -c fsync=off"
        call(control, "-D", f"{folder}/data", "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql://veridical@/postgres?host={folder}"
        finally:
            call(control, "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def database(server: str) -> Iterator[str]:
    """Make a database on a PostgreSQL server, and give its URL."""
    name = f"veridical_{new_id()}"
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.replace("/postgres", f"/{name}")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
