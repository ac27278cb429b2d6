"""What can be done with rounds: make one, report, look at what is one's own, clear.

The server's clock decides, and never goes back: the time of an entry is not before that of the entry before it, so that a clock
that is set back opens no round again. A report at the deadline is in time. The last one before it counts.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from veridical.data.errors import InputError
from veridical.rounds import refusals
from veridical.rounds.batches import Batches
from veridical.rounds.chain import CLEARED, CREATED, FIRST, REPORT, Entry, canonical, digest
from veridical.rounds.ledger import opened, rows_of
from veridical.rounds.sealing import ClearingKey, commitment, hashed, new_token, salt_of, seal
from veridical.rounds.store import Store, log, participants, rounds
from veridical.rounds.terms import Terms, thaw
from veridical.rounds.terms.protocol import Outcome

__all__ = ["SCHEMA", "Book", "Participant", "Receipt", "Round", "moment", "new_id", "utc_now"]

LOG = logging.getLogger(__name__)
SCHEMA = 1
MOST_REPORTS = 1_000  # of one participant in one round


@dataclass(frozen=True)
class Round:
    """A round as it was made. deadline: ISO 8601, UTC. public_key: what reports are sealed for. title: of the case."""

    id: str
    title: str
    description: str
    deadline: str
    public_key: str
    terms: Terms


@dataclass(frozen=True)
class Participant:
    """Somebody who has shown his token: his name, his round, and the token, which is kept nowhere."""

    round: str
    name: str
    token: str


@dataclass(frozen=True)
class Receipt:
    """Says that a report was received. Keep it: it can be held against the log of the round when that is handed out.

    number: among one's own reports, from 1. received: ISO 8601, UTC. commitment: HMAC-SHA256, hexadecimal, of the report's text
    (the shortest decimal, as `4.0`) with the bytes of `salt` as key. entry: hash of the log's entry, which binds all entries
    before it as well.
    """

    round: str
    participant: str
    number: int
    received: str
    commitment: str
    salt: str
    entry: str

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as plain values."""
        return asdict(self)


def new_id() -> str:
    """Return the name of a round that is to be made: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def utc_now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)


def moment(time: datetime) -> str:
    """Return a time as entries have it: UTC, to the microsecond, always as long, so that texts sort as times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


class Book:
    """The rounds in a database. `clock`: what tells the time."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self.store, self.clock = store, clock
        self._batches = Batches(store)
        self._round = lru_cache(maxsize=64)(self._read_round)
        self._outcome = lru_cache(maxsize=64)(self._read_outcome)

    def create(
        self, id: str, terms: Terms, deadline: datetime, key: ClearingKey, title: str, description: str = ""
    ) -> dict[str, str]:
        """Make a round with a name of `new_id`; return the token of each participant, which nobody is told a second time.

        Raises InputError for a deadline that is not ahead.
        """
        if deadline <= self.clock():
            raise InputError.of("--deadline", moment(deadline), f"a time after now, {moment(self.clock())}")
        tokens = {name: new_token() for name in terms.participants}
        fixed = {
            "schema": SCHEMA,
            "veridical": importlib.metadata.version("veridical"),
            "title": title,
            "description": description,
        }
        text = canonical({**fixed, "deadline": moment(deadline), "public_key": key.public, "terms": terms.to_dict()})
        hashes = {name: hashed(token) for name, token in tokens.items()}
        with self.store.writing(id) as connection:
            connection.execute(insert(rounds), {"id": id, "terms": text})
            rows = [{"round": id, "name": name, "token_hash": code} for name, code in hashes.items()]
            connection.execute(insert(participants), rows)
            self._append(connection, id, CREATED, {"terms": digest(text), "participants": digest(canonical(hashes))})
        LOG.info("round %s is made: %d participants, until %s", id, len(tokens), moment(deadline))
        return tokens

    def ids(self) -> list[str]:
        """Return the rounds, the oldest first."""
        with self.store.reading() as connection:
            query = select(log.c.round).where(log.c.kind == CREATED).order_by(log.c.time, log.c.round)
            return list(connection.scalars(query))

    def the_round(self, id: str | None = None) -> Round:
        """Return a round; where none is named the only one. Raises InputError."""
        there = self.ids()
        if id is None and len(there) != 1:
            allowed = f"the name of one round: {', '.join(there)}" if there else "a database with a round: there is none yet"
            raise InputError.of("--round", "<nothing>", allowed)
        return self.round(there[0] if id is None else id)

    def reports(self, id: str) -> list[tuple[str, int, str]]:
        """Return who has reported how often, and when last, everybody in order; never what."""
        counts, last = func.count(log.c.number), func.max(log.c.time)
        query = select(log.c.participant, counts, last).where(log.c.round == id, log.c.kind == REPORT).group_by(log.c.participant)
        with self.store.reading() as connection:
            there = {name: (count, time) for name, count, time in connection.execute(query)}
        return [(name, *there.get(name, (0, ""))) for name in self.round(id).terms.participants]

    def round(self, id: str) -> Round:
        """Return a round; raises InputError where there is none of that name."""
        return self._round(id)

    def state(self, id: str) -> str:
        """Return how far a round is: `open`, `closed` (the deadline has passed) or `cleared`."""
        if self.outcome(id) is not None:
            return "cleared"
        with self.store.reading() as connection:
            return "closed" if self._now(connection, id) > self.round(id).deadline else "open"

    def now(self, id: str) -> str:
        """Return the time that counts for a round."""
        with self.store.reading() as connection:
            return self._now(connection, id)

    def enter(self, token: str) -> Participant:
        """Return who has a token; raises RefusedError for one that nobody has."""
        with self.store.reading() as connection:
            query = select(participants.c.round, participants.c.name).where(participants.c.token_hash == hashed(token))
            row = connection.execute(query).one_or_none()
        if row is None:
            raise refusals.unknown_token()
        return Participant(row.round, row.name, token)

    def report(self, who: Participant, value: object, request: str) -> tuple[Receipt, bool]:
        """Receive a report, on the disk when this returns; return the receipt, and whether it is a new one.

        request: names the report among the participant's. The same report with the same name again gets the same receipt, so
        that one whose answer was lost can be sent again. Raises RefusedError: for what is no report, for one after the deadline,
        for another report with a name that was used, and for more reports than there may be.
        """
        world = self.round(who.round)
        try:
            report = world.terms.checked(who.name, value)
        except InputError as error:
            raise refusals.not_a_report(str(error)) from None
        salt = salt_of(who.token, who.round, request)
        hash = commitment(report, salt)

        def work(connection: Connection) -> tuple[Receipt, bool]:
            own = select(log).where(log.c.round == who.round, log.c.participant == who.name)
            before = connection.execute(own.where(log.c.request == request)).mappings().one_or_none()
            if before is not None:
                receipt = _receipt(before, who)
                if receipt.commitment == hash:
                    return receipt, False
                raise refusals.already_received(receipt.number, receipt.received, receipt.entry)
            now = self._now(connection, who.round)
            if now > world.deadline:
                raise refusals.late(world.deadline, now)
            query = select(func.max(log.c.number)).where(log.c.round == who.round, log.c.participant == who.name)
            number = (connection.scalar(query) or 0) + 1
            if number > MOST_REPORTS:
                raise refusals.too_many(MOST_REPORTS)
            sealed = seal(world.public_key, report, salt, who.round, who.name, str(number))
            body = {"participant": who.name, "number": number, "request": request, "commitment": hash, "sealed": sealed}
            entry = self._append(connection, who.round, REPORT, body)
            return Receipt(who.round, who.name, number, entry.time, hash, salt, entry.hash), True

        return self._batches.run(who.round, work)

    def received(self, who: Participant, request: str) -> Receipt | None:
        """Return the receipt of a participant's report by its name; None where there is none."""
        return next((receipt for name, receipt in self._receipts(who) if name == request), None)

    def receipts(self, who: Participant) -> list[Receipt]:
        """Return a participant's receipts, in order: the last one is of the report that counts."""
        return [receipt for _, receipt in self._receipts(who)]

    def result(self, who: Participant) -> dict[str, Any]:
        """Return a participant's part of the outcome; raises RefusedError before the round is cleared."""
        outcome = self.outcome(who.round)
        if outcome is None:
            raise refusals.not_cleared()
        return outcome[who.name]

    def outcome(self, id: str) -> Outcome | None:
        """Return everybody's part of a round that is cleared; None for another one."""
        try:
            return self._outcome(id)
        except LookupError:  # which is not kept: it may be there the next time
            return None

    def clear(self, id: str, key: ClearingKey) -> tuple[Outcome, bool]:
        """Clear a round, once and for all, and return the outcome, and whether it is new: that of a cleared one is as it was.

        Raises InputError before the deadline and for a key of another round; CertificateError for a log that was changed.
        """
        world = self.round(id)
        while True:
            outcome = self.outcome(id)
            if outcome is not None:
                return outcome, False
            with self.store.reading() as connection:
                now, rows = self._now(connection, id), rows_of(connection, id)
            if rows[-1:] and rows[-1]["kind"] == CLEARED:  # somebody else has cleared it meanwhile
                continue
            if now <= world.deadline:
                raise InputError.of("round", id, f"a round whose deadline has passed: it is at {world.deadline}, now it is {now}")
            if key.public != world.public_key:
                raise InputError.of("--key", "<the key of another round>", f"the clearing key of round {id}")
            counted = opened(world, rows, key)
            outcome = world.terms.clear({name: report["report"] for name, report in counted.items()})
            with self.store.writing(id) as connection:
                if len(rows) == connection.scalar(select(func.count()).where(log.c.round == id)):
                    self._append(connection, id, CLEARED, {"reports": counted, "outcome": outcome}, after=now)
                    LOG.info("round %s is cleared: by %d reports", id, len(counted))  # never by whose, and which
                    return outcome, True

    def _append(self, connection: Connection, round: str, kind: str, body: Mapping[str, Any], after: str = "") -> Entry:
        last = connection.execute(
            select(log.c.place, log.c.hash).where(log.c.round == round).order_by(log.c.place.desc()).limit(1)
        )
        place, previous = next(((row.place + 1, row.hash) for row in last), (0, FIRST))
        text, time = canonical(body), max(self._now(connection, round), after)
        entry = Entry(round, place, time, kind, digest(text), previous)
        columns = {name: body.get(name) for name in ("participant", "number", "request")}
        fixed = {"round": round, "place": place, "time": time, "kind": kind, "previous": previous}
        connection.execute(insert(log), {**fixed, **columns, "body": text, "hash": entry.hash})
        return entry

    def _now(self, connection: Connection, round: str) -> str:
        last = connection.scalar(select(log.c.time).where(log.c.round == round).order_by(log.c.place.desc()).limit(1))
        return max(moment(self.clock()), last or "")

    def _read_round(self, id: str) -> Round:
        with self.store.reading() as connection:
            text = connection.scalar(select(rounds.c.terms).where(rounds.c.id == id))
        if text is None:
            raise InputError.of("--round", id, f"one of {', '.join(self.ids()) or 'none: there is no round yet'}")
        record = json.loads(text)
        words = {name: record[name] for name in ("title", "description", "deadline", "public_key")}
        return Round(id=id, terms=thaw(record["terms"]), **words)

    def _read_outcome(self, id: str) -> Outcome:
        with self.store.reading() as connection:
            body = connection.scalar(select(log.c.body).where(log.c.round == id, log.c.kind == CLEARED))
        if body is None:
            raise LookupError(id)
        outcome: Outcome = json.loads(body)["outcome"]
        return outcome

    def _receipts(self, who: Participant) -> list[tuple[str, Receipt]]:
        own = select(log).where(log.c.round == who.round, log.c.participant == who.name).order_by(log.c.number)
        with self.store.reading() as connection:
            return [(row["request"], _receipt(row, who)) for row in connection.execute(own).mappings()]


def _receipt(row: RowMapping, who: Participant) -> Receipt:
    body = json.loads(row["body"])
    salt = salt_of(who.token, who.round, body["request"])
    return Receipt(who.round, who.name, body["number"], row["time"], body["commitment"], salt, row["hash"])
