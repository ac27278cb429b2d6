"""What `veridical choose-k` shows: the hybrid by k."""

from __future__ import annotations

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.studies import Choice

__all__ = ["choice"]


def choice(chosen: Choice) -> list[RenderableType]:
    """Return the hybrid by k."""
    title = f"hybrid menus for {chosen.case}: k suppliers report, the others are paid their highest cost"
    who = "who comes to report"
    table = tables.table(title, "k", who, "contracts", "expected\nprofit", "added", "lost of\nk = n", left=(who,), bold=True)
    money = chosen.measures.fitted(money=float(chosen.table["profit"].abs().max())).money
    for k, row in chosen.table.iterrows():
        lost = tables.share(row["loss"])
        added = "" if np.isnan(row["added"]) else money(row["added"])
        table.add_row(str(k), row["supplier"] or "-", f"{row['contracts']:,}", money(row["profit"]), added, lost)
    if chosen.k is None:
        note = f"no k up to {chosen.table.index[-1]} is known to lose at most {chosen.accepted:.2%} of what k = n earns"
    else:
        note = f"k = {chosen.k} is the smallest that loses at most {chosen.accepted:.2%} of what k = n earns"
    before = [] if chosen.measures.round_money is None else [Text("profits are those of menus before rounding", style="dim")]
    return [table, *tables.measured(chosen.measures), Text(note), *before]
