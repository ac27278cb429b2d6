"""What `veridical choose-fees` shows: a row a rule."""

from __future__ import annotations

from functools import partial

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.data.measures import decimals_for, figure
from veridical.families.joint_plan_tables import short
from veridical.studies import FeeChoice

__all__ = ["choice"]

MEANS = ("deficit", "receivers", "supplier")  # columns with their standard errors, whole from a hundred on


def choice(chosen: FeeChoice) -> list[RenderableType]:
    """Return what each rule leaves to whom, and which was chosen."""
    draws = f"{chosen.draws} draw{'' if chosen.draws == 1 else 's'}"
    title = f"pivots and fees for {chosen.case}: means over {draws} ± standard errors; least of all draws"
    headings = (
        "activity\nfee",
        "lump\nsum",
        "deficit",
        "left to\nreceivers",
        "least\nleft",
        "least gain of\na supplier",
        "least\ngain",
        "lost\n%",
        "truth-\nful",
    )
    table = tables.table(title, "rule", *headings, left=("rule",), bold=True)
    for column in table.columns:
        column.no_wrap = True  # a mean and its standard error are on one line: with less space the table folds
    digits = decimals_for(float(chosen.table[list(MEANS)].abs().max().max()))
    for name, row in chosen.table.iterrows():
        means = {column: mean(row[column], row[f"{column}_se"], digits if abs(row[column]) < 100 else 0) for column in MEANS}
        table.add_row(
            f"{row['pivot'] or row['mechanism']}{' *' if name == chosen.chosen else ''}",
            *(f"{row[fee]:g}" if row[fee] else "" for fee in ("activity_fee", "participation_fee")),
            means["deficit"],
            means["receivers"],
            short(row["receivers_least"], partial(figure, digits=digits)),
            means["supplier"],
            short(row["supplier_least"], partial(figure, digits=digits)),
            mean(100 * row["lost"], 100 * row["lost_se"], 1),
            "yes" if row["truthful"] else "no",
        )
    signed = (
        f"of the truthful rules that lose at most {chosen.loss:.0%} of the savings, and under which no supplier lost in any draw"
    )
    signed += f" and the receivers in at most {chosen.risk:.0%} of them"
    if chosen.chosen is None:
        sure = "a gain that is surely one (its mean more than two standard errors above 0)"
        more = "a larger --loss allows more rules, and core payments leave receivers no loss"
        note = f"* none is chosen: {signed}, none leaves the receivers {sure}; {more}"
    else:
        note = f"* {chosen.chosen}: {signed}, it leaves the receivers most"
    lines = [note]
    if chosen.spread is not None:
        prior = f"costs, capacities and needs of every party, each times a lognormal factor (spread {chosen.spread:g})"
        lines.append(f"prior: {prior}; seed {chosen.seed}; all report the truth, also where it is not best")
    if chosen.failed:
        lines.append(f"left out, as they could not be solved: {len(chosen.failed)} draws ({chosen.failed[0]})")
    return [table, *tables.measured(chosen.measures), *map(Text, lines)]


def mean(value: float, error: float, digits: int) -> str:
    """Return a mean with its standard error, where there is one."""
    return " ± ".join(figure(one, digits) for one in (value, error) if one == one)
