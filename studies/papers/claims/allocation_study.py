"""What the allocation paper says of its tables, sections 5 and 6, held against the tables recomputed, exact.

The manipulable benchmark is the 35 cases of Cachon and Lariviere, of which Table 1 shows 30: `allocation_tables`. Where a case
has several equilibria it is the one that truthful orders lead to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise, product

import numpy as np

from veridical.contracts.orders import Equilibrium
from veridical.data.lazy import pd
from veridical.solvers.closed_form import allocation as closed
from veridical.studies.papers.allocation_tables import (
    COST_RATIOS,
    FIGURES,
    FIXED_PRICE_FIGURES,
    TABLES,
    WHOLESALE_PRICES,
    case_of,
    equilibrium,
    ordering_game,
    printed,
    table,
    table_1_fixed_price,
    table_5,
)
from veridical.studies.papers.claims.claim import Claims, Verdict, listed, printed_digits

__all__ = ["CLAIMS"]

CLAIMS = Claims("allocation paper")
STARTS = 0  # random ones: the first equilibrium needs none
ROUNDING = 1e-9
CELLS = {  # the columns of Tables 1 to 4: their places in words
    1: ("central_profit", "central_capacity", "penalty_pct", "supplier_share_pct", "capacity_ratio_pct"),
    2: ("central_profit_per_retailer", "penalty_pct", "supplier_share_pct", "capacity_ratio_pct"),
    3: ("penalty_pct", "supplier_share_pct", "capacity_ratio_pct"),
    4: ("central_profit", "central_capacity", "penalty_pct", "supplier_share_pct", "capacity_ratio_pct"),
}


@cache
def cells(number: int) -> pd.DataFrame:
    """Return one of Tables 1 to 4: rows and columns as printed, figures exact."""
    rows, shown = table(number).table["exact"], printed(number)
    for name in CELLS[number]:
        labels = [f"{TABLES[number].label.format_map(row)}: {FIGURES[name]}" for row in shown.to_dict("records")]
        shown[name] = rows[labels].to_numpy()
    return shown


def column(number: int, name: str) -> Verdict:
    """Return whether a printed column of Tables 1 to 4 is exact to its digits."""
    return printed_digits(cells(number)[name], printed(number)[name], 2, "cells")


CLAIMS.extend(
    "section 5",
    [
        (f"Table {number}, column {FIGURES[name]}", "to two digits", partial(column, number, name))
        for number, names in CELLS.items()
        for name in names
    ],
)


def fixed_price_column(name: str) -> Verdict:
    """Return whether one of the last four columns of Table 1 is exact to its digits."""
    words, digits = FIXED_PRICE_FIGURES[name]
    rows = table_1_fixed_price(STARTS).table.filter(like=f": {words}", axis=0)
    return printed_digits(rows["exact"], rows["published"], digits, "cells")


CLAIMS.extend(
    "section 5.1",
    [
        (f"Table 1, column {words}", "to its digits", partial(fixed_price_column, name))
        for name, (words, _) in FIXED_PRICE_FIGURES.items()
    ],
)


def of_table_5(part: str) -> Verdict:
    """Return whether the units or the bids of Table 5 are exact to their digits, halves rounded up."""
    rows = table_5().table.filter(like=f": {part}", axis=0)
    verdict = printed_digits(rows["exact"], rows["published"], 2, "cells")
    if part == "units":
        return verdict
    lie = float(table_5().table["as_published"]["largest gain from bidding as another type"])
    return Verdict(
        verdict.holds, f"true bids {listed(rows['exact'], 4)}; by the printed ones a type 8 gains {lie:.2f} as a type 6", lie
    )


CLAIMS.extend(
    "section 6",
    [(f"Table 5, {part}", "to two digits", partial(of_table_5, part)) for part in ("units", "bid")],
)


@dataclass(frozen=True)
class Game:
    """One of the 35 cases: the manipulable benchmark, the optimal mechanism, and full information."""

    price: float
    cost: float
    orders: Equilibrium
    optimal: closed.Allocation
    best: closed.Rationing

    @property
    def increase(self) -> float:
        """By how many per cent the supplier earns more by the optimal mechanism."""
        return 100 * (self.optimal.supplier_profit / self.orders.supplier_profit - 1)

    @property
    def chain_gains(self) -> bool:
        """Whether the chain earns more by the optimal mechanism."""
        return self.optimal.chain_profit > self.orders.chain_profit


@cache
def games() -> tuple[Game, ...]:
    """Return the 35 cases."""
    found = []
    for price, ratio in product(WHOLESALE_PRICES, COST_RATIOS):
        case = ordering_game(price, ratio)
        orders = equilibrium(price, ratio, STARTS)
        found.append(Game(price, round(price * ratio, 10), orders, closed.capacity_choice(case), closed.centralized(case)))
    return tuple(found)


@CLAIMS.add(
    "abstract, sections 4.1, 5.1 and 7",
    "the supplier earns more by the optimal mechanism than by the manipulable one, in all cases",
    "always",
)
def always_more() -> Verdict:
    increases = [game.increase for game in games()]
    count = sum(increase > 0 for increase in increases)
    return Verdict(min(increases) > 0, f"in {count} of {len(increases)} cases, by {min(increases):.1f} % or more", min(increases))


@CLAIMS.add("sections 4.1, 5.1 and 7", "the least increase of the supplier's profit", "842 %")
def least_increase() -> Verdict:
    least = min(games(), key=lambda game: game.increase)
    rounded = printed_digits([least.increase], [842], 0, "")
    return Verdict(
        rounded.holds,
        f"{least.increase:.1f} %, at w = {least.price:g}, c = {least.cost:g}, of {len(games())} cases",
        least.increase,
    )


def span(values: list[float], low: float, high: float, mean: float, digits: int = 1) -> Verdict:
    """Return whether least, highest and mean value are the printed ones."""
    true = [min(values), max(values), float(np.mean(values))]
    holds = printed_digits(true, [low, high, mean], digits, "").holds
    error = float(np.abs(np.subtract(true, [low, high, mean])).max())
    witness = f"{true[0]:.2f} to {true[1]:.2f}, mean {true[2]:.2f}, of {len(values)} cases: printed is off by {error:.2g} at most"
    return Verdict(holds, witness, true[2])


@CLAIMS.add("section 5.1", "the supplier's share of the chain's profit by the optimal mechanism, %", "74.1 to 79.1, mean 76.9")
def optimal_share() -> Verdict:
    return span([100 * game.optimal.supplier_share for game in games()], 74.1, 79.1, 76.9)


@CLAIMS.add("section 5.1", "his share by the manipulable one, %", "0.0 to 8.3, mean 1.3")
def manipulable_share() -> Verdict:
    return span([100 * game.orders.supplier_share for game in games()], 0.0, 8.3, 1.3)


@CLAIMS.add("section 5.1", "the decentralization penalty is reduced, and increased, in so many of 35 cases", "13, 22")
def penalties() -> Verdict:
    reduced = sum(game.chain_gains for game in games())
    return Verdict(
        (reduced, len(games()) - reduced) == (13, 22),
        f"reduced in {reduced}, increased in {len(games()) - reduced}",
        float(reduced),
    )


@CLAIMS.add("section 5.1", "supplier and chain are both better off by the optimal mechanism", "37 % of cases")
def both() -> Verdict:
    share = 100 * float(np.mean([game.chain_gains and game.increase > 0 for game in games()]))
    return Verdict(printed_digits([share], [37], 0, "").holds, f"{share:.1f} % of {len(games())} cases", share)


@CLAIMS.add("section 5.1", "capacity by the optimal mechanism, % of the centralized", "64.7 to 89.3, mean 77.2")
def optimal_capacity() -> Verdict:
    return span([100 * game.optimal.capacity / game.best.capacity for game in games()], 64.7, 89.3, 77.2)


@CLAIMS.add("section 5.1", "capacity by the manipulable one, % of the centralized", "46.0 to 90.0, mean 72.1")
def manipulable_capacity() -> Verdict:
    return span([100 * game.orders.capacity / game.best.capacity for game in games()], 46.0, 90.0, 72.1)


@CLAIMS.add("section 7", "given any existing policy the supplier is never worse off by the optimal one", "never")
def never_worse() -> Verdict:
    least = min(game.optimal.supplier_profit - game.orders.supplier_profit for game in games())
    return Verdict(least >= 0, f"against the manipulable one he gains {least:.3g} or more in {len(games())} cases", least)


@CLAIMS.add("section 4.1, after Cachon and Lariviere", "at fixed prices linear allocation is manipulable", "true")
def manipulable() -> Verdict:
    gains = [game.orders.truth.regret for game in games()]
    count = sum(gain > ROUNDING for gain in gains)
    return Verdict(
        count > 0,
        f"truthful orders leave a type up to {max(gains):.3f} to gain; in {count} of {len(gains)} cases some",
        max(gains),
    )


@CLAIMS.add("footnote 1", "were capacity free, all orders would be met and the supplier would bear no information rents", "true")
def free_capacity() -> Verdict:
    case = TABLES[1].case(5, 0.0)
    chosen, best = closed.capacity_choice(case), closed.centralized(case)
    share, loss = 100 * chosen.supplier_share, 100 * closed.decentralization_penalty(chosen, best)
    lowest = float(chosen.by_type[:, 0].max())
    witness = (
        f"at c = 0 he keeps {share:.1f} % of the chain's profit, {loss:.1f} % is lost: type 4 gets {lowest:.2g} units at most"
    )
    return Verdict(share > 100 * (1 - ROUNDING) and loss < ROUNDING, witness, share)


def moves(number: int, name: str, over: str, rises: bool, within: str | None = "capacity_cost") -> Verdict:
    """Return whether an exact column rises, or falls, with another, at each value of the one `within` which it is compared."""
    frame, sign = cells(number), 1 if rises else -1
    groups = (
        [("", frame)]
        if within is None
        else [(f"{'c' if within == 'capacity_cost' else within} = {value:g}: ", rows) for value, rows in frame.groupby(within)]
    )
    wrong, worst, steps = [], np.inf, 0
    for label, rows in groups:
        values = rows.sort_values(over)[name].tolist()
        changes = [sign * (after - before) for before, after in pairwise(values)]
        steps, worst = steps + len(changes), min(worst, *changes)
        if min(changes) < -ROUNDING:
            wrong.append(f"{label}{listed(values) if len(values) < 10 else f'{values[0]:.2f} to {values[-1]:.2f}'}")
    if wrong:
        return Verdict(False, f"not at {'; '.join(wrong)}", worst)
    return Verdict(True, f"at all {steps} steps, exact; the least is {worst:.2g}", worst)


UP, DOWN = "rises", "falls"
PROFIT, UNITS, LOSS, SHARE, RATIO = CELLS[1]
EACH = CELLS[2][0]
CLAIMS.extend(
    "section 5.2",
    [
        (f"Table 1: {words} {grows} with c", grows, partial(moves, 1, name, "capacity_cost", grows == UP, None))
        for words, name, grows in (
            ("K_C", UNITS, DOWN),
            ("K_DT / K_C, so that K_DT falls faster,", RATIO, DOWN),
            ("the penalty", LOSS, UP),
        )
    ],
)


@CLAIMS.add("section 5.2", "K_C falls from 15.42 to 5.99", "15.42, 5.99")
def ends_of_capacity() -> Verdict:
    ends = cells(1).sort_values("capacity_cost")[UNITS].iloc[[0, -1]].tolist()
    return Verdict(printed_digits(ends, [15.42, 5.99], 2, "").holds, f"from {ends[0]:.4f} to {ends[1]:.4f}, exact", ends[0])


def tendencies(section: str, number: int, parameter: str, called: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Claim of a table how its figures move with a parameter; `rows`: in words, the column, and whether it rises or falls."""
    CLAIMS.extend(
        section,
        [
            (f"Table {number}: {words} {grows} with {called}", grows, partial(moves, number, name, parameter, grows == UP))
            for words, name, grows in rows
        ],
    )


tendencies(
    "section 5.3",
    2,
    "retailers",
    "N",
    [("pi_C / N", EACH, UP), ("the supplier's share", SHARE, UP), ("the penalty", LOSS, DOWN), ("K_DT / K_C", RATIO, DOWN)],
)


@CLAIMS.add("section 5.4", "a higher mean brings higher centralized profit and capacity (not reported)", UP)
def with_the_mean() -> Verdict:
    steps = []
    for cost in sorted(set(cells(3)["capacity_cost"])):
        best = [closed.centralized(TABLES[3].case(mean, cost)) for mean in sorted(set(cells(3)["mean_type"]))]
        steps += [after.chain_profit - before.chain_profit for before, after in pairwise(best)]
        steps += [after.capacity - before.capacity for before, after in pairwise(best)]
    return Verdict(min(steps) > 0, f"at all {len(steps)} steps; the least is {min(steps):.2g}", min(steps))


tendencies(
    "section 5.4",
    3,
    "mean_type",
    "the mean type",
    [("the penalty", LOSS, DOWN), ("the supplier's share", SHARE, UP), ("K_DT / K_C", RATIO, UP)],
)
tendencies(
    "section 5.5",
    4,
    "type_states",
    "the range of types",
    [
        ("pi_C", PROFIT, UP),
        ("K_C", UNITS, UP),
        ("the penalty", LOSS, UP),
        ("the supplier's share", SHARE, DOWN),
        ("K_DT / K_C", RATIO, DOWN),
    ],
)


@CLAIMS.add("section 5.5", "the number of states varies from 3 to 6", "3 to 6")
def states() -> Verdict:
    found = sorted(set(printed(4)["type_states"]))
    return Verdict((found[0], found[-1]) == (3, 6), f"Table 4 has {listed(found, 0)}", float(found[-1]))


@CLAIMS.add("section 6", "two retailers, c = 1.85: the optimal capacity", "2.63")
def capacity_of_the_auction() -> Verdict:
    capacity = closed.capacity_choice(case_of(range(4, 9), 2, capacity_cost=1.85)).capacity
    return Verdict(printed_digits([capacity], [2.63], 2, "").holds, f"{capacity:.6f}", capacity)
