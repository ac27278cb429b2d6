"""Allocations as tables for people, with rich."""

from __future__ import annotations

from functools import partial

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import AllocationAudit, Allotment, GameAudit
from veridical.contracts.orders import Equilibrium, Ordering
from veridical.data.assembler import label
from veridical.data.lazy import pd
from veridical.data.measures import UNSAID, Measures
from veridical.families.family import Memo
from veridical.solvers import Solution
from veridical.solvers.closed_form.allocation import Rationing
from veridical.solvers.solution import between

__all__ = ["compared", "memo", "money", "offered", "summary", "units"]

UNITS = 4  # decimals of units
WIDE = 3  # retailers whose units are shown one by one


def units(value: float, words: Measures = UNSAID) -> str:
    """Return units with four decimals, as tables of allocations print them; with more, where quantities are small."""
    return tables.money(value, max(UNITS, words.unit_digits))


def money(value: float, words: Measures = UNSAID) -> str:
    """Return an amount with three decimals, two from a thousand on; with more, where amounts are small."""
    return tables.money(value, max(digits(value), words.money_digits))


def words_of(allotment: Allotment) -> Measures:
    """Return how money and quantities of an allotment are said, with the decimals that the largest of them need."""
    paid = max(float(np.abs(amounts).max()) for amounts in allotment.payments)
    return Measures.of(allotment.case).fitted(paid, allotment.capacity)


def digits(value: float) -> int:
    """Return with how many decimals tables of allocations print money."""
    return 2 if abs(value) >= 1000 else 3


def in_currency(measures: Measures) -> tables.Money:
    """Return what says money in a sentence, with the digits of `money`."""
    return lambda value: measures.amount(value, max(digits(value), measures.money_digits))


def summary(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, the allocation, its shadow prices and its audit."""
    return memo(solution).parts


def memo(solution: Solution) -> Memo:
    """Return the same in parts."""
    assert isinstance(solution.audit, AllocationAudit)
    families = [name for name in solution.duals if name != "capacity"]  # whose prices stand with the allocation
    binding: list[RenderableType] = []
    if families:
        table = tables.shadow_prices(solution, families, tables.BY_RELAXING)
        binding.append(table if table.row_count else Text("no shadow prices: no constraint of the mechanism binds", style="dim"))
    said = [truth(solution.audit), *tables.together(solution.audit, in_currency(solution.measures))]
    contracts = [by_own_type(solution.contracts), by_profile(solution.contracts)]
    return Memo(advice(solution), worth(solution), contracts, [*binding, *several_prices(solution)], said)


def advice(solution: Solution) -> str:
    """Return what the supplier is to do, in a sentence."""
    assert solution.audit is not None
    if isinstance(solution.contracts, Equilibrium):
        return "Retailers order at the wholesale price, each what is best for him: this is what comes of that."
    if not solution.audit.truthful:
        return "This allocation is a benchmark: retailers would not report their types truthfully under it."
    allotment, words = solution.contracts, words_of(solution.contracts)
    have = f"Have {units(allotment.capacity, words)} {words.of_units} of capacity"
    have = "Keep to the capacity" if allotment.case.capacity_cost is None else have
    return f"{have}, ask all retailers for their types, and allot and charge by the tables below."


def several_prices(solution: Solution) -> list[RenderableType]:
    """Return which shadow prices are not unique, and between what they may lie; the first few of them."""
    return [
        Text(f"the shadow price of {family} is not unique at {len(ranges)} profiles: " + "; ".join(shown), style="yellow")
        for family, ranges in solution.dual_ranges.items()
        if (shown := [f"{profile} {between(low, high)}" for profile, low, high in ranges.head(tables.PRICES).itertuples()])
    ]


def worth(solution: Solution) -> list[RenderableType]:
    """Return what an allocation is worth to whom, in sentences."""
    allotment, best = solution.contracts, solution.benchmark
    amount = in_currency(solution.measures)
    assert isinstance(allotment, Allotment)
    assert best is not None
    reserved = any(group.reservations.any() for group in allotment.case.retailers)
    who = "chain" if solution.mechanism == "centralized" and not reserved else "supplier"
    how = "in equilibrium" if isinstance(allotment, Equilibrium) else solution.standing(amount)
    words = words_of(allotment)
    lines = [f"expected profit of the {who} {amount(solution.objective)}, {how}"]
    lost = f", {(best['profit'] - allotment.chain_profit) / best['profit']:.2%} below full information" if best["profit"] else ""
    share = "" if np.isnan(allotment.supplier_share) else f"; the supplier's share is {allotment.supplier_share:.2%}"
    if who == "supplier":
        lines.append(f"profit of the chain {amount(allotment.chain_profit)}{lost} ({amount(best['profit'])}){share}")
    chosen = "fixed" if allotment.case.capacity_cost is None else f"chosen at {label(allotment.case.capacity_cost)} a unit"
    more = "" if allotment.case.capacity_cost is None else f"; with full information {units(best['capacity'], words)}"
    price = allotment.expected_shadow_price
    worth = "" if np.isnan(price) else f"; one more unit is worth {amount(price)}"
    lines.append(f"capacity {units(allotment.capacity, words)}, {chosen}{more}{worth}")
    if isinstance(allotment, Equilibrium):
        equilibria = len(allotment.found)
        several = "" if equilibria == 1 else f"; {equilibria} equilibria were found, this is the one that truthful orders lead to"
        rule = allotment.rule.replace("_", " ")
        lines.append(f"orders at {amount(allotment.wholesale_price)} a unit, rationed by {rule} allocation{several}")
    if allotment.sampled:
        assert isinstance(allotment, Rationing | Ordering)  # models are of all profiles
        drawn = f"{len(allotment.probability):,} drawn type profiles of {allotment.case.profile_count:,}"
        lines.append(f"by {drawn}; standard error of the profit {amount(allotment.error)}")
    return [Text(lines[0]), *tables.approximation(solution, "types a retailer", amount), *map(Text, lines[1:])]


def by_own_type(allotment: Allotment) -> RenderableType:
    """Return what a retailer expects, by his own type."""
    several = len(allotment.case.retailers) > 1
    frame = allotment.by_own_type()
    orders = [name for name in ("truthful_order", "order") if name in frame]
    headings = ("type", "proba-\nbility", *(name.replace("_", "\n") for name in orders), "units", "payment", "profit")
    title = "by own type, in expectation over the others"
    table = tables.table(title, *["retailers"][:several], *headings, left=("retailers",))
    shown, words = frame.iloc[:: -(-len(frame) // (2 * tables.ROWS))], words_of(allotment)
    for key, row in shown.iterrows():
        name, theta = key if isinstance(key, tuple) else (key, 0.0)
        amounts = (money(row[column], words) for column in ("payment", "profit"))
        figures = (*(units(row[column], words) for column in (*orders, "quantity")), *amounts)
        table.add_row(*[str(name)][:several], f"{theta:.6g}", f"{row['probability']:.4g}", *figures)
    if len(shown) == len(frame):
        return table
    return Group(table, Text(f"{len(shown)} of {len(frame)} types", style="dim"))


def by_profile(allotment: Allotment) -> RenderableType:
    """Return the allocation as a table; the most likely profiles where there are many."""
    case, probability, shadow_price = allotment.case, allotment.probability, allotment.shadow_price
    names = case.retailer_names
    wide = len(names) <= WIDE  # a column a retailer; else a column a group of them
    order_of = np.arange(len(names)) if wide else np.array(case.order)
    columns = names if wide else case.names if len(case.names) > 1 else ("all",)
    words = words_of(allotment)
    types_of = [f"{name}\ntype{'s' * (not wide)}" for name in columns]
    title = "allocation: one row for each combination of reports"
    dearest = float(np.nanmax(np.abs(shadow_price), initial=0.0))
    shown = UNSAID.fitted(money=dearest)
    table = tables.table(title, *types_of, "proba-\nbility", *(f"{name}\nunits" for name in columns), "shadow\nprice")
    for row in tables.most_likely(probability):
        types, given = [
            [counted([word(value) for value in values[row, order_of == place]]) for place in range(len(columns))]
            for values, word in ((allotment.types, label), (allotment.quantity, partial(units, words=words)))
        ]
        price = "-" if np.isnan(shadow_price[row]) else money(shadow_price[row], shown)
        table.add_row(*types, f"{probability[row]:.4g}", *given, price)
    if len(probability) <= tables.ROWS:
        return table
    note = f"the {tables.ROWS} most likely of {len(probability):,} profiles; --menu FILE.csv writes all"
    return Group(table, Text(note, style="dim"))


def counted(words: list[str]) -> str:
    """Return words with how often each occurs where there are several: `3×4, 2×7`."""
    return words[0] if len(words) == 1 else ", ".join(f"{words.count(word)}×{word}" for word in dict.fromkeys(words))


def truth(checked: AllocationAudit) -> Text:
    """Return what the audit says, in a sentence."""
    amount = in_currency(checked.measures)
    findings, orders = checked.properties, isinstance(checked, GameAudit)
    if checked.truthful:
        always = "dominant_strategy_ic" in findings and findings["dominant_strategy_ic"].holds
        when = ", whatever the others report" if always else " in expectation"
        lies = f"no misreport gains{when} (largest regret {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        how = f"ordering {units(lie.report)}" if orders else f"reporting {label(lie.report)}"
        lies = f"{lie.retailers} would lie: with type {label(lie.type)} one gains {amount(lie.gain)} by {how}"
        lies += f" when the others are {lie.others}" if lie.others else " if the others order the truth" if orders else ""
    parts = [f"audit: {lies}", f"smallest expected profit of a retailer {amount(checked.min_profit)}"]
    if "monotone" in findings and not findings["monotone"].holds:
        parts.append("a higher type may get less")
    if orders:
        parts.append(f"the orders are an equilibrium (regret {findings['equilibrium'].worst:.1e})")
    return Text("; ".join(parts), style="" if checked.truthful else "yellow")


def compared(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    words = tables.words_of(frame)
    words = words.fitted(float(frame["profit"].abs().max()), float(frame["capacity"].max()))
    columns = (
        ("supplier\nprofit", lambda row: money(row["profit"], words)),
        ("capacity", lambda row: units(row["capacity"], words)),
        ("chain\nprofit", lambda row: money(row["chain_profit"], words)),
        ("penalty", lambda row: tables.share(row["penalty"])),
        ("supplier\nshare", lambda row: tables.share(row["supplier_share"])),
        ("largest\nregret", lambda row: money(row["max_regret"], words)),
        ("least\nprofit", lambda row: money(row["min_profit"], words)),
        ("truthful", lambda row: row["truthful"]),
        ("sec-\nonds", lambda row: f"{row['seconds']:.2f}"),
    )
    return tables.side_by_side(case, frame, columns)


def offered(name: str, checked: AllocationAudit) -> list[RenderableType]:
    """Return the audit of an allotment as it is shown: who would lie, as what, and for how much."""
    headings = ("retailers", "true type", "report", "when the others are", "gain")
    table = tables.table("who would lie, most gain first", *headings, left=("retailers", "when the others are"))
    for lie in checked.misreports:
        table.add_row(
            lie.retailers,
            label(lie.type),
            label(lie.report),
            lie.others or "as they are expected",
            money(lie.gain, checked.measures),
        )
    least = f"smallest expected profit of a retailer {checked.measures.amount(checked.min_profit)}"
    return tables.misreports(name, checked, table, least, "retailer")
