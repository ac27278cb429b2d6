"""Tables 1 to 5 of the capacity allocation paper, recomputed in closed form: the optimal mechanism against full information.

Retailers face linear demand, and the supplier chooses the capacity. `table_1` has the columns of the optimal mechanism;
`table_1_fixed_price` has those that Table 1 takes from the game of Cachon and Lariviere (1999b), and compares it with that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import numpy as np

from veridical.contracts.orders import Equilibrium
from veridical.data import AllocationCase
from veridical.data.arrays import Array
from veridical.data.lazy import pd
from veridical.solvers.closed_form import allocation as closed
from veridical.solvers.closed_form.fixed_price import Ordering, ordering, service_capacity, without_warning
from veridical.studies.papers.reproduction import Reproduction, Row

__all__ = ["TABLES", "auction", "table", "table_1_fixed_price", "table_5"]

CONCENTRATED = (0.05, 0.25, 0.4, 0.25, 0.05)  # Table 1's prior over its five types
SEARCH = "what remains is the authors' loose search for the capacity"
ABOVE = "printed is more than any capacity earns: no search explains it, and what gives it was not found"
DENOMINATOR = "printed is (pi_C - pi_D) / pi_D; the other tables divide by pi_C"
FIGURES = {  # of Tables 1 to 4, in words: what they print, in the order of the columns
    "central_profit": "centralized profit",
    "central_profit_per_retailer": "centralized profit per retailer",
    "central_capacity": "centralized capacity, units",
    "penalty_pct": "penalty %",
    "supplier_share_pct": "supplier's share %",
    "capacity_ratio_pct": "capacity against centralized %",
}
WHOLESALE_PRICES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
COST_RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)  # capacity cost over wholesale price
RANDOM_STARTS = 3  # from which equilibria are looked for, beside truthful orders and everybody ordering all
FIXED_PRICE_FIGURES = {  # in words, and the digits in print
    "fixed_price_penalty_pct": ("fixed-price penalty %", 1),
    "fixed_price_supplier_share_pct": ("fixed-price supplier's share %", 2),
    "fixed_price_capacity_ratio_pct": ("fixed-price capacity against centralized %", 0),
    "supplier_profit_increase_pct": ("supplier's gain by the optimal mechanism %", 0),
}
HALF_UNITS = "printed is against the best capacity in half units, from 10 on, not against the optimum of full information"
NOT_FOUND = "no reading of the game gives the printed figure"
NO_SHARE = "printed is the retailers' loss against truthful orders, to 0.1 %, over 1 - penalty; exact is the supplier's share"
MISSED = "; so recomputed, it is not the printed figure to the digit"
NO_PROFIT = "printed takes the retailers' loss, to 0.1 % of the centralized profit, for the supplier's profit at the fixed price"


def case_of(types: Sequence[int], count: int, probabilities: Sequence[float] | None = None, **fields: Any) -> AllocationCase:
    """Return retailers with linear demand and types that are equally likely unless their probabilities are given."""
    shares = list(probabilities or [1 / len(types)] * len(types))
    group = {"count": count, "types": list(types), "probabilities": shares, "revenue": {"form": "linear_demand"}}
    return AllocationCase.model_validate({"retailers": [group], **fields})


def printed(number: int) -> pd.DataFrame:
    """Return a table as it is printed."""
    return pd.read_csv(str(files("veridical.data") / "published" / f"allocation_table{number}.csv"))


@dataclass(frozen=True)
class Table:
    """One of Tables 1 to 4: titles of table and figure, what is varied beside the cost of capacity, and the retailers.

    label, series: a row and a line of the figure in words, formatted with the row's columns and with the value of `varied`. case:
    the retailers for such a value, and a cost of capacity.
    """

    title: str
    figure: str
    label: str
    varied: str
    series: str
    case: Callable[[int, float], AllocationCase]


TABLES = {
    1: Table(
        "the optimal mechanism by the cost of capacity, five retailers",
        "five retailers, types 4 to 8 concentrated on 6",
        *("c={capacity_cost:g}", "retailers", "{} retailers"),
        lambda count, cost: case_of(range(4, 9), count, CONCENTRATED, capacity_cost=cost),
    ),
    2: Table(
        "the optimal mechanism by the number of retailers",
        "by the number of retailers, types 4 to 8",
        *("c={capacity_cost:g}, N={retailers:g}", "retailers", "{} retailers"),
        lambda count, cost: case_of(range(4, 9), count, capacity_cost=cost),
    ),
    3: Table(
        "the optimal mechanism by the mean of the types, five retailers",
        "by the mean of five types, five retailers",
        *("c={capacity_cost:g}, mean {mean_type:g}", "mean_type", "mean type {}"),
        lambda mean, cost: case_of(range(mean - 2, mean + 3), 5, capacity_cost=cost),
    ),
    4: Table(
        "the optimal mechanism by the number of types around 6, five retailers",
        "by the number of types around 6, five retailers",
        *("c={capacity_cost:g}, {type_states:g} types", "type_states", "{} types"),
        lambda count, cost: case_of(range(6 - count // 2, 7 + count // 2), 5, capacity_cost=cost),
    ),
}


def table(number: int) -> Reproduction:
    """Return one of Tables 1 to 4: full information, penalty, supplier's share, and capacity, both mechanisms at their best.

    Behind them, column by column, how far the printed figures are from what is recomputed as published, at most.
    """
    rows, study = [], TABLES[number]
    errors: dict[str, list[float]] = {}
    for row in printed(number).to_dict("records"):
        case = study.case(int(row.get(study.varied, 5)), row["capacity_cost"])
        chosen, best = closed.capacity_choice(case), closed.centralized(case)
        penalty = closed.decentralization_penalty(chosen, best)
        exact = {
            "central_profit": best.chain_profit,
            "central_profit_per_retailer": best.chain_profit / len(case.order),
            "central_capacity": best.capacity,
            "penalty_pct": 100 * penalty,
            "supplier_share_pct": 100 * chosen.supplier_share,
            "capacity_ratio_pct": 100 * chosen.capacity / best.capacity,
        }
        for column, words in FIGURES.items():
            if column not in row:
                continue
            value = exact[column]
            over_decentralized = number == 3 and column == "penalty_pct"
            as_published = 100 * penalty / (1 - penalty) if over_decentralized else value
            why = DENOMINATOR if over_decentralized else SEARCH
            if column.startswith("central_profit") and row[column] > value:
                why = ABOVE
            note = "" if round(value, 2) == row[column] else why
            label = f"{study.label.format_map(row)}: {words}"
            rows.append(Row(label, value, as_published, note, float(row[column]), f"Table {number}"))
            errors.setdefault(words, []).append(abs(row[column] - as_published))
    rows += [Row(f"largest error in print, of {len(each)}: {words}", max(each)) for words, each in errors.items()]
    return Reproduction.of(f"allocation-table-{number}", study.title, rows)


def ordering_game(price: float, ratio: float) -> AllocationCase:
    """Return one of the 35 cases of Cachon and Lariviere: the retailers of Table 1, a price, capacity at ratio * price."""
    terms = {"wholesale_price": price, "rule": "linear"}
    return TABLES[1].case(5, round(price * ratio, 10)).changed(fixed_price=terms)


@cache
def equilibrium(price: float, ratio: float, starts: int = RANDOM_STARTS) -> Equilibrium:
    """Return the equilibrium of such a case, at `service_capacity`; without random starts in a third of the time."""
    return without_warning(ordering_game(price, ratio), starts=starts)


def table_1_fixed_price(starts: int = RANDOM_STARTS) -> Reproduction:
    """Return Table 1's last four columns: linear rationing at a fixed price, and how much better the optimal mechanism is.

    Wholesale price and capacity cost are not in print: of the 35 cases of Cachon and Lariviere, 30 have capacity costs of their
    own, and where two share one, that is shown whose capacity is nearer to the printed. The supplier builds `service_capacity`.
    """
    games: dict[float, list[tuple[float, float]]] = {}
    for price, ratio in product(WHOLESALE_PRICES, COST_RATIOS):
        games.setdefault(round(price * ratio, 10), []).append((price, ratio))
    rows = [figure for _, row in printed(1).iterrows() for figure in fixed_price_rows(row, games[row["capacity_cost"]], starts)]
    title = "linear rationing at a fixed price by the cost of capacity, five retailers"
    return Reproduction.of("allocation-table-1-fixed-price", title, rows)


def fixed_price_rows(row: Any, games: Sequence[tuple[float, float]], starts: int) -> list[Row]:
    """Return the fixed-price figures of one row of Table 1, given price and ratio of the games with its capacity cost."""
    cases = {pair: ordering_game(*pair) for pair in games}
    best = closed.centralized(cases[games[0]])
    halves = in_half_units(cases[games[0]], best)
    shown = row["fixed_price_capacity_ratio_pct"] / 100 * halves.capacity
    pair = min(games, key=lambda pair: abs(service_capacity(cases[pair]) - shown))
    game, outcome = cases[pair], equilibrium(*pair, starts)
    optimal = closed.capacity_choice(game).supplier_profit
    penalty = 1 - outcome.chain_profit / best.chain_profit
    penalty_as_printed = 1 - outcome.chain_profit / halves.chain_profit
    loss = round(100 * (1 - retained(outcome) / retained(ordering(game))), 1)
    taken = loss / 100 * halves.chain_profit
    figures = (
        (100 * penalty, 100 * penalty_as_printed, HALF_UNITS),
        (100 * outcome.supplier_share, loss / (1 - penalty_as_printed), NO_SHARE),
        (100 * outcome.capacity / best.capacity, 100 * outcome.capacity / halves.capacity, HALF_UNITS),
        (100 * (optimal / outcome.supplier_profit - 1), 100 * (optimal / taken - 1) if taken else np.inf, NO_PROFIT),
    )
    also = ""
    if len(outcome.found) > 1:
        shares = [100 * other.supplier_share for other in outcome.found]
        also = f"; of {len(shares)} equilibria, with supplier's shares of {min(shares):.2f} to {max(shares):.2f} %, the first"
    rows = []
    for (column, (words, digits)), (exact, as_published, why) in zip(FIXED_PRICE_FIGURES.items(), figures, strict=True):
        value = float(row[column])
        note = "" if round(exact, digits) == value else why
        if note and round(as_published, digits) != value:
            note = NOT_FOUND if why == HALF_UNITS else note + MISSED
        label = f"c={row['capacity_cost']:g}, w={outcome.wholesale_price:g}: {words}"
        if column != "fixed_price_capacity_ratio_pct":
            note = f"{note}{also}".removeprefix("; ")
        rows.append(Row(label, exact, as_published, note, value, "Table 1"))
    return rows


def in_half_units(case: AllocationCase, best: closed.Rationing) -> closed.Rationing:
    """Return the optimum with full information among capacities in half units: the sums of orders theta / 2 that there can be.

    Below 10 units, the least such sum, it is the optimum itself: the printed capacity ratios need both.
    """
    if best.capacity <= 10:
        return best
    near = {np.floor(2 * best.capacity) / 2, np.ceil(2 * best.capacity) / 2}
    return max((closed.centralized(case, float(capacity)) for capacity in sorted(near)), key=lambda optimum: optimum.chain_profit)


def retained(orders: Ordering) -> float:
    """Return what all retailers keep of the chain's profit."""
    return orders.chain_profit - orders.supplier_profit


def worth_of(allocated: Array, types: Array) -> Array:
    """Return the expected revenue of each type under each report, (report, type), from units by report and the other's type."""
    worth: Array = (allocated[:, None, :] * (types[None, :, None] - allocated[:, None, :])).mean(axis=2)
    return worth


def auction() -> tuple[Array, closed.Allocation, Array]:
    """Return the types of Table 5, the optimum for its two retailers, and units by own and the other's type."""
    types = np.arange(4.0, 9.0)
    optimum = closed.allocation(case_of(types.tolist(), 2, capacity=2.63))
    allocated = np.empty((5, 5))
    for (low, high), (few, many) in zip(optimum.profiles.types(), optimum.quantity, strict=True):
        allocated[low, high], allocated[high, low] = few, many
    return types, optimum, allocated


def table_5() -> Reproduction:
    """Return Table 5: the auction for two retailers with capacity 2.63; its allocation, its bids, and the regret they leave."""
    shown = printed(5)
    bids = shown["bid_retailer_1"].to_numpy()
    figures = shown.drop(columns="bid_retailer_1").to_numpy()
    types, optimum, allocated = auction()
    rows = [
        Row(f"type {types[i]:g} against type {types[j]:g}: units", units, units, "", float(figures[i, j]), "Table 5")
        for (i, j), units in np.ndenumerate(allocated)
    ]
    virtual = np.diag(worth_of(allocated, types)) - (8 - types) * allocated.mean(axis=1)
    note = "printed is the virtual revenue E[R] - (8 - theta) E[Q]; exact is the payment (3), the bid that is worth making"
    rows += [
        Row(f"type {theta:g}: bid", float(paid), float(worth), note if theta > 4 else "", float(bid), "Table 5")
        for theta, paid, worth, bid in zip(types, optimum.payments[0], virtual, bids, strict=True)
    ]
    profit = worth_of(figures, types) - bids[:, None]
    regret = float((profit.max(axis=0) - np.diag(profit)).max())
    note = "a type 8 who bids as a type 6"
    rows.append(Row("largest gain from bidding as another type", optimum.audit.max_regret, regret, note))
    return Reproduction.of("allocation-table-5", "the auction for two retailers", rows)
