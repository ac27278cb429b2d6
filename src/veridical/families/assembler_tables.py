"""Contract menus as tables for people, with rich."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import Audit, Menu
from veridical.data.assembler import label
from veridical.data.lazy import pd
from veridical.data.measures import Measures, decimals_for, figure
from veridical.families.family import Memo
from veridical.solvers import Solution

__all__ = ["compared", "memo", "offered", "summary"]

EXACT = 1e-10  # of a probability: what is less is nothing to speak of


def summary(solution: Solution) -> list[RenderableType]:
    """Return what a menu is worth, the menu, its shadow prices and its audit."""
    return memo(solution).parts


def memo(solution: Solution) -> Memo:
    """Return the same in parts."""
    menus: list[RenderableType] = [] if solution.contracts is None else [menu(solution.contracts)]
    if solution.contracts is not None and solution.contracts.case.products is not None:
        menus.append(assembly(solution.contracts))
    said: list[RenderableType] = []
    if solution.audit is not None:
        said += [truth(solution.audit), *tables.together(solution.audit)]
    if solution.prior is not None:
        said.append(prior(solution.prior))
    if solution.rule is not None:
        how = solution.rule.integration
        said.append(Text(f"profit by {how.method} over {how.points:,} cost profiles, error {how.error:.1e}"))
    overview = [] if solution.contracts is None else [by_supplier(solution.contracts)]
    return Memo(advice(solution), worth(solution), menus, [shadow_prices(solution)], said, overview)


def advice(solution: Solution) -> str:
    """Return what the assembler is to do, in a sentence."""
    if solution.audit is None or not solution.audit.truthful:
        return "These quantities and payments are a benchmark: suppliers would not report their costs truthfully under them."
    return (
        "Offer each supplier his contracts of the menu below, ask all of them for their costs, and order by the row they report."
    )


def worth(solution: Solution) -> list[RenderableType]:
    """Return what a menu is worth, and what is to be known of that, in sentences."""
    amount = solution.measures.amount
    parts: list[RenderableType] = [Text(f"expected profit {amount(solution.objective)}, {solution.standing()}")]
    parts += steps(solution)
    parts += tables.approximation(solution, "costs a supplier")
    if solution.contracts is not None and not np.any(solution.contracts.quantity):
        parts.append(Text("nothing is ordered, whatever the suppliers report: look at the price and the costs", style="yellow"))
    if solution.without_max_payment is not None:
        profit, cost = (amount(solution.without_max_payment[key]) for key in ("profit", "cost"))
        parts.append(Text(f"the bound on payments costs {cost}: without it the profit is {profit}"))
    if solution.ambiguity is not None:
        near, given = solution.contracts.case.ambiguity.words, amount(solution.ambiguity["profit_at_prior"])
        parts.append(Text(f"that is under {near}; under the given one it is {given}"))
    if solution.contracts is not None and solution.contracts.case.has_yields:
        parts.append(yields(solution.contracts))
    if solution.estimate is not None:
        parts.append(estimate(solution.estimate, amount))
    return parts + [Text(f"warning: {warning}", style="yellow") for warning in solution.warnings]


def steps(solution: Solution) -> list[RenderableType]:
    """Return in words what orders and payments are multiples of, and what that loses; nothing where they are not rounded."""
    rounding, words = solution.rounding, solution.measures
    if rounding is None:
        return []
    multiples = (
        f"payments in steps of {label(rounding['money'])} {words.of_money}, orders of {label(rounding['units'])} {words.of_units}"
    )
    before = f"that loses {words.amount(rounding['loss'])} of {words.amount(rounding['profit_before'])}"
    return [Text(f"{multiples}: {before}; the bound and shadow prices are those of the optimum before rounding")]


def menu(contracts: Menu) -> RenderableType:
    """Return a contract menu as a table; the most likely profiles where there are many.

    With more than three suppliers, where one table is too wide, as two: reports, and contracts.
    """
    largest = (float(np.abs(part).max()) for part in (contracts.payment, contracts.quantity))
    case, words = contracts.case, Measures.of(contracts.case).fitted(*largest)
    names, n = case.names, len(case.names)
    weight = case.probability.ravel()
    balanced, wide = contracts.same_quantities, n <= 3
    costs = [f"{name}\ncost" for name in names] + ["proba-\nbility"]
    quantities = ["quantity\nof each"] if balanced else [f"{name}\nquantity" for name in names]
    amounts = [f"{name}\n{what}" for name in names for what in ("payment", "rent")]
    amounts = amounts if wide else ["payments\nin all", "rents\nin all"]
    title = "contract menu: one row for each combination of reports"
    whole = tables.table(title, *costs, *quantities, *amounts)
    first, second = (
        tables.table(title, "row", *costs),
        tables.table("and the contracts of that row", "row", *quantities, *amounts),
    )
    quantity = contracts.quantity.reshape(n, -1)
    payment = contracts.payment.reshape(n, -1)
    rent = np.array([contracts.rent(i).ravel() for i in range(n)])
    for row, t in enumerate(tables.most_likely(weight), start=1):
        reported = [label(case.suppliers[i].costs[k]) for i, k in enumerate(np.unravel_index(t, case.shape))]
        reported.append(f"{weight[t]:.4g}")
        delivered = [words.quantity(q) for q in (quantity[:1, t] if balanced else quantity[:, t])]
        paid: list[str] = []
        for i in range(n) if wide else [slice(None)]:
            paid += [words.payment(float(np.sum(payment[i, t]))), words.money(float(np.sum(rent[i, t])))]
        whole.add_row(*reported, *delivered, *paid)
        first.add_row(str(row), *reported)
        second.add_row(str(row), *delivered, *paid)
    shown = whole if wide else tables.Either(whole, Group(first, second))
    if case.profiles <= tables.ROWS:
        return shown
    note = f"the {tables.ROWS} most likely of {case.profiles:,} profiles; --menu FILE.csv writes all, for every supplier"
    return Group(shown, Text(note, style="dim"))


def by_supplier(contracts: Menu) -> RenderableType:
    """Return what to reckon with of each supplier as a table."""
    found = contracts.reckoned()
    largest = (float(np.abs(found[name]).max()) for name in ("largest_payment", "largest_quantity"))
    words = Measures.of(contracts.case).fitted(*largest)
    headings = ("quantity\nexpected", "payment\nexpected", "rent\nexpected", "quantity\nat most", "payment\nat most")
    title = "what to expect: one row for each supplier, on average and at most over all reports"
    table = tables.table(title, "supplier", *headings, left=("supplier",))
    for name, quantity, payment, rent, most, dearest in zip(contracts.case.names, *found.values(), strict=True):
        expected = (figure(quantity, words.unit_digits), words.money(payment), words.money(rent))
        table.add_row(name, *expected, words.quantity(most), words.payment(dearest))
    table.add_section()
    table.add_row("all", "", *(words.money(float(found[name].sum())) for name in ("payment", "rent")), "", "")
    return table


def assembly(contracts: Menu) -> RenderableType:
    """Return what is assembled of each of several products as a table, over the profiles of a menu."""
    case, weight = contracts.case, contracts.case.probability
    words = Measures.of(case).fitted(units=float(np.abs(contracts.assembled).max()))
    assert case.products is not None
    headings = ("product", "price", "least\nassembled", "most\nassembled", "mean\nassembled", "expected\nsales", "mean\ndemand")
    title = f"what is assembled: one row for each product, {words.of_units}, over what the suppliers report"
    table = tables.table(title, *headings, left=("product",))
    for product, units in zip(case.products, contracts.assembled, strict=True):
        likely = units[weight > 0]
        sales = float((weight * product.demand.expected_sales(units)).sum())
        figures = (likely.min(), likely.max(), (weight * units).sum(), sales, product.demand.expectation)
        table.add_row(product.name, label(product.price), *(tables.money(float(figure), words.unit_digits) for figure in figures))
    return table


def shadow_prices(solution: Solution) -> RenderableType:
    """Return the largest shadow prices of the mechanism's own constraints as a table."""
    families = [name for name in solution.duals if not name.startswith("expected_sales")]
    families.sort(key="assembly".__eq__)
    if not families:
        reason = "a closed form has no constraints"
        if solution.solver.name != "closed_form":
            reason = "an integer model has none; change a number and solve again to see what it is worth"
        return Text(f"no shadow prices: {reason}", style="dim")
    table = tables.shadow_prices(solution, families, tables.BY_RELAXING)
    if not table.row_count:
        return Text("no shadow prices: no constraint of the mechanism binds", style="dim")
    if "feasibility" not in families or "incentive_compatibility" not in families:
        return table
    note = "feasibility follows from incentive_compatibility, so how a price splits between the two is not unique"
    return Group(table, Text(note, style="dim"))


def estimate(found: Mapping[str, Any], amount: tables.Money) -> Text:
    """Return how sure the profit is where the prior is estimated from past reports."""
    low, high = map(amount, found["interval"])
    held = found["held_out"]
    reports = ", ".join(f"{count} of {name}" for name, count in found["reports"].items())
    text = f"prior estimated from past reports ({reports}): "
    text += f"profit between {low} and {high} ({found['level']:.0%}, bootstrap of {found['draws']})"
    if held is not None:
        text += (
            f"; one trial: a menu made from {1 - held['share']:.0%} of them, drawn at random, promised {amount(held['promised'])}"
        )
        text += f", and under the other {held['share']:.0%}, which it had not seen, it earns {amount(held['earned'])}"
    return Text(text)


def yields(contracts: Menu) -> Text:
    """Return what arrives of orders, and how many products are assembled of it on average."""
    case = contracts.case
    some = [supplier for supplier in case.suppliers if supplier.usable.values != (1.0,)]
    shares = ", ".join(f"{s.name} {' or '.join(map(label, s.usable.values))}" for s in some)
    assembled = float((case.probability * contracts.assembled).sum())
    units = tables.money(assembled, decimals_for(assembled))
    text = f"quantities are orders, of which a share is usable ({shares}): {units} products assembled on average"
    return Text(text + (f", over {case.yields.count:,} joint yields" if case.random_yields else ""))


def prior(how: Mapping[str, Any]) -> Text:
    """Return how a copula's joint table was made; in a colour where it is not exact."""
    text = f"joint prior by {how['method']} in {how['seconds']:.2f} s, error of a probability {how['error']:.0e}"
    exact = how["error"] <= EXACT
    return Text(
        text if exact else f"{text}: profits and payments are no more exact than it is", style="dim" if exact else "yellow"
    )


def truth(checked: Audit) -> Text:
    """Return what the audit says, in a sentence."""
    amount = checked.measures.amount
    if checked.truthful:
        lies = tables.no_gain(checked)
    else:
        lie = checked.misreports[0]
        lies = f"{lie.supplier} would lie: with cost {label(lie.cost)} he gains {amount(lie.gain)}"
        lies += f" by reporting {label(lie.report)}"
        lies += f" when {lie.others}" if lie.others else ""
    rents = f"smallest {'expected ' if checked.participation == 'interim_ir' else ''}rent {amount(checked.min_rent)}"
    balanced = "balanced" if checked.balanced else "not balanced"
    return Text(f"audit: {lies}; {rents}; quantities {balanced}", style="" if checked.truthful else "yellow")


def offered(name: str, checked: Audit) -> list[RenderableType]:
    """Return the audit of a menu as it is shown: who would lie, as what, and for how much."""
    headings = ("supplier", "true cost", "report", "when the others report", "gain")
    table = tables.table("who would lie, most gain first", *headings, left=("supplier", "when the others report"))
    for lie in checked.misreports:
        table.add_row(lie.supplier, label(lie.cost), label(lie.report), lie.others or "-", checked.measures.money(lie.gain))
    return tables.misreports(name, checked, table, f"smallest rent {checked.measures.amount(checked.min_rent)}", "supplier")


def compared(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    money = tables.words_of(frame).money
    lost = [("lost by\nrounding", lambda row: money(row["rounding_loss"]))] if "rounding_loss" in frame else []
    columns = (
        ("expected\nprofit", lambda row: money(row["profit"])),
        *lost,
        ("share of\nfirst best", lambda row: tables.share(row["share_of_first_best"])),
        ("expected\nrents", lambda row: "-" if np.isnan(row["expected_rents"]) else money(row["expected_rents"])),
        ("largest\nregret", lambda row: money(row["max_regret"])),
        ("smallest\nrent", lambda row: money(row["min_rent"])),
        ("balanced", lambda row: "yes" if row["balanced"] else "no"),
        ("truthful", lambda row: row["truthful"]),
        ("seconds", lambda row: f"{row['seconds']:.2f}"),
    )
    return tables.side_by_side(
        case, frame, columns, narrow={"smallest\nrent": "least\nrent", "balanced": "bal-\nanced", "seconds": None}
    )
