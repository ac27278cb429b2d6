"""Tables on narrow terminals: every digit is there, and in one piece."""

import io
import json
import math
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from support import hard_cases
from support.command_line import Run
from support.hard_cases import SCALES
from veridical import tables

WIDTHS = (120, 80, 60, 40)


def printed(part: Any, width: int) -> str:
    """Return what a console of a width shows."""
    output = io.StringIO()
    console = Console(width=width, file=output, markup=False, highlight=False)
    console.print(tables.fitted(part, console))
    return output.getvalue()


def wide_table() -> Any:
    """Return a table with many long numbers, and a name that is longer than any terminal is wide."""
    table = tables.table("numbers", "where it stands", *(f"proba-\nbility {k}" for k in range(6)), left=("where it stands",))
    for row in range(3):
        table.add_row(f"supplier {'x' * (100 * (row == 2))}", *(f"{10 ** (k + row)},{k}{row}7.25" for k in range(6)))
    return table


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("nested", [False, True])
def test_no_digit_is_lost_or_parted(width: int, nested: bool) -> None:
    table = wide_table()
    numbers = {str(cell) for column in table.columns[1:] for cell in column.cells}
    shown = printed(Group(table) if nested else table, width)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= width
    assert numbers <= {word.strip("│,") for word in shown.replace("│", " ").split()}


def test_a_table_that_is_too_wide_is_a_list_of_its_rows_with_whole_headings() -> None:
    lines = printed(wide_table(), 40).splitlines()
    assert lines[:3] == ["numbers", "where it stands: supplier ", "  probability 0: 1,007.25"]


def test_a_table_that_is_a_little_too_wide_is_in_parts_in_which_rows_stand_below_one_another() -> None:
    """At 80 columns the weeks of a rolling run were 54 lines of one figure each, in which no two weeks could be compared."""
    weeks = tables.table("week by week", "week", *(f"money {k}" for k in range(8)))
    for week in range(1, 6):
        weeks.add_row(str(week), *(f"{week}{k},345.67" for k in range(8)), end_section=week == 4)
    lines = printed(weeks, 80).splitlines()
    for week in range(1, 6):
        first, second = (line for line in lines if line.startswith(f"│    {week} │"))
        assert [word for line in (first, second) for word in line.split() if "," in word] == [
            f"{week}{k},345.67" for k in range(8)
        ]
    assert [line.strip() for line in lines if "week by week" in line] == ["week by week"]
    assert sum(line.startswith("├") for line in lines) == 2  # the section before the last week, in both


def test_rows_that_one_column_does_not_tell_apart_keep_more_of_them() -> None:
    rules = tables.table("rules", "rule", "fee", *(f"money {k}" for k in range(8)), left=("rule",))
    for fee in (1, 2):
        rules.add_row("clarke", str(fee), *(f"{fee}{k},345.67" for k in range(8)))
    rows = [line for line in printed(rules, 80).splitlines() if line.startswith("│ clarke")]
    assert [row.split("│")[2].strip() for row in rows] == ["1", "2", "1", "2"]


def test_a_table_folds_into_parts_that_repeat_the_names_of_its_rows() -> None:
    table = tables.table("profits", "mechanism", *(f"column {k}" for k in range(8)), left=("mechanism",))
    for row, name in enumerate(("icds", "naive")):
        table.add_row(name, *(f"{row + 1},{k}00.50" for k in range(8)))
    shown = printed(table, 44)
    parts = shown.count("icds")
    assert parts == shown.count("naive") == shown.count("mechanism") > 1
    assert shown.count("profits") == 1
    for k in range(8):
        assert shown.index(f"1,{k}00.50") < shown.index(f"2,{k}00.50")  # the row of icds stands above that of naive


@pytest.mark.parametrize("width", WIDTHS)
def test_the_command_line_fits_the_terminal(width: int, monkeypatch: Any, capsys: Any) -> None:
    from veridical.cli import main

    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.argv", ["veridical", "solve", "two-suppliers"])
    with pytest.raises(SystemExit) as end:
        main()
    out = capsys.readouterr().out
    assert not end.value.code
    assert "…" not in out
    for number in ("6,965.00", "4,680.00", "2,520.00", "1,710.00"):
        assert number in out


@pytest.mark.parametrize("width", WIDTHS)
def test_mechanisms_and_menus_of_many_suppliers_fit_the_terminal(width: int, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    for arguments in (("compare", "electronics", "--solver", "closed_form"), ("solve", "electronics", "--solver", "closed_form")):
        status, out, _ = run(*arguments)
        plain = re.sub("\x1b\\[[0-9;]*m", "", out)
        assert status == 0
        assert "…" not in plain
        assert max(map(len, plain.splitlines())) <= width
        assert "53,685.76" in plain
        assert ("hybrid (k=3)" in plain) == ("compare" in arguments)
        assert width < 80 or not re.search("^  .+ cost: ", plain, re.MULTILINE)  # a table, and no list of rows


NARROW = (80, 60)


def plain_words(out: str) -> str:
    """Return what was printed without colours and frames, as words with one space between them; folded numbers stay folded."""
    text = re.sub("\x1b\\[[0-9;]*m", "", out)
    return " ".join(re.sub("[│┃┏┓┗┛┡┩└┘├┤┼┴┬╇━─╷╵]", " ", text).split())


def fits(out: str, width: int) -> str:
    """Return what was printed as words; nothing was cut off, and no line is wider than the terminal."""
    text = re.sub("\x1b\\[[0-9;]*m", "", out)
    assert "…" not in text
    assert max(map(cell_len, text.splitlines())) <= width
    return plain_words(out)


@pytest.fixture(params=NARROW)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the width of the terminal, which the environment says: with and without a terminal it is the same."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("units", SCALES)
def test_every_number_of_a_menu_is_there_at_any_size(scale: str, units: str, width: int, run: Run) -> None:
    hard_cases.assembler(3, SCALES[scale], SCALES[units]).save("case.toml")
    status, out, _ = run("solve", "case.toml", "--solver", "closed_form", "--json", "solution.json")
    assert status == 0
    words = fits(out, width)
    found = json.loads(Path("solution.json").read_text(encoding="utf-8"))
    quantities, money = [[abs(q) for row in found["menu"] for q in row[key]] for key in ("quantity", "payment")]
    for row in found["menu"]:
        for key, largest in (("quantity", max(quantities)), ("payment", max(money)), ("rent", max(money))):
            for number in row[key]:
                assert shown(number, largest) in words, (key, number)
    assert shown(found["objective"], max(abs(found["objective"]), *money)) in words
    for name in hard_cases.LONG[:3]:
        assert "".join(name.split()) in "".join(words.split()) or all(part in words for part in name.split())


def shown(number: float, largest: float) -> str:
    """Return a number with two decimals, or as many as it takes for the largest of its kind to have three digits."""
    digits = 2 if largest >= 1 else max(2, 2 - math.floor(math.log10(largest)))
    return f"{round(number, digits) + 0.0:,.{digits}f}"


COMMANDS = [
    ("solve", "two-suppliers"),
    ("solve", "two-suppliers-correlated", "--mechanism", "bic"),
    ("solve", "electronics", "--solver", "closed_form"),
    ("solve", "continuous-pair"),
    ("solve", "motor-controllers"),
    ("solve", "two-retailers"),
    ("solve", "five-retailers"),
    ("solve", "five-retailers", "--mechanism", "fixed_price"),
    ("compare", "two-suppliers"),
    ("compare", "two-retailers", "--solver", "closed_form"),
    ("choose-k", "electronics"),
    ("auction", "two-retailers"),
    ("reproduce", "allocation-table-1", "allocation-table-5"),
    ("solvers",),
]


NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?%?"


def numbers(words: str) -> set[str]:
    """Return the numbers that stand alone in words."""
    return {word.strip("():;") for word in words.split() if re.fullmatch(NUMBER, word.strip("():;"))}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_commands_print_fits_and_loses_nothing(command: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[Any] = []
    monkeypatch.setattr(tables, "show", lambda *shown: parts.extend(shown))
    run(*command)
    wide = plain_words(printed(Group(*deepcopy(parts)), 500))
    assert numbers(wide) or command == ("solvers",)
    for width in NARROW:
        lost = numbers(wide) - numbers(fits(printed(Group(*deepcopy(parts)), width), width))
        assert lost <= {number for number in lost if command[0] == "compare" and re.fullmatch(r"\d\.\d\d", number)}  # seconds


@pytest.mark.parametrize("command", ["solve", "pilot", "choose-fees", "compare"])
def test_joint_plans_with_long_names_fit(command: str, width: int, run: Run, tmp_path: Path) -> None:
    case = hard_cases.joint_plan(tmp_path)
    options = {"choose-fees": ("--draws", "1")}.get(command, ())
    status, out, _ = run(command, "plan", *options)
    assert status == 0
    words = fits(out, width)
    assert command in ("choose-fees", "compare") or all(part in words for name in case.names for part in name.split())


def test_helps_fit(width: int, run: Run) -> None:
    for command in ("solve", "compare", "audit", "auction", "choose-k", "choose-fees", "study", "reproduce", "pilot", "generate"):
        status, out, _ = run(command, "--help")
        assert status == 0
        assert "…" not in out
