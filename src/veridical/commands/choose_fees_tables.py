"""What `veridical choose-fees` shows: a row a rule."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.data.measures import decimals_for, figure
from veridical.families.joint_plan_tables import short
from veridical.studies import FeeChoice

__all__ = ["choice"]


def choice(chosen: FeeChoice) -> list[RenderableType]:
    """Return what each rule leaves to whom, and which was chosen."""
    draws = f"{chosen.draws} draw{'' if chosen.draws == 1 else 's'}"
    title = f"pivots and fees for {chosen.case}: means over {draws} ± standard errors; least of all draws"
    headings = (
        "activity\nfee",
        "lump\nsum",
        "deficit",
        "left to\nreceivers",
        "least",
        "least gain of\na supplier",
        "least",
        "lost\n%",
        "truth-\nful",
    )
    table = tables.table(title, "rule", *headings, left=("rule",), bold=True)
    for name, row in chosen.table.iterrows():
        means = {column: mean(row[column], row[f"{column}_se"]) for column in ("deficit", "receivers", "supplier")}
        table.add_row(
            f"{row['pivot'] or row['mechanism']}{' *' if name == chosen.chosen else ''}",
            *(f"{row[fee]:g}" if row[fee] else "" for fee in ("activity_fee", "participation_fee")),
            means["deficit"],
            means["receivers"],
            short(row["receivers_least"]),
            means["supplier"],
            short(row["supplier_least"]),
            mean(100 * row["lost"], 100 * row["lost_se"], 1),
            "yes" if row["truthful"] else "no",
        )
    signed = (
        f"of the truthful rules that lose at most {chosen.loss:.0%} of the savings, and under which no supplier lost in any draw"
    )
    signed += f" and the receivers in at most {chosen.risk:.0%} of them"
    if chosen.chosen is None:
        note = f"* none: {signed}, none leaves the receivers more than two standard errors in the mean"
    else:
        note = f"* {chosen.chosen}: {signed}, it leaves the receivers most"
    lines = [note]
    if chosen.spread is not None:
        prior = f"costs, capacities and needs of every party, each times a lognormal factor (spread {chosen.spread:g})"
        lines.append(f"prior: {prior}; seed {chosen.seed}; all report the truth, also where it is not best")
    if chosen.failed:
        lines.append(f"left out, as they could not be solved: {len(chosen.failed)} draws ({chosen.failed[0]})")
    return [table, *map(Text, lines)]


def mean(value: float, error: float, digits: int | None = None) -> str:
    """Return a mean with its standard error, where there is one: both whole from a hundred on, if nothing is said of digits."""
    if digits is None:
        digits = 0 if abs(value) >= 100 else max(decimals_for(value), decimals_for(error if error == error else 0.0))
    return " ± ".join(figure(one, digits) for one in (value, error) if one == one)
