"""Rounds of sealed reports: made, watched, cleared, handed out, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

import veridical as vd
from veridical.rounds.extras import needed
from veridical.terminal import AllowFiles, Case, Changes, Database, Json, Solver, read, report

if TYPE_CHECKING:
    from veridical.rounds.book import Book

__all__ = ["COMMANDS"]

RoundName = Annotated[str | None, typer.Option("--round", metavar="NAME", help="Which one, where there are several.")]
DEADLINE = "a date and time of ISO 8601 with its offset, such as 2026-12-01T12:00Z or 2026-12-01T12:00+01:00"
DEMO = timedelta(minutes=5)


def create(
    case: Case,
    database: Database,
    deadline: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601, as 2026-12-01T12:00Z.")] = None,
    mechanism: Annotated[str | None, typer.Option(metavar="NAME", help="Of an assembler's case: one that is truthful.")] = None,
    solver: Solver = None,
    silent: Annotated[str | None, typer.Option(metavar="RULE", help="A supplier's silence: void (no contract), highest.")] = None,
    show: Annotated[
        str | None, typer.Option(metavar="WHAT", help="A supplier's contracts by profiles of the others' costs, or by lists.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where the clearing key goes; else beside the database.")
    ] = None,
    url: Annotated[str, typer.Option(metavar="URL", help="Of the server, as participants reach it.")] = "http://127.0.0.1:8000",
    demo: Annotated[bool, typer.Option("--demo", help="A round to try: its deadline is in five minutes.")] = False,
    changes: Changes = None,
    to_json: Json = None,
    allow_files: AllowFiles = False,
) -> None:
    """Solve, certify and freeze what reports bring, and print one link for each participant, this once.

    Example: veridical round create two-suppliers --db rounds.sqlite --demo
    """
    with needed("veridical round"):
        from veridical.rounds import terms
        from veridical.rounds.book import Book, new_id
        from veridical.rounds.sealing import ClearingKey
        from veridical.rounds.store import Store

        if deadline is None and not demo:
            raise vd.InputError.of("--deadline", "<nothing>", DEADLINE)
        ends = datetime.now(UTC) + DEMO if deadline is None else moment_of(deadline)
        request = read(case, changes, allow_files)
        frozen = terms.freeze(request.case, mechanism, solver, request.others, silent or "", show or "")
        id, clearing = new_id(), ClearingKey.new()
        place = key or key_place(database, id)
        with closing(Store.create(database)) as store:
            book = Book(store)
            clearing.save(place)
            tokens = book.create(id, frozen, ends, clearing, request.case.name, request.case.description)
        links = {name: f"{url.rstrip('/')}/enter/{token}" for name, token in tokens.items()}
        about = {"round": id, "case": request.case.name, "deadline": ends.isoformat(), "clearing_key": place, "links": links}
        if to_json is not None:
            report(to_json, lambda: about, lambda: [], request.case)
        if to_json != "-":
            print(f"round {id}: {request.case.name}, until {ends.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
            print(f"clearing key: {place} (keep it away from the server until the deadline)")
            if frozen.kind == "assembler" and show != "lists":
                print("each supplier sees the names of the others and the costs that they may report; --show lists shows neither")
            print("one link for each, shown this once:")
            for name, link in links.items():
                print(f"  {name}: {link}")


def status(database: Database, round: RoundName = None, to_json: Json = None) -> None:
    """Show who has reported, and never what.

    Example: veridical round status --db rounds.sqlite
    """
    with opened(database) as book:
        from veridical.commands.rounds_tables import reported

        world = book.the_round(round)
        state, rows = book.state(world.id), book.reports(world.id)
        people = [{"participant": name, "reports": count, "last": time or None} for name, count, time in rows]
        record = {"round": world.id, "case": world.title, "state": state, "deadline": world.deadline, "participants": people}
        report(to_json, lambda: record, lambda: reported(world, state, rows))


def clear(
    database: Database,
    round: RoundName = None,
    key: Annotated[str | None, typer.Option(metavar="FILE", help="The clearing key; else beside the database.")] = None,
    to_json: Json = None,
) -> None:
    """Clear a round after its deadline: open the last report of each, once and for all.

    Example: veridical round clear --db rounds.sqlite
    """
    with opened(database) as book:
        from veridical.commands.rounds_tables import cleared
        from veridical.rounds.sealing import ClearingKey

        world = book.the_round(round)
        done = book.outcome(world.id)
        outcome, new = (done, False) if done else book.clear(world.id, ClearingKey.load(key or key_place(database, world.id)))
        record = {"round": world.id, "case": world.title, "new": new, "outcome": outcome}
        report(to_json, lambda: record, lambda: cleared(world, outcome, new))


def export(
    database: Database,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="log.csv for everybody; round.json, outcome.csv for you.")],
    round: RoundName = None,
) -> None:
    """Check a round's log and outcome, and write them: files of the same names are replaced.

    Example: veridical round export --db rounds.sqlite --out round
    """
    with opened(database) as book:
        from veridical.rounds.exports import export as exported

        world = book.the_round(round)
        texts, record = exported(book, world.id)
        folder = vd.data.files.make_folder(out, "--out")
        vd.data.files.write({folder / name: text for name, text in texts.items()})
        print(f"{len(record['log'])} entries, every one as it was written: {', '.join(texts)} in {out}")


def check(
    log: Annotated[str, typer.Argument(metavar="LOG.csv", help="The log that was handed out.")],
    receipt: Annotated[str | None, typer.Option(metavar="FILE.json", help="One receipt, or a list of them.")] = None,
) -> None:
    """Check a log that was handed out, and hold receipts against it.

    Example: veridical round check round/log.csv --receipt receipt.json
    """
    with needed("veridical round"):
        from veridical.rounds.exports import check_log, check_receipt, read_receipt

        entries = check_log(log)
        receipts = [] if receipt is None else read_receipt(receipt)
        places = [check_receipt(one, entries).place for one in receipts]
    print(f"{len(entries)} entries, each of which continues from the one before it")
    for one, place in zip(receipts, places, strict=True):
        print(f"the report received at {one['received']} is entry {place}")


COMMANDS: tuple[Callable[..., None], ...] = (create, status, clear, export, check)


@contextmanager
def opened(database: str) -> Iterator[Book]:
    """Give the rounds in a database."""
    with needed("veridical round"):
        from veridical.rounds.book import Book
        from veridical.rounds.store import Store

        with closing(Store.existing(database)) as store:
            yield Book(store)


def key_place(database: str, id: str) -> str:
    """Return where the clearing key of a round is, where nobody says so: beside its database, or here."""
    return f"round-{id}.key" if "://" in database else f"{database}.{id}.key"


def moment_of(text: str) -> datetime:
    """Return the time in a text; raises InputError, also for one without an offset from UTC."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError
        time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise vd.InputError.of("--deadline", text, DEADLINE) from None
    if time <= datetime.now(UTC):
        raise vd.InputError.of("--deadline", text, f"a time that is ahead; now it is {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return time
