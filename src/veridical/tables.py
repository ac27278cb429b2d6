"""Results as tables for people, with rich: what is shown of every kind alike, and the parts that kinds make theirs of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from veridical.console import Either, fitted, show
from veridical.contracts import Audit
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.data.measures import Measures, figure
from veridical.solvers import Solution, SolutionStatus, installed
from veridical.solvers.solution import Duals, largest_of, words

if TYPE_CHECKING:
    from veridical.studies import Reproduction

__all__ = ["Either", "Money", "fitted", "money", "show", "table"]

PRICES = 3  # shadow prices shown of each family
ROWS = 16  # profiles shown of contracts
BY_RELAXING = "shadow prices: profit per unit by which a constraint is relaxed, the {} largest of each kind"
MARKED = {  # results that a comparison marks, by status
    SolutionStatus.LOCALLY_OPTIMAL: "local optima, which may not be the best there is",
    SolutionStatus.INCOMPLETE: "incomplete, since a party was lost",
}
Money = Callable[[float], str]


money = figure  # as tables have it, without the currency


def measured(measures: Measures) -> list[RenderableType]:
    """Return in a line in what money and quantities are, where the case says it."""
    return [Text(measures.sentence, style="dim")] if measures.sentence else []


def table(title: str, *headings: str, left: Collection[str] = (), bold: bool = False) -> Table:
    """Return a table with columns of numbers, but for those that stand to the `left`."""
    parts = Table(title=title, title_justify="left", title_style="bold" if bold else "italic")
    for heading in headings:
        if heading in left:
            parts.add_column(heading)
        else:
            parts.add_column(heading, justify="right")
    return parts


def no_gain(checked: Audit) -> str:
    """Return in words that nobody gains by a misreport."""
    expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
    return f"no misreport gains{expected} (largest regret {checked.max_regret:.1e})"


def most_likely(probability: Array) -> NDArray[np.intp]:
    """Return the places of the most likely profiles, so many as a table shows, in their order."""
    return np.sort(np.argsort(-probability, kind="stable")[:ROWS])


def named(mechanism: str | None, parameters: Any) -> str:
    """Return a mechanism with its parameters."""
    values = ", ".join(f"{key}={value}" for key, value in parameters.items())
    return f"{mechanism} ({values})" if values else str(mechanism)


def approximation(solution: Solution, what: str, money: Money | None = None) -> list[RenderableType]:
    """Return in words how far points, so many of `what`, are from the range that they stand for; nothing where there are none."""
    money = money or solution.measures.amount
    record = solution.approximation
    if record is None:
        return []
    grid, error = f"on a grid of {record['points']} {what}", record["error"]
    if error is None:
        return [Text(f"{grid}, an approximation whose error is not known")]
    exact = record["exact"]
    reference = f"the optimum {money(exact)}" if exact is not None else f"on {record['finer_points']}, {money(record['finer'])}"
    share = f"{abs(error):.2%}".replace("%", " %")
    side, than = ("below", "less") if error >= 0 else ("above", "more")
    return [Text(f"{grid}, an approximation from {side}: {share} {than} than {reference}")]


def result(solution: Solution, summary: Sequence[RenderableType]) -> list[RenderableType]:
    """Return a solution as it is shown: what its kind has to say of it, the certificate, and who solved it."""
    checks, record = solution.certificate, solution.solver
    form = f", {record.form} form" if record.form else ""
    return [
        Text(f"{named(solution.mechanism, solution.parameters)} for {solution.case}", style="bold"),
        *measured(solution.measures),
        *summary,
        Text(f"certificate: {checks.words} (all relative)"),
        Text(checks.proof),
        Text(f"solved by {record.name} {record.version}{form} in {record.seconds.total:.2f} s", style="dim"),
    ]


def shadow_prices(
    solution: Solution,
    families: Collection[str],
    title: str,
    heading: tuple[str, str] = ("constraint", "shadow price"),
    sign: Callable[[pd.Series], pd.Series] | None = None,
    least: float = 1e-9,
    shown: Callable[[float], str] = lambda price: f"{price:.6g}",
) -> Table:
    """Return the largest shadow prices of constraint families as a table: by `sign`, or by size, where that is above `least`."""
    largest = table(title.format(PRICES), heading[0], "where", heading[1], left=(heading[0], "where"))
    duals = solution.duals
    for family in families:
        if sign is None and isinstance(duals, Duals):
            prices = duals.largest(family, PRICES, least)
        else:
            prices = largest_of(duals[family], PRICES, least, sign)
        for names, key, price in prices:
            largest.add_row(family, words(names, key), shown(price))
    return largest


def misreports(name: str, checked: Audit, lies: RenderableType, least: str, who: str) -> list[RenderableType]:
    """Return the audit of an offer as it is shown: who would lie, as what, for how much; and the `least` that anybody gets."""
    under = f", under {checked.under}," if checked.under else ""
    parts: list[RenderableType] = [
        Text(f"audit of {name}", style="bold"),
        *measured(checked.measures),
        Text(f"expected profit {checked.measures.amount(checked.expected_profit)}{under} if everybody tells the truth"),
        lies if checked.misreports and not checked.truthful else Text(f"{no_gain(checked)}: the menu is truthful"),
        Text(least + ("" if checked.individually_rational else f": a truthful {who} would lose by taking part")),
    ]
    return [*parts, properties(checked)]


def properties(checked: Audit) -> RenderableType:
    """Return what each property comes to, with the worst case of those that fail."""
    results = table("properties", "property", "", "by", "worst case", left=("property", "", "worst case"))
    for name, result in checked.properties.items():
        row = (checked.measures.money(result.worst), result.where) if result.verdict == "fails" else ("", "")
        results.add_row(name, result.verdict, *row)
    return results


def together(checked: Audit, money: Money | None = None) -> list[RenderableType]:
    """Return in a line how several gain by misreports that they agree on, each at least as well off; nothing where none do."""
    result = checked.properties.get("coalition_ic")
    if result is None or result.verdict != "fails":
        return []
    money = money or checked.measures.amount
    return [
        Text(
            f"a coalition could gain {money(result.worst)} by joint misreports, with no member worse off: {result.where}",
            style="yellow",
        )
    ]


def side_by_side(
    case: str,
    frame: pd.DataFrame,
    columns: Sequence[tuple[str, Callable[[Any], str]]],
    parameters: bool = True,
    narrow: Mapping[str, str | None] | None = None,
) -> list[RenderableType]:
    """Return mechanisms side by side: of each column its heading, and what a row of the comparison says under it.

    `narrow`: other headings where the table is too wide, or None for columns that are a line below it then.
    """

    def label(name: Any, row: Any) -> str:
        return f"{name} ({row['parameters']})" if parameters and row["parameters"] else str(name)

    def listed(columns: Sequence[tuple[str, Callable[[Any], str]]]) -> Table:
        headings = (heading for heading, _ in columns)
        mechanisms = table(f"mechanisms for {case}", "mechanism", *headings, left=("mechanism",), bold=True)
        mechanisms.columns[0].no_wrap = True
        for name, row in frame.iterrows():
            mechanisms.add_row(label(name, row), *(cell(row) for _, cell in columns))
        return mechanisms

    mechanisms: RenderableType = listed(columns)
    if narrow is not None:
        changed = [(narrow.get(heading, heading), cell) for heading, cell in columns]
        below = [
            Text(f"{heading}: {', '.join(f'{label(name, row)} {cell(row)}' for name, row in frame.iterrows())}")
            for heading, cell in columns
            if narrow.get(heading, heading) is None
        ]
        narrower = listed([(heading, cell) for heading, cell in changed if heading is not None])
        mechanisms = Either(listed(columns), Group(narrower, *below))
    words = words_of(frame)
    parts: list[RenderableType] = [mechanisms, *measured(words)]
    if under := frame.attrs.get("under"):
        parts.append(Text(f"expected profits are under {under}"))
    parts += map(Text, frame.attrs.get("remarks", ()))
    for status, meaning in MARKED.items():
        marked = [str(name) for name, row in frame.iterrows() if row["status"] == status]
        parts += [Text(f"{meaning}: {', '.join(marked)}", style="yellow")] if marked else []
    return parts


def words_of(frame: pd.DataFrame) -> Measures:
    """Return how the money of a comparison is said, with the decimals that its largest amount needs."""
    said = {name: frame.attrs[name] for name in ("currency", "unit") if name in frame.attrs}
    return Measures(**said).fitted(money=float(frame["profit"].abs().max()))


def share(value: float, digits: int = 2) -> str:
    """Return a share in percent; a dash where there is none, and -0 is 0."""
    return "-" if value is None or np.isnan(value) else f"{round(value, digits + 2) + 0.0:.{digits}%}"


def reproduction(reproduced: Reproduction) -> list[RenderableType]:
    """Return a published table recomputed: published, as published, exact, and in a sentence why they differ; or claims."""
    if "holds" in reproduced.table:
        return claims(reproduced)
    columns = ("published", "as published", "exact")
    readings = table(f"{reproduced.name}: {reproduced.title}", "quantity", *columns, left=("quantity",), bold=True)
    notes: list[str] = []
    for quantity, row in reproduced.table.iterrows():
        if row["note"] and row["note"] not in notes:
            notes.append(row["note"])
        mark = f" [{notes.index(row['note']) + 1}]" if row["note"] else ""
        figures = (f"{row[name]:,.6g}" if np.isfinite(row[name]) else "" for name in ("published", "as_published", "exact"))
        readings.add_row(f"{quantity}{mark}", *figures)
    return [readings, *(Text(f"[{number}] {note}", style="dim") for number, note in enumerate(notes, start=1))]


def claims(reproduced: Reproduction) -> list[RenderableType]:
    """Return claims, a table a paper: where and what, what is claimed, whether it is true, and the witness."""
    words = {True: "true", False: "false", None: "not checked"}
    parts: list[RenderableType] = []
    for paper, rows in reproduced.table.groupby("paper", sort=False):
        text = ("claim", "claimed", "verdict", "witness")
        listed = table(f"{reproduced.name}: {reproduced.title} ({paper})", *text, left=text, bold=True)
        listed.show_lines = True
        for row in rows.reset_index().to_dict("records"):
            listed.add_row(f"{row['where']}: {row['claim']}", row["claimed"], words[row["holds"]], row["witness"])
        parts.append(listed)
    count = {holds: sum(row is holds for row in reproduced.table["holds"]) for holds in words}
    note = "; true: not contradicted by what the witness says was tried"
    return [*parts, Text(", ".join(f"{count[holds]} {words[holds]}" for holds in words) + note)]


def solvers() -> list[RenderableType]:
    """Return which solvers work here, with versions and what each can do."""
    engines = Table("solver", "version", "solves", "forms of expected sales, best first")
    for name, engine in installed().items():
        number = engine.version() if engine.available() else "not installed"
        engines.add_row(name, number, ", ".join(engine.ABILITIES), ", ".join(engine.FORMS))
    engines.add_row("closed_form", "-", "mechanisms that have one", "-")
    engines.add_row("consensus", "-", "joint plans, without anybody's tables", "-")
    return [engines, Text("and any other name that Pyomo's SolverFactory knows", style="dim")]
