"""The database: SQLite in a file, or PostgreSQL by URL. Rounds, hashes of tokens, and the log, to which entries are only added.

Everything that changes a round happens in `Store.writing`: one writer of a round at a time, and when it ends without an error, it
is on the disk (SQLite: WAL with synchronous FULL).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    DDL,
    URL,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from veridical.data import files
from veridical.data.errors import InputError
from veridical.rounds.extras import needed

__all__ = ["Store", "log", "participants", "rounds"]

DATABASE = "a file that `veridical round create --db` made, or the URL of such a PostgreSQL database, postgresql://..."
WAIT = 60  # seconds for another writer

metadata = MetaData()
rounds = Table(
    "rounds",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("terms", Text, nullable=False),  # canonical JSON: what was frozen when the round was made
)
participants = Table(
    "participants",
    metadata,
    Column("round", ForeignKey("rounds.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    PrimaryKeyConstraint("round", "name"),
)
log = Table(
    "log",
    metadata,
    Column("round", ForeignKey("rounds.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("time", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("participant", Text),  # these three of a report; they stand in its body as well
    Column("number", Integer),
    Column("request", String(64)),
    Column("body", Text, nullable=False),  # canonical JSON
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("round", "place"),
    UniqueConstraint("round", "participant", "number"),
    UniqueConstraint("round", "participant", "request"),
)
cleared = log.c.kind == "cleared"
Index("log_cleared_once", log.c.round, unique=True, sqlite_where=cleared, postgresql_where=cleared)


def statement_of(text: str) -> DDL:
    """Return a statement that is run when a table is made."""
    return DDL(text)  # type: ignore[no-untyped-call]


for table in (rounds, participants, log):  # against accidents: who means to change a row can drop a trigger, and the hashes tell
    for change in ("UPDATE", "DELETE"):
        name, says = f"{table.name}_no_{change.lower()}", "nothing in a round is changed: entries are added"
        lite = f"CREATE TRIGGER {name} BEFORE {change} ON {table.name} BEGIN SELECT RAISE(ABORT, '{says}'); END"
        event.listen(table, "after_create", statement_of(lite).execute_if(dialect="sqlite"))
        function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''{says}''; END'"
        trigger = f"CREATE TRIGGER {name} BEFORE {change} ON {table.name} FOR EACH ROW EXECUTE FUNCTION {name}()"
        for statement in (function, trigger):
            event.listen(table, "after_create", statement_of(statement).execute_if(dialect="postgresql"))


class Store:
    """A database of rounds. `engine`: SQLAlchemy's."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = threading.Lock()  # of this process: threads that wait here do not ask SQLite again and again

    @classmethod
    def create(cls, place: str) -> Store:
        """Return the database at a path or a URL, with its tables, made where they are not there; raises InputError."""
        if "://" not in place:
            files.make_private(place, "--db")
        store = cls(_engine(place))
        with store._said(place):
            metadata.create_all(store.engine)
        return store

    @classmethod
    def existing(cls, place: str) -> Store:
        """Return the database at a path or a URL; raises InputError where there is none with rounds."""
        if "://" not in place and not Path(place).is_file():
            raise InputError.of("--db", place, DATABASE)
        store = cls(_engine(place))
        with store._said(place):
            there = set(inspect(store.engine).get_table_names())
        if not {table.name for table in (rounds, participants, log)} <= there:
            raise InputError.of("--db", place, DATABASE)
        return store

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *names: str) -> Iterator[Connection]:
        """Give a connection that alone may change some rounds: all of it is done, and on the disk, or nothing is."""
        with self._writer, self.engine.connect() as connection, connection.execution_options(writes=True).begin():
            connection.execute(select(rounds.c.id).where(rounds.c.id.in_(names)).order_by(rounds.c.id).with_for_update())
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _said(self, place: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            self.close()
            reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
            raise InputError.of("--db", _shown(place), f"{DATABASE} ({reason})") from None


def _engine(place: str) -> Engine:
    """Return the engine of a path or a URL; raises InputError for other databases, and where a driver is not installed."""
    settings: dict[str, Any] = {"pool_size": 8, "max_overflow": 40, "pool_timeout": WAIT}
    if "://" not in place:
        engine = create_engine(
            URL.create("sqlite", database=str(Path(place).absolute())), connect_args={"timeout": WAIT}, **settings
        )
        event.listen(engine, "connect", _settings_of_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    scheme, _, rest = place.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputError.of("--db", _shown(place), DATABASE)
    with needed("--db"):
        try:
            engine = create_engine(f"postgresql+psycopg://{rest}", pool_pre_ping=True, **settings)
        except (ArgumentError, ValueError):
            raise InputError.of("--db", _shown(place), DATABASE) from None
    return engine


def _shown(place: str) -> str:
    """Return a path, or a URL without its password."""
    scheme, separator, rest = place.partition("://")
    return f"{scheme}://...@{rest.rpartition('@')[2]}" if separator and "@" in rest else place


def _settings_of_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}").close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction; one that writes takes its turn now, so that what it has read is still so when it writes."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
