"""What one supplier is sent of a menu: his own contracts, all of them, and nothing of anybody else."""

import re
from html import escape
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import openpyxl
import pandas as pd
import pytest

import veridical as vd
from support.assembler_cases import build
from support.command_line import Run
from veridical.contracts import supplier_contracts, write_contracts
from veridical.data import AssemblerCase, InputError
from veridical.data.files import file_names

COSTS = [[4.0, 9.0, 11.0], [3.0, 7.0], [2.0, 2.5]]
WEIGHTS = [[0.3, 0.4, 0.3], [0.6, 0.4], [0.5, 0.5]]


@pytest.fixture(scope="module")
def solution() -> Any:
    return vd.solve(build(COSTS, WEIGHTS, price=37.0))


def test_every_contract_of_his_is_in_a_list_and_every_list_in_the_menu(solution: Any) -> None:
    case, menu = solution.contracts.case, solution.menu
    for i, name in enumerate(case.names):
        contract = supplier_contracts(solution.contracts)[name]
        frame = contract.to_frame()
        lists = [frame.loc[k] for k in frame.index.unique("list")]
        met = set()
        for others in product(*(s.costs for j, s in enumerate(case.suppliers) if j != i)):
            offered = [menu.loc[(*others[:i], cost, *others[i:])] for cost in case.suppliers[i].costs]
            own = np.array([[row["quantity", name], row["payment", name]] for row in offered])
            same = [k for k, one in enumerate(lists) if np.allclose(one.to_numpy(), own, rtol=1e-8, atol=1e-6)]
            assert len(same) == 1
            met |= set(same)
        assert met == set(range(len(lists)))


def test_in_each_list_the_truth_is_best_and_never_loses(solution: Any) -> None:
    for contract in supplier_contracts(solution.contracts).values():
        for quantity, payment in zip(contract.quantity, contract.payment, strict=True):
            profit = payment - np.outer(contract.costs, quantity)  # own cost, report
            assert (profit.diagonal() >= profit.max(axis=1) - 1e-5).all()
            assert profit.diagonal().min() >= -1e-5


def test_rounded_contracts_are_sent_to_the_last_digit_and_in_their_currency() -> None:
    dear = {"price": 30e6, "suppliers.panel.costs": [4e6, 9e6], "suppliers.battery.costs": [3e6, 7e6]}
    case = vd.example("two-suppliers-correlated").changed(**dear, round_money=0.05, round_units=1, currency="EUR", unit="pieces")
    menu = vd.solve(case).contracts
    contract = supplier_contracts(menu)["panel"]
    assert set(contract.quantity.ravel()) == set(menu.quantity[0].ravel())
    assert set(contract.payment.ravel()) == set(menu.payment[0].ravel())
    assert "<th>if you report, EUR per unit</th><th>we order, pieces</th><th>you are paid in all, EUR</th>" in contract.to_html()


def test_amounts_of_a_sheet_are_written_alike_and_lose_no_digit() -> None:
    costs = {"suppliers.panel.costs": [4.0, 9.25], "suppliers.battery.costs": [3.5, 7.0]}
    case = vd.example("two-suppliers").changed(**costs, round_money=0.01, round_units=1, currency="EUR", unit="pieces")
    for contract in supplier_contracts(vd.solve(case).contracts).values():
        cells = re.findall("<td>(.*?)</td>", contract.to_html())
        assert all(re.fullmatch(r"[\d,]+\.\d\d", text) for text in cells[0::3] + cells[2::3])  # costs and payments: cents
        assert all(re.fullmatch(r"[\d,]+", text) for text in cells[1::3])  # pieces
        shown = np.array([float(text.replace(",", "")) for text in cells]).reshape(-1, 3)
        assert shown[:, 1:].tolist() == contract.to_frame().to_numpy().tolist()
        assert "for the whole order" in contract.to_html()


def test_the_workbook_says_what_the_sheet_says_and_opens_there(solution: Any, tmp_path: Path) -> None:
    write_contracts(solution.contracts, tmp_path, ("html", "xlsx"))
    for name, contract in supplier_contracts(solution.contracts).items():
        book = openpyxl.load_workbook(tmp_path / f"{name}.xlsx")
        assert book.sheetnames == ["offer", "about"]  # the first is what programs read
        assert book.active.title == "about"
        said = [row[0].value for row in book["about"].iter_rows()]
        assert [words for words in (*contract.sentences, contract.alone) if words not in said] == []
        assert [words for words in contract.sentences if escape(words) not in contract.to_html()] == []


def test_a_cost_that_everybody_knows_is_not_asked_for() -> None:
    case = vd.example("two-suppliers").changed(**{"suppliers.battery.costs": [4.0], "suppliers.battery.probabilities": None})
    sheets = {name: sheet.to_html() for name, sheet in vd.contracts.supplier_contracts(vd.solve(case).contracts).items()}
    assert "Please report your cost" in sheets["panel"]
    assert "<th>if you report</th>" in sheets["panel"]
    assert "report your cost" not in sheets["battery"]
    assert "there is nothing to report" in sheets["battery"]
    assert "<th>at the cost of</th>" in sheets["battery"]


def test_a_cost_between_two_that_are_listed_loses_by_neither_list(solution: Any) -> None:
    for contract in vd.contracts.supplier_contracts(solution.contracts).values():
        for cost, higher in zip(np.array(contract.costs[:-1]) + 1e-3, range(1, len(contract.costs)), strict=True):
            assert (contract.payment[:, higher] - cost * contract.quantity[:, higher] >= 0).all()


def test_nothing_of_the_others_is_said(solution: Any, tmp_path: Any) -> None:
    case = solution.contracts.case
    for name, contract in supplier_contracts(solution.contracts).items():
        for text in (contract.to_html(), contract.csv_text()):
            assert not any(re.search(rf"\b{other}\b", text) for other in case.names if other != name)
            assert not re.search("probab|profit|price", text)


def test_lists_do_not_show_in_which_order_the_others_reports_stand() -> None:
    case = build(COSTS, WEIGHTS, price=37.0)
    turned = case.changed(suppliers=[case.suppliers[0], *case.suppliers[:0:-1]])
    first, second = (supplier_contracts(vd.solve(one, solver="closed_form").contracts) for one in (case, turned))
    assert {name: one.csv_text() for name, one in first.items()} == {name: one.csv_text() for name, one in second.items()}


def test_suppliers_who_do_not_report_have_the_same_contract_in_every_row() -> None:
    case = build(COSTS, WEIGHTS, price=37.0)
    contracts = supplier_contracts(vd.solve(case, "hybrid", k=1).contracts)
    frame = contracts[case.names[2]].to_frame()
    assert (frame.groupby("list").nunique() == 1).all(axis=None)


def test_tables_come_back_with_every_digit(solution: Any, tmp_path: Any) -> None:
    for path in write_contracts(solution.contracts, tmp_path / "new"):
        if path.suffix == ".csv":
            frame = supplier_contracts(solution.contracts)[path.stem].to_frame()
            read = pd.read_csv(StringIO(path.read_text(encoding="utf-8")), dtype=float).set_index(["list", "cost"])
            assert read.to_numpy().tolist() == frame.to_numpy().tolist()


@pytest.mark.parametrize(("mechanism", "fails"), [("first_best", "dominant_strategy_ic"), ("bic", "dominant_strategy_ic")])
def test_menus_that_are_not_truthful_whatever_the_others_report_are_not_sent(
    mechanism: str, fails: str, correlated: AssemblerCase, tmp_path: Any
) -> None:
    menu = vd.solve(correlated, mechanism).contracts
    with pytest.raises(InputError, match=f"menu: got <{fails} fails"):
        write_contracts(menu, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_stay_in_the_folder_and_are_told_apart() -> None:
    names = ["../up", "a/b", "A b", "a-b", "Ünder_1", "...", "x" * 300]
    stems = file_names(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert all(re.fullmatch(r"[\w-]{1,110}", stem) for stem in stems)
    assert stems[:4] == ["---up", "a-b", "A-b-2", "a-b-3"]


def test_names_are_no_markup(regular: AssemblerCase, tmp_path: Any) -> None:
    case = regular.changed(**{f"suppliers.{regular.names[0]}.name": "<script>"})
    paths = write_contracts(vd.solve(case, solver="closed_form").contracts, tmp_path)
    page = paths[0].read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_who_loses_some_of_an_order_is_told_that_it_is_paid_as_it_was_ordered(discrete: AssemblerCase) -> None:
    first, second = discrete.names
    case = discrete.changed(**{f"suppliers.{first}.yield": {"values": [0.8, 1.0]}})
    contracts = supplier_contracts(vd.solve(case).contracts)
    assert "paid for what is ordered" in contracts[first].to_html()
    assert "paid for what is ordered" not in contracts[second].to_html()


def test_the_command_writes_a_sheet_and_a_table_a_supplier(run: Run) -> None:
    status, _, err = run("solve", "two-suppliers", "--contracts", "out")
    assert (status, err) == (0, "")
    assert {path.name for path in Path("out").iterdir()} == {"panel.html", "panel.csv", "battery.html", "battery.csv"}
    status, out, err = run("solve", "two-retailers", "--contracts", "elsewhere")
    assert (status, out) == (2, "")
    assert err.startswith(
        "veridical: --contracts: got 'elsewhere'; allowed: no file: there is none for a case of kind allocation"
    )


SECRETS: dict[str, dict[str, Any]] = {  # by supplier: what nobody else is to learn
    "Aardvark": {"costs": [4.1357, 9.7131], "probabilities": [0.3719, 0.6281], "component": "panel", "capacity": 958.5203},
    "Bandicoot": {
        "costs": [3.1973, 7.3919],
        "probabilities": [0.5813, 0.4187],
        "component": "battery",
        "minimum_order": 123.4507,
    },
    "Capybara": {
        "costs": [1.2343, 2.5771],
        "probabilities": [0.7177, 0.2823],
        "component": "housing",
        "reservation_profit": 21.4309,
    },
}
PUBLIC = {
    "price": 37.7713,
    "currency": "EUR",
    "unit": "pieces",
    "name": "tender-4711",
    "description": "what is thought of Bandicoot",
}


def told(path: Path) -> str:
    """Return all text in a file, also in the parts of a workbook."""
    if path.suffix != ".xlsx":
        return path.read_text(encoding="utf-8")
    with ZipFile(path) as parts:
        return "\n".join(f"{name} {parts.read(name).decode()}" for name in parts.namelist())


@pytest.mark.parametrize("mechanism", ["icds", "hybrid", "naive"])
def test_nothing_of_another_supplier_stands_in_what_one_is_sent(mechanism: str, tmp_path: Path) -> None:
    suppliers = [{"name": name, **own} for name, own in SECRETS.items()]
    demand = {"distribution": "uniform", "low": 100.0919, "high": 900.0823}
    case = AssemblerCase.model_validate({**PUBLIC, "demand": demand, "suppliers": suppliers})
    solution = vd.solve(case, mechanism)
    files = write_contracts(solution.contracts, tmp_path, ("html", "csv", "xlsx"))
    assert {path.name for path in files} == {f"{name}.{form}" for name in SECRETS for form in ("html", "csv", "xlsx")}
    of_nobody = [
        PUBLIC["name"],
        PUBLIC["description"],
        PUBLIC["price"],
        demand["low"],
        demand["high"],
        f"{solution.objective:.4f}",
    ]
    for path in files:
        text = told(path)
        hidden: list[Any] = [*of_nobody, *SECRETS[path.stem]["probabilities"]]
        for name, own in SECRETS.items():
            if name != path.stem:
                hidden += [name, *(part for value in own.values() for part in (value if isinstance(value, list) else [value]))]
        assert [secret for secret in hidden if str(secret) in text] == []
        assert all(str(cost) in text for cost in SECRETS[path.stem]["costs"])
        assert "EUR" in text
        assert "pieces" in text


def test_the_sheet_says_what_depends_on_the_others(solution: Any) -> None:
    contracts = supplier_contracts(solution.contracts)
    several = next(contract for contract in contracts.values() if len(contract.quantity) > 1)
    assert (
        f"Which of the {len(several.quantity)} lists applies depends on what the other suppliers report, not on your own"
        in several.to_html()
    )
    for contract in contracts.values():
        page = contract.to_html()
        assert "not what other suppliers are offered, report or are paid" in page
        assert ("What the others report decides which list applies" in page) == (len(contract.quantity) > 1)


def test_a_workbook_has_the_same_offer(solution: Any, tmp_path: Path) -> None:
    for path in write_contracts(solution.contracts, tmp_path, ["xlsx"]):
        frame = supplier_contracts(solution.contracts)[path.stem].to_frame()
        read = pd.read_excel(path, sheet_name="offer").set_index(["list", "cost"])
        assert np.allclose(read.to_numpy(dtype=float), frame.to_numpy(), rtol=1e-15)
    for formats, wrong in ((["pdf"], "pdf"), ([], "<none>"), (["html", "CSV"], "CSV")):
        with pytest.raises(InputError, match=f"formats: got '?{wrong}'?; allowed: one or several of html, csv, xlsx"):
            write_contracts(solution.contracts, tmp_path, formats)


def test_the_command_writes_the_formats_that_are_asked_for(run: Run) -> None:
    assert run("solve", "two-suppliers", "--contracts", "out", "--contracts-as", "xlsx", "--contracts-as", "html")[0] == 0
    assert {path.name for path in Path("out").iterdir()} == {"panel.html", "panel.xlsx", "battery.html", "battery.xlsx"}
    for options, message in (
        (
            ("--contracts", "other", "--contracts-as", "doc"),
            "--contracts-as: got 'doc'; allowed: one or several of html, csv, xlsx",
        ),
        (("--contracts-as", "html"), "--contracts-as: got 'html'; allowed: a format beside --contracts DIR"),
    ):
        status, out, err = run("solve", "two-suppliers", *options)
        assert (status, out) == (2, "")
        assert message in err
    assert not Path("other").exists()
