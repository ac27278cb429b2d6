"""`veridical auction`: sealed bids posted and cleared."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer
from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import read_bids
from veridical.contracts.auction import Auction, AuctionResult
from veridical.data import InputError
from veridical.data.assembler import label
from veridical.families.allocation_tables import money, units
from veridical.solvers.closed_form.auction import auction as auctioned
from veridical.terminal import Case, Changes, Json, read, report

__all__ = ["auction"]


def auction(
    case: Case,
    bids: Annotated[str | None, typer.Option(metavar="BIDS.csv", help="Sealed bids: retailer, bid, received.")] = None,
    deadline: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601: bids received later are refused.")] = None,
    changes: Changes = None,
    to_json: Json = None,
) -> None:
    """Print what the auction of Theorem 7 posts, or clear sealed bids: units and payments."""
    request = read(case, changes)
    own = auctioned(request.case, **request.parameters(("points", "samples", "seed")))
    if bids is None and deadline is not None:
        raise InputError.of("--deadline", deadline, "a deadline beside --bids")
    found = None if bids is None else own.clear(read_bids(bids, own.names, deadline))
    if found is None:
        report(to_json, own.record, lambda: posted(own))
    else:
        report(to_json, found.record, lambda: cleared(found))


def posted(own: Auction) -> list[RenderableType]:
    """Return what an auction posts: bids, rounded up, and the units that they bring."""
    several, pair = len(own.case.retailers) > 1, own.case.members == (2,)
    title = "your bid, by your type: no other brings more in expectation, if the others bid theirs"
    table = tables.table(title)
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
    headings = ("retailer", "bid", "counts\nas type", "units", "payment", "status")
    table = tables.table(title, *headings, left=("retailer", "status"), bold=True)
    for name, row in found.table.iterrows():
        bid = "" if np.isnan(row["bid"]) else amount(row["bid"])
        theta = "-" if np.isnan(row["counts_as"]) else label(row["counts_as"])
        table.add_row(str(name), bid, theta, units(row["units"]), money(row["payment"]), row["status"])
    left = f", {units(found.capacity_left)} units left" if found.capacity_left > 0 else ""
    return [table, Text(f"payments {money(found.payment.sum())}{left}; one more unit is worth {money(found.shadow_price)}")]
