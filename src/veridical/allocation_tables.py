"""Allocations as tables for people, with rich."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.data import Allotment
from veridical.data.assembler import label
from veridical.solvers import AllocationAudit, Solution

__all__ = ["by_own_type", "by_profile", "comparison", "misreports", "summary", "truth"]

ROWS = 16  # profiles shown of an allocation
WIDE = 3  # retailers whose units are shown one by one


def units(value: float) -> str:
    """Return units with four decimals, as tables of allocations print them; -0 is 0."""
    return f"{value + 0.0:,.4f}".replace("-0.0000", "0.0000")


def money(value: float) -> str:
    """Return an amount with three decimals and thousands separators; -0 is 0."""
    return f"{value + 0.0:,.3f}".replace("-0.000", "0.000")


def summary(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, in sentences."""
    own, best = solution.contracts, solution.benchmark
    assert isinstance(own, Allotment)
    assert best is not None
    who = "chain" if solution.mechanism == "centralized" else "supplier"
    lines = [f"expected profit of the {who} {money(solution.objective)}, {solution.status} (bound {money(solution.bound)})"]
    lost = f", {(best['profit'] - own.chain_profit) / best['profit']:.2%} below full information" if best["profit"] else ""
    share = "" if np.isnan(own.supplier_share) else f"; the supplier's share is {own.supplier_share:.2%}"
    if who == "supplier":
        lines.append(f"profit of the chain {money(own.chain_profit)}{lost} ({money(best['profit'])}){share}")
    chosen = "fixed" if own.case.capacity_cost is None else f"chosen at {label(own.case.capacity_cost)} a unit"
    more = "" if own.case.capacity_cost is None else f"; with full information {units(best['capacity'])}"
    price = own.expected_shadow_price
    worth = "" if np.isnan(price) else f"; one more unit is worth {money(price)}"
    lines.append(f"capacity {units(own.capacity)}, {chosen}{more}{worth}")
    if own.sampled:
        lines.append(f"by {len(own.probability):,} drawn type profiles of {own.case.profile_count:,}")
    return [Text(line) for line in lines]


def by_own_type(own: Allotment) -> RenderableType:
    """Return what a retailer expects, by his own type."""
    table = Table(title="by own type, in expectation over the others", title_justify="left", title_style="italic")
    several = len(own.case.retailers) > 1
    if several:
        table.add_column("retailers")
    for heading in ("type", "proba-\nbility", "units", "payment", "profit"):
        table.add_column(heading, justify="right")
    frame = own.by_own_type()
    shown = frame if len(frame) <= 2 * ROWS else frame.iloc[:: -(-len(frame) // (2 * ROWS))]
    for key, row in shown.iterrows():
        name, theta = key if isinstance(key, tuple) else (key, 0.0)
        figures = (units(row["quantity"]), money(row["payment"]), money(row["profit"]))
        table.add_row(*[str(name)][:several], f"{theta:.6g}", f"{row['probability']:.4g}", *figures)
    if len(shown) == len(frame):
        return table
    return Group(table, Text(f"{len(shown)} of {len(frame)} types", style="dim"))


def by_profile(own: Allotment) -> RenderableType:
    """Return the allocation as a table; the most likely profiles where there are many."""
    names = own.case.retailer_names
    order = np.arange(len(own.probability))
    if len(order) > ROWS:
        order = np.sort(np.argsort(-own.probability, kind="stable")[:ROWS])
    table = Table(title="allocation: a row for what the retailers report", title_justify="left", title_style="italic")
    wide = len(names) <= WIDE
    for name in names if wide else ["types"]:
        table.add_column(f"{name}\ntype" if wide else name, justify="right")
    table.add_column("proba-\nbility", justify="right")
    for name in names if wide else ["units"]:
        table.add_column(f"{name}\nunits" if wide else name, justify="right")
    table.add_column("shadow\nprice", justify="right")
    for row in order:
        types, given = [f"{theta:.6g}" for theta in own.types[row]], [units(q) for q in own.quantity[row]]
        if not wide:
            types, given = [shorter(own, types)], [shorter(own, given)]
        price = "-" if np.isnan(own.shadow_price[row]) else money(own.shadow_price[row])
        table.add_row(*types, f"{own.probability[row]:.4g}", *given, price)
    if len(order) == len(own.probability):
        return table
    note = f"the {ROWS} most likely of {len(own.probability):,} profiles; --menu FILE.csv writes all"
    return Group(table, Text(note, style="dim"))


def shorter(own: Allotment, words: list[str]) -> str:
    """Return what retailers have in words, group by group, with how often each occurs: `3 x 4, 2 x 7`."""
    parts = []
    for g, name in enumerate(own.case.names):
        mine = [word for word, group in zip(words, own.case.order, strict=True) if group == g]
        told = ", ".join(f"{mine.count(word)} x {word}" for word in dict.fromkeys(mine))
        parts.append(f"{name} {told}" if len(own.case.names) > 1 else told)
    return "; ".join(parts)


def truth(checked: AllocationAudit) -> Text:
    """Return what the audit says, in a sentence."""
    always = checked.findings["dominant_strategy_ic"].holds
    if checked.truthful:
        when = ", whatever the others report" if always else " in expectation"
        lies = f"no misreport gains{when} (largest regret {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        who = f"{lie.retailers} would lie: with type {label(lie.type)}"
        lies = f"{who} one gains {money(lie.gain)} by reporting {label(lie.report)}"
        lies += f" when the others are {lie.others}" if lie.others else ""
    monotone = checked.findings["monotone"].holds
    pooled = "" if monotone else "; a higher type may get less"
    return Text(
        f"audit: {lies}; smallest expected profit of a retailer {money(checked.min_profit)}{pooled}",
        style="" if checked.truthful else "yellow",
    )


def comparison(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    table = Table(title=f"mechanisms for {case}", title_justify="left", title_style="bold")
    headings = (
        "supplier\nprofit",
        "capacity",
        "chain\nprofit",
        "penalty",
        "supplier\nshare",
        "largest\nregret",
        "least\nprofit",
        "truthful",
        "seconds",
    )
    table.add_column("mechanism", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=heading == "truthful")
    for name, row in frame.iterrows():
        table.add_row(
            f"{name} ({row['parameters']})" if row["parameters"] else str(name),
            money(row["profit"]),
            units(row["capacity"]),
            money(row["chain_profit"]),
            "-" if np.isnan(row["penalty"]) else f"{row['penalty'] + 0.0:.2%}".replace("-0.00", "0.00"),
            "-" if np.isnan(row["supplier_share"]) else f"{row['supplier_share']:.2%}",
            money(row["max_regret"]),
            money(row["min_profit"]),
            row["truthful"],
            f"{row['seconds']:.2f}",
        )
    return [table]


def misreports(checked: AllocationAudit) -> RenderableType:
    """Return who would lie in expectation over the others, most gain first."""
    table = Table(title="who would lie, most gain first", title_justify="left", title_style="italic")
    for heading in ("retailers", "true type", "report", "when the others are", "gain"):
        table.add_column(heading, justify="left" if heading in ("retailers", "when the others are") else "right")
    for lie in checked.misreports:
        table.add_row(lie.retailers, label(lie.type), label(lie.report), lie.others or "as they are expected", money(lie.gain))
    return table
