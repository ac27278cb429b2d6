"""Joint plans as tables for people, with rich."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from veridical import tables
from veridical.contracts import JointPlanAudit, Settlement
from veridical.data.lazy import pd
from veridical.data.measures import Measures
from veridical.families.family import Memo
from veridical.solvers import Solution
from veridical.solvers.solution import words
from veridical.tables import Money, money

__all__ = ["compared", "memo", "summary"]

NAMES = ("party", "role")
GAP = 1e-6  # of the savings, from which on a gap is worth a word
SOURCES = {
    "case": "which the receivers have committed to",
    "given": "as it was given",
    "computed": "computed from what the receivers report",
}
WHO = {
    "dominant_strategy_ic": "one supplier",
    "bayesian_ic": "one supplier, in expectation",
    "receiver_ic": "a receiver",
    "group_ic": "suppliers together",
    "false_name_ic": "a supplier under two names",
}
WEEKS, ROUTES, ABREAST = 13, 60, 6  # of a plan that a report shows whole; weeks side by side
PRICED = 1e-6  # currency, from which on a constraint has a price


def summary(solution: Solution) -> list[RenderableType]:
    """Return what a plan costs and saves, who pays and who gains, what limits are worth, and the audit."""
    return memo(solution).parts


def memo(solution: Solution) -> Memo:
    """Return the same in parts."""
    assert isinstance(solution.audit, JointPlanAudit)
    checked = solution.audit
    said = [truth(checked), *searched(checked), *promises(checked)]
    limits = [*shadow_prices(solution), *at_home(solution.contracts)]
    return Memo(advice(solution), worth(solution), [parties(solution.contracts)], limits, said, units(solution.contracts))


def at_home(settlement: Settlement) -> list[RenderableType]:
    """Return whose records are not here, and what is therefore not said."""
    names = settlement.case.at_home
    if not names:
        return []
    line = f"records kept at home: {', '.join(names)}; costs are what their agents say, "
    return [Text(f"{line}and what their own limits are worth is not known here")]


def advice(solution: Solution) -> str:
    """Return what the parties are to do, in a sentence."""
    settlement = solution.contracts
    if settlement.savings <= PRICED:
        return "Keep to the baseline: planning jointly saves nothing here."
    if settlement.residual < 0:
        others = "other fees, another pivot, or payments in the core (--mechanism core)"
        return f"Plan jointly, but not by these transfers, under which the receivers would lose: they need {others}."
    return "Carry out the joint plan, and pay the transfers below with it."


def short(value: float, money: Money = tables.money) -> str:
    """Return an amount as tables with many columns have room for: whole from a thousand on; a dash where there is none."""
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else money(value)


def worth(solution: Solution) -> list[RenderableType]:
    """Return what a plan costs, what it saves, and who holds the budget, in sentences."""
    settlement, amount = solution.contracts, solution.measures.amount
    assert isinstance(settlement, Settlement)
    saved = f"{settlement.savings / settlement.baseline_cost:.2%}" if settlement.baseline_cost else "-"
    gap, source = solution.objective - solution.bound, SOURCES[settlement.baseline_source]
    lines = [f"incomplete: {', '.join(settlement.lost)} lost, taking no part and paid nothing"] if settlement.lost else []
    if settlement.unpaid:
        lines.append("that ended the planning: the plan is the best until then, and nobody is paid anything")
    lines += [
        f"cost of the plan {amount(settlement.plan_cost)}, {solution.standing()}{above(gap, settlement)}",
        f"baseline {amount(settlement.baseline_cost)}, {source}: {amount(settlement.savings)} saved, {saved}",
    ]
    residual = f"what is left to the receivers: {amount(settlement.residual)}"
    if settlement.residual < -0.005:
        residual += f", {unsigned(settlement.parameters)}"
    if settlement.budget < -0.005:
        lines.append(f"deficit: the operator pays in {amount(settlement.deficit)}; {residual}")
    else:
        lines.append(f"budget: the operator keeps {amount(settlement.budget)}; {residual}")
    if by_choice := [name for name in settlement.non_participants if name not in settlement.lost]:
        lines.append(f"at the baseline, not taking part: {', '.join(by_choice)}")
    warnings = [Text(f"warning: {warning}", style="yellow") for warning in solution.warnings]
    return [*(Text(line) for line in (*lines, *coalitions(settlement), *given_back(settlement))), *warnings]


def unsigned(parameters: Mapping[str, Any]) -> str:
    """Return what is to be said of transfers that leave the receivers a loss."""
    more = "fees" if parameters.get("pivot") == "clarke" else "the pivot clarke and fees"
    return f"which they would not sign: {more} leave them more (veridical choose-fees shows which)"


def coalitions(settlement: Settlement) -> list[str]:
    """Return what is proven of coalitions, where nobody is to be better off by a plan of their own."""
    proof = settlement.core
    if proof is None:
        return []
    looked = "all" if len(proof.values) == proof.coalitions else f"{len(proof.values)} of"
    line = f"core: {looked} {proof.coalitions:,} coalitions of the receivers with suppliers were planned for; "
    line += f"of all none gains more than {significant(proof.blocking)} by leaving"
    if proof.gap > GAP * abs(settlement.savings):
        line += f" (their values are proven to {significant(proof.gap)} only)"
    if not proof.cuts:
        return [line]
    cuts = (f"{listed(absent)} {money(cut)}{' each' if len(absent) > 1 else ''}" for absent, cut in proof.cuts.items())
    why = "less than Clarke's pivot would leave them, as receivers and the others could go without them"
    return [line, f"{why} (cuts of one supplier add up): {'; '.join(cuts)}"]


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def given_back(settlement: Settlement) -> list[str]:
    """Return what an operator gives back of what is collected, and whose report it does not depend on."""
    if not settlement.rebates:
        return []
    least = min(settlement.rebates.values(), key=lambda rebate: rebate.least)
    amount = sum(rebate.amount for rebate in settlement.rebates.values())
    line = f"redistribution: {money(amount)} is given back, to each party its share of what the operator collects at least, "
    line += f"whatever that party reports of its set; the least of these is {money(least.least)} ({least.report})"
    return [line if amount > 0 else f"{line}: where that is not above 0 there is nothing to give back"]


def above(gap: float, settlement: Settlement) -> str:
    """Return in words what a plan may cost above the least, where that is no rounding."""
    size = max(abs(settlement.savings), GAP * abs(settlement.plan_cost))
    if not gap > GAP * size:
        return ""
    share = f", {significant(100 * gap / settlement.savings)} % of the savings" if settlement.savings > 0 else ""
    return f", at most {significant(gap)} above the least{share}"


def significant(value: float) -> str:
    """Return a small amount with the digits that matter: three of them, and all that stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def parties(settlement: Settlement) -> RenderableType:
    """Return the parties: costs, transfer, net gain; and all together."""
    frame = settlement.to_frame()
    money = Measures().fitted(money=float(frame["baseline_cost"].abs().max())).money
    fees = bool(frame["fee"].any())
    costs, gains = ("cost at the\nbaseline", "cost of\nthe plan"), ("transfer", "net gain")
    title = "who pays, who gains (a positive transfer is paid to the party)"
    table = tables.table(title, *NAMES, *costs, *["fee in the\ntransfer"][:fees], *gains, left=NAMES)
    columns = ["baseline_cost", "cost", *["fee"][:fees], "transfer", "net_gain"]
    for name, row in frame.iterrows():
        table.add_row(str(name), row["role"], *(money(row[column]) for column in columns))
    table.add_section()
    table.add_row("all", "", *(money(frame[column].sum()) for column in columns))
    return table


def units(settlement: Settlement) -> list[RenderableType]:
    """Return the plan, a row a route and a column a week, with the baseline in brackets where that is another."""
    shared = settlement.case.shared
    if len(shared.weeks) > WEEKS or len(shared.routes) > ROUTES:
        return [Text(f"The plan has {len(shared.flows):,} flows: --menu FILE.csv writes them.")]
    several = len(settlement.case.receivers) > 1
    names = ("supplier", *["receiver"][:several], "site", "product")
    title = "the plan, in units; in brackets what was to be delivered at the baseline, where that is another number"
    plans = [shared.vector(plan).reshape(-1, len(shared.weeks)) for plan in (settlement.units, settlement.baseline)]
    parts: list[RenderableType] = []
    for first in range(0, len(shared.weeks), ABREAST):
        some = slice(first, first + ABREAST)
        table = tables.table(title, *names, *(f"week {week}" for week in shared.weeks[some]), left=names)
        for route, planned, before in zip(shared.routes, *(plan[:, some] for plan in plans), strict=True):
            cells = ((_units(x), _units(y)) for x, y in zip(planned, before, strict=True))
            known = {name: getattr(route, name) for name in names}
            table.add_row(*known.values(), *(x if x == y else f"{x} ({y})" for x, y in cells))
        parts.append(table)
    return parts


def _units(value: float) -> str:
    """Return units with the digits that a table of many weeks has room for."""
    return f"{value:,.0f}" if abs(value) >= 100 or abs(value) < 0.05 else f"{value:,.1f}"


def shadow_prices(solution: Solution) -> list[RenderableType]:
    """Return what capacities are worth, and the flows of which one more unit matters most."""
    identities = solution.contracts.identities
    families = [name for name in solution.duals if name not in identities and not name.endswith("_tangents")]
    title = "shadow prices: cost saved per unit of a limit, the {} largest of each kind"
    headings, shown = ("limit", "worth"), partial(tables.money, digits=4)
    # more of a limit makes the cost less
    table = tables.shadow_prices(solution, families, title, headings, operator.neg, PRICED, shown)
    parts: list[RenderableType] = [table] if table.row_count else []
    prices = solution.contracts.prices
    if len(prices):
        flow = prices.abs().idxmax()
        price, where = prices[flow], words(prices.index.names, flow)
        if price > 0:
            effect = f"costs its supplier {price:,.4f} more than he is paid, and saves the receiver as much"
        else:
            effect = f"brings its supplier {-price:,.4f} more than it costs him, and costs the receiver as much"
        parts.append(Text(f"largest gap between shadow price and price paid: one more unit {effect} ({where})"))
    return parts


def truth(checked: JointPlanAudit) -> Text:
    """Return what the audit says, in a sentence."""
    if not checked.searched:
        lies = "no misreport of a supplier could be tried"
    elif checked.truthful is not False:
        expected = " in expectation" if checked.incentive_concept == "bayesian_ic" else ""
        lies = f"none of {checked.searched} misreports gains{expected} (largest {checked.max_regret:.1e})"
        lies += ", though not of every supplier could any be tried" if checked.truthful is None else ""
    else:
        lie = checked.misreports[0]
        lies = f"{lie.party} would lie: by reporting {lie.report} he gains {checked.measures.amount(lie.gain)}"
    parts = [f"audit: {lies}", f"smallest net gain of a supplier {checked.measures.amount(checked.min_net_gain)}"]
    if checked.excess and checked.excess > GAP * checked.scale:
        parts.append(f"no misreport can gain more than {significant(checked.excess)}, what the plan may cost above the least")
    return Text("; ".join(parts), style="" if checked.truthful else "yellow")


def searched(checked: JointPlanAudit) -> list[RenderableType]:
    """Return what was searched: how many misreports of which kinds, and what the best of them gains."""
    table = tables.table("misreports that were tried", "by", "tried", "kinds", "largest gain", left=("by", "kinds"))
    for name, kinds in checked.tried.items():
        result = checked.properties[name]
        best = checked.measures.money(result.worst) if result.searched else "not searched"
        of_kinds = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "-"
        table.add_row(WHO[name], str(sum(kinds.values())), of_kinds, best)
    parts: list[RenderableType] = [table]
    names: dict[str, list[str]] = {}
    for name, parties in checked.not_searched.items():
        names.setdefault(", ".join(parties), []).append(WHO[name])
    return parts + [Text(f"not searched, {', '.join(whose)}: {who}", style="yellow") for who, whose in names.items()]


def promises(checked: JointPlanAudit) -> list[RenderableType]:
    """Return what is guaranteed of whom, whatever was searched."""
    return [Text(f"guarantee, {whose}: {guarantee}") for whose, guarantee in checked.guarantees.items()]


def compared(case: str, frame: pd.DataFrame) -> list[RenderableType]:
    """Return mechanisms side by side."""
    short_of = partial(short, money=tables.words_of(frame).money)
    columns = (
        ("cost", lambda row: short_of(row["profit"])),
        ("saved", lambda row: short_of(row["savings"])),
        ("saved\n%", lambda row: tables.share(row["savings_share"])),
        ("budget", lambda row: short_of(row["budget"])),
        ("left to\nreceivers", lambda row: short_of(row["residual"])),
        ("largest\nregret", lambda row: short_of(row["max_regret"])),
        ("least\ngain", lambda row: short_of(row["min_net_gain"])),
        ("truthful", lambda row: row["truthful"]),
        ("sec-\nonds", lambda row: f"{row['seconds']:.2f}"),
    )
    return tables.side_by_side(case, frame, columns, parameters=False)
