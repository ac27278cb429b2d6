"""What `veridical auction` shows: what is posted, and what sealed bids bring."""

from __future__ import annotations

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts.auction import Auction, AuctionResult
from veridical.data.assembler import label
from veridical.data.measures import Measures
from veridical.families.allocation_tables import money, units, words_of

__all__ = ["cleared", "posted"]


def posted(auction: Auction) -> list[RenderableType]:
    """Return what an auction posts: bids, rounded up, and the units that they bring."""
    case, optimum, frame, words = auction.case, auction.optimum, auction.table, words_of(auction.optimum)
    several, pair, count = len(case.retailers) > 1, case.members == (2,), len(auction.names)
    types = optimum.case.retailers[0].theta.tolist()
    units_of = [f"units if the\nother is {label(theta)}" for theta in types] if pair else list(frame)[1:]
    headings = (column.replace("_", "\n") for column in ["retailers", "type", "bid", *units_of][not several :])
    title = "your bid, by your type: no other brings more in expectation, if the others bid theirs"
    table = tables.table(title, *headings, left=("retailers",))
    bids = np.concatenate(auction.posted()).tolist()
    for bid, key, row in zip(bids, frame.index.tolist(), frame.to_numpy(), strict=True):
        name, theta = ("", key[0]) if pair else key
        table.add_row(
            *[str(name), label(theta), amount(bid), *(units(one, words) for one in (row if pair else row[1:]))][not several :]
        )
    paid = money(auction.expected_payments, words)
    return [
        Text(f"auction for {case.name}", style="bold"),
        *tables.measured(Measures.of(case)),
        Text(f"{units(auction.capacity, words)} units among {count:,} retailers, who bid, sealed, what they would pay in all"),
        Text(f"expected payments {paid}, the supplier's profit {money(optimum.supplier_profit, words)}"),
        table,
        Text("between two bids the lower one counts, and is what is paid; bids are rounded up", style="dim"),
    ]


def amount(bid: float) -> str:
    """Return a bid as it is, with two decimals at least."""
    return f"{bid:,.2f}" if round(bid, 2) == bid else f"{bid:,.12g}"


def cleared(result: AuctionResult) -> list[RenderableType]:
    """Return what sealed bids bring."""
    words = Measures.of(result.case).fitted(float(result.payment.max(initial=0.0)), result.capacity)
    title = f"sealed bids cleared, {units(result.capacity, words)} units"
    headings = ("retailer", "bid", "counts\nas type", "units", "payment", "status")
    table = tables.table(title, *headings, left=("retailer", "status"), bold=True)
    for name, row in result.table.iterrows():
        bid = "" if np.isnan(row["bid"]) else amount(row["bid"])
        theta = "-" if np.isnan(row["counts_as"]) else label(row["counts_as"])
        table.add_row(str(name), bid, theta, units(row["units"], words), money(row["payment"], words), row["status"])
    left = f", {units(result.capacity_left, words)} units left" if result.capacity_left > 0 else ""
    return [
        table,
        Text(f"payments {money(result.payment.sum(), words)}{left}; one more unit is worth {money(result.shadow_price)}"),
    ]
