"""Rounds in either database: what counts, when, and once."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from support.rounds import HOUR, START, World
from veridical.data import InputError
from veridical.rounds.book import MOST_REPORTS
from veridical.rounds.exports import export
from veridical.rounds.ledger import rows_of
from veridical.rounds.refusals import RefusedError
from veridical.rounds.sealing import ClearingKey
from veridical.rounds.store import Store, log


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def entries(world: World) -> int:
    with world.store.reading() as connection:
        return len(rows_of(connection, world.id))


def test_the_last_report_before_the_deadline_counts(world: World) -> None:
    receipts = [world.report("panel", cost) for cost in (9.0, 3.0, 9.0)]
    world.report("battery", 4.0)
    assert [receipt.number for receipt in receipts] == [1, 2, 3]
    assert world.book.state(world.id) == "open"
    outcome = world.clear()
    assert world.book.state(world.id) == "cleared"
    assert {name: part["report"] for name, part in outcome.items()} == {"panel": 9.0, "battery": 4.0}
    assert world.book.result(world.who("panel")) == outcome["panel"]


def test_a_report_at_the_deadline_is_in_time_and_one_after_it_is_late(world: World) -> None:
    world.clock.time = START + HOUR
    world.report("panel", 3.0)
    world.clock.time += timedelta(microseconds=1)
    assert world.book.state(world.id) == "closed"
    with pytest.raises(RefusedError, match=r"Too late: the deadline was 2026-03-01T13:00:00") as refused:
        world.report("panel", 9.0)
    assert (refused.value.status, refused.value.code) == (409, "late")
    assert entries(world) == 2
    assert world.clear()["panel"]["report"] == 3.0


def test_a_clock_that_is_set_back_opens_no_round_again(world: World) -> None:
    world.report("panel", 3.0)
    world.clear()
    world.clock.time = START
    with pytest.raises(RefusedError, match="Too late"):
        world.report("panel", 9.0)
    assert world.book.now(world.id) > world.book.round(world.id).deadline


def test_times_in_the_log_do_not_go_back(world: World) -> None:
    world.clock.time += timedelta(minutes=5)
    first = world.report("panel", 3.0)
    world.clock.time -= timedelta(minutes=3)
    assert world.report("panel", 9.0).received == first.received


def test_a_report_that_is_sent_again_gets_the_same_receipt(world: World) -> None:
    who = world.who("panel")
    receipt, new = world.book.report(who, 3.0, "monday")
    assert new
    assert world.book.report(who, 3, "monday") == (receipt, False)
    assert world.book.receipts(who) == [receipt]
    world.close()
    assert world.book.report(who, 3.0, "monday") == (receipt, False)  # whose answer was lost learns that it was in time
    with pytest.raises(RefusedError, match=r"received before, as your report no. 1") as refused:
        world.book.report(who, 9.0, "monday")
    assert refused.value.status == 409
    assert entries(world) == 2


def test_requests_of_others_may_have_the_same_name(world: World) -> None:
    for name, cost in (("panel", 3.0), ("battery", 4.0)):
        assert world.book.report(world.who(name), cost, "monday")[1]


@pytest.mark.parametrize("value", [4.0, "3", None, True, float("nan"), float("inf"), -3.0, [3.0], 10**400])
def test_what_is_no_report_changes_nothing(suppliers: World, value: object) -> None:
    with pytest.raises(RefusedError, match=r"one of your costs: 3, 9") as refused:
        suppliers.report("panel", value)
    assert refused.value.status == 422
    assert entries(suppliers) == 1


@pytest.mark.parametrize("value", ["3", None, True, float("nan"), float("inf"), -3.0, [3.0], 10**400, 1e61])
def test_what_is_no_bid_changes_nothing(retailers: World, value: object) -> None:
    with pytest.raises(RefusedError, match="a finite number >= 0, currency"):
        retailers.report("retailer 1", value)
    assert entries(retailers) == 1


def test_a_participant_does_not_fill_the_disk(suppliers: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veridical.rounds.book.MOST_REPORTS", 2)
    assert MOST_REPORTS >= 100
    for _ in range(2):
        suppliers.report("panel", 3.0)
    with pytest.raises(RefusedError, match="which is the most"):
        suppliers.report("panel", 9.0)


def test_nothing_is_cleared_before_the_deadline(world: World) -> None:
    world.report("panel", 3.0)
    world.clock.time = START + HOUR
    with pytest.raises(InputError, match="a round whose deadline has passed"):
        world.book.clear(world.id, world.key)
    with pytest.raises(RefusedError, match="has not been cleared"):
        world.book.result(world.who("panel"))


def test_a_key_of_another_round_clears_nothing(world: World) -> None:
    world.close()
    with pytest.raises(InputError, match=r"<the key of another round>"):
        world.book.clear(world.id, ClearingKey.new())
    assert entries(world) == 1


def test_a_cleared_round_stays_as_it_was(world: World) -> None:
    world.report("panel", 3.0)
    world.report("battery", 1.0)
    outcome = world.clear()
    assert world.book.clear(world.id, world.key) == (outcome, False)
    assert entries(world) == 4


def test_all_who_clear_at_once_get_the_one_outcome(world: World) -> None:
    world.report("panel", 3.0)
    world.report("battery", 1.0)
    world.close()
    with ThreadPoolExecutor(4) as together:
        cleared = list(together.map(lambda _: world.book.clear(world.id, world.key), range(4)))
    assert [new for _, new in cleared].count(True) == 1
    assert all(outcome == cleared[0][0] for outcome, _ in cleared)
    assert entries(world) == 4


def test_a_round_that_somebody_clears_meanwhile_is_not_cleared_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.report("panel", 3.0)
    outcome = world.clear()
    looks = iter([None])  # at first it does not look cleared
    there = world.book.outcome
    monkeypatch.setattr(world.book, "outcome", lambda id: next(looks, there(id)))
    assert world.book.clear(world.id, world.key) == (outcome, False)
    assert entries(world) == 3


def test_the_database_takes_one_outcome_of_a_round(world: World) -> None:
    world.clear()
    with world.store.reading() as connection:
        row = dict(rows_of(connection, world.id)[-1])
    with pytest.raises(IntegrityError), world.store.writing(world.id) as connection:
        connection.execute(sqlalchemy.insert(log), {**row, "place": 9})
    assert entries(world) == 2


def test_reports_that_come_at_once_are_all_kept(world: World) -> None:
    def several(name: str, costs: tuple[float, float]) -> list[str]:
        return [world.report(name, cost).entry for cost in costs * 5]

    with ThreadPoolExecutor(4) as together:
        jobs = [together.submit(several, *job) for job in [("panel", (3.0, 9.0)), ("battery", (1.0, 4.0))] * 2]
        receipts = {entry for job in jobs for entry in job.result()}
    _, record = export(world.book, world.id)
    assert len(receipts) == 40
    assert receipts <= {entry["hash"] for entry in record["log"]}


@pytest.mark.parametrize("statement", [sqlalchemy.update(log).values(body="{}"), sqlalchemy.delete(log)])
def test_no_entry_is_changed_by_accident(world: World, statement: sqlalchemy.Update | sqlalchemy.Delete) -> None:
    with pytest.raises(DBAPIError, match="nothing in a round is changed"), world.store.writing(world.id) as connection:
        connection.execute(statement)
    assert entries(world) == 1


def test_two_rounds_in_one_database_know_nothing_of_each_other(store: Store) -> None:
    first, second = World(store), World(store, "two-retailers")
    first.report("panel", 3.0)
    assert first.book.ids() == [first.id, second.id] or first.book.ids() == sorted([first.id, second.id])
    assert second.clear()["retailer 1"]["status"] == "no bid"
    assert first.book.state(first.id) == "open"
    with pytest.raises(InputError, match="--round: got <nothing>; allowed: the name of one round"):
        first.book.the_round()


def test_a_wrong_token_enters_nothing(world: World) -> None:
    for token in ("", "x" * 43, world.tokens["panel"][:-1], world.tokens["panel"].swapcase()):
        with pytest.raises(RefusedError, match="own link") as refused:
            world.book.enter(token)
        assert refused.value.status == 401


@pytest.mark.parametrize("place", ["nowhere.sqlite", "mysql://localhost/x", "postgresql://nobody:secret@127.0.0.1:1/x"])
def test_a_database_that_is_none_is_said_so_without_its_password(place: str, tmp_path: object) -> None:
    with pytest.raises(InputError, match=r"--db: got .*allowed: a file that `veridical round create --db` made") as error:
        Store.existing(place)
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: object) -> None:
    path = f"{tmp_path}/notes.txt"
    with open(path, "w") as stream:
        stream.write("not a database, " * 100)
    for make in (Store.existing, Store.create):
        with pytest.raises(InputError, match="--db"):
            make(path)
    with open(path) as stream:
        assert stream.read() == "not a database, " * 100


def test_reports_that_wait_for_each_other_are_written_together_and_refused_alone(world: World) -> None:
    times = 0
    writing = world.store.writing

    @contextmanager
    def slowly(*names: str) -> Iterator[Connection]:
        nonlocal times
        times += 1
        with writing(*names) as connection:
            time.sleep(0.2)  # the others come meanwhile
            yield connection

    world.store.writing = slowly  # type: ignore[method-assign]
    who = world.who("panel")
    with ThreadPoolExecutor(9) as together:
        jobs = [together.submit(world.book.report, who, cost, f"r{k % 8}") for k, cost in enumerate([3.0] * 8 + [9.0])]
        done = [job.exception() for job in jobs]
    assert times < 9
    refused = [error for error in done if error is not None]  # two reports, 3 and 9, had the same name: the second of them
    assert len(refused) == 1
    assert isinstance(refused[0], RefusedError)
    assert refused[0].code == "already_received"
    assert [receipt.number for receipt in world.book.receipts(who)] == list(range(1, 9))


def test_where_the_disk_fails_nothing_is_acknowledged(suppliers: World) -> None:
    writing = suppliers.store.writing

    @contextmanager
    def failing(*names: str) -> Iterator[Connection]:
        with writing(*names) as connection:
            yield connection
            raise OSError("no space left on the disk")

    suppliers.store.writing = failing  # type: ignore[method-assign]
    with ThreadPoolExecutor(4) as together:
        jobs = [together.submit(suppliers.report, "panel", 3.0) for _ in range(4)]
        assert all(isinstance(job.exception(), OSError) for job in jobs)
    suppliers.store.writing = writing  # type: ignore[method-assign]
    assert entries(suppliers) == 1
    assert suppliers.report("panel", 3.0).number == 1


def test_no_report_is_logged(suppliers: World, retailers: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told = [suppliers.report("panel", 9.0), suppliers.report("battery", 4.0)]
        told += [retailers.report("retailer 1", 6.8312345), retailers.report("retailer 2", 2.4954321)]
        suppliers.clear()
        retailers.clear()
    own = [record.getMessage() for record in caplog.records if record.name.startswith("veridical")]
    assert f"round {suppliers.id} is cleared: by 2 reports" in own
    secrets = ["6.83", "2.495", "panel", "battery", "retailer 1", *suppliers.tokens.values(), *(receipt.salt for receipt in told)]
    assert [secret for secret in secrets if secret in "\n".join(own)] == []
