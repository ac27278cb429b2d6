"""Bad bids, and bids in a file."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.allocation_cases import case, group
from veridical.contracts.auction import Auction
from veridical.contracts.bids import Bids, read_bids
from veridical.data import InputError
from veridical.solvers.closed_form.auction import auction

# --- bad bids ---


@pytest.mark.parametrize("bad", [-0.01, math.nan, math.inf, "3", True, [1]], ids=str)
def test_what_is_no_bid_is_refused(paper_auction: Auction, bad: Any) -> None:
    message = r"^by hand: bid of retailer 2: got .*; allowed: a finite number >= 0, currency$"
    for bids in ([1, bad], {"retailer 2": bad}):
        with pytest.raises(InputError, match=message):
            paper_auction.clear(bids)
    with pytest.raises(InputError, match=r"^bid of retailer 2: got "):
        Bids(paper_auction.names, (1.0, bad))


@pytest.mark.parametrize("bids", [[1], [1, 2, 3], 5, "12", b"12", {1, 2}, None], ids=str)
def test_the_wrong_number_of_bids_is_refused(paper_auction: Auction, bids: Any) -> None:
    message = r"by hand: bids: got .*; allowed: a mapping from retailers to bids, or 2 bids in the order retailer 1, retailer 2"
    with pytest.raises(InputError, match=message):
        paper_auction.clear(bids)


def test_unknown_retailers_are_refused(paper_auction: Auction) -> None:
    with pytest.raises(InputError, match=r"by hand: bids: got 'retailer 3'; allowed: only the retailers retailer 1, retailer 2"):
        paper_auction.clear({"retailer 1": 3, "retailer 3": 3})
    with pytest.raises(
        InputError, match=r"by hand: bids: got \['b', 'a'\]; allowed: bids of the retailers retailer 1, retailer 2"
    ):
        paper_auction.clear(Bids(("b", "a"), (1, 2)))
    with pytest.raises(InputError, match=r"received: got <1 entries>; allowed: 2, one a retailer: a, b"):
        Bids(("a", "b"), (1, 2), (None,))


def test_bids_without_a_file_keep_to_the_deadline(paper_auction: Auction) -> None:
    noon, later = datetime(2026, 3, 31, 12), datetime(2026, 3, 31, 12, 0, 1)
    assert Bids(paper_auction.names, (1, 2), (noon, later), noon).late == (False, True)
    assert Bids(paper_auction.names, (1, None), (noon, later), noon).late == (False, False)
    assert Bids(paper_auction.names, (1, 2), (noon, later)).late == (False, False)
    with pytest.raises(InputError, match=r"received, retailer 2: got <nothing>; allowed: a date and time .*there is a deadline"):
        Bids(paper_auction.names, (1, 2), (noon, None), noon)
    with pytest.raises(InputError, match=r"received, retailer 2: got '2026-03-31T12:00:00\+00:00'; .*: the deadline has none"):
        Bids(paper_auction.names, (1, 2), (noon, noon.replace(tzinfo=UTC)), noon)


# --- bids in a file ---


NAMES = ("north", "south 1", "south 2", "west")


def write(folder: Path, text: str) -> Path:
    path = folder / "bids.csv"
    path.write_bytes(text.encode())
    return path


def test_bids_are_read_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffbid,retailer\r\n2.5, west \r\n\r\n1e1,"south  2"\r\n,north\r\n')
    bids = read_bids(path, NAMES)
    assert bids.bids == (None, None, 10.0, 2.5)
    assert bids.names == NAMES
    assert bids.late == (False,) * 4
    assert read_bids(write(tmp_path, "retailer,bid\n"), NAMES).bids == (None,) * 4


def test_late_bids_are_refused_and_listed(tmp_path: Path) -> None:
    own = auction(case(group(range(4, 9), name="shop", count=2), capacity=2.63))
    text = "retailer,bid,received\nshop 1,9,2026-03-31T12:00:00.5\nshop 2,7,2026-03-31 12:00\n"
    cleared = own.clear(read_bids(write(tmp_path, text), own.names, "2026-03-31T12:00"))
    assert cleared.status == ("late: refused, counts as no bid", "between table bids: counts as the lower")
    assert cleared.table["bid"].tolist() == [9, 7]
    assert cleared.counts_as == (None, 7)
    assert cleared.units.tolist() == pytest.approx([0, 2.63], abs=1e-12)
    assert cleared.payment.tolist() == [0, own.bid(None, 7)]
    assert [row["received"] for row in cleared.to_dict()["retailers"]] == ["2026-03-31T12:00:00.500000", "2026-03-31T12:00:00"]
    assert own.clear(read_bids(write(tmp_path, text), own.names)).counts_as == (8, 7)  # no deadline, nobody late
    aware = "retailer,bid,received\nshop 1,9,2026-03-31T12:30+02:00\nshop 2,7,2026-03-31T10:30:01Z\n"
    deadline = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    assert read_bids(write(tmp_path, aware), own.names, deadline).late == (False, True)


NUMBER, COLUMNS = "a finite number >= 0, currency", "the columns retailer, bid, received"
TIME = "a date and time in the form of ISO 8601, as 2026-03-31T12:00 or 2026-03-31T12:00+02:00"
NONE = "times that all have a UTC offset, or none at all"
HEAD = "retailer,bid\n"
TIMED = "retailer,bid,received\n"


@pytest.mark.parametrize(
    ("text", "field", "found", "allowed"),
    [
        (f"{HEAD}north,1\nwest,-1\n", "row 3, column bid", "-1.0", NUMBER),
        (f"{HEAD}\n\nnorth,nan\n", "row 4, column bid", "'nan'", NUMBER),
        (f"{HEAD}north,1e999\n", "row 2, column bid", "inf", NUMBER),
        (f"{HEAD}north,1_000\n", "row 2, column bid", "'1_000'", NUMBER),
        (f'{HEAD}north,"1,5"\n', "row 2, column bid", "'1,5'", NUMBER),
        (f"{HEAD}north,three\n", "row 2, column bid", "'three'", NUMBER),
        (f"{HEAD}north,1 000\n", "row 2, column bid", "'1 000'", NUMBER),
        ('bid,retailer\n1,"we\nst"\n2,South 1\n', "row 2, column retailer", "'we st'", f"one of {', '.join(NAMES)}"),
        (f'{HEAD}"north\n",2\nSouth 1,2\n', "row 4, column retailer", "'South 1'", f"one of {', '.join(NAMES)}"),
        (f"{HEAD},2\n", "row 2, column retailer", "''", f"one of {', '.join(NAMES)}"),
        (f"{HEAD}north,1\nwest,1\nnorth,\n", "row 4, column retailer", "'north'", "one row a retailer; his stands above already"),
        (f"{HEAD}north,1,2\n", "row 2", "['north', '1', '2']", "2 values, as in the header"),
        (f"{HEAD}north\n", "row 2", "['north']", "2 values, as in the header"),
        (f'{HEAD}west,1\nnorth,"1\nsouth 1,2\n', "row 3", "<no CSV>", "values between commas, quotes closed"),
        ("retailer,bid,bids\n", "row 1, header", "'bids'", COLUMNS),
        ("retailer\n", "row 1, header", "<a header without bid>", "exactly one column 'bid'"),
        ("\nbid,bid,retailer\n", "row 2, header", "<a header with bid more than once>", "exactly one column 'bid'"),
        ("retailer,bid,received,received\n", "row 1, header", "<a header with received more than once>", "exactly one column 'r"),
        ("north,1\nwest,2\n", "row 1, header", "<a header without retailer, bid>", "exactly one column 'retailer'"),
        ("", "<file>", "<an empty file>", "a header (retailer, bid, received) and a row a retailer"),
        (f"{TIMED}north,1,yesterday\n", "row 2, column received", "'yesterday'", TIME),
        (f"{TIMED}north,1,2026-03-31\n", "row 2, column received", "'2026-03-31'", TIME),
        (
            f"{TIMED}north,1,2026-03-31T12:00Z\nwest,1,2026-03-31T12:00\n",
            "row 3, column received",
            "'2026-03-31T12:00'",
            f"{NONE}: row 2 has one",
        ),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_by_row_and_column(tmp_path: Path, text: str, field: str, found: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bids(write(tmp_path, text), NAMES)
    assert str(caught.value).startswith(f"bids.csv: {field}: got {found}; allowed: {allowed}")


@pytest.mark.parametrize(
    ("text", "deadline", "message"),
    [
        (f"{HEAD}north,1\n", "2026-03-31T12:00", "exactly one column 'received', as there is a deadline"),
        (f"{TIMED}north,1,\n", "2026-03-31T12:00", "row 2, column received: got <nothing>; allowed: " + TIME),
        (f"{TIMED}north,1,2026-03-31T12:00Z\n", "2026-03-31T12:00", f"{NONE}: the deadline has none"),
        (f"{TIMED}north,1,2026-03-31T12:00\n", "2026-03-31T12:00Z", f"{NONE}: the deadline has one"),
        (TIMED, "2026-03-31", f"deadline: got '2026-03-31'; allowed: {TIME}"),
        (TIMED, "noon", f"deadline: got 'noon'; allowed: {TIME}"),
        (TIMED, 12, f"deadline: got 12; allowed: {TIME}"),
    ],
)  # fmt: skip
def test_a_deadline_asks_for_times(tmp_path: Path, text: str, deadline: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bids(write(tmp_path, text), NAMES, deadline)
    assert message in str(caught.value)


def test_a_retailer_without_a_bid_needs_no_time(tmp_path: Path) -> None:
    assert read_bids(write(tmp_path, f"{TIMED}north,,\n"), NAMES, "2026-03-31T12:00").bids == (None,) * 4


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^none.csv: <file>: got .*; allowed: a readable CSV file \(No such file or directory\)"
    ):
        read_bids(tmp_path / "none.csv", NAMES)
    path = tmp_path / "latin.csv"
    path.write_bytes("retailer,bid\nsüd,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"^latin.csv: <file>: got .*; allowed: UTF-8 text in the CSV format"):
        read_bids(path, NAMES)
