"""The numbers of a table, all of them written in one way, in one currency; what is none is taken down, cell by cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from veridical.data.importing.table import Problems, Table, unit_of
from veridical.data.limits import LARGEST
from veridical.data.sheets.cells import Covered, blank, shown_as
from veridical.data.sheets.numerals import CURRENCIES, DECIMALS, Numeral, decimals, numeral

__all__ = ["COUNT", "NOT_NEGATIVE", "POSITIVE", "SHARE", "Bounds", "Figures", "figures"]


SEVERAL = re.compile(r"(?:/|\b(?:per|pro|je|for|für|par|x))\s*\d", re.IGNORECASE)  # as in `per 100`


class Bounds(NamedTuple):
    """What the numbers of a column may be: in words, and the test; whether they may be written in per cent, and are money."""

    allowed: str
    holds: Callable[[float], bool]
    percent: bool = False
    money: bool = False

    def of_money(self) -> Bounds:
        """Return the same for money, beside which a currency may stand."""
        return self._replace(money=True)


POSITIVE = Bounds("a number > 0", lambda x: x > 0)
NOT_NEGATIVE = Bounds("a number >= 0", lambda x: x >= 0)
SHARE = Bounds("a share from 0 to 1, or in %", lambda x: 0 <= x <= 1, percent=True)
COUNT = Bounds("a whole number >= 1", lambda x: x >= 1 and x == int(x))


@dataclass(frozen=True)
class Figures:
    """Numbers by row and key, None where a cell is empty; `currency`: what stands beside money, empty where nothing does."""

    rows: list[dict[str, float | None]]
    currency: str = ""
    notes: tuple[str, ...] = ()


def figures(table: Table, bounds: Mapping[str, Bounds], problems: Problems, decimal: str | None = None) -> Figures:
    """Return the numbers in the columns of a table that are there, as `bounds` has them by key.

    Text is read with the decimal sign that all of it agrees on, or with `decimal`. Problems are taken down, not raised.
    """
    keys = [key for key in bounds if key in table.headers]
    texts: list[tuple[int, str, Numeral]] = []
    currencies: list[tuple[int, str, str]] = []
    rows: list[dict[str, float | None]] = []
    for number, (place, cells) in enumerate(table.rows):
        row: dict[str, float | None] = {}
        for key in keys:
            cell, one = cells[key], bounds[key]
            row[key] = None
            if isinstance(cell, str) and not blank(cell):
                found = numeral(cell)
                if found is None or (found.percent and not one.percent) or (found.currency and not one.money):
                    problems.add(table.place(place, key), cell, f"{one.allowed}{BESIDE if one.money else ''}")
                else:
                    texts.append((number, key, found))
                    currencies.append((number, key, found.currency))
            elif not blank(cell):
                row[key], currency = _number(cell), getattr(cell, "currency", "")
                currencies.append((number, key, currency))
                if row[key] is None or (currency and not one.money):
                    value = f"<{float(cell):g} {currency}>" if currency else _shown(cell)
                    problems.add(table.place(place, key), value, one.allowed)
        rows.append(row)
    sign, note = _sign(table, texts, problems, decimal)
    for number, key, found in texts:
        if sign:
            rows[number][key] = value = found.value(sign)
            if value is None:
                place, cells = table.rows[number]
                problems.add(table.place(place, key), cells[key], f"{bounds[key].allowed}, with a decimal {DECIMALS[sign]}")
    for (place, cells), row in zip(table.rows, rows, strict=True):
        for key, value in row.items():
            if value is not None and not (abs(value) <= LARGEST and bounds[key].holds(value)):
                problems.add(table.place(place, key), _shown(cells[key]), bounds[key].allowed)
                row[key] = None
    money = [key for key in keys if bounds[key].money]
    return Figures(rows, _currency(table, currencies, money, problems), (*note, *_by_the_hundred(table, money)))


BESIDE = ", with nothing beside it but a sign or code of a currency"


def _number(cell: Any) -> float | None:
    """Return the number that a cell is; None for what is none."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal) or not math.isfinite(cell):
        return None
    return float(cell)


def _shown(cell: Any) -> Any:
    """Return a cell as a message shows it."""
    if isinstance(cell, Covered):
        return f"<merged with {cell.value!r} on its left>"
    return shown_as(cell)


def _sign(
    table: Table, texts: list[tuple[int, str, Numeral]], problems: Problems, decimal: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return the decimal sign of a table's text, empty where that is not clear, which is taken down; and what to say of it."""

    def where(number: int) -> tuple[str, Any]:
        row, key, _ = texts[number]
        place, cells = table.rows[row]
        return table.place(place, key), cells[key]

    if decimal is not None:
        return decimal, ()
    found = decimals(one for _, _, one in texts)
    if found.clash is not None:
        (place, first), (other, second) = where(found.clash[0]), where(found.clash[1])
        problems.add(other, second, f"numbers that are all written alike: {place} has {first!r}")
        return "", ()
    if found.sign:
        return found.sign, (f"decimal {DECIMALS[found.sign]}",) if found.sign == "," else ()
    if found.unclear is not None and not table.usual:
        place, text = where(found.unclear)
        one = texts[found.unclear][2]
        allowed = f"a number that is plain: it may be {one.point:g} or {one.comma:g}; say which by --decimal . or --decimal ,"
        problems.add(place, text, allowed)
        return "", ()
    return table.usual or ".", ()


def _currency(table: Table, said: list[tuple[int, str, str]], money: list[str], problems: Problems) -> str:
    """Return the currency that stands beside numbers or in their headers; take down a second one."""
    found = [(table.place(table.rows[row][0], key), table.rows[row][1][key], other) for row, key, other in said if other]
    headed = ((table.headers[key], CURRENCIES.get(re.split(r"[\s/]", unit_of(table.headers[key]))[0], "")) for key in money)
    found = [(f"header {header}", header, currency) for header, currency in headed if currency] + found
    if not found:
        return ""
    before, _, currency = found[0]
    for place, cell, other in found[1:]:
        if other != currency:
            shown = cell if isinstance(cell, str) else f"<{float(cell):g} {other}>"
            problems.add(place, shown, f"{currency}, as in {before}: one currency in a table")
            break
    return currency


def _by_the_hundred(table: Table, money: list[str]) -> tuple[str, ...]:
    """Return what is to be said of columns of money whose headers are of several units: no number is divided."""
    several = [table.headers[key] for key in money if SEVERAL.search(table.headers[key])]
    return tuple(f"{header!r} read as it is, currency per unit: nothing divided" for header in several)
