"""The log that is handed out: whatever was changed in a round is found, by the log or by a receipt."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from support.rounds import World
from veridical.data import CertificateError, InputError
from veridical.data.csv_file import rows as csv_rows
from veridical.rounds.chain import canonical
from veridical.rounds.exports import check_log, check_receipt, export, read_receipt
from veridical.rounds.ledger import entry_of, rows_of
from veridical.rounds.store import Store, log, participants, rounds


@pytest.fixture
def world(lite: Store) -> World:
    """Return a round with three reports, cleared."""
    world = World(lite)
    for name, cost in (("panel", 9.0), ("battery", 4.0), ("panel", 3.0)):
        world.report(name, cost)
    world.clear()
    return world


def tamper(world: World, *changes: Callable[[Connection], object], chained: bool = False) -> None:
    """Do as somebody does who can write to the database and drops what is in his way; `chained`: he makes all hashes anew."""
    with world.store.writing(world.id) as connection:
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("DROP INDEX log_cleared_once"))
        for change in changes:
            change(connection)
        if chained:
            chained_again(connection, world.id)


def chained_again(connection: Connection, id: str) -> None:
    """Give every entry the hash that fits to what stands in it now, and to the one before."""
    previous = "0" * 64
    for row in rows_of(connection, id):
        connection.execute(log.update().where(log.c.place == row["place"]).values(previous=previous))
        (again,) = (one for one in rows_of(connection, id) if one["place"] == row["place"])
        previous = entry_of(again).hash
        connection.execute(log.update().where(log.c.place == row["place"]).values(hash=previous))


def put_body(connection: Connection, place: int, change: Callable[[Any], object]) -> None:
    body = json.loads(connection.scalar(select(log.c.body).where(log.c.place == place)) or "")
    change(body)
    connection.execute(log.update().where(log.c.place == place).values(body=canonical(body)))


def entry(place: int, **values: object) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(log.update().where(log.c.place == place).values(**values))


def body(place: int, change: Callable[[Any], object]) -> Callable[[Connection], object]:
    return lambda connection: put_body(connection, place, change)


def without(place: int) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(log.delete().where(log.c.place == place))


CHANGES: dict[str, Callable[[Connection], object]] = {
    "a time": entry(2, time="2026-03-01T11:00:00.000000+00:00"),
    "a body": body(1, lambda body: body.update(sealed="00")),
    "a body that is no JSON": entry(1, body="nonsense"),
    "a kind": entry(1, kind="cleared"),
    "a hash": entry(4, hash="0" * 64),
    "an entry is gone": without(2),
    "the first entry is gone": without(0),
    "whose report it is": entry(2, participant="panel", number=7),
    "the name of a report": entry(2, request="another"),
    "the outcome": body(4, lambda body: body["outcome"]["panel"].update(payment=1e6)),
    "the terms": lambda connection: connection.execute(rounds.update().values(terms=rounds.c.terms + " ")),
    "a token": lambda connection: connection.execute(participants.update().values(token_hash=participants.c.name)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_log_that_was_changed_is_not_handed_out(world: World, what: str) -> None:
    export(world.book, world.id)
    tamper(world, CHANGES[what])
    with pytest.raises(CertificateError, match=r"changed"):
        export(world.book, world.id)


AGAIN: dict[str, Callable[[Connection], object]] = {
    "a report that counted": body(4, lambda body: body["reports"]["panel"].update(report=9.0)),
    "the report before the last counted": lambda connection: put_body(
        connection, 4, lambda body: body["reports"]["panel"].update(entry=rows_of(connection, body_round(connection))[1]["hash"])
    ),
    "nobody's report counted": body(4, lambda body: body["reports"].clear()),
    "a payment": body(4, lambda body: body["outcome"]["panel"].update(payment=1e6)),
}


def body_round(connection: Connection) -> str:
    return str(connection.scalar(select(rounds.c.id)))


@pytest.mark.parametrize("what", AGAIN)
def test_an_outcome_that_does_not_follow_is_found_though_all_hashes_fit(world: World, what: str) -> None:
    tamper(world, AGAIN[what], chained=True)
    with pytest.raises(CertificateError, match=r"was not cleared by|is not what the reports bring"):
        export(world.book, world.id)


def test_a_log_that_was_changed_is_not_cleared(lite: Store) -> None:
    world = World(lite)
    world.report("panel", 3.0)
    world.report("battery", 1.0)
    tamper(world, entry(1, time="2026-03-01T12:00:01.000000+00:00"))
    world.close()
    with pytest.raises(CertificateError, match="the log of two-suppliers was changed: entry 1"):
        world.book.clear(world.id, world.key)
    with world.store.reading() as connection:
        assert len(rows_of(connection, world.id)) == 3


def test_a_sealed_report_of_one_does_not_count_as_anothers(lite: Store) -> None:
    world = World(lite)
    for name, cost in (("panel", 3.0), ("battery", 1.0)):
        world.report(name, cost)

    def swap(connection: Connection) -> None:
        sealed = [json.loads(row["body"])["sealed"] for row in rows_of(connection, world.id)[1:]]
        put_body(connection, 1, lambda body: body.update(sealed=sealed[1]))
        put_body(connection, 2, lambda body: body.update(sealed=sealed[0]))

    tamper(world, swap, chained=True)
    world.close()
    with pytest.raises(CertificateError, match="does not open"):
        world.book.clear(world.id, world.key)


def test_a_report_that_was_replaced_is_not_opened(lite: Store) -> None:
    world = World(lite)
    for name, cost in (("panel", 9.0), ("panel", 3.0), ("battery", 1.0)):
        world.report(name, cost)
    tamper(world, body(1, lambda body: body.update(sealed="00")), chained=True)
    assert world.clear()["panel"]["report"] == 3.0  # what would not open was not tried


def written(world: World, folder: Path) -> Path:
    texts, _ = export(world.book, world.id)
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "log.csv"


def test_a_receipt_is_found_in_the_log(lite: Store, tmp_path: Path) -> None:
    world = World(lite)
    receipts = [world.report("panel", cost) for cost in (9.0, 3.0)]
    world.clear()
    entries = check_log(written(world, tmp_path))
    assert [check_receipt(receipt.to_dict(), entries).place for receipt in receipts] == [1, 2]


@pytest.mark.parametrize("kept", [0, 1])
def test_a_report_that_was_dropped_is_missed_by_its_receipt(lite: Store, tmp_path: Path, kept: int) -> None:
    world = World(lite)
    receipts = [world.report("panel", cost) for cost in (9.0, 3.0)]
    tamper(world, lambda connection: connection.execute(log.delete().where(log.c.place > kept)), chained=True)
    entries = check_log(written(world, tmp_path))  # the log alone cannot tell: it may have ended there
    with pytest.raises(CertificateError, match="is not in this log, or was changed"):
        check_receipt(receipts[-1].to_dict(), entries)


def test_a_log_that_was_made_anew_is_missed_by_every_receipt(lite: Store, tmp_path: Path) -> None:
    world = World(lite)
    receipts = [world.report("battery", 4.0), world.report("panel", 3.0)]
    tamper(world, entry(1, request="x"), body(1, lambda body: body.update(request="x")), chained=True)
    entries = check_log(written(world, tmp_path))
    for receipt in receipts:  # also that of the entry after the changed one
        with pytest.raises(CertificateError, match="is not in this log"):
            check_receipt(receipt.to_dict(), entries)


def test_the_public_log_says_nothing_of_who_reported_what(world: World, tmp_path: Path) -> None:
    public = written(world, tmp_path).read_text(encoding="utf-8")
    for word in ("panel", "battery", "sealed", "outcome"):
        assert word not in public
    assert [cells[3] for _, cells in csv_rows(tmp_path / "log.csv")][1:] == ["created", "report", "report", "report", "cleared"]


@pytest.mark.parametrize("line", range(1, 6))
def test_a_changed_line_of_the_public_log_is_found(world: World, tmp_path: Path, line: int) -> None:
    path = written(world, tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    for changed in (lines[line].replace("2026-", "2025-"), lines[line][:-1] + ("0" if lines[line][-1] != "0" else "1")):
        path.write_text("\n".join([*lines[:line], changed, *lines[line + 1 :]]), encoding="utf-8")
        with pytest.raises(CertificateError, match="was changed"):
            check_log(path)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "round,place,time,kind,body_hash,previous,hash\nx,one,t,k,b,p,h\n"])
def test_what_is_no_log_is_said_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.csv"):
        check_log(path)


@pytest.mark.parametrize("content", ["", "{}", "[]", "[3]", '{"entry": 3}', "[" * 100_000])
def test_what_is_no_receipt_is_said_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="a receipt, or a list of them"):
        read_receipt(path)


def test_the_outcome_is_written_by_participant(world: World, tmp_path: Path) -> None:
    written(world, tmp_path)
    (_, head), *rows = csv_rows(tmp_path / "outcome.csv")
    outcome = world.book.outcome(world.id)
    assert outcome is not None
    assert head == ["supplier", "report", "quantity", "payment", "status"]
    assert {cells[0]: (float(cells[2]), float(cells[3])) for _, cells in rows} == {
        name: (part["quantity"], part["payment"]) for name, part in outcome.items()
    }


def test_before_clearing_the_log_is_handed_out_without_reports(lite: Store) -> None:
    world = World(lite)
    world.report("panel", 3.0)
    texts, record = export(world.book, world.id)
    assert set(texts) == {"round.json", "log.csv"}
    assert record["cleared"] is None
    assert json.loads(texts["round.json"])["log"][1]["body"].keys() == {
        "participant",
        "number",
        "request",
        "commitment",
        "sealed",
    }
