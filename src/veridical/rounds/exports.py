"""What is handed out of a round: its log, checked, and what came of it; and how a receipt is held against the log.

`log.csv` is for everybody: entries without their bodies, so that nobody learns from it who reported, or what. `round.json` and
`outcome.csv` are for the operator, and for whom he lets check him: terms, bodies, the reports that counted, everybody's part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, select

from veridical.data import csv_file, files
from veridical.data.errors import CertificateError, InputError
from veridical.data.stamp import stamped
from veridical.rounds.book import Book, Round
from veridical.rounds.chain import CLEARED, REPORT, Entry, canonical, checked, digest
from veridical.rounds.ledger import entry_of, last_reports, rows_of
from veridical.rounds.sealing import commitment
from veridical.rounds.store import participants, rounds

__all__ = ["check_log", "check_receipt", "export", "read_receipt"]

COLUMNS = ("round", "place", "time", "kind", "body_hash", "previous", "hash")


def export(book: Book, id: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files of a round by their names, and the record in `round.json`.

    Raises CertificateError where the log, the terms, the participants' tokens or the outcome are not what the log's hashes say.
    """
    world = book.round(id)
    with book.store.reading() as connection:
        rows = rows_of(connection, id)
        text = connection.scalar(select(rounds.c.terms).where(rounds.c.id == id)) or ""
        query = select(participants.c.name, participants.c.token_hash).where(participants.c.round == id)
        tokens = {row.name: row.token_hash for row in connection.execute(query)}
    checked([entry_of(row) for row in rows], [row["hash"] for row in rows], world.title)
    created = json.loads(rows[0]["body"])
    if created != {"terms": digest(text), "participants": digest(canonical(tokens))}:
        raise CertificateError(f"the terms or the participants of {world.title} were changed after the round was made")
    for row in rows:
        _same_columns(row)
    cleared = json.loads(rows[-1]["body"]) if rows[-1]["kind"] == CLEARED else None
    if cleared is not None:
        _recomputed(world, rows, cleared)
    log = [{**{name: getattr(entry_of(row), name) for name in COLUMNS}, "body": json.loads(row["body"])} for row in rows]
    record = stamped({"round": id, "terms": json.loads(text), "log": log, "cleared": cleared})
    texts = {
        "round.json": f"{json.dumps(record, indent=1, allow_nan=False)}\n",
        "log.csv": csv_file.text(COLUMNS, ([entry[name] for name in COLUMNS] for entry in log)),
    }
    if cleared is not None:
        outcome: dict[str, dict[str, Any]] = cleared["outcome"]
        table = [[name, *(outcome[name][key] for key in world.terms.columns)] for name in world.terms.participants]
        texts["outcome.csv"] = csv_file.text([world.terms.noun, *world.terms.columns], table)
    return texts, record


def _same_columns(row: RowMapping) -> None:
    """Raise CertificateError where what is looked up by is not what the body says."""
    body = json.loads(row["body"])
    if any(row[name] != body.get(name) for name in ("participant", "number", "request")):
        raise CertificateError(f"the log was changed: the columns of entry {row['place']} are not what its body says")


def _recomputed(world: Round, rows: list[RowMapping], cleared: Mapping[str, Any]) -> None:
    """Raise CertificateError where an outcome is not that of the last report of everybody."""
    counted, last = cleared["reports"], last_reports(rows)
    if set(counted) != set(last):
        raise CertificateError(f"{world.title} was not cleared by the reports of everybody who reported")
    for name, report in counted.items():
        promised = json.loads(last[name]["body"])["commitment"]
        if report["entry"] != last[name]["hash"] or commitment(report["report"], report["salt"]) != promised:
            raise CertificateError(f"{world.title} was not cleared by the last report of {name}")
    again = world.terms.clear({name: report["report"] for name, report in counted.items()})
    if canonical(again) != canonical(cleared["outcome"]):
        raise CertificateError(f"the outcome of {world.title} is not what the reports bring")


def check_log(path: str | Path) -> list[Entry]:
    """Return the entries of a `log.csv`; raises InputError for what is none, and CertificateError for a log that was changed."""
    name, table = Path(path).name, [cells for _, cells in csv_file.rows(path)]
    if not table or tuple(table[0]) != COLUMNS:
        raise InputError.of("<file>", name, f"a log.csv, as `veridical round export` writes it: columns {', '.join(COLUMNS)}")
    entries, hashes = [], []
    for number, cells in enumerate(table[1:], start=1):
        if len(cells) != len(COLUMNS) or not cells[1].isascii() or not cells[1].isdigit() or len(cells[1]) > 12:
            raise InputError.of(f"entry {number}", cells, f"{len(COLUMNS)} values, the second of them a place", name)
        round, place, time, kind, body_hash, previous, hash = cells
        entries.append(Entry(round, int(place), time, kind, body_hash, previous))
        hashes.append(hash)
    checked(entries, hashes, name)
    return entries


def read_receipt(path: str | Path) -> list[dict[str, Any]]:
    """Return the receipts in a JSON file, one or several; raises InputError for what is none."""
    allowed = "a receipt, or a list of them, as JSON"
    try:
        found = json.loads(files.read(path, "receipt", "JSON"))
    except (ValueError, RecursionError):
        raise InputError.of("<file>", str(path), allowed) from None
    receipts = found if isinstance(found, list) else [found]
    words = ("round", "received", "entry", "commitment")
    if not receipts or not all(
        isinstance(one, dict) and all(isinstance(one.get(word), str) for word in words) for one in receipts
    ):
        raise InputError.of("<file>", str(path), allowed)
    return receipts


def check_receipt(receipt: Mapping[str, Any], entries: list[Entry]) -> Entry:
    """Return the entry that a receipt is of; raises CertificateError where the log does not have it as the receipt says."""
    for entry in entries:
        if entry.hash == receipt["entry"]:
            if (entry.round, entry.time, entry.kind) == (receipt["round"], receipt["received"], REPORT):
                return entry
            break
    raise CertificateError(f"the report received at {receipt['received']} is not in this log, or was changed")
