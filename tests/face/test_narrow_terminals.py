"""Tables on narrow terminals: every digit is there, and in one piece."""

import io
import re
from typing import Any

import pytest
from rich.console import Console, Group

from support.command_line import Run
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
