"""The page of published numbers: what `veridical reproduce` gave when it was recorded, which tests compare with what it gives.

`python docs/record.py` writes the record anew, in a few minutes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generators import ROOT, put

__all__ = ["RECORD", "plain", "write"]

RECORD = ROOT / "docs" / "published.json"
DIGITS = 6  # significant, of what is recorded
ABOUT = """# Published numbers, recomputed

`veridical reproduce` recomputes what two papers print: the numbers in the text of section 3 of the ICDS paper with its
footnotes, and every cell of Tables 1 to 5 of the capacity allocation paper. There are three readings:

- **published**: what the paper prints.
- **as published**: computed in the way that the authors evidently used.
- **exact**: the optimum of the model.

*Error in print* is the difference between what is printed and the exact number, in per cent of the exact number. Tables 3 to
5 of the ICDS paper stand in its online supplement, which we do not have: they are not recomputed.

What is not as it seems: the bids in Table 5 of the allocation paper are not truthful (a type 8 gains 5.03 by bidding as a
type 6); the penalty of its Table 3 has another denominator than in the other tables; the column of its Table 1 headed
supplier's share is the retailers' loss, rescaled (the true shares run from 5 to 74 %).

```sh
veridical reproduce assembler-3.1
```

`--plot DIR` draws the figures of both papers. The study of the ICDS paper uses closed forms;
`veridical reproduce assembler-models` solves a seeded sample of it as full models, 200 instances with HiGHS and 50 with Ipopt,
in about three minutes. The largest relative difference is 3e-10.
"""


def plain(value: Any) -> Any:
    """Return a number with so many digits, None for what is no number, and anything else as it is."""
    value = value.item() if hasattr(value, "item") else value  # numpy's
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if abs(value) < float("inf") else None
    return value


def write(path: Path) -> None:
    """Write the page."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    put(path, "\n".join([ABOUT, *(section(name, entry) for name, entry in recorded.items())]))


def section(name: str, entry: Mapping[str, Any]) -> str:
    """Return the section of a reproduction."""
    table = claims(entry["rows"]) if name == "claims" else readings(entry["rows"])
    if table.count("\n") > 40:
        table = f"````{{dropdown}} All {len(entry['rows'])} rows\n\n{table}\n````"
    return f"## {name}\n\n{entry['title']}\n\n{table}\n"


def readings(rows: list[Mapping[str, Any]]) -> str:
    """Return the table of quantities in three readings, without columns that are empty, and with notes below."""
    headings = ("quantity", "where", "published", "as published", "exact", "error in print")
    table: list[tuple[str, ...]] = []
    notes: list[str] = []
    for row in rows:
        note = row["note"]
        if note and note not in notes:
            notes.append(note)
        mark = f" [{notes.index(note) + 1}]" if note else ""
        figures = (number(row[key]) for key in ("published", "as_published", "exact"))
        table.append((f"{row['quantity']}{mark}", row["where"] or "", *figures, error(row)))
    places = [place for place in range(len(headings)) if any(cells[place] for cells in table)]
    rules = ["---" if place < 2 else "---:" for place in range(len(headings))]
    lines = [f"| {' | '.join(cells[place] for place in places)} |" for cells in (headings, rules, *table)]
    return "\n".join([*lines, "", *(f"[{number}] {note}\n" for number, note in enumerate(notes, start=1))])


def error(row: Mapping[str, Any]) -> str:
    """Return by how much the printed number misses the exact one, in per cent of it."""
    printed, exact = row["published"], row["exact"]
    return "" if printed is None or not exact else f"{100 * (printed - exact) / abs(exact):+.2f} %"


def number(value: float | None) -> str:
    """Return a number, or nothing."""
    return "" if value is None else f"{value:,.{DIGITS}g}"


def claims(rows: list[Mapping[str, Any]]) -> str:
    """Return the table of claims."""
    said = {True: "true", False: "**false**", None: "not checked"}
    lines = ["True: what was tried, as the witness says, does not contradict it.", ""]
    lines += ["| paper | where | claim | claimed | verdict | witness |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (row["paper"], row["where"], row["claim"], row["claimed"], said[row["holds"]], row["witness"])
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)
