"""Joint plans as tables for people, with rich."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from veridical.contracts.joint_plan.audit import JointPlanAudit
from veridical.contracts.joint_plan.settlement import Settlement
from veridical.solvers import Solution
from veridical.solvers.solution import words
from veridical.studies.pilot.run import PilotRun

__all__ = ["comparison", "parties", "shadow_prices", "summary", "truth"]

PRICES = 3  # shadow prices shown of each family
PRICED = 1e-6  # currency, from which on a constraint has a price


def money(value: float) -> str:
    """Return an amount with two decimals and thousands separators; -0 is 0."""
    return f"{value + 0.0:,.2f}".replace("-0.00", "0.00") if abs(value) < 0.005 else f"{value:,.2f}"


def short(value: float) -> str:
    """Return an amount as tables with many columns have room for: whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else money(value)


def summary(solution: Solution) -> list[RenderableType]:
    """Return what a plan costs, what it saves, and who holds the budget, in sentences."""
    own = solution.contracts
    assert isinstance(own, Settlement)
    saved = f"{own.savings / own.baseline_cost:.2%}" if own.baseline_cost else "-"
    lines = [
        f"cost of the plan {money(own.plan_cost)}, {solution.status} (bound {money(solution.bound)})",
        f"baseline {money(own.baseline_cost)}: {money(own.savings)} saved, {saved}",
    ]
    if own.budget < -0.005:
        lines.append(f"deficit: the operator pays in {money(own.deficit)}; what is left to the receivers: {money(own.residual)}")
    else:
        lines.append(f"budget: the operator keeps {money(own.budget)}; what is left to the receivers: {money(own.residual)}")
    if own.non_participants:
        lines.append(f"at the baseline, not taking part: {', '.join(own.non_participants)}")
    return [Text(line) for line in lines]


def parties(own: Settlement) -> RenderableType:
    """Return the parties: costs, transfer, net gain; and all together."""
    table = Table(title="who pays, who gains: transfers are paid to the party", title_justify="left", title_style="italic")
    table.add_column("party")
    table.add_column("role")
    frame = own.to_frame()
    fees = bool(frame["fee"].any())
    for heading in ("cost at the\nbaseline", "cost of\nthe plan", *["fee in the\ntransfer"][:fees], "transfer", "net gain"):
        table.add_column(heading, justify="right")
    columns = ["baseline_cost", "cost", *["fee"][:fees], "transfer", "net_gain"]
    for name, row in frame.iterrows():
        table.add_row(str(name), row["role"], *(money(row[column]) for column in columns))
    table.add_section()
    table.add_row("all", "", *(money(frame[column].sum()) for column in columns))
    return table


def shadow_prices(solution: Solution) -> list[RenderableType]:
    """Return what capacities are worth, and the flows of which one more unit matters most."""
    families = [name for name in solution.duals if name not in solution.contracts.identities and not name.endswith("_tangents")]
    title = f"shadow prices: cost saved per unit of a limit, the {PRICES} largest of each kind"
    table = Table(title=title, title_justify="left", title_style="italic")
    table.add_column("limit")
    table.add_column("where")
    table.add_column("worth", justify="right")
    for family in families:
        prices = -solution.duals[family]  # more of a limit makes the cost less
        for key in prices[prices > PRICED].nlargest(PRICES, keep="first").index:
            table.add_row(family, words(prices.index.names, key), f"{prices[key]:,.4f}")
    parts: list[RenderableType] = [table] if table.row_count else []
    prices = solution.contracts.prices
    if len(prices):
        flow = prices.abs().idxmax()
        price, where = prices[flow], words(prices.index.names, flow)
        if price > 0:
            told = f"costs its supplier {price:,.4f} more than he is paid, and saves the receiver as much"
        else:
            told = f"brings its supplier {-price:,.4f} more than it costs him, and costs the receiver as much"
        parts.append(Text(f"the flow whose price is furthest from what is paid: one more unit {told} ({where})"))
    return parts


def truth(checked: JointPlanAudit) -> Text:
    """Return what the audit says, in a sentence."""
    if checked.truthful:
        expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
        lies = f"none of {checked.searched} misreports gains{expected} (largest {checked.max_regret:.1e})"
    else:
        lie = checked.misreports[0]
        lies = f"{lie.party} would lie: by reporting {lie.report} he gains {money(lie.gain)}"
    parts = [f"audit: {lies}", f"smallest net gain of a supplier {money(checked.min_net_gain)}"]
    if checked.excess and checked.excess >= 0.005:
        parts.append(f"no misreport can gain more than {money(checked.excess)}, what the plan may cost above the least")
    return Text("; ".join(parts), style="" if checked.truthful else "yellow")


def comparison(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    table = Table(title=f"mechanisms for {case}", title_justify="left", title_style="bold")
    table.add_column("mechanism", no_wrap=True)
    money_of = ("budget", "left to\nreceivers", "largest\nregret", "least\ngain")
    for heading in ("cost", "saved", "saved\n%", *money_of, "truthful", "sec-\nonds"):
        table.add_column(heading, justify="right", overflow="fold")  # no digit is ever cut off
    for name, row in frame.iterrows():
        figures = (short(row[column]) for column in ("budget", "residual", "max_regret", "min_net_gain"))
        table.add_row(
            str(name),
            short(row["profit"]),
            short(row["savings"]),
            f"{row['savings_share']:.2%}",
            *figures,
            row["truthful"],
            f"{row['seconds']:.2f}",
        )
    return [table]


def pilot(found: PilotRun) -> list[RenderableType]:
    """Return a rolling run: week by week, and party by party in total."""
    total = found.total
    saved = f"{total['savings'] / total['baseline_cost']:.2%}" if total["baseline_cost"] else "-"
    lines = [
        Text(f"{named(found)} for {found.case.name}, {len(found.weeks)} weeks", style="bold"),
        Text(f"cost to serve {money(total['plan_cost'])} against {money(total['baseline_cost'])} just in time: {saved} saved"),
    ]
    weeks = Table(title="week by week", title_justify="left", title_style="italic")
    headings = ("week", "just\nin time", "joint\nplan", "saved", "transfers", "budget", "left to\nreceivers")
    for heading in (*headings, "service\njit", "service\njoint"):
        weeks.add_column(heading, justify="right", overflow="fold")
    columns = ("baseline_cost", "plan_cost", "savings", "transfers", "budget", "residual")
    for week, row in found.weeks.iterrows():
        served = (share(row[name]) for name in ("service_jit", "service_joint"))
        weeks.add_row(str(week), *(money(row[column]) for column in columns), *served)
    weeks.add_section()
    overall = (share(total["service_level"][world]) for world in ("jit", "joint"))
    weeks.add_row("all", *(money(total[column]) for column in columns), *overall)
    table = Table(title="party by party, all weeks", title_justify="left", title_style="italic")
    table.add_column("party")
    table.add_column("role")
    for heading in ("just\nin time", "joint\nplan", "transfer", "net gain"):
        table.add_column(heading, justify="right")
    figures = ("baseline_cost", "cost", "transfer", "net_gain")
    for name, row in found.totals.iterrows():
        table.add_row(str(name), row["role"], *(money(row[column]) for column in figures))
    return [*lines, weeks, table]


def named(found: PilotRun) -> str:
    """Return the mechanism with its parameters."""
    return f"{found.mechanism} ({', '.join(f'{key}={value}' for key, value in found.parameters.items())})"


def share(value: float | None) -> str:
    """Return a service level; nothing where nothing is wanted."""
    return "-" if value is None or np.isnan(value) else f"{value:.1%}"
