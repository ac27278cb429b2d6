"""The log of a round as it stands in the database: its rows, the entries that they are, and the reports that count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, select

from veridical.data.errors import CertificateError
from veridical.rounds.chain import REPORT, Entry, checked, digest
from veridical.rounds.sealing import ClearingKey, commitment
from veridical.rounds.store import log

if TYPE_CHECKING:
    from veridical.rounds.book import Round

__all__ = ["entry_of", "last_reports", "opened", "rows_of"]


def rows_of(connection: Connection, id: str) -> list[RowMapping]:
    """Return the log of a round, in order."""
    return list(connection.execute(select(log).where(log.c.round == id).order_by(log.c.place)).mappings())


def entry_of(row: RowMapping) -> Entry:
    """Return the entry that a row of the log is, by the body that stands there."""
    return Entry(row["round"], row["place"], row["time"], row["kind"], digest(row["body"]), row["previous"])


def opened(world: Round, rows: list[RowMapping], key: ClearingKey) -> dict[str, dict[str, Any]]:
    """Return the report that counts of each participant, with its salt and the entry it stands in; no other one is opened.

    Raises CertificateError where the log was changed, and where a report does not open or is not the one committed to.
    """
    checked([entry_of(row) for row in rows], [row["hash"] for row in rows], world.title)
    counted: dict[str, dict[str, Any]] = {}
    for name, row in last_reports(rows).items():
        body = json.loads(row["body"])
        report, salt = key.unseal(body["sealed"], world.id, name, str(body["number"]))
        if commitment(report, salt) != body["commitment"]:
            raise CertificateError(f"report {body['number']} of {name} is not the one that he has a receipt of")
        counted[name] = {"report": report, "salt": salt, "entry": row["hash"]}
    return counted


def last_reports(rows: list[RowMapping]) -> dict[str, RowMapping]:
    """Return the row of the report that counts of everybody who has reported, by his name as the body says it."""
    return {json.loads(row["body"])["participant"]: row for row in rows if row["kind"] == REPORT}
