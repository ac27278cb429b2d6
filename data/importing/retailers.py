"""Groups of retailers from a table: a row a group and type, with how likely the type is, and what else a case says of them."""

from __future__ import annotations

from typing import Any

from veridical.data.fields import label
from veridical.data.importing.figures import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Bounds, figures
from veridical.data.importing.quotes import Found
from veridical.data.importing.table import Table, Wanted, text_of

__all__ = ["RETAILERS", "groups_of"]

OF_GROUP: dict[str, Bounds] = {"count": COUNT, "capacity": POSITIVE, "minimum_order": POSITIVE}
OF_TYPE: dict[str, Bounds] = {"type": NOT_NEGATIVE, "probability": SHARE, "reservation_profit": NOT_NEGATIVE.of_money()}
RETAILERS = Wanted((("retailers",), ("type",)), tuple(key for key in OF_TYPE | OF_GROUP if key != "type"))


def groups_of(table: Table, decimal: str | None = None) -> Found:
    """Return the groups of retailers in a table, in the order in which they come; a group without a count is one retailer.

    Raises InputError with all that is wrong.
    """
    problems = table.problems
    numbers = figures(table, OF_TYPE | OF_GROUP, problems, decimal)
    found = Found(currency=numbers.currency, notes=list(numbers.notes))
    by_name: dict[str, list[int]] = {}
    for n, (place, cells) in enumerate(table.rows):
        name = text_of(table, place, "retailers", cells["retailers"], problems)
        if name is None:
            problems.add(table.place(place, "retailers"), "<nothing>", "the name of a group in every row")
        elif numbers.rows[n]["type"] is None:
            if not problems.found:
                problems.add(table.place(place, "type"), "<nothing>", "a type in every row")
        else:
            by_name.setdefault(name, []).append(n)
    for i, (name, places) in enumerate(by_name.items()):
        places = sorted(places, key=lambda n: numbers.rows[n]["type"] or 0.0)
        group: dict[str, Any] = {"name": name, "count": 1}
        found.places[f"retailers[{i}]"] = (table.file, table.rows[places[0]][0])
        for key in OF_GROUP:
            given = [(table.rows[n][0], numbers.rows[n].get(key)) for n in places if numbers.rows[n].get(key) is not None]
            for place, value in given:
                found.places.setdefault(f"retailers[{i}].{key}", (table.file, table.place(place, key)))
                if value != given[0][1]:
                    problems.add(
                        table.place(place, key), value, f"{label(given[0][1] or 0.0)}, as in {given[0][0]}: one for each group"
                    )
                group[key] = int(value or 0) if key == "count" else value
        for key, column in (("types", "type"), ("probabilities", "probability"), ("reservation_profit", "reservation_profit")):
            values = [numbers.rows[n].get(column) for n in places]
            found.places[f"retailers[{i}].{key}"] = (table.file, table.place(table.rows[places[0]][0], column))
            if all(value is not None for value in values):
                group[key] = values[0] if key == "reservation_profit" and len(set(values)) == 1 else values
            elif any(value is not None for value in values):
                n = places[values.index(None)]
                problems.add(table.place(table.rows[n][0], column), "<nothing>", f"a {column} in every row of {name}, or in none")
        found.parts.append(group)
    problems.check()
    return found
