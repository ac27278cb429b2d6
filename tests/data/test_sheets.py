"""Tables in files: the ending decides what is written, and what comes back is what was there."""

import builtins
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import veridical as vd
from support.assembler_cases import build
from veridical.contracts import Menu
from veridical.data import AssemblerCase, InputError, files
from veridical.data.measures import Measures
from veridical.data.sheets import workbook as workbooks
from veridical.data.sheets.book import Book, Column, Sheet

ENDINGS = (".csv", ".xlsx", ".parquet")


@pytest.fixture(scope="module")
def menu() -> Menu:
    """Return the menu of a case with numbers of many digits, and a currency."""
    case = build([[4, 9], [3, 7.1]], [[0.3, 0.7], [1 / 3, 2 / 3]], price=31.7)
    found: Menu = vd.solve(case.changed(currency="EUR", unit="pieces"), solver="closed_form").contracts
    return found


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_menu_comes_back(menu: Menu, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"menu{ending.upper()}"
    menu.save(path)
    read = Menu.read(menu.case, path)
    exact = ending != ".xlsx"  # which has 16 digits
    for found, expected in ((read.quantity, menu.quantity), (read.payment, menu.payment)):
        assert np.allclose(found, expected, rtol=0 if exact else 1e-15, atol=0)
    assert vd.audit(menu.case, path).truthful


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_allocation_comes_back(ending: str, tmp_path: Path) -> None:
    solution = vd.solve(vd.example("two-retailers"), solver="closed_form")
    solution.contracts.save(tmp_path / f"units{ending}")
    audit = vd.audit(solution.contracts.case, tmp_path / f"units{ending}")
    assert audit.expected_profit == pytest.approx(solution.objective, rel=1e-12)


def test_all_files_have_the_same_columns_and_numbers(menu: Menu, tmp_path: Path) -> None:
    for ending in ENDINGS:
        menu.save(tmp_path / f"menu{ending}")
    expected = pd.read_csv(tmp_path / "menu.csv")
    exact = pd.read_parquet(tmp_path / "menu.parquet")
    assert list(exact.columns) == list(expected.columns)
    assert exact.map(repr).equals(pd.read_csv(tmp_path / "menu.csv", dtype=str).map(lambda text: repr(float(text))))
    sheet = pd.read_excel(tmp_path / "menu.xlsx", sheet_name="menu").astype(float)
    assert list(sheet.columns) == list(expected.columns)
    assert np.allclose(sheet, expected, rtol=1e-15, atol=0)


def test_a_workbook_is_made_to_be_read(menu: Menu, tmp_path: Path) -> None:
    menu.save(tmp_path / "menu.xlsx")
    book = openpyxl.load_workbook(tmp_path / "menu.xlsx")
    assert book.sheetnames == ["menu", "suppliers", "about"]
    page = book["menu"]
    header = [cell.value for cell in page[1]]
    assert page.freeze_panes == "C2"  # the header, and the two reports
    assert all(cell.font.bold for cell in page[1])
    assert page.auto_filter.ref == page.dimensions
    assert all(cell.data_type == "n" for row in page.iter_rows(min_row=2) for cell in row)
    place = header.index(f"payment {menu.case.names[0]}")
    assert [row[place].value for row in page.iter_rows(min_row=2)] == pytest.approx(menu.payment[0].ravel().tolist(), rel=1e-15)
    assert page.cell(2, place + 1).number_format == '#,##0.00 "EUR"'
    assert page.cell(2, header.index(f"quantity {menu.case.names[0]}") + 1).number_format == '#,##0.00 "pieces"'
    about = list(book["about"].iter_rows(min_row=5, values_only=True))
    said = {column: (meaning, unit) for sheet, column, meaning, unit in about if sheet == "menu"}
    assert list(said) == header
    assert said[header[0]] == ("the unit cost that this supplier reports", "EUR per unit")
    assert [said[f"{what} {menu.case.names[1]}"][1] for what in ("quantity", "payment", "rent")] == ["pieces", "EUR", "EUR"]


def test_a_workbook_says_what_to_reckon_with_of_each_supplier(menu: Menu, tmp_path: Path) -> None:
    menu.save(tmp_path / "menu.xlsx")
    read = pd.read_excel(tmp_path / "menu.xlsx", sheet_name="suppliers", index_col="supplier")
    assert list(read.index) == list(menu.case.names)
    rows = menu.to_frame()
    for name in menu.case.names:
        for what in ("quantity", "payment", "rent"):
            assert read.loc[name, what] == pytest.approx((rows[what, name] * rows["probability"]).sum(), rel=1e-12)
        for what in ("quantity", "payment"):
            assert read.loc[name, f"largest_{what}"] == pytest.approx(rows[what, name].max(), rel=1e-12)


def test_a_parquet_file_says_what_its_columns_are_counted_in(menu: Menu, tmp_path: Path) -> None:
    menu.save(tmp_path / "menu.parquet")
    schema = pq.read_schema(tmp_path / "menu.parquet")
    assert schema.field(f"payment {menu.case.names[0]}").metadata[b"unit"] == b"EUR"
    assert schema.metadata[b"title"].startswith(b"contract menu for ")


@pytest.mark.parametrize("name", ["menu.xls", "menu.XLSM", "menu", "menu.tsv", "menu.csv.zip", "menu.json"])
def test_other_endings_are_refused_by_name(menu: Menu, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"allowed: a file whose name ends in \.csv, \.xlsx, \.parquet"):
        menu.save(tmp_path / name)
    with pytest.raises(InputError, match=r"allowed: a file whose name ends in \.csv$"):
        menu.to_csv(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_csv_is_not_written_under_the_name_of_a_workbook(menu: Menu, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"allowed: a file whose name ends in \.csv$"):
        menu.to_csv(tmp_path / "menu.xlsx")


def test_without_openpyxl_everything_else_is_written(menu: Menu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r'pip install "veridical\[excel\]"'):
        menu.save(tmp_path / "menu.xlsx")
    with pytest.raises(InputError, match=r'pip install "veridical\[excel\]"'):
        vd.audit(menu.case, tmp_path / "menu.xlsx")
    menu.save(tmp_path / "menu.csv")
    menu.save(tmp_path / "menu.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"menu.csv", "menu.parquet"}


def test_nothing_of_openpyxl_is_loaded_for_csv(menu: Menu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def watched(name: str, *rest: Any) -> Any:
        assert not name.startswith(("openpyxl", "veridical.data.sheets.workbook", "veridical.data.sheets.parquet"))
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", watched)
    menu.save(tmp_path / "menu.csv")


def written(frame: pd.DataFrame, **columns: Column) -> Any:
    """Return the first sheet of a workbook with a frame, as it is read back."""
    content = workbooks.workbook(Book("numbers", Sheet("numbers", frame, columns), Measures("EUR")), "numbers.xlsx")
    return openpyxl.load_workbook(BytesIO(content))["numbers"]


def test_text_is_never_a_formula() -> None:
    page = written(pd.DataFrame({"=1+1": ['=HYPERLINK("x")', "+3", "@sum", "tab\there"]}))
    assert [cell.data_type for cell in page["B"]] == ["s"] * 5
    assert [cell.value for cell in page["B"]] == ["=1+1", '=HYPERLINK("x")', "+3", "@sum", r"tab\there"]


def test_what_is_no_finite_number_is_an_empty_cell() -> None:
    page = written(pd.DataFrame({"price": [1.5, np.nan, np.inf]}))
    assert [cell.value for cell in page["B"]][1:] == [1.5, None, None]


def test_small_amounts_are_not_shown_as_nothing() -> None:
    money = Column("money", "money")
    page = written(pd.DataFrame({"large": [1.0, 20.0], "small": [1.0, 0.0004]}), large=money, small=money)
    assert (page["B2"].number_format, page["C2"].number_format) == ('#,##0.00 "EUR"', 'General "EUR"')


def test_the_end_of_a_long_name_is_seen() -> None:
    name = "Kunststofftechnik Weißenburg an der Donau GmbH & Co. KG"
    page = written(pd.DataFrame({"profit": [1.0]}, index=pd.Index([name], name="supplier")))
    assert page.column_dimensions["A"].width > len(name)


def test_prices_of_a_column_are_shown_alike() -> None:
    price = Column("a price", "per_unit")
    frame = pd.DataFrame({"cents": [37.3, 1029.55], "whole": [4.0, 9.0], "fine": [0.12345678, 1.0]})
    page = written(frame, cents=price, whole=price, fine=price)
    assert [page[f"{letter}2"].number_format for letter in "BCD"] == ["#,##0.00", "#,##0", "General"]


def test_the_sheet_that_says_what_columns_are_shows_all_of_it_on_one_page_across() -> None:
    long, words = "quantity " + "Kunststofftechnik " * 5, "A sentence that has to be read before the table. " * 6
    frame = pd.DataFrame({long: [1.0], "cost": [2.0]})
    book = Book("numbers", Sheet("numbers", frame, {"cost": Column("words " * 40)}), Measures("EUR"), sentences=(words,))
    page = openpyxl.load_workbook(BytesIO(workbooks.workbook(book, "numbers.xlsx")))["about"]
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.page_setup.fitToHeight) == (True, 0)
    merged = list(page.merged_cells.ranges)
    seen = 0
    for cell in (cell for row in page.iter_rows(min_row=2) for cell in row if cell.value):
        letters = "ABCD" if any(cell.coordinate in area for area in merged) else cell.column_letter
        lines = len(cell.value) / sum(page.column_dimensions[letter].width for letter in letters)
        if lines > 1:
            seen += 1
            assert cell.alignment.wrap_text
            assert page.row_dimensions[cell.row].height >= 15 * lines
    assert seen == 3  # the sentence, the name of the first column, and what the second is


def test_tables_that_a_workbook_cannot_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "ROWS", 3)
    with pytest.raises(
        InputError, match=r"numbers.xlsx: <file>: got <3 rows and 2 columns>; allowed: in a workbook at most 2 rows"
    ):
        written(pd.DataFrame({"price": [1.0, 2.0, 3.0]}))


def test_names_of_sheets_are_what_programs_take() -> None:
    names = workbooks.sheet_names(["a" * 40, "A" * 40, "[x]:*?/\\", "", "'quoted'"])
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert len({name.casefold() for name in names}) == len(names)


def test_a_plan_is_on_two_sheets(tmp_path: Path) -> None:
    case = vd.data.joint_plan.pilot(vendors=2, sites=1, regions=1, products=1, weeks=2)
    found = vd.solve(case).contracts
    found.save(tmp_path / "parties.xlsx")
    pages = pd.read_excel(tmp_path / "parties.xlsx", sheet_name=None)
    assert list(pages) == ["parties", "plan", "about"]
    assert pages["plan"]["units"].sum() == pytest.approx(float(found.units.sum()))
    assert pages["parties"]["transfer"].tolist() == pytest.approx([found.transfers[name] for name in case.names])


def test_the_table_of_an_own_mechanism_comes_back(tmp_path: Path) -> None:
    types = vd.TypeSpace({"buyer": [1, 2, 3]})
    mechanism = vd.examine(types, lambda agent, theta, reports: (theta - 2) * (reports[0] >= 2)).mechanism
    for ending in ENDINGS:
        mechanism.save(tmp_path / f"own{ending}")
        again = vd.audit(types, lambda m, agent, theta, reports: 0.0 * theta, tmp_path / f"own{ending}")
        assert again.properties["dominant_strategy_ic"].holds


def test_a_workbook_is_read_from_its_first_sheet_whatever_stands_on_others(menu: Menu, tmp_path: Path) -> None:
    menu.save(tmp_path / "menu.xlsx")
    book = openpyxl.load_workbook(tmp_path / "menu.xlsx")
    book["menu"].cell(2, 1).value = "four"
    book.save(tmp_path / "menu.xlsx")
    with pytest.raises(InputError, match=rf"menu.xlsx: row 2, column {menu.case.names[0]}: got 'four'; allowed: a finite number"):
        Menu.read(menu.case, tmp_path / "menu.xlsx")


@pytest.mark.parametrize(("name", "content"), [("menu.xlsx", b"panel;battery\n"), ("menu.xlsx", b""), ("menu.parquet", b"PAR1")])
def test_files_that_are_not_what_they_are_called_are_refused(
    name: str, content: bytes, correlated: AssemblerCase, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: <file>: .*that can be read"):
        Menu.read(correlated, tmp_path / name)


def test_a_workbook_that_unpacks_to_more_is_not_loaded(menu: Menu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    menu.save(tmp_path / "menu.xlsx")
    with zipfile.ZipFile(tmp_path / "menu.xlsx", "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/media/nothing.bin", b"0" * 2**22)
    monkeypatch.setattr(files, "LARGEST", 2**20)
    assert (tmp_path / "menu.xlsx").stat().st_size < files.LARGEST
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(InputError, match="unpacked larger than 1 MB"):
        Menu.read(menu.case, tmp_path / "menu.xlsx")
