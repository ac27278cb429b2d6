"""What one supplier is sent of a contract menu: his own contracts, and nobody else's numbers.

What he is offered depends on what the others report, so his part of a menu is a few lists of contracts, of which the others'
reports choose one. He does not see which reports choose which list; his own do not, so that whichever list it is he does best by
the contract at his own cost (taxation principle: Guesnerie, A contribution to the pure theory of taxation, 1995, chapter 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from veridical.contracts.audit import audit
from veridical.contracts.menu import Menu
from veridical.contracts.rounding import RoundedMenu
from veridical.data import csv_file, files
from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures, amount_digits, decimals_of, figure
from veridical.data.sheets.book import Book, Column, Sheet
from veridical.data.sheets.endings import ending

__all__ = ["FORMATS", "SupplierContract", "checked_formats", "supplier_contracts", "write_contracts"]

DIGITS = 9  # of each number that is sent, so that lists that differ by a solver's rounding are one
ASKED = "Please report your cost per unit, as one of the costs below. If it lies between two of them, report the higher one: you "
ASKED += "will not lose by it. If it is above all of them, you need not take part."
KNOWN = "Your cost per unit is taken to be the one below, so there is nothing to report. If it is higher, you need not take part."
PAID = "What you are paid is for the whole order, not for each unit."
LOSSES = "You are paid for what is ordered, whatever share of it arrives usable."
META = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
ALONE = "This sheet shows your offer only: not what other suppliers are offered, report or are paid. Their sheets do not show "
ALONE += "yours."
DIFFER = " What the others report decides which list applies, and nothing else on this sheet."
FORMATS = ("html", "csv", "xlsx")
STYLE = "body{font:11pt sans-serif;margin:3em;max-width:45em}table{border-collapse:collapse;margin:1em 0}"
STYLE += "th,td{border:1px solid #999;padding:.3em .8em;text-align:right}caption{text-align:left;font-weight:bold;padding:.3em 0}"


@dataclass(frozen=True)
class SupplierContract:
    """What a supplier delivers and is paid by his own report, in each of the lists that the others' reports choose from.

    `costs`: what he may report, currency per unit, ascending. `quantity`, units, and `payment`, currency: shape (lists, costs),
    the list of the largest orders first, each once. `terms`: what else he is to know. `measures`: how the sheet says money and
    quantities.

    Examples
    --------
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers"), "frw").contracts
    >>> contract = vd.contracts.supplier_contracts(menu)["panel"]
    >>> contract.costs, contract.quantity.shape                        # lists, costs
    ((3.0, 9.0), (1, 2))
    """

    supplier: str
    component: str
    costs: tuple[float, ...]
    quantity: Array
    payment: Array
    terms: str = ""
    measures: Measures = UNSAID

    def __repr__(self) -> str:
        lists, costs = self.quantity.shape
        return f"SupplierContract({self.supplier!r}: {costs} costs, {lists} list{'s' * (lists != 1)})"

    def to_frame(self) -> pd.DataFrame:
        """Return the contracts as a table: a row a list and report, with quantity and payment."""
        index = pd.MultiIndex.from_product([range(1, len(self.quantity) + 1), self.costs], names=["list", "cost"])
        return pd.DataFrame({"quantity": self.quantity.ravel(), "payment": self.payment.ravel()}, index=index)

    def csv_text(self) -> str:
        """Return the table as the text of a CSV file; the header says currency and unit where the case does."""
        table, words = self.to_frame().reset_index(), self.measures
        said = {
            "cost": words.currency and words.per_unit,
            "quantity": words.unit,
            "payment": words.currency,
        }
        header = [f"{name} ({said[name]})" if said.get(name) else name for name in table.columns]
        return csv_file.text(header, table.itertuples(index=False, name=None))

    def book(self) -> Book:
        """Return the table as a workbook has it."""
        chosen = Column("which list: what the other suppliers report decides, and what you report does not")
        cost = Column("the cost that you report", "per_unit")
        columns = {
            "quantity": Column("what is ordered of you, if you report this cost and this list applies", "units"),
            "payment": Column("what you are paid for the whole order", "money"),
        }
        sheet = Sheet("offer", self.to_frame(), columns, (chosen, cost))
        return Book(self.title, sheet, self.measures, sentences=(*self.sentences, self.alone))

    @property
    def title(self) -> str:
        """What the sheet is, in words."""
        return f"Contract offer to {self.supplier}: {self.component}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """What he is told above the lists: what to report, what follows from it, and why the truth is best."""
        lists, private = len(self.quantity), len(self.costs) > 1
        chosen = (
            f"Which of the {lists} lists applies depends on what the other suppliers report, not on your own report."
            if lists > 1
            else "What the other suppliers report changes nothing in this list."
        )
        best = "Whichever list it is, "
        best += (
            "no other report earns you more than your true cost does, and with your true cost you never lose."
            if private
            else "you lose nothing."
        )
        return tuple(filter(None, (ASKED if private else KNOWN, f"{chosen} {best}", PAID, self.terms)))

    @property
    def alone(self) -> str:
        """What he is told of what the others see."""
        return ALONE + (DIFFER if len(self.quantity) > 1 else "")

    def to_html(self) -> str:
        """Return the sheet for him: what to report, what follows from it, and why the truth is best; a page of its own."""
        head = escape(self.title)
        above = "".join(f"<p>{escape(words)}</p>\n" for words in self.sentences)
        tables = "".join(self._list(k) for k in range(len(self.quantity)))
        body = f"<h1>{head}</h1>\n{above}{tables}<p>{self.alone}</p>\n"
        page = f'<html lang="en">\n<head>{META}<title>{head}</title>\n<style>{STYLE}</style></head>'
        return f"<!DOCTYPE html>\n{page}\n<body>\n{body}</body>\n</html>\n"

    def _list(self, k: int) -> str:
        words = self.measures
        paid = f"you are paid in all, {words.currency}" if words.currency else "you are paid in all"
        report = "if you report" if len(self.costs) > 1 else "at the cost of"
        report += f", {words.per_unit}" if words.currency else ""
        said = (report, f"we order, {words.of_units}", paid)
        headings = "".join(f"<th>{escape(text)}</th>" for text in said)
        columns = (
            (self.costs, amount_digits(self.costs)),
            (self.quantity[k], decimals_of(self.quantity.ravel())),
            (self.payment[k], amount_digits(self.payment.ravel(), words.round_money)),
        )
        texts = ([figure(value, digits) for value in values] for values, digits in columns)
        rows = ("".join(f"<td>{text}</td>" for text in row) for row in zip(*texts, strict=True))
        body = "".join(f"<tr>{row}</tr>\n" for row in rows)
        return f"<table>\n<caption>List {k + 1}</caption>\n<tr>{headings}</tr>\n{body}</table>\n"


def supplier_contracts(menu: Menu) -> dict[str, SupplierContract]:
    """Return what each supplier is sent of a menu, by his name.

    Parameters
    ----------
    menu
        The contracts of a solution of an assembler's, or a menu that `Menu.read_csv` reads.

    Returns
    -------
    dict of str to SupplierContract
        In the order of the case. Numbers have 9 digits, or are those of a rounded menu, and are audited as they are sent.

    Raises
    ------
    InputError
        For a menu under which truth is not best, or loses something, at some reports of the others: such a list cannot be sent
        without what the supplier is to believe of the others. And for orders that a supplier does not take.

    Examples
    --------
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers-correlated")).contracts
    >>> supplier_contracts(menu)["panel"].to_frame().round(2)
               quantity  payment
    list cost
    1    4.0     713.33  2853.33
         9.0       0.00     0.00
    2    4.0     425.93  3833.34
         9.0     425.93  3833.34
    """
    sent = menu if isinstance(menu, RoundedMenu) else Menu(menu.case, rounded(menu.quantity), rounded(menu.payment))
    checked = audit(sent)
    truth = "a menu in which truth is best for each supplier, and never loses, whatever the others report"
    orders = "a menu with orders within every supplier's capacity, in his lots, and no fewer than his minimum order"
    for name, allowed in (("dominant_strategy_ic", truth), ("ex_post_ir", truth), ("capacity", orders)):
        if not checked.properties[name].holds:
            raise InputError.of("menu", f"<{checked.properties[name]}>", allowed, menu.case.name)
    found = {}
    for i, supplier in enumerate(menu.case.suppliers):
        count = len(supplier.costs)
        pairs = np.stack([np.moveaxis(part[i], i, -1).reshape(-1, count) for part in (sent.quantity, sent.payment)], axis=1)
        lists = np.unique(pairs.reshape(len(pairs), -1), axis=0)[::-1].reshape(-1, 2, count)
        terms = LOSSES if getattr(supplier, "yield") is not None else ""
        parts = supplier.name, supplier.delivers, supplier.costs, lists[:, 0], lists[:, 1]
        found[supplier.name] = SupplierContract(*parts, terms, Measures.of(menu.case))
    return found


def write_contracts(menu: Menu, folder: str | Path, formats: Sequence[str] = FORMATS[:2]) -> list[Path]:
    """Write what each supplier is sent into a folder, made where it is not there: a sheet to read (HTML) and its table (CSV).

    Parameters
    ----------
    menu
        As `supplier_contracts` takes it.
    folder
        Where the files go; they are named after the suppliers.
    formats
        Which files each of them is sent: `html`, `csv` and `xlsx`, one or several.

    Returns
    -------
    list of Path
        The files, all written or none.

    Raises
    ------
    InputError
        As `supplier_contracts`, for another format, and where files cannot be written there.

    Examples
    --------
    >>> import tempfile
    >>> import veridical as vd
    >>> menu = vd.solve(vd.example("two-suppliers")).contracts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_contracts(menu, folder)]
    ['panel.html', 'panel.csv', 'battery.html', 'battery.csv']
    """
    wanted = checked_formats(formats)
    contracts = supplier_contracts(menu)
    folder = files.make_folder(folder)
    contents: dict[Path, str | bytes] = {}
    for stem, contract in zip(files.file_names(contracts), contracts.values(), strict=True):
        contents |= {folder / f"{stem}.{form}": _content(contract, form, stem) for form in wanted}
    files.write(contents)
    return list(contents)


def checked_formats(formats: Sequence[str], field: str = "formats") -> tuple[str, ...]:
    """Return the formats of contract sheets that are asked for, each once; raises InputError for others, and none."""
    wanted = tuple(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    for form in wanted or ("<none>",):
        if form not in FORMATS:
            raise InputError.of(field, form, f"one or several of {', '.join(FORMATS)}")
    if "xlsx" in wanted:
        ending("contract.xlsx", field)
    return wanted


def _content(contract: SupplierContract, form: str, stem: str) -> str | bytes:
    if form == "xlsx":
        return contract.book().workbook(f"{stem}.xlsx")
    return contract.to_html() if form == "html" else contract.csv_text()


def rounded(values: Array) -> Array:
    """Return numbers with 9 digits, -0 as 0; what is less than that of the largest is 0."""
    least = 10.0**-DIGITS * float(np.abs(values).max())
    digits = np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel()]).reshape(values.shape)
    return np.asarray(np.where(np.abs(digits) <= least, 0.0, digits))
