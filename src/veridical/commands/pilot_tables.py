"""What `veridical pilot` shows: week by week, party by party, and what holds."""

from __future__ import annotations

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts.comparison import TOLERANCE
from veridical.data.measures import Measures
from veridical.families.joint_plan_tables import significant, unsigned
from veridical.studies.pilot import PilotRun

__all__ = ["weekly"]


def weekly(rolled: PilotRun) -> list[RenderableType]:
    """Return a rolling run: week by week, and party by party in total."""
    money = words_of(rolled).money
    total, mechanism = rolled.total, tables.named(rolled.mechanism, rolled.parameters)
    saved = f"{total['savings'] / total['baseline_cost']:.2%}" if total["baseline_cost"] else "-"
    lines = [
        Text(f"{mechanism} for {rolled.case.name}, {len(rolled.weeks)} weeks", style="bold"),
        Text(f"cost to serve {money(total['plan_cost'])} against {money(total['baseline_cost'])} just in time: {saved} saved"),
    ]
    headings = ("week", "just\nin time", "joint\nplan", "saved", "transfers", "budget", "left to\nreceivers")
    weeks = tables.table("week by week", *headings, "service\njit", "service\njoint")
    columns = ("baseline_cost", "plan_cost", "savings", "transfers", "budget", "residual")
    for week, row in rolled.weeks.iterrows():
        served = (tables.share(row[name], 1) for name in ("service_jit", "service_joint"))
        weeks.add_row(str(week), *(money(row[column]) for column in columns), *served)
    weeks.add_section()
    overall = (tables.share(total["service_level"][world], 1) for world in ("jit", "joint"))
    weeks.add_row("all", *(money(total[column]) for column in columns), *overall)
    columns_of = ("party", "role", "just\nin time", "joint\nplan", "transfer", "net gain")
    table = tables.table("party by party, all weeks", *columns_of, left=("party", "role"))
    figures = ("baseline_cost", "cost", "transfer", "net_gain")
    for name, row in rolled.totals.iterrows():
        amounts = ("-" if np.isnan(row[column]) else money(row[column]) for column in figures)
        table.add_row(str(name), row["role"], *amounts)
    return [*lines, weeks, table, *said(rolled)]


def words_of(rolled: PilotRun) -> Measures:
    """Return how the money of a run is said, with the decimals that it needs; the currency is not repeated."""
    return Measures().fitted(money=abs(rolled.total["baseline_cost"]))


def said(rolled: PilotRun) -> list[RenderableType]:
    """Return what holds of a run and what does not, in sentences."""
    money = words_of(rolled).money
    share = "what his taking part has saved" if rolled.parameters["pivot"] == "clarke" else "all that was saved"
    count = int(rolled.table["net_gain"][rolled.table.index.isin(list(rolled.case.suppliers), level="party")].count())
    sums = "net gains and budget add up to the savings, each week and in total"
    lines = [f"holds: {sums}; a supplier's total is {share}, less fees"]
    if rolled.lost:
        lines = [rolled.loss, "holds: in each week net gains and budget add up to the savings of those whose costs are known"]
    if rolled.total["residual"] < -0.005:
        more = unsigned(rolled.parameters)
        lines.insert(0, f"what is left to the receivers: {money(rolled.total['residual'])}, {more}")
    if rolled.losses.empty:
        lines.append(f"settlement {rolled.settlement}: no week is a loss for a supplier")
    else:
        (week, party), loss = rolled.losses.index[0], -rolled.losses.iloc[0]
        worst = f"the largest {money(loss)} ({party}, week {week})"
        lines.append(f"settlement {rolled.settlement}: a loss for a supplier in {len(rolled.losses)} of {count} weeks, {worst}")
    if rolled.settlement == "pledge":
        advanced = -min(min(paid.account) for paid in rolled.payments.values())
        forgiven = sum(paid.forgiven for paid in rolled.payments.values())
        lines.append(f"the operator advances a supplier at most {money(max(advanced, 0.0))}, and forgives {money(forgiven)}")
    if rolled.case.at_home and None in rolled.total["service_level"].values():
        lines.append("service is not told: a party keeps to itself what it serves (veridical agent --tell-service)")
    lines.append(f"each week's plan costs at most {significant(rolled.total['excess'])} above the least, as proven")
    truth = "does not hold as such: that truth is best for the run as a whole, though it is for each week's plan; "
    best = max(rolled.tried, key=lambda lie: lie.gain, default=None)
    if best is None:
        return [Text(line) for line in (*lines, f"{truth}{untried(rolled)}")]
    saved = rolled.total["savings"]
    paying = sum(lie.gain > TOLERANCE * abs(saved) for lie in rolled.tried)
    most = f", up to {money(best.gain)}, {best.gain / saved:.2%} of what is saved ({best.party}, {best.report})" if paying else ""
    lines.append(f"{truth}of {len(rolled.tried)} misreports that were tried {paying} pay{most}")
    if rolled.not_searched:
        lines.append(f"not searched: {', '.join(rolled.not_searched)}")
    return [Text(line) for line in lines]


def untried(rolled: PilotRun) -> str:
    """Return why no misreports were tried."""
    if rolled.lost:
        return f"no misreports are tried where somebody was lost ({', '.join(rolled.lost)})"
    if rolled.not_searched:
        return (
            f"none could be tried: {', '.join(rolled.not_searched)} offer none of their own (veridical agent --allow-misreports)"
        )
    return "no misreports were tried (--set misreports=25)"
