"""`veridical round`: made, watched, cleared, handed out and checked from the command line."""

import json
import re
import stat
import subprocess
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from support.command_line import Json, Run, cells
from veridical.rounds.book import Book
from veridical.rounds.store import Store

SOON = "2999-01-01T12:00+01:00"


class Later(datetime):
    """A clock that is six minutes ahead: a demo's deadline is in five."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        return super().now(tz) + timedelta(minutes=6)


def reported(database: str, links: dict[str, str], reports: dict[str, float]) -> list[dict[str, object]]:
    """Report with the tokens in the links; return the receipts."""
    store = Store.existing(database)
    book = Book(store)
    receipts = [
        book.report(book.enter(links[name].rpartition("/")[2]), value, "a")[0].to_dict() for name, value in reports.items()
    ]
    store.close()
    return receipts


def test_the_demo_from_its_making_to_its_log(run: Run, record: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    made = record("round", "create", "two-retailers", "--db", "demo.sqlite", "--demo")
    assert list(made["links"]) == ["retailer 1", "retailer 2"]
    assert all(re.fullmatch(r"http://127\.0\.0\.1:8000/enter/[\w-]{43}", link) for link in made["links"].values())
    assert stat.S_IMODE(Path(made["clearing_key"]).stat().st_mode) == 0o600
    receipts = reported("demo.sqlite", made["links"], {"retailer 2": 6.0625})
    shown = record("round", "status", "--db", "demo.sqlite")
    assert [(one["participant"], one["reports"]) for one in shown["participants"]] == [("retailer 1", 0), ("retailer 2", 1)]
    assert shown["state"] == "open"
    status, out, _ = run("round", "status", "--db", "demo.sqlite")
    assert (status, cells(out)[0][:2]) == (0, ["retailer 1", "0"])
    assert "6.0625" not in out
    status, _, err = run("round", "clear", "--db", "demo.sqlite")
    assert (status, "a round whose deadline has passed" in err) == (2, True)
    monkeypatch.setattr("veridical.rounds.book.datetime", Later)
    first, second = (record("round", "clear", "--db", "demo.sqlite") for _ in range(2))
    assert (first["new"], second["new"]) == (True, False)
    assert first["outcome"] == second["outcome"]
    assert first["outcome"]["retailer 2"]["units"] > 0
    status, out, _ = run("round", "export", "--db", "demo.sqlite", "--out", "out")
    assert (status, sorted(path.name for path in Path("out").iterdir())) == (0, ["log.csv", "outcome.csv", "round.json"])
    assert "3 entries" in out
    Path("receipts.json").write_text(json.dumps(receipts), encoding="utf-8")
    status, out, _ = run("round", "check", "out/log.csv", "--receipt", "receipts.json")
    assert (status, out.splitlines()[-1]) == (0, f"the report received at {receipts[0]['received']} is entry 1")
    Path("receipts.json").write_text(json.dumps({**receipts[0], "entry": "0" * 64}), encoding="utf-8")
    status, _, err = run("round", "check", "out/log.csv", "--receipt", "receipts.json")
    assert status == 4
    assert "is not in this log" in err


def test_links_are_printed_and_are_nowhere_else(run: Run, tmp_path: Path) -> None:
    options = ("--db", "r.sqlite", "--deadline", SOON, "--url", "https://example.org/", "--key", "my.key", "--silent", "highest")
    status, out, err = run("round", "create", "two-suppliers", *options, "--set", "price=31")
    assert (status, err) == (0, "")
    links = dict(re.findall(r"^  (\w+): https://example\.org/enter/([\w-]{43})$", out, re.MULTILINE))
    assert list(links) == ["panel", "battery"]
    assert "until 2999-01-01 11:00:00 UTC" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.key", "r.sqlite"]
    for path in tmp_path.iterdir():
        assert not any(token.encode() in path.read_bytes() for token in links.values())


@pytest.mark.parametrize(
    "deadline", ["tomorrow", "2999-01-01T12:00", "2999-01-01", "2020-01-01T00:00Z", "9999-12-31T23:59-12:00"]
)
def test_a_deadline_is_ahead_and_has_an_offset(run: Run, deadline: str) -> None:
    status, out, err = run("round", "create", "two-retailers", "--db", "r.sqlite", "--deadline", deadline)
    assert (status, out) == (2, "")
    assert f"--deadline: got '{deadline[:5]}" in err
    assert "allowed: a" in err
    assert not list(Path().glob("*.key"))


def test_nothing_is_made_of_what_has_no_round(run: Run) -> None:
    for arguments in (
        ("pilot", "--db", "r.sqlite", "--demo"),
        ("two-suppliers", "--db", "r.sqlite"),
        ("two-suppliers", "--db", "r.sqlite", "--demo", "--mechanism", "first_best"),
        ("two-retailers", "--db", "nowhere/r.sqlite", "--demo"),
        ("two-retailers", "--db", "mysql://somewhere", "--demo"),
    ):
        status, out, err = run("round", "create", *arguments)
        assert (status, out) == (2, "")
        assert err.startswith("veridical: ")
    assert list(Path().iterdir()) == []


def test_a_changed_log_is_status_4_and_nothing_is_written(run: Run, record: Json) -> None:
    import sqlite3

    made = record("round", "create", "two-retailers", "--db", "r.sqlite", "--demo")
    reported("r.sqlite", made["links"], {"retailer 1": 6.0})
    with sqlite3.connect("r.sqlite") as connection:
        connection.execute("DROP TRIGGER log_no_update")
        connection.execute("UPDATE log SET time = '2026-01-01T00:00:00.000000+00:00' WHERE place = 1")
    connection.close()
    status, _, err = run("round", "export", "--db", "r.sqlite", "--out", "out")
    assert status == 4
    assert "the log of two-retailers was changed: entry 1" in err
    assert not Path("out").exists()


def test_where_the_extra_is_missing_the_package_works_and_says_what_to_install() -> None:
    script = (
        "import sys\n"
        "for name in ('fastapi', 'uvicorn', 'sqlalchemy', 'jinja2', 'cryptography', 'starlette'): sys.modules[name] = None\n"
        "import veridical as vd\n"
        "assert round(vd.solve(vd.example('two-suppliers'), solver='closed_form').objective) == 6965\n"
        "from veridical.cli import main\n"
        "made = ['round', 'create', 'two-retailers', '--db', 'x', '--demo']\n"
        "for command in (['serve', '--db', 'x'], made, ['round', 'check', 'x']):\n"
        "    sys.argv = ['veridical', *command]\n"
        "    try: main()\n"
        "    except SystemExit as end: print(end.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "2", "2"]
    assert done.stderr.count('pip install "veridical[web]"') == 3
    assert "Traceback" not in done.stderr
