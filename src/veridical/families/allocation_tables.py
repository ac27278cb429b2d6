"""Allocations as tables for people, with rich."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import AllocationAudit, Allotment, GameAudit
from veridical.contracts.orders import Equilibrium, Ordering
from veridical.data.assembler import label
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Rationing

__all__ = ["compared", "money", "offered", "summary", "units"]

ROWS = 16  # profiles shown of an allocation
WIDE = 3  # retailers whose units are shown one by one


def units(value: float) -> str:
    """Return units with four decimals, as tables of allocations print them."""
    return tables.money(value, 4)


def money(value: float) -> str:
    """Return an amount with three decimals, two from a thousand on."""
    return tables.money(value, 2 if abs(value) >= 1000 else 3)


def summary(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, the allocation, its shadow prices and its audit."""
    assert isinstance(solution.audit, AllocationAudit)
    parts = [*worth(solution), by_own_type(solution.contracts), by_profile(solution.contracts)]
    families = [name for name in solution.duals if name != "capacity"]  # whose prices stand with the allocation
    if families:
        table = tables.shadow_prices(solution, families, tables.BY_RELAXING)
        parts.append(table if table.row_count else Text("no shadow prices: no constraint of the mechanism binds", style="dim"))
    return [*parts, truth(solution.audit)]


def worth(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, in sentences."""
    own, best = solution.contracts, solution.benchmark
    assert isinstance(own, Allotment)
    assert best is not None
    who = "chain" if solution.mechanism == "centralized" else "supplier"
    how = "in equilibrium" if isinstance(own, Equilibrium) else tables.worth(solution, money)
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
    return [Text(lines[0]), *tables.approximation(solution, "types a retailer", money), *map(Text, lines[1:])]


def by_own_type(own: Allotment) -> RenderableType:
    """Return what a retailer expects, by his own type."""
    table = tables.table("by own type, in expectation over the others")
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
    table = tables.table("allocation: a row for what the retailers report")
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
    findings, orders = checked.properties, isinstance(checked, GameAudit)
    if checked.truthful:
        always = "dominant_strategy_ic" in findings and findings["dominant_strategy_ic"].holds
        when = ", whatever the others report" if always else " in expectation"
        lies = f"no misreport gains{when} (largest regret {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        how = f"ordering {units(lie.report)}" if orders else f"reporting {label(lie.report)}"
        lies = f"{lie.retailers} would lie: with type {label(lie.type)} one gains {money(lie.gain)} by {how}"
        lies += f" when the others are {lie.others}" if lie.others else " if the others order the truth" if orders else ""
    parts = [f"audit: {lies}", f"smallest expected profit of a retailer {money(checked.min_profit)}"]
    if "monotone" in findings and not findings["monotone"].holds:
        parts.append("a higher type may get less")
    if orders:
        parts.append(f"the orders are an equilibrium (regret {findings['equilibrium'].worst:.1e})")
    return Text("; ".join(parts), style="" if checked.truthful else "yellow")


def compared(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    columns = (
        ("supplier\nprofit", lambda row: money(row["profit"])),
        ("capacity", lambda row: units(row["capacity"])),
        ("chain\nprofit", lambda row: money(row["chain_profit"])),
        ("penalty", lambda row: tables.share(row["penalty"])),
        ("supplier\nshare", lambda row: tables.share(row["supplier_share"])),
        ("largest\nregret", lambda row: money(row["max_regret"])),
        ("least\nprofit", lambda row: money(row["min_profit"])),
        ("truthful", lambda row: row["truthful"]),
        ("sec-\nonds", lambda row: f"{row['seconds']:.2f}"),
    )
    return tables.side_by_side(case, frame, columns)


def offered(name: str, checked: AllocationAudit) -> list[RenderableType]:
    """Return the audit of an allotment as it is shown: who would lie, as what, and for how much."""
    expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
    truthful = f"no misreport gains{expected} (largest regret {checked.max_regret:.1e})"
    least = f"smallest expected profit of a retailer {tables.money(checked.min_profit)}"
    return tables.misreports(name, checked, truthful, lies(checked), least, "retailer")


def lies(checked: AllocationAudit) -> RenderableType:
    """Return who would lie in expectation over the others, most gain first."""
    headings = ("retailers", "true type", "report", "when the others are", "gain")
    table = tables.table("who would lie, most gain first", *headings, left=("retailers", "when the others are"))
    for lie in checked.misreports:
        table.add_row(lie.retailers, label(lie.type), label(lie.report), lie.others or "as they are expected", money(lie.gain))
    return table
