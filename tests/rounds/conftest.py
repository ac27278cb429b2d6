"""Fixtures: databases and rounds in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.rounds import World, database, postgresql
from veridical.rounds.store import Store


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a PostgreSQL server."""
    with postgresql() as url:
        yield url


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """Return an empty SQLite database."""
    store = Store.create(str(tmp_path / "round.sqlite"))
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Return an empty database of either kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("lite")
        return
    with database(request.getfixturevalue("server")) as url:
        store = Store.create(url)
        yield store
        store.close()


@pytest.fixture
def suppliers(lite: Store) -> World:
    """Return a round of two suppliers."""
    return World(lite)


@pytest.fixture
def retailers(lite: Store) -> World:
    """Return a round of two retailers."""
    return World(lite, "two-retailers")
