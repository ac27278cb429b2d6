"""Allocations as tables for people, with rich."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.contracts import AllocationAudit, Allotment, GameAudit
from veridical.contracts.auction import Auction, AuctionResult
from veridical.data.assembler import label
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Rationing
from veridical.solvers.closed_form.fixed_price import Equilibrium, Ordering

__all__ = ["by_own_type", "by_profile", "cleared", "comparison", "misreports", "posted", "summary", "truth"]

ROWS = 16  # profiles shown of an allocation
WIDE = 3  # retailers whose units are shown one by one


def units(value: float) -> str:
    """Return units with four decimals, as tables of allocations print them; -0 is 0."""
    return f"{value + 0.0:,.4f}".replace("-0.0000", "0.0000")


def money(value: float) -> str:
    """Return an amount with three decimals, two from a thousand on, and thousands separators; -0 is 0."""
    return f"{value:,.2f}" if abs(value) >= 1000 else f"{value + 0.0:.3f}".replace("-0.000", "0.000")


def summary(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, in sentences."""
    own, best = solution.contracts, solution.benchmark
    assert isinstance(own, Allotment)
    assert best is not None
    who = "chain" if solution.mechanism == "centralized" else "supplier"
    how = "in equilibrium" if isinstance(own, Equilibrium) else f"{solution.status} (bound {money(solution.bound)})"
    lines = [f"expected profit of the {who} {money(solution.objective)}, {how}"]
    lost = f", {(best['profit'] - own.chain_profit) / best['profit']:.2%} below full information" if best["profit"] else ""
    share = "" if np.isnan(own.supplier_share) else f"; the supplier's share is {own.supplier_share:.2%}"
    if who == "supplier":
        lines.append(f"profit of the chain {money(own.chain_profit)}{lost} ({money(best['profit'])}){share}")
    chosen = "fixed" if own.case.capacity_cost is None else f"chosen at {label(own.case.capacity_cost)} a unit"
    more = "" if own.case.capacity_cost is None else f"; with full information {units(best['capacity'])}"
    price = own.expected_shadow_price
    worth = "" if np.isnan(price) else f"; one more unit is worth {money(price)}"
    lines.append(f"capacity {units(own.capacity)}, {chosen}{more}{worth}")
    if isinstance(own, Equilibrium):
        found = len(own.found)
        several = "" if found == 1 else f"; {found} equilibria were found, this is the one that truthful orders lead to"
        lines.append(
            f"orders at {money(own.wholesale_price)} a unit, rationed by {own.rule.replace('_', ' ')} allocation{several}"
        )
    if own.sampled:
        assert isinstance(own, Rationing | Ordering)  # models are of all profiles
        drawn = f"{len(own.probability):,} drawn type profiles of {own.case.profile_count:,}"
        lines.append(f"by {drawn}; standard error of the profit {money(own.error)}")
    return [Text(line) for line in lines]


def by_own_type(own: Allotment) -> RenderableType:
    """Return what a retailer expects, by his own type."""
    table = Table(title="by own type, in expectation over the others", title_justify="left", title_style="italic")
    several = len(own.case.retailers) > 1
    if several:
        table.add_column("retailers")
    frame = own.by_own_type()
    orders = [name for name in ("truthful_order", "order") if name in frame]
    for heading in ("type", "proba-\nbility", *(name.replace("_", "\n") for name in orders), "units", "payment", "profit"):
        table.add_column(heading, justify="right")
    shown = frame if len(frame) <= 2 * ROWS else frame.iloc[:: -(-len(frame) // (2 * ROWS))]
    for key, row in shown.iterrows():
        name, theta = key if isinstance(key, tuple) else (key, 0.0)
        figures = (*(units(row[order]) for order in orders), units(row["quantity"]), money(row["payment"]), money(row["profit"]))
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
    wide = len(names) <= WIDE  # a column a retailer; else a column a group of them
    order_of = np.arange(len(names)) if wide else np.array(own.case.order)
    headings = names if wide else own.case.names if len(own.case.names) > 1 else ("all",)
    for name in headings:
        table.add_column(f"{name}\ntype{'s' * (not wide)}", justify="right")
    table.add_column("proba-\nbility", justify="right")
    for name in headings:
        table.add_column(f"{name}\nunits", justify="right")
    table.add_column("shadow\nprice", justify="right")
    for row in order:
        types, given = [
            [told([word(value) for value in values[row, order_of == place]]) for place in range(len(headings))]
            for values, word in ((own.types, label), (own.quantity, units))
        ]
        price = "-" if np.isnan(own.shadow_price[row]) else money(own.shadow_price[row])
        table.add_row(*types, f"{own.probability[row]:.4g}", *given, price)
    if len(order) == len(own.probability):
        return table
    note = f"the {ROWS} most likely of {len(own.probability):,} profiles; --menu FILE.csv writes all"
    return Group(table, Text(note, style="dim"))


def told(words: list[str]) -> str:
    """Return words with how often each occurs where there are several: `3 x 4, 2 x 7`."""
    return words[0] if len(words) == 1 else ", ".join(f"{words.count(word)} x {word}" for word in dict.fromkeys(words))


def truth(checked: AllocationAudit) -> Text:
    """Return what the audit says, in a sentence."""
    results, orders = checked.properties, isinstance(checked, GameAudit)
    if checked.truthful:
        always = "dominant_strategy_ic" in results and results["dominant_strategy_ic"].holds
        when = ", whatever the others report" if always else " in expectation"
        lies = f"no misreport gains{when} (largest regret {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        how = f"ordering {units(lie.report)}" if orders else f"reporting {label(lie.report)}"
        lies = f"{lie.retailers} would lie: with type {label(lie.type)} one gains {money(lie.gain)} by {how}"
        lies += f" when the others are {lie.others}" if lie.others else " if the others order the truth" if orders else ""
    parts = [f"audit: {lies}", f"smallest expected profit of a retailer {money(checked.min_profit)}"]
    if "monotone" in results and not results["monotone"].holds:
        parts.append("a higher type may get less")
    if orders:
        parts.append(f"the orders are an equilibrium (regret {results['equilibrium'].worst:.1e})")
    return Text("; ".join(parts), style="" if checked.truthful else "yellow")


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
        "sec-\nonds",
    )
    table.add_column("mechanism", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")  # no digit is ever cut off
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


def posted(own: Auction) -> list[RenderableType]:
    """Return what an auction posts: bids, rounded up, and the units that they bring."""
    several, pair = len(own.case.retailers) > 1, own.case.members == (2,)
    title = "your bid, by your type: no other brings more in expectation, if the others bid theirs"
    table = Table(title=title, title_justify="left", title_style="italic")
    brought = (
        [f"units if the\nother is {label(theta)}" for theta in own.optimum.case.retailers[0].theta.tolist()]
        if pair
        else list(own.table)[1:]
    )
    for column in ["retailers", "type", "bid", *brought][not several :]:
        table.add_column(column.replace("_", "\n"), justify="left" if column == "retailers" else "right")
    bids, keys = np.concatenate(own.posted()).tolist(), own.table.index.tolist()
    for bid, key, row in zip(bids, keys, own.table.to_numpy(), strict=True):
        name, theta = ("", key[0]) if pair else key
        table.add_row(*[str(name), label(theta), amount(bid), *map(units, row if pair else row[1:])][not several :])
    return [
        Text(f"auction for {own.case.name}", style="bold"),
        Text(f"{units(own.capacity)} units among {len(own.names):,} retailers, who bid, sealed, what they would pay in all"),
        Text(f"expected payments {money(own.expected_payments)}, the supplier's profit {money(own.optimum.supplier_profit)}"),
        table,
        Text("between two bids the lower one counts, and is what is paid; bids are rounded up", style="dim"),
    ]


def amount(bid: float) -> str:
    """Return a bid as it is, with two decimals at least."""
    return f"{bid:,.2f}" if round(bid, 2) == bid else f"{bid:,.12g}"


def cleared(found: AuctionResult) -> list[RenderableType]:
    """Return what sealed bids bring."""
    title = f"sealed bids cleared, {units(found.capacity)} units"
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("retailer", "bid", "counts\nas type", "units", "payment", "status"):
        table.add_column(column, justify="left" if column in ("retailer", "status") else "right")
    for name, row in found.table.iterrows():
        bid = "" if np.isnan(row["bid"]) else amount(row["bid"])
        theta = "-" if np.isnan(row["counts_as"]) else label(row["counts_as"])
        table.add_row(str(name), bid, theta, units(row["units"]), money(row["payment"]), row["status"])
    left = f", {units(found.capacity_left)} units left" if found.capacity_left > 0 else ""
    return [table, Text(f"payments {money(found.payment.sum())}{left}; one more unit is worth {money(found.shadow_price)}")]
