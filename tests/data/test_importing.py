"""Cases from tables as procurement keeps them: each is read in the one way that there is, or what is wrong is named."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import veridical as vd
from veridical.data import AllocationCase, AssemblerCase, InputError, Lognormal, Sample
from veridical.data.importing.quotes import costs_of

ROWS = [("Arvo", 7.6), ("Arvo", 8.1), ("Arvo", 9.9), ("Brisk", 9.4), ("Brisk", 11.0)]
QUOTES = "".join(f"{name},{quote}\n" for name, quote in (("supplier", "quote"), *ROWS))
SALES = [310.0, 420.0, 380.0]
Write = Callable[[str, str], Path]
Book = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a text file."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Return what writes a workbook: rows of cells by sheet, and the areas that are merged on all of them."""

    def written(name: str, merged: tuple[str, ...] = (), **sheets: list[tuple[Any, ...]]) -> Path:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for title, rows in sheets.items():
            page = made.create_sheet(title)
            for row in rows:
                page.append(row)
            for area in merged:
                page.merge_cells(area)
        made.save(tmp_path / name)
        return tmp_path / name

    return written


def read(path: Path, **options: Any) -> AssemblerCase:
    """Return the case in a table of quotes, with a demand that is of no interest."""
    fields: dict[str, Any] = {"price": 60.0, "demand.distribution": "uniform", "demand.low": 100, "demand.high": 900}
    case = vd.import_case(path, **(fields | options))
    assert isinstance(case, AssemblerCase)
    return case


def quoted(case: AssemblerCase) -> dict[str, list[float]]:
    """Return the quotes by supplier."""
    return {supplier.name: list(supplier.reported) for supplier in case.suppliers}


EXPECTED = {"Arvo": [7.6, 8.1, 9.9], "Brisk": [9.4, 11.0]}
GERMAN = "supplier;quote\n" + "".join(f"{name};{quote:.2f}\n" for name, quote in ROWS).replace(".", ",")
READ_RIGHT = {  # text of CSV files in which the same quotes stand
    "commas": QUOTES,
    "decimal commas between semicolons": GERMAN,
    "tabs": GERMAN.replace(";", "\t"),
    "bars": QUOTES.replace(",", "|"),
    "quoted decimal commas": "supplier,quote\n" + "".join(f'{name},"{quote:.2f}"\n'.replace(".", ",") for name, quote in ROWS),
    "signs of a currency": GERMAN.replace(",60\n", ",60 €\n").replace("9,40", "EUR 9,40"),
    "a title, empty rows, spaces": f"Tender 2026;\n;\n;\n{GERMAN.replace(';', ' ; ')};\n;\n",
    "another header": GERMAN.replace("supplier;quote", " Supplier;QUOTE (EUR)"),
    "lines of Windows": GERMAN.replace("\n", "\r\n"),
    "a mark of Excel": f"\ufeff{GERMAN}",
}


@pytest.mark.parametrize("way", READ_RIGHT)
def test_quotes_are_read_as_they_are_written(way: str, write: Write) -> None:
    assert quoted(read(write("quotes.csv", READ_RIGHT[way]))) == EXPECTED


def test_a_workbook_that_people_made(book: Book) -> None:
    rows: list[tuple[Any, ...]] = [
        ("Quotes, third quarter", None, None, None),
        (None, None, None, None),
        ("Supplier", "Offer", None, "Terms"),
        (None, "Quote (EUR)", "capacity", "component"),
        ("Arvo", 7.6, None, "controller"),
        (None, "8,10 €", None, None),
        (None, 9.9, 500, None),
        (None, None, None, None),
        ("Brisk", "9,40", None, "board"),
        ("Brisk", 11, None, "board"),
    ]
    path = book("quotes.xlsx", ("A1:D1", "A3:A4", "B3:C3", "A5:A7"), Tender=rows)
    case = read(path)
    assert quoted(case) == EXPECTED
    assert [(supplier.component, supplier.capacity) for supplier in case.suppliers] == [("controller", 500.0), ("board", None)]
    assert case.currency == "EUR"


def test_utf_16_and_other_encodings(tmp_path: Path) -> None:
    text = GERMAN.replace("Brisk", "Müller")
    for name, encoding, said in (("a.csv", "utf-16", None), ("b.csv", "cp1252", "cp1252")):
        (tmp_path / name).write_bytes(text.encode(encoding))
        assert list(quoted(read(tmp_path / name, encoding=said))) == ["Arvo", "Müller"]
    with pytest.raises(InputError, match=r"b.csv: <file>: .*; or say its encoding, as --encoding cp1252"):
        read(tmp_path / "b.csv")
    with pytest.raises(InputError, match="encoding: got 'utf-9'"):
        read(tmp_path / "b.csv", encoding="utf-9")


WRONG = {  # what is wrong with a table: its text, where, the value, and what is allowed
    "text for a number": (QUOTES.replace("8.1", "on request"), "row 3, column quote", "'on request'", "a number > 0"),
    "a price per piece": (
        QUOTES.replace("8.1", "8.1 EUR/pc"),
        "row 3, column quote",
        "'8.1 EUR/pc'",
        "sign or code of a currency",
    ),
    "a quote of nothing": (QUOTES.replace("8.1", "0"), "row 3, column quote", "'0'", "a number > 0"),
    "a negative quote": (QUOTES.replace("8.1", "-8.1"), "row 3, column quote", "'-8.1'", "a number > 0"),
    "not a number": (QUOTES.replace("8.1", "nan"), "row 3, column quote", "'nan'", "a number > 0"),
    "two ways of writing": (
        GERMAN.replace("11,00", "11.5"),
        "row 6, column quote",
        "'11.5'",
        "written alike: row 2, column quote has",
    ),
    "thousands or decimals": (
        "supplier;quote\nArvo;1.234\nBrisk;2.345\n",
        "row 2, column quote",
        "'1.234'",
        "1.234 or 1234; say which",
    ),
    "two currencies": (
        GERMAN.replace("7,60", "7,60 €").replace("9,40", "9,40 $"),
        "row 5, column quote",
        "'9,40 $'",
        "EUR, as in row 2",
    ),
    "no supplier": (QUOTES.replace("Arvo,8.1", ",8.1"), "row 3, column supplier", "<nothing>", "the name of a supplier"),
    "spelled differently": (
        QUOTES.replace("Arvo,8.1", "ARVO,8.1"),
        "row 3, column supplier",
        "'ARVO'",
        "'Arvo', as it is spelled",
    ),
    "a row of totals": (f"{QUOTES}Total,46.0\n", "row 7", "'Total'", "no rows of totals"),
    "an unknown column": (
        QUOTES.replace(",", ",x,").replace("supplier,x", "supplier,buyer"),
        "header",
        "'buyer'",
        "--ignore 'HEADER'",
    ),
    "a column twice": (QUOTES.replace("\n", ",5\n").replace("quote,5", "quote,Quote"), "header", "'Quote'", "one column quote"),
    "no column of quotes": (
        QUOTES.replace("quote", "offer"),
        "header",
        "<supplier, offer>",
        "a header with supplier and quote or cost",
    ),
    "values under no header": (
        QUOTES.replace("\n", ",5\n").replace("quote,5", "quote,"),
        "header",
        "<no name, column 3>",
        "columns supplier",
    ),
    "a decimal comma between commas": (QUOTES.replace("8.1", "8,1"), "row 3", "['Arvo', '8', '1']", "2 values, as in the header"),
    "a row too short": (QUOTES.replace("Brisk,9.4", "9.4"), "row 5", "['9.4']", "2 values, as in the header"),
    "an open quote": (QUOTES.replace("Brisk,9.4", '"Brisk,9.4'), "row 5", "<no CSV>", "quotes closed"),
    "nothing at all": ("", "header", "<an empty table>", "a header with supplier"),
    "a header alone": ("supplier,quote\n", "rows", "<none>", "one or more rows below"),
    "quotes and costs": (
        QUOTES.replace("\n", ",5\n").replace("quote,5", "quote,cost"),
        "header",
        "<quote and cost>",
        "one of them",
    ),
    "probabilities of quotes": (
        QUOTES.replace("\n", ",0.5\n").replace("quote,0.5", "quote,probability"),
        "header",
        "'probability'",
        "no prob",
    ),
    "no quote of one": (f"{QUOTES}Fen,\n", "row 7, column quote", "<nothing>", "one quote of Fen or more"),
    "per cent of money": (QUOTES.replace("8.1", "8.1 %"), "row 3, column quote", "'8.1 %'", "a number > 0"),
    "beyond all prices": (QUOTES.replace("8.1", "1e99"), "row 3, column quote", "'1e99'", "a number > 0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(what: str, write: Write) -> None:
    text, field, value, allowed = WRONG[what]
    with pytest.raises(InputError) as raised:
        read(write("quotes.csv", text))
    assert raised.value.file == "quotes.csv"
    problem = raised.value.problems[0]
    assert problem.field.endswith(field)
    assert problem.value == value
    assert allowed in problem.allowed


def test_all_that_is_wrong_is_said_at_once(write: Write) -> None:
    with pytest.raises(InputError) as raised:
        read(write("quotes.csv", QUOTES.replace("8.1", "tbd").replace("11.0", "?").replace("Arvo,9.9", ",9.9")))
    assert {problem.field for problem in raised.value.problems} == {
        "row 3, column quote",
        "row 6, column quote",
        "row 4, column supplier",
    }


def test_which_sign_is_meant_can_be_said(write: Write) -> None:
    path = write("quotes.csv", "supplier;quote\nArvo;1.234\nBrisk;2.345\n")
    assert quoted(read(path, decimal=".")) == {"Arvo": [1.234], "Brisk": [2.345]}
    assert quoted(read(path, decimal=",", price=9000)) == {"Arvo": [1234.0], "Brisk": [2345.0]}
    with pytest.raises(InputError, match=r"decimal: got ';'; allowed: one of \. and ,"):
        read(path, decimal=";")
    with pytest.raises(InputError, match=r"got '8.1'; allowed: a number > 0, with a decimal comma"):
        read(write("other.csv", QUOTES), decimal=",")


CELLS: dict[str, tuple[Any, str]] = {
    "a date": (date(2026, 2, 1), "<the date 2026-02-01"),
    "a truth": (True, "True"),
    "an error": ("#N/A", "'#N/A'"),
    "text": ("n/a", "'n/a'"),
}


@pytest.mark.parametrize("what", CELLS)
def test_cells_that_are_no_numbers_are_named(what: str, book: Book) -> None:
    cell, shown = CELLS[what]
    with pytest.raises(InputError) as raised:
        read(book("quotes.xlsx", quotes=[("supplier", "quote"), ("Arvo", 7.6), ("Arvo", cell)]))
    (problem,) = raised.value.problems
    assert problem.field == "row 3, column quote"
    assert problem.value.startswith(shown)


def test_a_formula_that_was_never_computed_is_named(book: Book) -> None:
    rows = [("supplier", "quote", "sum"), ("Arvo", 7.6, "=B2"), ("Arvo", "=B2+1", "=B2+B3"), ("=A3", 8.1, None)]
    with pytest.raises(InputError) as raised:
        read(book("quotes.xlsx", quotes=rows), ignore=["sum"])
    assert {problem.field for problem in raised.value.problems} == {"row 3, column quote", "row 4, column supplier"}
    assert raised.value.problems[0].value.startswith("<the formula =B2+1, whose value was not saved")
    assert quoted(read(book("right.xlsx", quotes=rows[:2]), ignore=["sum"])) == {"Arvo": [7.6]}  # of no column that is read


def test_cells_merged_across_columns_are_named(book: Book) -> None:
    rows = [("supplier", "quote", "capacity"), ("Arvo", 7.6, None), ("Brisk", 9.4, 300)]
    with pytest.raises(InputError, match=r"row 2, column capacity: got <merged with 7.6 on its left>; allowed: a number > 0"):
        read(book("quotes.xlsx", ("B2:C2",), quotes=rows))


def test_currencies_in_the_formats_of_cells(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    for row in (("supplier", "quote", "capacity"), ("Arvo", 7.6, 500), ("Brisk", 9.4, 300)):
        page.append(row)
    page["B2"].number_format = '#,##0.00\\ "€"'
    made.save(tmp_path / "quotes.xlsx")
    assert read(tmp_path / "quotes.xlsx").currency == "EUR"
    page["B3"].number_format = "[$$-409]#,##0.00"
    made.save(tmp_path / "quotes.xlsx")
    with pytest.raises(InputError, match=r"row 3, column quote: got <9.4 \$>; allowed: EUR, as in row 2, column quote"):
        read(tmp_path / "quotes.xlsx")
    page["B3"].number_format, page["C3"].number_format = "0.00", '0 "EUR"'
    made.save(tmp_path / "quotes.xlsx")
    with pytest.raises(InputError, match=r"row 3, column capacity: got <300 EUR>; allowed: a number > 0"):
        read(tmp_path / "quotes.xlsx")


def test_which_sheet_is_meant(book: Book) -> None:
    rows, others = [("supplier", "quote"), *ROWS], [("what", "who"), ("x", "y")]
    assert quoted(read(book("a.xlsx", Angebote=rows))) == EXPECTED
    assert quoted(read(book("b.xlsx", notes=others, Quotes=rows))) == EXPECTED
    assert quoted(read(book("c.xlsx", notes=others, Angebote=rows), sheets={"quotes": "angebote"})) == EXPECTED
    with pytest.raises(InputError, match=r"--sheet quotes: got <no name>; allowed: which of the sheets: notes, Angebote"):
        read(book("d.xlsx", notes=others, Angebote=rows))
    with pytest.raises(InputError, match=r"--sheet quotes: got 'Q3'; allowed: one of the sheets notes, Angebote"):
        read(book("d.xlsx", notes=others, Angebote=rows), sheets={"quotes": "Q3"})


def test_headers_of_any_name(write: Write) -> None:
    text = (
        GERMAN.replace("supplier;quote", "Lieferant;Preis (EUR)").replace("\n", ";KW 3\n").replace("KW 3\nArvo", "Woche\nArvo", 1)
    )
    options: dict[str, Any] = {"rename": {"Lieferant": "supplier", "preis": "quote"}, "ignore": ["Woche"]}
    assert quoted(read(write("quotes.csv", text), **options)) == EXPECTED
    with pytest.raises(InputError, match="ignore: got 'Wocke'; allowed: a header of one of the tables"):
        read(write("quotes.csv", GERMAN), ignore=["Wocke"])


def test_endings_that_no_table_has_are_refused(write: Write) -> None:
    for name in ("quotes.xls", "quotes.ods", "quotes.txt"):
        with pytest.raises(InputError, match=rf"quotes: got '{name}'; allowed: a file whose name ends in .csv, .xlsx, .parquet"):
            read(write(name, QUOTES))
    with pytest.raises(InputError, match="a readable CSV file"):
        read(Path("nowhere.csv"))


def test_sales_beside_other_columns(write: Write, book: Book, tmp_path: Path) -> None:
    quotes = write("quotes.csv", QUOTES)
    frame = pd.DataFrame({"month": ["Jan", "Feb", "Mar"], "units": SALES, "units (EUR)": [1.0, 2.0, 3.0]})
    frame.to_parquet(tmp_path / "sales.parquet")
    sales = [
        write("sales.csv", "Monat;units;returns\n01;310,0;1\n02;420,0;x\n;;\n03;380,0;2\n"),
        book("sales.xlsx", sales=[("Sales", None), ("month", "Units"), *zip("abc", SALES, strict=True)]),
        tmp_path / "sales.parquet",
    ]
    for path in sales:
        case = vd.import_case(quotes, path, column="units", price=60)
        assert isinstance(case, AssemblerCase)
        assert isinstance(case.demand, Sample)
        assert case.demand.values == tuple(SALES)
    for text, wrong in (("units\n310\n-4\n", "'-4'"), ("units\n310\nmany\n", "'many'"), ("units\n310\nSum\n", "'Sum'")):
        with pytest.raises(InputError, match=rf"sales.csv: row 3.*: got {wrong}"):
            vd.import_case(quotes, write("sales.csv", text), column="units", price=60)
    with pytest.raises(InputError, match=r"sales\.csv: header: got <units>; allowed: a header with pieces"):
        vd.import_case(quotes, write("sales.csv", "units\n310\n"), column="pieces", price=60)


def test_terms_of_suppliers_are_read_from_either_table(write: Write) -> None:
    quotes = write("quotes.csv", QUOTES.replace("\n", ",\n").replace("quote,", "quote,capacity").replace("8.1,", "8.1,450"))
    header = "supplier,component,minimum order,yield,reservation profit\n"
    case = read(quotes, suppliers=write("terms.csv", f"{header}Brisk,board,200,95 %,150\nArvo,,,,\n"))
    arvo, brisk = case.suppliers
    assert (arvo.capacity, arvo.component, arvo.minimum_order) == (450.0, None, None)
    assert (brisk.component, brisk.minimum_order, brisk.usable.values, brisk.reservation_profit) == (
        "board",
        200.0,
        (0.95,),
        150.0,
    )
    for text, field, value, allowed in (
        (f"{header}Fen,,,,\n", "row 2, column supplier", "'Fen'", "one who has quotes: Arvo, Brisk"),
        (f"{header}Brisk,,,,\nBrisk,,,,1\n", "row 3, column supplier", "'Brisk'", "he stands in row 2 already"),
        (
            "supplier,capacity\nArvo,500\n",
            "row 2, column capacity",
            "500.0",
            "what quotes.csv says of him in row 3, column capacity",
        ),
    ):
        with pytest.raises(InputError) as raised:
            read(quotes, suppliers=write("terms.csv", text))
        (problem,) = raised.value.problems
        assert (raised.value.file, problem.field, problem.value) == ("terms.csv", field, value)
        assert allowed in problem.allowed
    with pytest.raises(InputError, match=r"row 4, column capacity: got 460.0; allowed: 450, as in row 3: one for each supplier"):
        read(write("quotes.csv", quotes.read_text(encoding="utf-8").replace("9.9,", "9.9,460")))


def test_what_a_case_refuses_is_named_where_it_was_read(write: Write) -> None:
    text = QUOTES.replace("\n", ",,\n").replace("quote,,", "quote,minimum order,capacity").replace("8.1,,", "8.1,500,450")
    with pytest.raises(InputError) as raised:
        read(write("quotes.csv", text))
    (problem,) = raised.value.problems
    assert problem.field == "quotes.csv: row 3, column minimum order (suppliers[0].minimum_order)"
    assert (problem.value, problem.allowed) == ("500.0", "at most his capacity, 450")


def test_costs_with_probabilities(write: Write) -> None:
    text = "supplier,cost,probability,reservation profit\nArvo,9,25 %,0\nArvo,4,0.75,100\nBrisk,7,,\n"
    case = read(write("costs.csv", text))
    arvo, brisk = case.suppliers
    assert (arvo.costs, arvo.probabilities, arvo.reservation_profit) == ((4.0, 9.0), (0.75, 0.25), (100.0, 0.0))
    assert (brisk.costs, brisk.reports) == ((7.0,), None)
    for change, field, wrong in (
        (("Arvo,4,0.75", "Arvo,4,"), "row 3, column probability", "<nothing>"),
        (("Arvo,4,", "Arvo,9,"), "row 3, column cost", "9.0"),
        (("0.75", "0.7"), "probabilities", "<"),
    ):
        with pytest.raises(InputError) as raised:
            read(write("costs.csv", text.replace(*change)))
        assert field in raised.value.problems[0].field
        assert raised.value.problems[0].value.startswith(wrong)


def test_costs_are_quantiles_of_quotes_and_cover_all_of_them() -> None:
    assert costs_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 3) == [3.0, 5.0, 7.0]
    assert costs_of([5.0, 5.0, 5.0, 8.0], 3) == [5.0, 8.0]
    assert costs_of([0.7, 0.71], 2, 0.1) == [0.7, 0.8]  # 0.7 / 0.1 is 6.999... in floats
    assert costs_of([3.0], 4) == [3.0]


def test_the_case_comes_back_equal_and_is_solved(write: Write, tmp_path: Path) -> None:
    quotes = write("quotes.csv", QUOTES + "demand,3.3\n../up,2.0\n")  # names that are files of others
    case = vd.import_case(
        quotes, write("sales.csv", "units\n310.1\n420\n"), column="units", price=60, currency="EUR", unit="pieces"
    )
    path = case.save(tmp_path / "out" / "case.toml")
    assert vd.load(path) == case
    assert {one.relative_to(tmp_path / "out").as_posix() for one in (tmp_path / "out").rglob("*.csv")} == {
        *("quotes/Arvo.csv", "quotes/Brisk.csv", "quotes/demand.csv", "quotes/---up.csv", "quotes/demand-observed.csv")
    }
    solution = vd.solve(vd.load(path))
    assert solution.audit is not None
    assert solution.audit.truthful
    assert "rests on 3 reports, fewer than 30" in str(solution.warnings)


def test_frames_say_the_same_as_files(write: Write) -> None:
    frame = pd.DataFrame(ROWS, columns=["supplier", "quote"])
    file = vd.import_case(write("quotes.csv", QUOTES), write("sales.csv", "units\n310\n420\n380\n"), column="units", price=60)
    sales: tuple[tuple[Any, str], ...] = (
        (SALES, "demand"),
        (pd.Series(SALES), "demand"),
        (pd.DataFrame({"units": SALES}), "units"),
    )
    for demand, column in sales:
        for quotes in (frame, frame.set_index("supplier"), frame.astype({"quote": str})):
            assert AssemblerCase.from_frames(quotes, demand, column=column, price=60) == file
    drawn = Lognormal(mean=400, sd=80)
    assert AssemblerCase.from_frames(frame, drawn, price=60).demand == drawn
    terms = pd.DataFrame({"supplier": ["Brisk"], "capacity": [300]})
    assert AssemblerCase.from_frames(frame, SALES, suppliers=terms, price=60).suppliers[1].capacity == 300.0


def test_frames_that_are_none_are_refused() -> None:
    frame = pd.DataFrame(ROWS, columns=["supplier", "quote"])
    for quotes, demand, message in (
        (ROWS, SALES, "quotes: got <list>; allowed: a DataFrame"),
        (frame.assign(quote="tbd"), SALES, "quotes: row 1, column quote: got 'tbd'"),
        (frame.assign(buyer="me"), SALES, "quotes: header: got 'buyer'"),
        (frame, object(), "demand: row 1, column demand: got <object object at "),
        (frame, [310, -5], "demand: row 2, column demand: got -5"),
        (frame, None, "missing required key"),
    ):
        with pytest.raises(InputError, match=message.replace("[", r"\[")):
            AssemblerCase.from_frames(quotes, demand, price=60)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="prize: got 60; allowed: one of kind, name"):
        AssemblerCase.from_frames(frame, SALES, prize=60)
    with pytest.raises(InputError, match="levels: got 0"):
        AssemblerCase.from_frames(frame, SALES, price=60, levels=0)


def test_retailers_and_their_types(write: Write, tmp_path: Path) -> None:
    text = "retailers;count;type;probability\nstores;2;8;0,75\nstores;;4;0,25\nweb;;5,5;1\n"
    case = vd.import_case(write("types.csv", text), kind="allocation", capacity=5, revenue={"form": "linear_demand"})
    assert isinstance(case, AllocationCase)
    stores, web = case.retailers
    assert (stores.count, stores.types, stores.probabilities) == (2, (4.0, 8.0), (0.25, 0.75))
    assert (web.count, web.types) == (1, (5.5,))
    assert vd.load(case.save(tmp_path / "case.toml")) == case
    audit = vd.solve(case).audit
    assert audit is not None
    assert audit.truthful
    for change, field, value in (
        (("stores;;4;", "stores;3;4;"), "row 2, column count", "2.0"),
        (("0,25", ""), "row 3, column probability", "<nothing>"),
        (("5,5", "-1"), "row 4, column type", "'-1'"),
        (("2;8", "1,5;8"), "row 2, column count", "'1,5'"),
    ):
        with pytest.raises(InputError) as raised:
            vd.import_case(
                write("types.csv", text.replace(*change)), kind="allocation", capacity=5, revenue={"form": "linear_demand"}
            )
        problem = raised.value.problems[0]
        assert (problem.field, problem.value) == (field, value)
    with pytest.raises(InputError, match="revenue: missing required key"):
        vd.import_case(write("types.csv", text), kind="allocation", capacity=5)


def test_no_price_and_no_demand_are_missing_keys(write: Write) -> None:
    with pytest.raises(InputError, match="price: missing required key"):
        vd.import_case(write("quotes.csv", QUOTES))


def test_a_currency_that_is_not_that_of_the_quotes_is_refused(write: Write) -> None:
    path = write("quotes.csv", GERMAN.replace("7,60", "7,60 €"))
    assert (read(path).currency, read(path, currency="euro").currency) == ("EUR", "euro")
    with pytest.raises(InputError, match="currency: got 'CHF'; allowed: EUR, which stands beside the numbers"):
        read(path, currency="CHF")


@pytest.mark.parametrize("number", range(1, 31))
@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5, 7, 10])
def test_costs_are_the_least_quotes_that_so_many_do_not_exceed(number: int, levels: int) -> None:
    quotes = [round(3.0 + (7 * k % number) * 0.35, 2) for k in range(number)]
    counted = {
        min(cost for cost in quotes if levels * sum(other <= cost for other in quotes) >= k * number)
        for k in range(1, levels + 1)
    }
    assert costs_of(quotes, levels) == sorted(counted)


@pytest.mark.parametrize(
    ("header", "currency"),
    [("quote (EUR)", "EUR"), ("quote [€]", "EUR"), ("quote (CHF/pc)", "CHF"), ("quote (net)", None), ("quote", None)],
)
def test_a_currency_in_the_header_of_prices_is_that_of_the_case(header: str, currency: str | None, write: Write) -> None:
    assert read(write("quotes.csv", QUOTES.replace("supplier,quote", f"supplier,{header}"))).currency == currency


def test_a_currency_in_a_header_that_the_numbers_contradict_is_refused(write: Write) -> None:
    text = QUOTES.replace("supplier,quote", "supplier,quote (EUR)").replace("9.9", "$ 9.9")
    with pytest.raises(InputError, match=r"row 4, column quote \(EUR\): got '\$ 9.9'; allowed: EUR, as in header quote \(EUR\)"):
        read(write("quotes.csv", text))


def test_a_header_that_is_not_there_is_looked_for_below_the_titles(book: Book) -> None:
    path = book(
        "q.xlsx", Q=[("Tender 2026, all suppliers",), (), ("Lieferant", "Preis", "Datum"), ("Arvo", 7.6, "3.1."), ("Arvo", 8.1)]
    )
    with pytest.raises(
        InputError, match=r"row 3, header: got <Lieferant, Preis, Datum>; allowed: a header with supplier and quote"
    ):
        read(path)


def test_columns_that_are_unknown_are_named_together(write: Write) -> None:
    text = "supplier,quote,buyer,remark\nArvo,7.6,x,y\n"
    with pytest.raises(
        InputError, match=r"header: got <buyer, remark>; allowed: the columns supplier, .*--ignore 'HEADER'"
    ) as found:
        read(write("quotes.csv", text))
    assert len(found.value.problems) == 1


def test_without_the_column_of_demand_the_way_to_name_one_is_said(write: Write) -> None:
    sales = write("sales.csv", "month,units\n2025-01,310\n")
    with pytest.raises(InputError, match=r"header: got <month, units>; allowed: a header with demand; --column HEADER says"):
        vd.import_case(write("quotes.csv", QUOTES), sales, price=60.0)
