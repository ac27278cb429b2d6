"""Menu files that are refused, by file, field, value and what is allowed."""

from pathlib import Path

import pytest

from support.bad_input import GOOD, HEADER, MENU, refused
from support.command_line import Run


def menu(old: str, new: str) -> str:
    """Return the good menu with one change."""
    assert MENU.count(old) == 1
    return MENU.replace(old, new)


WIDER = MENU.replace("\n", ",0\n").replace("payment battery,0", "payment battery,colour")
BAD_MENUS = [  # id; the file; field, value, allowed
    (
        "column missing",
        menu(",quantity battery", ",rent battery"),
        "header",
        "without quantity battery>",
        "one column 'quantity battery'",
    ),
    (
        "column twice",
        menu(",payment battery", ",payment panel"),
        "header",
        "without payment battery, with payment panel more",
        "one column 'payment p",
    ),
    ("column unknown", WIDER, "header", "'colour'", "the columns panel, battery, quantity panel"),
    ("profile missing", menu("9,4,40,40,400,160\n", ""), "rows", "no row for panel=9, battery=4", "each of the 4 profiles"),
    ("profile twice", menu("9,4,40", "9,1,40"), "row 5", "'9', '1', '40'", "one row a profile of costs"),
    ("cost that nobody has", menu("3,4,80", "3,5,80"), "row 3, column battery", "5.0", "one of his costs: 1, 4"),
    ("cost text", menu("3,4,80", "3,high,80"), "row 3, column battery", "'high'", "a finite number"),
    ("quantity NaN", menu("3,4,80", "3,4,nan"), "row 3, column quantity panel", "'nan'", "a finite number"),
    ("quantity empty", menu("3,4,80", "3,4,"), "row 3, column quantity panel", "''", "a finite number"),
    ("payment infinite", menu("60,600,300", "60,inf,300"), "row 4, column payment panel", "'inf'", "a finite number"),
    ("quantity negative", menu("9,4,40,40", "9,4,40,-40"), "row 5, column quantity battery", "-40", "a finite number >= 0"),
    ("row too short", menu("9,4,40,40,400,160", "9,4,40,40,400"), "row 5", "'40', '40', '400'", "6 values, as in the header"),
    ("empty", "", "<file>", "an empty file", "a header and a row for every profile"),
    ("header alone", f"{HEADER}\n", "rows", "no row for panel=3, battery=1", "each of the 4 profiles"),
]


@pytest.mark.parametrize(("text", "field", "value", "allowed"), [row[1:] for row in BAD_MENUS], ids=[row[0] for row in BAD_MENUS])
def test_bad_menu_is_refused(run: Run, text: str, field: str, value: str, allowed: str) -> None:
    Path("case.toml").write_text(GOOD, encoding="utf-8")
    Path("menu.csv").write_text(text, encoding="utf-8")
    refused(run("audit", "case.toml", "menu.csv"), "menu.csv", field, value, allowed)


def test_the_menu_that_the_bad_ones_are_made_from_is_good(run: Run) -> None:
    Path("case.toml").write_text(GOOD, encoding="utf-8")
    Path("menu.csv").write_text(MENU, encoding="utf-8")
    assert run("audit", "case.toml", "menu.csv")[0] == 0
