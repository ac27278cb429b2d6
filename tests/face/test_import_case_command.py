"""`veridical import-case`: from spreadsheets to a case file that the other commands take."""

from pathlib import Path

import openpyxl
import pytest

import veridical as vd
from support.command_line import Run, cells
from support.processes import contents
from veridical import solving

QUOTES = """\
Angebote 2026;;
Lieferant;Preis (EUR);Datum
Arvo;7,60 €;03.01.
Arvo;8,10 €;04.02.
Brisk;9,40;05.01.
Brisk;;01.02.
Fen;5,75;01.02.
"""
SALES = "month,units\n2025-01,310\n2025-02,420\n2025-03,380\n"
HEADERS = ("--rename", "Lieferant=supplier", "--rename", "Preis=quote", "--ignore", "Datum")
COMMAND = (
    "import-case",
    "quotes.csv",
    *HEADERS,
    "--demand",
    "sales.csv",
    "--column",
    "units",
    "--price",
    "40",
    "--out",
    "case.toml",
)


@pytest.fixture
def tables(run: Run) -> None:
    """Write quotes and sales where the command line runs."""
    Path("quotes.csv").write_text(QUOTES, encoding="utf-8")
    Path("sales.csv").write_text(SALES, encoding="utf-8")


def test_the_case_is_written_and_solved(tables: None, run: Run) -> None:
    status, out, err = run(
        *COMMAND, "--unit", "pieces", "--set", "salvage=1.5", "--levels", "2", "--set", "suppliers.Fen.capacity=390"
    )
    assert (status, err) == (0, "")
    assert cells(out) == [
        ["Arvo", "Arvo", "2", "7.6, 8.1", "0.5, 0.5"],
        ["Brisk", "Brisk", "1", "9.4", "1"],
        ["Fen", "Fen", "1", "5.75", "1"],
    ]
    assert "demand: 3 observations, mean 370.00" in out
    assert "money in EUR, quantities in pieces" in out
    assert "quotes.csv: semicolon-separated, header in row 2, decimal comma, 1 row without a quote" in out
    assert "the prior of Arvo rests on 2 reports, fewer than 30" in out
    assert "taken for known: Brisk, Fen" in out
    case = vd.load("case.toml")
    assert (case.name, case.price, case.salvage, case.suppliers[2].capacity) == ("case", 40.0, 1.5, 390.0)
    assert run("solve", "case.toml")[0] == 0


def test_what_is_written_stands_in_a_folder_of_its_own(tables: None, run: Run) -> None:
    before = contents(Path())
    assert run(*COMMAND)[0] == 0
    after = contents(Path())
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {
        "case.toml",
        *(f"case-data/{name}.csv" for name in ("Arvo", "Brisk", "Fen", "demand")),
    }
    assert run(*COMMAND)[0] == 0  # and again
    assert contents(Path()) == after


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--price", "0"), "price: got 0.0; allowed: "),
        (("--levels", "0"), "levels: got 0; allowed: "),
        (("--cost-step", "0"), "cost_step: got 0.0; allowed: a number > 0"),
        (("--decimal", "x"), "decimal: got 'x'; allowed: one of . and ,"),
        (("--kind", "joint_plan"), "kind: got 'joint_plan'; allowed: one of assembler, allocation"),
        (("--sheet", "quotes"), "--sheet: got 'quotes'; allowed: NAME=VALUE"),
        (("--sheet", "sales=Q3"), "--sheet: got 'sales'; allowed: TABLE=NAME"),
        (("--rename", "Datum"), "--rename: got 'Datum'; allowed: NAME=VALUE"),
        (("--ignore", "Date"), "ignore: got 'Date'; allowed: a header of one of the tables"),
        (("--set", "prize=3"), "prize: got 3; allowed: one of "),
        (("--set", "suppliers.Nobody.capacity=3"), "got 'Nobody'; allowed: one of Arvo, Brisk, Fen"),
        (("--suppliers", "nowhere.csv"), "nowhere.csv"),
        (("--demand", "sales.ods"), "demand: got 'sales.ods'; allowed: a file whose name ends in "),
        (("--out", "case.csv"), "--out: got 'case.csv'; allowed: a file that can be written: its name ends in .toml"),
        (("--out", "nowhere/case.toml"), "--out: got 'nowhere/case.toml'; allowed: a file that can be written"),
        (("--currency", "CHF"), "currency: got 'CHF'; allowed: EUR"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    options: tuple[str, ...], message: str, tables: None, run: Run
) -> None:
    before = contents(Path())
    status, out, err = run(*COMMAND, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("veridical: ")
    assert contents(Path()) == before


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--price", "--price: got <nothing>; allowed: what a product sells for"),
        ("--demand", "--demand: got <nothing>; allowed: past sales"),
    ],
)
def test_what_is_left_out_is_asked_for_by_its_option(option: str, message: str, tables: None, run: Run) -> None:
    place = COMMAND.index(option)
    status, _, err = run(*COMMAND[:place], *COMMAND[place + 2 :])
    assert (status, err.startswith(f"veridical: {message}")) == (2, True)
    further = {"--price": ["price=40"], "--demand": ["demand.distribution=uniform", "demand.low=100", "demand.high=900"]}[option]
    given = [part for text in further for part in ("--set", text)]
    assert run(*COMMAND[:place], *COMMAND[place + 2 :], *given)[0] == 0


def test_a_case_that_was_edited_is_not_written_over(tables: None, run: Run) -> None:
    assert run(*COMMAND)[0] == 0
    edited = Path("case.toml").read_text(encoding="utf-8").replace("price = 40.0", "price = 41.0\nsalvage = 3.0")
    Path("case.toml").write_text(edited, encoding="utf-8")
    before = contents(Path())
    status, out, err = run(*COMMAND)
    assert (status, out) == (2, "")
    assert "--out: got 'case.toml'; allowed: another name, or none that is there already" in err
    assert contents(Path()) == before


def test_quotes_of_another_unit_are_asked_about_in_the_import_and_in_what_rests_on_it(run: Run) -> None:
    quotes = [5.9, 6.1, 610.0, 6.3, 590.0, 6.0]
    Path("quotes.csv").write_text("supplier,quote per 100 (EUR)\n" + "".join(f"Arvo,{q}\n" for q in quotes), encoding="utf-8")
    Path("sales.csv").write_text(SALES, encoding="utf-8")
    status, out, _ = run(*(part for part in COMMAND if part not in HEADERS), "--rename", "quote per 100=quote", "--price", "4000")
    assert status == 0
    asked = "the reports of Arvo go from 5.9 to 610: are all of them of one unit and one currency?"
    assert asked in " ".join(out.split())
    assert "'quote per 100 (EUR)' read as it is, currency per unit: nothing divided" in " ".join(out.split())
    assert asked in vd.solve(vd.load("case.toml")).warnings


def test_tables_are_never_written_over(tables: None, run: Run) -> None:
    Path("case-data").mkdir()
    Path("quotes.csv").rename("case-data/Arvo.csv")
    before = contents(Path())
    status, _, err = run(*(part.replace("quotes.csv", "case-data/Arvo.csv") for part in COMMAND))
    assert status == 2
    assert "--out: got 'case-data/Arvo.csv'; allowed: another name: case-data/Arvo.csv is one of the tables" in err
    assert contents(Path()) == before


def test_rows_that_say_nothing_are_counted_and_sheets_are_named(run: Run) -> None:
    made = openpyxl.Workbook()
    page, sales = made.create_sheet("Q3"), made.create_sheet("Sales")
    for row in (("supplier", "quote"), ("Arvo", 7.6), ("Brisk", None), ("Brisk", 9.4)):
        page.append(row)
    for row in (("month", "units"), ("Jan", 310), ("Feb", "  "), ("Mar", 420)):
        sales.append(row)
    made.save("book.xlsx")
    command = (
        "import-case",
        "book.xlsx",
        "--sheet",
        "quotes=q3",
        "--demand",
        "book.xlsx",
        "--sheet",
        "demand=sales",
        "--price",
        "40",
    )
    status, out, err = run(*command, "--column", "units", "--out", "case.toml")
    assert (status, err) == (0, "")
    assert "book.xlsx, sheet Q3: 1 row without a quote\n" in out
    assert "book.xlsx, sheet Sales: 1 row with nothing in units\n" in out
    assert "demand: 2 observations, mean 365.00\n" in out
    sales["B3"] = "?"
    made.save("book.xlsx")
    assert run(*command, "--column", "units", "--out", "case.toml")[2].startswith(
        "veridical: book.xlsx, sheet Sales: row 3, column units: got '?'; allowed: a number >= 0"
    )


def test_retailers(run: Run) -> None:
    Path("types.csv").write_text("retailers;type;probability\nstores;4;0,25\nstores;8;0,75\n", encoding="utf-8")
    command = ("import-case", "types.csv", "--kind", "allocation", "--set", "capacity=3", "--set", "revenue.form=linear_demand")
    status, out, err = run(*command, "--out", "case.toml")
    assert (status, err) == (0, "")
    assert cells(out) == [["stores", "1", "4, 8", "0.25, 0.75"]]
    assert run("solve", "case.toml")[0] == 0


def test_nothing_is_solved_and_nothing_guessed(tables: None, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "answer", lambda *_: pytest.fail("solved"))
    Path("quotes.csv").write_text(QUOTES.replace("5,75", "5.75"), encoding="utf-8")
    status, out, err = run(*COMMAND)
    assert (status, out) == (2, "")
    assert err == (
        "veridical: quotes.csv: row 7, column Preis (EUR): got '5.75'; allowed: numbers that are all written alike: "
        "row 3, column Preis (EUR) has '7,60 €'\n"
    )
    assert not Path("case.toml").exists()
