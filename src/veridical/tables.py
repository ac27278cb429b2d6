"""Results as tables for people, with rich: what is shown of every kind alike, and the parts that kinds make theirs of."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.contracts import Audit
from veridical.solvers import Solution, installed
from veridical.solvers.solution import words
from veridical.studies import Reproduction

__all__ = [
    "approximation",
    "misreports",
    "money",
    "named",
    "properties",
    "reproduction",
    "result",
    "shadow_prices",
    "show",
    "side_by_side",
    "solvers",
    "table",
    "worth",
]

PRICES = 3  # shadow prices shown of each family
BY_RELAXING = "shadow prices: profit per unit by which a constraint is relaxed, the {} largest of each kind"
Money = Callable[[float], str]


def show(*parts: RenderableType) -> None:
    """Print to standard output."""
    # names are the user's: nothing in them is markup
    console = Console(width=None if Console().is_terminal else 120, markup=False, emoji=False, highlight=False)
    console.print(Group(*parts))


def money(value: float, digits: int = 2) -> str:
    """Return a number with thousands separators, rounded; -0 is 0."""
    return f"{round(float(value), digits) + 0.0:,.{digits}f}"


def table(title: str, *headings: str, left: Collection[str] = (), bold: bool = False) -> Table:
    """Return a table with columns of numbers, but for those that stand to the `left`."""
    found = Table(title=title, title_justify="left", title_style="bold" if bold else "italic")
    for heading in headings:
        found.add_column(heading, justify="left" if heading in left else "right")
    return found


def named(mechanism: str | None, parameters: Any) -> str:
    """Return a mechanism with its parameters."""
    told = ", ".join(f"{key}={value}" for key, value in parameters.items())
    return f"{mechanism} ({told})" if told else str(mechanism)


def worth(solution: Solution, money: Money = money) -> str:
    """Return what is known of a solution's objective: its status and its bound."""
    bound = "no bound is known" if math.isnan(solution.bound) else f"bound {money(solution.bound)}"
    return f"{solution.status} ({bound})"


def approximation(solution: Solution, each: str, money: Money = money) -> list[RenderableType]:
    """Return in words how far points, so many of `each`, are from the range that they stand for; nothing where there are none."""
    found = solution.approximation
    if found is None:
        return []
    grid, error = f"on a grid of {found['points']} {each}", found["error"]
    if error is None:
        return [Text(f"{grid}, an approximation whose error is not known")]
    exact = found["exact"]
    reference = f"the optimum {money(exact)}" if exact is not None else f"on {found['finer_points']}, {money(found['finer'])}"
    share = f"{abs(error):.2%}".replace("%", " %")
    side, than = ("below", "less") if error >= 0 else ("above", "more")
    return [Text(f"{grid}, an approximation from {side}: {share} {than} than {reference}")]


def result(solution: Solution, summary: Sequence[RenderableType]) -> list[RenderableType]:
    """Return a solution as it is shown: what its kind has to say of it, the certificate, and who solved it."""
    checks, record = solution.certificate, solution.solver
    figures = [f"primal residual {checks.primal_residual:.1e}"]
    if checks.dual_residual is not None:
        figures.append(f"dual residual {checks.dual_residual:.1e}")
    if checks.complementarity is not None:
        figures.append(f"complementarity {checks.complementarity:.1e}")
    figures.append("no gap is known" if math.isnan(checks.gap) else f"gap {checks.gap:.1e}")
    form = f", {record.form} form" if record.form else ""
    return [
        Text(f"{named(solution.mechanism, solution.parameters)} for {solution.case}", style="bold"),
        *summary,
        Text(f"certificate: {', '.join(figures)} (all relative)"),
        Text(f"solved by {record.name} {record.version}{form} in {record.seconds.total:.2f} s", style="dim"),
    ]


def shadow_prices(
    solution: Solution,
    families: Collection[str],
    title: str,
    heading: tuple[str, str] = ("constraint", "shadow price"),
    sign: Callable[[pd.Series], pd.Series] = pd.Series.abs,
    least: float = 1e-9,
    shown: Callable[[float], str] = lambda price: f"{price:.6g}",
) -> Table:
    """Return the largest shadow prices of constraint families as a table: largest by `sign`, where that is above `least`."""
    found = Table(title=title.format(PRICES), title_justify="left", title_style="italic")
    found.add_column(heading[0])
    found.add_column("where")
    found.add_column(heading[1], justify="right")
    for family in families:
        prices = solution.duals[family]
        size = sign(prices)
        for key in size[size > least].nlargest(PRICES, keep="first").index:
            price = prices[key] if sign is pd.Series.abs else size[key]
            found.add_row(family, words(prices.index.names, key), shown(price))
    return found


def misreports(name: str, checked: Audit, truthful: str, lies: RenderableType, least: str, who: str) -> list[RenderableType]:
    """Return the audit of an offer as it is shown: who would lie, as what, for how much; and the `least` that anybody gets."""
    parts: list[RenderableType] = [
        Text(f"audit of {name}", style="bold"),
        Text(f"expected profit {money(checked.expected_profit)} if everybody tells the truth"),
        lies if checked.misreports and not checked.truthful else Text(f"{truthful}: the menu is truthful"),
        Text(least + ("" if checked.individually_rational else f": a truthful {who} would lose by taking part")),
    ]
    return [*parts, properties(checked)]


def properties(checked: Audit) -> RenderableType:
    """Return what each property comes to, with the worst case of those that fail."""
    found = table("properties", "property", "", "by", "worst case", left=("property", "", "worst case"))
    for name, finding in checked.properties.items():
        row = ("", "") if finding.holds else (money(finding.worst), finding.where)
        found.add_row(name, "holds" if finding.holds else "fails", *row)
    return found


def side_by_side(
    case: str, frame: pd.DataFrame, columns: Sequence[tuple[str, Callable[[Any], str]]], parameters: bool = True
) -> list[RenderableType]:
    """Return mechanisms side by side: of each column its heading, and what a row of the comparison says under it."""
    found = Table(title=f"mechanisms for {case}", title_justify="left", title_style="bold")
    found.add_column("mechanism", no_wrap=True)
    for heading, _ in columns:
        found.add_column(heading, justify="right", overflow="fold")  # no digit is ever cut off
    for name, row in frame.iterrows():
        label = f"{name} ({row['parameters']})" if parameters and row["parameters"] else str(name)
        found.add_row(label, *(cell(row) for _, cell in columns))
    return [found]


def share(value: float, digits: int = 2) -> str:
    """Return a share in percent; a dash where there is none, and -0 is 0."""
    return "-" if value is None or np.isnan(value) else f"{round(value, digits + 2) + 0.0:.{digits}%}"


def reproduction(found: Reproduction) -> list[RenderableType]:
    """Return a published table recomputed: published, as published, exact, and in a sentence why they differ."""
    columns = ("published", "as published", "exact")
    figures_of = table(f"{found.name}: {found.title}", "quantity", *columns, left=("quantity",), bold=True)
    notes: list[str] = []
    for quantity, row in found.table.iterrows():
        if row["note"] and row["note"] not in notes:
            notes.append(row["note"])
        mark = f" [{notes.index(row['note']) + 1}]" if row["note"] else ""
        figures = (f"{row[name]:,.6g}" if np.isfinite(row[name]) else "" for name in ("published", "as_published", "exact"))
        figures_of.add_row(f"{quantity}{mark}", *figures)
    return [figures_of, *(Text(f"[{number}] {note}", style="dim") for number, note in enumerate(notes, start=1))]


def solvers() -> list[RenderableType]:
    """Return which solvers work here, with versions and what each can do."""
    found = Table()
    for heading in ("solver", "version", "solves", "forms of expected sales, best first"):
        found.add_column(heading)
    for name, engine in installed().items():
        number = engine.version() if engine.available() else "not installed"
        found.add_row(name, number, ", ".join(engine.ABILITIES), ", ".join(engine.FORMS))
    found.add_row("closed_form", "-", "mechanisms that have one", "-")
    found.add_row("consensus", "-", "joint plans, without anybody's cost model", "-")
    return [found, Text("and any other name that Pyomo's SolverFactory knows", style="dim")]
