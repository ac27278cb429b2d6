"""Results as tables for people, with rich."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical import allocation_tables, joint_plan_tables
from veridical.contracts import AllocationAudit, Allotment, Audit, Menu
from veridical.contracts.joint_plan.audit import JointPlanAudit
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.data.assembler import label
from veridical.solvers import Solution, installed
from veridical.solvers.solution import words
from veridical.studies import Choice, Reproduction

__all__ = ["choice", "comparison", "misreports", "reproduction", "result", "show", "solvers"]

ROWS = 16  # profiles shown of a menu
PRICED = 1e-9  # a dual from which on a constraint has a price
PRICES = 3  # shadow prices shown of each family


def show(*parts: RenderableType) -> None:
    """Print to standard output."""
    # names are the user's: nothing in them is markup
    console = Console(width=None if Console().is_terminal else 120, markup=False, emoji=False, highlight=False)
    console.print(Group(*parts))


def money(value: float) -> str:
    """Return an amount with two decimals and thousands separators; -0 is 0."""
    return f"{value + 0.0:,.2f}".replace("-0.00", "0.00")


def result(solution: Solution) -> list[RenderableType]:
    """Return a solution as it is shown: what it is worth, the menu, the shadow prices, the certificate."""
    parts: list[RenderableType] = [Text(f"{named(solution)} for {solution.case}", style="bold")]
    if isinstance(solution.contracts, Allotment):
        parts += [
            *allocation_tables.summary(solution),
            allocation_tables.by_own_type(solution.contracts),
            allocation_tables.by_profile(solution.contracts),
        ]
        if any(family != "capacity" for family in solution.duals):
            parts.append(shadow_prices(solution))
    elif isinstance(solution.contracts, Settlement):
        own = joint_plan_tables
        parts += [*own.summary(solution), own.parties(solution.contracts), *own.shadow_prices(solution)]
    else:
        parts.append(Text(f"expected profit {money(solution.objective)}, {solution.status} (bound {money(solution.bound)})"))
        if solution.contracts is not None:
            parts.append(menu(solution.contracts))
        parts.append(shadow_prices(solution))
    if isinstance(solution.audit, AllocationAudit):
        parts.append(allocation_tables.truth(solution.audit))
    elif isinstance(solution.audit, JointPlanAudit):
        parts.append(joint_plan_tables.truth(solution.audit))
    elif solution.audit is not None:
        parts.append(truth(solution.audit))
    checks = solution.certificate
    figures = [f"primal residual {checks.primal_residual:.1e}"]
    if checks.dual_residual is not None:
        figures.append(f"dual residual {checks.dual_residual:.1e}")
    if checks.complementarity is not None:
        figures.append(f"complementarity {checks.complementarity:.1e}")
    if solution.rule is not None:
        how = solution.rule.integration
        parts.append(Text(f"profit by {how.method} over {how.points:,} cost profiles, error {how.error:.1e}"))
    record = solution.solver
    form = f", {record.form} form" if record.form else ""
    parts += [
        Text(f"certificate: {', '.join(figures)}, gap {checks.gap:.1e} (all relative)"),
        Text(f"solved by {record.name} {record.version}{form} in {record.seconds.total:.2f} s", style="dim"),
    ]
    return parts


def named(solution: Solution) -> str:
    """Return a mechanism with its parameters."""
    parameters = ", ".join(f"{key}={value}" for key, value in solution.parameters.items())
    return f"{solution.mechanism} ({parameters})" if parameters else str(solution.mechanism)


def menu(contracts: Menu) -> RenderableType:
    """Return a contract menu as a table; the most likely profiles where there are many."""
    case = contracts.case
    names, n = case.names, len(case.names)
    weight = case.probability.ravel()
    order = np.arange(case.profiles)
    if case.profiles > ROWS:
        order = np.sort(np.argsort(-weight, kind="stable")[:ROWS])
    table = Table(title="contract menu: a row for what the suppliers report", title_justify="left", title_style="italic")
    for name in names:
        table.add_column(f"{name}\ncost", justify="right")
    table.add_column("proba-\nbility", justify="right")
    balanced = contracts.is_balanced
    wide = n <= 3
    for name in ["all"] if balanced else names:
        table.add_column("quantity\nof each" if balanced else f"{name}\nquantity", justify="right")
    for name in names if wide else ["all"]:
        table.add_column(f"{name}\npayment" if wide else "payments\nin all", justify="right")
        table.add_column(f"{name}\nrent" if wide else "rents\nin all", justify="right")
    quantity = contracts.quantity.reshape(n, -1)
    payment = contracts.payment.reshape(n, -1)
    rent = np.array([contracts.rent(i).ravel() for i in range(n)])
    for t in order:
        place = np.unravel_index(t, case.shape)
        cells = [label(case.suppliers[i].costs[k]) for i, k in enumerate(place)]
        cells.append(f"{weight[t]:.4g}")
        cells += [money(q) for q in (quantity[:1, t] if balanced else quantity[:, t])]
        for i in range(n) if wide else [slice(None)]:
            cells += [money(float(np.sum(payment[i, t]))), money(float(np.sum(rent[i, t])))]
        table.add_row(*cells)
    if case.profiles <= ROWS:
        return table
    note = f"the {ROWS} most likely of {case.profiles:,} profiles; --menu FILE.csv writes all, for every supplier"
    return Group(table, Text(note, style="dim"))


def shadow_prices(solution: Solution) -> RenderableType:
    """Return the largest shadow prices of the mechanism's own constraints as a table."""
    own = isinstance(solution.contracts, Allotment)  # whose shadow prices of capacity stand with the allocation
    families = sorted(
        (each for each in solution.duals if not each.startswith("expected_sales") and not (own and each == "capacity")),
        key="assembly".__eq__,
    )
    if not families:
        return Text("no shadow prices: a closed form has no constraints", style="dim")
    if not any((solution.duals[family].abs() > PRICED).any() for family in families):
        return Text("no shadow prices: no constraint of the mechanism binds", style="dim")
    title = f"shadow prices: profit per unit by which a constraint is relaxed, the {PRICES} largest of each kind"
    table = Table(title=title, title_justify="left", title_style="italic")
    table.add_column("constraint")
    table.add_column("where")
    table.add_column("shadow price", justify="right")
    for family in families:
        prices = solution.duals[family]
        largest = prices[prices.abs() > PRICED].abs().nlargest(PRICES, keep="first").index
        for key in largest:
            table.add_row(family, words(prices.index.names, key), f"{prices[key]:.6g}")
    parts: list[RenderableType] = [table]
    if "feasibility" in families and "incentive_compatibility" in families:
        note = "feasibility follows from incentive_compatibility, so how a price splits between the two is not unique"
        parts.append(Text(note, style="dim"))
    return Group(*parts)


def truth(checked: Audit) -> Text:
    """Return what the audit says, in a sentence."""
    if checked.truthful:
        expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
        lies = f"no misreport gains{expected} (largest regret {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        lies = (
            f"{lie.supplier} would lie: with cost {label(lie.cost)} he gains {money(lie.gain)} by reporting {label(lie.report)}"
        )
        lies += f" when {lie.others}" if lie.others else ""
    rents = f"smallest {'expected ' if checked.participation == 'interim_ir' else ''}rent {money(checked.min_rent)}"
    balanced = "balanced" if checked.balanced else "not balanced"
    return Text(f"audit: {lies}; {rents}; quantities {balanced}", style="" if checked.truthful else "yellow")


def misreports(name: str, checked: Audit) -> list[RenderableType]:
    """Return the audit of a menu as it is shown: who would lie, as what, and for how much."""
    parts: list[RenderableType] = [
        Text(f"audit of {name}", style="bold"),
        Text(f"expected profit {money(checked.expected_profit)} if everybody tells the truth"),
    ]
    if checked.misreports and not checked.truthful:
        parts.append(allocation_tables.misreports(checked) if isinstance(checked, AllocationAudit) else lies(checked))
    else:
        expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
        parts.append(Text(f"no misreport gains{expected} (largest regret {checked.max_regret:.1e}): the menu is truthful"))
    who = "retailer" if isinstance(checked, AllocationAudit) else "supplier"
    loses = "" if checked.individually_rational else f": a truthful {who} would lose by taking part"
    if isinstance(checked, AllocationAudit):
        parts.append(Text(f"smallest expected profit of a retailer {money(checked.min_profit)}{loses}"))
    else:
        parts.append(Text(f"smallest rent {money(checked.min_rent)}{loses}"))
    parts.append(properties(checked))
    return parts


def lies(checked: Audit) -> RenderableType:
    """Return who would lie, most gain first."""
    table = Table(title="who would lie, most gain first", title_justify="left", title_style="italic")
    for heading in ("supplier", "true cost", "report", "when the others report", "gain"):
        table.add_column(heading, justify="left" if heading in ("supplier", "when the others report") else "right")
    for lie in checked.misreports:
        table.add_row(lie.supplier, label(lie.cost), label(lie.report), lie.others or "-", money(lie.gain))
    return table


def properties(checked: Audit) -> RenderableType:
    """Return what each property comes to, with the worst case of those that fail."""
    table = Table(title="properties", title_justify="left", title_style="italic")
    for heading in ("property", "", "by", "worst case"):
        table.add_column(heading, justify="right" if heading == "by" else "left")
    for name, finding in checked.properties.items():
        row = ("", "") if finding.holds else (money(finding.worst), finding.where)
        table.add_row(name, "holds" if finding.holds else "fails", *row)
    return table


def comparison(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    if "capacity" in frame:
        return allocation_tables.comparison(case, frame)
    if "savings" in frame:
        return joint_plan_tables.comparison(case, frame)
    table = Table(title=f"mechanisms for {case}", title_justify="left", title_style="bold")
    table.add_column("mechanism")
    headings = (
        "expected\nprofit",
        "share of\nfirst best",
        "expected\nrents",
        "largest\nregret",
        "smallest\nrent",
        "balanced",
        "truthful",
        "seconds",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, row in frame.iterrows():
        table.add_row(
            f"{name} ({row['parameters']})" if row["parameters"] else str(name),
            money(row["profit"]),
            "-" if np.isnan(row["share_of_first_best"]) else f"{row['share_of_first_best']:.2%}",
            "-" if np.isnan(row["expected_rents"]) else money(row["expected_rents"]),
            money(row["max_regret"]),
            money(row["min_rent"]),
            "yes" if row["balanced"] else "no",
            row["truthful"],
            f"{row['seconds']:.2f}",
        )
    return [table]


def choice(found: Choice) -> list[RenderableType]:
    """Return the hybrid by k."""
    title = f"hybrid menus for {found.case}: k suppliers report, the others are paid their highest cost"
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("k", "who comes to report", "contracts", "expected\nprofit", "added", "lost of\nk = n"):
        table.add_column(heading, justify="left" if heading.startswith("who") else "right")
    for k, row in found.table.iterrows():
        lost = "-" if np.isnan(row["loss"]) else f"{row['loss']:.2%}"
        added = "" if np.isnan(row["added"]) else money(row["added"])
        table.add_row(str(k), row["supplier"] or "-", f"{row['contracts']:,}", money(row["profit"]), added, lost)
    if found.k is None:
        return [
            table,
            Text(f"no k up to {found.table.index[-1]} is known to lose at most {found.accepted:.2%} of what k = n earns"),
        ]
    return [table, Text(f"k = {found.k} is the smallest that loses at most {found.accepted:.2%} of what k = n earns")]


def reproduction(found: Reproduction) -> list[RenderableType]:
    """Return a published table recomputed: published, as published, exact, and in a sentence why they differ."""
    table = Table(title=f"{found.name}: {found.title}", title_justify="left", title_style="bold")
    table.add_column("quantity")
    for heading in ("published", "as published", "exact"):
        table.add_column(heading, justify="right")
    notes: list[str] = []
    for quantity, row in found.table.iterrows():
        if row["note"] and row["note"] not in notes:
            notes.append(row["note"])
        mark = f" [{notes.index(row['note']) + 1}]" if row["note"] else ""
        figures = (f"{row[name]:,.6g}" if np.isfinite(row[name]) else "" for name in ("published", "as_published", "exact"))
        table.add_row(f"{quantity}{mark}", *figures)
    return [table, *(Text(f"[{number}] {note}", style="dim") for number, note in enumerate(notes, start=1))]


def solvers() -> list[RenderableType]:
    """Return which solvers work here, with versions and what each can do."""
    table = Table()
    for heading in ("solver", "version", "solves", "forms of expected sales, best first"):
        table.add_column(heading)
    for name, engine in installed().items():
        number = engine.version() if engine.available() else "not installed"
        table.add_row(name, number, ", ".join(engine.ABILITIES), ", ".join(engine.FORMS))
    table.add_row("closed_form", "-", "mechanisms that have one", "-")
    table.add_row("consensus", "-", "joint plans, without anybody's cost model", "-")
    return [table, Text("and any other name that Pyomo's SolverFactory knows", style="dim")]
