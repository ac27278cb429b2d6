"""Suppliers from a table of quotes: a row a quote, or a row a cost with its probability; and what else a contract has to know.

Nobody but a supplier knows his cost, and a menu needs a few costs that it could be: they are quantiles of his quotes, the highest
among them, and each quote counts for the least of them that is not below it (`Supplier.reports`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

import numpy as np

from veridical.data import files
from veridical.data.fields import is_name, label
from veridical.data.importing.figures import NOT_NEGATIVE, POSITIVE, SHARE, Bounds, Figures, figures
from veridical.data.importing.table import Problems, Table, Wanted, text_of

__all__ = ["QUOTES", "SUPPLIERS", "Found", "costs_of", "suppliers_of"]

TERMS: dict[str, Bounds] = {  # keys of a supplier, one number each
    "units_per_product": POSITIVE,
    "reservation_profit": NOT_NEGATIVE.of_money(),
    "capacity": POSITIVE,
    "minimum_order": POSITIVE,
    "lot_size": POSITIVE,
    "setup_cost": NOT_NEGATIVE.of_money(),
    "yield": SHARE,
}
PRICES: dict[str, Bounds] = {"quote": POSITIVE.of_money(), "cost": POSITIVE.of_money(), "probability": SHARE}
QUOTES = Wanted((("supplier",), ("quote", "cost")), ("probability", "component", *TERMS))
SUPPLIERS = Wanted((("supplier",),), ("component", *TERMS))


@dataclass
class Found:
    """Parts of a case (suppliers, retailers) as it has them, and the `places` where their keys were read: file and cell.

    `currency`: that beside the numbers. `notes`: what is to be said of how they were read.
    """

    parts: list[dict[str, Any]] = field(default_factory=list)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    currency: str = ""
    notes: list[str] = field(default_factory=list)


def costs_of(quotes: Sequence[float], levels: int, step: float | None = None) -> list[float]:
    """Return the costs that stand for quotes: the least that 1 / levels, 2 / levels, ..., all of them do not exceed, each once.

    They are rounded up to a step where there is one.

    >>> costs_of([4.1, 5.0, 5.0, 6.2, 7.7, 9.0], 3), costs_of([4.1, 5.0, 9.0], 2, 0.5)
    ([5.0, 6.2, 9.0], [5.0, 9.0])
    """
    shares = [(k + 1) / levels for k in range(levels)]
    found = np.quantile(np.array(quotes), shares, method="inverted_cdf").tolist()
    if step is not None:
        exact = Decimal(repr(float(step)))
        found = [float((Decimal(repr(cost)) / exact).to_integral_value(ROUND_CEILING) * exact) for cost in found]
    return sorted(set(found))


def suppliers_of(
    quotes: Table, terms: Table | None, levels: int, step: float | None, folder: str, decimal: str | None = None
) -> Found:
    """Return the suppliers in a table of quotes, in the order in which they come, and in one of their terms.

    `folder`: where the files of quotes will stand, beside the case. Raises InputError with all that is wrong.
    """
    problems = quotes.problems
    numbers = figures(quotes, PRICES | TERMS, problems, decimal)
    listed = "cost" in quotes.headers
    if listed and "quote" in quotes.headers:
        problems.add(
            "header", "<quote and cost>", "one of them: quotes from which a prior is estimated, or costs with probabilities"
        )
    if "probability" in quotes.headers and not listed:
        problems.add("header", quotes.headers["probability"], "no probabilities beside quotes, from which they are estimated")
    rows = _by_supplier(quotes, problems)
    found = Found(currency=numbers.currency, notes=list(numbers.notes))
    stems = dict(zip(rows, files.file_names(rows), strict=True))
    empty = 0
    for i, (name, places) in enumerate(rows.items()):
        first = quotes.rows[places[0]][0]
        if listed:
            places = sorted(places, key=lambda n: numbers.rows[n].get("cost") or 0.0)
        supplier: dict[str, Any] = {"name": name}
        found.places[f"suppliers[{i}]"] = (quotes.file, first)
        supplier |= _terms(quotes, numbers, places, f"suppliers[{i}]", found, problems, varying=listed)
        if listed:
            supplier |= _costs(quotes, numbers, places, f"suppliers[{i}]", found, problems)
        else:
            given = [numbers.rows[place].get("quote") for place in places]
            values = [value for value in given if value is not None]
            missing = sum(value is None for value in given)
            empty += missing
            if not values and not problems.found:
                problems.add(quotes.place(first, "quote"), "<nothing>", f"one quote of {name} or more")
            if values:
                supplier |= {
                    "costs": costs_of(values, levels, step),
                    "reports": f"{folder}/{stems[name]}.csv",
                    "reported": values,
                }
        found.parts.append(supplier)
    if empty and not problems.found:
        found.notes.append(f"{empty} row{'s' if empty > 1 else ''} without a quote")
    problems.check()
    if terms is not None:
        _add_terms(found, terms, decimal)
    return found


def _by_supplier(table: Table, problems: Problems, once: bool = False) -> dict[str, list[int]]:
    """Return the rows of each supplier, by his name; `once`: where he may have one alone."""
    found: dict[str, list[int]] = {}
    spelled: dict[str, str] = {}
    for number, (place, cells) in enumerate(table.rows):
        name = text_of(table, place, "supplier", cells["supplier"], problems)
        if name is None or not is_name(name):
            problems.add(table.place(place, "supplier"), name or "<nothing>", "the name of a supplier in every row")
            continue
        other = spelled.setdefault(name.casefold(), name)
        if other != name:
            problems.add(table.place(place, "supplier"), name, f"{other!r}, as it is spelled above, or another name")
        elif once and name in found:
            allowed = f"one row a supplier; he stands in {table.rows[found[name][0]][0]} already"
            problems.add(table.place(place, "supplier"), name, allowed)
        found.setdefault(other, []).append(number)
    return found


def _terms(
    table: Table, numbers: Figures, places: list[int], at: str, found: Found, problems: Problems, varying: bool = False
) -> dict[str, Any]:
    """Return what a supplier's rows say beside quotes: the same in every row that says it; `varying`: of costs also one a row."""
    said: dict[str, Any] = {}
    rows = [table.rows[n] for n in places]
    columns: dict[str, list[Any]] = {
        "component": [text_of(table, place, "component", cells.get("component"), problems) for place, cells in rows]
    }
    columns |= {key: [numbers.rows[n].get(key) for n in places] for key in TERMS}
    for key, values in columns.items():
        given = [(table.rows[n][0], value) for n, value in zip(places, values, strict=True) if value is not None]
        if not given:
            continue
        (first, value), *others = given
        found.places[f"{at}.{key}"] = (table.file, table.place(first, key))
        if varying and key == "reservation_profit" and len(given) == len(places):
            said[key] = value if len({one for _, one in given}) == 1 else [one for _, one in given]
            continue
        for place, other in others:
            if other != value:
                shown = value if isinstance(value, str) else label(value)
                problems.add(table.place(place, key), other, f"{shown}, as in {first}: one for each supplier")
        said[key] = {"values": [value]} if key == "yield" else value
    return said


def _costs(table: Table, numbers: Figures, places: list[int], at: str, found: Found, problems: Problems) -> dict[str, Any]:
    """Return the costs and probabilities that a supplier's rows list, ascending; one cost alone needs no probability."""
    rows: list[tuple[float, float | None]] = []
    for n in places:
        place, cost, weight = table.rows[n][0], numbers.rows[n].get("cost"), numbers.rows[n].get("probability")
        found.places.setdefault(f"{at}.costs", (table.file, table.place(place, "cost")))
        found.places.setdefault(f"{at}.probabilities", (table.file, table.place(place, "probability")))
        if cost is None:
            if not problems.found:
                problems.add(table.place(place, "cost"), "<nothing>", "a cost in every row")
            continue
        if weight is None and len(places) > 1:
            problems.add(table.place(place, "probability"), "<nothing>", "how likely this cost is, where a supplier has several")
        if cost in [other for other, _ in rows]:
            problems.add(table.place(place, "cost"), cost, "each cost of a supplier once")
        rows.append((cost, weight))
    said: dict[str, Any] = {"costs": [cost for cost, _ in rows]}
    weights = [weight for _, weight in rows if weight is not None]
    return said | ({"probabilities": weights} if rows and len(weights) == len(rows) else {})


def _add_terms(found: Found, table: Table, decimal: str | None) -> None:
    """Add what a table with one row a supplier says to the suppliers; raises InputError."""
    problems = table.problems
    numbers = figures(table, TERMS, problems, decimal)
    by_name = {supplier["name"]: (i, supplier) for i, supplier in enumerate(found.parts)}
    for name, places in _by_supplier(table, problems, once=True).items():
        if name not in by_name:
            allowed = f"one who has quotes: {', '.join(by_name)}"
            problems.add(table.place(table.rows[places[0]][0], "supplier"), name, allowed)
            continue
        i, supplier = by_name[name]
        before = dict(found.places)
        for key, value in _terms(table, numbers, places[:1], f"suppliers[{i}]", found, problems).items():
            if key in supplier and supplier[key] != value:
                file, place = before[f"suppliers[{i}].{key}"]
                shown = value["values"][0] if isinstance(value, dict) else value
                problems.add(table.place(table.rows[places[0]][0], key), shown, f"what {file} says of him in {place}")
            supplier[key] = value
    if found.currency and numbers.currency not in ("", found.currency):
        problems.add("<file>", f"<{numbers.currency}>", f"{found.currency}, as beside the quotes")
    found.currency = found.currency or numbers.currency
    problems.check()
